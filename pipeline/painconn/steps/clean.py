"""Per session: from recordings to clean epochs of equal number, and the continuous data for envelope measures."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.cleaning.session import clean_session
from painconn.config.cleaning import CleaningConfig
from painconn.config.data import Condition, Source
from painconn.errors import Problem, RecordingFault
from painconn.paths import Results, SessionKey
from painconn.provenance import seed_for
from painconn.steps.clean_record import session_record
from painconn.steps.cut import Cut, cut_condition
from painconn.steps.hands import Hands
from painconn.steps.readings import Exclusion, Readings, read_session, recording_name
from painconn.steps.ready_epochs import clean_ready_epochs
from painconn.store import write_result

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
    found = {"positions_m": _positions(settings), "exclusions": exclusions, "findings": readings.findings}
    write_result(sidecar, {**about, **record, **found}, files)


def _positions(settings: dict[str, Any]) -> dict[str, list[float]]:
    """Return where each electrode is, in head coordinates."""
    montage = settings["montage"] or {"names": [], "positions_m": []}
    return dict(zip(montage["names"], montage["positions_m"], strict=True))


def _clean(
    settings: dict[str, Any], key: SessionKey, readings: Readings, exclusions: list[Exclusion]
) -> tuple[dict[str, Any], dict[str, Callable[[Path], object]]]:
    source = Source.model_validate(settings["source"])
    conditions = {name: Condition.model_validate(value) for name, value in settings["conditions"].items()}
    cleaning = CleaningConfig.model_validate(settings["cleaning"])
    hands = Hands.of_session(cleaning.manual_decisions, key)
    if source.layout == "epochs":
        cuts, session = clean_ready_epochs(settings, source, conditions, cleaning, key, hands, readings, exclusions)
        readings.findings += hands.findings()
        return _record(cuts, session | {"hands": hands.record()}, {}, key)
    read_session(settings, source, sfreq_hz=cleaning.sfreq_hz, hands=hands, readings=readings, exclusions=exclusions)
    stated = (sidecars.line_freq_hz for sidecars in readings.sidecars.values() if sidecars.line_freq_hz)
    cleaned = clean_session(
        readings.raws,
        line_freq_hz=source.line_freq_hz or next(stated, None),
        line_noise=cleaning.line_noise,
        l_freq_hz=cleaning.l_freq_hz,
        h_freq_hz=cleaning.h_freq_hz,
        recording_lowpass_hz=source.recording_lowpass_hz,
        sfreq_hz=cleaning.sfreq_hz,
        bad_channels=cleaning.bad_channels,
        max_bad_fraction=cleaning.max_bad_fraction,
        found_bads=readings.bads,
        manual_bads=hands.channels("bad"),
        manual_goods=hands.channels("good"),
        reference=cleaning.reference,
        mastoids=cleaning.mastoids,
        ica=cleaning.ica,
        ica_threshold=cleaning.ica_thresholds,
        ica_repetitions=cleaning.ica_repetitions,
        component_decisions=hands.of("component"),
        seed=seed_for(settings["seed"], "clean", key.participant, key.session),
    )
    hands.close(cleaned.bads, [*cleaned.bads, *cleaned.good_channels], cleaned.refused)
    readings.findings += hands.findings()
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
    session = session_record(cleaned, cleaning) | {"fingerprints": readings.fingerprints, "hands": hands.record()}
    return _record(cuts, session, cleaned.raws, key)


def _exclude(exclusions: list[Exclusion], condition: str, recording: str, fault: RecordingFault) -> None:
    exclusions.append({"recording": recording, "condition": condition, "step": "clean", **fault.as_record()})


def _serves(recording: str, settings: dict[str, Any], name: str, condition: Condition) -> bool:
    task = next(row["task"] for row in settings["session"]["recordings"] if recording_name(row) == recording)
    return task in ("", condition.task or name)


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
