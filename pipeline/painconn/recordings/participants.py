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
from painconn.recordings.tables import DATE, MISSING, TableError, TextTable, read_text_table, says_nothing, shown_name

_MOST_CATEGORIES = 6
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


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
    """Read the participants table, and the further tables whose columns belong to it.

    Parameters
    ----------
    participants : Participants
        Table, identifier column and prefix, further tables, and who is left out.
    root : Path
        Folder that the tables are relative to.

    Returns
    -------
    table : DataFrame
        Index ``participant`` (label without ``sub-`` and without the prefix), sorted; every cell is text, or None where
        the table says ``n/a`` or nothing.

    Raises
    ------
    InputError
        A table cannot be read, has no such column, a label is not letters and digits, a participant stands twice, or
        two tables have a column of one name.
    """
    table, problems = _one_row_each(participants, root, participants.table)
    for path in participants.more_tables:
        more, found = _one_row_each(participants, root, path, known=table.index)
        both = [str(column) for column in more.columns if column in table.columns]
        if both:
            fix = "rename the column in one of them"
            found.append(Problem(shown_name(path), f"column {', '.join(both)} again", "each column in one table", fix))
        problems += found
        if not found:
            table = table.join(more)
    if problems:
        raise InputError(problems)
    table = table.astype(object).where(table.notna(), None)
    return table.loc[~table.index.isin(participants.exclude)].sort_index()


