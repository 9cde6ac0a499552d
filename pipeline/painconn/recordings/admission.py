"""The door right after reading: the recording that was meant, whole, in volts, and with its events.

What leaves it is finite, channels that are no EEG included. What was found stays with it as findings; who cleans the
recording marks what they name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from painconn.config.checks import Checks
from painconn.config.data import Condition, Source
from painconn.recordings.checks.signal import STILL_STEP_V, Signal, filled, joined, signal_of
from painconn.recordings.checksums import damaged_lists
from painconn.recordings.findings import Finding
from painconn.recordings.readers import read_epochs, read_recording, sidecars_of, stated_names
from painconn.recordings.registry import CHECKS, load
from painconn.recordings.sidecars import Sidecars

if TYPE_CHECKING:
    import mne


_DEFAULTS = Checks()
_SIGNALS = ("eog", "ecg", "emg")


def run_checks(signal: Signal, *, where: str, limits: Checks = _DEFAULTS) -> list[Finding]:
    """Run the checks of stage ``signal`` in their order; what one marks is not looked at by the next.

    Parameters
    ----------
    signal : Signal
        From :func:`painconn.recordings.checks.signal.signal_of`.
    where : str
        Name of the recording for the message (path relative to the root).
    limits : Checks
        ``data.checks`` of the study.

    Returns
    -------
    findings : list of Finding
        Those that do not exclude.

    Raises
    ------
    RecordingFault
        The first finding that excludes.
    """
    findings = []
    for definition in CHECKS.values():
        if definition.stage != "signal":
            continue
        for finding in load(definition.function)(signal, limits):
            if finding.consequence == "exclude recording":
                raise finding.fault(where)
            findings.append(finding)
            if finding.channels:
                signal = signal.without(finding.channels, finding.check)
            if finding.stretches_s:
                signal = signal.without_stretches(finding.stretches_s)
    return findings


def check_condition(
    read: "mne.io.BaseRaw", *, name: str, condition: Condition, where: str, sidecars: Sidecars | None = None
) -> list[Finding]:
    """Run the checks of stage ``condition`` for one condition of a continuous recording.

    Returns
    -------
    findings : list of Finding
        Those that do not exclude.

    Raises
    ------
    RecordingFault
        The block or the events of this condition are not there, cannot be read or lie outside the recording.
    """
    findings = []
    for definition in CHECKS.values():
        if definition.stage == "condition":
            for finding in load(definition.function)(read, condition, sidecars or Sidecars()):
                if finding.consequence == "exclude recording":
                    raise finding.fault(f"{where}: condition {name}")
                findings.append(finding)
    return findings


def admit_recording(
    path: Path, *, source: Source, root: Path, descriptions: tuple[str, ...], limits: Checks = _DEFAULTS
) -> tuple["mne.io.BaseRaw", Sidecars, list[Finding]]:
    """Read a continuous recording and run every check of stage ``signal``.

    Returns
    -------
    raw : mne.io.BaseRaw
        As :func:`painconn.recordings.readers.read_recording`, with a straight line where EEG samples were no numbers.
    sidecars : Sidecars
        What its sidecars say.
    findings : list of Finding
        Those that do not exclude.

    Raises
    ------
    RecordingFault
        The recording cannot be used.
    """
    sidecars = sidecars_of(path, source, root)
    raw = read_recording(path, source=source, root=root, descriptions=descriptions, sidecars=sidecars)
    names = stated_names(path, source, root)
    signal = signal_of(raw, source=source, sidecars=sidecars, stated_names=names)
    findings = damaged_lists([root, path.parent]) + run_checks(
        signal, where=path.relative_to(root).as_posix(), limits=limits
    )
    if signal.missing is not None or raw.info["bads"]:
        raw.apply_function(filled, picks=list(signal.eeg_names), verbose="WARNING")
    return raw, sidecars, [*findings, *_drop_unusable(raw)]


def admit_epochs(
    path: Path, *, source: Source, root: Path, descriptions: tuple[str, ...], limits: Checks = _DEFAULTS
) -> tuple["mne.EpochsArray", list[Finding]]:
    """Read epochs that were cut before and run every check of stage ``signal``; see :func:`admit_recording`.

    Stretches count from the first sample of the first epoch, with the epochs one after the other.
    """
    epochs = read_epochs(path, source=source, root=root, descriptions=descriptions)
    signal = signal_of(epochs, source=source)
    findings = damaged_lists([root, path.parent]) + run_checks(
        signal, where=path.relative_to(root).as_posix(), limits=limits
    )
    if signal.missing is not None or epochs.info["bads"]:
        epochs.apply_function(filled, picks=list(signal.eeg_names), verbose="WARNING")
    return epochs, [*findings, *_drop_unusable(epochs)]


def _drop_unusable(read: "mne.io.BaseRaw | mne.BaseEpochs") -> list[Finding]:
    """Drop channels that are no EEG and hold no numbers or no signal; triggers and others may well be constant."""
    lost, still = [], []
    for name, kind in zip(read.ch_names, read.get_channel_types(), strict=True):
        if kind == "eeg":
            continue
        samples = read.get_data(picks=[name])
        if not np.isfinite(samples).all():
            lost.append(name)
        elif kind in _SIGNALS and np.ptp(samples) < STILL_STEP_V:
            still.append(name)
    if lost or still:
        read.drop_channels([*lost, *still])
    told = (("finite", lost, "samples that are no numbers", "finite samples"), ("flat", still, "constant", "a signal"))
    return [
        Finding(check, f"{found} in {joined(names)}, left out", limit, "note", "nothing, if it is not needed")
        for check, names, found, limit in told
        if names
    ]


def marked_channels(findings: list[Finding]) -> Mapping[str, tuple[str, ...]]:
    """Return the channels that findings mark as bad, each with the checks that did."""
    marked: dict[str, tuple[str, ...]] = {}
    for finding in findings:
        for name in finding.channels:
            marked[name] = (*marked.get(name, ()), finding.check)
    return marked
