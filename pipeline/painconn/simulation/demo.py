"""The cohort of the demo, the same without its effect, and a tiny one; all other cohorts are variants of it."""

from dataclasses import replace

from painconn.simulation.caps import CAP_19, CAP_32
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.specification import Block, Coupling, Effect, HeadSpec, Protocol, Rhythm, Spread

THETA = Rhythm(
    name="theta",
    peak_hz=Spread(6.0, 0.4, 5.0, 7.0),
    width_hz=0.8,
    moment_nam=Spread(28.0, 6.0, 12.0, 50.0),
    weights={"superiorfrontal": 1.0, "caudalanteriorcingulate": 1.0, "rostralanteriorcingulate": 0.9},
    other_weight=0.4,
    suppression=Spread(0.0, 0.0, 0.0, 0.0),
)

ALPHA = Rhythm(
    name="alpha",
    peak_hz=Spread(10.2, 0.6, 8.8, 11.8),
    width_hz=0.9,
    moment_nam=Spread(36.0, 8.0, 16.0, 64.0),
    weights={
        "lateraloccipital": 0.85,
        "cuneus": 0.85,
        "pericalcarine": 0.85,
        "lingual": 0.7,
        "precuneus": 0.65,
        "superiorparietal": 0.65,
        "inferiorparietal": 0.55,
        "postcentral": 1.6,
        "insula": 1.6,
        "precentral": 0.4,
    },
    other_weight=0.25,
    suppression=Spread(0.42, 0.10, 0.15, 0.7),
    peak_hz_per_year=-0.015,
)

BETA = Rhythm(
    name="beta",
    peak_hz=Spread(19.0, 1.5, 15.5, 24.0),
    width_hz=2.2,
    moment_nam=Spread(20.0, 5.0, 8.0, 40.0),
    weights={"precentral": 1.2, "postcentral": 1.0, "superiorfrontal": 0.8},
    other_weight=0.5,
    suppression=Spread(0.25, 0.08, 0.0, 0.5),
)

RHYTHMS = (THETA, ALPHA, BETA)
"""Theta of the frontal midline, alpha of the back of the head and the sensorimotor strip, beta of the latter."""

SENSORY_BRIDGE = Coupling(
    name="sensory-lh with sensory-rh",
    rhythm="alpha",
    leaders=("postcentral-lh", "insula-lh"),
    followers=("postcentral-rh", "insula-rh"),
    delay_s=0.025,
    strength=Spread(0.55, 0.16, 0.0, 0.95),
)
"""Alpha between the two sensory groups of regions."""

WEAKER_BRIDGE = Effect(trait=f"coupling:{SENSORY_BRIDGE.name}", by="group", level="widespread", d=-1.875)
"""The one planted difference: the bridge is weaker in widespread."""

DEMO = CohortSpec(
    name="demo",
    n_per_group={"localized": 8, "widespread": 8},
    channels=CAP_32,
    rhythms=RHYTHMS,
    couplings=(SENSORY_BRIDGE,),
    effects=(WEAKER_BRIDGE,),
)

NULL = replace(DEMO, name="null", effects=())

TINY = replace(
    DEMO,
    name="tiny",
    n_per_group={"localized": 3, "widespread": 3},
    channels=CAP_19,
    protocol=Protocol(blocks=(Block(duration_s=50.0),), n_pinpricks=24),
    head=HeadSpec(bem_ico=2),
)
