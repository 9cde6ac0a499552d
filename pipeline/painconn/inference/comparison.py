"""Comparison of two groups of people, or of two conditions within people: one row per declared test."""

from collections.abc import Sequence
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem
from painconn.inference.covariates import covariate_columns, covariate_differences, strata_columns
from painconn.inference.families import Family
from painconn.inference.model import linear_model
from painconn.inference.rearrangements import Rearrangements, permutations, sign_flips
from painconn.inference.results import Comparison, FamilyDesign, compared
from painconn.provenance import seed_for

Errors = Literal["either", "exchangeable", "symmetric"]
Table = TypeVar("Table", pd.DataFrame, pd.Series)


def compare_between(
    features: pd.DataFrame,
    labels: pd.Series,
    *,
    a: str,
    b: str,
    families: Sequence[Family],
    covariates: pd.DataFrame | None = None,
    strata: pd.Series | None = None,
    n_permutations: int,
    seed: int,
    errors: Errors = "either",
) -> Comparison:
    """Compare two groups of people.

    The statistic is Welch's t, or with covariates its counterpart with one error variance per group; p values rank
    its normal score under Freedman-Lane rearrangement of the residuals. Permutation within strata needs exchangeable
    errors (any distribution, equal variances); sign flipping needs symmetric errors (variances may differ). By
    default the larger of the two p values is reported, which is valid when *either* holds.

    Parameters
    ----------
    features : DataFrame (participants, tests)
        Values; the order of the rows does not matter.
    labels : Series (participants)
        Group of each person; people with neither label ``a`` nor ``b`` are left out and counted in the notes.
    a, b : str
        The groups; estimates are b minus a.
    families : sequence of Family
        Declared tests and their covariates.
    covariates : DataFrame (participants, covariates), optional
        Numbers are standardised, text is dummy coded.
    strata : Series (participants), optional
        Stratum (site): its means enter the model, and permutations stay inside it.
    n_permutations : int
        Rearrangements of each kind; fewer distinct ones are listed completely.
    seed : int
        Seed of the rearrangements.
    errors : {"either", "exchangeable", "symmetric"}
        What the p values assume about the errors.

    Returns
    -------
    comparison : Comparison
        Effect size: Hedges g (adjusted difference over the pooled standard deviation within groups); interval:
        noncentral t with the statistic's own degrees of freedom.

    Raises
    ------
    DesignError
        Too few people, doubled participants, missing covariates, or covariates that determine the group.

    References
    ----------
    Freedman-Lane and sign flipping: 10.1016/j.neuroimage.2014.01.060; studentised permutation under unequal
    variances: 10.1016/S0167-7152(97)00043-6, 10.1080/01621459.2016.1202117; Hedges g: 10.3102/10769986006002107.
    """
    values = by_participant(features, "features")
    groups = by_participant(labels, "labels").reindex(values.index)
    compared_people = groups.isin([a, b])
    values, groups = values[compared_people], groups[compared_people]
    require_people(f"{b} - {a}", {name: int((groups == name).sum()) for name in (a, b)})
    in_b = (groups == b).to_numpy()
    left_out = int((~compared_people).sum())
    table = None if covariates is None else by_participant(covariates, "covariates")
    sites = None if strata is None else by_participant(strata, "strata")
    stratum, blocks = strata_columns(sites, values.index)

    def design(family: Family) -> FamilyDesign:
        columns, notes = covariate_columns(table, family.covariates, values.index)
        model = linear_model(
            in_b.astype(np.float64),
            np.column_stack([blocks, columns]),
            np.array([~in_b, in_b], dtype=np.float64),
            where=f"{b} - {a}, family {family.name!r}",
        )
        interchangeable = in_b if columns.shape[1] == 0 else None
        sets = rearrangement_sets(stratum, errors, n_permutations=n_permutations, seed=seed, labels=interchangeable)
        return FamilyDesign(model, sets, ~in_b, in_b, "hedges_g", notes)

    notes = (f"{left_out} people have neither label {a!r} nor {b!r} and are left out",) if left_out else ()
    return compared(values, families, f"{b} - {a}", design, notes)


