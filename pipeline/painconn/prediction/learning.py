"""Learning curve: the same evaluation when a part of the people is learned from."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import Fold

LEARNING_FRACTIONS = (0.5, 0.75, 1.0)
LEARNING_REPEATS = 2


def learning_curve(
    participants: NDArray[np.str_],
    folds_of: Callable[[float], Sequence[Fold]],
    reached: Callable[[Sequence[Fold]], dict[str, float]],
) -> list[dict[str, float]]:
    """Evaluate with parts of the people.

    Parameters
    ----------
    participants : (n,) array of str
        Participant of each row.
    folds_of : callable
        Outer folds that learn from a fraction; none where a training set would be too small.
    reached : callable
        The score on such folds, by its name.

    Returns
    -------
    curve : list of dict
        ``fraction``, ``n_train_participants`` (mean over folds) and the score.
    """
    curve = []
    for fraction in LEARNING_FRACTIONS:
        folds = folds_of(fraction)
        if folds:
            n_train = float(np.mean([len(set(participants[fold.train].tolist())) for fold in folds]))
            curve.append({"fraction": fraction, "n_train_participants": n_train, **reached(folds)})
    return curve
