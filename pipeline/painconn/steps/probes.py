"""What the audit looks for in the features of a target besides its label, and what else they should tell apart."""

from typing import Any

import numpy as np
import pandas as pd

from painconn.config.data import DataConfig
from painconn.config.targets import Target
from painconn.errors import DesignError, PainconnError
from painconn.features.names import QUALITY, join
from painconn.prediction.probes import Probe, halves, missing_pattern, read_from_features
from painconn.provenance import seed_for
from painconn.recordings.participants import covariate_columns
from painconn.steps.blinding import lots_in
from painconn.steps.harmonisation import harmonisation_of
from painconn.steps.people import people_of
from painconn.steps.selection import Selection, per_person

_COLUMNS = {
    "age": ("age", "age_years"),
    "sex": ("sex", "gender"),
    "pain side": ("pain_side", "painful_side", "side"),
    "medication": ("medication", "medicated"),
    "recorded at": ("site", "centre", "center", "laboratory"),
    "amplifier": ("amplifier",),
}
"""Columns of the participants table, in any case, by what they hold."""

_CONTROLS = ("age", "sex")
"""Of these, what is known to show in any EEG."""

_NEITHER = "its column holds neither numbers nor a few groups"

_QUALITY = {"epoch count": "n_epochs", "muscle": "muscle_index", "bad channels": "n_bad_channels"}
_KEPT = "n_epochs_kept"


def probes_of(settings: dict[str, Any], selection: Selection, columns: list[str]) -> list[Probe]:
    """Return the probes of a target, those without any value too.

    The epoch count is that of the epochs used; of a ready table that only has those kept, it is these. Within people
    only what differs between observations of a person is asked for. Harmonised features are probed as harmonised.
    """
    probes = []
    if selection.kind == "between":
        step = harmonisation_of(settings, selection)
        probes = [
            Probe("site", pd.Series(selection.sites, dtype=object), steps=() if step is None else (step,)),
            *_of_people(settings, selection),
        ]
    for name, number in _QUALITY.items():
        column = join(QUALITY, number)
        if number == "n_epochs" and column not in selection.features:
            column = join(QUALITY, _KEPT)
        probes.append(Probe(name, selection.features.get(column, _unknown(selection))))
    probes.append(missing_pattern(selection.features[columns]))
    if selection.kind == "between":
        order = pd.Series(np.arange(len(selection.participants), dtype=float))
        probes.append(Probe("file order", order, by_label=True))
    return probes


def positive_controls(
    table: pd.DataFrame, settings: dict[str, Any], selection: Selection, columns: list[str], *, seed: int
) -> list[dict[str, Any]]:
    """Return how well the same columns tell age (halves), sex and another condition of the same people.

    They are reported and gate nothing: columns that cannot even tell these apart make a target at chance easier to
    understand. A contrast within people takes the mean of a person's two observations.
    """
    values = selection.features[columns].assign(participant=selection.participants)
    mean = values.groupby("participant").mean()
    found = []
    for probe in _of_people(settings, selection):
        once = probe.values.set_axis(selection.participants)
        once = once[~once.index.duplicated()].dropna()
        if not probe.name.startswith(_CONTROLS) or once.nunique() < 2:
            continue
        classes = np.where(halves(once), "high", "low").tolist()
        found.append(_control(probe.name, mean.loc[once.index], once.index.tolist(), classes, "between", seed))
    # Blinded, it would answer what a target within people may ask.
    if selection.kind == "between" and not lots_in(settings):
        found += _another_condition(table, settings, selection, columns, seed)
    return found


def _another_condition(
    table: pd.DataFrame, settings: dict[str, Any], selection: Selection, columns: list[str], seed: int
) -> list[dict[str, Any]]:
    """Return how well the same people's observation is told from their first other one in the table."""
    observation = Target.model_validate(settings["target"]).contrast.observation
    assert observation is not None  # noqa: S101 — guaranteed by the model
    for condition, window in table[["condition", "window"]].drop_duplicates().itertuples(index=False):
        if condition == observation.condition:
            continue
        other = per_person(table, observation.model_copy(update={"condition": condition, "window": window}))
        both = [person for person in selection.participants if person in other.index]
        here = selection.features[columns].set_axis(selection.participants, axis=0)
        rows = pd.concat([here.loc[both], other.loc[both, columns]])
        classes = ["low"] * len(both) + ["high"] * len(both)
        return [_control(f"condition {condition}", rows, both * 2, classes, "within", seed)]
    return []


def _control(
    name: str, features: pd.DataFrame, people: list[str], classes: list[str], kind: Any, seed: int
) -> dict[str, Any]:
    try:
        found = read_from_features(features, people, classes, kind=kind, seed=seed_for(seed, "control", name))
    except DesignError:
        return {"control": name, "reason": "too few people on one side of it"}
    return {"control": name, "auc": found.auc, "p": found.p, "n": len(set(people))}


def _of_people(settings: dict[str, Any], selection: Selection) -> list[Probe]:
    """Return what the participants table knows of the people of each observation.

    Numbers; of more than two texts one probe per text but the first. Without values where there is no column, or one
    that is neither.
    """
    data, lots = DataConfig.model_validate(settings["data"]), lots_in(settings)
    people = lots.people(data) if lots else people_of(data)
    by_lower = {str(column).lower(): column for column in people.columns}
    found = []
    for name, wanted in _COLUMNS.items():
        column = next((by_lower[one] for one in wanted if one in by_lower), None)
        if column is None:
            found.append(Probe(name, _unknown(selection)))
            continue
        # Who is not in the participants table has no value of it.
        mine = people.reindex(list(dict.fromkeys(selection.participants))).fillna("n/a")
        try:
            numbers = covariate_columns(mine, [column])
        except PainconnError:
            found.append(Probe(name, _unknown(selection), unknown=_NEITHER))
            continue
        values = numbers.reindex(selection.participants).reset_index(drop=True)
        found += [Probe(str(one).replace(column, name).replace("__", " "), values[one]) for one in values]
    return found


def _unknown(selection: Selection) -> "pd.Series[Any]":
    return pd.Series(np.nan, index=range(len(selection.labels)))
