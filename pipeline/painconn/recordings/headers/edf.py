"""EDF, EDF+, BDF and BDF+ (Kemp et al., https://www.edfplus.info/specs)."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.recordings.headers.fields import number, read_start, whole
from painconn.recordings.headers.outline import (
    CutFault,
    HeaderFault,
    Outline,
    checked_channels,
    checked_rate,
    checked_samples,
    no_companions,
)

companions_of = no_companions

_FIXED_BYTES = 256
_WIDTHS = {
    "label": 16, "transducer": 80, "unit": 8, "physical minimum": 8, "physical maximum": 8, "digital minimum": 8,
    "digital maximum": 8, "prefilter": 80, "samples per record": 8, "reserved": 32,
}  # fmt: skip
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_TRIGGERS = ("status", "trigger")
_ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)\x14\x14")
_ONSET_BYTES = 32
_ENDLESS_NUMBER = re.compile(rb"\d{64}")
_LONGEST_TEXT = 1 << 16
_ONSET_TOLERANCE_S = 2e-3


@dataclass(frozen=True)
class _Header:
    n_records: int
    record_s: float
    header_bytes: int
    sample_bytes: int
    plus: str
    labels: tuple[str, ...]
    samples: tuple[int, ...]

    @property
    def record_bytes(self) -> int:
        return self.sample_bytes * sum(self.samples)

    @property
    def signals(self) -> list[int]:
        return [index for index, label in enumerate(self.labels) if label not in _ANNOTATIONS]

    @property
    def annotations(self) -> list[int]:
        return [index for index, label in enumerate(self.labels) if label in _ANNOTATIONS]


def outline_of(path: Path) -> Outline:
    """Return the outline of an EDF (2 bytes a sample) or BDF (3) file, by the end of its name."""
    header = _read(path)
    n_records = _records(path, header)
    if header.annotations:
        _check_texts(path, header, n_records)
    if header.plus:
        _check_onsets(path, header, n_records)
    signals = header.signals
    timed = [index for index in signals if header.labels[index].lower() not in _TRIGGERS] or signals
    most = max(header.samples[index] for index in signals)
    return Outline(
        n_channels=len(signals),
        n_samples=checked_samples(n_records * most, "samples of a channel"),
        sfreq_hz=checked_rate(max(header.samples[index] for index in timed) / header.record_s, "samples per record"),
        rates_hz=tuple(header.samples[index] / header.record_s for index in signals),
    )


def labels_of(path: Path) -> tuple[str, ...]:
    """Return the labels of the signals as the file holds them."""
    header = _read(path)
    return tuple(header.labels[index] for index in header.signals)


def _read(path: Path) -> _Header:
    bdf = path.suffix.lower() == ".bdf"
    fixed = read_start(path, _FIXED_BYTES)
    version = fixed[:8].rstrip(b" \x00")
    if version != (b"\xffBIOSEMI" if bdf else b"0"):
        raise HeaderFault(
            "another format than the name says",
            "a BDF file" if bdf else "an EDF file",
            "name the file by its format, or export it again",
        )
    n_signals = checked_channels(whole(fixed[252:256], "number of signals"), "number of signals")
    header_bytes = whole(fixed[184:192], "number of header bytes")
    if header_bytes != _FIXED_BYTES * (n_signals + 1):
        raise HeaderFault(f"{header_bytes} header bytes", f"{_FIXED_BYTES * (n_signals + 1)} for {n_signals} signals")
    fields = _columns(read_start(path, header_bytes)[_FIXED_BYTES:], n_signals)
    samples = [whole(field, "samples per record") for field in fields["samples per record"]]
    record_s = number(fixed[244:252], "length of a record")
    if min(samples) < 1 or record_s <= 0:
        raise HeaderFault(f"{min(samples)} samples in a record of {record_s:g} s", "positive numbers")
    labels = tuple(field.strip().decode("latin-1") for field in fields["label"])
    plus = fixed[192:197].decode("latin-1")
    header = _Header(
        n_records=whole(fixed[236:244], "number of records"),
        record_s=record_s,
        header_bytes=header_bytes,
        sample_bytes=3 if bdf else 2,
        plus=plus if re.fullmatch(r"[EB]DF\+[CD]", plus) else "",
        labels=labels,
        samples=tuple(samples),
    )
    _check_signals(header, fields)
    return header


def _columns(content: bytes, n_signals: int) -> dict[str, list[bytes]]:
    columns, start = {}, 0
    for name, width in _WIDTHS.items():
        columns[name] = [content[start + index * width : start + (index + 1) * width] for index in range(n_signals)]
        start += n_signals * width
    return columns


def _check_signals(header: _Header, fields: dict[str, list[bytes]]) -> None:
    if not header.signals:
        raise HeaderFault("annotations only", "at least one signal")
    if header.plus and not header.annotations:
        raise HeaderFault(f"{header.plus} without an annotations signal", "a signal EDF Annotations")
    lowest = -(1 << (8 * header.sample_bytes - 1))
    for index in header.signals:
        label = header.labels[index]
        if not label or not label.isprintable():
            raise HeaderFault(f"label {index + 1} is empty or not printable", "a name for each signal")
        if b"\x14" in fields["transducer"][index] or not fields["unit"][index].decode("latin-1").isprintable():
            raise HeaderFault(f"fields of signal {index + 1} are no text", "printable text")
        digital = [whole(fields[f"digital {end}imum"][index], f"digital {end}imum") for end in ("min", "max")]
        physical = [number(_dotted(fields[f"physical {end}imum"][index]), "physical range") for end in ("min", "max")]
        if not lowest <= digital[0] < digital[1] < -lowest:
            raise HeaderFault(f"digital range {digital[0]} to {digital[1]}", f"within {lowest} to {-lowest - 1}")
        if physical[0] == physical[1]:
            raise HeaderFault(f"physical range of signal {index + 1} is empty", "a minimum below the maximum")


def _dotted(field: bytes) -> bytes:
    return field.replace(b",", b".")


def _records(path: Path, header: _Header) -> int:
    """Return how many whole records there are.

    More records than stated, or -1 (a recording that was never closed), are what the file holds; a piece of a record
    is accepted only at the end of one that was never closed.
    """
    n_found, rest = divmod(path.stat().st_size - header.header_bytes, header.record_bytes)
    stated = header.n_records
    if n_found < 1 or (stated != -1 and (stated < 1 or n_found < stated or rest)):
        n_pieces = n_found + rest / header.record_bytes
        raise CutFault(
            f"{n_pieces * header.record_s:.3f} s ({n_pieces:.2f} records)",
            f"{stated * header.record_s:.3f} s ({stated} records) by its header",
        )
    return n_found


def _annotation_bytes(path: Path, header: _Header, n_records: int, index: int) -> NDArray[np.uint8]:
    """Return the bytes of an annotation signal, shape (records, bytes)."""
    start = header.sample_bytes * sum(header.samples[:index])
    shape = (n_records, header.record_bytes)
    records = np.memmap(path, dtype=np.uint8, mode="r", offset=header.header_bytes, shape=shape)
    return np.ascontiguousarray(records[:, start : start + header.sample_bytes * header.samples[index]])


def _check_texts(path: Path, header: _Header, n_records: int) -> None:
    """Refuse annotations without an end: the reader's time grows with the square of their length."""
    for index in header.annotations:
        content = _annotation_bytes(path, header, n_records, index).tobytes()
        longest = max(len(piece.replace(b"\0", b"")) for piece in content.split(b"\x14\0"))
        if _ENDLESS_NUMBER.search(content) or longest > _LONGEST_TEXT:
            raise HeaderFault("annotations without an end", "time-stamped annotation lists")


