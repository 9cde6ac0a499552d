"""Permutation p values: per test, and for the largest statistic of a family."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from painconn.inference.model import LinearModel, fit, normal_score, rearranged_statistics
from painconn.inference.rearrangements import Rearrangements

Floats = NDArray[np.float64]

# Large enough for efficient matrix products, small enough for tens of megabytes at work.
_BATCH_VALUES = 1 << 19
# Equal arrangements reached by different sums differ by rounding; they count as equal.
_TIE_TOLERANCE = 1e-7


def null_scores(model: LinearModel, values: Floats, rearrangements: Rearrangements) -> Iterator[Floats]:
    """Yield the scores under rearrangement, in batches of shape (rearrangements, tests).

    Parameters
    ----------
    model : LinearModel
    values : array, shape (people, tests)
        Finite values that vary once the nuisance is removed.
    rearrangements : Rearrangements

    Yields
    ------
    scores : array, shape (batch, tests)
        ``normal_score`` of the studentised statistic, two-sided (0 or larger).
    """
    residuals = model.residuals(values)
    residuals = residuals / np.sqrt((residuals**2).sum(axis=0))
    batch = max(1, _BATCH_VALUES // residuals.shape[1])
    for start in range(0, len(rearrangements), batch):
        t, df = rearranged_statistics(model, residuals, rearrangements, slice(start, start + batch))
        yield normal_score(t, df)


def permutation_p(model: LinearModel, values: Floats, rearrangements: Rearrangements) -> tuple[Floats, Floats]:
    """Compute two-sided permutation p values.

    A sample of ``m`` rearrangements gives ``(b + 1) / (m + 1)``, the observed arrangement counted; a complete list,
    which holds the observed one, gives ``b / m``.

    Parameters
    ----------
    model : LinearModel
    values : array, shape (people, tests)
    rearrangements : Rearrangements

    Returns
    -------
    p, p_fwe : array, shape (tests,)
        Uncorrected, and corrected by the largest score of all tests (in (0, 1]).
    """
    observed = fit(model, values)
    threshold = normal_score(observed.t, observed.df) * (1 - _TIE_TOLERANCE)
    reached = np.zeros(threshold.size)
    exceeded = np.zeros(threshold.size)
    for scores in null_scores(model, values, rearrangements):
        reached += (scores >= threshold).sum(axis=0)
        exceeded += (scores.max(axis=1)[:, None] >= threshold).sum(axis=0)
    added = 0 if rearrangements.exact else 1
    total = len(rearrangements) + added
    return (reached + added) / total, (exceeded + added) / total
