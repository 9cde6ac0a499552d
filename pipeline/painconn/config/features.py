"""``features``: what becomes a column of the table."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Section
from painconn.config.names import named_twice, unknown_name
from painconn.connectivity.graph.registry import DENSITIES, GRAPH_MEASURES

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
    """Power, edges, blocks of edges and graph measures."""

    relative_power_hz: tuple[float, float] = Field(
        (1.0, 40.0), description="Relative power is band power over the power in this range"
    )
    groups: Mapping[str, tuple[str, ...]] = Field(
        FUNCTIONAL_GROUPS,
        description="Groups of regions; a block is the mean of the edges within or between two groups",
    )
    graph_measures: tuple[str, ...] = Field(
        (),
        description="Graph measures of every symmetric connectivity measure of the study, of"
        " `painconn list graph_measures`: area under the curve over graph_densities",
    )
    graph_densities: tuple[float, ...] = Field(
        DENSITIES, description="Shares of the pairs of regions that stay as edges, the strongest positive ones"
    )
    graph_binarise: bool = Field(False, description="Set the weights of the edges that stay to 1")
    graph_nulls: int = Field(
        100, ge=1, description="Null graphs per graph and density, for the graph measures that compare with them"
    )

    @field_validator("graph_measures")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in dict.fromkeys(names) if name not in GRAPH_MEASURES]
        problems = [unknown_name("graph measure", name, GRAPH_MEASURES) for name in unknown]
        problems += named_twice("graph measure", names)
        if problems:
            raise ValueError("; ".join(problems))
        return names

    @field_validator("graph_densities")
    @classmethod
    def _increasing(cls, densities: tuple[float, ...]) -> tuple[float, ...]:
        problems = list(_why_no_densities(densities))
        if problems:
            raise ValueError("; ".join(problems))
        return densities

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if not 0 <= self.relative_power_hz[0] < self.relative_power_hz[1]:
            raise ValueError("relative_power_hz: wanted low < high")
        return self


def _why_no_densities(densities: tuple[float, ...]) -> Iterator[str]:
    """Say why there is no area under a curve over these densities."""
    if len(densities) < 2:
        yield f"{len(densities)} density, wanted at least two: the value is an area over densities"
    outside = [density for density in densities if not 0 < density <= 1]
    if outside:
        yield f"density {', '.join(f'{density:g}' for density in outside)}, wanted above 0 and at most 1"
    for before, after in pairwise(densities):
        if before >= after:
            yield f"density {before:g} before {after:g}, wanted an increasing order"
