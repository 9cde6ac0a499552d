"""Line noise: the mains frequency and its harmonics.

Three ways, from blunt to sparing: a notch filter takes everything out of a narrow band, on every channel; spectrum
fitting subtracts the sinusoid that fits best, channel by channel; the spatial filter (in the manner of ZapLine)
subtracts from a narrow band those directions across the channels that hold line noise, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mne.io import BaseRaw

LineNoiseMethod = Literal["notch", "spectrum_fit", "zapline", "none"]

FIT_WINDOW_S = 2.0
"""Length of the windows in which a sinusoid is fitted (half of one overlaps the next): long enough to leave its
neighbours alone, short enough for a line 0.05 Hz off its nominal frequency."""

FIT_WIDTH_HZ = 0.1
"""Fits one frequency bin of a window: sinusoids at neighbouring bins would take the same line out twice."""

BAND_HALF_WIDTH_HZ = 1.0
"""Around each harmonic the spatial filter acts within this distance, and fades out over `FADE_HZ` beyond it."""

FADE_HZ = 0.5

CORE_HALF_WIDTH_HZ = 0.5
"""Line noise is looked for within this distance of each harmonic: more than mains and amplifier clock ever drift."""

FLANK_HZ = 5.0
"""Activity between `BAND_HALF_WIDTH_HZ` and this distance of a harmonic stands for the brain."""

CHUNK_S = 30.0
"""Spacing of the spatial filters in time; each is estimated on twice this length and fades into the next."""

OUTLIER_SD = 3.0
"""How far above the strongest scores at frequencies without line noise a score must lie (Klug 2022)."""

LARGEST_FRACTION = 0.2
"""At most this fraction of the channels' dimensions is removed from a harmonic's band (Klug 2022)."""

_SHRINKAGE = 1e-4


@dataclass(frozen=True)
class LineNoiseRemoval:
    """A recording without line noise, and what was done to it.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A filtered copy.
    method : {"notch", "spectrum_fit", "zapline", "none"}
        How.
    freqs_hz : tuple of float
        The frequencies that were treated.
    n_components : dict of float to tuple of int
        For the spatial filter: per frequency, how many directions were removed from its band in each chunk of
        `CHUNK_S`; empty otherwise. All other frequencies keep all dimensions, so the rank stays.
    """

    raw: "BaseRaw"
    method: LineNoiseMethod
    freqs_hz: tuple[float, ...]
    n_components: dict[float, tuple[int, ...]]


def line_frequencies(line_freq_hz: float, *, lowpass_hz: float, sfreq_hz: float) -> list[float]:
    """Return the line frequency and those harmonics that a low-pass at `lowpass_hz` would let through.

    Parameters
    ----------
    line_freq_hz : float
        Frequency of the mains, 50 or 60.
    lowpass_hz : float
        Low-pass edge that will be applied later; its transition (a quarter of it) still carries signal.
    sfreq_hz : float
        Sampling rate of the recording; a notch needs 1 Hz of room below half of it.

    Returns
    -------
    freqs_hz : list of float
        Ascending, possibly empty.
    """
    highest = min(1.25 * lowpass_hz, sfreq_hz / 2 - 1.0)
    return [line_freq_hz * harmonic for harmonic in range(1, int(highest // line_freq_hz) + 1)]


def suppress_line_noise(
    raw: "BaseRaw", *, method: LineNoiseMethod, line_freq_hz: float, lowpass_hz: float
) -> LineNoiseRemoval:
    """Suppress the line frequency and its harmonics by the named method.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG.
    method : {"notch", "spectrum_fit", "zapline", "none"}
        ``notch``: zero-phase FIR, about 1 Hz wide. ``spectrum_fit``: MNE's multitaper fit of a
        sinusoid per channel in windows of `FIT_WINDOW_S`; for a steady line, one that drifts by 0.2 Hz is
        left. ``zapline``: :func:`spatial_line_filter`.
    line_freq_hz, lowpass_hz : float
        As in :func:`line_frequencies`.

    Returns
    -------
    removal : LineNoiseRemoval
        The recording given is not changed.
    """
    if method == "none":
        return LineNoiseRemoval(raw.copy(), method, (), {})
    freqs = tuple(line_frequencies(line_freq_hz, lowpass_hz=lowpass_hz, sfreq_hz=raw.info["sfreq"]))
    if not freqs:
        return LineNoiseRemoval(raw.copy(), method, (), {})
    if method == "zapline":
        return spatial_line_filter(raw, freqs_hz=freqs)
    filtered = raw.copy().load_data(verbose="WARNING")
    if method == "notch":
        filtered.notch_filter(freqs, verbose="WARNING")
    else:
        filtered.notch_filter(
            freqs,
            method="spectrum_fit",
            filter_length=f"{FIT_WINDOW_S}s",
            notch_widths=FIT_WIDTH_HZ,
            verbose="WARNING",
        )
    return LineNoiseRemoval(filtered, method, freqs, {})


def spatial_line_filter(raw: "BaseRaw", *, freqs_hz: tuple[float, ...]) -> LineNoiseRemoval:
    r"""Subtract the directions across channels that hold line noise, from a narrow band around each frequency.

    Denoising source separation as in ZapLine (de Cheveigné 2020, doi:10.1016/j.neuroimage.2019.116356), with chunks
    and an outlier rule as in Zapline-plus (Klug & Kloosterman 2022, doi:10.1002/hbm.25832). Per frequency and chunk

    .. math:: C_\text{line}\, w = \lambda\, C_\text{flank}\, w

    with the covariances of the activity within `CORE_HALF_WIDTH_HZ` of the frequency and of that beside it; a score
    :math:`\lambda` tells how many times stronger a direction is at the line than beside it. Scores above what the
    same search finds at frequencies beside the line, where there is none (median + 3 robust SD of the logarithms of the
    strongest), are line noise. Unlike ZapLine, which takes the directions out of everything that its comb filter
    leaves, they are subtracted only within about 1 Hz of the frequency.

    The filter does not follow the frequency: the whole band is treated alike, so a line that drifts or changes its
    strength inside it makes no difference.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG; channels in ``info["bads"]`` take no part and stay as they are.
    freqs_hz : tuple of float
        Frequencies, at least `BAND_HALF_WIDTH_HZ` below half the sampling rate.

    Returns
    -------
    removal : LineNoiseRemoval
        With the number of directions per frequency and chunk. The rank of the recording stays.
    """
    sfreq_hz = float(raw.info["sfreq"])
    n_components: dict[float, tuple[int, ...]] = {}

    def without_line(data: NDArray[np.float64]) -> NDArray[np.float64]:
        centres, windows = _chunks(data.shape[1], sfreq_hz)
        spectra = [_spectrum(data[:, window], sfreq_hz, freqs_hz) for window in windows]
        cleaned = data.copy()
        for freq_hz in freqs_hz:
            found = [_line_directions(values, bins_hz - freq_hz) for values, bins_hz in spectra]
            n_components[freq_hz] = tuple(filters.shape[1] for _, filters in found)
            if any(n_components[freq_hz]):
                band = _narrow_band(data, sfreq_hz=sfreq_hz, freq_hz=freq_hz)
                for (patterns, filters), window, unit in zip(found, windows, np.eye(len(centres)), strict=True):
                    weight = np.interp(np.arange(window.start, window.stop), centres, unit)
                    cleaned[:, window] -= weight * (patterns @ (filters.T @ band[:, window]))
        return cleaned

    filtered = raw.copy().load_data(verbose="WARNING")
    names = filtered.copy().pick("eeg", exclude="bads", verbose="WARNING").ch_names
    filtered.apply_function(without_line, picks=names, channel_wise=False, verbose="WARNING")
    return LineNoiseRemoval(filtered, "zapline", freqs_hz, n_components)


def _chunks(n_times: int, sfreq_hz: float) -> tuple[NDArray[np.float64], list[slice]]:
    """Return the centres of the chunks, and the samples around each up to its neighbours' centres."""
    n_chunks = max(round(n_times / (CHUNK_S * sfreq_hz)), 1)
    length = n_times / n_chunks
    centres = np.linspace(length / 2, n_times - length / 2, n_chunks)
    return centres, [slice(max(round(centre - length), 0), min(round(centre + length), n_times)) for centre in centres]


