r"""Logistic regression with a penalty that sets coefficients to zero, by Newton steps solved by coordinate descent.

Conventions of this file: scikit-learn's one solver for mixed penalties is stochastic and takes minutes per fit when
there are thousands of columns for tens of people. The usual remedy: around the present solution the log likelihood is a
weighted sum of squares, which scikit-learn's elastic net minimises under the same penalty; this is repeated until
nothing changes.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

_N_STEPS = 100
_N_SWEEPS = 1000
_N_HALVINGS = 30
_SAME_SCORE = 1e-6
_SMALLEST_WEIGHT = 1e-5
_SWEEP_TOLERANCE = 1e-7


class SparseLogistic:
    r"""Minimise :math:`\sum_i \log(1 + e^{-y_i s_i}) + \frac{1}{C} (\rho |w|_1 + \frac{1 - \rho}{2} |w|_2^2)`.

    Parameters
    ----------
    c : float
        C, the inverse of the penalty.
    mixture : float
        Share of the L1 penalty, above 0, at most 1.

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), 10.18637/jss.v033.i01.
    """

    def __init__(self, c: float, mixture: float) -> None:
        self.c = c
        self.mixture = mixture
        self.coef_: NDArray[np.float64] = np.empty(0)
        self.intercept_ = 0.0

    def fit(self, rows: NDArray[np.float64], signs: NDArray[np.float64]) -> "SparseLogistic":
        """Fit on rows (n, p) and their labels, -1 or +1."""
        self.coef_ = np.zeros(rows.shape[1])
        self.intercept_ = float(np.log(np.sum(signs > 0) / np.sum(signs < 0)))
        for _ in range(_N_STEPS):
            before = self.decision_function(rows)
            self._step(rows, signs, before)
            if np.abs(self.decision_function(rows) - before).max() < _SAME_SCORE:
                break
        return self

    def decision_function(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log odds of the label +1."""
        return np.asarray(rows @ self.coef_ + self.intercept_)

    def _step(self, rows: NDArray[np.float64], signs: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
        """Move to the minimum of the weighted squares, or part of the way when that is worse."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import ElasticNet

        probability = expit(scores)
        weights = np.maximum(probability * (1.0 - probability), _SMALLEST_WEIGHT)
        working = scores + ((signs > 0) - probability) / weights
        model: Any = ElasticNet(
            alpha=1.0 / (self.c * weights.sum()), l1_ratio=self.mixture, max_iter=_N_SWEEPS, tol=_SWEEP_TOLERANCE,
            warm_start=True,
        )  # fmt: skip
        model.coef_ = self.coef_.copy()
        with warnings.catch_warnings():
            # A step need not be solved to the end: the next one starts where it stopped, and scores say when to end.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(rows, working, sample_weight=weights)
        old, found = (self.coef_, self.intercept_), (model.coef_, float(model.intercept_))
        reached = self._objective(rows, signs)
        for halving in range(_N_HALVINGS):
            share = 0.5**halving
            self.coef_, self.intercept_ = (now + share * (new - now) for now, new in zip(old, found, strict=True))
            if self._objective(rows, signs) <= reached:
                return
        self.coef_, self.intercept_ = old

    def _objective(self, rows: NDArray[np.float64], signs: NDArray[np.float64]) -> float:
        margins = signs * self.decision_function(rows)
        loss = float(np.sum(np.logaddexp(0.0, -margins)))
        size = self.mixture * np.abs(self.coef_).sum() + 0.5 * (1.0 - self.mixture) * (self.coef_ @ self.coef_)
        return loss + float(size) / self.c
