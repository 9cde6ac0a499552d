"""What a study of this size can and cannot see."""

import numpy as np
from scipy import optimize, special


def minimum_detectable_effect(
    n_a: int, n_b: int | None, family_size: int, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the standardised difference that a two-sided t test finds with the given power.

    The level is ``alpha / family_size`` (Bonferroni), which a maximum-statistic correction never falls behind by much
    and usually beats: the value is an upper bound for correlated tests.

    Parameters
    ----------
    n_a : int
        People in group a; pairs when ``n_b`` is None.
    n_b : int or None
        People in group b; None for paired differences (the effect is then dz).
    family_size : int
        Number of declared tests.
    power, alpha : float
        Probability of finding the effect, and the family-wise level, both in (0, 1).

    Returns
    -------
    effect : float
        Cohen's d (two groups) or dz (paired) above 0; infinity when not even an effect of 1,000 would be found.
    """
    df, n_effective = _size(n_a, n_b)
    return _smallest(df, n_effective, alpha / family_size, power)


def minimum_detectable_correlation(
    n_people: int, family_size: int, *, n_covariates: int = 0, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the partial correlation that a two-sided t test finds with the given power.

    Parameters
    ----------
    n_people, family_size, n_covariates : int
        People, declared tests, and columns of the model besides the intercept and the score.
    power, alpha : float
        As in :func:`minimum_detectable_effect`.

    Returns
    -------
    r : float
        In (0, 1].
    """
    slope = _smallest(n_people - 2 - n_covariates, float(n_people), alpha / family_size, power)
    return 1.0 if np.isinf(slope) else float(slope / np.sqrt(1 + slope**2))


def power_of(effect: float, n_a: int, n_b: int | None, family_size: int, *, alpha: float = 0.05) -> float:
    """Return the probability that a two-sided t test finds an effect.

    Parameters
    ----------
    effect : float
        Cohen's d (two groups) or dz (``n_b`` None), 0 or larger.
    n_a, n_b, family_size, alpha
        As in :func:`minimum_detectable_effect`.

    Returns
    -------
    power : float
        In (0, 1), the level itself when there is no effect.
    """
    df, n_effective = _size(n_a, n_b)
    return _power(effect * np.sqrt(n_effective), df, alpha / family_size)


def effect_behind(effect: float, reliability: float) -> float:
    """Return the true effect whose observed size is ``effect``: ``effect / sqrt(reliability)``.

    Errors of measurement add to the spread that an effect is divided by (Spearman 1904, 10.2307/1412159).

    Parameters
    ----------
    effect : float
        Observed standardised effect.
    reliability : float
        Share of the variance over people that is not error, in (0, 1].

    Returns
    -------
    effect : float
        Infinity when the reliability is 0 or less: nothing can be seen through pure error.
    """
    return float(effect / np.sqrt(reliability)) if reliability > 0 else float("inf")


def _size(n_a: int, n_b: int | None) -> tuple[int, float]:
    return (n_a - 1, float(n_a)) if n_b is None else (n_a + n_b - 2, n_a * n_b / (n_a + n_b))


def _power(shift: float, df: int, level: float) -> float:
    critical = -float(special.stdtrit(df, level / 2))
    # The tail on the wrong side is too small to be represented for large shifts; SciPy then returns NaN.
    opposite = np.nan_to_num(special.nctdtr(df, shift, -critical))
    return float(1 - special.nctdtr(df, shift, critical) + opposite)


def _smallest(df: int, n_effective: float, level: float, power: float) -> float:
    def shortfall(effect: float) -> float:
        return _power(effect * np.sqrt(n_effective), df, level) - power

    high = 0.5
    while shortfall(high) < 0:
        high *= 2
        if high > 1000:
            return float("inf")
    return float(optimize.brentq(shortfall, 0.0, high, xtol=1e-6))
