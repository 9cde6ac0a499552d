"""The positive controls on the page: verdict, sentence and figure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from painconn.reporting import data_figures, effect_figures
from painconn.reporting.drawing import Picture
from painconn.reporting.headline import people
from painconn.reporting.notation import column_words, interval, is_number, number, p_text, significant
from painconn.reporting.observations import side_tables
from painconn.reporting.results import Control, StudyResults, TargetResults, positive_controls


@dataclass(frozen=True)
class ControlView:
    """A positive control on the page."""

    name: str
    sentence: str
    verdict: str
    picture: Picture | None
    note: str


def control_views(results: StudyResults) -> list[ControlView]:
    """Return every positive control of the study."""
    return [control_view(results, control) for control in positive_controls(results)]


def control_view(results: StudyResults, control: Control) -> ControlView:
    """Return a positive control with its verdict and, where the values are saved, its figure."""
    row = control.row or {}
    sides = _sides(control.contrast)
    kind = str(control.contrast["kind"])
    asked = f"{column_words(control.feature)}: expected {control.expected} in {sides[1]} than in {sides[0]}"
    if control.row is None:
        sentence = f"{asked}; its result is not available."
    else:
        sentence = (
            f"{asked}. Found: "
            f"difference {significant(row.get('estimate'))}, statistic {number(row.get('statistic'))}, "
            f"{p_text(row.get('p'))} (declared by itself, a family of one test), "
            f"{effect_figures.EFFECT_WORDS.get(str(row.get('effect_size_kind')), 'effect size')} "
            f"{number(row.get('hedges_g'))}, 95 % interval {interval(row.get('ci_low'), row.get('ci_high'))}, n = "
            f"{people(row.get('n_a'), row.get('n_b'), kind)}."
        )
        reason = row.get("reason")
        if not is_number(row.get("estimate")) and isinstance(reason, str) and reason:
            sentence += f" Not computable: {reason}."
    picture = _control_picture(results, control, sides)
    note = "" if picture else "Values per person are not in the saved tables for this contrast, so there is no figure."
    return ControlView(name=control.name, sentence=sentence, verdict=control.verdict, picture=picture, note=note)


def _sides(contrast: Mapping[str, Any]) -> tuple[str, str]:
    return TargetResults(name="", settings={"contrast": contrast}).sides


def _control_picture(results: StudyResults, control: Control, sides: tuple[str, str]) -> Picture | None:
    table = results.features
    if table is None or control.feature not in table:
        return None
    tables = side_tables(results, control.contrast, table)
    if tables is None:
        return None
    title, feature = f"Positive control {control.name}", column_words(control.feature)
    a, b = (side[control.feature] for side in tables)
    if control.contrast["kind"] == "within":
        pairs = pd.DataFrame({"a": a, "b": b})
        return data_figures.paired_values(pairs, sides=sides, feature=feature, expected=control.expected, title=title)
    values = [side.dropna().to_numpy(dtype=float) for side in (a, b)]
    return data_figures.group_values(values, sides=sides, feature=feature, expected=control.expected, title=title)
