"""Ensembles of trees: random forests and histogram gradient boosting.

Conventions of this file: nothing is tuned, since trees of few people have little to tune and each fit costs much; the
inner folds serve the calibration of probabilities only. Settings suit tens of people, not thousands. Random numbers
have the seed of the table, the same one in every fold and labelling.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.estimators import Recipe, score_with
from painconn.prediction.folds import FeatureTable, Fold, FoldScores
from painconn.prediction.nested import negative_squared_error
from painconn.provenance import seed_for

N_TREES = 200
N_ROUNDS = 50

_SEEDS = 2**32
_FOREST = {"n_estimators": N_TREES, "min_samples_leaf": 2}
_BOOSTING = {
    "max_iter": N_ROUNDS,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 5,
    "l2_regularization": 1.0,
    "early_stopping": False,
}


def forest(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by a random forest (see ``score_with``).

    References
    ----------
    Breiman (2001), 10.1023/A:1010933404324.
    """
    return score_with(Recipe(_seeded(_forest, table)), table, signs, folds)


def boosting(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Score labellings by histogram gradient boosting (see ``score_with``).

    References
    ----------
    Friedman (2001), 10.1214/aos/1013203451.
    """
    return score_with(Recipe(_seeded(_boosting, table)), table, signs, folds)


def predict_forest(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by a random forest of a third of the columns per split."""
    recipe = Recipe(_seeded(_forest_of_numbers, table), goodness=negative_squared_error)
    return score_with(recipe, table, values, folds)


def predict_boosting(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Predict numbers by histogram gradient boosting."""
    recipe = Recipe(_seeded(_boosting_of_numbers, table), goodness=negative_squared_error)
    return score_with(recipe, table, values, folds)


def _seeded(build: Callable[[int, float], Any], table: FeatureTable) -> Callable[[float], Any]:
    return partial(build, seed_for(table.seed, "trees") % _SEEDS)


def _forest(seed: int, _: float) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(max_features="sqrt", random_state=seed, **_FOREST)


def _forest_of_numbers(seed: int, _: float) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(max_features=1 / 3, random_state=seed, **_FOREST)


def _boosting(seed: int, _: float) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed, **_BOOSTING)


def _boosting_of_numbers(seed: int, _: float) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(random_state=seed, **_BOOSTING)
