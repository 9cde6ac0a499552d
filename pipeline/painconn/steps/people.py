"""Who belongs to a target: labels and covariates of people's tables, everything wrong with them at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from painconn.config.data import DataConfig, Participants
from painconn.config.phenotype import Phenotype
from painconn.config.targets import Contrast
from painconn.errors import DesignError, InputError, PainconnError, Problem
from painconn.recordings.participants import covariate_columns, label_groups, read_participants
from painconn.recordings.phenotype.labels import PhenotypeLabels, label_people
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import says_nothing

QUALITY_COVARIATES = (
    *("n_epochs_kept", "fraction_epochs_kept", "muscle_index", "drowsiness_index", "line_noise_ratio_after"),
    *("n_bad_channels", "fraction_interpolated", "components_removed"),
)
"""Covariates that come from the EEG itself (columns ``quality__...`` of the table)."""


@dataclass(frozen=True)
class TargetPeople:
    """The people of one target.

    Parameters
    ----------
    labels : Series (participants)
        ``a`` or ``b``; the score as a number for an association; within people everybody, with an empty label.
    covariates : DataFrame (participants, covariates)
        From the participants table only.
    dropped : list of dict
        People with recordings who are not in the target, and why.
    """

    labels: pd.Series
    covariates: pd.DataFrame
    dropped: list[dict[str, str]]


def people_of(data: DataConfig) -> pd.DataFrame:
    """Read the people of a study, as :func:`read_people` does."""
    return read_people(data.participants, data.phenotype, Path(data.sources[0].root))[0]


def labels_of(data: DataConfig) -> PhenotypeLabels | None:
    """Return what the phenotype rule of a study makes of its tables; None without a rule."""
    if not data.phenotype.makes_labels:
        return None
    return read_people(data.participants, data.phenotype, Path(data.sources[0].root))[1]


def read_people(
    participants: Participants, phenotype: Phenotype, root: Path
) -> tuple[pd.DataFrame, PhenotypeLabels | None]:
    """Read the tables about people and apply the phenotype rule.

    Parameters
    ----------
    participants, phenotype : Participants, Phenotype
        Sections of the study.
    root : Path
        The first source's root, which relative paths start from.

    Returns
    -------
    people : DataFrame
        Text, indexed by participant: the participants table, the columns of further tables that hold one value per
        person, and the label of the rule as ``phenotype``.
    labels : PhenotypeLabels or None
        What the rule made; None when every contrast names its own column.

    Raises
    ------
    InputError
        With every problem of the tables at once.
    """
    return label_people(read_participants(participants, root), participants, phenotype, root)


def covariates_of(contrast: Contrast, names: Sequence[str]) -> list[str]:
    """Return the covariates that can differ inside a contrast: within people only those of the EEG do."""
    return [name for name in names if contrast.among_people or name in QUALITY_COVARIATES]


def target_people(
    people: pd.DataFrame,
    present: Collection[str],
    contrast: Contrast,
    *,
    covariates: Sequence[str],
    minimum_per_group: int,
    where: str,
) -> TargetPeople:
    """Choose the people of one target among those who have observations.

    Parameters
    ----------
    people : DataFrame
        Participants table, text, indexed by participant.
    present : collection of str
        Participants with usable observations.
    contrast : Contrast
        What is compared.
    covariates : sequence of str
        Columns of the table, or names in ``QUALITY_COVARIATES`` (taken from the EEG later).
    minimum_per_group : int
        Smallest group that is analysed.
    where : str
        Field of the study file, for messages.

    Returns
    -------
    chosen : TargetPeople

    Raises
    ------
    InputError, DesignError
        With every problem at once: unknown labels, people without a row, missing covariates, groups too small.
    """
    problems: list[Problem] = []
    dropped = [
        {"participant": person, "reason": "has recordings but no row in the participants table"}
        for person in sorted(set(present) - set(people.index))
    ]
    mine = people.loc[people.index.isin(set(present))]
    labels = pd.Series("", index=mine.index, dtype=object)
    tabled = [name for name in covariates if name not in QUALITY_COVARIATES]
    if contrast.kind == "between":
        try:
            labels = label_groups(mine, str(contrast.column), (str(contrast.a), str(contrast.b))).labels
        except PainconnError as error:
            problems.extend(error.problems)
            labels = labels.iloc[:0]
        outside = sorted(set(mine.index) - set(labels.index))
        dropped += [
            {"participant": person, "reason": f"{contrast.column} is neither {contrast.a} nor {contrast.b}"}
            for person in outside
        ]
    elif contrast.kind == "association":
        labels, unusable = _scores(mine, str(contrast.column), where)
        problems.extend(unusable)
        dropped += [
            {"participant": person, "reason": f"no value of {contrast.column}"}
            for person in sorted(set(mine.index) - set(labels.index))
        ]
    values = pd.DataFrame(index=labels.index)
    if tabled:
        try:
            values = covariate_columns(mine.loc[labels.index] if len(labels) else mine, tabled)
        except PainconnError as error:
            problems.extend(error.problems)
        else:
            problems.extend(_missing_values(values, where))
    if problems:
        raise InputError(problems)
    _require_enough(labels, contrast, minimum_per_group, where)
    return TargetPeople(labels, values, dropped)


def _scores(people: pd.DataFrame, column: str, where: str) -> tuple[pd.Series, list[Problem]]:
    """Return the scores of those who have one, and what is wrong with the column."""
    where = f"{where}.contrast.column"
    if column not in people.columns:
        known = ", ".join(map(str, people.columns))
        found, fix = f"no column {column} among {known}", "correct the name or add the column"
        return pd.Series(dtype=object), [Problem(where, found, "a column of the participants table", fix)]
    given = {str(person): cell for person, cell in people[column].items() if not says_nothing(cell)}
    numbers = {person: parse_number(str(cell)) for person, cell in given.items()}
    scores = pd.Series({person: number for person, number in numbers.items() if number is not None}, dtype=object)
    if len(scores) < len(numbers):
        found = f"{column} is no number for {', '.join(person for person in numbers if person not in scores.index)}"
        fix = "correct these cells, or leave them empty where the score is unknown"
        return scores, [Problem(where, found, "a number per person", fix)]
    return scores, []


def _missing_values(values: pd.DataFrame, where: str) -> list[Problem]:
    fix = "complete the table, exclude these people (data.participants.exclude), or leave the covariate out"
    return [
        Problem(
            f"{where}, covariate {name}", f"no value for {', '.join(values.index[values[name].isna()])}", "a value", fix
        )
        for name in values.columns
        if values[name].isna().any()
    ]


def _require_enough(labels: pd.Series, contrast: Contrast, minimum: int, where: str) -> None:
    everybody = "people with a score" if contrast.kind == "association" else "people with both observations"
    counts: dict[Any, int] = (
        {contrast.a: int((labels == contrast.a).sum()), contrast.b: int((labels == contrast.b).sum())}
        if contrast.kind == "between"
        else {everybody: len(labels)}
    )
    problems = [
        Problem(
            where,
            f"{count} in {name}",
            f"at least {minimum} (data.minimum_per_group)",
            "add people, or lower the minimum knowingly",
        )
        for name, count in counts.items()
        if count < minimum
    ]
    if problems:
        raise DesignError(problems)
