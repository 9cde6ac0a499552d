"""BrainVision: ``.vhdr`` (``.ahdr`` for averages) with its samples and markers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from painconn.recordings.headers.fields import number, read_lines, sections_of, whole
from painconn.recordings.headers.outline import (
    Companion,
    CutFault,
    HeaderFault,
    Outline,
    checked_channels,
    checked_rate,
    checked_samples,
)

_SAMPLE_BYTES = {"INT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}
_CODEPAGES = frozenset({"utf-8", "utf8", "ansi", "latin-1", "latin1", "ascii"} | {f"cp125{page}" for page in range(9)})
_HEADER_SUFFIXES = (".vhdr", ".ahdr", ".VHDR", ".AHDR")
_CORRECT = "correct DataFile= and MarkerFile= in the header, or rename the set with mne_bids.copyfiles"
_MARKER = re.compile(r"Mk(\d{1,9})=(.*)")


@dataclass(frozen=True)
class _Header:
    n_channels: int
    data_file: str
    marker_file: str
    labels: tuple[str, ...]
    sample_bytes: int
    n_samples: int | None
    sfreq_hz: float


def companions_of(path: Path) -> Iterator[Companion]:
    """Yield the file of samples and the file of markers.

    Raises
    ------
    HeaderFault
        After they were yielded: one of them is that of another recording.
    """
    header = _read(path)
    samples = path.parent / header.data_file
    yield Companion(header.data_file, samples, "samples")
    markers = _markers(path, header)
    if markers is not None:
        yield Companion(markers.name, markers, "markers")
    if _is_of_another(path, samples):
        raise HeaderFault(
            "samples of another recording: DataFile= has the name of another header", "its own samples", _CORRECT
        )
    if markers is not None and (_is_of_another(path, markers) or _names_other_samples(path, markers, samples)):
        raise HeaderFault(
            "markers of another recording, by the name of their file or the DataFile= in it",
            "its own markers",
            _CORRECT,
        )


def outline_of(path: Path) -> Outline:
    """Return the outline; the size of the binary file and the last marker are compared with the header."""
    header = _read(path)
    n_samples = None
    if header.sample_bytes:
        n_samples = checked_samples(_binary_samples(path, header), "samples of a channel")
    return Outline(header.n_channels, n_samples, header.sfreq_hz)


def labels_of(path: Path) -> tuple[str, ...]:
    """Return the names of the channels as the file holds them."""
    return _read(path).labels


def file_names(path: Path) -> tuple[Path, Path | None]:
    """Return where the samples are, and the markers if they are there."""
    header = _read(path)
    markers = _markers(path, header)
    return path.parent / header.data_file, markers if markers is not None and markers.is_file() else None


def _markers(path: Path, header: _Header) -> Path | None:
    """Return the marker file that is named, or after a renaming the one with the name of the header."""
    if not header.marker_file:
        return None
    named = path.parent / header.marker_file
    beside = path.with_suffix(".vmrk")
    return beside if not named.exists() and beside.exists() else named


def _is_of_another(path: Path, companion: Path) -> bool:
    """Whether a file has the name of another header that lies beside it."""
    if companion.parent == path.parent and companion.stem.lower() == path.stem.lower():
        return False
    return companion.is_file() and any(companion.with_suffix(suffix).is_file() for suffix in _HEADER_SUFFIXES)


def _names_other_samples(path: Path, markers: Path, samples: Path) -> bool:
    """Whether markers are about other samples.

    Files renamed by hand keep the old name inside: where the name of the markers is that of the header, it counts.
    """
    if markers.stem.lower() == path.stem.lower() or not markers.is_file():
        return False
    stated = sections_of(read_lines(markers)).get("Common Infos", {}).get("DataFile", "").replace("$b", markers.stem)
    return bool(stated) and stated.replace("\\", "/").rpartition("/")[2].lower() != samples.name.lower()


def _read(path: Path) -> _Header:
    sections = sections_of(read_lines(path), until="[Comment]")
    fields = {name: value for section in sections.values() for name, value in section.items()}
    missing = [
        name for name in ("DataFile", "NumberOfChannels", "SamplingInterval", "DataFormat") if not fields.get(name)
    ]
    if missing:
        raise HeaderFault(f"not a readable BrainVision header: no {', '.join(missing)}")
    _check_codepage(fields.get("Codepage", ""))
    n_channels = checked_channels(whole(fields["NumberOfChannels"], "NumberOfChannels"), "NumberOfChannels")
    infos = sections.get("Channel Infos", {})
    _check_channels(infos, n_channels)
    interval_us = number(fields["SamplingInterval"], "SamplingInterval")
    if interval_us <= 0:
        raise HeaderFault(f"SamplingInterval {interval_us:g}", "above 0")
    points = fields.get("DataPoints", "")
    stem = path.name.rsplit(".", 1)[0]
    return _Header(
        n_channels=n_channels,
        data_file=fields["DataFile"].replace("$b", stem),
        marker_file=fields.get("MarkerFile", "").replace("$b", stem),
        # The format writes a comma in a name as \1.
        labels=tuple(infos[f"Ch{place + 1}"].split(",")[0].replace(r"\1", ",") for place in range(n_channels)),
        sample_bytes=_sample_bytes(fields),
        n_samples=whole(points, "DataPoints") if points else None,
        sfreq_hz=checked_rate(1e6 / interval_us, "SamplingInterval"),
    )


def _check_codepage(name: str) -> None:
    if name and name.lower() not in _CODEPAGES:
        raise HeaderFault("an unknown Codepage", "UTF-8 or ANSI")


def _check_channels(infos: dict[str, str], n_channels: int) -> None:
    if set(infos) != {f"Ch{number + 1}" for number in range(n_channels)}:
        raise HeaderFault(f"{len(infos)} lines Ch<number>= for {n_channels} channels", "one line for each channel")
    for name, value in infos.items():
        parts = value.split(",")
        if len(parts) < 3 or not parts[0].strip() or not parts[0].isprintable():
            raise HeaderFault(f"line {name} without a name, or broken", "name, reference, resolution, unit")
        if parts[2].strip():
            number(parts[2], f"resolution in line {name}")


def _sample_bytes(fields: dict[str, str]) -> int:
    if fields.get("DataOrientation", "") not in ("MULTIPLEXED", "VECTORIZED"):
        raise HeaderFault("an unknown DataOrientation", "MULTIPLEXED or VECTORIZED")
    if fields["DataFormat"] == "ASCII":
        return 0
    if fields["DataFormat"] != "BINARY" or fields.get("BinaryFormat", "") not in _SAMPLE_BYTES:
        raise HeaderFault("an unknown DataFormat or BinaryFormat", f"BINARY with {', '.join(_SAMPLE_BYTES)}, or ASCII")
    return _SAMPLE_BYTES[fields["BinaryFormat"]]


def _binary_samples(path: Path, header: _Header) -> int:
    # An average holds one channel more than its header lists; the reader drops it.
    n_rows = header.n_channels + (path.suffix.lower() == ".ahdr")
    data_file, markers = file_names(path)
    n_samples, rest = divmod(data_file.stat().st_size, header.sample_bytes * n_rows)
    found = f"{n_samples / header.sfreq_hz:.3f} s ({n_samples} samples{' and a piece' if rest else ''})"
    last = last_marker(markers) if markers is not None else 0
    if header.n_samples is not None and n_samples != header.n_samples:
        raise CutFault(found, f"{header.n_samples} samples by its header")
    if last > n_samples:
        raise CutFault(found, f"at least {last} samples, where its last marker lies")
    if rest:
        raise CutFault(found, "a whole number of samples")
    return n_samples


def last_marker(path: Path) -> int:
    """Return the largest sample number (counted from 1) of a ``.vmrk``; 0 when there is none.

    Raises
    ------
    HeaderFault
        Not a marker file, or its markers are not numbered from 1 on.
    """
    lines = read_lines(path)
    sections = sections_of(lines)
    _check_codepage(sections.get("Common Infos", {}).get("Codepage", ""))
    markers = [match.groups() for line in lines if (match := _MARKER.match(line))]
    if [int(place) for place, _ in markers] != list(range(1, len(markers) + 1)) or "Marker Infos" not in sections:
        raise HeaderFault("markers that are not numbered from 1 on", "Mk1, Mk2, ... in a section Marker Infos")
    positions = [0]
    for place, value in markers:
        parts = value.split(",")
        if len(parts) < 4:
            raise HeaderFault(f"marker {place} has {len(parts)} parts", "type, description, position, size")
        positions.append(whole(parts[2], f"position of marker {place}"))
    if min(positions) < 0:
        raise HeaderFault("a marker before the first sample", "positions from 1 on")
    return max(positions)
