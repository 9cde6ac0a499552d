"""The blocks of the group comparison on a brain seen from above."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from painconn.reporting.drawing import DIVERGING, GREY, INK, PALE, Picture, render
from painconn.reporting.effect_figures import (
    ALPHA,
    FEW_PLACES,
    MOST_WITH_NUMBERS,
    PANEL_IN,
    arranged,
    blocks_of,
    colour_bar,
    colour_limit,
    effect_word,
    order_of,
    panels,
    people_words,
)
from painconn.reporting.marks import is_marked, note
from painconn.reporting.notation import Column, is_number, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Position = tuple[float, float, float]

NODE_DISTANCE_MM = 24.0
_FAINT = 0.4
BRAIN_MM = ((-67.0, 67.0), (-103.0, 66.0))
"""From left to right and from back to front: what the white surface of fsaverage spans."""

_MOST_LINES = 30


def circuits(
    tests: pd.DataFrame,
    *,
    sides: tuple[str, str],
    title: str,
    centroids: "Mapping[str, Position]",
    groups: Mapping[str, Sequence[str]],
) -> Picture | None:
    """Draw the blocks on a brain seen from above, one panel per band.

    Parameters
    ----------
    tests, sides, title
        As in :func:`block_matrices`.
    centroids : mapping of str to (x, y, z)
        Centre of each region, in mm (x to the right, y to the front).
    groups : mapping of str to sequence of str
        Regions of each functional group; a group sits at the mean of its regions' centres.

    Returns
    -------
    picture : Picture or None
        None when fewer than two places have a known position.
    """
    positions = {name: (xyz[0], xyz[1]) for name, xyz in centroids.items()}
    for name, members in groups.items():
        known = [centroids[member][:2] for member in members if member in centroids]
        if known:
            positions[name] = (float(np.mean([xy[0] for xy in known])), float(np.mean([xy[1] for xy in known])))
    blocks = [(column, row) for column, row in blocks_of(tests) if all(name in positions for name in column.places)]
    if len({name for column, _ in blocks for name in column.places}) < 2:
        return None
    bands, places = order_of(blocks)
    limit, effect = colour_limit(tests), effect_word(tests)
    nodes, few = _apart({name: positions[name] for name in places}), len(places) <= FEW_PLACES
    panel_in = PANEL_IN if few else 4.1 if len(places) <= MOST_WITH_NUMBERS else 6.5
    size_in, across = arranged(len(bands), panel_in, panel_in + 0.6, few=few)

    def draw(figure: "Figure") -> None:
        axes = panels(figure, len(bands), across)
        for axis, band in zip(axes, bands, strict=True):
            draw_brain(axis, np.array([xyz[:2] for xyz in centroids.values()]))
            cells = [(column, row) for column, row in blocks if column.band == band]
            _lines(axis, cells, nodes, limit)
            axis.set_title(words(band))
        colour_bar(figure, axes[:across], limit, f"{effect}\n(positive: more in {sides[1]})")

    caption = (
        f"The same {len(blocks)} tests on a brain seen from above (nose up, left is left; "
        f"{people_words(tests, sides)}). Large dots: mean position of each group's regions, coloured by the effect "
        f"within the group; lines: effects between groups. Colour and width follow {effect}; solid lines have p below "
        ".05 after family-wise correction, dashed ones do not; tests that were not computable are left out. Small "
        "dots are the centres of all regions of the atlas. Depth is not shown, and groups closer than "
        f"{_node_distance_mm(len(places)):.0f} mm are drawn apart: such neighbours share signal through imperfect "
        "source separation."
    )
    caption += note((row for _, row in blocks), sign="Faint")
    if any(column.has_direction for column, _ in blocks):
        caption += " Arrows point from the group that leads where the measure is positive (dPLI: above 0.5)."
    if not few:
        caption += f" Lines: per band those with p below .05, and those among the {_MOST_LINES} largest effects."
    alt = f"Top view of the brain in {len(bands)} panels with lines between region groups coloured by {effect}."
    return render(title, alt=alt, caption=caption, size_in=(size_in[0] + 1.2, size_in[1]), draw=draw)


def _node_distance_mm(n_nodes: int) -> float:
    """Return the least distance between nodes: less where many have to find room on one brain."""
    (left, right), (back, front) = BRAIN_MM
    return min(NODE_DISTANCE_MM, 0.6 * float(np.sqrt((right - left) * (front - back) / n_nodes)))


def _apart(positions: "Mapping[str, tuple[float, float]]") -> dict[str, tuple[float, float]]:
    """Move places that would cover each other apart, step by step, each staying on its side."""
    names = list(positions)
    points = np.array([positions[name] for name in names], dtype=float)
    sides, wanted_mm = np.sign(points[:, 0]), _node_distance_mm(len(names))
    for _ in range(200):
        gap = points[:, None] - points[None]
        distance = np.linalg.norm(gap, axis=-1) + np.eye(len(points)) * 1e6
        push = np.clip(wanted_mm - distance, 0, None)
        if push.max() < 0.1:
            break
        points += 0.2 * ((push / np.maximum(distance, 1e-3))[..., None] * gap).sum(axis=1)
        points[:, 0] = sides * np.maximum(np.abs(points[:, 0]), wanted_mm / 2)
    return {name: (float(x), float(y)) for name, (x, y) in zip(names, points, strict=True)}


def draw_brain(axis: "Axes", centres: "np.ndarray[Any, np.dtype[np.float64]]") -> None:
    """Draw a light outline around the region centres, and which way is which."""
    (left, right), (back, front) = BRAIN_MM
    half_width, half_length, centre_y = (right - left) / 2, (front - back) / 2, (front + back) / 2
    angle = np.linspace(0, 2 * np.pi, 200)
    # Slightly egg-shaped: a brain from above is wider behind the middle than in front of it.
    width = half_width * (1 - 0.08 * np.sin(angle))
    axis.fill(
        width * np.cos(angle),
        centre_y + half_length * np.sin(angle),
        facecolor="#f4f5f7",
        edgecolor=PALE,
        linewidth=1.2,
    )
    axis.plot([0, 0], [centre_y - half_length, centre_y + half_length], color=PALE, linewidth=0.8)
    axis.plot([-6, 0, 6], centre_y + half_length + np.array([0.5, 8, 0.5]), color=PALE, linewidth=1.2)
    axis.scatter(centres[:, 0], centres[:, 1], s=5, color="#b6bcc6", linewidths=0)
    axis.text(-half_width, centre_y + half_length * 0.9, "L", color=GREY, ha="center")
    axis.text(half_width, centre_y + half_length * 0.9, "R", color=GREY, ha="center")
    axis.set(aspect="equal", xlim=(-1.12 * half_width, 1.12 * half_width))
    axis.set_axis_off()


def _lines(
    axis: "Axes",
    cells: Sequence[tuple[Column, Mapping[str, Any]]],
    positions: Mapping[str, tuple[float, float]],
    limit: float,
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    colours, scale = colormaps[DIVERGING], Normalize(-limit, limit)
    nodes: dict[str, Any] = {}
    computed = [(column, row) for column, row in cells if is_number(row["hedges_g"])]
    few, rank = len(positions) <= FEW_PLACES, len(computed)
    for column, row in sorted(computed, key=lambda cell: abs(cell[1]["hedges_g"])):
        size, significant = row["hedges_g"], is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA
        (first, second), rank = column.places, rank - 1
        if first == second:
            nodes[first] = colours(scale(size), alpha=_FAINT if is_marked(row) else 1.0)
            continue
        if not (few or significant or rank < _MOST_LINES):
            continue
        (x0, y0), (x1, y1) = positions[first], positions[second]
        axis.plot(
            [x0, x1], [y0, y1], color=colours(scale(size)), linewidth=0.6 + 2.6 * abs(size) / limit,
            linestyle="-" if significant else (0, (4, 1.5)), zorder=3 if significant else 2,
            alpha=_FAINT if is_marked(row) else 1.0,
        )  # fmt: skip
        if column.has_direction:
            tip, tail = ((x0 + share * (x1 - x0), y0 + share * (y1 - y0)) for share in (0.68, 0.6))
            axis.annotate("", tip, tail, arrowprops={"arrowstyle": "-|>", "color": colours(scale(size))}, zorder=3)
    for name, (x, y) in positions.items():
        axis.plot(
            x,
            y,
            "o",
            markersize=9,
            markerfacecolor=nodes.get(name, "white"),
            markeredgecolor=INK,
            markeredgewidth=0.8,
            zorder=4,
        )
        stem, _, side = name.rpartition("-")
        # Beside the node, away from the midline; where there are many, below it: two on one side do not meet there.
        beside = {"xytext": (-8 if side == "lh" else 8, 6), "ha": "right" if side == "lh" else "left", "fontsize": 7}
        below = {"xytext": (0, -12), "ha": "center", "fontsize": 6}
        axis.annotate(
            stem or name, (x, y), textcoords="offset points", color=INK, zorder=5, **(beside if few else below)
        )
