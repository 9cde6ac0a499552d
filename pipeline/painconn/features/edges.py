"""Matrices as columns: edges and blocks of edges, and their names."""

from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement, permutations, product

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.registry import MEASURES
from painconn.features.names import SEPARATOR, join

_PARTS_AFTER_MEASURE = 4
_SMALLEST_MATRIX = 3
_SYMMETRIC = ("symmetric", "multivariate")


def edge_names(measure: str, inverse: str, band: str, regions: Sequence[str]) -> list[str]:
    """Return a column per pair of regions, the row (which leads) first, in the order of the upper triangle.

    A measure with two directions has a column for each: every row, without its diagonal.
    """
    pairs = permutations(regions, 2) if MEASURES[measure].both_directions else combinations(regions, 2)
    return [join(measure, inverse, band, a, b) for a, b in pairs]


def block_pairs(
    groups: Mapping[str, Sequence[str]], *, both_directions: bool = False, signed_by_order: bool = False
) -> list[tuple[str, str]]:
    """Return every pair of groups (in both orders when asked) and every group with itself (of at least two regions).

    A value whose sign says which of two regions leads has no mean within a group: it would follow their order.
    """
    pairs = product(groups, repeat=2) if both_directions else combinations_with_replacement(groups, 2)
    return [(a, b) for a, b in pairs if a != b or (len(groups[a]) > 1 and not signed_by_order)]


def block_names(measure: str, inverse: str, band: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a column per block (mean of the edges within or between two groups of regions)."""
    definition = MEASURES[measure]
    pairs = block_pairs(groups, both_directions=definition.both_directions, signed_by_order=definition.signed_by_order)
    return [join(measure, inverse, band, a, b) for a, b in pairs]


def edges(matrix: NDArray[np.floating], *, both_directions: bool = False) -> NDArray[np.float64]:
    """Return the edges of a (regions, regions) matrix in the order of :func:`edge_names`.

    Parameters
    ----------
    matrix : array, shape (regions, regions)
        A whole connectivity matrix.
    both_directions : bool
        Whether the triangles say different things: everything but the diagonal instead of the upper triangle.

    Returns
    -------
    edges : array, shape (pairs,)
    """
    chosen = ~np.eye(len(matrix), dtype=bool) if both_directions else np.triu(np.ones_like(matrix, dtype=bool), 1)
    return np.asarray(matrix[chosen], dtype=float)


def blocks(
    matrix: NDArray[np.floating],
    regions: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    *,
    both_directions: bool = False,
    signed_by_order: bool = False,
) -> NDArray[np.float64]:
    """Average the edges within and between groups of regions.

    Parameters
    ----------
    matrix : array, shape (regions, regions)
        A whole connectivity matrix; the first group of a pair is its rows, which lead.
    regions : sequence of str
        Region of each row.
    groups : mapping of str to sequence of str
        Regions of each group.
    both_directions : bool
        Whether the triangles say different things: pairs of groups in both orders, and both directions within a group.
    signed_by_order : bool
        Whether the sign (of dPLI: the side of 0.5) says which region of a pair leads: then no blocks within a group.

    Returns
    -------
    means : array, shape (blocks,)
        In the order of :func:`block_pairs`; NaN when an edge of the block is missing.
    """
    index = {region: position for position, region in enumerate(regions)}
    means = []
    for a, b in block_pairs(groups, both_directions=both_directions, signed_by_order=signed_by_order):
        rows, columns = [index[region] for region in groups[a]], [index[region] for region in groups[b]]
        part = matrix[np.ix_(rows, columns)]
        means.append(edges(part, both_directions=both_directions).mean() if a == b else part.mean())
    return np.array(means, dtype=float)


def symmetric_matrices(columns: Sequence[str]) -> list[NDArray[np.intp]]:
    """Return which columns together are a whole matrix: every pair of regions of a symmetric measure in a band.

    Parameters
    ----------
    columns : sequence of str
        Names of columns, of edges and of anything else.

    Returns
    -------
    matrices : list of (regions, regions) arrays of int
        Place among the columns of each pair, -1 on the diagonal; one per measure, inverse and band of which no pair is
        missing. Blocks are none (their diagonal is a mean), nor are fewer than 3 regions.
    """
    places: dict[tuple[str, ...], dict[frozenset[str], int]] = {}
    for place, column in enumerate(columns):
        measure, *rest = column.split(SEPARATOR)
        if len(rest) == _PARTS_AFTER_MEASURE and measure in MEASURES and MEASURES[measure].kind in _SYMMETRIC:
            inverse, band, a, b = rest
            places.setdefault((measure, inverse, band), {})[frozenset((a, b))] = place
    return [found for pairs in places.values() if (found := _whole_matrix(pairs)) is not None]


def _whole_matrix(pairs: Mapping[frozenset[str], int]) -> NDArray[np.intp] | None:
    regions = sorted(set().union(*pairs))
    wanted = [frozenset(pair) for pair in combinations(regions, 2)]
    if len(regions) < _SMALLEST_MATRIX or set(wanted) != set(pairs):
        return None
    matrix = np.full((len(regions), len(regions)), -1, dtype=np.intp)
    upper = np.triu_indices(len(regions), 1)
    matrix[upper] = [pairs[pair] for pair in wanted]
    return np.maximum(matrix, matrix.T)
