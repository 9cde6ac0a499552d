"""``features``: what becomes a column of the table."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from painconn.config.base import Section

CIRCUITS = {
    "sensory": ("postcentral", "insula"),
    "affective": ("rostralanteriorcingulate", "caudalanteriorcingulate"),
    "cognitive": ("medialorbitofrontal", "superiorfrontal"),
}
FUNCTIONAL_GROUPS = {
    f"{circuit}-{side}": tuple(f"{region}-{side}" for region in regions)
    for circuit, regions in CIRCUITS.items()
    for side in ("lh", "rh")
}
"""Six functional groups of Desikan-Killiany regions: three pain circuits x side."""


class FeaturesConfig(Section):
    """Power, edges and blocks of edges."""

    relative_power_hz: tuple[float, float] = Field(
        (1.0, 40.0), description="Relative power is band power over the power in this range"
    )
    groups: Mapping[str, tuple[str, ...]] = Field(
        FUNCTIONAL_GROUPS,
        description="Groups of regions; a block is the mean of the edges within or between two groups",
    )

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if not 0 <= self.relative_power_hz[0] < self.relative_power_hz[1]:
            raise ValueError("relative_power_hz: wanted low < high")
        return self
