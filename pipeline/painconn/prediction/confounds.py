"""Covariates as columns of a model."""

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from painconn.errors import InputError, Problem
from painconn.prediction.folds import FeatureTable, FoldStep, Rows


def numeric_table(features: pd.DataFrame) -> FeatureTable:
    """Return features as a table of numbers with weight 1.

    Parameters
    ----------
    features : DataFrame, (n, p)
        Numbers; NaN where a feature is not computable.

    Raises
    ------
    InputError
        When a value is infinite.
    """
    values = features.to_numpy(dtype=float)
    infinite = features.columns[np.isinf(values).any(axis=0)]
    if len(infinite):
        names = ", ".join(map(str, infinite[:5])) + (", ..." if len(infinite) > 5 else "")
        raise InputError(
            Problem("features", f"infinite values in {names}", "finite numbers or NaN", "correct these columns")
        )
    return FeatureTable(values=np.ascontiguousarray(values), weights=np.ones(values.shape[1]))


def confound_table(confounds: pd.DataFrame) -> FeatureTable:
    """Return covariates as a table of numbers.

    Numbers and truth values stay as they are (gaps take the training mean in each fold); anything else becomes one
    0/1 column per value, with a value of its own for a gap. Labels are not looked at.

    Parameters
    ----------
    confounds : DataFrame, (n, c)
        A row per observation.

    Returns
    -------
    table : FeatureTable
        At least as many columns as covariates.
    """
    columns: list[pd.Series | pd.DataFrame] = []
    for name in confounds.columns:
        column = confounds[name]
        if is_numeric_dtype(column):
            columns.append(column.astype(float))
        else:
            text = column.astype(object).where(column.notna(), "missing").astype(str)
            columns.append(pd.get_dummies(text, prefix=str(name)).astype(float))
    return numeric_table(pd.concat(columns, axis=1))


def varying_columns(table: FeatureTable) -> NDArray[np.bool_]:
    """Return which columns hold at least two different numbers."""
    values = table.values
    missing = np.isnan(values)
    low = np.where(missing, np.inf, values).min(axis=0)
    high = np.where(missing, -np.inf, values).max(axis=0)
    return high > low


def joined_table(features: FeatureTable, confounds: FeatureTable) -> FeatureTable:
    """Put features and covariates side by side with equal total variance.

    A handful of covariates among thousands of features would be drowned by the penalty; each covariate is weighted
    by the square root of (varying features / varying covariates), so that the two blocks start even. Matrices are those
    of both; steps of the fold are those of the features and leave the covariates alone.
    """
    n_features, n_confounds = int(varying_columns(features).sum()), int(varying_columns(confounds).sum())
    balance = np.sqrt(max(n_features, 1) / max(n_confounds, 1))
    n_before = features.values.shape[1]
    return FeatureTable(
        values=np.hstack([features.values, confounds.values]),
        weights=np.concatenate([features.weights, balance * confounds.weights]),
        matrices=(*features.matrices, *(np.where(one < 0, one, one + n_before) for one in confounds.matrices)),
        steps=tuple(partial(_on_features, step, n_before) for step in features.steps),
        seed=features.seed,
    )


def _on_features(step: FoldStep, n_features: int, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
    """Apply a step of the fold to the features and leave the covariates beside them as they are."""
    return np.hstack([step(values[:, :n_features], train), values[:, n_features:]])
