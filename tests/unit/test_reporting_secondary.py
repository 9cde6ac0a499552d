"""The page beside the AUC: what was evaluated is told with its numbers, what was not is told with its reason."""

import numpy as np
import pandas as pd

from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.pairs import leave_pair_out
from painconn.prediction.transfer import leave_site_out
from painconn.reporting.prediction_figures import probability_curves
from painconn.reporting.secondary import secondary_sentences

SIDES = ("control", "patient")


def saved() -> dict[str, object]:
    generator = np.random.default_rng(0)
    sites = ["north", "south"] * 10
    people, labels = [f"s{index:02d}" for index in range(20)], ["control"] * 10 + ["patient"] * 10
    design = make_design(people, labels, a=SIDES[0], b=SIDES[1], kind="between", strata=sites, n_repeats=2)
    features = pd.DataFrame(generator.normal(size=(20, 5))) + 0.8 * (design.signs[:, None] > 0)
    options = {"classifier": "ridge", "n_permutations": 50, "seed": 1}
    return evaluate(features, design, n_permutations=50, seed=1).scores | {
        "leave_site_out": leave_site_out(features, design, sites, **options),
        "leave_pair_out": leave_pair_out(features, design, sites, **options),
    }


def test_the_page_tells_decisions_probabilities_sites_and_pairs() -> None:
    scores = saved()
    decisions, calibration, sites, pairs = secondary_sentences(scores, SIDES)
    assert f"sensitivity (patient) {scores['sensitivity']:.2f}, 95 % interval" in decisions
    assert "luck of the training sets" in decisions
    assert f"calibration slope {scores['calibration']['slope']:.2f}" in calibration
    assert f"mean AUC {scores['leave_site_out']['auc']:.2f} over 2 sites" in sites
    assert "(5 control, 5 patient)" in sites
    assert "secondary" in sites
    assert "secondary" in pairs
    assert "Each of the 100 pairs of one control and one patient was left out once: " in pairs
    assert f"(AUC {scores['leave_pair_out']['auc']:.2f})" in pairs


def test_what_could_not_be_evaluated_has_its_reason_on_the_page() -> None:
    scores = {
        "calibration": {"intercept": 0.0, "intercept_ci": [-1.0, 1.0], "slope": None, "slope_reason": "all the same"},
        "leave_site_out": {
            "auc": None,
            "reason": "1 of 2 sites can be tested, 2 are needed",
            "not_testable": [{"site": "west", "n_a": 4, "n_b": 0, "reason": "one label only"}],
        },
        "leave_pair_out": {"auc": None, "reason": "a site is unseen"},
    }
    calibration, sites, pairs = secondary_sentences(scores, SIDES)
    assert "no calibration slope (all the same)" in calibration
    assert "1 of 2 sites can be tested" in sites
    assert "west (one label only, 4 control, 0 patient)" in sites
    assert "a site is unseen" in pairs
    assert secondary_sentences({}, SIDES) == []


def test_curves_are_drawn_with_the_share_of_the_sample_beside_them() -> None:
    picture = probability_curves(saved(), sides=SIDES, people="n = 20", title="curves")
    assert picture is not None
    assert "50 % of this sample are patient" in picture.caption
    assert "act on everybody" in picture.svg
    assert "net benefit" in picture.svg
    assert probability_curves({"auc": 0.5}, sides=SIDES, people="n = 20", title="curves") is None
