"""Ensembles of trees: random forests and histogram gradient boosting.

Conventions of this file: nothing is tuned, since trees of few people have little to tune and each fit costs much; the
inner folds serve the calibration of probabilities only. Settings suit tens of people, not thousands.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.estimators import SEED, Recipe, score_with
from painconn.prediction.folds import FeatureTable, Fold, FoldScores
from painconn.prediction.nested import negative_squared_error

N_TREES = 200
N_ROUNDS = 50

_FOREST = {"n_estimators": N_TREES, "min_samples_leaf": 2, "random_state": SEED}
_BOOSTING = {
    "max_iter": N_ROUNDS,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 5,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "random_state": SEED,
}


def forest(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by a random forest (see ``score_with``).

    References
    ----------
    Breiman (2001), 10.1023/A:1010933404324.
    """
    return score_with(Recipe(_forest), table, signs, folds)


def boosting(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by histogram gradient boosting (see ``score_with``).

    References
    ----------
    Friedman (2001), 10.1214/aos/1013203451.
    """
    return score_with(Recipe(_boosting), table, signs, folds)


def predict_forest(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by a random forest of a third of the columns per split."""
    return score_with(Recipe(_forest_of_numbers, goodness=negative_squared_error), table, values, folds)


def predict_boosting(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by histogram gradient boosting."""
    return score_with(Recipe(_boosting_of_numbers, goodness=negative_squared_error), table, values, folds)


def _forest(_: float) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(max_features="sqrt", **_FOREST)


def _forest_of_numbers(_: float) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(max_features=1 / 3, **_FOREST)


def _boosting(_: float) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_BOOSTING)


def _boosting_of_numbers(_: float) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(**_BOOSTING)
