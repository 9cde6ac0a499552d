"""Node strength: the mean of a region's edges, as columns."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.features.names import join


def node_names(measure: str, inverse: str, band: str, regions: Sequence[str]) -> list[str]:
    """Return a column per region, e.g. ``wpli2_debiased__lcmv__alpha__insula-lh``."""
    return [join(measure, inverse, band, region) for region in regions]


def node_strengths(edges: NDArray[np.float64], n_regions: int) -> NDArray[np.float64]:
    """Average every region's edges with all other regions.

    Parameters
    ----------
    edges : array, shape (observations, pairs)
        One value per pair of regions, in the order of the upper triangle.
    n_regions : int
        Two or more.

    Returns
    -------
    strengths : array, shape (observations, regions)
        In the unit of the edges; NaN where an edge of the region is missing.
    """
    ends = np.zeros((edges.shape[1], n_regions))
    for end in np.triu_indices(n_regions, 1):
        ends[np.arange(edges.shape[1]), end] = 1 / (n_regions - 1)
    known = np.isfinite(edges)
    means = np.where(known, edges, 0.0) @ ends
    means[(~known).astype(np.float64) @ ends > 0] = np.nan
    return means
