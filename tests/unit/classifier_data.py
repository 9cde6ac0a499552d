"""A small table that every classifier can take, with scikit-learn's answer to the same folds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.design import Design, make_design
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, outer_folds
from painconn.prediction.registry import CLASSIFIERS

Numbers = NDArray[np.float64]

N_REGIONS = 5
N_EDGES = N_REGIONS * (N_REGIONS - 1) // 2
N_BESIDE = 3
N_COLUMNS = 2 * N_EDGES + N_BESIDE


def matrix_at(start: int) -> NDArray[np.intp]:
    """Return the places of a matrix whose edges begin at a column."""
    places = -np.ones((N_REGIONS, N_REGIONS), dtype=np.intp)
    upper = np.triu_indices(N_REGIONS, 1)
    places[upper] = np.arange(start, start + N_EDGES)
    return np.maximum(places, places.T)


def design_of(n: int, n_outer: int = 3) -> Design:
    people = [f"p{index:02d}" for index in range(n)]
    labels = ["a"] * (n // 2) + ["b"] * (n - n // 2)
    return make_design(people, labels, a="a", b="b", kind="between", n_outer=n_outer, n_repeats=1)


def table_of(signs: Numbers, *, effect: float, seed: int = 0) -> FeatureTable:
    """Return two bands of edges and a few columns beside them; an effect raises four edges and a column beside."""
    generator = np.random.default_rng(seed)
    values = 0.3 * generator.normal(size=(len(signs), N_COLUMNS))
    values[:, [0, 3, N_EDGES, N_EDGES + 1, -1]] += 0.3 * effect * signs[:, None]
    values[:, : 2 * N_EDGES] = np.tanh(values[:, : 2 * N_EDGES])
    return FeatureTable(values, np.ones(N_COLUMNS), (matrix_at(0), matrix_at(N_EDGES)))


def scored(name: str, table: FeatureTable, labels: Numbers, folds: Sequence[Fold]) -> list[FoldScores]:
    return list(CLASSIFIERS[name].load()(table, labels if labels.ndim == 2 else labels[:, None], folds))


def mean_auc(found: Sequence[FoldScores], signs: Numbers) -> Numbers:
    columns = signs if signs.ndim == 2 else signs[:, None]
    return np.mean([within_fold_auc(each.test, columns[each.fold.test]) for each in found], axis=0)


def folds_of(n: int, n_outer: int = 3) -> tuple[Numbers, list[Fold]]:
    design = design_of(n, n_outer)
    return design.signs, outer_folds(design)


def pipeline(estimator: Any) -> Any:
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), estimator)


def reference(
    build: Callable[[float], Any], settings: Sequence[float], values: Numbers, labels: Numbers, fold: Fold,
    *, regression: bool = False,
) -> tuple[Numbers, float]:  # fmt: skip
    """Tune and score pipelines of scikit-learn one by one; the last of equally good settings is taken."""

    def scores(setting: float, train: NDArray[np.intp], test: NDArray[np.intp]) -> Numbers:
        fitted = pipeline(build(setting)).fit(values[train], labels[train])
        if hasattr(fitted, "decision_function"):
            return fitted.decision_function(values[test])
        return fitted.predict(values[test]) if regression else fitted.predict_proba(values[test])[:, 1]

    def goodness(setting: float) -> float:
        each = [(labels[test], scores(setting, train, test)) for train, test in fold.inner]
        if regression:
            return -float(np.mean([np.mean((wanted - found) ** 2) for wanted, found in each]))
        return float(np.mean([roc_auc_score(wanted, found) for wanted, found in each]))

    reached = [goodness(setting) for setting in settings] if len(settings) > 1 else [0.0]
    best = max(place for place, value in enumerate(reached) if value >= max(reached) - 1e-10)
    return scores(settings[best], fold.train, fold.test), settings[best]
