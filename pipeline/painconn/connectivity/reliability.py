"""How well a feature is measured: agreement of two halves of a recording, and of repeated sessions.

High reliability is not validity: leakage, muscle and the shape of a head are measured very reliably.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_FEWEST = 3
_LEVEL = 0.95


@dataclass(frozen=True)
class SplitHalf:
    """Agreement of two halves, per column.

    Attributes
    ----------
    r : array, shape (columns,)
        Pearson correlation of the halves over observations.
    reliability : array, shape (columns,)
        Of the whole, by :func:`spearman_brown`.
    low, high : array, shape (columns,)
        Ends of the 95 % interval of the reliability; NaN below 4 observations.
    n : array of int, shape (columns,)
        Observations with both halves.
    """

    r: Values
    reliability: Values
    low: Values
    high: Values
    n: NDArray[np.intp]


@dataclass(frozen=True)
class Icc:
    """Intraclass correlation of single sessions, per column, with the ends of its 95 % interval.

    Attributes
    ----------
    value, low, high : array, shape (columns,)
        NaN where not computable.
    n : array of int, shape (columns,)
        People with a value in every session.
    """

    value: Values
    low: Values
    high: Values
    n: NDArray[np.intp]


def split_half(first: Values, second: Values) -> SplitHalf:
    r"""Correlate two halves over observations and project to the whole, column by column.

    The interval transforms the ends of Fisher's, :math:`\tanh(\operatorname{artanh} r \pm 1.96 / \sqrt{n - 3})`. It
    assumes two normal halves and observations that are independent (one per person); with heavy tails, or outlying
    people in a small sample, it is too narrow.

    Parameters
    ----------
    first, second : array, shape (observations, columns)
        The same feature from disjoint data, such as every other epoch. A row counts where both are finite.

    Returns
    -------
    agreement : SplitHalf
        NaN for fewer than 3 observations and for a constant half.
    """
    from scipy.special import ndtri

    both = np.isfinite(first) & np.isfinite(second)
    n = both.sum(axis=0)
    a, b = _centred(first, both, n), _centred(second, both, n)
    scale = np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=0))
    computable = (n >= _FEWEST) & (scale > 0)
    r = np.divide((a * b).sum(axis=0), scale, out=np.full(n.shape, np.nan), where=computable).clip(-1.0, 1.0)
    margin = ndtri((1 + _LEVEL) / 2) / np.sqrt(np.where(n > _FEWEST, n - 3.0, np.nan))
    with np.errstate(divide="ignore"):
        z = np.arctanh(r)
    low, high = (spearman_brown(np.tanh(end)) for end in (z - margin, z + margin))
    return SplitHalf(r, spearman_brown(r), low, high, n)


def _centred(values: Values, counted: NDArray[np.bool_], n: NDArray[np.intp]) -> Values:
    """Return deviations of unit size from the mean, 0 where not counted and where a column is constant."""
    kept = np.where(counted, values, 0.0)
    size = np.abs(kept).max(axis=0, initial=0.0)
    unit = np.divide(kept, size, out=np.zeros_like(kept), where=size > 0)
    centred = np.where(counted, unit - unit.sum(axis=0) / np.maximum(n, 1), 0.0)
    constant = np.abs(centred).max(axis=0, initial=0.0) <= n * np.finfo(float).eps
    spread = np.where(constant, np.inf, np.sqrt(np.square(centred).sum(axis=0)))
    return centred / spread


def spearman_brown(r: Values) -> Values:
    r"""Project the agreement of two halves to the reliability of the whole, :math:`2 r / (1 + |r|)`.

    For parallel halves (equal true values, independent errors of equal variance) and :math:`r \ge 0` this is the
    share of the variance of the whole that is not error of measurement. A negative agreement has no such meaning; it is
    kept negative, in [-1, 0), rather than clipped.

    Parameters
    ----------
    r : array
        Correlation of the halves, in [-1, 1].

    Returns
    -------
    reliability : array
        In [-1, 1].

    References
    ----------
    Spearman 1910, 10.1111/j.2044-8295.1910.tb00206.x; Brown 1910, 10.1111/j.2044-8295.1910.tb00207.x.
    """
    return 2.0 * r / (1.0 + np.abs(r))


def attenuation(reliability: Values | float) -> Values:
    r"""Return by which factor errors of measurement shrink a standardised difference, :math:`\sqrt{\rho}`.

    A true difference ``d`` (in standard deviations of true values) is observed as ``d sqrt(reliability)``.

    Parameters
    ----------
    reliability : array or float
        Of the values whose difference is tested; for a difference within people, of the difference itself.

    Returns
    -------
    factor : array
        In [0, 1]; NaN for a reliability of 0 or below, where nothing can be said.
    """
    known = np.asarray(reliability, dtype=float)
    return np.sqrt(np.where(known > 0, known, np.nan))


def intraclass_correlation(values: Values) -> tuple[Icc, Icc]:
    r"""Compute the two-way intraclass correlations ICC(2,1) and ICC(3,1) of single sessions, column by column.

    From the mean squares of rows (people, :math:`R`), columns (sessions, :math:`C`) and error (:math:`E`), for ``n``
    people and ``k`` sessions:

    .. math:: ICC(2,1) = \frac{R - E}{R + (k - 1) E + k (C - E) / n} \qquad ICC(3,1) = \frac{R - E}{R + (k - 1) E}

    ICC(2,1) counts a shift of everybody between sessions as disagreement, ICC(3,1) does not. Negative values are
    estimates of 0.

    Parameters
    ----------
    values : array, shape (people, sessions, columns)
        A person counts for a column where every session has a finite value.

    Returns
    -------
    icc_2_1, icc_3_1 : Icc
        With 95 % intervals from the F distribution; NaN for fewer than 3 people or 2 sessions, and for constant values.
        Sessions that agree perfectly have no interval.

    References
    ----------
    Shrout & Fleiss 1979, 10.1037/0033-2909.86.2.420; McGraw & Wong 1996, 10.1037/1082-989X.1.1.30.
    """
    whole = np.asarray(np.isfinite(values).all(axis=1))
    n, k = whole.sum(axis=0), values.shape[1]
    squares = _mean_squares(values, whole)
    if k < 2:
        squares = np.full_like(squares, np.nan)
    squares[:, n < _FEWEST] = np.nan
    people = np.where(n < _FEWEST, np.nan, n)
    return _absolute(squares, people, k, n), _consistent(squares, people, k, n)


def _mean_squares(values: Values, whole: NDArray[np.bool_]) -> Values:
    """Return the mean squares of people, sessions and error, shape (3, columns), on a scale of unit size."""
    kept = np.where(whole[:, None], values, 0.0)
    size = np.abs(kept).max(axis=(0, 1), initial=0.0)
    kept = np.divide(kept, size, out=np.zeros_like(kept), where=size > 0)
    n, k = np.maximum(whole.sum(axis=0), 2), max(values.shape[1], 2)
    grand = kept.sum(axis=(0, 1)) / (n * k)
    deviations = np.where(whole[:, None], kept - grand, 0.0)
    of_people, of_sessions = deviations.mean(axis=1), deviations.sum(axis=0) / n
    rest = np.where(whole[:, None], deviations - of_people[:, None] - of_sessions, 0.0)
    tiny = np.square(n * k * np.finfo(float).eps)
    sums = [k * np.square(of_people).sum(axis=0), n * np.square(of_sessions).sum(axis=0)]
    sums.append(np.square(rest).sum(axis=(0, 1)))
    degrees = [n - 1, np.full(n.shape, k - 1), (n - 1) * (k - 1)]
    return np.array([np.where(total > tiny, total, 0.0) / df for total, df in zip(sums, degrees, strict=True)])


def _quantile(numerator_df: Values, denominator_df: Values) -> Values:
    from scipy.special import fdtri

    quantile: Values = fdtri(numerator_df, denominator_df, (1 + _LEVEL) / 2)
    return quantile


def _absolute(squares: Values, people: Values, k: int, n: NDArray[np.intp]) -> Icc:
    """ICC(2,1), with Satterthwaite's degrees of freedom for its interval."""
    rows, columns, error = squares
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / people)
        a = k * value / (people * (1 - value))
        b = 1 + k * value * (people - 1) / (people * (1 - value))
        pooled = (a * columns + b * error) ** 2
        degrees = pooled / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((people - 1) * (k - 1)))
        lower, upper = _quantile(people - 1, degrees), _quantile(degrees, people - 1)
        rest = k * columns + (k * people - k - people) * error
        low = people * (rows - lower * error) / (lower * rest + people * rows)
        high = people * (upper * rows - error) / (rest + people * upper * rows)
    return Icc(value, low, high, n)


def _consistent(squares: Values, people: Values, k: int, n: NDArray[np.intp]) -> Icc:
    """ICC(3,1)."""
    rows, _, error = squares
    errors_df = (people - 1) * (k - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (rows - error) / (rows + (k - 1) * error)
        ratio = rows / error
        lower, upper = ratio / _quantile(people - 1, errors_df), ratio * _quantile(errors_df, people - 1)
        low, high = (lower - 1) / (lower + k - 1), (upper - 1) / (upper + k - 1)
    return Icc(value, low, high, n)
