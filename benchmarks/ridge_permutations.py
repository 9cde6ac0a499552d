"""PERM-RIDGE: nested, repeated evaluation under all permutations at once, against scikit-learn refitting each of them.

Run ``python benchmarks/ridge_permutations.py``. Same folds, same tuning, one thread; the peer is timed on a few
labellings and scaled up (stated); the scores of those labellings are compared with ours in the same run.
"""

import json
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from measuring import OURS, agreement, alternate, entry, with_version
from painconn.prediction.auc import within_fold_auc
from painconn.prediction.design import make_design
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.ridge import PENALTIES_PER_FEATURE, score_labellings

PEER = "scikit-learn"
LIMIT = 1e-9
N_PEOPLE, N_FEATURES, N_PERMUTATIONS, N_PEER = 60, 5000, 1000, 2


def peer_auc(values: np.ndarray, labels: np.ndarray, folds: list[Any]) -> float:
    """Evaluate one labelling with scikit-learn: tuning by inner AUC, ties to the larger penalty."""
    aucs = []
    for fold in folds:
        inner = []
        for penalty in PENALTIES_PER_FEATURE:
            parts = []
            for train, test in fold.inner:
                model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=penalty * values.shape[1]))
                scores = model.fit(values[train], labels[train]).decision_function(values[test])
                parts.append(roc_auc_score(labels[test], scores))
            inner.append(np.mean(parts))
        best = max(
            range(len(PENALTIES_PER_FEATURE)), key=lambda index: (round(inner[index], 9), PENALTIES_PER_FEATURE[index])
        )
        model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=PENALTIES_PER_FEATURE[best] * values.shape[1]))
        scores = model.fit(values[fold.train], labels[fold.train]).decision_function(values[fold.test])
        aucs.append(roc_auc_score(labels[fold.test], scores))
    return float(np.mean(aucs))


def run() -> dict[str, Any]:
    """Time both and compare their scores."""
    rng = np.random.default_rng(1)
    people = [f"{number:03d}" for number in range(N_PEOPLE)]
    labels = np.array(["a", "b"] * (N_PEOPLE // 2))
    values = rng.standard_normal((N_PEOPLE, N_FEATURES)) + 0.05 * (labels == "b")[:, None]
    design = make_design(people, labels.tolist(), a="a", b="b", kind="between", n_outer=5, n_repeats=1, seed=1)
    folds = list(outer_folds(design))
    signs = permuted_labellings(design, n_permutations=N_PERMUTATIONS, seed=1).signs
    table = FeatureTable(values=values, weights=np.ones(N_FEATURES))
    score_labellings(table, signs[:, :1], folds)
    measured = alternate(
        {
            PEER: lambda: np.array([peer_auc(values, signs[:, column], folds) for column in range(N_PEER)]),
            OURS: lambda: np.mean(
                [within_fold_auc(s.test, signs[s.fold.test]) for s in score_labellings(table, signs, folds)], axis=0
            ),
        },
        repeats={PEER: 1, OURS: 3},
    )
    return entry(
        "PERM-RIDGE",
        described=f"{N_PEOPLE} people x {N_FEATURES} features, nested 5 x 4, {N_PERMUTATIONS} permutations",
        peer=f"{with_version(PEER)}, refitted for each labelling",
        cpu_s={OURS: measured.cpu_s[OURS], PEER: measured.cpu_s[PEER] / N_PEER * N_PERMUTATIONS},
        differences={"auc": agreement(measured.outputs[OURS][:N_PEER], measured.outputs[PEER])},
        limit=LIMIT,
        extrapolated_from=f"{N_PEER} of {N_PERMUTATIONS} labellings",
    )


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
