"""Decisions about channels that were written by hand (``cleaning.manual_channels``), before they are used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from painconn.cli.outlook import Foreseen
from painconn.errors import InputError, Problem
from painconn.recordings.tables import MISSING, TableError, TextTable, read_text_table

COLUMNS = ("participant", "session", "channel", "status")
_STATUS = ("bad", "good")


def foreseen_decisions(path: Path | None, inventory: dict[str, Any]) -> Iterator[tuple[str, Foreseen]]:
    """Yield what the rows of a table of decisions will do that its author may not have meant.

    Yields
    ------
    session : str
        Name of the session that will be excluded; empty where the row does nothing.
    line : Foreseen
        What to say about it.

    Raises
    ------
    InputError
        The table cannot be read, lacks a column, or has a status that is neither bad nor good; all at once.
    """
    if path is None:
        return
    table = _table(path)
    sessions = {(session["participant"], session["session"]): session for session in inventory["sessions"]}
    for row, cells in enumerate(table.rows):
        participant, session, channel = (cells[column].strip() for column in COLUMNS[:3])
        there = sessions.get((participant, "" if session in MISSING else session))
        name = f"participant {participant}" + (f" session {session}" if session not in MISSING else "")
        if there is None:
            known = "a participant and session with recordings"
            yield "", Foreseen(table.where(row), name, known, "this row does nothing", "correct it, or remove the row")
            continue
        montage = inventory["montages"].get(there["montage"])
        if montage is not None and channel not in montage["names"]:
            found = f"{name}: no channel {channel}"
            wanted = f"one of {', '.join(montage['names'][:8])} ..."
            fix = "write the channel as the recording does"
            yield there["name"], Foreseen(table.where(row), found, wanted, "session excluded", fix)


def _table(path: Path) -> TextTable:
    try:
        table = read_text_table(path)
    except TableError as fault:
        raise InputError(fault.problems) from fault
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise InputError(Problem(table.name, found, f"columns {', '.join(COLUMNS)}", "correct the header"))
    problems = [
        Problem(table.where(row, "status"), repr(cells["status"]), " or ".join(_STATUS), "correct the cell")
        for row, cells in enumerate(table.rows)
        if cells["status"] not in _STATUS
    ]
    if problems:
        raise InputError(problems)
    return table
