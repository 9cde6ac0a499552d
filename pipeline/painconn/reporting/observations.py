"""Rows of the saved tables that belong to one side of a contrast."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from painconn.reporting.results import StudyResults, TargetResults

_KEYS = ("participant", "session", "condition", "window")


def labels_of(results: StudyResults, contrast: Mapping[str, Any]) -> pd.Series | None:
    """Return the label of each participant for a contrast between people.

    Labels are not part of the feature table; they come from the predictions of the first target that compares the same
    two labels of the same column.

    Parameters
    ----------
    results : StudyResults
        The saved results.
    contrast : mapping
        A contrast section of the study file.

    Returns
    -------
    labels : Series or None
        Indexed by participant; None when no saved table tells them.
    """
    for target in results.targets.values():
        asked = target.settings["contrast"]
        same = all(asked.get(key) == contrast.get(key) for key in ("kind", "column", "a", "b"))
        if same and target.predictions is not None:
            return target.predictions.drop_duplicates("participant").set_index("participant")["label"]
    return None


def observed(table: pd.DataFrame, observation: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of one condition and window, averaged over sessions: a row per participant, numeric columns."""
    window = observation.get("window", "epoch")
    rows = table[(table["condition"] == observation["condition"]) & (table["window"] == window)]
    numbers = rows.drop(columns=[*_KEYS, "site"], errors="ignore").select_dtypes(["number", "bool"])
    return numbers.groupby(rows["participant"]).mean()


def side_tables(
    results: StudyResults, contrast: Mapping[str, Any], table: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the rows of side a and of side b, a row per participant; None when labels are not known or hidden.

    Parameters
    ----------
    results : StudyResults
        The saved results.
    contrast : mapping
        A contrast section of the study file.
    table : DataFrame
        A row per observation (features or spectra).
    """
    if contrast["kind"] == "within":
        # Which condition a row is of stands in the table: blinded, nothing may be drawn from it.
        return None if results.blinded else (observed(table, contrast["a"]), observed(table, contrast["b"]))
    if contrast["kind"] == "association":
        return None
    labels, rows = labels_of(results, contrast), observed(table, contrast["observation"])
    if labels is None:
        return None
    a, b = (labels.index[labels == contrast[side]] for side in ("a", "b"))
    return rows[rows.index.isin(a)], rows[rows.index.isin(b)]


def compared_people(
    target: TargetResults, tables: tuple[pd.DataFrame, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep, within people, those who have both observations."""
    if target.kind != "within":
        return tables
    both = tables[0].index.intersection(tables[1].index)
    return tables[0].loc[both], tables[1].loc[both]


def mean_probabilities(target: TargetResults) -> tuple[pd.DataFrame, int] | None:
    """Return the mean out-of-fold probability per observation (columns side, probability) and the number of repeats.

    Side is 0 for a and 1 for b. None when no probability was saved.
    """
    predictions = target.predictions
    if predictions is None or "probability" not in predictions or predictions["probability"].isna().all():
        return None
    if "feature_set" in predictions:
        predictions = predictions[predictions["feature_set"] == target.primary_feature_set]
    saved = target.feature_sets.get(target.primary_feature_set) or {}
    positive = str(saved.get("positive") or target.sides[1])
    people = predictions.groupby(["participant", "label"])["probability"].mean().reset_index()
    people["side"] = people["label"].eq(positive).astype(int)
    return people[["side", "probability"]], int(predictions["repeat"].nunique())
