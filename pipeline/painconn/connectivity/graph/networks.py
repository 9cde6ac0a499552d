"""A batch of graphs with what several measures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Randomness:
    """Seeds and counts of the measures that draw random numbers.

    Parameters
    ----------
    seed : int or sequence of int
        One for all graphs or one per graph, 0 to ``2**64 - 1``.
    n_starts : int
        Starts of the search for modules; the best partition is kept.
    n_nulls : int, optional
        Null graphs per graph; must be stated for the measures that compare with them.
    attempts_per_edge : int
        Attempted swaps per edge between one null graph and the next.
    """

    seed: int | Sequence[int] | NDArray[np.integer] = 0
    n_starts: int = 10
    n_nulls: int | None = None
    attempts_per_edge: int = 10

    def __post_init__(self) -> None:
        counts = {"n_starts": self.n_starts, "attempts_per_edge": self.attempts_per_edge}
        if self.n_nulls is not None:
            counts["n_nulls"] = self.n_nulls
        for name, count in counts.items():
            if count < 1:
                raise ValueError(f"wanted {name} of at least 1, found {count}")

    def seeds(self, n_graphs: int) -> NDArray[np.uint64]:
        """Return the seed of every graph, (graphs,)."""
        seeds = np.asarray(self.seed, dtype=np.uint64)
        if seeds.ndim and seeds.shape != (n_graphs,):
            raise ValueError(f"wanted one seed, or one per graph ({n_graphs}), found an array of shape {seeds.shape}")
        return np.array(np.broadcast_to(seeds, n_graphs))


@dataclass(frozen=True, eq=False)
class Networks:
    """Graphs ready for measures.

    Parameters
    ----------
    weights : array, shape (graphs, regions, regions)
        Symmetric, finite, at least 0, with a zero diagonal; in C order.
    seeds : array of uint64, shape (graphs,)
        Seed of every graph.
    randomness : Randomness
        Counts of starts and null graphs.
    """

    weights: Values
    seeds: NDArray[np.uint64]
    randomness: Randomness

    @cached_property
    def adjacency(self) -> Values:
        """1 where there is an edge, (graphs, regions, regions)."""
        return (self.weights > 0).astype(float)

    @cached_property
    def clustering(self) -> Values:
        """Clustering of every node, (graphs, regions)."""
        from painconn.connectivity.graph.path_kernels import clusterings

        return clusterings(self.weights)

    @cached_property
    def path_summaries(self) -> Values:
        """Global efficiency, path length and share of pairs without a path, (graphs, 3)."""
        from painconn.connectivity.graph.path_kernels import path_summaries

        return path_summaries(self.weights)

    @cached_property
    def partitions(self) -> tuple[Values, NDArray[np.int64]]:
        """Greatest modularity found, (graphs,), and the module of every node, (graphs, regions)."""
        from painconn.connectivity.graph.module_kernels import best_partitions

        return best_partitions(self.weights, self.seeds, self.randomness.n_starts)

    @cached_property
    def null_summaries(self) -> Values:
        """Mean clustering and global efficiency of the null graphs, (graphs, nulls, 2).

        Raises
        ------
        ValueError
            When the number of null graphs was not stated.
        """
        from painconn.connectivity.graph.null_kernels import rewire
        from painconn.connectivity.graph.path_kernels import clusterings, path_summaries

        if self.randomness.n_nulls is None:
            raise ValueError(
                "a measure that compares with null graphs needs their number: state n_nulls (100 and more give a "
                "small-worldness that hardly depends on the seed)"
            )
        summaries = np.empty((len(self.weights), self.randomness.n_nulls, 2))
        for graph, (weights, seed) in enumerate(zip(self.weights, self.seeds, strict=True)):
            nulls = rewire(weights, self.randomness.n_nulls, self.randomness.attempts_per_edge, seed)
            summaries[graph, :, 0] = clusterings(nulls).mean(axis=-1)
            summaries[graph, :, 1] = path_summaries(nulls)[:, 0]
        return summaries
