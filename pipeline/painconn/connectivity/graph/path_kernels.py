"""Compiled kernels on paths and triangles, one graph at a time, graphs in parallel.

Conventions of this file: a graph is a whole symmetric array of weights, (regions, regions), finite, at least 0, with a
zero diagonal; 0 is no edge; the length of an edge is the reciprocal of its weight. A graph is worked on by one thread
from beginning to end, so the number of threads changes no bit of a result. Plain loops instead of array expressions in
the parallel functions: each expression would be compiled as a parallel loop of its own, which takes seconds.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

_REORDER = {"reassoc", "contract", "nsz"}
_PIVOTS = 4
# Sums of the same lengths in another order differ by round-off: such paths are equally short.
_SAME_LENGTH = 1e-10

Array = NDArray[np.float64]
Nodes = NDArray[np.int64]


@njit(cache=True, error_model="numpy")
def edge_lengths(weights: Array) -> Array:
    """Return reciprocal weights, infinite where there is no edge and 0 on the diagonal."""
    n = len(weights)
    lengths = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            lengths[i, j] = 1.0 / weights[i, j]
        lengths[i, i] = 0.0
    return lengths


@njit(cache=True, error_model="numpy")
def shorten(distances: Array) -> None:
    """Turn edge lengths into lengths of shortest paths, in place (Floyd 1962, 10.1145/367766.368168).

    Four pivots are finished together, so that an entry is loaded once for four comparisons, and only the lower
    triangle is worked on.
    """
    n = len(distances)
    pivots = np.empty((_PIVOTS, n))
    for first in range(0, n, _PIVOTS):
        count = min(_PIVOTS, n - first)
        pivots[count:] = np.inf
        for p in range(count):
            k = first + p
            for j in range(k):
                pivots[p, j] = distances[k, j]
            for j in range(k, n):
                pivots[p, j] = distances[j, k]
        for p in range(count):
            for q in range(count):
                step = pivots[q, first + p]
                for j in range(n):
                    path = step + pivots[p, j]
                    pivots[q, j] = path if path < pivots[q, j] else pivots[q, j]
        for i in range(n):
            a, b, c, d = pivots[0, i], pivots[1, i], pivots[2, i], pivots[3, i]
            for j in range(i):
                best = distances[i, j]
                path = a + pivots[0, j]
                best = path if path < best else best
                path = b + pivots[1, j]
                best = path if path < best else best
                path = c + pivots[2, j]
                best = path if path < best else best
                path = d + pivots[3, j]
                best = path if path < best else best
                distances[i, j] = best
    for i in range(n):
        for j in range(i):
            distances[j, i] = distances[i, j]


@njit(cache=True, error_model="numpy")
def mean_reciprocal(distances: Array) -> float:
    """Return the mean over pairs of nodes of 1 / distance, 0 for a pair without a path."""
    n = len(distances)
    total = 0.0
    for i in range(n):
        for j in range(i):
            total += 1.0 / distances[i, j]
    return total / (n * (n - 1) / 2)


@njit(cache=True, error_model="numpy")
def summarise_paths(weights: Array, summary: Array) -> None:
    """Fill in the mean of 1 / distance, the mean distance of the connected pairs, the share of pairs not connected."""
    n = len(weights)
    distances = edge_lengths(weights)
    shorten(distances)
    total, connected = 0.0, 0
    for i in range(n):
        for j in range(i):
            if distances[i, j] < np.inf:
                total += distances[i, j]
                connected += 1
    summary[0] = mean_reciprocal(distances)
    summary[1] = total / connected
    summary[2] = 1.0 - connected / (n * (n - 1) / 2)


@njit(cache=True, fastmath=_REORDER)
def sum_triangles(weights: Array, total: Array) -> None:
    """Fill in per node twice the sum over its triangles of the cube root of the product of their weights."""
    n = len(weights)
    roots = np.zeros((n, n))
    for i in range(n):
        total[i] = 0.0
        for j in range(i):
            if weights[i, j] > 0:
                roots[i, j] = roots[j, i] = np.cbrt(weights[i, j])
    for i in range(n):
        for j in range(i):
            if roots[i, j] > 0:
                shared = 0.0
                for k in range(n):
                    shared += roots[i, k] * roots[j, k]
                total[i] += roots[i, j] * shared
                total[j] += roots[i, j] * shared


@njit(cache=True)
def cluster(weights: Array, clustering: Array) -> None:
    """Fill in the clustering of every node; 0 where a node has fewer than two neighbours."""
    sum_triangles(weights, clustering)
    for i in range(len(weights)):
        degree = 0
        for j in range(len(weights)):
            degree += weights[i, j] > 0
        clustering[i] = clustering[i] / (degree * (degree - 1)) if degree > 1 else 0.0


@njit(cache=True)
def neighbour_lists(weights: Array) -> tuple[Nodes, Nodes]:
    """Return the neighbours of every node, (regions, regions), and how many of them are valid, (regions,)."""
    n = len(weights)
    neighbours, counts = np.empty((n, n), dtype=np.int64), np.zeros(n, dtype=np.int64)
    for i in range(n):
        for j in range(n):
            if weights[i, j] > 0:
                neighbours[i, counts[i]] = j
                counts[i] += 1
    return neighbours, counts


@njit(cache=True)
def localise(weights: Array, efficiency: Array) -> None:
    """Fill in the efficiency among the neighbours of every node; 0 below two neighbours."""
    lengths = edge_lengths(weights)
    neighbours, degrees = neighbour_lists(weights)
    for node in range(len(weights)):
        degree = degrees[node]
        efficiency[node] = 0.0
        if degree < 2:
            continue
        among = np.empty((degree, degree))
        for a in range(degree):
            for b in range(degree):
                among[a, b] = lengths[neighbours[node, a], neighbours[node, b]]
        shorten(among)
        efficiency[node] = mean_reciprocal(among)


@njit(cache=True)
def search_paths(
    source: int, lengths: Array, neighbours: Nodes, degrees: Nodes, before: Nodes, n_before: Nodes, paths: Array
) -> Nodes:
    """Find all shortest paths from one node (Dijkstra); return the nodes reached, nearest first.

    Fills in, per node, the nodes before it on shortest paths, how many those are, and the number of shortest paths.
    """
    n = len(lengths)
    distance, settled = np.full(n, np.inf), np.zeros(n, dtype=np.bool_)
    waiting, order = np.arange(n), np.empty(n, dtype=np.int64)
    paths[:], n_before[:] = 0.0, 0
    distance[source], paths[source] = 0.0, 1.0
    for n_settled in range(n):
        last = n - 1 - n_settled
        nearest = 0
        for slot in range(1, last + 1):
            if distance[waiting[slot]] < distance[waiting[nearest]]:
                nearest = slot
        node = waiting[nearest]
        if distance[node] == np.inf:
            return order[:n_settled]
        waiting[nearest] = waiting[last]
        settled[node] = True
        order[n_settled] = node
        for slot in range(degrees[node]):
            other = neighbours[node, slot]
            path = distance[node] + lengths[node, other]
            if settled[other] or path > distance[other] * (1 + _SAME_LENGTH):
                continue
            if path < distance[other] * (1 - _SAME_LENGTH):
                distance[other], paths[other], n_before[other] = path, 0.0, 0
            paths[other] += paths[node]
            before[other, n_before[other]] = node
            n_before[other] += 1
    return order


@njit(cache=True, error_model="numpy")
def count_between(weights: Array, betweenness: Array) -> None:
    """Fill in the normalised betweenness of every node (Brandes 2001)."""
    n = len(weights)
    lengths = edge_lengths(weights)
    neighbours, degrees = neighbour_lists(weights)
    before, n_before, paths = np.empty((n, n), dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n)
    betweenness[:] = 0.0
    for source in range(n):
        order = search_paths(source, lengths, neighbours, degrees, before, n_before, paths)
        dependency = np.zeros(n)
        for slot in range(len(order) - 1, 0, -1):
            node = order[slot]
            share = (1.0 + dependency[node]) / paths[node]
            for entry in range(n_before[node]):
                dependency[before[node, entry]] += paths[before[node, entry]] * share
            betweenness[node] += dependency[node]
    for node in range(n):
        betweenness[node] /= (n - 1) * (n - 2)


@njit(cache=True, parallel=True)
def path_summaries(weights: Array) -> Array:
    """Return efficiency, path length and share of pairs without a path of every graph, (graphs, 3)."""
    summaries = np.empty((len(weights), 3))
    for graph in prange(len(weights)):
        summarise_paths(weights[graph], summaries[graph])
    return summaries


@njit(cache=True, parallel=True)
def clusterings(weights: Array) -> Array:
    """Return the clustering of every node of every graph, (graphs, regions)."""
    values = np.empty(weights.shape[:2])
    for graph in prange(len(weights)):
        cluster(weights[graph], values[graph])
    return values


@njit(cache=True, parallel=True)
def local_efficiencies(weights: Array) -> Array:
    """Return the efficiency among the neighbours of every node of every graph, (graphs, regions)."""
    values = np.empty(weights.shape[:2])
    for graph in prange(len(weights)):
        localise(weights[graph], values[graph])
    return values


@njit(cache=True, parallel=True)
def betweennesses(weights: Array) -> Array:
    """Return the betweenness of every node of every graph, (graphs, regions)."""
    values = np.empty(weights.shape[:2])
    for graph in prange(len(weights)):
        count_between(weights[graph], values[graph])
    return values
