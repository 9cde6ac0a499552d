"""Differences that hang together: network-based statistic and threshold-free enhancement on the graph of edges.

Conventions of this file: an edge has a *score*, the signed normal score of its test. The same pair of regions in two
bands are two edges in two *parts* of one graph that share no node, so that bands are corrected for together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from painconn.errors import DesignError, Problem
from painconn.inference.model import LinearModel, fit, normal_score
from painconn.inference.permutation import TIE_TOLERANCE, null_scores
from painconn.inference.rearrangements import Rearrangements
from painconn.inference.results import Comparison

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STATISTICS = ("extent", "intensity")
# A component of a single edge is a test, not a network; it counts in the null distribution all the same.
_SMALLEST = 2


@dataclass(frozen=True)
class Edge:
    """Where a test lies: a part of the graph (a band) and the two regions that it connects."""

    part: str
    a: str
    b: str


@dataclass(frozen=True)
class NetworkSettings:
    """What is looked for.

    Parameters
    ----------
    thresholds : tuple of float
        Normal scores above which edges form components; all of them count as tries.
    extent_exponent, height_exponent : float
        E and H of the threshold-free enhancement.
    signed : bool
        Whether higher and lower values are different findings; False for a measure whose sign follows from the order of
        the regions.
    """

    thresholds: tuple[float, ...]
    extent_exponent: float
    height_exponent: float
    signed: bool = True


@dataclass(frozen=True)
class NetworkTests:
    """Components and enhanced edges of one family.

    Attributes
    ----------
    components : DataFrame
        A row per component of two or more edges, threshold and sign.
    edges : DataFrame
        A row per edge that could be computed: score, enhanced score, family-wise p, components it belongs to.
    n_edges, n_computed : int
        Edges declared, and those with a value for everybody.
    """

    components: pd.DataFrame
    edges: pd.DataFrame
    n_edges: int
    n_computed: int


@dataclass(frozen=True)
class _Graph:
    """Edges as numbers of nodes."""

    nodes: list[tuple[str, str]]
    heads: Integers
    tails: Integers

    @classmethod
    def of(cls, edges: Sequence[Edge]) -> "_Graph":
        pairs = [((edge.part, edge.a), (edge.part, edge.b)) for edge in edges]
        nodes = sorted({node for pair in pairs for node in pair})
        number = {node: position for position, node in enumerate(nodes)}
        heads, tails = (np.array([number[pair[end]] for pair in pairs], dtype=np.int64) for end in (0, 1))
        return cls(nodes, heads, tails)


def network_tests(
    comparison: Comparison, family: str, edges: Mapping[str, Edge], settings: NetworkSettings
) -> NetworkTests:
    """Test connected components of edges, and edges enhanced by their component, in a family that was compared.

    Both use the rearrangements of the comparison itself. With two sets of them (permutations and sign flips) the larger
    p counts, as there. Family-wise p of a component is given twice: for its threshold and statistic alone
    (``p_extent``, ``p_intensity``), and for all thresholds and both statistics (``p_fwe``, by the smallest p of
    each rearrangement).

    Parameters
    ----------
    comparison : Comparison
        Holds the values, the model and the rearrangements of the family.
    family : str
        Name of the family whose tests are edges.
    edges : mapping of str to Edge
        Where each test of the family lies.
    settings : NetworkSettings

    Returns
    -------
    tests : NetworkTests
        A finding is about a component as a whole: its single edges are not shown to differ (weak control).

    Raises
    ------
    DesignError
        When thresholds are not positive and rising.

    References
    ----------
    Network-based statistic: 10.1016/j.neuroimage.2010.06.041. Threshold-free: 10.1002/hbm.24007; E = 0.4, H = 3 from
    Vinokur et al., Proc ISMRM 2015, 2846. Enhancement: 10.1016/j.neuroimage.2008.03.061.
    """
    _require_rising(settings.thresholds)
    rows = comparison.table[comparison.table["family"] == family]
    computed = rows.loc[rows["reason"] == "", "test"].tolist()
    design = comparison.designs[family]
    if not computed:
        return NetworkTests(pd.DataFrame(), pd.DataFrame(), len(rows), 0)
    graph = _Graph.of([edges[test] for test in computed])
    values = comparison.values[computed].to_numpy(dtype=np.float64)
    observed = fit(design.model, values)
    scores = np.copysign(normal_score(observed.t, observed.df), observed.t)
    found = list(_components(graph, scores, settings))
    own = _own_largest(graph, scores, settings)
    enhanced = _enhanced(graph, scores, settings)
    p_single, p_fwe, p_edge = [], [], []
    for arrangements in design.rearrangements:
        largest, largest_enhanced = _null(design.model, values, arrangements, graph, settings)
        if not arrangements.exact:
            largest = np.concatenate([largest, own[None]])
            largest_enhanced = np.append(largest_enhanced, enhanced.max())
        single, swept = _p_of_components(found, largest)
        p_single.append(single)
        p_fwe.append(swept)
        p_edge.append(_share_reaching(largest_enhanced, enhanced))
    names = [edges[test] for test in computed]
    table = _component_table(found, graph, np.max(p_single, axis=0), np.max(p_fwe, axis=0))
    edge_table = _edge_table(computed, names, scores, enhanced, np.max(p_edge, axis=0), found)
    return NetworkTests(table, edge_table, len(rows), len(computed))


def _require_rising(thresholds: tuple[float, ...]) -> None:
    if not thresholds or thresholds[0] <= 0 or any(np.diff(thresholds) <= 0):
        raise DesignError(
            Problem(
                "networks, thresholds",
                str(list(thresholds)),
                "positive numbers that rise",
                "name normal scores, e.g. 2.5, 3, 3.5",
            )
        )


@dataclass(frozen=True)
class _Component:
    level: int
    threshold: float
    sign: str
    edges: Integers
    extent: float
    intensity: float


def _directions(settings: NetworkSettings, scores: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield the scores whose high values count, per sign."""
    if not settings.signed:
        yield "either", np.abs(scores)
        return
    yield "higher", scores
    yield "lower", -scores


