r"""How sure a cross-validated R2 is.

Conventions of this file: an interval is for the *expected* R2 of this pipeline at this number of people. Two things
make it vary from cohort to cohort. The people tested: with person :math:`i`'s mean squared error :math:`a_i` and
squared distance :math:`b_i` from the training means, the influence of a person on :math:`R^2 = 1 - \bar a / \bar b` is
:math:`u_i = ((1 - R^2) b_i - a_i) / \bar b` and its standard error :math:`s = \operatorname{sd}(u) / \sqrt n`. And the
luck of the training sets: for K folds it adds :math:`K / (K - 1)` times that variance, as Nadeau & Bengio (2003)
correct for sets that share their people, and where there is little to learn what complete refits under shuffled
scores show, :math:`\sigma_0`. On the log scale of the error, with Student's t of :math:`n - 1`:

.. math:: \log (1 - R^2) \pm t \sqrt{\left(1 + \frac{K}{K - 1}\right) \frac{s^2}{(1 - R^2)^2} + \sigma_0^2}

This is no theorem: candidates were compared by simulation, and what this one covers is printed beside it
(``benchmarks/r2_coverage.py``).
"""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from painconn.prediction.folds import FoldScores
from painconn.prediction.intervals import LOWEST_COVERAGE

METHOD = "spread over people, corrected for shared training sets, with the permutation spread; log scale of the error"

_COVERAGE_FILE = "r2_coverage.json"
_SMALLEST_ERROR = 1e-12
_WIDEST = log(1e6)
"""Reach of the lower end: predictions of a person far from all others can be so wrong that it would be infinite."""


def influences(scored: Sequence[FoldScores], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the influence of each person on R2.

    Parameters
    ----------
    scored : sequence of FoldScores
        Predictions of one list of scores, one per row.
    values : (n,) array
        That list.
    """
    errors, spreads, tested = np.zeros(len(values)), np.zeros(len(values)), np.zeros(len(values))
    for each in scored:
        rows = each.fold.test
        errors[rows] += (values[rows] - each.test) ** 2
        spreads[rows] += (values[rows] - values[each.fold.train].mean()) ** 2
        tested[rows] += 1.0
    errors, spreads = errors / tested, spreads / tested
    return np.asarray((errors.mean() / spreads.mean() * spreads - errors) / spreads.mean())


def r2_interval(
    r2: float, null: NDArray[np.float64], influence: NDArray[np.float64], *, n_folds: int, level: float = 0.95
) -> tuple[float, float]:
    """Compute the interval of an expected R2.

    Parameters
    ----------
    r2 : float
        Observed.
    null : (m,) array
        R2 of the same evaluation under shuffled scores.
    influence : (n,) array
        Of each person on the observed one.
    n_folds : int
        Outer folds of a repeat.
    level : float
        Nominal coverage.

    Returns
    -------
    low, high : float
        At most 1, holding ``r2``; finite: the error of the lower end is at most a million times the observed one.
    """
    error = max(1.0 - r2, _SMALLEST_ERROR)
    reach = _reach(null, influence / error, n_folds, level)
    return float(1.0 - error * np.exp(min(reach, _WIDEST))), float(1.0 - error * np.exp(-reach))


def increment_interval(
    difference: float, null: NDArray[np.float64], influence: NDArray[np.float64], *, n_folds: int, level: float = 0.95
) -> tuple[float, float]:
    """Compute the interval of a difference of two R2 of the same folds, symmetric about it.

    Parameters
    ----------
    difference : float
        Observed.
    null : (m,) array
        The difference under the same shuffled scores.
    influence : (n,) array
        Of each person on the difference.
    n_folds : int
        Outer folds of a repeat.
    level : float
        Nominal coverage.
    """
    reach = _reach(null, influence, n_folds, level)
    return float(difference - reach), float(difference + reach)


def number_coverage(quantity: str, value: float, *, n: int) -> dict[str, str]:
    """Say how often this interval held the truth in the simulated design nearest to this one.

    Parameters
    ----------
    quantity : {"r2", "increment"}
        Which interval.
    value : float
        The estimate.
    n : int
        People.

    Returns
    -------
    note : dict
        ``interval_coverage_note``, and ``interval_warning`` where the measured coverage is below 0.92.
    """
    cells = [cell for cell in measured_coverage()["cells"] if cell["quantity"] == quantity]
    nearest = min(cells, key=lambda cell: abs(log(n / cell["n"])) + abs(value - cell["truth"]))
    covered = f"{100 * nearest['coverage']:.1f} %"
    note = {
        "interval_coverage_note": f"the 95 % interval held the truth in {covered} of cases in the nearest simulated "
        f"design ({nearest['n']} people, {nearest['n_features']} features, expected {quantity} {nearest['truth']:.2f}, "
        f"{nearest['n_simulations']} simulations)"
    }
    if nearest["coverage"] < LOWEST_COVERAGE:
        note["interval_warning"] = f"this interval is too narrow: measured coverage {covered} instead of 95 %"
    return note


@cache
def measured_coverage() -> dict[str, Any]:
    """Return the coverage table that ``benchmarks/r2_coverage.py`` wrote."""
    table: dict[str, Any] = json.loads(files("painconn.prediction").joinpath(_COVERAGE_FILE).read_text("utf-8"))
    return table


def _reach(null: NDArray[np.float64], influence: NDArray[np.float64], n_folds: int, level: float) -> float:
    tested = float(np.var(influence, ddof=1)) / len(influence)
    spread = np.sqrt((1.0 + n_folds / (n_folds - 1)) * tested + np.var(null))
    return float(t.isf((1.0 - level) / 2.0, len(influence) - 1) * spread)
