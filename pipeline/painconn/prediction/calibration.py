r"""From scores to probabilities and decisions, learned on training rows only.

Conventions of this file: Platt scaling on the inner out-of-fold scores, :math:`p = 1 / (1 + e^{-(\beta s + \gamma)})`,
with Platt's targets :math:`t_+ = (n_+ + 1)/(n_+ + 2)` and :math:`t_- = 1/(n_- + 2)`. The slope is not allowed below 0:
inner scores that point the wrong way are no information, not reversed information. The decision threshold is the
mean target, the probability that an uninformative score gets, so that both labels weigh the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit, xlog1py, xlogy

_SAME_PROBABILITY = 1e-9
_SURE = float(np.finfo(float).eps)
"""How near to 0 and 1 probabilities come: a row far from all others would round to them, and surprise be infinite."""


@dataclass(frozen=True)
class PlattScaling:
    """A fitted calibration.

    Parameters
    ----------
    slope, intercept : float
        Of the log odds; slope >= 0.
    threshold : float
        Mean training target: decide for the positive label above it.
    """

    slope: float
    intercept: float
    threshold: float

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of the positive label, in (0, 1)."""
        return np.asarray(np.clip(expit(self.slope * scores + self.intercept), _SURE, 1.0 - _SURE))

    def decision(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 1 for the positive label, 0 for the negative, 0.5 at the threshold."""
        gap = probability - self.threshold
        return 0.5 + 0.5 * ((gap > _SAME_PROBABILITY).astype(float) - (gap < -_SAME_PROBABILITY))


def fit_platt(scores: NDArray[np.float64], signs: NDArray[np.float64]) -> PlattScaling:
    """Fit Platt scaling.

    Parameters
    ----------
    scores : (n,) array
        Out-of-fold scores of training rows.
    signs : (n,) array
        Their labels, -1 or +1.

    Returns
    -------
    scaling : PlattScaling
        Maximum likelihood on the smoothed targets, slope >= 0.

    References
    ----------
    Platt (1999), Advances in Large Margin Classifiers, 61-74.
    """
    n_positive = int(np.sum(signs > 0))
    n_negative = len(signs) - n_positive
    targets = np.where(signs > 0, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    threshold = float(targets.mean())
    centre, spread = float(scores.mean()), float(scores.std())
    if spread <= len(scores) * np.finfo(float).eps * max(abs(centre), 1.0):
        return PlattScaling(slope=0.0, intercept=float(logit(threshold)), threshold=threshold)
    scaled = (scores - centre) / spread

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        linear = parameters[0] * scaled + parameters[1]
        residual = expit(linear) - targets
        value = float(np.sum(np.logaddexp(0.0, linear) - targets * linear))
        return value, np.array([residual @ scaled, residual.sum()])

    found = minimize(
        loss, np.array([0.0, logit(threshold)]), jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)]
    )
    slope = float(found.x[0]) / spread
    return PlattScaling(slope=slope, intercept=float(found.x[1]) - slope * centre, threshold=threshold)


def decision_summary(
    probability: NDArray[np.float64], decision: NDArray[np.float64], signs: NDArray[np.float64]
) -> dict[str, Any]:
    """Summarise out-of-fold probabilities and decisions.

    Parameters
    ----------
    probability, decision, signs : (n_rows,) arrays
        Over all test rows of all repeats.

    Returns
    -------
    summary : dict
        ``balanced_accuracy``, ``sensitivity`` (positive label), ``specificity`` in [0, 1] (a score at the threshold
        counts half); ``brier`` (mean squared error of the probability; 0 is best) and ``log_loss`` (nats).
    """
    positive = signs > 0
    sensitivity = float(decision[positive].mean())
    specificity = float(1.0 - decision[~positive].mean())
    surprise = xlogy(positive, probability) + xlog1py(~positive, -probability)
    return {
        "balanced_accuracy": (sensitivity + specificity) / 2.0,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "brier": float(np.mean((probability - positive) ** 2)),
        "log_loss": float(-surprise.mean()),
    }
