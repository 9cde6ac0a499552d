"""What a header says before anything is opened by a reader: sizes, names of companion files, number of samples.

Only the few fields that the door needs are parsed, with bounds, so that a hostile or broken header costs a few
kilobytes. A header that cannot be parsed raises ``ValueError`` with the reason.
"""

import re
from dataclasses import dataclass
from pathlib import Path

MOST_CHANNELS = 1024
_MOST_TEXT_BYTES = 4 << 20
_EDF_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8)
_BRAINVISION_BYTES = {"INT_16": 2, "UINT_16": 2, "INT_32": 4, "IEEE_FLOAT_32": 4}


@dataclass(frozen=True)
class EdfHeader:
    """Sizes in an EDF or BDF header.

    Parameters
    ----------
    n_signals, n_records : int
        As stated; ``n_records`` is -1 in a recording that was never closed.
    record_bytes : int
        Size of one data record.
    header_bytes : int
        Where the data start.
    record_s : float
        Length of a data record.
    labels : tuple of str
        Signal names.
    prefilter : tuple of str
        Free text about filters, per signal.
    """

    n_signals: int
    n_records: int
    record_bytes: int
    header_bytes: int
    record_s: float
    labels: tuple[str, ...]
    prefilter: tuple[str, ...]


@dataclass(frozen=True)
class BrainVisionHeader:
    """What a ``.vhdr`` says.

    Parameters
    ----------
    n_channels : int
        As stated.
    data_file, marker_file : str
        Names beside the header; ``marker_file`` may be ``""``.
    sample_bytes : int
        Bytes of one number; 0 for text files.
    n_samples : int or None
        ``DataPoints``, where the header has it.
    sfreq_hz : float
        From the sampling interval.
    """

    n_channels: int
    data_file: str
    marker_file: str
    sample_bytes: int
    n_samples: int | None
    sfreq_hz: float


def read_edf_header(path: Path, *, sample_bytes: int) -> EdfHeader:
    """Parse the sizes of an EDF (2 bytes a sample) or BDF (3) header.

    Raises
    ------
    ValueError
        A field is no number, or the numbers cannot be true.
    """
    with path.open("rb") as stream:
        fixed = stream.read(256)
        if len(fixed) < 256:
            raise ValueError(f"{len(fixed)} bytes, wanted a header of at least 256")
        n_signals = _whole(fixed[252:256], "number of signals")
        if not 0 < n_signals <= MOST_CHANNELS:
            raise ValueError(f"number of signals {n_signals}, wanted 1 to {MOST_CHANNELS}")
        header_bytes = _whole(fixed[184:192], "number of header bytes")
        if header_bytes != 256 * (n_signals + 1):
            raise ValueError(f"{header_bytes} header bytes, wanted {256 * (n_signals + 1)} for {n_signals} signals")
        columns = [[stream.read(width) for _ in range(n_signals)] for width in _EDF_FIELDS]
    samples = [_whole(field, "samples per record") for field in columns[8]]
    record_s = _number(fixed[244:252], "length of a record")
    if min(samples) < 0 or sum(samples) == 0 or record_s < 0:
        raise ValueError(f"{sum(samples)} samples in a record of {record_s:g} s, wanted positive numbers")
    return EdfHeader(
        n_signals=n_signals,
        n_records=_whole(fixed[236:244], "number of records"),
        record_bytes=sample_bytes * sum(samples),
        header_bytes=header_bytes,
        record_s=record_s,
        labels=tuple(_text(field) for field in columns[0]),
        prefilter=tuple(_text(field) for field in columns[7]),
    )


def read_brainvision_header(path: Path) -> BrainVisionHeader:
    """Parse the sizes and file names of a ``.vhdr``.

    Raises
    ------
    ValueError
        Not a BrainVision header, a field is missing or cannot be true.
    """
    fields = dict(re.findall(r"(?m)^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$", _bounded_text(path).split("[Comment]")[0]))
    missing = [
        name for name in ("DataFile", "NumberOfChannels", "SamplingInterval", "DataFormat") if not fields.get(name)
    ]
    if missing:
        raise ValueError(f"not a readable BrainVision header: no {', '.join(missing)}")
    n_channels = _whole(fields["NumberOfChannels"].encode(), "NumberOfChannels")
    if not 0 < n_channels <= MOST_CHANNELS:
        raise ValueError(f"NumberOfChannels {n_channels}, wanted 1 to {MOST_CHANNELS}")
    interval_us = _number(fields["SamplingInterval"].encode(), "SamplingInterval")
    if interval_us <= 0:
        raise ValueError(f"SamplingInterval {interval_us:g}, wanted above 0")
    points = fields.get("DataPoints", "")
    base = path.name.rsplit(".", 1)[0]
    return BrainVisionHeader(
        n_channels=n_channels,
        data_file=fields["DataFile"].replace("$b", base),
        marker_file=fields.get("MarkerFile", "").replace("$b", base),
        sample_bytes=_BRAINVISION_BYTES.get(fields.get("BinaryFormat", ""), 0)
        if fields["DataFormat"] == "BINARY"
        else 0,
        n_samples=int(points) if points.isdigit() and int(points) > 0 else None,
        sfreq_hz=1e6 / interval_us,
    )


def last_brainvision_marker(path: Path) -> int:
    """Return the largest sample number (counted from 1) of a ``.vmrk``; 0 when there is none."""
    positions = re.findall(r"(?m)^Mk\d+=[^,\r\n]*,[^,\r\n]*,\s*(\d{1,15})\s*,", _bounded_text(path))
    return max(map(int, positions), default=0)


def _bounded_text(path: Path) -> str:
    with path.open("rb") as stream:
        content = stream.read(_MOST_TEXT_BYTES + 1)
    if len(content) > _MOST_TEXT_BYTES:
        raise ValueError(f"text header above {_MOST_TEXT_BYTES} bytes")
    return content.decode("utf-8", errors="replace")


def _text(field: bytes) -> str:
    return field.decode("latin-1").strip("\x00 ")


def _number(field: bytes, name: str) -> float:
    try:
        value = float(field.decode("ascii").strip("\x00 "))
    except ValueError:
        raise ValueError(f"{name} is not a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{name} is not a finite number")
    return value


def _whole(field: bytes, name: str) -> int:
    value = _number(field, name)
    if value != int(value):
        raise ValueError(f"{name} is not a whole number")
    return int(value)
