"""Per target: the gates that a result must pass before it may be believed. A failed gate never fails the job."""

from typing import Any

import numpy as np
from pandas.api.types import is_numeric_dtype

from painconn.config.targets import Target
from painconn.errors import DesignError
from painconn.features.edges import symmetric_matrices
from painconn.inference.families import Family, family_hash
from painconn.paths import Results, SessionKey
from painconn.prediction.audit import AUC_LIMITS, audit_evaluation
from painconn.prediction.design import Design
from painconn.prediction.evaluation import Evaluation
from painconn.prediction.folds import Fold
from painconn.prediction.gates import gate, not_evaluated
from painconn.prediction.number_audit import audit_numbers
from painconn.prediction.number_design import NumberDesign
from painconn.prediction.number_evaluation import NumberEvaluation
from painconn.prediction.probes import Probe, probe_features, probe_gates
from painconn.provenance import seed_for
from painconn.steps.association import halved, halves_design
from painconn.steps.blinding import mark_of, with_lots
from painconn.steps.harmonisation import sites_record
from painconn.steps.lock import lock_gate
from painconn.steps.predict import fold_steps, observations, scored_people, usable_sets
from painconn.steps.probes import positive_controls, probes_of
from painconn.steps.selection import Selection, read_features
from painconn.store import plain, read_arrays, read_json, read_tsv, write_json

_OF_SIDES = "auc"
_HEADLINES = {"association": "r2"}


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Look at what the evaluator recorded, at the recordings, and at the declaration."""
    target = Target.model_validate(settings["target"])
    settings = with_lots(results, settings)
    scores = read_json(results.target(name, "scores.json"))
    gates = [_declared_first(results, name), lock_gate(results, settings, name)]
    kind = target.contrast.kind
    limit = target.too_good_r2 if kind == "association" else target.too_good_auc or AUC_LIMITS[kind]
    headline = _HEADLINES.get(kind, _OF_SIDES)
    of_primary, beside = _of_primary(results, settings, name, scores, headline, limit)
    gates = [*of_primary, *_of_all(scores, headline, limit), *gates]
    record = {"passed": all(gate["passed"] for gate in gates), "gates": gates, **beside}
    write_json(results.target(name, "audit.json"), plain(record | mark_of(settings)))


def _of_primary(
    results: Results, settings: dict[str, Any], name: str, scores: dict[str, Any], headline: str, limit: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run the gates and probes on the declared feature set; that it could not be scored is itself a failed gate.

    Returns
    -------
    gates : list of dict
    beside : dict
        ``probes`` with both numbers of each, ``controls``: what else the same columns tell apart (no gates), and, with
        several sites, ``sites``. Of an association they are asked of the lower and the upper half of the score.
    """
    primary = scores["primary_feature_set"]
    saved_score = scores["feature_sets"][primary]
    if saved_score[headline] is None:
        expected = f"the declared feature set ({primary}) is scored"
        return [not_evaluated("primary_scored", expected, saved_score["reason"])], {}
    table = read_features(results)
    laid_out = scored_people if saved_score.get("task") == "regression" else observations
    selection, design = laid_out(table, settings, name)
    saved = read_arrays(results.target(name, "evaluation.npz"))
    recorded: dict[str, Any] = {
        "scores": saved_score,
        "predictions": read_tsv(results.target(name, "predictions.tsv"), dtype={"participant": str, "label": str}),
        "null": saved["null"],
        "labellings": saved["labellings"].astype(float),
        "splits": _splits(saved["splits"]),
    }
    fingerprints, owners = _fingerprints(results)
    columns = usable_sets(settings, selection)[1][primary]
    given: dict[str, Any] = {
        "features": selection.features[columns],
        "seed": seed_for(settings["seed"], "predict", name),
        "fingerprints": fingerprints,
        "owners": owners,
        "matrices": symmetric_matrices(columns),
        "steps": fold_steps(settings, selection),
    }
    if isinstance(design, NumberDesign):
        gates = audit_numbers(NumberEvaluation(design=design, **recorded), r2_limit=limit, **given)
        score: np.ndarray[Any, Any] | None = design.values
        selection = halved(selection)
    else:
        score = None
        gates = audit_evaluation(Evaluation(design=design, **recorded), auc_limit=limit, **given)
    seed = seed_for(settings["seed"], "probes", name)
    of_table = selection.features[columns]
    # Asked of itself (age, of an association with age), a score would look like its own confound.
    asked = [probe for probe in probes_of(settings, selection, columns) if not _is_score(probe, score)]
    sides, unprobed = _probed_sides(selection, design)
    probes = [] if sides is None else probe_features(of_table, sides, asked, seed=seed)
    controls = positive_controls(table, settings, selection, columns, seed=seed)
    # A ready table holds no signals: there is nothing to compare, and the gate does not apply.
    kept = [gate for gate in gates if gate["gate"] != "duplicate_recordings" or not _from_table(settings)]
    beside: dict[str, Any] = {"probes": probes, "controls": controls}
    sites = sites_record(settings, selection, columns, seed=seed)
    return [*kept, *unprobed, *probe_gates(probes)], beside | ({} if sites is None else {"sites": sites})


