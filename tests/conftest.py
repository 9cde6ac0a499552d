import os
from pathlib import Path

import numpy as np
import pytest

# Read when numba is first imported: tests of one thread against two need two, however many cores there are.
os.environ["NUMBA_NUM_THREADS"] = "2"

REPOSITORY = Path(__file__).resolve().parents[1]


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
