"""A made-up lead field for simulations: smooth, of realistic size, and quick."""

from collections.abc import Sequence

import numpy as np

from painconn.cortex.montage import place_electrodes
from painconn.simulation.head import SimulationHead

SOURCES_PER_REGION = 5

REGIONS = tuple(
    f"{name}-{side}"
    for side in ("lh", "rh")
    for name in (
        "postcentral",
        "insula",
        "superiorfrontal",
        "caudalanteriorcingulate",
        "lateraloccipital",
        "precentral",
    )
)


def made_up_head(electrodes: Sequence[str]) -> SimulationHead:
    """Return a head for these electrodes, the reference last, with the same sources for every cap."""
    rng = np.random.default_rng(5)
    positions_m = np.array(list(place_electrodes(electrodes).values()))
    n_sources = SOURCES_PER_REGION * len(REGIONS)
    sources_m = 0.06 * rng.standard_normal((n_sources, 3)) / np.sqrt(3) + (0, 0, 0.04)
    distance_m = np.linalg.norm(positions_m[:, None] - sources_m, axis=2)
    gain = 0.1 * rng.choice([-1, 1], n_sources) * np.exp(-0.5 * (distance_m / 0.06) ** 2)
    return SimulationHead(
        electrodes=tuple(electrodes),
        positions_m=positions_m,
        gain=np.stack([gain, 1.02 * gain, 0.97 * gain]),
        step_m=0.004,
        source_positions_m=sources_m,
        regions=REGIONS,
        region_of_source=np.repeat(np.arange(len(REGIONS)), SOURCES_PER_REGION),
    )
