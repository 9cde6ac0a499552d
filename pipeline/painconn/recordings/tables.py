"""Small text tables (participants, channels, events, ratings): every cell as text, every fault with its row.

Reading everything as text first is the point: ``001`` stays ``001`` and ``NA`` is not swallowed.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from painconn.errors import Problem

MISSING = frozenset({"", "n/a", "N/A"})
DATE = "(a date)"
"""What stands for a date of a workbook: columns that are used refuse it, and no date reaches a message or a result."""

_NOT_GIVEN = frozenset({"nan", "na", "none", "null", "."})
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_BYTES = 256 << 20
_WORKBOOKS = (".xlsx", ".xlsm")
_OTHER_SPREADSHEETS = (".xls", ".xlsb", ".ods", ".numbers")


class TableError(ValueError):
    """A table that cannot be used; carries the problems."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


@dataclass(frozen=True)
class TextTable:
    """Header and rows of a table.

    Parameters
    ----------
    name : str
        File name (and sheet) for messages.
    columns : tuple of str
        Header.
    rows : tuple of dict
        Cell by column; always text.
    numbers : tuple of int
        Number of each row in the file, where empty rows were left out; empty: the header is row 1 and no row is empty.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    numbers: tuple[int, ...] = ()

    def number(self, row: int) -> int:
        """Return the number of a row (counted from 0) as a spreadsheet counts: the header is row 1."""
        return self.numbers[row] if self.numbers else row + 2

    def where(self, row: int, column: str = "") -> str:
        """Say which row (counted from 0) and column are meant."""
        return f"{self.name} row {self.number(row)}" + (f" column {column}" if column else "")


def shown_name(path: Path) -> str:
    """Return what messages call a table: its path in the dataset, or the name alone when it lies elsewhere."""
    return path.name if path.is_absolute() else path.as_posix()


def says_nothing(cell: str | None) -> bool:
    """Whether a cell of a column of numbers or answers holds no value (``n/a``, ``NaN``, ``NA``, a dot, nothing)."""
    return cell is None or cell.strip() in MISSING or cell.strip().casefold() in _NOT_GIVEN


def read_text_table(path: Path, *, name: str | None = None, sheet: str | None = None) -> TextTable:
    """Read a table: tab-separated (``.tsv``, ``.txt``), comma- or semicolon-separated (``.csv``), or ``.xlsx``.

    Parameters
    ----------
    path : Path
        The table.
    name : str or None
        What messages call it; None: the file's name.
    sheet : str or None
        Sheet of a workbook; None: the only one that can be seen.

    Raises
    ------
    TableError
        Not there, not UTF-8, wrong separator, rows of the wrong length, a column twice; what makes a sheet ambiguous
        (merged cells, hidden rows, formulas without a saved value). A byte-order mark is fine.
    """
    name = name or path.name
    if path.suffix.lower() in _WORKBOOKS:
        from painconn.recordings.spreadsheets import read_sheet

        return read_sheet(path, name=name, sheet=sheet)
    if sheet is not None:
        fix = "leave the sheet out, or name the workbook"
        raise TableError(Problem(name, f"sheet {sheet} of a text table", "a sheet of an .xlsx file", fix))
    text = _text(path, name)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise TableError(Problem(name, "an empty table", "a header and rows", "write the table again"))
    separator = _separator(path, name, lines[0])
    try:
        rows = [
            (number, row)
            for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error:
        fix = "close every quotation mark, and save the table again"
        raise TableError(Problem(name, "cells without an end", "a header and rows", fix)) from None
    if not rows:
        raise TableError(Problem(name, "an empty table", "a header and rows", "write the table again"))
    columns = tuple(cell.strip() for cell in rows[0][1])
    problems = columns_twice(name, dict(enumerate(columns)))
    for number, row in rows[1:]:
        if len(row) != len(columns):
            problems.append(
                Problem(f"{name} row {number}", f"{len(row)} cells", f"{len(columns)} cells", "complete the row")
            )
    if problems:
        raise TableError(*problems)
    cells = tuple(dict(zip(columns, row, strict=True)) for _, row in rows[1:])
    return TextTable(name, columns, cells, tuple(number for number, _ in rows[1:]))


def columns_twice(name: str, columns: Mapping[int, str]) -> list[Problem]:
    """Return the problem of a header that names a column more than once; told by their place (from 0 here, 1 there).

    Not by their name: where a header is missing, the first row holds anything.
    """
    names = list(columns.values())
    twice = [str(place + 1) for place, column in columns.items() if names.count(column) > 1]
    if not twice:
        return []
    found = f"columns number {', '.join(twice)} called like another one"
    return [Problem(f"{name} header", found, "each column once", "rename or remove one")]


def require_file(path: Path, name: str) -> None:
    """Raise a TableError when there is no such file."""
    if not path.is_file():
        raise TableError(Problem(name, "no such file", "a table", "correct its path, or restore it"))


def _text(path: Path, name: str) -> str:
    require_file(path, name)
    if path.suffix.lower() in _OTHER_SPREADSHEETS:
        raise TableError(Problem(name, f"a {path.suffix} spreadsheet", "tsv, csv or xlsx", "save it as .xlsx"))
    if path.stat().st_size > _MOST_BYTES:
        raise TableError(
            Problem(name, f"{path.stat().st_size} bytes", f"at most {_MOST_BYTES}", "is this the right file?")
        )
    content = path.read_bytes()
    if content.startswith(_UTF16) or b"\x00" in content[:4096]:
        raise TableError(Problem(name, "UTF-16 text", "UTF-8 text", "save the table as UTF-8"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise TableError(
            Problem(f"{name} row {row}", "text that is not UTF-8", "UTF-8", "save the table as UTF-8")
        ) from None


def _separator(path: Path, name: str, header: str) -> str:
    if path.suffix.lower() == ".csv":
        return ";" if ";" in header and "," not in header else ","
    if "\t" not in header and ("," in header or ";" in header):
        found = "commas" if "," in header else "semicolons"
        fix = "save it tab-separated, or name it .csv"
        raise TableError(Problem(name, f"{found} between the columns", "tabs (tab-separated expected)", fix))
    return "\t"
