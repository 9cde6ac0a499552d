"""Studies of any size drawn from a pool of simulated people, tested as a study tests its primary family."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.inference.model import LinearModel, linear_model
from painconn.inference.permutation import permutation_p
from painconn.inference.rearrangements import Rearrangements, permutations, sign_flips
from painconn.provenance import seed_for
from painconn.simulation.planning import Kind

Array = NDArray[np.float64]

ALPHA = 0.05
N_PERMUTATIONS = 199
"""Rearrangements of a drawn study. Its level is as exact as with more; its power is a little lower."""


@dataclass(frozen=True)
class Pool:
    """What was measured of the simulated people.

    Attributes
    ----------
    kind : {"between", "within"}
    tests, bands : tuple of str
        Of the primary family, those that can be computed of everybody, and the band of each.
    effects : tuple of float
        Sizes of the true effect, 0 first.
    values : array, shape (effects, people, observations, tests)
    halves : array, shape (2, people, observations, tests)
        The same from every other epoch, without an effect; NaN where a measure has no halves.
    covariates : array, shape (people, covariates)
    """

    kind: Kind
    tests: tuple[str, ...]
    bands: tuple[str, ...]
    effects: tuple[float, ...]
    values: Array
    halves: Array
    covariates: Array

    @property
    def n_people(self) -> int:
        """Return how many people there are."""
        return self.values.shape[1]

    def family(self, effect: int, tests: NDArray[np.bool_]) -> Array:
        """Return the family with an effect in some tests alone, (people, observations, tests)."""
        return np.where(tests, self.values[effect], self.values[0])

    def sides(self, effect: int, test: int) -> tuple[Array, Array, Array]:
        """Return one test of everybody: of reference, with the effect, and the same without it, (people,) each."""
        without, with_effect = self.values[0, ..., test], self.values[effect, ..., test]
        if self.kind == "between":
            return without[:, 0], with_effect[:, 0], without[:, 0]
        # Kernels are made from both observations, so that an effect in the second one can move the first one, too.
        return with_effect[:, 0], with_effect[:, 1], with_effect[:, 0] + without[:, 1] - without[:, 0]


@dataclass(frozen=True)
class Planted:
    """The test that an effect is looked for in, and the tests that it may move."""

    test: int
    moved: NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """What was found in the studies of one size.

    Attributes
    ----------
    n : int
        People per group, or pairs.
    found : array of int, shape (planted, effects)
        Studies in which the planted test was significant in the family.
    n_drawn : int
        Studies drawn for each effect.
    false_alarms : int
        Of as many studies without any effect, those in which any test of the family was significant.
    """

    n: int
    found: NDArray[np.intp]
    n_drawn: int
    false_alarms: int


def draw_studies(pool: Pool, planted: Sequence[Planted], n: int, *, n_drawn: int, seed: int) -> Counts:
    """Draw studies of one size and test them; people are drawn with replacement.

    Parameters
    ----------
    pool : Pool
    planted : sequence of Planted
    n : int
        People per group, or pairs.
    n_drawn : int
        Studies for each effect.
    seed : int
        Of this plan.

    Returns
    -------
    counts : Counts
    """
    sets = _rearrangements(pool, n, seed)
    nothing = np.zeros(pool.values.shape[-1], dtype=bool)

    def p_values(name: str, family: Array) -> Array:
        rng = np.random.default_rng(seed_for(seed, "drawn studies", str(n), name))
        return np.stack([_tested(pool, family, sets, n, rng) for _ in range(n_drawn)])

    found = [
        [
            int((p_values(f"{one.test} {effect}", pool.family(effect, one.moved))[:, one.test] <= ALPHA).sum())
            for effect in range(1, len(pool.effects))
        ]
        for one in planted
    ]
    alarms = p_values("no effect", pool.family(0, nothing)).min(axis=1) <= ALPHA
    return Counts(n, np.array(found), n_drawn, int(alarms.sum()))


def _rearrangements(pool: Pool, n: int, seed: int) -> tuple[Rearrangements, ...]:
    """Return those of the study's test; one set serves all studies of a size."""
    own = seed_for(seed, "rearrangements", str(n))
    if pool.kind == "within":
        return (sign_flips(n, n_permutations=N_PERMUTATIONS, seed=own),)
    everybody = np.zeros(2 * n, dtype=np.intp)
    return (
        permutations(everybody, n_permutations=N_PERMUTATIONS, seed=own),
        sign_flips(2 * n, n_permutations=N_PERMUTATIONS, seed=own),
    )


def _tested(pool: Pool, family: Array, sets: tuple[Rearrangements, ...], n: int, rng: np.random.Generator) -> Array:
    """Draw one study; return its family-wise p values, the larger of two as in a run."""
    covariates = pool.covariates
    if pool.kind == "within":
        people = rng.integers(pool.n_people, size=n)
        # Observations that differ by nothing differ by chance in a pool; studies drawn from it would find that. With
        # covariates the test is about the difference where these are 0, which by chance is not their mean.
        by_chance = (pool.values[0, :, 1] - pool.values[0, :, 0]).mean(axis=0)
        values = family[people, 1] - family[people, 0] - by_chance
        covariates = covariates - covariates.mean(axis=0)
    else:
        people = rng.integers(pool.n_people, size=2 * n)
        values = np.concatenate([pool.values[0, people[:n], 0], family[people[n:], 0]])
    model = _model(pool.kind, covariates[people])
    return np.max([permutation_p(model, values, rearrangements)[1] for rearrangements in sets], axis=0)


def _model(kind: Kind, covariates: Array) -> LinearModel:
    n = len(covariates)
    if kind == "within":
        scaled = covariates / np.sqrt(np.mean(covariates**2, axis=0))
        return linear_model(np.ones(n), scaled, np.ones((1, n)), where="a drawn study")
    in_b = np.arange(n) >= n // 2
    varied = covariates[:, np.ptp(covariates, axis=0) > 0]
    scaled = (varied - varied.mean(axis=0)) / varied.std(axis=0)
    nuisance = np.column_stack([np.ones(n), scaled])
    return linear_model(in_b.astype(float), nuisance, np.array([~in_b, in_b], dtype=float), where="a drawn study")
