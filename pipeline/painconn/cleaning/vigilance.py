"""How awake and how still a person was: drowsiness, reactivity of alpha to the eyes, blinks.

None of these decides anything by itself; they stand in the quality table, serve as covariates and as inclusion rules.
"""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mne import BaseEpochs
    from mne.io import BaseRaw

POSTERIOR_CHANNELS = ("O1", "OZ", "O2", "PO3", "POZ", "PO4", "PO7", "PO8", "P3", "PZ", "P4")
FRONTAL_POLE_CHANNELS = ("FP1", "FPZ", "FP2", "AF7", "AF8", "AFP1", "AFP2")

THETA_HZ = (4.0, 8.0)
ALPHA_HZ = (8.0, 13.0)
BLINK_BAND_HZ = (1.0, 10.0)

BLINK_MINIMUM_V = 50e-6
"""A blink raises the frontal pole by 50 to 300 µV; the alpha rhythm seldom reaches 50 µV there."""

BLINK_ROBUST_SD = 4.0
BLINK_WIDTH_S = (0.05, 0.5)
BLINK_REFRACTORY_S = 0.25

SHORTEST_EPOCH_S = 1.0
"""Shorter epochs have fewer than five bins of 1 Hz in the alpha band."""

_WINDOW_S = 2.0
_FEWEST_WINDOWS = 6


def _rows(channels: Sequence[str], sites: Sequence[str]) -> list[int]:
    return [row for row, name in enumerate(channels) if name.upper() in sites]


def _posterior_power(raw: "BaseRaw", band_hz: tuple[float, float]) -> NDArray[np.float64]:
    """Power of a band in windows of 2 s, median over the posterior sites, shape (windows,)."""
    names = [raw.ch_names[row] for row in _rows(raw.ch_names, POSTERIOR_CHANNELS)]
    sfreq_hz = float(raw.info["sfreq"])
    n_window = round(_WINDOW_S * sfreq_hz)
    data = raw.get_data(picks=names, reject_by_annotation="omit", verbose="WARNING") if names else np.empty((0, 0))
    n_windows = data.shape[1] // n_window
    if n_windows == 0:
        return np.empty(0)
    pieces = data[:, : n_windows * n_window].reshape(len(data), n_windows, n_window)
    return _median_power(pieces.swapaxes(0, 1), sfreq_hz, band_hz)


def _median_power(windows: NDArray[np.float64], sfreq_hz: float, band_hz: tuple[float, float]) -> NDArray[np.float64]:
    """Power of a band, median over channels: from (windows, channels, times) to (windows,)."""
    from scipy.signal import welch

    freqs, density = welch(windows, fs=sfreq_hz, nperseg=windows.shape[-1], axis=-1)
    inside = (freqs >= band_hz[0]) & (freqs < band_hz[1])
    bin_hz = float(freqs[1] - freqs[0])
    return np.asarray(np.median(density[..., inside].sum(axis=-1) * bin_hz, axis=1), dtype=float)


def drowsiness_index(raw: "BaseRaw") -> float:
    r"""Compute the ratio of theta to alpha power over the posterior sites.

    .. math:: D = \operatorname{median}_w \frac{P_{4-8}(w)}{P_{8-13}(w)}

    over windows w of 2 s, each power the median over the occipital and parietal channels there are. Falling asleep,
    alpha gives way to theta. The ratio also differs between people and between eyes open and closed, so that only
    like conditions compare.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Cleaned EEG; stretches annotated as bad are left out.

    Returns
    -------
    index : float
        Above 0; NaN without a posterior channel or with less than 12 s of signal.
    """
    theta, alpha = _posterior_power(raw, THETA_HZ), _posterior_power(raw, ALPHA_HZ)
    if len(theta) < _FEWEST_WINDOWS or not alpha.all():
        return math.nan
    return float(np.median(theta / alpha))


