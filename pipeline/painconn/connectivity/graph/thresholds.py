"""From connectivity matrices to undirected graphs: whole and symmetric, thresholded to an exact number of edges."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUND_OFF = 1e-9

Weights = NDArray[np.float64]


def symmetric_weights(matrices: ArrayLike) -> Weights:
    """Check matrices and return them as graphs with a zero diagonal.

    Parameters
    ----------
    matrices : array, shape (graphs, regions, regions) or (regions, regions)
        Symmetric up to round-off; the diagonal may be anything.

    Returns
    -------
    weights : array, shape (graphs, regions, regions)
        Exactly symmetric; all NaN off the diagonal where any edge of a graph is not finite.

    Raises
    ------
    ValueError
        For another shape, fewer than 2 regions, or matrices of a directed or antisymmetric measure.
    """
    weights = np.array(matrices, dtype=float, order="C", ndmin=3)
    if weights.ndim != 3 or weights.shape[1] != weights.shape[2] or weights.shape[1] < 2:
        raise ValueError(
            "wanted (graphs, regions, regions) or (regions, regions) with at least 2 regions, "
            f"found an array of shape {np.shape(matrices)}"
        )
    diagonal = np.arange(weights.shape[1])
    weights[:, diagonal, diagonal] = 0.0
    weights[~np.isfinite(weights).all(axis=(1, 2))] = np.nan
    weights[:, diagonal, diagonal] = 0.0
    transposed = np.swapaxes(weights, 1, 2)
    if (weights != transposed).any():
        difference = np.abs(weights - transposed).max(axis=(1, 2))
        if (difference > _ROUND_OFF * np.abs(weights).max(axis=(1, 2))).any():
            raise ValueError(
                f"matrices are not symmetric (they differ from their transpose by up to {np.nanmax(difference):.3g}): "
                "a directed or antisymmetric measure is no undirected graph. Symmetrise it first, for example "
                "(A + A.T) / 2 of a directed or abs(A) of an antisymmetric measure"
            )
        weights = np.ascontiguousarray(weights / 2 + transposed / 2)
    return weights


def edges_at(density: float, n_regions: int) -> int:
    """Return how many edges a graph has at a density: ``density * n (n - 1) / 2``, halves rounded up.

    Raises
    ------
    ValueError
        For a density outside (0, 1] or one that leaves no edge.
    """
    n_pairs = n_regions * (n_regions - 1) // 2
    # Rounded first, so that a product that is a half but for round-off goes up as well.
    n_edges = math.floor(round(density * n_pairs, 6) + 0.5) if 0 < density <= 1 else 0
    if n_edges == 0:
        raise ValueError(
            f"wanted a density above 0 and at most 1 that keeps an edge, found {density:g} for {n_regions} regions"
        )
    return n_edges


def strongest_edges(weights: Weights, density: float, *, binarise: bool = False) -> Weights:
    """Keep the strongest positive edges of every graph: exactly as many as the density asks for.

    Among edges of the same weight at the threshold, those of lower region numbers stay (row by row of the upper
    triangle), so that the number of edges is exact and the same input gives the same graph.

    Parameters
    ----------
    weights : array, shape (graphs, regions, regions)
        Symmetric, with a zero diagonal.
    density : float
        Share of all pairs that stay, in (0, 1].
    binarise : bool
        Set the weight of every kept edge to 1.

    Returns
    -------
    graphs : array, shape (graphs, regions, regions)
        0 where an edge is not kept. A graph with fewer positive edges than wanted has no graph of this density: all
        NaN off the diagonal. Negative edges are never kept.
    """
    n_regions = weights.shape[1]
    n_edges = edges_at(density, n_regions)
    rows, columns = np.triu_indices(n_regions, 1)
    values = weights[:, rows, columns]
    with np.errstate(invalid="ignore"):
        cut = -np.partition(-values, n_edges - 1, axis=1)[:, n_edges - 1 : n_edges]
        stronger, equal = values > cut, values == cut
        room = n_edges - stronger.sum(axis=1, keepdims=True)
        kept = stronger | (equal & (equal.cumsum(axis=1) <= room))
        values = np.where(kept, 1.0 if binarise else values, 0.0)
        values[~(cut[:, 0] > 0)] = np.nan
    graphs = np.zeros(weights.shape)
    graphs[:, rows, columns] = graphs[:, columns, rows] = values
    return graphs
