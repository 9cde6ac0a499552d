"""GDF 1.x and 2.x (Schlögl, https://arxiv.org/abs/cs/0608052)."""

import math
from pathlib import Path

from painconn.recordings.headers.fields import number, read_start, unpack
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

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 16: 4, 17: 8}
_FIXED_BYTES = 256


def outline_of(path: Path) -> Outline:
    """Return the outline of a GDF file."""
    fixed = read_start(path, _FIXED_BYTES)
    if fixed[:4] != b"GDF ":
        raise HeaderFault("no GDF file", "a file that starts with GDF")
    second = number(fixed[4:8], "version") >= 1.9
    n_channels = unpack("<H" if second else "<I", fixed, 252)[0]
    checked_channels(n_channels, "number of channels")
    header_bytes = unpack("<H", fixed, 184)[0] * 256 if second else unpack("<q", fixed, 184)[0]
    if header_bytes != _FIXED_BYTES * (n_channels + 1):
        raise HeaderFault(f"{header_bytes} header bytes", f"{_FIXED_BYTES * (n_channels + 1)}")
    n_records, numerator, denominator = unpack("<qII", fixed, 236)
    variable = read_start(path, header_bytes)[_FIXED_BYTES:]
    samples = unpack(f"<{n_channels}i", variable, 216 * n_channels)
    types = unpack(f"<{n_channels}i", variable, 220 * n_channels)
    if min(samples) < 1 or numerator < 1 or denominator < 1:
        raise HeaderFault("samples per record and its length are not positive", "positive numbers")
    if len(set(types)) > 1 or types[0] not in _TYPE_BYTES:
        raise HeaderFault("channels of several or unknown number types", "one number type for all channels")
    _check_ranges(variable, n_channels, second=second)
    record_bytes = sum(samples) * _TYPE_BYTES[types[0]]
    record_s = numerator / denominator
    n_found = (path.stat().st_size - header_bytes) / record_bytes
    if n_records < 1 or n_found < n_records:
        found = f"{n_found * record_s:.3f} s ({n_found:.2f} records)"
        raise CutFault(found, f"{n_records * record_s:.3f} s ({n_records} records) by its header")
    _check_events(path, header_bytes + n_records * record_bytes, old=not second or fixed[4:8] < b"1.94")
    return Outline(
        n_channels=n_channels,
        n_samples=checked_samples(n_records * max(samples), "samples of a channel"),
        sfreq_hz=checked_rate(max(samples) / record_s, "samples per record"),
        rates_hz=tuple(n_per_record / record_s for n_per_record in samples),
    )


def _check_ranges(variable: bytes, n_channels: int, *, second: bool) -> None:
    limits = "d" if second else "q"
    physical = unpack(f"<{2 * n_channels}d", variable, 104 * n_channels)
    digital = unpack(f"<{2 * n_channels}{limits}", variable, 120 * n_channels)
    for low, high in zip(
        physical[:n_channels] + digital[:n_channels], physical[n_channels:] + digital[n_channels:], strict=True
    ):
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise HeaderFault("a physical or digital range that is empty or not finite", "a minimum below the maximum")


def _check_events(path: Path, start: int, *, old: bool) -> None:
    """Compare the event table with what is left of the file: 6 bytes an event, 12 with channel and duration."""
    with path.open("rb") as stream:
        stream.seek(start)
        head = stream.read(8)
        left = path.stat().st_size - start
    if left == 0:
        return
    if head[0] not in (1, 3) or len(head) < 8:
        raise CutFault(f"{left} bytes after the last record that are no event table", "an event table, or nothing")
    n_events = int.from_bytes(head[4:8] if old else head[1:4], "little")
    wanted = 8 + n_events * (12 if head[0] == 3 else 6)
    if left != wanted:
        raise CutFault(f"{left} bytes of events", f"{wanted} bytes for {n_events} events")