def compare_within(
    features_a: pd.DataFrame,
    features_b: pd.DataFrame,
    *,
    a: str,
    b: str,
    families: Sequence[Family],
    covariates_a: pd.DataFrame | None = None,
    covariates_b: pd.DataFrame | None = None,
    n_permutations: int,
    seed: int,
) -> Comparison:
    """Compare two conditions within people.

    The statistic is the t of the mean difference b minus a, expected without a difference in the covariates;
    p values rank it when the signs of the residuals of the covariates are flipped per person.

    Parameters
    ----------
    features_a, features_b : DataFrame (participants, tests)
        Values under each condition, for the same participants.
    a, b : str
        Names of the conditions; estimates are b minus a.
    families : sequence of Family
        Declared tests and their covariates.
    covariates_a, covariates_b : DataFrame (participants, covariates), optional
        Covariates under each condition (muscle index, epochs kept); only their differences enter.
    n_permutations : int
        Sign flips; when ``2 ** people`` is not larger, all are listed.
    seed : int
        Seed of the sign flips.

    Returns
    -------
    comparison : Comparison
        Effect size: dz with the small-sample correction (column ``hedges_g``, ``effect_size_kind`` ``"dz"``);
        ``n_a`` and ``n_b`` both count the pairs.

    Raises
    ------
    DesignError
        Too few people, people without a pair, missing covariates, or covariates that determine the difference.

    References
    ----------
    10.1016/j.neuroimage.2014.01.060
    """
    first, second = by_participant(features_a, "features under a"), by_participant(features_b, "features under b")
    unpaired = sorted(first.index.symmetric_difference(second.index))
    if unpaired:
        raise DesignError(
            Problem(
                f"{b} - {a}",
                f"only one of the two conditions for {', '.join(unpaired)}",
                "both conditions for every person compared",
                "leave these people out of this comparison",
            )
        )
    require_people(f"{b} - {a}", {"people with both conditions": len(first)})
    shared = [test for test in second.columns if test in first.columns]
    differences = second[shared] - first[shared]
    under_a, under_b = (
        None if covariates is None else by_participant(covariates, "covariates")
        for covariates in (covariates_a, covariates_b)
    )
    everybody = np.ones(len(differences), dtype=bool)

    def design(family: Family) -> FamilyDesign:
        columns, notes = covariate_differences(under_a, under_b, family.covariates, differences.index)
        model = linear_model(
            np.ones(len(differences)),
            columns,
            np.ones((1, len(differences))),
            where=f"{b} - {a}, family {family.name!r}",
        )
        flips = sign_flips(len(differences), n_permutations=n_permutations, seed=seed_for(seed, "sign flips"))
        return FamilyDesign(model, (flips,), everybody, everybody, "dz", notes)

    return compared(differences, families, f"{b} - {a}", design, ())


def rearrangement_sets(
    strata: NDArray[np.intp],
    errors: Errors,
    *,
    n_permutations: int,
    seed: int,
    labels: NDArray[np.bool_] | None = None,
) -> tuple[Rearrangements, ...]:
    """Return what is rearranged under an assumption on the errors: permutations within strata, sign flips, or both."""
    sets = []
    if errors != "symmetric":
        sets.append(
            permutations(strata, n_permutations=n_permutations, seed=seed_for(seed, "permutations"), labels=labels)
        )
    if errors != "exchangeable":
        sets.append(sign_flips(len(strata), n_permutations=n_permutations, seed=seed_for(seed, "sign flips")))
    return tuple(sets)


def by_participant(table: Table, what: str) -> Table:
    """Sort a table of one row per person by participant label, as text.

    Raises
    ------
    DesignError
        When somebody has several rows.
    """
    named = table.set_axis(table.index.map(str), axis=0)
    doubled = sorted(set(named.index[named.index.duplicated()]))
    if doubled:
        raise DesignError(
            Problem(
                what, f"more than one row for {', '.join(doubled)}", "one row per person", "average or select first"
            )
        )
    return named.sort_index()


def require_people(contrast: str, counts: dict[str, int], *, at_least: int = 2) -> None:
    """Refuse a comparison with fewer people than it takes.

    Raises
    ------
    DesignError
        With every count that is too small.
    """
    problems = [
        Problem(
            contrast, f"{count} in {name!r}", f"at least {at_least} people", "add people or choose another comparison"
        )
        for name, count in counts.items()
        if count < at_least
    ]
    if problems:
        raise DesignError(problems)
