"""Regions of a study: those of the package by name, or the user's own; all on the vertices of fsaverage5."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from painconn.config.parcellation import ParcellationChoice
from painconn.cortex.region_files import read_annotations, read_coordinates
from painconn.cortex.registry import PAIN, PARCELLATIONS
from painconn.cortex.template import HEMISPHERES, Parcellation, parcellation, read_verified, template_arrays
from painconn.errors import InputError, Problem

SOURCES_PER_HEMISPHERE = {"ico3": 642, "ico4": 2562}
"""On fsaverage the sources are the first vertices of a hemisphere."""

_SCHAEFER = "schaefer.npz"

Point = tuple[float, float, float]


def parcellation_of(choice: ParcellationChoice | Mapping[str, Any]) -> Parcellation:
    """Return the regions that a study names.

    Parameters
    ----------
    choice : str or UserParcellation or mapping
        ``cortex.parcellation`` of the study file, or what it became as JSON.

    Returns
    -------
    parcellation : Parcellation
        Its groups are the default ones of a name, and none for files of the user.

    Raises
    ------
    InputError
        Files of the user are at fault; every problem is named, with its row.
    IntegrityError
        The bundled labels are not what their checksum names.
    """
    known = TypeAdapter[Any](ParcellationChoice).validate_python(choice)
    if isinstance(known, str):
        return _bundled(known)
    if known.annot is not None:
        return read_annotations({"lh": known.annot.lh, "rh": known.annot.rh})
    return read_coordinates(known.coordinates, space=known.space)


@cache
def _bundled(name: str) -> Parcellation:
    definition = PARCELLATIONS[name]
    if not name.startswith("schaefer"):
        whole = parcellation()
        return part_of(whole, definition.region_names, name) if name == PAIN else whole
    stored = _schaefer()
    regions, start, vertex_regions = tuple(stored[f"{name}_names"].tolist()), 0, {}
    for hemisphere in HEMISPHERES:
        labels = stored[f"{name}_{hemisphere}"].astype(np.int16)
        vertex_regions[hemisphere] = np.where(labels > 0, labels + np.int16(start - 1), np.int16(-1))
        start += int(labels.max())
    return Parcellation(regions, vertex_regions, name, definition.groups)


@cache
def _schaefer() -> dict[str, NDArray[Any]]:
    data = resources.files("painconn.cortex") / "data"
    with resources.as_file(data / _SCHAEFER) as path, resources.as_file(data / f"{_SCHAEFER}.sha256") as checksum:
        return read_verified(path, checksum)


def part_of(whole: Parcellation, region_names: tuple[str, ...], name: str) -> Parcellation:
    """Return some regions of a parcellation, in the given order; the rest of the cortex is in no region.

    Parameters
    ----------
    whole : Parcellation
    region_names : tuple of str
        All of them regions of `whole`.
    name : str
        Of the result.
    """
    # The last place stands for "in no region": -1 finds it.
    position = np.full(len(whole.region_names) + 1, -1, np.int16)
    position[[whole.region_names.index(region) for region in region_names]] = np.arange(len(region_names))
    vertex_regions = {side: position[labels] for side, labels in whole.vertex_regions.items()}
    return Parcellation(region_names, vertex_regions, name, whole.groups)


def region_centroids(regions: Parcellation) -> dict[str, Point]:
    """Return one point per region for figures: the white-surface vertex nearest to the region's mean position.

    Returns
    -------
    centroids : dict of str to (x, y, z)
        In mm, surface RAS of fsaverage, which equals MNI305.
    """
    surfaces = np.concatenate([template_arrays()[f"{hemisphere}_white"] for hemisphere in HEMISPHERES]).astype(float)
    labels = np.concatenate([regions.vertex_regions[hemisphere] for hemisphere in HEMISPHERES])
    centroids = {}
    for position, name in enumerate(regions.region_names):
        vertices = surfaces[labels == position]
        x, y, z = vertices[np.linalg.norm(vertices - vertices.mean(axis=0), axis=1).argmin()].tolist()
        centroids[name] = (x, y, z)
    return centroids


def sources_per_region(regions: Parcellation, source_spacing: str) -> dict[str, int]:
    """Return how many sources of a source space on fsaverage each region holds.

    Parameters
    ----------
    regions : Parcellation
    source_spacing : str
        ``"ico3"`` or ``"ico4"``.
    """
    kept = SOURCES_PER_HEMISPHERE[source_spacing]
    labels = np.concatenate([regions.vertex_regions[hemisphere][:kept] for hemisphere in HEMISPHERES])
    counts = np.bincount(labels[labels >= 0], minlength=len(regions.region_names))
    return dict(zip(regions.region_names, counts.tolist(), strict=True))


def require_sources(regions: Parcellation, source_spacing: str) -> None:
    """Refuse regions that would have no signal because no source lies in them.

    Raises
    ------
    InputError
        With a problem per region.
    """
    wanted = f"at least one source of {source_spacing}"
    fix = "finer cortex.source_spacing, a larger region, or leave it out"
    without = [region for region, n_sources in sources_per_region(regions, source_spacing).items() if not n_sources]
    if without:
        raise InputError(
            Problem(f"cortex.parcellation, region {region}", "no source", wanted, fix) for region in without
        )


def fingerprint(regions: Parcellation) -> str:
    """Return a hash of names and labels, which changes with the files of the user."""
    digest = hashlib.sha256("\n".join(regions.region_names).encode())
    for hemisphere in HEMISPHERES:
        digest.update(regions.vertex_regions[hemisphere].astype("<i2").tobytes())
    return digest.hexdigest()
