"""From covariate tables to the columns of a model: every person has a value, or the comparison does not start."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem

Floats = NDArray[np.float64]


def covariate_columns(
    table: pd.DataFrame | None, names: Sequence[str], people: pd.Index
) -> tuple[Floats, tuple[str, ...]]:
    """Turn named covariates into model columns.

    Numbers (also written as text) are standardised; text is dummy coded, levels sorted and the first one dropped.

    Parameters
    ----------
    table : DataFrame (participants, covariates), or None
        May hold more participants and covariates than are asked for.
    names : sequence of str
        Covariates to use.
    people : Index
        Participants, in the order of the rows to return.

    Returns
    -------
    columns : array, shape (people, k)
    notes : tuple of str
        What was dropped and why.

    Raises
    ------
    DesignError
        Covariates that are not in the table, that mix numbers and text, or that are missing for some people (all
        are listed).
    """
    columns: list[Floats] = []
    notes: list[str] = []
    for series in _complete(table, names, people):
        numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
        if np.ptp(numbers) == 0 or series.nunique() == 1:
            notes.append(f"covariate {series.name!r} dropped: the same for all {len(people)} people")
        elif np.isnan(numbers).any():
            levels = sorted(series.unique())[1:]
            columns.extend((series == level).to_numpy(dtype=np.float64) for level in levels)
        else:
            columns.append((numbers - numbers.mean()) / numbers.std())
    return _stacked(columns, len(people)), tuple(notes)


def covariate_differences(
    table_a: pd.DataFrame | None, table_b: pd.DataFrame | None, names: Sequence[str], people: pd.Index
) -> tuple[Floats, tuple[str, ...]]:
    """Turn covariates of two conditions into differences, b minus a, scaled and *not* centred.

    With columns that are not centred the effect is the one expected without any difference in the covariates. What
    is the same in both conditions for everybody (age, sex) cannot explain a difference within people and is dropped.

    Parameters
    ----------
    table_a, table_b : DataFrame (participants, covariates), or None
        Values under each condition.
    names, people
        As in :func:`covariate_columns`.

    Returns
    -------
    columns, notes
        As in :func:`covariate_columns`.

    Raises
    ------
    DesignError
        As in :func:`covariate_columns`; also when a text covariate changes between conditions.
    """
    columns: list[Floats] = []
    notes: list[str] = []
    problems: list[Problem] = []
    pairs = zip(_complete(table_a, names, people), _complete(table_b, names, people), strict=True)
    for under_a, under_b in pairs:
        if (under_a == under_b).all():
            notes.append(f"covariate {under_a.name!r} dropped: it does not differ between the conditions")
            continue
        numbers_a, numbers_b = (pd.to_numeric(series, errors="coerce") for series in (under_a, under_b))
        difference = (numbers_b - numbers_a).to_numpy(dtype=np.float64)
        if np.isnan(difference).any():
            problems.append(
                Problem(
                    f"covariate {under_a.name!r}",
                    "text that changes between conditions",
                    "numbers, or the same text in both conditions",
                    "code it as a number or leave it out",
                )
            )
            continue
        columns.append(difference / np.sqrt(np.mean(difference**2)))
    if problems:
        raise DesignError(problems)
    return _stacked(columns, len(people)), tuple(notes)


def strata_columns(strata: pd.Series | None, people: pd.Index) -> tuple[NDArray[np.intp], Floats]:
    """Give each stratum a number and an indicator column; without strata everybody is in one.

    Parameters
    ----------
    strata : Series (participants), or None
        Stratum (site) of each person.
    people : Index
        Participants, in the order of the rows to return.

    Returns
    -------
    numbers : array of int, shape (people,)
    columns : array, shape (people, strata)
        Indicators; together they hold the intercept.

    Raises
    ------
    DesignError
        When people without a stratum are compared.
    """
    if strata is None:
        return np.zeros(len(people), dtype=np.intp), np.ones((len(people), 1))
    of_people = strata.reindex(people)
    if of_people.isna().any():
        raise DesignError(
            Problem(
                "strata",
                f"no stratum for {', '.join(map(str, people[of_people.isna()]))}",
                "a stratum (site) for every person compared",
                "fill it in or exclude these people",
            )
        )
    levels, numbers = np.unique(of_people.astype(str).to_numpy(dtype=str), return_inverse=True)
    return numbers.astype(np.intp), (numbers[:, None] == np.arange(levels.size)).astype(np.float64)


def _complete(table: pd.DataFrame | None, names: Sequence[str], people: pd.Index) -> list[pd.Series]:
    """Select covariates as text, or say everything that is wrong with them."""
    known = [] if table is None else [str(column) for column in table.columns]
    problems = [
        Problem(
            f"covariate {name!r}",
            f"no such column among {', '.join(known) or 'no covariates at all'}",
            "a column of the covariate table",
            "correct the name or add the column",
        )
        for name in names
        if name not in known
    ]
    complete = []
    for name in names:
        if table is None or name not in known:
            continue
        series = table[name].reindex(people)
        absent = series.isna() | series.isin(["", "n/a", np.inf, -np.inf])
        if absent.any():
            problems.append(
                Problem(
                    f"covariate {name!r}",
                    f"no value for {', '.join(map(str, people[absent]))}",
                    "a value for every person compared",
                    "fill it in, exclude these people, or drop the covariate",
                )
            )
            continue
        text = series.astype(str)
        numeric = pd.to_numeric(text, errors="coerce").notna()
        if numeric.any() and not numeric.all():
            problems.append(
                Problem(
                    f"covariate {name!r}",
                    f"numbers together with {', '.join(sorted(set(text[~numeric])))}",
                    "all numbers or all text",
                    "use one kind, or leave the value empty where it is unknown",
                )
            )
            continue
        complete.append(text)
    if problems:
        raise DesignError(problems)
    return complete


def _stacked(columns: list[Floats], n_people: int) -> Floats:
    return np.column_stack(columns) if columns else np.empty((n_people, 0))
