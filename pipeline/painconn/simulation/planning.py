r"""How many people: from the effect that a pool of simulated people shows to power, with its two kinds of error.

Conventions of this file: an *effect* is a standardised mean difference, in standard deviations of what is measured;
``m`` is what the square of a test's noncentrality grows with: :math:`n_a n_b / (n_a + n_b)` for two groups, ``n`` for
pairs. Power is :math:`\Phi(\beta \, \delta \sqrt{m} - c)`: ``c`` is how far a test must stand out of its family, and
:math:`\beta` is 1 for normal values in large samples. Both are fitted to what a study's own test found in drawn
studies.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Kind = Literal["between", "within"]

_SLOPE = (1.0, 0.2)
_CRITICAL_SD = 1.0
_LEVEL = 0.95
_NEWTON_STEPS = 50
_NEWTON_TOLERANCE = 1e-10


@dataclass(frozen=True)
class SeenEffect:
    """An effect as a pool of people shows it.

    Attributes
    ----------
    value : float
    draws : array, shape (n_draws,)
        Its values in resampled pools: how much it hangs on who was simulated.
    """

    value: float
    draws: Array

    def __neg__(self) -> "SeenEffect":
        return SeenEffect(-self.value, -self.draws)

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval over resampled pools."""
        return percentile_interval(self.draws)


@dataclass(frozen=True)
class PowerCurve:
    """Power of one planted effect by number of people.

    Attributes
    ----------
    effect : SeenEffect
    slope, critical : float
        ``beta`` and ``c``.
    draws : array, shape (n_draws, 2)
        Slope and critical value within the error of the drawn studies, to go with the draws of the effect.
    """

    effect: SeenEffect
    slope: float
    critical: float
    draws: Array

    def power(self, m: float) -> tuple[float, float, float]:
        """Return power at `m`, and the ends of its 95 % interval, over people and drawn studies together."""
        value = float(special.ndtr(self.slope * self.effect.value * np.sqrt(m) - self.critical))
        drawn = special.ndtr(self.draws[:, 0] * self.effect.draws * np.sqrt(m) - self.draws[:, 1])
        return value, *percentile_interval(drawn)

    def needed_m(self, power: float) -> tuple[float, float, float]:
        """Return the `m` at which the power is reached, and the ends of its interval; infinity when it never is."""
        score = float(special.ndtri(power))
        value = _needed(self.slope * self.effect.value, score + self.critical)
        drawn = _needed(self.draws[:, 0] * self.effect.draws, score + self.draws[:, 1])
        return float(value), *percentile_interval(drawn)

    def needed_effect(self, m: float, power: float) -> tuple[float, Array]:
        """Return the effect as measured that has this power at `m`, and its draws."""
        score = float(special.ndtri(power))
        drawn = (score + self.draws[:, 1]) / (self.draws[:, 0] * np.sqrt(m))
        return (score + self.critical) / (self.slope * np.sqrt(m)), drawn


def percentile_interval(draws: Array) -> tuple[float, float]:
    """Return the middle 95 % of draws; infinite ones count as large."""
    tail = 100 * (1 - _LEVEL) / 2
    low, high = np.percentile(draws, [tail, 100 - tail], method="nearest")
    return float(low), float(high)


def _needed(signal: ArrayLike, distance: ArrayLike) -> Array:
    signal, distance = np.broadcast_arrays(np.asarray(signal, float), np.asarray(distance, float))
    m = np.full(signal.shape, np.inf)
    reachable = signal > 0
    m[reachable] = np.square(np.maximum(distance[reachable], 0.0) / signal[reachable])
    return m


def people_for(m: float, kind: Kind) -> float:
    """Return the people per group (or pairs) that give `m`, a whole number; infinity stays."""
    return float(np.ceil((2 * m if kind == "between" else m) - 1e-9))


def m_of(n: float, kind: Kind) -> float:
    """Return `m` of `n` people per group, or of `n` pairs."""
    return n / 2 if kind == "between" else float(n)


def seen_effect(first: Array, second: Array, unmoved: Array, resampled: NDArray[np.intp], *, kind: Kind) -> SeenEffect:
    r"""Measure the effect of `second` against `first` in a pool of people.

    :math:`\overline{y_2 - y_0} / s`, with :math:`s^2 = (s_1^2 + s_2^2) / 2` between people and the variance of
    :math:`y_2 - y_1` within people. Every person of a pool is measured with (:math:`y_2`) and without (:math:`y_0`) the
    effect, all else equal, so that what people or observations differ in by chance is not taken for an effect.

    Parameters
    ----------
    first : array, shape (people,)
        The reference: the group of reference, or the observation of reference.
    second, unmoved : array, shape (people,)
        What is compared with it, with and without the effect; between people `unmoved` is `first`.
    resampled : array of int, shape (n_draws, people)
        Pools of the same size, drawn with replacement.
    kind : {"between", "within"}
        What is tested.

    Returns
    -------
    effect : SeenEffect
    """
    pools = np.concatenate([np.arange(len(first))[None], resampled])
    one, two = first[pools], second[pools]
    moved = (two - unmoved[pools]).mean(axis=1)
    if kind == "within":
        spread = (two - one).std(axis=1, ddof=1)
    else:
        spread = np.sqrt((one.var(axis=1, ddof=1) + two.var(axis=1, ddof=1)) / 2)
    values = np.divide(moved, spread, out=np.zeros_like(moved), where=spread > 0)
    return SeenEffect(float(values[0]), values[1:])


