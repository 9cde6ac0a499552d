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
    df, n_effective = (n_a - 1, float(n_a)) if n_b is None else (n_a + n_b - 2, n_a * n_b / (n_a + n_b))
    critical = -float(special.stdtrit(df, alpha / family_size / 2))

    def shortfall(effect: float) -> float:
        shift = effect * np.sqrt(n_effective)
        # The tail on the wrong side is too small to be represented for large shifts; SciPy then returns NaN.
        opposite = np.nan_to_num(special.nctdtr(df, shift, -critical))
        return float(1 - special.nctdtr(df, shift, critical) + opposite) - power

    high = 0.5
    while shortfall(high) < 0:
        high *= 2
        if high > 1000:
            return float("inf")
    return float(optimize.brentq(shortfall, 0.0, high, xtol=1e-6))
