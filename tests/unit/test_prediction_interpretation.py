"""What a classifier rests on: planted patterns are found, what cancels noise is not, chance is not stable."""

import numpy as np
import pandas as pd
import pytest
from classifier_data import N_COLUMNS, N_EDGES, table_of

from painconn.prediction.copies import with_copies
from painconn.prediction.design import make_design
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.interpretation import interpret
from painconn.prediction.registry import CLASSIFIERS

LINEAR = [name for name, definition in CLASSIFIERS.items() if definition.linear]


def design_of(n, n_repeats=3):
    people = [f"p{index:02d}" for index in range(n)]
    return make_design(people, ["a", "b"] * (n // 2), a="a", b="b", kind="between", n_repeats=n_repeats)


def frame(values):
    return pd.DataFrame(values, columns=[f"column{place}" for place in range(values.shape[1])])


def suppressed(rng, design, n_others=6):
    """Return a column with signal and noise, one with the same noise alone, and others of chance."""
    n = len(design.labels)
    noise = rng.standard_normal(n)
    signal = 0.8 * design.signs + 0.1 * rng.standard_normal(n)
    return frame(np.column_stack([signal + 2 * noise, 2 * noise, rng.standard_normal((n, n_others))]))


@pytest.mark.parametrize("classifier", LINEAR)
def test_a_column_that_only_cancels_noise_has_a_weight_and_no_pattern(rng, classifier):
    design = design_of(40, n_repeats=1)
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
