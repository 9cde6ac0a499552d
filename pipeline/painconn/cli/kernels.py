"""Where compiled kernels are kept, and on how many threads they run."""

import os
import tempfile
from pathlib import Path

import painconn

_PACKAGE_CACHE = Path(painconn.__file__).parent / "connectivity" / "__pycache__"


def prepare_kernels(results: Path) -> None:
    """Set what the compiler reads from the environment, unless it is set.

    Compiled kernels are kept beside their source. Where that cannot be written (an installed package, a container) they
    go to the user's cache, and where there is none, to the results folder: without any place the compiler would refuse
    to make a kernel at all. Kernels run on as many threads as linear algebra does.

    Parameters
    ----------
    results : Path
        Results folder of the study.
    """
    os.environ.setdefault("NUMBA_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    if "NUMBA_CACHE_DIR" in os.environ or _is_writable(_PACKAGE_CACHE):
        return
    of_user = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "painconn"
    of_study = results.absolute() / ".kernels"
    os.environ["NUMBA_CACHE_DIR"] = str(of_user if _is_writable(of_user) else of_study)


def _is_writable(folder: Path) -> bool:
    """Try it: permissions alone do not tell on network and read-only file systems."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
