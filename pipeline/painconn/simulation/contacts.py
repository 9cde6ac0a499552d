"""What bad contacts between skin and amplifier do to a recording.

Conventions of this file: data are ``(n_channels, n_times)`` in microvolts and are not changed; channels are indices.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.simulation.signals import powerlaw_noise

Array = NDArray[np.float64]

POPS_PER_MINUTE = 8.0
POP_DECAY_S = 0.4


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


def pops(rng: np.random.Generator, n_times: int, *, sfreq_hz: float, size_uv: float) -> Array:
    """Return the pops of an electrode that loses contact now and then: sudden jumps that decay within half a second.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_times : int
        Length.
    sfreq_hz : float
        Sampling rate.
    size_uv : float
        Typical size of a jump, up or down.

    Returns
    -------
    series_uv : ndarray, shape (n_times,)
    """
    n_pops = round(POPS_PER_MINUTE * n_times / sfreq_hz / 60)
    sizes_uv = size_uv * rng.choice([-1, 1], n_pops) * np.exp(0.3 * rng.standard_normal(n_pops))
    decay = np.exp(-np.arange(round(5 * POP_DECAY_S * sfreq_hz)) / (POP_DECAY_S * sfreq_hz))
    series = np.zeros(n_times)
    for onset, jump_uv in zip(rng.integers(n_times, size=n_pops), sizes_uv, strict=True):
        length = min(len(decay), n_times - onset)
        series[onset : onset + length] += jump_uv * decay[:length]
    return series


def with_popping_channel(
    rng: np.random.Generator, data_uv: Array, channel: int, *, sfreq_hz: float, size_uv: float
) -> Array:
    """Return the data with one channel that pops; see :func:`pops`.

    Parameters
    ----------
    rng, data_uv, channel, sfreq_hz
        As for :func:`with_noisy_channel`.
    size_uv : float
        Typical size of a jump.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    changed = data_uv.copy()
    changed[channel] += pops(rng, data_uv.shape[1], sfreq_hz=sfreq_hz, size_uv=size_uv)
    return changed


def with_bridge(data_uv: Array, channels: Sequence[int]) -> Array:
    """Return the data with electrodes that gel joins: what the skin has there is the same at all of them, their mean.

    The noise of the amplifier is added later, so that bridged channels are no copies.

    Parameters
    ----------
    data_uv : ndarray, shape (n_channels, n_times)
        Data before the amplifier; not changed.
    channels : sequence of int
        Which channels.

    Returns
    -------
    data_uv : ndarray, shape (n_channels, n_times)
    """
    changed = data_uv.copy()
    changed[list(channels)] = data_uv[list(channels)].mean(axis=0)
    return changed
