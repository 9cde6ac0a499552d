"""Maps on the inflated cortex of the bundled head."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.template import HEMISPHERES, template_arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_VIEWS = (("lh", "lateral"), ("lh", "medial"), ("rh", "medial"), ("rh", "lateral"))
_AMBIENT, _SULCUS, _NO_VALUE = 0.55, 0.78, (0.82, 0.82, 0.82, 1.0)


def surface_figure(
    maps: Mapping[str, Mapping[str, Array]], *, label: str, limits: tuple[float, float], colours: str = "viridis"
) -> "Figure":
    """Draw maps of the cortex, a row for each, from the side and from between the hemispheres.

    Parameters
    ----------
    maps : mapping of str to mapping of str to array, shape (vertices,)
        By title: a value for each vertex of fsaverage5, for ``"lh"`` and ``"rh"``; NaN is grey.
    label : str
        Of the colour bar, with the unit.
    limits : tuple of float
        Of the colours; values beyond are drawn as the nearer limit.
    colours : str
        A colour map of matplotlib.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    scale = ScalarMappable(Normalize(*limits), colours)
    figure = Figure(figsize=(8.4, 1.6 * len(maps) + 0.2), layout="constrained")
    axes = figure.subplots(len(maps), len(_VIEWS), squeeze=False)
    for row, (title, values) in zip(axes, maps.items(), strict=True):
        for axis, (hemisphere, view) in zip(row, _VIEWS, strict=True):
            colour = np.where(
                np.isnan(values[hemisphere])[:, np.newaxis], _NO_VALUE, scale.to_rgba(np.nan_to_num(values[hemisphere]))
            )
            _draw(axis, hemisphere, view, colour)
        row[0].set_title(title, loc="left", fontsize=9)
    for axis, (hemisphere, view) in zip(axes[-1], _VIEWS, strict=True):
        axis.set_xlabel(f"{'left' if hemisphere == 'lh' else 'right'}, {view}", fontsize=8)
    figure.colorbar(scale, ax=axes, label=label, shrink=0.8, aspect=30, pad=0.01)
    return figure


def region_values(values: Array, vertex_regions: Mapping[str, NDArray]) -> dict[str, Array]:
    """Spread one value per region over its vertices; NaN outside every region."""
    padded = np.append(np.asarray(values, float), np.nan)
    return {hemisphere: padded[vertex_regions[hemisphere]] for hemisphere in HEMISPHERES}


def point_values(values: Array, vertices: tuple[NDArray, NDArray], *, n_nearest: int = 6) -> dict[str, Array]:
    """Spread values at some vertices over all of them: the mean of the nearest, along the sphere.

    Parameters
    ----------
    values : array, shape (points,)
        Those of the left hemisphere first.
    vertices : tuple of two arrays of int
        Vertex of each point.
    n_nearest : int
        How many are averaged.

    Returns
    -------
    spread : dict of str to array, shape (vertices,)
    """
    from scipy.spatial import KDTree

    sphere = np.asarray(template_arrays()["sphere"], float)
    pieces = np.split(np.asarray(values, float), [len(vertices[0])])
    spread = {}
    for hemisphere, kept, piece in zip(HEMISPHERES, vertices, pieces, strict=True):
        _, nearest = KDTree(sphere[kept]).query(sphere, k=range(1, n_nearest + 1))
        spread[hemisphere] = piece[nearest].mean(axis=1)
    return spread


def _draw(axis: "Axes", hemisphere: str, view: str, colours: Array) -> None:
    """Paint the triangles that face the viewer, the far ones first."""
    from matplotlib.collections import PolyCollection

    places, triangles = _inflated(hemisphere), template_arrays()["triangles"]
    towards = 1.0 if (hemisphere == "rh") == (view == "lateral") else -1.0
    corners = places[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = towards * normal[:, 0] / np.linalg.norm(normal, axis=1)
    depth = towards * corners[:, :, 0].mean(axis=1)
    order = np.argsort(depth)[facing[np.argsort(depth)] > 0]
    shade = (_AMBIENT + (1 - _AMBIENT) * facing[order]) * _folds(hemisphere)[triangles[order]].mean(axis=1)
    faces = colours[triangles[order]].mean(axis=1)
    faces[:, :3] *= shade[:, np.newaxis]
    flat = corners[order][:, :, 1:] * (towards, 1.0)
    axis.add_collection(PolyCollection(flat, facecolors=faces, edgecolors=faces, linewidths=0.3, rasterized=True))
    axis.autoscale_view()
    axis.set(aspect="equal", xticks=[], yticks=[])
    for side in axis.spines.values():
        side.set_visible(False)


@cache
def _inflated(hemisphere: str) -> Array:
    """Return the inflated surface, (vertices, 3); nilearn carries it, vertex for vertex that of the bundled head."""
    from nilearn.surface import load_surf_mesh

    return np.asarray(load_surf_mesh(_file("infl", hemisphere)).coordinates, float)


@cache
def _folds(hemisphere: str) -> Array:
    """Return how bright a vertex is: gyri lighter than sulci."""
    from nilearn.surface import load_surf_data

    return np.where(np.asarray(load_surf_data(_file("sulc", hemisphere))) > 0, _SULCUS, 1.0)


def _file(kind: str, hemisphere: str) -> str:
    from nilearn.datasets import fetch_surf_fsaverage

    return str(fetch_surf_fsaverage("fsaverage5")[f"{kind}_{'left' if hemisphere == 'lh' else 'right'}"])
