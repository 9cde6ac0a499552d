"""Names of the columns: parts joined by two underscores, e.g. ``wpli2_debiased__lcmv__alpha__insula-lh__insula-rh``."""

from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement

KEYS = ("participant", "session", "condition", "window", "site")
SENSORS = "sensors"
MEAN = "mean"
POWER_LOG10 = "power_log10"
POWER_RELATIVE = "power_rel"
QUALITY = "quality"


def join(*parts: str) -> str:
    """Return the column name of these parts."""
    return "__".join(parts)


def edge_names(measure: str, inverse: str, band: str, regions: Sequence[str]) -> list[str]:
    """Return a column per pair of regions, in the order of the upper triangle."""
    return [join(measure, inverse, band, a, b) for a, b in combinations(regions, 2)]


def block_pairs(groups: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return every pair of groups and every group with itself (when it has at least two regions)."""
    return [(a, b) for a, b in combinations_with_replacement(groups, 2) if a != b or len(groups[a]) > 1]


def block_names(measure: str, inverse: str, band: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a column per block (mean of the edges within or between two groups of regions)."""
    return [join(measure, inverse, band, a, b) for a, b in block_pairs(groups)]


def power_names(quantity: str, place: str, band: str, signals: Sequence[str]) -> list[str]:
    """Return a column per signal and one for their mean; ``place`` is ``sensors`` or an inverse."""
    return [join(quantity, place, band, signal) for signal in (*signals, MEAN)]
