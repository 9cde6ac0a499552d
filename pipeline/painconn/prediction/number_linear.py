r"""A linear regression refitted on everybody, and the interval of the score of a person it never saw.

Conventions of this file: the interval is CV+ (Barber et al. 2021, 10.1214/20-AOS1965) over the folds of the first
repeat. With :math:`\hat\mu_{-k}` the regression that was tuned and fitted without fold :math:`k`, and :math:`R_i` the
absolute error of :math:`\hat\mu_{-k(i)}` for person :math:`i` of that fold, the ends for columns :math:`x` of a new
person are the :math:`(n + 1 - m)`-th smallest :math:`\hat\mu_{-k(i)}(x) - R_i` and the :math:`m`-th smallest
:math:`\hat\mu_{-k(i)}(x) + R_i`, with :math:`m = \lceil (1 - \alpha)(n + 1) \rceil`. Errors of people that a model
learned from are too small, and are not used.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import FeatureTable, Rows
from painconn.prediction.linear import LinearModel, carried, refit
from painconn.prediction.logistic import MIXTURE, build_sparse_numbers

_MIXTURES = {"lasso_regression": 1.0, "elastic_net_regression": MIXTURE}
_SAME_RANK = 1e-9


@dataclass(frozen=True)
class FoldModels:
    """The regression without the people of one fold after the other, and how far it misses them.

    Parameters
    ----------
    weights : (n_folds, p) array
        Of the columns as the model of everybody standardises them.
    intercepts : (n_folds,) array
        Prediction for a person with mean columns.
    errors : tuple of arrays
        Absolute errors of the people of each fold, ascending: in no order of people.
    n_people : int
        How many people there are; the errors of some may be left out (:meth:`deciding`).
    """

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    errors: tuple[NDArray[np.float64], ...]
    n_people: int

    def interval(self, standardised: NDArray[np.float64], level: float) -> NDArray[np.float64]:
        """Return the prediction interval of each row (n, p), shape (2, n); the level must be attainable."""
        predicted = standardised @ self.weights.T + self.intercepts
        lows = np.hstack([predicted[:, [fold]] - own for fold, own in enumerate(self.errors)])
        highs = np.hstack([predicted[:, [fold]] + own for fold, own in enumerate(self.errors)])
        n_deciding = count_deciding(self.n_people, level)
        return np.array([np.sort(lows, axis=1)[:, n_deciding - 1], np.sort(highs, axis=1)[:, -n_deciding]])

    def deciding(self, level: float) -> "FoldModels":
        """Return the same without the errors that are too small to be an end of an interval of this level or a higher.

        An error with the prediction of its fold can give a score away (where no column has a weight, exactly).
        """
        n_deciding = count_deciding(self.n_people, level)
        return replace(self, errors=tuple(own[-n_deciding:] for own in self.errors))


def attainable_level(n: int, level: float) -> float:
    """Return the level, or the highest one that so many people can give a finite interval of: n / (n + 1)."""
    return min(level, n / (n + 1))


def count_deciding(n: int, level: float) -> int:
    """Return which of n ends, counted from the outside, is the end of an interval: n + 1 - m, from 1."""
    return n + 1 - ceil(level * (n + 1) - _SAME_RANK)


def guaranteed_level(n: int, n_folds: int, level: float) -> float:
    """Return how often the interval holds the score at least, whatever the distribution of columns and scores.

    For people drawn from one population and folds of one size; Theorem 4 of Barber et al. (2021).
    """
    shared = min(2.0 * (1.0 - 1.0 / n_folds) / (n / n_folds + 1.0), (1.0 - n_folds / n) / (n_folds + 1.0))
    return max(0.0, 1.0 - 2.0 * (1.0 - level) - shared)


def fit_regression(regression: str, table: FeatureTable, values: NDArray[np.float64], assignment: Rows) -> LinearModel:
    """Fit a linear regression to all rows of a table.

    Parameters
    ----------
    regression : str
        A name in ``CLASSIFIERS`` whose definition is ``linear`` and a regression.
    table : FeatureTable
        n people by p columns with weight 1, without steps of the fold.
    values : (n,) array
        The scores.
    assignment : (n,) array of int
        Fold of each row, to choose the setting.
    """
    sparse = partial(_sparse_numbers, _MIXTURES[regression]) if regression in _MIXTURES else None
    return refit(regression, table, values, assignment, sparse)[0]


def leave_folds_out(
    regression: str, table: FeatureTable, values: NDArray[np.float64], assignment: Rows, model: LinearModel
) -> FoldModels:
    """Fit the regression again without the people of each fold; tuning looks at the remaining folds.

    Parameters
    ----------
    regression, table, values, assignment
        As for the model.
    model : LinearModel
        Fitted to everybody.
    """
    weights, intercepts, errors = [], [], []
    for fold in np.unique(assignment):
        train, test = np.flatnonzero(assignment != fold), np.flatnonzero(assignment == fold)
        own = FeatureTable(table.values[train], table.weights)
        fitted = fit_regression(regression, own, values[train], assignment[train])
        errors.append(np.sort(np.abs(values[test] - fitted.scores(table.values[test]))))
        weight, intercept = carried(fitted.weights, fitted.intercept, fitted, model)
        weights.append(weight)
        intercepts.append(intercept)
    return FoldModels(np.array(weights), np.array(intercepts), tuple(errors), len(values))


def _sparse_numbers(
    mixture: float, rows: NDArray[np.float64], values: NDArray[np.float64], setting: float
) -> tuple[NDArray[np.float64], float]:
    fitted: Any = build_sparse_numbers(mixture, setting).fit(rows, values)
    unit, origin = float(fitted.transformer_.scale_[0]), float(fitted.transformer_.mean_[0])
    return unit * fitted.regressor_.coef_, unit * float(fitted.regressor_.intercept_) + origin
