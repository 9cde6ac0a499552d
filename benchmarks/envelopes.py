"""AEC-ORTH: pairwise-orthogonalised envelope correlation of band-limited epochs, Hilbert transform included.

Run ``python benchmarks/run.py AEC``. The peer and ours start from the same real epochs, filtered beforehand, and end
with the mean matrix of every band.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from measuring import OURS, agreement, alternate, entry, with_version
from oscillators import BANDS_HZ, SFREQ_HZ, epochs

N_REGIONS, N_EPOCHS, N_OUR_RUNS = 100, 150, 5
PEER = "mne-connectivity"
VARIANTS: dict[str, dict[str, bool]] = {
    "AEC-ORTH": {"absolute": True},
    "AEC-ORTH-SIGNED": {"absolute": False},
    "AEC-ORTH-LOG": {"absolute": True, "log": True},
}
GOALS = {"AEC-ORTH": 10.0, "AEC-ORTH-SIGNED": 10.0}
LIMITS = {"float64": 1e-9, "float32": 1e-5}
LIMITS_LOG = {"float64": 1e-9, "float32": 1e-3}
NOTE_32 = "Ours in single precision, the peer in double."
Epochs = dict[str, NDArray[np.floating]]
Matrices = dict[str, NDArray[np.float64]]


def filtered(values: NDArray[np.float64]) -> Epochs:
    """Filter epochs (epochs, regions, times) into every band, forwards and backwards."""
    sections = {
        band: signal.butter(4, edges_hz, "bandpass", fs=SFREQ_HZ, output="sos") for band, edges_hz in BANDS_HZ.items()
    }
    return {band: signal.sosfiltfilt(filters, values, axis=-1) for band, filters in sections.items()}


def peer(bands: Epochs, **options: bool) -> Matrices:
    """Compute every band with mne-connectivity, which takes the Hilbert transform itself."""
    from mne_connectivity import envelope_correlation

    found = {
        band: envelope_correlation(values, orthogonalize="pairwise", verbose="ERROR", **options).combine("mean")
        for band, values in bands.items()
    }
    return {band: connectivity.get_data("dense")[..., 0] for band, connectivity in found.items()}


def ours(bands: Epochs, **options: bool) -> Matrices:
    """Compute the same; whole matrices."""
    from painconn.connectivity.envelope import analytic_signals, orthogonalised_envelope_correlation

    return {
        band: orthogonalised_envelope_correlation(analytic_signals(values), **options) for band, values in bands.items()
    }


def differences(found: Matrices, expected: Matrices) -> dict[str, float]:
    """Return the largest difference of each band over pairs."""
    pairs = np.tril_indices(N_REGIONS, -1)
    return {band: agreement(found[band][pairs], expected[band][pairs]) for band in BANDS_HZ}


def compare(workload: str, bands: Epochs) -> list[dict[str, Any]]:
    """Time the peer and ours in both precisions."""
    options = VARIANTS[workload]
    signals = {
        precision: {band: values.astype(precision) for band, values in bands.items()}
        for precision in ("float64", "float32")
    }
    sides = {f"{OURS} {precision}": precision for precision in signals}
    for precision in sides.values():
        ours({band: values[:2] for band, values in signals[precision].items()}, **options)
    measured = alternate(
        {PEER: lambda: peer(bands, **options)}
        | {name: lambda precision=precision: ours(signals[precision], **options) for name, precision in sides.items()},
        repeats={PEER: 1} | dict.fromkeys(sides, N_OUR_RUNS),
    )
    return [
        entry(
            workload if precision == "float64" else f"{workload}-32",
            described=f"{N_REGIONS} regions, {N_EPOCHS} epochs of {bands['alpha'].shape[-1]} samples, "
            f"{len(bands)} bands, {', '.join(f'{name}={value}' for name, value in options.items())}, {precision}",
            peer=f"{with_version(PEER)}, a call per band",
            cpu_s={PEER: measured.cpu_s[PEER], OURS: measured.cpu_s[name]},
            differences=differences(measured.outputs[name], measured.outputs[PEER]),
            limit=(LIMITS_LOG if options.get("log") else LIMITS)[precision],
            goal_ratio=GOALS.get(workload) if precision == "float64" else None,
            note="" if precision == "float64" else NOTE_32,
        )
        for name, precision in sides.items()
    ]


def run() -> list[dict[str, Any]]:
    """Run the peer's default (magnitudes), the signed form and log power envelopes."""
    bands = filtered(epochs(N_REGIONS, N_EPOCHS))
    return [result for workload in VARIANTS for result in compare(workload, bands)]
