"""Figures of the group comparison: block matrices and the largest effects."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from painconn.reporting.drawing import DIVERGING, GREY, INK, Picture, render
from painconn.reporting.marks import dagger, is_marked, note
from painconn.reporting.notation import Column, column_of, is_number, number, p_cell, place, words
from painconn.reporting.records import records

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALPHA = 0.05
EFFECT_SYMBOLS = {"hedges_g": "g", "dz": "dz", "r": "r"}
EFFECT_WORDS = {"hedges_g": "Hedges' g", "dz": "standardised mean difference dz", "r": "partial correlation r"}

PANEL_IN = 2.7
_PLACE_IN = 0.17
_ROW_IN = 8.4
FEW_PLACES = 8
MOST_WITH_NUMBERS = 15


def effect_word(tests: pd.DataFrame) -> str:
    """Return the name of the effect size that these rows carry."""
    kinds = sorted(set(tests.get("effect_size_kind", pd.Series(dtype=str)).dropna().astype(str)))
    return " / ".join(EFFECT_WORDS.get(kind, kind) for kind in kinds) or "effect size"


def of_score(tests: pd.DataFrame) -> bool:
    """Whether the rows are correlations with a score: everybody stands on both of its ends."""
    kinds = set(tests.get("effect_size_kind", pd.Series(dtype=str)).dropna())
    return kinds == {"r"}


def people_words(tests: pd.DataFrame, sides: tuple[str, str]) -> str:
    """Return how many people the tests rest on: ``n = 12 (localized) and 12 (widespread)``; ``n = 24`` with a score."""
    texts = []
    for column, side in zip(("n_a", "n_b"), sides, strict=True):
        values = pd.to_numeric(tests.get(column, pd.Series(dtype=float)), errors="coerce").dropna()
        if values.empty:
            return "the number of people is not available"
        low, high = int(values.min()), int(values.max())
        number_of = f"{low}" if low == high else f"{low} to {high}"
        if of_score(tests):
            return f"n = {number_of}"
        texts.append(f"{number_of} ({side})")
    return f"n = {texts[0]} and {texts[1]}"


def blocks_of(tests: pd.DataFrame) -> list[tuple[Column, Mapping[str, Any]]]:
    """Return the tests of edges or blocks with their names taken apart."""
    named = [(column_of(row["test"]), row) for row in records(tests)]
    return [(column, row) for column, row in named if column is not None and len(column.places) == 2]


def order_of(blocks: Sequence[tuple[Column, Mapping[str, Any]]]) -> tuple[list[str], list[str]]:
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


def colour_limit(tests: pd.DataFrame) -> float:
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
    bands, places = order_of(blocks)
    limit, effect = colour_limit(tests), effect_word(tests)
    n_computable = sum(is_number(row["hedges_g"]) for _, row in blocks)
    n_significant = sum(is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA for _, row in blocks)

    panel_in = max(PANEL_IN, _PLACE_IN * len(places) + 0.4)
    size_in, across = arranged(len(bands), panel_in, panel_in + 0.7, few=len(places) <= FEW_PLACES)

    def draw(figure: "Figure") -> None:
        # Cells are square: the plain constrained layout cuts titles and names off where there are few groups.
        figure.set_layout_engine("compressed")
        axes = panels(figure, len(bands), across)
        for position, (axis, band) in enumerate(zip(axes, bands, strict=True)):
            cells = [(column, row) for column, row in blocks if column.band == band]
            _matrix(axis, cells, places, limit)
            axis.set_title(words(band))
            if position % across:
                axis.set_yticklabels([])
        colour_bar(figure, axes[:across], limit, f"{effect}\n(positive: more in {sides[1]})")

    outlined = f"{n_significant} outlined in black: p below .05 after family-wise correction"
    caption = (
        f"Effect size ({effect}) of {sides[1]} against {sides[0]} for each of the {len(blocks)} declared tests "
        f"({people_words(tests, sides)}); the diagonal is the mean of edges within a group of regions, "
        f"{_arrangement(blocks)}. {outlined}. {len(blocks) - n_computable} not computable (hatched, never shown as 0). "
        "The colour scale is the same for all bands. Colours alone are not evidence: with this many tests some "
        "strong colours are expected by chance."
    ) + note((row for _, row in blocks), sign="Dark corner")
    alt = (
        f"Matrices of {effect} for {len(blocks)} primary tests in {len(bands)} bands; {n_significant} significant "
        f"after family-wise correction, {len(blocks) - n_computable} not computable."
    )
    if len(places) > MOST_WITH_NUMBERS:
        caption += " With this many groups the sizes are not written in the cells; they are in the table."
    return render(title, alt=alt, caption=caption, size_in=(size_in[0] + 1.9, size_in[1]), draw=draw)


def arranged(n_panels: int, width_in: float, height_in: float, *, few: bool) -> tuple[tuple[float, float], int]:
    """Return the size of a figure and how many panels stand in a row: all of them, unless they show many places."""
    across = n_panels if few else max(1, min(n_panels, int(_ROW_IN // width_in)))
    return (width_in * across, height_in * -(-n_panels // across)), across


def panels(figure: "Figure", n_panels: int, across: int) -> "list[Axes]":
    """Return the axes of so many panels, `across` of them in a row."""
    axes = list(figure.subplots(-(-n_panels // across), across, squeeze=False).flat)
    for unused in axes[n_panels:]:
        unused.remove()
    return axes[:n_panels]


def _matrix(
    axis: "Axes", cells: Sequence[tuple[Column, Mapping[str, Any]]], places: Sequence[str], limit: float
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize
    from matplotlib.patches import Polygon, Rectangle

    colours, scale = colormaps[DIVERGING], Normalize(-limit, limit)
    outlines, fontsize = [], 7 if len(places) <= FEW_PLACES else 5
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
        if is_marked(row):
            right, top = first + 0.5, second - 0.5
            axis.add_patch(Polygon([(right, top), (right - 0.3, top), (right, top + 0.3)], facecolor=INK))
        if len(places) <= MOST_WITH_NUMBERS:
            axis.text(first, second, number(size, 1), ha="center", va="center", fontsize=fontsize, color=ink)
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


def colour_bar(figure: "Figure", axes: "list[Axes]", limit: float, label: str) -> None:
    """Draw the scale of effect sizes beside some axes."""
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
        named = [(column_of(row["test"]), row) for row in records(shown)]
        axis.set_yticks(
            range(len(shown)), [f"{column.short if column else row['test']}{dagger(row)}" for column, row in named]
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
    caption += note(records(shown))
    if any(column is not None and column.has_direction for column in map(column_of, shown["test"])):
        caption += " A → B: the value is about A leading B (positive, for dPLI above 0.5, where A leads)."
    alt = f"Forest plot of the {len(shown)} primary tests with the largest absolute effect, with 95 % intervals."
    return render(title, alt=alt, caption=caption, size_in=(7.6, 0.29 * len(shown) + 0.9), draw=draw)
