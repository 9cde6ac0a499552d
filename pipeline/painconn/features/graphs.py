"""Graph measures of matrices as columns, their names, and why one is missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.config.features import FeaturesConfig
from painconn.connectivity.estimate import Key, Matrix
from painconn.connectivity.graph.networks import Randomness
from painconn.connectivity.graph.registry import GRAPH_MEASURES
from painconn.connectivity.graph.sweep import Sweep, sweep
from painconn.connectivity.graph.thresholds import edges_at
from painconn.features.names import GRAPH, join

# The same for every graph: a value then follows from its matrix alone, whoever else is in the study.
_SEED = 0


@dataclass(frozen=True)
class GraphColumns:
    """Graph measures of the matrices of one inverse.

    Parameters
    ----------
    columns : dict of str to float
        By name; NaN where there is no value.
    not_computable : list of tuple of str
        What, band and reason of every missing value.
    """

    columns: dict[str, float]
    not_computable: list[tuple[str, str, str]]


def graph_names(graph_measure: str, measure: str, inverse: str, band: str, regions: Sequence[str]) -> list[str]:
    """Return a column per region for a measure of nodes, and one column for a measure of whole graphs."""
    whole = join(GRAPH, graph_measure, measure, inverse, band)
    return [whole] if GRAPH_MEASURES[graph_measure].level == "graph" else [join(whole, region) for region in regions]


def why_no_graph(matrix: NDArray[np.floating], densities: Sequence[float]) -> str | None:
    """Say why a symmetric matrix (regions, regions) has no graph at some of the densities; None when it has all."""
    n_regions = len(matrix)
    edges = matrix[np.triu_indices(n_regions, 1)]
    n_known, n_positive = int(np.isfinite(edges).sum()), int((edges > 0).sum())
    if n_known < len(edges):
        return f"{n_known} of {len(edges)} edges are known, wanted all"
    wanted = edges_at(densities[-1], n_regions)
    if n_positive < wanted:
        return f"{n_positive} positive edges, wanted at least {wanted} for density {densities[-1]:g}"
    return None


def graph_columns(
    matrices: Mapping[Key, Matrix | str], inverse: str, regions: Sequence[str], settings: FeaturesConfig
) -> GraphColumns:
    """Compute the graph measures of a study for matrices of one inverse, all in one batch.

    Parameters
    ----------
    matrices : mapping of (measure, band) to array, shape (regions, regions), or str
        Symmetric matrices; a text says why there is none.
    inverse : str
        Name for the columns.
    regions : sequence of str
        Region of each row.
    settings : FeaturesConfig
        Graph measures, densities, weights or not, number of null graphs.

    Returns
    -------
    found : GraphColumns
        Areas under the curve over densities, divided by their range. Random numbers have one fixed seed for all
        graphs, so a value depends on its own matrix alone.
    """
    missing = np.full((len(regions), len(regions)), np.nan)
    batch = np.stack([missing if isinstance(matrix, str) else matrix for matrix in matrices.values()])
    found = sweep(
        batch,
        settings.graph_measures,
        settings.graph_densities,
        binarise=settings.graph_binarise,
        randomness=Randomness(seed=_SEED, n_nulls=settings.graph_nulls),
    )
    columns: dict[str, float] = {}
    not_computable: list[tuple[str, str, str]] = []
    for graph, ((measure, band), matrix) in enumerate(matrices.items()):
        for name in settings.graph_measures:
            values = np.atleast_1d(found.areas[name][graph]).tolist()
            columns |= dict(zip(graph_names(name, measure, inverse, band, regions), values, strict=True))
        of = f"{measure} ({inverse})"
        reason = matrix if isinstance(matrix, str) else why_no_graph(matrix, settings.graph_densities)
        if reason:
            not_computable.append((f"graph measures of {of}", band, reason))
        else:
            not_computable += [(f"graph {name} of {of}", band, why) for name, why in _undefined(found, graph)]
    return GraphColumns(columns, not_computable)


def _undefined(found: Sweep, graph: int) -> Iterator[tuple[str, str]]:
    """Yield the measures that a graph has no value of, with the densities where it is so."""
    for name, values in found.values.items():
        curve = values[:, graph]
        at = [f"{density:g}" for density, value in zip(found.densities, curve, strict=True) if np.isnan(value).any()]
        if at:
            yield name, f"not defined for this graph at density {', '.join(at)}, wanted a value at each"
