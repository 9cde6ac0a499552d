"""What an EEG amplifier sees besides the brain.

Conventions of this file: results are ``(n_channels, n_times)`` in microvolts, ready to be added to the brain's part;
positions are ``(n_channels, 3)`` in metres in MNE's head coordinates (x right, y front, z up).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painconn.simulation.signals import band_noise, powerlaw_noise, shaped_noise

Array = NDArray[np.float64]

EYES_M = np.array([[-0.032, 0.085, -0.010], [0.032, 0.085, -0.010]])
HEART_M = np.array([-0.05, 0.0, -0.45])
JAW_MUSCLES_M = np.array([[-0.080, 0.025, 0.010], [0.080, 0.025, 0.010]])
NECK_MUSCLES_M = np.array([[-0.050, -0.090, -0.030], [0.050, -0.090, -0.030]])


def dipole_topography(positions_m: Array, source_m: ArrayLike, direction: ArrayLike) -> Array:
    r"""Return the potential of a current dipole in a homogeneous conductor, :math:`r \cdot d / |r|^3`, largest value 1.

    Parameters
    ----------
    positions_m : ndarray, shape (n_channels, 3)
        Electrodes.
    source_m, direction : array_like, shape (3,)
        Place and direction of the dipole.

    Returns
    -------
    topography : ndarray, shape (n_channels,)
        Signed; the largest absolute value is 1.
    """
    away = positions_m - np.asarray(source_m, dtype=float)
    potential = away @ np.asarray(direction, dtype=float) / np.linalg.norm(away, axis=1) ** 3
    return potential / np.abs(potential).max()


def _events(rng: np.random.Generator, duration_s: float, per_minute: float, *, gap_s: float) -> Array:
    waits_s = gap_s + rng.exponential(max(60.0 / max(per_minute, 1e-9) - gap_s, 1e-3), int(3 * per_minute + 20))
    onsets_s = np.cumsum(waits_s)
    return onsets_s[onsets_s < duration_s - 1.0] if per_minute > 0 else np.empty(0)


def _train(
    onsets_s: Array, sizes: Array, n_times: int, sfreq_hz: float, waves: Sequence[tuple[float, float, float]]
) -> Array:
    times_s = np.arange(n_times) / sfreq_hz
    series = np.zeros(n_times)
    for onset_s, size in zip(onsets_s, sizes, strict=True):
        near = slice(*np.searchsorted(times_s, (onset_s - 0.3, onset_s + 0.9)))
        for latency_s, width_s, wave in waves:
            series[near] += size * wave * np.exp(-0.5 * ((times_s[near] - onset_s - latency_s) / width_s) ** 2)
    return series


def blinks(
    rng: np.random.Generator, positions_m: Array, n_times: int, *, sfreq_hz: float, per_minute: float, size_uv: float
) -> Array:
    """Return blinks: both eyes as upward dipoles, about 0.3 s each, sizes varying by 20 %.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    positions_m : ndarray, shape (n_channels, 3)
        Electrodes.
    n_times : int
        Length.
    sfreq_hz : float
        Sampling rate.
    per_minute : float
        Rate.
    size_uv : float
        Typical peak at the channel that sees them most.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    topography = sum(dipole_topography(positions_m, eye, (0.0, 0.45, 0.9)) for eye in EYES_M)
    onsets_s = _events(rng, n_times / sfreq_hz, per_minute, gap_s=0.6)
    sizes = size_uv * np.exp(0.2 * rng.standard_normal(onsets_s.size))
    waves = [(0.10, 0.045, 1.0), (0.22, 0.075, 0.35)]
    return np.outer(topography / np.abs(topography).max(), _train(onsets_s, sizes, n_times, sfreq_hz, waves))


