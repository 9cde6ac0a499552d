"""Correlation of amplitude envelopes over the time points of contiguous segments, from band-limited analytic signals.

Every measure here takes complex signals ``(segments, regions, times)``, computes a matrix per segment and returns the
mean over segments; a correlation that one segment leaves undefined is NaN. complex64 is computed in float32:
correlations of the envelopes of noise then agree with double precision to 1e-5, those of log envelopes to 1e-3.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import NotComputable

# A correlation needs a degree of freedom: over two samples it is always 1 or -1.
_LEAST_TIMES = 3
# Correlation of Gaussian log power that is left after orthogonalisation: log sin^2 of a random angle has twice the
# variance of log power, so sqrt(1 / 3).
_LEFT_OF_LOG_POWER = 0.577
_RANK = 1e-6
_MAGNITUDES_SETTLED = 1e-8
_MOST_ITERATIONS = 5000
_VALUES_PER_CHUNK = 4_000_000


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
    below, above = _transitions_hz(sfreq_hz, band_hz)
    n_taps = int(np.ceil(3.3 / min(below, above) * sfreq_hz)) | 1
    kernel = signal.firwin(n_taps, [low - below / 2, high + above / 2], pass_zero=False, fs=sfreq_hz)
    filtered = signal.oaconvolve(np.asarray(signals, dtype=float), kernel[None], mode="same", axes=-1)
    return _analytic(filtered, fft.next_fast_len(filtered.shape[-1])).astype(np.complex128, copy=False)


def band_smoothing_hz(*, sfreq_hz: float, band_hz: tuple[float, float]) -> float:
    """Return how far beyond its band `analytic_band` reaches at half amplitude, at the wider of the two edges."""
    return max(_transitions_hz(sfreq_hz, band_hz)) / 2


def _transitions_hz(sfreq_hz: float, band_hz: tuple[float, float]) -> tuple[float, float]:
    low, high = band_hz
    return min(max(low / 4, 2.0), low), min(max(high / 4, 2.0), sfreq_hz / 2 - high)


def analytic_signals(signals: NDArray[np.floating]) -> NDArray[np.complexfloating]:
    r"""Return the analytic signals :math:`x + i H(x)` of signals that are already band-limited.

    The Hilbert transform turns every frequency by -90 degrees; it is taken over the whole last axis, padded with zeros
    to a length whose Fourier transform is fast, so that the ends of short signals are distorted.

    Parameters
    ----------
    signals : array, shape (..., times)
        Real; float32 gives complex64.

    Returns
    -------
    analytic : complex array, shape (..., times)

    References
    ----------
    Marple 1999, IEEE Transactions on Signal Processing 47:2600.
    """
    from scipy import fft

    return _analytic(signals, fft.next_fast_len(signals.shape[-1], real=True))


def _analytic(signals: NDArray[np.floating], length: int) -> NDArray[np.complexfloating]:
    """Take the transform over so many samples."""
    from scipy import fft

    values = np.asarray(signals)
    values = values if values.dtype == np.float32 else values.astype(float, copy=False)
    n_times = values.shape[-1]
    analytic = np.empty(values.shape, dtype=np.result_type(values.dtype, np.complex64))
    analytic.real = values
    # One set of rows at a time: its spectra stay in the cache.
    for index in np.ndindex(values.shape[:-2]):
        spectrum = fft.rfft(values[index], length)
        spectrum *= -1j
        spectrum[..., 0] = 0.0
        if length % 2 == 0:
            spectrum[..., -1] = 0.0
        analytic[index].imag = fft.irfft(spectrum, length)[..., :n_times]
    return analytic


def envelope_correlation(analytic: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    r"""Amplitude-envelope correlation, :math:`\mathrm{corr}(|z_i|, |z_j|)`.

    Instantaneous mixing of sources inflates it: a comparator for the orthogonalised ones.

    Parameters
    ----------
    analytic : complex array, shape (segments, regions, times)
        Band-limited analytic signals of contiguous segments.

    Returns
    -------
    correlation : array, shape (regions, regions)
        Symmetric, in [-1, 1]; NaN on the diagonal, for a flat envelope and for copies.

    Raises
    ------
    NotComputable
        Without segments, or with fewer than 3 samples per segment.

    References
    ----------
    Bruns et al. 2000, NeuroReport 11:1509.
    """
    total = sum(_correlation_of_envelopes(segment) for segment in _checked(analytic))
    return _mean_matrix(total, len(analytic))


def orthogonalised_envelope_correlation(
    analytic: NDArray[np.complexfloating], *, absolute: bool = False, log: bool = False, corrected: bool = False
) -> NDArray[np.float64]:
    r"""Amplitude-envelope correlation after pairwise orthogonalisation.

    The part of signal *j* that is in phase with signal *i* is removed at every sample,
    :math:`z_{j \perp i} = \Im(z_j \bar z_i / |z_i|)`; the correlation of :math:`|z_{j \perp i}|` with :math:`|z_i|` is
    averaged over the two directions and over segments. The sign is kept: independent signals give values around 0.

    Mixing of sources without delay leaves no correlation behind when they are Gaussian; the envelopes of mixed
    non-Gaussian sources, and those of the partner of a true interaction, stay correlated.

    Parameters
    ----------
    analytic : complex array, shape (segments, regions, times)
        Band-limited analytic signals of contiguous segments.
    absolute : bool
        Whether to average magnitudes of the correlations of each segment and direction. Their floor without coupling is
        above 0 and grows as segments get shorter.
    log : bool
        Whether envelopes are the logarithm of the power, :math:`\log |z|^2`.
    corrected : bool
        Whether to divide by 0.577, what orthogonalisation leaves of the correlation of Gaussian log power. Values may
        leave [-1, 1].

    Returns
    -------
    correlation : array, shape (regions, regions)
        Symmetric, in [-1, 1] (absolute: [0, 1]); NaN on the diagonal, for a flat envelope and for copies.

    Raises
    ------
    ValueError
        When the correction is asked for where it does not hold.
    NotComputable
        Without segments, or with fewer than 3 samples per segment.

    References
    ----------
    Hipp et al. 2012, 10.1038/nn.3101.
    """
    if corrected and (absolute or not log):
        raise ValueError(
            f"corrected=True with log={log}, absolute={absolute}: the factor {_LEFT_OF_LOG_POWER} is derived for the "
            "signed correlation of log power envelopes; it does not hold for linear envelopes, and magnitudes have a "
            "floor that it would raise. Use log=True, absolute=False"
        )
    from painconn.connectivity.envelope_kernels import directed_correlations

    signals = _checked(analytic)
    precision = np.finfo(signals.dtype)
    smallest = precision.dtype.type(precision.eps**2)
    n_chunk = max(1, _VALUES_PER_CHUNK // signals.shape[1] ** 2)
    total = np.zeros(2 * signals.shape[1:2])
    for start in range(0, len(signals), n_chunk):
        chunk = np.ascontiguousarray(signals[start : start + n_chunk])
        directed = directed_correlations(chunk, log, smallest, _round_off(signals))
        total += (np.abs(directed) if absolute else directed).sum(axis=0)
    matrix = _mean_matrix((total + total.T) / 2, len(signals))
    return matrix / _LEFT_OF_LOG_POWER if corrected else matrix


def symmetric_orthogonalised_envelope_correlation(analytic: NDArray[np.complexfloating]) -> NDArray[np.float64]:
    r"""Amplitude-envelope correlation after symmetric orthogonalisation of all regions at once.

    The band-limited signals :math:`Z` (times, regions), each scaled to the same power, are replaced by the closest
    orthogonal ones :math:`P = O D`, with :math:`O^\top O = I` and magnitudes :math:`D` found by alternating
    :math:`O = U V^\top` from :math:`Z D = U \Sigma V^\top` and :math:`D = \mathrm{diag}(Z^\top O)` until they settle.
    Segments are joined for this: leakage is one fixed mixing for a whole recording, and a short segment of a narrow
    band has fewer degrees of freedom than there are regions. Equal power, because the scale of a region signal is
    arbitrary. All linear dependence without delay goes, at the price of full rank; mixed non-Gaussian sources keep
    correlated envelopes.

    Parameters
    ----------
    analytic : complex array, shape (segments, regions, times)
        Band-limited analytic signals of contiguous segments.

    Returns
    -------
    correlation : array, shape (regions, regions)
        Symmetric, in [-1, 1]; NaN on the diagonal and for a region that is flat or not finite in a segment: it is left
        out of the orthogonalisation.

    Raises
    ------
    NotComputable
        When the rank of the signals is below the number of regions (a copy, or more regions than components in the
        recording) or their dependence too near to that; without segments, or with fewer than 3 samples per segment.

    References
    ----------
    Colclough et al. 2015, 10.1016/j.neuroimage.2015.03.071.
    """
    signals = _checked(analytic)
    real = signals.real
    largest = np.abs(real).max(axis=-1)
    varied = np.isfinite(signals).all(axis=(0, 2)) & (np.ptp(real, axis=-1) > _round_off(signals) * largest).all(axis=0)
    matrix = np.full(2 * signals.shape[1:2], np.nan)
    if varied.sum() > 1:
        kept = signals[:, varied] / np.sqrt(np.square(real[:, varied]).mean(axis=(0, 2)))[:, None]
        mixing = _symmetric_orthogonaliser(np.concatenate(list(kept.real), axis=-1)).astype(kept.real.dtype)
        matrix[np.ix_(varied, varied)] = envelope_correlation(mixing @ kept)
    return matrix


def _symmetric_orthogonaliser(signals: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the matrix that turns signals (regions, times) into the closest orthogonal ones, each of unit norm."""
    # The triangular factor has all inner products of the signals, without squaring their condition number.
    triangle = np.asarray(np.linalg.qr(signals.T, mode="r"), dtype=float)
    n_regions = len(signals)
    magnitudes = np.ones(n_regions)
    for _ in range(_MOST_ITERATIONS):
        left, singular, right = np.linalg.svd(triangle * magnitudes, full_matrices=False)
        rank = int(np.count_nonzero(singular > max(_RANK, 100 * np.finfo(signals.dtype).eps) * singular[0]))
        if rank < n_regions:
            raise NotComputable(f"{n_regions} regions from {rank} dimensions, wanted at least one dimension per region")
        previous, magnitudes = magnitudes, np.einsum("ij,ij->j", triangle, left @ right)
        if np.abs(magnitudes - previous).max() <= _MAGNITUDES_SETTLED * magnitudes.max():
            return (right.T / singular) @ right * previous
    found = f"symmetric orthogonalisation did not settle in {_MOST_ITERATIONS} iterations"
    raise NotComputable(f"{found}, wanted signals that are less dependent: fewer regions")


