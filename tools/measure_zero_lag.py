"""Measure what mixing without delay leaves of each measure, by kind of source (docs/method/cortex.md).

Usage: python tools/measure_zero_lag.py

Pairs of independent sources in the alpha band, mixed at zero lag: stationary Gaussian ones, and ones whose amplitude is
modulated (below 0.3 Hz; standard deviation of the log amplitude 0.5). Debiased wPLI, imaginary coherence and coherence
over 2 s epochs, and the signed orthogonalised envelope correlation over contiguous segments of several lengths.
Printed: mean over pairs, and how many standard errors it is from 0.
"""

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.engine import over_epochs
from painconn.connectivity.envelope import analytic_band, orthogonalised_envelope_correlation

SFREQ_HZ, RECORDED_S, EPOCH_S, N_PAIRS, SEED = 250.0, 300.0, 2.0, 60, 1
ALPHA_HZ = (8.0, 13.0)
SEGMENTS_S = (2.0, 5.0, 10.0, 30.0, 60.0)
MIXINGS = (0.0, 0.3, 0.6)
MODULATION_HZ, MODULATION_DEPTH, MARGIN_S = 0.3, 0.5, 10.0
OVER_EPOCHS = ("wpli2_debiased", "imcoh", "coh")


def sources(rng: np.random.Generator, *, n_sources: int, duration_s: float, modulated: bool) -> NDArray[np.float64]:
    """Draw independent white Gaussian sources, (sources, times), with or without slow amplitudes of their own."""
    from scipy import signal

    n_times = int(duration_s * SFREQ_HZ)
    noise = rng.standard_normal((n_sources, n_times))
    if not modulated:
        return noise
    # The filter starts from a single noisy sample, far from the size of what it lets pass: its ends are cut off.
    margin = int(MARGIN_S * SFREQ_HZ)
    lowpass = signal.butter(2, MODULATION_HZ, fs=SFREQ_HZ, output="sos")
    slow = signal.sosfiltfilt(lowpass, rng.standard_normal((n_sources, n_times + 2 * margin)), axis=-1)
    slow = slow[:, margin:-margin]
    return np.asarray(noise * np.exp(MODULATION_DEPTH * slow / slow.std(axis=-1, keepdims=True)))


def mixed(pair: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Give each of two sources a share of the other, without delay."""
    return np.asarray(np.array([[1.0, share], [share, 1.0]]) @ pair)


def values_over_epochs(signals: NDArray[np.float64]) -> dict[str, float]:
    """Return each measure over epochs of a pair, alpha band; of imaginary coherence the signed value."""
    n_times = int(EPOCH_S * SFREQ_HZ)
    epochs = signals[:, : signals.shape[1] // n_times * n_times].reshape(2, -1, n_times).swapaxes(0, 1)
    found = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz={"alpha": ALPHA_HZ}, measures=OVER_EPOCHS).matrices
    return {name: float(found[name, "alpha"][1, 0]) for name in OVER_EPOCHS}


def values_over_segments(signals: NDArray[np.float64]) -> dict[str, float]:
    """Return the signed orthogonalised envelope correlation of a pair for each length of segments."""
    analytic = analytic_band(signals, sfreq_hz=SFREQ_HZ, band_hz=ALPHA_HZ)
    found = {}
    for length_s in SEGMENTS_S:
        n_times = int(length_s * SFREQ_HZ)
        segments = analytic[:, : analytic.shape[1] // n_times * n_times].reshape(2, -1, n_times).swapaxes(0, 1)
        found[f"aec_orth, {length_s:g} s"] = float(orthogonalised_envelope_correlation(segments)[1, 0])
    return found


def measure(*, modulated: bool, share: float, n_pairs: int = N_PAIRS, seed: int = SEED) -> dict[str, NDArray]:
    """Return every measure of many pairs, (pairs,)."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_pairs):
        signals = mixed(sources(rng, n_sources=2, duration_s=RECORDED_S, modulated=modulated), share)
        rows.append(values_over_epochs(signals) | values_over_segments(signals))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def main() -> None:
    """Print a table for each kind of source."""
    for modulated in (False, True):
        print(f"\n{'amplitude-modulated' if modulated else 'stationary Gaussian'} sources, {N_PAIRS} pairs\n")
        print("| measure | " + " | ".join(f"mixing {share:g}" for share in MIXINGS) + " |\n|---" + "|---" * 3 + "|")
        found = [measure(modulated=modulated, share=share) for share in MIXINGS]
        for name in found[0]:
            cells = [
                f"{row[name].mean():.3f} ({row[name].mean() / row[name].std(ddof=1) * N_PAIRS**0.5:+.1f})"
                for row in found
            ]
            print(f"| `{name}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
