"""Plain tests beside the declared ones: the same question with other assumptions, and whether an effect is too small.

Nothing here is corrected for the number of tests, and no finding rests on it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from painconn.inference.agreement import standardised_effects
from painconn.inference.effects import partial_correlation
from painconn.inference.families import Family
from painconn.inference.model import Fit, fit
from painconn.inference.results import Comparison, FamilyDesign

Floats = NDArray[np.float64]

COMPANION_COLUMNS = (
    "role", "family", "family_size", "contrast", "test", "p_parametric", "rank_test", "p_rank", "smallest_effect",
    "p_equivalence", "bca_low", "bca_high",
)  # fmt: skip
SMALLEST_EFFECTS = {"hedges_g": 0.5, "dz": 0.5, "r": 0.3}
RANK_TESTS = {"hedges_g": "Mann-Whitney", "dz": "Wilcoxon signed-rank", "r": "Spearman"}

_RESAMPLED_ROLES = ("primary", "agreement")
_COLUMNS_AT_A_TIME = 1000
# Keeps a model with covariates solvable in a resample that lacks one side of a covariate.
_LEAST_WEIGHT = 1e-6


def companion_table(
    comparison: Comparison,
    families: Sequence[Family],
    *,
    smallest_effect: float | None = None,
    n_resamples: int = 2000,
    seed: int,
) -> pd.DataFrame:
    """Compute the companions of every test that was computed.

    Parameters
    ----------
    comparison : Comparison
        What was compared; its families' designs and values are used again.
    families : sequence of Family
        The families of the comparison.
    smallest_effect : float, optional
        Smallest effect that would matter, above 0, in units of the effect size; by default 0.5 for g and dz, 0.3 for r.
    n_resamples : int
        Of the bootstrap.
    seed : int
        Of the bootstrap.

    Returns
    -------
    table : DataFrame
        A row per computed test with the columns ``COMPANION_COLUMNS``. ``p_parametric``: two-sided p of the statistic
        of the comparison table (Welch's t; with covariates its counterpart; t of the differences within people).
        ``p_rank``: Mann-Whitney, Wilcoxon signed-rank, or Spearman, *without covariates and sites*. ``p_equivalence``:
        larger p of two one-sided tests against plus and minus ``smallest_effect``; small means that an effect that
        large is ruled out. ``bca_low``, ``bca_high``: 95 % bootstrap interval of g or dz, for primary tests and those
        of another inverse.

    References
    ----------
    Two one-sided tests: 10.1007/BF01068419, 10.1177/1948550617697177. Bootstrap: 10.1080/01621459.1987.10478410.
    """
    tables = []
    for family in families:
        rows = comparison.table[(comparison.table["family"] == family.name) & (comparison.table["reason"] == "")]
        if rows.empty:
            continue
        design = comparison.designs[family.name]
        values = comparison.values[rows["test"].tolist()].to_numpy(dtype=np.float64)
        kind = design.effect_size_kind
        margin = smallest_effect or SMALLEST_EFFECTS[kind]
        observed = fit(design.model, values)
        low = high = np.full(len(rows), np.nan)
        if family.role in _RESAMPLED_ROLES and kind != "r":
            low, high = bca_interval(design, values, n_resamples=n_resamples, seed=seed)
        tables.append(
            rows[["role", "family", "family_size", "contrast", "test"]].assign(
                p_parametric=2 * special.stdtr(observed.df, -np.abs(observed.t)),
                rank_test=RANK_TESTS[kind],
                p_rank=_rank_p(design, values),
                smallest_effect=margin,
                p_equivalence=equivalence_p(design, values, observed, margin),
                bca_low=low,
                bca_high=high,
            )
        )
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return table.reindex(columns=list(COMPANION_COLUMNS))


def equivalence_p(design: FamilyDesign, values: Floats, observed: Fit, margin: float) -> Floats:
    """Test whether the effect lies inside plus and minus a margin, by two one-sided tests.

    Parameters
    ----------
    design : FamilyDesign
    values : array, shape (people, tests)
        Finite.
    observed : Fit
        Of these values.
    margin : float
        In units of the effect size; above 0.

    Returns
    -------
    p : array, shape (tests,)
        Larger of both p values. The margin is ``margin`` times the observed standard deviation; of a correlation it is
        compared on Fisher's scale.
    """
    if design.effect_size_kind == "r":
        r, error = partial_correlation(observed.pooled_t, observed.pooled_df)
        distance = np.arctanh(margin) - np.abs(np.arctanh(r))
        return np.asarray(special.ndtr(-distance / error))
    bound = margin * design.spread(values)[0]
    distance = (bound - np.abs(observed.estimate)) / observed.standard_error
    return np.asarray(special.stdtr(observed.df, -distance))


def bca_interval(design: FamilyDesign, values: Floats, *, n_resamples: int, seed: int) -> tuple[Floats, Floats]:
    """Resample people within each side and return the bias-corrected and accelerated 95 % interval of g or dz.

    Parameters
    ----------
    design : FamilyDesign
    values : array, shape (people, tests)
        Finite.
    n_resamples, seed : int

    Returns
    -------
    low, high : array, shape (tests,)
        Bootstrap percentiles at levels corrected for bias, and for skewness by leaving out one person at a time.
    """
    sides = _sides(design)
    weights = _multinomial(sides, len(values), n_resamples, np.random.default_rng(seed))
    without = _without_one(sides, len(values))
    low, high = np.empty(values.shape[1]), np.empty(values.shape[1])
    for start in range(0, values.shape[1], _COLUMNS_AT_A_TIME):
        own = slice(start, start + _COLUMNS_AT_A_TIME)
        part = values[:, own]
        observed = standardised_effects(design, part, np.ones((1, len(part))))[0]
        jackknife = standardised_effects(design, part, without)
        resampled = np.sort(standardised_effects(design, part, weights), axis=0)
        low[own], high[own] = _corrected_percentiles(observed, jackknife, resampled)
    return low, high


def _corrected_percentiles(observed: Floats, jackknife: Floats, resampled: Floats) -> tuple[Floats, Floats]:
    n_resamples = len(resampled)
    deviation = jackknife.mean(axis=0) - jackknife
    acceleration = (deviation**3).sum(axis=0) / (6 * (deviation**2).sum(axis=0) ** 1.5)
    below = np.clip((resampled < observed).mean(axis=0), 1 / n_resamples, 1 - 1 / n_resamples)
    bias = special.ndtri(below)
    bounds = []
    for z in special.ndtri([0.025, 0.975]):
        level = special.ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
        place = np.clip((level * n_resamples).astype(int), 0, n_resamples - 1)
        bounds.append(np.take_along_axis(resampled, place[None], axis=0)[0])
    return bounds[0], bounds[1]


def _sides(design: FamilyDesign) -> list[NDArray[np.intp]]:
    both = (design.people_a, design.people_b) if design.effect_size_kind == "hedges_g" else (design.people_a,)
    return [np.flatnonzero(side) for side in both]


def _multinomial(sides: list[NDArray[np.intp]], n_people: int, n_resamples: int, rng: np.random.Generator) -> Floats:
    weights = np.empty((n_resamples, n_people))
    for side in sides:
        weights[:, side] = rng.multinomial(side.size, np.full(side.size, 1 / side.size), n_resamples)
    return weights + _LEAST_WEIGHT


def _without_one(sides: list[NDArray[np.intp]], n_people: int) -> Floats:
    weights = np.ones((n_people, n_people))
    for side in sides:
        weights[np.ix_(side, side)] = side.size / (side.size - 1) * (1 - np.eye(side.size))
    return weights


def _rank_p(design: FamilyDesign, values: Floats) -> Floats:
    """Return the p of the rank test, which knows neither covariates nor sites."""
    kind = design.effect_size_kind
    if kind == "dz":
        return np.asarray(stats.wilcoxon(values, axis=0).pvalue)
    if kind == "hedges_g":
        return np.asarray(stats.mannwhitneyu(values[design.people_b], values[design.people_a], axis=0).pvalue)
    ranks = stats.rankdata(values, axis=0)
    score = stats.rankdata(np.asarray(design.score))
    rho = stats.zscore(ranks, axis=0).T @ stats.zscore(score) / len(values)
    df = len(values) - 2.0
    t = rho * np.sqrt(df / np.maximum(1 - rho**2, np.finfo(float).eps))
    return np.asarray(2 * special.stdtr(df, -np.abs(t)))
