"""What a classifier rests on: planted patterns are found, what cancels noise is not, chance is not stable."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from classifier_data import N_COLUMNS, N_EDGES, table_of

from painconn.prediction.copies import with_copies
from painconn.prediction.design import make_design
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.interpretation import interpret
from painconn.prediction.number_design import make_number_design
from painconn.prediction.number_evaluation import evaluate_numbers
from painconn.prediction.registry import CLASSIFIERS

LINEAR = [name for name, definition in CLASSIFIERS.items() if definition.linear]


def design_of(n, n_repeats=3):
    people = [f"p{index:02d}" for index in range(n)]
    return make_design(people, ["a", "b"] * (n // 2), a="a", b="b", kind="between", n_repeats=n_repeats)


def frame(values):
    return pd.DataFrame(values, columns=[f"column{place}" for place in range(values.shape[1])])


def suppressed(rng, design, n_others=6):
    """Return a column with signal and noise, one with the same noise alone, and others of chance."""
    n = len(design.signs)
    noise = rng.standard_normal(n)
    signal = 0.8 * design.signs + 0.1 * rng.standard_normal(n)
    return frame(np.column_stack([signal + 2 * noise, 2 * noise, rng.standard_normal((n, n_others))]))


def score_design(score, n_repeats=1, **options):
    people = [f"p{index:02d}" for index in range(len(score))]
    return make_number_design(people, list(score), score="pain", n_repeats=n_repeats, **options)


def either_design(model, n):
    """Return two sides for a classifier, for a regression the same two as scores."""
    if CLASSIFIERS[model].task == "classification":
        return design_of(n, n_repeats=1)
    return score_design(np.tile([-1.0, 1.0], n // 2))


@pytest.mark.parametrize("classifier", LINEAR)
def test_a_column_that_only_cancels_noise_has_a_weight_and_no_pattern(rng, classifier):
    design = either_design(classifier, 40)
    features = suppressed(rng, design)
    found = interpret(features, design, classifier=classifier, blocks={}, seed=1).patterns
    assert found["pattern"][0] > 0.3
    assert abs(found["pattern"][1]) < 0.5 * found["pattern"][0]
    # The joint least-squares weights, by contrast, call the suppressor as large as the signal, and opposite.
    standard = ((features - features.mean()) / features.std()).to_numpy()
    weights = np.linalg.lstsq(standard, design.signs, rcond=None)[0]
    assert weights[1] < -0.8 * weights[0] < 0


def test_a_pattern_is_the_correlation_of_a_column_with_the_score_of_a_model_made_another_way(rng):
    from sklearn.linear_model import Ridge

    design = design_of(30, n_repeats=1)
    features = frame(rng.standard_normal((30, 5)) + 0.7 * design.signs[:, None] * [1, 0, -1, 0, 0])
    found = interpret(features, design, classifier="ridge", blocks={}, seed=1).patterns
    order = np.argsort(design.participants)
    table = FeatureTable(features.to_numpy()[order], np.ones(5))
    expected = []
    for each in CLASSIFIERS["ridge"].load()(table, design.signs[order, None], outer_folds(design.rows(order))):
        rows = table.values[each.fold.train]
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        score = Ridge(alpha=each.setting[0]).fit(rows, design.signs[order][each.fold.train]).predict(rows)
        expected.append([np.corrcoef(column, score)[0, 1] for column in rows.T])
    np.testing.assert_allclose(found["pattern"], np.mean(expected, axis=0), atol=1e-8)
    np.testing.assert_allclose(found["pattern_sd"], np.std(expected, axis=0), atol=1e-8)


def test_planted_columns_are_stable_and_among_the_largest_and_their_order_does_not_matter(rng):
    design = design_of(40)
    effect = np.zeros(30)
    effect[:3] = (1.2, -1.2, 1.2)
    features = frame(rng.standard_normal((40, 30)) + design.signs[:, None] * effect)
    found = interpret(features, design, classifier="ridge", blocks={}, seed=1)
    patterns = found.patterns
    assert patterns["stable"].tolist() == [True] * 3 + [False] * 27
    assert np.sign(patterns["pattern"][:3]).tolist() == [1, -1, 1]
    assert (patterns["among_largest"][:3] > 0.95).all()
    assert (patterns["median_rank"][:3] <= 3).all()
    assert found.facts["n_fits"] == 15
    shuffled = rng.permutation(40)
    again = interpret(features.iloc[shuffled], design.rows(shuffled), classifier="ridge", blocks={}, seed=1).patterns
    pd.testing.assert_frame_equal(again, patterns)


def test_chance_agrees_over_folds_and_is_not_called_stable():
    called, agreed = 0, 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        design = design_of(24, n_repeats=2)
        found = interpret(frame(generator.standard_normal((24, 20))), design, classifier="ridge", blocks={}, seed=seed)
        called += found.patterns["stable"].any()
        agreed += found.patterns["same_sign"].max() == 1
    # Overlapping people agree with each other by construction: that is why a p stands beside the agreement.
    assert agreed > 15
    assert called <= 3


@pytest.mark.slow
@pytest.mark.parametrize("classifier", ["ridge", "random_forest", "tangent"])
def test_a_block_that_carries_the_effect_is_missed_and_one_of_chance_is_not(classifier):
    design = design_of(30, n_repeats=1)
    table = table_of(design.signs, effect=4.0)
    blocks = {
        ("band", "both"): [0, 3, N_EDGES, N_EDGES + 1, N_COLUMNS - 1],
        ("band", "chance"): [N_COLUMNS - 3, N_COLUMNS - 2],
        ("all", "everything"): list(range(N_COLUMNS)),
    }
    found = interpret(
        frame(table.values), design, classifier=classifier, blocks=blocks, seed=1, matrices=table.matrices
    )
    lost = found.importances.set_index("name")
    assert lost.loc["both", "auc_lost"] > 0.1
    assert abs(lost.loc["chance", "auc_lost"]) < 0.1
    assert lost.loc["everything", "auc_lost"] > 0.3
    assert lost.loc["both", "folds_worse"] >= 0.8
    assert lost["n_features"].tolist() == [5, 2, N_COLUMNS]
    assert found.patterns.empty == (classifier != "ridge")


def test_no_block_is_missed_when_labels_are_chance(rng):
    design = design_of(30)
    features = frame(rng.standard_normal((30, 12)))
    blocks = {("half", "first"): range(6), ("half", "second"): range(6, 12)}
    lost = interpret(features, design, classifier="ridge", blocks=blocks, seed=1).importances
    assert (lost["auc_lost"].abs() < lost["auc_lost_sd"]).all()


def test_copies_take_what_a_step_knows_of_their_rows(rng):
    values, known = rng.standard_normal((10, 2)), rng.standard_normal(10)

    def remove(rows, train):
        slope = known[train] @ (rows[train] - rows[train].mean(axis=0)) / (known[train] @ known[train])
        return rows - known[:, None] * slope

    train = np.arange(6)
    (step,) = with_copies(FeatureTable(values, np.ones(2), steps=(remove,)), [values, values[::-1]]).steps
    found = step(np.vstack([values, values, values[::-1]]), train)
    np.testing.assert_array_equal(found[:10], remove(values, train))
    np.testing.assert_array_equal(found[10:20], found[:10])
    slope = (values - remove(values, train))[7] / known[7]
    np.testing.assert_allclose(found[27], values[::-1][7] - known[7] * slope)


def scored_cohort(rng, n=40):
    """Return twelve columns of which three go with a score, and that score."""
    score = rng.standard_normal(n)
    effect = np.array([1.5, -1.5, 1.5] + [0.0] * 9)
    return frame(rng.standard_normal((n, 12)) + score[:, None] * effect), 50 + 10 * score


def test_the_pattern_of_a_regression_is_the_correlation_with_a_ridge_made_another_way(rng):
    from sklearn.linear_model import Ridge

    features, score = scored_cohort(rng)
    design = score_design(score)
    found = interpret(features, design, classifier="ridge_regression", blocks={}, seed=1).patterns
    table = FeatureTable(features.to_numpy(), np.ones(12))
    expected = []
    for each in CLASSIFIERS["ridge_regression"].load()(table, score[:, None], outer_folds(design)):
        rows = table.values[each.fold.train]
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        predicted = Ridge(alpha=each.setting[0]).fit(rows, score[each.fold.train]).predict(rows)
        expected.append([np.corrcoef(column, predicted)[0, 1] for column in rows.T])
    np.testing.assert_allclose(found["pattern"], np.mean(expected, axis=0), atol=1e-8)
    assert found["stable"].tolist() == [True] * 3 + [False] * 9
    assert np.sign(found["pattern"][:3]).tolist() == [1, -1, 1]


def test_neither_the_order_of_people_nor_the_unit_of_their_score_matters(rng):
    features, score = scored_cohort(rng)
    blocks = {("half", "first"): range(6), ("half", "second"): range(6, 12)}
    design = score_design(score)

    def found(rows, unit):
        scored = replace(design.rows(rows), values=unit * score[rows])
        given = {"classifier": "ridge_regression", "blocks": blocks, "seed": 1}
        return interpret(features.iloc[rows], scored, **given)

    once = found(np.arange(40), 1.0)
    for again in (found(rng.permutation(40), 1.0), found(np.arange(40), 1e-9)):
        pd.testing.assert_frame_equal(again.patterns, once.patterns)
        pd.testing.assert_frame_equal(again.importances, once.importances)


def test_shuffling_every_column_loses_what_r2_says_and_a_block_of_chance_loses_nothing(rng):
    features, score = scored_cohort(rng)
    design = score_design(score, n_repeats=3)
    blocks = {("all", "all"): range(12), ("band", "both"): [0, 1, 2], ("band", "chance"): range(3, 12)}
    given = {"classifier": "ridge_regression", "seed": 1}
    lost = interpret(features, design, blocks=blocks, **given).importances.set_index("name")
    assert [name for name in lost if "lost" in name] == ["r2_lost", "r2_lost_sd", "r2_lost_low", "r2_lost_high"]
    r2 = evaluate_numbers(features, design, n_permutations=1, **given).scores["r2"]
    # People keep their score and get the prediction of another one: what remains lies below the mean's R2 of 0.
    assert lost.loc["all", "r2_lost"] > r2 > 0.5
    assert lost.loc["both", "r2_lost"] == pytest.approx(lost.loc["all", "r2_lost"], rel=0.3)
    assert abs(lost.loc["chance", "r2_lost"]) < 0.1
    assert lost.loc["both", "folds_worse"] == 1
    again = interpret(features, design, blocks={}, **given).patterns
    assert again["p_fwe"].min() == pytest.approx(1 / 200)


def test_no_regression_of_chance_is_called_stable():
    called = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        design = score_design(generator.exponential(size=24), n_repeats=2)
        features = frame(generator.standard_normal((24, 20)))
        given = {"classifier": "ridge_regression", "blocks": {}, "seed": seed}
        called += interpret(features, design, **given).patterns["stable"].any()
    assert called <= 3


@pytest.mark.slow
@pytest.mark.parametrize("regression", ["lasso_regression", "random_forest_regression", "cpm_regression"])
def test_a_regression_that_is_refitted_or_has_no_weights_has_blocks_and_no_stable_column(regression, rng):
    features, score = scored_cohort(rng, n=30)
    blocks = {("band", "both"): [0, 1, 2], ("band", "chance"): range(3, 12)}
    found = interpret(features, score_design(score), classifier=regression, blocks=blocks, seed=1)
    lost = found.importances.set_index("name")["r2_lost"]
    assert lost["both"] > 0.2 > abs(lost["chance"])
    if CLASSIFIERS[regression].linear:
        assert found.patterns["p_fwe"].isna().all()
        assert not found.patterns["stable"].any()
    else:
        assert found.patterns.empty
