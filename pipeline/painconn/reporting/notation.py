"""How numbers, names and contrasts are written for a reader."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from painconn.connectivity.registry import MEASURES

MISSING = "not available"
NOT_COMPUTABLE = "not computable"
MINUS = "\u2212"

_POWER_WORDS = {"power_rel": "relative power", "power_log10": "log10 power"}
_GRAPH = "graph"
SIDE_WORDS = {"lh": "L", "rh": "R"}


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether the value is a finite number (not a truth value)."""
    if value is None or isinstance(value, bool | str):
        return False
    try:
        return math.isfinite(value)
    except TypeError:
        return False


def number(value: Any, digits: int = 2, *, absent: str = MISSING) -> str:
    """Return a number with fixed decimals and a typographic minus; anything else is told as absent."""
    if not is_number(value):
        return absent
    if float(value).is_integer() and digits == 0:
        return f"{int(value):,}".replace("-", MINUS)
    text = f"{float(value):.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def significant(value: Any, *, absent: str = MISSING) -> str:
    """Return a number with three significant digits, whatever its size."""
    if not is_number(value):
        return absent
    if float(value).is_integer() and abs(value) < 1e6:
        return number(value, 0)
    return f"{float(value):.3g}".replace("-", MINUS)


def count(value: Any) -> str:
    """Return a whole number."""
    return number(value, 0)


def p_text(value: Any, *, symbol: str = "p", absent: str = MISSING) -> str:
    """Return a probability as in ``p = .21`` or ``p < .001``."""
    if not is_number(value):
        return f"{symbol} {absent}"
    return f"{symbol} {p_cell(value) if value < 0.001 else f'= {p_cell(value)}'}"


def p_cell(value: Any, *, absent: str = MISSING) -> str:
    """Return a probability for a table cell: ``.21``, ``.034``, ``< .001``."""
    if not is_number(value):
        return absent
    if value < 0.001:
        return "< .001"
    digits = 3 if value < 0.1 else 2
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if value < 1 else text


def interval(low: Any, high: Any, digits: int = 2) -> str:
    """Return ``low to high``; one missing end makes the whole interval missing."""
    if not (is_number(low) and is_number(high)):
        return MISSING
    return f"{number(low, digits)} to {number(high, digits)}"


def plural(value: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def listing(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def place(name: str) -> str:
    """Return a region or group name for a reader: ``insula-lh`` becomes ``insula L``."""
    stem, _, side = name.rpartition("-")
    return f"{stem} {SIDE_WORDS[side]}" if stem and side in SIDE_WORDS else name


def words(name: str) -> str:
    """Return a key as words: a measure by its label, ``n_epochs_kept`` as ``n epochs kept``."""
    return MEASURES[name].label if name in MEASURES else _POWER_WORDS.get(name, name.replace("_", " "))


@dataclass(frozen=True)
class Column:
    """A column name of the table, taken apart.

    Parameters
    ----------
    measure, inverse, band : str
        ``wpli2_debiased``, ``lcmv`` (``sensors`` for power at the sensors), ``alpha``.
    places : tuple of str
        One place (power, a graph measure of regions), two (an edge or a block) or none (a measure of a whole graph).
    graph : str
        Graph measure of the matrices of ``measure``; empty for other columns.
    """

    measure: str
    inverse: str
    band: str
    places: tuple[str, ...]
    graph: str = ""

    @property
    def signed_by_order(self) -> bool:
        """Whether the value turns around when the places are exchanged: it says that the first place leads."""
        return not self.graph and self.measure in MEASURES and MEASURES[self.measure].signed_by_order

    @property
    def has_direction(self) -> bool:
        """Whether the value is about the first place leading the second, and not about both alike."""
        both = not self.graph and self.measure in MEASURES and MEASURES[self.measure].both_directions
        return both or self.signed_by_order

    @property
    def _between(self) -> str:
        return " → " if self.has_direction else " – "

    @property
    def _where(self) -> str:
        if len(self.places) == 2 and self.places[0] == self.places[1]:
            return f"within {place(self.places[0])}"
        return self._between.join(place(name) for name in self.places)

    def __str__(self) -> str:
        what = f"{words(self.graph)} of {words(self.measure)}" if self.graph else words(self.measure)
        return f"{', '.join(filter(None, (what, words(self.band), self._where)))} ({self.inverse})"

    @property
    def short(self) -> str:
        """Band and places without measure and inverse."""
        return ": ".join(filter(None, (words(self.band), self._where)))


def column_of(name: str) -> Column | None:
    """Take a column name apart.

    None when it is neither of the form measure__inverse__band__place[__place] nor of the form
    graph__graph-measure__measure__inverse__band[__place].
    """
    parts = str(name).split("__")
    if not all(parts):
        return None
    if parts[0] == _GRAPH:
        graph, known, n_places = parts[1], parts[2:], (0, 1)
    else:
        graph, known, n_places = "", parts, (1, 2)
    if len(known) - 3 not in n_places:
        return None
    return Column(measure=known[0], inverse=known[1], band=known[2], places=tuple(known[3:]), graph=graph)


def column_words(name: str) -> str:
    """Return a column name for a reader; an unknown form is shown as it is."""
    column = column_of(name)
    return str(column) if column else str(name)


def side_name(side: Any) -> str:
    """Return the name of one side of a contrast: a label, or a condition with its window."""
    if isinstance(side, Mapping):
        condition, window = str(side.get("condition", "")), str(side.get("window", "epoch"))
        return condition if window == "epoch" else f"{condition} ({window.replace('_', ' ')})"
    return str(side)
