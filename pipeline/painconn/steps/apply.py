"""A saved model on new recordings: the line as the model's study ran it, and refusals where that is impossible."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast
from painconn.errors import InputError, Problem
from painconn.features.names import SEPARATOR
from painconn.paths import Results
from painconn.prediction.saved_model import Saved
from painconn.provenance import environment
from painconn.steps import clean, connect, forward, head, table
from painconn.steps.plan import Plan
from painconn.steps.selection import observation_name, per_person
from painconn.store import read_parquet, read_result, read_tsv, write_json, write_tsv

MAX_ELECTRODE_SHIFT_M = 0.010
FAR_OUTSIDE_SD = 1.0

_PATHS = {"cleaning": ("manual_decisions",), "cortex": ("subjects_dir", "transform", "bem_solution")}
_DIFFERENT = "record with the cap, or use a model, that fits"


def apply_model(
    saved: Saved, recordings: Sequence[Path], out: Path, *, say: Callable[[str], None]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Prepare recordings as the model demands and return what it says about them.

    Parameters
    ----------
    saved : SavedModel or SavedRegression
        A model that was read and checked.
    recordings : sequence of Path
        A folder of recordings, or files of one such folder; a file stands for its whole session.
    out : Path
        Where derivatives and results go.
    say : callable
        Takes a line of progress.

    Returns
    -------
    predictions : DataFrame
        A row per participant and observation: ``participant``, ``observation``, of a classifier ``negative``,
        ``positive``, ``score``, ``probability`` of the positive side with ``ci_low`` and ``ci_high``, of a regression
        ``score`` (its name), ``predicted`` with its prediction interval ``pi_low`` and ``pi_high``, ``beyond`` (the
        scores of the study), ``n_missing`` (columns that took the training mean), ``outside`` (blocks of columns far
        outside the training range).
    refused : list of Problem
        Recordings that the model cannot be applied to.

    Raises
    ------
    InputError
        When electrodes, head or everything else does not fit, with every reason at once.
    """
    study, results = study_of(saved, recordings), Results(out)
    made_by, here = saved.record.made_with.get("painconn"), environment()["painconn"]
    if made_by != here:
        say(f"the model was made with painconn {made_by}, this is {here}: numbers may differ")
    plan = Plan(study, results)
    sessions = _chosen(plan, recordings)
    for label in {plan.head_of(name).label for name in sessions}:
        say(f"head {label}")
        head.run(results, json.loads(plan.settings_head(label)), label)
    problems = [*_electrode_problems(saved, plan, sessions), *_head_problems(saved, plan, sessions)]
    if problems:
        raise InputError(problems)
    for key in {plan.forward_of(name) for name in sessions} - {None}:
        forward.run(results, json.loads(plan.settings_forward(str(key))), str(key))
    for place, name in enumerate(sessions, start=1):
        say(f"{name} ({place} of {len(sessions)}): cleaning")
        clean.run(results, json.loads(plan.settings_clean(name)), name)
        say(f"{name} ({place} of {len(sessions)}): cortex, connectivity and features")
        connect.run(results, json.loads(plan.settings_connect(name)), name)
    kept = [plan.sessions[name] for name in sessions]
    # The table is about the chosen sessions; without a fingerprint a later run looks at the whole folder again.
    write_json(results.inventory, plan.inventory | {"sessions": kept, "unplaced": [], "fingerprint": "chosen"})
    table.run(results, json.loads(plan.settings_table()))
    predictions, outside, refused = _predictions(saved, results)
    refused += _excluded(saved, results)
    if predictions.empty:
        raise InputError(refused)
    write_tsv(out / "predictions.tsv", predictions)
    write_tsv(out / "outside_training_range.tsv", outside)
    write_tsv(
        out / "refused.tsv", pd.DataFrame([vars(one) for one in refused], columns=["where", "found", "wanted", "fix"])
    )
    write_json(out / "about.json", saved.about())
    return predictions, refused


