"""What a gate of the audit says.

Conventions of this file: a gate is a record ``{gate, expected, found, passed, evaluated}``; one that could not be
evaluated says why and has not passed.
"""

from typing import Any

Record = dict[str, Any]


def gate(name: str, expected: str, found: str, passed: bool) -> Record:
    """Return the record of a gate that was evaluated."""
    return {"gate": name, "expected": expected, "found": found, "passed": bool(passed), "evaluated": True}


def not_evaluated(name: str, expected: str, reason: str) -> Record:
    """Return the record of a gate that could not be evaluated."""
    found = f"not evaluated: {reason}"
    return {"gate": name, "expected": expected, "found": found, "passed": False, "evaluated": False}
