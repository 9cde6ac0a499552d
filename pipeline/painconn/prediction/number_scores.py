r"""How well numbers were predicted.

Conventions of this file: predictions of different folds come from different models and are never put side by side.
With :math:`F` the test folds of a repeat and :math:`\bar y_{f}` the mean of the training rows of fold :math:`f`,

.. math:: R^2 = 1 - \frac{\sum_{f \in F} \sum_{i \in f} (y_i - \hat y_i)^2}
                         {\sum_{f \in F} \sum_{i \in f} (y_i - \bar y_{f})^2}

is 0 for a model that predicts the training mean, and is averaged over repeats. Correlation and slope are those of
deviations from the mean of the own test fold: where training rows have a low mean the rows left out have a high one, so
that predictions pooled over folds correlate negatively with the truth when there is nothing to find.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from painconn.prediction.folds import FoldScores

_SAME_ZERO = 1e-12


@dataclass(frozen=True)
class NumberScores:
    """What one regression reached, for P lists of scores at once.

    Parameters
    ----------
    r2 : (P,) array
        Cross-validated R2 against the training mean, averaged over repeats.
    r : (P,) array
        Pearson correlation of deviations inside test folds, averaged over repeats; 0 when predictions are constant.
        Its mean over shuffled scores is still below 0: where chance points the wrong way the model shrinks, and what
        little is left of its predictions counts as much as any other.
    recovered : (P,) array
        Covariance of deviations inside test folds per variance of the true ones, averaged over repeats. Nothing is
        divided by the spread of the predictions, so that its mean over scores shuffled inside test folds is exactly 0.
    fold_r2 : (n_repeats, n_folds) array
        Of the first list of scores.
    """

    r2: NDArray[np.float64]
    r: NDArray[np.float64]
    recovered: NDArray[np.float64]
    fold_r2: NDArray[np.float64]


def score_numbers(scored: Sequence[FoldScores], values: NDArray[np.float64]) -> NumberScores:
    """Score predictions of P lists of scores, (n, P)."""
    errors = np.array([np.sum((values[each.fold.test] - each.test) ** 2, axis=0) for each in scored])
    spreads = np.array(
        [np.sum((values[each.fold.test] - values[each.fold.train].mean(axis=0)) ** 2, axis=0) for each in scored]
    )
    repeats = np.array([each.fold.repeat for each in scored])
    products = np.array([_products(each.test, values[each.fold.test]) for each in scored])
    r2, r, recovered = [], [], []
    for repeat in np.unique(repeats):
        own = repeats == repeat
        r2.append(1.0 - errors[own].sum(axis=0) / spreads[own].sum(axis=0))
        within = products[own].sum(axis=0)
        r.append(_correlation(within))
        recovered.append(within[0] / np.maximum(within[2], np.finfo(float).tiny))
    n_repeats = len(np.unique(repeats))
    ratio = np.divide(errors[:, 0], spreads[:, 0], out=np.ones(len(scored)), where=spreads[:, 0] > 0)
    return NumberScores(
        r2=np.mean(r2, axis=0),
        r=np.mean(r, axis=0),
        recovered=np.mean(recovered, axis=0),
        fold_r2=(1.0 - ratio).reshape(n_repeats, -1),
    )


def describe_errors(scored: Sequence[FoldScores], values: NDArray[np.float64]) -> dict[str, float | None]:
    """Describe the predictions of one list of scores, (n,), one per row.

    Returns
    -------
    summary : dict
        ``mae`` and ``rmse`` in units of the score, and those of predicting the training mean (``..._no_skill``);
        ``within_fold_rank_r``, the correlation of ranks inside test folds; ``calibration_slope``, true units per
        predicted unit inside test folds (1 is right, below 1 predictions lie too far apart; None when all are equal).
    """
    error = np.concatenate([values[each.fold.test] - each.test for each in scored])
    plain = np.concatenate([values[each.fold.test] - values[each.fold.train].mean() for each in scored])
    ranked = np.sum([_products(rankdata(each.test), rankdata(values[each.fold.test])) for each in scored], axis=0)
    mixed, predicted, _ = np.sum([_products(each.test, values[each.fold.test]) for each in scored], axis=0)
    return {
        "mae": float(np.mean(np.abs(error))),
        "mae_no_skill": float(np.mean(np.abs(plain))),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "rmse_no_skill": float(np.sqrt(np.mean(plain**2))),
        "within_fold_rank_r": float(_correlation(ranked)),
        "calibration_slope": float(mixed / predicted) if predicted > _smallest(values) else None,
    }


def _products(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums of products inside one test fold: mixed, of predictions, of true scores; shape (3, P) or (3,)."""
    first, second = predicted - predicted.mean(axis=0), true - true.mean(axis=0)
    return np.array([np.sum(first * second, axis=0), np.sum(first**2, axis=0), np.sum(second**2, axis=0)])


def _correlation(products: NDArray[np.float64]) -> NDArray[np.float64]:
    mixed, predicted, true = products
    size = np.sqrt(predicted * true)
    # Constant predictions differ by rounding only.
    varies = predicted > _SAME_ZERO * np.maximum(true, np.finfo(float).tiny)
    return np.divide(mixed, size, out=np.zeros_like(size), where=varies & (size > 0))


def _smallest(values: NDArray[np.float64]) -> float:
    return _SAME_ZERO * float(np.sum((values - values.mean()) ** 2))