def _checked(analytic: NDArray[np.complexfloating]) -> NDArray[np.complexfloating]:
    signals = np.asarray(analytic)
    if not np.iscomplexobj(signals) or signals.ndim != 3:
        found = f"{signals.dtype} of shape {signals.shape}"
        raise ValueError(f"analytic is {found}, wanted complex signals of shape (segments, regions, times)")
    n_segments, _, n_times = signals.shape
    if not n_segments or n_times < _LEAST_TIMES:
        found = f"{n_segments} segments of {n_times} samples"
        raise NotComputable(f"{found}, wanted at least 1 of at least {_LEAST_TIMES}")
    return signals


def _round_off(signals: NDArray[np.complexfloating]) -> float:
    """Return a size relative to a signal: above what rounding leaves of it when it cancels, below what EEG varies."""
    return float(np.finfo(signals.dtype).eps) ** (2 / 3)


def _correlation_of_envelopes(analytic: NDArray[np.complexfloating]) -> NDArray[np.floating]:
    amplitude = np.abs(analytic)
    with np.errstate(invalid="ignore"):
        centred = amplitude - amplitude.mean(axis=-1, keepdims=True)
    varied = _scaled_to_one(centred, np.linalg.norm(amplitude, axis=-1) * _round_off(analytic))
    matrix = varied @ varied.T
    parts = np.concatenate([analytic.real, analytic.imag], axis=-1)
    unit = _scaled_to_one(parts, np.zeros(len(parts)))
    matrix[np.abs(unit @ unit.T) >= 1.0 - 64 * np.finfo(analytic.dtype).eps] = np.nan
    return matrix


def _scaled_to_one(rows: NDArray[np.floating], least: NDArray[np.floating]) -> NDArray[np.floating]:
    norm = np.linalg.norm(rows, axis=-1)
    return rows / np.where(np.isfinite(norm) & (norm > least), norm, np.nan)[:, None]


def _mean_matrix(total: NDArray[np.floating] | Any, n_segments: int) -> NDArray[np.float64]:
    matrix = np.asarray(total, dtype=float) / n_segments
    np.fill_diagonal(matrix, np.nan)
    return matrix
