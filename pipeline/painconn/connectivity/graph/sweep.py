"""Measures of a batch of matrices, at one density or over a sweep of densities."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painconn.connectivity.graph.networks import Networks, Randomness
from painconn.connectivity.graph.registry import DENSITIES, GRAPH_MEASURES
from painconn.connectivity.graph.thresholds import strongest_edges, symmetric_weights

# A few megabytes at a time stay in the cache of the processor, and copies of a large batch never pile up.
_BLOCK_BYTES = 8 << 20

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sweep:
    """Measures over densities.

    Parameters
    ----------
    densities : tuple of float
        Increasing.
    values : dict of str to array, shape (densities, graphs) or (densities, graphs, regions)
        By measure.
    areas : dict of str to array, shape (graphs,) or (graphs, regions)
        Area under the curve over densities (trapezoids) divided by the range of the densities: a mean value, in the
        unit of the measure. NaN where any density is NaN.
    """

    densities: tuple[float, ...]
    values: dict[str, Values]
    areas: dict[str, Values]


def graph_measures(
    matrices: ArrayLike,
    names: Sequence[str],
    *,
    density: float | None = None,
    binarise: bool = False,
    randomness: Randomness | None = None,
) -> dict[str, Values]:
    """Compute measures of every graph of a batch.

    Parameters
    ----------
    matrices : array, shape (graphs, regions, regions) or (regions, regions)
        Symmetric connectivity; the diagonal is ignored and may be NaN.
    names : sequence of str
        Names in ``GRAPH_MEASURES``.
    density : float, optional
        Keep the strongest positive edges, exactly this share of all pairs. Without it every non-zero edge counts.
    binarise : bool
        Set the weights of the edges to 1.
    randomness : Randomness, optional
        Seeds, starts and null graphs of the measures that need them.

    Returns
    -------
    values : dict of str to array, shape (graphs,) or (graphs, regions)
        By measure. All NaN for a graph with an edge that is not finite, or with fewer positive edges than the density
        wants.

    Raises
    ------
    ValueError
        For an unknown measure, a shape that is not one of graphs, directed or antisymmetric matrices, negative weights
        without a density, or a density out of range.
    """
    functions = {name: _load(name) for name in names}
    randomness = randomness or Randomness()
    batch = np.array(matrices, ndmin=3, copy=None)
    seeds = randomness.seeds(len(batch))
    results: dict[str, Values] = {}
    for block in _blocks(batch):
        weights = _prepare(batch[block], density=density, binarise=binarise)
        valid = np.isfinite(weights[:, 0]).all(axis=-1)
        networks = Networks(weights if valid.all() else weights[valid], seeds[block][valid], randomness)
        for name, function in functions.items():
            found = function(networks)
            if name not in results:
                results[name] = np.full((len(batch), *found.shape[1:]), np.nan)
            results[name][block][valid] = found
    return results


def sweep(
    matrices: ArrayLike,
    names: Sequence[str],
    densities: Sequence[float] = DENSITIES,
    *,
    binarise: bool = False,
    randomness: Randomness | None = None,
) -> Sweep:
    """Compute measures at every density and the area under their curves.

    Parameters
    ----------
    matrices, names, binarise, randomness
        As in :func:`graph_measures`; a graph has the same seed at every density.
    densities : sequence of float
        At least two, increasing.

    Returns
    -------
    sweep : Sweep

    Raises
    ------
    ValueError
        As :func:`graph_measures`, and for densities that do not increase.
    """
    steps = np.diff(np.asarray(densities, dtype=float))
    if not (len(steps) and (steps > 0).all()):
        raise ValueError(f"wanted at least two densities, increasing, found {list(densities)}")
    by_density = [
        graph_measures(matrices, names, density=density, binarise=binarise, randomness=randomness)
        for density in densities
    ]
    values = {name: np.stack([found[name] for found in by_density]) for name in names}
    span = densities[-1] - densities[0]
    areas = {name: np.asarray(np.trapezoid(curve, densities, axis=0)) / span for name, curve in values.items()}
    return Sweep(tuple(densities), values, areas)


def _load(name: str) -> Callable[[Networks], Values]:
    """Return the function of a measure."""
    if name not in GRAPH_MEASURES:
        raise ValueError(f"unknown graph measure {name!r}; known are {', '.join(GRAPH_MEASURES)}")
    module, function = GRAPH_MEASURES[name].function.split(":")
    return getattr(import_module(module), function)


def _blocks(batch: NDArray[np.generic]) -> Iterator[slice]:
    """Cut a batch into slices of a few megabytes; one slice when there is no graph at all."""
    step = max(1, _BLOCK_BYTES // max(1, 8 * int(np.prod(batch.shape[1:]))))
    for start in range(0, max(1, len(batch)), step):
        yield slice(start, start + step)


def _prepare(matrices: NDArray[np.generic], *, density: float | None, binarise: bool) -> Values:
    """Return checked graphs, all NaN off the diagonal where there is no graph."""
    weights = symmetric_weights(matrices)
    if density is not None:
        return strongest_edges(weights, density, binarise=binarise)
    if (weights < 0).any():
        raise ValueError(
            "negative weights have no length, and a cube root that cancels the others: state a density (the strongest "
            "positive edges are kept) or set them to 0 first"
        )
    return np.where(weights > 0, 1.0, weights) if binarise else weights
