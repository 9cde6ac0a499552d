"""Figures of the data: positive control per person, mean spectra, the way from found to used."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from painconn.reporting.drawing import GREY, INK, PALE, SIDE_A, SIDE_B, Picture, render
from painconn.reporting.notation import number, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def paired_values(
    pairs: pd.DataFrame, *, sides: tuple[str, str], feature: str, expected: str, title: str
) -> Picture | None:
    """Draw one line per person between two observations.

    Parameters
    ----------
    pairs : DataFrame
        Columns a and b, a row per person; rows that lack one are left out.
    sides : tuple of str
        Names of the two observations.
    feature : str
        What is on the axis.
    expected : {"lower", "higher"}
        How b is expected to compare with a.
    title : str
        Heading of the figure.

    Returns
    -------
    picture : Picture or None
        None when nobody has both.
    """
    whole = pairs.dropna()
    if whole.empty:
        return None
    as_expected = int(((whole["b"] < whole["a"]) if expected == "lower" else (whole["b"] > whole["a"])).sum())

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        for a, b in whole[["a", "b"]].to_numpy(dtype=float):
            right_way = (b < a) == (expected == "lower")
            axis.plot(
                [0, 1],
                [a, b],
                color=SIDE_A if right_way else SIDE_B,
                linewidth=1,
                linestyle="-" if right_way else (0, (3, 2)),
            )
        axis.plot([0] * len(whole), whole["a"], "o", [1] * len(whole), whole["b"], "s", color=INK, markersize=4)
        means = [float(whole["a"].mean()), float(whole["b"].mean())]
        axis.plot([0, 1], means, color=INK, linewidth=3)
        axis.set_xticks((0, 1), sides)
        axis.set(xlim=(-0.3, 1.3), ylabel=feature)

    caption = (
        f"One thin line per person (n = {len(whole)}); thick: mean. Expected: {sides[1]} {expected} than {sides[0]}, "
        f"true for {as_expected} of {len(whole)} people (solid blue; the others dashed orange). This shows that the "
        "line from recording to number can find a known effect; it says nothing about the question of the study."
    )
    alt = f"Paired lines of {feature} for {len(whole)} people; {as_expected} change in the expected direction."
    return render(title, alt=alt, caption=caption, size_in=(4.4, 3.4), draw=draw)


def group_values(
    values: Sequence["np.ndarray"], *, sides: tuple[str, str], feature: str, expected: str, title: str
) -> Picture | None:
    """Draw one dot per person in two groups; `values` holds those of side a and side b."""
    if not all(len(value) for value in values):
        return None

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        for x, (value, colour, mark) in enumerate(zip(values, (SIDE_A, SIDE_B), ("o", "s"), strict=True)):
            spread = (np.arange(len(value)) * 0.618 % 1 - 0.5) * 0.4
            axis.plot(x + spread, np.sort(value), mark, color=colour, markersize=5, alpha=0.75, markeredgewidth=0)
            axis.plot([x - 0.3, x + 0.3], [float(np.mean(value))] * 2, color=colour, linewidth=2.5)
        axis.set_xticks((0, 1), [f"{side} ({len(value)})" for side, value in zip(sides, values, strict=True)])
        axis.set(xlim=(-0.6, 1.6), ylabel=feature)

    caption = (
        f"One dot per person ({len(values[0])} {sides[0]}, {len(values[1])} {sides[1]}); bars: means. Expected: "
        f"{sides[1]} {expected} than {sides[0]}. This shows that the line from recording to number can find a known "
        "effect; it says nothing about the question of the study."
    )
    means = [number(np.mean(value), 3) for value in values]
    alt = f"Dots of {feature}: mean {means[0]} in {sides[0]}, {means[1]} in {sides[1]}."
    return render(title, alt=alt, caption=caption, size_in=(4.4, 3.4), draw=draw)


def mean_spectra(
    people: Mapping[str, pd.DataFrame], *, bands_hz: Mapping[str, Sequence[float]], title: str
) -> Picture | None:
    """Draw the mean power spectrum of each side with one standard deviation between people.

    Parameters
    ----------
    people : mapping of str to DataFrame
        For each side, a row per person and a column per frequency (numbers, in Hz); values in dB.
    bands_hz : mapping of str to (low, high)
        Bands marked along the axis.
    title : str
        Heading of the figure.

    Returns
    -------
    picture : Picture or None
        None when no side has anybody.
    """
    drawn = {side: table for side, table in people.items() if len(table)}
    if not drawn:
        return None

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        for (side, table), colour, style in zip(drawn.items(), (SIDE_A, SIDE_B), ("-", (0, (5, 2))), strict=False):
            hz, mean = table.columns.to_numpy(dtype=float), table.mean().to_numpy()
            if len(table) > 1:
                sd = table.std().to_numpy()
                axis.fill_between(hz, mean - sd, mean + sd, color=colour, alpha=0.18, linewidth=0)
            axis.plot(hz, mean, color=colour, linestyle=style, linewidth=1.8, label=f"{side} (n = {len(table)})")
        _mark_bands(axis, bands_hz)
        axis.set(xlabel="frequency (Hz)", ylabel="power (dB re 1 µV²/Hz)")
        axis.legend(loc="upper right")

    counts = ", ".join(f"{side}: n = {len(table)}" for side, table in drawn.items())
    caption = (
        f"Mean power spectrum over all sensors; shading: one standard deviation between people ({counts}). Look for a "
        "peak near 10 Hz, for lines at the mains frequency, and for a flat or rising tail above 20 Hz, which points "
        "to muscle. A difference between the sides here is a difference in power, which can change phase measures "
        "through signal-to-noise alone."
    )
    alt = f"Mean power spectra in dB against frequency ({counts})."
    return render(title, alt=alt, caption=caption, size_in=(6.6, 3.2), draw=draw)


def _mark_bands(axis: "Axes", bands_hz: Mapping[str, Sequence[float]]) -> None:
    low_edge, high_edge = axis.get_xlim()
    for name, (low, high) in bands_hz.items():
        if low >= low_edge and low < high_edge:
            axis.axvline(low, color=PALE, linewidth=0.8, zorder=0)
            middle = (low + min(high, high_edge)) / 2
            axis.annotate(
                name.replace("low_gamma", "low γ"), (middle, 1.0), xycoords=("data", "axes fraction"), ha="center",
                va="bottom", fontsize=7, color=GREY,
            )  # fmt: skip


def exclusion_flow(
    flow: Mapping[str, Any], *, reasons: Sequence[tuple[str, int]], targets: Sequence[tuple[str, str]], title: str
) -> Picture:
    """Draw the way from found to excluded to used to compared.

    Parameters
    ----------
    flow : mapping
        The saved counts.
    reasons : sequence of (reason, count)
        Excluded recordings by step and check.
    targets : sequence of (name, what was compared)
        One box each.
    title : str
        Heading of the figure.
    """

    def counts(stage: str, parts: Sequence[tuple[str, str]]) -> str:
        return "\n".join(plural(flow[key], noun) for key, noun in parts if key in flow) or f"{stage}: not available"

    found = counts(
        "found",
        (("recordings_found", "recording"), ("sessions_found", "session"), ("participants_found", "participant")),
    )
    used = counts("used", (("sessions_used", "session"), ("participants_used", "participant")))
    excluded = plural(flow["recordings_excluded"], "recording") if "recordings_excluded" in flow else "not available"
    lines = [line for reason, n in reasons for line in textwrap.wrap(f"{n} × {reason}", 46, subsequent_indent="     ")]
    boxes = [textwrap.fill(f"{name}: {text}", 34) for name, text in targets]
    height = max(3.0, 1.9 + 0.17 * len(lines))

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.set(xlim=(0, 10), ylim=(0, 10))
        axis.set_axis_off()
        _box(axis, 2.0, 8.2, f"Found\n{found}")
        _box(axis, 4.6, 6.2, "\n".join([f"Excluded: {excluded}", *lines]), align="left", colour=SIDE_B)
        _box(axis, 2.0, 4.6, f"Used\n{used}")
        _arrow(axis, (2.0, 7.1), (2.0, 5.6))
        _arrow(axis, (2.0, 6.2), (4.42, 6.2))
        for index, text in enumerate(boxes):
            x = 10 * (index + 0.5) / len(boxes)
            _box(axis, x if len(boxes) > 1 else 2.0, 1.2, text, colour=SIDE_A)
            _arrow(axis, (2.0, 3.8), (x if len(boxes) > 1 else 2.0, 2.0))

    caption = (
        f"From what was found to what was compared: {plural(sum(n for _, n in reasons), 'line')} in the exclusion "
        "table, each with its reason below. A recording that cannot be used never stops the others, and their "
        "numbers do not depend on it."
    )
    alt = f"Flow: found {found}; excluded {excluded}; used {used}. ".replace("\n", ", ") + "; ".join(
        f"{a}: {b}" for a, b in targets
    )
    return render(title, alt=alt, caption=caption, size_in=(7.6, height), draw=draw)


def _box(axis: "Axes", x: float, y: float, text: str, *, align: str = "center", colour: str = GREY) -> None:
    axis.text(
        x, y, text, ha=align, va="center", multialignment=align, fontsize=8.5, linespacing=1.35,
        bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": colour, "linewidth": 1.2},
    )  # fmt: skip


def _arrow(axis: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate(
        "",
        end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
        zorder=0,
    )