def _components(graph: _Graph, scores: Floats, settings: NetworkSettings) -> Iterator[_Component]:
    """Yield the observed components, the largest of a threshold and sign first."""
    for level, threshold in enumerate(settings.thresholds):
        for sign, turned in _directions(settings, scores):
            above = np.flatnonzero(turned > threshold)
            shape = (len(graph.nodes), len(graph.nodes))
            matrix = sparse.coo_matrix((np.ones(above.size), (graph.heads[above], graph.tails[above])), shape=shape)
            labels = csgraph.connected_components(matrix, directed=False)[1][graph.heads[above]]
            members = [above[labels == label] for label in np.unique(labels)]
            for edges in sorted(members, key=lambda own: (-own.size, own[0])):
                if edges.size >= _SMALLEST:
                    intensity = float((turned[edges] - threshold).sum())
                    yield _Component(level, threshold, sign, edges, float(edges.size), intensity)


def _own_largest(graph: _Graph, scores: Floats, settings: NetworkSettings) -> Floats:
    return _largest(graph, scores[None], settings)[0]


def _largest(graph: _Graph, scores: Floats, settings: NetworkSettings) -> Floats:
    """Return the largest extent and intensity, shape (rearrangements, thresholds x statistics)."""
    from painconn.inference.network_kernels import largest_components

    thresholds = np.array(settings.thresholds)
    out = np.zeros((len(scores), thresholds.size, len(STATISTICS)))
    for _, turned in _directions(settings, scores):
        largest_components(turned, graph.heads, graph.tails, len(graph.nodes), thresholds, out)
    return out.reshape(len(scores), -1)


