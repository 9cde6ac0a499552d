"""Confound regression inside the fold: against scikit-learn, its promise, and its documented dangers."""

import numpy as np
import pandas as pd
import pytest
from classifier_data import pipeline
from sklearn.linear_model import LinearRegression, RidgeClassifier

from painconn.config.targets import Target
from painconn.errors import DesignError
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.regression import ConfoundRegression
from painconn.prediction.ridge import penalties, score_labellings
from painconn.steps.predict import fold_steps


def of_age(n=60, seed=0):
    """Return labels, ages that follow them, and features of age alone."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(["a", "b"], n // 2)
    age = generator.normal(40, 8, n) + 12 * (labels == "b")
    features = pd.DataFrame(0.2 * age[:, None] * generator.normal(size=8) + generator.normal(size=(n, 8)))
    people = [f"p{index:03d}" for index in range(n)]
    design = make_design(people, labels.tolist(), a="a", b="b", kind="between", n_repeats=2)
    return features, design, pd.DataFrame({"age": age})


def test_what_is_left_is_that_of_a_linear_regression_of_the_training_rows(rng):
    values, train = rng.normal(size=(30, 4)), np.arange(22)
    covariates = pd.DataFrame({"age": rng.normal(40, 10, 30), "sex": ["F", "M"] * 15, "same": 3.0})
    left = ConfoundRegression.of(covariates)(values, train)
    numbers = covariates.assign(sex=covariates["sex"].eq("M").astype(float))
    explained = LinearRegression().fit(numbers.iloc[train], values[train]).predict(numbers)
    np.testing.assert_allclose(left - left[train].mean(0), values - explained - (values - explained)[train].mean(0))
    changed = values.copy()
    changed[22:] = 99.0
    np.testing.assert_array_equal(ConfoundRegression.of(covariates)(changed, train)[:22], left[:22])


def test_gaps_and_values_that_training_never_saw_leave_a_row_as_it_is(rng):
    values, train = rng.normal(size=(12, 3)), np.arange(10)
    covariates = pd.DataFrame({"drug": ["none", "one"] * 5 + ["two", "none"], "age": [*range(10, 21), np.nan]})
    covariates["age"] = covariates["age"].where(covariates.index != 11)
    left = ConfoundRegression.of(covariates[["age"]])(values, train)
    np.testing.assert_array_equal(left[11], values[11])
    assert np.isfinite(ConfoundRegression.of(covariates)(values, train)).all()


def test_the_classifier_sees_the_residuals_of_scikit_learn_on_the_same_folds():
    features, design, age = of_age()
    folds = outer_folds(design)[:1]
    step = ConfoundRegression.of(age)
    table = FeatureTable(features.to_numpy(), np.ones(8), steps=(step,))
    (found,) = score_labellings(table, design.signs[:, None], folds)
    train, test = found.fold.train, found.fold.test
    linear = LinearRegression().fit(age.iloc[train], features.iloc[train])
    residual = features.to_numpy() - linear.predict(age)
    alpha = found.setting[0]
    assert alpha in penalties(table)
    fitted = pipeline(RidgeClassifier(alpha=alpha)).fit(residual[train], design.signs[train])
    np.testing.assert_allclose(found.test[:, 0], fitted.decision_function(residual[test]), atol=1e-8)


def test_a_label_known_from_age_alone_is_no_longer_found_and_the_order_of_rows_is_kept():
    features, design, age = of_age()
    assert evaluate(features, design, n_permutations=20).scores["auc"] > 0.7
    step = ConfoundRegression.of(age)
    left = evaluate(features, design, n_permutations=20, steps=(step,)).scores["auc"]
    assert left < 0.6
    order = np.random.default_rng(1).permutation(60)
    again = evaluate(features.iloc[order], design.rows(order), n_permutations=20, steps=(step.rows(order),))
    assert again.scores["auc"] == pytest.approx(left)


def test_an_effect_of_its_own_survives_the_regression():
    features, design, age = of_age()
    features[0] += 2.0 * design.signs
    assert evaluate(features, design, n_permutations=20, steps=(ConfoundRegression.of(age),)).scores["auc"] > 0.7


def test_regression_with_a_classifier_that_is_not_linear_or_without_covariates_is_refused():
    contrast = {"kind": "between", "column": "group", "a": "a", "b": "b", "observation": {"condition": "rest"}}
    with pytest.raises(ValueError, match="random_forest, which is not linear"):
        Target.model_validate({"contrast": contrast, "classifier": "random_forest", "confound_regression": "features"})
    target = Target.model_validate({"contrast": contrast, "confound_regression": "features"})

    class Selected:
        covariates = pd.DataFrame(index=range(4))

    with pytest.raises(DesignError, match="no covariates"):
        fold_steps({"name": "x", "target": target.model_dump(mode="json")}, Selected())


@pytest.mark.slow
def test_the_danger_trees_read_the_label_from_noise_when_the_covariate_follows_it():
    """The reason of the refusal: features without any information, and near-perfect classification."""
    generator = np.random.default_rng(0)
    labels = np.repeat(["a", "b"], 40)
    people = [f"p{index:03d}" for index in range(80)]
    design = make_design(people, labels.tolist(), a="a", b="b", kind="between", n_repeats=1)
    # Values on a coarse grid, as counts and rating scales have them: what is left tells which covariate was taken off.
    features = pd.DataFrame(generator.integers(0, 2, size=(80, 6)).astype(float))
    covariate = pd.DataFrame({"score": (labels == "b").astype(float)})
    steps = (ConfoundRegression.of(covariate),)
    leaked = evaluate(features, design, classifier="boosting", n_permutations=1, steps=steps).scores["auc"]
    linear = evaluate(features, design, n_permutations=20, steps=steps).scores["auc"]
    assert leaked > 0.8
    assert linear < 0.65
