r"""Connectome-based predictive modelling, for many labellings at once.

Conventions of this file: columns whose correlation with the labels of the training rows passes a threshold form a
positive and a negative network; the *strength* of a row is the sum of its standardised values over the positive
network minus that over the negative one, and a line through the training rows turns it into a score. Unlike in the
paper columns are standardised (they need not have one unit), the two networks share one line, and the threshold is
tuned.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.estimators import HeldOutScores
from painconn.prediction.folds import FeatureTable, Fold, FoldScores
from painconn.prediction.nested import Goodness, negative_squared_error, score_nested
from painconn.prediction.preparation import PreparedTable

THRESHOLDS = (0.05, 0.01, 0.001)

_NUMBERS_AT_ONCE = 8_000_000


def score_labellings(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Tune, fit and score networks of columns on every fold for every labelling.

    Parameters
    ----------
    table, signs, folds
        As for :func:`painconn.prediction.ridge.score_labellings`.

    Yields
    ------
    scores : FoldScores
        One per fold, in order; the setting is the two-sided p below which a column is taken.

    References
    ----------
    Shen et al. (2017), 10.1038/nprot.2016.178.
    """
    return _score(table, signs, folds, within_fold_auc)


def predict_numbers(table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Do the same for numbers instead of labels, as in the paper."""
    return _score(table, values, folds, negative_squared_error)


def _score(
    table: FeatureTable, labels: NDArray[np.float64], folds: Sequence[Fold], goodness: Goodness
) -> Iterator[FoldScores]:
    rows = PreparedTable.of(table)
    return score_nested(lambda train: _Networks(rows, train), THRESHOLDS, labels, folds, goodness=goodness)


class _Networks(HeldOutScores):
    def score_held_out(self, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = self.rows.standardised(self.train)
        training, held_out = scaled[self.train], scaled[self.held_out]
        n_labellings = labels.shape[1]
        scores = np.empty((len(settings), len(held_out), n_labellings))
        step = max(1, _NUMBERS_AT_ONCE // scaled.shape[1])
        for start in range(0, n_labellings, step):
            part = slice(start, start + step)
            scores[:, :, part] = _line(training, held_out, labels[:, part], settings[:, part])
        return scores


def _line(
    training: NDArray[np.float64],
    held_out: NDArray[np.float64],
    labels: NDArray[np.float64],
    settings: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Find the networks of each labelling and threshold, and fit the line from strength to label."""
    mean = labels.mean(axis=0)
    centred = labels - mean
    products = training.T @ centred
    lengths = np.sqrt(np.einsum("ij,ij->j", training, training))
    correlations = np.divide(products, lengths[:, None], out=np.zeros_like(products), where=lengths[:, None] > 0)
    spread = np.sqrt(np.sum(centred**2, axis=0))
    correlations /= np.where(spread > 0, spread, 1.0)
    scores = np.empty((len(settings), len(held_out), labels.shape[1]))
    for place, limits in enumerate(_limits(settings, len(training))):
        network = np.sign(correlations) * (np.abs(correlations) > limits)
        strength = training @ network
        variation = np.sum(strength**2, axis=0)
        slope = np.divide(
            np.sum(strength * centred, axis=0), variation, out=np.zeros_like(variation), where=variation > 0
        )
        scores[place] = mean + (held_out @ network) * slope
    return scores


def _limits(settings: NDArray[np.float64], n_rows: int) -> NDArray[np.float64]:
    """Return the correlation that each two-sided p stands for."""
    from scipy.stats import t

    quantiles = t.isf(settings / 2, n_rows - 2)
    return np.asarray(quantiles / np.sqrt(n_rows - 2 + quantiles**2))
