"""The classifier and the regression that look at no feature."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import FeatureTable, Fold, FoldScores


def score_labellings(
    table: FeatureTable,
    signs: NDArray[np.float64],
    folds: Sequence[Fold],
) -> Iterator[FoldScores]:
    """Give every row the score 0, so that nothing but the training prevalence is left to predict with.

    Parameters
    ----------
    table : FeatureTable
        Not looked at.
    signs, folds
        As for :func:`painconn.prediction.ridge.score_labellings`.

    Yields
    ------
    scores : FoldScores
        One per fold, in order.
    """
    n_labellings = signs.shape[1]
    for fold in folds:
        yield FoldScores(
            fold=fold,
            test=np.zeros((len(fold.test), n_labellings)),
            inner=np.zeros((len(fold.train), n_labellings)),
            setting=np.full(n_labellings, np.nan),
        )


def predict_numbers(
    table: FeatureTable,
    values: NDArray[np.float64],
    folds: Sequence[Fold],
) -> Iterator[FoldScores]:
    """Predict the mean of the training rows for every row."""
    n_labellings = values.shape[1]
    for fold in folds:
        inner = np.empty((len(fold.train), n_labellings))
        for train, test in fold.inner:
            inner[np.searchsorted(fold.train, test)] = values[train].mean(axis=0)
        yield FoldScores(
            fold=fold,
            test=np.repeat(values[fold.train].mean(axis=0)[None, :], len(fold.test), axis=0),
            inner=inner,
            setting=np.full(n_labellings, np.nan),
        )
