"""Permuted labels: all of them when there are few, a seeded sample otherwise."""

from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.design import Design
from painconn.provenance import seed_for

_SAME_AUC = 1e-10


@dataclass(frozen=True)
class Labellings:
    """Labels shuffled inside blocks.

    Parameters
    ----------
    signs : (n, m) array
        A permuted labelling per column, -1 or +1.
    exact : bool
        True when the columns are all distinct labellings, the observed one among them.
    n_distinct : int
        How many distinct labellings the blocks allow.
    """

    signs: NDArray[np.float64]
    exact: bool
    n_distinct: int

    def summary(self, auc: float, null: NDArray[np.float64]) -> dict[str, Any]:
        """Return the permutation p of an AUC and what it rests on.

        Parameters
        ----------
        auc : float
            Under the observed labels.
        null : (m,) array
            Of each column of the labellings.
        """
        as_high = int(np.sum(null >= auc - _SAME_AUC))
        return {
            "p": as_high / len(null) if self.exact else (as_high + 1) / (len(null) + 1),
            "n_permutations": len(null),
            "exact": self.exact,
            "n_distinct": self.n_distinct,
            "null_mean": float(null.mean()),
            "null_sd": float(null.std()),
            "null_q95": float(np.quantile(null, 0.95)),
        }


def permuted_labellings(design: Design, *, n_permutations: int, seed: int) -> Labellings:
    """Shuffle labels inside the blocks of a design.

    Parameters
    ----------
    design : Design
        Rows in an order that does not depend on the input file (labels are drawn row by row).
    n_permutations : int
        How many labellings to draw; when the blocks allow no more than this, all are listed instead.
    seed : int
        Study seed.

    Returns
    -------
    labellings : Labellings
        Every column has the class counts of the observed labels in every block.
    """
    signs = design.signs
    blocks = [np.flatnonzero(design.blocks == block) for block in np.unique(design.blocks)]
    n_distinct = prod(comb(len(rows), int(np.sum(signs[rows] > 0))) for rows in blocks)
    if n_distinct <= n_permutations:
        return Labellings(signs=_all(signs, blocks), exact=True, n_distinct=n_distinct)
    generator = np.random.default_rng(seed_for(seed, "permutations"))
    drawn = np.empty((len(signs), n_permutations))
    for rows in blocks:
        drawn[rows] = generator.permuted(np.repeat(signs[rows][:, None], n_permutations, axis=1), axis=0)
    return Labellings(signs=drawn, exact=False, n_distinct=n_distinct)


def _all(signs: NDArray[np.float64], blocks: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    choices = [[list(chosen) for chosen in combinations(rows, int(np.sum(signs[rows] > 0)))] for rows in blocks]
    columns = []
    for positives in product(*choices):
        column = -np.ones(len(signs))
        for chosen in positives:
            column[chosen] = 1.0
        columns.append(column)
    return np.stack(columns, axis=1)
