"""Per target: the gates that a result must pass before it may be believed. A failed gate never fails the job."""

from typing import Any

import numpy as np

from painconn.config.targets import Target
from painconn.features.edges import symmetric_matrices
from painconn.inference.families import Family, family_hash
from painconn.paths import Results, SessionKey
from painconn.prediction.audit import AUC_LIMITS, audit_evaluation
from painconn.prediction.evaluation import Evaluation
from painconn.prediction.folds import Fold
from painconn.prediction.probes import probe_features, probe_gates
from painconn.provenance import seed_for
from painconn.steps.predict import fold_steps, observations, usable_sets
from painconn.steps.probes import positive_controls, probes_of
from painconn.steps.selection import read_features
from painconn.store import plain, read_arrays, read_json, read_tsv, write_json


def run(results: Results, settings: dict[str, Any], name: str) -> None:
    """Look at what the evaluator recorded, at the recordings, and at the declaration."""
    target = Target.model_validate(settings["target"])
    scores = read_json(results.target(name, "scores.json"))
    gates = [_declared_first(results, name)]
    beside: dict[str, Any] = {}
    if target.contrast.kind != "association":
        limit = target.too_good_auc or AUC_LIMITS[target.contrast.kind]
        of_primary, beside = _of_primary(results, settings, name, scores, limit)
        gates = [*of_primary, *_of_all(scores, limit), *gates]
    record = {"passed": all(gate["passed"] for gate in gates), "gates": gates, **beside}
    write_json(results.target(name, "audit.json"), plain(record))


def _of_primary(
    results: Results, settings: dict[str, Any], name: str, scores: dict[str, Any], limit: float
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run the gates and probes on the declared feature set; that it could not be scored is itself a failed gate.

    Returns
    -------
    gates : list of dict
    beside : dict
        ``probes`` with both numbers of each, and ``controls``: what else the same columns tell apart (no gates).
    """
    primary = scores["primary_feature_set"]
    score = scores["feature_sets"][primary]
    if score["auc"] is None:
        expected = f"the declared feature set ({primary}) is scored"
        found = f"not evaluated: {score['reason']}"
        gate = {"gate": "primary_scored", "expected": expected, "found": found, "passed": False, "evaluated": False}
        return [gate], {}
    table = read_features(results)
    selection, design = observations(table, settings, name)
    saved = read_arrays(results.target(name, "evaluation.npz"))
    predictions = read_tsv(results.target(name, "predictions.tsv"), dtype={"participant": str, "label": str})
    evaluation = Evaluation(
        design=design,
        scores=score,
        predictions=predictions,
        null=saved["null"],
        labellings=saved["labellings"].astype(float),
        splits=_splits(saved["splits"]),
    )
    fingerprints, owners = _fingerprints(results)
    columns = usable_sets(settings, selection)[1][primary]
    gates = audit_evaluation(
        evaluation,
        selection.features[columns],
        seed=seed_for(settings["seed"], "predict", name),
        fingerprints=fingerprints,
        owners=owners,
        auc_limit=limit,
        matrices=symmetric_matrices(columns),
        steps=fold_steps(settings, selection),
    )
    seed = seed_for(settings["seed"], "probes", name)
    of_table = selection.features[columns]
    probes = probe_features(of_table, design, probes_of(settings, selection, columns), seed=seed)
    controls = positive_controls(table, settings, selection, columns, seed=seed)
    # A ready table holds no signals: there is nothing to compare, and the gate does not apply.
    kept = [gate for gate in gates if gate["gate"] != "duplicate_recordings" or not _from_table(settings)]
    return [*kept, *probe_gates(probes)], {"probes": probes, "controls": controls}


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


def _of_all(scores: dict[str, Any], limit: float) -> list[dict[str, Any]]:
    """Gate: no feature set, primary or exploratory, is too good to be true."""
    scored = {name: score["auc"] for name, score in scores["feature_sets"].items() if score["auc"] is not None}
    if not scored:
        return []
    best = max(scored, key=scored.__getitem__)
    return [
        {
            "gate": "best_feature_set_too_good",
            "expected": f"AUC of every feature set at most {limit:g}",
            "found": f"{scored[best]:.3f} ({best})",
            "passed": bool(scored[best] <= limit),
            "evaluated": True,
        }
    ]


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
    return {
        "gate": "primary_family_declared",
        "expected": f"tested primary family with the declared hash {declared['family_hash'][:12]}",
        "found": found[:12],
        "passed": found == declared["family_hash"],
        "evaluated": True,
    }
