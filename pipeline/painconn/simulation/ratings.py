"""How strong each pinprick feels: a power function of force, a person's own scale, hyperalgesia at a site.

Conventions of this file: ratings are whole numbers from 0 to the highest of the scale; force is in millinewton.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from painconn.simulation.cohort import CohortSpec
from painconn.simulation.people import pinpricks, stream
from painconn.simulation.specification import Psychophysics


@dataclass(frozen=True)
class Sensitivity:
    """One person's psychophysics: log rating of the reference force, exponent, and log gain at each site."""

    log_rating: float
    exponent: float
    log_gain: Mapping[str, float]


def draw_sensitivity(spec: CohortSpec, participant: str, group: str, *, seed: int) -> Sensitivity | None:
    """Draw one person's psychophysics; the group decides at which sites there is hyperalgesia, and nothing else.

    Parameters
    ----------
    spec, participant, group, seed
        As for :func:`painconn.simulation.people.draw_person`.

    Returns
    -------
    sensitivity : Sensitivity or None
        None when the spec declares no psychophysics.
    """
    declared = spec.psychophysics
    if declared is None:
        return None
    rng = stream(seed, participant, "psychophysics")
    log_rating, exponent = declared.log_rating.draw(rng), declared.exponent.draw(rng)
    painful, remote = declared.painful_log_gain.draw(rng), declared.remote_log_gain.draw(rng)
    painful *= group in declared.painful_in
    remote *= group in declared.remote_in
    gains = {site: painful if site == declared.painful_site else remote for site in spec.protocol.sites}
    return Sensitivity(log_rating, exponent, gains)


def felt(declared: Psychophysics, person: Sensitivity, site: str, force_mn: float, noise: float) -> int:
    """Return the rating of one pinprick; `noise` is added to its logarithm."""
    log_force = np.log(force_mn / declared.reference_mn)
    log_rating = person.log_rating + person.exponent * log_force + person.log_gain[site] + noise
    return int(np.rint(min(np.exp(log_rating), declared.highest_rating)))


def rate_pinpricks(spec: CohortSpec, participant: str, group: str, *, seed: int) -> tuple[int | None, ...]:
    """Return one person's rating of each of :func:`painconn.simulation.people.pinpricks`.

    Parameters
    ----------
    spec, participant, group, seed
        As for :func:`painconn.simulation.people.draw_person`.

    Returns
    -------
    ratings : tuple of int or None
        None where nobody asked: the spec declares no psychophysics.
    """
    events = pinpricks(spec, participant, seed=seed)
    declared, person = spec.psychophysics, draw_sensitivity(spec, participant, group, seed=seed)
    noise = stream(seed, participant, "ratings").standard_normal(len(events))
    return tuple(
        None
        if declared is None or person is None or one.site is None or one.force_mn is None
        else felt(declared, person, one.site, one.force_mn, declared.trial_sd * z)
        for one, z in zip(events, noise, strict=True)
    )
