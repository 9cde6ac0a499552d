"""Baselines of a target: recordings' own confounds, the ratings that made a label, and the same columns at rest."""

import json

import numpy as np
import pandas as pd
import pytest

from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.reporting.performance import increment_sentences
from painconn.steps import audit, compare, predict, table
from painconn.steps.plan import Plan
from painconn.store import read_json

STUDY = """\
name: ready
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
  phenotype: {rule: pinprick, table: pinprick.csv, controls: {column: group, value: hc}}
targets:
  pain:
    contrast: {kind: between, column: COLUMN, a: localized, b: widespread, observation: {condition: CONDITION}}
    n_permutations: 100
    n_repeats: 2
    OPTION
"""
N_CONTROLS, N = 20, 44


@pytest.fixture
def scores_of(tmp_path, rng):
    """Evaluate a label made from ratings on features that hold, or do not hold, something else about it."""

    def evaluate(column="phenotype", condition="pinprick", option=""):
        people = [f"p{place:02d}" for place in range(N)]
        patient = np.arange(N) >= N_CONTROLS
        widespread = patient & (np.arange(N) % 2 == 0)
        trials = [
            (person, site, "128", round(float(np.exp(2 + 1.5 * high + 0.1 * rng.normal())), 1))
            for person, painful, remote in zip(people, patient, widespread, strict=True)
            for site, high in (("painful", painful), ("remote", remote))
            for _ in range(2)
        ]
        names = ["participant_id", "site", "force", "rating"]
        pd.DataFrame(trials, columns=names).to_csv(tmp_path / "pinprick.csv", index=False)
        made = np.where(widespread, "widespread", np.where(patient, "localized", "hc"))
        pd.DataFrame(
            {
                "participant_id": people,
                "group": np.where(patient, "pain", "hc"),
                "made": made,
                "remote_rating": rng.normal(size=N) + 3 * widespread,
            }
        ).to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
        rows = []
        for person, own in zip(people, widespread, strict=True):
            lasting = rng.normal(size=4) + 1.5 * own
            for name in ("rest", "pinprick"):
                values = lasting + 0.3 * rng.normal(size=4)
                extra = {"quality__n_epochs_kept": 30 + own + 0.3 * rng.normal(), "quality__muscle_index": rng.normal()}
                rows.append(
                    {"participant": person, "condition": name}
                    | {f"f{place}": value for place, value in enumerate(values)}
                    | extra
                )
        pd.DataFrame(rows).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        text = STUDY.replace("COLUMN", column).replace("CONDITION", condition).replace("OPTION", option)
        (tmp_path / "study.yaml").write_text(text)
        results = Results(tmp_path / "out")
        plan = Plan(load_study(tmp_path / "study.yaml"), results)
        table.run(results, json.loads(plan.settings_table()))
        for step in (compare, predict, audit):
            step.run(results, json.loads(plan.settings_target("pain")), "pain")
        saved = read_json(results.target("pain", "scores.json"))
        return saved["feature_sets"]["all columns"], read_json(results.target("pain", "audit.json"))

    return evaluate


@pytest.mark.slow
def test_a_label_made_from_ratings_is_held_against_the_ratings_and_against_rest(scores_of):
    scores, _ = scores_of()
    assert scores["auc"] > 0.8
    assert list(scores["baselines"]) == ["majority", "confounds", "ratings", "rest"]
    ratings = scores["baselines"]["ratings"]
    assert {"z_painful", "z_remote"} <= set(ratings["columns"])
    assert ratings["auc"] > 0.97
    over = scores["increment_over"]["ratings"]
    assert over["increment"] == pytest.approx(over["auc_features_and_ratings"] - over["auc_ratings"])
    assert over["increment_ci"][0] < 0.05
    # What lasts is there at rest too: the pinprick adds nothing to it.
    assert scores["baselines"]["rest"]["auc"] > 0.8
    assert abs(scores["increment_over"]["rest"]["increment"]) < 0.1
    told = increment_sentences(scores)
    assert len(told) == 3
    assert "the ratings that the label was made from (z painful" in told[1]
    assert "the same features at rest" in told[2]


@pytest.mark.slow
def test_epochs_kept_and_muscle_are_confounds_unless_the_target_states_its_own(scores_of):
    scores, _ = scores_of()
    assert scores["baselines"]["confounds"]["columns"] == ["n_epochs_kept", "muscle_index"]
    assert scores["baselines"]["confounds"]["auc"] > 0.9
    stated, _ = scores_of(option="covariates: [muscle_index]")
    assert stated["baselines"]["confounds"]["columns"] == ["muscle_index"]
    assert "confounds" not in scores_of(option="covariates: []")[0]["baselines"]


@pytest.mark.slow
def test_rest_is_no_baseline_of_rest_and_a_given_label_has_ratings_only_when_they_are_named(scores_of):
    assert "rest" not in scores_of(condition="rest")[0]["baselines"]
    assert "increment_over" not in scores_of(column="made")[0]
    named, _ = scores_of(column="made", option="ratings: [remote_rating]")
    assert named["baselines"]["ratings"]["columns"] == ["remote_rating"]
    assert named["increment_over"].keys() == {"ratings", "rest"}


@pytest.mark.slow
def test_confound_regression_of_a_study_takes_out_what_its_covariates_explain(scores_of):
    plain, _ = scores_of(option="covariates: [n_epochs_kept]")
    regressed, gates = scores_of(option="covariates: [n_epochs_kept]\n    confound_regression: features")
    assert plain["confound_regression"] == "none"
    assert regressed["confound_regression"] == "features"
    assert regressed["auc"] < plain["auc"] - 0.2
    again = next(gate for gate in gates["gates"] if gate["gate"] == "shuffled_run")
    assert again["passed"]
