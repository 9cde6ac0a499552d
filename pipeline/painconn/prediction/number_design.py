"""Whose score is predicted, who is exchangeable with whom, and who is tested together.

Conventions of this file: a row is a person. Folds are dealt from participant labels and the seed, stratum by stratum,
and never from the scores: scores can then be shuffled freely among the people of a stratum, the folds stay what they
are, and the permuted statistic is the same function as the observed one. Folds balanced over the true scores would be
balanced for the true order of people only.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem
from painconn.prediction.design import Dealt
from painconn.prediction.folds import Fold, Rows
from painconn.provenance import seed_for

MINIMUM_FOLDS = 3
FEWEST_TESTED = 2
"""People in a test fold below which nothing is ordered inside it."""


@dataclass(frozen=True)
class NumberDesign(Dealt):
    """A score of people laid out on rows.

    Parameters
    ----------
    participants : (n,) array of str
        Participant of each row, each once.
    values : (n,) array
        The score.
    score : str
        What it is called.
    strata : (n,) array of str
        Site (or another stratum); scores are permuted inside strata only.
    folds : (n_repeats, n) array of int
        Outer test fold of each row in each repeat, numbered from 0.
    """

    participants: NDArray[np.str_]
    values: NDArray[np.float64]
    score: str
    strata: NDArray[np.str_]
    folds: NDArray[np.intp]

    @property
    def signs(self) -> NDArray[np.float64]:
        """The scores: what a regression learns where a classifier learns signs, (n,)."""
        return self.values

    def rows(self, order: Rows) -> "NumberDesign":
        """Return the same design with its rows in another order (or some of them)."""
        return replace(
            self,
            participants=self.participants[order],
            values=self.values[order],
            strata=self.strata[order],
            folds=self.folds[:, order],
        )


def make_number_design(
    participants: Sequence[str],
    values: Sequence[float],
    *,
    score: str,
    strata: Sequence[str] | None = None,
    n_outer: int = 5,
    n_repeats: int = 10,
    seed: int = 0,
) -> NumberDesign:
    """Lay out outer folds.

    Parameters
    ----------
    participants : sequence of str, length n
        One entry per person.
    values : sequence of float, length n
        The score of each, finite.
    score : str
        What it is called.
    strata : sequence of str, length n, optional
        Site (or another stratum) of each person.
    n_outer : int
        Outer folds, at least 3; fewer where a fold would have less than two people.
    n_repeats : int
        Repeats of the outer split.
    seed : int
        Study seed.

    Returns
    -------
    design : NumberDesign
        Rows in the given order.

    Raises
    ------
    DesignError
        When a person has several rows, a score is not finite, all are equal, or there are fewer than 6 people.
    """
    people, numbers = np.asarray(participants, dtype=np.str_), np.asarray(values, dtype=float)
    groups = np.full(len(people), "all") if strata is None else np.asarray(strata, dtype=np.str_)
    if not len(people) == len(numbers) == len(groups) or n_outer < MINIMUM_FOLDS or n_repeats < 1:
        raise ValueError("one score and one stratum per person, at least 3 folds and 1 repeat are needed")
    _refuse_misfits(people, numbers, score)
    n_folds = min(n_outer, len(people) // FEWEST_TESTED)
    names = people.tolist()
    folds = np.empty((n_repeats, len(names)), dtype=np.intp)
    for repeat in range(n_repeats):
        ranks = [(groups[row], seed_for(seed, "fold", str(repeat), name), name) for row, name in enumerate(names)]
        dealt = sorted(range(len(names)), key=ranks.__getitem__)
        folds[repeat, dealt] = np.arange(len(names)) % n_folds
    return NumberDesign(people, numbers, score, groups, folds)


def permuted_scores(design: NumberDesign, *, n_permutations: int, seed: int) -> NDArray[np.float64]:
    """Shuffle the scores among the people of each stratum; rows in an order that does not depend on the input file.

    Returns
    -------
    values : (n, n_permutations) array
        A shuffled list of scores per column.
    """
    generator = np.random.default_rng(seed_for(seed, "permutations"))
    drawn = np.empty((len(design.values), n_permutations))
    for stratum in np.unique(design.strata):
        rows = np.flatnonzero(design.strata == stratum)
        drawn[rows] = generator.permuted(np.repeat(design.values[rows][:, None], n_permutations, axis=1), axis=0)
    return drawn


def number_learning_folds(
    design: NumberDesign, folds: Sequence[Fold], *, fraction: float, n_repeats: int, seed: int
) -> list[Fold]:
    """Return outer folds whose training rows are a fraction of the people of every fold; test rows stay complete.

    Parameters
    ----------
    design : NumberDesign
        The design.
    folds : sequence of Fold
        All its outer folds.
    fraction : float
        Part of the people of each fold to keep, in (0, 1].
    n_repeats : int
        How many of the design's repeats to use.
    seed : int
        Study seed; who is kept follows from participant labels and this seed.

    Returns
    -------
    folds : list of Fold
        Empty when a training set would be left with fewer than two inner folds.
    """
    thinned: list[Fold] = []
    for repeat in range(min(n_repeats, design.n_repeats)):
        own = [fold for fold in folds if fold.repeat == repeat]
        left_out = np.flatnonzero(_learning_ranks(design, repeat, seed) >= fraction)
        kept = _without(own, left_out)
        if not kept:
            return []
        thinned += kept
    return thinned


def _learning_ranks(design: NumberDesign, repeat: int, seed: int) -> NDArray[np.float64]:
    """Return where each person stands in the drawn order of the own fold, from 0 to below 1."""
    ranks = np.empty(len(design.participants))
    drawn = np.array([seed_for(seed, "learning", str(repeat), name) for name in design.participants.tolist()])
    for fold in range(design.n_outer):
        own = np.flatnonzero(design.folds[repeat] == fold)
        ranks[own[np.argsort(drawn[own], kind="stable")]] = np.arange(len(own)) / len(own)
    return ranks


def _without(folds: Sequence[Fold], left_out: Rows) -> list[Fold]:
    """Return folds that do not learn from some rows; empty when one is left with fewer than two inner folds."""
    thinned = []
    for fold in folds:
        pairs = [(train[~np.isin(train, left_out)], test[~np.isin(test, left_out)]) for train, test in fold.inner]
        inner = tuple((train, test) for train, test in pairs if len(train) and len(test))
        if len(inner) < 2:
            return []
        thinned.append(replace(fold, train=fold.train[~np.isin(fold.train, left_out)], inner=inner))
    return thinned


def _refuse_misfits(people: NDArray[np.str_], numbers: NDArray[np.float64], score: str) -> None:
    problems = []
    several = [person for person, count in sorted(Counter(people.tolist()).items()) if count != 1]
    if several:
        fix = "average or choose rows before the target is built"
        problems.append(Problem("target association, people", ", ".join(several), "one row per participant", fix))
    unknown = people[~np.isfinite(numbers)].tolist()
    if unknown:
        fix = "leave these people out of this target"
        problems.append(Problem(f"score {score}", f"no number for {', '.join(unknown)}", "a number per person", fix))
    elif len(numbers) and np.ptp(numbers) == 0.0:
        problems.append(Problem(f"score {score}", "the same for everybody", "scores that differ", "choose another one"))
    if len(people) < MINIMUM_FOLDS * FEWEST_TESTED:
        wanted = f"at least {MINIMUM_FOLDS * FEWEST_TESTED}"
        problems.append(Problem(f"score {score}", f"{len(people)} people", wanted, "add participants"))
    if problems:
        raise DesignError(problems)
