"""Compiled search for the partition of greatest modularity, one graph at a time, graphs in parallel.

The method of Louvain (Blondel et al. 2008, 10.1088/1742-5468/2008/10/P10008) with one addition: when no merger of
modules helps any more, single nodes are moved again from the partition found, until neither helps. The best of several
starts, each with its own order of nodes, is kept.
"""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from painconn.connectivity.graph.random_kernels import seeded, shuffle

# A gain below this share of all weight is round-off; taking it could go round in circles.
_SMALLEST_GAIN = 1e-12

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@njit(cache=True)
def renumber(labels: Labels) -> int:
    """Renumber modules in the order in which they first appear, in place; return how many there are."""
    new = np.full(len(labels), -1)
    count = 0
    for node in range(len(labels)):
        if new[labels[node]] < 0:
            new[labels[node]] = count
            count += 1
        labels[node] = new[labels[node]]
    return count


@njit(cache=True)
def sum_rows(weights: Array) -> Array:
    """Return the strength of every node."""
    strengths = np.zeros(len(weights))
    for i in range(len(weights)):
        for j in range(len(weights)):
            strengths[i] += weights[i, j]
    return strengths


@njit(cache=True)
def move_nodes(weights: Array, labels: Labels, order: Labels) -> bool:
    """Move nodes to the module of greatest gain, or to one of their own, until none gains; labels change in place.

    The diagonal of ``weights`` holds the weight inside a node that stands for several. Returns whether any moved.
    """
    n = len(weights)
    strengths = sum_rows(weights)
    total = strengths.sum()
    moved, moving = False, True
    while moving:
        moving = False
        empty = renumber(labels)
        inside, to_module = np.zeros(empty + 1), np.empty(empty + 1)
        for node in range(n):
            inside[labels[node]] += strengths[node]
        for node in order:
            own = labels[node]
            inside[own] -= strengths[node]
            to_module[:] = 0.0
            for other in range(n):
                to_module[labels[other]] += weights[node, other]
            to_module[own] -= weights[node, node]
            best = own
            gain = to_module[own] - strengths[node] * inside[own] / total
            for module in range(empty + 1):
                candidate = to_module[module] - strengths[node] * inside[module] / total
                if candidate > gain + _SMALLEST_GAIN * total:
                    best, gain = module, candidate
            inside[best] += strengths[node]
            if best != own:
                labels[node] = best
                moving = moved = True
    return moved


@njit(cache=True)
def merge(weights: Array, labels: Labels, count: int) -> Array:
    """Return the graph whose nodes are modules, the weight inside them on its diagonal."""
    merged = np.zeros((count, count))
    for i in range(len(weights)):
        for j in range(len(weights)):
            merged[labels[i], labels[j]] += weights[i, j]
    return merged


@njit(cache=True)
def modularity_of(weights: Array, labels: Labels, count: int) -> float:
    """Return the modularity of a partition into so many modules, for a graph with edges."""
    modules = merge(weights, labels, count)
    strengths = sum_rows(modules)
    total = strengths.sum()
    value = 0.0
    for module in range(count):
        value += modules[module, module] / total - (strengths[module] / total) ** 2
    return value


@njit(cache=True)
def climb(weights: Array, labels: Labels) -> int:
    """Merge modules while that gains, in place; return how many are left, negative when none were merged."""
    merged_any = False
    while True:
        count = renumber(labels)
        modules = np.arange(count)
        if not move_nodes(merge(weights, labels, count), modules, np.arange(count)):
            return count if merged_any else -count
        merged_any = True
        for node in range(len(labels)):
            labels[node] = modules[labels[node]]


@njit(cache=True)
def find_partition(weights: Array, seed: np.uint64, start: int, labels: Labels) -> float:
    """Fill in the module of every node as found from one start; return the modularity."""
    state = seeded(seed, start)
    order = np.arange(len(weights))
    labels[:] = order
    while True:
        shuffle(state, order)
        moved = move_nodes(weights, labels, order)
        count = climb(weights, labels)
        if not moved and count < 0:
            return modularity_of(weights, labels, -count)


@njit(cache=True)
def keep_best(weights: Array, seed: np.uint64, n_starts: int, best: Labels) -> float:
    """Fill in the best partition of several starts; return its modularity, NaN for a graph without edges."""
    value = np.nan
    labels = np.empty_like(best)
    best[:] = 0
    if weights.max() > 0:
        for start in range(n_starts):
            found = find_partition(weights, seed, start, labels)
            if start == 0 or found > value:
                value = found
                best[:] = labels
    return value


@njit(cache=True, parallel=True)
def best_partitions(weights: Array, seeds: NDArray[np.uint64], n_starts: int) -> tuple[Array, Labels]:
    """Return the greatest modularity per graph, (graphs,), and its partition, (graphs, regions)."""
    values, partitions = np.empty(len(weights)), np.empty(weights.shape[:2], dtype=np.int64)
    for graph in prange(len(weights)):
        values[graph] = keep_best(weights[graph], seeds[graph], n_starts, partitions[graph])
    return values, partitions
