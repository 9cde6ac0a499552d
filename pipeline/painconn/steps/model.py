"""Per target: what the model rests on, and the model itself as files that others can apply."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.features.edges import symmetric_matrices
from painconn.features.parts import parts_of
from painconn.paths import Results, SessionKey
from painconn.prediction.confounds import numeric_table
from painconn.prediction.design import Design
from painconn.prediction.folds import FeatureTable
from painconn.prediction.interpretation import Interpretation, design_order, interpret
from painconn.prediction.linear import draw_models, fit_linear
from painconn.prediction.model_card import model_card
from painconn.prediction.model_file import ARRAYS_FILE, CARD_FILE, MODEL_FILE, model_files, sealed
from painconn.prediction.number_design import NumberDesign
from painconn.prediction.number_linear import attainable_level, fit_regression, guaranteed_level, leave_folds_out
from painconn.prediction.registry import CLASSIFIERS
from painconn.prediction.saved_model import (
    CLASSIFIER_FORMAT,
    LEVEL,
    REGRESSION_FORMAT,
    ModelRecord,
    RegressionRecord,
    Saved,
    SavedModel,
    SavedRegression,
)
from painconn.provenance import canonical_json, environment, file_hash, seed_for, text_hash
from painconn.steps.blinding import is_blinded, with_lots
from painconn.steps.predict import fold_steps, observations, scored_people, usable_sets
from painconn.steps.selection import Selection, read_features
from painconn.store import (
    plain,
    read_json,
    read_result,
    save_tsv,
    write_arrays,
    write_atomically,
    write_json,
    write_result,
    write_text,
)

Ends = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Smallest and largest value of each column."""

