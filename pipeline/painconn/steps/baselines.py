"""What the features of a target must add something to: confounds, the ratings that made the label, the same at rest."""

from typing import Any

import pandas as pd

from painconn.config.data import DataConfig
from painconn.config.targets import Observation, Target
from painconn.features.names import QUALITY, join
from painconn.recordings.participants import covariate_columns
from painconn.recordings.phenotype.labels import LABEL_COLUMN
from painconn.steps.people import labels_of, people_of
from painconn.steps.selection import Selection, per_person

RATINGS, REST = "ratings", "rest"
ALWAYS_CONFOUNDS = ("n_epochs_kept", "muscle_index")
"""Beside the covariates of the study, unless a target states its own."""

_BESIDE_VALUES = ("label", "why_unclassified", "rule", "version", "unmet", "missing")


def confounds_of(settings: dict[str, Any], selection: Selection) -> pd.DataFrame | None:
    """Return the columns of the confound-only model, a row per observation; None when there are none.

    They are the covariates, the site where there are several, and what the recordings differ in (epochs kept, muscle)
    where the table has it. A target that states its covariates has those only.
    """
    table = selection.covariates.copy()
    if settings["target"]["covariates"] is None:
        for name in ALWAYS_CONFOUNDS:
            column = join(QUALITY, name)
            if name not in table and column in selection.features and selection.features[column].notna().any():
                table[name] = selection.features[column].to_numpy()
        if len(set(selection.sites)) > 1 and "site" not in table:
            table["site"] = selection.sites
    return table if len(table.columns) else None


def label_baselines(
    table: pd.DataFrame, settings: dict[str, Any], selection: Selection, columns: list[str]
) -> dict[str, pd.DataFrame]:
    """Return the tables that a label made from ratings has to be held against, each with a row per observation.

    Parameters
    ----------
    table : DataFrame
        The study-wide table.
    settings : dict
        Slice of the target.
    selection : Selection
        Observations of the target.
    columns : list of str
        Columns of the feature set.

    Returns
    -------
    baselines : dict of str to DataFrame
        ``ratings``: what the rule looked at. ``rest``: the columns of the feature set at rest, when the target is about
        something else; somebody without a recording at rest has gaps. Empty when the label is made from no ratings.
    """
    target = Target.model_validate(settings["target"])
    data = DataConfig.model_validate(settings["data"])
    if target.contrast.kind == "within":
        return {}
    ratings = _ratings(data, target, selection)
    if ratings is None:
        return {}
    baselines = {RATINGS: ratings}
    rest = rest_observation(table, data)
    observation = target.contrast.observation
    if rest is not None and observation is not None and observation.condition != rest.condition:
        at_rest = per_person(table, rest).reindex(index=selection.participants, columns=columns)
        if at_rest.notna().any(axis=None):
            baselines[REST] = at_rest.reset_index(drop=True)
    return baselines


def _ratings(data: DataConfig, target: Target, selection: Selection) -> pd.DataFrame | None:
    """Return the values that made the label; None when it is a given one."""
    if target.ratings:
        people = people_of(data).loc[selection.participants]
        return covariate_columns(people, target.ratings, setting="ratings of the target").reset_index(drop=True)
    if target.contrast.column != LABEL_COLUMN:
        return None
    labels = labels_of(data)
    if labels is None:
        return None
    values = labels.table().set_index("participant").drop(columns=list(_BESIDE_VALUES))
    values = values.reindex(selection.participants).dropna(axis=1, how="all").infer_objects()
    return values.reset_index(drop=True) if len(values.columns) else None


def rest_observation(table: pd.DataFrame, data: DataConfig) -> Observation | None:
    """Return the first condition at rest that the table has; of a ready table the one of that name."""
    named = [name for name, condition in data.conditions.items() if condition.kind == "rest"] or ["rest"]
    there = set(table.loc[table["window"] == "epoch", "condition"])
    return next((Observation(condition=name) for name in named if name in there), None)
