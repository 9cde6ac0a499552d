"""What a spectrum shows of a recording's past: mains and low-pass."""

import numpy as np


def strongest_line(data: np.ndarray, sfreq_hz: float) -> float | None:
    """Return the mains frequency (50 or 60 Hz) whose peak stands out by a factor of 3 over its neighbours, or None."""
    freqs, power = _spectrum(data, sfreq_hz)
    ratios = {}
    for line in (50.0, 60.0):
        if line + 5 < sfreq_hz / 2:
            peak = power[np.abs(freqs - line) <= 0.6].max()
            beside = np.median(power[(np.abs(freqs - line) > 1.5) & (np.abs(freqs - line) <= 5)])
            ratios[line] = peak / max(beside, np.finfo(float).tiny)
    best = max(ratios, key=lambda line: ratios[line], default=None)
    return best if best is not None and ratios[best] >= 3 else None


def visible_lowpass(data: np.ndarray, sfreq_hz: float) -> float | None:
    """Return the frequency (rounded down to 5 Hz) above which nothing is left of the signal, or None.

    Powers are multiplied by the squared frequency, which levels the ordinary fall of an EEG spectrum. Nothing is left
    where they stay below 2 % of those at 20-30 Hz all the way up to 0.45 of the rate; the edge is the last frequency
    above a half.
    """
    freqs, power = _spectrum(data, sfreq_hz)
    levelled = power * freqs**2
    reference = float(np.median(levelled[(freqs >= 20) & (freqs <= 30)]))
    top = 0.45 * sfreq_hz
    left = freqs[(levelled > 0.02 * reference) & (freqs <= top)]
    if left.size == 0 or left[-1] > 0.75 * top:
        return None
    edge = freqs[(levelled > 0.5 * reference) & (freqs <= left[-1])][-1]
    return float(5 * np.floor(edge / 5)) or None


def _spectrum(data: np.ndarray, sfreq_hz: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import welch

    freqs, power = welch(data, fs=sfreq_hz, nperseg=int(2 * sfreq_hz), axis=-1)
    return freqs, np.median(power, axis=0)
