"""GRAPH-5K: five measures of weighted graphs against bctpy, and against the shortest paths of scipy alone.

Run ``python benchmarks/run.py GRAPH``. A few graphs are timed for the slow peer and more for the others; seconds are
scaled to 5,000 graphs. The second result compares all five measures with scipy's all-pairs shortest paths alone, the
faster of its two methods, given its own sparse format for free.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csgraph, csr_array

from measuring import OURS, agreement, alternate, entry, with_version
from painconn.connectivity.graph.null_kernels import rewire
from painconn.connectivity.graph.sweep import graph_measures
from painconn.connectivity.graph.thresholds import strongest_edges

N_GRAPHS, N_REGIONS, DENSITY = 5000, 100, 0.2
N_OURS, N_BCT, N_SCIPY, N_NULLS = 256, 3, 32, 20
SCIPY_METHODS = {"scipy dijkstra": "D", "scipy floyd_warshall": "FW"}
NAMES = ("degree", "strength", "clustering", "global_efficiency", "path_length")
ATTEMPTS_PER_EDGE = 10
LIMIT = 1e-9

Values = dict[str, NDArray[np.float64]]


def connectivity(n_graphs: int) -> NDArray[np.float64]:
    """Draw weights with a little structure of low rank, thresholded to ``DENSITY``."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((n_graphs, N_REGIONS, 4)), rng.standard_normal((n_graphs, 4, N_REGIONS))
    weights = 0.2 * np.abs(rng.standard_normal((n_graphs, N_REGIONS, N_REGIONS))) + 0.05 * np.abs(left @ right)
    weights += np.swapaxes(weights, 1, 2)
    weights /= weights.max(axis=(1, 2), keepdims=True)
    return strongest_edges(weights, DENSITY)


def bct_measures(graphs: NDArray[np.float64]) -> Values:
    """Compute the five measures with bctpy."""
    import bct

    rows = []
    for graph in graphs:
        distances, _ = bct.distance_wei(bct.weight_conversion(graph, "lengths"))
        rows.append(
            (
                bct.degrees_und(graph),
                bct.strengths_und(graph),
                bct.clustering_coef_wu(graph),
                bct.efficiency_wei(graph),
                bct.charpath(distances, include_infinite=False)[0],
            )
        )
    return {name: np.array(column, dtype=float) for name, column in zip(NAMES, zip(*rows, strict=True), strict=True)}


def scipy_path_lengths(lengths: list[csr_array], method: str) -> NDArray[np.float64]:
    """Search all shortest paths with scipy; return the mean distance of each (connected) graph."""
    pairs = N_REGIONS * (N_REGIONS - 1)
    found = [csgraph.shortest_path(graph, method=method, directed=False) for graph in lengths]
    return np.array([distances.sum() / pairs for distances in found])


def rewiring() -> str:
    """Time null graphs of bctpy and ours, and say so."""
    import bct

    graph = np.ascontiguousarray(connectivity(1)[0] > 0).astype(float)
    seed = np.uint64(1)
    rewire(graph, 1, 1, seed)
    measured = alternate(
        {
            "bctpy": lambda: bct.randmio_und(graph.copy(), ATTEMPTS_PER_EDGE, seed=1)[0],
            OURS: lambda: rewire(graph, N_NULLS, ATTEMPTS_PER_EDGE, seed),
        },
        repeats={"bctpy": 3, OURS: 5},
    )
    degrees = agreement(measured.outputs[OURS].sum(axis=-1), np.tile(graph.sum(axis=-1), (N_NULLS, 1)))
    peer_ms, our_ms = 1e3 * measured.cpu_s["bctpy"], 1e3 * measured.cpu_s[OURS] / N_NULLS
    return (
        f"Null graphs ({ATTEMPTS_PER_EDGE} swaps per edge; bctpy counts tries until one succeeds, ours every try): "
        f"{peer_ms:.3g} and {our_ms:.3g} ms each, ratio {peer_ms / our_ms:.0f}, degrees kept to {degrees:g}."
    )


def run() -> list[dict[str, Any]]:
    """Time ours and both peers in turns."""
    graphs = connectivity(N_OURS)
    present = graphs[:N_SCIPY] > 0
    lengths = [csr_array(np.divide(1, g, out=np.zeros_like(g), where=e)) for g, e in zip(graphs, present, strict=False)]
    counts = {"bctpy": N_BCT, OURS: N_OURS} | dict.fromkeys(SCIPY_METHODS, N_SCIPY)
    functions: dict[str, Callable[[], Any]] = {
        "bctpy": lambda: bct_measures(graphs[:N_BCT]),
        OURS: lambda: graph_measures(graphs, NAMES),
    }
    for name, method in SCIPY_METHODS.items():
        functions[name] = lambda method=method: scipy_path_lengths(lengths, method)
    bct_measures(graphs[:1])
    graph_measures(graphs[:1], NAMES)
    measured = alternate(functions, repeats={"bctpy": 1, OURS: 7} | dict.fromkeys(SCIPY_METHODS, 5))
    cpu_s = {name: measured.cpu_s[name] / count * N_GRAPHS for name, count in counts.items()}
    fastest = min(SCIPY_METHODS, key=cpu_s.__getitem__)
    ours, bct_found, scipy_found = (measured.outputs[name] for name in (OURS, "bctpy", fastest))
    described = f"{N_GRAPHS} weighted graphs of {N_REGIONS} nodes at density {DENSITY:.0%}"
    return [
        entry(
            "GRAPH-5K",
            described=f"{described}; degree, strength, clustering, global efficiency, path length",
            peer=with_version("bctpy"),
            cpu_s={"bctpy": cpu_s["bctpy"], OURS: cpu_s[OURS]},
            differences={name: agreement(ours[name][:N_BCT], bct_found[name]) for name in NAMES},
            limit=LIMIT,
            goal_ratio=300.0,
            note=rewiring(),
            extrapolated_from=f"{N_BCT} graphs (bctpy), {N_OURS} ({OURS})",
        ),
        entry(
            "GRAPH-5K-PATHS",
            described=f"{described}; all five measures against all-pairs shortest paths alone",
            peer=f"{with_version('scipy')} csgraph, {fastest.removeprefix('scipy ')}",
            cpu_s={fastest: cpu_s[fastest], OURS: cpu_s[OURS]},
            differences={"path_length": agreement(ours["path_length"][:N_SCIPY], scipy_found)},
            limit=LIMIT,
            goal_ratio=2.0,
            note=", ".join(f"{name} {cpu_s[name] / N_GRAPHS * 1e3:.3g} ms per graph" for name in SCIPY_METHODS) + ".",
            extrapolated_from=f"{N_SCIPY} graphs (scipy), {N_OURS} ({OURS})",
        ),
    ]
