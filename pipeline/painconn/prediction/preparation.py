"""Rows made ready for a training set: gaps filled, steps of the fold applied, columns standardised.

Conventions of this file: whatever is learned is learned from the training rows and from no label, so that one
preparation serves every labelling; the rows that are tested are then treated one by one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import FeatureTable, FoldStep, Rows


@dataclass(frozen=True)
class PreparedTable:
    """A table with its gaps set to zero, and where the gaps are.

    Parameters
    ----------
    values : (n, p) array
        Numbers, 0 in a gap.
    missing : (n, p) array of bool, or None
        The gaps; None without any.
    weights : (p,) array
        Factor on each column after standardisation.
    matrices : tuple of (r, r) arrays of int
        Columns that together are a symmetric matrix of each row.
    steps : tuple of FoldStep
        Learned in the training rows and applied to all rows before standardisation.
    """

    values: NDArray[np.float64]
    missing: NDArray[np.bool_] | None
    weights: NDArray[np.float64]
    matrices: tuple[NDArray[np.intp], ...]
    steps: tuple[FoldStep, ...]

    @classmethod
    def of(cls, table: FeatureTable) -> "PreparedTable":
        """Look for the gaps of a table."""
        missing = np.isnan(table.values)
        gaps = bool(missing.any())
        return cls(
            values=np.where(missing, 0.0, table.values) if gaps else table.values,
            missing=missing if gaps else None,
            weights=table.weights,
            matrices=table.matrices,
            steps=table.steps,
        )

    def filled(self, train: Rows) -> NDArray[np.float64]:
        """Return all rows with training means in their gaps and the steps of the fold applied, shape (n, p)."""
        values = self.values
        if self.missing is not None:
            values = np.where(self.missing, self._mean(train), values)
        for step in self.steps:
            values = step(values, train)
        return values

    def standardised(self, train: Rows) -> NDArray[np.float64]:
        """Return all rows on the scale of the training rows; columns constant in training are 0, shape (n, p)."""
        if self.steps:
            values = self.filled(train)
            mean = values[train].mean(axis=0)
            scaled = values - mean
            # What a step leaves of a column that it explains is rounding of the numbers that went in.
            size = np.maximum(np.abs(mean), np.abs(self.values[train]).max(axis=0))
        else:
            mean = self._mean(train)
            scaled = self.values - mean
            size = np.abs(mean)
            if self.missing is not None:
                scaled[self.missing] = 0.0
        residual = scaled[train]
        deviation = np.sqrt(np.einsum("ij,ij->j", residual, residual) / len(train))
        varies = deviation > len(train) * np.finfo(float).eps * size
        scaled *= np.divide(self.weights, deviation, out=np.zeros_like(deviation), where=varies)
        return scaled

    def _mean(self, train: Rows) -> NDArray[np.float64]:
        training = self.values[train]
        if self.missing is None:
            return np.asarray(training.mean(axis=0))
        n_found = np.maximum((~self.missing[train]).sum(axis=0), 1)
        return np.asarray(training.sum(axis=0) / n_found)
