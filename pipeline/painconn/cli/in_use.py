"""A results folder is written by one run at a time; runs into different folders do not touch each other."""

from collections.abc import Iterator
from contextlib import contextmanager

from painconn.errors import InputError, Problem
from painconn.paths import Results

_HELD = ".in_use"


@contextmanager
def held(results: Results) -> Iterator[int | None]:
    """Hold a results folder until the run has ended, however it ends: nothing stays behind that has to be unlocked.

    The locks of the workflow engine lie in the folder that it is started from, and a run that ends there removes those
    of all others, also while another one is about to write its own.

    Yields
    ------
    descriptor : int or None
        Open file that holds the folder for as long as any process has it; None where the file system cannot do that,
        and the locks of the engine have to serve.

    Raises
    ------
    InputError
        When another run writes there, or nobody may.
    """
    try:
        import fcntl
    except ImportError:
        yield None
        return
    try:
        results.root.mkdir(parents=True, exist_ok=True)
        file = (results.root / _HELD).open("a", encoding="utf-8")
    except OSError as error:
        found = f"{error.strerror or type(error).__name__} ({_HELD})"
        fix = f"allow writing there, remove {_HELD}, or choose another --out"
        raise InputError(Problem(str(results.root), found, "a folder to write results to", fix)) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fix = "wait until it has ended, or choose another --out"
            found = "another run is writing to this results folder"
            raise InputError(Problem(str(results.root), found, "one run at a time", fix)) from None
        except OSError:
            descriptor = None
        else:
            descriptor = file.fileno()
        yield descriptor
