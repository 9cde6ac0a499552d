"""PERM-RIDGE, PERM-SVM, STUDY-100: nested, repeated evaluation under permuted labels.

Run ``python benchmarks/run.py PERM STUDY``. The first two against scikit-learn, which refits its pipeline for each
labelling: same folds, same tuning, one thread; the peer is timed on a few labellings and scaled up (stated), and the
scores of those labellings are compared with ours in the same run. The last one is a whole study's evaluation.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from measuring import OURS, agreement, alternate, entry, with_version
from painconn.prediction.auc import within_fold_auc
from painconn.prediction.design import Design, make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.folds import FeatureTable, Fold, outer_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.registry import CLASSIFIERS
from painconn.prediction.ridge import PENALTIES_PER_FEATURE
from painconn.prediction.support_vectors import LINEAR_C, TOLERANCE

PEER = "scikit-learn"
GOAL_WALL_S = 300.0
N_STUDY_PEOPLE, N_STUDY_FEATURES, N_STUDY_PERMUTATIONS = 100, 25_000, 1000


@dataclass(frozen=True)
class Contest:
    """One classifier, its counterpart and the size of the task."""

    workload: str
    classifier: str
    build: Callable[[float, int], Any]
    settings: Sequence[float]
    n_people: int
    n_features: int
    n_permutations: int
    n_peer: int
    goal_ratio: float
    limits: dict[str, float]


RIDGE = Contest(
    "PERM-RIDGE", "ridge", lambda penalty, n_features: RidgeClassifier(alpha=penalty * n_features),
    PENALTIES_PER_FEATURE, 60, 5000, 1000, 2, 1000.0, {"auc": 1e-9, "score": 1e-9},
)  # fmt: skip
SVM = Contest(
    "PERM-SVM", "svm_linear", lambda c, n_features: SVC(kernel="linear", C=c / n_features, tol=TOLERANCE),
    LINEAR_C, 100, 24_750, 100, 1, 30.0, {"auc": 1e-9, "score": 1e-4},
)  # fmt: skip


def planted(n_people: int, n_features: int, n_repeats: int) -> tuple[np.ndarray, Design]:
    """Return features with a small effect, and the design of as many people on both sides."""
    labels = np.array(["a", "b"] * (n_people // 2))
    values = np.random.default_rng(1).standard_normal((n_people, n_features)) + 0.05 * (labels == "b")[:, None]
    people = [f"{number:03d}" for number in range(n_people)]
    return values, make_design(
        people, labels.tolist(), a="a", b="b", kind="between", n_outer=5, n_repeats=n_repeats, seed=1
    )


def peer_scores(contest: Contest, values: np.ndarray, labels: np.ndarray, fold: Fold) -> np.ndarray:
    """Tune by inner AUC, ties to the most regularised setting, and score the test rows of one labelling."""

    def scores(setting: float, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        model = make_pipeline(StandardScaler(), contest.build(setting, values.shape[1]))
        return model.fit(values[train], labels[train]).decision_function(values[test])

    inner = [
        np.mean([roc_auc_score(labels[test], scores(setting, train, test)) for train, test in fold.inner])
        for setting in contest.settings
    ]
    best = max(range(len(inner)), key=lambda place: (round(inner[place], 9), place))
    return scores(contest.settings[best], fold.train, fold.test)


def compared(contest: Contest) -> dict[str, Any]:
    """Time both and compare their scores."""
    values, design = planted(contest.n_people, contest.n_features, n_repeats=1)
    folds = outer_folds(design)
    signs = permuted_labellings(design, n_permutations=contest.n_permutations, seed=1).signs
    table = FeatureTable(values=values, weights=np.ones(contest.n_features))
    score = CLASSIFIERS[contest.classifier].load()
    list(score(table, signs[:, :1], folds[:1]))
    peer_columns = range(contest.n_peer)
    measured = alternate(
        {
            PEER: lambda: [
                np.column_stack([peer_scores(contest, values, signs[:, column], fold) for column in peer_columns])
                for fold in folds
            ],
            OURS: lambda: [each.test for each in score(table, signs, folds)],
        },
        repeats={PEER: 1, OURS: 3},
    )
    theirs, ours = measured.outputs[PEER], [scores[:, : contest.n_peer] for scores in measured.outputs[OURS]]
    both_auc = [
        np.mean([within_fold_auc(s, signs[f.test][:, : contest.n_peer]) for s, f in zip(scores, folds, strict=True)], 0)
        for scores in (ours, theirs)
    ]
    return entry(
        contest.workload,
        described=f"{contest.n_people} people x {contest.n_features} features, nested 5 x 4, {len(contest.settings)} "
        f"settings, {contest.n_permutations} permutations",
        peer=f"{with_version(PEER)}, pipeline refitted for each labelling",
        cpu_s={
            OURS: measured.cpu_s[OURS],
            PEER: measured.cpu_s[PEER] / contest.n_peer * contest.n_permutations,
        },
        differences={"auc": agreement(*both_auc), "score": agreement(np.concatenate(ours), np.concatenate(theirs))},
        limit=contest.limits,
        goal_ratio=contest.goal_ratio,
        extrapolated_from=f"{contest.n_peer} of {contest.n_permutations} labellings",
    )


def ridge() -> dict[str, Any]:
    """Return the result of the default classifier."""
    return compared(RIDGE)


def svm() -> dict[str, Any]:
    """Return the result of the linear support vector machine."""
    return compared(SVM)


def study() -> dict[str, Any]:
    """Evaluate the default classifier as a study does: permutations, baselines, increment and learning curve."""
    values, design = planted(N_STUDY_PEOPLE, N_STUDY_FEATURES, n_repeats=10)
    generator = np.random.default_rng(2)
    covariates = pd.DataFrame({"age": generator.normal(50, 10, N_STUDY_PEOPLE), "sex": ["f", "m"] * 50})
    features = pd.DataFrame(values).add_prefix("feature_")
    cpu_start, wall_start = time.process_time(), time.perf_counter()
    found = evaluate(features, design, n_permutations=N_STUDY_PERMUTATIONS, seed=1, confounds=covariates)
    cpu_s, wall_s = time.process_time() - cpu_start, time.perf_counter() - wall_start
    return {
        "workload": "STUDY-100",
        "input": f"{N_STUDY_PEOPLE} people x {N_STUDY_FEATURES} features, nested 5 x 4, 10 repeats, "
        f"{N_STUDY_PERMUTATIONS} complete permutations, default classifier with covariates",
        "peer": "none",
        "cpu_s": {OURS: cpu_s},
        "ratio": None,
        "goal_ratio": None,
        "goal": f"below {GOAL_WALL_S:g} s on two cores",
        "met": wall_s < GOAL_WALL_S,
        "agreement": {},
        "agreement_limit": None,
        "figures": [
            {
                "CPU s": cpu_s,
                "wall s": wall_s,
                "AUC": found.scores["auc"],
                "permutation p": found.scores["permutation"]["p"],
            }
        ],
        "note": "Inner folds are the remaining outer folds; one thread. Includes the models of covariates alone "
        "and of features and covariates under the same permutations.",
    }
