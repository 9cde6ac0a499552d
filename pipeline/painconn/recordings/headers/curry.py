"""Curry 7 (``.dap`` with ``.dat`` and ``.rs3``) and Curry 8 and 9 (``.cdt`` with ``.cdt.dpa`` or ``.cdt.dpo``)."""

from collections.abc import Iterator
from pathlib import Path

from painconn.recordings.headers.fields import number, read_lines, sections_of, whole
from painconn.recordings.headers.outline import (
    Companion,
    HeaderFault,
    Outline,
    check_size,
    checked_channels,
    checked_rate,
    checked_samples,
)

_FLOAT_BYTES = 4
_LONGEST_LINE = 1 << 20


def companions_of(path: Path) -> Iterator[Companion]:
    """Yield the parameters, samples and labels that belong to the recording."""
    if path.suffix.lower() == ".dap":
        for suffix in (".dat", ".rs3"):
            yield Companion(path.with_suffix(suffix).name, path.with_suffix(suffix), "samples")
    else:
        parameters = _parameters_of(path)
        yield Companion(parameters.name, parameters, "part")
    stem = path.with_suffix("") if path.suffix.lower() == ".dap" else path
    for suffix in (".ceo", ".cef", ".hpi"):
        events = stem.with_name(stem.name + suffix)
        yield Companion(events.name, events, "markers")


def outline_of(path: Path) -> Outline:
    """Return the outline of a continuous recording."""
    fields = sections_of(read_lines(_parameters_of(path), longest=_LONGEST_LINE))[""]
    missing = [name for name in ("NumSamples", "NumChannels", "SampleFreqHz", "DataFormat") if not fields.get(name)]
    if missing:
        raise HeaderFault(f"Curry parameters without {', '.join(missing)}")
    n_channels = checked_channels(whole(fields["NumChannels"], "NumChannels"), "NumChannels")
    n_samples = checked_samples(whole(fields["NumSamples"], "NumSamples"), "NumSamples")
    n_epochs = whole(fields.get("NumTrials", "1"), "NumTrials")
    interval_us = number(fields.get("SampleTimeUsec", "0"), "SampleTimeUsec")
    sfreq_hz = number(fields["SampleFreqHz"], "SampleFreqHz")
    # One of the two may be left at 0.
    by_interval_hz = 1e6 / interval_us if interval_us > 0 else sfreq_hz
    sfreq_hz = checked_rate(sfreq_hz or by_interval_hz, "SampleFreqHz")
    if abs(by_interval_hz - sfreq_hz) > 1e-3 * sfreq_hz:
        raise HeaderFault(f"{sfreq_hz:g} Hz by SampleFreqHz, {by_interval_hz:g} Hz by SampleTimeUsec", "one rate")
    if n_epochs > 1:
        raise HeaderFault(f"{n_epochs} epochs", "a continuous recording", "export the continuous recording")
    if fields["DataFormat"].upper() != "ASCII":
        samples = path if path.suffix.lower() == ".cdt" else path.with_suffix(".dat")
        frame = _FLOAT_BYTES * n_channels
        check_size(samples.stat().st_size, frame * n_samples, frame, sfreq_hz)
    return Outline(n_channels, n_samples, sfreq_hz)


def _parameters_of(path: Path) -> Path:
    if path.suffix.lower() == ".dap":
        return path
    beside = [path.with_name(path.name + suffix) for suffix in (".dpa", ".dpo")]
    return next((parameters for parameters in beside if parameters.exists()), beside[0])
