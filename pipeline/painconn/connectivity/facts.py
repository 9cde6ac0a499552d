"""What a measure is, in words, for lists and documentation."""

from painconn.connectivity.definition import MeasureDefinition

_ZERO_LAG = {
    "yes": "unaffected by mixing at zero lag",
    "gaussian_only": "unaffected by mixing at zero lag for Gaussian sources only",
    "no": "inflated by mixing at zero lag",
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


def _range(value_range: tuple[float | None, float | None]) -> str:
    low, high = value_range
    if low is None:
        return "no bounds" if high is None else f"up to {high:g}"
    return f"{low:g} or more" if high is None else f"{low:g} to {high:g}"


def _needs(measure: MeasureDefinition) -> str:
    epochs = f"{measure.min_epochs} epochs, " if "over_epochs" in measure.estimators else ""
    return f"{epochs}{measure.min_cycles:g} cycles of the band's lower edge"
