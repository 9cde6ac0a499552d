"""Band power from spectral densities."""

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import band_bins


def band_power(
    density: NDArray[np.floating], freqs_hz: NDArray[np.floating], band_hz: tuple[float, float]
) -> NDArray[np.float64]:
    """Integrate a one-sided power spectral density over a half-open band.

    Parameters
    ----------
    density : array, shape (signals, frequencies)
        Signal units squared per Hz.
    freqs_hz : array, shape (frequencies,)
        Evenly spaced bin centres.
    band_hz : tuple of float
        Band ``[low, high)``.

    Returns
    -------
    power : array, shape (signals,)
        Signal units squared; NaN where the band holds no bin.
    """
    bins = band_bins(freqs_hz, band_hz)
    if not bins.any():
        return np.full(len(density), np.nan)
    return np.asarray(density[:, bins].sum(axis=1) * (freqs_hz[1] - freqs_hz[0]), dtype=float)


def relative_power(
    density: NDArray[np.floating],
    freqs_hz: NDArray[np.floating],
    band_hz: tuple[float, float],
    *,
    range_hz: tuple[float, float],
) -> NDArray[np.float64]:
    """Return band power over the power in ``range_hz``, in [0, 1] for a band inside the range; NaN without power."""
    total = band_power(density, freqs_hz, range_hz)
    part = band_power(density, freqs_hz, band_hz)
    return np.divide(part, total, out=np.full(len(total), np.nan), where=total > 0)


def log10_power(
    density: NDArray[np.floating], freqs_hz: NDArray[np.floating], band_hz: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the decadic logarithm of band power; NaN without power."""
    power = band_power(density, freqs_hz, band_hz)
    return np.log10(power, out=np.full(len(power), np.nan), where=power > 0)
