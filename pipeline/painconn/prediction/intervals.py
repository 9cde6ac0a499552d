r"""How sure an AUC is.

Conventions of this file: an interval is for the *expected* AUC of this pipeline at this number of people, so that it
must cover the luck of the training sets as well as that of the test rows. The permuted AUCs carry both: each comes
from complete refits. Their spread around one half is taken from the null to the AUC :math:`A` by the ratio of the
Hanley-McNeil variances :math:`H`, and the interval is symmetric in :math:`\operatorname{logit} A`:

.. math:: \sigma_A^2 = \overline{(A_\pi - \tfrac12)^2} \, \frac{H(\tilde A)}{H(1/2)}, \qquad
          \operatorname{logit} \tilde A \pm z \, \frac{\sigma_A}{\tilde A (1 - \tilde A)}, \qquad
          \tilde A = \frac{A n + 1/4}{n + 1/2}

with n the size of the smaller class; the pull towards one half keeps the interval open at :math:`A = 0` and 1.
Its coverage was measured by simulation (``benchmarks/auc_coverage.py``) and is printed beside it.
"""

import json
from functools import cache
from importlib.resources import files
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

METHOD = "permutation spread scaled by the Hanley-McNeil variance, logit scale"
LOWEST_COVERAGE = 0.92
ENOUGH_LABELLINGS = 100

_COVERAGE_FILE = "auc_coverage.json"


def hanley_mcneil_variance(auc: float, n_a: int, n_b: int) -> float:
    """Return the sampling variance of an AUC for fixed scores (Hanley & McNeil 1982, 10.1148/radiology.143.1.7063747).

    Their two pair terms, which differ only by which label spreads more, are averaged: nothing is known about that.

    Parameters
    ----------
    auc : float
        In (0, 1); taken symmetrically about one half.
    n_a, n_b : int
        Rows of each label.
    """
    high = max(auc, 1.0 - auc)
    square = high * high
    shared = (high / (2.0 - high) + 2.0 * square / (1.0 + high)) / 2.0 - square
    return (high * (1.0 - high) + (n_a + n_b - 2) * shared) / (n_a * n_b)


def auc_interval(
    auc: float, null: NDArray[np.float64], *, n_a: int, n_b: int, level: float = 0.95
) -> tuple[float, float]:
    """Compute the interval of an expected within-fold AUC.

    Parameters
    ----------
    auc : float
        Observed AUC, in [0, 1].
    null : (m,) array
        AUCs of the same evaluation under permuted labels.
    n_a, n_b : int
        Rows of each label.
    level : float
        Nominal coverage.

    Returns
    -------
    low, high : float
        In [0, 1], holding ``auc``.
    """
    centre = _pulled(auc, n_a, n_b)
    spread = np.sqrt(np.mean((null - 0.5) ** 2) * _variance_ratio(centre, n_a, n_b)) / (centre * (1.0 - centre))
    reach = norm.isf((1.0 - level) / 2.0) * spread
    low, high = expit(logit(centre) - reach), expit(logit(centre) + reach)
    return float(min(low, auc)), float(max(high, auc))


def increment_interval(
    with_features: float,
    without: float,
    null_difference: NDArray[np.float64],
    *,
    n_a: int,
    n_b: int,
    level: float = 0.95,
) -> tuple[float, float]:
    """Compute the interval of a difference of two AUCs of the same folds.

    Parameters
    ----------
    with_features, without : float
        The two observed AUCs.
    null_difference : (m,) array
        Their difference under the same permuted labels.
    n_a, n_b, level
        As for :func:`auc_interval`.

    Returns
    -------
    low, high : float
        In [-1, 1]; symmetric about the difference.
    """
    ratio = np.mean([_variance_ratio(_pulled(auc, n_a, n_b), n_a, n_b) for auc in (with_features, without)])
    reach = norm.isf((1.0 - level) / 2.0) * np.sqrt(np.mean(null_difference**2) * ratio)
    difference = with_features - without
    return float(max(difference - reach, -1.0)), float(min(difference + reach, 1.0))


def coverage_note(quantity: str, value: float, *, kind: str, n_a: int, n_b: int) -> dict[str, str]:
    """Say how often this interval held the truth in the simulated design nearest to this one.

    Parameters
    ----------
    quantity : {"auc", "increment"}
        Which interval.
    value : float
        The estimate.
    kind : {"between", "within"}
        Kind of target.
    n_a, n_b : int
        Rows of each label.

    Returns
    -------
    note : dict
        ``interval_coverage_note``, and ``interval_warning`` where the measured coverage is below 0.92.
    """

    def distance(cell: dict[str, Any]) -> float:
        sizes = zip(sorted((n_a, n_b)), sorted((cell["n_a"], cell["n_b"])), strict=True)
        return sum(abs(log(here / there)) for here, there in sizes) + abs(value - cell["truth"])

    cells = [cell for cell in measured_coverage()["cells"] if cell["quantity"] == quantity]
    nearest = min((cell for cell in cells if cell["kind"] == kind), key=distance, default=None) or min(
        cells, key=distance
    )
    place = (
        f"{nearest['n_a']} v {nearest['n_b']} {nearest['kind']} people, {nearest['n_features']} features, "
        f"expected {quantity} {nearest['truth']:.2f}, {nearest['n_simulations']} simulations"
    )
    note = {
        "interval_coverage_note": f"the 95 % interval held the truth in {100 * nearest['coverage']:.1f} % of cases in "
        f"the nearest simulated design ({place})"
    }
    if nearest["coverage"] < LOWEST_COVERAGE:
        note["interval_warning"] = (
            f"this interval is too narrow: measured coverage {100 * nearest['coverage']:.1f} % instead of 95 %"
        )
    return note


@cache
def measured_coverage() -> dict[str, Any]:
    """Return the coverage table that ``benchmarks/auc_coverage.py`` wrote."""
    table: dict[str, Any] = json.loads(files("painconn.prediction").joinpath(_COVERAGE_FILE).read_text("utf-8"))
    return table


def _pulled(auc: float, n_a: int, n_b: int) -> float:
    smaller = min(n_a, n_b)
    return (auc * smaller + 0.25) / (smaller + 0.5)


def _variance_ratio(auc: float, n_a: int, n_b: int) -> float:
    return hanley_mcneil_variance(auc, n_a, n_b) / hanley_mcneil_variance(0.5, n_a, n_b)
