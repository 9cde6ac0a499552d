"""Association of values with a continuous score of people: partial correlation, one row per declared test."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from painconn.errors import DesignError, Problem
from painconn.inference.comparison import Errors, by_participant, rearrangement_sets, require_people
from painconn.inference.covariates import covariate_columns, strata_columns
from painconn.inference.families import Family
from painconn.inference.model import linear_model
from painconn.inference.results import Comparison, FamilyDesign, compared

# Below this the interval of a correlation has no degree of freedom left.
_FEWEST = 5


def correlate(
    features: pd.DataFrame,
    scores: pd.Series,
    *,
    score: str,
    families: Sequence[Family],
    covariates: pd.DataFrame | None = None,
    strata: pd.Series | None = None,
    n_permutations: int,
    seed: int,
    errors: Errors = "either",
) -> Comparison:
    """Correlate values with a score of people.

    The statistic is the t of the score's slope in a linear model with the covariates; p values rank it under
    rearrangement of the residuals of the covariates, permuted within strata and with flipped signs as in
    :func:`compare_between`.

    Parameters
    ----------
    features, families, covariates, strata, n_permutations, seed, errors
        As for :func:`painconn.inference.comparison.compare_between`.
    scores : Series (participants)
        A number per person; people without one are left out and counted in the notes.
    score : str
        Name of the score.

    Returns
    -------
    comparison : Comparison
        ``estimate`` is the slope per unit of the score; the effect size (column ``hedges_g``, ``effect_size_kind``
        ``"r"``) the partial correlation, its interval Fisher's with n - covariates - 3; ``n_a`` and ``n_b`` both count
        the people.

    Raises
    ------
    DesignError
        Too few people, doubled participants, scores that are the same for all, or covariates that determine them.

    References
    ----------
    10.1016/j.neuroimage.2014.01.060; Bayes factor: 10.3758/s13423-012-0295-x.
    """
    contrast = f"association with {score}"
    values = by_participant(features, "features")
    numbers = pd.to_numeric(by_participant(scores, "scores").reindex(values.index), errors="coerce")
    scored = np.isfinite(numbers.to_numpy(dtype=np.float64))
    left_out = int((~scored).sum())
    values, given = values[scored], numbers[scored].to_numpy(dtype=np.float64)
    require_people(contrast, {f"people with {score}": len(values)}, at_least=_FEWEST)
    if np.ptp(given) == 0:
        raise DesignError(
            Problem(contrast, f"{score} is {given[0]:g} for everybody", "a score that varies", "choose another column")
        )
    table = None if covariates is None else by_participant(covariates, "covariates")
    sites = None if strata is None else by_participant(strata, "strata")
    stratum, blocks = strata_columns(sites, values.index)
    everybody = np.ones(len(values), dtype=bool)

    def design(family: Family) -> FamilyDesign:
        columns, notes = covariate_columns(table, family.covariates, values.index)
        model = linear_model(
            given - given.mean(),
            np.column_stack([blocks, columns]),
            np.ones((1, len(values))),
            where=f"{contrast}, family {family.name!r}",
        )
        sets = rearrangement_sets(stratum, errors, n_permutations=n_permutations, seed=seed)
        return FamilyDesign(model, sets, everybody, everybody, "r", notes, score=given)

    notes = (f"{left_out} people have no {score} and are left out",) if left_out else ()
    return compared(values, families, contrast, design, notes)
