"""MIM: interaction between multi-component regions (MIM and MIC), all pairs, against mne-connectivity.

Run ``python benchmarks/run.py MIM``. Both compute every pair; our time covers everything from signals to values.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring import OURS, agreement, alternate, entry, with_version
from oscillators import BANDS_HZ, SFREQ_HZ, epochs
from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra
from painconn.connectivity.multivariate import maximised_imaginary_coherency, multivariate_interaction
from painconn.connectivity.spectra import slepian_tapers

N_COMPONENTS, N_OUR_RUNS = 3, 5
PEER = "mne-connectivity"
METHODS = {"mim": multivariate_interaction, "mic": maximised_imaginary_coherency}
# The default of the peer: 4 / T for epochs of 2 s.
HALF_BANDWIDTH_HZ = 2.0
LOW_HZ, HIGH_HZ = min(band[0] for band in BANDS_HZ.values()), max(band[1] for band in BANDS_HZ.values())
HALF_BIN_HZ = 0.25
GOAL, LIMIT = 25.0, 1e-9

Pairs = NDArray[np.intp]


def peer(signals: NDArray[np.float64], pairs: Pairs) -> list[NDArray[np.float64]]:
    """Compute with one call of mne-connectivity at every bin from 2 to 45 Hz: arrays (pairs, frequencies)."""
    from mne_connectivity import spectral_connectivity_epochs

    full_rank = np.full(len(pairs), N_COMPONENTS)
    found = spectral_connectivity_epochs(
        signals,
        method=list(METHODS),
        indices=tuple(side[:, None] * N_COMPONENTS + np.arange(N_COMPONENTS) for side in pairs.T),
        rank=(full_rank, full_rank),
        sfreq=SFREQ_HZ,
        fmin=LOW_HZ,
        fmax=HIGH_HZ,
        verbose="ERROR",
    )
    return [np.abs(each.get_data()) for each in found]


def cross_spectra(signals: NDArray[np.float64]) -> MeanCrossSpectra:
    """Return the mean cross-spectra from 2 to 45 Hz with the tapers that the peer uses."""
    tapers = slepian_tapers(signals.shape[-1], sfreq_hz=SFREQ_HZ, half_bandwidth_hz=HALF_BANDWIDTH_HZ)
    inside = (tapers.freqs_hz >= LOW_HZ) & (tapers.freqs_hz <= HIGH_HZ)
    return mean_cross_spectra(signals, tapers, np.flatnonzero(inside))


def ours(signals: NDArray[np.float64]) -> tuple[MeanCrossSpectra, list[NDArray[np.float64]]]:
    """Compute all pairs of regions, averaged from 2 to 45 Hz; return the cross-spectra and the matrices."""
    cross = cross_spectra(signals)
    band = {"all": (LOW_HZ, HIGH_HZ + HALF_BIN_HZ)}
    return cross, [measure(cross, band, regions_of(signals))["all"] for measure in METHODS.values()]


def regions_of(signals: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the region of each signal; neighbours belong together."""
    return np.arange(signals.shape[1]) // N_COMPONENTS


def differences(
    cross: MeanCrossSpectra, region_of: Pairs, expected: list[NDArray[np.float64]], pairs: Pairs
) -> dict[str, float]:
    """Return the largest difference at any frequency."""
    bins = {f"{freq_hz:g}": (freq_hz - HALF_BIN_HZ, freq_hz + HALF_BIN_HZ) for freq_hz in cross.freqs_hz}
    rows, columns = pairs.T
    return {
        name: agreement(
            np.stack([matrix[rows, columns] for matrix in measure(cross, bins, region_of).values()], axis=1), theirs
        )
        for (name, measure), theirs in zip(METHODS.items(), expected, strict=True)
    }


def compare(n_regions: int, n_epochs: int, *, n_peer_runs: int) -> dict[str, Any]:
    """Time both on all pairs."""
    signals = epochs(n_regions * N_COMPONENTS, n_epochs)
    pairs = np.transpose(np.tril_indices(n_regions, -1))
    ours(signals)
    peer(signals[:4], pairs[:2])
    measured = alternate(
        {PEER: lambda: peer(signals, pairs), OURS: lambda: ours(signals)}, {PEER: n_peer_runs, OURS: N_OUR_RUNS}
    )
    cross, _ = measured.outputs[OURS]
    return entry(
        f"MIM-{n_regions}x{N_COMPONENTS}",
        described=f"{n_regions} regions x {N_COMPONENTS} components, {len(pairs)} pairs, {n_epochs} epochs of "
        f"{signals.shape[-1]} samples at {SFREQ_HZ:g} Hz, every bin from {LOW_HZ:g} to {HIGH_HZ:g} Hz, MIM and MIC",
        peer=f"{with_version(PEER)}, one joint call, ranks given",
        cpu_s=measured.cpu_s,
        differences=differences(cross, regions_of(signals), measured.outputs[PEER], pairs),
        limit=LIMIT,
        goal_ratio=GOAL,
    )


def run() -> list[dict[str, Any]]:
    """Run MIM-20x3 and MIM-68x3."""
    return [compare(20, 40, n_peer_runs=3), compare(68, 100, n_peer_runs=1)]
