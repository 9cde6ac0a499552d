"""Names that a study file takes from a registry: what is said of those that cannot stand."""

import difflib
from collections.abc import Iterable, Sequence


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no such name, which one may be meant, and which there are."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"unknown {what} {name}{hint}; there are: {', '.join(names)}"


def named_twice(what: str, names: Sequence[str]) -> list[str]:
    """Say which names stand in a list more than once."""
    return [f"{what} {name} is named twice" for name in sorted({name for name in names if names.count(name) > 1})]
