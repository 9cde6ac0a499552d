"""Repeated decompositions: which components come back whatever the start, and which run is the most typical."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float64]


def matched(maps: Maps, others: Maps) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pair the components of two runs so that their maps agree best on the whole.

    Parameters
    ----------
    maps, others : ndarray, shape (channels, components)
        Scalp maps of two runs; sign, size and order mean nothing.

    Returns
    -------
    partners : ndarray of int, shape (components,)
        For each of `maps`, its partner among `others`; every component is partner once.
    similarity : ndarray, shape (components,)
        Absolute correlation of each pair of maps.
    """
    from scipy.optimize import linear_sum_assignment

    n_components = maps.shape[1]
    correlations = np.abs(np.corrcoef(maps.T, others.T)[:n_components, n_components:])
    rows, partners = linear_sum_assignment(correlations, maximize=True)
    return partners, correlations[rows, partners]


def typical_run(runs: Sequence[Maps]) -> tuple[int, list[float]]:
    """Return the run that agrees best with all others, and each run's mean similarity to the others.

    Parameters
    ----------
    runs : sequence of ndarray, shape (channels, components)
        At least two; scalp maps of each run.

    Returns
    -------
    chosen : int
        Position of the most typical run; the first of several equal ones.
    similarity : list of float
        Mean over the other runs and over components, 0 to 1.
    """
    pairwise = np.full((len(runs), len(runs)), np.nan)
    for first in range(len(runs)):
        for second in range(first + 1, len(runs)):
            pairwise[first, second] = pairwise[second, first] = matched(runs[first], runs[second])[1].mean()
    similarity = np.nanmean(pairwise, axis=1)
    return int(similarity.argmax()), similarity.tolist()
