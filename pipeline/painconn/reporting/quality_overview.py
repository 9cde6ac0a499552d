"""How good all recordings are together: the distribution of each quality number, with those that stand out by name.

No label is looked at: who is in which group plays no part in judging a recording.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from painconn.config.quality_numbers import QUALITY_NUMBERS, QualityNumber
from painconn.reporting.drawing import GREY, SIDE_A, SIDE_B, Picture, render
from painconn.reporting.notation import plural, significant, words
from painconn.reporting.records import records
from painconn.reporting.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PER_ROW = 3
_MOST_NAMED = 4
_KEYS = ("participant", "session", "recording")


def overview(quality: pd.DataFrame, outliers: pd.DataFrame | None) -> Picture | None:
    """Draw every compared number of the quality table, one dot per recording (or session).

    Parameters
    ----------
    quality : DataFrame
        The quality table.
    outliers : DataFrame or None
        The saved values that stand out; they are drawn in another colour and the farthest ones named.

    Returns
    -------
    picture : Picture or None
        None when no number has two different values.
    """
    shown = [number for number in QUALITY_NUMBERS.values() if number.compared and _varies(quality, number.name)]
    if not shown:
        return None
    standing_out = pd.DataFrame(columns=[*_KEYS, "number"]) if outliers is None else outliers
    n_rows = math.ceil(len(shown) / _PER_ROW)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(n_rows, min(_PER_ROW, len(shown)), squeeze=False).ravel()
        for panel, number in zip(panels, shown, strict=False):
            _strip(panel, _once(quality, number), number, standing_out[standing_out["number"] == number.name])
        for panel in panels[len(shown) :]:
            panel.set_axis_off()

    told = plural(len(standing_out), "value")
    return render(
        "Quality of all recordings",
        alt=f"Dots of {plural(len(shown), 'quality number')} over {plural(len(quality), 'recording')}; standing out: "
        f"{told}.",
        caption=f"One dot per recording ({len(quality)}; per session where the number belongs to the session); line: "
        f"median. In orange, with the participant: {told} beyond 3.5 robust standard deviations of the others of the "
        "same task and run. Look at the quality page of these sessions. Standing out excludes nobody: a rule in "
        "data.inclusion does, and it belongs there before anybody knows what it does to the result.",
        size_in=(7.6, 1.35 * n_rows),
        draw=draw,
    )


def outliers_table(outliers: pd.DataFrame) -> Table:
    """Return a row per value that stands out, the farthest first."""
    farthest = outliers.reindex(outliers["robust_z"].abs().sort_values(ascending=False, kind="stable").index)
    rows = tuple(
        (
            str(row["participant"]),
            *("" if pd.isna(row[key]) else str(row[key]) for key in ("session", "recording")),
            words(str(row["number"])),
            significant(row["value"]),
            significant(row["median"]),
            significant(row["robust_z"]),
            significant(row["n_compared"]),
        )
        for row in records(farthest)
    )
    return Table(
        caption="Values that stand out of the others of their kind (beyond 3.5 robust standard deviations).",
        header=("participant", "session", "recording", "number", "value", "median", "robust z", "compared"),
        rows=rows,
    )


def _varies(quality: pd.DataFrame, name: str) -> bool:
    return name in quality and pd.to_numeric(quality[name], errors="coerce").dropna().nunique() > 1


def _once(quality: pd.DataFrame, number: QualityNumber) -> pd.DataFrame:
    rows = quality.drop_duplicates(["participant", "session"]) if number.of == "session" else quality
    return rows[pd.to_numeric(rows[number.name], errors="coerce").notna()]


def _strip(panel: "Axes", rows: pd.DataFrame, number: QualityNumber, standing_out: pd.DataFrame) -> None:
    values = rows[number.name].to_numpy(dtype=float)
    keys = list(_KEYS if number.of == "recording" else _KEYS[:2])
    named = {tuple(map(str, row)) for row in standing_out[keys].fillna("").to_numpy()}
    out = np.array([tuple(map(str, row)) in named for row in rows[keys].fillna("").to_numpy()], dtype=bool)
    # golden-ratio steps in the order of size: neighbours do not cover each other, and nothing is random
    spread = np.argsort(np.argsort(values, kind="stable"), kind="stable") * 0.618 % 1 - 0.5
    panel.axvline(float(np.median(values)), color=GREY, linewidth=1)
    for chosen, colour in ((~out, SIDE_A), (out, SIDE_B)):
        panel.plot(values[chosen], spread[chosen], "o", color=colour, markersize=3.5, alpha=0.7, markeredgewidth=0)
    people = rows["participant"].astype(str).to_numpy()
    order = np.argsort(-np.abs(values - np.median(values)), kind="stable")
    for index in [index for index in order if out[index]][:_MOST_NAMED]:
        panel.annotate(
            people[index], (values[index], spread[index]), xytext=(0, 4), textcoords="offset points", ha="center",
            va="bottom", fontsize=7, color=SIDE_B,
        )  # fmt: skip
    panel.set_title(f"{words(number.name)} ({number.unit})", fontsize=8)
    panel.set(ylim=(-0.75, 0.95))
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.tick_params(labelsize=7)
