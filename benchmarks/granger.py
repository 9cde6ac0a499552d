"""GC-ALL: Granger causality of all ordered pairs, as recorded and reversed in time, against mne-connectivity.

Run ``python benchmarks/run.py GC``. Our time covers everything from signals to values. The peer computes some pairs and
is scaled up to all of them. It halves the density at 0 Hz and Nyquist (docs/decisions/0011-granger-full-range.md):
values are compared at every frequency with our function on cross-spectra that are halved in the same way, outside the
measured time.
"""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring import OURS, agreement, alternate, entry, with_version
from oscillators import SFREQ_HZ, epochs
from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.granger import granger_both_ways
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra
from painconn.connectivity.spectra import slepian_tapers

N_REGIONS, N_EPOCHS, N_LAGS, N_OUR_RUNS = 100, 60, 40, 5
# Both directions of each of these pairs.
N_PEER_PAIRS = 15
PEER = "mne-connectivity"
# The default of the peer: 4 / T for epochs of 2 s.
HALF_BANDWIDTH_HZ = 2.0
GOAL, LIMIT = 500.0, 1e-9

Pairs = NDArray[np.intp]


def peer(signals: NDArray[np.float64], pairs: Pairs) -> list[NDArray[np.float64]]:
    """Compute Granger causality and its reversal with one call of mne-connectivity: two arrays (pairs, frequencies)."""
    from mne_connectivity import spectral_connectivity_epochs

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "divide by zero", RuntimeWarning)
        found = spectral_connectivity_epochs(
            signals,
            method=["gc", "gc_tr"],
            indices=tuple([[signal] for signal in side] for side in pairs.T),
            sfreq=SFREQ_HZ,
            fmin=0.0,
            fmax=SFREQ_HZ / 2,
            gc_n_lags=N_LAGS,
            verbose="ERROR",
        )
    return [each.get_data() for each in found]


def cross_spectra(signals: NDArray[np.float64]) -> MeanCrossSpectra:
    """Return the mean cross-spectra with the tapers that the peer uses."""
    tapers = slepian_tapers(signals.shape[-1], sfreq_hz=SFREQ_HZ, half_bandwidth_hz=HALF_BANDWIDTH_HZ)
    return mean_cross_spectra(signals, tapers)


def at_every_bin(cross: MeanCrossSpectra) -> list[NDArray[np.float64]]:
    """Return Granger causality and its reversal, each (frequencies, regions, regions)."""
    half_hz = cross.freqs_hz[1] / 2
    bins = {f"{freq_hz:g}": (freq_hz - half_hz, freq_hz + half_hz) for freq_hz in cross.freqs_hz}
    return [np.stack(list(way.values())) for way in granger_both_ways(cross, bins, n_lags=N_LAGS)]


def ours(signals: NDArray[np.float64]) -> MeanCrossSpectra:
    """Compute the same for all ordered pairs at all frequencies, averaged over them; return the cross-spectra."""
    cross = cross_spectra(signals)
    granger_both_ways(cross, {"whole": (0.0, SFREQ_HZ)}, n_lags=N_LAGS)
    return cross


def run() -> dict[str, Any]:
    """Time both, scale the peer up, and compare the pairs that it computed."""
    signals = epochs(N_REGIONS, N_EPOCHS)
    rng = np.random.default_rng(1)
    chosen = np.transpose(np.tril_indices(N_REGIONS, -1))[
        rng.choice(N_REGIONS * (N_REGIONS - 1) // 2, N_PEER_PAIRS, replace=False)
    ]
    pairs = np.concatenate([chosen, chosen[:, ::-1]])
    ours(signals[:, :4])
    peer(signals[:4], pairs[:1])
    measured = alternate(
        {PEER: lambda: peer(signals, pairs), OURS: lambda: ours(signals)}, repeats={PEER: 1, OURS: N_OUR_RUNS}
    )
    n_ordered = N_REGIONS * (N_REGIONS - 1)
    cross = measured.outputs[OURS]
    halved = cross.values.copy()
    halved[[0, -1]] /= 2
    expected = measured.outputs[PEER]
    rows, columns = pairs.T
    as_computed, alike = (
        [agreement(own[:, rows, columns].T, theirs) for own, theirs in zip(at_every_bin(each), expected, strict=True)]
        for each in (cross, replace(cross, values=halved))
    )
    return entry(
        "GC-ALL",
        described=f"{N_REGIONS} regions, {n_ordered} ordered pairs, {N_EPOCHS} epochs of {signals.shape[-1]} samples "
        f"at {SFREQ_HZ:g} Hz, {len(cross.freqs_hz)} frequencies, {N_LAGS} lags, as recorded and reversed in time",
        peer=with_version(PEER),
        cpu_s={PEER: measured.cpu_s[PEER] / len(pairs) * n_ordered, OURS: measured.cpu_s[OURS]},
        differences=dict(zip(("gc", "gc_tr"), alike, strict=True)),
        limit=LIMIT,
        goal_ratio=GOAL,
        extrapolated_from=f"{len(pairs)} of {n_ordered} ordered pairs",
        note="Agreement with 0 Hz and Nyquist halved in both; as we compute it, values differ by up to "
        f"{max(as_computed):.2g} (largest value {max(float(each.max()) for each in expected):.2g}).",
    )
