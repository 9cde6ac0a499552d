"""Permutation p values: per test, and for the largest statistic of a family."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.inference.model import (
    LinearModel,
    fit,
    normal_score,
    rearranged_correlations,
    rearranged_statistics,
)
from painconn.inference.rearrangements import Rearrangements

Floats = NDArray[np.float64]

# Products of this shape stay in the second-level cache, and are large enough for efficient matrix products.
_BATCH_ROWS = 128
_BATCH_TESTS = 2048
# Equal arrangements reached by different sums differ by rounding; they count as equal.
TIE_TOLERANCE = 1e-7


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
        ``normal_score`` of the studentised statistic, with its sign.
    """
    residuals = _unit_residuals(model, values)
    for span in _spans(len(rearrangements), _BATCH_ROWS):
        t, df = rearranged_statistics(model, residuals, rearrangements, span)
        yield np.copysign(normal_score(t, df), t)


def _unit_residuals(model: LinearModel, values: Floats) -> Floats:
    residuals = model.residuals(values)
    return np.asarray(residuals / np.sqrt((residuals**2).sum(axis=0)))


def _spans(total: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, total)) for start in range(0, total, size))


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
    residuals = _unit_residuals(model, values)
    counting = _simple(model, values, residuals, rearrangements) or _studentised(model, values)
    reached = np.zeros(values.shape[1])
    largest = np.zeros(len(rearrangements))
    blocks = [(tests, np.ascontiguousarray(residuals[:, tests])) for tests in _spans(reached.size, _BATCH_TESTS)]
    for span in _spans(len(rearrangements), _BATCH_ROWS):
        for tests, own in blocks:
            found = np.empty(len(range(*span.indices(len(rearrangements)))))
            counting.count(own, rearrangements, span, counting.threshold[tests], reached[tests], found)
            np.maximum(largest[span], found, out=largest[span])
    exceeded = largest.size - np.searchsorted(np.sort(largest), counting.threshold)
    added = 0 if rearrangements.exact else 1
    total = len(rearrangements) + added
    return (reached + added) / total, (exceeded + added) / total


@dataclass(frozen=True)
class _Counting:
    """How rearranged statistics are compared with the observed ones: thresholds, and a function that counts."""

    threshold: Floats
    count: Callable[[Floats, Rearrangements, slice, Floats, Floats, Floats], None]


def _studentised(model: LinearModel, values: Floats) -> _Counting:
    """Compare normal scores."""
    from painconn.inference.statistic_kernels import count_reaching

    observed = fit(model, values)

    def count(
        own: Floats, rearrangements: Rearrangements, span: slice, threshold: Floats, reached: Floats, largest: Floats
    ) -> None:
        t, df = rearranged_statistics(model, own, rearrangements, span)
        count_reaching(t, df, threshold, reached, largest)

    return _Counting(normal_score(observed.t, observed.df) * (1 - TIE_TOLERANCE), count)


def _simple(model: LinearModel, values: Floats, residuals: Floats, rearrangements: Rearrangements) -> _Counting | None:
    """Compare correlations, which rank as the scores do, where the model allows it: one product and no more."""
    from painconn.inference.statistic_kernels import count_absolute

    if rearranged_correlations(model, residuals[:, :1], rearrangements, slice(0, len(rearrangements))) is None:
        return None
    observed = fit(model, values)
    squared = (observed.t * (1 - TIE_TOLERANCE)) ** 2

    def count(
        own: Floats, rearrangements: Rearrangements, span: slice, threshold: Floats, reached: Floats, largest: Floats
    ) -> None:
        count_absolute(rearranged_correlations(model, own, rearrangements, span), threshold, reached, largest)

    return _Counting(np.sqrt(squared / (observed.pooled_df + squared)), count)
