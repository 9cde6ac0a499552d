"""What a measure is, in words, for lists and documentation."""

import math

from painconn.connectivity.definition import MeasureDefinition
from painconn.connectivity.graph.registry import GraphMeasureDefinition

_ZERO_LAG = {
    "yes": "mean unaffected by mixing at zero lag",
    "gaussian_only": "mean unaffected by mixing at zero lag for Gaussian sources only",
    "no": "changed by mixing at zero lag",
}


def facts_of(measure: MeasureDefinition) -> dict[str, str]:
    """Return estimator, kind, range, gates and zero lag of a measure, each as a few words."""
    return {
        "estimator": " or ".join(estimator.replace("_", " ") for estimator in measure.estimators),
        "kind": f"{measure.kind}, a value for each direction" if measure.both_directions else measure.kind,
        "range": _range(measure.value_range),
        "needs": _needs(measure),
        "zero lag": _ZERO_LAG[measure.zero_lag_safe],
    }


_LEVEL = {"node": "a value per region", "graph": "one value per graph"}
_UNIT = {
    "none": "without unit",
    "weight": "in the unit of the weights",
    "reciprocal": "in the reciprocal unit of the weights",
}


def graph_facts_of(measure: GraphMeasureDefinition) -> dict[str, str]:
    """Return level, range, unit and need of null graphs of a graph measure, each as a few words."""
    return {
        "level": _LEVEL[measure.level],
        "range, weights in [0, 1]": _range(measure.value_range),
        "unit": _UNIT[measure.unit],
        "null graphs": "compared with null graphs" if measure.needs_nulls else "no null graphs",
    }


def _range(value_range: tuple[float | None, float | None]) -> str:
    low, high = value_range
    if low is None:
        return "no bounds" if high is None else f"up to {high:g}"
    return f"{low:g} or more" if high is None or math.isinf(high) else f"{low:g} to {high:g}"


def _needs(measure: MeasureDefinition) -> str:
    epochs = f"{measure.min_epochs} epochs, " if "over_epochs" in measure.estimators else ""
    return f"{epochs}{measure.min_cycles:g} cycles of the band's lower edge"