def heart(
    rng: np.random.Generator, positions_m: Array, n_times: int, *, sfreq_hz: float, per_minute: float, size_uv: float
) -> Array:
    """Return the heart's field: a far dipole (nearly a linear gradient over the head), an R and a T wave per beat.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    positions_m : ndarray, shape (n_channels, 3)
        Electrodes.
    n_times : int
        Length.
    sfreq_hz : float
        Sampling rate.
    per_minute : float
        Heart rate; beat-to-beat intervals vary by 4 %.
    size_uv : float
        R peak at the channel that sees it most.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    topography = dipole_topography(positions_m, HEART_M, (0.7, 0.1, -0.7))
    topography = topography - topography.mean()
    duration_s = n_times / sfreq_hz
    n_beats = int(duration_s * per_minute / 60.0) + 2
    beats_s = np.cumsum(60.0 / per_minute * (1.0 + 0.04 * rng.standard_normal(n_beats)))
    beats_s = beats_s[beats_s < duration_s - 1.0]
    waves = [(-0.025, 0.008, -0.15), (0.0, 0.012, 1.0), (0.03, 0.010, -0.25), (0.28, 0.045, 0.25)]
    series = _train(beats_s, np.full(beats_s.size, size_uv), n_times, sfreq_hz, waves)
    return np.outer(topography / np.abs(topography).max(), series)


def muscle(
    rng: np.random.Generator,
    positions_m: Array,
    n_times: int,
    *,
    sfreq_hz: float,
    bursts_per_minute: float,
    burst_uv: float,
    tone_uv: float,
    spread_m: float = 0.035,
) -> Array:
    """Return jaw and neck muscle: weak steady tone and bursts of 0.5-1.5 s, flat spectrum from 20 Hz up.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    positions_m : ndarray, shape (n_channels, 3)
        Electrodes.
    n_times : int
        Length.
    sfreq_hz : float
        Sampling rate.
    bursts_per_minute : float
        Rate of bursts of each of the four muscles.
    burst_uv, tone_uv : float
        Standard deviation within a burst and between bursts, at the nearest channel.
    spread_m : float
        Distance over which a muscle's field falls to 61 %.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    n_fft = n_times + n_times % 2
    freqs = np.fft.rfftfreq(n_fft, 1.0 / sfreq_hz)
    power = 1.0 / (1.0 + np.exp(-(freqs - 25.0) / 3.0)) * np.exp(-freqs / 150.0)
    data = np.zeros((len(positions_m), n_times))
    for place_m in np.concatenate([JAW_MUSCLES_M, NECK_MUSCLES_M]):
        distance_m = np.linalg.norm(positions_m - place_m, axis=1)
        topography = np.exp(-0.5 * ((distance_m - distance_m.min()) / spread_m) ** 2)
        onsets_s = _events(rng, n_times / sfreq_hz, bursts_per_minute, gap_s=2.0)
        sizes = burst_uv * np.exp(0.3 * rng.standard_normal(onsets_s.size))
        envelope = tone_uv + _train(onsets_s, sizes, n_times, sfreq_hz, [(0.4, 0.18, 1.0)])
        data += np.outer(topography, envelope * shaped_noise(rng, 1, power, n_times, n_fft=n_fft)[0])
    return data


def line_noise(
    rng: np.random.Generator, n_channels: int, n_times: int, *, sfreq_hz: float, line_hz: float, size_uv: float
) -> Array:
    """Return mains interference with its second harmonic where the rate allows it; size and phase differ by channel.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_channels, n_times : int
        Shape.
    sfreq_hz, line_hz : float
        Sampling rate and mains frequency.
    size_uv : float
        Typical amplitude of the fundamental.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    times_s = np.arange(n_times) / sfreq_hz
    sizes = size_uv * np.exp(0.4 * rng.standard_normal(n_channels))
    phases = rng.uniform(0, 2 * np.pi) + 0.3 * rng.standard_normal(n_channels)
    data = sizes[:, None] * np.sin(2 * np.pi * line_hz * times_s + phases[:, None])
    if 2 * line_hz < 0.5 * sfreq_hz:
        data += 0.2 * sizes[:, None] * np.sin(4 * np.pi * line_hz * times_s + 2 * phases[:, None])
    return data


def drifts(rng: np.random.Generator, n_channels: int, n_times: int, *, sfreq_hz: float, size_uv: float) -> Array:
    """Return slow electrode drifts (below about 0.2 Hz), independent over channels, standard deviation `size_uv`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_channels, n_times : int
        Shape.
    sfreq_hz : float
        Sampling rate.
    size_uv : float
        Standard deviation.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    return size_uv * band_noise(rng, n_channels, n_times, sfreq_hz=sfreq_hz, peak_hz=0.0, width_hz=0.08)


def sensor_noise(rng: np.random.Generator, n_channels: int, n_times: int, *, size_uv: float) -> Array:
    """Return white amplifier noise, independent over channels, standard deviation `size_uv`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_channels, n_times : int
        Shape.
    size_uv : float
        Standard deviation.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    return size_uv * rng.standard_normal((n_channels, n_times))


def with_noisy_channel(
    rng: np.random.Generator, data_uv: Array, channel: int, *, sfreq_hz: float, size_uv: float
) -> Array:
    """Return the data with one channel of bad contact: wide-band noise on top of what it sees.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    data_uv : ndarray, shape (n_channels, n_times)
        Data; not changed.
    channel : int
        Which channel.
    sfreq_hz : float
        Sampling rate.
    size_uv : float
        Standard deviation of the added noise.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    changed = data_uv.copy()
    changed[channel] += size_uv * powerlaw_noise(rng, 1, data_uv.shape[1], sfreq_hz=sfreq_hz, exponent=0.5)[0]
    return changed


def with_flat_channel(data_uv: Array, channel: int) -> Array:
    """Return the data with one channel that is not connected (constant 0).

    Parameters
    ----------
    data_uv : ndarray, shape (n_channels, n_times)
        Data; not changed.
    channel : int
        Which channel.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    changed = data_uv.copy()
    changed[channel] = 0.0
    return changed
