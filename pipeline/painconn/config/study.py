"""A whole study file: every section, and what must agree between them."""

from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import Field, model_validator

from painconn.config.base import Label, Section
from painconn.config.cleaning import CleaningConfig
from painconn.config.connectivity import MUSCLE_FROM_HZ, ConnectivityConfig
from painconn.config.cortex import CortexConfig
from painconn.config.data import WINDOWS_BY_KIND, DataConfig
from painconn.config.features import FeaturesConfig
from painconn.config.targets import Contrast, Observation, PositiveControl, Target
from painconn.cortex.registry import PARCELLATIONS


class ReportConfig(Section):
    """The page."""

    title: str = Field("", description="Title of the page; empty: the study's name")


class StudyConfig(Section):
    """One analysis: data, method and targets."""

    name: Label = Field(description="Name of the study; the results go to results/<name> by default")
    data: DataConfig = Field(description="Where the recordings lie, what is in them, who the participants are")
    cleaning: CleaningConfig = Field(CleaningConfig(), description="From a checked recording to clean epochs")
    cortex: CortexConfig = Field(CortexConfig(), description="Head, inverse and regions")
    connectivity: ConnectivityConfig = Field(ConnectivityConfig(), description="Bands, spectra, gates and measures")
    features: FeaturesConfig = Field(FeaturesConfig(), description="What becomes a column of the table")
    targets: Mapping[Label, Target] = Field(min_length=1, description="The questions, by name")
    positive_controls: Mapping[Label, PositiveControl] = Field(
        {}, description="Effects that must be there if the line works"
    )
    report: ReportConfig = Field(ReportConfig(), description="The page")
    seed: int = Field(20260, ge=0, description="Root of all random numbers, with participant labels")

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        problems = [*self._contrast_problems(), *self._family_problems(), *self._graph_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _contrasts(self) -> Iterator[tuple[str, Contrast]]:
        for name, target in self.targets.items():
            yield f"targets.{name}", target.contrast
        for name, control in self.positive_controls.items():
            yield f"positive_controls.{name}", control.contrast

    def _contrast_problems(self) -> Iterator[str]:
        if self.data.sources[0].layout == "features":
            return
        for where, contrast in self._contrasts():
            for side in (contrast.a, contrast.b, contrast.observation):
                if not isinstance(side, Observation):
                    continue
                condition = self.data.conditions.get(side.condition)
                if condition is None:
                    known = ", ".join(self.data.conditions)
                    yield f"{where}: condition {side.condition} is not among data.conditions ({known})"
                elif side.window not in WINDOWS_BY_KIND[condition.kind]:
                    wanted = ", ".join(WINDOWS_BY_KIND[condition.kind])
                    found = f"window {side.window} does not exist in condition {side.condition}"
                    yield f"{where}: {found} (there are: {wanted})"

    def _family_problems(self) -> Iterator[str]:
        for name, target in self.targets.items():
            family = target.primary
            if family.measure not in self.connectivity.measures:
                yield f"targets.{name}.primary: measure {family.measure} is not among connectivity.measures"
            if family.inverse not in self.cortex.inverses:
                yield f"targets.{name}.primary: inverse {family.inverse} is not among cortex.inverses"
            for band in family.bands:
                if band not in self.connectivity.bands_hz:
                    yield f"targets.{name}.primary: band {band} is not among connectivity.bands_hz"
                elif self.connectivity.bands_hz[band][0] >= MUSCLE_FROM_HZ:
                    found = f"band {band} starts at {MUSCLE_FROM_HZ:g} Hz or above"
                    yield f"targets.{name}.primary: {found} and can only be exploratory"

    def _graph_problems(self) -> Iterator[str]:
        if not self.features.graph_measures:
            return
        if not self.connectivity.symmetric_measures():
            named = ", ".join(self.connectivity.measures)
            found = f"none of connectivity.measures ({named}) is symmetric"
            yield f"features.graph_measures: {found}, and a directed or antisymmetric matrix is no undirected graph"
        n_regions = PARCELLATIONS[self.cortex.parcellation].n_regions
        lowest = self.features.graph_densities[0]
        if round(lowest * n_regions * (n_regions - 1) / 2, 6) < 0.5:
            yield f"features.graph_densities: density {lowest:g} keeps no edge among {n_regions} regions"
