"""``features``: what becomes a column of the table."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Section
from painconn.config.names import named_twice, unknown_name
from painconn.connectivity.graph.registry import DENSITIES, GRAPH_MEASURES


class FeaturesConfig(Section):
    """Power, edges, blocks of edges and graph measures."""

    relative_power_hz: tuple[float, float] = Field(
        (1.0, 40.0), description="Relative power is band power over the power in this range"
    )
    groups: Mapping[str, tuple[str, ...]] | None = Field(
        None,
        description="Groups of regions; a block is the mean of the edges within or between two groups. null: those of"
        " `cortex.parcellation` (six functional groups, or network x hemisphere); {}: no blocks",
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


def group_problems(
    groups: Mapping[str, Collection[str]], region_names: Collection[str], parcellation: str
) -> Iterator[tuple[str, str]]:
    """Yield field and problem of every group that does not fit the regions of a study.

    Parameters
    ----------
    groups : mapping of str to collection of str
        Regions of each group.
    region_names : collection of str
        All regions of the parcellation.
    parcellation : str
        What to call it.
    """
    group_of: dict[str, str] = {}
    for group, regions in groups.items():
        where = f"features.groups.{group}"
        if "__" in group:
            yield where, f"the name {group} holds two underscores, which separate the parts of a column's name"
        if group in region_names:
            yield where, f"the group {group} is called as a region of {parcellation}"
        if not regions:
            yield where, "no region"
        for region in regions:
            if region not in region_names:
                close = get_close_matches(region, region_names, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                yield where, f"{region} is no region of {parcellation}{hint}"
            elif region in group_of:
                yield where, f"{region} is already in {group_of[region]}: a region has no edge with itself"
            group_of.setdefault(region, group)
