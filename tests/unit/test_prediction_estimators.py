"""Each classifier and regression against plain scikit-learn (or plain loops) on the same folds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from classifier_data import N_EDGES, folds_of, matrix_at, mean_auc, pipeline, reference, scored, table_of
from numpy.typing import NDArray
from pyriemann.geometry.mean import mean_riemann
from pyriemann.tangentspace import TangentSpace
from scipy.stats import pearsonr
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from painconn.prediction import connectome, discriminant, logistic, ridge, support_vectors, tangent, trees
from painconn.prediction.estimators import Recipe, score_with
from painconn.prediction.folds import FeatureTable
from painconn.prediction.preparation import PreparedTable
from painconn.prediction.sparse import SparseLogistic
from painconn.provenance import seed_for

N_PEOPLE = 20
Build = Callable[[float], Any]


def gappy(seed: int = 0, n: int = N_PEOPLE) -> tuple[NDArray[np.float64], FeatureTable]:
    """Return signs and columns on many scales with gaps, all of them varying in every training set."""
    signs, _ = folds_of(n)
    generator = np.random.default_rng(seed)
    values = table_of(signs, effect=0.7, seed=seed).values * 10.0 ** generator.integers(-3, 3, 23)
    values[generator.random(values.shape) < 0.05] = np.nan
    return signs, FeatureTable(values, np.ones(values.shape[1]))


def standardised(regressor: Any) -> Any:
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def sparse_regression(mixture: float) -> Build:
    return lambda alpha: standardised(ElasticNet(alpha=alpha, l1_ratio=mixture, max_iter=20_000))


def saga(mixture: float) -> Build:
    return lambda c: LogisticRegression(C=c, l1_ratio=mixture, solver="saga", tol=1e-6, max_iter=50_000, random_state=1)


N_COLUMNS = 23
TREE_SEED = seed_for(0, "trees") % 2**32
CLASSIFIERS: dict[str, tuple[Build, Any]] = {
    "lda": (lambda g: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=g), discriminant.SHRINKAGES),
    "logistic_ridge": (lambda c: LogisticRegression(C=c / N_COLUMNS, tol=1e-9, max_iter=5000), logistic.RIDGE_C),
    "logistic_lasso": (saga(1.0), logistic.SPARSE_C),
    "logistic_elastic_net": (saga(0.5), logistic.SPARSE_C),
    "svm_linear": (lambda c: SVC(kernel="linear", C=c / N_COLUMNS, tol=1e-6), support_vectors.LINEAR_C),
    "svm_rbf": (lambda c: SVC(kernel="rbf", gamma="scale", C=c, tol=1e-6), support_vectors.RADIAL_C),
    "random_forest": (
        lambda _: RandomForestClassifier(**trees._FOREST, max_features="sqrt", random_state=TREE_SEED),
        (np.nan,),
    ),
    "boosting": (lambda _: HistGradientBoostingClassifier(**trees._BOOSTING, random_state=TREE_SEED), (np.nan,)),
}
REGRESSIONS: dict[str, tuple[Build, Any]] = {
    "ridge_regression": (lambda alpha: Ridge(alpha=alpha), ridge.PENALTIES_PER_FEATURE * N_COLUMNS),
    "lasso_regression": (sparse_regression(1.0), logistic.SPARSE_PENALTIES),
    "elastic_net_regression": (sparse_regression(0.5), logistic.SPARSE_PENALTIES),
    "svm_linear_regression": (
        lambda c: standardised(SVR(kernel="linear", C=c / N_COLUMNS, tol=1e-6)),
        support_vectors.LINEAR_C,
    ),
    "svm_rbf_regression": (lambda c: standardised(SVR(kernel="rbf", C=c, tol=1e-6)), support_vectors.RADIAL_C),
    "random_forest_regression": (
        lambda _: RandomForestRegressor(**trees._FOREST, max_features=1 / 3, random_state=TREE_SEED),
        (np.nan,),
    ),
    "boosting_regression": (
        lambda _: HistGradientBoostingRegressor(**trees._BOOSTING, random_state=TREE_SEED),
        (np.nan,),
    ),
}
ITERATIVE = {"logistic_lasso": 2e-3, "logistic_elastic_net": 2e-3, "svm_linear": 1e-4, "svm_rbf": 1e-4}


@pytest.fixture(autouse=True)
def small_ensembles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trees._FOREST, "n_estimators", 5)
    monkeypatch.setitem(trees._BOOSTING, "max_iter", 8)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_equals_a_scikit_learn_pipeline_on_the_same_folds(name: str) -> None:
    signs, table = gappy()
    build, settings = CLASSIFIERS[name]
    _, folds = folds_of(N_PEOPLE)
    for each in scored(name, table, signs, folds[:2]):
        expected, setting = reference(build, settings, table.values, signs, each.fold)
        assert each.setting[0] == pytest.approx(setting, nan_ok=True)
        found = each.test[:, 0]
        if name == "logistic_lasso":
            # Without any column in the model, the stochastic solver stops before its intercept has arrived.
            found, expected = found - found.mean(), expected - expected.mean()
        np.testing.assert_allclose(found, expected, atol=ITERATIVE.get(name, 1e-6))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_regression_equals_a_scikit_learn_pipeline_on_the_same_folds(name: str) -> None:
    signs, table = gappy()
    numbers = 50 + 8 * signs + np.random.default_rng(2).normal(size=N_PEOPLE)
    build, settings = REGRESSIONS[name]
    _, folds = folds_of(N_PEOPLE)
    for each in scored(name, table, numbers, folds[:2]):
        expected, setting = reference(build, settings, table.values, numbers, each.fold, regression=True)
        assert each.setting[0] == pytest.approx(setting, nan_ok=True)
        np.testing.assert_allclose(each.test[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["random_forest", "ridge"])
def test_the_seed_of_the_study_reaches_trees_and_nothing_else(name: str) -> None:
    signs, table = gappy()
    _, folds = folds_of(N_PEOPLE)
    first, again, other = (scored(name, replace(table, seed=seed), signs, folds[:1])[0].test for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (name == "ridge")


def test_inner_scores_are_out_of_fold_scores_at_the_chosen_setting() -> None:
    signs, table = gappy()
    (each, *_) = scored("svm_linear", table, signs, folds_of(N_PEOPLE)[1])
    for train, test in each.fold.inner:
        model = pipeline(SVC(kernel="linear", C=each.setting[0] / N_COLUMNS, tol=1e-6))
        expected = model.fit(table.values[train], signs[train]).decision_function(table.values[test])
        place = np.searchsorted(each.fold.train, test)
        np.testing.assert_allclose(each.inner[place, 0], expected, atol=1e-4)


def test_wide_tables_give_the_same_scores_as_their_columns_would() -> None:
    signs, folds = folds_of(N_PEOPLE)
    values = np.random.default_rng(4).normal(size=(N_PEOPLE, 300)) + 0.2 * signs[:, None]
    table = FeatureTable(values, np.ones(300))
    builds = {
        "lda": lambda g: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=g),
        "logistic_ridge": lambda c: LogisticRegression(C=c / 300, tol=1e-9, max_iter=5000),
        "svm_linear": lambda c: SVC(kernel="linear", C=c / 300, tol=1e-6),
    }
    for name, build in builds.items():
        (each,) = scored(name, table, signs, folds[:1])
        expected, setting = reference(build, CLASSIFIERS[name][1], values, signs, folds[0])
        assert each.setting[0] == pytest.approx(setting)
        np.testing.assert_allclose(each.test[:, 0], expected, atol=1e-4, rtol=1e-4)


def test_a_solution_inside_its_bounds_is_that_of_every_larger_c() -> None:
    signs, folds = folds_of(N_PEOPLE)
    values = np.random.default_rng(4).normal(size=(N_PEOPLE, 300))
    table = FeatureTable(values, np.ones(300))
    fitted_for: list[float] = []

    def build(c: float) -> SVC:
        fitted_for.append(c)
        return support_vectors._machine(c)

    recipe = Recipe(build, support_vectors.LINEAR_C, support_vectors.linear_kernel)
    every = list(score_with(recipe, table, signs[:, None], folds[:1]))
    n_every = len(fitted_for)
    (each,) = scored("svm_linear", table, signs, folds[:1])
    np.testing.assert_allclose(every[0].test, each.test, atol=1e-5)
    assert n_every == len(support_vectors.LINEAR_C) * len(folds[0].inner) + 1
    machine = support_vectors._machine(1e3).fit(values @ values.T / 300, signs)
    assert support_vectors._unbounded(machine)
    assert not support_vectors._unbounded(support_vectors._machine(1e-3).fit(values @ values.T / 300, signs))


def test_any_pipeline_can_be_a_classifier_and_selects_inside_the_fold() -> None:
    signs, folds = folds_of(40)
    noise = FeatureTable(np.random.default_rng(1).normal(size=(40, 800)), np.ones(800))

    def build(_: float) -> Any:
        return make_pipeline(SelectKBest(k=10), LogisticRegression(max_iter=1000))

    inside = mean_auc(list(score_with(Recipe(build), noise, signs[:, None], folds)), signs)[0]
    chosen = SelectKBest(k=10).fit(noise.values, signs).get_support()
    leaky = FeatureTable(noise.values[:, chosen], np.ones(10))
    outside = mean_auc(scored("logistic_ridge", leaky, signs, folds), signs)[0]
    assert inside < 0.7
    assert outside > 0.9


def test_networks_equal_a_loop_over_columns() -> None:
    signs, folds = folds_of(N_PEOPLE)
    table = table_of(signs, effect=0.8)

    def scores(threshold: float, train: NDArray[np.intp], test: NDArray[np.intp]) -> NDArray[np.float64]:
        scaler = StandardScaler().fit(table.values[train])
        training, tested = scaler.transform(table.values[train]), scaler.transform(table.values[test])
        found = [pearsonr(training[:, place], signs[train]) for place in range(N_COLUMNS)]
        network = np.array([np.sign(each.statistic) * (each.pvalue < threshold) for each in found])
        if not network.any():
            return np.full(len(test), signs[train].mean())
        slope, intercept = np.polyfit(training @ network, signs[train], 1)
        return intercept + slope * (tested @ network)

    for each in scored("cpm", table, signs, folds):
        reached = [
            np.mean([roc_auc_score(signs[test], scores(threshold, train, test)) for train, test in each.fold.inner])
            for threshold in connectome.THRESHOLDS
        ]
        best = max(place for place, auc in enumerate(reached) if auc >= max(reached) - 1e-10)
        assert each.setting[0] == connectome.THRESHOLDS[best]
        np.testing.assert_allclose(
            each.test[:, 0], scores(connectome.THRESHOLDS[best], each.fold.train, each.fold.test), atol=1e-9
        )


def test_tangent_scores_equal_a_model_on_the_whole_tangent_vectors() -> None:
    signs, folds = folds_of(N_PEOPLE)
    values = table_of(signs, effect=0.8).values[:, :N_EDGES]
    table = FeatureTable(values, np.ones(N_EDGES), (matrix_at(0),))
    (each,) = scored("tangent", table, signs, folds[:1])
    matrices = values[:, matrix_at(0)]
    matrices[:, np.arange(5), np.arange(5)] = 1.0
    train, test = each.fold.train, each.fold.test
    shrunk = tangent.positive_definite(matrices, train)
    vectors = TangentSpace().fit(shrunk[train]).transform(shrunk)
    n_vectors = vectors.shape[1]
    scale = np.sqrt(np.mean((vectors[train] - vectors[train].mean(axis=0)) ** 2) * n_vectors)
    model = LogisticRegression(C=each.setting[0], tol=1e-9, max_iter=5000).fit(vectors[train] / scale, signs[train])
    np.testing.assert_allclose(each.test[:, 0], model.decision_function(vectors[test] / scale), atol=1e-5)


def test_the_tangent_mean_is_that_of_the_training_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    signs, folds = folds_of(N_PEOPLE)
    given: list[int] = []

    class Watched(TangentSpace):
        def fit(self, rows: NDArray[np.float64], *rest: Any, **options: Any) -> Any:
            given.append(len(rows))
            fitted = super().fit(rows, *rest, **options)
            np.testing.assert_allclose(fitted.reference_, mean_riemann(rows), atol=1e-6)
            return fitted

    monkeypatch.setattr("pyriemann.tangentspace.TangentSpace", Watched)
    fold = folds[0]
    scored("tangent", table_of(signs, effect=0.5), signs, [fold])
    assert sorted(given) == sorted([len(train) for train, _ in fold.inner] * 2 + [len(fold.train)] * 2)


def test_matrices_become_positive_definite_and_only_as_far_as_needed() -> None:
    generator = np.random.default_rng(0)
    matrices = np.clip(generator.normal(scale=0.5, size=(8, 6, 6)), -1, 1)
    matrices = (matrices + matrices.transpose(0, 2, 1)) / 2
    matrices[:, np.arange(6), np.arange(6)] = 1.0
    matrices[7] = np.eye(6)
    train = np.arange(5)
    shrunk = tangent.positive_definite(matrices, train)
    smallest = np.linalg.eigvalsh(shrunk)[:, 0]
    assert smallest[train].min() == pytest.approx(tangent.SMALLEST_EIGENVALUE)
    assert (smallest > tangent.SMALLEST_EIGENVALUE - 1e-12).all()
    np.testing.assert_allclose(shrunk[:, np.arange(6), np.arange(6)], 1.0)
    shares = shrunk[train, 0, 1] / matrices[train, 0, 1]
    np.testing.assert_allclose(shares, shares[0])
    mild = 0.1 * matrices
    mild[:, np.arange(6), np.arange(6)] = 1.0
    np.testing.assert_array_equal(tangent.positive_definite(mild, train), mild)


def test_sparse_logistic_regression_reaches_the_optimum_of_its_penalty() -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(30, 60))
    signs = np.where(rows[:, 0] + generator.normal(size=30) > 0, 1.0, -1.0)
    for c, mixture in ((0.3, 1.0), (1.0, 1.0), (1.0, 0.5), (3.0, 0.2)):
        model = SparseLogistic(c, mixture).fit(rows, signs)
        slope = rows.T @ (signs / (1 + np.exp(signs * model.decision_function(rows))))
        slope -= (1 - mixture) / c * model.coef_
        used = model.coef_ != 0
        assert 0 < used.sum() < 60
        np.testing.assert_allclose(slope[used], np.sign(model.coef_[used]) * mixture / c, atol=1e-4)
        assert (np.abs(slope[~used]) <= mixture / c + 1e-4).all()


def test_a_step_of_the_fold_equals_doing_it_by_hand() -> None:
    signs, folds = folds_of(N_PEOPLE)
    table = table_of(signs, effect=0.8)
    age = np.random.default_rng(7).normal(size=N_PEOPLE)

    def without_age(values: NDArray[np.float64], train: NDArray[np.intp]) -> NDArray[np.float64]:
        known = np.column_stack([np.ones(N_PEOPLE), age])
        return values - known @ np.linalg.lstsq(known[train], values[train], rcond=None)[0]

    prepared = PreparedTable.of(FeatureTable(table.values, table.weights, steps=(without_age,)))
    train = folds[0].train
    expected = StandardScaler().fit(without_age(table.values, train)[train]).transform(without_age(table.values, train))
    np.testing.assert_allclose(prepared.standardised(train), expected, atol=1e-10)
    assert np.abs(prepared.standardised(train)[train].T @ age[train]).max() < 1e-9
