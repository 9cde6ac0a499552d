"""The evaluation as a whole: invariances, planted effects, baselines, intervals and probabilities."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from painconn.errors import DesignError, InputError
from painconn.prediction.calibration import decision_summary, fit_platt
from painconn.prediction.confounds import confound_table
from painconn.prediction.design import Design, make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.intervals import (
    auc_interval,
    coverage_note,
    hanley_mcneil_variance,
    increment_interval,
    measured_coverage,
)
from painconn.prediction.registry import CLASSIFIERS


def between(n_a: int, n_b: int, **options: int) -> Design:
    people = [f"sub-{index:03d}" for index in range(n_a + n_b)]
    return make_design(people, ["a"] * n_a + ["b"] * n_b, a="a", b="b", kind="between", **options)


def noise(n: int, p: int, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, p)), columns=[f"f{index}" for index in range(p)])


def test_rows_in_another_order_give_the_same_scores() -> None:
    design = between(9, 7, n_repeats=2)
    features = noise(16, 12)
    covariates = pd.DataFrame({"age": np.arange(16.0) % 5, "sex": list("fm" * 8)})
    first = evaluate(features, design, n_permutations=30, seed=1, confounds=covariates)
    order = np.random.default_rng(1).permutation(16)
    other = evaluate(
        features.iloc[order], design.rows(order), n_permutations=30, seed=1, confounds=covariates.iloc[order]
    )
    assert first.scores == other.scores
    np.testing.assert_array_equal(first.null, other.null)
    np.testing.assert_array_equal(first.labellings[order], other.labellings)
    keys = ["repeat", "participant"]
    pd.testing.assert_frame_equal(
        first.predictions.sort_values(keys, ignore_index=True), other.predictions.sort_values(keys, ignore_index=True)
    )


def test_predictions_are_complete_and_give_back_the_headline() -> None:
    design = between(11, 8, n_repeats=3)
    result = evaluate(noise(19, 6), design, n_permutations=20)
    table = result.predictions
    assert list(table.columns) == ["participant", "label", "repeat", "fold", "score", "probability"]
    assert table.groupby("repeat")["participant"].apply(list).tolist() == [design.participants.tolist()] * 3
    np.testing.assert_array_equal(table["fold"].to_numpy().reshape(3, 19), design.folds)
    assert table["probability"].between(0, 1, inclusive="neither").all()
    per_fold = [roc_auc_score(rows["label"] == "b", rows["score"]) for _, rows in table.groupby(["repeat", "fold"])]
    np.testing.assert_allclose(np.ravel(result.scores["fold_auc"]), per_fold)
    assert result.scores["auc"] == pytest.approx(np.mean(per_fold))
    assert result.scores["brier"] == pytest.approx(brier_score_loss(table["label"] == "b", table["probability"]))


def test_planted_effect_is_found_between_people() -> None:
    features = noise(40, 30)
    features.iloc[20:, :4] += 1.2
    result = evaluate(features, between(20, 20, n_repeats=3), n_permutations=199)
    scores = result.scores
    assert scores["auc"] > 0.8
    assert scores["permutation"]["p"] == 1 / 200
    assert scores["auc_ci"][0] > 0.6
    assert scores["balanced_accuracy"] > 0.7
    assert scores["brier_skill"] > 0.2
    assert [point["n_train_participants"] for point in scores["learning_curve"]] == [16.0, 24.0, 32.0]


def test_planted_effect_is_found_within_people() -> None:
    n = 14
    person = np.random.default_rng(3).normal(size=(n, 20)) * 2
    features = noise(2 * n, 20, seed=4) * 0.5 + np.vstack([person, person + 0.9])
    names = [f"p{index}" for index in range(n)]
    design = make_design(names * 2, ["rest"] * n + ["task"] * n, a="rest", b="task", kind="within", n_repeats=3)
    scores = evaluate(features, design, n_permutations=200).scores
    assert scores["auc"] > 0.7
    assert scores["permutation"]["p"] < 0.02
    assert scores["n_participants"] == n


def test_pure_noise_in_many_dimensions_is_at_chance() -> None:
    aucs = [
        evaluate(noise(24, 500, seed=s), between(12, 12, n_repeats=1, seed=s), n_permutations=1).scores["auc"]
        for s in range(16)
    ]
    assert abs(np.mean(aucs) - 0.5) < 4 * np.std(aucs) / 4


def test_few_labellings_give_the_exact_p() -> None:
    features = noise(8, 2)
    features.iloc[4:] += 20
    result = evaluate(features, between(4, 4), n_permutations=1000)
    permutation = result.scores["permutation"]
    assert permutation["exact"]
    assert permutation["n_permutations"] == permutation["n_distinct"] == 16
    as_high = np.sum(result.null >= result.scores["auc"] - 1e-10)
    assert permutation["p"] == as_high / 16
    assert 1 <= as_high <= 4
    assert "rests on only 16 labellings" in result.scores["interval_warning"]


def test_majority_baseline_knows_nothing() -> None:
    scores = evaluate(noise(23, 3), between(17, 6), n_permutations=10).scores
    majority = scores["baselines"]["majority"]
    assert majority["auc"] == majority["balanced_accuracy"] == 0.5
    assert majority["brier"] == scores["brier_no_skill"] == pytest.approx(17 * 6 / 23**2, abs=0.02)
    direct = evaluate(noise(23, 3), between(17, 6), classifier="majority", n_permutations=10).scores
    assert direct["auc_ci"] == [0.5, 0.5]
    assert direct["permutation"]["p"] == 1.0


def test_confounds_explain_what_they_explain() -> None:
    generator = np.random.default_rng(0)
    design = between(25, 25, n_repeats=2)
    age = np.where(design.signs > 0, 60.0, 45.0) + 8 * generator.normal(size=50)
    by_age = pd.DataFrame(generator.normal(size=(50, 40)) + ((age - 52) / 8)[:, None])
    covariates = pd.DataFrame({"age": age, "sex": generator.choice(["f", "m"], 50)})
    explained = evaluate(by_age, design, n_permutations=100, confounds=covariates).scores
    assert explained["auc"] > 0.75
    assert explained["baselines"]["confounds"]["auc"] > 0.8
    assert explained["increment"]["increment_ci"][0] < 0 < explained["increment"]["increment_ci"][1]
    own = pd.DataFrame(generator.normal(size=(50, 40)) + 1.2 * design.signs[:, None] * (np.arange(40) < 8))
    useful = evaluate(own, design, n_permutations=100, confounds=covariates[["sex"]]).scores
    assert useful["increment"]["increment_ci"][0] > 0.1


def test_covariates_become_numbers_without_losing_gaps() -> None:
    table = confound_table(pd.DataFrame({"age": [30, None, 50], "drug": ["x", None, "y"], "left": [True, False, True]}))
    assert table.values.shape == (3, 5)
    assert np.isnan(table.values[1, 0])
    np.testing.assert_array_equal(table.values[:, 1:4].sum(axis=1), 1.0)


def test_scores_are_plain_json() -> None:
    design = between(5, 5, n_repeats=2)
    result = evaluate(noise(10, 3), design, n_permutations=5, confounds=noise(10, 1, seed=2))
    assert json.loads(json.dumps(result.scores, allow_nan=False)) == result.scores


def test_unusable_tables_are_refused() -> None:
    design = between(5, 5)
    with pytest.raises(DesignError, match="3 columns, none of which varies"):
        evaluate(noise(10, 3) * 0.0, design, n_permutations=5)
    with pytest.raises(InputError, match="f1"):
        evaluate(noise(10, 3).assign(f1=np.inf), design, n_permutations=5)
    with pytest.raises(ValueError, match="same rows"):
        evaluate(noise(9, 3), design, n_permutations=5)


def test_gaps_and_dead_columns_are_carried() -> None:
    features = noise(24, 8)
    features.iloc[12:, 0] += 3
    features.iloc[::5, 0] = np.nan
    features["dead"], features["empty"] = 1.0, np.nan
    scores = evaluate(features, between(12, 12, n_repeats=2), n_permutations=50).scores
    assert (scores["n_features"], scores["n_features_varying"]) == (10, 8)
    assert scores["auc"] > 0.75


def test_platt_scaling_recovers_a_logistic_law() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(size=20000)
    signs = np.where(generator.random(20000) < 1 / (1 + np.exp(-(2 * scores - 0.5))), 1.0, -1.0)
    scaling = fit_platt(1e-6 * scores + 3, signs)
    assert scaling.slope * 1e-6 == pytest.approx(2, abs=0.1)
    assert scaling.probability(np.array([3.0]))[0] == pytest.approx(1 / (1 + np.exp(0.5)), abs=0.02)
    assert scaling.threshold == pytest.approx((signs > 0).mean(), abs=1e-3)


def test_inner_scores_that_point_the_wrong_way_are_no_information() -> None:
    signs = np.array([-1.0] * 9 + [1.0] * 3)
    scaling = fit_platt(-signs + 0.1 * np.arange(12), signs)
    probability = scaling.probability(np.array([-5.0, 0.0, 5.0]))
    np.testing.assert_allclose(probability, scaling.threshold)
    np.testing.assert_array_equal(scaling.decision(probability), 0.5)


def test_decision_summary_by_hand() -> None:
    signs = np.array([1.0, 1.0, 1.0, -1.0])
    summary = decision_summary(np.array([0.9, 0.4, 0.6, 0.2]), np.array([1.0, 0.0, 0.5, 0.0]), signs)
    assert summary["sensitivity"] == 0.5
    assert summary["specificity"] == 1.0
    assert summary["balanced_accuracy"] == 0.75
    assert summary["brier"] == pytest.approx((0.01 + 0.36 + 0.16 + 0.04) / 4)


def test_interval_narrows_with_people_and_stays_inside() -> None:
    null = 0.5 + 0.1 * np.random.default_rng(0).normal(size=500)
    for auc in (0.0, 0.3, 0.5, 0.8, 1.0):
        low, high = auc_interval(auc, null, n_a=12, n_b=12)
        assert 0 <= low <= auc <= high <= 1
        assert high - low > 0.1
    wide, narrow = (auc_interval(0.7, 0.5 + f * (null - 0.5), n_a=12, n_b=12) for f in (1.0, 0.5))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    low, high = increment_interval(0.8, 0.7, null - 0.5, n_a=12, n_b=12)
    assert (low + high) / 2 == pytest.approx(0.1)


def test_hanley_mcneil_at_chance_is_the_rank_sum_variance() -> None:
    assert hanley_mcneil_variance(0.5, 12, 17) == pytest.approx(30 / (12 * 12 * 17))
    assert hanley_mcneil_variance(0.2, 5, 9) == pytest.approx(hanley_mcneil_variance(0.8, 9, 5))


def test_measured_coverage_is_printed_or_warned_of() -> None:
    for cell in measured_coverage()["cells"]:
        note = coverage_note(cell["quantity"], cell["truth"], kind=cell["kind"], n_a=cell["n_a"], n_b=cell["n_b"])
        assert f"{cell['n_a']} v {cell['n_b']} {cell['kind']}" in note["interval_coverage_note"]
        if cell["n_features"] == 20:
            assert f"{100 * cell['coverage']:.1f} %" in note["interval_coverage_note"]
            assert ("interval_warning" in note) == (cell["coverage"] < 0.92)
        simulation_error = np.sqrt(0.92 * 0.08 / cell["n_simulations"])
        assert cell["coverage"] >= 0.92 - 2 * simulation_error


def test_every_classifier_loads() -> None:
    assert {"majority", "ridge"} <= set(CLASSIFIERS)
    for name, definition in CLASSIFIERS.items():
        assert definition.name == name
        assert callable(definition.load())
