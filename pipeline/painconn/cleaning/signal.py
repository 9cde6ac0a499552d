"""Temporal steps on continuous EEG: high-pass, low-pass, resampling, spectra.

All filters are zero-phase FIR designs of MNE (Hamming window) and never run across the boundary of a recording.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from mne.io import BaseRaw

SHORTEST_RECORDING_S = 7.0
"""Length of the longest filter (the notch's and the spatial line filter's, 6.6 s), rounded up."""

LOWPASS_FRACTION = 0.45
"""Highest low-pass edge as a fraction of the final sampling rate."""

SPECTRUM_WINDOW_S = 2.0
HIGHEST_SPECTRUM_HZ = 125.0
_SAME_RATE = 1e-6


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power spectral density of a recording, averaged over channels.

    Parameters
    ----------
    freqs_hz : ndarray, shape (n_freqs,)
        Frequencies, 0.5 Hz apart.
    psd_db : ndarray, shape (n_freqs,)
        Mean over channels of the density, in dB relative to 1 µV²/Hz.
    """

    freqs_hz: NDArray[np.float64]
    psd_db: NDArray[np.float64]


def effective_lowpass(*, h_freq_hz: float, sfreq_hz: float, recording_lowpass_hz: float | None) -> float:
    """Return the low-pass edge: the lowest of the wanted one, 0.45 x the final rate and the recording's own.

    Parameters
    ----------
    h_freq_hz : float
        Wanted low-pass edge.
    sfreq_hz : float
        Sampling rate of the result.
    recording_lowpass_hz : float | None
        Low-pass that the recording is stated to have had, or None when it is not stated. File headers are not
        asked: they differ between files of one study that were filtered alike.

    Returns
    -------
    lowpass_hz : float
        The edge that the result has.
    """
    edges = [h_freq_hz, LOWPASS_FRACTION * sfreq_hz]
    if recording_lowpass_hz is not None:
        edges.append(recording_lowpass_hz)
    return min(edges)


def high_pass(raw: "BaseRaw", *, l_freq_hz: float) -> "BaseRaw":
    """Return a copy high-passed at `l_freq_hz` (zero-phase FIR)."""
    return raw.copy().filter(l_freq_hz, None, verbose="WARNING")


def low_pass(raw: "BaseRaw", *, h_freq_hz: float) -> "BaseRaw":
    """Return a copy low-passed at `h_freq_hz` (zero-phase FIR, transition a quarter of the edge)."""
    return raw.copy().filter(None, h_freq_hz, verbose="WARNING")


def check_rate(raw: "BaseRaw", *, sfreq_hz: float, where: str) -> None:
    """Refuse a recording that is slower than the wanted rate.

    Raises
    ------
    RecordingFault
        Nothing is ever upsampled.
    """
    found = float(raw.info["sfreq"])
    if found < sfreq_hz and not np.isclose(found, sfreq_hz, rtol=_SAME_RATE):
        problem = Problem(
            where,
            f"sampling rate {found:g} Hz",
            f"at least {sfreq_hz:g} Hz",
            "lower cleaning.sfreq_hz to the lowest rate of the study, or leave this recording out",
        )
        raise RecordingFault("sampling rate", problem)


def resample(raw: "BaseRaw", *, sfreq_hz: float, where: str) -> "BaseRaw":
    """Return a copy at a lower sampling rate; annotations keep their times.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG, already low-passed below half of `sfreq_hz`.
    sfreq_hz : float
        Wanted rate.
    where : str
        Name of the recording, for the message.

    Returns
    -------
    raw : mne.io.BaseRaw
        A copy at `sfreq_hz`.

    Raises
    ------
    RecordingFault
        When the recording is slower than `sfreq_hz`.
    """
    check_rate(raw, sfreq_hz=sfreq_hz, where=where)
    if np.isclose(raw.info["sfreq"], sfreq_hz, rtol=_SAME_RATE):
        return raw.copy()
    return raw.copy().resample(sfreq_hz, method="fft", verbose="WARNING")


def mean_spectrum(raw: "BaseRaw", *, channels: list[str]) -> Spectrum:
    """Compute the mean power spectral density over channels (Welch, 2 s Hamming windows, half overlapping).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG in volts; stretches annotated as bad are left out.
    channels : list of str
        Channels to average over.

    Returns
    -------
    spectrum : Spectrum
        From 0.5 Hz to the lower of 125 Hz and half the sampling rate.
    """
    from mne.time_frequency import psd_array_welch

    sfreq = float(raw.info["sfreq"])
    data = raw.get_data(picks=channels, reject_by_annotation="omit", verbose="WARNING")
    n_window = min(round(SPECTRUM_WINDOW_S * sfreq), data.shape[1])
    psd, freqs = psd_array_welch(
        data,
        sfreq,
        fmin=1 / SPECTRUM_WINDOW_S,
        fmax=min(HIGHEST_SPECTRUM_HZ, sfreq / 2),
        n_fft=n_window,
        n_overlap=n_window // 2,
        verbose="WARNING",
    )
    mean_uv2 = psd.mean(axis=0) * 1e12
    return Spectrum(freqs, 10 * np.log10(np.maximum(mean_uv2, np.finfo(float).tiny)))
