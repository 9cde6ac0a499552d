"""Decisions that a person wrote down about channels, stretches and components, whatever a search says."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from painconn.errors import InputError, Problem

COLUMNS = ("participant", "session", "recording", "kind", "item", "onset_s", "duration_s", "decision")
DECOMPOSITION = "decomposition"
"""Further column, for components: the fingerprint of the decomposition that was looked at."""

WORDS: dict[str, tuple[str, str]] = {
    "channel": ("bad", "good"),
    "segment": ("bad", "good"),
    "component": ("remove", "keep"),
}
_EMPTY = frozenset({"", "n/a", "N/A"})

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Decision:
    """One row of the table.

    Parameters
    ----------
    where : str
        The row, for messages.
    participant, session : str
        Whose; the session is empty when there is only one.
    recording : str
        segment: name of the recording inside the session; empty where the session has one.
    kind : {"channel", "segment", "component"}
        What is decided about.
    item : str
        Name of the channel, or number of the component.
    onset_s, duration_s : float
        segment: from the first sample; 0 otherwise.
    decision : {"bad", "good", "remove", "keep"}
        The first of `WORDS` takes it out, the second keeps it.
    decomposition : str
        component: fingerprint of the decomposition.
    """

    where: str
    participant: str
    session: str
    recording: str
    kind: str
    item: str
    onset_s: float
    duration_s: float
    decision: str
    decomposition: str = ""

    @property
    def takes_out(self) -> bool:
        """Whether the item is taken out (and not kept)."""
        return self.decision == WORDS[self.kind][0]

    def record(self, why_not: str = "") -> dict[str, str | float | bool]:
        """Return what is written into the record of the session: what was decided, and why it could not be done."""
        item = {"onset_s": self.onset_s, "duration_s": self.duration_s} if self.kind == "segment" else {}
        told = {"kind": self.kind, "item": self.item, "recording": self.recording, "decision": self.decision}
        return {**told, **item, "applied": not why_not, "why_not": why_not}


def decisions_of(rows: Iterable[tuple[str, Cells]]) -> tuple[Decision, ...]:
    """Understand the rows of a table of decisions.

    Parameters
    ----------
    rows : iterable of (str, mapping)
        Where each row is, and its cells by column (`COLUMNS`, and `DECOMPOSITION` where there are components).

    Raises
    ------
    InputError
        With every problem of every row: unknown words, numbers that are none, cells that do not belong together, two
        rows that contradict each other.
    """
    problems: list[Problem] = []
    decisions: dict[tuple[object, ...], Decision] = {}
    for where, cells in rows:
        found = list(_problems(where, cells))
        problems += found
        if found:
            continue
        decision = _decision(where, cells)
        key = (*(getattr(decision, name) for name in COLUMNS[:-1]), decision.decomposition)
        earlier = decisions.setdefault(key, decision)
        if earlier.decision != decision.decision:
            told = f"{decision.decision}, and {earlier.decision} in {earlier.where}"
            problems.append(Problem(where, told, "one decision about one thing", "remove one of the rows"))
    if problems:
        raise InputError(problems)
    return tuple(decisions.values())


def _cell(cells: Cells, column: str) -> str:
    text = cells.get(column, "").strip()
    return "" if text in _EMPTY else text


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _decision(where: str, cells: Cells) -> Decision:
    onset_s, duration_s = (_number(_cell(cells, column)) or 0.0 for column in ("onset_s", "duration_s"))
    texts = {name: _cell(cells, name) for name in ("participant", "session", "recording", "kind", "item", "decision")}
    return Decision(
        where=where, onset_s=onset_s, duration_s=duration_s, decomposition=_cell(cells, DECOMPOSITION), **texts
    )


def _problems(where: str, cells: Cells) -> Iterator[Problem]:
    def wrong(column: str, wanted: str, fix: str = "correct the cell") -> Problem:
        return Problem(f"{where} column {column}", repr(cells.get(column, "")), wanted, fix)

    kind, item, decision = (_cell(cells, column) for column in ("kind", "item", "decision"))
    if not _cell(cells, "participant"):
        yield wrong("participant", "a participant")
    if kind not in WORDS:
        yield wrong("kind", " or ".join(WORDS))
        return
    if decision not in WORDS[kind]:
        yield wrong("decision", f"{' or '.join(WORDS[kind])} for a {kind}")
    if kind == "segment":
        yield from _segment_problems(cells, wrong)
        return
    for column in ("recording", "onset_s", "duration_s"):
        if _cell(cells, column):
            wanted = f"nothing: a {kind} is judged once for all recordings of a session"
            yield wrong(column, wanted, "empty the cell, or write kind segment")
    if not item:
        yield wrong("item", "the name of a channel" if kind == "channel" else "the number of a component")
    if kind == "component" and item and not item.isdecimal():
        yield wrong("item", "the number of a component, from 0")
    if kind == "component" and not _cell(cells, DECOMPOSITION):
        wanted = "the fingerprint of the decomposition that was looked at"
        yield wrong(DECOMPOSITION, wanted, "copy it from the record of the session (ica, fingerprint)")


def _segment_problems(cells: Cells, wrong: Callable[..., Problem]) -> Iterator[Problem]:
    onset_s, duration_s = (_number(_cell(cells, column)) for column in ("onset_s", "duration_s"))
    if onset_s is None or onset_s < 0:
        yield wrong("onset_s", "seconds from the first sample, 0 or more")
    if duration_s is None or duration_s <= 0:
        yield wrong("duration_s", "seconds, more than 0")
    if _cell(cells, "item"):
        yield wrong("item", "nothing: a segment is bad in every channel", "empty the cell, or write kind channel")
