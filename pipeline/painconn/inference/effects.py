"""Effect sizes, their intervals, and the evidence for no effect."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

JZS_SCALE = np.sqrt(2) / 2


def hedges_correction(df: float) -> float:
    """Return the exact small-sample factor ``J = Gamma(df/2) / (sqrt(df/2) Gamma((df-1)/2))``, 10.2307/1164588.

    Parameters
    ----------
    df : float
        Degrees of freedom of the standard deviation, above 1.
    """
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def noncentrality_interval(t: Floats, df: Floats, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Return the noncentrality parameters under which ``t`` lies at the two tails.

    Parameters
    ----------
    t, df : array, shape (tests,)
        Statistic and its degrees of freedom.
    confidence : float
        Coverage of the interval, in (0, 1).

    Returns
    -------
    low, high : array, shape (tests,)
        Exact for a normal sample with one variance; multiply by standard error / standard deviation for the interval
        of a standardised difference.
    """
    tail = (1 - confidence) / 2
    return special.nctdtrinc(df, 1 - tail, t), special.nctdtrinc(df, tail, t)


def partial_correlation(t: Floats, df: float) -> tuple[Floats, float]:
    """Return the partial correlation that belongs to t, and its standard error on Fisher's scale.

    Parameters
    ----------
    t : array, shape (tests,)
        Statistic of one score under one error variance.
    df : float
        Its degrees of freedom: people less 2 less covariates; above 1.

    Returns
    -------
    r : array, shape (tests,)
        ``t / sqrt(t^2 + df)``, in (-1, 1).
    error : float
        ``1 / sqrt(df - 1)``, which is 1 / sqrt(people - covariates - 3).
    """
    return np.asarray(t / np.sqrt(t * t + df), dtype=np.float64), float(1 / np.sqrt(df - 1))


def jzs_bf01(t: Floats, n_effective: float, df: float, *, scale: float = JZS_SCALE) -> Floats:
    """Compute the Bayes factor for no effect against a Cauchy distributed standardised effect.

    ``BF01 = (1 + t^2/v)^(-(v+1)/2) / integral of (1 + N r^2 g)^(-1/2) (1 + t^2 / ((1 + N r^2 g) v))^(-(v+1)/2) p(g)``
    over ``g`` with ``1/g`` distributed as chi-square with one degree of freedom (Rouder 2009, 10.3758/PBR.16.2.225).

    Parameters
    ----------
    t : array, shape (tests,)
        Statistic under one error variance.
    n_effective : float
        ``N``: n for one sample, n_a n_b / (n_a + n_b) for two; n for a correlation, with
        scale 1 (10.3758/s13423-012-0295-x).
    df : float
        ``v``, degrees of freedom.
    scale : float
        Width ``r`` of the Cauchy prior; sqrt(2)/2 is the medium one.

    Returns
    -------
    bf01 : array, shape (tests,)
        Above 1: evidence for no effect; below 1: for an effect.
    """
    # 1/g = exp(2u): the integrand is smooth and falls off at both ends, where the trapezoid sum is nearly exact.
    u, step = np.linspace(-18.0, 3.5, 1076, retstep=True)
    inflation = 1 + n_effective * scale**2 * np.exp(-2 * u)
    log_weight = u - np.exp(2 * u) / 2 + np.log(2 * step / np.sqrt(2 * np.pi)) - np.log(inflation) / 2
    squared = np.asarray(t, dtype=np.float64)[:, None] ** 2
    log_alternative = special.logsumexp(
        log_weight - (df + 1) / 2 * np.log1p(squared / (inflation * df)),
        axis=1,
    )
    log_null = -(df + 1) / 2 * np.log1p(squared[:, 0] / df)
    return np.asarray(np.exp(log_null - log_alternative), dtype=np.float64)
