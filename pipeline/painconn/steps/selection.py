"""The rows of the table that a target is about: one per person, or two for a contrast within people."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.data import DataConfig
from painconn.config.targets import Contrast, Observation
from painconn.errors import DesignError, Problem
from painconn.features.names import KEYS, QUALITY, join
from painconn.paths import Results
from painconn.prediction.design import MINIMUM_BLOCKS
from painconn.steps.blinding import Lots
from painconn.steps.people import QUALITY_COVARIATES, people_of, target_people
from painconn.store import read_parquet, read_result


@dataclass(frozen=True)
class Selection:
    """Observations of one contrast, in the order of participant labels (and a before b).

    Parameters
    ----------
    features : DataFrame (observations, columns)
        Numbers; several sessions of a person are averaged.
    participants, labels, sites : list of str
        Per observation; the label of an association is the score as text.
    covariates : DataFrame (observations, covariates)
        Of the participants table and of the EEG.
    a, b : str
        Names of the two sides; an effect is b minus a.
    kind : {'between', 'within', 'association'}
        Whether the sides are people or observations of the same people, or the ends of a score.
    dropped : list of dict
        Participants left out, and why.
    exchanged : frozenset of str
        Within people, who has the two sides exchanged by lot; nobody in a study that is not blinded.
    """

    features: pd.DataFrame
    participants: list[str]
    labels: list[str]
    sites: list[str]
    covariates: pd.DataFrame
    a: str
    b: str
    kind: str
    dropped: list[dict[str, str]]
    exchanged: frozenset[str] = frozenset()

    @property
    def n_sides(self) -> tuple[int, int]:
        """Number of observations on side a and side b; of an association everybody, twice."""
        if self.kind == "association":
            return len(self.labels), len(self.labels)
        return self.labels.count(self.a), self.labels.count(self.b)

    def side(self, label: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return features and covariates of one side, indexed by participant."""
        chosen = np.array([own == label for own in self.labels])
        index = pd.Index([person for person, keep in zip(self.participants, chosen, strict=True) if keep], dtype=object)
        return self.features[chosen].set_axis(index, axis=0), self.covariates[chosen].set_axis(index, axis=0)


def read_features(results: Results) -> pd.DataFrame:
    """Read the study-wide table after checking that it, and what lies beside it, is what its sidecar says."""
    read_result(results.table)
    return read_parquet(results.group("features.parquet"))


def select(
    table: pd.DataFrame,
    data: DataConfig,
    contrast: Contrast,
    *,
    covariates: list[str],
    minimum_per_group: int,
    where: str,
    lots: Lots | None,
) -> Selection:
    """Select the observations of a contrast and open the labels.

    Parameters
    ----------
    table : DataFrame
        The study-wide table.
    data : DataConfig
        Where the participants table is.
    contrast : Contrast
        What is compared.
    covariates : list of str
        Names of covariates.
    minimum_per_group : int
        Smallest group that is analysed.
    where : str
        Field of the study file, for messages.
    lots : Lots or None
        Of a blinded study: labels, scores and sides are dealt by them, and stay closed.

    Raises
    ------
    InputError, DesignError
        When labels or covariates are at fault, or too few people remain.
    """
    if contrast.among_people:
        assert contrast.observation is not None  # noqa: S101 — guaranteed by the model
        people = lots.people(data) if lots else people_of(data)
        if lots and contrast.kind == "between":
            # How many of each group remain is decided by lot, too: only what cannot be computed at all stops the study.
            minimum_per_group = min(minimum_per_group, MINIMUM_BLOCKS)
        exchanged = frozenset[str]()
        rows = per_person(table, contrast.observation)
        chosen = target_people(
            people, set(rows.index), contrast, covariates=covariates, minimum_per_group=minimum_per_group, where=where
        )
        names = sorted(chosen.labels.index)
        features = rows.loc[names]
        dropped = chosen.dropped + _without_rows(table, set(rows.index), people.index)
        labels = [str(chosen.labels[name]) for name in names]
        extra = chosen.covariates.reindex(names)
        a, b = (str(contrast.a), str(contrast.b)) if contrast.kind == "between" else score_sides(contrast)
    else:
        sides = [side for side in (contrast.a, contrast.b) if isinstance(side, Observation)]
        first, second = (per_person(table, side) for side in sides)
        both = set(first.index) & set(second.index)
        exchanged = lots.exchanged(contrast, both) if lots else frozenset()
        people = pd.DataFrame(index=sorted(both))
        chosen = target_people(
            people, both, contrast, covariates=covariates, minimum_per_group=minimum_per_group, where=where
        )
        people_in_order = sorted(both)
        names = [name for name in people_in_order for _ in sides]
        a, b = (observation_name(side) for side in sides)
        labels = [a, b] * len(people_in_order)
        pairs = [(name, (second, first) if name in exchanged else (first, second)) for name in people_in_order]
        features = pd.concat([rows.loc[[name]] for name, pair in pairs for rows in pair])
        dropped = _without_rows(table, both, people.index)
        extra = pd.DataFrame(index=names)
    sites = features.pop("site").astype(str).tolist()
    _require_quality(features, covariates, where)
    quality = {name: features[join(QUALITY, name)].to_numpy() for name in covariates if name in QUALITY_COVARIATES}
    known = extra.reset_index(drop=True).assign(**quality)
    features = features.reset_index(drop=True)
    return Selection(features, names, labels, sites, known, a, b, contrast.kind, dropped, exchanged)


def _require_quality(features: pd.DataFrame, covariates: list[str], where: str) -> None:
    missing = [name for name in covariates if name in QUALITY_COVARIATES and join(QUALITY, name) not in features]
    if missing:
        found = f"no column {', '.join(join(QUALITY, name) for name in missing)} in the table"
        raise DesignError(
            Problem(where, found, "the covariates named", "leave them out, or add the columns to the table")
        )


def score_sides(contrast: Contrast) -> tuple[str, str]:
    """Return the names of the two ends of an association."""
    return f"lower {contrast.column}", f"higher {contrast.column}"


def observation_name(observation: Observation) -> str:
    """Return the name of an observation: its condition, with the window when there are several."""
    return observation.condition if observation.window == "epoch" else f"{observation.condition}, {observation.window}"


def per_person(table: pd.DataFrame, observation: Observation) -> pd.DataFrame:
    """Return one row per participant: the mean over sessions of an observation's rows."""
    rows = table[(table["condition"] == observation.condition) & (table["window"] == observation.window)]
    sites = rows.groupby("participant")["site"].first()
    means = rows.drop(columns=[key for key in KEYS if key != "participant"]).groupby("participant").mean()
    return means.assign(site=sites)


def _without_rows(table: pd.DataFrame, used: set[str], people: "pd.Index[Any]") -> list[dict[str, str]]:
    recorded = set(table["participant"])
    missing = [
        (name, "excluded, or not recorded in what this target compares")
        for name in sorted((recorded | set(people)) - used)
    ]
    return [{"participant": name, "reason": reason} for name, reason in missing]
