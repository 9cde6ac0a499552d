"""SPEC-9: nine measures over epochs in five bands, one joint call, against mne-connectivity.

Run ``python benchmarks/run.py SPEC``. The bands of mne-connectivity are closed, ours are half-open: ours reach half a
bin further, so that both average the same bins.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring import OURS, agreement, alternate, entry, with_version
from oscillators import BANDS_HZ, SFREQ_HZ, epochs

N_EPOCHS, N_OUR_RUNS = 150, 9
PEER = "mne-connectivity"
METHODS = ("coh", "imcoh", "plv", "ciplv", "ppc", "pli", "dpli", "wpli", "wpli2_debiased")
# The default of the peer: 4 / T for epochs of 2 s.
HALF_BANDWIDTH_HZ = 2.0
HALF_BIN_HZ = 0.25
LIMIT = 1e-9
# A sign flips where the imaginary part is nearly zero, whatever the precision of the sums.
LIMITS_32 = dict.fromkeys(METHODS, 1e-4) | {"pli": 5e-3, "dpli": 5e-3}
NOTE_32 = "Ours in single precision, the peer in double; pli and dpli count signs, so that single epochs flip."
GOALS = {"SPEC-9-MT": 20.0, "SPEC-9-MT-32": 35.0, "SPEC-9-FFT": 10.0}


def peer(signals: NDArray[np.float64], mode: str) -> list[Any]:
    """Compute all measures in all bands with one call of mne-connectivity."""
    from mne_connectivity import spectral_connectivity_epochs

    low_hz, high_hz = zip(*BANDS_HZ.values(), strict=True)
    return spectral_connectivity_epochs(
        signals,
        method=list(METHODS),
        mode=mode,
        sfreq=SFREQ_HZ,
        fmin=low_hz,
        fmax=high_hz,
        faverage=True,
        verbose="ERROR",
    )


def ours(signals: NDArray[np.float64], mode: str, precision: str = "float64") -> dict[tuple[str, str], Any]:
    """Compute the same with one call of the engine; whole matrices."""
    from painconn.connectivity.engine import over_epochs

    found = over_epochs(
        signals,
        sfreq_hz=SFREQ_HZ,
        bands_hz={name: (low, high + HALF_BIN_HZ) for name, (low, high) in BANDS_HZ.items()},
        measures=METHODS,
        spectra=mode,  # type: ignore[arg-type]
        half_bandwidth_hz=HALF_BANDWIDTH_HZ,
        precision=precision,  # type: ignore[arg-type]
        gates=None,
    )
    return dict(found.matrices)


def differences(found: dict[tuple[str, str], Any], expected: list[Any]) -> dict[str, float]:
    """Return the largest difference of each measure over bands and pairs (the peer fills the lower triangle)."""
    largest = {}
    for name, connectivity in zip(METHODS, expected, strict=True):
        pairs = np.tril_indices(connectivity.n_nodes, -1)
        theirs = connectivity.get_data("dense")[pairs].T
        largest[name] = agreement([found[name, band][pairs] for band in BANDS_HZ], theirs)
    return largest


def compare(mode: str, workloads: dict[str, str], *, n_regions: int, n_peer_runs: int) -> list[dict[str, Any]]:
    """Time the peer and ours in each precision; `workloads` names them by precision."""
    signals = epochs(n_regions, N_EPOCHS)
    sides = {f"{OURS} {precision}": precision for precision in workloads}
    for precision in sides.values():
        ours(signals[:, :8], mode, precision)
    peer(signals[:, :8], mode)
    measured = alternate(
        {PEER: lambda: peer(signals, mode)}
        | {name: lambda precision=precision: ours(signals, mode, precision) for name, precision in sides.items()},
        repeats={PEER: n_peer_runs} | dict.fromkeys(sides, N_OUR_RUNS),
    )
    return [
        entry(
            workloads[precision],
            described=f"{n_regions} regions, {N_EPOCHS} epochs of {signals.shape[-1]} samples at {SFREQ_HZ:g} Hz, "
            f"{len(METHODS)} measures, {len(BANDS_HZ)} bands, {mode}, {precision}",
            peer=f"{with_version(PEER)}, one joint call",
            cpu_s={PEER: measured.cpu_s[PEER], OURS: measured.cpu_s[name]},
            differences=differences(measured.outputs[name], measured.outputs[PEER]),
            limit=LIMIT if precision == "float64" else LIMITS_32,
            goal_ratio=GOALS.get(workloads[precision]),
            note="" if precision == "float64" else NOTE_32,
        )
        for name, precision in sides.items()
    ]


def multitaper() -> list[dict[str, Any]]:
    """Run SPEC-9-MT and SPEC-9-MT-32."""
    names = {"float64": "SPEC-9-MT", "float32": "SPEC-9-MT-32"}
    return compare("multitaper", names, n_regions=100, n_peer_runs=3)


def fourier() -> list[dict[str, Any]]:
    """Run SPEC-9-FFT."""
    return compare("fourier", {"float64": "SPEC-9-FFT"}, n_regions=100, n_peer_runs=3)


def multitaper_200() -> list[dict[str, Any]]:
    """Run multitaper spectra with 200 regions."""
    names = {"float64": "SPEC-200-MT", "float32": "SPEC-200-MT-32"}
    return compare("multitaper", names, n_regions=200, n_peer_runs=1)


def fourier_200() -> list[dict[str, Any]]:
    """Run Fourier spectra with 200 regions."""
    return compare("fourier", {"float64": "SPEC-200-FFT"}, n_regions=200, n_peer_runs=1)
