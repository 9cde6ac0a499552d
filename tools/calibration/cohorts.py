"""Null cohorts of features: people of two groups who differ in nothing that is tested."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCENARIOS = ("equal spread", "larger group varies more", "smaller group varies more")
SPREAD = 2.0
N_REGIONS, PARTS = 20, ("alpha", "beta")
N_BLOCKS, N_PER_BLOCK = 7, 9
N_SESSIONS = 3
A, B = "a", "b"


@dataclass(frozen=True)
class NullCohort:
    """One cohort.

    Attributes
    ----------
    scenario : str
        One of ``SCENARIOS``.
    labels : Series (people)
        ``a`` or ``b``, 8 to 30 people each.
    blocks : DataFrame (people, 63)
        Correlated in blocks of 9; two blocks of seven have heavy tails (t with 4 degrees of freedom).
    edges : DataFrame (people, edges)
        All pairs of 20 regions in two bands, correlated through the regions that they share.
    covariates : DataFrame (people, 3)
        Two numbers and a text, all tied to the group.
    sites : Series (people)
        Tied to the group.
    """

    scenario: str
    labels: pd.Series
    blocks: pd.DataFrame
    edges: pd.DataFrame
    covariates: pd.DataFrame
    sites: pd.Series

    @property
    def in_b(self) -> NDArray[np.bool_]:
        """Return who is of group b."""
        return (self.labels == B).to_numpy()

    def moved_by_covariates(self) -> pd.DataFrame:
        """Return the blocks as they are when the covariates, and nothing else, move them."""
        numbers = self.covariates[["age", "muscle"]].to_numpy() @ np.array([0.6, 0.4])
        return self.blocks.add(numbers + 0.5 * (self.covariates["sex"] == "F"), axis=0)

    def moved_by_site(self) -> pd.DataFrame:
        """Return the blocks as they are when one site measures higher values."""
        return self.blocks.add(1.0 * (self.sites == "south"), axis=0)


def null_cohort(number: int, *, seed: int) -> NullCohort:
    """Draw one cohort; the scenarios take turns."""
    rng = np.random.default_rng((seed, number))
    scenario = SCENARIOS[number % len(SCENARIOS)]
    n_a, n_b = (int(n) for n in rng.integers(8, 31, size=2))
    if scenario != SCENARIOS[0]:
        n_a, n_b = sorted((n_a, n_b), reverse=scenario == SCENARIOS[2])
    in_b = np.repeat([False, True], [n_a, n_b])
    people = [f"p{number:05d}x{index:02d}" for index in range(in_b.size)]
    spread = np.where(in_b & (scenario != SCENARIOS[0]), SPREAD, 1.0)[:, None]
    edges = edge_places()
    return NullCohort(
        scenario,
        pd.Series(np.where(in_b, B, A), index=people),
        pd.DataFrame(spread * block_values(rng, in_b.size), index=people, columns=block_columns()),
        pd.DataFrame(spread * _edge_values(rng, in_b.size), index=people, columns=list(edges)),
        pd.DataFrame(
            {
                "age": rng.standard_normal(in_b.size) + 1.0 * in_b,
                "muscle": np.exp(0.5 * rng.standard_normal(in_b.size) + 0.4 * in_b),
                "sex": np.where(rng.random(in_b.size) < np.where(in_b, 0.7, 0.4), "F", "M"),
            },
            index=people,
        ),
        pd.Series(np.where(rng.random(in_b.size) < np.where(in_b, 0.65, 0.35), "south", "north"), index=people),
    )


def block_columns() -> list[str]:
    """Return the names of the tests; those of the last two blocks have heavy tails."""
    return [f"block{block}x{test}" for block in range(N_BLOCKS) for test in range(N_PER_BLOCK)]


def block_values(rng: np.random.Generator, n_rows: int) -> Floats:
    """Draw values of mean 0 and standard deviation 1, correlated within (.6) and between (.3) blocks."""
    normal = rng.standard_normal((n_rows, N_BLOCKS, N_PER_BLOCK))
    normal[:, -2:] = rng.standard_t(4, size=normal[:, -2:].shape) / np.sqrt(2)
    shared = np.sqrt(0.3) * (rng.standard_normal((n_rows, 1, 1)) + rng.standard_normal((n_rows, N_BLOCKS, 1)))
    return np.asarray(shared + np.sqrt(0.4) * normal).reshape(n_rows, -1)


def edge_places() -> dict[str, tuple[str, str, str]]:
    """Return band and both regions of each edge, by its name."""
    pairs = zip(*np.triu_indices(N_REGIONS, 1), strict=True)
    return {f"{part}__r{a}__r{b}": (part, f"r{a}", f"r{b}") for a, b in pairs for part in PARTS}


def _edge_values(rng: np.random.Generator, n_rows: int) -> Floats:
    heads, tails = np.triu_indices(N_REGIONS, 1)
    regions = rng.standard_normal((n_rows, N_REGIONS, len(PARTS)))
    own = rng.standard_normal((n_rows, heads.size, len(PARTS)))
    return np.asarray(np.sqrt(0.25) * (regions[:, heads] + regions[:, tails]) + np.sqrt(0.5) * own).reshape(n_rows, -1)
