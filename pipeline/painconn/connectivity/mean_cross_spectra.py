"""The cross-spectral matrix averaged over epochs: what directed, partial and multivariate measures start from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MeanCrossSpectra:
    r"""Cross-spectral density :math:`S_{ij}(f) = \langle X_i \bar X_j \rangle`, averaged over tapers and epochs.

    Attributes
    ----------
    values : complex array, shape (frequencies, signals, signals)
        Two-sided density at every bin, signal units squared per Hz: no bin is doubled or halved, so that the inverse
        Fourier transform is the autocovariance.
    freqs_hz : array, shape (frequencies,)
        Evenly spaced bins; the whole range is 0 to Nyquist.
    sfreq_hz : float
        Sampling rate.
    n_epochs, n_tapers : int
        What was averaged.
    half_bandwidth_hz : float
        Spectral smoothing.
    """

    values: NDArray[np.complex128]
    freqs_hz: NDArray[np.float64]
    sfreq_hz: float
    n_epochs: int
    n_tapers: int
    half_bandwidth_hz: float
