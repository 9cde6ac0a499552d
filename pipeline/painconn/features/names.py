"""Names of the columns: parts joined by two underscores, e.g. ``wpli2_debiased__lcmv__alpha__insula-lh__insula-rh``."""

from collections.abc import Sequence

SEPARATOR = "__"
KEYS = ("participant", "session", "condition", "window", "site")
SENSORS = "sensors"
MEAN = "mean"
POWER_LOG10 = "power_log10"
POWER_RELATIVE = "power_rel"
QUALITY = "quality"
GRAPH = "graph"


def join(*parts: str) -> str:
    """Return the column name of these parts."""
    return SEPARATOR.join(parts)


def power_names(quantity: str, place: str, band: str, signals: Sequence[str]) -> list[str]:
    """Return a column per signal and one for their mean; ``place`` is ``sensors`` or an inverse."""
    return [join(quantity, place, band, signal) for signal in (*signals, MEAN)]
