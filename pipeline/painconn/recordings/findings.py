"""What a check found, and what follows from it."""

from dataclasses import dataclass
from typing import Literal

from painconn.errors import Problem, RecordingFault

Consequence = Literal["note", "mark channel", "mark stretch", "exclude recording", "stop"]
"""From harmless to grave: kept in the record · the channel is bad · the stretch never becomes an epoch · the recording is
not used · nothing starts."""


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
    stretches_s: tuple[tuple[float, float], ...] = ()

    def fault(self, where: str) -> RecordingFault:
        """Return the exclusion, for the file or condition `where`."""
        return RecordingFault(self.check, Problem(where, self.value, self.limit, self.fix))
