"""What is evaluated, put in the order of participants and handed back in the order it came.

Nothing may hang on the order of rows: folds and draws follow participant labels, and sums are taken in one order.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem
from painconn.prediction.confounds import confound_table, numeric_table, varying_columns
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows, RowStep
from painconn.prediction.registry import why_not


def ordered_features(
    features: pd.DataFrame,
    order: Rows,
    *,
    classifier: str,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
    seed: int = 0,
) -> tuple[FeatureTable, int]:
    """Return features as a table with its rows in an order, and how many columns vary.

    Raises
    ------
    DesignError
        When no feature varies, or the classifier needs matrices and there are none.
    InputError
        When a value is infinite.
    """
    table = replace(
        numeric_table(features.iloc[order]),
        matrices=tuple(matrices),
        steps=tuple(step.rows(order) for step in steps),
        seed=seed,
    )
    n_varying = int(varying_columns(table).sum())
    if n_varying == 0:
        raise DesignError(
            Problem(
                where="features",
                found=f"{features.shape[1]} columns, none of which varies",
                wanted="at least one feature with different values",
                fix="look for the reason in the exclusions and in the features that are not computable",
            )
        )
    lacking = why_not(classifier, matrices)
    if lacking:
        fix = "choose a feature set with all edges of a symmetric measure, or another classifier"
        raise DesignError(Problem(f"classifier {classifier}", lacking, "whole matrices", fix))
    return table, n_varying


def ordered_baseline(
    baseline: pd.DataFrame,
    order: Rows,
    *,
    features: pd.DataFrame,
    table: FeatureTable,
) -> FeatureTable:
    """Return a baseline as a table with its rows in an order, beside the table of the features.

    A baseline with the columns of the features has their matrices.
    """
    same_columns = list(baseline.columns) == list(features.columns)
    matrices = table.matrices if same_columns else ()
    return replace(confound_table(baseline.iloc[order]), matrices=matrices, seed=table.seed)


def first_labelling(scored: FoldScores) -> FoldScores:
    """Keep the scores of the first labelling alone, one per row, and let the memory of the others go."""
    return replace(
        scored, test=scored.test[:, 0].copy(), inner=scored.inner[:, 0].copy(), setting=scored.setting[:1].copy()
    )


def renumbered(fold: Fold, order: Rows) -> Fold:
    """Return a fold of ordered rows with the numbers that the rows came with."""
    return replace(
        fold,
        train=order[fold.train],
        test=order[fold.test],
        inner=tuple((order[train], order[test]) for train, test in fold.inner),
    )
