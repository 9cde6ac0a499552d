r"""Logistic regression under ridge, lasso and elastic-net penalties, and lasso and elastic net for numbers.

Conventions of this file: the penalised likelihood is
:math:`\sum_i \log(1 + e^{-y_i s(z_i)}) + \frac{1}{C} \left( \rho |w|_1 + \frac{1 - \rho}{2} |w|_2^2 \right)`, with an
intercept that is not penalised. The ridge penalty (:math:`\rho = 0`) depends on inner products only and is fitted in
the coordinates of the training rows, which is exact; C is then relative to their mean squared length.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.estimators import Recipe, score_with
from painconn.prediction.folds import FeatureTable, Fold, FoldScores
from painconn.prediction.inputs import coordinates
from painconn.prediction.nested import negative_squared_error
from painconn.prediction.sparse import SparseLogistic

RIDGE_C = tuple(np.logspace(3, -2, 6))
SPARSE_C = tuple(np.logspace(0.5, -1.5, 5))
SPARSE_PENALTIES = tuple(np.logspace(-2, 0, 5))
MIXTURE = 0.5

_N_SWEEPS = 20_000


def ridge(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by logistic regression with an L2 penalty (see ``score_with``).

    References
    ----------
    le Cessie & van Houwelingen (1992), 10.2307/2347628.
    """
    return score_with(Recipe(build_ridge, RIDGE_C, coordinates), table, signs, folds)


def lasso(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by logistic regression with an L1 penalty (see ``score_with``).

    References
    ----------
    Tibshirani (1996), 10.1111/j.2517-6161.1996.tb02080.x.
    """
    return score_with(Recipe(partial(SparseLogistic, mixture=1.0), SPARSE_C), table, signs, folds)


def elastic_net(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by logistic regression with an L1 and an L2 penalty in equal parts (see ``score_with``).

    References
    ----------
    Zou & Hastie (2005), 10.1111/j.1467-9868.2005.00503.x.
    """
    return score_with(Recipe(partial(SparseLogistic, mixture=MIXTURE), SPARSE_C), table, signs, folds)


def predict_lasso(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by linear regression with an L1 penalty, a share of the standard deviation of the numbers."""
    recipe = Recipe(partial(build_sparse_numbers, 1.0), SPARSE_PENALTIES, goodness=negative_squared_error)
    return score_with(recipe, table, values, folds)


def predict_elastic_net(
    table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]
) -> Iterator[FoldScores]:
    """Predict numbers by linear regression with an L1 and an L2 penalty in equal parts."""
    recipe = Recipe(partial(build_sparse_numbers, MIXTURE), SPARSE_PENALTIES, goodness=negative_squared_error)
    return score_with(recipe, table, values, folds)


def build_ridge(c: float) -> Any:
    """Return the estimator with an L2 penalty."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, l1_ratio=0.0, solver="newton-cg", tol=1e-8, max_iter=200)


def build_sparse_numbers(mixture: float, penalty: float) -> Any:
    """Return the estimator of numbers with this share of an L1 penalty."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import ElasticNet
    from sklearn.preprocessing import StandardScaler

    model = ElasticNet(alpha=penalty, l1_ratio=mixture, max_iter=_N_SWEEPS)
    return TransformedTargetRegressor(model, transformer=StandardScaler())
