"""The head seen from above: electrodes on a disc, and maps between them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.reporting.drawing import DIVERGING, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TYPICAL_CENTRE_M = np.array([0.0, 0.0, 0.04])
_FEWEST_FOR_SPHERE = 8
_GRID = 48
_EDGE = 1.0
"""Radius of the drawn head: the equator of the sphere through the electrodes."""


def flat_positions(positions_m: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Project electrodes on a disc, the vertex in the middle and the nose up (azimuthal equidistant).

    Parameters
    ----------
    positions_m : mapping of str to three floats
        Head coordinates: right, front, up.

    Returns
    -------
    flat : dict of str to two floats
        Distance 1 from the middle is the equator of the sphere that fits the electrodes best; lower ones lie outside.
    """
    if not positions_m:
        return {}
    points = np.array(list(positions_m.values()), dtype=float)
    away = points - _centre(points)
    angle = np.arctan2(np.hypot(away[:, 0], away[:, 1]), away[:, 2])
    azimuth = np.arctan2(away[:, 1], away[:, 0])
    radius = angle / (np.pi / 2)
    flat = np.column_stack([radius * np.cos(azimuth), radius * np.sin(azimuth)])
    return {name: (float(x), float(y)) for name, (x, y) in zip(positions_m, flat, strict=True)}


def _centre(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centre of the sphere through the electrodes; few of them, or an odd result: that of a usual head."""
    if len(points) < _FEWEST_FOR_SPHERE:
        return _TYPICAL_CENTRE_M
    design = np.column_stack([2 * points, np.ones(len(points))])
    solution, *_ = np.linalg.lstsq(design, (points**2).sum(axis=1), rcond=None)
    centre = np.asarray(solution[:3], dtype=float)
    return centre if np.linalg.norm(centre - _TYPICAL_CENTRE_M) < 0.05 else _TYPICAL_CENTRE_M


def draw_head(axis: "Axes") -> None:
    """Draw outline, nose and ears, and leave nothing else of the axis."""
    from matplotlib.patches import Circle

    style = {"color": GREY, "linewidth": 0.9, "zorder": 1.5}
    axis.add_patch(Circle((0, 0), _EDGE, fill=False, edgecolor=GREY, linewidth=0.9, zorder=1.5))
    axis.plot([-0.12, 0, 0.12], [0.993, 1.13, 0.993], **style)  # type: ignore[arg-type]
    for side in (-1, 1):
        axis.plot(np.array([1.0, 1.06, 1.06, 1.0]) * side, [0.14, 0.1, -0.1, -0.14], **style)  # type: ignore[arg-type]
    axis.set(xlim=(-1.3, 1.3), ylim=(-1.25, 1.25), aspect="equal")
    axis.set_axis_off()


def draw_map(axis: "Axes", flat: Sequence[tuple[float, float]], values: Sequence[float]) -> None:
    """Draw values at electrodes as a map inside the head (thin-plate spline; colours symmetric about 0).

    Fewer than four electrodes, or electrodes on one line, make no map: only the head is drawn.
    """
    draw_head(axis)
    places, heights = np.array(flat, dtype=float).reshape(-1, 2), np.asarray(values, dtype=float)
    if len(places) < 4 or np.linalg.matrix_rank(places - places.mean(axis=0), tol=1e-3) < 2:
        return
    from matplotlib.patches import Circle
    from scipy.interpolate import RBFInterpolator

    line = np.linspace(-_EDGE, _EDGE, _GRID)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    drawn = RBFInterpolator(places, heights, kernel="thin_plate_spline", smoothing=1e-6)(grid).reshape(_GRID, _GRID)
    limit = float(np.abs(heights).max()) or 1.0
    image = axis.imshow(
        drawn,
        extent=(-_EDGE, _EDGE, -_EDGE, _EDGE),
        origin="lower",
        cmap=DIVERGING,
        vmin=-limit,
        vmax=limit,
        interpolation="none",
        zorder=1,
    )
    image.set_clip_path(Circle((0, 0), _EDGE, transform=axis.transData))
