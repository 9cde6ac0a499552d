"""Matrices as columns: edges and blocks of edges."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.features.names import block_pairs


def edges(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the upper triangle of a (regions, regions) matrix, shape (regions (regions - 1) / 2,)."""
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)], dtype=float)


def blocks(
    matrix: NDArray[np.floating], regions: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> NDArray[np.float64]:
    """Average the edges within and between groups of regions.

    Parameters
    ----------
    matrix : array, shape (regions, regions)
        A whole connectivity matrix; an antisymmetric one is averaged with the first group as rows.
    regions : sequence of str
        Region of each row.
    groups : mapping of str to sequence of str
        Regions of each group.

    Returns
    -------
    means : array, shape (blocks,)
        In the order of :func:`painconn.features.names.block_pairs`; NaN when an edge of the block is missing.
    """
    index = {region: position for position, region in enumerate(regions)}
    means = []
    for a, b in block_pairs(groups):
        rows, columns = [index[region] for region in groups[a]], [index[region] for region in groups[b]]
        part = matrix[np.ix_(rows, columns)]
        means.append(part[np.triu_indices(len(rows), 1)].mean() if a == b else part.mean())
    return np.array(means, dtype=float)
