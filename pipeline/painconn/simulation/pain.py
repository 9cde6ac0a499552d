"""The full cohort: three groups, two states, two sites by two forces, ratings, covariates, bad contacts."""

from dataclasses import replace

from painconn.simulation.caps import CAP_64
from painconn.simulation.demo import DEMO, RHYTHMS, SENSORY_BRIDGE
from painconn.simulation.specification import (
    Block,
    Contacts,
    Correlation,
    Covariates,
    Effect,
    Levels,
    Protocol,
    Psychophysics,
    Restlessness,
    Spread,
)

_AT_THE_BACK = ("lateraloccipital", "cuneus", "pericalcarine", "lingual", "precuneus", "superiorparietal")
_THETA, _ALPHA, _BETA = RHYTHMS

PAIN = replace(
    DEMO,
    name="pain",
    n_per_group={"control": 16, "localized": 12, "widespread": 12},
    channels=CAP_64,
    rhythms=(_THETA, replace(_ALPHA, eyes_closed_gain=dict.fromkeys(_AT_THE_BACK, 2.0)), _BETA),
    effects=(
        Effect(trait=f"coupling:{SENSORY_BRIDGE.name}", by="group", level="widespread", d=-1.875),
        Effect(trait="peak:alpha", by="group", level="widespread", d=-0.5),
        Effect(trait="medication", by="group", level="control", d=-1.5),
        Effect(trait="sex", by="group", level="widespread", d=0.5),
        Effect(trait="artefact:sensor_noise_uv", by="site", level="south", d=1.0),
    ),
    protocol=Protocol(
        blocks=(Block("eyesopen", 80.0), Block("eyesclosed", 80.0, eyes_closed=True)),
        n_pinpricks=48,
        sites=("back", "hand"),
        forces_mn=(128.0, 256.0),
    ),
    restlessness=Restlessness(
        saccades_per_minute=Spread(20.0, 6.0, 5.0, 40.0), movements_per_minute=Spread(0.3, 0.2, 0.0, 1.0)
    ),
    contacts=Contacts(popping_probability=0.2, bridged_probability=0.1, gain_sd=0.03),
    covariates=Covariates(
        pain_duration_years=Spread(6.0, 3.0, 0.5, 25.0),
        pain_side=Levels({"left": 0.4, "right": 0.4, "both": 0.2}),
        medication=Levels({"none": 0.6, "centrally_acting": 0.4}),
        site=Levels({"north": 0.5, "south": 0.5}),
        amplifier={"north": "first", "south": "second"},
        correlations=(
            Correlation(("age", "pain_duration_years"), 0.4),
            Correlation(("age", "medication"), 0.2),
            Correlation(("pain_duration_years", "medication"), 0.3),
        ),
    ),
    psychophysics=Psychophysics(
        log_rating=Spread(2.2, 0.35, 0.8, 3.8),
        painful_log_gain=Spread(1.7, 0.2, 1.0, 2.5),
        remote_log_gain=Spread(1.7, 0.2, 1.0, 2.5),
    ),
)
"""The coupling of the demo is weaker in widespread, whose alpha is slower as well; controls are like localized.

Hyperalgesia is large beside what people differ in anyhow, so that the pinprick rule finds most of the groups again.
"""
