"""The participants table: labels and covariates, all text until a column is asked for as numbers or groups."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from painconn.config.data import Participants
from painconn.errors import InputError, Problem
from painconn.recordings.pattern import LABEL
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import MISSING, TableError, TextTable, read_text_table

_NOT_A_NUMBER = frozenset({"nan", "na", "none", "null", "."})
_MOST_CATEGORIES = 6


@dataclass(frozen=True)
class GroupLabels:
    """Who is in which group of a contrast.

    Parameters
    ----------
    labels : Series of str
        Group by participant, only participants in one of the two groups.
    others : dict
        Count by value of participants in neither group.
    missing : tuple of str
        Participants without a value.
    """

    labels: "pd.Series[str]"
    others: dict[str, int]
    missing: tuple[str, ...]


def read_participants(participants: Participants, root: Path) -> pd.DataFrame:
    """Read the participants table.

    Parameters
    ----------
    participants : Participants
        Table, identifier column and prefix, and who is left out.
    root : Path
        Folder that the table is relative to.

    Returns
    -------
    table : DataFrame
        Index ``participant`` (label without ``sub-`` and without the prefix), sorted; every cell is text, or None where
        the table says ``n/a`` or nothing.

    Raises
    ------
    InputError
        The table cannot be read, has no such column, a label is not letters and digits, or a participant stands twice.
    """
    try:
        text = read_text_table(root / participants.table, name=participants.table.as_posix())
    except TableError as fault:
        raise InputError(fault.problems) from fault
    if participants.id_column not in text.columns:
        raise InputError(_no_column(text.name, participants.id_column, text.columns, "data.participants.id_column"))
    labels = [_label(row[participants.id_column], participants.id_prefix) for row in text.rows]
    problems = list(_label_problems(labels, text, participants))
    if problems:
        raise InputError(problems)
    cells = [
        {column: _cell(row[column]) for column in text.columns if column != participants.id_column} for row in text.rows
    ]
    columns = [column for column in text.columns if column != participants.id_column]
    table = pd.DataFrame(cells, index=pd.Index(labels, name="participant", dtype=object), columns=columns, dtype=object)
    return table.loc[~table.index.isin(participants.exclude)].sort_index()


def label_groups(table: pd.DataFrame, column: str, allowed: tuple[str, str]) -> GroupLabels:
    """Sort participants into the two groups of a contrast.

    A value that differs from a group only in case, spaces or punctuation (``Widespread ``) is an error; any other value
    means that the participant is in neither group.

    Raises
    ------
    InputError
        No such column, a near miss, or a group without anybody.
    """
    if column not in table.columns:
        raise InputError(_no_column("participants table", column, table.columns, "column of the contrast"))
    values: dict[str, str | None] = {str(participant): value for participant, value in table[column].items()}
    wanted = {_folded(group): group for group in allowed}
    where = f"participants table column {column}"
    problems = [
        Problem(
            f"{where}, participant {participant}",
            repr(value),
            " or ".join(allowed),
            f"write it {wanted[_folded(value)]!r}",
        )
        for participant, value in values.items()
        if value is not None and value not in allowed and _folded(value) in wanted
    ]
    counts = Counter(value for value in values.values() if value is not None)
    shown = ", ".join(f"{value} ({count})" for value, count in counts.most_common(12)) or "no value at all"
    problems += [
        Problem(where, shown, f"somebody in group {group}", "correct a and b of the contrast, or the table")
        for group in allowed
        if group not in counts and not problems
    ]
    if problems:
        raise InputError(problems)
    members = {participant: value for participant, value in values.items() if value in allowed}
    return GroupLabels(
        labels=pd.Series(members, name=column, dtype=object).rename_axis("participant"),
        others={value: count for value, count in counts.items() if value not in allowed},
        missing=tuple(participant for participant, value in values.items() if value is None),
    )


def covariate_columns(table: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Turn columns of the participants table into numbers.

    A column of numbers stays one column. A column of two texts becomes 0 (first in the alphabet) and 1. A column of
    three to six texts becomes one 0/1 column per text except the first, named ``column__text``.

    Returns
    -------
    covariates : DataFrame of float
        NaN where a value is missing.

    Raises
    ------
    InputError
        No such column, numbers mixed with text, spellings that differ only in case, or too many texts; all at once.
    """
    problems: list[Problem] = []
    columns: dict[str, list[float]] = {}
    for name in names:
        if name not in table.columns:
            problems.append(_no_column("participants table", name, table.columns, "data.covariates"))
            continue
        cells = {str(participant): value for participant, value in table[name].items()}
        values = {participant: value for participant, value in cells.items() if not _is_missing(value)}
        numbers = {participant: parse_number(str(value)) for participant, value in values.items()}
        texts = {
            str(participant): str(values[participant]) for participant, number in numbers.items() if number is None
        }
        if texts:
            # Beside other texts "none" is a category (no drug, no diagnosis); beside numbers it is a gap.
            named = {participant: str(value) for participant, value in cells.items() if _says_none(value)}
            texts |= named
            values |= named
        if not texts:
            columns[name] = [_or_nan(numbers.get(participant)) for participant in table.index]
            continue
        faults = list(_category_problems(name, texts, len(values)))
        problems += faults
        if not faults:
            columns |= _indicators(name, [texts.get(participant) for participant in table.index])
    if problems:
        raise InputError(problems)
    return pd.DataFrame(columns, index=table.index, dtype=float)


