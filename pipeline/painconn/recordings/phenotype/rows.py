"""The rows of the table that a rule reads: whose they are, and what stands under each name that the rule knows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import pandas as pd

from painconn.config.data import Participants
from painconn.config.phenotype import Phenotype
from painconn.errors import InputError, Problem
from painconn.recordings.participants import cell_or_none, labels_of_rows, no_id_column, unknown_people
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import TableError, TextTable, read_text_table, says_nothing, shown_name

T = TypeVar("T")
_ANSWERS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
_MOST_NAMED = 8


@dataclass(frozen=True)
class Rows:
    """Rows of a table with their participants.

    Parameters
    ----------
    text : TextTable
        The rows that count.
    labels : tuple of str
        Participant of each row.
    columns : mapping of str to str or tuple of str
        Column by the name that the rule has for it.
    unknown : tuple of str
        Labels in the table that the participants table does not have.
    problems : list of Problem
        What is wrong with the cells; whoever reads a cell adds to it.
    """

    text: TextTable
    labels: tuple[str, ...]
    columns: Mapping[str, str | tuple[str, ...]]
    unknown: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    def has(self, *roles: str) -> bool:
        """Whether the table has a column for each of these names."""
        return all(column in self.text.columns for role in roles for column in self.columns_of(role))

    def columns_of(self, role: str) -> tuple[str, ...]:
        """Return the columns under a name; a name that the study file does not mention is a column of that name."""
        column = self.columns.get(role, role)
        return (column,) if isinstance(column, str) else column

    def require(self, role: str, *, instead: str = "") -> bool:
        """Return whether there is a column for a name, and note the problem when there is none."""
        if self.has(role):
            return True
        absent = [column for column in self.columns_of(role) if column not in self.text.columns]
        close = get_close_matches(absent[0], self.text.columns, n=1)
        found = f"no column {', '.join(absent)} (for {role}) among {', '.join(self.text.columns)}"
        fix = f"did you mean {close[0]}?" if close else f"name the column under data.phenotype.columns.{role}"
        self.problems.append(Problem(self.text.name, found, f"a column for {role}{instead}", fix))
        return False

    def numbers(self, role: str, low: float, high: float, *, whole: bool = False) -> list[float | None]:
        """Return a column of numbers; None where the cell says nothing."""
        return self.numbers_in(self.columns_of(role)[0], low, high, whole=whole)

    def numbers_in(self, column: str, low: float, high: float, *, whole: bool = False) -> list[float | None]:
        """Return the numbers of one column by its own name."""
        wanted = f"a {'whole ' if whole else ''}number from {low:g} to {high:g}"

        def read(cell: str) -> float | None:
            number = parse_number(cell)
            fits = number is not None and low <= number <= high and not (whole and number % 1)
            return number if fits else None

        fix = "correct the cell (a point as decimal sign, n/a for missing)"
        return self._cells(column, read, wanted, fix)

    def answers(self, role: str) -> list[bool | None]:
        """Return a column of answers yes or no (also 1 or 0); None where the cell says nothing."""
        fix = "write yes, no or n/a"
        read = self._cells(
            self.columns_of(role)[0], lambda cell: _ANSWERS.get(cell.strip().casefold()), "yes or no", fix
        )
        return list(read)

    def total(self, role: str, most: float, counted: Sequence[float | None] | None) -> list[float | None]:
        """Return a total from 0 to `most`: given in a column, counted from its items, or both when they agree."""
        given = self.numbers(role, 0, most, whole=True) if self.has(role) else None
        if given is None and counted is None:
            self.require(role, instead=", or one for each of its items")
        if given is None or counted is None:
            return list(given or counted or [])
        for place, (total, sum_of_items) in enumerate(zip(given, counted, strict=True)):
            if total is not None and sum_of_items is not None and total != sum_of_items:
                found = f"{total:g}, while its items give {sum_of_items:g}"
                where = self.text.where(place, self.columns_of(role)[0])
                wanted = "a total that agrees with its items"
                self.problems.append(Problem(where, found, wanted, "correct one of them"))
        return [total if total is not None else other for total, other in zip(given, counted, strict=True)]

    def _cells(self, column: str, read: Callable[[str], T | None], wanted: str, fix: str) -> list[T | None]:
        values: list[T | None] = []
        for place, row in enumerate(self.text.rows):
            cell = row[column]
            value = None if says_nothing(cell) else read(cell)
            if value is None and not says_nothing(cell):
                self.problems.append(Problem(self.text.where(place, column), repr(cell), wanted, fix))
            values.append(value)
        return values

    def numbers_of_rows(self, places: Sequence[int]) -> tuple[int, ...]:
        """Return the numbers of rows in the file."""
        return tuple(self.text.number(place) for place in places)


def read_rows(people: pd.DataFrame, participants: Participants, phenotype: Phenotype, root: Path) -> Rows:
    """Read the rows of the table that the rule of a study needs.

    Parameters
    ----------
    people : DataFrame
        Participants table; rows of other people do not count.
    participants : Participants
        Identifier column and prefix, and who is left out.
    phenotype : Phenotype
        Table, columns and which rows count.
    root : Path
        Folder that tables are relative to.

    Raises
    ------
    InputError
        The table cannot be read, columns are not there, labels cannot be understood, or nobody is left; all at once.
    """
    table = phenotype.table or participants.table
    id_column = phenotype.id_column or participants.id_column
    try:
        text = read_text_table(root / table, name=shown_name(table), sheet=phenotype.sheet)
    except TableError as fault:
        raise InputError(fault.problems) from fault
    problems = list(_absent_columns(text, phenotype, id_column))
    if problems:
        raise InputError(problems)
    labels, problems = labels_of_rows(text, id_column, participants.id_prefix)
    counted, unmatched = _counted(text, phenotype.only)
    mine = [place for place in counted if labels[place] in people.index]
    unknown, mistaken = unknown_people(
        text, [(place, labels[place]) for place in counted], people.index, participants.exclude
    )
    problems += [*unmatched, *mistaken]
    if not mine and not problems:
        found = f"{len(counted)} rows, none of a participant of the study"
        fix = "correct id_column or id_prefix, or the labels"
        problems.append(Problem(text.name, found, "labels of the participants table", fix))
    if problems:
        raise InputError(problems)
    kept = TextTable(
        text.name,
        text.columns,
        tuple(text.rows[place] for place in mine),
        tuple(text.number(place) for place in mine),
    )
    return Rows(kept, tuple(labels[place] for place in mine), dict(phenotype.columns), unknown)


def _absent_columns(text: TextTable, phenotype: Phenotype, id_column: str) -> Iterator[Problem]:
    """Name every column of the study file that the table does not have."""
    named = {f"only.{column}": column for column in phenotype.only}
    if phenotype.column is not None:
        named["column"] = phenotype.column
    for role, columns in phenotype.columns.items():
        several = (columns,) if isinstance(columns, str) else columns
        named |= {f"columns.{role}" + (f"[{place}]" if place else ""): name for place, name in enumerate(several)}
    has_header = id_column in text.columns
    if not has_header:
        yield no_id_column(text, f"{text.name}, data.phenotype.id_column", id_column, "correct the name")
    for setting, column in named.items():
        if column not in text.columns:
            close = get_close_matches(column, text.columns if has_header else (), n=1)
            fix = f"did you mean {close[0]}?" if close else "correct the name"
            there = f"one of: {', '.join(text.columns)}" if has_header else "a header with that column"
            yield Problem(f"{text.name}, data.phenotype.{setting}", f"no column {column}", there, fix)


def _counted(text: TextTable, only: Mapping[str, str]) -> tuple[list[int], list[Problem]]:
    """Return the rows that count, and a problem for every value that no row has."""
    problems = []
    for column, wanted in only.items():
        there = list(dict.fromkeys(row[column].strip() for row in text.rows))
        if wanted not in there:
            shown = ", ".join(map(repr, there[:_MOST_NAMED])) + (" ..." if len(there) > _MOST_NAMED else "")
            fix = "correct data.phenotype.only, or the table"
            problems.append(Problem(f"{text.name} column {column}", shown, repr(wanted), fix))
    fitting = [
        place
        for place, row in enumerate(text.rows)
        if all(row[column].strip() == wanted for column, wanted in only.items())
    ]
    return fitting, problems


def join_rows(people: pd.DataFrame, rows: Rows, id_column: str) -> pd.DataFrame:
    """Add those columns of the rows that hold one value per person to the participants table.

    A column that the participants table has already stays as it is there; one that differs between the rows of somebody
    (trials, sessions) is no property of a person and is left out.
    """
    added: dict[str, dict[str, str | None]] = {}
    for column in rows.text.columns:
        if column in people.columns or column == id_column:
            continue
        values: dict[str, str | None] = {}
        for label, row in zip(rows.labels, rows.text.rows, strict=True):
            value = cell_or_none(row[column])
            if values.setdefault(label, value) != value:
                break
        else:
            added[column] = values
    more = pd.DataFrame(
        {column: [values.get(label) for label in people.index] for column, values in added.items()},
        index=people.index,
        dtype=object,
    )
    return pd.concat([people, more], axis=1) if added else people
