"""Compiled null graphs: the same degrees and the same set of weights, otherwise random."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from painconn.connectivity.graph.random_kernels import State, below, draw, seeded, shuffle

# Apart from the streams of the starts of a search for modules.
_STREAM = 1 << 32

Array = NDArray[np.float64]
Nodes = NDArray[np.int64]


@njit(cache=True)
def edge_list(weights: Array) -> tuple[Nodes, Nodes, Array]:
    """Return the two ends and the weight of every edge."""
    n = len(weights)
    count = 0
    for i in range(n):
        for j in range(i):
            count += weights[i, j] > 0
    heads, tails, values = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64), np.empty(count)
    edge = 0
    for i in range(n):
        for j in range(i):
            if weights[i, j] > 0:
                heads[edge], tails[edge], values[edge] = i, j, weights[i, j]
                edge += 1
    return heads, tails, values


@njit(cache=True)
def swap_edges(joined: NDArray[np.bool_], heads: Nodes, tails: Nodes, n_attempts: int, state: State) -> None:
    """Try to swap the ends of two random edges, many times; all arrays are changed in place.

    An attempt that would make a self-loop or a double edge counts and changes nothing: only then are all graphs with
    these degrees equally likely in the end.
    """
    count = len(heads)
    for _ in range(n_attempts):
        first, second = below(state, count), below(state, count)
        a, b, c, d = heads[first], tails[first], heads[second], tails[second]
        if draw(state) >> np.uint64(63):
            c, d = d, c
        if a == d or c == b or joined[a, d] or joined[c, b]:
            continue
        joined[a, b] = joined[b, a] = joined[c, d] = joined[d, c] = False
        joined[a, d] = joined[d, a] = joined[c, b] = joined[b, c] = True
        heads[first], tails[first], heads[second], tails[second] = a, d, c, b


@njit(cache=True)
def rewire(weights: Array, n_nulls: int, attempts_per_edge: int, seed: np.uint64) -> Array:
    """Return null graphs of one graph, (nulls, regions, regions), each continuing from the one before."""
    n = len(weights)
    nulls = np.zeros((n_nulls, n, n))
    state = seeded(seed, _STREAM)
    heads, tails, values = edge_list(weights)
    joined = weights > 0
    for null in range(n_nulls):
        swap_edges(joined, heads, tails, attempts_per_edge * len(heads), state)
        shuffle(state, values)
        for edge in range(len(heads)):
            nulls[null, heads[edge], tails[edge]] = nulls[null, tails[edge], heads[edge]] = values[edge]
    return nulls