def _label(cell: str, prefix: str) -> str:
    label = cell.strip().removeprefix("sub-")
    return label.removeprefix(prefix)


def _label_problems(labels: list[str], text: TextTable, participants: Participants) -> Iterable[Problem]:
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
        if not LABEL.fullmatch(label):
            cell = text.rows[row][participants.id_column]
            fix = "rename the participant, or set data.participants.id_prefix"
            yield Problem(text.where(row, participants.id_column), repr(cell), "letters and digits only", fix)
    for label, places in rows.items():
        if len(places) > 1:
            found = f"participant {label} in rows {', '.join(str(place + 2) for place in places)}"
            yield Problem(text.name, found, "each participant once", "remove or rename the others")


def _cell(cell: str) -> str | None:
    return None if cell.strip() in MISSING else cell


def _is_missing(value: object) -> bool:
    return value is None or str(value).strip().casefold() in _NOT_A_NUMBER


def _says_none(value: object) -> bool:
    return value is not None and str(value).strip().casefold() == "none"


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _folded(value: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", value).casefold())


def _category_problems(name: str, texts: Mapping[str, str], n_values: int) -> Iterable[Problem]:
    where = f"participants table column {name}"
    if len(texts) < n_values:
        shown = ", ".join(f"{participant}: {text!r}" for participant, text in list(texts.items())[:8])
        fix = "correct these cells (n/a for missing, a point as decimal sign)"
        yield Problem(where, f"numbers, and text in {shown}", "numbers only, or texts only", fix)
        return
    distinct = sorted(set(texts.values()))
    spellings = Counter(_folded(text) for text in distinct)
    alike = [text for text in distinct if spellings[_folded(text)] > 1]
    if alike:
        yield Problem(
            where, f"spellings {', '.join(map(repr, alike))}", "one spelling per category", "write them alike"
        )
    elif len(distinct) > _MOST_CATEGORIES:
        yield Problem(
            where,
            f"{len(distinct)} different texts",
            f"at most {_MOST_CATEGORIES}",
            "use a numeric column, or leave it out",
        )


def _indicators(name: str, texts: list[str | None]) -> dict[str, list[float]]:
    distinct = sorted({text for text in texts if text is not None})
    nan = float("nan")
    columns = {
        f"{name}__{category}": [nan if text is None else float(text == category) for text in texts]
        for category in distinct[1:]
    }
    return (
        {name: next(iter(columns.values()))}
        if len(columns) == 1
        else columns or {name: [nan if t is None else 0.0 for t in texts]}
    )


def _no_column(where: str, column: str, columns: Iterable[str], setting: str) -> Problem:
    names = [str(name) for name in columns]
    close = get_close_matches(column, names, n=1)
    fix = f"did you mean {close[0]}?" if close else f"set {setting}"
    return Problem(where, f"no column {column}", f"one of: {', '.join(names)}", fix)