def _enhanced(graph: _Graph, scores: Floats, settings: NetworkSettings) -> Floats:
    """Return the enhanced score of every edge, 0 or larger."""
    from painconn.inference.network_kernels import enhance

    out = np.zeros((2, scores.size))
    for own, (_, turned) in zip(out, _directions(settings, scores), strict=False):
        enhance(turned, graph.heads, graph.tails, len(graph.nodes), *_exponents(settings), own)
    return np.asarray(out.max(axis=0))


def _exponents(settings: NetworkSettings) -> tuple[float, float]:
    return float(settings.extent_exponent), float(settings.height_exponent)


def _null(
    model: LinearModel, values: Floats, arrangements: Rearrangements, graph: _Graph, settings: NetworkSettings
) -> tuple[Floats, Floats]:
    """Return per rearrangement the largest extents and intensities, and the largest enhanced score."""
    from painconn.inference.network_kernels import largest_enhanced

    largest, enhanced = [], []
    for scores in null_scores(model, values, arrangements):
        largest.append(_largest(graph, scores, settings))
        best = np.zeros(len(scores))
        for _, turned in _directions(settings, scores):
            largest_enhanced(turned, graph.heads, graph.tails, len(graph.nodes), *_exponents(settings), best)
        enhanced.append(best)
    return np.concatenate(largest), np.concatenate(enhanced)


def _share_reaching(null: Floats, values: Floats) -> Floats:
    """Return which share of the null reaches each value."""
    ordered = np.sort(null)
    return 1 - np.searchsorted(ordered, np.asarray(values) * (1 - TIE_TOLERANCE)) / null.size


def _p_of_components(found: Sequence[_Component], largest: Floats) -> tuple[Floats, Floats]:
    """Return p per component and statistic, for its own threshold, and over the whole sweep."""
    smallest = np.min([_share_reaching(column, column) for column in largest.T], axis=0)
    sizes = np.array([(one.extent, one.intensity) for one in found]).reshape(-1, len(STATISTICS))
    single = np.empty_like(sizes)
    for row, (one, own) in enumerate(zip(found, sizes, strict=True)):
        for column, size in enumerate(own):
            null = largest[:, one.level * len(STATISTICS) + column]
            single[row, column] = _share_reaching(null, size)
    ordered = np.sort(smallest)
    swept = np.searchsorted(ordered, single.min(axis=1) * (1 + TIE_TOLERANCE), side="right") / smallest.size
    return single, swept


def _component_table(found: Sequence[_Component], graph: _Graph, single: Floats, swept: Floats) -> pd.DataFrame:
    rows = []
    for number, one in enumerate(found):
        nodes = sorted({graph.nodes[end] for edge in one.edges for end in (graph.heads[edge], graph.tails[edge])})
        rows.append(
            {
                "network": number + 1,
                "threshold": one.threshold,
                "sign": one.sign,
                "part": nodes[0][0],
                "extent": int(one.extent),
                "n_regions": len(nodes),
                "intensity": one.intensity,
                "p_extent": single[number, 0],
                "p_intensity": single[number, 1],
                "p_fwe": swept[number],
                "regions": " ".join(region for _, region in nodes),
            }
        )
    return pd.DataFrame(rows)


def _edge_table(
    tests: Sequence[str],
    names: Sequence[Edge],
    scores: Floats,
    enhanced: Floats,
    p_fwe: Floats,
    found: Sequence[_Component],
) -> pd.DataFrame:
    member: list[list[str]] = [[] for _ in tests]
    for number, one in enumerate(found):
        for edge in one.edges:
            member[edge].append(str(number + 1))
    return pd.DataFrame(
        {
            "test": list(tests),
            "part": [name.part for name in names],
            "a": [name.a for name in names],
            "b": [name.b for name in names],
            "score": scores,
            "enhanced": enhanced,
            "p_fwe": p_fwe,
            "networks": [" ".join(own) for own in member],
        }
    )
