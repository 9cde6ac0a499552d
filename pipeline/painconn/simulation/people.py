"""The people of a simulated cohort: who they are, and what is drawn for each of them.

Conventions of this file: everything about a person follows from (seed, participant label, group), one random stream a
purpose, so that a cohort with another effect shares every number that the effect does not move.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.provenance import seed_for
from painconn.simulation.cohort import BODY, CohortSpec
from painconn.simulation.specification import Levels, Spread

Array = NDArray[np.float64]

CONTROL = "control"
"""The group without pain: none at the time of the recording, no duration, no side."""

_OF_PAIN = ("pain_duration_years", "pain_side")


@dataclass(frozen=True)
class Person:
    """One person's traits: what the truth says about them."""

    participant: str
    group: str
    covariates: Mapping[str, float | str]
    pain_now: float
    exponent: float
    background_uv: float
    evoked_nam: float
    peak_hz: Mapping[str, float]
    moment_nam: Mapping[str, float]
    suppression: Mapping[str, float]
    coupling: Mapping[str, float]
    artefacts: Mapping[str, float] = field(default_factory=dict)
    noisy_channel: str | None = None
    flat_channel: str | None = None
    popping_channel: str | None = None
    bridged_channels: tuple[str, ...] = ()
    channel_gains: Mapping[str, float] = field(default_factory=dict)


def stream(seed: int, participant: str, purpose: str) -> np.random.Generator:
    """Return the random numbers of one person for one purpose; they depend on nothing else."""
    return np.random.default_rng(seed_for(seed, "simulation", participant, purpose))


def roster(spec: CohortSpec, *, seed: int) -> tuple[tuple[str, str], ...]:
    """Return (participant label, group) of everybody, groups in seeded order so that a label tells nothing.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    seed : int
        Seed of the cohort.

    Returns
    -------
    people : tuple of (str, str)
        Labels ``001``, ``002`` ... in order.
    """
    groups = [group for group in sorted(spec.n_per_group) for _ in range(spec.n_per_group[group])]
    np.random.default_rng(seed_for(seed, "simulation", "roster")).shuffle(groups)
    return tuple((f"{number:03d}", group) for number, group in enumerate(groups, start=1))


def draw_person(spec: CohortSpec, participant: str, group: str, *, seed: int) -> Person:
    """Draw one person's traits; the group moves what an effect of the spec names, and nothing else.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    participant, group : str
        Label, and one of the spec's groups.
    seed : int
        Seed of the cohort.

    Returns
    -------
    person : Person
    """
    rng = stream(seed, participant, "traits")
    covariates = _covariates(spec, group, rng, stream(seed, participant, "covariates"))
    shift = _shifts(spec, group, covariates)
    body = {name: getattr(spec, name).draw(rng, shift_sd=shift(name)) for name in BODY}
    if group == CONTROL:
        body["pain_now"] = 0.0
    years = float(covariates["age"]) - 45
    peaks = {
        one.name: one.peak_hz.draw(rng, shift_sd=shift(f"peak:{one.name}")) + one.peak_hz_per_year * years
        for one in spec.rhythms
    }
    moments = {one.name: one.moment_nam.draw(rng, shift_sd=shift(f"moment:{one.name}")) for one in spec.rhythms}
    suppression = {
        one.name: one.suppression.draw(rng, shift_sd=shift(f"suppression:{one.name}")) for one in spec.rhythms
    }
    levels = _drawn(spec.artefacts, rng, shift)
    noisy, flat = (str(name) for name in rng.choice(spec.channels, 2, replace=False))
    has_noisy, has_flat = rng.random(2) < (spec.contacts.noisy_probability, spec.contacts.flat_probability)
    levels |= _drawn(spec.restlessness, stream(seed, participant, "restlessness"), shift)
    coupling_rng = stream(seed, participant, "coupling")
    return Person(
        participant=participant,
        group=group,
        covariates=covariates,
        **{name: round(value, 1) if name == "pain_now" else value for name, value in body.items()},
        peak_hz=peaks,
        moment_nam=moments,
        suppression=suppression,
        coupling={
            one.name: one.strength.draw(coupling_rng, shift_sd=shift(f"coupling:{one.name}")) for one in spec.couplings
        },
        artefacts=levels,
        noisy_channel=noisy if has_noisy else None,
        flat_channel=flat if has_flat else None,
        **_contacts(spec, stream(seed, participant, "contacts"), taken=(noisy, flat)),
    )


def _drawn(section: object, rng: np.random.Generator, shift: Callable[[str], float]) -> dict[str, float]:
    spreads = {name: value for name, value in vars(section).items() if isinstance(value, Spread)}
    return {name: value.draw(rng, shift_sd=shift(f"artefact:{name}")) for name, value in spreads.items()}


