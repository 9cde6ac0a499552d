"""The recording against what is stated about it: names, rate, length, positions, units."""

import re
from collections import defaultdict
from collections.abc import Iterator

from painconn.config.checks import Checks
from painconn.recordings.channels import voltage_unit
from painconn.recordings.checks.signal import Signal, joined
from painconn.recordings.findings import Finding

_COPY_AGAIN = "copy or export the file again"


def check_names(signal: Signal, _limits: Checks) -> Iterator[Finding]:
    """Find one name for two channels; readers tell such channels apart by running numbers (``Cz-0``, ``Cz-1``).

    A name that the file itself holds (``AUX-0``) has no such number; beside one the reader takes letters (``Cz-a``).
    """
    numbered = defaultdict(list)
    for name in signal.names:
        match = re.fullmatch(r"(.+)-(\d+|[a-z])", name)
        if match and name not in signal.stated_names:
            numbered[match[1]].append(match[2])
    twice = [
        name
        for name, ends in numbered.items()
        if len(ends) > 1 and (signal.stated_names or set(ends) == {str(number) for number in range(len(ends))})
    ]
    if twice:
        fix = "rename_channels or drop_channels of this source, by the names with their number (e.g. Cz-1)"
        found = f"channel {', '.join(twice)} more than once"
        yield Finding("names", found, "each name once", "exclude recording", fix)


def check_n_channels(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find recordings with too few EEG channels, or with none that the sidecar does not call bad."""
    n_channels = len(signal.eeg_names)
    if n_channels < limits.min_eeg_channels or not signal.good_names:
        fix = "set channel_types of this source, or leave the recording out"
        found = f"{n_channels} EEG channels, {len(signal.good_names)} of them not marked bad"
        yield Finding("n_channels", found, f"at least {limits.min_eeg_channels}", "exclude recording", fix)


def check_units(signal: Signal, _limits: Checks) -> Iterator[Finding]:
    """Compare the unit that ``channels.tsv`` states with that of the file, and keep a stated rescaling in the record.

    Nobody can tell from two contradicting units which one is right; a stated ``unit_scale`` settles it.
    """
    settled = signal.unit_scale is not None
    if settled:
        found = f"numbers of the file multiplied by {signal.unit_scale:g}"
        yield Finding("units", found, "volts", "note", "nothing, if unit_scale of this source is right")
    for (by_table, by_file), names in _disagreeing_units(signal).items():
        found = f"{by_table} by channels.tsv, {by_file} by the file: {joined(names)}"
        fix = "correct units in channels.tsv, or state unit_scale of this source (1 if the file is right)"
        yield Finding("units", found, "one unit", "note" if settled else "exclude recording", fix)


def _disagreeing_units(signal: Signal) -> dict[tuple[str, str], list[str]]:
    stated = {name.casefold(): voltage_unit(text) for name, text in signal.sidecars.channel_units.items()}
    groups = defaultdict(list)
    for name in signal.good_names:
        by_table, by_file = stated.get(name.casefold()), signal.file_units.get(name)
        if by_table is not None and by_file is not None and by_table != by_file:
            groups[by_table, by_file].append(name)
    return groups


def check_rate(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Compare the rate with ``SamplingFrequency``."""
    stated = signal.sidecars.sfreq_hz
    if stated is not None and abs(signal.sfreq_hz / stated - 1) > limits.max_rate_difference:
        fix = "correct SamplingFrequency, or copy the right file"
        yield Finding("rate", f"{signal.sfreq_hz:g} Hz", f"{stated:g} Hz by _eeg.json", "exclude recording", fix)


def check_length(signal: Signal, _limits: Checks) -> Iterator[Finding]:
    """Compare the length with ``RecordingDuration``: shorter is a cut file, longer is noted.

    The tolerance is one sample, or one unit of the last decimal that the sidecar wrote.
    """
    stated, precision = signal.sidecars.duration_s, signal.sidecars.duration_tolerance_s
    if stated is None or precision is None:
        return
    tolerance = max(1 / signal.sfreq_hz, precision) * 1.001
    if abs(signal.duration_s - stated) <= tolerance:
        return
    found, wanted = f"{signal.duration_s:.3f} s", f"{stated:g} s by _eeg.json"
    if signal.duration_s > stated:
        yield Finding("length", found, wanted, "note", "correct RecordingDuration")
    else:
        yield Finding("length", found, wanted, "exclude recording", _COPY_AGAIN)


def check_duration(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find recordings too short to be used at all."""
    if signal.duration_s < limits.min_duration_s:
        found, wanted = f"{signal.duration_s:.3f} s", f"at least {limits.min_duration_s:g} s"
        yield Finding("duration", found, wanted, "exclude recording", _COPY_AGAIN)


def check_positions(signal: Signal, _limits: Checks) -> Iterator[Finding]:
    """Find EEG channels without a finite digitised position, where the source promises them."""
    if signal.positioned is None:
        return
    missing = [name for name in signal.eeg_names if name not in signal.positioned]
    if missing:
        fix = "complete electrodes.tsv, or set montage: template"
        found = f"no position for {joined(missing)}"
        yield Finding("positions", found, "a position for every EEG channel", "exclude recording", fix)
