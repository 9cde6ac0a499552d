"""How far the tolerance of Picard moves independent components, beside how far another seed does.

``python tools/measure_ica_tolerance.py RECORDING [...]`` prints, per recording and fit: iterations, CPU seconds, and
how well the components of a fit to 1e-7 are found again (quantiles of the largest correlation of their time courses).
"""

import argparse
import time
import warnings
from pathlib import Path

import mne
import numpy as np
from numpy.typing import NDArray

from painconn.cleaning import component_methods
from painconn.cleaning.component_methods import fit_components

STRICT = 1e-7
QUANTILES = (0.1, 0.25, 0.5)


def timed_fit(raw: mne.io.BaseRaw, *, tolerance: float, seed: int) -> tuple[NDArray[np.float64], int, float]:
    """Return the time courses of the components at unit variance, the iterations, and the CPU seconds."""
    settings, most = component_methods.SETTINGS["picard"]
    component_methods.SETTINGS["picard"] = (settings | {"tol": tolerance}, most)
    start_s = time.process_time()
    ica, _ = fit_components(raw, method="picard", rank=len(raw.ch_names) - 1, seed=seed)
    cpu_s = time.process_time() - start_s
    courses = ica.get_sources(raw).get_data(verbose="WARNING")
    courses -= courses.mean(axis=1, keepdims=True)
    return courses / np.linalg.norm(courses, axis=1, keepdims=True), int(ica.n_iter_), cpu_s


def measure(path: Path) -> None:
    """Print a line per fit of one recording."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        raw = mne.io.read_raw(path, preload=True, verbose="ERROR").pick("eeg", verbose="ERROR")
    raw.filter(1.0, None, verbose="ERROR").set_eeg_reference("average", verbose="ERROR")
    strict, iterations, cpu_s = timed_fit(raw, tolerance=STRICT, seed=0)
    print(f"{path.name}\n  tolerance {STRICT:g}, seed 0: {iterations} iterations, {cpu_s:.1f} CPU s")
    for tolerance, seed in ((1e-4, 0), (1e-3, 0), (STRICT, 1), (STRICT, 2)):
        found, iterations, cpu_s = timed_fit(raw, tolerance=tolerance, seed=seed)
        again = np.abs(strict @ found.T).max(axis=1)
        told = ", ".join(f"{value:.2f}" for value in np.quantile(again, QUANTILES))
        print(f"  tolerance {tolerance:g}, seed {seed}: {iterations} iterations, {cpu_s:.1f} CPU s; found again {told}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recordings", nargs="+", type=Path)
    for recording in parser.parse_args().recordings:
        measure(recording)
