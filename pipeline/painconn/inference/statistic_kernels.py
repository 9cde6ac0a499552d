"""Compiled loops over rearrangements and tests; imported on use, as numba is slow to load."""

import numpy as np
from numba import njit

# No NaN comes here: tests that cannot be computed are left out before.
_FLAGS = {"contract", "reassoc", "nsz", "arcp", "nnan", "ninf"}
# More than what rounding can do to the quotients.
_MARGIN = 1e-12


@njit(cache=True, fastmath=_FLAGS, error_model="numpy")
def studentise(inside, squares, shares, projection, weights, df, floor, t, degrees):  # type: ignore[no-untyped-def]
    """Turn products with the basis into t and its degrees of freedom, a rearrangement at a time.

    ``inside`` (groups, basis, rearrangements, tests) holds the products within each variance group, where ``shares``
    (groups, basis) is not 0; ``squares`` (groups, rearrangements or 1, tests) the sums of squares there. ``t`` and
    ``degrees`` (rearrangements, tests) are written.
    """
    n_groups, n_columns = shares.shape
    n_tests = t.shape[1]
    coefficient = np.empty((n_columns, n_tests))
    variance, spread, left = np.empty(n_tests), np.empty(n_tests), np.empty(n_tests)
    for row in range(t.shape[0]):
        coefficient[:] = 0.0
        variance[:] = 0.0
        spread[:] = 0.0
        for column in range(n_columns):
            for group in range(n_groups):
                if shares[group, column] > 0.0:
                    for test in range(n_tests):
                        coefficient[column, test] += inside[group, column, row, test]
        for group in range(n_groups):
            own = row if squares.shape[1] > 1 else 0
            for test in range(n_tests):
                left[test] = squares[group, own, test]
            for column in range(n_columns):
                share = shares[group, column]
                if share > 0.0:
                    for test in range(n_tests):
                        whole = coefficient[column, test]
                        left[test] -= whole * (2.0 * inside[group, column, row, test] - share * whole)
            factor, inverse_df = weights[group] / df[group], 1.0 / df[group]
            for test in range(n_tests):
                term = max(left[test], floor) * factor
                variance[test] += term
                spread[test] += term * term * inverse_df
        for test in range(n_tests):
            left[test] = 0.0
        for column in range(n_columns):
            for test in range(n_tests):
                left[test] += projection[column] * coefficient[column, test]
        for test in range(n_tests):
            t[row, test] = left[test] / np.sqrt(variance[test])
            degrees[row, test] = variance[test] * variance[test] / spread[test]


@njit(cache=True, fastmath=_FLAGS, error_model="numpy")
def count_reaching(t, df, threshold, reached, largest):  # type: ignore[no-untyped-def]
    """Count in ``reached`` (tests) how often the normal score is at least the threshold; fill ``largest`` per row.

    The logarithm in the score lies between two quotients (``3u(2+u)/(6+6u+u^2)`` and ``u(6+u)/(6+4u)``); it is taken
    only where they do not decide, so the counts are those of the scores themselves.
    """
    n_tests = t.shape[1]
    needed = threshold * threshold
    low, high = np.empty(n_tests), np.empty(n_tests)
    for row in range(t.shape[0]):
        for test in range(n_tests):
            own = df[row, test]
            u = t[row, test] * t[row, test] / own
            correction = (8.0 * own + 1.0) / (8.0 * own + 3.0)
            scale = own * correction * correction * u
            high[test] = scale * (6.0 + u) / (6.0 + 4.0 * u) * (1.0 + _MARGIN)
            low[test] = scale * (6.0 + 3.0 * u) / (6.0 + u * (6.0 + u)) * (1.0 - _MARGIN)
        surely, undecided = 0.0, 0
        for test in range(n_tests):
            surely = max(surely, low[test])
        for test in range(n_tests):
            is_low = low[test] >= needed[test]
            reached[test] += 1.0 if is_low else 0.0
            undecided += 1 if (high[test] >= needed[test] and not is_low) or high[test] >= surely else 0
        best = 0.0
        if undecided:
            for test in range(n_tests):
                if high[test] >= surely or (high[test] >= needed[test] > low[test]):
                    own = df[row, test]
                    correction = (8.0 * own + 1.0) / (8.0 * own + 3.0)
                    score = own * correction * correction * np.log1p(t[row, test] * t[row, test] / own)
                    best = max(best, score)
                    if high[test] >= needed[test] > low[test] and score >= needed[test]:
                        reached[test] += 1.0
        largest[row] = np.sqrt(best)


@njit(cache=True, fastmath=_FLAGS, error_model="numpy")
def count_absolute(values, threshold, reached, largest):  # type: ignore[no-untyped-def]
    """Count in ``reached`` (tests) how often ``|value|`` is at least the threshold; fill ``largest`` per row."""
    for row in range(values.shape[0]):
        best = 0.0
        for test in range(values.shape[1]):
            size = abs(values[row, test])
            best = max(best, size)
            reached[test] += 1.0 if size >= threshold[test] else 0.0
        largest[row] = best
