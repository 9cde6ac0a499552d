"""From continuous cleaned recordings (or epochs already cut) to the selected epochs and segments of one condition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.cleaning.epochs import event_epochs, reject_epochs, rest_epochs, select_epochs
from painconn.cleaning.segments import envelope_segments
from painconn.cleaning.signal import effective_lowpass
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Condition, Source
from painconn.errors import Problem, RecordingFault
from painconn.paths import SessionKey
from painconn.provenance import seed_for

if TYPE_CHECKING:
    from mne import BaseEpochs
    from mne.io import BaseRaw


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
    raws: "Mapping[str, BaseRaw]", condition: Condition, cleaning: CleaningConfig, *, seed: Callable[[str], int]
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

    Raises
    ------
    RecordingFault
        When there is no such recording, event or block, or too few epochs are left.
    """
    if not raws:
        problem = Problem("recordings", "none of this condition", "at least one", "nothing, if it was not recorded")
        raise RecordingFault("no recording", problem)
    windows = _joined([_windows(raw, condition, cleaning) for raw in raws.values()])
    cut = _selected(windows, condition, cleaning, seed)
    _add_segments(cut, raws, condition, cleaning, seed)
    return cut


def _windows(raw: "BaseRaw", condition: Condition, cleaning: CleaningConfig) -> "dict[str, BaseEpochs]":
    if condition.kind == "rest":
        return {"epoch": rest_epochs(raw, length_s=cleaning.epoch_length_s, block=condition.block)}
    post, pre = event_epochs(raw, events=condition.events, window_s=condition.window_s)
    return {"pre": pre, "post": post}


def _joined(parts: "list[dict[str, BaseEpochs]]") -> "dict[str, BaseEpochs]":
    if len(parts) == 1:
        return parts[0]
    import mne

    return {window: mne.concatenate_epochs([part[window] for part in parts], verbose="WARNING") for window in parts[0]}


def _selected(
    windows: "dict[str, BaseEpochs]", condition: Condition, cleaning: CleaningConfig, seed: Callable[[str], int]
) -> Cut:
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
        "threshold_v": rejection.threshold_v,
        "segments": {},
        "segments_reason": "this condition has no continuous segments",
    }
    return Cut({window: epochs[chosen] for window, epochs in windows.items()}, record=record)


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


def cut_ready_epochs(
    settings: dict[str, Any],
    source: Source,
    conditions: Mapping[str, Condition],
    cleaning: CleaningConfig,
    key: SessionKey,
    exclusions: list[dict[str, str]],
) -> tuple[dict[str, Cut], dict[str, Any]]:
    """Take epochs that were cut elsewhere: low-pass, resampling, average reference, rejection and selection.

    High-pass, bad-channel search and ICA need continuous data and are not done; envelope measures are not computable.

    Returns
    -------
    cuts : dict of str to Cut
        Selected epochs per condition.
    session : dict
        The session's record, as for continuous recordings.
    """
    if settings["montage"] is None:
        problem = Problem(
            key.name, "electrodes without a known position", "10-05 names", "rename or drop channels of the source"
        )
        raise RecordingFault("electrodes", problem)
    cuts: dict[str, Cut] = {}
    ranks: dict[str, int] = {}
    quality: dict[str, Any] = {}
    spectra: dict[str, Any] = {}
    for row in settings["session"]["recordings"]:
        for name, condition in conditions.items():
            if row["task"] not in ("", condition.task or name):
                continue
            try:
                epochs, ranks[row["path"]] = _ready_epochs(settings, source, cleaning, row)
                windows = {"epoch": epochs} if condition.kind == "rest" else _split(epochs, condition)
                seed = partial(seed_for, settings["seed"], key.participant, key.session, name)
                cuts[name] = _selected(windows, condition, cleaning, seed)
                quality[row["path"]] = {
                    "rank_data": ranks[row["path"]],
                    "minutes_recorded": len(epochs) * epochs.times.size / epochs.info["sfreq"] / 60,
                }
            except RecordingFault as fault:
                exclusions.append({"recording": row["path"], "condition": name, "step": "clean", **fault.as_record()})
    if not cuts:
        problem = Problem(key.name, "no condition left", "at least one", "see the other exclusions of this session")
        raise RecordingFault("conditions", problem)
    rank = min(ranks.values())
    sfreq_hz = float(next(iter(next(iter(cuts.values())).windows.values())).info["sfreq"])
    montage = settings["montage"]["names"]
    session = {
        "bads": {}, "good_channels": montage, "components": [], "ica_converged": None,
        "rank": {"used": rank, "tracked": len(montage) - 1, "data": ranks, "components_removed": 0},
        "lowpass_hz": _lowpass(source, cleaning), "sfreq_hz": sfreq_hz, "line_freq_hz": source.line_freq_hz,
        "quality": quality, "spectra": spectra,
    }  # fmt: skip
    return cuts, session


