import os
import shutil
import subprocess
import sys

import pytest

from painconn.cli.check import refusals
from painconn.config.connectivity import ConnectivityConfig
from painconn.config.loader import load_study
from painconn.connectivity.graph.registry import GRAPH_MEASURES
from painconn.connectivity.registry import MEASURES


def painconn(*arguments, cwd=None, **more):
    command = [sys.executable, "-m", "painconn", *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ | more, capture_output=True, text=True, check=False)


def test_help_names_the_commands_and_loads_nothing_heavy():
    done = painconn("--help")
    assert done.returncode == 0
    for command in ("demo", "init", "check", "run", "report", "list"):
        assert command in done.stdout
    assert "step" not in done.stdout.replace("steps", "")
    code = (
        "import sys, painconn.cli.commands; "
        "heavy = ('mne', 'sklearn', 'pandas', 'numpy', 'scipy', 'matplotlib', 'snakemake', 'pydantic'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    light = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert light.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("registry", "entry"),
    [
        ("measures", "wpli2_debiased"),
        ("graph_measures", "betweenness"),
        ("classifiers", "ridge"),
        ("inverses", "lcmv"),
        ("readers", "brainvision"),
        ("checks", "amplitude"),
        ("phenotypes", "given_column"),
        ("datasets", "eegmat"),
    ],
)
def test_list_prints_a_registry(registry, entry):
    done = painconn("list", registry)
    assert done.returncode == 0, done.stderr
    assert entry.split("_")[0] in done.stdout


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_measures_can_be_read_in_narrow_and_wide_windows(columns):
    done = painconn("list", "measures", COLUMNS=columns)
    lines = done.stdout.splitlines()
    assert set(MEASURES) <= set(lines)
    assert max(map(len, lines)) <= int(columns)
    text = " ".join(done.stdout.split())
    for fact in ("over epochs or over time", "-1 to 1", "20 epochs, 5 cycles", "inflated by mixing at zero lag"):
        assert fact in text
    assert "…" not in text
    assert done.stdout.count("doi:") == sum(bool(measure.doi) for measure in MEASURES.values())


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_graph_measures_can_be_read_in_narrow_and_wide_windows(columns):
    done = painconn("list", "graph_measures", COLUMNS=columns)
    lines = done.stdout.splitlines()
    assert set(GRAPH_MEASURES) <= set(lines)
    assert max(map(len, lines)) <= int(columns)
    text = " ".join(done.stdout.split())
    for fact in ("a value per region", "1 or more", "in the reciprocal unit", "compared with null graphs"):
        assert fact in text
    assert done.stdout.count("doi:") == len(GRAPH_MEASURES)


def test_check_tells_which_measures_the_gates_will_refuse_and_why(repository):
    study = load_study(repository / "configs" / "studies" / "demo.yaml")

    def told(**connectivity):
        settings = ConnectivityConfig.model_validate(connectivity)
        return list(refusals(study.model_copy(update={"connectivity": settings})))

    assert told() == ["aec_orth, pinprick, all bands: events have no continuous segments"]
    assert told(measures=["coh", "psi"], min_epochs=25) == ["coh, psi, rest, all bands: 22 epochs, wanted at least 25"]
    narrow = told(measures=["coh"], bands_hz={"narrow": [9, 10], "alpha": [8, 13]})
    assert [text.split(":")[0] for text in narrow] == ["coh, rest, narrow", "coh, pinprick, narrow"]
    assert told(measures=["coh"], spectra="fourier", min_cycles=8)[0].startswith("coh, pinprick, theta: 5 cycles")


NO_PLACE = """
import sys
from pathlib import Path
import numpy as np
if sys.argv[1] == "prepared":
    from painconn.cli.kernels import prepare_kernels
    prepare_kernels(Path("out"))
from painconn.connectivity.spectral_kernels import transpose_into
part = np.ones((1, 1, 2), dtype=np.complex64)
target = np.zeros((1, 1, 1), dtype=np.float32)
transpose_into(part, np.array([1]), target, target.copy())
print(target.sum())
"""


def test_kernels_are_made_where_neither_package_nor_home_can_be_written(repository, tmp_path):
    package = tmp_path / "package" / "painconn"
    skipped = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(repository / "pipeline" / "painconn", package, ignore=skipped)
    (package / "connectivity" / "__pycache__").touch()
    kept = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment = kept | {"HOME": "/dev/null", "PYTHONPATH": str(package.parent)}

    def run(how):
        command = [sys.executable, "-c", NO_PLACE, how]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "no locator available" in run("unprepared").stderr
    done = run("prepared")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1.0"
    assert list((tmp_path / "out" / ".kernels").rglob("*.nbc"))


def test_a_bad_study_ends_with_status_2_and_every_problem(tmp_path):
    study = tmp_path / "s.yaml"
    study.write_text("nam: x\ndata: {sources: []}\n")
    for command in ("check", "run"):
        done = painconn(command, str(study))
        assert done.returncode == 2
        assert "did you mean name?" in done.stderr
        assert "targets" in done.stderr
        assert "Traceback" not in done.stderr


def test_check_names_a_missing_data_folder(repository, tmp_path):
    study = repository / "configs" / "studies" / "eegmat.yaml"
    done = painconn("check", str(study), "--data", str(tmp_path / "nowhere"), cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
