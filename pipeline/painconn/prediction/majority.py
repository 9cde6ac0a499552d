"""The classifier that looks at no feature."""

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
    signs : (n, P) array
        A labelling per column, -1 or +1.
    folds : sequence of Fold
        Outer folds.

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
