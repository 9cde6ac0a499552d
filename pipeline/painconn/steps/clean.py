"""Per session: from recordings to clean epochs of equal number, and the continuous data for envelope measures."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.cleaning.quality import recording_quality
from painconn.cleaning.session import CleanedSession, clean_session
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Condition, Source
from painconn.errors import Problem, RecordingFault
from painconn.paths import Results, SessionKey
from painconn.provenance import seed_for
from painconn.steps.cut import Cut, cut_condition
from painconn.steps.readings import Exclusion, Readings, read_session, recording_name
from painconn.steps.ready_epochs import clean_ready_epochs
from painconn.store import read_tsv, write_result

if TYPE_CHECKING:
    from mne.io import BaseRaw

logger = logging.getLogger(__name__)


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Clean one session; what cannot be used becomes an exclusion, what can goes on without it."""
    key = SessionKey.parse(name)
    sidecar = results.cleaned(key)
    about = {
        "participant": key.participant,
        "session": key.session,
        "site": settings["session"]["site"],
        "step": "clean",
    }
    exclusions: list[Exclusion] = []
    readings = Readings()
    try:
        record, files = _clean(settings, key, readings, exclusions)
    except RecordingFault as fault:
        exclusions.append({"recording": "", "condition": "", "step": "clean", **fault.as_record()})
        logger.warning("%s excluded: %s", name, fault)
        write_result(sidecar, {**about, "status": "excluded", "exclusions": exclusions, "findings": readings.findings})
        return
    write_result(sidecar, {**about, **record, "exclusions": exclusions, "findings": readings.findings}, files)


def _clean(
    settings: dict[str, Any], key: SessionKey, readings: Readings, exclusions: list[Exclusion]
) -> tuple[dict[str, Any], dict[str, Callable[[Path], object]]]:
    source = Source.model_validate(settings["source"])
    conditions = {name: Condition.model_validate(value) for name, value in settings["conditions"].items()}
    cleaning = CleaningConfig.model_validate(settings["cleaning"])
    if source.layout == "epochs":
        cuts, session = clean_ready_epochs(settings, source, conditions, cleaning, key, readings, exclusions)
        return _record(cuts, session, {}, key)
    read_session(settings, source, sfreq_hz=cleaning.sfreq_hz, readings=readings, exclusions=exclusions)
    stated = (sidecars.line_freq_hz for sidecars in readings.sidecars.values() if sidecars.line_freq_hz)
    cleaned = clean_session(
        readings.raws,
        line_freq_hz=source.line_freq_hz or next(stated, None),
        notch=cleaning.notch,
        l_freq_hz=cleaning.l_freq_hz,
        h_freq_hz=cleaning.h_freq_hz,
        recording_lowpass_hz=source.recording_lowpass_hz,
        sfreq_hz=cleaning.sfreq_hz,
        bad_channels=cleaning.bad_channels,
        max_bad_fraction=cleaning.max_bad_fraction,
        found_bads=readings.bads,
        manual_bads=_manual(cleaning, key, "bad"),
        manual_goods=_manual(cleaning, key, "good"),
        ica=cleaning.ica,
        ica_threshold=cleaning.ica_threshold,
        seed=seed_for(settings["seed"], "clean", key.participant, key.session),
    )
    cuts = {}
    for name, condition in conditions.items():
        seed = partial(seed_for, settings["seed"], key.participant, key.session, name)
        of_task = [recording for recording in cleaned.raws if _serves(recording, settings, name, condition)]
        excluded = partial(_exclude, exclusions, name)
        try:
            serving = {
                recording: cleaned.raws[recording] for recording in readings.serving(of_task, name, condition, excluded)
            }
            cuts[name] = cut_condition(serving, condition, cleaning, seed=seed, run_excluded=excluded)
        except RecordingFault as fault:
            logger.warning("%s, condition %s excluded: %s", key.name, name, fault)
            excluded(", ".join(of_task), fault)
    if not cuts:
        problem = Problem(key.name, "no condition left", "at least one", "see the other exclusions of this session")
        raise RecordingFault("conditions", problem)
    return _record(cuts, _session_record(cleaned) | {"fingerprints": readings.fingerprints}, cleaned.raws, key)


def _exclude(exclusions: list[Exclusion], condition: str, recording: str, fault: RecordingFault) -> None:
    exclusions.append({"recording": recording, "condition": condition, "step": "clean", **fault.as_record()})


def _serves(recording: str, settings: dict[str, Any], name: str, condition: Condition) -> bool:
    task = next(row["task"] for row in settings["session"]["recordings"] if recording_name(row) == recording)
    return task in ("", condition.task or name)


def _manual(cleaning: CleaningConfig, key: SessionKey, status: str) -> list[str]:
    if cleaning.manual_channels is None:
        return []
    table = read_tsv(cleaning.manual_channels, dtype=str)
    mine = (
        (table["participant"] == key.participant)
        & (table["session"].fillna("") == key.session)
        & (table["status"] == status)
    )
    return table.loc[mine, "channel"].tolist()


def _session_record(cleaned: CleanedSession) -> dict[str, Any]:
    components = [
        {
            "index": component.index,
            "label": component.label,
            "probability": component.probability,
            "removed": component.removed,
        }
        | ({"weights": component.weights.tolist()} if component.removed else {})
        for component in cleaned.components
    ]
    return {
        "bads": {name: list(reasons) for name, reasons in cleaned.bads.items()},
        "good_channels": list(cleaned.good_channels),
        "rank": {
            "used": cleaned.rank.final,
            "tracked": cleaned.rank.tracked,
            "data": cleaned.rank.data,
            "components_removed": cleaned.rank.n_removed,
        },
        "components": components,
        "ica_converged": cleaned.converged,
        "lowpass_hz": cleaned.lowpass_hz,
        "sfreq_hz": cleaned.sfreq_hz,
        "line_freq_hz": cleaned.line_freq_hz,
        "quality": {name: _json_numbers(recording_quality(cleaned, name)) for name in cleaned.raws},
        "spectra": {
            name: {
                "freqs_hz": cleaned.before[name].freqs_hz.tolist(),
                "before_db": cleaned.before[name].psd_db.tolist(),
                "after_freqs_hz": cleaned.after[name].freqs_hz.tolist(),
                "after_db": cleaned.after[name].psd_db.tolist(),
            }
            for name in cleaned.raws
        },
    }


def _json_numbers(values: dict[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}


def _record(
    cuts: dict[str, Cut], session: dict[str, Any], raws: "dict[str, BaseRaw]", key: SessionKey
) -> tuple[dict[str, Any], dict[str, Callable[[Path], object]]]:
    files: dict[str, Callable[[Path], object]] = {}
    needed = {recording for cut in cuts.values() for recording in cut.segments}
    for name in sorted(needed):
        files[f"{key.name}_{name}_desc-clean_eeg.fif"] = partial(_save, raws[name])
    records = {}
    for name, cut in cuts.items():
        for window, epochs in cut.windows.items():
            files[f"{key.name}_cond-{name}_window-{window}_desc-clean_epo.fif"] = partial(_save, epochs)
        records[name] = cut.record | {"windows": list(cut.windows)}
    return {"status": "ok", **session, "conditions": records}, files


def _save(data: Any, path: Path) -> None:
    data.save(path, overwrite=True, verbose="WARNING")
