"""Per target: what this many people can see, and which true effects stand behind that."""

import math
from collections.abc import Iterator
from typing import Any

from painconn.config.targets import Observation, Target
from painconn.inference.families import Family
from painconn.inference.power import (
    effect_behind,
    minimum_detectable_correlation,
    minimum_detectable_effect,
    power_of,
)
from painconn.paths import Results
from painconn.steps.selection import Selection
from painconn.store import read_json

POWER, ALPHA = 0.8, 0.05
# Small, medium and large, by Cohen's convention.
SIZES = {"d": (0.2, 0.5, 0.8), "dz": (0.2, 0.5, 0.8)}


def detectable(results: Results, target: Target, selection: Selection, primary: Family) -> dict[str, Any]:
    """Return the smallest effects found with a power of 80 %, the power for usual ones, and true effects by band."""
    n_a, n_b = selection.n_sides
    family_size = len(primary.tests)
    symbol = {"between": "d", "within": "dz", "association": "r"}[selection.kind]
    other = n_b if selection.kind == "between" else None
    if selection.kind == "association":
        n_covariates = len(primary.covariates) + len(set(selection.sites)) - 1
        one, whole = (minimum_detectable_correlation(n_a, size, n_covariates=n_covariates) for size in (1, family_size))
    else:
        one, whole = (minimum_detectable_effect(n_a, other, size) for size in (1, family_size))
    return {
        "effect": symbol,
        "power": POWER,
        "alpha": ALPHA,
        "one_test": _finite(one),
        "whole_family": _finite(whole),
        "family_size": family_size,
        "power_of_usual_effects": [
            {
                "size": size,
                "one_test": power_of(size, n_a, other, 1),
                "whole_family": power_of(size, n_a, other, family_size),
            }
            for size in SIZES.get(symbol, ())
        ],
        "by_band": list(_behind(results, target, one, whole)),
    }


def _behind(results: Results, target: Target, one: float, whole: float) -> Iterator[dict[str, Any]]:
    """Yield the true effect behind the smallest detectable ones, per band of the primary family."""
    path = results.group("features.json")
    entries = read_json(path).get("reliability") or [] if path.is_file() else []
    wanted = {_key(observation) for observation in target.contrast.observations}
    chosen = (target.primary.measure, target.primary.inverse)
    for entry in entries:
        sides = {(entry["condition"], entry["window"])}
        if entry["minus"]:
            sides.add((entry["minus"]["condition"], entry["minus"]["window"]))
        if sides != wanted or (entry["measure"], entry["inverse"]) != chosen:
            continue
        reliability = ((entry.get("spearman_brown") or {}).get("blocks") or {}).get("median")
        if entry["band"] in target.primary.bands and reliability is not None:
            yield {
                "band": entry["band"],
                "reliability": reliability,
                "true_one_test": _finite(effect_behind(one, reliability)),
                "true_whole_family": _finite(effect_behind(whole, reliability)),
            }


def _key(observation: Observation) -> tuple[str, str]:
    return observation.condition, observation.window


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
