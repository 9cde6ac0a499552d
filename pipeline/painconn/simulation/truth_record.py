"""The truth of a simulated cohort as a record: who is who, what was planted, and how large it came out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from itertools import combinations
from typing import Any

import numpy as np

from painconn.simulation.bookkeeping import Enrolled
from painconn.simulation.cohort import BODY, CohortSpec
from painconn.simulation.people import CONTROL, Person
from painconn.simulation.ratings import draw_sensitivity
from painconn.simulation.specification import Effect, Kind, Levels, Spread

People = Sequence[tuple[Enrolled, Person]]

_OF_KIND = {"moment": "moment_nam", "peak": "peak_hz"}
_DELAYS_S: Mapping[Kind, float | None] = {"zero_lag": 0.0, "amplitude": None}
"""Delay of the kinds of coupling that do not have the declared one."""


def truth_record(spec: CohortSpec, people: People, *, seed: int) -> dict[str, Any]:
    """Return everything that is true of a cohort, ready for JSON.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    people : sequence of (Enrolled, Person)
        Everybody in the dataset.
    seed : int
        Seed of the cohort.

    Returns
    -------
    truth : dict
        ``painconn`` (version), ``seed``, ``cohort`` (what was declared), ``couplings`` (edges, band in Hz, span),
        ``effects`` (declared and realised), ``people``.
    """
    return {
        "painconn": metadata.version("painconn"),
        "seed": seed,
        "cohort": spec.as_record(),
        "couplings": _couplings(spec, people),
        "effects": [asdict(one) | realised(spec, one, people) for one in spec.effects],
        "people": [_person(spec, one, person, seed) for one, person in people],
    }


def trait_of(person: Person, trait: str) -> float | str | None:
    """Return one person's trait, by the name that an effect uses; None where the person has none."""
    if trait == "pain_now" and person.group == CONTROL:
        return None
    kind, _, name = trait.partition(":")
    if name:
        return dict(getattr(person, _OF_KIND.get(kind, "artefacts" if kind == "artefact" else kind))).get(name)
    return getattr(person, trait) if trait in BODY else person.covariates.get(trait)


def realised(spec: CohortSpec, effect: Effect, people: People) -> dict[str, Any]:
    """Return how large an effect came out in the people who were drawn (copies do not count).

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    effect : Effect
        One of its effects.
    people : sequence of (Enrolled, Person)
        Everybody in the dataset.

    Returns
    -------
    realised : dict
        ``realised_d``: for a group or a level Cohen's d between those at the level and the others whom no other effect
        moves, for a number the slope per declared standard deviation over the residual one; None where it is not
        defined. ``n``: people at the level and others. A trait that is text has its counts in ``realised_counts``.
    """
    own = [person for one, person in people if one.source == one.label]
    rivals = {one.level for one in spec.effects if one.trait == effect.trait and one.by == effect.by} - {effect.level}
    told = [(_source(spec, effect, person), trait_of(person, effect.trait), person) for person in own]
    kept = [
        (float(source), value)
        for source, value, person in told
        if source is not None and value is not None and _by(effect, person) not in rivals
    ]
    x, values = [source for source, _ in kept], [value for _, value in kept]
    found: dict[str, Any] = {"realised_d": None}
    if effect.level is not None:
        found["n"] = {"at_level": int(sum(x)), "others": int(len(x) - sum(x))}
    if isinstance(spec.traits()[effect.trait], Levels):
        found["realised_counts"] = {
            where: {level: sum(v == level and s == at for s, v in kept) for level in sorted(set(map(str, values)))}
            for where, at in (("at_level", 1.0), ("others", 0.0))
        }
        return found
    return found | {"realised_d": _slope(np.array(x), np.array(values, dtype=float))}


def _slope(x: np.ndarray, y: np.ndarray) -> float | None:
    if len(x) < 3 or np.ptp(x) == 0:
        return None
    slope, intercept = np.polyfit(x, y, 1)
    left = np.sqrt(np.sum((y - intercept - slope * x) ** 2) / (len(x) - 2))
    return float(slope / left) if left > 1e-12 * np.abs(y).max() else None


def _by(effect: Effect, person: Person) -> float | str | None:
    return person.group if effect.by == "group" else person.covariates.get(effect.by)


def _source(spec: CohortSpec, effect: Effect, person: Person) -> float | None:
    value = _by(effect, person)
    if value is None or effect.level is not None:
        return None if value is None else float(value == effect.level)
    declared = spec.covariates.declared()[effect.by]
    assert isinstance(declared, Spread)  # noqa: S101 — an effect by text has a level
    return (float(value) - declared.mean) / declared.sd


def _couplings(spec: CohortSpec, people: People) -> list[dict[str, Any]]:
    widths = {one.name: one.width_hz for one in spec.rhythms}
    records = []
    for one in spec.couplings:
        peaks = [person.peak_hz[one.rhythm] for _, person in people]
        reach = 2 * widths[one.rhythm]
        together = (one.followers,) if one.kind == "directed" else (one.leaders, one.followers)
        records.append(
            {
                "name": one.name,
                "kind": one.kind,
                "span": one.span,
                "rhythm": one.rhythm,
                "delay_s": _DELAYS_S.get(one.kind, one.delay_s),
                "band_hz": [round(min(peaks) - reach, 3), round(max(peaks) + reach, 3)],
                "edges": [[leader, follower] for leader in one.leaders for follower in one.followers],
                "beside": [list(pair) for role in together for pair in combinations(role, 2)],
            }
        )
    return records


def _person(spec: CohortSpec, one: Enrolled, person: Person, seed: int) -> dict[str, Any]:
    sensitivity = draw_sensitivity(spec, one.source, one.group, seed=seed)
    return asdict(person) | {
        "participant": one.label,
        "stated_group": one.stated_group,
        "same_recording_as": None if one.source == one.label else one.source,
        "psychophysics": None if sensitivity is None else asdict(sensitivity),
    }
