"""Scores of people that hang on the site, or on one person: the audit says so and ends."""

import json

import numpy as np
import pandas as pd
import pytest

from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.steps import audit, compare, predict, table
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
