"""Ghost edges: a lagged coupling of two places that shows between other regions because both leak.

Measures that are blind to zero lag do not see mixing itself, but they see a true lagged coupling wherever its two sides
leak to (Palva et al. 2018, 10.1016/j.neuroimage.2018.02.032; Wang et al. 2018, 10.1016/j.neuroimage.2018.01.056).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HALF = 0.5
"""A pair of regions shows an edge when it shows it at least this strongly, relative to the pair that shows it most."""

_N_EDGES = 300
_SEED = 20180


@dataclass(frozen=True)
class Ghosts:
    """Where one true lagged edge shows, on average over places.

    Attributes
    ----------
    pairs_per_edge : float
        Number of pairs of regions that show it, the right one included or not; 1 would be ideal.
    found : float
        Share of true edges that show between the regions they belong to, in [0, 1].
    """

    pairs_per_edge: float
    found: float


def ghost_sizes(resolution: NDArray, first: int, second: int) -> NDArray[np.float64]:
    r"""Return the imaginary coherence of every pair of estimates, up to one factor, from one lagged pair of sources.

    With the resolution matrix :math:`R` and sources s, t whose cross-spectrum is imaginary, that of the estimates a, b
    is :math:`(R_{as} R_{bt} - R_{at} R_{bs}) \Im S_{st}`; it is divided by the background's standard deviations,
    :math:`\sqrt{\sum_u R_{au}^2}`.

    Parameters
    ----------
    resolution : array, shape (regions, sources)
    first, second : int
        The two sources.

    Returns
    -------
    sizes : array, shape (regions, regions)
        Symmetric, 0 on the diagonal.
    """
    scaled = resolution[:, [first, second]] / np.linalg.norm(resolution, axis=1, keepdims=True)
    crossed = np.outer(scaled[:, 0], scaled[:, 1])
    return np.asarray(np.abs(crossed - crossed.T))


def draw_edges(labels: NDArray, n_edges: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw pairs of sources in two different regions, regions and then sources with equal chance.

    Parameters
    ----------
    labels : array of int, shape (sources,)
        Region of each source, -1 outside.
    n_edges : int
    rng : numpy.random.Generator

    Returns
    -------
    edges : array of int, shape (n_edges, 2)
    """
    regions = np.unique(labels[labels >= 0])
    members = {region: np.flatnonzero(labels == region) for region in regions}
    pairs = [rng.choice(regions, 2, replace=False) for _ in range(n_edges)]
    return np.array([[rng.choice(members[region]) for region in pair] for pair in pairs])


def expected_ghosts(resolution: NDArray, labels: NDArray, n_edges: int = _N_EDGES) -> Ghosts:
    """Return how one true lagged edge shows among all pairs of regions, from the resolution matrix alone.

    Parameters
    ----------
    resolution : array, shape (regions, sources)
        At least two regions.
    labels : array of int, shape (sources,)
    n_edges : int
        Number of true edges drawn, always the same ones for the same regions.

    Returns
    -------
    ghosts : Ghosts
    """
    pairs = np.triu_indices(len(resolution), 1)
    shown, found = [], []
    for first, second in draw_edges(labels, n_edges, np.random.default_rng(_SEED)):
        sizes = ghost_sizes(resolution, first, second)
        least = HALF * sizes.max()
        shown.append(np.count_nonzero(sizes[pairs] >= least))
        found.append(sizes[labels[first], labels[second]] >= least)
    return Ghosts(float(np.mean(shown)), float(np.mean(found)))
