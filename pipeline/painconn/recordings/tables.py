"""Small text tables (participants, channels, events, features): every cell as text, every fault with its row.

Reading everything as text first is the point: ``001`` stays ``001`` and ``NA`` is not swallowed.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from painconn.errors import Problem

MISSING = frozenset({"", "n/a", "N/A"})
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_BYTES = 256 << 20


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
        File name for messages.
    columns : tuple of str
        Header.
    rows : tuple of dict
        Cell by column; always text.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    def where(self, row: int, column: str = "") -> str:
        """Say which row (counted from 0) is meant, as a spreadsheet counts: the header is row 1."""
        return f"{self.name} row {row + 2}" + (f" column {column}" if column else "")


def read_text_table(path: Path, *, name: str | None = None) -> TextTable:
    """Read a tab-separated (``.tsv``, ``.txt``) or comma- or semicolon-separated (``.csv``) table.

    Raises
    ------
    TableError
        Not there, not UTF-8, wrong separator, rows of the wrong length, a column twice. A byte-order mark is fine.
    """
    name = name or path.name
    text = _text(path, name)
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise TableError(Problem(name, "an empty table", "a header and rows", "write the table again"))
    separator = _separator(path, name, lines[0])
    rows = [
        row
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        if any(cell.strip() for cell in row)
    ]
    columns = tuple(cell.strip() for cell in rows[0])
    problems = []
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        problems.append(
            Problem(f"{name} header", f"column {', '.join(twice)} twice", "each column once", "rename or remove one")
        )
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            problems.append(
                Problem(f"{name} row {number}", f"{len(row)} cells", f"{len(columns)} cells", "complete the row")
            )
    if problems:
        raise TableError(*problems)
    return TextTable(name, columns, tuple(dict(zip(columns, row, strict=True)) for row in rows[1:]))


def _text(path: Path, name: str) -> str:
    if not path.is_file():
        raise TableError(Problem(name, "no such file", "a table", "correct its path, or restore it"))
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
