"""Measures over time, from the analytic signal of contiguous segments."""

import numpy as np
from numpy.typing import NDArray

_ROUND_OFF = 1e-10


def analytic_band(
    signals: NDArray[np.floating], *, sfreq_hz: float, band_hz: tuple[float, float]
) -> NDArray[np.complex128]:
    """Band-pass continuous signals without phase shift and return their analytic signals.

    A symmetric Hamming-windowed FIR filter; the transition below the band is ``min(max(low / 4, 2), low)`` Hz and above
    it ``min(max(high / 4, 2), Nyquist - high)`` Hz, the kernel 3.3 transition periods long.

    Parameters
    ----------
    signals : array, shape (regions, times)
        Continuous signals, longer than the kernel.
    sfreq_hz : float
        Sampling rate.
    band_hz : tuple of float
        Pass band.

    Returns
    -------
    analytic : complex array, shape (regions, times)

    References
    ----------
    Widmann et al. 2015, 10.1016/j.jneumeth.2014.08.002.
    """
    from scipy import fft, signal

    low, high = band_hz
    below, above = min(max(low / 4, 2.0), low), min(max(high / 4, 2.0), sfreq_hz / 2 - high)
    n_taps = int(np.ceil(3.3 / min(below, above) * sfreq_hz)) | 1
    kernel = signal.firwin(n_taps, [low - below / 2, high + above / 2], pass_zero=False, fs=sfreq_hz)
    n_times = signals.shape[-1]
    filtered = signal.oaconvolve(np.asarray(signals, dtype=float), kernel[None], mode="same", axes=-1)
    return signal.hilbert(filtered, N=fft.next_fast_len(n_times), axis=-1)[..., :n_times]


def orthogonalised_envelope_correlation(analytic: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    r"""Signed amplitude-envelope correlation after pairwise orthogonalisation.

    The part of signal *j* that is in phase with signal *i* is removed at every sample,
    :math:`z_{j \perp i} = \Im(z_j \bar z_i / |z_i|)`; the correlation of :math:`|z_{j \perp i}|` with :math:`|z_i|` is
    averaged over the two directions and over segments. The sign is kept: independent signals give values around 0.

    Parameters
    ----------
    analytic : complex array, shape (segments, regions, times)
        Band-limited analytic signals of contiguous segments.

    Returns
    -------
    correlation : array, shape (regions, regions)
        Symmetric, in [-1, 1]; NaN on the diagonal, for a flat signal and for copies.

    References
    ----------
    Hipp et al. 2012, 10.1038/nn.3101.
    """
    per_segment = [_directed_correlation(segment) for segment in analytic]
    directed = np.mean(per_segment, axis=0)
    matrix = (directed + directed.T) / 2
    np.fill_diagonal(matrix, np.nan)
    return matrix


def _directed_correlation(analytic: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    """Correlate ``|z_i|`` (row) with ``|z_j orthogonal to z_i|`` (column) in one segment."""
    amplitude = np.abs(analytic)
    centred = amplitude - amplitude.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(centred, axis=-1)
    flat = norm <= _ROUND_OFF * np.linalg.norm(amplitude, axis=-1)
    unit = np.divide(analytic, amplitude, out=np.zeros_like(analytic), where=amplitude > 0)
    real, imag = np.ascontiguousarray(analytic.real), np.ascontiguousarray(analytic.imag)
    directed = np.empty((len(analytic), len(analytic)))
    for row in range(len(analytic)):
        orthogonal = np.abs(imag * unit[row].real - real * unit[row].imag)
        size = np.linalg.norm(orthogonal, axis=-1)
        orthogonal -= orthogonal.mean(axis=-1, keepdims=True)
        spread = np.linalg.norm(orthogonal, axis=-1)
        copy = size <= _ROUND_OFF * np.linalg.norm(amplitude, axis=-1)
        usable = ~flat & ~flat[row] & ~copy & (spread > 0)
        scale = np.where(usable, spread * norm[row], 1.0)
        directed[row] = np.where(usable, orthogonal @ centred[row] / scale, np.nan)
    return directed
