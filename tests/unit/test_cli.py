import subprocess
import sys

import pytest


def painconn(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "painconn", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


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
