"""What a check found, and what follows from it."""

from dataclasses import dataclass
from typing import Literal

from painconn.errors import Problem, RecordingFault

Consequence = Literal["note", "mark channel", "mark stretch", "exclude recording", "stop"]
"""From harmless to grave: kept in the record · the channel is bad · the stretch never becomes an epoch · the recording
is not used · nothing starts."""

Stretches = tuple[tuple[float, float], ...]

_MOST_STRETCHES = 20


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    check : str
        Name in ``CHECKS``.
    value, limit : str
        What is there, and what must be.
    consequence : Consequence
        What follows.
    fix : str
        What can be done.
    channels : tuple of str
        mark channel: the channels.
    stretches_s : tuple of (float, float)
        mark stretch: onset and duration of each, in seconds from the first sample.
    """

    check: str
    value: str
    limit: str
    consequence: Consequence
    fix: str
    channels: tuple[str, ...] = ()
    stretches_s: Stretches = ()

    def fault(self, where: str) -> RecordingFault:
        """Return the exclusion, for the file or condition `where`."""
        return RecordingFault(self.check, Problem(where, self.value, self.limit, self.fix))

    def as_record(self) -> dict[str, str]:
        """Return the finding as plain text fields for the table of findings."""
        spans = [f"{onset:.3f}-{onset + duration:.3f}" for onset, duration in self.stretches_s]
        more = [f"and {len(spans) - _MOST_STRETCHES} more"] if len(spans) > _MOST_STRETCHES else []
        return {
            "check": self.check,
            "found": self.value,
            "limit": self.limit,
            "consequence": self.consequence,
            "channels": ", ".join(self.channels),
            "stretches_s": "; ".join([*spans[:_MOST_STRETCHES], *more]),
            "fix": self.fix,
        }


def exclusion_record(fault: RecordingFault) -> dict[str, str]:
    """Return the finding behind an exclusion, as :meth:`Finding.as_record`."""
    problem = fault.problems[0]
    return Finding(fault.check, problem.found, problem.wanted, "exclude recording", problem.fix).as_record()
