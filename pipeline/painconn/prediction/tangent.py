r"""Whole matrices as points of a curved space, seen from their mean: tangent space and ridge.

Conventions of this file: the columns of a symmetric measure, with ones on the diagonal, are a matrix per row. Matrices
are shrunk to the identity, :math:`(1 - \lambda) M + \lambda I`, by the least :math:`\lambda` that leaves every
training matrix with no eigenvalue below a floor; a matrix outside the training rows that needs more gets more. With
their Riemannian mean :math:`R` over the training rows, a matrix becomes :math:`\log(R^{-1/2} M R^{-1/2})`, whose upper
triangle (off-diagonal times :math:`\sqrt 2`) is the vector of the row. Columns that belong to no matrix stand beside
it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.estimators import Recipe, score_with
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows
from painconn.prediction.inputs import span_coordinates
from painconn.prediction.logistic import RIDGE_C, build_ridge
from painconn.prediction.nested import negative_squared_error
from painconn.prediction.preparation import PreparedTable

SMALLEST_EIGENVALUE = 0.05


def score_labellings(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by logistic regression with an L2 penalty in the tangent space.

    Parameters
    ----------
    table : FeatureTable
        n observations by p features, whose ``matrices`` say which columns are one.
    signs, folds
        As for :func:`painconn.prediction.ridge.score_labellings`.

    Yields
    ------
    scores : FoldScores
        One per fold, in order.

    References
    ----------
    Barachant et al. (2013), 10.1016/j.neucom.2012.12.039.
    """
    return score_with(Recipe(build_ridge, RIDGE_C, tangent_coordinates), table, signs, folds)


def predict_numbers(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by ridge regression in the tangent space."""
    recipe = Recipe(_ridge_of_numbers, RIDGE_C, tangent_coordinates, negative_squared_error)
    return score_with(recipe, table, values, folds)


def tangent_coordinates(rows: PreparedTable, train: Rows) -> NDArray[np.float64]:
    """Return all rows in the axes that the training rows span in the tangent space, shape (n, rank)."""
    filled = rows.filled(train)
    parts = [_tangent_vectors(_matrices(filled, places), train) for places in rows.matrices]
    beside = np.ones(filled.shape[1], dtype=bool)
    for places in rows.matrices:
        beside[places[places >= 0]] = False
    parts.append(rows.standardised(train)[:, beside])
    return span_coordinates(np.hstack(parts), train)


def positive_definite(matrices: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
    """Shrink matrices with a unit diagonal to the identity until no eigenvalue lies below the floor.

    Parameters
    ----------
    matrices : (n, r, r) array
        Symmetric.
    train : (n_train,) array of int
        Rows that decide by how much all are shrunk.

    Returns
    -------
    shrunk : (n, r, r) array
    """
    smallest = np.linalg.eigvalsh(matrices)[:, 0]
    lacking = np.maximum(SMALLEST_EIGENVALUE - smallest, 0.0)
    needed = lacking / (lacking + 1.0 - SMALLEST_EIGENVALUE)
    share = np.maximum(needed, needed[train].max())[:, None, None]
    return np.asarray((1.0 - share) * matrices + share * np.eye(matrices.shape[-1]))


def _matrices(values: NDArray[np.float64], places: NDArray[np.intp]) -> NDArray[np.float64]:
    matrices = values[:, places]
    diagonal = np.arange(len(places))
    matrices[:, diagonal, diagonal] = 1.0
    return matrices


def _tangent_vectors(matrices: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
    """Return the rows seen from the mean of the training rows, centred, with a mean square of 1 per column."""
    from pyriemann.tangentspace import TangentSpace

    shrunk = positive_definite(matrices, train)
    vectors = TangentSpace(metric="riemann").fit(shrunk[train]).transform(shrunk)
    vectors -= vectors[train].mean(axis=0)
    scale = float(np.sqrt(np.mean(vectors[train] ** 2)))
    return np.asarray(vectors / scale if scale > 0 else vectors)


def _ridge_of_numbers(c: float) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1.0 / c)
