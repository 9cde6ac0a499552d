"""Which columns of the participants table the audit asks the features for."""

import json

import numpy as np
import pandas as pd
import pytest

from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.reporting.performance import probe_sentences
from painconn.steps import audit, compare, predict, table
from painconn.steps.plan import Plan
from painconn.store import read_json

STUDY = """\
name: probed
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
targets:
  pain:
    contrast: {kind: between, column: group, a: control, b: patient, observation: {condition: rest}}
    n_permutations: 100
    n_repeats: 2
    n_outer_folds: 3
"""
N = 32


@pytest.mark.parametrize(("column", "probe"), [("medication", "medication"), ("Centre", "recorded at")])
def test_what_decides_the_label_and_shows_in_the_features_fails_its_gate(tmp_path, rng, column, probe):
    """Everybody is in one source; nothing but the participants table says who was recorded where, or takes what."""
    patient = np.arange(N) < N // 2
    people = [f"p{number:02d}" for number in rng.permutation(N)]
    groups = {"participant_id": people, "group": np.where(patient, "patient", "control")}
    groups["sex"] = [f"text {number}" for number in range(N)]
    groups |= {column: np.where(patient, "yes", "no"), "age": rng.normal(50, 9, N).round(1)}
    pd.DataFrame(groups).to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    values = {f"f{number}": rng.normal(size=N) + 1.5 * patient for number in range(5)}
    about = {"participant": people, "condition": "rest"}
    pd.DataFrame(about | values).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    results = Results(tmp_path / "out")
    plan = Plan(load_study(tmp_path / "study.yaml"), results)
    table.run(results, json.loads(plan.settings_table()))
    for step, settings in (
        (compare, plan.settings_target),
        (predict, plan.settings_target),
        (audit, plan.settings_audit),
    ):
        step.run(results, json.loads(settings("pain")), "pain")
    record = read_json(results.target("pain", "audit.json"))
    passed = {gate["gate"]: gate["passed"] for gate in record["gates"]}
    assert not passed[f"probe_{probe.replace(' ', '_')}"]
    assert passed["probe_age"]
    assert not any(control["control"].startswith(probe) for control in record["controls"])
    unprobed = {one["probe"]: one["reason"] for one in record["probes"] if "reason" in one}
    assert unprobed["missing values"] == "no value is missing"
    assert unprobed["sex"] == "its column holds neither numbers nor a few groups"
    assert unprobed["amplifier"] == "not recorded"
    (told,) = [sentence for sentence in probe_sentences(record) if sentence.startswith("Not probed")]
    assert "missing values (no value is missing)" in told
    assert "not known" not in told
