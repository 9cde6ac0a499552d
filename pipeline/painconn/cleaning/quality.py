"""Numbers that say how good a recording was and what cleaning did to it: a row of the quality table."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.component_methods import LABELS
from painconn.cleaning.components import NEVER_REMOVED
from painconn.cleaning.segments import bad_samples
from painconn.cleaning.session import CleanedSession
from painconn.cleaning.signal import Spectrum
from painconn.cleaning.vigilance import drowsiness_index, drowsiness_trend, posterior_alpha_db

if TYPE_CHECKING:
    from mne.io import BaseRaw

TEMPORAL_CHANNELS = ("T7", "T8", "FT7", "FT8", "FT9", "FT10", "TP7", "TP8", "TP9", "TP10", "T9", "T10", "T3", "T4")
"""Sites over the temporalis muscle (T3 and T4 are the old names of T7 and T8)."""

MUSCLE_BAND_HZ = (30.0, 45.0)
TOTAL_BAND_FROM_HZ = 1.0
NARROWEST_MUSCLE_BAND_HZ = 5.0
LINE_HALF_WIDTH_HZ = 1.0
LINE_NEIGHBOUR_HZ = 5.0


def _band_power(psd: NDArray[np.float64], freqs: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    return psd[:, (freqs >= low) & (freqs < high)].sum(axis=1)


def muscle_share(
    density: NDArray[np.float64], freqs_hz: NDArray[np.float64], channels: Sequence[str], *, lowpass_hz: float
) -> float:
    """Compute the relative power of the muscle band over the temporal sites from spectra.

    Power in [30, top) Hz divided by power in [1, top) Hz, median over the temporal channels there are, with top = the
    lower of 45 Hz and the low-pass.

    Parameters
    ----------
    density : ndarray, shape (channels, frequencies)
        Power spectral density, any unit.
    freqs_hz : ndarray, shape (frequencies,)
        Bin centres.
    channels : sequence of str
        Names of the rows.
    lowpass_hz : float
        Low-pass edge of the data.

    Returns
    -------
    index : float
        Between 0 and 1; NaN when the band would be narrower than 5 Hz or there is no temporal channel.
    """
    top_hz = min(MUSCLE_BAND_HZ[1], lowpass_hz)
    rows = [row for row, name in enumerate(channels) if name.upper() in TEMPORAL_CHANNELS]
    if top_hz - MUSCLE_BAND_HZ[0] < NARROWEST_MUSCLE_BAND_HZ or not rows:
        return math.nan
    temporal = density[rows]
    muscle = _band_power(temporal, freqs_hz, MUSCLE_BAND_HZ[0], top_hz)
    return float(np.median(muscle / _band_power(temporal, freqs_hz, TOTAL_BAND_FROM_HZ, top_hz)))


def muscle_index(raw: "BaseRaw", *, lowpass_hz: float) -> tuple[float, float]:
    """Compute the relative power of the muscle band over the temporal sites of a recording (Welch, 2 s windows).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Cleaned EEG, in volts.
    lowpass_hz : float
        Low-pass edge of the data.

    Returns
    -------
    index : float
        As of :func:`muscle_share`.
    top_hz : float
        Upper edge of the band that was used.
    """
    from mne.time_frequency import psd_array_welch

    top_hz = min(MUSCLE_BAND_HZ[1], lowpass_hz)
    channels = [name for name in raw.ch_names if name.upper() in TEMPORAL_CHANNELS]
    if top_hz - MUSCLE_BAND_HZ[0] < NARROWEST_MUSCLE_BAND_HZ or not channels:
        return math.nan, top_hz
    sfreq = float(raw.info["sfreq"])
    data = raw.get_data(picks=channels, reject_by_annotation="omit", verbose="WARNING")
    n_window = min(round(2 * sfreq), data.shape[1])
    psd, freqs = psd_array_welch(data, sfreq, fmax=top_hz, n_fft=n_window, n_overlap=n_window // 2, verbose="WARNING")
    return muscle_share(psd, freqs, channels, lowpass_hz=lowpass_hz), top_hz


def line_noise_ratio(spectrum: Spectrum, *, line_freq_hz: float | None, top_hz: float) -> float:
    """Compute how far the line frequency stands out of its surroundings.

    Mean density within 1 Hz of the line frequency divided by the mean density 1 to 5 Hz away from it on both sides.

    Parameters
    ----------
    spectrum : Spectrum
        Mean spectrum of a recording.
    line_freq_hz : float | None
        Frequency of the mains.
    top_hz : float
        Highest frequency at which the spectrum means anything (low-pass, or half the rate).

    Returns
    -------
    ratio : float
        About 1 without line noise; NaN when the line frequency is unknown or its surroundings pass `top_hz`.
    """
    freqs = spectrum.freqs_hz
    if line_freq_hz is None or line_freq_hz + LINE_NEIGHBOUR_HZ > min(top_hz, freqs[-1]):
        return math.nan
    density = 10 ** (spectrum.psd_db / 10)
    distance = np.abs(freqs - line_freq_hz)
    around = (distance > LINE_HALF_WIDTH_HZ) & (distance <= LINE_NEIGHBOUR_HZ)
    return float(density[distance <= LINE_HALF_WIDTH_HZ].mean() / density[around].mean())


def median_peak_to_peak(raw: "BaseRaw", *, window_s: float = 2.0) -> float:
    """Return the median over channels and windows of the peak-to-peak amplitude, in volts; NaN without a window."""
    data = raw.get_data(picks="eeg", reject_by_annotation="omit", verbose="WARNING")
    n_window = round(window_s * raw.info["sfreq"])
    n_windows = data.shape[1] // n_window
    if n_windows == 0:
        return math.nan
    pieces = data[:, : n_windows * n_window].reshape(len(data), n_windows, n_window)
    return float(np.median(np.ptp(pieces, axis=2)))


def recording_quality(cleaned: CleanedSession, recording: str) -> dict[str, float]:
    """Collect the quality of one recording of a cleaned session.

    Parameters
    ----------
    cleaned : CleanedSession
        As from :func:`painconn.cleaning.session.clean_session`.
    recording : str
        Its name there.

    Returns
    -------
    quality : dict of str to float
        Every entry of :data:`painconn.config.quality_numbers.QUALITY_NUMBERS` that the signals tell; NaN where a
        number cannot be computed.
    """
    raw = cleaned.raws[recording]
    index, top_hz = muscle_index(raw, lowpass_hz=cleaned.lowpass_hz)
    before = cleaned.before[recording]
    quality = {
        "muscle_index": index,
        "muscle_index_top_hz": top_hz,
        "line_noise_ratio_before": line_noise_ratio(before, line_freq_hz=cleaned.line_freq_hz, top_hz=math.inf),
        "line_noise_ratio_after": line_noise_ratio(
            cleaned.after[recording], line_freq_hz=cleaned.line_freq_hz, top_hz=cleaned.lowpass_hz
        ),
        "drowsiness_index": drowsiness_index(raw),
        "drowsiness_trend": drowsiness_trend(raw),
        "posterior_alpha_db": posterior_alpha_db(raw),
        "blink_rate_per_min": cleaned.blink_rates_per_min[recording],
        "components_removed": float(cleaned.rank.n_removed),
        "rank_tracked": float(cleaned.rank.tracked),
        "rank_data": float(cleaned.rank.data[recording]),
        "minutes_recorded": float(raw.n_times / raw.info["sfreq"] / 60),
        "minutes_retained": float(np.count_nonzero(~bad_samples(raw)) / raw.info["sfreq"] / 60),
        "median_peak_to_peak_uv": median_peak_to_peak(raw) * 1e6,
        "lowpass_hz": cleaned.lowpass_hz,
    }
    for label in set(LABELS) - NEVER_REMOVED:
        removed = [component for component in cleaned.components if component.removed and component.label == label]
        quality[f"components_removed_{label.replace(' ', '_')}"] = float(len(removed))
    return quality