def drowsiness_trend(raw: "BaseRaw") -> float:
    """Compute how the theta-to-alpha ratio moves: natural logarithm of the last third's over the first third's.

    Unlike :func:`drowsiness_index` it does not depend on how much alpha a person has.

    Returns
    -------
    trend : float
        Above 0 when theta gains on alpha; NaN as for :func:`drowsiness_index`.
    """
    theta, alpha = _posterior_power(raw, THETA_HZ), _posterior_power(raw, ALPHA_HZ)
    if len(theta) < _FEWEST_WINDOWS or not alpha.all():
        return math.nan
    ratio, third = np.log(theta / alpha), len(theta) // 3
    return float(np.median(ratio[-third:]) - np.median(ratio[:third]))


def posterior_alpha_db(raw: "BaseRaw") -> float:
    """Compute the alpha power (8-13 Hz) over the posterior sites, in dB relative to 1 µV².

    Returns
    -------
    power_db : float
        Median over windows of 2 s; NaN as for :func:`drowsiness_index`.
    """
    return _decibel(_posterior_power(raw, ALPHA_HZ))


def epochs_alpha_db(epochs: "BaseEpochs") -> float:
    """Compute :func:`posterior_alpha_db` of epochs that are at least 1 s long, median over them.

    Its difference between eyes closed and eyes open is the reactivity of alpha: alpha falls when the eyes open
    (Berger 1929), so a difference below zero says that the blocks were swapped or the person dozed.

    Returns
    -------
    power_db : float
        NaN without a posterior channel, with fewer than 6 epochs or shorter ones.
    """
    rows = _rows(epochs.ch_names, POSTERIOR_CHANNELS)
    sfreq_hz = float(epochs.info["sfreq"])
    if not rows or len(epochs.times) < SHORTEST_EPOCH_S * sfreq_hz:
        return math.nan
    windows = epochs.get_data(picks=[epochs.ch_names[row] for row in rows], verbose="WARNING")
    return _decibel(_median_power(windows, sfreq_hz, ALPHA_HZ))


def _decibel(power: NDArray[np.float64]) -> float:
    if len(power) < _FEWEST_WINDOWS or not power.all():
        return math.nan
    return float(10 * np.log10(np.median(power) * 1e12))


def blink_rate_per_min(raw: "BaseRaw", *, bads: Collection[str] = ()) -> float:
    """Count blinks per minute at the frontal pole.

    A blink is a positive deflection (1-10 Hz) of the mean of the frontal-pole channels of at least 50 µV and four
    robust standard deviations, 0.05 to 0.5 s wide at half its height, at least 0.25 s after the one before.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG *before* components are removed, any reference that leaves the frontal pole positive in a blink.
    bads : collection of str
        Channels that are not looked at.

    Returns
    -------
    rate : float
        Blinks per minute of usable signal; NaN without a frontal-pole channel or with less than 12 s of signal.
    """
    from scipy.signal import butter, find_peaks, sosfiltfilt

    names = [raw.ch_names[row] for row in _rows(raw.ch_names, FRONTAL_POLE_CHANNELS)]
    names = [name for name in names if name not in bads and name not in raw.info["bads"]]
    sfreq_hz = float(raw.info["sfreq"])
    if not names:
        return math.nan
    frontal = raw.get_data(picks=names, reject_by_annotation="omit", verbose="WARNING").mean(axis=0)
    if len(frontal) < _FEWEST_WINDOWS * _WINDOW_S * sfreq_hz:
        return math.nan
    moved = sosfiltfilt(butter(2, BLINK_BAND_HZ, "bandpass", fs=sfreq_hz, output="sos"), frontal)
    robust_sd_v = 1.4826 * float(np.median(np.abs(moved - np.median(moved))))
    peaks, _ = find_peaks(
        moved,
        height=max(BLINK_MINIMUM_V, BLINK_ROBUST_SD * robust_sd_v),
        distance=max(1, round(BLINK_REFRACTORY_S * sfreq_hz)),
        width=tuple(edge * sfreq_hz for edge in BLINK_WIDTH_S),
        rel_height=0.5,
    )
    return float(len(peaks) / (len(frontal) / sfreq_hz / 60))
