"""Where the cortex is strong, and when: what makes a simulated person less even than a stationary process.

Conventions of this file: factors of an amplitude, exactly 1 where the cohort declares no variation; each factor has a
random stream of its own, so that declaring one moves no other number.
"""

import numpy as np
from numpy.typing import NDArray

from painconn.simulation import signals
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead
from painconn.simulation.people import stream

Array = NDArray[np.float64]


def source_strength(spec: CohortSpec, participant: str, head: SimulationHead, *, seed: int) -> Array:
    """Return how strong the background is at each source: what its region has for everybody, times the person's own.

    Returns
    -------
    strength : ndarray, shape (n_sources,)
        1 outside all regions.
    """
    weights = spec.variation.background_weights
    common = np.array([weights.get(region.rpartition("-")[0], 1.0) for region in head.regions])
    own = stream(seed, participant, "background of regions").standard_normal(len(head.regions))
    by_region = np.append(common * np.exp(spec.variation.region_sd * own), 1.0)
    return np.asarray(by_region[head.region_of_source])


def waxing(spec: CohortSpec, participant: str, what: str, *, sd: float, seed: int) -> Array:
    """Return the course of a strength over time: log-normal, expected square 1.

    Parameters
    ----------
    spec : CohortSpec
        Says how fast.
    participant, what : str
        Whose course, and of what; each has its own.
    sd : float
        Standard deviation of its logarithm.
    seed : int
        Seed of the cohort.

    Returns
    -------
    course : ndarray, shape (n_times,)
        Positive.
    """
    if sd == 0.0:
        return np.ones(spec.protocol.n_times)
    return signals.slow_modulation(
        stream(seed, participant, f"waxing {what}"),
        1,
        spec.protocol.n_times,
        sfreq_hz=spec.protocol.sfreq_hz,
        depth=sd,
        rate_hz=spec.variation.waxing_hz,
    )[0]
