"""What an estimator is given: columns, or an exact and smaller stand-in for them.

Conventions of this file: a model whose penalty or kernel depends on inner products of prepared rows only is the same
model in the coordinates of the training rows (at most n of them) or on their Gram matrix. Inner products are divided by
the mean squared length of the training rows, so that one grid of settings suits any number of features. No label is
looked at.
"""

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import Rows
from painconn.prediction.preparation import PreparedTable

_SAME_ZERO = 1e-12


def columns(rows: PreparedTable, train: Rows) -> NDArray[np.float64]:
    """Return the prepared columns themselves, shape (n, p)."""
    return rows.standardised(train)


def coordinates(rows: PreparedTable, train: Rows) -> NDArray[np.float64]:
    """Return all rows in the orthonormal axes that the training rows span, shape (n, rank)."""
    return span_coordinates(rows.standardised(train), train)


def linear_kernel(rows: PreparedTable, train: Rows) -> NDArray[np.float64]:
    """Return the inner products of all rows with the training rows, shape (n, n_train)."""
    scaled = rows.standardised(train)
    products = scaled @ scaled[train].T
    return products / _mean_square(np.diagonal(products[train]))


def radial_kernel(rows: PreparedTable, train: Rows) -> NDArray[np.float64]:
    """Return exp(-d^2) of all rows to the training rows, shape (n, n_train).

    d^2 is the squared distance over the mean squared length of the training rows: scikit-learn's ``gamma="scale"``.
    """
    scaled = rows.standardised(train)
    squares = np.einsum("ij,ij->i", scaled, scaled)
    distances = squares[:, None] + squares[train] - 2.0 * (scaled @ scaled[train].T)
    return np.asarray(np.exp(-np.maximum(distances, 0.0) / _mean_square(squares[train])))


def span_coordinates(scaled: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
    """Return rows in the axes that the training rows span, their mean squared length there being 1.

    Parameters
    ----------
    scaled : (n, p) array
        Rows, centred on the training rows.
    train : (n_train,) array of int
        Training rows.

    Returns
    -------
    coordinates : (n, rank) array
        Inner products with training rows are kept (but for the common factor).
    """
    products = scaled @ scaled[train].T
    eigenvalues, eigenvectors = np.linalg.eigh(products[train])
    kept = eigenvalues > _SAME_ZERO * max(float(eigenvalues[-1]), np.finfo(float).tiny)
    length = np.sqrt(_mean_square(np.diagonal(products[train])))
    if not kept.any():
        return np.zeros((len(scaled), 1))
    return np.asarray(products @ (eigenvectors[:, kept] / np.sqrt(eigenvalues[kept])) / length)


def _mean_square(squares: NDArray[np.float64]) -> float:
    """Return the mean of squared lengths; 1 when nothing varies."""
    return float(np.mean(squares)) or 1.0
