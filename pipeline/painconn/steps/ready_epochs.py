"""Epochs that were cut elsewhere: low-pass, resampling, average reference, rejection and selection.

High-pass, bad-channel search and ICA need continuous data and are not done; envelope measures are not computable.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.cleaning.channels import Reasons, merged
from painconn.cleaning.rank import numerical_rank
from painconn.cleaning.reference import usable_mastoids
from painconn.cleaning.signal import effective_lowpass
from painconn.config.checks import Checks
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Condition, Source
from painconn.config.events import has_any
from painconn.errors import Problem, RecordingFault
from painconn.paths import SessionKey
from painconn.provenance import seed_for
from painconn.recordings.admission import admit_epochs, marked_channels
from painconn.recordings.findings import Finding, exclusion_record
from painconn.recordings.fingerprint import signature_of
from painconn.steps.cut import Cut, check_every_event, no_recording, select_windows
from painconn.steps.hands import Hands
from painconn.steps.placement import placed_channels
from painconn.steps.readings import Exclusion, Readings

if TYPE_CHECKING:
    from mne import BaseEpochs


_NOT_HERE = "epochs that were cut elsewhere: channels can be decided to be bad, nothing else"


def clean_ready_epochs(
    settings: dict[str, Any],
    source: Source,
    conditions: Mapping[str, Condition],
    cleaning: CleaningConfig,
    key: SessionKey,
    hands: Hands,
    readings: Readings,
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
    hands.refused |= {one: _NOT_HERE for one in hands.decisions if one.kind != "channel" or not one.takes_out}
    readings.bads = {name: ("marked",) for name in hands.channels("bad") if name in settings["montage"]["names"]}
    parts: dict[str, dict[str, dict[str, BaseEpochs]]] = {name: {} for name in conditions}
    record: dict[str, Any] = {"ranks": {}, "fingerprints": {}, "quality": {}}
    for row in settings["session"]["recordings"]:
        _take(row, settings, source, conditions, cleaning, parts, record, readings, exclusions)
    cuts: dict[str, Cut] = {}
    for name, condition in conditions.items():
        seed = partial(seed_for, settings["seed"], key.participant, key.session, name)
        try:
            if not parts[name]:
                raise no_recording()
            check_every_event([next(iter(part.values())).event_id for part in parts[name].values()], condition)
            cuts[name] = select_windows(parts[name], condition, cleaning, seed)
        except RecordingFault as fault:
            exclusions.append({"recording": "", "condition": name, "step": "clean", **fault.as_record()})
    if not cuts:
        problem = Problem(key.name, "no condition left", "at least one", "see the other exclusions of this session")
        raise RecordingFault("conditions", problem)
    hands.close({}, settings["montage"]["names"], ())
    return cuts, _session_record(settings, source, cleaning, cuts, record, readings.bads)


def _take(
    row: dict[str, str],
    settings: dict[str, Any],
    source: Source,
    conditions: Mapping[str, Condition],
    cleaning: CleaningConfig,
    parts: "dict[str, dict[str, dict[str, BaseEpochs]]]",
    record: dict[str, Any],
    readings: Readings,
    exclusions: list[Exclusion],
) -> None:
    """Read one file and hand its epochs to the conditions that it serves."""
    about = {"recording": row["path"], "step": "clean"}
    wanted = tuple({event for condition in conditions.values() for event in condition.events})
    try:
        epochs, findings = admit_epochs(
            Path(source.root) / row["path"],
            source=source,
            root=Path(source.root),
            descriptions=wanted,
            limits=Checks.model_validate(settings["checks"]),
        )
        by_hand = list(readings.bads)
        epochs, signature, rank = _ready_epochs(epochs, findings, settings, source, cleaning, by_hand, row["path"])
    except RecordingFault as fault:
        exclusions.append({**about, "condition": "", **fault.as_record()})
        readings.findings.append({"recording": row["path"], **exclusion_record(fault)})
        return
    readings.note(row["path"], findings)
    readings.bads = merged(readings.bads, marked_channels(findings))
    record["fingerprints"][row["path"]] = signature
    for name, condition in conditions.items():
        if row["task"] not in ("", condition.task or name):
            continue
        try:
            parts[name][row["path"]] = _windows(epochs, condition)
            record["ranks"][row["path"]] = rank
            minutes = len(epochs) * epochs.times.size / epochs.info["sfreq"] / 60
            record["quality"][row["path"]] = {"rank_data": rank, "minutes_recorded": minutes}
        except RecordingFault as fault:
            exclusions.append({**about, "condition": name, **fault.as_record()})


def _windows(epochs: "BaseEpochs", condition: Condition) -> "dict[str, BaseEpochs]":
    if condition.kind == "rest":
        return {"epoch": epochs}
    there = [name for name in epochs.event_id if has_any([name], condition.events)]
    if not there:
        found = ", ".join(sorted(epochs.event_id)) or "no event"
        fix = "correct the names under events of this condition"
        raise RecordingFault("events not found", Problem("events", found, ", ".join(condition.events), fix))
    return _split(epochs[there], condition)


def _session_record(
    settings: dict[str, Any],
    source: Source,
    cleaning: CleaningConfig,
    cuts: dict[str, Cut],
    record: dict[str, Any],
    bads: Reasons,
) -> dict[str, Any]:
    good = [name for name in settings["montage"]["names"] if name not in bads]
    first = next(iter(next(iter(cuts.values())).windows.values()))
    ranks = record["ranks"]
    return {
        "bads": {name: list(reasons) for name, reasons in bads.items()}, "good_channels": good,
        "components": [], "ica": None, "stretches": {}, "duration_s": {},
        "line_noise": {"method": "none", "components_removed": {}},
        "reference": {"method": cleaning.reference, "channels": list(cleaning.mastoids)},
        "rank": {"used": min(ranks.values()), "tracked": len(good) - 1, "data": ranks, "components_removed": 0},
        "lowpass_hz": _lowpass(source, cleaning), "sfreq_hz": float(first.info["sfreq"]),
        "line_freq_hz": source.line_freq_hz, "quality": record["quality"], "spectra": {},
        "fingerprints": record["fingerprints"],
    }  # fmt: skip


def _lowpass(source: Source, cleaning: CleaningConfig) -> float:
    return effective_lowpass(
        h_freq_hz=cleaning.h_freq_hz, sfreq_hz=cleaning.sfreq_hz, recording_lowpass_hz=source.recording_lowpass_hz
    )


def _ready_epochs(
    epochs: "BaseEpochs",
    findings: list[Finding],
    settings: dict[str, Any],
    source: Source,
    cleaning: CleaningConfig,
    by_hand: list[str],
    where: str,
) -> "tuple[BaseEpochs, list[float], int]":
    """Return the epochs laid out, referenced and filtered, their fingerprint and rank; `findings` is extended."""
    sfreq_hz = float(epochs.info["sfreq"])
    if sfreq_hz < cleaning.sfreq_hz:
        problem = Problem(where, f"{sfreq_hz:g} Hz", f"at least {cleaning.sfreq_hz:g} Hz", "lower cleaning.sfreq_hz")
        raise RecordingFault("rate", problem)
    signature = signature_of(np.hstack(list(epochs.get_data(picks="eeg", verbose="WARNING"))), sfreq_hz)
    epochs = _without_stretches(epochs, [span for finding in findings for span in finding.stretches_s], where)
    limits = Checks.model_validate(settings["checks"])
    epochs, differing = placed_channels(epochs, settings["montage"], limits, cap=source.montage)
    findings += differing
    epochs.pick("eeg", exclude=(), verbose="WARNING")
    marked = {*marked_channels(findings), *by_hand}
    epochs.info["bads"] = [name for name in epochs.ch_names if name in marked]
    if cleaning.reference == "mastoids":
        usable_mastoids(cleaning.mastoids, [name for name in epochs.ch_names if name not in marked])
    epochs.set_eeg_reference("average", projection=False, verbose="WARNING")
    rank = numerical_rank(np.hstack(list(epochs.get_data(picks="eeg", verbose="WARNING"))), average_reference=True)
    lowpass_hz = _lowpass(source, cleaning)
    if epochs.info["lowpass"] > lowpass_hz:
        epochs.filter(None, lowpass_hz, verbose="WARNING")
    if sfreq_hz > cleaning.sfreq_hz:
        epochs.resample(cleaning.sfreq_hz, verbose="WARNING")
    if epochs.info["bads"]:
        epochs.interpolate_bads(reset_bads=True, verbose="WARNING")
        epochs.set_eeg_reference("average", projection=False, verbose="WARNING")
    if cleaning.reference == "mastoids":
        epochs.set_eeg_reference(list(cleaning.mastoids), verbose="WARNING")
    return epochs, signature, rank


def _without_stretches(epochs: "BaseEpochs", stretches_s: list[tuple[float, float]], where: str) -> "BaseEpochs":
    """Drop the epochs that a stretch without signal reaches into."""
    length_s = len(epochs.times) / float(epochs.info["sfreq"])
    starts_s = np.arange(len(epochs)) * length_s
    hit = np.zeros(len(epochs), dtype=bool)
    for onset_s, duration_s in stretches_s:
        hit |= (starts_s < onset_s + duration_s) & (starts_s + length_s > onset_s)
    if hit.all():
        problem = Problem(where, "no epoch without a stretch that holds no signal", "at least one", "leave it out")
        raise RecordingFault("too few epochs", problem)
    return epochs[~hit] if hit.any() else epochs


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
