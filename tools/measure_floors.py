"""Measure the floor of every measure over epochs: its values when nothing is coupled (docs/method/connectivity.md)."""

import numpy as np

from painconn.connectivity.engine import over_epochs
from painconn.connectivity.registry import MEASURES

SFREQ_HZ, LENGTH_S, REGIONS, SEED = 250.0, 2.0, 40, 1
EPOCHS = (20, 60, 150)
ALPHA = {"alpha": (8.0, 13.0)}
NAMES = [
    name
    for name, measure in MEASURES.items()
    if "over_epochs" in measure.estimators and measure.takes != "components" and measure.kind != "hermitian"
]


def main() -> None:
    """Print mean and standard deviation over pairs of independent white noise, alpha band, 2 s epochs."""
    rng = np.random.default_rng(SEED)
    print("| measure | " + " | ".join(f"{n} epochs" for n in EPOCHS) + " |\n|---" * 1 + "|---" * len(EPOCHS) + "|")
    found = {}
    for n_epochs in EPOCHS:
        noise = rng.standard_normal((n_epochs, REGIONS, int(LENGTH_S * SFREQ_HZ)))
        matrices = over_epochs(noise, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, measures=NAMES).matrices
        for name in NAMES:
            pairs = matrices[name, "alpha"][np.triu_indices(REGIONS, 1)]
            found[name, n_epochs] = f"{pairs.mean():.3f} ({pairs.std():.3f})"
    for name in NAMES:
        print(f"| `{name}` | " + " | ".join(found[name, n_epochs] for n_epochs in EPOCHS) + " |")


if __name__ == "__main__":
    main()
