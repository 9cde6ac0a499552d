r"""Linear discriminant analysis with shrinkage, for many labellings at once.

Conventions of this file: the pooled covariance within labels is shrunk to a multiple of the identity,
:math:`\Sigma = (1 - \gamma) S_w + \gamma \frac{\mathrm{tr} S_w}{p} I`, and a row :math:`z` scores
:math:`z^\top \Sigma^{-1} d - \frac12 (m_+ + m_-)^\top \Sigma^{-1} d + \log(\pi_+/\pi_-)` with
:math:`d = m_+ - m_-`. Since :math:`S_w = S - \pi_+ \pi_- d d^\top` with the covariance :math:`S` of all training rows,
:math:`\Sigma^{-1} d` is a multiple of a ridge solution: the eigenbasis of the training rows serves every labelling and
every :math:`\gamma` here too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows
from painconn.prediction.nested import score_nested
from painconn.prediction.preparation import PreparedTable
from painconn.prediction.ridge import Basis

SHRINKAGES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)

# Share of the variance within labels, below which it counts as this much: two rows have none.
_LEAST_WITHIN = 1e-6


def score_labellings(table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> Iterator[FoldScores]:
    """Tune, fit and score the discriminant on every fold for every labelling.

    Parameters
    ----------
    table, signs, folds
        As for :func:`painconn.prediction.ridge.score_labellings`.

    Yields
    ------
    scores : FoldScores
        One per fold, in order; the setting is the shrinkage, from 0 (none) to 1 (means only).

    References
    ----------
    Friedman (1989), 10.1080/01621459.1989.10478752.
    """
    rows = PreparedTable.of(table)
    return score_nested(lambda train: _Discriminant(Basis.of(rows, train)), SHRINKAGES, signs, folds)


@dataclass(frozen=True)
class _Discriminant:
    basis: Basis

    def scores(self, rows: Rows, labels: NDArray[np.float64], settings: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return discriminant scores, shape (S, m, P)."""
        signs = labels[self.basis.train]
        n_train = len(signs)
        mean = signs.mean(axis=0)
        loadings = self.basis.eigenvectors.T @ (signs - mean)
        values = self.basis.eigenvalues[:, None]
        positive = (1 + mean) / 2
        product = positive * (1 - positive)
        to_difference = 1 / (2 * n_train * product)
        squared_distance = np.sum(values * loadings**2, axis=0) * to_difference**2
        total = max(float(self.basis.eigenvalues.sum()) / n_train, np.finfo(float).tiny)
        within = np.maximum(1 - product * squared_distance / total, _LEAST_WITHIN)
        solved = loadings / ((1 - settings[:, None]) * values / n_train + settings[:, None] * within)
        distance = np.sum(values * loadings * solved, axis=1) * to_difference**2
        scale = 1 / (1 - (1 - settings) * product * distance)
        offset = 0.5 * mean * distance * scale + np.log(positive / (1 - positive))
        projected = self.basis.projected[rows] @ solved
        return np.asarray(projected * (to_difference * scale)[:, None] + offset[:, None])
