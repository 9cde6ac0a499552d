"""Runs beside each other: into one results folder one at a time, into different ones without knowing of each other."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from painconn.cli.in_use import held
from painconn.cli.run import run_study
from painconn.errors import InputError
from painconn.paths import Results

STUDY = """\
name: NAME
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
targets:
  groups:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
"""
HOLDING = """
import sys, time
from pathlib import Path
from painconn.cli.in_use import held
from painconn.paths import Results
with held(Results(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path, rng, monkeypatch) -> Path:
    """A folder with two studies of a ready table, ``one.yaml`` and ``two.yaml``."""
    people = [f"{number:02d}" for number in range(24)]
    features = {f"f{number}": rng.normal(size=24) for number in range(3)}
    pd.DataFrame({"participant": people, "condition": "rest"} | features).to_csv(
        tmp_path / "table.tsv", sep="\t", index=False
    )
    groups = np.tile(["localized", "widespread"], 12)
    pd.DataFrame({"participant_id": people, "group": groups}).to_csv(
        tmp_path / "participants.tsv", sep="\t", index=False
    )
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(STUDY.replace("NAME", name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_second_run_into_a_results_folder_is_refused_with_the_way_out(folder):
    with held(Results(folder / "results")), held(Results(folder / "others")):
        with pytest.raises(InputError) as refused:
            run_study(folder / "one.yaml", out=folder / "results")
        (problem,) = refused.value.problems
        assert problem.where == str(folder / "results")
        assert "another run is writing to this results folder" in problem.found
        assert "--out" in problem.fix
    with held(Results(folder / "results")) as descriptor:
        assert descriptor is not None


def test_a_folder_that_nobody_may_hold_is_told_with_the_way_out(folder):
    (folder / "results" / ".in_use").mkdir(parents=True)
    with pytest.raises(InputError, match=r"results · found: .*\(.in_use\) · wanted: .* --out"):
        run_study(folder / "one.yaml", out=folder / "results")


@pytest.mark.parametrize("switch", ["-n", "-np", "--dry-run", "--dryrun"])
def test_a_dry_run_holds_nothing_and_is_held_back_by_nothing(folder, switch):
    with held(Results(folder / "results")):
        assert run_study(folder / "one.yaml", out=folder / "results", cores=1, extra=[switch]) == 0
    assert run_study(folder / "two.yaml", out=folder / "others", cores=1, extra=[switch]) == 0
    assert not (folder / "others" / ".in_use").exists()


def test_a_run_that_was_killed_leaves_nothing_to_unlock(folder):
    results = Results(folder / "results")
    command = [sys.executable, "-c", HOLDING, str(results.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError), held(results):
            pass
        other.send_signal(signal.SIGKILL)
    with held(results) as descriptor:
        assert descriptor is not None


@pytest.mark.slow
def test_a_run_that_ends_takes_nothing_from_another_one_in_the_same_working_folder(folder):
    """A run of the engine that ends removes the folder of locks, also while another run is about to write there."""
    command = [sys.executable, "-m", "painconn", "run"]
    options = ["--cores", "1", "--", "--until", "gather_table"]
    locks = folder / ".snakemake" / "locks"
    runs = [
        subprocess.Popen(
            [*command, f"{name}.yaml", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for name in ("one", "two")
    ]
    removed = 0
    while any(run.poll() is None for run in runs):
        if locks.is_dir():
            shutil.rmtree(locks, ignore_errors=True)
            removed += 1
        time.sleep(0.01)
    told = [run.communicate()[0] for run in runs]
    assert removed
    assert [run.returncode for run in runs] == [0, 0], told
    for name in ("one", "two"):
        assert Results(folder / "results" / name).table.is_file()
