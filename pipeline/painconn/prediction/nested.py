"""Tuning inside the training rows, the same for every classifier.

Conventions of this file: a classifier is a way to *learn* from a training set. What it returns scores rows for many
labellings, each under one or several settings; settings ascend from the least to the most regularised, and the most
regularised of equally good ones is chosen. Folds of one repeat share their training sets, and each is learned once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.folds import Fold, FoldScores, Rows

_SAME_GOODNESS = 1e-10

Goodness = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


class Learned(Protocol):
    """A training set made ready for any labelling of it."""

    def scores(self, rows: Rows, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score rows that were not trained on.

        Parameters
        ----------
        rows : (m,) array of int
            Rows of the table.
        labels : (n, P) array
            A labelling of the whole table per column; those of the training rows are looked at.
        settings : (S, P) array
            Settings to use for each labelling.

        Returns
        -------
        scores : (S, m, P) array
        """


def score_nested(
    learn: Callable[[Rows], Learned],
    settings: Sequence[float] | NDArray[np.float64],
    labels: NDArray[np.float64],
    folds: Sequence[Fold],
    *,
    goodness: Goodness = within_fold_auc,
) -> Iterator[FoldScores]:
    """Tune on the inner folds, learn from the training rows and score the test rows, for every labelling.

    Parameters
    ----------
    learn : callable
        Takes training rows.
    settings : sequence of float, length S
        What to try, from the least to the most regularised. A single one is not tuned.
    labels : (n, P) array
        A labelling per column: -1 or +1, or numbers for a regression.
    folds : sequence of Fold
        Outer folds; those of one repeat share their training sets when they stand together.
    goodness : callable
        Of the scores ``(S, m, P)`` and labels ``(m, P)`` of one inner test fold, higher is better; default the AUC.

    Yields
    ------
    scores : FoldScores
        One per fold, in order.
    """
    grid = np.asarray(settings, dtype=float)
    every = np.broadcast_to(grid[:, None], (len(grid), labels.shape[1]))
    known: dict[bytes, Learned] = {}
    repeat = None
    for fold in folds:
        if fold.repeat != repeat:
            known.clear()
            repeat = fold.repeat
        inner = []
        for train, test in fold.inner:
            scores = _learned(known, learn, train).scores(test, labels, every)
            inner.append((test, scores, goodness(scores, labels[test])))
        chosen = _last_best(np.mean([value for _, _, value in inner], axis=0))
        setting = grid[chosen]
        yield FoldScores(
            fold=fold,
            test=_learned(known, learn, fold.train).scores(fold.test, labels, setting[None, :])[0],
            inner=_inner_scores(fold, inner, chosen),
            setting=setting,
        )


def negative_squared_error(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return minus the mean squared error of each setting and labelling: the goodness of a regression."""
    return -np.asarray(np.mean((scores - labels) ** 2, axis=-2))


def _learned(known: dict[bytes, Learned], learn: Callable[[Rows], Learned], train: Rows) -> Learned:
    key = train.tobytes()
    if key not in known:
        known[key] = learn(train)
    return known[key]


def _last_best(goodness: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the last setting that is as good as the best one, per labelling; the unit of a score says nothing."""
    highest = goodness.max(axis=0)
    best = goodness >= highest - _SAME_GOODNESS * np.abs(highest)
    return np.asarray(len(goodness) - 1 - np.argmax(best[::-1], axis=0))


def _inner_scores(
    fold: Fold, inner: list[tuple[Rows, NDArray[np.float64], NDArray[np.float64]]], chosen: NDArray[np.intp]
) -> NDArray[np.float64]:
    gathered = np.empty((len(fold.train), len(chosen)))
    for test, scores, _ in inner:
        at_chosen = np.take_along_axis(scores, chosen[None, None, :], axis=0)[0]
        gathered[np.searchsorted(fold.train, test)] = at_chosen
    return gathered