def _spectrum(
    data: NDArray[np.float64], sfreq_hz: float, freqs_hz: Sequence[float]
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return the Fourier transform of a chunk under a Hann window near the frequencies, and the bins' frequencies."""
    bins_hz = np.arange(data.shape[1] // 2 + 1) * sfreq_hz / data.shape[1]
    near = np.any([np.abs(bins_hz - freq_hz) <= FLANK_HZ for freq_hz in freqs_hz], axis=0)
    centred = data - data.mean(axis=1, keepdims=True)
    return np.fft.rfft(centred * np.hanning(data.shape[1]))[:, near], bins_hz[near]


def _narrow_band(data: NDArray[np.float64], *, sfreq_hz: float, freq_hz: float) -> NDArray[np.float64]:
    from mne.filter import filter_data

    return filter_data(
        data,
        sfreq_hz,
        freq_hz - BAND_HALF_WIDTH_HZ,
        min(freq_hz + BAND_HALF_WIDTH_HZ, sfreq_hz / 2 - FADE_HZ),
        l_trans_bandwidth=FADE_HZ,
        h_trans_bandwidth=FADE_HZ,
        verbose="WARNING",
    )


def _covariance(values: NDArray[np.complex128], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    return (values[:, chosen] @ values[:, chosen].conj().T).real / max(int(np.count_nonzero(chosen)), 1)


def _scores(
    line: NDArray[np.float64], beside: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return how much stronger each direction is at the line, its pattern and its filter, best first."""
    from scipy.linalg import eigh

    # a channel that is constant, or a dimension lost in an average reference, must not divide by zero
    floor = max(_SHRINKAGE * np.trace(beside) / len(beside), np.finfo(float).tiny)
    beside = beside + floor * np.eye(len(beside))
    scores, filters = eigh(line, beside)
    return scores[::-1], (beside @ filters)[:, ::-1], filters[:, ::-1]


def _line_directions(
    values: NDArray[np.complex128], offset_hz: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return patterns and filters, each of shape (channels, n), of the directions that hold line noise in a chunk."""
    distance_hz = np.abs(offset_hz)
    flank = (distance_hz > BAND_HALF_WIDTH_HZ) & (distance_hz <= FLANK_HZ)
    spacing_hz = 2 * CORE_HALF_WIDTH_HZ
    controls_hz = np.arange(BAND_HALF_WIDTH_HZ + CORE_HALF_WIDTH_HZ, FLANK_HZ, spacing_hz)
    strongest = []
    for control_hz in (*-controls_hz, *controls_hz):
        control = np.abs(offset_hz - control_hz) <= CORE_HALF_WIDTH_HZ
        if control.any():
            strongest.append(_scores(_covariance(values, control), _covariance(values, flank & ~control))[0][0])
    scores, patterns, filters = _scores(
        _covariance(values, distance_hz <= CORE_HALF_WIDTH_HZ), _covariance(values, flank)
    )
    n_removed = min(_count_outlying(scores, np.array(strongest)), max(int(LARGEST_FRACTION * len(scores)), 1))
    return patterns[:, :n_removed], filters[:, :n_removed]


def _count_outlying(scores: NDArray[np.float64], controls: NDArray[np.float64]) -> int:
    """Count the scores beyond what is found without line noise; the median bears another interference nearby."""
    logs = np.log(np.maximum(controls, np.finfo(float).tiny))
    centre = np.median(logs)
    spread = 1.4826 * np.median(np.abs(logs - centre))
    return int(np.count_nonzero(scores > np.exp(centre + OUTLIER_SD * spread)))
