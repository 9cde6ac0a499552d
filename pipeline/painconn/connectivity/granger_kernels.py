"""Compiled recursion of Granger causality; imported on first use, as numba is slow to load."""

import numpy as np
from numba import njit, prange

# Neither nnan nor ninf: NaN marks what cannot be computed and has to survive.
_FLAGS = {"contract", "reassoc", "nsz", "arcp"}
# Pairs that advance together: long enough to fill vector registers, short enough for the state to stay in the cache.
_LANES = 32
# A prediction error below this share of a signal of unit variance is round-off: the pair determines itself.
_ROUND_OFF = 1e-12
# Prediction errors of two signals that are this close to copies of each other (1 - squared correlation).
_COPY = 1e-10


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _subtract_product(target, left, right):  # type: ignore[no-untyped-def]
    for lane in range(_LANES):
        l00, l01, l10, l11 = left[0, 0, lane], left[0, 1, lane], left[1, 0, lane], left[1, 1, lane]
        r00, r01, r10, r11 = right[0, 0, lane], right[0, 1, lane], right[1, 0, lane], right[1, 1, lane]
        target[0, 0, lane] -= l00 * r00 + l01 * r10
        target[0, 1, lane] -= l00 * r01 + l01 * r11
        target[1, 0, lane] -= l10 * r00 + l11 * r10
        target[1, 1, lane] -= l10 * r01 + l11 * r11


@njit(forceinline=True)
def _copy(target, source):  # type: ignore[no-untyped-def]
    # Loops, as the assignment of a whole slice takes seconds to compile.
    for row in range(2):
        for column in range(2):
            for lane in range(_LANES):
                target[row, column, lane] = source[row, column, lane]


@njit(forceinline=True)
def _transpose(target, source):  # type: ignore[no-untyped-def]
    for row in range(2):
        for column in range(2):
            for lane in range(_LANES):
                target[row, column, lane] = source[column, row, lane]


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _divide(target, left, right):  # type: ignore[no-untyped-def]
    """Write ``left @ inverse(right)``."""
    for lane in range(_LANES):
        l00, l01, l10, l11 = left[0, 0, lane], left[0, 1, lane], left[1, 0, lane], left[1, 1, lane]
        r00, r01, r10, r11 = right[0, 0, lane], right[0, 1, lane], right[1, 0, lane], right[1, 1, lane]
        scale = 1.0 / (r00 * r11 - r01 * r10)
        target[0, 0, lane] = (l00 * r11 - l01 * r10) * scale
        target[0, 1, lane] = (l01 * r00 - l00 * r01) * scale
        target[1, 0, lane] = (l10 * r11 - l11 * r10) * scale
        target[1, 1, lane] = (l11 * r00 - l10 * r01) * scale


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _update(forward, backward, forward_gain, backward_gain, before):  # type: ignore[no-untyped-def]
    """Raise the order of one coefficient of each predictor; ``before`` is scratch."""
    _copy(before, forward)
    _subtract_product(forward, forward_gain, backward)
    _subtract_product(backward, backward_gain, before)


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _mark_singular(covariance):  # type: ignore[no-untyped-def]
    for lane in range(_LANES):
        first, second, mixed = covariance[0, 0, lane], covariance[1, 1, lane], covariance[0, 1, lane]
        regular = first > _ROUND_OFF and second > _ROUND_OFF
        if not (regular and first * second - mixed * mixed > _COPY * first * second):
            covariance[0, 0, lane] = covariance[0, 1, lane] = covariance[1, 0, lane] = covariance[1, 1, lane] = np.nan


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _recurse(lagged, forward, backward, forward_error, backward_error):  # type: ignore[no-untyped-def]
    """Raise the order of the predictors of a block of pairs from 0 to the number of lags (entry 0 stays unused)."""
    surprise, surprise_transposed, before = np.empty((2, 2, _LANES)), np.empty((2, 2, _LANES)), np.empty((2, 2, _LANES))
    _copy(forward_error, lagged[0])
    _mark_singular(forward_error)
    _copy(backward_error, forward_error)
    for order in range(1, len(lagged)):
        _copy(surprise, lagged[order])
        for lag in range(1, order):
            _subtract_product(surprise, forward[lag], lagged[order - lag])
        _transpose(surprise_transposed, surprise)
        _divide(forward[order], surprise, backward_error)
        _divide(backward[order], surprise_transposed, forward_error)
        for lag in range(1, order):
            _update(forward[lag], backward[order - lag], forward[order], backward[order], before)
        _subtract_product(forward_error, forward[order], surprise_transposed)
        _subtract_product(backward_error, backward[order], surprise)
        _mark_singular(forward_error)
        _mark_singular(backward_error)


@njit(cache=True, parallel=True, error_model="numpy")
def pairwise_predictors(autocovariance, rows, columns):  # type: ignore[no-untyped-def]
    r"""Fit a bivariate autoregression to every pair, forwards and backwards in time (Whittle's recursion).

    Parameters
    ----------
    autocovariance : array, shape (lags + 1, signals, signals)
        :math:`\Gamma_k = \langle x(t) x(t - k)^T \rangle` of signals of unit variance.
    rows, columns : int array, shape (pairs,)
        The two signals of each pair.

    Returns
    -------
    coefficients : array, shape (2, lags, 2, 2, pairs)
        First the predictor from the past, then the one from the future: that of the signals reversed in time.
    innovations : array, shape (2, 2, 2, pairs)
        Covariance of the prediction errors; NaN where one of them is not positive or the pair is singular.

    References
    ----------
    Whittle 1963, 10.1093/biomet/50.1-2.129.
    """
    n_lags, n_pairs = len(autocovariance) - 1, len(rows)
    coefficients = np.empty((2, n_lags, 2, 2, n_pairs))
    innovations = np.empty((2, 2, 2, n_pairs))
    for block in prange((n_pairs + _LANES - 1) // _LANES):
        start = block * _LANES
        lagged = np.empty((n_lags + 1, 2, 2, _LANES))
        for lane in range(_LANES):
            # Lanes past the end repeat the last pair.
            pair = min(start + lane, n_pairs - 1)
            i, j = rows[pair], columns[pair]
            for lag in range(n_lags + 1):
                lagged[lag, 0, 0, lane], lagged[lag, 0, 1, lane] = autocovariance[lag, i, i], autocovariance[lag, i, j]
                lagged[lag, 1, 0, lane], lagged[lag, 1, 1, lane] = autocovariance[lag, j, i], autocovariance[lag, j, j]
        predictors, errors = np.empty((2, n_lags + 1, 2, 2, _LANES)), np.empty((2, 2, 2, _LANES))
        _recurse(lagged, predictors[0], predictors[1], errors[0], errors[1])
        for sense in range(2):
            for row in range(2):
                for column in range(2):
                    for lane in range(min(_LANES, n_pairs - start)):
                        innovations[sense, row, column, start + lane] = errors[sense, row, column, lane]
                        for lag in range(n_lags):
                            value = predictors[sense, lag + 1, row, column, lane]
                            coefficients[sense, lag, row, column, start + lane] = value
    return coefficients, innovations
