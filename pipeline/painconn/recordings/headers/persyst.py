"""Persyst: a text header ``.lay`` with its ``.dat``."""

from collections.abc import Iterator
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

_SAMPLE_BYTES = {0: 2, 7: 4}
_NEEDED = ("file", "samplingrate", "calibration", "waveformcount", "datatype")


def companions_of(path: Path) -> Iterator[Companion]:
    """Yield the file of samples; a path before its name is ignored, as the reader does."""
    name = _fields(path)["file"].rsplit("/", 1)[-1]
    yield Companion(name, path.parent / name, "samples")


def outline_of(path: Path) -> Outline:
    """Return the outline of a recording."""
    fields = _fields(path)
    n_channels = checked_channels(whole(fields["waveformcount"], "WaveformCount"), "WaveformCount")
    sfreq_hz = checked_rate(number(fields["samplingrate"], "SamplingRate"), "SamplingRate")
    sample_bytes = _SAMPLE_BYTES.get(whole(fields["datatype"], "DataType"))
    if sample_bytes is None or number(fields["calibration"], "Calibration") == 0:
        raise HeaderFault("an unknown DataType, or a Calibration of 0", "DataType 0 or 7")
    samples = next(companions_of(path)).path
    n_samples, rest = divmod(samples.stat().st_size, sample_bytes * n_channels)
    if rest:
        raise CutFault(f"{n_samples / sfreq_hz:.3f} s ({n_samples} samples and a piece)", "a whole number of samples")
    return Outline(n_channels, checked_samples(n_samples, "samples of a channel"), sfreq_hz)


def _fields(path: Path) -> dict[str, str]:
    sections = {name.lower(): section for name, section in sections_of(read_lines(path)).items()}
    fields = {name.lower(): value for name, value in sections.get("fileinfo", {}).items()}
    missing = [name for name in _NEEDED if not fields.get(name)]
    if missing:
        raise HeaderFault(f"not a readable Persyst header: no {', '.join(missing)}")
    return fields
