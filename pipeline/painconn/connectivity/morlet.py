"""Complex Morlet wavelets: analytic signals at single frequencies, where the wavelet fits into the epoch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import NotComputable

_HALF_WIDTH_SD = 3.0
_HALF_POWER = float(np.sqrt(np.log(2.0)))


def half_bandwidth_hz(freq_hz: float, n_cycles: float) -> float:
    r"""Return the half width at half power of a wavelet's spectrum, :math:`\sqrt{\ln 2}\, f / n` for ``n`` cycles.

    The standard deviation in time is :math:`n / (2 \pi f)`, that of the amplitude spectrum :math:`f / n`.
    """
    return _HALF_POWER * freq_hz / n_cycles


def support_s(freq_hz: float, n_cycles: float) -> float:
    """Return the length in seconds that a wavelet needs, three standard deviations to either side."""
    return 2 * _HALF_WIDTH_SD * n_cycles / (2 * np.pi * freq_hz)


def morlet_coefficients(
    signals: NDArray[np.floating], *, sfreq_hz: float, freqs_hz: NDArray[np.floating], n_cycles: float = 7.0
) -> Iterator[NDArray[np.complex128]]:
    r"""Yield the wavelet coefficients of one frequency after the other, at the times where the wavelet fits.

    The wavelet is :math:`\exp(2 \pi i f t)\, \exp(-t^2 / 2 \sigma^2)` with :math:`\sigma = n / (2 \pi f)`, cut at three
    standard deviations; samples nearer to an edge than that are left out, so their number differs between frequencies.

    Parameters
    ----------
    signals : array, shape (epochs, regions, times)
        Real signals.
    sfreq_hz : float
        Sampling rate.
    freqs_hz : array, shape (frequencies,)
        Above 0.
    n_cycles : float
        Cycles ``n`` per wavelet: more of them smooth less over frequency and more over time.

    Yields
    ------
    coefficients : complex array, shape (epochs, regions, times that are left)

    Raises
    ------
    NotComputable
        When a wavelet is longer than the epoch.

    References
    ----------
    Tallon-Baudry et al. 1997, 10.1523/JNEUROSCI.17-02-00722.1997.
    """
    from scipy import fft

    n_times = signals.shape[-1]
    lowest = float(np.min(freqs_hz))
    longest = 2 * _half_samples(lowest, n_cycles, sfreq_hz) + 1
    if longest > n_times:
        raise NotComputable(
            f"a wavelet of {n_cycles:g} cycles at {lowest:g} Hz is {longest / sfreq_hz:.3g} s long, "
            f"the epoch {n_times / sfreq_hz:.3g} s"
        )
    n_fft = fft.next_fast_len(n_times + longest - 1)
    centred = signals - signals.mean(axis=-1, keepdims=True)
    spectrum = fft.fft(centred, n_fft, axis=-1)
    for freq_hz in freqs_hz:
        half = _half_samples(float(freq_hz), n_cycles, sfreq_hz)
        times_s = np.arange(-half, half + 1) / sfreq_hz
        sd_s = n_cycles / (2 * np.pi * freq_hz)
        wavelet = np.exp(2j * np.pi * freq_hz * times_s - np.square(times_s / sd_s) / 2)
        wavelet /= np.linalg.norm(wavelet)
        filtered = fft.ifft(spectrum * fft.fft(wavelet, n_fft), axis=-1)
        yield filtered[..., 2 * half : n_times]


def _half_samples(freq_hz: float, n_cycles: float, sfreq_hz: float) -> int:
    return int(np.ceil(support_s(freq_hz, n_cycles) / 2 * sfreq_hz))
