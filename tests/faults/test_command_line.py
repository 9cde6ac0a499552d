"""A cohort with broken people through the command that a person types."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cohort_runs import HEALTHY, PARTNER, Run, differing, saved_arrays
from recording_faults import FAULTS
from running import environment
from small_cohort import STUDY, recordings_of, write_participants

from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.steps.plan import Plan

pytestmark = pytest.mark.slow

BROKEN = [fault for fault in FAULTS if (fault.row, fault.form) in {(1, "half"), (4, "random bytes"), (6, "outside")}]
HALF_BROKEN = [fault for fault in FAULTS if (fault.row, fault.form) == (28, "renamed event")]
DESIGN = """\
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
"""

# In a process of its own: this one may compute on more threads than the jobs of the command do.
RUN_PEOPLE = """
from pathlib import Path
from cohort_runs import run_people
from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.steps.plan import Plan
run_people(Plan(load_study(Path("study.yaml")), Results(Path("without"))))
"""


def run_study(folder, *options):
    command = ["run", "study.yaml", "--out", "results", "--cores", "2", *options]
    return subprocess.run(
        [sys.executable, "-m", "painconn", *command], cwd=folder, env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def run_people_of(folder):
    """Compute everybody's numbers one after the other, with the heads of the results and without the engine."""
    for part in ("head", "forward"):
        shutil.copytree(folder / "results" / "derivatives" / part, folder / "without" / "derivatives" / part)
    known = environment(PYTHONPATH=str(Path(__file__).parent), NUMBA_NUM_THREADS="1")
    done = subprocess.run(
        [sys.executable, "-c", RUN_PEOPLE], cwd=folder, env=known, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_run_ends_well_lists_them_and_changes_nobody_elses_numbers(people, tmp_path):
    bids = tmp_path / "bids"
    healthy = {HEALTHY: people[HEALTHY]} | {f"H{number}": people[PARTNER].later(3 * number) for number in range(2, 7)}
    broken = (*BROKEN, *HALF_BROKEN)
    for label, signals in healthy.items():
        for recording in recordings_of(bids, label, signals, ("rest", "pinprick")):
            recording.write()
    labels = [*healthy, *(fault.label for fault in broken)]
    write_participants(bids, {label: ("localized", "widespread")[place % 2] for place, label in enumerate(labels)})
    (tmp_path / "study.yaml").write_text(STUDY + DESIGN)
    heads = run_study(tmp_path, "--", "--until", "solve_forward")
    assert heads.returncode == 0, heads.stdout + heads.stderr
    run_people_of(tmp_path)
    before = Run(Plan(load_study(tmp_path / "study.yaml"), Results(tmp_path / "without")))

    for place, fault in enumerate(broken):
        fault.write(bids, people[PARTNER].later(24 + 3 * place))
    done = run_study(tmp_path)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert "excluded: 3 of 17 recordings; why: results/group/exclusions.tsv" in done.stdout
    run = Run(Plan(load_study(tmp_path / "study.yaml"), Results(tmp_path / "results")))
    assert run.plan.results.page.is_file()
    for fault in broken:
        assert set(run.exclusions(fault.label)["check"]) & set(fault.check.split("|")), fault.label
    assert all(len(run.features(fault.label)) == 0 for fault in BROKEN)
    assert set(run.features(HALF_BROKEN[0].label)["condition"]) == {"rest"}
    for label in healthy:
        assert len(run.exclusions(label)) == 0
        assert differing(saved_arrays(before, label), saved_arrays(run, label)) == []