def _probed_sides(selection: Selection, design: Design | NumberDesign) -> tuple[Design | None, list[dict[str, Any]]]:
    """Return the sides that probes are asked of; of a score that has no two halves none, and a gate that says so."""
    if isinstance(design, Design):
        return design, []
    try:
        return halves_design(selection), []
    except DesignError as error:
        found = "; ".join(problem.found for problem in error.problems)
        return None, [not_evaluated("probes", "probes asked of the lower and the upper half of the scores", found)]


def _is_score(probe: Probe, score: "np.ndarray[Any, Any] | None") -> bool:
    return score is not None and is_numeric_dtype(probe.values) and bool(np.array_equal(probe.values, score))


def _from_table(settings: dict[str, Any]) -> bool:
    return bool(settings["data"]["sources"][0]["layout"] == "features")


def _splits(rows: "np.ndarray[Any, Any]") -> tuple[Fold, ...]:
    """Build the folds again from the recorded row numbers."""
    folds = []
    for repeat, fold in dict.fromkeys((int(row[0]), int(row[1])) for row in rows):
        mine = rows[(rows[:, 0] == repeat) & (rows[:, 1] == fold)]
        inner = tuple(
            (mine[(mine[:, 2] == 2) & (mine[:, 3] == index), 4], mine[(mine[:, 2] == 3) & (mine[:, 3] == index), 4])
            for index in sorted(set(mine[mine[:, 3] >= 0, 3].tolist()))
        )
        folds.append(
            Fold(repeat=repeat, fold=fold, train=mine[mine[:, 2] == 0, 4], test=mine[mine[:, 2] == 1, 4], inner=inner)
        )
    return tuple(folds)


def _fingerprints(results: Results) -> tuple[dict[str, Any], dict[str, str]]:
    fingerprints, owners = {}, {}
    for session, recordings in read_json(results.group("fingerprints.json")).items():
        for recording, values in recordings.items():
            if not values:
                continue
            label = f"{session} {recording}"
            fingerprints[label] = np.array(values)
            owners[label] = SessionKey.parse(session).participant
    return fingerprints, owners


def _of_all(scores: dict[str, Any], headline: str, limit: float) -> list[dict[str, Any]]:
    """Gate: no feature set, primary or exploratory, is too good to be true."""
    scored = {name: score[headline] for name, score in scores["feature_sets"].items() if score[headline] is not None}
    if not scored:
        return []
    best = max(scored, key=scored.__getitem__)
    expected = f"{headline.upper()} of every feature set at most {limit:g}"
    return [gate("best_feature_set_too_good", expected, f"{scored[best]:.3f} ({best})", bool(scored[best] <= limit))]


def _declared_first(results: Results, name: str) -> dict[str, Any]:
    """Gate: the primary tests in the comparison table are those hashed before labels were opened."""
    declared = read_json(results.target(name, "primary_family.json"))
    declaration = read_json(results.target(name, "declaration.json"))
    rows = read_tsv(results.target(name, "compare.tsv"))
    rows = rows[rows["role"] == "primary"]
    tested = [
        Family(str(family), "primary", tuple(part["test"]), tuple(declaration["covariates"]))
        for family, part in rows.groupby("family")
    ]
    found = family_hash(tested, declared["contrast"])
    expected = f"tested primary family with the declared hash {declared['family_hash'][:12]}"
    return gate("primary_family_declared", expected, found[:12], found == declared["family_hash"])
