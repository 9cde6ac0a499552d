import sys
import venv
from pathlib import Path

import pytest
from running import STUDY, run

from painconn.simulation.presets import PRESETS
from painconn.simulation.write import write_cohort


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
