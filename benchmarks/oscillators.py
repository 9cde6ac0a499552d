"""Synthetic region signals: shared oscillators with random phase and amplitude, 1/f noise and white noise."""

import numpy as np
from numpy.typing import NDArray

N_TIMES, SFREQ_HZ = 500, 250.0
BANDS_HZ = {
    "delta": (2.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "low_gamma": (30.0, 45.0),
}
_N_OSCILLATORS = 12
_MIXING, _PINK, _WHITE = 0.3, 3.0, 0.3


def epochs(n_regions: int, n_epochs: int, *, n_times: int = N_TIMES, seed: int = 0) -> NDArray[np.float64]:
    """Draw signals, shape (epochs, regions, times), at ``SFREQ_HZ``.

    Each oscillator has a frequency of its own (3-44 Hz) and reaches each region with a fixed weight and delay; its
    phase and amplitude change from epoch to epoch.
    """
    rng = np.random.default_rng(seed)
    times_s = np.arange(n_times) / SFREQ_HZ
    freqs_hz = rng.uniform(3.0, 44.0, (1, _N_OSCILLATORS, 1))
    phases = rng.uniform(0.0, 2.0 * np.pi, (n_epochs, _N_OSCILLATORS, 1))
    amplitudes = rng.gamma(2.0, 1.0, (n_epochs, _N_OSCILLATORS, 1))
    rotating = amplitudes * np.exp(1j * (2.0 * np.pi * freqs_hz * times_s + phases))
    weights = _MIXING * (rng.standard_normal((n_regions, _N_OSCILLATORS, 2)) @ [1.0, 1j])
    signals = (weights @ rotating).real
    bins_hz = np.fft.rfftfreq(n_times, 1.0 / SFREQ_HZ)
    bins_hz[0] = bins_hz[1]
    for epoch in signals:
        noise = np.fft.rfft(rng.standard_normal((n_regions, n_times))) / np.sqrt(bins_hz)
        epoch += _PINK * np.fft.irfft(noise, n_times) + _WHITE * rng.standard_normal((n_regions, n_times))
    return signals
