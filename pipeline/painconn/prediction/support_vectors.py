"""Support vector machines on the Gram matrix of each training set.

Conventions of this file: features enter once per training set, as a matrix of inner products (or of their radial
function); every labelling and every C then costs a fit on n x n numbers. C is relative to the mean squared length of
the training rows. A solution in which no weight reaches its bound C is the solution for every larger C, so that the
larger ones need no fit.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.estimators import Recipe, score_with
from painconn.prediction.folds import FeatureTable, Fold, FoldScores
from painconn.prediction.inputs import linear_kernel, radial_kernel
from painconn.prediction.nested import negative_squared_error

LINEAR_C = tuple(np.logspace(2, -3, 6))
RADIAL_C = tuple(np.logspace(2, -2, 5))
TOLERANCE = 1e-6

_BELOW_BOUND = 1.0 - 1e-6


def linear(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by a linear support vector machine (see ``score_with``).

    References
    ----------
    Cortes & Vapnik (1995), 10.1007/BF00994018.
    """
    return score_with(Recipe(_machine, LINEAR_C, linear_kernel, same_when_weaker=_unbounded), table, signs, folds)


def radial(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by a support vector machine with a radial kernel; the width follows from the training rows.

    References
    ----------
    Cortes & Vapnik (1995), 10.1007/BF00994018.
    """
    return score_with(Recipe(_machine, RADIAL_C, radial_kernel, same_when_weaker=_unbounded), table, signs, folds)


def predict_linear(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by linear support vector regression, a tenth of a standard deviation counting as no error."""
    recipe = Recipe(_regression, LINEAR_C, linear_kernel, goodness=negative_squared_error)
    return score_with(recipe, table, values, folds)


def predict_radial(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by support vector regression with a radial kernel."""
    recipe = Recipe(_regression, RADIAL_C, radial_kernel, goodness=negative_squared_error)
    return score_with(recipe, table, values, folds)


def _machine(c: float) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="precomputed", C=c, tol=TOLERANCE)


def _unbounded(fitted: Any) -> bool:
    return bool(np.abs(fitted.dual_coef_).max() < _BELOW_BOUND * fitted.C)


def _regression(c: float) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    machine = SVR(kernel="precomputed", C=c, epsilon=0.1, tol=TOLERANCE)
    return TransformedTargetRegressor(machine, transformer=StandardScaler())
