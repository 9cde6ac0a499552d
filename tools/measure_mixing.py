"""Measure what each measure sees between the insulae of single simulated people (docs/method/ground-truth.md).

``python tools/measure_mixing.py`` prints a row per cohort, inverse and measure, with the shares 0.1 and 0.7 of the
common process and everything else equal; mean over three people. In memory, without cleaning: about a minute.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from painconn.config.cortex import CortexConfig
from painconn.connectivity.engine import over_epochs
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.kernels import make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.template import parcellation, write_subject
from painconn.simulation.canaries import INSULAR_BRIDGE, PLANTED, WINDOW_LOCKED, ZERO_LAG, calmed
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.people import draw_person, pinprick_onsets_s
from painconn.simulation.person import electrode_signals

Array = NDArray[np.float64]

SPECS = {"planted": calmed(PLANTED), "zero_lag": ZERO_LAG, "window_locked": WINDOW_LOCKED}
SHARES, SEED, PEOPLE = (0.1, 0.7), 3, ("001", "002", "003")
MEASURES = ("wpli2_debiased", "imcoh", "coh")
ALPHA = {"alpha": (8.0, 13.0)}
SFREQ_HZ, EPOCH_S = PLANTED.protocol.sfreq_hz, 2.0


def build_heads(folder: Path, *, bem_ico: int = 3) -> tuple[SimulationHead, LeadField]:
    """Return the head that makes the recordings and the lead field of the one that looks at them, which is another."""
    write_subject(folder)
    spec = replace(PLANTED, head=replace(PLANTED.head, bem_ico=bem_ico))
    field = lead_field(make_forward(build_head(folder), place_electrodes(PLANTED.channels)))
    return build_simulation_head(spec, folder), field


def record(spec: CohortSpec, participant: str, share: float, head: SimulationHead) -> Array:
    """Return one person's recording in V, (channels, times), with a given share of the common process."""
    person = replace(draw_person(spec, participant, "localized", seed=SEED), coupling={INSULAR_BRIDGE.name: share})
    data = electrode_signals(spec, person, seed=SEED, head=head)
    return np.asarray(1e-6 * (data - data.mean(axis=0)))


def starts_of(spec: CohortSpec, participant: str, window: str) -> tuple[Array, float]:
    """Return starts and length in s of the epochs of ``rest``, or of the windows ``before`` and ``after`` pinpricks."""
    if window == "rest":
        return np.arange(0.0, spec.protocol.rest_s, EPOCH_S), EPOCH_S
    onsets_s, length_s = pinprick_onsets_s(spec, participant, seed=SEED), spec.protocol.window_s
    return (onsets_s if window == "after" else onsets_s - length_s), length_s


def seen(data: Array, field: LeadField, starts_s: Sequence[float] | Array, length_s: float, inverse: str) -> dict:
    """Return the magnitude of each measure between both insulae in the alpha band."""
    regions, n_times = parcellation(), round(length_s * SFREQ_HZ)
    epochs = np.stack(
        [data[:, start : start + n_times] for start in np.round(np.multiply(starts_s, SFREQ_HZ)).astype(int)]
    )
    flat = np.hstack(list(epochs))
    covariance, rank = flat @ flat.T / flat.shape[1], len(data) - 1
    noise = noise_covariance("adhoc", covariance, rank=rank)
    sources = make_source_kernel(inverse, field, covariance, noise, rank=rank, cortex=CortexConfig())
    kernel = make_region_kernel(sources, field, regions, covariance)
    both = [regions.region_names.index(name) for name in (*INSULAR_BRIDGE.leaders, *INSULAR_BRIDGE.followers)]
    found = over_epochs(kernel.values[both] @ epochs, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, measures=MEASURES).matrices
    return {name: abs(float(found[name, "alpha"][1, 0])) for name in MEASURES}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        head, field = build_heads(Path(folder))
    print("| cohort | window | inverse | measure | " + " | ".join(f"share {share:g}" for share in SHARES) + " |")
    print("|---" * (4 + len(SHARES)) + "|")
    for name, spec in SPECS.items():
        data = {share: [record(spec, who, share, head) for who in PEOPLE] for share in SHARES}
        for window in ("rest", "before", "after") if name == "window_locked" else ("rest",):
            for inverse in ("lcmv", "eloreta"):
                found = {
                    share: [
                        seen(one, field, *starts_of(spec, who, window), inverse)
                        for who, one in zip(PEOPLE, data[share], strict=True)
                    ]
                    for share in SHARES
                }
                for measure in MEASURES:
                    means = (np.mean([one[measure] for one in found[share]]) for share in SHARES)
                    told = " | ".join(f"{mean:.2f}" for mean in means)
                    print(f"| `{name}` | {window} | {inverse} | `{measure}` | {told} |", flush=True)


if __name__ == "__main__":
    main()