_MADE = (MODEL_FILE, ARRAYS_FILE, CARD_FILE)
_OF_CLASSIFIER = (
    "auc", "auc_ci", "permutation", "balanced_accuracy", "sensitivity", "specificity", "brier", "brier_no_skill",
    "interval_coverage_note", "interval_warning",
)  # fmt: skip
_OF_REGRESSION = (
    "r2", "r2_ci", "permutation", "within_fold_r", "mae", "mae_no_skill", "calibration_slope", "interval_coverage_note",
    "interval_warning",
)  # fmt: skip


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Interpret the primary feature set; save the model when it is linear and recordings can be prepared for it."""
    scores = read_json(results.target(name, "scores.json"))
    primary = scores["primary_feature_set"]
    score = scores["feature_sets"].get(primary) or {}
    folder = results.model(name)
    for made in _MADE:
        (folder / made).unlink(missing_ok=True)
    results.target(name, "interpretation.tsv").unlink(missing_ok=True)
    about: dict[str, Any] = {"step": "model", "classifier": settings["target"]["classifier"], "feature_set": primary}
    of_people = settings["target"]["contrast"]["kind"] == "association"
    if score.get("r2" if of_people else "auc") is None:
        _write_no_model(results, name, about, str(score.get("reason", "it was not scored")), {})
        return
    settings = with_lots(results, settings)
    laid_out = scored_people if of_people else observations
    selection, design = laid_out(read_features(results), settings, name)
    columns = usable_sets(settings, selection)[1][primary]
    seed = seed_for(settings["seed"], "predict", name)
    found = interpret(
        selection.features[columns],
        design,
        classifier=about["classifier"],
        blocks={("all", "all columns"): range(len(columns)), **parts_of(columns, settings["groups"])},
        seed=seed,
        matrices=symmetric_matrices(columns),
        steps=fold_steps(settings, selection),
    )
    performance = {key: score[key] for key in (_OF_REGRESSION if of_people else _OF_CLASSIFIER) if key in score}
    about |= {"interpretation": found.facts}
    files = {"interpretation.tsv": partial(save_tsv, _one_table(found))}
    reason = why_no_model(settings)
    if reason:
        card = about | {"performance": performance}
        _write_no_model(results, name, card, reason, files)
        return
    saved = _fitted(results, settings, name, selection, design, columns, performance)
    _write_model(folder, saved)
    write_result(results.target(name, "model.json"), plain(about | {"saved": True, "reason": ""}), files)


def why_no_model(settings: dict[str, Any]) -> str:
    """Say why a target has no model that could be applied to other recordings; empty when it has one."""
    target, source = settings["target"], settings["data"]["sources"][0]
    line = settings["line"]
    if is_blinded(settings):
        return "the study is blinded: its labels are dealt by lot"
    if not CLASSIFIERS[target["classifier"]].linear:
        kind = "regression" if target["contrast"]["kind"] == "association" else "classifier"
        return f"the {kind} {target['classifier']} is not linear, and only weights are saved, never code"
    if target.get("confound_regression", "none") != "none":
        return "confound regression needs the covariates of the new person on the scale of this study"
    if target.get("harmonisation", "none") != "none":
        return "its weights are for harmonised columns, and what the new person's site adds to them is not known"
    if source["layout"] in ("features", "epochs"):
        return f"the data came as ready {source['layout']}: how to prepare a recording is not known"
    if line["cortex"]["template"] == "individual":
        return "the heads are those of the participants"
    if not isinstance(line["cortex"]["parcellation"], str):
        return "the regions come from files of this study"
    return ""


def _one_table(found: Interpretation) -> pd.DataFrame:
    patterns = found.patterns
    if len(patterns):
        # The p of a pattern is that of the largest over all columns: they are one family.
        patterns = patterns.assign(
            kind="feature", role="exploratory", family="patterns of the primary set", family_size=len(patterns)
        )
    table = pd.concat([patterns, found.importances], ignore_index=True)
    first = [name for name in ("kind", "role", "family", "family_size", "name") if name in table]
    return table[[*first, *table.columns.drop(first)]]


def _write_no_model(results: Results, name: str, about: dict[str, Any], reason: str, files: dict[str, Any]) -> None:
    write_text(results.model(name) / CARD_FILE, model_card(name, about, reason, {}))
    record = {key: value for key, value in about.items() if key != "performance"}
    write_result(results.target(name, "model.json"), plain(record | {"saved": False, "reason": reason}), files)


def _fitted(
    results: Results,
    settings: dict[str, Any],
    name: str,
    selection: Selection,
    design: Design | NumberDesign,
    columns: list[str],
    performance: dict[str, Any],
) -> Saved:
    """Fit the model to everybody, with what it is about and what a recording must be."""
    order = design_order(design)
    table = numeric_table(selection.features[columns].iloc[order])
    classifier = settings["target"]["classifier"]
    about = {
        "target": name,
        "classifier": classifier,
        "n_participants": len(set(selection.participants)),
        "feature_set": read_json(results.target(name, "scores.json"))["primary_feature_set"],
        "features": columns,
        "contract": plain(_contract(results, settings, set(selection.participants))),
        "performance": plain(performance),
        "made_with": {**environment(), "config_hash": text_hash(canonical_json(settings["line"]))},
    }
    ends = np.nanmin(table.values, axis=0), np.nanmax(table.values, axis=0)
    if isinstance(design, NumberDesign):
        return _regression(table, design.rows(order), about, ends)
    seed = seed_for(settings["seed"], "model", name)
    return _classifier(table, design.rows(order), about, ends, seed=seed)


def _classifier(table: FeatureTable, design: Design, about: dict[str, Any], ends: Ends, *, seed: int) -> SavedModel:
    model = fit_linear(about["classifier"], table, design.signs, design.folds[0])
    draws = draw_models(about["classifier"], table, design, model, seed=seed)
    counts = design.counts()
    own = {
        "format": CLASSIFIER_FORMAT,
        "setting": model.setting,
        "intercept": model.intercept,
        "calibration": vars(model.platt),
        "kind": design.kind,
        "negative": design.a,
        "positive": design.b,
        "n_negative": counts[design.a],
        "n_positive": counts[design.b],
    }
    return SavedModel(ModelRecord.model_validate(about | own), model, draws, *ends)


def _regression(table: FeatureTable, design: NumberDesign, about: dict[str, Any], ends: Ends) -> SavedRegression:
    fitted_to = about["classifier"], table, design.values, design.folds[0]
    model = fit_regression(*fitted_to)
    n = len(design.values)
    level = attainable_level(n, LEVEL)
    folds = leave_folds_out(*fitted_to, model).deciding(level)
    own = {
        "format": REGRESSION_FORMAT,
        "setting": model.setting,
        "intercept": model.intercept,
        "score": design.score,
        "lowest": float(design.values.min()),
        "highest": float(design.values.max()),
        "interval_level": level,
        "guaranteed_level": guaranteed_level(n, design.n_outer, level),
        "errors": [errors.tolist() for errors in folds.errors],
    }
    return SavedRegression(RegressionRecord.model_validate(about | own), model, folds, *ends)


def _contract(results: Results, settings: dict[str, Any], people: set[str]) -> dict[str, Any]:
    """Return what a recording must be, and how it is prepared; no label and no folder of this study is in it."""
    sessions = [each for each in read_json(results.inventory)["sessions"] if each["participant"] in people]
    caps: dict[tuple[str, ...], list[Any]] = {}
    head: Any = None
    for session in sessions:
        key = SessionKey.parse(session["name"])
        connected = read_result(results.connectivity(key), verify=False)
        if connected["status"] != "ok":
            continue
        places = read_result(results.cleaned(key), verify=False)["positions_m"]
        names = tuple(sorted(places))
        caps.setdefault(names, []).append([places[channel] for channel in names])
        head = connected["head"]
    return {
        "line": settings["line"],
        "contrast": settings["target"]["contrast"],
        "primary": settings["target"]["primary"],
        "caps": [
            {"names": list(names), "positions_m": np.mean(places, axis=0).tolist()} for names, places in caps.items()
        ],
        "head": head,
    }


def _write_model(folder: Path, saved: Saved) -> None:
    arrays, record = model_files(saved)
    write_atomically(folder / ARRAYS_FILE, partial(_save, arrays))
    write_json(folder / MODEL_FILE, sealed(record, folder / ARRAYS_FILE))
    hashes = {file: file_hash(folder / file) for file in (MODEL_FILE, ARRAYS_FILE)}
    write_text(folder / CARD_FILE, model_card(saved.record.target, record, "", hashes))


def _save(arrays: dict[str, Any], path: Path) -> None:
    write_arrays(path, arrays)
