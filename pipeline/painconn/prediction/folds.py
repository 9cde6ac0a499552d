"""Outer folds with their inner folds, and what a classifier returns for one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.design import Dealt, Design
from painconn.provenance import seed_for

Rows = NDArray[np.intp]
FoldStep = Callable[[NDArray[np.float64], Rows], NDArray[np.float64]]
"""``step(values, train)``: learn from ``values[train]`` alone, return all rows changed, each from itself alone."""


class RowStep(Protocol):
    """A step of the fold that knows something about each row (its covariates, its site)."""

    def rows(self, order: Rows) -> Self:
        """Return the same step for rows in another order."""

    def __call__(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        """Learn from the training rows alone and return all rows changed."""


@dataclass(frozen=True)
class Fold:
    """One outer fold of one repeat, as row numbers.

    Parameters
    ----------
    repeat, fold : int
        Which one, numbered from 0.
    train, test : (n_train,) and (n_test,) arrays of int
        Rows to learn from and rows to score.
    inner : tuple of (train, test) pairs
        Inner folds for tuning; their test parts together are ``train``.
    """

    repeat: int
    fold: int
    train: Rows
    test: Rows
    inner: tuple[tuple[Rows, Rows], ...]


@dataclass(frozen=True)
class FeatureTable:
    """Features as numbers.

    Parameters
    ----------
    values : (n, p) array
        One row per observation; NaN where a feature is not computable.
    weights : (p,) array
        Factor on each column after standardisation; 1 unless blocks of columns are balanced against each other.
    matrices : tuple of (r, r) arrays of int
        Columns that together are a symmetric matrix of each row: the column of each pair of places, -1 on the diagonal.
    steps : tuple of FoldStep
        What is learned in each training set and applied to its test rows before standardisation (confound regression,
        harmonisation), in this order. A step sees no label and no gaps.
    seed : int
        Of classifiers that draw random numbers (trees).
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    matrices: tuple[NDArray[np.intp], ...] = ()
    steps: tuple[FoldStep, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class FoldScores:
    """What a classifier (or a regression) says about one outer fold, for P labellings at once.

    Parameters
    ----------
    fold : Fold
        The rows that were used.
    test : (n_test, P) array
        Scores of the test rows; higher means the positive label.
    inner : (n_train, P) array
        Out-of-fold scores of the training rows (order of ``fold.train``) from the inner folds, at the chosen setting.
    setting : (P,) array
        Chosen value of the tuned setting; NaN when there is none.
    """

    fold: Fold
    test: NDArray[np.float64]
    inner: NDArray[np.float64]
    setting: NDArray[np.float64]


def outer_folds(design: Dealt) -> list[Fold]:
    """Return every outer fold of every repeat; the inner folds are the remaining outer folds of the repeat."""
    return [
        _fold(design.folds[repeat], repeat, fold, np.ones(design.folds.shape[1], dtype=bool))
        for repeat in range(design.n_repeats)
        for fold in range(design.n_outer)
    ]


def learning_folds(design: Design, *, fraction: float, n_repeats: int, seed: int) -> list[Fold]:
    """Return outer folds whose training rows are a fraction of the blocks; test rows stay complete.

    Parameters
    ----------
    design : Design
        The design.
    fraction : float
        Part of the training blocks to keep, in (0, 1].
    n_repeats : int
        How many of the design's repeats to use.
    seed : int
        Study seed; which blocks are kept follows from block members and this seed.

    Returns
    -------
    folds : list of Fold
        Empty when a training set would be left with fewer than two inner folds.
    """
    names = {int(block): str(min(design.participants[design.blocks == block])) for block in np.unique(design.blocks)}
    folds = []
    for repeat in range(min(n_repeats, design.n_repeats)):
        assignment = design.folds[repeat]
        for fold in range(design.n_outer):
            blocks = np.unique(design.blocks[assignment != fold]).tolist()
            labels = (str(repeat), str(fold))
            blocks.sort(key=lambda block, labels=labels: seed_for(seed, "learning", *labels, names[block]))
            kept = _spread(blocks, design, assignment)[: max(2, round(fraction * len(blocks)))]
            folds.append(_fold(assignment, repeat, fold, np.isin(design.blocks, kept)))
    signs = design.signs
    complete = all(
        len(each.inner) >= 2 and all(len(set(signs[rows])) == 2 for pair in each.inner for rows in pair)
        for each in folds
    )
    return folds if complete else []


def _spread(blocks: list[int], design: Design, assignment: Rows) -> list[int]:
    """Order blocks so that every inner fold gives its first one before any gives its second."""
    seen: dict[int, int] = {}
    turns = []
    for block in blocks:
        inner_fold = int(assignment[design.blocks == block][0])
        turns.append(seen.get(inner_fold, 0))
        seen[inner_fold] = turns[-1] + 1
    return [block for _, block in sorted(zip(turns, blocks, strict=True), key=lambda pair: pair[0])]


def _fold(assignment: Rows, repeat: int, fold: int, kept: NDArray[np.bool_]) -> Fold:
    train = np.flatnonzero((assignment != fold) & kept)
    test = np.flatnonzero(assignment == fold)
    return Fold(repeat=repeat, fold=fold, train=train, test=test, inner=inner_folds(assignment, train))


def inner_folds(assignment: Rows, train: Rows) -> tuple[tuple[Rows, Rows], ...]:
    """Return training and test rows of each inner fold, given the fold of every row and the rows to learn from."""
    return tuple(
        (train[assignment[train] != other], train[assignment[train] == other])
        for other in np.unique(assignment[train]).tolist()
    )
