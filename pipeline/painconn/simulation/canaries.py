"""Canary cohorts: each has one known answer, most of them "nothing"; an analysis that says otherwise is at fault.

Conventions of this file: two groups of 12, localized and widespread; everybody has the same covariates, so that one
study file runs all of them. A confound acts in two steps, group on covariate and covariate on signal, and the group
itself moves nothing. Cohorts whose lesson is not in the cleaning have next to no artefacts.
"""

from dataclasses import replace

from painconn.simulation.cohort import CohortSpec
from painconn.simulation.demo import DEMO
from painconn.simulation.specification import (
    Artefacts,
    Block,
    Bookkeeping,
    Contacts,
    Coupling,
    Covariates,
    Effect,
    Levels,
    Protocol,
    Restlessness,
    Spread,
)

_REFERENCE, _PATIENTS = "localized", "widespread"
_NONE = Spread(0.0, 0.0, 0.0, 0.0)

_CALM = replace(Artefacts(), blink_uv=_NONE, muscle_burst_uv=_NONE, muscle_tone_uv=_NONE, line_uv=_NONE, drift_uv=_NONE)


def calmed(spec: CohortSpec) -> CohortSpec:
    """Return the cohort as if its recordings had been cleaned before: amplifier noise and heart beats are left."""
    return replace(spec, artefacts=_CALM, contacts=Contacts(noisy_probability=0.0, flat_probability=0.0))


def _by_group(trait: str, d: float) -> Effect:
    return Effect(trait=trait, by="group", level=_PATIENTS, d=d)


INSULAR_BRIDGE = Coupling(
    name="insula-lh with insula-rh",
    rhythm="alpha",
    leaders=("insula-lh",),
    followers=("insula-rh",),
    delay_s=0.025,
    strength=Spread(0.42, 0.10, 0.0, 0.95),
)
"""One edge of the block between the sensory groups; no test of another block holds it."""

_HARDLY_THERE = Spread(0.10, 0.15, 0.0, 0.95)
_STRONG = Spread(0.80, 0.08, 0.0, 0.95)
_ON_BRIDGE = f"coupling:{INSULAR_BRIDGE.name}"
_APPEARS = _by_group(_ON_BRIDGE, 4.0)
"""From hardly there to a share of 0.7: large enough for 12 people a group after all that lies between."""

_WITHOUT_EFFECT = replace(
    DEMO,
    n_per_group={_REFERENCE: 12, _PATIENTS: 12},
    protocol=Protocol(blocks=(Block(duration_s=120.0),)),
    couplings=(INSULAR_BRIDGE,),
    effects=(),
    covariates=Covariates(
        pain_duration_years=Spread(6.0, 3.0, 0.5, 25.0),
        pain_side=Levels({"left": 0.4, "right": 0.4, "both": 0.2}),
        medication=Levels({"none": 0.7, "centrally_acting": 0.3}),
        site=Levels({"north": 0.7, "south": 0.3}),
        amplifier={"north": "first", "south": "second"},
    ),
)
_CALM_WITHOUT_EFFECT = calmed(_WITHOUT_EFFECT)

PLANTED = replace(
    _WITHOUT_EFFECT, name="planted", couplings=(replace(INSULAR_BRIDGE, strength=_HARDLY_THERE),), effects=(_APPEARS,)
)

CONFOUNDED_BY_AGE = replace(
    _CALM_WITHOUT_EFFECT,
    name="confounded_by_age",
    effects=(_by_group("age", 1.8), Effect(trait=_ON_BRIDGE, by="age", d=1.5)),
)

CONFOUNDED_BY_MEDICATION = replace(
    _CALM_WITHOUT_EFFECT,
    name="confounded_by_medication",
    effects=(
        _by_group("medication", 2.0),
        Effect(trait=_ON_BRIDGE, by="medication", level="centrally_acting", d=4.0),
    ),
)

CONFOUNDED_BY_SITE = replace(
    _CALM_WITHOUT_EFFECT,
    name="confounded_by_site",
    couplings=(replace(INSULAR_BRIDGE, strength=_STRONG),),
    effects=(
        _by_group("site", 2.0),
        Effect(trait="artefact:sensor_noise_uv", by="site", level="south", d=8.0),
        Effect(trait="background_uv", by="site", level="south", d=4.0),
    ),
)

CONFOUNDED_BY_MUSCLE = replace(
    _WITHOUT_EFFECT,
    name="confounded_by_muscle",
    effects=(_by_group("artefact:muscle_tone_uv", 4.0), _by_group("artefact:muscle_bursts_per_minute", 3.0)),
)

CONFOUNDED_BY_EPOCHS = replace(
    _WITHOUT_EFFECT,
    name="confounded_by_epochs",
    restlessness=Restlessness(movements_per_minute=Spread(1.0, 0.6, 0.0, 8.0)),
    effects=(_by_group("artefact:movements_per_minute", 6.0),),
)

ZERO_LAG = replace(
    _CALM_WITHOUT_EFFECT,
    name="zero_lag",
    couplings=(replace(INSULAR_BRIDGE, strength=_HARDLY_THERE, kind="zero_lag", delay_s=0.0),),
    effects=(_APPEARS,),
)

WINDOW_LOCKED = replace(
    _CALM_WITHOUT_EFFECT,
    name="window_locked",
    couplings=(replace(INSULAR_BRIDGE, strength=_HARDLY_THERE, span="post"),),
    effects=(_by_group(_ON_BRIDGE, 5.5),),
)

DUPLICATED_PERSON = replace(_CALM_WITHOUT_EFFECT, name="duplicated_person", bookkeeping=Bookkeeping(n_duplicated=1))

SIDE_MISSING = replace(
    _CALM_WITHOUT_EFFECT, name="side_missing", bookkeeping=Bookkeeping(missing={"pain_side": _REFERENCE})
)

LABEL_NOISE = replace(calmed(PLANTED), name="label_noise", bookkeeping=Bookkeeping(label_noise=0.25))

CANARIES: tuple[tuple[CohortSpec, str], ...] = (
    (PLANTED, "12 and 12, 32 channels; a coupling of both insulae in the alpha band that widespread have"),
    (CONFOUNDED_BY_AGE, "widespread are older, and age moves the coupling; the group moves nothing"),
    (CONFOUNDED_BY_MUSCLE, "widespread tense their muscles more; their brains do the same"),
    (CONFOUNDED_BY_EPOCHS, "widespread move more and keep fewer epochs; their brains do the same"),
    (CONFOUNDED_BY_SITE, "widespread were mostly recorded at the site with the noisier amplifier"),
    (CONFOUNDED_BY_MEDICATION, "widespread mostly take centrally acting drugs, and these move the coupling"),
    (ZERO_LAG, "widespread share activity without any delay, as mixing makes it; no coupling with a lag"),
    (WINDOW_LOCKED, "a coupling that widespread have in the 1.25 s after each pinprick and nobody has otherwise"),
    (DUPLICATED_PERSON, "no difference; one recording is there again under another label"),
    (SIDE_MISSING, "no difference; the side of the pain is not known for localized"),
    (LABEL_NOISE, "the planted cohort, where the table has the other group for a quarter of the people"),
)
"""Each canary with a line about it; the cohort ``null`` is one as well."""
