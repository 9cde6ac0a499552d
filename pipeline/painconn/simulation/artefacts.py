"""What an EEG amplifier sees besides the brain.

Conventions of this file: results are ``(n_channels, n_times)`` in microvolts, ready to be added to the brain's part;
positions are ``(n_channels, 3)`` in metres in MNE's head coordinates (x right, y front, z up).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from painconn.simulation.signals import band_noise, shaped_noise

Array = NDArray[np.float64]

EYES_M = np.array([[-0.032, 0.085, -0.010], [0.032, 0.085, -0.010]])
HEART_M = np.array([-0.05, 0.0, -0.45])
JAW_MUSCLES_M = np.array([[-0.080, 0.025, 0.010], [0.080, 0.025, 0.010]])
NECK_MUSCLES_M = np.array([[-0.050, -0.090, -0.030], [0.050, -0.090, -0.030]])

_BLINK_S, _SACCADE_S = 0.5, 0.02
_ONE_DRAW_S = 210.0
"""A recording up to this long has the events of one draw, which may end before it does, as published ones have."""


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
    mean_s, n_waits = max(60.0 / max(per_minute, 1e-9) - gap_s, 1e-3), int(3 * per_minute + 20)
    waits_s = gap_s + rng.exponential(mean_s, n_waits)
    while duration_s > _ONE_DRAW_S and waits_s.sum() < duration_s:
        waits_s = np.append(waits_s, gap_s + rng.exponential(mean_s, n_waits))
    onsets_s = np.cumsum(waits_s)
    return onsets_s[onsets_s < duration_s - 1.0] if per_minute > 0 else np.empty(0)


def _within(onsets_s: Array, spans_s: ArrayLike, *, before_s: float) -> NDArray[np.bool_]:
    """Return which events touch a span: what begins up to `before_s` before it reaches into it."""
    spans = np.asarray(spans_s, dtype=float).reshape(-1, 2)
    return np.any((onsets_s[:, None] > spans[:, 0] - before_s) & (onsets_s[:, None] < spans[:, 1]), axis=1)


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
    rng: np.random.Generator,
    positions_m: Array,
    n_times: int,
    *,
    sfreq_hz: float,
    per_minute: float,
    size_uv: float,
    closed_s: ArrayLike = (),
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
    closed_s : array_like, shape (n_spans, 2)
        Start and end of the spans with closed eyes, without blinks; the others stay as they are.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    topography = sum(dipole_topography(positions_m, eye, (0.0, 0.45, 0.9)) for eye in EYES_M)
    onsets_s = _events(rng, n_times / sfreq_hz, per_minute, gap_s=0.6)
    sizes = size_uv * np.exp(0.2 * rng.standard_normal(onsets_s.size))
    seen = ~_within(onsets_s, closed_s, before_s=_BLINK_S)
    waves = [(0.10, 0.045, 1.0), (0.22, 0.075, 0.35)]
    train = _train(onsets_s[seen], sizes[seen], n_times, sfreq_hz, waves)
    return np.outer(topography / np.abs(topography).max(), train)


def gaze(
    rng: np.random.Generator, n_times: int, *, sfreq_hz: float, per_minute: float, closed_s: ArrayLike = ()
) -> Array:
    """Return where one looks: horizontal saccades of 20 ms at random times, to anywhere, and rest in between.

    Parameters
    ----------
    rng, n_times, sfreq_hz
        As for :func:`blinks`.
    per_minute : float
        Saccades per minute.
    closed_s : array_like, shape (n_spans, 2)
        Start and end of the spans with closed eyes, without saccades.

    Returns
    -------
    gaze : ndarray, shape (n_times,)
        From -1 (left) to 1 (right); 0 before the first saccade.
    """
    n_saccades = round(per_minute * n_times / sfreq_hz / 60)
    onsets = np.sort(rng.integers(n_times, size=n_saccades))
    directions = rng.uniform(-1.0, 1.0, n_saccades)
    seen = ~_within(onsets / sfreq_hz, closed_s, before_s=_SACCADE_S)
    steps = np.zeros(n_times)
    for onset, direction in zip(onsets[seen], directions[seen], strict=True):
        steps[onset:] = direction
    width = max(round(_SACCADE_S * sfreq_hz), 1)
    return np.convolve(np.pad(steps, width, mode="edge"), np.ones(width) / width, mode="same")[width:-width]


def gaze_topography(positions_m: Array) -> Array:
    """Return what the eyes look like from the electrodes when they turn right: both as dipoles, in no unit.

    Parameters
    ----------
    positions_m : ndarray, shape (n_channels, 3)
        Electrodes.

    Returns
    -------
    topography : ndarray, shape (n_channels,)
    """
    return np.asarray(sum(dipole_topography(positions_m, eye, (1.0, 0.0, 0.0)) for eye in EYES_M))


def saccades(
    rng: np.random.Generator,
    positions_m: Array,
    n_times: int,
    *,
    sfreq_hz: float,
    per_minute: float,
    size_uv: float,
    closed_s: ArrayLike = (),
) -> Array:
    """Return what horizontal saccades leave at the electrodes; see :func:`gaze`.

    Parameters
    ----------
    rng, positions_m, n_times, sfreq_hz, per_minute
        As for :func:`blinks`.
    size_uv : float
        Of a look from straight ahead to the far right, at the channel that sees it most.
    closed_s : array_like, shape (n_spans, 2)
        Start and end of the spans with closed eyes, without saccades.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    topography = gaze_topography(positions_m)
    looking = gaze(rng, n_times, sfreq_hz=sfreq_hz, per_minute=per_minute, closed_s=closed_s)
    return size_uv * np.outer(topography / np.abs(topography).max(), looking)


