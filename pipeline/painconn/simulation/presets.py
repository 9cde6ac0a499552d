"""Named cohorts: what `painconn simulate --preset` offers.

Conventions of this file: a preset is a :class:`CohortSpec`; a variant is made from another one with
:func:`dataclasses.replace`, so that everything it does not name stays equal.
"""

from painconn.simulation.canaries import CANARIES
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.demo import DEMO, NULL, RHYTHMS, SENSORY_BRIDGE, TINY, WEAKER_BRIDGE
from painconn.simulation.pain import PAIN

__all__ = ["DEMO", "DESCRIPTIONS", "NULL", "PRESETS", "RHYTHMS", "SENSORY_BRIDGE", "TINY", "WEAKER_BRIDGE"]

_DESCRIBED: tuple[tuple[CohortSpec, str], ...] = (
    (DEMO, "8 localized and 8 widespread, 32 channels; a weaker coupling of both sensory groups in widespread"),
    (NULL, "the demo cohort without any difference between its groups"),
    (TINY, "3 and 3 people, 19 channels, as the demo; for trying things out"),
    (
        PAIN,
        "16 controls and 12 + 12 patients, 64 channels; blocks, sites and forces, ratings, covariates, bad contacts",
    ),
    *CANARIES,
)

PRESETS: dict[str, CohortSpec] = {spec.name: spec for spec, _ in _DESCRIBED}
"""Every named cohort."""

DESCRIPTIONS: dict[str, str] = {spec.name: line for spec, line in _DESCRIBED}
"""A line about each."""
