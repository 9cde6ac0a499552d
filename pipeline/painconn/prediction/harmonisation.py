r"""Harmonisation inside the fold: what sites add to the columns, and how they stretch them, is taken out.

Conventions of this file: in the training rows column :math:`g` of person :math:`j` at site :math:`i` is

.. math:: y_{ijg} = e_{jg} + \gamma_{ig} + \delta_{ig} \varepsilon_{ijg}, \qquad e_{jg} = \alpha_g + c_j^\top \beta_g ,

with the covariates :math:`c` to be preserved (none by default). A row keeps
:math:`(y - e_{jg} - \gamma^*_{ig}) / \delta^*_{ig} + e_{jg}`, with the empirical Bayes estimates of ComBat: columns
divided by their pooled standard deviation within sites, the shifts of a site normal and its variances inverse gamma
over the columns. That deviation rests on n minus the number of sites, not on n as in the paper: harmonised rows
then lie on the scale of rows that are not, the people of a site that training never saw.

No label is looked at. Preserving what a label explains would need the labels of the rows tested, and the classifier
could read there what was preserved: accuracies rise without an effect when sites differ in their groups (Nygaard et
al. 2016, 10.1093/biostatistics/kxv027).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.confounds import confound_table
from painconn.prediction.folds import Fold, Rows
from painconn.prediction.regression import standardised_covariates

Method = Literal["combat", "centre_site"]

FEWEST = 2
"""Training people below which nothing is learned of a site."""

_CONVERGED = 1e-8
_MOST_ROUNDS = 200
_SAME_ZERO = 1e-12


@dataclass(frozen=True)
class SiteHarmonisation:
    """A step of the fold that takes out of every column what the sites add to it, or how they stretch it, too.

    A person of a site with fewer than 2 training people keeps the numbers as they are: one person does not tell what
    the site adds, and what is left is the prior of all sites, shift 0 and scale 1. Each site has a linear map of its
    own: a classifier that is not linear could read from what is left which one was used.

    Parameters
    ----------
    sites : (n,) array of str
        Of each row; one row per person.
    method : {'combat', 'centre_site'}
        ComBat with shift and scale, or the plain training mean of each site.
    covariates : (n, c) array, optional
        What they explain inside sites is preserved; NaN takes the training mean.

    References
    ----------
    Johnson et al. (2007), 10.1093/biostatistics/kxj037; Fortin et al. (2018), 10.1016/j.neuroimage.2017.11.024.
    """

    sites: NDArray[np.str_]
    method: Method
    covariates: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, sites: Sequence[str], method: Method, preserved: pd.DataFrame | None = None) -> Self:
        """Take sites as text, and covariates to preserve as a table with a row per observation."""
        numbers = None if preserved is None else confound_table(preserved).values
        return cls(np.asarray(sites, dtype=np.str_), method, numbers)

    def rows(self, order: Rows) -> Self:
        """Return the same step for rows in another order."""
        covariates = None if self.covariates is None else self.covariates[order]
        return replace(self, sites=self.sites[order], covariates=covariates)

    def __call__(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        """Learn in the training rows and return all rows harmonised, shape (n, p)."""
        members = self._members(train)
        if not members:
            return values
        expected = self._expected(values, train)
        residual = values - expected
        shift, scale = _site_effects(residual, members, self.method)
        for place, site in enumerate(members):
            own = self.sites == site
            residual[own] = (residual[own] - shift[place]) / scale[place]
        return np.asarray(residual + expected)

    def _members(self, train: Rows) -> dict[str, Rows]:
        """Return the training rows of each site that has enough of them."""
        of_train = self.sites[train]
        members = {str(site): train[of_train == site] for site in np.unique(of_train)}
        return {site: rows for site, rows in members.items() if len(rows) >= FEWEST}

    def _expected(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        """Return what is expected of each row whatever its site, shape (n, p) or (p,)."""
        mean = np.asarray(values[train].mean(axis=0))
        if self.covariates is None:
            return mean
        scaled = standardised_covariates(self.covariates, train)
        inside, explained = scaled[train].copy(), values[train].copy()
        for site in np.unique(self.sites[train]):
            own = self.sites[train] == site
            inside[own] -= inside[own].mean(axis=0)
            explained[own] -= explained[own].mean(axis=0)
        # What only differs between sites cannot be told from them: its slope is 0.
        inside[:, inside.std(axis=0) < np.sqrt(_SAME_ZERO)] = 0.0
        return np.asarray(mean + scaled @ np.linalg.lstsq(inside, explained, rcond=None)[0])


def unseen_sites(sites: Sequence[str], folds: Iterable[Fold]) -> list[str]:
    """Return the sites that have people to test or to tune on in a fold without any in its training rows."""
    names = np.asarray(sites, dtype=np.str_)
    unseen: set[str] = set()
    for fold in folds:
        for train, test in ((fold.train, fold.test), *fold.inner):
            unseen |= set(names[test].tolist()) - set(names[train].tolist())
    return sorted(unseen)


def _site_effects(
    residual: NDArray[np.float64], members: dict[str, Rows], method: Method
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return shift and scale of each site in units of the columns, two arrays of shape (sites, p)."""
    means = np.array([residual[rows].mean(axis=0) for rows in members.values()])
    if method == "centre_site":
        return means, np.ones_like(means)
    n = np.array([[len(rows)] for rows in members.values()], dtype=float)
    variances = np.array([residual[rows].var(axis=0, ddof=1) for rows in members.values()])
    pooled = np.sqrt(((n - 1.0) * variances).sum(axis=0) / (n - 1.0).sum())
    size = np.max([np.abs(residual[rows]).max(axis=0) for rows in members.values()], axis=0)
    varies = pooled > _SAME_ZERO * size
    shift, scale = means.copy(), np.ones_like(means)
    if varies.any():
        unit = pooled[varies]
        gamma, delta_squared = _posterior(means[:, varies] / unit, variances[:, varies] / unit**2, n)
        shift[:, varies] = gamma * unit
        scale[:, varies] = np.where(delta_squared > _SAME_ZERO, np.sqrt(delta_squared), 1.0)
    return shift, scale


def _posterior(
    gamma_hat: NDArray[np.float64], delta_hat: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Return the conditional posterior means of shifts and variances given each other, (sites, columns) each.

    The moments of the inverse gamma are put in, so that variances that are the same in all columns need no case of
    their own.
    """
    if gamma_hat.shape[1] < 2:
        return gamma_hat, delta_hat
    centre, spread = gamma_hat.mean(axis=1, keepdims=True), gamma_hat.var(axis=1, ddof=1, keepdims=True)
    mean = np.maximum(delta_hat.mean(axis=1, keepdims=True), _SAME_ZERO)
    variance = delta_hat.var(axis=1, ddof=1, keepdims=True)
    gamma, delta = gamma_hat, np.maximum(delta_hat, _SAME_ZERO)
    for _ in range(_MOST_ROUNDS):
        moved = (n * spread * gamma_hat + delta * centre) / (n * spread + delta)
        squares = (n - 1.0) * delta_hat + n * (gamma_hat - moved) ** 2
        stretched = (mean**3 + mean * variance + squares * variance / 2.0) / ((n / 2.0 + 1.0) * variance + mean**2)
        change = max(float(np.max(np.abs(moved - gamma))), float(np.max(np.abs(stretched - delta))))
        gamma, delta = moved, stretched
        if change < _CONVERGED:
            break
    return gamma, delta
