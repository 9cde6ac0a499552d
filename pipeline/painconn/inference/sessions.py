"""Several sessions per person: a mixed model with an intercept per person, beside the tests of the means."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

SESSION_COLUMNS = (
    "test", "estimate", "standard_error", "z", "p_mixed", "share_between_people", "n_people", "n_observations",
    "reason",
)  # fmt: skip

_FEWEST_REPEATED = 2
_ON_THE_BOUND = "not computable: no variance between people, the estimate lies on its bound"


def mixed_models(
    values: pd.DataFrame, people: pd.Series, effect: pd.Series, covariates: Mapping[str, Floats] | None = None
) -> pd.DataFrame:
    """Fit ``value ~ effect + covariates + (1 | person)`` to every test by restricted maximum likelihood.

    Parameters
    ----------
    values : DataFrame (observations, tests)
        A row per person, session and side; rows without a value are left out test by test.
    people : Series (observations)
        Whose observation it is.
    effect : Series (observations)
        0 and 1 for two sides, a number for a score.
    covariates : mapping of str to array, shape (observations,), optional
        Further columns; constant ones are left out.

    Returns
    -------
    table : DataFrame
        A row per test with the columns ``SESSION_COLUMNS``: Wald z and its two-sided p from the normal distribution,
        which is too small with few people; share of the variance that lies between people. Where the model did not
        converge, or its variance lies on the bound, the numbers are missing and ``reason`` says why.
    """
    columns = {name: column for name, column in (covariates or {}).items() if np.ptp(column) > 0}
    return pd.DataFrame(
        [_row(test, values[test], people, effect, columns) for test in values.columns], columns=list(SESSION_COLUMNS)
    )


def _row(
    test: str, values: pd.Series, people: pd.Series, effect: pd.Series, covariates: Mapping[str, Floats]
) -> dict[str, object]:
    known = np.isfinite(values.to_numpy(dtype=np.float64))
    own = people[known]
    counts = {"test": test, "n_people": own.nunique(), "n_observations": int(known.sum()), "reason": ""}
    if int((own.value_counts() > 1).sum()) < _FEWEST_REPEATED:
        return counts | {"reason": f"fewer than {_FEWEST_REPEATED} people with several observations"}
    array = values[known].to_numpy(dtype=np.float64)
    spread = array.std()
    if spread == 0:
        return counts | {"reason": "the same for all observations"}
    design = np.column_stack([np.ones(own.size), effect[known], *(column[known] for column in covariates.values())])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return counts | {"reason": "covariates that determine the effect"}
    return counts | _fitted(array / spread, design, own, spread)


def _fitted(values: Floats, design: Floats, people: pd.Series, spread: float) -> dict[str, object]:
    """Fit one model; everything that statsmodels warns about makes it not computable."""
    # Optimisers that follow the gradient run into the bound where the optimum is not; Powell's does not use it.
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found = MixedLM(values, design, groups=people.to_numpy()).fit(reml=True, method="powell")
        except np.linalg.LinAlgError:
            return {"reason": _ON_THE_BOUND}
    between, within = float(found.cov_re[0, 0]), float(found.scale)
    doubts = [str(one.message) for one in told if issubclass(one.category, ConvergenceWarning)]
    if not found.converged:
        return {"reason": "not computable: the fit did not converge"}
    if between <= 1e-8 * within or any("boundary" in doubt for doubt in doubts):
        return {"reason": _ON_THE_BOUND}
    if doubts:
        return {"reason": f"not computable: {doubts[0].rstrip('.')}"}
    z = float(found.fe_params[1] / found.bse_fe[1])
    return {
        "estimate": float(found.fe_params[1]) * spread,
        "standard_error": float(found.bse_fe[1]) * spread,
        "z": z,
        "p_mixed": float(2 * special.ndtr(-abs(z))),
        "share_between_people": between / (between + within),
    }
