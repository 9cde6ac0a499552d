"""Measures over epochs, from the cross-spectrum.

Conventions of this file: the cross-spectrum of an epoch is averaged over tapers first, epochs are the samples; measures
are computed per frequency bin and then averaged over the bins of a band; the diagonal is NaN (a region has no edge to
itself); a signal without power, or a pair whose imaginary part is round-off only (a copy), gives NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import band_bins
from painconn.connectivity.spectra import Spectra

_ROUND_OFF = 1e-10
_BLOCK_BYTES = 64 << 20

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CrossSpectra:
    """Sums over epochs of the cross-spectrum ``S_ij = <X_i conj(X_j)>`` in some frequency bins.

    Parameters
    ----------
    n_epochs : int
        Number of epochs.
    total : complex array, shape (frequencies, regions, regions)
        Sum of the cross-spectra.
    imag_abs, imag_square : array, shape (frequencies, regions, regions)
        Sums of the absolute and of the squared imaginary parts.
    """

    n_epochs: int
    total: NDArray[np.complex128]
    imag_abs: Matrix
    imag_square: Matrix

    def scale(self) -> Matrix:
        """Return ``sqrt(S_ii S_jj)`` of the sums, NaN where a signal has no power."""
        power = np.einsum("fii->fi", self.total).real
        root = np.sqrt(np.where(power > 0, power, np.nan))
        return root[:, :, None] * root[:, None, :]


def cross_spectra(spectra: Spectra, bins: NDArray[np.bool_]) -> CrossSpectra:
    """Accumulate the cross-spectral sums of the chosen bins, a block of frequencies at a time.

    Parameters
    ----------
    spectra : Spectra
        Tapered coefficients, (epochs, tapers, regions, frequencies).
    bins : array of bool, shape (frequencies,)
        Which frequencies.

    Returns
    -------
    sums : CrossSpectra
    """
    root_weights = np.sqrt(spectra.weights)[None, :, None, None]
    chosen = np.moveaxis(spectra.values[..., bins] * root_weights, -1, 0)
    n_freqs, n_epochs, _, n_regions = chosen.shape
    total = np.empty((n_freqs, n_regions, n_regions), dtype=complex)
    imag_abs, imag_square = np.empty(total.shape), np.empty(total.shape)
    step = max(1, int(_BLOCK_BYTES / (16 * n_epochs * n_regions**2)))
    for start in range(0, n_freqs, step):
        block = slice(start, start + step)
        by_epoch = np.swapaxes(chosen[block], -1, -2) @ chosen[block].conj()
        total[block] = by_epoch.sum(axis=1)
        imaginary = by_epoch.imag
        imag_abs[block] = np.abs(imaginary).sum(axis=1)
        imag_square[block] = np.square(imaginary).sum(axis=1)
    return CrossSpectra(n_epochs, total, imag_abs, imag_square)


def wpli2_debiased(sums: CrossSpectra) -> Matrix:
    r"""Debiased squared weighted phase-lag index per bin.

    .. math:: \frac{(\sum_e \Im S)^2 - \sum_e (\Im S)^2}{(\sum_e |\Im S|)^2 - \sum_e (\Im S)^2}

    Returns
    -------
    values : array, shape (frequencies, regions, regions)
        Symmetric, at most 1, around 0 without coupling (may be negative); NaN for one epoch, no power or a copied
        signal.

    References
    ----------
    Vinck et al. 2011, 10.1016/j.neuroimage.2011.01.055.
    """
    numerator = np.square(sums.total.imag) - sums.imag_square
    denominator = np.square(sums.imag_abs) - sums.imag_square
    meaningful = (sums.imag_abs > _ROUND_OFF * sums.scale()) & (denominator > 0)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=meaningful)


def coherence(sums: CrossSpectra) -> Matrix:
    r"""Magnitude of coherency per bin, :math:`|S_{ij}| / \sqrt{S_{ii} S_{jj}}`, in [0, 1]; symmetric.

    References
    ----------
    Nolte et al. 2004, 10.1016/j.clinph.2004.04.029.
    """
    return np.abs(sums.total) / sums.scale()


def imaginary_coherence(sums: CrossSpectra) -> Matrix:
    r"""Imaginary part of coherency per bin, :math:`\Im S_{ij} / \sqrt{S_{ii} S_{jj}}`, in [-1, 1].

    Antisymmetric; positive where the row leads the column.

    References
    ----------
    Nolte et al. 2004, 10.1016/j.clinph.2004.04.029.
    """
    return sums.total.imag / sums.scale()


def band_matrices(
    spectra: Spectra,
    *,
    bands_hz: Mapping[str, tuple[float, float]],
    measures: Mapping[str, Callable[[CrossSpectra], Matrix]],
) -> dict[tuple[str, str], Matrix]:
    """Compute measures over epochs in bands, with one cross-spectral pass per band.

    Parameters
    ----------
    spectra : Spectra
        Tapered coefficients of region signals.
    bands_hz : mapping
        Half-open bands by name.
    measures : mapping
        Functions of this module by measure name.

    Returns
    -------
    matrices : dict of (measure, band) to array, shape (regions, regions)
        Mean over the bins of the band; whole matrices with a NaN diagonal; all NaN for a band without bins.
    """
    n_regions = spectra.values.shape[2]
    matrices = {}
    for band, band_hz in bands_hz.items():
        bins = band_bins(spectra.freqs_hz, band_hz)
        sums = cross_spectra(spectra, bins) if bins.any() else None
        for name, function in measures.items():
            matrix = np.full((n_regions, n_regions), np.nan) if sums is None else function(sums).mean(axis=0)
            np.fill_diagonal(matrix, np.nan)
            matrices[name, band] = matrix
    return matrices
