import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# Read when numba is first imported: tests of one thread against two need two, however many cores there are.
os.environ["NUMBA_NUM_THREADS"] = "2"

# A busy machine is no fault of what is tested.
settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")

REPOSITORY = Path(__file__).resolve().parents[1]

# What shares a dear fixture goes to one worker together; these and other long files first, the longest at the head, so
# that nothing long begins when the rest is done. The marks of xdist cannot say it: with the structured node names of
# pytest 9.2 `--dist loadgroup` passes them over without a word.
LONG_UNITS = (
    "tests/workflow/test_end_to_end.py",
    "tests/privacy/test_canary.py",
    "tests/faults/",
    "tests/workflow/test_real_recordings.py",
    "tests/workflow/test_recovery.py",
    "tests/workflow/test_predict_recordings.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file on one worker: on two, each would make the fixtures of the file."""
    from xdist.scheduler import LoadScopeScheduling

    class UnitScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::", 1)[0]
            return next((unit for unit in LONG_UNITS if file.startswith(unit)), file)

        def _assign_work_unit(self, node):
            for unit in reversed(LONG_UNITS):
                if unit in self.workqueue:
                    self.workqueue.move_to_end(unit, last=False)
            super()._assign_work_unit(node)

    return UnitScheduling(config, log)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("PAINCONN_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real EEG at {folder}: set PAINCONN_TEST_DATA to a folder that holds eegmat-rest-arithmetic")
    return folder
