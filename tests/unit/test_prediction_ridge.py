"""The ridge fast path against scikit-learn and against plain refits."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from painconn.prediction.auc import SAME_SCORE, within_fold_auc
from painconn.prediction.design import Design, make_design
from painconn.prediction.folds import FeatureTable, Fold, outer_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.ridge import penalties, score_labellings


def pair_outcomes(scores: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1, 0.5 or 0 for each pair of a positive (row) and a negative (column) of one fold."""
    gap = scores[signs > 0][:, None] - scores[signs < 0][None, :]
    return 0.5 + 0.5 * ((gap > SAME_SCORE).astype(float) - (gap < -SAME_SCORE))


def design_of(kind: str, n: int = 24, n_repeats: int = 2, n_outer: int = 5) -> Design:
    names = [f"p{index}" for index in range(n)]
    options = {"a": "a", "b": "b", "n_repeats": n_repeats, "n_outer": n_outer}
    if kind == "within":
        return make_design(names * 2, ["a"] * n + ["b"] * n, kind="within", **options)
    n_a = 2 * n // 3
    return make_design(names, ["a"] * n_a + ["b"] * (n - n_a), kind="between", **options)


def awkward_table(n: int, p: int, seed: int = 0) -> FeatureTable:
    """Features on many scales, with gaps, a constant column and an empty column."""
    generator = np.random.default_rng(seed)
    values = (generator.normal(size=(n, p)) + 3 * generator.normal(size=p)) * 10.0 ** generator.integers(-12, 4, p)
    values[generator.random((n, p)) < 0.05] = np.nan
    values[:, 0], values[:, 1] = 3.3, np.nan
    return FeatureTable(values, np.ones(p))


def reference(table: FeatureTable, signs: np.ndarray, fold: Fold) -> tuple[np.ndarray, float]:
    """Tune and score with scikit-learn, one labelling, one fold."""

    def fitted_scores(train: np.ndarray, test: np.ndarray, alpha: float) -> np.ndarray:
        model = make_pipeline(
            SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeClassifier(alpha=alpha, solver="svd")
        )
        return model.fit(table.values[train], signs[train]).decision_function(table.values[test])

    def inner_auc(alpha: float) -> float:
        return float(np.mean([roc_auc_score(signs[te], fitted_scores(tr, te, alpha)) for tr, te in fold.inner]))

    best, auc = 0.0, -1.0
    for alpha in penalties(table):
        if (here := inner_auc(alpha)) >= auc - 1e-10:
            best, auc = float(alpha), max(here, auc)
    return fitted_scores(fold.train, fold.test, best), best


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "p"), [("between", 60), ("between", 6), ("within", 60)])
def test_scores_equal_scikit_learn_on_the_same_folds(kind: str, p: int) -> None:
    design = design_of(kind, n_repeats=1)
    table = awkward_table(len(design.labels), p)
    for each in score_labellings(table, design.signs[:, None], outer_folds(design)):
        expected, alpha = reference(table, design.signs, each.fold)
        assert each.setting[0] == pytest.approx(alpha)
        np.testing.assert_allclose(each.test[:, 0], expected, atol=1e-8)
        auc = within_fold_auc(each.test, design.signs[each.fold.test][:, None])[0]
        assert auc == pytest.approx(roc_auc_score(design.signs[each.fold.test], expected))


@pytest.mark.slow
def test_all_labellings_at_once_equal_explicit_refits() -> None:
    design = design_of("between", n=15, n_repeats=2, n_outer=3)
    table = awkward_table(15, 40, seed=2)
    drawn = permuted_labellings(design, n_permutations=3, seed=1).signs
    folds = outer_folds(design)
    fast = np.mean([within_fold_auc(e.test, drawn[e.fold.test]) for e in score_labellings(table, drawn, folds)], axis=0)
    slow = [
        np.mean([roc_auc_score(signs[fold.test], reference(table, signs, fold)[0]) for fold in folds])
        for signs in drawn.T
    ]
    np.testing.assert_allclose(fast, slow, atol=1e-10)


def test_inner_scores_are_out_of_fold_scores_at_the_chosen_penalty() -> None:
    design = design_of("within", n=9, n_repeats=1)
    table = awkward_table(18, 30)
    each = next(iter(score_labellings(table, design.signs[:, None], outer_folds(design))))
    train, test = each.fold.inner[1]
    model = make_pipeline(
        SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeClassifier(alpha=each.setting[0], solver="svd")
    ).fit(table.values[train], design.signs[train])
    place = np.searchsorted(each.fold.train, test)
    np.testing.assert_allclose(each.inner[place, 0], model.decision_function(table.values[test]), atol=1e-8)


def test_other_test_rows_never_change_the_training_fit() -> None:
    design = design_of("between", n_repeats=1)
    table = awkward_table(24, 30)
    fold = outer_folds(design)[0]
    watched, spoiled = fold.test[0], fold.test[1:]
    values = table.values.copy()
    values[spoiled] = 1e6
    values[spoiled[0]] = np.nan

    def scores(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        (each,) = score_labellings(FeatureTable(numbers, table.weights), design.signs[:, None], [fold])
        return float(each.test[np.flatnonzero(fold.test == watched)[0], 0]), each.inner

    before, after = scores(table.values), scores(values)
    assert before[0] == pytest.approx(after[0], abs=1e-12)
    np.testing.assert_allclose(before[1], after[1], atol=1e-12)


def test_labels_of_test_rows_never_reach_the_scores() -> None:
    design = design_of("between", n_repeats=1)
    table = awkward_table(24, 30)
    fold = outer_folds(design)[0]
    flipped = design.signs.copy()
    flipped[fold.test] *= -1
    (both,) = score_labellings(table, np.column_stack([design.signs, flipped]), [fold])
    np.testing.assert_array_equal(both.test[:, 0], both.test[:, 1])


def test_weights_scale_standardised_columns() -> None:
    design = design_of("between", n_repeats=1)
    values = np.random.default_rng(0).normal(size=(24, 5))
    doubled = FeatureTable(np.hstack([values, values]), np.ones(10))
    weighted = FeatureTable(values, np.full(5, np.sqrt(2.0)))
    for one, other in zip(
        score_labellings(doubled, design.signs[:, None], outer_folds(design)),
        score_labellings(weighted, design.signs[:, None], outer_folds(design)),
        strict=True,
    ):
        np.testing.assert_allclose(one.test, other.test, atol=1e-10)


def test_auc_counts_ties_half_and_equals_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 4, size=(3, 11, 6)).astype(float)
    signs = np.stack([generator.permutation([-1.0] * 4 + [1.0] * 7) for _ in range(6)], axis=1)
    computed = within_fold_auc(scores, signs)
    for layer in range(3):
        for column in range(6):
            expected = roc_auc_score(signs[:, column], scores[layer, :, column])
            assert computed[layer, column] == pytest.approx(expected)
            pairs = pair_outcomes(scores[layer, :, column], signs[:, column])
            assert pairs.mean() == pytest.approx(expected)


def test_rounding_does_not_decide_an_order() -> None:
    scores = np.array([[0.1 + 0.2], [0.3], [0.3], [0.1 + 0.2]])
    assert within_fold_auc(scores, np.array([[1.0], [-1.0], [1.0], [-1.0]]))[0] == 0.5
