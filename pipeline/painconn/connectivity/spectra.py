"""Tapers, and tapered Fourier coefficients of epochs in the layout that the cross-spectral pass reads fastest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_SEVERAL_TAPERS_FROM_S = 2.0
_MIN_CONCENTRATION = 0.9
_ROUNDING = 1e-9
_LANES = 16
_EPOCHS_PER_BLOCK = 64
_REGIONS_AT_ONCE = 4

Precision = Literal["float64", "float32"]


@dataclass(frozen=True)
class Tapers:
    """Windows by which an epoch is multiplied before its Fourier transform.

    Attributes
    ----------
    values : array, shape (tapers, times)
        Each scaled by the root of its weight, so that ``sum_k |X_k|^2`` is a two-sided power spectral density in signal
        units squared per Hz.
    sfreq_hz : float
        Sampling rate.
    half_bandwidth_hz : float
        Effective smoothing: a bin mixes frequencies within plus or minus this.
    """

    values: NDArray[np.float64]
    sfreq_hz: float
    half_bandwidth_hz: float

    @property
    def n_tapers(self) -> int:
        """Number of tapers."""
        return int(self.values.shape[0])

    @property
    def freqs_hz(self) -> NDArray[np.float64]:
        """Bin centres from 0 to Nyquist, shape (frequencies,)."""
        return np.fft.rfftfreq(self.values.shape[1], 1.0 / self.sfreq_hz).astype(np.float64)


def slepian_tapers(n_times: int, *, sfreq_hz: float, half_bandwidth_hz: float = 1.0) -> Tapers:
    """Make discrete prolate spheroidal tapers weighted by their concentration ratios.

    The number of tapers is ``floor(2 W T - 1)`` for half-bandwidth ``W`` and epoch length ``T``, less those with a
    ratio below 0.9; windows shorter than 2 s use one taper, and the half-bandwidth is never below ``1 / T``.

    Parameters
    ----------
    n_times : int
        Samples of an epoch.
    sfreq_hz : float
        Sampling rate.
    half_bandwidth_hz : float
        Requested half-bandwidth ``W``.

    Returns
    -------
    tapers : Tapers

    References
    ----------
    Thomson 1982, 10.1109/PROC.1982.12433.
    """
    from scipy.signal.windows import dpss

    length_s = n_times / sfreq_hz
    effective_hz = max(half_bandwidth_hz, 1.0 / length_s)
    several = length_s >= _SEVERAL_TAPERS_FROM_S - _ROUNDING
    n_tapers = max(1, int(2 * effective_hz * length_s - 1 + _ROUNDING)) if several else 1
    tapers, ratios = dpss(n_times, effective_hz * length_s, n_tapers, sym=False, return_ratios=True)
    kept = ratios >= min(_MIN_CONCENTRATION, ratios[0])
    tapers, ratios = tapers[kept], ratios[kept]
    values = tapers * np.sqrt(ratios / ratios.sum() / sfreq_hz)[:, None]
    return Tapers(values, sfreq_hz, effective_hz)


def hann_taper(n_times: int, *, sfreq_hz: float) -> Tapers:
    """Make the single Hann window of plain Fourier spectra.

    Its half-bandwidth is ``2 / T``, the first zero of its spectrum for epoch length ``T``.

    Parameters
    ----------
    n_times : int
        Samples of an epoch.
    sfreq_hz : float
        Sampling rate.

    Returns
    -------
    taper : Tapers

    References
    ----------
    Harris 1978, 10.1109/PROC.1978.10837.
    """
    window = np.hanning(n_times)
    values = window / np.sqrt(np.square(window).sum() * sfreq_hz)
    return Tapers(values[None], sfreq_hz, 2.0 * sfreq_hz / n_times)


def coefficient_blocks(
    signals: NDArray[np.floating],
    tapers: Tapers,
    bins: NDArray[np.intp],
    *,
    gains: NDArray[np.floating],
    precision: Precision = "float64",
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.floating]]]:
    """Yield real and imaginary parts of the coefficients, a block of epochs at a time.

    Epochs are the innermost axis, as the pass over pairs reads along it; a block is filled up with zero epochs to a
    whole number of vector registers. The mean of each epoch is removed first.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Real signals.
    tapers : Tapers
        For this number of times.
    bins : array of int, shape (frequencies,)
        Which bins of ``tapers.freqs_hz``.
    gains : array, shape (regions,)
        Factor per region. Offset and unit (volts) are removed in double precision, so that what is left of a signal
        and its squares lie inside the range of single precision.
    precision : {'float64', 'float32'}
        Of the transform and of what is yielded.

    Yields
    ------
    real, imag : array, shape (frequencies, regions, tapers, epochs of the block)
        Overwritten by the next block.
    """
    from scipy.fft import rfft

    from painconn.connectivity.spectral_kernels import transpose_into

    dtype = np.dtype(precision)
    n_epochs, n_regions, _ = signals.shape
    windows = tapers.values.astype(dtype)
    for start, stop in _blocks(n_epochs):
        padded = -(-(stop - start) // _LANES) * _LANES
        if start == 0 or stop - start < _EPOCHS_PER_BLOCK:
            real, imag = np.zeros((2, len(bins), n_regions, tapers.n_tapers, padded), dtype)
        for first in range(0, n_regions, _REGIONS_AT_ONCE):
            chosen = slice(first, first + _REGIONS_AT_ONCE)
            part = np.array(signals[start:stop, chosen].swapaxes(0, 1), dtype=np.float64, order="C")
            part -= part.mean(axis=-1, keepdims=True)
            part *= gains[chosen, None, None]
            part = part.astype(dtype, copy=False)
            for index, window in enumerate(windows):
                transpose_into(rfft(part * window, axis=-1), bins, real[:, chosen, index], imag[:, chosen, index])
        yield real, imag


def _blocks(n_epochs: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n_epochs, _EPOCHS_PER_BLOCK):
        yield start, min(start + _EPOCHS_PER_BLOCK, n_epochs)


def power_density(signals: NDArray[np.floating], tapers: Tapers, bins: NDArray[np.intp]) -> NDArray[np.float64]:
    """Compute the mean one-sided power spectral density over epochs.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Real signals.
    tapers : Tapers
        For this number of times.
    bins : array of int, shape (frequencies,)
        Which bins of ``tapers.freqs_hz``; none of them 0 Hz or Nyquist, which have no mirror image.

    Returns
    -------
    density : array, shape (regions, frequencies)
        Signal units squared per Hz.
    """
    from scipy.fft import rfft

    total = np.zeros((signals.shape[1], len(bins)))
    for epoch in signals:
        centred = epoch - epoch.mean(axis=-1, keepdims=True)
        for window in tapers.values:
            coefficients = rfft(centred * window, axis=-1)[:, bins]
            total += np.square(coefficients.real) + np.square(coefficients.imag)
    return 2.0 * total / len(signals)
