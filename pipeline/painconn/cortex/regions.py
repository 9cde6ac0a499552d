"""From sources to regions: which sources a region holds, and the sign each enters with."""

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.lead_field import LeadField
from painconn.cortex.template import HEMISPHERES, Parcellation
from painconn.errors import InputError, Problem


def region_labels(parcellation: Parcellation, vertices: tuple[NDArray, NDArray]) -> NDArray[np.int16]:
    """Return the region of each source.

    Parameters
    ----------
    parcellation : Parcellation
    vertices : tuple of two arrays of int
        Surface vertices of the sources, left then right hemisphere.

    Returns
    -------
    labels : array, shape (sources,)
        Position in ``parcellation.region_names``; -1 outside every region.

    Raises
    ------
    InputError
        A region has no source; all such regions are named.
    """
    sides = zip(HEMISPHERES, vertices, strict=True)
    labels = np.concatenate([parcellation.vertex_regions[hemisphere][kept] for hemisphere, kept in sides])
    empty = set(range(len(parcellation.region_names))) - set(labels.tolist())
    if empty:
        names = ", ".join(parcellation.region_names[position] for position in sorted(empty))
        problem = Problem("source space", f"no source in {names}", "at least one source per region", "lay more sources")
        raise InputError(problem)
    return labels


def region_signs(labels: NDArray, normals: NDArray) -> NDArray[np.float64]:
    """Return the sign with which each source enters its region's mean, so that opposite walls do not cancel.

    A region's axis is the first right singular vector of its outward normals, turned so that the normals point along it
    on average; a source's sign is that of its normal along the axis. The signs depend on the head alone: they are the
    same for every recording. The convention is MNE-Python's ``mean_flip``.

    Parameters
    ----------
    labels : array of int, shape (sources,)
    normals : array, shape (sources, 3)

    Returns
    -------
    signs : array, shape (sources,)
        -1 or 1; 0 outside every region.
    """
    signs = np.zeros(len(labels))
    for label in np.unique(labels[labels >= 0]):
        members = labels == label
        along = normals[members] @ np.linalg.svd(normals[members], full_matrices=False)[2][0]
        signs[members] = np.where(along * np.sign(along.mean()) < 0, -1.0, 1.0)
    return signs


def region_average(field: LeadField, parcellation: Parcellation) -> NDArray[np.float64]:
    """Return the operator that averages source signals into region signals.

    Returns
    -------
    average : array, shape (regions, sources)
        Row r is sign / number of sources for the sources of region r, and 0 elsewhere.
    """
    labels = region_labels(parcellation, field.vertices)
    average = np.zeros((len(parcellation.region_names), len(labels)))
    inside = np.flatnonzero(labels >= 0)
    average[labels[inside], inside] = region_signs(labels, field.normals)[inside]
    return average / np.abs(average).sum(axis=1, keepdims=True)
