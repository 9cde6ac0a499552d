"""What must hold for every classifier and regression of the registry."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from classifier_data import N_BESIDE, N_EDGES, design_of, folds_of, mean_auc, scored, table_of
from numpy.typing import NDArray

from painconn.errors import DesignError
from painconn.prediction import trees
from painconn.prediction.evaluation import evaluate
from painconn.prediction.folds import FeatureTable, Rows
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.registry import CLASSIFIERS, names_of

CLASSIFICATION = names_of("classification")
REGRESSION = names_of("regression")
BLIND = {"majority", "mean"}
LEARNING = [name for name in CLASSIFIERS if name not in BLIND]
# A forest draws columns and rows at random, and a tree takes the first of equally good splits.
NOT_ANTISYMMETRIC = {"random_forest", "boosting"}


@pytest.fixture(autouse=True)
def small_ensembles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trees._FOREST, "n_estimators", 5)
    monkeypatch.setitem(trees._BOOSTING, "max_iter", 8)


def labels_for(name: str, signs: NDArray[np.float64], seed: int = 5) -> NDArray[np.float64]:
    """Return signs, or numbers that follow them, for a classifier or a regression."""
    if name in CLASSIFICATION:
        return signs
    return 40 + 10 * signs + 3 * np.random.default_rng(seed).normal(size=len(signs))


def with_values(table: FeatureTable, values: NDArray[np.float64]) -> FeatureTable:
    return replace(table, values=values, weights=np.ones(values.shape[1]))


@pytest.mark.parametrize("name", LEARNING)
def test_a_planted_effect_is_found(name: str) -> None:
    signs, folds = folds_of(40)
    found = scored(name, table_of(signs, effect=1.5), labels_for(name, signs), folds)
    assert mean_auc(found, signs)[0] > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_permuted_labels_are_at_chance(name: str) -> None:
    design = design_of(14)
    drawn = permuted_labellings(design, n_permutations=20, seed=3).signs
    _, folds = folds_of(14)
    aucs = mean_auc(scored(name, table_of(design.signs, effect=2.0, seed=1), drawn, folds), drawn)
    assert abs(aucs.mean() - 0.5) < 4 * max(aucs.std(), 0.01) / np.sqrt(20)


# A forest draws rows by their place; the evaluation sorts rows by participant first (next test).
@pytest.mark.parametrize("name", [name for name in LEARNING if "forest" not in name])
def test_rows_in_another_order_get_the_same_scores(name: str) -> None:
    signs, folds = folds_of(20)
    table, labels = table_of(signs, effect=0.7), labels_for(name, signs)
    order = np.random.default_rng(0).permutation(20)
    place = np.argsort(order)

    def moved(rows: Rows) -> Rows:
        return np.sort(place[rows])

    fold = folds[0]
    inner = tuple((moved(train), moved(test)) for train, test in fold.inner)
    shuffled = replace(fold, train=moved(fold.train), test=moved(fold.test), inner=inner)
    (first,) = scored(name, table, labels, [fold])
    (other,) = scored(name, with_values(table, table.values[order]), labels[order], [shuffled])
    back = np.argsort(order[shuffled.test])
    np.testing.assert_allclose(first.test, other.test[back], atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_an_evaluation_does_not_depend_on_the_order_of_rows(name: str) -> None:
    design = design_of(14)
    table = table_of(design.signs, effect=0.7)
    features = pd.DataFrame(table.values).add_prefix("f")
    options = {"classifier": name, "n_permutations": 1, "matrices": table.matrices}
    first = evaluate(features, design, **options)
    order = np.random.default_rng(1).permutation(14)
    other = evaluate(features.iloc[order], design.rows(order), **options)
    assert first.scores == other.scores
    np.testing.assert_array_equal(first.null, other.null)


@pytest.mark.parametrize("name", sorted(set(CLASSIFICATION) - NOT_ANTISYMMETRIC))
def test_swapping_the_two_labels_mirrors_the_scores(name: str) -> None:
    signs, folds = folds_of(20)
    table = table_of(signs, effect=0.5)
    for one, other in zip(scored(name, table, signs, folds), scored(name, table, -signs, folds), strict=True):
        np.testing.assert_allclose(other.test, -one.test, atol=1e-4)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_swapping_the_two_labels_keeps_an_effect(name: str) -> None:
    signs, folds = folds_of(30)
    table = table_of(signs, effect=1.5)
    ours, mirrored = (mean_auc(scored(name, table, labels, folds), labels)[0] for labels in (signs, -signs))
    assert abs(ours - mirrored) < (0.1 if name in NOT_ANTISYMMETRIC else 1e-9)


@pytest.mark.parametrize("name", LEARNING)
def test_constant_columns_change_nothing_and_copies_little(name: str) -> None:
    signs, folds = folds_of(30)
    table, labels = table_of(signs, effect=1.5), labels_for(name, signs)
    plain = mean_auc(scored(name, table, labels, folds), signs)[0]
    constant = np.hstack([table.values, np.full((30, 2), 3.3), np.full((30, 1), np.nan)])
    copied = np.hstack([table.values, table.values])
    for changed in (constant, copied):
        found = scored(name, with_values(table, changed), labels, folds)
        assert all(np.isfinite(each.test).all() and np.isfinite(each.inner).all() for each in found)
        assert abs(mean_auc(found, signs)[0] - plain) < 0.1


@pytest.mark.parametrize("name", LEARNING)
def test_a_gap_takes_the_mean_of_the_training_rows(name: str) -> None:
    signs, folds = folds_of(20)
    table, fold, labels = table_of(signs, effect=0.7), folds[0], labels_for(name, signs)
    gap, filled = table.values.copy(), table.values.copy()
    gap[fold.test[0], 2] = np.nan
    filled[fold.test[0], 2] = table.values[fold.train, 2].mean()
    ((one,), (two,)) = (scored(name, with_values(table, values), labels, [fold]) for values in (gap, filled))
    np.testing.assert_allclose(one.test, two.test, atol=1e-10)


@pytest.mark.parametrize("name", LEARNING)
def test_neither_labels_nor_values_of_test_rows_reach_the_fit(name: str) -> None:
    signs, folds = folds_of(20)
    table, fold, labels = table_of(signs, effect=0.7), folds[0], labels_for(name, signs)
    watched, spoiled = fold.test[0], fold.test[1:]
    values, changed = table.values.copy(), labels.copy()
    values[spoiled] = np.random.default_rng(9).uniform(-0.9, 0.9, size=values[spoiled].shape)
    values[spoiled[0], -1] = 1e6
    values[spoiled[1]] = np.nan
    changed[fold.test] = -7.0 * changed[fold.test][::-1]
    (before,) = scored(name, table, labels, [fold])
    (after,) = scored(name, with_values(table, values), changed, [fold])
    place = np.flatnonzero(fold.test == watched)[0]
    assert before.test[place] == pytest.approx(after.test[place], abs=1e-9)
    np.testing.assert_allclose(before.inner, after.inner, atol=1e-9)


@pytest.mark.parametrize("name", LEARNING)
def test_each_labelling_is_scored_as_if_it_were_alone(name: str) -> None:
    signs, folds = folds_of(18)
    table = table_of(signs, effect=0.7)
    labels = np.column_stack([labels_for(name, signs, seed) for seed in (1, 2)])
    labels[:, 1] = labels[::-1, 1] if name in CLASSIFICATION else labels[:, 1]
    together = scored(name, table, labels, folds)
    for column in range(2):
        for both, alone in zip(together, scored(name, table, labels[:, column], folds), strict=True):
            np.testing.assert_allclose(both.test[:, column], alone.test[:, 0], atol=1e-9)
            np.testing.assert_allclose(both.inner[:, column], alone.inner[:, 0], atol=1e-9)


@pytest.mark.parametrize("name", LEARNING)
def test_steps_of_the_fold_learn_in_training_rows_and_reach_every_classifier(name: str) -> None:
    signs, folds = folds_of(20)
    table, labels = table_of(signs, effect=2.0), labels_for(name, signs)
    seen: set[bytes] = set()

    def keep_only_means(values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        seen.add(train.tobytes())
        return np.repeat(values[train].mean(axis=0)[None, :], len(values), axis=0)

    (found,) = scored(name, replace(table, steps=(keep_only_means,)), labels, folds[:1])
    wanted = {folds[0].train.tobytes(), *(train.tobytes() for train, _ in folds[0].inner)}
    assert seen == wanted
    np.testing.assert_allclose(found.test, np.broadcast_to(found.test[:1], found.test.shape), atol=1e-9)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_table_without_any_variation_gives_every_row_one_score(name: str) -> None:
    signs, folds = folds_of(12)
    table = table_of(signs, effect=0.0)
    (found, *_) = scored(name, with_values(table, np.full(table.values.shape, 0.2)), labels_for(name, signs), folds)
    np.testing.assert_allclose(found.test, np.broadcast_to(found.test[:1], found.test.shape), atol=1e-9)


def test_the_baselines_look_at_no_feature() -> None:
    signs, folds = folds_of(12)
    table = table_of(signs, effect=3.0)
    numbers = labels_for("mean", signs)
    (majority, *_), (mean, *_) = (
        scored(*given, folds) for given in (("majority", table, signs), ("mean", table, numbers))
    )
    assert not majority.test.any()
    np.testing.assert_allclose(mean.test, numbers[folds[0].train].mean())
    train, test = folds[0].inner[1]
    place = np.searchsorted(folds[0].train, test)
    np.testing.assert_allclose(mean.inner[place], numbers[train].mean())


def test_a_classifier_of_matrices_refuses_columns_that_are_none() -> None:
    design = design_of(14)
    features = pd.DataFrame(table_of(design.signs, effect=0.0).values).add_prefix("f")
    with pytest.raises(DesignError, match="not all edges of a symmetric measure"):
        evaluate(features, design, classifier="tangent", n_permutations=2)


@pytest.mark.slow
def test_a_classifier_of_matrices_takes_covariates_beside_them_and_alone() -> None:
    design = design_of(18)
    table = table_of(design.signs, effect=0.0)
    covariates = pd.DataFrame({"age": 30 + 10 * design.signs + np.arange(18) % 3, "sex": list("fm" * 9)})
    found = evaluate(
        pd.DataFrame(table.values).add_prefix("f"), design, classifier="tangent", n_permutations=2,
        confounds=covariates, matrices=table.matrices,
    )  # fmt: skip
    assert found.scores["baselines"]["confounds"]["auc"] > 0.95
    assert found.scores["increment"]["auc_features_and_confounds"] > found.scores["auc"] + 0.2
    assert table.values.shape[1] == 2 * N_EDGES + N_BESIDE
