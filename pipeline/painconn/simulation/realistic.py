"""What the cortex does in people at rest: settings of a cohort that were fitted to real recordings.

Use as ``replace(spec, **REALISTIC)``: head, design, artefacts and couplings stay those of `spec`. What each value was
fitted to, and how near it comes, is in docs/method/realism.md; comments here say which number of the real people it
answers to. Moments are smaller than those of the demo: a planted coupling is harder to find.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from painconn.simulation.demo import ALPHA, BETA, THETA
from painconn.simulation.specification import Coupling, Rhythm, Spread, Variation

# Alpha falls by 5 to 8 dB from the occiput to the central and temporal channels and rises again by 2 in the front.
_ALPHA_WEIGHTS: Mapping[str, float] = {
    "lateraloccipital": 1.5,
    "cuneus": 1.5,
    "pericalcarine": 1.5,
    "lingual": 1.2,
    "precuneus": 1.6,
    "superiorparietal": 1.3,
    "inferiorparietal": 0.6,
    "superiorfrontal": 0.7,
    "rostralmiddlefrontal": 0.7,
    "postcentral": 0.2,
    "precentral": 0.2,
    "insula": 0.2,
    "superiortemporal": 0.2,
    "middletemporal": 0.25,
}

REALISTIC_RHYTHMS: tuple[Rhythm, ...] = (
    # A third of the demo's theta: its share of the power is 0.15, and no theta peak stands out at rest.
    replace(THETA, width_hz=1.0, moment_nam=Spread(9.0, 4.0, 1.5, 22.0)),
    # People differ in alpha far more than in anything else: its share of the power runs from 0.1 to 0.6.
    replace(ALPHA, width_hz=1.0, moment_nam=Spread(19.0, 8.5, 4.0, 46.0), weights=_ALPHA_WEIGHTS, other_weight=0.5),
    # Broad and even: real beta has no narrow line and is no stronger over the central channels.
    replace(BETA, width_hz=4.0, moment_nam=Spread(6.5, 2.7, 1.0, 17.0), weights={}, other_weight=0.6),
)
"""Rhythms of people at rest, with the frequencies and the suppression of the demo."""


def _both_sides(*regions: str) -> tuple[str, ...]:
    return tuple(f"{region}-{side}" for region in regions for side in ("lh", "rh"))


BACKBONE = Coupling(
    name="alpha of the back of the head",
    rhythm="alpha",
    leaders=_both_sides("cuneus", "pericalcarine", "lateraloccipital"),
    followers=_both_sides(
        "precuneus",
        "superiorparietal",
        "inferiorparietal",
        "superiorfrontal",
        "rostralmiddlefrontal",
        "lateralorbitofrontal",
    ),
    strength=Spread(0.6, 0.15, 0.1, 0.95),
    delay_s=0.01,
)
"""One alpha from the occiput forward, 10 ms later: what gives real people coherence and phase lag everywhere.

It is a coupling like any other, so that edges of these regions are no longer free of coupling: a cohort that counts
false edges there must leave it out.
"""

REALISTIC: dict[str, Any] = {
    "rhythms": REALISTIC_RHYTHMS,
    # With the default knee of 1 Hz delta has half of its share.
    "knee_hz": 0.3,
    "exponent": Spread(1.6, 0.17, 1.1, 2.3),
    "background_uv": Spread(7.8, 1.8, 3.5, 14.0),
    "variation": Variation(
        # A uniform cortex is weakest at Pz and Cz and strong at C3 and C4; real people are not.
        background_weights={
            "precuneus": 3.5,
            "posteriorcingulate": 2.5,
            "isthmuscingulate": 1.5,
            "paracentral": 2.0,
            "superiorparietal": 2.0,
            "cuneus": 1.6,
            "pericalcarine": 1.6,
            "lateraloccipital": 1.2,
            "superiorfrontal": 1.2,
            "precentral": 0.35,
            "postcentral": 0.35,
            "superiortemporal": 0.6,
            "middletemporal": 0.6,
            "inferiortemporal": 0.7,
            "caudalmiddlefrontal": 0.45,
            "supramarginal": 0.5,
        },
        # Topographies differ between people by 1 to 2 dB at a channel.
        region_sd=0.9,
        # Heavy tails, epochs that differ, and envelopes that remember a second.
        background_waxing_sd=0.17,
        rhythm_waxing_sd=0.3,
        waxing_hz=0.2,
    ),
}
"""Fields of :class:`painconn.simulation.cohort.CohortSpec`."""
