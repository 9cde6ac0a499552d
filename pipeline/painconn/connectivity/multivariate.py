r"""Interaction between regions that are described by several components each.

Every region is whitened by the real part of its own cross-spectrum, on its own rank: with :math:`W_a` such that
:math:`W_a^T \Re(S_{aa}) W_a = I`, the pair is described by :math:`D_{ab} = W_a^T S_{ab} W_b`. What follows does not
depend on how a region's signals are scaled or mixed among themselves. Components in which a region has no power of its
own (below 1e-10 of the largest eigenvalue, after all its signals were scaled to unit power) are left out.

Conventions: measures are computed per frequency bin and averaged over the bins of a band; regions are numbered from 0
and the matrices are (regions, regions) with a NaN diagonal; a region without power or without components is NaN, and so
is a pair of regions that have a signal in common (combinations of their components that are copies of each other).

References
----------
Ewald et al. 2012, 10.1016/j.neuroimage.2011.11.084; Vidaurre et al. 2019, 10.1016/j.neuroimage.2019.116009.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import NotComputable, band_bins
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra

_RANK_TOLERANCE = 1e-10
_COPY = 1e-10
_BLOCK_BYTES = 64 << 20

Matrix = NDArray[np.float64]
Bands = Mapping[str, tuple[float, float]]


def multivariate_interaction(
    cross: MeanCrossSpectra, bands_hz: Bands, region_of: NDArray[np.integer]
) -> dict[str, Matrix]:
    r"""Compute the multivariate interaction measure (MIM), the squared imaginary coherency over all components.

    .. math:: \mathrm{tr}(E E^T), \quad E = \Im D_{ab}

    For regions of one component it is the squared imaginary part of coherency.

    Parameters
    ----------
    cross : MeanCrossSpectra
        Of all components of all regions.
    bands_hz : mapping
        Half-open bands by name.
    region_of : int array, shape (signals,)
        The region, from 0, to which each signal belongs; regions may have different numbers of components.

    Returns
    -------
    matrices : dict of band to array, shape (regions, regions)
        Symmetric, between 0 and the smaller number of components. Without interaction it is not 0 but about
        ``d_a d_b / 2 n`` for ``d`` components and ``n`` epochs times tapers: compare only pairs of regions with as many
        components, from as many epochs.

    References
    ----------
    Ewald et al. 2012, 10.1016/j.neuroimage.2011.11.084.
    """
    return _per_bin(cross, bands_hz, region_of, lambda whitened: np.square(whitened.imag).sum(axis=(-2, -1)))


def maximised_imaginary_coherency(
    cross: MeanCrossSpectra, bands_hz: Bands, region_of: NDArray[np.integer]
) -> dict[str, Matrix]:
    r"""Compute the maximised imaginary coherency (MIC), the largest singular value of :math:`\Im D_{ab}`.

    It is the largest absolute imaginary part of coherency between any real combination of the one region's components
    and any of the other's; see `interaction_patterns` for which. See `multivariate_interaction` for the parameters.

    Returns
    -------
    matrices : dict of band to array, shape (regions, regions)
        Symmetric, in [0, 1]; grows with the number of components, as every maximum does.

    References
    ----------
    Ewald et al. 2012, 10.1016/j.neuroimage.2011.11.084.
    """
    from painconn.connectivity.multivariate_kernels import largest_singular_values

    return _per_bin(
        cross, bands_hz, region_of, lambda whitened: largest_singular_values(np.ascontiguousarray(whitened.imag))
    )


def canonical_coherence(cross: MeanCrossSpectra, bands_hz: Bands, region_of: NDArray[np.integer]) -> dict[str, Matrix]:
    r"""Compute canonical coherence, the largest that any real combinations of components reach at any phase.

    .. math:: \max_\phi \sigma_1 \left( \Re(e^{-i \phi} D_{ab}) \right)

    There may be several maxima over the phase. The value is the global one: upper bounds between the phases tried leave
    room for none that is higher by more than 1e-10 of it.

    A comparator: volume conduction inflates it.
    See `multivariate_interaction` for the parameters.

    Returns
    -------
    matrices : dict of band to array, shape (regions, regions)
        Symmetric, in [0, 1]; grows with the number of components.

    References
    ----------
    Vidaurre et al. 2019, 10.1016/j.neuroimage.2019.116009; Uhlig 2009, 10.1007/s11075-009-9276-1 (the bounds).
    """
    from painconn.connectivity.multivariate_kernels import largest_coherences

    return _per_bin(cross, bands_hz, region_of, largest_coherences)


@dataclass(frozen=True)
class InteractionPatterns:
    """Which combinations of two regions' components interact most.

    Attributes
    ----------
    imaginary_coherency : float
        What the two filtered signals reach; positive, the first leads (the signs of the filters are chosen so).
    filter_a, filter_b : array, shape (components,)
        Weights that extract the interacting signals with unit power, per signal unit.
    pattern_a, pattern_b : array, shape (components,)
        How the interacting signals appear in the components, in signal units: the thing to look at. The entry of
        largest magnitude of ``pattern_a`` is positive.
    """

    imaginary_coherency: float
    filter_a: Matrix
    filter_b: Matrix
    pattern_a: Matrix
    pattern_b: Matrix


def interaction_patterns(
    cross: MeanCrossSpectra, band_hz: tuple[float, float], region_of: NDArray[np.integer], a: int, b: int
) -> InteractionPatterns:
    r"""Find the filters of maximised imaginary coherency and their patterns, :math:`\Re(S_{aa}) w_a`.

    Filters are those of the cross-spectrum averaged over the band.

    Parameters
    ----------
    cross, region_of
        See `multivariate_interaction`.
    band_hz : tuple of float
        Half-open band.
    a, b : int
        Two regions.

    Raises
    ------
    NotComputable
        When the band has no bins or a region no power.

    References
    ----------
    Haufe et al. 2014, 10.1016/j.neuroimage.2013.10.067.
    """
    from painconn.connectivity.multivariate_kernels import whiteners

    bins = band_bins(cross.freqs_hz, band_hz)
    if not bins.any():
        raise NotComputable(f"no frequency bin in {band_hz[0]:g}-{band_hz[1]:g} Hz")
    first, second = (np.flatnonzero(_checked(cross, region_of) == region) for region in (a, b))
    mean = cross.values[bins].mean(axis=0)
    by_region = []
    for region, own in ((a, first), (b, second)):
        covariance = mean[np.ix_(own, own)].real
        scale = _inverse_root(np.diagonal(covariance))
        whitener = scale[:, None] * whiteners((covariance * scale[:, None] * scale)[None, None], _RANK_TOLERANCE)[0, 0]
        if not len(own) or np.isnan(whitener).any():
            raise NotComputable(f"region {region} has no power in {band_hz[0]:g}-{band_hz[1]:g} Hz")
        by_region.append(whitener)
    left, strengths, right = np.linalg.svd(by_region[0].T @ mean[np.ix_(first, second)].imag @ by_region[1])
    filter_a, filter_b = by_region[0] @ left[:, 0], by_region[1] @ right[0]
    pattern_a, pattern_b = mean[np.ix_(first, first)].real @ filter_a, mean[np.ix_(second, second)].real @ filter_b
    sign = np.sign(pattern_a[np.argmax(np.abs(pattern_a))])
    return InteractionPatterns(
        float(strengths[0]), sign * filter_a, sign * filter_b, sign * pattern_a, sign * pattern_b
    )


def _checked(cross: MeanCrossSpectra, region_of: NDArray[np.integer]) -> NDArray[np.intp]:
    regions = np.asarray(region_of)
    n_signals = cross.values.shape[-1]
    if regions.shape != (n_signals,) or not np.issubdtype(regions.dtype, np.integer) or regions.min(initial=0) < 0:
        found = f"region_of has shape {regions.shape} and type {regions.dtype}"
        raise ValueError(f"{found}, wanted a whole number from 0 for each of {n_signals} signals")
    return regions.astype(np.intp)


def _per_bin(
    cross: MeanCrossSpectra,
    bands_hz: Bands,
    region_of: NDArray[np.integer],
    measure: Callable[[NDArray[np.complex128]], Matrix],
) -> dict[str, Matrix]:
    """Average a measure of the whitened pairs over the bins of bands, one block of bins in memory at a time."""
    regions = _checked(cross, region_of)
    n_regions = int(regions.max(initial=-1)) + 1
    matrices = {}
    for band, band_hz in bands_hz.items():
        bins = np.flatnonzero(band_bins(cross.freqs_hz, band_hz))
        matrix = np.full((n_regions, n_regions), np.nan)
        if len(bins):
            total = sum(measure(whitened).sum(axis=0) for whitened in _whitened_pairs(cross.values, bins, regions))
            matrix = (total + total.T) / (2 * len(bins))
            matrix[_sharing(cross.values[bins].mean(axis=0), regions)] = np.nan
            np.fill_diagonal(matrix, np.nan)
        matrices[band] = matrix
    return matrices


def _sharing(values: NDArray[np.complex128], regions: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Say which pairs of regions have a signal in common: combinations whose real coherency is 1."""
    from painconn.connectivity.multivariate_kernels import largest_singular_values

    (whitened,) = _whitened_pairs(values[None], np.array([0]), regions)
    return np.asarray(largest_singular_values(np.ascontiguousarray(whitened.real))[0] > 1.0 - _COPY)


