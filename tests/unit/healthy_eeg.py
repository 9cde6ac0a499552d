"""Recordings as they should be: what every door check must let pass."""

from functools import cache

import mne
import numpy as np

SFREQ = 250.0
DURATION_S = 40.0

TEN_TWENTY = ("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8",
              "O1", "O2")  # fmt: skip


def pink(rng: np.random.Generator, n_series: int, n_times: int, sfreq_hz: float) -> np.ndarray:
    """Noise whose power falls with frequency, standard deviation 1."""
    freqs_hz = np.fft.rfftfreq(n_times, 1 / sfreq_hz)
    spectra = rng.standard_normal((n_series, len(freqs_hz))) + 1j * rng.standard_normal((n_series, len(freqs_hz)))
    series = np.fft.irfft(spectra / np.sqrt(np.maximum(freqs_hz, 0.5)), n=n_times, axis=1)
    return series / series.std(axis=1, keepdims=True)


@cache
def cap(n_channels: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and places (unit sphere) of a cap."""
    montage = mne.channels.make_standard_montage(f"biosemi{max(n_channels, 32)}")
    places = montage.get_positions()["ch_pos"]
    if n_channels == 19:
        places = {name: places[name] for name in TEN_TWENTY}
    xyz = np.array(list(places.values()))
    return tuple(places), xyz / np.linalg.norm(xyz, axis=1, keepdims=True)


def healthy(seed: int = 1, n_channels: int = 19, sfreq_hz: float = SFREQ, duration_s: float = DURATION_S) -> np.ndarray:
    """A recording with rhythms, blinks, drifts, offsets and mains, smooth over the scalp, in volts."""
    rng = np.random.default_rng([seed, n_channels, round(sfreq_hz)])
    _, places = cap(n_channels)
    n_times = round(duration_s * sfreq_hz)
    times_s = np.arange(n_times) / sfreq_hz
    origins = rng.normal(size=(80, 3))
    origins *= 0.75 / np.linalg.norm(origins, axis=1, keepdims=True)
    gain = np.exp(-((np.linalg.norm(places[:, None] - origins, axis=2) / 0.55) ** 2))
    sources = pink(rng, len(origins), n_times, sfreq_hz)
    sources[:6] += 1.5 * np.sin(2 * np.pi * (9 + rng.random((6, 1)) * 2) * times_s + rng.random((6, 1)) * 6)
    data = gain @ sources
    data *= 12 / data.std(axis=1).mean()
    blinks = sum(np.exp(-(((times_s - onset) / 0.08) ** 2)) for onset in np.arange(2.0, duration_s, 5.5))
    data += 120 * np.outer(np.exp(3 * (places[:, 1] - places[:, 1].max())), blinks)
    data += 3 * np.sin(2 * np.pi * 50 * times_s) * rng.uniform(0.5, 1.5, (len(data), 1))
    data += 40 * np.cumsum(rng.standard_normal(data.shape), axis=1) / np.sqrt(n_times)
    data += 0.7 * rng.standard_normal(data.shape) + rng.uniform(-5e3, 5e3, (len(data), 1))
    return np.round(data / 0.05) * 0.05 * 1e-6
