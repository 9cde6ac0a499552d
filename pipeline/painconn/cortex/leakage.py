"""Leakage: how much of what one region's estimate shows comes from elsewhere, for one montage and one kernel.

Everything follows from the resolution matrix, the kernel times the lead field along the cortical normal: its rows are
cross-talk functions, its columns point-spread functions (Hauk et al. 2022, 10.1016/j.neuroimage.2022.119177). True
sources point along the normal because cortical currents do; a kernel whose directions differ pays for that here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.ghosts import Ghosts, expected_ghosts
from painconn.cortex.regions import region_labels
from painconn.cortex.template import HEMISPHERES, template_arrays

if TYPE_CHECKING:
    from painconn.cortex.kernels import RegionKernel, SourceKernel
    from painconn.cortex.lead_field import LeadField
    from painconn.cortex.template import Parcellation

Floats = NDArray[np.float64]

_NORMAL = 2
_COLUMNS_AT_ONCE = 512


@dataclass(frozen=True)
class Leakage:
    """What the estimates of one kernel owe to mixing.

    True sources are independent, of equal strength, one at every place of the source space.

    Attributes
    ----------
    crosstalk : array, shape (regions, regions)
        Share of the variance of row's estimate that comes from sources in column's region, in [0, 1]. Rows add up to
        less than 1: the rest comes from sources outside every region.
    pair_leakage : array, shape (regions, regions)
        Absolute correlation at zero lag of two estimates, in [0, 1], though no two sources are coupled; symmetric, 1 on
        the diagonal.
    own_share : array, shape (regions,)
        Diagonal of `crosstalk`.
    localisation_error_mm : array, shape (regions,)
        From a source to where it shows most, every estimate in units of its own standard deviation
        (`scaled_to_background`); median over the region's sources.
    spread_mm : array, shape (regions,)
        Spatial deviation of the same point spread; median over the region's sources.
    ghosts : Ghosts
        Between how many pairs of regions one lagged coupling of two places shows.
    """

    crosstalk: Floats
    pair_leakage: Floats
    own_share: Floats
    localisation_error_mm: Floats
    spread_mm: Floats
    ghosts: Ghosts

    def as_arrays(self) -> dict[str, Floats]:
        """Return everything as named arrays, for storage."""
        matrices = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "ghosts"}
        return matrices | {"ghosts": np.array([self.ghosts.pairs_per_edge, self.ghosts.found])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray]) -> "Leakage":
        """Return what `as_arrays` described."""
        matrices = {
            field.name: np.asarray(arrays[field.name], float) for field in fields(cls) if field.name != "ghosts"
        }
        return cls(**matrices, ghosts=Ghosts(*np.asarray(arrays["ghosts"], float).tolist()))


def leakage_of(
    kernel: "RegionKernel",
    field: "LeadField",
    parcellation: "Parcellation",
    source_kernel: "SourceKernel",
    *,
    positions_mm: NDArray | None = None,
) -> Leakage:
    """Measure the leakage of one kernel.

    Parameters
    ----------
    kernel : RegionKernel
        Of several components per region the first is taken.
    field : LeadField
        Of the kernel's channels, in their order.
    parcellation : Parcellation
        The regions of the kernel.
    source_kernel : SourceKernel
        What the region kernel is an aggregation of.
    positions_mm : array, shape (sources, 3), optional
        Places of the sources; those of the bundled head when not given.

    Returns
    -------
    leakage : Leakage
    """
    gain = field.gain_v_per_am[:, :, _NORMAL]
    places = bundled_positions_mm(field.vertices) if positions_mm is None else np.asarray(positions_mm, float)
    labels = region_labels(parcellation, field.vertices)
    inside = np.flatnonzero(labels >= 0)
    errors, spreads = point_spread_mm(scaled_to_background(source_kernel.values, gain), gain, places, inside)
    resolution = kernel.values[:: kernel.n_components] @ gain
    crosstalk = crosstalk_shares(resolution, labels)
    members = [labels[inside] == region for region in range(len(resolution))]
    return Leakage(
        crosstalk=crosstalk,
        pair_leakage=pair_leakage(resolution),
        own_share=np.diag(crosstalk).copy(),
        localisation_error_mm=np.array([np.median(errors[own]) for own in members]),
        spread_mm=np.array([np.median(spreads[own]) for own in members]),
        ghosts=expected_ghosts(resolution, labels),
    )


def bundled_positions_mm(vertices: tuple[NDArray, NDArray]) -> Floats:
    """Return where the sources of the bundled head lie.

    Parameters
    ----------
    vertices : tuple of two arrays of int
        Surface vertices, left then right hemisphere.

    Returns
    -------
    positions_mm : array, shape (sources, 3)
        Surface RAS.

    Raises
    ------
    ValueError
        A vertex that the bundled head does not have: the lead field is of another head.
    """
    arrays = template_arrays()
    sides = [(arrays[f"{side}_white"], kept) for side, kept in zip(HEMISPHERES, vertices, strict=True)]
    if any(len(kept) and kept.max() >= len(surface) for surface, kept in sides):
        raise ValueError("sources of another head: state their positions")
    return np.concatenate([surface[kept] for surface, kept in sides]).astype(float)


def crosstalk_shares(resolution: NDArray, labels: NDArray) -> Floats:
    """Return which share of each estimate's variance comes from each region, sources being independent and alike.

    Parameters
    ----------
    resolution : array, shape (regions, sources)
        Kernel times lead field.
    labels : array of int, shape (sources,)
        Region of each source, -1 outside.

    Returns
    -------
    shares : array, shape (regions, regions)
        In [0, 1]; each row adds up to 1 less the share of sources outside every region.
    """
    power = np.square(resolution)
    membership = labels[:, np.newaxis] == np.arange(len(resolution))
    return np.asarray(power @ membership / power.sum(axis=1, keepdims=True))


def pair_leakage(resolution: NDArray) -> Floats:
    """Return the absolute zero-lag correlation of estimates of independent sources of equal strength.

    It bounds nothing: sources of unequal strength give more or less. It says what the geometry alone does.

    Parameters
    ----------
    resolution : array, shape (regions, sources)

    Returns
    -------
    correlation : array, shape (regions, regions)
        In [0, 1], symmetric.
    """
    scaled = resolution / np.linalg.norm(resolution, axis=1, keepdims=True)
    return np.asarray(np.clip(np.abs(scaled @ scaled.T), 0.0, 1.0))


def scaled_to_background(kernel: NDArray, gain: NDArray) -> Floats:
    """Scale every estimate to unit variance, sources being independent and alike.

    Connectivity does not know the scale of a signal; where a source shows most is a question of what each estimate
    holds of it, not of the unit that an inverse gives to deep and shallow places.

    Parameters
    ----------
    kernel : array, shape (rows, channels)
    gain : array, shape (channels, sources)

    Returns
    -------
    scaled : array, shape (rows, channels)
    """
    variance = np.einsum("rc,rc->r", kernel @ (gain @ gain.T), kernel)
    return np.asarray(kernel / np.sqrt(variance)[:, np.newaxis])


def point_spread_mm(kernel: NDArray, gain: NDArray, positions_mm: NDArray, sources: NDArray) -> tuple[Floats, Floats]:
    r"""Return peak localisation error and spatial deviation of the point spread of some sources.

    The point spread of source s is the column :math:`R_{\cdot s}` of the resolution matrix. Its localisation error is
    the distance from s to the place of the largest :math:`|R_{\cdot s}|`; its spatial deviation is
    :math:`\sqrt{\sum_t d_{ts}^2 R_{ts}^2 / \sum_t R_{ts}^2}`. Both are those of MNE-Python's
    ``resolution_metrics(function="psf", metric="peak_err" | "sd_ext")``, in mm.

    Parameters
    ----------
    kernel : array, shape (sources, channels)
    gain : array, shape (channels, sources)
    positions_mm : array, shape (sources, 3)
    sources : array of int
        Which sources.

    Returns
    -------
    error_mm, deviation_mm : array
        One value for each of `sources`.
    """
    errors, deviations = np.empty(len(sources)), np.empty(len(sources))
    centred = positions_mm - positions_mm.mean(axis=0)
    # Squared distances written out: |t|^2 - 2 t.s + |s|^2, so that a product replaces a table of all distances.
    terms = np.column_stack([np.ones(len(centred)), centred, np.square(centred).sum(axis=1)])
    # In pieces: the whole matrix would be 200 MB.
    for start in range(0, len(sources), _COLUMNS_AT_ONCE):
        chosen = sources[start : start + _COLUMNS_AT_ONCE]
        spread = gain[:, chosen].T @ kernel.T
        np.square(spread, out=spread)
        peaks = spread.argmax(axis=1)
        errors[start : start + len(chosen)] = np.linalg.norm(centred[peaks] - centred[chosen], axis=1)
        power, first, squared = np.split(spread @ terms, [1, 4], axis=1)
        own = centred[chosen]
        about = squared[:, 0] - 2 * np.einsum("ij,ij->i", first, own) + power[:, 0] * terms[chosen, 4]
        deviations[start : start + len(chosen)] = np.sqrt(np.maximum(about / power[:, 0], 0.0))
    return errors, deviations