def movements(
    rng: np.random.Generator, positions_m: Array, n_times: int, *, sfreq_hz: float, per_minute: float, size_uv: float
) -> Array:
    """Return movements of head and cables: slow swings of about 2 s over the whole cap, each with its own field.

    Parameters
    ----------
    rng, positions_m, n_times, sfreq_hz, per_minute
        As for :func:`blinks`.
    size_uv : float
        Typical peak at the channel that sees them most; sizes vary by 20 %.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    data = np.zeros((len(positions_m), n_times))
    times_s = np.arange(n_times) / sfreq_hz
    places = positions_m - positions_m.mean(axis=0)
    for onset_s in _events(rng, n_times / sfreq_hz, per_minute, gap_s=4.0):
        tilt = places @ rng.standard_normal(3)
        # The cables sway one by one, on top of what the turning head does to all of them.
        field = tilt / tilt.std() + 0.5 * rng.standard_normal(len(places))
        size, rate_hz = size_uv * np.exp(0.2 * rng.standard_normal()), rng.uniform(0.8, 2.0)
        near = slice(*np.searchsorted(times_s, (onset_s - 2.0, onset_s + 2.0)))
        away_s = times_s[near] - onset_s
        swing = np.exp(-0.5 * (away_s / 0.5) ** 2) * np.cos(2 * np.pi * rate_hz * away_s)
        data[:, near] += np.outer(field / np.abs(field).max(), size * swing)
    return data


def heart(
    rng: np.random.Generator, positions_m: Array, n_times: int, *, sfreq_hz: float, per_minute: float, size_uv: float
) -> Array:
    """Return the heart's field: a far dipole (nearly a linear gradient over the head), an R and a T wave per beat.

    Parameters
    ----------
    rng, positions_m, n_times, sfreq_hz
        As for :func:`blinks`.
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
    """Return jaw and neck muscle: weak steady tone and bursts of about 0.7 s, broad spectrum from 20 Hz up.

    Parameters
    ----------
    rng, positions_m, n_times, sfreq_hz
        As for :func:`blinks`.
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
    rng, n_channels, n_times, sfreq_hz
        As for :func:`line_noise`.
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
    rng, n_channels, n_times
        As for :func:`line_noise`.
    size_uv : float
        Standard deviation.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    return size_uv * rng.standard_normal((n_channels, n_times))
