"""How alike two tables of effects are that rest on the same people: the same tests seen through two inverses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from painconn.inference.effects import hedges_correction
from painconn.inference.results import FamilyDesign

Floats = NDArray[np.float64]
Verdict = Literal["holds", "weaker", "depends", "nothing found"]

LEVEL = 0.05
_LARGEST_CORRELATION = 1 - 1e-9


@dataclass(frozen=True)
class EffectAgreement:
    """Agreement of two sets of effects.

    Attributes
    ----------
    n_tests : int
        Tests computed in both sets.
    n_same_sign : int
        Those whose effects point the same way.
    rank_correlation : float
        Spearman's, of the effect sizes over tests, in [-1, 1]; NaN, as all that follows from it, with a single test.
    low, high : float
        95 % interval of what this number of people gives on average, when people are drawn anew.
    chance_correlation, chance_correlation_q95 : float
        Mean and 95 % quantile of the rank correlation when nothing differs: both sets see the same people, so their
        noise is alike, and this is above 0.
    chance_same_sign : float
        Mean share of tests with the same sign when nothing differs.
    n_resamples, n_rearrangements : int
        What the interval and the chance values rest on.
    """

    n_tests: int
    n_same_sign: int
    rank_correlation: float
    low: float
    high: float
    chance_correlation: float
    chance_correlation_q95: float
    chance_same_sign: float
    n_resamples: int
    n_rearrangements: int


def effect_agreement(
    design: FamilyDesign, first: Floats, second: Floats, *, n_resamples: int, seed: int
) -> EffectAgreement:
    """Measure how alike the effects of the same tests are in two sets of values of the same people.

    The interval comes from the Bayesian bootstrap (doi:10.1214/aos/1176345338): each resample weights people at random,
    within each side, by one set of weights for all tests of both sets, so that it keeps whatever they share through
    the people. Its spread on Fisher's scale is laid around the observed correlation; a percentile interval would not
    do, because resampling adds noise and with it pulls the correlation towards that of the noise. Measured coverage:
    0.91 to 0.98 with 16 to 60 people (docs/method/comparison.md).

    Parameters
    ----------
    design : FamilyDesign
        The model that both sets of tests were given.
    first, second : array, shape (people, tests)
        Finite values; column by column the same test.
    n_resamples : int
        Random weightings.
    seed : int
        Of the weightings.

    Returns
    -------
    agreement : EffectAgreement
    """
    both = np.hstack([first, second])
    arrangements = design.rearrangements[0]
    observed = standardised_effects(design, both, np.ones((1, len(both))))
    correlation = float(_rank_correlations(observed)[0])
    resampled = standardised_effects(design, both, _weights(design, n_resamples, seed))
    half_width = _reach(design) * float(_fisher_z(_rank_correlations(resampled)).std(ddof=1))
    centre = float(_fisher_z(np.array(correlation)))
    # The spread of a test hardly moves when residuals change places; only the estimates have to be made again.
    residuals = design.model.residuals(both) / design.spread(both)[0]
    by_chance = arrangements.place(design.model.effect, slice(None)) @ residuals
    chance = _rank_correlations(by_chance)
    return EffectAgreement(
        n_tests=first.shape[1],
        n_same_sign=int(_same_sign(observed).sum()),
        rank_correlation=correlation,
        low=float(np.tanh(centre - half_width)),
        high=float(np.tanh(centre + half_width)),
        chance_correlation=float(chance.mean()),
        chance_correlation_q95=float(np.quantile(chance, 0.95)),
        chance_same_sign=float(_same_sign(by_chance).mean()),
        n_resamples=n_resamples,
        n_rearrangements=len(arrangements),
    )


def standardised_effects(design: FamilyDesign, values: Floats, weights: Floats) -> Floats:
    """Compute the effect sizes of every test when people count with given weights.

    Parameters
    ----------
    design : FamilyDesign
    values : array, shape (people, tests)
        Finite.
    weights : array, shape (weightings, people)
        Positive; within each side they sum to its number of people.

    Returns
    -------
    effects : array, shape (weightings, tests)
        Hedges' g, dz within people, or the partial correlation with a score; with equal weights those of the
        comparison table.
    """
    model = design.model
    centred = values - values.mean(axis=0)
    # The intercept is in the nuisance, except within people, where the mean itself is the effect.
    values = values if design.effect_size_kind == "dz" else centred
    columns = np.column_stack([model.effect, model.nuisance_basis])
    weighted = weights[:, :, np.newaxis] * columns
    gram = np.einsum("bni,nj->bij", weighted, columns)
    moments = np.einsum("bni,nt->bit", weighted, values, optimize=True)
    solved = np.linalg.solve(gram, moments)
    estimate = solved[:, 0]
    if design.effect_size_kind == "r":
        error = weights @ values**2 - (solved * moments).sum(axis=1)
        explained = estimate**2 / np.linalg.inv(gram)[:, :1, 0]
        return np.asarray(np.sign(estimate) * np.sqrt(explained / (explained + error)))
    sides = _sides(design)
    squares = sum(_weighted_squares(centred[side], weights[:, side]) for side in sides)
    df = len(values) - float(len(sides))
    return np.asarray(hedges_correction(df) * estimate / np.sqrt(squares / df))


def _sides(design: FamilyDesign) -> tuple[NDArray[np.bool_], ...]:
    """Return who is on each side; within people everybody is on both, and counts once."""
    return (design.people_a, design.people_b) if design.effect_size_kind == "hedges_g" else (design.people_a,)


def _reach(design: FamilyDesign) -> float:
    """Return how many standard deviations of the resamples the interval reaches to either side.

    Student's t instead of the normal, and what the weights of few people vary too little by.
    """
    sizes = [int(side.sum()) for side in _sides(design)]
    smallest = min(sizes)
    return float(stats.t.ppf(0.975, sum(sizes) - len(sizes)) * np.sqrt((smallest + 1) / (smallest - 1)))


def _weighted_squares(values: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of squares around the weighted mean, shape (weightings, tests)."""
    total = weights.sum(axis=1, keepdims=True)
    mean = weights @ values / total
    return np.asarray(weights @ values**2 - total * mean**2)


