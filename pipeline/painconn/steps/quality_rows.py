"""The quality table: a row per recording from the sidecar of its session, and the recordings that stand out."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.quality_numbers import QUALITY_NUMBERS

ABOUT = ("participant", "session", "recording")
OUTLIER_Z = 3.5
"""Robust z beyond which a value stands out (Iglewicz and Hoaglin 1993)."""
FEWEST_FOR_OUTLIERS = 8
OUTLIER_COLUMNS = (*ABOUT, "number", "value", "median", "robust_z", "n_compared")

_TEXTS = {"bad_channels": "n_channels", "components": "components_removed", "epochs_kept": "fraction_epochs_kept"}
"""Columns of words, each beside the number it explains."""

_MAD_TO_SD, _MEAN_DEVIATION_TO_SD = 1.4826, 1.2533
"""Factors that turn the two deviations of a normal variable into its standard deviation."""


def quality_rows(cleaned: Mapping[str, Any], about: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of one session.

    Parameters
    ----------
    cleaned : mapping
        The sidecar of the cleaned session.
    about : mapping of str to str
        Participant and session.

    Returns
    -------
    rows : list of dict
        A row per recording: ``participant``, ``session``, ``recording``, every name of ``QUALITY_NUMBERS`` (NaN where
        it cannot be computed) and three columns of words.
    """
    session = _session_numbers(cleaned)
    rows = []
    for recording, values in cleaned["quality"].items():
        numbers = {name: values.get(name, session.get(name)) for name in QUALITY_NUMBERS}
        known = {name: math.nan if value is None else float(value) for name, value in numbers.items()}
        rows.append({**about, "recording": recording, **known, **_words(cleaned)})
    return rows


def quality_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the table of the rows of all sessions, each column of words beside its number."""
    columns = list(ABOUT)
    for name in QUALITY_NUMBERS:
        columns += [name, *(text for text, number in _TEXTS.items() if number == name)]
    return pd.DataFrame(rows, columns=columns)


def _session_numbers(cleaned: Mapping[str, Any]) -> dict[str, float | None]:
    n_bad, n_good = len(cleaned["bads"]), len(cleaned["good_channels"])
    conditions = cleaned["conditions"].values()
    return {
        "n_channels": n_bad + n_good,
        "n_bad_channels": n_bad,
        "fraction_interpolated": n_bad / (n_bad + n_good),
        "components_removed": cleaned["rank"]["components_removed"],
        "fraction_epochs_kept": sum(one["n_kept"] for one in conditions) / sum(one["n_cut"] for one in conditions),
        "rank_tracked": cleaned["rank"]["tracked"],
        "rank_used": cleaned["rank"]["used"],
        "alpha_reactivity_db": alpha_reactivity_db(cleaned["conditions"]),
        "lowpass_hz": cleaned["lowpass_hz"],
    }


def alpha_reactivity_db(conditions: Mapping[str, Mapping[str, Any]]) -> float:
    """Return posterior alpha power of the conditions with eyes closed minus that of those with eyes open, in dB.

    NaN unless the session has both. Where there are several of a kind, their mean in dB counts.
    """
    by_eyes: dict[str, list[float]] = {"open": [], "closed": []}
    for record in conditions.values():
        eyes, alpha = record.get("eyes"), record.get("posterior_alpha_db")
        if eyes in by_eyes and alpha is not None:
            by_eyes[eyes].append(alpha)
    if not all(by_eyes.values()):
        return math.nan
    return float(np.mean(by_eyes["closed"]) - np.mean(by_eyes["open"]))


def _words(cleaned: Mapping[str, Any]) -> dict[str, str]:
    bads = [f"{name} ({', '.join(reasons)})" for name, reasons in cleaned["bads"].items()]
    removed = [component_words(component) for component in cleaned["components"] if component["removed"]]
    kept = [f"{name} {record['n_kept']}/{record['n_cut']}" for name, record in cleaned["conditions"].items()]
    return {
        "bad_channels": "; ".join(bads) or "none",
        "components": "; ".join(removed) or "none",
        "epochs_kept": ", ".join(kept),
    }


def component_words(component: Mapping[str, Any]) -> str:
    """Return label and probability of a component, with what else spoke for its removal."""
    told = f"{component['label']} {component['probability']:.2f}"
    others = [reason for reason in component.get("reasons", ()) if reason != told]
    return f"{told} ({', '.join(others)})" if others else told


def outliers(quality: pd.DataFrame) -> pd.DataFrame:
    r"""Return the values that stand out of the others of their kind.

    .. math:: z = \frac{x - \operatorname{median}}{1.4826 \, \operatorname{MAD}}

    beyond 3.5 either way, with at least 8 values; x is the logarithm of some numbers (``QualityNumber.log``). When more
    than half of the values are equal the deviation is 1.2533 times the mean absolute one. Numbers of a recording are
    compared among recordings of the same name (task and run), as rest and a task differ for good reason; numbers of a
    session among sessions. No label is looked at.
    """
    rows = []
    for number in QUALITY_NUMBERS.values():
        if not number.compared or number.name not in quality:
            continue
        if number.of == "session":
            once = quality.drop_duplicates(["participant", "session"]).assign(recording="")
            alike = [once]
        else:
            alike = [group for _, group in quality.groupby("recording", sort=False)]
        for group in alike:
            rows += _standing_out(group, number.name, log=number.log)
    return pd.DataFrame(rows, columns=list(OUTLIER_COLUMNS))


def _standing_out(group: pd.DataFrame, name: str, *, log: bool) -> list[dict[str, Any]]:
    known = group[group[name].gt(0) if log else group[name].notna()]
    values = known[name].to_numpy(dtype=float)
    if len(values) < FEWEST_FOR_OUTLIERS:
        return []
    z = robust_z(np.log(values) if log else values)
    return [
        {
            **{key: row[key] for key in ABOUT},
            "number": name,
            "value": row[name],
            "median": float(np.median(values)),
            "robust_z": float(score),
            "n_compared": len(values),
        }
        for row, score in zip(known.to_dict("records"), z, strict=True)
        if abs(score) > OUTLIER_Z
    ]


def robust_z(values: np.ndarray) -> np.ndarray:
    """Return how many robust standard deviations each value lies off the median; zeros when all are equal."""
    off = values - np.median(values)
    deviation = _MAD_TO_SD * np.median(np.abs(off)) or _MEAN_DEVIATION_TO_SD * np.mean(np.abs(off))
    return off / deviation if deviation else np.zeros_like(off)