def _check_onsets(path: Path, header: _Header, n_records: int) -> None:
    """Compare the onset that every record of EDF+ states with where it lies in the file."""
    starts = _annotation_bytes(path, header, n_records, header.annotations[0])[:, :_ONSET_BYTES]
    matches = [_ONSET.match(row.tobytes()) for row in starts]
    onsets_s = np.array([float(match[1]) if match else np.nan for match in matches])
    discontinuous = header.plus.endswith("D")
    if discontinuous and np.isnan(onsets_s).any():
        raise HeaderFault(f"{int(np.isnan(onsets_s).sum())} record(s) without an onset", "the onset of every record")
    expected_s = onsets_s[0] + header.record_s * np.arange(n_records)
    tolerance_s = max(_ONSET_TOLERANCE_S, 2 * header.record_s / max(header.samples))
    gaps = np.flatnonzero(np.abs(np.diff(onsets_s - expected_s)) > tolerance_s)
    astray = np.flatnonzero(np.abs(onsets_s - expected_s) > tolerance_s + 1e-6 * expected_s)
    if astray.size:
        where_s = header.record_s * (int(gaps[0] if gaps.size else astray[0]) + 1)
        raise HeaderFault(
            f"{max(gaps.size, 1)} gap(s) between its records, the first after {where_s:.3f} s",
            f"records that follow each other ({header.plus[:4]}C)",
            "export the stretches as separate files, or as one continuous file with the gaps filled and marked",
        )
