"""A study of several sites from its file to the audit: harmonised, probed, and warned about."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from painconn.cli.check import check_study
from painconn.config.loader import load_study
from painconn.errors import PainconnError
from painconn.paths import Results
from painconn.reporting.citations import Citations
from painconn.reporting.site_text import harmonisation_method, site_sentences
from painconn.steps import audit, compare, model, predict, table
from painconn.steps.plan import Plan
from painconn.store import read_json

STUDY = """\
name: sites
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
targets:
  pain:
    contrast: {kind: between, column: group, a: control, b: patient, observation: {condition: rest}}
    n_permutations: 100
    n_repeats: 2
    n_outer_folds: 3
    harmonisation: OPTION
"""
N = 48


@pytest.fixture
def study_of(tmp_path, rng):
    """Write a study of two sites that shift and stretch every column; patients are even over sites, or tied to one."""

    def write(option, n_at_own_site=N // 4):
        patient = np.arange(N) < N // 2
        place = np.arange(N) % (N // 2)
        first = np.where(patient, place < n_at_own_site, place >= n_at_own_site)
        values = rng.normal(size=(N, 6)) + 1.0 * patient[:, None]
        values = np.where(first[:, None], values, 4.0 + 3.0 * values)
        people = [f"p{number:02d}" for number in range(N)]
        groups = {"participant_id": people, "group": np.where(patient, "patient", "control")}
        pd.DataFrame(groups).to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
        about = {"participant": people, "condition": "rest", "site": np.where(first, "one", "two")}
        columns = {f"f{number}": values[:, number] for number in range(6)}
        pd.DataFrame(about | columns).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        path = tmp_path / "study.yaml"
        path.write_text(STUDY.replace("OPTION", option))
        return path

    return write


def results_of(path):
    results = Results(path.parent / "out")
    plan = Plan(load_study(path), results)
    table.run(results, json.loads(plan.settings_table()))
    for step in (compare, predict, audit):
        step.run(results, json.loads(plan.settings_target("pain")), "pain")
    scores = read_json(results.target("pain", "scores.json"))["feature_sets"]["all columns"]
    return results, plan, scores, read_json(results.target("pain", "audit.json"))


def plan_target(plan):
    return json.loads(plan.settings_target("pain"))["target"]


@pytest.mark.slow
def test_harmonisation_finds_what_sites_hide_and_the_audit_shows_sites_before_and_after(study_of):
    results, plan, found, record = results_of(study_of("combat"))
    _, _, hidden, without = results_of(study_of("none"))
    assert found["harmonisation"] == "combat"
    assert hidden["harmonisation"] == "none"
    assert found["auc"] > 0.85
    assert hidden["auc"] < found["auc"] - 0.1
    (probe,) = record["sites"]["probe"]
    assert probe["mean_before"]["auc"] > 0.9
    assert probe["spread_before"]["auc"] > 0.8
    assert probe["mean_after"]["ci"][0] < 0.5 < probe["mean_after"]["ci"][1]
    assert probe["spread_after"]["ci"][0] < 0.5 < probe["spread_after"]["ci"][1]
    gates = {gate["gate"]: gate for gate in record["gates"]}
    assert gates["fitted_inside_fold"]["passed"]
    assert gates["pure_noise"]["passed"]
    assert gates["shuffled_run"]["passed"]
    # The gate asks the features as the classifier had them.
    assert "from the features AUC 0.9" not in gates["probe_site"]["found"]
    assert "mean_after" not in without["sites"]["probe"][0]
    told = " ".join(site_sentences(record))
    assert "by ComBat" in told
    assert "before and" in told
    assert "tied" not in told
    assert "not harmonised" in site_sentences(without)[0]
    assert site_sentences({}) == []
    methods = SimpleNamespace(targets={"pain": SimpleNamespace(feature_sets={"all": {}}, settings=plan_target(plan))})
    (sentence,) = harmonisation_method(methods, Citations())
    assert "harmonised in pain by ComBat [1, 2]" in sentence
    assert "preserved" not in sentence
    # What would be needed of a new person is not in a model file.
    model.run(results, json.loads(plan.settings_model("pain")), "pain")
    saved = read_json(results.target("pain", "model.json"))
    assert not saved["saved"]
    assert "the new person's site" in saved["reason"]


@pytest.mark.slow
def test_a_label_tied_to_the_site_is_said_by_check_and_by_the_audit(study_of, capsys):
    path = study_of("centre_site", n_at_own_site=N // 2 - 4)
    check_study(path)
    told = capsys.readouterr().out
    assert "warning: targets.pain: site and group are tied: Cramer's V of site and label is 0.67" in told
    record = results_of(path)[3]
    assert record["sites"]["label"]["tied"]
    assert any("harmonisation cannot separate them" in sentence for sentence in site_sentences(record))
    check_study(study_of("none"))
    assert "site and group" not in capsys.readouterr().out


def test_a_site_for_each_label_stands_in_the_way_of_a_run(study_of):
    with pytest.raises(PainconnError) as caught:
        check_study(study_of("none", n_at_own_site=N // 2))
    (problem,) = caught.value.problems
    assert problem.where.startswith("targets.pain, ")
    assert "one: control 0, patient 24; two: control 24, patient 0" in problem.found


def test_a_study_without_several_sites_has_nothing_to_harmonise(tmp_path):
    (tmp_path / "recordings").mkdir()
    text = STUDY.replace("OPTION", "combat").replace("layout: features, features_table: table.tsv", "layout: bids")
    text = text.replace("targets:", "  conditions: {rest: {task: rest, kind: rest, n_epochs: 20}}\ntargets:")
    path = tmp_path / "study.yaml"
    path.write_text(text + "    harmonisation_preserves: covariates\n")
    with pytest.raises(PainconnError) as refused:
        load_study(path)
    told = "\n".join(str(problem) for problem in refused.value.problems)
    assert "data.sources has one site" in told
    assert "has none to preserve" in told
