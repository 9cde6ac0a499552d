"""Scores of people that hang on the site, or on one person: the audit says so and ends."""

import json

import numpy as np
import pandas as pd
import pytest

from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.reporting.page import headline_lines
from painconn.steps import agreement, audit, compare, predict, report, table
from painconn.steps.declare import primary_tests
from painconn.steps.plan import Plan
from painconn.store import read_json

STUDY = """\
name: scores
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
targets:
  pain:
    contrast: {kind: association, column: pain, observation: {condition: rest}}
    n_permutations: 100
    n_repeats: 1
    n_outer_folds: 3
"""
N = 24


@pytest.fixture
def audited(tmp_path, rng):
    """Predict and audit a score of people at two sites, whose columns differ."""

    def run(scores):
        people = [f"p{number:02d}" for number in range(N)]
        pd.DataFrame({"participant_id": people, "pain": scores}).to_csv(
            tmp_path / "participants.tsv", sep="\t", index=False
        )
        second = np.arange(N) >= N // 2
        about = {"participant": people, "condition": "rest", "site": np.where(second, "two", "one")}
        columns = {f"f{number}": rng.normal(size=N) + 3.0 * second for number in range(4)}
        pd.DataFrame(about | columns).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        (tmp_path / "study.yaml").write_text(STUDY)
        results = Results(tmp_path / "out")
        plan = Plan(load_study(tmp_path / "study.yaml"), results)
        table.run(results, json.loads(plan.settings_table()))
        for step in (compare, predict, audit):
            step.run(results, json.loads(plan.settings_target("pain")), "pain")
        record = read_json(results.target("pain", "audit.json"))
        return record, {gate["gate"]: gate for gate in record["gates"] if not gate["passed"]}

    return run


def test_a_score_whose_halves_are_the_sites_fails_the_gates_on_the_site(audited):
    record, failed = audited(np.where(np.arange(N) >= N // 2, 7.0, 3.0) + np.arange(N) % 5 / 10)
    assert {"shuffled_scores", "probe_site"} <= set(failed)
    assert record["sites"]["label"]["cramers_v"] == pytest.approx(1.0)
    assert not record["passed"]


def test_a_score_that_one_person_has_leaves_nothing_to_probe(audited):
    record, failed = audited((np.arange(N) == 0).astype(float))
    assert not failed["probes"]["evaluated"]
    assert "higher pain 1" in failed["probes"]["found"]
    assert record["probes"] == []


TWO_INVERSES = STUDY.partition("    n_repeats")[0] + "    n_repeats: 2\n"


@pytest.fixture
def under_two_inverses(tmp_path, rng):
    """Blocks of 30 people under two inverses: each goes so little with the score that all of them predict it only."""

    def run(share_under_other):
        (tmp_path / "study.yaml").write_text(TWO_INVERSES)
        results = Results(tmp_path / "out")
        plan = Plan(load_study(tmp_path / "study.yaml"), results, write=False)
        settings = json.loads(plan.settings_target("pain"))
        people, score = [f"p{number:02d}" for number in range(30)], rng.normal(5, 2, 30)
        pd.DataFrame({"participant_id": people, "pain": score}).to_csv(
            tmp_path / "participants.tsv", sep="\t", index=False
        )
        deviation = (score - score.mean()) / score.std()
        shared = rng.normal(size=(30, 63))
        columns = {}
        for inverse, share in (("lcmv", 1.0), ("eloreta", share_under_other)):
            noise = shared + 0.3 * rng.normal(size=(30, 63))
            noise -= noise.mean(axis=0) + np.outer(deviation, deviation @ noise / 30)
            values = noise + 0.3 * share * deviation[:, None]
            columns |= dict(zip(primary_tests(settings, inverse), values.T, strict=True))
        about = {"participant": people, "condition": "rest"}
        pd.DataFrame(about | columns).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        table.run(results, json.loads(plan.settings_table()))
        for step in (compare, predict, agreement):
            step.run(results, settings, "pain")
        report.run(results, json.loads(plan.settings_report()))
        return results

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("share", "expected"), [(1.0, "holds"), (0.0, "depends")])
def test_a_predicted_score_holds_when_both_inverses_predict_it_and_depends_when_one_does_not(
    under_two_inverses, share, expected
):
    results = under_two_inverses(share)
    scores = read_json(results.target("pain", "scores.json"))["feature_sets"]
    found = read_json(results.target("pain", "agreement.json"))
    told = found["others"]["eloreta"]["classifier"]
    for side, name in (("primary", "blocks"), ("other", "blocks, eloreta")):
        assert (told[side]["feature_set"], told[side]["r2"]) == (name, scores[name]["r2"])
        assert told[side]["r2_ci"] == scores[name]["r2_ci"]
        assert told[side]["p"] == scores[name]["permutation"]["p"]
    assert [told[side]["found"] for side in ("primary", "other")] == [True, bool(share)]
    assert found["others"]["eloreta"]["tests"]["n_significant"] == 0
    assert found["verdict"] == expected
    words = {"holds": "holds under both inverses", "depends": "depends on the inverse"}
    assert any(words[expected] in line for line in headline_lines(results.root))
    assert f"Regression on the same features, R²: lcmv {told['primary']['r2']:.2f}" in results.page.read_text()


def test_a_regression_that_beats_shuffled_scores_and_not_the_mean_is_no_finding():
    def scored(r2):
        return {"r2": r2, "r2_ci": [r2 - 0.1, r2 + 0.1], "permutation": {"p": 0.01}}

    scores = {"primary_feature_set": "blocks", "feature_sets": {"blocks": scored(-0.02), "blocks, dspm": scored(0.2)}}
    told = agreement._classifier(scores, "dspm", "r2")
    assert [told[side]["found"] for side in ("primary", "other")] == [False, True]
    del scores["feature_sets"]["blocks, dspm"]
    assert agreement._classifier(scores, "dspm", "r2") is None
