"""Node strengths on the brain, and the networks of edges that were found, or came nearest to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from painconn.reporting.circuit_figures import draw_brain
from painconn.reporting.drawing import DIVERGING, GREY, INK, PALE, Picture, render
from painconn.reporting.effect_figures import ALPHA, colour_bar, colour_limit, effect_word, panels, people_words
from painconn.reporting.notation import column_of, count, is_number, number, p_text, place, plural, words
from painconn.reporting.records import records
from painconn.reporting.results import TargetResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Position = tuple[float, float, float]

_VIEWS = ("from above", "from the left", "from the right")
_MOST_COMPONENTS = 3
_MOST_NAMED = 12


def network_pictures(target: TargetResults, centroids: "Mapping[str, Position]") -> tuple[Picture, ...]:
    """Draw node strengths and networks of a target; what was not saved, or has no place on the brain, is left out."""
    drawn = (node_strength_map(target, centroids), networks_map(target, centroids))
    return tuple(picture for picture in drawn if picture)


def node_strength_map(target: TargetResults, centroids: "Mapping[str, Position]") -> Picture | None:
    """Draw the effect on the node strength of every region, below 30 Hz, of the primary measure and inverse.

    Parameters
    ----------
    target : TargetResults
        Its table of tests has the family as an exploratory one.
    centroids : mapping of str to (x, y, z)
        Centre of each region, in mm (x to the right, y to the front, z up).

    Returns
    -------
    picture : Picture or None
        None without the family, or without a region of known position.
    """
    primary = target.settings.get("primary") or {}
    tests = target.tests("exploratory")
    if tests.empty:
        return None
    tests = tests[tests["family"] == f"{primary.get('measure')} node strength, {primary.get('inverse')}"]
    named = [(column, row) for row in records(tests) if (column := column_of(row["test"])) is not None]
    nodes = [(column.band, column.places[0], row) for column, row in named if column.places[0] in centroids]
    if not nodes:
        return None
    bands = list(dict.fromkeys(band for band, _, _ in nodes))
    limit, effect = colour_limit(tests), effect_word(tests)

    def draw(figure: "Figure") -> None:
        axes = panels(figure, len(_VIEWS) * len(bands), len(bands))
        for position, axis in enumerate(axes):
            view, band = _VIEWS[position // len(bands)], bands[position % len(bands)]
            _nodes(axis, [(name, row) for own, name, row in nodes if own == band], centroids, view, limit)
            axis.set_title(words(band) if view == _VIEWS[0] else view, fontsize=10 if view == _VIEWS[0] else 8)
        colour_bar(figure, axes, limit, f"{effect}\n(positive: more in {target.sides[1]})")

    title = f"Exploratory: node strength of {target.name}"
    size_in = (2.5 * len(bands) + 1.2, 7.4)
    alt = f"Regions as dots on the brain in {len(bands)} bands, coloured by {effect} of their node strength."
    return render(title, alt=alt, caption=_node_caption(tests, nodes, target), size_in=size_in, draw=draw)


def _node_caption(
    tests: pd.DataFrame, nodes: Sequence[tuple[str, str, Mapping[str, Any]]], target: TargetResults
) -> str:
    primary, effect = target.settings["primary"], effect_word(tests)
    computed = tests[tests["p"].notna()]
    n_found, n_fdr = (int((computed[name] < ALPHA).sum()) for name in ("p_fwe", "q_fdr"))
    caption = (
        f"Effect ({effect}) of {target.sides[1]} against {target.sides[0]} on the mean of all edges of a region "
        f"({words(primary['measure'])}, {primary['inverse']}; {people_words(tests, target.sides)}). A family of "
        f"{count(tests['family_size'].iloc[0])} exploratory tests, {count(len(computed))} computed: "
        f"{count(n_found)} with p below .05 after family-wise correction (ringed), {count(n_fdr)} with a false "
        "discovery rate below .05"
    )
    if len(computed):
        first = computed.sort_values(["p_fwe", "p"], kind="stable").iloc[0]
        column = column_of(first["test"])
        where = column.short if column else first["test"]
        caption += (
            f"; the smallest {p_text(first['p_fwe'], symbol='family-wise p')} ({where}, {effect} "
            f"{number(first['hedges_g'])})"
        )
    missing = sum(not is_number(row["hedges_g"]) for _, _, row in nodes)
    if missing:
        caption += f". {count(missing)} not computable (crosses)"
    return (
        f"{caption}. Area and colour follow the effect. Every edge counts at both of its regions, and neighbours share "
        "signal: one strong edge or region colours several dots, and strong colours are expected by chance."
    )


def _nodes(
    axis: "Axes",
    nodes: Sequence[tuple[str, Mapping[str, Any]]],
    centroids: "Mapping[str, Position]",
    view: str,
    limit: float,
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    everywhere = np.array(list(centroids.values()), dtype=float)
    if view == _VIEWS[0]:
        draw_brain(axis, everywhere[:, :2])
    else:
        _profile(axis, everywhere, view)
    colours, scale = colormaps[DIVERGING], Normalize(-limit, limit)
    for name, row in nodes:
        x, y, z = centroids[name]
        if (view == _VIEWS[1] and x > 0) or (view == _VIEWS[2] and x < 0):
            continue
        at = {_VIEWS[0]: (x, y), _VIEWS[1]: (-y, z), _VIEWS[2]: (y, z)}[view]
        size = row["hedges_g"]
        if not is_number(size):
            axis.plot(*at, "x", color=GREY, markersize=4)
            continue
        ringed = is_number(row["p_fwe"]) and row["p_fwe"] < ALPHA
        axis.scatter(
            *at, s=6 + 90 * abs(size) / limit, color=colours(scale(size)), edgecolors=INK if ringed else PALE,
            linewidths=1.6 if ringed else 0.5, zorder=3,
        )  # fmt: skip


def _profile(axis: "Axes", centres: "np.ndarray[Any, np.dtype[np.float64]]", view: str) -> None:
    """Draw a light outline of the head of the regions from one side; nose towards the edge that is named."""
    towards = -1.0 if view == _VIEWS[1] else 1.0
    middle, reach = (centres.max(axis=0) + centres.min(axis=0)) / 2, np.ptp(centres, axis=0) / 2 + 14
    angle = np.linspace(0, 2 * np.pi, 200)
    axis.fill(
        towards * middle[1] + reach[1] * np.cos(angle),
        middle[2] + reach[2] * np.sin(angle),
        facecolor="#f4f5f7",
        edgecolor=PALE,
        linewidth=1.2,
    )
    axis.text(towards * (middle[1] + reach[1]) + towards * 4, middle[2], "nose", color=GREY, ha="center", fontsize=7,
              rotation=90)  # fmt: skip
    axis.set(aspect="equal")
    axis.set_axis_off()


@dataclass(frozen=True)
class _Panel:
    """Edges that are drawn together, what stands above them, and whether they are a finding."""

    title: str
    edges: list[dict[str, Any]]
    found: bool


def networks_map(target: TargetResults, centroids: "Mapping[str, Position]") -> Picture | None:
    """Draw the components of edges that were found, and the edges found without a threshold, seen from above.

    Where nothing was found, what came nearest to it is drawn with its p, dashed.

    Parameters
    ----------
    target : TargetResults
        With its components, and its edges with their scores.
    centroids : mapping of str to (x, y, z)
        Centre of each region, in mm.

    Returns
    -------
    picture : Picture or None
        None when networks were not looked for, or regions have no known position.
    """
    table = target.network_edges
    saved = (target.declaration or {}).get("networks")
    if table is None or not saved:
        return None
    edges = [row for row in records(table) if row["a"] in centroids and row["b"] in centroids]
    if not edges:
        return None
    shown = [*_component_panels(target.networks, edges), _enhanced_panel(edges)]
    limit = max(3.0, float(np.ceil(max(abs(row["score"]) for panel in shown for row in panel.edges))))

    def draw(figure: "Figure") -> None:
        axes = panels(figure, len(shown), min(len(shown), 2))
        for axis, panel in zip(axes, shown, strict=True):
            draw_brain(axis, np.array([xyz[:2] for xyz in centroids.values()]))
            _edges(axis, panel, centroids, limit)
            axis.set_title(panel.title, fontsize=9)
        colour_bar(figure, axes, limit, f"z of an edge\n(positive: more in {target.sides[1]})")

    caption = (
        f"Edges of {words(saved['family'])} on a brain seen from above (nose up, left is left; "
        f"{people_words(table, target.sides)}). Exploratory: one family of {count(saved['family_size'])} edges, "
        f"{count(saved['n_computed'])} computed, all bands together. {_told(target.networks, shown)} A p above a "
        f"component is corrected for all components and the {count(saved['n_choices'])} choices of threshold and size; "
        f"it holds for the component as a whole and for none of its edges. Threshold-free: {_told_enhanced(edges)} "
        "Solid: p below .05; dashed: not. Depth is not shown."
    )
    alt = f"{plural(len(shown), 'view')} of the brain from above with edges as lines: " + "; ".join(
        panel.title.replace("\n", ", ") for panel in shown
    )
    across = min(len(shown), 2)
    size_in = (3.3 * across + 1.2, 3.7 * -(-len(shown) // across))
    title = f"Exploratory: networks of {target.name}"
    return render(title, alt=alt, caption=caption, size_in=size_in, draw=draw)


def _component_panels(components: pd.DataFrame | None, edges: list[dict[str, Any]]) -> list[_Panel]:
    """Return the components with p below .05 that share no edge, or that with the smallest p; larger ones first."""
    if components is None or components.empty:
        return []
    ordered = components.sort_values(["p_fwe", "extent"], ascending=[True, False], kind="stable")
    found = ordered[ordered["p_fwe"] < ALPHA]
    shown: list[_Panel] = []
    drawn: set[str] = set()
    for row in records(found if len(found) else ordered.head(1)):
        own = [edge for edge in edges if str(row["network"]) in str(edge["networks"]).split()]
        if not own or drawn & {edge["test"] for edge in own} or len(shown) == _MOST_COMPONENTS:
            continue
        drawn |= {edge["test"] for edge in own}
        title = (
            f"{words(row['band'])}, {row['sign']}, z above {row['threshold']:g}:\n{plural(row['extent'], 'edge')}, "
            f"{p_text(row['p_fwe'])}"
        )
        shown.append(_Panel(title, own, bool(row["p_fwe"] < ALPHA)))
    return shown


def _enhanced_panel(edges: list[dict[str, Any]]) -> _Panel:
    """Return the edges found without a threshold, or that which came nearest to it."""
    found = [edge for edge in edges if edge["p_fwe"] < ALPHA]
    if found:
        bands = ", ".join(words(band) for band in dict.fromkeys(edge["band"] for edge in found))
        return _Panel(f"threshold-free, {bands}:\n{plural(len(found), 'edge')}, p < .05 each", found, found=True)
    nearest = min(edges, key=lambda edge: (edge["p_fwe"], -edge["enhanced"]))
    title = f"threshold-free: none found; nearest,\n{words(nearest['band'])}, {p_text(nearest['p_fwe'])}"
    return _Panel(title, [nearest], found=False)


def _told(components: pd.DataFrame | None, shown: Sequence[_Panel]) -> str:
    """Say which components are drawn out of how many."""
    if components is None or components.empty:
        return "No two edges above a threshold shared a region: there is no component to draw."
    n_found, n_drawn = int((components["p_fwe"] < ALPHA).sum()), len(shown) - 1
    if not n_found:
        return (
            f"Nothing found: none of {plural(len(components), 'component')} has p below .05; drawn is that with the "
            "smallest p."
        )
    return (
        f"Of {plural(len(components), 'component')} {count(n_found)} {'has' if n_found == 1 else 'have'} p below .05; "
        f"drawn: {count(n_drawn)}, beginning with the smallest p, without those that share edges with one drawn."
    )


def _told_enhanced(edges: Iterable[Mapping[str, Any]]) -> str:
    p = [edge["p_fwe"] for edge in edges]
    n_found = sum(value < ALPHA for value in p)
    if n_found:
        return f"{plural(n_found, 'edge')} with family-wise p below .05, the smallest {number(min(p), 3)}."
    return f"no edge with family-wise p below .05 (smallest {number(min(p), 2)})."


def _edges(axis: "Axes", panel: _Panel, centroids: "Mapping[str, Position]", limit: float) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    colours, scale = colormaps[DIVERGING], Normalize(-limit, limit)
    for row in sorted(panel.edges, key=lambda row: abs(row["score"])):
        (x0, y0, _), (x1, y1, _) = centroids[row["a"]], centroids[row["b"]]
        axis.plot(
            [x0, x1], [y0, y1], color=colours(scale(row["score"])), linewidth=0.4 + 1.6 * abs(row["score"]) / limit,
            linestyle="-" if panel.found else (0, (4, 1.5)), zorder=3,
        )  # fmt: skip
    names = dict.fromkeys(name for row in panel.edges for name in (row["a"], row["b"]))
    for name in names:
        x, y, _ = centroids[name]
        axis.plot(x, y, "o", markersize=4, color=INK, zorder=4)
        if len(names) <= _MOST_NAMED:
            side = -1 if x < 0 else 1
            axis.annotate(
                place(name), (x, y), textcoords="offset points", xytext=(5 * side, 3), color=INK, zorder=5,
                ha="left" if side > 0 else "right", fontsize=6,
            )  # fmt: skip
