"""Figures of recovery: what of a planted coupling is found in people, and between groups."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from painconn.reporting.drawing import GREY, INK, SIDE_A, SIDE_B, Picture, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (SIDE_A, SIDE_B, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK, GREY)
_MARKERS = "osD^vPX*"


def edges_by_epochs(scores: pd.DataFrame, *, cohort: str, band: str, value: str, chance: float, label: str) -> Picture:
    """Draw a score of the planted edges over the number of epochs: a panel per montage and inverse, a line per measure.

    Parameters
    ----------
    scores : DataFrame
        Scores of edges; `value` with its ``_low`` and ``_high``.
    cohort, band : str
        Which rows; artefact-free ones only.
    value : str
        Column that is drawn.
    chance : float
        Where a method that knows nothing lies.
    label : str
        Of the vertical axis.

    Returns
    -------
    picture : Picture
    """
    rows = scores[(scores["cohort"] == cohort) & (scores["band"] == band) & (scores["cleaning"] == "artefact_free")]
    rows = rows[rows["n_people"] > 0]
    montages, inverses = list(dict.fromkeys(rows["montage"])), list(dict.fromkeys(rows["inverse"]))
    measures = list(dict.fromkeys(rows["measure"]))

    def panel(axis: "Axes", inverse: str, montage: str) -> None:
        axis.axhline(chance, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        axis.set_title(f"{inverse}, {_channels(montage)}")
        here = rows[(rows["inverse"] == inverse) & (rows["montage"] == montage)]
        for number, measure in enumerate(measures):
            _line(axis, here[here["measure"] == measure], "n_epochs", value, measure, number)

    def draw(figure: "Figure") -> None:
        _panels(figure, inverses, montages, panel, across="epochs of 2 s", up=label)

    n_people = int(rows["n_people"].max()) if len(rows) else 0
    return render(
        f"{label}, {cohort}",
        alt=f"{label} over the number of epochs for every measure, montage and inverse",
        caption=f"{n_people} people; bars: 95 % over people; dashed: chance.",
        size_in=(1.0 + 2.3 * len(montages), 1.0 + 1.8 * len(inverses)),
        draw=draw,
    )


def power_by_people(scores: pd.DataFrame) -> Picture:
    """Draw power and type-I rate over the number of people per group: a panel per pool and inverse.

    Parameters
    ----------
    scores : DataFrame
        Scores of groups.

    Returns
    -------
    picture : Picture
    """
    pools, inverses = list(dict.fromkeys(scores["cohort"])), list(dict.fromkeys(scores["inverse"]))
    measures = list(dict.fromkeys(scores["measure"]))

    def panel(axis: "Axes", inverse: str, pool: str) -> None:
        here = scores[(scores["inverse"] == inverse) & (scores["cohort"] == pool)]
        planted = "power" in here and here["power"].notna().any()
        axis.axhline(0.8 if planted else 0.05, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        axis.set_title(f"{pool}, {inverse}")
        for number, measure in enumerate(measures):
            of = here[here["measure"] == measure]
            _line(axis, of, "n_per_group", "power" if planted else "others", measure, number)

    def draw(figure: "Figure") -> None:
        _panels(figure, inverses, pools, panel, across="people per group", up="rate, family-wise 0.05")

    return render(
        "Power and type-I rate",
        alt="Rate of studies that find the planted test, and of studies that find anything where nothing is planted",
        caption="Bars: 95 %; of power over pools and drawn studies, of the type-I rate over drawn studies.",
        size_in=(1.2 + 2.6 * len(pools), 1.0 + 1.9 * len(inverses)),
        draw=draw,
    )


def _panels(
    figure: "Figure",
    rows: Sequence[str],
    columns: Sequence[str],
    draw: Callable[["Axes", str, str], None],
    *,
    across: str,
    up: str,
) -> None:
    axes = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    for row, of_row in zip(rows, axes, strict=True):
        for column, axis in zip(columns, of_row, strict=True):
            draw(axis, row, column)
            axis.set(ylim=(-0.03, 1.03))
        of_row[0].set_ylabel(up)
    for axis in axes[-1]:
        axis.set_xlabel(across)
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)))


def _line(axis: "Axes", rows: pd.DataFrame, x: str, value: str, label: str, number: int) -> None:
    rows = rows.sort_values(x)
    middle = rows[value].to_numpy(float)
    spread = np.abs(rows[[f"{value}_low", f"{value}_high"]].to_numpy(float).T - middle)
    axis.errorbar(
        rows[x],
        middle,
        yerr=spread,
        color=_COLOURS[number % len(_COLOURS)],
        marker=_MARKERS[number % len(_MARKERS)],
        markersize=3.5,
        linewidth=1.1,
        elinewidth=0.7,
        label=label,
    )


def _channels(montage: str) -> str:
    return f"{montage.rpartition('_')[2]} channels"
