"""Any scikit-learn estimator as a classifier of this room.

Conventions of this file: gaps, steps of the fold and scaling are learned in the training rows before the estimator
sees anything (:mod:`painconn.prediction.preparation`); what needs labels, such as a selection of columns, belongs in
the estimator, which may be a pipeline. The estimator is refitted for each labelling, setting and training set. One that
draws random numbers is built with a seed, so that a fit depends on its training rows, labels and that seed alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows
from painconn.prediction.inputs import columns
from painconn.prediction.nested import Goodness, score_nested
from painconn.prediction.preparation import PreparedTable


@dataclass(frozen=True)
class Recipe:
    """How an estimator is made and tuned.

    Parameters
    ----------
    build : callable
        Takes a setting, returns an unfitted scikit-learn estimator.
    settings : sequence of float
        What to try, from the least to the most regularised; a single NaN when nothing is tuned.
    inputs : callable
        Takes the table and training rows, returns what the estimator is given, a row per row of the table.
    goodness : callable
        What tuning maximises on the inner folds.
    same_when_weaker : callable
        Whether a fitted estimator is already that of every less regularised setting.
    """

    build: Callable[[float], Any]
    settings: Sequence[float] = (np.nan,)
    inputs: Callable[[PreparedTable, Rows], NDArray[np.float64]] = columns
    goodness: Goodness = within_fold_auc
    same_when_weaker: Callable[[Any], bool] = lambda _: False


def score_with(
    recipe: Recipe, table: FeatureTable, labels: NDArray[np.float64], folds: Sequence[Fold]
) -> Iterator[FoldScores]:
    """Tune, fit and score an estimator on every fold for every labelling.

    Parameters
    ----------
    recipe : Recipe
        The estimator and its grid.
    table : FeatureTable
        n observations by p features.
    labels : (n, P) array
        A labelling per column: -1 or +1, or numbers for a regression.
    folds : sequence of Fold
        Outer folds; those of one repeat share their training sets when they stand together.

    Yields
    ------
    scores : FoldScores
        One per fold, in order. A score is the decision function where there is one, else the probability of +1, or the
        predicted number of a regression.
    """
    rows = PreparedTable.of(table)
    return score_nested(
        lambda train: _Refitted(recipe, rows, train), recipe.settings, labels, folds, goodness=recipe.goodness
    )


class HeldOutScores(ABC):
    """A training set whose held-out rows are all scored at once.

    Two inner folds of a repeat share a training set, and each asks for the rows of one: the second gets what is known.
    """

    def __init__(self, rows: PreparedTable, train: Rows) -> None:
        self.rows = rows
        self.train = train
        self.held_out = np.setdiff1d(np.arange(len(rows.values)), train)
        self._known: NDArray[np.float64] | None = None
        self._settings: NDArray[np.float64] | None = None

    def scores(self, rows: Rows, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score some of the held-out rows, shape (S, m, P)."""
        if self._known is None or self._settings is not settings:
            self._known, self._settings = self.score_held_out(labels[self.train], settings), settings
        return self._known[:, np.searchsorted(self.held_out, rows)]

    @abstractmethod
    def score_held_out(self, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score all held-out rows from the labels of the training rows, shape (S, n_held_out, P)."""


class _Refitted(HeldOutScores):
    def __init__(self, recipe: Recipe, rows: PreparedTable, train: Rows) -> None:
        super().__init__(rows, train)
        self._recipe = recipe

    def score_held_out(self, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        from sklearn import config_context

        inputs = self._recipe.inputs(self.rows, self.train)
        training, held_out = np.ascontiguousarray(inputs[self.train]), np.ascontiguousarray(inputs[self.held_out])
        scores = np.empty((len(settings), len(held_out), labels.shape[1]))
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for column in range(labels.shape[1]):
                scores[:, :, column] = self._of_labelling(training, held_out, labels[:, column], settings[:, column])
        return scores

    def _of_labelling(
        self,
        training: NDArray[np.float64],
        held_out: NDArray[np.float64],
        labels: NDArray[np.float64],
        settings: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Fit from the most to the least regularised setting."""
        scores = np.empty((len(settings), len(held_out)))
        for place in reversed(range(len(settings))):
            fitted = self._recipe.build(float(settings[place])).fit(training, labels)
            scores[place] = _score(fitted, held_out)
            if self._recipe.same_when_weaker(fitted):
                scores[:place] = scores[place]
                break
        return scores


def _score(fitted: Any, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    if hasattr(fitted, "decision_function"):
        return np.asarray(fitted.decision_function(rows))
    if hasattr(fitted, "predict_proba"):
        return np.asarray(fitted.predict_proba(rows)[:, 1])
    return np.asarray(fitted.predict(rows))
