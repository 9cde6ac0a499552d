"""A blinded study through the commands a person types: run, lock, and what opening the labels would make again."""

import sys

import numpy as np
import pandas as pd
import pytest
from running import planned, run

from painconn.paths import Results
from painconn.store import read_json

pytestmark = pytest.mark.slow

STUDY = """\
name: closed
blinded: true
data:
  sources:
    - {root: ., layout: features, features_table: table.tsv}
targets:
  groups:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
"""


def test_a_blinded_study_is_run_locked_and_opened_by_a_changed_line(tmp_path, rng):
    people = [f"{number:02d}" for number in range(20)]
    values = pd.DataFrame(rng.standard_normal((20, 4)), columns=[f"feature{i}" for i in range(4)])
    table = values.assign(participant=people, condition="rest")
    table.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    labels = pd.DataFrame({"participant_id": people, "group": np.repeat(["localized", "widespread"], 10)})
    labels.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    study, results = tmp_path / "study.yaml", Results(tmp_path / "out")
    study.write_text(STUDY)
    of_study = [str(study), "--out", "out"]

    early = run(sys.executable, "painconn", "lock", *of_study, cwd=tmp_path)
    assert early.returncode == 2
    assert "no blinded run" in early.stderr
    checked = run(sys.executable, "painconn", "check", str(study), cwd=tmp_path)
    assert "blinded: labels are dealt by lot" in checked.stdout

    done = run(sys.executable, "painconn", "run", *of_study, "--cores", "2", cwd=tmp_path)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert done.stdout.startswith("BLINDED: labels are permuted, no number here is a result")
    salt = read_json(results.blinding)["salt"]
    holders = [path for path in results.root.rglob("*") if path.is_file() and salt.encode() in path.read_bytes()]
    assert holders == [results.blinding]

    locked = run(sys.executable, "painconn", "lock", *of_study, cwd=tmp_path)
    assert locked.returncode == 0, locked.stderr
    assert read_json(results.lock)["hash"] in locked.stdout
    options = ["--cores", "1", "--", "--dry-run"]
    again = run(sys.executable, "painconn", "run", *of_study, *options, cwd=tmp_path)
    assert planned(again.stdout + again.stderr) == {}
    study.write_text(STUDY.replace("blinded: true", "blinded: false"))
    opened = run(sys.executable, "painconn", "run", *of_study, *options, cwd=tmp_path)
    made_again = {"gather_table", "compare_target", "predict_target", "agree_target", "audit_target", "save_model"}
    assert planned(opened.stdout + opened.stderr).keys() == made_again | {"write_report", "all"}
    assert read_json(results.blinding)["salt"] == salt
