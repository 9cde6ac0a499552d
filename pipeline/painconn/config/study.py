"""A whole study file: every section, and what must agree between them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from painconn.config.base import Label, Section
from painconn.config.cleaning import CleaningConfig
from painconn.config.connectivity import MUSCLE_FROM_HZ, ConnectivityConfig
from painconn.config.cortex import CortexConfig
from painconn.config.data import WINDOWS_BY_KIND, DataConfig
from painconn.config.features import FeaturesConfig, group_problems
from painconn.config.targets import Contrast, PositiveControl, Target
from painconn.connectivity.registry import MEASURES
from painconn.cortex.registry import PARCELLATIONS


class DisagreementError(ValueError):
    """Sections that are valid one by one and do not go together; every problem is a field and what is wrong there."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{where}: {found}" for where, found in problems))


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
    blinded: bool = Field(
        False,
        description="Labels, scores and sides are dealt by lot, and no number is a result; `painconn lock` freezes "
        "settings and exclusions, then `false` opens the labels",
    )
    seed: int = Field(20260, ge=0, description="Root of all random numbers, with participant labels")

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        problems = list(self._disagreements(()))
        if problems:
            raise DisagreementError(problems)
        return self

    @classmethod
    def disagreements_of_rest(cls, sections: Mapping[str, Any], broken: Collection[str]) -> list[tuple[str, str]]:
        """Return what does not go together in the valid part of a study file.

        Parameters
        ----------
        sections : mapping
            The sections as they were read.
        broken : collection of str
            What is not valid: sections (``data``) and keys of sections (``connectivity.measures``, ``targets.pain``).
        """
        valid: dict[str, Any] = {}
        unusable = set(broken)
        for name, field in cls.model_fields.items():
            if name not in sections:
                valid[name] = field.get_default()
                continue
            given = sections[name]
            annotation: Any = field.annotation
            if isinstance(given, Mapping):
                given = {key: value for key, value in given.items() if f"{name}.{key}" not in broken}
            try:
                valid[name] = TypeAdapter[Any](annotation).validate_python(given)
            except ValidationError:
                unusable.add(name)
        if "targets" in unusable:
            return []
        return list(cls.model_construct(**valid)._disagreements(unusable))

    def _disagreements(self, broken: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the problems between sections, without those that what is broken would decide."""

        def usable(*names: str) -> bool:
            return not any(name in broken or name.partition(".")[0] in broken for name in names)

        if usable("data.sources", "data.conditions", "positive_controls"):
            yield from self._contrast_problems()
        if usable("connectivity.measures"):
            yield from self._measure_problems()
        if usable("cortex.parcellation", "features.groups", "data.sources"):
            yield from self._group_problems()
        if usable("connectivity.measures", "cortex.parcellation", "features.groups"):
            yield from self._block_problems()
        if usable("connectivity.measures", "cortex.n_components"):
            yield from self._component_problems()
        if usable("data.covariates"):
            yield from self._regression_problems()
        if usable("data.sources", "data.covariates"):
            yield from self._harmonisation_problems()
        if usable("cortex.inverses"):
            yield from self._inverse_problems()
        if usable("connectivity.bands_hz"):
            yield from self._band_problems()
        if usable("connectivity.n_surrogates", "cleaning.epoch_overlap"):
            yield from self._overlap_problems()
        if usable(
            "connectivity.measures", "cortex.parcellation", "features.graph_measures", "features.graph_densities"
        ):
            yield from self._graph_problems()

    def _contrasts(self) -> Iterator[tuple[str, Contrast]]:
        for name, target in self.targets.items():
            yield f"targets.{name}", target.contrast
        for name, control in self.positive_controls.items():
            yield f"positive_controls.{name}", control.contrast

    def _contrast_problems(self) -> Iterator[tuple[str, str]]:
        if self.data.sources[0].layout == "features":
            return
        for where, contrast in self._contrasts():
            for side in contrast.observations:
                condition = self.data.conditions.get(side.condition)
                if condition is None:
                    known = ", ".join(self.data.conditions)
                    yield where, f"condition {side.condition} is not among data.conditions ({known})"
                elif side.window not in WINDOWS_BY_KIND[condition.kind]:
                    wanted = ", ".join(WINDOWS_BY_KIND[condition.kind])
                    found = f"window {side.window} does not exist in condition {side.condition}"
                    yield where, f"{found} (there are: {wanted})"

    def _measure_problems(self) -> Iterator[tuple[str, str]]:
        there = self.connectivity.measures
        for name, target in self.targets.items():
            measure = target.primary.measure
            if measure not in there:
                found = f"measure {measure} is not among connectivity.measures ({', '.join(there)})"
                yield f"targets.{name}.primary.measure", found

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Groups of regions: those of the study file, else those of the parcellation (none for one of the user)."""
        if self.features.groups is not None:
            return self.features.groups
        chosen = self.cortex.parcellation
        return PARCELLATIONS[chosen].groups if isinstance(chosen, str) else {}

    def _group_problems(self) -> Iterator[tuple[str, str]]:
        """Yield groups that are missing or do not fit a parcellation; the regions of files are not known here."""
        if self.data.sources[0].layout == "features":
            return
        chosen = self.cortex.parcellation
        if not self.groups:
            by_default = "" if isinstance(chosen, str) else ", and a parcellation of one's own has none by default"
            why = "the tests of a primary family are blocks of groups of regions"
            yield "features.groups", f"no groups{by_default}: {why}"
        elif isinstance(chosen, str):
            yield from group_problems(self.groups, PARCELLATIONS[chosen].region_names, chosen)

    def _block_problems(self) -> Iterator[tuple[str, str]]:
        for name, target in self.targets.items():
            definition = MEASURES.get(target.primary.measure)
            if definition and definition.signed_by_order and len(self.groups) < 2:
                found = f"measure {definition.name} has no block within a group, and features.groups has no second one"
                yield f"targets.{name}.primary.measure", found

    def _component_problems(self) -> Iterator[tuple[str, str]]:
        n_components = self.cortex.n_components
        known = (MEASURES.get(name) for name in self.connectivity.measures)
        named = [measure.name for measure in known if measure and measure.takes == "components"]
        if named and n_components == 1:
            found = f"measure {', '.join(named)} relates regions of several components"
            yield (
                "connectivity.measures",
                f"{found}, and cortex.n_components is 1 (2 or more with aggregation pca_flip)",
            )
        elif n_components > 1 and not named:
            there = ", ".join(name for name, measure in MEASURES.items() if measure.takes == "components")
            why = f"only measures between components use more than the first ({there})"
            yield (
                "cortex.n_components",
                f"{n_components} components per region, and connectivity.measures has none: {why}",
            )

    def _regression_problems(self) -> Iterator[tuple[str, str]]:
        for name, target in self.targets.items():
            named = self.data.covariates if target.covariates is None else target.covariates
            if target.confound_regression == "features" and not named:
                yield f"targets.{name}.confound_regression", "features, and the target has no covariates to regress out"

    def _harmonisation_problems(self) -> Iterator[tuple[str, str]]:
        # A ready table has its sites in a column.
        one_site = len(self.data.sources) == 1 and self.data.sources[0].layout != "features"
        for name, target in self.targets.items():
            where = f"targets.{name}.harmonisation"
            if target.harmonisation != "none" and one_site:
                yield where, f"{target.harmonisation}, and data.sources has one site: name several, or write none"
            named = self.data.covariates if target.covariates is None else target.covariates
            if target.harmonisation_preserves == "covariates" and not named:
                yield f"{where}_preserves", "covariates, and the target has none to preserve"

    def _inverse_problems(self) -> Iterator[tuple[str, str]]:
        there = self.cortex.inverses
        for name, target in self.targets.items():
            inverse = target.primary.inverse
            if inverse not in there:
                found = f"inverse {inverse} is not among cortex.inverses ({', '.join(there)})"
                yield f"targets.{name}.primary.inverse", found

    def _band_problems(self) -> Iterator[tuple[str, str]]:
        there = self.connectivity.bands_hz
        for name, target in self.targets.items():
            where = f"targets.{name}.primary.bands"
            for band in target.primary.bands:
                if band not in there:
                    yield where, f"band {band} is not among connectivity.bands_hz ({', '.join(there)})"
                elif there[band][0] >= MUSCLE_FROM_HZ:
                    yield where, f"band {band} starts at {MUSCLE_FROM_HZ:g} Hz or above and can only be exploratory"

    def _overlap_problems(self) -> Iterator[tuple[str, str]]:
        if self.connectivity.n_surrogates and self.cleaning.epoch_overlap:
            why = "shifted epochs that overlap share samples with those they are compared with"
            yield "connectivity.n_surrogates", f"cleaning.epoch_overlap is {self.cleaning.epoch_overlap:g}: {why}"

    def _graph_problems(self) -> Iterator[tuple[str, str]]:
        if not self.features.graph_measures:
            return
        if not self.connectivity.symmetric_measures():
            named = ", ".join(self.connectivity.measures)
            found = f"none of connectivity.measures ({named}) is symmetric"
            why = "a directed or antisymmetric matrix is no undirected graph"
            yield "features.graph_measures", f"{found}, and {why}"
        chosen, lowest = self.cortex.parcellation, self.features.graph_densities[0]
        if not isinstance(chosen, str):
            return
        n_regions = PARCELLATIONS[chosen].n_regions
        if round(lowest * n_regions * (n_regions - 1) / 2, 6) < 0.5:
            yield "features.graph_densities", f"density {lowest:g} keeps no edge among {n_regions} regions"
