"""Calibration, decision curve and intervals of decisions against independent ways, and against what was planted."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from painconn.prediction.curves import MOST_BINS, calibration, decision_curve, decision_intervals, wilson
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate

Numbers = NDArray[np.float64]


def drawn(n: int, *, sharpness: float = 1.0, shift: float = 0.0) -> tuple[Numbers, NDArray[np.bool_], NDArray[np.str_]]:
    """Return probabilities whose true log odds are ``sharpness`` times theirs plus ``shift``, labels and people."""
    generator = np.random.default_rng(5)
    probability = expit(generator.normal(size=n))
    positive = generator.random(n) < expit(sharpness * logit(probability) + shift)
    return probability, positive, np.array([f"p{index:05d}" for index in range(n)])


@pytest.mark.parametrize(("sharpness", "shift"), [(1.0, 0.0), (0.4, 0.0), (1.0, 0.8)])
def test_calibration_finds_what_was_planted(sharpness: float, shift: float) -> None:
    found = calibration(*drawn(20_000, sharpness=sharpness, shift=shift))
    assert found["slope"] == pytest.approx(sharpness, abs=3 * np.ptp(found["slope_ci"]) / 3.92)
    assert 0.02 < np.ptp(found["slope_ci"]) < 0.1
    if sharpness == 1.0:
        assert found["intercept"] == pytest.approx(shift, abs=3 * np.ptp(found["intercept_ci"]) / 3.92)
        assert 0.02 < np.ptp(found["intercept_ci"]) < 0.1


def test_slope_and_bins_are_those_of_scikit_learn() -> None:
    probability, positive, people = drawn(70, sharpness=0.6)
    found = calibration(probability, positive, people)
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(probability)[:, None], positive)
    assert found["slope"] == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    bins = found["bins"]
    observed, predicted = calibration_curve(positive, probability, n_bins=len(bins), strategy="quantile")
    np.testing.assert_allclose([one["observed"] for one in bins], observed)
    np.testing.assert_allclose([one["predicted"] for one in bins], predicted)
    assert sum(one["n"] for one in bins) == 70
    assert all(one["low"] <= one["observed"] <= one["high"] for one in bins)
    assert len(calibration(*drawn(500))["bins"]) == MOST_BINS


def test_mean_prediction_equal_to_the_share_means_no_shift() -> None:
    positive = np.array([True] * 6 + [False] * 12)
    people = np.array([f"p{index}" for index in range(18)])
    assert calibration(np.full(18, 1 / 3), positive, people)["intercept"] == pytest.approx(0.0, abs=1e-9)
    assert calibration(np.full(18, 0.2), positive, people)["intercept"] > 0.3


def test_a_slope_that_does_not_exist_is_told_and_not_guessed() -> None:
    positive = np.array([False] * 5 + [True] * 5)
    people = np.array([f"p{index}" for index in range(10)])
    ordered = np.linspace(0.2, 0.8, 10)
    for probability, reason in (
        (np.full(10, 0.5), "all the same"),
        (ordered, "the slope is infinite"),
        (ordered[::-1], "wrong way round"),
    ):
        found = calibration(probability, positive, people)
        assert found["slope"] is None
        assert reason in found["slope_reason"]


def test_two_rows_of_each_person_count_as_one_person() -> None:
    probability, positive, people = drawn(60)
    once = calibration(probability, positive, people)
    twice = calibration(*(np.repeat(values, 2) for values in (probability, positive, people)))
    widths = [np.ptp(one["slope_ci"]) for one in (once, twice)]
    assert twice["slope"] == pytest.approx(once["slope"])
    assert widths[1] == pytest.approx(widths[0], rel=0.35)


def test_net_benefit_is_that_of_a_plain_count() -> None:
    probability, positive, people = drawn(40)
    probability[3] = 0.5
    curve = decision_curve(probability, positive, people, seed=0)
    for place, threshold in enumerate(curve["thresholds"]):
        hits = alarms = 0
        for one, label in zip(probability, positive, strict=True):
            if one >= threshold:
                hits, alarms = hits + label, alarms + (not label)
        weight = threshold / (1 - threshold)
        assert curve["net_benefit"][place] == pytest.approx(hits / 40 - alarms / 40 * weight)
        everybody = positive.mean() - (1 - positive.mean()) * weight
        assert curve["treat_all"][place] == pytest.approx(everybody)
        assert curve["net_benefit_low"][place] - 1e-12 <= curve["net_benefit"][place]
        assert curve["net_benefit"][place] <= curve["net_benefit_high"][place] + 1e-12
    assert (curve["thresholds"][0], curve["thresholds"][-1]) == (0.05, 0.95)


def test_decision_curves_of_no_and_of_perfect_knowledge() -> None:
    positive = np.array([True] * 10 + [False] * 20)
    people = np.array([f"p{index}" for index in range(30)])
    known = decision_curve(np.where(positive, 0.99, 0.01), positive, people, seed=0)
    np.testing.assert_allclose(known["net_benefit"], 1 / 3)
    np.testing.assert_allclose(known["net_benefit_low"], 1 / 3)
    unknown = decision_curve(np.full(30, 1 / 3), positive, people, seed=0)
    above = np.array(unknown["thresholds"]) > 1 / 3
    np.testing.assert_allclose(np.array(unknown["net_benefit"])[~above], np.array(unknown["treat_all"])[~above])
    np.testing.assert_array_equal(np.array(unknown["net_benefit"])[above], 0.0)


def test_people_are_drawn_with_all_their_rows() -> None:
    probability, positive, people = drawn(30)
    once = decision_curve(probability, positive, people, seed=0, n_draws=4000)
    twice = decision_curve(*(np.repeat(values, 2) for values in (probability, positive, people)), seed=0, n_draws=4000)
    np.testing.assert_allclose(once["net_benefit_high"], twice["net_benefit_high"], atol=0.05)
    pairs = np.tile([False, True], 30), np.repeat(people, 2)
    within = decision_curve(np.where(pairs[0], 0.7, 0.3), *pairs, seed=0)
    np.testing.assert_allclose(within["net_benefit_low"], within["net_benefit"])


def test_intervals_of_decisions_are_wilson_and_hold_the_truth() -> None:
    exact = binomtest(7, 12).proportion_ci(method="wilson")
    assert wilson(7 / 12, 12) == pytest.approx((exact.low, exact.high))
    generator = np.random.default_rng(0)
    positive = np.array([True] * 12 + [False] * 17)
    truth = {"sensitivity_ci": 0.8, "specificity_ci": 0.6, "balanced_accuracy_ci": 0.7}
    held = dict.fromkeys(truth, 0)
    for _ in range(400):
        right = (generator.random(29) < np.where(positive, 0.8, 0.6)).astype(float)
        found = decision_intervals(right, positive)
        for name, value in truth.items():
            held[name] += found[name][0] <= value <= found[name][1]
    for name, count in held.items():
        assert binomtest(count, 400, 0.95).pvalue > 1e-3 or count > 380, name


@pytest.mark.parametrize("far", [60.0, -60.0, 1e6])
def test_a_person_far_from_all_others_leaves_every_number_finite(far: float) -> None:
    generator = np.random.default_rng(0)
    features = pd.DataFrame(generator.normal(size=(30, 8)))
    features.iloc[1::2, 0] += 3.0
    features.iloc[3, 0] = far
    people = [f"s{index:02d}" for index in range(30)]
    design = make_design(people, ["a", "b"] * 15, a="a", b="b", kind="between", n_repeats=1, seed=1)
    result = evaluate(features, design, n_permutations=9, seed=1)
    json.dumps(result.scores, allow_nan=False)
    surest = np.maximum(result.predictions["probability"], 1 - result.predictions["probability"])
    assert 1 - 1e-12 < surest[result.predictions["participant"] == "s03"].item() < 1


def test_an_evaluation_reports_curves_of_its_mean_probabilities() -> None:
    generator = np.random.default_rng(2)
    features = pd.DataFrame(generator.normal(size=(30, 6)))
    features.iloc[18:, :3] += 0.9
    people = [f"s{index:02d}" for index in range(30)]
    design = make_design(people, ["a"] * 18 + ["b"] * 12, a="a", b="b", kind="between", n_repeats=3)
    result = evaluate(features, design, n_permutations=20, seed=4)
    mean = result.predictions.groupby("participant").agg(probability=("probability", "mean"), label=("label", "first"))
    positive, names = (mean["label"] == "b").to_numpy(), mean.index.to_numpy(dtype=np.str_)
    expected = calibration(mean["probability"].to_numpy(), positive, names)
    assert result.scores["calibration"]["slope"] == pytest.approx(expected["slope"])
    assert result.scores["calibration"]["intercept"] == pytest.approx(expected["intercept"])
    curve = decision_curve(mean["probability"].to_numpy(), positive, names, seed=4)
    np.testing.assert_allclose(result.scores["decision_curve"]["net_benefit"], curve["net_benefit"])
    assert result.scores["decision_curve"]["prevalence"] == pytest.approx(0.4)
    for name in ("sensitivity", "specificity", "balanced_accuracy"):
        low, high = result.scores[f"{name}_ci"]
        assert low <= result.scores[name] <= high