def study_of(saved: Saved, recordings: Sequence[Path]) -> StudyConfig:
    """Return the study that prepares recordings as the model's own did.

    Raises
    ------
    InputError
        When they are not there, lie in several folders, or are named in a way that the model's study did not know.
    """
    root, layout = _place_of(recordings)
    try:
        return _study_of(saved, root, layout)
    except (KeyError, TypeError, ValueError, StopIteration):
        found, fix = "no settings that prepare a recording", "save the model again by running its study"
        raise InputError(Problem("model.json, contract", found, "the sections that painconn writes", fix)) from None


def _study_of(saved: Saved, root: Path, layout: str) -> StudyConfig:
    line = dict(saved.record.contract["line"])
    sources = {source["layout"]: source for source in line.pop("sources")}
    source = sources.get(layout)
    if source is None and layout == "bids":
        source = next(iter(sources.values())) | {"layout": "bids", "pattern": None}
    if source is None:
        wanted = "a BIDS dataset, whose files begin with sub-"
        fix = "convert the recordings to BIDS, or rename them"
        raise InputError(Problem(root.name, "files that are not named as in the model's study", wanted, fix))
    of_data = {key: line.pop(key) for key in ("conditions", "checks", "inclusion")}
    # A model comes from elsewhere: it has no say in which files of this machine are read.
    cleaning, cortex = (line.pop(section) | dict.fromkeys(_PATHS[section]) for section in ("cleaning", "cortex"))
    if not isinstance(cortex["parcellation"], str):
        raise TypeError("regions from files")
    target = {key: saved.record.contract[key] for key in ("contrast", "primary")}
    return StudyConfig.model_validate(
        {
            "name": "prediction",
            "data": {"sources": [source | {"root": str(root.resolve())}], **of_data},
            "targets": {saved.record.target: target},
            "cleaning": cleaning,
            "cortex": cortex,
            **line,
        }
    )


def _place_of(recordings: Sequence[Path]) -> tuple[Path, str]:
    """Return the folder that holds the recordings, and how they lie in it."""
    problems, places = [], set()
    for path in recordings:
        if not path.exists():
            problems.append(Problem(path.name, "no such file or folder", "a recording", "correct the path"))
            continue
        person = next((parent for parent in path.resolve().parents if parent.name.startswith("sub-")), None)
        root = path.resolve() if path.is_dir() else person.parent if person else path.resolve().parent
        places.add((root, "bids" if person or any(root.glob("sub-*/")) else "folder"))
    if len(places) > 1:
        found, fix = f"{len(places)} folders", "run painconn predict for each of them"
        problems.append(Problem("recordings", found, "recordings of one dataset", fix))
    if problems:
        raise InputError(problems)
    return places.pop()


def _chosen(plan: Plan, recordings: Sequence[Path]) -> list[str]:
    """Return the sessions that hold the recordings; of a folder all."""
    files = {path.resolve() for path in recordings if path.is_file()}
    root = Path(plan.study.data.sources[0].root)
    owners = {
        (root / row["path"]).resolve(): name for name, each in plan.sessions.items() for row in each["recordings"]
    }
    lost = sorted(path.name for path in files - owners.keys())
    if lost or not plan.sessions:
        found = f"no recording of the model's conditions: {', '.join(lost) or 'the folder'}"
        wanted = ", ".join(plan.study.data.conditions)
        raise InputError(Problem("recordings", found, wanted, "name the file that holds the signal, e.g. the .vhdr"))
    return sorted({owners[path] for path in files}) if files else sorted(plan.sessions)


