r"""Ridge classifier and ridge regression for many labellings at once.

Conventions of this file: the model is ridge regression of the labels (-1/+1, or numbers) on standardised features with
an intercept. With the standardised training rows :math:`Z` (n x p), :math:`ZZ^\top = V \Lambda V^\top` and centred
labels :math:`y_c`, the score of a row :math:`z` is

.. math:: s(z) = \bar y + z^\top Z^\top V (\Lambda + \alpha I)^{-1} V^\top y_c ,

so that one eigendecomposition of an n x n matrix per training set serves every penalty :math:`\alpha` and every
labelling: features enter once, and permutations cost small matrix products.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows
from painconn.prediction.nested import negative_squared_error, score_nested
from painconn.prediction.preparation import PreparedTable

PENALTIES_PER_FEATURE = np.logspace(-3, 3, 7)


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
    rows = PreparedTable.of(table)
    return score_nested(lambda train: Basis.of(rows, train), penalties(table), signs, folds)


def predict_numbers(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Do the same for numbers instead of labels; the penalty is the one with the lowest inner squared error."""
    rows = PreparedTable.of(table)
    return score_nested(
        lambda train: Basis.of(rows, train), penalties(table), values, folds, goodness=negative_squared_error
    )


@dataclass(frozen=True)
class Basis:
    """A training set solved: rows of the table in the eigenbasis of its Gram matrix.

    Parameters
    ----------
    train : (n_train,) array of int
        Rows that were trained on.
    projected : (n, n_train) array
        Products of all rows with the training rows, times the eigenvectors.
    eigenvectors, eigenvalues : (n_train, n_train) and (n_train,) arrays
        Of the products of the training rows with each other.
    """

    train: Rows
    projected: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]

    @classmethod
    def of(cls, rows: PreparedTable, train: Rows) -> "Basis":
        """Solve a training set."""
        scaled = rows.standardised(train)
        gram = scaled @ scaled[train].T
        eigenvalues, eigenvectors = np.linalg.eigh(gram[train])
        return cls(
            train=train,
            projected=gram @ eigenvectors,
            eigenvectors=eigenvectors,
            eigenvalues=np.maximum(eigenvalues, 0.0),
        )

    def scores(self, rows: Rows, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ridge scores under some penalties, shape (S, m, P)."""
        mean = labels[self.train].mean(axis=0)
        loadings = self.eigenvectors.T @ (labels[self.train] - mean)
        shrunken = loadings / (self.eigenvalues[:, None] + settings[:, None, :])
        scores: NDArray[np.float64] = self.projected[rows] @ shrunken
        scores += mean
        return scores
