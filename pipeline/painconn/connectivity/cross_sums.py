"""One pass over samples: the sums that every bivariate spectral measure is made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra
from painconn.connectivity.spectra import Precision, Tapers, coefficient_blocks

Values = NDArray[np.float64]

_TINY = {"float64": 1e-300, "float32": 1e-37}
_ROUND_OFF = {"float64": 1e-10, "float32": 3e-6}
_N_SUMS = 7
_SAMPLES_PER_BLOCK = 512
_LANES = 16


@dataclass(frozen=True)
class CrossSums:
    r"""Sums over samples of the cross-spectrum :math:`S_{ij} = X_i \bar X_j` (tapers summed within a sample).

    Samples are epochs (estimator over epochs: a bin is a frequency) or time points (over time: a bin is a segment).
    Pairs are the lower triangle of the matrix, row by row: row ``i``, column ``j < i``; a positive imaginary part means
    that ``i`` leads.

    Attributes
    ----------
    n_samples : int
        Number of samples.
    power : array, shape (bins, regions)
        Sums of the power.
    values : array, shape (7, bins, pairs)
        Sums of the real part, the imaginary part, its absolute value, its square and its sign, and of the real and
        imaginary parts of the unit vectors ``S / |S|``.
    precision : {'float64', 'float32'}
        In which the samples were computed; sums over blocks are always double.
    """

    n_samples: int
    power: Values
    values: Values
    precision: Precision = "float64"

    @property
    def real(self) -> Values:
        """Sums of the real part, (bins, pairs)."""
        return self.values[0]

    @property
    def imag(self) -> Values:
        """Sums of the imaginary part, (bins, pairs)."""
        return self.values[1]

    @property
    def imag_abs(self) -> Values:
        """Sums of the absolute imaginary part, (bins, pairs)."""
        return self.values[2]

    @property
    def imag_square(self) -> Values:
        """Sums of the squared imaginary part, (bins, pairs)."""
        return self.values[3]

    @property
    def imag_sign(self) -> Values:
        """Sums of the sign of the imaginary part, (bins, pairs)."""
        return self.values[4]

    @property
    def unit(self) -> NDArray[np.complex128]:
        """Sums of the unit vectors, (bins, pairs)."""
        return self.values[5] + 1j * self.values[6]

    @cached_property
    def coherency(self) -> NDArray[np.complex128]:
        r"""Coherency :math:`\sum S_{ij} / \sqrt{\sum S_{ii} \sum S_{jj}}`, (bins, pairs)."""
        return np.asarray((self.real + 1j * self.imag) / self._scale(), dtype=complex)

    def _scale(self) -> Values:
        rows, columns = np.tril_indices(self.power.shape[1], -1)
        root = np.sqrt(self.power)
        scale = root[:, rows]
        scale *= root[:, columns]
        return scale

    def in_bins(self, bins: slice) -> Self:
        """Return the sums of some neighbouring bins (a view)."""
        return type(self)(self.n_samples, self.power[bins], self.values[:, bins], self.precision)

    def copied(self) -> NDArray[np.bool_]:
        """Say which pairs are copies: an imaginary part of round-off only, in every sample and bin; shape (pairs,)."""
        return np.asarray((self.imag_abs <= _ROUND_OFF[self.precision] * self._scale()).all(axis=0))


def sums_over_epochs(
    signals: NDArray[np.floating],
    tapers: Tapers,
    bins: NDArray[np.intp],
    *,
    gains: NDArray[np.floating],
    with_phase: bool = True,
    precision: Precision = "float64",
) -> CrossSums:
    """Add up the cross-spectra of epochs in frequency bins.

    Parameters
    ----------
    signals, tapers, bins
        As for :func:`painconn.connectivity.spectra.coefficient_blocks`.
    gains : array, shape (regions,)
        Factor per region; the measures do not depend on it.
    with_phase : bool
        Whether to add up unit vectors; without, those sums stay 0.
    precision : {'float64', 'float32'}
        Of a sample.

    Returns
    -------
    sums : CrossSums
    """
    from painconn.connectivity.spectral_kernels import pair_pass

    values, power = _empty(len(bins), signals.shape[1])
    add = pair_pass(tapers.n_tapers, with_phase)
    tiny = np.dtype(precision).type(_TINY[precision])
    for real, imag in coefficient_blocks(signals, tapers, bins, gains=gains, precision=precision):
        add(real, imag, values, power, tiny)
    return CrossSums(len(signals), power, values, precision)


def sums_over_samples(
    analytic: NDArray[np.complexfloating], *, gains: NDArray[np.floating], precision: Precision = "float64"
) -> CrossSums:
    """Add up the cross-spectra of analytic signals along their last axis.

    Parameters
    ----------
    analytic : complex array, shape (bins, regions, samples)
        Band-limited analytic signals.
    gains : array, shape (regions,)
        Factor per region; the measures do not depend on it.
    precision : {'float64', 'float32'}
        Of a sample.

    Returns
    -------
    sums : CrossSums
    """
    from painconn.connectivity.spectral_kernels import pair_pass

    n_bins, n_regions, n_samples = analytic.shape
    dtype = np.dtype(precision)
    values, power = _empty(n_bins, n_regions)
    add = pair_pass(1, True)
    for start in range(0, n_samples, _SAMPLES_PER_BLOCK):
        part = analytic[:, :, None, start : start + _SAMPLES_PER_BLOCK] * gains[:, None, None]
        padding = [(0, 0)] * 3 + [(0, -part.shape[-1] % _LANES)]
        real, imag = (np.pad(side, padding).astype(dtype) for side in (part.real, part.imag))
        add(real, imag, values, power, dtype.type(_TINY[precision]))
    return CrossSums(n_samples, power, values, precision)


def _empty(n_bins: int, n_regions: int) -> tuple[Values, Values]:
    return np.zeros((_N_SUMS, n_bins, n_regions * (n_regions - 1) // 2)), np.zeros((n_bins, n_regions))


def mean_cross_spectra(
    signals: NDArray[np.floating], tapers: Tapers, bins: NDArray[np.intp] | None = None
) -> MeanCrossSpectra:
    """Average the cross-spectral matrix over epochs.

    Parameters
    ----------
    signals : array, shape (epochs, signals, times)
        Real signals.
    tapers : Tapers
        For this number of times.
    bins : array of int, shape (frequencies,) | None
        Which bins of ``tapers.freqs_hz``; None takes all, from 0 Hz to Nyquist.

    Returns
    -------
    cross : MeanCrossSpectra
        Two-sided density; always double precision.
    """
    n_epochs, n_signals, _ = signals.shape
    bins = np.arange(len(tapers.freqs_hz)) if bins is None else bins
    total = np.zeros((len(bins), n_signals, n_signals), dtype=complex)
    for blocks in coefficient_blocks(signals, tapers, bins, gains=np.ones(n_signals)):
        # Products of real matrices: complex ones of a stack run at a third of their speed.
        real, imag = (part.reshape(len(bins), n_signals, -1) for part in blocks)
        total.real += real @ real.swapaxes(1, 2)
        total.real += imag @ imag.swapaxes(1, 2)
        mixed = imag @ real.swapaxes(1, 2)
        total.imag += mixed - mixed.swapaxes(1, 2)
    return MeanCrossSpectra(
        total / n_epochs, tapers.freqs_hz[bins], tapers.sfreq_hz, n_epochs, tapers.n_tapers, tapers.half_bandwidth_hz
    )
