"""Blinded mode: who has which label is decided by lot until settings and exclusions are locked.

Conventions of this file: a lot deals the labels of a site, in the order of the alphabet, to its people, in the order
of a hash of their names and of a salt. What comes out depends on how many have which label and never on who: two tables
that differ only in who has which label give the same bytes. Within people the two sides are exchanged by lot.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from painconn.config.data import DataConfig
from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast
from painconn.errors import InputError, IntegrityError, Problem
from painconn.paths import Results
from painconn.provenance import seed_for, text_hash
from painconn.steps.people import people_of
from painconn.store import read_json, read_parquet, write_json

_KEY, _LOTS = "blinding", "lots"


@dataclass(frozen=True)
class Lots:
    """The lots of a study.

    Parameters
    ----------
    seed : int
        The study seed.
    salt : str
        Random text of the results folder, so that the seed alone does not tell the lots.
    columns : tuple of str
        Columns of people's tables that are a label or a score of some contrast.
    sites : mapping of str to str
        Site by participant; labels are dealt within a site. Who is not in it is dealt with the others who are not.
    """

    seed: int
    salt: str
    columns: tuple[str, ...]
    sites: Mapping[str, str]

    def people(self, data: DataConfig) -> pd.DataFrame:
        """Read the people of a study, with labels and scores by lot.

        Who is left out by name takes part in the lot: the counts of those who stay must not tell whose label it was.
        """
        people = people_of(data)
        everybody = self._everybody(data, people)
        dealt = {column: self._dealt(everybody[column]) for column in self.columns if column in everybody}
        return people.assign(**{column: labels.reindex(people.index) for column, labels in dealt.items()})

    def exchanged(self, contrast: Contrast, participants: Iterable[str]) -> frozenset[str]:
        """Return the people whose two sides of a contrast within people are exchanged."""
        sides = sorted(side.model_dump_json() for side in contrast.observations)
        return frozenset(one for one in participants if seed_for(self.seed, "sides", self.salt, *sides, one) & 1)

    def _everybody(self, data: DataConfig, people: pd.DataFrame) -> pd.DataFrame:
        whole = data.participants.model_copy(update={"exclude": ()})
        try:
            return people_of(data.model_copy(update={"participants": whole}))
        except InputError:
            return people  # what is wrong in the rows of those who are left out is no reason to stop

    def _dealt(self, column: "pd.Series[Any]") -> "pd.Series[Any]":
        of_site: dict[str, list[str]] = defaultdict(list)
        for person in map(str, column.index):
            of_site[self.sites.get(person, "")].append(person)
        dealt: dict[str, Any] = {}
        for people in of_site.values():
            labels = sorted(column.loc[people], key=lambda label: (label is None, str(label)))
            ranked = sorted(people, key=lambda one: (seed_for(self.seed, str(column.name), self.salt, one), one))
            dealt |= dict(zip(ranked, labels, strict=True))
        return pd.Series(dealt, dtype=object, name=column.name)


def blinding_of(study: StudyConfig, results: Results, *, write: bool) -> dict[str, Any]:
    """Return what the settings of a blinded study say about its lots; the salt itself is in the results folder only.

    Parameters
    ----------
    study : StudyConfig
        The study.
    results : Results
        The results folder; it gets a salt when it has none.
    write : bool
        Whether it may get one.
    """
    state = _state(results)
    if not state.get("salt") and write:
        opened = bool(state) or any(results.target(name, "declaration.json").is_file() for name in study.targets)
        state = {"salt": secrets.token_hex(32), "labels_were_opened": opened}
        write_json(results.blinding, state)
    contrasts = [section.contrast for part in (study.targets, study.positive_controls) for section in part.values()]
    columns = sorted({str(contrast.column) for contrast in contrasts if contrast.among_people})
    return {_KEY: {"fingerprint": text_hash(str(state.get("salt")))[:16], "columns": columns}}


def with_lots(results: Results, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a target with the lots that its labels are dealt by; as they are when it is not blinded.

    Raises
    ------
    IntegrityError
        When the salt is gone or another one.
    """
    if _KEY not in settings:
        return settings
    salt = str(_state(results).get("salt"))
    if text_hash(salt)[:16] != settings[_KEY]["fingerprint"]:
        found = "another salt than that of these settings"
        raise IntegrityError(
            Problem(str(results.blinding), found, "the salt of the blinded run", "run the study again")
        )
    lots = Lots(settings["seed"], salt, tuple(settings[_KEY]["columns"]), _sites(results, settings["data"]))
    return settings | {_LOTS: lots}


def lots_in(settings: Mapping[str, Any]) -> Lots | None:
    """Return the lots of :func:`with_lots`; None in a study that is not blinded.

    A blinded slice that did not go through :func:`with_lots` is an error of the program: it would open the labels.
    """
    lots: Lots | None = settings[_LOTS] if is_blinded(settings) else None
    return lots


def is_blinded(settings: Mapping[str, Any]) -> bool:
    """Whether these settings are of a blinded study."""
    return _KEY in settings


def mark_of(settings: Mapping[str, Any]) -> dict[str, bool]:
    """Return the mark of a blinded result; nothing otherwise."""
    return {"blinded": True} if is_blinded(settings) else {}


def labels_were_opened(results: Results) -> bool | None:
    """Whether true labels have been used in a results folder; None when it never was blinded."""
    state = _state(results)
    return bool(state["labels_were_opened"]) if state else None


def open_labels(results: Results) -> None:
    """Overwrite the salt: the lots cannot be told from the results any more."""
    if _state(results).get("salt"):
        write_json(results.blinding, {"salt": None, "labels_were_opened": True})


def _state(results: Results) -> dict[str, Any]:
    state: dict[str, Any] = read_json(results.blinding) if results.blinding.is_file() else {}
    return state


def _sites(results: Results, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the site of everybody with recordings, and of those left out by name where there is one site only."""
    if data["sources"][0]["layout"] == "features":
        rows = read_parquet(results.group("features.parquet"))[["participant", "site"]]
        sites = dict(rows.drop_duplicates("participant").itertuples(index=False, name=None))
    else:
        sites = {session["participant"]: session["site"] for session in read_json(results.inventory)["sessions"]}
    left_out: Collection[str] = data["participants"]["exclude"]
    only = set(sites.values())
    return {**(dict.fromkeys(left_out, only.pop()) if len(only) == 1 else {}), **sites}
