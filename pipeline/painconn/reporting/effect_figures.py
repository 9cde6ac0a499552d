"""Figures of the group comparison: block matrices, the largest effects, circuits on a brain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from painconn.reporting.drawing import DIVERGING, GREY, INK, PALE, Picture, render
from painconn.reporting.notation import Column, column_of, is_number, number, p_cell, place, words
from painconn.reporting.records import records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Position = tuple[float, float, float]

ALPHA = 0.05
EFFECT_SYMBOLS = {"hedges_g": "g", "dz": "dz"}
EFFECT_WORDS = {"hedges_g": "Hedges' g", "dz": "standardised mean difference dz"}
NODE_DISTANCE_MM = 24.0


def effect_word(tests: pd.DataFrame) -> str:
    """Return the name of the effect size that these rows carry."""
    kinds = sorted(set(tests.get("effect_size_kind", pd.Series(dtype=str)).dropna().astype(str)))
    return " / ".join(EFFECT_WORDS.get(kind, kind) for kind in kinds) or "effect size"


def people_words(tests: pd.DataFrame, sides: tuple[str, str]) -> str:
    """Return how many people the tests rest on: ``n = 12 (localized) and 12 (widespread)``."""
    texts = []
    for column, side in zip(("n_a", "n_b"), sides, strict=True):
        values = pd.to_numeric(tests.get(column, pd.Series(dtype=float)), errors="coerce").dropna()
        if values.empty:
            return "the number of people is not available"
        low, high = int(values.min()), int(values.max())
        texts.append(f"{low if low == high else f'{low} to {high}'} ({side})")
    return f"n = {texts[0]} and {texts[1]}"


def blocks_of(tests: pd.DataFrame) -> list[tuple[Column, Mapping[str, Any]]]:
    """Return the tests of edges or blocks with their names taken apart."""
    named = [(column_of(row["test"]), row) for row in records(tests)]
    return [(column, row) for column, row in named if column is not None and len(column.places) == 2]


def _order(blocks: Sequence[tuple[Column, Mapping[str, Any]]]) -> tuple[list[str], list[str]]:
    """Return bands and places, in order of appearance; places of the left side first."""
    bands = list(dict.fromkeys(column.band for column, _ in blocks))
    places = list(dict.fromkeys(name for column, _ in blocks for name in column.places))
    return bands, sorted(places, key=lambda name: name.rpartition("-")[2])


def _cells(blocks: Sequence[tuple[Column, Mapping[str, Any]]]) -> Iterator[tuple[str, str, Mapping[str, Any], float]]:
    """Yield row and column of a matrix, test and effect: where a measure has a direction, the row leads.

    A measure with a sign is tested once per pair: its mirrored cell is the same test with the opposite sign.
    """
    for column, row in blocks:
        (leading, following), size = column.places, row["hedges_g"]
        yield leading, following, row, size
        if column.signed_by_order and leading != following:
            yield following, leading, row, -size if is_number(size) else size


def _arrangement(blocks: Sequence[tuple[Column, Mapping[str, Any]]]) -> str:
    """Say what the cells beside the diagonal are."""
    if any(column.signed_by_order for column, _ in blocks):
        return (
            "elsewhere the row leads the column where the measure is positive (dPLI: above 0.5), and each test stands "
            "twice, mirrored with the opposite sign"
        )
    if any(column.has_direction for column, _ in blocks):
        return "elsewhere the row leads the column"
    return "below it between two groups"


def _limit(tests: pd.DataFrame) -> float:
    """Return a colour limit that is the same on both sides of 0: the largest effect, at least 0.5."""
    sizes = pd.to_numeric(tests["hedges_g"], errors="coerce").abs()
    return max(0.5, float(np.ceil(sizes.max() * 10) / 10)) if sizes.notna().any() else 0.5


def block_matrices(tests: pd.DataFrame, *, sides: tuple[str, str], title: str) -> Picture | None:
    """Draw one matrix of effect sizes per band; a measure with a sign also mirrored, with the opposite sign.

    Parameters
    ----------
    tests : DataFrame
        The primary tests (columns test, hedges_g, p_fwe, n_a, n_b).
    sides : tuple of str
        Names of side a and side b; positive effects mean more in b.
    title : str
        Heading of the figure.

    Returns
    -------
    picture : Picture or None
        None when no test is named as a block.
    """
    blocks = blocks_of(tests)
    if not blocks:
        return None
    bands, places = _order(blocks)
    limit, effect = _limit(tests), effect_word(tests)
    n_computable = sum(is_number(row["hedges_g"]) for _, row in blocks)
    n_significant = sum(is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA for _, row in blocks)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(1, len(bands), squeeze=False)[0]
        for axis, band in zip(axes, bands, strict=True):
            cells = [(column, row) for column, row in blocks if column.band == band]
            _matrix(axis, cells, places, limit)
            axis.set_title(words(band))
            if axis is not axes[0]:
                axis.set_yticklabels([])
        _colour_bar(figure, list(axes), limit, f"{effect}\n(positive: more in {sides[1]})")

    outlined = f"{n_significant} outlined in black: p below .05 after family-wise correction"
    caption = (
        f"Effect size ({effect}) of {sides[1]} against {sides[0]} for each of the {len(blocks)} declared tests "
        f"({people_words(tests, sides)}); the diagonal is the mean of edges within a group of regions, "
        f"{_arrangement(blocks)}. {outlined}. {len(blocks) - n_computable} not computable (hatched, never shown as 0). "
        "The colour scale is the same for all bands. Colours alone are not evidence: with this many tests some "
        "strong colours are expected by chance."
    )
    alt = (
        f"Matrices of {effect} for {len(blocks)} primary tests in {len(bands)} bands; {n_significant} significant "
        f"after family-wise correction, {len(blocks) - n_computable} not computable."
    )
    return render(title, alt=alt, caption=caption, size_in=(2.7 * len(bands) + 1.9, 3.4), draw=draw)


def _matrix(
    axis: "Axes", cells: Sequence[tuple[Column, Mapping[str, Any]]], places: Sequence[str], limit: float
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    colours, scale = colormaps[DIVERGING], Normalize(-limit, limit)
    outlines = []
    directed = any(column.has_direction for column, _ in cells)
    for leading, following, row, size in _cells(cells):
        across, down = places.index(following), places.index(leading)
        first, second = (across, down) if directed else sorted((across, down))
        corner = (first - 0.5, second - 0.5)
        if not is_number(size):
            axis.add_patch(Rectangle(corner, 1, 1, facecolor="white", edgecolor=GREY, hatch="////", linewidth=0.4))
            continue
        axis.add_patch(Rectangle(corner, 1, 1, facecolor=colours(scale(size)), edgecolor="white", linewidth=0.8))
        ink = "white" if abs(size) > 0.62 * limit else INK
        axis.text(first, second, number(size, 1), ha="center", va="center", fontsize=7, color=ink)
        if is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA:
            outlines.append(corner)
    for corner in outlines:
        axis.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="black", linewidth=2.2))
    names, ticks = [place(name) for name in places], range(len(places))
    axis.set(xlim=(-0.5, len(places) - 0.5), ylim=(len(places) - 0.5, -0.5), xticks=ticks, yticks=ticks, aspect="equal")
    axis.set_xticklabels(names, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticklabels(names)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _colour_bar(figure: "Figure", axes: "list[Axes]", limit: float, label: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = figure.colorbar(ScalarMappable(Normalize(-limit, limit), DIVERGING), ax=axes, shrink=0.8, aspect=25, pad=0.02)
    # A raster colour bar would be an embedded image without text: solid strips stay vector.
    if bar.solids is not None:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.outline.set_visible(False)
    bar.set_label(label)


def largest_effects(tests: pd.DataFrame, *, sides: tuple[str, str], title: str, n_shown: int = 12) -> Picture | None:
    """Draw a forest of the tests with the largest absolute effect and their 95 % intervals.

    Parameters
    ----------
    tests : DataFrame
        The primary tests (columns test, hedges_g, ci_low, ci_high, p_fwe).
    sides, title
        As in :func:`block_matrices`.
    n_shown : int
        Number of rows drawn at most.

    Returns
    -------
    picture : Picture or None
        None when no test could be computed.
    """
    computed = tests[pd.to_numeric(tests["hedges_g"], errors="coerce").notna()]
    if computed.empty:
        return None
    order = computed["hedges_g"].astype(float).abs().sort_values(ascending=False, kind="stable").index[:n_shown]
    shown = computed.loc[order[::-1]]
    effect = effect_word(shown)

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.axvline(0, color=GREY, linewidth=0.8)
        for height, row in enumerate(records(shown)):
            significant = is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA
            colour = INK if significant else GREY
            if is_number(row["ci_low"]) and is_number(row["ci_high"]):
                axis.plot([row["ci_low"], row["ci_high"]], [height, height], color=colour, linewidth=1.6)
            axis.plot(
                row["hedges_g"],
                height,
                "o",
                markersize=6,
                color=colour,
                markerfacecolor=colour if significant else "white",
            )
            axis.annotate(
                p_cell(row["p_fwe"]),
                (1.02, height),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
                color=colour,
            )
        axis.annotate("p (FWE)", (1.02, len(shown) - 0.3), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        columns = [column_of(name) for name in shown["test"]]
        axis.set_yticks(
            range(len(shown)), [c.short if c else str(n) for c, n in zip(columns, shown["test"], strict=True)]
        )
        axis.set_ylim(-0.6, len(shown) - 0.1)
        axis.set_xlabel(f"{effect} (positive: more in {sides[1]} than in {sides[0]})")
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)

    caption = (
        f"The {len(shown)} of {len(tests)} primary tests with the largest absolute {effect}, with 95 % intervals "
        f"({people_words(shown, sides)}). Filled: p below .05 after family-wise correction; open: not. These are the "
        f"largest of {len(computed)} computed, so their sizes are exaggerated by the choice, and the intervals are "
        "per test, not corrected for the number of tests: an interval that leaves out 0 is not by itself a finding."
    )
    if any(column is not None and column.has_direction for column in map(column_of, shown["test"])):
        caption += " A → B: the value is about A leading B (positive, for dPLI above 0.5, where A leads)."
    alt = f"Forest plot of the {len(shown)} primary tests with the largest absolute effect, with 95 % intervals."
    return render(title, alt=alt, caption=caption, size_in=(7.6, 0.29 * len(shown) + 0.9), draw=draw)


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
    bands, places = _order(blocks)
    limit, effect = _limit(tests), effect_word(tests)
    nodes = _apart({name: positions[name] for name in places})

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(1, len(bands), squeeze=False)[0]
        for axis, band in zip(axes, bands, strict=True):
            _brain(axis, np.array([xyz[:2] for xyz in centroids.values()]))
            cells = [(column, row) for column, row in blocks if column.band == band]
            _lines(axis, cells, nodes, limit)
            axis.set_title(words(band))
        _colour_bar(figure, list(axes), limit, f"{effect}\n(positive: more in {sides[1]})")

    caption = (
        f"The same {len(blocks)} tests on a brain seen from above (nose up, left is left; "
        f"{people_words(tests, sides)}). Large dots: mean position of each group's regions, coloured by the effect "
        f"within the group; lines: effects between groups. Colour and width follow {effect}; solid lines have p below "
        ".05 after family-wise correction, dashed ones do not; tests that were not computable are left out. Small "
        "dots are the centres of all regions of the atlas. Depth is not shown, and groups closer than "
        f"{NODE_DISTANCE_MM:g} mm are drawn apart: such neighbours share signal through imperfect source separation."
    )
    if any(column.has_direction for column, _ in blocks):
        caption += " Arrows point from the group that leads where the measure is positive (dPLI: above 0.5)."
    alt = f"Top view of the brain in {len(bands)} panels with lines between region groups coloured by {effect}."
    return render(title, alt=alt, caption=caption, size_in=(2.7 * len(bands) + 1.2, 3.3), draw=draw)


def _apart(positions: "Mapping[str, tuple[float, float]]") -> dict[str, tuple[float, float]]:
    """Move places that would cover each other apart, step by step, each staying on its side."""
    names = list(positions)
    points = np.array([positions[name] for name in names], dtype=float)
    sides = np.sign(points[:, 0])
    for _ in range(200):
        gap = points[:, None] - points[None]
        distance = np.linalg.norm(gap, axis=-1) + np.eye(len(points)) * 1e6
        push = np.clip(NODE_DISTANCE_MM - distance, 0, None)
        if push.max() < 0.1:
            break
        points += 0.2 * ((push / np.maximum(distance, 1e-3))[..., None] * gap).sum(axis=1)
        points[:, 0] = sides * np.maximum(np.abs(points[:, 0]), NODE_DISTANCE_MM / 2)
    return {name: (float(x), float(y)) for name, (x, y) in zip(names, points, strict=True)}


def _brain(axis: "Axes", centres: "np.ndarray[Any, np.dtype[np.float64]]") -> None:
    """Draw a light outline around the region centres, and which way is which."""
    middle = centres.mean(axis=0)
    half_width = 1.12 * np.abs(centres[:, 0]).max()
    half_length = 1.12 * np.ptp(centres[:, 1]) / 2
    angle = np.linspace(0, 2 * np.pi, 200)
    centre_y = (centres[:, 1].max() + centres[:, 1].min()) / 2
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
    axis.set(aspect="equal", xlim=(middle[0] - 1.12 * half_width, middle[0] + 1.12 * half_width))
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
    for column, row in sorted(computed, key=lambda cell: abs(cell[1]["hedges_g"])):
        size, significant = row["hedges_g"], is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA
        first, second = column.places
        if first == second:
            nodes[first] = colours(scale(size))
            continue
        (x0, y0), (x1, y1) = positions[first], positions[second]
        axis.plot(
            [x0, x1], [y0, y1], color=colours(scale(size)), linewidth=0.6 + 2.6 * abs(size) / limit,
            linestyle="-" if significant else (0, (4, 1.5)), zorder=3 if significant else 2,
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
        axis.annotate(
            stem or name, (x, y), xytext=(-8 if side == "lh" else 8, 6), textcoords="offset points", fontsize=7,
            color=INK, ha="right" if side == "lh" else "left", zorder=5,
        )  # fmt: skip
