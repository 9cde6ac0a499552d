"""Measure how often intervals of an effect size cover the true effect.

``python tools/measure_intervals.py`` prints the coverage of the noncentral-t interval of the comparison table beside
that of the bootstrap interval of the companions (table of docs/method/comparison.md).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.inference import Family, compare_between, compare_within
from painconn.inference.companions import companion_table

N_STUDIES, N_RESAMPLES = 2000, 1000
SIZES = ((12, 12), (24, 24), (18, 8), (0, 24))
EFFECTS = (0.0, 0.8)
KINDS = ("normal", "skewed", "heavy tails", "unequal spread")

Floats = NDArray[np.float64]


def draw(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Draw values of mean 0 and standard deviation 1."""
    if kind == "skewed":
        return (rng.gamma(1.5, size=shape) - 1.5) / np.sqrt(1.5)
    if kind == "heavy tails":
        return rng.standard_t(4, size=shape) / np.sqrt(2)
    return rng.standard_normal(shape)


def coverage(n_a: int, n_b: int, kind: str, effect: float) -> tuple[float, float, float, float]:
    """Return coverage and median width of both intervals; every test of one table is a study of its own."""
    rng = np.random.default_rng(5)
    people = [f"{number:03d}" for number in range(n_a + n_b)]
    tests = tuple(f"study{number}" for number in range(N_STUDIES))
    values = draw(kind, (n_a + n_b, N_STUDIES), rng)
    spread_b = 2.0 if kind == "unequal spread" else 1.0
    pooled = np.sqrt(((n_a - 1) + (n_b - 1) * spread_b**2) / (n_a + n_b - 2)) if n_a else 1.0
    values[n_a:] = spread_b * values[n_a:] + effect * pooled
    table = pd.DataFrame(values, index=people, columns=list(tests))
    family = Family("all", "primary", tests)
    if n_a:
        labels = pd.Series(["a"] * n_a + ["b"] * n_b, index=people)
        compared = compare_between(table, labels, a="a", b="b", families=[family], n_permutations=10, seed=1)
    else:
        compared = compare_within(0 * table, table, a="a", b="b", families=[family], n_permutations=10, seed=1)
    bootstrap = companion_table(compared, [family], n_resamples=N_RESAMPLES, seed=1)
    bounds = [(compared.table["ci_low"], compared.table["ci_high"]), (bootstrap["bca_low"], bootstrap["bca_high"])]
    shares = [float(((low <= effect) & (effect <= high)).mean()) for low, high in bounds]
    widths = [float((high - low).median()) for low, high in bounds]
    return shares[0], shares[1], widths[0], widths[1]


def main() -> None:
    """Print a row of the table per sample size, population and effect."""
    for n_a, n_b in SIZES:
        for kind in KINDS if n_a else KINDS[:-1]:
            for effect in EFFECTS:
                exact, bootstrap, width, bootstrap_width = coverage(n_a, n_b, kind, effect)
                people = f"{n_a} + {n_b}" if n_a else f"{n_b} pairs"
                print(
                    f"| {people} | {kind} | {effect:g} | {100 * exact:.1f} | {100 * bootstrap:.1f} "
                    f"| {width:.2f} | {bootstrap_width:.2f} |"
                )


if __name__ == "__main__":
    main()
