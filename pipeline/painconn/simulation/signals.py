"""Signals of the cortex: noise with a chosen spectrum, lagged coupling, responses to an event.

Conventions of this file: signals are ``(n_signals, n_times)``; stochastic ones have expected variance 1 and are scaled
where they are used; every function takes the random generator first, so the caller decides what a seed means.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

Array = NDArray[np.float64]
Part = tuple[list[int], Array, ArrayLike]
"""Rows that hold a process, the process (one for all of them, or one each), and its share of their variance."""


def shaped_noise(rng: np.random.Generator, n_signals: int, power: Array, n_times: int, *, n_fft: int) -> Array:
    """Return Gaussian noise whose expected power spectrum is proportional to ``power``.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_signals, n_times : int
        Shape of the result.
    power : ndarray, shape (n_fft // 2 + 1,)
        Power at the frequencies of a real FFT of length `n_fft`; the entry at 0 Hz is taken as 0.
    n_fft : int
        Length of the periodic series from which the first `n_times` samples are kept.

    Returns
    -------
    noise : ndarray, shape (n_signals, n_times)
        Independent stationary signals, expected variance 1.
    """
    amplitude = np.sqrt(power)
    amplitude[0] = 0.0
    amplitude[-1] = 0.0
    active = np.flatnonzero(amplitude > amplitude.max() * 1e-6)
    spectrum = np.zeros((n_signals, amplitude.size), complex)
    draws = rng.standard_normal((n_signals, active.size, 2))
    spectrum[:, active] = amplitude[active] * (draws[..., 0] + 1j * draws[..., 1])
    scale = n_fft / (2.0 * np.sqrt(np.sum(amplitude**2)))
    return scale * fft.irfft(spectrum, n_fft, axis=-1)[:, :n_times]


def _frequencies(n_times: int, sfreq_hz: float) -> tuple[Array, int]:
    n_fft = int(fft.next_fast_len(n_times + int(sfreq_hz), real=True))
    n_fft += n_fft % 2
    return fft.rfftfreq(n_fft, 1.0 / sfreq_hz), n_fft


def powerlaw_noise(
    rng: np.random.Generator, n_signals: int, n_times: int, *, sfreq_hz: float, exponent: float, knee_hz: float = 1.0
) -> Array:
    """Return aperiodic noise with power ``1 / (knee**exponent + f**exponent)`` (DOI 10.1038/s41593-020-00744-x).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_signals, n_times : int
        Shape of the result.
    sfreq_hz : float
        Sampling rate.
    exponent : float
        Steepness; 0 is white, scalp EEG lies between about 0.7 and 2.
    knee_hz : float
        Below it the spectrum is flat.

    Returns
    -------
    noise : ndarray, shape (n_signals, n_times)
        Expected variance 1.
    """
    freqs, n_fft = _frequencies(n_times, sfreq_hz)
    return shaped_noise(rng, n_signals, 1.0 / (knee_hz**exponent + freqs**exponent), n_times, n_fft=n_fft)


def band_noise(
    rng: np.random.Generator, n_signals: int, n_times: int, *, sfreq_hz: float, peak_hz: float, width_hz: float
) -> Array:
    """Return narrow-band noise: a Gaussian line of standard deviation `width_hz` around `peak_hz`.

    Parameters
    ----------
    rng, n_signals, n_times, sfreq_hz
        As for :func:`powerlaw_noise`.
    peak_hz, width_hz : float
        Centre and standard deviation of the line in the power spectrum.

    Returns
    -------
    noise : ndarray, shape (n_signals, n_times)
        Expected variance 1; its envelope waxes and wanes over about ``1 / width_hz`` seconds.
    """
    freqs, n_fft = _frequencies(n_times, sfreq_hz)
    return shaped_noise(rng, n_signals, np.exp(-0.5 * ((freqs - peak_hz) / width_hz) ** 2), n_times, n_fft=n_fft)


def slow_modulation(
    rng: np.random.Generator, n_signals: int, n_times: int, *, sfreq_hz: float, depth: float, rate_hz: float = 0.1
) -> Array:
    """Return positive gains that drift slowly: log-normal, ``exp(depth * g - depth**2)``, expected square 1.

    Parameters
    ----------
    rng, n_signals, n_times, sfreq_hz
        As for :func:`powerlaw_noise`.
    depth : float
        Standard deviation of the log gain; 0 is no modulation.
    rate_hz : float
        Bandwidth of the drift.

    Returns
    -------
    gain : ndarray, shape (n_signals, n_times)
        Multiply an oscillation by it.
    """
    slow = band_noise(rng, n_signals, n_times, sfreq_hz=sfreq_hz, peak_hz=0.0, width_hz=rate_hz)
    return np.exp(depth * slow - depth**2)


def delayed(signals: Array, delay_s: float, *, sfreq_hz: float) -> Array:
    """Return the signals `delay_s` later, by a phase ramp (any fraction of a sample; wraps around at the ends).

    Parameters
    ----------
    signals : ndarray, shape (..., n_times)
        Signals.
    delay_s : float
        Delay; negative values advance.
    sfreq_hz : float
        Sampling rate.

    Returns
    -------
    later : ndarray, shape (..., n_times)
        ``later[t] = signals[t - delay_s]``.
    """
    n_times = signals.shape[-1]
    ramp = np.exp(-2j * np.pi * fft.rfftfreq(n_times, 1.0 / sfreq_hz) * delay_s)
    return np.asarray(fft.irfft(fft.rfft(signals, axis=-1) * ramp, n_times, axis=-1))


def mixed_with(own: Array, shared: Array, strength: ArrayLike) -> Array:
    r"""Return ``sqrt(c) * shared + sqrt(1 - c) * own``: the variance stays, the share of the common process is c.

    Two signals that both hold a share c of one process have coherency of magnitude c and magnitude-squared coherence
    :math:`c^2`; when one of them holds it later, the coherency turns by :math:`2 \pi f \cdot delay`.

    Parameters
    ----------
    own : ndarray, shape (n_signals, n_times)
        Private processes, variance 1.
    shared : ndarray, shape (n_times,)
        Common process, variance 1, independent of `own`.
    strength : float or ndarray, shape (n_times,)
        Share c, 0 to 1; an array makes the coupling come and go.

    Returns
    -------
    mixed : ndarray, shape (n_signals, n_times)
        Coupled signals, variance 1.
    """
    return mixed(own, [(list(range(len(own))), shared, strength)])


def mixed(own: Array, parts: Sequence[Part]) -> Array:
    r"""Return ``sum_k sqrt(c_k) * part_k + sqrt(1 - sum_k c_k) * own`` for each signal, over the parts that it holds.

    Parameters
    ----------
    own : ndarray, shape (n_signals, n_times)
        Private processes, variance 1; not changed.
    parts : sequence of (rows, process, share)
        Which signals hold the process, variance 1 and independent of the others; one for all, or one each; and the
        share of their variance that it gets, 0 to 1, constant or over time. Where the shares of a signal make more
        than 1, they are divided by their sum.

    Returns
    -------
    mixed : ndarray, shape (n_signals, n_times)
        Variance 1.
    """
    if not parts:
        return own.copy()
    shares = [np.clip(np.asarray(share, dtype=float), 0.0, 1.0) for _, _, share in parts]
    total = np.zeros_like(own)
    for (rows, _, _), share in zip(parts, shares, strict=True):
        total[rows] += share
    scale = np.maximum(total, 1.0)
    together = np.sqrt(1.0 - total / scale) * own
    for (rows, process, _), share in zip(parts, shares, strict=True):
        together[rows] += np.sqrt(share / scale[rows]) * process
    return together


def with_wandering_phase(
    rng: np.random.Generator, process: Array, n_signals: int, *, sfreq_hz: float, coherence_s: float = 0.5
) -> Array:
    """Return the process as often as asked for, each with a phase of its own that wanders: one envelope, no locking.

    The phases are random walks from random starts, so the phase between two of the signals is anything at any time.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    process : ndarray, shape (n_times,)
        A narrow-band process.
    n_signals : int
        How many.
    sfreq_hz : float
        Sampling rate.
    coherence_s : float
        After so long, the expected cosine of what the phase between two signals has changed by is 1/e; much longer
        than a period, so that the line widens by little.

    Returns
    -------
    signals : ndarray, shape (n_signals, n_times)
        Variance as that of the process.
    """
    from scipy.signal import hilbert

    analytic = hilbert(process)
    steps = rng.standard_normal((n_signals, process.size)) / np.sqrt(sfreq_hz * coherence_s)
    phases = rng.uniform(0, 2 * np.pi, (n_signals, 1)) + np.cumsum(steps, axis=1)
    return np.asarray((analytic * np.exp(1j * phases)).real)


def share_for_log_envelopes(correlation: float) -> float:
    r"""Return the share of a common process that correlates the log envelopes of two Gaussian processes that much.

    The logarithms of the envelopes of two complex Gaussian variables with coherency of magnitude c correlate by
    :math:`\mathrm{Li}_2(c^2) / \mathrm{Li}_2(1)`, whatever its phase (:math:`\mathrm{Li}_2` is the dilogarithm).

    Parameters
    ----------
    correlation : float
        0 to 1; values outside are taken as the nearest of them.

    Returns
    -------
    share : float
        0 to 1.
    """
    from scipy.optimize import brentq
    from scipy.special import spence

    wanted = float(np.clip(correlation, 0.0, 1.0)) * spence(0.0)
    return float(brentq(lambda share: spence(1.0 - share**2) - wanted, 0.0, 1.0))


def gate(n_times: int, spans_s: ArrayLike, *, sfreq_hz: float, ramp_s: float = 0.05) -> Array:
    """Return 1 inside the spans and 0 outside, with raised-cosine edges that lie inside the spans.

    Parameters
    ----------
    n_times : int
        Length of the result.
    spans_s : array_like, shape (n_spans, 2)
        Start and end of each span.
    sfreq_hz : float
        Sampling rate.
    ramp_s : float
        Length of an edge.

    Returns
    -------
    open : ndarray, shape (n_times,)
        Between 0 and 1.
    """
    times_s = np.arange(n_times) / sfreq_hz
    opened = np.zeros(n_times)
    for start_s, end_s in np.asarray(spans_s, dtype=float).reshape(-1, 2):
        inside = slice(*np.searchsorted(times_s, (start_s, end_s)))
        edge_distance_s = np.minimum(times_s[inside] - start_s, end_s - times_s[inside])
        rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(edge_distance_s / ramp_s, 0.0, 1.0))
        opened[inside] = np.maximum(opened[inside], rise)
    return opened


def desynchronisation(
    n_times: int,
    onsets_s: ArrayLike,
    *,
    sfreq_hz: float,
    depth: float,
    delay_s: float = 0.1,
    rise_s: float = 0.2,
    hold_s: float = 0.9,
    recovery_s: float = 0.6,
) -> Array:
    """Return the gain of an oscillation that falls after each event and recovers (DOI 10.1016/S1388-2457(99)00141-8).

    Parameters
    ----------
    n_times : int
        Length of the result.
    onsets_s : array_like, shape (n_events,)
        Times of the events.
    sfreq_hz : float
        Sampling rate.
    depth : float
        Fraction of the amplitude that is lost at the trough, 0 to 1.
    delay_s, rise_s, hold_s, recovery_s : float
        Start of the fall after the event, and lengths of fall, trough and recovery.

    Returns
    -------
    gain : ndarray, shape (n_times,)
        Between ``1 - depth`` and 1.
    """
    times_s = np.arange(n_times) / sfreq_hz
    knots_s = np.cumsum([delay_s, rise_s, hold_s, recovery_s])
    lost = np.zeros(n_times)
    for onset_s in np.asarray(onsets_s, dtype=float):
        lost = np.maximum(lost, np.interp(times_s - onset_s, knots_s, [0.0, 1.0, 1.0, 0.0]))
    return 1.0 - depth * lost


def evoked_response(
    rng: np.random.Generator,
    n_times: int,
    onsets_s: ArrayLike,
    *,
    sfreq_hz: float,
    peaks_s: ArrayLike,
    widths_s: ArrayLike,
    sizes: ArrayLike,
    jitter_s: float,
    variation: float,
) -> Array:
    """Return a sum of Gaussian waves after each event, with trial-to-trial latency and size.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_times : int
        Length of the result.
    onsets_s : array_like, shape (n_events,)
        Times of the events.
    sfreq_hz : float
        Sampling rate.
    peaks_s, widths_s, sizes : array_like, shape (n_waves,)
        Latency, standard deviation and signed size of each wave.
    jitter_s : float
        Standard deviation of the latency over trials (all waves of a trial move together).
    variation : float
        Standard deviation of the log size over trials.

    Returns
    -------
    response : ndarray, shape (n_times,)
        In the unit of `sizes`.
    """
    times_s = np.arange(n_times) / sfreq_hz
    waves = list(zip(*(np.asarray(values, dtype=float) for values in (peaks_s, widths_s, sizes)), strict=True))
    response = np.zeros(n_times)
    for onset_s in np.asarray(onsets_s, dtype=float):
        shift_s, size = jitter_s * rng.standard_normal(), np.exp(variation * rng.standard_normal())
        near = slice(*np.searchsorted(times_s, (onset_s, onset_s + 1.5)))
        for peak_s, width_s, wave in waves:
            distance = (times_s[near] - onset_s - peak_s - shift_s) / width_s
            response[near] += size * wave * np.exp(-0.5 * distance**2)
    return response
