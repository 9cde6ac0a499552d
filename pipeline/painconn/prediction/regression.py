r"""Confound regression inside the fold: what covariates explain of the features is taken out of them.

Conventions of this file: with the training rows' covariates :math:`C` (an intercept among them) and features
:math:`X`, :math:`B = C^+ X` is learned from training rows alone, and every row keeps :math:`x - c B`.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.confounds import confound_table
from painconn.prediction.folds import Rows


@dataclass(frozen=True)
class ConfoundRegression:
    """A step of the fold that regresses covariates out of every feature.

    It is linear: a classifier that is not (trees, radial kernels) can read the covariates from what is left, and with
    covariates that follow the label it can even read the label there (Hamdan et al. 2023,
    10.1093/gigascience/giad071). What label and covariates share is taken away with them.

    Parameters
    ----------
    covariates : (n, c) array
        Of each row; NaN takes the training mean, columns constant in training are ignored.

    References
    ----------
    Snoek et al. (2019), 10.1016/j.neuroimage.2018.09.074.
    """

    covariates: NDArray[np.float64]

    @classmethod
    def of(cls, covariates: pd.DataFrame) -> Self:
        """Take covariates as :func:`painconn.prediction.confounds.confound_table` makes numbers of them."""
        return cls(confound_table(covariates).values)

    def rows(self, order: Rows) -> Self:
        """Return the same step for rows in another order."""
        return replace(self, covariates=self.covariates[order])

    def __call__(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        """Learn in the training rows and return all rows without what was learned, shape (n, p)."""
        scaled = standardised_covariates(self.covariates, train)
        learned = values[train] - values[train].mean(axis=0)
        coefficients = np.linalg.lstsq(scaled[train], learned, rcond=None)[0]
        return np.asarray(values - scaled @ coefficients)


def standardised_covariates(covariates: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
    """Return covariates (n, c) on the scale of the training rows: 0 in gaps and in columns constant in training."""
    known = ~np.isnan(covariates)
    n_known = np.maximum(known[train].sum(axis=0), 1)
    mean = np.where(known, covariates, 0.0)[train].sum(axis=0) / n_known
    centred = np.where(known, covariates - mean, 0.0)
    # A gap filled by a mean leaves the centre of the training rows where it was.
    deviation = centred[train].std(axis=0)
    varies = deviation > len(train) * np.finfo(float).eps * np.maximum(np.abs(mean), 1.0)
    return np.asarray(centred * np.divide(1.0, deviation, out=np.zeros_like(deviation), where=varies))
