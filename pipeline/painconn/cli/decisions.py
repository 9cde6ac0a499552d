"""Decisions that were written by hand (``cleaning.manual_decisions``), before they are used."""

from collections.abc import Iterator
from typing import Any

from painconn.cleaning.decisions import Decision
from painconn.cli.outlook import Foreseen
from painconn.config.study import StudyConfig
from painconn.errors import RecordingFault
from painconn.recordings.readers import read_header
from painconn.steps.hands import read_decisions
from painconn.steps.readings import recording_name

_NOTHING = "this row does nothing"


def foreseen_decisions(study: StudyConfig, inventory: dict[str, Any]) -> Iterator[tuple[str, Foreseen]]:
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
        The table cannot be read or lacks a column, or a row says something that cannot be understood; all at once.
    """
    sessions = {(session["participant"], session["session"]): session for session in inventory["sessions"]}
    for decision in read_decisions(study.cleaning.manual_decisions):
        name = f"participant {decision.participant}" + (f" session {decision.session}" if decision.session else "")
        there = sessions.get((decision.participant, decision.session))
        if there is None:
            known = "a participant and session with recordings"
            yield "", Foreseen(decision.where, name, known, _NOTHING, "correct it, or remove the row")
        elif decision.kind == "channel":
            yield from _channel(decision, name, there, inventory["montages"].get(there["montage"]))
        elif decision.kind == "segment":
            yield from _segment(decision, name, there, study)
        elif study.cleaning.ica == "none":
            fix = "remove the row, or set cleaning.ica"
            yield "", Foreseen(decision.where, f"{name}: a component", "no ICA (cleaning.ica: none)", _NOTHING, fix)


def _channel(
    decision: Decision, name: str, session: dict[str, Any], montage: dict[str, Any] | None
) -> Iterator[tuple[str, Foreseen]]:
    if montage is None or decision.item in montage["names"]:
        return
    found, wanted = f"{name}: no channel {decision.item}", f"one of {', '.join(montage['names'][:8])} ..."
    excluded = decision.takes_out
    then = "session excluded" if excluded else _NOTHING
    line = Foreseen(decision.where, found, wanted, then, "write the channel as the recording does")
    yield session["name"] if excluded else "", line


def _segment(
    decision: Decision, name: str, session: dict[str, Any], study: StudyConfig
) -> Iterator[tuple[str, Foreseen]]:
    """Compare a segment with the recording that it names and its length."""
    rows = {recording_name(row): row for row in session["recordings"]}
    named = decision.recording or (next(iter(rows)) if len(rows) == 1 else "")
    if named not in rows:
        found = f"{name}: recording {named or '(none named)'}"
        fix = "write the name that the quality table has"
        yield "", Foreseen(decision.where, found, f"one of {', '.join(rows)}", _NOTHING, fix)
        return
    source = next(source for source in study.data.sources if source.site == session["site"])
    try:
        length_s = read_header(source.root / rows[named]["path"], source, source.root).duration_s
    except RecordingFault:
        return  # that recording has a line of its own
    stop_s = decision.onset_s + decision.duration_s
    if stop_s > length_s:
        then = _NOTHING if decision.onset_s >= length_s else "the part inside counts"
        found = f"{name}: {decision.onset_s:g} to {stop_s:g} s of {named}"
        yield "", Foreseen(decision.where, found, f"inside 0 to {length_s:g} s", then, "correct onset_s or duration_s")
