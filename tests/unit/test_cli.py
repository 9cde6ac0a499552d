import os
import shutil
import subprocess
import sys

import pytest

from painconn.cli.foresight import dependent_regions, notes, refusals, refused, refused_primary, unanswerable
from painconn.config.connectivity import ConnectivityConfig
from painconn.config.loader import load_study
from painconn.config.study import StudyConfig
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
        ("presets", "planted"),
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
    for fact in ("over epochs or over time", "-1 to 1", "20 epochs, 5 cycles", "changed by mixing at zero lag"):
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
        changed = study.model_copy(update={"connectivity": settings})
        return list(refusals(changed, refused(changed)))

    assert told() == ["aec_orth, pinprick, all bands: events have no continuous segments"]
    assert told(measures=["coh", "psi"], min_epochs=25) == ["coh, psi, rest, all bands: 22 epochs, wanted at least 25"]
    narrow = told(measures=["coh"], bands_hz={"narrow": [9, 10], "alpha": [8, 13]})
    assert [text.split(":")[0] for text in narrow] == ["coh, rest, narrow", "coh, pinprick, narrow"]
    assert told(measures=["coh"], spectra="fourier", min_cycles=8)[0].startswith("coh, pinprick, theta: 5 cycles")


def test_check_foresees_wavelets_that_are_too_long_and_matrices_without_full_rank(repository):
    study = load_study(repository / "configs" / "studies" / "demo.yaml")

    def told(n_channels=(), **connectivity):
        settings = ConnectivityConfig.model_validate(connectivity)
        changed = study.model_copy(update={"connectivity": settings})
        return list(refusals(changed, refused(changed, n_channels, n_regions=68)))

    bands_hz = {"theta": [4, 8], "alpha": [8, 13]}
    wavelets = told(measures=["coh"], spectra="morlet", min_cycles=1, bands_hz=bands_hz)
    assert wavelets == [
        "coh, pinprick, theta: a wavelet of 7 cycles at 4 Hz is 1.67 s long, the epoch 1.25 s: fewer n_cycles or longer"
        " epochs"
    ]
    assert told(measures=["coh"], spectra="morlet", min_cycles=1, n_cycles=5, bands_hz=bands_hz) == []
    over_rest = [line for line in told((19, 64), measures=["aec_symmetric"]) if "rest" in line]
    needed = "as many independent channels as regions are needed: 68; the largest montage has 64"
    assert over_rest == [f"aec_symmetric, rest, all bands: {needed}"]
    assert not [line for line in told((128,), measures=["aec_symmetric"]) if "rest" in line]


def test_check_notes_settings_without_effect():
    def noted(n_epochs=30, **connectivity):
        study = StudyConfig.model_validate(
            {
                "name": "x",
                "data": {
                    "sources": [{"root": ".", "layout": "bids"}],
                    "conditions": {"rest": {"kind": "rest", "n_epochs": n_epochs, "n_segments": 2}},
                },
                "connectivity": connectivity,
                "targets": {
                    "t": {
                        "contrast": {"kind": "between", "column": "g", "a": "a", "b": "b"}
                        | {"observation": {"condition": "rest"}},
                        "primary": {"measure": connectivity.get("measures", ["wpli2_debiased"])[0]},
                    }
                },
            }
        )
        return list(notes(study))

    assert noted() == []
    assert noted(n_surrogates=50) == []
    assert "10 epochs to shift, wanted at least 20" in noted(10, n_surrogates=50)[0]
    assert noted(measures=["aec_orth"], n_surrogates=50, min_epochs=30)[0].startswith(
        "no effect: connectivity.n_surrogates, min_epochs"
    )
    assert noted(n_cycles=5)[0].startswith("no effect: connectivity.n_cycles")


def test_a_target_without_a_computable_primary_test_is_a_problem_and_a_part_is_told(repository):
    study = load_study(repository / "configs" / "studies" / "demo.yaml")
    (name, target), *_ = study.targets.items()

    def foreseen(measure, **connectivity):
        settings = ConnectivityConfig.model_validate({"measures": [measure], **connectivity})
        primary = target.primary.model_copy(update={"measure": measure})
        targets = {name: target.model_copy(update={"primary": primary})}
        changed = study.model_copy(update={"connectivity": settings, "targets": targets})
        reasons = refused(changed)
        return list(unanswerable(changed, reasons)), list(refused_primary(changed, reasons))

    assert foreseen("coh") == ([], [])
    (problem,), _ = foreseen("coh", min_epochs=1000)
    assert problem.where == f"targets.{name}.primary"
    assert "no primary test of coh can be computed" in problem.found
    assert "wanted at least 1000" in problem.found
    problems, told = foreseen("coh", min_cycles=10)
    assert problems == []
    assert [(own, bands) for own, bands, _ in told] == [(name, ["theta"])]


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_bad_study_ends_with_status_2_and_every_problem(tmp_path):
    study = tmp_path / "s.yaml"
    study.write_text("nam: x\ndata: {sources: []}\n")
    for command in ("check", "run"):
        done = painconn(command, str(study))
        assert done.returncode == 2
        assert "did you mean name?" in done.stderr
        assert "targets" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_check_names_a_missing_data_folder(repository, tmp_path):
    study = repository / "configs" / "studies" / "eegmat.yaml"
    done = painconn("check", str(study), "--data", str(tmp_path / "nowhere"), cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_warns_with_numbers_when_regions_exceed_what_the_channels_support():
    (warning,) = dependent_regions(68, [19, 128, 19])
    assert "68 regions from 19 channels" in warning
    assert "at most 18 dimensions, about 3.8 regions for each" in warning
    assert [line.partition(":")[0] for line in dependent_regions(100, [19, 100, 101, 19])] == [
        "100 regions from 19 channels",
        "100 regions from 100 channels",
    ]
    assert list(dependent_regions(16, [19])) == []