def fit_curves(
    effects: list[SeenEffect],
    m: Array,
    found: NDArray[np.intp],
    n_drawn: NDArray[np.intp],
    *,
    family_size: int,
    alpha: float,
    rng: np.random.Generator,
) -> list[PowerCurve]:
    r"""Fit the power curves of one test to what was found in drawn studies, over all effects and numbers of people.

    A probit regression on :math:`\delta \sqrt{m}` with a weak prior (slope :math:`1 \pm 0.2`; critical value that of
    Bonferroni :math:`\pm 1`), so that a test that is always or never found still has a curve. The errors of the fit are
    those of its normal approximation.

    Parameters
    ----------
    effects : list of SeenEffect
        One per size of the true effect; their draws are of the same resampled pools.
    m : array, shape (n_sizes,)
        Numbers of people.
    found, n_drawn : array of int, shape (n_effects, n_sizes)
        Studies in which the test was significant, of how many.
    family_size : int
        Tests in the family.
    alpha : float
        Family-wise level.
    rng : numpy.random.Generator
        For the draws of slope and critical value.

    Returns
    -------
    curves : list of PowerCurve
    """
    start = np.array([_SLOPE[0], -special.ndtri(alpha / family_size / 2)])
    precision = np.diag([1 / _SLOPE[1] ** 2, 1 / _CRITICAL_SD**2])
    signal = (np.array([effect.value for effect in effects])[:, None] * np.sqrt(m)).ravel()
    columns = np.column_stack([signal, -np.ones_like(signal)])
    hits, misses = found.ravel().astype(float), (n_drawn - found).ravel().astype(float)
    fitted, covariance = _probit(columns, hits, misses, start, precision)
    draws = rng.multivariate_normal(fitted, covariance, size=len(effects[0].draws))
    draws[:, 0] = np.maximum(draws[:, 0], 0.0)
    return [PowerCurve(effect, float(fitted[0]), float(fitted[1]), draws) for effect in effects]


def _probit(columns: Array, hits: Array, misses: Array, prior: Array, precision: Array) -> tuple[Array, Array]:
    """Return the mode and the covariance of the coefficients, by Fisher scoring with shortened steps."""

    def log_posterior(coefficients: Array) -> float:
        z, off = columns @ coefficients, coefficients - prior
        return float(hits @ special.log_ndtr(z) + misses @ special.log_ndtr(-z) - off @ precision @ off / 2)

    fitted, information = prior.copy(), precision
    for _ in range(_NEWTON_STEPS):
        z = columns @ fitted
        log_density = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
        rate_hit, rate_miss = np.exp(log_density - special.log_ndtr(z)), np.exp(log_density - special.log_ndtr(-z))
        score = columns.T @ (hits * rate_hit - misses * rate_miss) - precision @ (fitted - prior)
        information = (columns * ((hits + misses) * rate_hit * rate_miss)[:, None]).T @ columns + precision
        step = np.linalg.solve(information, score)
        while np.abs(step).max() >= _NEWTON_TOLERANCE and log_posterior(fitted + step) < log_posterior(fitted):
            step = step / 2
        fitted = fitted + step
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    return fitted, np.asarray(np.linalg.inv(information), float)


def detectable(true_effects: Array, seen: list[SeenEffect], needed: tuple[float, Array]) -> tuple[float, float, float]:
    """Return the true effect whose measured effect is the one needed, and the ends of its interval.

    Between the true effects that were simulated (and 0) the measured effect is interpolated; above the largest one
    nothing is known, and the answer is infinity.

    Parameters
    ----------
    true_effects : array, shape (n_effects,)
        Ascending, above 0.
    seen : list of SeenEffect
        As measured, one for each.
    needed : (float, array)
        From :meth:`PowerCurve.needed_effect`.

    Returns
    -------
    effect, low, high : float
    """
    steps = np.concatenate([[0.0], true_effects])

    def invert(measured: Array, wanted: float) -> float:
        reached = np.maximum.accumulate(np.concatenate([[0.0], measured]))
        if wanted > reached[-1]:
            return float("inf")
        place = int(np.searchsorted(reached, wanted))
        if place == 0:
            return 0.0
        share = (wanted - reached[place - 1]) / (reached[place] - reached[place - 1])
        return float(steps[place - 1] + share * (steps[place] - steps[place - 1]))

    value = invert(np.array([one.value for one in seen]), needed[0])
    drawn = np.column_stack([one.draws for one in seen])
    inverted = np.array([invert(row, wanted) for row, wanted in zip(drawn, needed[1], strict=True)])
    return value, *percentile_interval(inverted)
