"""What a person decided about one session, and what became of each decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.cleaning.channels import Reasons
from painconn.cleaning.decisions import COLUMNS, Decision, decisions_of
from painconn.cleaning.segments import mark_by_hand
from painconn.errors import InputError, Problem
from painconn.paths import SessionKey
from painconn.recordings.findings import Finding
from painconn.recordings.tables import TableError, read_text_table

if TYPE_CHECKING:
    from mne.io import BaseRaw

_CHECK = "manual_decision"


def read_decisions(path: Path | None) -> tuple[Decision, ...]:
    """Read ``cleaning.manual_decisions``; nothing without a table.

    Raises
    ------
    InputError
        The table cannot be read or lacks a column, or every problem of its rows.
    """
    if path is None:
        return ()
    try:
        table = read_text_table(path)
    except TableError as fault:
        raise InputError(fault.problems) from fault
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise InputError(Problem(table.name, found, f"columns {', '.join(COLUMNS)}", "correct the header"))
    return decisions_of((table.where(row), cells) for row, cells in enumerate(table.rows))


@dataclass
class Hands:
    """The decisions about a session, and why some of them were not followed.

    Parameters
    ----------
    decisions : tuple of Decision
        In the order of the table.
    refused : dict of Decision to str
        Filled on the way.
    """

    decisions: tuple[Decision, ...] = ()
    refused: dict[Decision, str] = field(default_factory=dict)
    _marked: set[Decision] = field(default_factory=set)

    @classmethod
    def of_session(cls, path: Path | None, key: SessionKey) -> "Hands":
        """Return those about a session."""
        mine = (key.participant, key.session)
        return cls(tuple(one for one in read_decisions(path) if (one.participant, one.session) == mine))

    def of(self, kind: str) -> list[Decision]:
        """Return the decisions about things of a kind."""
        return [one for one in self.decisions if one.kind == kind]

    def channels(self, decision: str) -> list[str]:
        """Return the channels that were decided to be ``bad`` or ``good``."""
        return [one.item for one in self.of("channel") if one.decision == decision]

    def mark(self, raw: "BaseRaw", recording: str, *, alone: bool) -> "BaseRaw":
        """Return a recording with the stretches that were decided to be bad or good.

        Parameters
        ----------
        raw : mne.io.BaseRaw
            As read.
        recording : str
            Its name inside the session.
        alone : bool
            Whether it is the only one of the session, which a row need not name.
        """
        length_s = raw.n_times / float(raw.info["sfreq"])
        mine = [one for one in self.of("segment") if one.recording == recording or (alone and not one.recording)]
        inside = [one for one in mine if one.onset_s < length_s]
        self.refused |= {one: f"the recording has {length_s:g} s" for one in mine if one not in inside}
        self._marked |= set(inside)
        spans = {
            taken: [
                (one.onset_s, min(one.duration_s, length_s - one.onset_s)) for one in inside if one.takes_out is taken
            ]
            for taken in (True, False)
        }
        return mark_by_hand(raw, spans[True], spans[False]) if inside else raw

    def close(self, bads: Reasons, channels: Iterable[str], others: Sequence[tuple[Decision, str]]) -> None:
        """Note which decisions were not followed, once the session is cleaned.

        Parameters
        ----------
        bads : dict of str to tuple of str
            Bad channels of the session.
        channels : iterable of str
            All of its channels.
        others : sequence of (Decision, str)
            Refused elsewhere.
        """
        self.refused |= dict(others)
        known = set(channels)
        for one in self.of("channel"):
            if one.item not in known:
                self.refused[one] = "no channel of that name"
            elif not one.takes_out and one.item in bads:
                self.refused[one] = f"it is bad all the same: {', '.join(bads[one.item])}"
        for one in self.of("segment"):
            if one not in self._marked:
                self.refused.setdefault(one, f"no recording {one.recording or '(not named)'} that can be used")

    def record(self) -> list[dict[str, Any]]:
        """Return a row per decision for the record of the session."""
        return [one.record(self.refused.get(one, "")) for one in self.decisions]

    def findings(self) -> list[dict[str, str]]:
        """Return a row of the table of findings per decision that was not followed."""
        fix = "correct or remove the row of cleaning.manual_decisions"
        return [
            {"recording": one.recording}
            | Finding(_CHECK, f"{one.where}: {one.kind} {one.item}: {why}", "followed", "note", fix).as_record()
            for one, why in self.refused.items()
        ]
