"""Compiled union-find over batches of edge scores; imported on use, as numba is slow to load."""

import numpy as np
from numba import njit


@njit(cache=True)
def _root(parent, node):  # type: ignore[no-untyped-def]
    while parent[node] != node:
        node = parent[node]
    return node


@njit(cache=True)
def largest_components(scores, heads, tails, n_nodes, thresholds, out):  # type: ignore[no-untyped-def]
    """Raise ``out`` (rearrangements, thresholds, 2) to the largest extent and intensity among components.

    ``scores`` (rearrangements, edges) are of one sign; a component is made of edges above the threshold, its extent is
    their number and its intensity what their scores exceed the threshold by, summed. Thresholds rise.
    """
    above = np.empty(heads.size, np.int64)
    parent, size = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    extent, intensity = np.empty(n_nodes), np.empty(n_nodes)
    for row in range(scores.shape[0]):
        n_above = 0
        for edge in range(heads.size):
            if scores[row, edge] > thresholds[0]:
                above[n_above] = edge
                n_above += 1
        for level in range(thresholds.size):
            if n_above == 0:
                break
            for node in range(n_nodes):
                parent[node], size[node], extent[node], intensity[node] = node, 1, 0.0, 0.0
            for position in range(n_above):
                edge = above[position]
                if scores[row, edge] > thresholds[level]:
                    a, b = _root(parent, heads[edge]), _root(parent, tails[edge])
                    if a != b:
                        if size[a] < size[b]:
                            a, b = b, a
                        parent[b] = a
                        size[a] += size[b]
                        extent[a] += extent[b]
                        intensity[a] += intensity[b]
                    extent[a] += 1.0
                    intensity[a] += scores[row, edge] - thresholds[level]
            for node in range(n_nodes):
                if parent[node] == node:
                    out[row, level, 0] = max(out[row, level, 0], extent[node])
                    out[row, level, 1] = max(out[row, level, 1], intensity[node])


@njit(cache=True)
def enhance(scores, heads, tails, n_nodes, extent_exponent, height_exponent, out):  # type: ignore[no-untyped-def]
    """Write the enhanced scores (edges): the integral of extent ** E * height ** H from 0 to the score, without steps.

    Edges join from the highest down; between two heights no component changes, so that the integral is a sum. Each root
    holds the integral of its component; the offset of what was joined to it says how that of its nodes differs.
    """
    power = height_exponent + 1.0
    out[:] = 0.0
    positive = np.flatnonzero(scores > 0.0)
    order = positive[np.argsort(-scores[positive])]
    parent, size = np.arange(n_nodes), np.ones(n_nodes, np.int64)
    offset, total, reached, factor = np.zeros(n_nodes), np.zeros(n_nodes), np.zeros(n_nodes), np.zeros(n_nodes)
    extent = np.zeros(n_nodes, np.int64)
    grown = np.arange(order.size + 1).astype(np.float64) ** extent_exponent
    for edge in order:
        height = scores[edge] ** power
        a, b = _root(parent, heads[edge]), _root(parent, tails[edge])
        total[a] += factor[a] * (reached[a] - height)
        reached[a] = height
        if a != b:
            total[b] += factor[b] * (reached[b] - height)
            if size[a] < size[b]:
                a, b = b, a
            parent[b] = a
            size[a] += size[b]
            extent[a] += extent[b]
            offset[b] = total[b] - total[a]
            reached[a] = height
        extent[a] += 1
        factor[a] = grown[extent[a]]
        out[edge] = -_along(parent, offset, total, heads[edge])
    for node in range(n_nodes):
        if parent[node] == node:
            total[node] += factor[node] * reached[node]
    for edge in order:
        out[edge] = (out[edge] + _along(parent, offset, total, heads[edge])) / power


@njit(cache=True)
def _along(parent, offset, total, node):  # type: ignore[no-untyped-def]
    """Return the integral of a node: that of its root and the offsets on the way there."""
    found = 0.0
    while parent[node] != node:
        found += offset[node]
        node = parent[node]
    return found + total[node]


@njit(cache=True)
def largest_enhanced(scores, heads, tails, n_nodes, extent_exponent, height_exponent, out):  # type: ignore[no-untyped-def]
    """Raise ``out`` (rearrangements) to the largest enhanced score of each row of scores."""
    enhanced = np.empty(heads.size)
    for row in range(scores.shape[0]):
        enhance(scores[row], heads, tails, n_nodes, extent_exponent, height_exponent, enhanced)
        out[row] = max(out[row], enhanced.max())
