"""From continuous cleaned recordings to the selected epochs and segments of one condition."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from painconn.cleaning.epochs import event_epochs, reject_epochs, rest_epochs, select_epochs
from painconn.cleaning.segments import envelope_segments
from painconn.cleaning.vigilance import epochs_alpha_db
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Condition
from painconn.config.events import missing_events
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    import numpy as np
    from mne import BaseEpochs
    from mne.io import BaseRaw
    from numpy.typing import NDArray


@dataclass
class Cut:
    """The selected epochs of one condition.

    Parameters
    ----------
    windows : dict of str to mne.Epochs
        ``epoch`` for rest; ``pre`` and ``post`` (same events, equal length) for events.
    segments : dict of str to list of (int, int)
        Sample spans of contiguous clean segments, per recording.
    record : dict
        Counts and reasons, for the sidecar.
    """

    windows: "dict[str, BaseEpochs]"
    segments: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


def cut_condition(
    raws: "Mapping[str, BaseRaw]",
    condition: Condition,
    cleaning: CleaningConfig,
    *,
    seed: Callable[[str], int],
    run_excluded: Callable[[str, RecordingFault], None],
) -> Cut:
    """Cut, reject and select the epochs of one condition from the recordings that hold it.

    Parameters
    ----------
    raws : mapping of str to mne.io.BaseRaw
        Cleaned recordings of the condition; several runs are joined after cutting.
    condition : Condition
        What to cut.
    cleaning : CleaningConfig
        Lengths and rejection.
    seed : callable
        Seed of a named draw of this participant, session and condition.
    run_excluded : callable
        Told of each run that cannot serve while another one can.

    Raises
    ------
    RecordingFault
        When no recording has the block or a usable event, when an event is in none of them, or too few epochs are left.
    """
    parts: dict[str, dict[str, BaseEpochs]] = {}
    faults: dict[str, RecordingFault] = {}
    for recording, raw in raws.items():
        try:
            parts[recording] = _windows(raw, condition, cleaning)
        except RecordingFault as fault:
            faults[recording] = fault
    if not parts:
        raise next(iter(faults.values()), no_recording())
    for recording, reason in faults.items():
        run_excluded(recording, reason)
    check_every_event([raws[recording].annotations.description for recording in parts], condition)
    cut = select_windows(parts, condition, cleaning, seed)
    _add_segments(cut, {recording: raws[recording] for recording in parts}, condition, cleaning, seed)
    return cut


def check_every_event(described: Iterable[Collection[str]], condition: Condition) -> None:
    """Ask that each event of a condition is in one of its recordings at least.

    Raises
    ------
    RecordingFault
        Naming those that are in none.
    """
    missing = missing_events([name for names in described for name in names], condition.events)
    if missing:
        found = f"no event {', '.join(missing)} in any recording of the session"
        fix = "correct the events table, or the names under events of this condition"
        raise RecordingFault("events", Problem("events", found, "every event of the condition", fix))


def no_recording() -> RecordingFault:
    """Return the fault of a condition that no recording of the session holds."""
    problem = Problem("recordings", "none of this condition", "at least one", "nothing, if it was not recorded")
    return RecordingFault("no recording", problem)


def _windows(raw: "BaseRaw", condition: Condition, cleaning: CleaningConfig) -> "dict[str, BaseEpochs]":
    if condition.kind == "rest":
        length = {"length_s": cleaning.epoch_length_s, "overlap": cleaning.epoch_overlap}
        return {"epoch": rest_epochs(raw, **length, block=condition.block, crop_s=condition.crop_s)}
    post, pre = event_epochs(raw, events=condition.events, window_s=condition.window_s)
    return {"pre": pre, "post": post}


def _joined(parts: "list[dict[str, BaseEpochs]]") -> "dict[str, BaseEpochs]":
    if len(parts) == 1:
        return parts[0]
    import mne

    # Annotations cannot be joined, and no epoch touches one that matters.
    return {
        window: mne.concatenate_epochs([part[window].set_annotations(None) for part in parts], verbose="WARNING")
        for window in parts[0]
    }


def select_windows(
    parts: "Mapping[str, dict[str, BaseEpochs]]",
    condition: Condition,
    cleaning: CleaningConfig,
    seed: Callable[[str], int],
) -> Cut:
    """Join the windows of several runs, reject epochs, and take the number that everybody has.

    Parameters
    ----------
    parts : mapping of str to dict
        Windows of each recording.
    condition, cleaning : Condition, CleaningConfig
        Numbers and methods.
    seed : callable
        Seed of a named draw.

    Raises
    ------
    RecordingFault
        When too few epochs are left.
    """
    windows = _joined(list(parts.values()))
    n_cut = len(next(iter(windows.values())))
    if n_cut < condition.n_epochs:
        select_epochs(n_cut, n_epochs=condition.n_epochs, seed=0)
    rejection = reject_epochs(list(windows.values()), method=cleaning.reject, seed=seed("reject"))
    chosen = rejection.kept[select_epochs(len(rejection.kept), n_epochs=condition.n_epochs, seed=seed("epochs"))]
    record = {
        "n_cut": n_cut,
        "n_kept": len(rejection.kept),
        "n_epochs": len(chosen),
        "chosen": [int(index) for index in chosen],
        "epoch_overlap": cleaning.epoch_overlap if condition.kind == "rest" else 0.0,
        **_course(parts, rejection.kept, chosen),
        "threshold_v": rejection.threshold_v,
        "segments": {},
        "segments_reason": "this condition has no continuous segments",
        "eyes": condition.eyes,
        "posterior_alpha_db": _alpha_db(windows),
    }
    return Cut({window: epochs[chosen] for window, epochs in windows.items()}, record=record)


def _course(
    parts: "Mapping[str, dict[str, BaseEpochs]]", kept: "NDArray[np.intp]", chosen: "NDArray[np.intp]"
) -> dict[str, Any]:
    """Say of every epoch that was cut from when to when it lies in its recording, and what became of it."""
    times_s: dict[str, list[tuple[float, float]]] = {}
    for recording, windows in parts.items():
        every = list(windows.values())
        sfreq_hz = float(every[0].info["sfreq"])
        first_s = min(epochs.tmin for epochs in every)
        last_s = max(epochs.tmax for epochs in every) + 1 / sfreq_hz
        onsets_s = every[0].events[:, 0] / sfreq_hz
        times_s[recording] = [(round(onset + first_s, 3), round(onset + last_s, 3)) for onset in onsets_s.tolist()]
    fates = ["dropped"] * sum(map(len, times_s.values()))
    for word, indices in (("kept", kept), ("used", chosen)):
        for index in indices:
            fates[index] = word
    remaining = iter(fates)
    return {
        "epoch_times_s": times_s,
        "epoch_fate": {recording: list(islice(remaining, len(spans))) for recording, spans in times_s.items()},
    }


def _alpha_db(windows: "Mapping[str, BaseEpochs]") -> float | None:
    """Return the posterior alpha power of all epochs of a rest condition; None where there is none."""
    value = epochs_alpha_db(windows["epoch"]) if "epoch" in windows else math.nan
    return value if math.isfinite(value) else None


def _add_segments(
    cut: Cut, raws: "Mapping[str, BaseRaw]", condition: Condition, cleaning: CleaningConfig, seed: Callable[[str], int]
) -> None:
    """Take contiguous clean segments from the recordings in their order until there are enough."""
    if not condition.n_segments:
        return
    find = partial(
        envelope_segments,
        length_s=cleaning.segment_length_s,
        block=condition.block,
        crop_s=condition.crop_s,
        seed=seed("segments"),
        reject_threshold_v=cut.record["threshold_v"],
        reject_window_s=cleaning.epoch_length_s,
    )
    available = {name: find(raw, n_segments=0).n_available for name, raw in raws.items()}
    if sum(available.values()) < condition.n_segments:
        found = f"{sum(available.values())} clean segments of {cleaning.segment_length_s:g} s"
        cut.record["segments_reason"] = f"{found}, {condition.n_segments} wanted"
        return
    wanted = condition.n_segments
    for name, raw in raws.items():
        taken = min(wanted, available[name])
        if taken:
            cut.segments[name] = list(find(raw, n_segments=taken).spans)
            wanted -= taken
    cut.record |= {"segments": cut.segments, "segments_reason": None}