def _electrode_problems(saved: Saved, plan: Plan, sessions: Sequence[str]) -> list[Problem]:
    problems = []
    caps = saved.record.contract["caps"]
    if not caps:
        return [Problem("model.json, contract.caps", "no electrodes", "those of the study", "save the model again")]
    for name in sessions:
        montage = plan.inventory["montages"].get(plan.sessions[name]["montage"])
        if montage is None:
            found = "electrodes without known positions"
            problems.append(Problem(f"{name}, electrodes", found, _names(caps[0]["names"]), _DIFFERENT))
            continue
        places = dict(zip(montage["names"], montage["positions_m"], strict=True))
        fitting = next((cap for cap in caps if set(cap["names"]) == set(places)), None)
        if fitting is None:
            wanted = set(caps[0]["names"])
            missing, more = _names(sorted(wanted - set(places))), _names(sorted(set(places) - wanted))
            found = f"missing {missing}; not in the model {more}"
            problems.append(Problem(f"{name}, electrodes", found, f"the {len(wanted)} of the model", _DIFFERENT))
            continue
        apart = np.array([places[channel] for channel in fitting["names"]]) - np.array(fitting["positions_m"])
        shift_m = float(np.linalg.norm(apart, axis=1).max())
        if shift_m > MAX_ELECTRODE_SHIFT_M:
            found, wanted_mm = (
                f"up to {1000 * shift_m:.0f} mm from the model's",
                f"{1000 * MAX_ELECTRODE_SHIFT_M:.0f} mm",
            )
            problems.append(Problem(f"{name}, electrode positions", found, f"at most {wanted_mm}", _DIFFERENT))
    return problems


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _head_problems(saved: Saved, plan: Plan, sessions: Sequence[str]) -> list[Problem]:
    problems = []
    for label in sorted({plan.head_of(name).label for name in sessions}):
        found = read_result(plan.results.head(label)).get("head") or {}
        wanted = saved.record.contract["head"] or {}
        unlike = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
        if unlike:
            told = ", ".join(f"{key} {str(found.get(key))[:16]}" for key in unlike)
            needed = ", ".join(f"{key} {str(wanted.get(key))[:16]}" for key in unlike)
            fix = "use the painconn version and the head that the model was made with"
            problems.append(Problem(f"head {label}", told, needed, fix))
    return problems


def _excluded(saved: Saved, results: Results) -> list[Problem]:
    """Return the exclusions of the line that concern what the model looks at."""
    conditions = {side.condition for side in _contrast(saved).observations}
    rows = read_tsv(results.group("exclusions.tsv"), dtype=str).fillna("")
    return [
        Problem(f"sub-{row['participant']}, {row['where']}", row["found"], row["wanted"], row["fix"])
        for row in rows.to_dict("records")
        if row["condition"] in ("", *conditions)
    ]


def _contrast(saved: Saved) -> Contrast:
    return Contrast.model_validate(saved.record.contract["contrast"])


def _predictions(saved: Saved, results: Results) -> tuple[pd.DataFrame, pd.DataFrame, list[Problem]]:
    features = read_parquet(results.group("features.parquet"))
    names = list(saved.record.features)
    rows, outside, refused = [], [], []
    for observation in _contrast(saved).observations:
        people = per_person(features, observation).reindex(columns=names)
        for person, values in zip(people.index, people.to_numpy(dtype=float), strict=True):
            where = f"sub-{person}, {observation_name(observation)}"
            lacking = [block for block, places in _blocks(names).items() if np.isnan(values[places]).all()]
            if lacking:
                fix = "see not_computable.tsv; record longer, or use a model without these bands"
                refused.append(Problem(where, f"not computable: {', '.join(lacking)}", "every block of columns", fix))
                continue
            own = _outside(saved, names, values)
            flagged = [row["block"] for row in own if row["flagged"]]
            outside += [{"participant": person, "observation": observation_name(observation), **row} for row in own]
            rows.append(
                {
                    "participant": person,
                    "observation": observation_name(observation),
                    **saved.answer(values),
                    "n_missing": int(np.isnan(values).sum()),
                    "outside": ", ".join(flagged) or "none",
                }
            )
    return pd.DataFrame(rows), pd.DataFrame(outside), refused


def _blocks(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the columns of each measure, inverse and band."""
    blocks: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        blocks.setdefault(" ".join(name.split(SEPARATOR)[:3]), []).append(place)
    return blocks


def _outside(saved: Saved, names: Sequence[str], values: np.ndarray) -> list[dict[str, Any]]:
    """Compare a row with the training range, in training standard deviations, block by block."""
    beyond = np.fmax(np.fmax(saved.low - values, values - saved.high), 0.0) / saved.model.scale
    return [
        {
            "block": block,
            "n_features": len(places),
            "n_outside": int(np.sum(beyond[places] > 0)),
            "largest_sd": float(beyond[places].max()),
            "flagged": bool(beyond[places].max() > FAR_OUTSIDE_SD),
        }
        for block, places in _blocks(names).items()
    ]
