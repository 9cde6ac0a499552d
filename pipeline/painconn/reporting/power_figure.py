"""Power by number of people, as a picture: a panel per planted block, a curve per size of the true effect."""

from typing import TYPE_CHECKING

from painconn.reporting.drawing import GREY, INK, PALE, SIDE_A, SIDE_B, Picture, render

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (SIDE_A, SIDE_B, "#009E73", "#CC79A7", INK)
_PANEL_IN = (3.4, 3.2)
_WANTED = 0.8


def power_figure(table: "pd.DataFrame", *, people: str, n_people: int) -> Picture:
    """Draw the table of a plan.

    Parameters
    ----------
    table : DataFrame
        Of a plan (``power.tsv``).
    people : str
        What a number of people counts: people per group, or people.
    n_people : int
        Simulated people.
    """
    blocks = list(table.groupby(["band", "block"], sort=False))

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, len(blocks), sharey=True, squeeze=False)[0]
        for panel, ((band, block), rows) in zip(panels, blocks, strict=True):
            _draw_block(panel, rows)
            panel.set_title(f"{band}: {block}", fontsize=9)
            panel.set_xlabel(people)
        panels[0].set_ylabel("power")
        panels[-1].legend(title="true effect", loc="upper left", fontsize=8, title_fontsize=8)

    best = table.iloc[int(table["power"].to_numpy().argmax())]
    alt = (
        f"Power by {people} for {len(blocks)} planted effects; the highest is {best['power']:.2f}, in {best['band']}, "
        f"{best['block']}, with a true effect of {best['d']:g} at {best['n']}."
    )
    caption = (
        f"Curves with 95 % bands over {n_people} simulated people and the drawn studies; dots: share of the drawn "
        "studies in which the study's own family-wise test found the block."
    )
    width, height = _PANEL_IN
    return render("Power", alt=alt, caption=caption, size_in=(width * len(blocks), height), draw=draw)


def _draw_block(panel: "Axes", rows: "pd.DataFrame") -> None:
    panel.axhline(_WANTED, color=PALE, linewidth=1, zorder=0)
    for colour, (d, own) in zip(_COLOURS * len(rows), rows.groupby("d"), strict=False):
        panel.fill_between(own["n"], own["power_low"], own["power_high"], color=colour, alpha=0.15, linewidth=0)
        panel.plot(own["n"], own["power"], color=colour, linewidth=1.5, label=f"d = {d:g}")
        panel.plot(own["n"], own["n_found"] / own["n_drawn"], "o", color=colour, markersize=3)
    panel.set_ylim(-0.02, 1.02)
    panel.tick_params(colors=GREY)
