"""What a gate of the audit says.

Conventions of this file: a gate is a record ``{gate, expected, found, passed, evaluated}``; one that could not be
evaluated says why and has not passed.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import Fold

Record = dict[str, Any]

_SLACK = 0.01
_STANDARD_ERRORS = 4.0
_SAME_SCORE = 1e-8


class _Rows(Protocol):
    @property
    def participants(self) -> NDArray[np.str_]: ...
    @property
    def signs(self) -> NDArray[np.float64]: ...
    @property
    def n_repeats(self) -> int: ...


class Evaluated(Protocol):
    """What every evaluation records, of labels or of numbers."""

    @property
    def design(self) -> _Rows:
        """Participant of each row, what was learned (labels as -1 and +1, or numbers), and how many repeats."""

    @property
    def scores(self) -> dict[str, Any]:
        """Everything that was reported."""

    @property
    def splits(self) -> tuple[Fold, ...]:
        """The row numbers that were trained, tuned and tested on."""


def gate(name: str, expected: str, found: str, passed: bool) -> Record:
    """Return the record of a gate that was evaluated."""
    return {"gate": name, "expected": expected, "found": found, "passed": bool(passed), "evaluated": True}


def near_chance(name: str, what: str, mean: float, chance: float, *, standard_error: float) -> Record:
    """Return the record of a gate: a mean lies within 0.01 + 4 standard errors of chance."""
    tolerance = _SLACK + _STANDARD_ERRORS * standard_error
    return gate(name, f"{what} within {tolerance:.3f} of {chance:g}", f"{mean:.3f}", abs(mean - chance) <= tolerance)


def same_again(what: str, score: float, again: float) -> Record:
    """Return the record of a gate: what was reached under a permutation is reached when evaluated from the start."""
    return gate(
        "shuffled_run",
        f"{what} again when evaluated from the start",
        f"{again:.6f}",
        abs(again - score) < _SAME_SCORE,
    )


def not_applicable(name: str, expected: str, reason: str) -> Record:
    """Return the record of a gate that there is nothing to ask of: it stands in the list and fails nothing."""
    return {"gate": name, "expected": expected, "found": f"not evaluated: {reason}", "passed": True, "evaluated": False}


def not_evaluated(name: str, expected: str, reason: str) -> Record:
    """Return the record of a gate that could not be evaluated."""
    found = f"not evaluated: {reason}"
    return {"gate": name, "expected": expected, "found": found, "passed": False, "evaluated": False}
