"""A cohort with broken people through the command that a person types."""

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


# Another process than this one, which may compute on more threads than the jobs of the command do.
RUN_SESSIONS = "import sys; from pathlib import Path; import cohort_runs; cohort_runs.run_sessions(Path(), sys.argv[1])"


def run_study(folder):
    command = ["run", "study.yaml", "--out", "results", "--cores", "2"]
    return subprocess.run(
        [sys.executable, "-m", "painconn", *command], cwd=folder, env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def run_sessions_elsewhere(folder, text) -> Run:
    """Run the steps of every session of a study one after the other, without the workflow engine."""
    folder.mkdir()
    known = environment(PYTHONPATH=str(Path(__file__).parent), NUMBA_NUM_THREADS="1")
    done = subprocess.run(
        [sys.executable, "-c", RUN_SESSIONS, text], cwd=folder, env=known, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(Plan(load_study(folder / "study.yaml"), Results(folder / "results")))


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
    before = run_sessions_elsewhere(tmp_path / "without", STUDY.replace("root: bids", "root: ../bids"))

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
