"""A saved regression predicts as the regression itself does, and its interval holds the score of new people."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from painconn.prediction.folds import FeatureTable, Fold, outer_folds
from painconn.prediction.number_design import make_number_design
from painconn.prediction.number_evaluation import evaluate_numbers
from painconn.prediction.number_linear import (
    FoldModels,
    attainable_level,
    fit_regression,
    guaranteed_level,
    leave_folds_out,
)
from painconn.prediction.registry import CLASSIFIERS, names_of

LINEAR = [name for name in names_of("regression") if CLASSIFIERS[name].linear]


def table_of(values):
    return FeatureTable(values, np.ones(values.shape[1]))


def design_of(score, **options):
    people = [f"p{index:03d}" for index in range(len(score))]
    return make_number_design(people, list(score), score="pain", **({"n_repeats": 1} | options))


def population(generator, n, *, n_columns=8, noise=None):
    """People whose score follows from their columns and noise of any shape."""
    columns = generator.standard_normal((n, n_columns))
    added = generator.standard_normal(n) if noise is None else noise(generator, n)
    return columns, 5 + 2 * (columns[:, 0] - 0.5 * columns[:, 1] + 0.7 * added)


@pytest.fixture
def data(rng):
    """30 people with 40 columns, one constant and one with gaps, their scores, and 6 new people."""
    values, score = population(rng, 36, n_columns=40)
    values[:, 7] = 2.5
    values[rng.integers(0, 30, 5), 9] = np.nan
    return values[:30], score[:30], values[30:]


@pytest.mark.parametrize("regression", LINEAR)
def test_weights_predict_new_people_as_the_regression_itself_does(regression, data):
    values, score, new = data
    design = design_of(score, n_outer=3)
    model = fit_regression(regression, table_of(values), score, design.folds[0])
    inner = tuple((np.flatnonzero(design.folds[0] != k), np.flatnonzero(design.folds[0] == k)) for k in range(3))
    fold = Fold(0, 0, np.arange(30), np.arange(30, 36), inner)
    labels = np.concatenate([score, np.zeros(6)])[:, None]
    (direct,) = CLASSIFIERS[regression].load()(table_of(np.vstack([values, new])), labels, [fold])
    assert model.setting == direct.setting[0]
    np.testing.assert_allclose(model.scores(new), direct.test[:, 0], atol=1e-6)
    assert model.weights[7] == 0
    assert np.ptp(model.scores(new)) > 0


@pytest.mark.parametrize("regression", LINEAR)
def test_the_errors_are_those_of_the_nested_evaluation(regression, data):
    values, score, _ = data
    design = design_of(score, n_outer=3, n_repeats=2)
    frame = pd.DataFrame(values)
    told = evaluate_numbers(frame, design, classifier=regression, n_permutations=1).predictions
    first = told[told["repeat"] == 0]
    model = fit_regression(regression, table_of(values), score, design.folds[0])
    folds = leave_folds_out(regression, table_of(values), score, design.folds[0], model)
    for fold, errors in enumerate(folds.errors):
        own = first[first["fold"] == fold]
        np.testing.assert_allclose(errors, np.sort((own["score"] - own["predicted"]).abs()), atol=1e-6)


def test_the_interval_is_that_of_models_made_another_way(data):
    values, score, new = data
    values, new = np.nan_to_num(values), np.nan_to_num(new)
    design = design_of(score)
    model = fit_regression("ridge_regression", table_of(values), score, design.folds[0])
    folds = leave_folds_out("ridge_regression", table_of(values), score, design.folds[0], model)
    scored = CLASSIFIERS["ridge_regression"].load()(table_of(values), score[:, None], outer_folds(design))
    lows, highs = [], []
    for each in scored:
        train, test = each.fold.train, each.fold.test
        centre, spread = values[train].mean(axis=0), np.maximum(values[train].std(axis=0), 1e-9)
        ridge = Ridge(alpha=each.setting[0]).fit((values[train] - centre) / spread, score[train])
        there = ridge.predict((new - centre) / spread)
        for error in np.abs(score[test] - ridge.predict((values[test] - centre) / spread)):
            lows.append(there - error)
            highs.append(there + error)
    # 30 people: the 30th smallest of the upper ends, the first of the lower ones.
    np.testing.assert_allclose(
        folds.interval(model.standardised(new), 0.95), [np.min(lows, axis=0), np.max(highs, axis=0)], atol=1e-7
    )
    narrower = folds.interval(model.standardised(new), 0.6)
    np.testing.assert_allclose(narrower[0], np.sort(lows, axis=0)[30 - 19], atol=1e-7)
    np.testing.assert_allclose(narrower[1], np.sort(highs, axis=0)[19 - 1], atol=1e-7)


def test_errors_that_decide_nothing_are_not_needed(rng):
    """What is saved of people is what the interval takes; a lasso without weights would give all scores away."""
    for n in (6, 12, 19, 24, 40, 79, 200):
        level, n_folds = attainable_level(n, 0.95), min(5, n // 2)
        sizes = [len(part) for part in np.array_split(np.arange(n), n_folds)]
        errors = tuple(np.sort(rng.exponential(size=size) ** 2) for size in sizes)
        whole = FoldModels(rng.standard_normal((n_folds, 3)), rng.standard_normal(n_folds), errors, n)
        few = whole.deciding(level)
        kept = sum(map(len, few.errors))
        assert kept <= n_folds * (0.05 * n + 1)
        rows = 3 * rng.standard_normal((50, 3))
        np.testing.assert_array_equal(few.interval(rows, level), whole.interval(rows, level))


def coverage(n, *, n_studies, level=0.95, **options):
    """Return how often intervals of new people held their score, and how often those of training errors would."""
    held, naive = [], []
    for seed in range(n_studies):
        generator = np.random.default_rng([seed, n])
        values, score = population(generator, n + 20, **options)
        own, design = table_of(values[:n]), design_of(score[:n], seed=seed)
        given = "ridge_regression", own, score[:n], design.folds[0]
        model = fit_regression(*given)
        low, high = leave_folds_out(*given, model).interval(model.standardised(values[n:]), attainable_level(n, level))
        held.append(np.mean((low <= score[n:]) & (score[n:] <= high)))
        learned = np.quantile(np.abs(score[:n] - model.scores(values[:n])), level)
        naive.append(np.mean(np.abs(score[n:] - model.scores(values[n:])) <= learned))
    error = np.std(held) / np.sqrt(n_studies)
    return np.mean(held), error, np.mean(naive)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "options"),
    [
        (12, {}),
        (24, {}),
        (40, {}),
        (40, {"n_columns": 100}),
        (40, {"noise": lambda generator, n: generator.standard_t(2, n)}),
        (40, {"noise": lambda generator, n: generator.exponential(size=n) ** 2}),
    ],
)
def test_the_interval_holds_the_score_of_new_people_as_often_as_it_says(n, options):
    held, error, naive = coverage(n, n_studies=100, **options)
    assert held >= attainable_level(n, 0.95) - 3 * error
    assert held >= guaranteed_level(n, 5, attainable_level(n, 0.95))
    if options.get("n_columns", 0) > n:
        # What a model has learned from it misses by little: such errors say nothing about new people.
        assert naive < 0.8


def test_few_people_give_a_lower_level_and_it_is_said():
    assert attainable_level(6, 0.95) == pytest.approx(6 / 7)
    assert attainable_level(18, 0.95) < 0.95
    assert attainable_level(19, 0.95) == 0.95
    for n in (6, 12, 19, 50, 1000):
        folds = FoldModels(np.zeros((2, 1)), np.zeros(2), (np.arange(n // 2), np.arange(n - n // 2)), n)
        assert np.isfinite(folds.interval(np.zeros((1, 1)), attainable_level(n, 0.95))).all()


def test_the_guaranteed_level_lies_between_its_limits():
    for n in (6, 20, 50, 100, 1000):
        assert 0.9 - np.sqrt(2 / n) <= guaranteed_level(n, min(5, n // 2), 0.95) < 0.9
    assert guaranteed_level(100_000, 5, 0.95) == pytest.approx(0.9, abs=1e-3)
    assert guaranteed_level(6, 3, 0.5) == 0.0
    # Leaving one person out is the jackknife+, for which twice the error is the limit.
    assert guaranteed_level(40, 40, 0.95) == pytest.approx(0.9)


def test_the_unit_of_the_score_says_nothing(data):
    values, score, new = data

    def interval(unit):
        design = design_of(unit * score)
        given = "lasso_regression", table_of(values), unit * score, design.folds[0]
        model = fit_regression(*given)
        return leave_folds_out(*given, model).interval(model.standardised(new), 0.9)

    np.testing.assert_allclose(interval(1e6) / 1e6, interval(1.0), rtol=1e-6)
