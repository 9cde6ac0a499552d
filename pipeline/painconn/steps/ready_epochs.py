"""Epochs that were cut elsewhere: low-pass, resampling, average reference, rejection and selection.

High-pass, bad-channel search and ICA need continuous data and are not done; envelope measures are not computable.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.cleaning.rank import numerical_rank
from painconn.cleaning.signal import effective_lowpass
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Condition, Source
from painconn.errors import Problem, RecordingFault
from painconn.paths import SessionKey
from painconn.provenance import seed_for
from painconn.recordings.checks import admit_epochs
from painconn.recordings.fingerprint import signature_of
from painconn.steps.cut import Cut, no_recording, select_windows

if TYPE_CHECKING:
    from mne import BaseEpochs

Exclusion = dict[str, str]


def clean_ready_epochs(
    settings: dict[str, Any],
    source: Source,
    conditions: Mapping[str, Condition],
    cleaning: CleaningConfig,
    key: SessionKey,
    exclusions: list[Exclusion],
) -> tuple[dict[str, Cut], dict[str, Any]]:
    """Turn the epochs files of a session into selected epochs per condition; several files are joined.

    Returns
    -------
    cuts : dict of str to Cut
        Selected epochs per condition.
    session : dict
        The session's record, as for continuous recordings.

    Raises
    ------
    RecordingFault
        When no condition is left.
    """
    if settings["montage"] is None:
        found = "electrodes without a known position"
        problem = Problem(key.name, found, "10-05 names", "rename or drop channels of the source")
        raise RecordingFault("electrodes", problem)
    parts: dict[str, list[dict[str, BaseEpochs]]] = {name: [] for name in conditions}
    record: dict[str, Any] = {"ranks": {}, "fingerprints": {}, "quality": {}}
    for row in settings["session"]["recordings"]:
        _take(row, settings, source, conditions, cleaning, parts, record, exclusions)
    cuts: dict[str, Cut] = {}
    for name, condition in conditions.items():
        seed = partial(seed_for, settings["seed"], key.participant, key.session, name)
        try:
            if not parts[name]:
                raise no_recording()
            cuts[name] = select_windows(parts[name], condition, cleaning, seed)
        except RecordingFault as fault:
            exclusions.append({"recording": "", "condition": name, "step": "clean", **fault.as_record()})
    if not cuts:
        problem = Problem(key.name, "no condition left", "at least one", "see the other exclusions of this session")
        raise RecordingFault("conditions", problem)
    return cuts, _session_record(settings, source, cleaning, cuts, record)


def _take(
    row: dict[str, str],
    settings: dict[str, Any],
    source: Source,
    conditions: Mapping[str, Condition],
    cleaning: CleaningConfig,
    parts: "dict[str, list[dict[str, BaseEpochs]]]",
    record: dict[str, Any],
    exclusions: list[Exclusion],
) -> None:
    """Read one file and hand its epochs to the conditions that it serves."""
    about = {"recording": row["path"], "step": "clean"}
    wanted = tuple({event for condition in conditions.values() for event in condition.events})
    try:
        epochs, rank, signature = _ready_epochs(settings, source, cleaning, row, wanted)
    except RecordingFault as fault:
        exclusions.append({**about, "condition": "", **fault.as_record()})
        return
    record["fingerprints"][row["path"]] = signature
    for name, condition in conditions.items():
        if row["task"] not in ("", condition.task or name):
            continue
        try:
            parts[name].append(_windows(epochs, condition))
            record["ranks"][row["path"]] = rank
            minutes = len(epochs) * epochs.times.size / epochs.info["sfreq"] / 60
            record["quality"][row["path"]] = {"rank_data": rank, "minutes_recorded": minutes}
        except RecordingFault as fault:
            exclusions.append({**about, "condition": name, **fault.as_record()})


def _windows(epochs: "BaseEpochs", condition: Condition) -> "dict[str, BaseEpochs]":
    if condition.kind == "rest":
        return {"epoch": epochs}
    missing = sorted(set(condition.events) - set(epochs.event_id))
    if missing:
        found = ", ".join(sorted(epochs.event_id)) or "no event"
        problem = Problem("events", found, ", ".join(condition.events), f"{', '.join(missing)} is not among them")
        raise RecordingFault("events not found", problem)
    return _split(epochs[list(condition.events)], condition)


def _session_record(
    settings: dict[str, Any], source: Source, cleaning: CleaningConfig, cuts: dict[str, Cut], record: dict[str, Any]
) -> dict[str, Any]:
    montage = settings["montage"]["names"]
    first = next(iter(next(iter(cuts.values())).windows.values()))
    ranks = record["ranks"]
    return {
        "bads": {}, "good_channels": montage, "components": [], "ica_converged": None,
        "rank": {"used": min(ranks.values()), "tracked": len(montage) - 1, "data": ranks, "components_removed": 0},
        "lowpass_hz": _lowpass(source, cleaning), "sfreq_hz": float(first.info["sfreq"]),
        "line_freq_hz": source.line_freq_hz, "quality": record["quality"], "spectra": {},
        "fingerprints": record["fingerprints"],
    }  # fmt: skip


def _lowpass(source: Source, cleaning: CleaningConfig) -> float:
    return effective_lowpass(
        h_freq_hz=cleaning.h_freq_hz, sfreq_hz=cleaning.sfreq_hz, recording_lowpass_hz=source.recording_lowpass_hz
    )


def _ready_epochs(
    settings: dict[str, Any], source: Source, cleaning: CleaningConfig, row: dict[str, str], wanted: tuple[str, ...]
) -> "tuple[BaseEpochs, int, list[float]]":
    import mne

    path, root = Path(source.root) / row["path"], Path(source.root)
    epochs, _ = admit_epochs(path, source=source, root=root, descriptions=wanted)
    epochs.pick("eeg", exclude=(), verbose="WARNING")
    if float(epochs.info["sfreq"]) < cleaning.sfreq_hz:
        problem = Problem(
            row["path"], f"{epochs.info['sfreq']:g} Hz", f"at least {cleaning.sfreq_hz:g} Hz", "lower cleaning.sfreq_hz"
        )
        raise RecordingFault("rate", problem)
    signature = signature_of(np.hstack(list(epochs.get_data(verbose="WARNING"))), float(epochs.info["sfreq"]))
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
    return epochs, rank, signature


def _split(epochs: "BaseEpochs", condition: Condition) -> "dict[str, BaseEpochs]":
    """Cut the two windows of an event condition out of longer epochs."""
    sfreq = float(epochs.info["sfreq"])
    length = condition.window_s[1] - condition.window_s[0]
    n_samples = round(length * sfreq)
    spans = {"pre": -n_samples / sfreq, "post": condition.window_s[0]}
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