def _whitened_pairs(
    values: NDArray[np.complex128], bins: NDArray[np.intp], regions: NDArray[np.intp]
) -> Iterator[NDArray[np.complex128]]:
    """Yield whitened cross-spectra of all pairs, (bins, regions, regions, d, d); smaller regions padded with 0."""
    from painconn.connectivity.multivariate_kernels import whiteners

    counts = np.bincount(regions)
    n_regions, size = len(counts), int(counts.max(initial=1))
    signals, present = np.zeros((n_regions, size), dtype=np.intp), np.zeros((n_regions, size))
    for region, count in enumerate(counts):
        signals[region, :count], present[region, :count] = np.flatnonzero(regions == region), 1.0
    order = signals.ravel()
    step = max(1, int(_BLOCK_BYTES / (16 * order.size**2)))
    for start in range(0, len(bins), step):
        some = bins[start : start + step]
        scale = _inverse_root(values[some[:, None], order, order].real) * present.ravel()
        pairs = values[some[:, None, None], order[:, None], order] * scale[:, :, None] * scale[:, None, :]
        blocks = pairs.reshape(len(some), n_regions, size, n_regions, size)
        by_region = whiteners(np.ascontiguousarray(np.einsum("faiaj->faij", blocks).real), _RANK_TOLERANCE)
        rows = np.swapaxes(by_region, -1, -2) @ pairs.reshape(len(some), n_regions, size, n_regions * size)
        columns = rows.reshape(len(some), n_regions * size, n_regions, size).swapaxes(1, 2) @ by_region
        # The second region came to the front.
        yield columns.reshape(len(some), n_regions, n_regions, size, size).swapaxes(1, 2)


def _inverse_root(power: Matrix) -> Matrix:
    """Return one over the root of power: 0 where there is none, NaN where it is NaN."""
    above = ~(power <= 0)
    return np.where(above, 1.0 / np.sqrt(np.where(above, power, 1.0)), 0.0)