def _one_row_each(
    participants: Participants, root: Path, path: Path, *, known: "pd.Index[str] | None" = None
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a table in which everybody stands once, and what is wrong with its labels."""
    try:
        text = read_text_table(root / path, name=shown_name(path))
    except TableError as fault:
        raise InputError(fault.problems) from fault
    if participants.id_column not in text.columns:
        raise InputError(no_id_column(text, text.name, participants.id_column, "set data.participants.id_column"))
    labels, problems = labels_of_rows(text, participants.id_column, participants.id_prefix)
    problems += _twice(labels, text)
    if known is not None:
        problems += unknown_people(text, list(enumerate(labels)), known, participants.exclude)[1]
    columns = [column for column in text.columns if column != participants.id_column]
    cells = [{column: cell_or_none(row[column]) for column in columns} for row in text.rows]
    index = pd.Index(labels, name="participant", dtype=object)
    return pd.DataFrame(cells, index=index, columns=columns, dtype=object), problems


def no_id_column(text: TextTable, where: str, id_column: str, fix: str) -> Problem:
    """Say that the identifier column is missing; columns are counted, because the first row may be no header."""
    close = get_close_matches(id_column, text.columns, n=1)
    found = f"no column {id_column} among {len(text.columns)} columns"
    return Problem(where, found, "a header with that column", f"did you mean {close[0]}?" if close else fix)


def labels_of_rows(text: TextTable, id_column: str, prefix: str) -> tuple[list[str], list[Problem]]:
    """Return the participant of each row (without ``sub-`` and without the prefix), and the labels that are none."""
    cells = [row[id_column] for row in text.rows]
    labels = [cell.strip().removeprefix("sub-").removeprefix(prefix) for cell in cells]
    fix = "rename the participant, or set data.participants.id_prefix"
    problems = [
        Problem(text.where(row, id_column), repr(cells[row]), "letters and digits only", fix)
        for row, label in enumerate(labels)
        if not LABEL.fullmatch(label)
    ]
    return labels, problems


def unknown_people(
    text: TextTable, labels: Iterable[tuple[int, str]], known: Iterable[str], left_out: Iterable[str]
) -> tuple[tuple[str, ...], list[Problem]]:
    """Tell the labels that the participants table does not have from those that are misspelt.

    Parameters
    ----------
    text : TextTable
        For messages.
    labels : iterable of (int, str)
        Row, counted from 0, and label.
    known, left_out : iterable of str
        Participants of the study, and those that it leaves out by name.

    Returns
    -------
    unknown : tuple of str
        Labels of other people, sorted: a table may hold more people than a study.
    problems : list of Problem
        Labels that are a participant's but for case and zeros in front (``1`` for ``001``), while that participant has
        no row of its own.
    """
    rows = list(labels)
    there, out = {str(label) for label in known}, set(left_out)
    without = there - {label for _, label in rows}
    meant = {_without_zeros(label): label for label in sorted(without)}
    unknown = {label for _, label in rows} - there - out
    problems = [
        Problem(
            text.where(row),
            f"participant {label}",
            f"{meant[_without_zeros(label)]}, as in the participants table",
            "write the label as text, as it stands there",
        )
        for row, label in rows
        if label in unknown and _without_zeros(label) in meant
    ]
    return tuple(sorted(unknown)), problems


def _without_zeros(label: str) -> str:
    return _ZEROS.sub("", label).casefold()


def label_groups(table: pd.DataFrame, column: str, allowed: tuple[str, str]) -> GroupLabels:
    """Sort participants into the two groups of a contrast.

    A value that may be a group, a gap or a code (:func:`doubtful_values`) is an error; any other value means that the
    participant is in neither group.

    Raises
    ------
    InputError
        No such column, a doubtful value, or a group without anybody.
    """
    if column not in table.columns:
        raise InputError(_no_column("participants table", column, table.columns, "column of the contrast"))
    values: dict[str, str | None] = {str(participant): value for participant, value in table[column].items()}
    where = f"participants table column {column}"
    problems = doubtful_values(table[column], allowed)
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


def doubtful_values(column: "pd.Series[str]", allowed: tuple[str, ...]) -> list[Problem]:
    """Return a problem for every value that may be an allowed one, a gap or a code, and says which only to a person.

    Those are values that differ from an allowed one only in case, spaces or punctuation (``Widespread ``), values that
    look like a gap without being ``n/a`` (``NA``), and numbers beside allowed texts (``2``).
    """
    wanted = {folded(value): value for value in allowed}
    texts_only = all(parse_number(value) is None for value in allowed)
    problems = []
    for participant, value in column.items():
        if value is None or value in allowed:
            continue
        if folded(value) in wanted:
            fix = f"write it {wanted[folded(value)]!r}"
        elif says_nothing(value):
            fix = "write n/a for a missing value, or exclude the participant"
        elif texts_only and parse_number(value) is not None:
            fix = "write the group as text, or exclude the participant"
        else:
            continue
        where = f"participants table column {column.name}, participant {participant}"
        problems.append(Problem(where, repr(value), " or ".join(allowed), fix))
    return problems


def covariate_columns(table: pd.DataFrame, names: Iterable[str], *, setting: str = "data.covariates") -> pd.DataFrame:
    """Turn columns of the participants table into numbers.

    A column of numbers stays one column. A column of two texts becomes 0 (first in the alphabet) and 1. A column of
    three to six texts becomes one 0/1 column per text except the first, named ``column__text``.

    Parameters
    ----------
    table : DataFrame
        Participants table, text, indexed by participant.
    names : iterable of str
        Columns.
    setting : str
        Field of the study file that names them, for messages.

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
            problems.append(_no_column("participants table", name, table.columns, setting))
            continue
        cells = {str(participant): value for participant, value in table[name].items()}
        values = {participant: value for participant, value in cells.items() if not says_nothing(value)}
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


def _twice(labels: list[str], text: TextTable) -> list[Problem]:
    rows: dict[str, list[str]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(str(text.number(row)))
    return [
        Problem(
            text.name,
            f"participant {label} in rows {', '.join(places)}",
            "each participant once",
            "remove or rename the others",
        )
        for label, places in rows.items()
        if len(places) > 1
    ]


def cell_or_none(cell: str) -> str | None:
    """Return the text of a cell as it stands, None where it says ``n/a`` or nothing."""
    return None if cell.strip() in MISSING else cell


def _says_none(value: object) -> bool:
    return value is not None and str(value).strip().casefold() == "none"


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def folded(value: str) -> str:
    """Return a text without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", value).casefold())


def _category_problems(name: str, texts: Mapping[str, str], n_values: int) -> Iterable[Problem]:
    where = f"participants table column {name}"
    dated = [participant for participant, text in texts.items() if text == DATE]
    if dated:
        yield Problem(where, f"{DATE} for {', '.join(dated[:8])}", "numbers or texts", "write the cells as text")
        return
    if len(texts) < n_values:
        shown = ", ".join(f"{participant}: {text!r}" for participant, text in list(texts.items())[:8])
        fix = "correct these cells (n/a for missing, a point as decimal sign)"
        yield Problem(where, f"numbers, and text in {shown}", "numbers only, or texts only", fix)
        return
    distinct = sorted(set(texts.values()))
    spellings = Counter(folded(text) for text in distinct)
    alike = [text for text in distinct if spellings[folded(text)] > 1]
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
