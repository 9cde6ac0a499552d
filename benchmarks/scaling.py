"""THREADS: wall time of our calls with one and with two threads, in turns, and whether the numbers are the same.

Run ``python benchmarks/run.py THREADS``, which allows numba two threads. Transforms and matrix products keep one, so
that whole calls gain less than their compiled loops.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.signal import hilbert

import spectral
from measuring import agreement, two_threads
from oscillators import SFREQ_HZ, epochs

N_REGIONS, N_EPOCHS = 100, 150
N_SEGMENTS = 40
ROUNDS = 5


def calls() -> dict[str, Callable[[], Any]]:
    """Return the calls to time, on inputs of their own, by name."""
    from painconn.connectivity.cross_sums import mean_cross_spectra
    from painconn.connectivity.envelope import orthogonalised_envelope_correlation
    from painconn.connectivity.granger import granger_both_ways
    from painconn.connectivity.spectra import slepian_tapers

    signals = epochs(N_REGIONS, N_EPOCHS)
    analytic = hilbert(signals[:N_SEGMENTS])
    tapers = slepian_tapers(signals.shape[-1], sfreq_hz=SFREQ_HZ, half_bandwidth_hz=spectral.HALF_BANDWIDTH_HZ)
    cross = mean_cross_spectra(signals, tapers)
    return {
        f"nine spectral measures, multitaper, {N_EPOCHS} epochs": lambda: list(
            spectral.ours(signals, "multitaper").values()
        ),
        f"orthogonalised envelope correlation, {N_SEGMENTS} segments": lambda: orthogonalised_envelope_correlation(
            analytic
        ),
        "Granger causality of all ordered pairs, both ways, from cross-spectra": lambda: [
            matrix for bands in granger_both_ways(cross, spectral.BANDS_HZ) for matrix in bands.values()
        ],
    }


def run() -> dict[str, Any]:
    """Time every call with one and two threads."""
    figures, differences = [], {}
    for name, call in calls().items():
        call()
        measured, load = two_threads(call, rounds=ROUNDS)
        one_s, two_s = measured.wall_s["1"], measured.wall_s["2"]
        one, two = (np.asarray(measured.outputs[count]) for count in ("1", "2"))
        differences[name] = agreement(one, two)
        figures.append(
            {
                "call": name,
                "1 thread, wall s": one_s,
                "2 threads, wall s": two_s,
                "speed-up": one_s / two_s,
                "cores busy with other processes": load.other_cores,
            }
        )
    return {
        "workload": "THREADS",
        "input": f"{N_REGIONS} regions, epochs of 500 samples",
        "peer": "one thread",
        "cpu_s": {},
        "ratio": None,
        "goal_ratio": None,
        "goal": "the same numbers to the last bit",
        "met": not any(differences.values()),
        "agreement": differences,
        "agreement_limit": 0.0,
        "figures": figures,
        "note": "Only compiled loops use the second thread; transforms and matrix products keep one.",
    }
