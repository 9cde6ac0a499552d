"""EGI simple binary ``.raw`` (continuous, versions 2, 4 and 6)."""

from pathlib import Path

from painconn.recordings.headers.fields import read_start, unpack
from painconn.recordings.headers.outline import (
    HeaderFault,
    Outline,
    check_size,
    checked_channels,
    checked_rate,
    checked_samples,
    no_companions,
)

companions_of = no_companions

_FIXED_BYTES = 36
_SAMPLE_BYTES = {2: 2, 4: 4, 6: 8}


def outline_of(path: Path) -> Outline:
    """Return the outline; event codes count as channels."""
    fixed = read_start(path, _FIXED_BYTES)
    version = unpack(">i", fixed)[0]
    if version not in _SAMPLE_BYTES:
        segmented = version - 1 in _SAMPLE_BYTES
        raise HeaderFault(
            "a segmented EGI file" if segmented else "no EGI simple binary file",
            "a continuous EGI simple binary file",
            "export it unsegmented from Net Station" if segmented else "",
        )
    sfreq_hz = checked_rate(unpack(">h", fixed, 20)[0], "sampling rate")
    n_channels = checked_channels(unpack(">h", fixed, 22)[0], "number of channels")
    n_samples, n_events = unpack(">ih", fixed, 30)
    checked_samples(n_samples, "number of samples")
    if not 0 <= n_events <= 1024:
        raise HeaderFault(f"{n_events} event codes", "0 to 1024")
    frame = _SAMPLE_BYTES[version] * (n_channels + n_events)
    start = _FIXED_BYTES + 4 * n_events
    check_size(path.stat().st_size, start + n_samples * frame, frame, sfreq_hz, header_bytes=start)
    return Outline(n_channels + n_events, n_samples, sfreq_hz)
