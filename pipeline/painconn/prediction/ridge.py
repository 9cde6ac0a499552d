r"""Ridge classifier for many labellings at once.

Conventions of this file: the model is ridge regression of labels -1/+1 on standardised features with an intercept.
With the standardised training rows :math:`Z` (n x p), :math:`ZZ^\top = V \Lambda V^\top` and centred labels
:math:`y_c`, the score of a row :math:`z` is

.. math:: s(z) = \bar y + z^\top Z^\top V (\Lambda + \alpha I)^{-1} V^\top y_c ,

so that one eigendecomposition of an n x n matrix per training set serves every penalty :math:`\alpha` and every
labelling: features enter once, and permutations cost small matrix products.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows

PENALTIES_PER_FEATURE = np.logspace(-3, 3, 7)

_SAME_AUC = 1e-10


def penalties(table: FeatureTable) -> NDArray[np.float64]:
    """Return the grid of penalties: 0.001 to 1000 times the (weighted) number of features."""
    return PENALTIES_PER_FEATURE * max(float(np.sum(table.weights**2)), 1.0)


def score_labellings(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Tune, fit and score the ridge classifier on every fold for every labelling.

    Missing values take the training mean, columns are standardised with the training mean and standard deviation,
    columns constant in training are ignored. The penalty is the one with the highest mean AUC over the inner folds
    (pairs inside one inner test fold), the larger penalty on ties.

    Parameters
    ----------
    table : FeatureTable
        n observations by p features.
    signs : (n, P) array
        A labelling per column, -1 or +1; each must have both labels in every inner test fold.
    folds : sequence of Fold
        Outer folds; those of one repeat share their training sets when they stand together.

    Yields
    ------
    scores : FoldScores
        One per fold, in order.

    References
    ----------
    Hoerl & Kennard (1970), 10.1080/00401706.1970.10488634.
    """
    grid = penalties(table)
    rows = _FilledRows.of(table)
    bases: dict[bytes, _Basis] = {}
    repeat = None
    for fold in folds:
        if fold.repeat != repeat:
            bases.clear()
            repeat = fold.repeat
        inner = []
        for train, test in fold.inner:
            scores = _basis(bases, rows, train).scores(test, signs, grid)
            inner.append((test, scores, within_fold_auc(scores, signs[test])))
        mean_auc = np.mean([auc for _, _, auc in inner], axis=0)
        chosen = _largest_best(mean_auc)
        yield FoldScores(
            fold=fold,
            test=_chosen(_basis(bases, rows, fold.train).scores(fold.test, signs, grid), chosen),
            inner=_inner_scores(fold, inner, chosen),
            setting=grid[chosen],
        )


@dataclass(frozen=True)
class _FilledRows:
    """Feature rows with gaps set to zero, where the gaps are, and column weights."""

    values: NDArray[np.float64]
    missing: NDArray[np.bool_] | None
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, table: FeatureTable) -> "_FilledRows":
        missing = np.isnan(table.values)
        if not missing.any():
            return cls(values=table.values, missing=None, weights=table.weights)
        return cls(values=np.where(missing, 0.0, table.values), missing=missing, weights=table.weights)

    def standardised(self, train: Rows) -> NDArray[np.float64]:
        """Return all rows on the scale of the training rows, gaps at the training mean."""
        training = self.values[train]
        if self.missing is None:
            mean = training.mean(axis=0)
            scaled = self.values - mean
        else:
            n_found = np.maximum((~self.missing[train]).sum(axis=0), 1)
            mean = training.sum(axis=0) / n_found
            scaled = self.values - mean
            scaled[self.missing] = 0.0
        residual = scaled[train]
        deviation = np.sqrt(np.einsum("ij,ij->j", residual, residual) / len(train))
        varies = deviation > len(train) * np.finfo(float).eps * np.abs(mean)
        scaled *= np.divide(self.weights, deviation, out=np.zeros_like(deviation), where=varies)
        return scaled


@dataclass(frozen=True)
class _Basis:
    """A training set solved: rows of the table in the eigenbasis of its Gram matrix."""

    train: Rows
    projected: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]

    def scores(self, rows: Rows, signs: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of some rows, shape (n_penalties, n_rows, n_labellings)."""
        mean = signs[self.train].mean(axis=0)
        loadings = self.eigenvectors.T @ (signs[self.train] - mean)
        shrunken = loadings / (self.eigenvalues[:, None] + grid[:, None, None])
        scores: NDArray[np.float64] = self.projected[rows] @ shrunken
        scores += mean
        return scores


def _basis(bases: dict[bytes, _Basis], rows: _FilledRows, train: Rows) -> _Basis:
    key = train.tobytes()
    if key not in bases:
        scaled = rows.standardised(train)
        gram = scaled @ scaled[train].T
        eigenvalues, eigenvectors = np.linalg.eigh(gram[train])
        bases[key] = _Basis(
            train=train,
            projected=gram @ eigenvectors,
            eigenvectors=eigenvectors,
            eigenvalues=np.maximum(eigenvalues, 0.0),
        )
    return bases[key]


def _largest_best(mean_auc: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the last penalty (they ascend) that reaches the best inner AUC, per labelling."""
    best = mean_auc >= mean_auc.max(axis=0) - _SAME_AUC
    return len(mean_auc) - 1 - np.argmax(best[::-1], axis=0)


def _chosen(scores: NDArray[np.float64], chosen: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.take_along_axis(scores, chosen[None, None, :], axis=0)[0]


def _inner_scores(
    fold: Fold,
    inner: list[tuple[Rows, NDArray[np.float64], NDArray[np.float64]]],
    chosen: NDArray[np.intp],
) -> NDArray[np.float64]:
    gathered = np.empty((len(fold.train), len(chosen)))
    for test, scores, _ in inner:
        gathered[np.searchsorted(fold.train, test)] = _chosen(scores, chosen)
    return gathered
