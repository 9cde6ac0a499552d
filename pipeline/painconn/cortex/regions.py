"""From sources to regions: which sources a region holds, and the weight and sign each enters with."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.lead_field import LeadField
from painconn.cortex.template import HEMISPHERES, Parcellation
from painconn.errors import InputError, Problem

AGREEMENT_LIMIT = 0.5
"""Below this correlation of a component with the mean-flip signal, its sign may differ from person to person."""


@dataclass(frozen=True)
class Aggregation:
    """How source signals become region signals.

    Attributes
    ----------
    weights : array, shape (regions x components, sources)
        The components of a region adjoin; 0 outside the region.
    explained : array, shape (regions, components)
        Share of the variance of the region's source signals that each row carries, from 0 to 1.
    sign_agreement : array, shape (regions,)
        Correlation of the region's first row with its mean-flip signal under the data covariance, from 0 to 1.
    """

    weights: NDArray[np.float64]
    explained: NDArray[np.float64]
    sign_agreement: NDArray[np.float64]


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


def aggregate(
    source_values: NDArray,
    field: LeadField,
    parcellation: Parcellation,
    data_covariance_v2: NDArray,
    *,
    aggregation: Literal["mean_flip", "pca_flip"] = "mean_flip",
    n_components: int = 1,
) -> Aggregation:
    r"""Make region signals from source signals.

    ``"mean_flip"`` is `region_average`: it depends on the head alone. ``"pca_flip"`` takes the leading eigenvectors
    :math:`u_j` of the covariance :math:`S = K_r C K_r^T` of the region's source signals. Each is turned to the side on
    which its signal correlates positively with the mean-flip signal, so that the sign follows the anatomy and not the
    solver; all components of a region share one scale, at which the first has the mean variance of the region's sources
    (``mean(diag(S))``; MNE-Python's ``pca_flip``). With one covariance for all conditions there is one set of weights.

    Parameters
    ----------
    source_values : array, shape (sources, channels)
        The source kernel.
    field : LeadField
    parcellation : Parcellation
    data_covariance_v2 : array, shape (channels, channels)
    aggregation : {"mean_flip", "pca_flip"}
    n_components : int
        Rows per region; more than one needs ``"pca_flip"``. Signs of later components are as uncertain as their
        agreement with the mean-flip signal; multivariate measures do not depend on them.

    Returns
    -------
    aggregation : Aggregation

    Raises
    ------
    InputError
        Regions have fewer sources than components; all are named.
    """
    if aggregation == "mean_flip" and n_components != 1:
        raise ValueError(f"mean_flip has one component, not {n_components}")
    average = region_average(field, parcellation)
    _refuse_small(average, parcellation, n_components)
    factor = source_values @ _factor(data_covariance_v2)
    weights = np.zeros((len(average), n_components, average.shape[1]))
    explained = np.zeros((len(average), n_components))
    agreement = np.ones(len(average))
    for region, mean in enumerate(average):
        members = np.flatnonzero(mean)
        sources, signal = factor[members], mean[members] @ factor[members]
        total = np.einsum("sc,sc->", sources, sources)
        if aggregation == "mean_flip":
            weights[region, 0] = mean
            explained[region] = np.sum((sources @ signal) ** 2) / (signal @ signal * total)
            continue
        vectors, strengths, _ = np.linalg.svd(sources, full_matrices=False)
        vectors, variance = vectors[:, :n_components], strengths[:n_components] ** 2
        along = mean[members] @ vectors
        scale = np.sqrt(total / len(members) / variance[0])
        weights[region][:, members] = (np.where(along < 0, -scale, scale) * vectors).T
        explained[region] = variance / total
        agreement[region] = strengths[0] * abs(along[0]) / np.linalg.norm(signal)
    return Aggregation(weights.reshape(-1, average.shape[1]), explained, agreement)


def _factor(covariance: NDArray) -> NDArray[np.float64]:
    """Return F with F F' = covariance."""
    variance, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return np.asarray(vectors * np.sqrt(np.maximum(variance, 0)))


def _refuse_small(average: NDArray, parcellation: Parcellation, n_components: int) -> None:
    sizes = np.count_nonzero(average, axis=1)
    small = np.flatnonzero(sizes < n_components)
    if len(small):
        named = ", ".join(f"{parcellation.region_names[region]} ({sizes[region]})" for region in small)
        problem = Problem(
            "cortex.n_components",
            f"{n_components} components, and regions of fewer sources: {named}",
            "as many sources as components in every region",
            "ask for fewer components, or lay more sources (cortex.source_spacing)",
        )
        raise InputError(problem)
