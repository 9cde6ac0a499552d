"""Tables with copies of their rows below them, so that a classifier also scores what it learned from, or changed rows.

Conventions of this file: copy k of row i is row k n + i, and copy 0 is the table itself. Training rows are always of
copy 0; a row of another copy is scored as if it were new.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import FeatureTable, FoldStep, Rows


def with_copies(table: FeatureTable, copies: Sequence[NDArray[np.float64]]) -> FeatureTable:
    """Return a table with copies of its rows below them.

    Parameters
    ----------
    table : FeatureTable
        n observations by p features.
    copies : sequence of (n, p) arrays
        The values of each copy.

    Returns
    -------
    stacked : FeatureTable
        (1 + len(copies)) n rows; steps of the fold are learned from the table's own rows.
    """
    steps = tuple(partial(_copy_by_copy, step, len(table.values)) for step in table.steps)
    return replace(table, values=np.vstack([table.values, *copies]), steps=steps)


def _copy_by_copy(step: FoldStep, n_rows: int, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
    copies = values.reshape(-1, n_rows, values.shape[1])
    changed = []
    for own in copies:
        # A step may know something of each row by its number, such as covariates: copies have those of their rows.
        rows = own.copy()
        rows[train] = copies[0][train]
        changed.append(step(rows, train))
    return np.vstack(changed)
