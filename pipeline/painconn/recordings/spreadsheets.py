"""Sheets of ``.xlsx`` workbooks as text tables: what a person sees, or a refusal, never a guess.

A number is written as a person would (``1.0`` is ``1``, the format ``000`` keeps its zeros); a date is named as one and
never told; formulas count with the value that was saved with them.
"""

import datetime
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.errors import Problem
from painconn.recordings.tables import DATE, TableError, TextTable, columns_twice, require_file

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MOST_BYTES = 64 << 20
_MOST_NAMED = 12
_LEADING_ZEROS = re.compile(r"0+")


def read_sheet(path: Path, *, name: str, sheet: str | None = None) -> TextTable:
    """Read one sheet of a workbook.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` or ``.xlsm`` file; macros are not looked at.
    name : str
        What messages call the workbook.
    sheet : str or None
        Sheet; None: the only one that can be seen.

    Returns
    -------
    table : TextTable
        The first row is the header; empty rows and columns are left out, the others keep their numbers.

    Raises
    ------
    TableError
        Not a workbook, too large, no such sheet or several, merged cells, hidden rows, formulas without a saved value,
        cells without a header, a column twice; all of a sheet at once.
    """
    require_file(path, name)
    written = _open(path, name, values=False)
    chosen = _chosen(written, name, sheet)
    where = f"{name} sheet {chosen}"
    seen = written[chosen]
    formulas = {cell.coordinate for row in seen.iter_rows() for cell in row if cell.data_type == "f"}
    cells = _open(path, name, values=True)[chosen] if formulas else seen
    problems = list(_sheet_problems(where, cells, formulas))
    rows = [
        (number, [_text(cell) for cell in row])
        for number, row in enumerate(cells.iter_rows(), start=1)
        if any(cell.value is not None for cell in row)
    ]
    if not rows or rows[0][0] != 1:
        raise TableError(*problems, Problem(f"{where} row 1", "nothing", "the header", "start the table in row 1"))
    columns, problem = _columns(where, rows)
    problems += problem
    if problems:
        raise TableError(*problems)
    body = tuple({name: row[place] for place, name in columns.items()} for _, row in rows[1:])
    return TextTable(where, tuple(columns.values()), body, tuple(number for number, _ in rows[1:]))


def _open(path: Path, name: str, *, values: bool) -> "Workbook":
    from openpyxl import load_workbook

    fix = "open it in a spreadsheet program and save it as .xlsx, without a password"
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > _MOST_BYTES:
            found = f"{unpacked >> 20} MB unpacked"
            raise TableError(Problem(name, found, f"at most {_MOST_BYTES >> 20} MB", "save only the sheet needed"))
        return load_workbook(path, data_only=values, keep_links=False)
    except TableError:
        raise
    except Exception:  # noqa: BLE001 — a damaged workbook raises whatever its broken part raises
        raise TableError(Problem(name, "not readable as a workbook", "an .xlsx file", fix)) from None


def _chosen(workbook: "Workbook", name: str, sheet: str | None) -> str:
    if sheet is not None:
        if sheet in [worksheet.title for worksheet in workbook.worksheets]:
            return sheet
        found = f"no sheet {sheet}"
    visible = [worksheet.title for worksheet in workbook.worksheets if worksheet.sheet_state == "visible"]
    if sheet is None and len(visible) == 1:
        return str(visible[0])
    if sheet is None:
        found = f"{len(visible)} sheets that can be seen"
    raise TableError(Problem(name, found, f"one of: {', '.join(visible) or 'none'}", "name the sheet"))


def _sheet_problems(where: str, cells: "Worksheet", formulas: set[str]) -> Iterator[Problem]:
    merged = [str(area) for area in cells.merged_cells.ranges]
    if merged:
        fix = "unmerge them and write the value into each cell"
        yield Problem(where, f"merged cells {_few(merged)}", "one value per cell", fix)
    hidden = [
        str(number)
        for number, row in sorted(cells.row_dimensions.items())
        if row.hidden and any(cell.value is not None for cell in cells[number])
    ]
    if hidden:
        fix = "show them (clear the filter), or delete them"
        yield Problem(f"{where} row {_few(hidden)}", "hidden rows that hold values", "rows that can be seen", fix)
    unsaved = [name for name in sorted(formulas) if cells[name].value is None]
    if unsaved:
        fix = "open and save the workbook in a spreadsheet program, or paste the values"
        yield Problem(f"{where} cell {_few(unsaved)}", "a formula without a saved value", "a value", fix)


def _columns(where: str, rows: list[tuple[int, list[str]]]) -> tuple[dict[int, str], list[Problem]]:
    """Return the name of each column by its place; columns without header and cells are left out."""
    header = [cell.strip() for cell in rows[0][1]]
    nameless = [
        place for place, name in enumerate(header) if not name and any(row[place].strip() for _, row in rows[1:])
    ]
    problems = [
        Problem(
            f"{where} row 1 column number {place + 1}", "no name", "a name for a column that holds values", "name it"
        )
        for place in nameless
    ]
    columns = {place: name for place, name in enumerate(header) if name}
    return columns, problems + columns_twice(where, columns)


def _text(cell: Any) -> str:
    """Return a cell as a person reads it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta):
        return DATE
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int) and value >= 0 and _LEADING_ZEROS.fullmatch(str(cell.number_format)):
        return str(value).zfill(len(cell.number_format))
    return str(value)


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
