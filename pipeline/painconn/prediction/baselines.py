"""What the features have to add something to: covariates, and further tables that are treated like them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pandas as pd

from painconn.prediction.confounds import joined_table
from painconn.prediction.folds import FeatureTable, Rows
from painconn.prediction.ordering import ordered_baseline

CONFOUNDS = "confounds"

Run = TypeVar("Run")


def named_baselines(
    features: pd.DataFrame,
    confounds: pd.DataFrame | None,
    baselines: Mapping[str, pd.DataFrame] | None,
    *,
    n_rows: int,
) -> dict[str, pd.DataFrame]:
    """Return every baseline by name, the confounds first.

    Raises
    ------
    ValueError
        When a table has another number of rows than the design.
    """
    named = ({} if confounds is None else {CONFOUNDS: confounds}) | dict(baselines or {})
    if any(len(table) != n_rows for table in (features, *named.values())):
        raise ValueError("features, baselines and design must have the same rows")
    return named


def compare_with_baselines(
    baselines: Mapping[str, pd.DataFrame],
    features: pd.DataFrame,
    table: FeatureTable,
    order: Rows,
    *,
    run: Callable[[FeatureTable], Run],
    performance: Callable[[Run], dict[str, Any]],
    increment: Callable[[Run, Run, str], dict[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluate each baseline alone and with the features beside it.

    Parameters
    ----------
    baselines : mapping of str to DataFrame (n, c)
        From :func:`named_baselines`.
    features : DataFrame, (n, p)
        Rows as in the baselines.
    table, order : FeatureTable, (n,) array of int
        The features as a table with its rows in this order.
    run, performance : callable
        Evaluates a table on the folds of the design; and what is reported of that.
    increment : callable
        What is reported of features and baseline together, of the baseline alone and of its name.

    Returns
    -------
    alone : dict
        Performance of each baseline by its name.
    increments : dict
        ``increment`` over the confounds and ``increment_over`` the other baselines by name, where there are any.
    """
    alone: dict[str, Any] = {}
    over: dict[str, Any] = {}
    for name, baseline in baselines.items():
        covariates = ordered_baseline(baseline, order, features=features, table=table)
        without, together = run(covariates), run(joined_table(table, covariates))
        alone[name] = {"columns": [str(column) for column in baseline.columns], **performance(without)}
        over[name] = increment(together, without, name)
    increments = {"increment": over.pop(CONFOUNDS)} if CONFOUNDS in over else {}
    return alone, increments | ({"increment_over": over} if over else {})
