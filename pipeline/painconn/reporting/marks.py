"""The mark of a test that mixing between regions may explain, the same in every table and figure."""

from collections.abc import Iterable, Mapping
from typing import Any

from painconn.reporting.notation import is_number

DAGGER = "†"


def is_marked(row: Mapping[str, Any]) -> bool:
    """Whether mixing correlates the two sides of a test beyond the limit, or an edge has a region beyond its own."""
    mark = row.get("leakage_marked")
    return is_number(mark) and mark == 1


def dagger(row: Mapping[str, Any]) -> str:
    """Return what stands behind the name of a test: a dagger when it is marked, nothing otherwise."""
    return f" {DAGGER}" if is_marked(row) else ""


def note(rows: Iterable[Mapping[str, Any]], *, sign: str = DAGGER) -> str:
    """Explain the mark below a table or a figure, where `sign` stands for it; empty when no test carries it."""
    n_marked = sum(is_marked(row) for row in rows)
    if not n_marked:
        return ""
    return (
        f" {sign} ({n_marked}): its edges join regions that this montage and inverse hardly tell apart; mixing alone "
        "correlates their estimates above the limit (mean of a block), or an edge has a region beyond a limit (section "
        "on leakage)."
    )
