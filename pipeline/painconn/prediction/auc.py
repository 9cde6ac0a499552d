r"""Area under the ROC curve from pairs that stand in the same test fold.

Conventions of this file: scores of different folds come from different models and are never compared. Two scores
closer than :data:`SAME_SCORE` are a tie, which counts half; rounding must not decide an order.

.. math:: A = \frac{1}{RK} \sum_{r,k} \frac{1}{n_+ n_-} \sum_{i \in +, j \in -}
          \left( [s_i > s_j] + \tfrac12 [s_i = s_j] \right)
"""

import numpy as np
from numpy.typing import NDArray

SAME_SCORE = 1e-10


def within_fold_auc(scores: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the AUC of one test fold for many labellings.

    Parameters
    ----------
    scores : (..., n, P) array
        Scores of the fold's rows under each labelling (and each penalty, say, in front).
    signs : (n, P) array
        Labels of those rows, -1 or +1.

    Returns
    -------
    auc : (..., P) array
        In [0, 1]; ties count half; 0.5 in a column with one label only, which has no pairs.
    """
    n_rows = len(signs)
    wins = np.zeros((*scores.shape[:-2], scores.shape[-1]))
    for row in range(n_rows - 1):
        gap = scores[..., row : row + 1, :] - scores[..., row + 1 :, :]
        order = (gap > SAME_SCORE).astype(np.int8) - (gap < -SAME_SCORE)
        wins += np.einsum("...jp,jp->...p", order, signs[row] - signs[row + 1 :])
    n_positive = np.sum(signs > 0, axis=0)
    return 0.5 + wins / (4.0 * np.maximum(n_positive * (n_rows - n_positive), 1))
