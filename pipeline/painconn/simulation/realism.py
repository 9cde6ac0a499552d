r"""Numbers that describe a recording, so that simulated and real people can be laid side by side.

Conventions of this file: data are ``(n_channels, n_times)`` in microvolts, already filtered, resampled and referenced
in the same way for everybody that is compared; a spectrum is Welch's over Hann windows of 2 s that overlap by half
(steps of 0.5 Hz); epochs are consecutive pieces of 2 s; bands are half-open. Nothing here knows who was simulated.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

Array = NDArray[np.float64]
Numbers = dict[str, float]

WINDOW_S = 2.0
RANGE_HZ = (1.0, 40.0)
FIT_HZ = (2.0, 40.0)
ALPHA_SEARCH_HZ = (7.0, 14.0)
BANDS_HZ: Mapping[str, tuple[float, float]] = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
ALL_BANDS_HZ: Mapping[str, tuple[float, float]] = {"delta": (1.0, 4.0), **BANDS_HZ, "gamma": (30.0, 40.0)}
DISTANCES_MM = (0.0, 50.0, 80.0, 110.0, 140.0, 170.0, 250.0)
LAGS_S = (0.5, 1.0, 2.0, 5.0)
QUANTILES = (0.1, 0.5, 0.9)


def spectrum(data_uv: Array, sfreq_hz: float) -> tuple[Array, Array]:
    """Return frequencies and Welch's power spectral density of each channel, in uV^2/Hz."""
    window = round(WINDOW_S * sfreq_hz)
    freqs_hz, density = signal.welch(data_uv, sfreq_hz, nperseg=window, noverlap=window // 2)
    return freqs_hz, density


def amplitude(data_uv: Array) -> Numbers:
    """Return the median over channels of the root mean square in uV, and how much channels differ.

    Returns
    -------
    numbers : dict
        ``median_uv``; ``spread``, the standard deviation over channels of the natural logarithm of the amplitude.
    """
    rms = np.sqrt(np.mean(data_uv**2, axis=1))
    return {"median_uv": float(np.median(rms)), "spread": float(np.std(np.log(rms)))}


def aperiodic_fit(freqs_hz: Array, density: Array) -> tuple[Array, Array]:
    r"""Fit a straight line to the spectrum in double logarithmic axes, without a knee.

    Least squares of :math:`\log_{10} S = b - \chi \log_{10} f` over 2-40 Hz; 7-14 Hz, where the alpha peak lies, is
    left out. A beta peak stays in and makes the line a little flatter.

    Parameters
    ----------
    freqs_hz : ndarray, shape (n_freqs,)
        Frequencies.
    density : ndarray, shape (n_channels, n_freqs)
        Power spectral density.

    Returns
    -------
    line : ndarray, shape (n_channels, 2)
        Exponent :math:`\chi` and offset b of each channel.
    residual : ndarray, shape (n_channels, n_freqs)
        Decibels above the line; NaN at 0 Hz.
    """
    inside = _within(freqs_hz, FIT_HZ)
    fitted = inside & ~_within(freqs_hz, ALPHA_SEARCH_HZ)
    level = 10.0 * np.log10(density)
    with np.errstate(divide="ignore"):
        log_freqs = np.log10(freqs_hz)
    slope, offset = np.polyfit(log_freqs[fitted], level[:, fitted].T, 1)
    residual = np.full(level.shape, np.nan)
    above_0 = freqs_hz > 0
    residual[:, above_0] = level[:, above_0] - slope[:, None] * log_freqs[above_0] - offset[:, None]
    return np.column_stack([-slope / 10.0, offset / 10.0]), residual


def aperiodic(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return the aperiodic exponent (mean and standard deviation over channels) and the error of the fit in dB."""
    freqs_hz, density = spectrum(data_uv, sfreq_hz)
    line, residual = aperiodic_fit(freqs_hz, density)
    fitted = _within(freqs_hz, FIT_HZ) & ~_within(freqs_hz, ALPHA_SEARCH_HZ)
    error = np.sqrt(np.mean(residual[:, fitted].mean(axis=0) ** 2))
    return {"exponent": float(line[:, 0].mean()), "exponent_sd": float(line[:, 0].std()), "misfit_db": float(error)}


def relative_power(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return the share of each band in the power of 1-40 Hz, mean over channels."""
    freqs_hz, density = spectrum(data_uv, sfreq_hz)
    total = density[:, _within(freqs_hz, RANGE_HZ)].sum(axis=1)
    return {
        name: float(np.mean(density[:, _within(freqs_hz, band_hz)].sum(axis=1) / total))
        for name, band_hz in ALL_BANDS_HZ.items()
    }


def alpha_peak(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return where the alpha peak lies, how high it stands above the aperiodic line, and how broad it is.

    The spectrum is averaged over channels first. The peak is the highest residual in 7-14 Hz, its frequency refined by
    the parabola through it and its neighbours; the width is that of the residual at half its height.

    Returns
    -------
    numbers : dict
        ``peak_hz``, ``prominence_db``, ``width_hz``.
    """
    freqs_hz, density = spectrum(data_uv, sfreq_hz)
    residual = aperiodic_fit(freqs_hz, density.mean(axis=0, keepdims=True))[1][0]
    bins = np.flatnonzero(_within(freqs_hz, ALPHA_SEARCH_HZ))
    top = bins[np.argmax(residual[bins])]
    before, at, after = residual[top - 1 : top + 2]
    curve = before - 2.0 * at + after
    shift = float(np.clip(0.5 * (before - after) / curve, -0.5, 0.5)) if curve < 0 else 0.0
    low = top - int(np.argmax(residual[top:0:-1] < at / 2.0))
    high = top + int(np.argmax(residual[top:] < at / 2.0))
    step_hz = freqs_hz[1]
    return {
        "peak_hz": float(freqs_hz[top] + shift * step_hz),
        "prominence_db": float(at),
        "width_hz": float((high - low - 1) * step_hz),
    }


def topography(data_uv: Array, sfreq_hz: float, channels: tuple[str, ...]) -> Numbers:
    """Return the power of each band at each channel, in dB above the mean over channels of the same band."""
    freqs_hz, density = spectrum(data_uv, sfreq_hz)
    numbers: Numbers = {}
    for name, band_hz in BANDS_HZ.items():
        level = 10.0 * np.log10(density[:, _within(freqs_hz, band_hz)].sum(axis=1))
        numbers |= {
            f"{name}_{channel}_db": float(value) for channel, value in zip(channels, level - level.mean(), strict=True)
        }
    return numbers


def spatial_correlation(data_uv: Array, positions_m: Array) -> Numbers:
    """Return the mean correlation of two channels by the distance between them, for the distances that a cap has."""
    pairs = np.triu_indices(len(data_uv), 1)
    correlation = np.asarray(np.corrcoef(data_uv))[pairs]
    distance_mm = 1e3 * np.linalg.norm(positions_m[pairs[0]] - positions_m[pairs[1]], axis=1)
    numbers = {}
    for low, high in pairwise(DISTANCES_MM):
        chosen = (distance_mm >= low) & (distance_mm < high)
        if chosen.any():
            numbers[f"{low:g}_{high:g}_mm"] = float(correlation[chosen].mean())
    return numbers


def variability(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return the standard deviation over epochs of the natural logarithm of band power, median over channels.

    While it is small it equals the coefficient of variation of band power; unlike that it does not hang on one epoch.
    """
    freqs_hz, fourier = _epoch_spectra(data_uv, sfreq_hz)
    power = np.abs(fourier) ** 2
    return {
        name: float(np.median(np.std(np.log(power[..., _within(freqs_hz, band_hz)].sum(axis=-1)), axis=0)))
        for name, band_hz in ALL_BANDS_HZ.items()
    }


def tails(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return the excess kurtosis (0 for a normal distribution), median over channels, broadband and of each band."""
    numbers = {"broadband": float(np.median(stats.kurtosis(data_uv, axis=1)))}
    for name, band_hz in BANDS_HZ.items():
        band = _band_passed(data_uv, sfreq_hz, band_hz)
        numbers[name] = float(np.median(stats.kurtosis(band, axis=1)))
    return numbers


def envelope_memory(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return the autocorrelation of the Hilbert envelope of each band at 0.5, 1, 2 and 5 s, mean over channels."""
    numbers = {}
    for name, band_hz in BANDS_HZ.items():
        envelope = np.abs(signal.hilbert(_band_passed(data_uv, sfreq_hz, band_hz), axis=1))
        envelope -= envelope.mean(axis=1, keepdims=True)
        variance = np.mean(envelope**2, axis=1)
        for lag_s in LAGS_S:
            lag = round(lag_s * sfreq_hz)
            together = np.mean(envelope[:, lag:] * envelope[:, :-lag], axis=1)
            numbers[f"{name}_{lag_s:g}_s"] = float(np.mean(together / variance))
    return numbers


def coherence_and_wpli(data_uv: Array, sfreq_hz: float, band_hz: tuple[float, float]) -> tuple[Array, Array]:
    r"""Return magnitude coherence and the debiased squared weighted phase-lag index of each pair of channels.

    From the cross-spectra of the epochs :math:`X_k`, mean over the frequencies of the band:
    :math:`|\sum_k X_k| / \sqrt{S_i S_j}`, and (DOI 10.1016/j.neuroimage.2011.01.055)
    :math:`[(\sum \Im X)^2 - \sum (\Im X)^2] / [(\sum |\Im X|)^2 - \sum (\Im X)^2]`.

    Returns
    -------
    coherence, wpli : ndarray, shape (n_pairs,)
        Upper triangle, row by row. Coherence in [0, 1]; wpli is 0 on average without a lag, may be negative.
    """
    freqs_hz, fourier = _epoch_spectra(data_uv, sfreq_hz)
    inside = fourier[..., _within(freqs_hz, band_hz)]
    first, second = np.triu_indices(len(data_uv), 1)
    cross = inside[:, first] * np.conj(inside[:, second])
    power = np.sum(np.abs(inside) ** 2, axis=0)
    coherence = np.abs(cross.sum(axis=0)) / np.sqrt(power[first] * power[second])
    imaginary = cross.imag
    squares = np.sum(imaginary**2, axis=0)
    wpli = (imaginary.sum(axis=0) ** 2 - squares) / (np.abs(imaginary).sum(axis=0) ** 2 - squares)
    return coherence.mean(axis=-1), wpli.mean(axis=-1)


def coupling(data_uv: Array, sfreq_hz: float) -> Numbers:
    """Return quantiles over pairs of channels of coherence and debiased wPLI in each band."""
    numbers: Numbers = {}
    for band, band_hz in BANDS_HZ.items():
        for measure, values in zip(("coherence", "wpli"), coherence_and_wpli(data_uv, sfreq_hz, band_hz), strict=True):
            numbers |= {
                f"{band}_{measure}_q{round(100 * share)}": float(value)
                for share, value in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)
            }
    return numbers


def describe(data_uv: Array, *, sfreq_hz: float, channels: tuple[str, ...], positions_m: Array) -> dict[str, Numbers]:
    """Return every number of a recording, by family.

    Parameters
    ----------
    data_uv : ndarray, shape (n_channels, n_times)
        At least 20 s, no flat channel, common reference.
    sfreq_hz : float
        Sampling rate, above 80 Hz.
    channels : tuple of str
        Names.
    positions_m : ndarray, shape (n_channels, 3)
        Places.

    Returns
    -------
    numbers : dict of dict
        Family, number, value.
    """
    return {
        "amplitude": amplitude(data_uv),
        "aperiodic": aperiodic(data_uv, sfreq_hz),
        "relative power": relative_power(data_uv, sfreq_hz),
        "alpha peak": alpha_peak(data_uv, sfreq_hz),
        "topography": topography(data_uv, sfreq_hz, channels),
        "spatial correlation": spatial_correlation(data_uv, positions_m),
        "variability": variability(data_uv, sfreq_hz),
        "kurtosis": tails(data_uv, sfreq_hz),
        "envelope memory": envelope_memory(data_uv, sfreq_hz),
        "coupling": coupling(data_uv, sfreq_hz),
    }


def _within(freqs_hz: Array, band_hz: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((freqs_hz >= band_hz[0]) & (freqs_hz < band_hz[1]))


def _epoch_spectra(data_uv: Array, sfreq_hz: float) -> tuple[Array, NDArray[np.complex128]]:
    """Return frequencies and Fourier coefficients (epochs, channels, frequencies) under a Hann window."""
    length = round(WINDOW_S * sfreq_hz)
    n_epochs = data_uv.shape[1] // length
    epochs = data_uv[:, : n_epochs * length].reshape(len(data_uv), n_epochs, length).swapaxes(0, 1)
    tapered = signal.detrend(epochs, type="constant") * signal.windows.hann(length, sym=False)
    return np.asarray(np.fft.rfftfreq(length, 1.0 / sfreq_hz), dtype=float), np.fft.rfft(tapered)


def _band_passed(data_uv: Array, sfreq_hz: float, band_hz: tuple[float, float]) -> Array:
    sections = signal.butter(4, band_hz, "bandpass", fs=sfreq_hz, output="sos")
    return np.asarray(signal.sosfiltfilt(sections, data_uv, axis=1))
