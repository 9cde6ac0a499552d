"""Multitaper spectra of epochs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEVERAL_TAPERS_FROM_S = 2.0
_MIN_CONCENTRATION = 0.9
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Spectra:
    """Tapered Fourier coefficients of epochs.

    Parameters
    ----------
    values : complex array, shape (epochs, tapers, signals, frequencies)
        Coefficients, scaled so that ``sum_k w_k |X_k|^2`` is a one-sided power spectral density (signal units squared
        per Hz).
    weights : array, shape (tapers,)
        Taper weights (concentration ratios), summing to 1.
    freqs_hz : array, shape (frequencies,)
        Bin centres, from one bin above 0 to the highest requested frequency.
    half_bandwidth_hz : float
        Effective smoothing: a bin mixes frequencies within plus or minus this.
    """

    values: NDArray[np.complex128]
    weights: NDArray[np.float64]
    freqs_hz: NDArray[np.float64]
    half_bandwidth_hz: float

    @property
    def n_epochs(self) -> int:
        """Number of epochs."""
        return int(self.values.shape[0])

    def power(self) -> NDArray[np.float64]:
        """Return the mean one-sided power spectral density over epochs, shape (signals, frequencies)."""
        density = np.einsum("ektf,k->tf", np.abs(self.values) ** 2, self.weights) / self.n_epochs
        return np.asarray(density, dtype=float)


def multitaper_spectra(
    data: NDArray[np.floating], *, sfreq_hz: float, half_bandwidth_hz: float = 1.0, high_hz: float | None = None
) -> Spectra:
    """Compute multitaper spectra of epochs with discrete prolate spheroidal tapers.

    The number of tapers is ``floor(2 W T - 1)`` for half-bandwidth ``W`` and epoch length ``T``; shorter than 2 s
    use one taper, and the half-bandwidth is never below ``1 / T``. The mean of each epoch is removed first.

    Parameters
    ----------
    data : array, shape (epochs, signals, times)
        Real signals.
    sfreq_hz : float
        Sampling rate.
    half_bandwidth_hz : float
        Requested half-bandwidth ``W``.
    high_hz : float | None
        Highest frequency kept; None keeps all up to Nyquist.

    Returns
    -------
    spectra : Spectra

    References
    ----------
    Thomson 1982, 10.1109/PROC.1982.12433.
    """
    from scipy.signal.windows import dpss

    n_times = data.shape[-1]
    length_s = n_times / sfreq_hz
    effective_hz = max(half_bandwidth_hz, 1.0 / length_s)
    several = length_s >= _SEVERAL_TAPERS_FROM_S - _ROUNDING
    n_tapers = max(1, int(2 * effective_hz * length_s - 1 + _ROUNDING)) if several else 1
    tapers, ratios = dpss(n_times, effective_hz * length_s, n_tapers, sym=False, return_ratios=True)
    kept = ratios >= min(_MIN_CONCENTRATION, ratios[0])
    tapers, ratios = tapers[kept], ratios[kept]
    freqs_hz = np.fft.rfftfreq(n_times, 1.0 / sfreq_hz).astype(np.float64)
    inside = (freqs_hz > 0) & (freqs_hz <= (np.inf if high_hz is None else high_hz))
    centred = np.asarray(data, dtype=float)
    centred = centred - centred.mean(axis=-1, keepdims=True)
    values = np.empty((data.shape[0], len(tapers), data.shape[1], int(inside.sum())), dtype=complex)
    for index, taper in enumerate(tapers):
        values[:, index] = np.fft.rfft(centred * taper, axis=-1)[..., inside]
    return Spectra(values * np.sqrt(2.0 / sfreq_hz), ratios / ratios.sum(), freqs_hz[inside], effective_hz)
