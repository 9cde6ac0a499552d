"""The door right after reading: the recording that was meant, whole, in volts, and with its events.

Every check of stage ``signal`` takes a :class:`Signal` and :class:`Limits` and returns a finding or None; the checks of
stage ``condition`` ask for one condition of the study, so that a missing event excludes that condition and not the
rest.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.config.data import Condition, Source
from painconn.recordings.annotations import BAD
from painconn.recordings.findings import Finding
from painconn.recordings.readers import positions_of, read_epochs, read_recording, sidecars_of
from painconn.recordings.registry import CHECKS, load
from painconn.recordings.sidecars import Sidecars

if TYPE_CHECKING:
    import mne

_MOST_WINDOWS = 120
_COPY_AGAIN = "copy or export the file again"


@dataclass(frozen=True)
class Limits:
    """What the signal checks ask for.

    Parameters
    ----------
    min_eeg_channels : int
        Fewer exclude the recording.
    min_duration_s : float
        A shorter recording is excluded.
    amplitude_v : tuple of float
        Lowest and highest plausible median peak-to-peak in windows of one second.
    sfreq_tolerance : float
        Largest relative difference between the rates of file and sidecar.
    flat_s : float
        All EEG channels constant for this long is a stretch that never becomes an epoch.
    """

    min_eeg_channels: int = 8
    min_duration_s: float = 5.0
    amplitude_v: tuple[float, float] = (1e-6, 5e-3)
    sfreq_tolerance: float = 1e-3
    flat_s: float = 0.1


@dataclass(frozen=True)
class Signal:
    """What the signal checks look at.

    Parameters
    ----------
    names : tuple of str
        All channels.
    eeg : ndarray, shape (channels, times)
        EEG channels that are not marked bad, in volts; epochs lie one after the other.
    good_names, eeg_names : tuple of str
        Names of these, and of all EEG channels.
    sfreq_hz : float
        Rate.
    sidecars : Sidecars
        What the sidecars say.
    positioned : tuple of str or None
        EEG channels with a position; None when the template's positions are used.
    """

    names: tuple[str, ...]
    eeg: np.ndarray
    good_names: tuple[str, ...]
    eeg_names: tuple[str, ...]
    sfreq_hz: float
    sidecars: Sidecars
    positioned: tuple[str, ...] | None

    @property
    def duration_s(self) -> float:
        """Length of what was read."""
        return self.eeg.shape[1] / self.sfreq_hz


def signal_of(read: Any, *, source: Source, sidecars: Sidecars | None = None) -> Signal:
    """Return what the signal checks need of a Raw or of Epochs (MNE)."""
    kinds = read.get_channel_types()
    picks = [
        index for index, name in enumerate(read.ch_names) if kinds[index] == "eeg" and name not in read.info["bads"]
    ]
    data = read.get_data(picks=picks) if picks else np.empty((0, 0))
    if data.ndim == 3:
        data = np.concatenate(list(data), axis=1) if len(data) else np.empty((len(picks), 0))
    return Signal(
        names=tuple(read.ch_names),
        eeg=data,
        good_names=tuple(read.ch_names[index] for index in picks),
        eeg_names=tuple(name for name, kind in zip(read.ch_names, kinds, strict=True) if kind == "eeg"),
        sfreq_hz=float(read.info["sfreq"]),
        sidecars=sidecars or Sidecars(),
        positioned=tuple(positions_of(read.info)) if source.montage == "digitised" else None,
    )


def run_checks(signal: Signal, *, where: str, limits: Limits | None = None) -> list[Finding]:
    """Run the checks of stage ``signal`` in their order.

    Parameters
    ----------
    signal : Signal
        From :func:`signal_of`.
    where : str
        Name of the recording for the message (path relative to the root).
    limits : Limits or None
        None: the defaults.

    Returns
    -------
    findings : list of Finding
        Those that do not exclude.

    Raises
    ------
    RecordingFault
        The first finding that excludes.
    """
    notes = []
    for definition in CHECKS.values():
        if definition.stage != "signal":
            continue
        finding: Finding | None = load(definition.function)(signal, limits or Limits())
        if finding is None:
            continue
        if finding.consequence == "exclude recording":
            raise finding.fault(where)
        notes.append(finding)
    return notes


def check_condition(
    read: "mne.io.BaseRaw", *, name: str, condition: Condition, where: str, sidecars: Sidecars | None = None
) -> None:
    """Run the checks of stage ``condition`` for one condition of a continuous recording.

    Raises
    ------
    RecordingFault
        The block or the events of this condition are not there, cannot be read or lie outside the recording.
    """
    for definition in CHECKS.values():
        if definition.stage == "condition":
            finding: Finding | None = load(definition.function)(read, condition, sidecars or Sidecars())
            if finding is not None:
                raise finding.fault(f"{where}: condition {name}")


def admit_recording(
    path: Path, *, source: Source, root: Path, descriptions: tuple[str, ...], limits: Limits | None = None
) -> tuple["mne.io.RawArray", Sidecars, list[Finding]]:
    """Read a continuous recording, run every check of it, and mark stretches that are flat on all EEG channels.

    Returns
    -------
    raw : mne.io.RawArray
        As :func:`painconn.recordings.readers.read_recording`, with flat stretches annotated ``BAD_recording``.
    sidecars : Sidecars
        What its sidecars say.
    findings : list of Finding
        Those that do not exclude.

    Raises
    ------
    RecordingFault
        The recording cannot be used.
    """
    limits = limits or Limits()
    sidecars = sidecars_of(path, source, root)
    raw = read_recording(path, source=source, root=root, descriptions=descriptions, sidecars=sidecars)
    signal = signal_of(raw, source=source, sidecars=sidecars)
    findings = run_checks(signal, where=path.relative_to(root).as_posix(), limits=limits)
    for onset_s, duration_s in flat_stretches(signal.eeg, signal.sfreq_hz, min_duration_s=limits.flat_s):
        raw.annotations.append(onset_s, duration_s, BAD)
    return raw, sidecars, findings


def admit_epochs(
    path: Path, *, source: Source, root: Path, descriptions: tuple[str, ...], limits: Limits | None = None
) -> tuple["mne.EpochsArray", list[Finding]]:
    """Read epochs that were cut before and run every check of stage ``signal``; see :func:`admit_recording`."""
    epochs = read_epochs(path, source=source, root=root, descriptions=descriptions)
    signal = signal_of(epochs, source=source)
    return epochs, run_checks(signal, where=path.relative_to(root).as_posix(), limits=limits)


def flat_stretches(data: np.ndarray, sfreq_hz: float, *, min_duration_s: float) -> list[tuple[float, float]]:
    """Return (onset, duration) in seconds of the stretches where every channel keeps its value.

    Parameters
    ----------
    data : ndarray, shape (channels, times)
        Signals.
    sfreq_hz : float
        Rate.
    min_duration_s : float
        Shorter stretches are left out, as are those of fewer than five equal steps (coarse digitisation).
    """
    if data.shape[0] == 0 or data.shape[1] < 2:
        return []
    same = np.ones(data.shape[1] - 1, dtype=bool)
    for channel in data:
        same &= channel[1:] == channel[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.view(np.int8), [0]])))
    stretches = []
    for start, stop in edges.reshape(-1, 2):
        if stop - start >= max(5, min_duration_s * sfreq_hz - 1):
            stretches.append((float(start / sfreq_hz), float((stop - start + 1) / sfreq_hz)))
    return stretches


def check_names(signal: Signal, _limits: Limits) -> Finding | None:
    """Find one name for two channels; readers tell such channels apart by running numbers (``Cz-0``, ``Cz-1``)."""
    numbered = defaultdict(list)
    for name in signal.names:
        match = re.fullmatch(r"(.+)-(\d+)", name)
        if match:
            numbered[match[1]].append(int(match[2]))
    twice = [
        name for name, numbers in numbered.items() if len(numbers) > 1 and sorted(numbers) == list(range(len(numbers)))
    ]
    if not twice:
        return None
    fix = "rename_channels or drop_channels of this source, by the names with their number (e.g. Cz-1)"
    return Finding("names", f"channel {', '.join(twice)} more than once", "each name once", "exclude recording", fix)


def check_n_channels(signal: Signal, limits: Limits) -> Finding | None:
    """Find recordings with too few EEG channels."""
    n_channels = len(signal.eeg_names)
    if n_channels >= limits.min_eeg_channels:
        return None
    fix = "set channel_types of this source, or leave the recording out"
    return Finding(
        "n_channels", f"{n_channels} EEG channels", f"at least {limits.min_eeg_channels}", "exclude recording", fix
    )


def check_rate(signal: Signal, limits: Limits) -> Finding | None:
    """Compare the rate with ``SamplingFrequency``."""
    stated = signal.sidecars.sfreq_hz
    if stated is None or abs(signal.sfreq_hz / stated - 1) <= limits.sfreq_tolerance:
        return None
    fix = "correct SamplingFrequency, or copy the right file"
    return Finding("rate", f"{signal.sfreq_hz:g} Hz", f"{stated:g} Hz by _eeg.json", "exclude recording", fix)


def check_length(signal: Signal, _limits: Limits) -> Finding | None:
    """Compare the length with ``RecordingDuration``: shorter is a cut file, longer is noted.

    The tolerance is one sample, or one unit of the last decimal that the sidecar wrote.
    """
    stated, precision = signal.sidecars.duration_s, signal.sidecars.duration_tolerance_s
    if stated is None or precision is None:
        return None
    tolerance = max(1 / signal.sfreq_hz, precision) * 1.001
    if abs(signal.duration_s - stated) <= tolerance:
        return None
    found, wanted = f"{signal.duration_s:.3f} s", f"{stated:g} s by _eeg.json"
    if signal.duration_s > stated:
        return Finding("length", found, wanted, "note", "correct RecordingDuration")
    return Finding("length", found, wanted, "exclude recording", _COPY_AGAIN)


def check_duration(signal: Signal, limits: Limits) -> Finding | None:
    """Find recordings too short to be used at all."""
    if signal.duration_s >= limits.min_duration_s:
        return None
    return Finding(
        "duration",
        f"{signal.duration_s:.3f} s",
        f"at least {limits.min_duration_s:g} s",
        "exclude recording",
        _COPY_AGAIN,
    )


def check_finite(signal: Signal, _limits: Limits) -> Finding | None:
    """Find NaN and infinite samples."""
    if np.isfinite(signal.eeg.sum()):
        return None
    bad = ~np.isfinite(signal.eeg)
    if not bad.any():
        return None
    names = [name for name, hit in zip(signal.good_names, bad.any(axis=1), strict=True) if hit]
    first_s = float(np.flatnonzero(bad.any(axis=0))[0] / signal.sfreq_hz)
    found = f"{int(bad.sum())} samples that are no numbers, first at {first_s:.3f} s, in {', '.join(names[:8])}"
    return Finding(
        "finite", found, "finite samples", "exclude recording", "export the recording again, or drop these channels"
    )


def check_amplitude(signal: Signal, limits: Limits) -> Finding | None:
    """Find wrong units: the median over channels and one-second windows of the peak-to-peak amplitude.

    Windows of one second keep slow drifts and offsets of DC recordings out of the number.
    """
    n_window = min(max(round(signal.sfreq_hz), 2), signal.eeg.shape[1])
    starts = np.linspace(0, signal.eeg.shape[1] - n_window, _MOST_WINDOWS).astype(int)
    spans = [np.ptp(signal.eeg[:, start : start + n_window], axis=1) for start in np.unique(starts)]
    median = float(np.median(spans))
    low, high = limits.amplitude_v
    if low <= median <= high:
        return None
    looks = {True: "microvolt or millivolt read as volt", False: "a wrong scale, or no signal at all"}[median > high]
    fix = "if the file has wrong units, state unit_scale of this source (e.g. 1.0e-6)"
    found = f"median peak-to-peak {median:.3g} V (looks like {looks})"
    return Finding("amplitude", found, f"{low:g} to {high:g} V", "exclude recording", fix)


def check_positions(signal: Signal, _limits: Limits) -> Finding | None:
    """Find EEG channels without a digitised position, where the source promises them."""
    if signal.positioned is None:
        return None
    missing = [name for name in signal.eeg_names if name not in signal.positioned]
    if not missing:
        return None
    fix = "complete electrodes.tsv, or set montage: template"
    return Finding(
        "positions",
        f"no position for {', '.join(missing[:8])}",
        "a position for every EEG channel",
        "exclude recording",
        fix,
    )


def check_block(read: "mne.io.BaseRaw", condition: Condition, _sidecars: Sidecars) -> Finding | None:
    """Find a rest condition whose block is not annotated."""
    if condition.block is None:
        return None
    longest = max(
        (span["duration"] for span in read.annotations if span["description"] == condition.block), default=None
    )
    if longest is not None and longest > 0:
        return None
    found = "no annotation of that name" if longest is None else "an annotation without duration"
    return Finding(
        "block",
        found,
        f"an annotation {condition.block!r} that spans the block",
        "exclude recording",
        "correct the events table",
    )


def check_events(read: "mne.io.BaseRaw", condition: Condition, sidecars: Sidecars) -> Finding | None:
    """Find a needed event that is missing altogether, or rows of it whose onset is unreadable or outside."""
    if condition.kind != "events":
        return None
    counts = {name: int(np.sum(read.annotations.description == name)) for name in condition.events}
    missing = [name for name, count in counts.items() if count == 0]
    if missing:
        fix = "correct the events table, or the names under events of this condition"
        return Finding(
            "events", f"no event {', '.join(missing)}", "every event of the condition", "exclude recording", fix
        )
    end_s = read.n_times / float(read.info["sfreq"])
    lost = [
        event
        for event in sidecars.events or ()
        if event.description in counts and (event.onset_s is None or not 0 <= event.onset_s < end_s)
    ]
    if not lost:
        return None
    total = len(lost) + sum(counts.values())
    found = f"{len(lost)} of {total} events with an onset that is no number or outside 0 to {end_s:g} s"
    return Finding(
        "events", found, "every onset inside the recording, in seconds", "exclude recording", "correct the events table"
    )
