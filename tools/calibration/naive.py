"""A scheme that looks harmless and is not: what the calibration study has to catch (docs/method/prediction.md)."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedKFold

Floats = NDArray[np.float64]

_SAME_AUC = 1e-10


def naive_p(signs: Floats, values: Floats, seed: int, *, n_permutations: int) -> float:
    """Return p of a ridge classifier with folds stratified on the true labels, free permutation and one pooled AUC.

    Parameters
    ----------
    signs : array, shape (n,)
        Labels, -1 or 1.
    values : array, shape (n, features)
    seed, n_permutations : int

    Returns
    -------
    p : float
        Too small far more often than it says.
    """
    generator = np.random.default_rng(seed)
    labels = np.column_stack([signs, *[generator.permutation(signs) for _ in range(n_permutations)]])
    scores = np.empty_like(labels)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(values, signs):
        scaled = (values - values[train].mean(axis=0)) / values[train].std(axis=0)
        gram, mean = scaled @ scaled[train].T, labels[train].mean(axis=0)
        solved = np.linalg.solve(gram[train] + 10 * values.shape[1] * np.eye(len(train)), labels[train] - mean)
        scores[test] = gram[test] @ solved + mean
    auc = (rankdata(scores, axis=0) * (labels > 0)).sum(axis=0)
    return float((1 + np.sum(auc[1:] >= auc[0] - _SAME_AUC)) / (1 + n_permutations))