def _contacts(spec: CohortSpec, rng: np.random.Generator, *, taken: tuple[str, str]) -> dict[str, Any]:
    """Draw what pops, what is bridged to its nearest neighbour, and the gains; nothing that is noisy or flat."""
    contacts = spec.contacts
    free = [str(name) for name in rng.permutation(spec.channels) if name not in taken]
    pops, bridges = rng.random(2) < (contacts.popping_probability, contacts.bridged_probability)
    gains = np.exp(contacts.gain_sd * rng.standard_normal(len(spec.channels)))
    found: dict[str, Any] = {}
    if pops:
        found["popping_channel"] = free[0]
    if bridges:
        from painconn.cortex.montage import place_electrodes

        places_m = place_electrodes(free[1:])
        distance_m = {name: np.linalg.norm(place_m - places_m[free[1]]) for name, place_m in places_m.items()}
        found["bridged_channels"] = (free[1], min(free[2:], key=distance_m.__getitem__))
    if contacts.gain_sd:
        found["channel_gains"] = dict(zip(spec.channels, gains.tolist(), strict=True))
    return found


def _covariates(
    spec: CohortSpec, group: str, rng: np.random.Generator, own: np.random.Generator
) -> dict[str, float | str]:
    """Draw age and sex from the first stream, everything else from its own; correlations act on normal variables."""
    from scipy.stats import norm

    declared = spec.covariates.declared()
    normal = np.array([rng.standard_normal(), float(norm.ppf(rng.random())), *own.standard_normal(len(declared) - 2)])
    normal = np.linalg.cholesky(spec.covariates.correlation()) @ normal
    shift = _shifts(spec, group, {})
    values: dict[str, float | str] = {}
    for (name, trait), z in zip(declared.items(), normal, strict=True):
        value = trait.at(z + shift(name))
        values[name] = value if isinstance(value, str) else round(value, None if name == "age" else 1)
    if group == CONTROL:
        values = {name: value for name, value in values.items() if name not in _OF_PAIN}
    if spec.covariates.amplifier:
        values["amplifier"] = spec.covariates.amplifier[str(values["site"])]
    return values


def _shifts(spec: CohortSpec, group: str, covariates: Mapping[str, float | str]) -> Callable[[str], float]:
    """Return what says by how many standard deviations somebody's trait is moved."""
    declared = spec.covariates.declared()

    def size(by: str, level: str | None) -> float:
        if by == "group":
            return float(group == level)
        value, trait = covariates.get(by), declared[by]
        if value is None:
            return 0.0
        if isinstance(trait, Levels):
            return float(value == level)
        return (float(value) - trait.mean) / trait.sd

    def shift(trait: str) -> float:
        return sum(one.d * size(one.by, one.level) for one in spec.effects if one.trait == trait)

    return shift


@dataclass(frozen=True)
class Pinprick:
    """One stimulus; `site` and `force_mn` are None in a protocol that has only one kind."""

    onset_s: float
    site: str | None = None
    force_mn: float | None = None

    @property
    def name(self) -> str:
        """Return the name of the event: ``pinprick``, or ``pinprick/hand/256``."""
        return "pinprick" if self.site is None else f"pinprick/{self.site}/{self.force_mn:g}"


def pinpricks(spec: CohortSpec, participant: str, *, seed: int) -> tuple[Pinprick, ...]:
    """Return one person's pinpricks: on samples, at intervals that are uniform within the protocol's range.

    Every pair of site and force comes equally often (the first ones once more when it does not work out), shuffled.
    """
    protocol = spec.protocol
    intervals_s = stream(seed, participant, "pinpricks").uniform(*protocol.interval_s, protocol.n_pinpricks)
    onsets_s = protocol.rest_s + protocol.pause_s + np.cumsum(intervals_s) - protocol.interval_s[0]
    onsets_s = np.round(onsets_s * protocol.sfreq_hz) / protocol.sfreq_hz
    kinds = [(site, force) for site in protocol.sites for force in protocol.forces_mn]
    if not kinds:
        return tuple(Pinprick(float(onset_s)) for onset_s in onsets_s)
    order = stream(seed, participant, "pinprick kinds").permutation(protocol.n_pinpricks)
    return tuple(
        Pinprick(float(onset_s), *kinds[number % len(kinds)]) for onset_s, number in zip(onsets_s, order, strict=True)
    )


def pinprick_onsets_s(spec: CohortSpec, participant: str, *, seed: int) -> Array:
    """Return the times of one person's pinpricks."""
    return np.array([one.onset_s for one in pinpricks(spec, participant, seed=seed)])
