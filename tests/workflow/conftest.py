import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from painconn.simulation.presets import PRESETS
from painconn.simulation.write import write_cohort

STUDY = """\
name: tiny
data:
  sources:
    - {root: cohort, layout: bids, line_freq_hz: 50}
  conditions:
    rest: {kind: rest, task: pain, block: rest, n_epochs: 20, n_segments: 2}
    pinprick: {kind: events, task: pain, events: [pinprick], n_epochs: 20}
  minimum_per_group: 3
cortex: {source_spacing: ico3}
targets:
  hyperalgesia:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
positive_controls:
  alpha:
    contrast: {kind: within, a: {condition: pinprick, window: pre}, b: {condition: pinprick, window: post}}
    feature: power_rel__sensors__alpha__mean
    expected: lower
"""


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "PYTHONPATH"))}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | more


def run(python, *arguments, cwd, check=False, **more):
    return subprocess.run(
        [str(python), "-m", *arguments], cwd=cwd, env=environment(**more), capture_output=True, text=True, check=check
    )


def planned(output):
    """Read the job counts of a dry run."""
    return {
        rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE) if rule != "total"
    }


@pytest.fixture(scope="session")
def wheel_python(repository, tmp_path_factory):
    """An environment that holds the built wheel and the dependencies, but not the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["build", "--wheel", "--no-isolation", "--outdir", str(folder), str(repository)]
    run(sys.executable, *build, cwd=folder, check=True)
    venv.create(folder / "clean", with_pip=False, symlinks=True)
    python = folder / "clean" / "bin" / "python"
    site = next((folder / "clean" / "lib").glob("python*")) / "site-packages"
    dependencies = Path(pytest.__file__).resolve().parents[1]
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    wheel = next(folder.glob("painconn-*.whl"))
    run(
        sys.executable,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
        cwd=folder,
        check=True,
    )
    return python


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Six simulated people as BIDS, and the study file beside them."""
    folder = tmp_path_factory.mktemp("study")
    write_cohort(PRESETS["tiny"], folder / "cohort", seed=7)
    (folder / "tiny.yaml").write_text(STUDY)
    return folder


@pytest.fixture(scope="session")
def finished(wheel_python, cohort, tmp_path_factory):
    """The whole workflow on the tiny cohort, run from an empty folder with the built wheel."""
    folder = tmp_path_factory.mktemp("empty")
    done = run(wheel_python, "painconn", "run", str(cohort / "tiny.yaml"), "--out", "out", "--cores", "2", cwd=folder)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    return folder / "out", done