def _lowpass(source: Source, cleaning: CleaningConfig) -> float:
    return effective_lowpass(
        h_freq_hz=cleaning.h_freq_hz, sfreq_hz=cleaning.sfreq_hz, recording_lowpass_hz=source.recording_lowpass_hz
    )


def _ready_epochs(
    settings: dict[str, Any], source: Source, cleaning: CleaningConfig, row: dict[str, str]
) -> "tuple[BaseEpochs, int]":
    import mne

    from painconn.cleaning.rank import numerical_rank
    from painconn.recordings.checks import admit_epochs

    epochs, _ = admit_epochs(Path(source.root) / row["path"], source=source, root=Path(source.root), descriptions=())
    epochs.pick("eeg", exclude=(), verbose="WARNING")
    if float(epochs.info["sfreq"]) < cleaning.sfreq_hz:
        problem = Problem(
            row["path"], f"{epochs.info['sfreq']:g} Hz", f"at least {cleaning.sfreq_hz:g} Hz", "lower cleaning.sfreq_hz"
        )
        raise RecordingFault("rate", problem)
    montage = settings["montage"]
    places = {name: np.array(place) for name, place in zip(montage["names"], montage["positions_m"], strict=True)}
    epochs.set_montage(
        mne.channels.make_dig_montage(places, coord_frame="head"), on_missing="ignore", verbose="WARNING"
    )
    epochs.set_eeg_reference("average", projection=False, verbose="WARNING")
    rank = numerical_rank(np.hstack(list(epochs.get_data(verbose="WARNING"))), average_reference=True)
    lowpass_hz = _lowpass(source, cleaning)
    if epochs.info["lowpass"] > lowpass_hz:
        epochs.filter(None, lowpass_hz, verbose="WARNING")
    if float(epochs.info["sfreq"]) > cleaning.sfreq_hz:
        epochs.resample(cleaning.sfreq_hz, verbose="WARNING")
    return epochs, rank


def _split(epochs: "BaseEpochs", condition: Condition) -> "dict[str, BaseEpochs]":
    """Cut the two windows of an event condition out of longer epochs."""
    sfreq = float(epochs.info["sfreq"])
    length = condition.window_s[1] - condition.window_s[0]
    n_samples = round(length * sfreq)
    spans = {"pre": -length, "post": condition.window_s[0]}
    if epochs.tmin > -length + 0.5 / sfreq or epochs.tmax < condition.window_s[1] - 1.5 / sfreq:
        found = f"epochs from {epochs.tmin:g} to {epochs.tmax:g} s"
        problem = Problem(
            "epochs", found, f"{-length:g} to {condition.window_s[1]:g} s", "shorten window_s, or use kind: rest"
        )
        raise RecordingFault("window", problem)
    return {
        window: epochs.copy().crop(start, start + (n_samples - 1) / sfreq, verbose="WARNING")
        for window, start in spans.items()
    }
