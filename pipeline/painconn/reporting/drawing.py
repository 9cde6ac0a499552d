"""What every figure shares: one style, one way from a drawing to inline SVG."""

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE_A, SIDE_B = "#0072B2", "#D55E00"
"""Colours of the two sides of a contrast (Okabe and Ito: told apart with any colour vision)."""
INK, GREY, PALE = "#1b1f24", "#6b7280", "#d5d9df"
DIVERGING = "RdBu_r"

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Parameters
    ----------
    title : str
        Heading of the figure.
    svg : str
        Inline SVG, safe to place in HTML: all text in it is escaped.
    alt : str
        What a reader who cannot see it must know.
    caption : str
        One paragraph: what is drawn, on how many people, what it does and does not show.
    """

    title: str
    svg: str
    alt: str
    caption: str


def render(
    title: str, *, alt: str, caption: str, size_in: tuple[float, float], draw: Callable[["Figure"], None]
) -> Picture:
    """Draw on a fresh figure and return it as inline SVG.

    Parameters
    ----------
    title, alt, caption : str
        The words around the figure.
    size_in : tuple of float
        Width and height, in inches.
    draw : callable
        Receives the figure (constrained layout) and draws on it.

    Returns
    -------
    picture : Picture
        The same text for the same drawing: nothing in it depends on the time.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    key = "f" + hashlib.sha256(f"{title}|{caption}".encode()).hexdigest()[:8]
    stream = io.StringIO()
    with rc_context(cast(Any, _STYLE | {"svg.hashsalt": key})):
        figure = Figure(figsize=size_in, layout="constrained")
        draw(figure)
        figure.savefig(stream, format="svg", metadata=_NO_METADATA)
    return Picture(title=title, svg=_inline(stream.getvalue(), key, alt), alt=alt, caption=caption)


def _inline(svg: str, key: str, alt: str) -> str:
    """Drop the file header, make identifiers unique on the page and name the picture for screen readers."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{key}-\1"', svg)
    svg = svg.replace("sans-serif", "'DejaVu Sans', Verdana, Arial, sans-serif").replace(
        "'DejaVu Sans', 'DejaVu Sans'", "'DejaVu Sans'"
    )
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)
