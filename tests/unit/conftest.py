from collections.abc import Callable, Iterator

import numpy as np
import pytest

Epochs = np.ndarray


@pytest.fixture
def mixed_epochs(rng: np.random.Generator) -> Callable[..., Epochs]:
    """Return a maker of epochs in which every region mixes every source, and region 1 follows source 0 by 6 samples."""

    def make(n_epochs: int = 30, n_regions: int = 6, n_times: int = 500) -> Epochs:
        sources = rng.standard_normal((n_epochs, n_regions, n_times))
        mixing = rng.standard_normal((n_regions, n_regions))
        follows = (np.arange(n_regions) == 1)[None, :, None]
        return np.einsum("ij,ejt->eit", mixing, sources) + 2 * np.roll(sources[:, :1], 6, axis=-1) * follows

    return make


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute with one thread: on a busy machine the second one mostly waits."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)
