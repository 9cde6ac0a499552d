"""Regions on a person's own cortical surface: by the labels drawn on it, or through the registration to fsaverage."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.template import HEMISPHERES, Parcellation, template_arrays
from painconn.errors import InputError, Problem, RecordingFault

SURFACE_FILE = "surface.npz"


def read_own_surface(files: Mapping[str, Path], subject: str) -> dict[str, NDArray]:
    """Read what places regions on a FreeSurfer subject.

    Parameters
    ----------
    files : mapping of str to Path
        ``label/?h.aparc.annot`` and ``surf/?h.sphere.reg``, by these names (`painconn.cortex.heads.HeadParts.files`).
    subject : str
        For messages.

    Returns
    -------
    surface : dict of str to array
        For each hemisphere ``lh_names`` and ``lh_aparc`` (vertices,): position in the names of each vertex, -1 without
        a label; and ``lh_template`` (vertices,): the vertex of fsaverage5 nearest to it on the registered sphere.

    Raises
    ------
    InputError
        A file is damaged, or labels and sphere belong to different surfaces; all such at once.
    """
    from nibabel.freesurfer import read_annot, read_geometry

    surface: dict[str, NDArray] = {}
    problems = []
    for side in HEMISPHERES:
        try:
            labels, _, names = read_annot(files[f"label/{side}.aparc.annot"])
            sphere = read_geometry(files[f"surf/{side}.sphere.reg"])[0]
        except (OSError, ValueError, IndexError, EOFError) as error:
            problems.append(_damaged(subject, f"{side}: {type(error).__name__} in aparc.annot or sphere.reg"))
            continue
        if len(labels) != len(sphere):
            problems.append(_damaged(subject, f"{side}: {len(labels)} labels on {len(sphere)} vertices"))
            continue
        surface |= {
            f"{side}_names": np.array([name.decode() for name in names], dtype=np.str_),
            f"{side}_aparc": np.asarray(labels, np.int16),
            f"{side}_template": _nearest_on_template(sphere),
        }
    if problems:
        raise InputError(problems)
    return surface


def _damaged(subject: str, found: str) -> Problem:
    return Problem(f"head {subject}", found, "one label per vertex of this person's surface", "run recon-all again")


def _nearest_on_template(sphere: NDArray) -> NDArray[np.int32]:
    from scipy.spatial import cKDTree

    template = template_arrays()["sphere"].astype(float)
    tree = cKDTree(template / np.linalg.norm(template, axis=1, keepdims=True))
    _, nearest = tree.query(sphere / np.linalg.norm(sphere, axis=1, keepdims=True))
    return np.asarray(nearest, np.int32)


def on_own_surface(
    parcellation: Parcellation, surface: Mapping[str, NDArray], vertices: tuple[NDArray, NDArray]
) -> Parcellation:
    """Move a parcellation of the template to a person's own surface.

    Regions of the Desikan-Killiany atlas are the ones that FreeSurfer drew on this person (``?h.aparc.annot``); any
    other division comes through the registered sphere (``?h.sphere.reg``), nearest vertex.

    Parameters
    ----------
    parcellation : Parcellation
        On fsaverage5.
    surface : mapping of str to array
        From `read_own_surface`.
    vertices : tuple of two arrays of int
        Vertices of the sources on this surface, left then right hemisphere.

    Returns
    -------
    parcellation : Parcellation
        The same regions; ``vertex_regions`` is on this person's vertices.

    Raises
    ------
    RecordingFault
        Check ``"head"``: regions hold no source on this surface; all are named.
    """
    drawn = {f"{name}-{side}" for side in HEMISPHERES for name in surface[f"{side}_names"].tolist()}
    if set(parcellation.region_names) <= drawn:
        regions = {side: _drawn(parcellation, surface, side) for side in HEMISPHERES}
    else:
        regions = {side: parcellation.vertex_regions[side][surface[f"{side}_template"]] for side in HEMISPHERES}
    held = {int(label) for side, kept in zip(HEMISPHERES, vertices, strict=True) for label in regions[side][kept]}
    without = [name for position, name in enumerate(parcellation.region_names) if position not in held]
    if without:
        fix = "look at the labels of this head, lay more sources, or leave this participant out"
        problem = Problem("head", f"no source in {', '.join(without)}", "at least one source per region", fix)
        raise RecordingFault("head", problem)
    return replace(parcellation, vertex_regions=regions)


def _drawn(parcellation: Parcellation, surface: Mapping[str, NDArray], side: str) -> NDArray[np.int16]:
    positions = {name: position for position, name in enumerate(parcellation.region_names)}
    of_label = [positions.get(f"{name}-{side}", -1) for name in surface[f"{side}_names"].tolist()]
    # The last entry is for vertices without a label, whose position is -1.
    return np.array([*of_label, -1], np.int16)[surface[f"{side}_aparc"]]