def _weights(design: FamilyDesign, n_resamples: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    weights = rng.standard_exponential((n_resamples, len(design.people_a)))
    for side in _sides(design):
        weights[:, side] *= side.sum() / weights[:, side].sum(axis=1, keepdims=True)
    return weights


def _same_sign(effects: Floats) -> NDArray[np.bool_]:
    first, second = np.hsplit(effects, 2)
    return np.asarray(np.sign(first) == np.sign(second))


def _rank_correlations(effects: Floats) -> Floats:
    """Correlate the ranks of the first half of the tests with those of the second half, row by row."""
    first, second = (stats.rankdata(half, axis=1) for half in np.hsplit(effects, 2))
    first, second = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (first, second))
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1)), float
        )


def _fisher_z(correlation: Floats) -> Floats:
    return np.arctanh(np.clip(correlation, -_LARGEST_CORRELATION, _LARGEST_CORRELATION))


@dataclass(frozen=True)
class Evidence:
    """What one inverse says about one declared result.

    Attributes
    ----------
    size : float
        Effect, 0 for none; of a classifier the AUC less 0.5, of a regression R2.
    low, high : float
        95 % interval of the size.
    found : bool
        Significant, with the correction of its own family; of a classifier or a regression: better than chance.
    """

    size: float
    low: float
    high: float
    found: bool


def outcome(first: Evidence, second: Evidence) -> Verdict:
    """Say what became of one result under another inverse.

    That a p is below the level under one inverse and above it under the other is no difference between inverses: the
    sizes are compared with the interval of the finding.

    Parameters
    ----------
    first, second : Evidence
        The order does not matter.

    Returns
    -------
    outcome : {'holds', 'weaker', 'depends', 'nothing found'}
        ``holds``: found under both, in the same direction. ``weaker``: found under one, and the other has the same
        direction and reaches the interval of the finding. ``depends``: the other direction, or short of that interval.
    """
    if not (first.found or second.found):
        return "nothing found"
    if first.size * second.size <= 0:
        return "depends"
    if first.found and second.found:
        return "holds"
    finding, other = (first, second) if first.found else (second, first)
    nearest = finding.low if finding.size > 0 else -finding.high
    return "weaker" if abs(other.size) >= nearest else "depends"


def verdict(tests: Sequence[tuple[Evidence, Evidence]], classifier: tuple[Evidence, Evidence] | None) -> Verdict:
    """Say whether what was declared holds under another inverse: the least favourable outcome.

    Parameters
    ----------
    tests : sequence of (Evidence, Evidence)
        Every declared test, under the declared inverse and under the other one.
    classifier : (Evidence, Evidence) | None
        None when it was not scored under both.

    Returns
    -------
    verdict : {'holds', 'weaker', 'depends', 'nothing found'}
        Of `deciding` tests and the classifier.
    """
    outcomes = {outcome(*pair) for pair in (*deciding(tests), *([classifier] if classifier else ()))}
    order: tuple[Verdict, ...] = ("depends", "weaker", "holds")
    return next((word for word in order if word in outcomes), "nothing found")


def deciding(tests: Sequence[tuple[Evidence, Evidence]]) -> list[tuple[Evidence, Evidence]]:
    """Return the declared findings; where there is none, those of the other inverse."""
    return [pair for pair in tests if pair[0].found] or [pair for pair in tests if pair[1].found]
