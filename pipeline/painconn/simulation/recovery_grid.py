"""What a recovery run simulates and analyses: cohorts x montages x cleaning, and the methods applied to each."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat
from pydantic.dataclasses import dataclass

from painconn.config.connectivity import DEFAULT_BANDS
from painconn.connectivity.registry import MEASURES
from painconn.cortex.registry import INVERSES, PARCELLATIONS
from painconn.errors import DesignError, Problem
from painconn.simulation.caps import CAPS
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.demo import DEMO
from painconn.simulation.people import roster
from painconn.simulation.specification import (
    PART,
    Artefacts,
    Block,
    Contacts,
    Coupling,
    Effect,
    Protocol,
    Spread,
)

Cleaning = Literal["artefact_free", "recommended"]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
FileName = Annotated[str, Field(pattern=r"^\w[\w .-]*$")]

_NOTHING = Spread(0.0, 0.0, 0.0, 0.0)
_FIX = "correct the grid of the recovery"

_SILENT = (
    "blinks_per_minute", "blink_uv", "heart_uv", "muscle_bursts_per_minute", "muscle_burst_uv", "muscle_tone_uv",
    "line_uv", "drift_uv",
)  # fmt: skip

NO_ARTEFACTS = replace(Artefacts(), **dict.fromkeys(_SILENT, _NOTHING))
"""Only the noise of the amplifier."""

GOOD_CONTACTS = Contacts(noisy_probability=0.0, flat_probability=0.0)


@dataclass(frozen=True, config=PART)
class Cohort:
    """People of a recovery run.

    Parameters
    ----------
    n_per_group : mapping of str to int
        One group: edges are scored in each person. Two groups: a pool that studies are drawn from; if these differ,
        they are the same people, each simulated as one of either group.
    couplings : tuple of Coupling
        What is planted; none is the null cohort.
    effects : tuple of Effect
        What differs between the groups; none: the pool gives the type-I rate.
    """

    n_per_group: Annotated[Mapping[str, Annotated[int, Field(ge=3)]], Field(min_length=1, max_length=2)]
    couplings: tuple[Coupling, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def is_pool(self) -> bool:
        """Whether studies of two groups are drawn from it."""
        return len(self.n_per_group) == 2

    @property
    def differ(self) -> bool:
        """Whether anything is planted between its groups."""
        return any(effect.by == "group" for effect in self.effects)


@dataclass(frozen=True, config=PART)
class Part:
    """A block of the grid: every cohort under every montage and cleaning, by every method.

    Parameters
    ----------
    cohorts, montages : tuple of str
        Names of the grid's cohorts, and of caps.
    cleaning : tuple of {"artefact_free", "recommended"}
        Signals without artefacts that are only filtered, or with artefacts and the cleaning of the pipeline.
    inverses, measures, bands : tuple of str
    n_epochs : tuple of int
        Numbers of epochs, each analysed by itself; measures over time get 10 s segments of the same length in all.
    """

    cohorts: Names
    montages: Names
    cleaning: Annotated[tuple[Cleaning, ...], Field(min_length=1)]
    inverses: Names
    measures: Names
    bands: Names
    n_epochs: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(min_length=1)]


@dataclass(frozen=True, config=PART)
class Studies:
    """Studies that are drawn from the pools."""

    n_per_group: Annotated[tuple[Annotated[int, Field(ge=3)], ...], Field(min_length=1)] = (8, 12, 16, 24, 32)
    n_studies: Annotated[int, Field(ge=10)] = 200
    n_permutations: Annotated[int, Field(ge=19)] = 999


@dataclass(frozen=True, config=PART)
class RecoveryGrid:
    """A recovery run: what is simulated, and how it is analysed.

    Parameters
    ----------
    name : str
    seed : int
    cohorts : mapping of str to Cohort
    parts : tuple of Part
    studies : Studies
    null : str
        The cohort without coupling, with the same random numbers: it sets the thresholds of the others.
    cap : str
        What people wear; montages are parts of it, so that all montages see the same people.
    rest_s, epoch_s : float
        Length of the recording and of an epoch.
    source_spacing : {"ico3", "ico4"}
        Of the head of the analysis.
    bem_ico : int
        Triangles of the shells of both heads.
    figures : tuple of (str, str, str)
        Name of a picture, and the cohort and the band whose planted edges it shows.
    """

    name: FileName
    seed: Annotated[int, Field(ge=0)]
    cohorts: Mapping[FileName, Cohort]
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    studies: Studies = field(default_factory=Studies)
    null: str = "null"
    cap: str = "cap_64"
    rest_s: PositiveFloat = 250.0
    epoch_s: PositiveFloat = 2.0
    source_spacing: Literal["ico3", "ico4"] = "ico4"
    bem_ico: Annotated[int, Field(ge=2, le=4)] = 3
    figures: tuple[tuple[FileName, str, str], ...] = ()

    def __post_init__(self) -> None:
        problems = [*self._part_problems(), *self._cohort_problems(), *self._figure_problems()]
        if problems:
            raise DesignError(problems)

    def cells(self) -> Iterator["Cell"]:
        """Yield every cell of the grid: what one job simulates and analyses."""
        for part in self.parts:
            for cohort in part.cohorts:
                for montage in part.montages:
                    for cleaning in part.cleaning:
                        yield Cell(self, cohort, montage, cleaning, part)

    def cell(self, cohort: str, montage: str, cleaning: str) -> "Cell":
        """Return one cell."""
        wanted = (cohort, montage, cleaning)
        return next(one for one in self.cells() if (one.cohort, one.montage, one.cleaning) == wanted)

    def _part_problems(self) -> Iterator[Problem]:
        known = {
            "cohorts": list(self.cohorts),
            "montages": list(CAPS),
            "inverses": list(INVERSES),
            "measures": [name for name, one in MEASURES.items() if one.kind != "hermitian"],
            "bands": list(DEFAULT_BANDS),
        }
        for number, part in enumerate(self.parts, start=1):
            for what, names in known.items():
                for name in getattr(part, what):
                    if name not in names:
                        yield Problem(f"parts[{number}].{what}", name, f"one of {', '.join(names)}", _FIX)
        if self.cap not in CAPS:
            yield Problem("cap", self.cap, f"one of {', '.join(CAPS)}", _FIX)
            return
        for name in {name for part in self.parts for name in part.montages} & CAPS.keys():
            if not set(CAPS[name]) <= set(CAPS[self.cap]):
                yield Problem("montages", f"{name}, no part of {self.cap}", f"channels of {self.cap}", _FIX)
        cells = [(one.cohort, one.montage, one.cleaning) for one in self.cells()]
        for twice in sorted({cell for cell in cells if cells.count(cell) > 1}):
            yield Problem("parts", f"{' x '.join(twice)} twice", "every combination in one part only", _FIX)
        for cell in self.cells():
            missing = (self.null, cell.montage, cell.cleaning) not in cells
            if cell.cohort in self.cohorts and not self.cohorts[cell.cohort].is_pool and missing:
                told = f"no {self.null} x {cell.montage} x {cell.cleaning}, which sets the thresholds of {cell.cohort}"
                yield Problem("parts", told, f"the cohort {self.null} in the same part", _FIX)

        for number, part in enumerate(self.parts, start=1):
            if (longest := max(part.n_epochs)) * self.epoch_s > self.rest_s:
                found = f"{longest} epochs of {self.epoch_s:g} s in {self.rest_s:g} s"
                yield Problem(f"parts[{number}].n_epochs", found, "no more than there is of rest (rest_s)", _FIX)
            signed = [name for name in part.measures if name in MEASURES and MEASURES[name].kind != "symmetric"]
            if signed and any(self.cohorts[name].is_pool for name in part.cohorts if name in self.cohorts):
                wanted = "symmetric measures for cohorts of two groups"
                yield Problem(f"parts[{number}].measures", ", ".join(signed), wanted, _FIX)

    def _cohort_problems(self) -> Iterator[Problem]:
        null = self.cohorts.get(self.null)
        for name, one in self.cohorts.items():
            place = f"cohorts.{name}"
            if name == self.null and (one.couplings or one.is_pool):
                yield Problem(place, "couplings or two groups", "one group without coupling", _FIX)
            if name != self.null and not one.couplings:
                yield Problem(f"{place}.couplings", "none", f"a coupling; {self.null} is the one without", _FIX)
            if null is not None and not one.is_pool and dict(one.n_per_group) != dict(null.n_per_group):
                found = ", ".join(f"{number} of {group}" for group, number in one.n_per_group.items())
                yield Problem(
                    f"{place}.n_per_group", found, f"the people of {self.null}, whom it is held against", _FIX
                )
            if one.is_pool and one.differ and len(set(one.n_per_group.values())) > 1:
                wanted = "as many in both groups: they are the same people"
                yield Problem(f"{place}.n_per_group", f"{dict(one.n_per_group)}", wanted, _FIX)
            regions = {region for each in one.couplings for region in (*each.leaders, *each.followers)}
            if unknown := sorted(regions - set(PARCELLATIONS["desikan_killiany"].region_names)):
                yield Problem(f"{place}.couplings", ", ".join(unknown), "regions of the Desikan-Killiany atlas", _FIX)
            if self.cap not in CAPS:
                continue
            try:
                self.spec_of(name, "artefact_free")
            except DesignError as error:
                yield from (replace(problem, where=f"{place}, {problem.where}") for problem in error.problems)

    def _figure_problems(self) -> Iterator[Problem]:
        artefact_free = [part for part in self.parts if "artefact_free" in part.cleaning]
        shown = {(cohort, band) for part in artefact_free for cohort in part.cohorts for band in part.bands}
        for name, cohort, band in self.figures:
            edges = cohort in self.cohorts and cohort != self.null and not self.cohorts[cohort].is_pool
            if not edges or (cohort, band) not in shown:
                wanted = "a cohort of one group with a coupling, and a band, of an artefact_free part"
                yield Problem(f"figures.{name}", f"{cohort}, {band}", wanted, _FIX)

    def spec_of(self, name: str, cleaning: Cleaning) -> CohortSpec:
        """Return a cohort in full: the rhythms and the head of the demo cohort, at rest."""
        quiet, cohort = cleaning == "artefact_free", self.cohorts[name]
        return replace(
            DEMO,
            name=name,
            n_per_group=cohort.n_per_group,
            channels=CAPS[self.cap],
            couplings=cohort.couplings,
            effects=cohort.effects,
            protocol=Protocol(task="rest", blocks=(Block(duration_s=self.rest_s),), n_pinpricks=0),
            artefacts=NO_ARTEFACTS if quiet else DEMO.artefacts,
            contacts=GOOD_CONTACTS if quiet else DEMO.contacts,
            head=replace(DEMO.head, bem_ico=self.bem_ico),
        )


@dataclass(frozen=True)
class Cell:
    """One cohort under one montage and cleaning, and the methods applied to it."""

    grid: RecoveryGrid
    cohort: str
    montage: str
    cleaning: Cleaning
    part: Part

    @property
    def people(self) -> Cohort:
        """Return the cohort."""
        return self.grid.cohorts[self.cohort]

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the channels that are analysed."""
        return CAPS[self.montage]

    @property
    def bands_hz(self) -> dict[str, tuple[float, float]]:
        """Return the bands that are analysed."""
        return {name: DEFAULT_BANDS[name] for name in self.part.bands}

    def spec(self) -> CohortSpec:
        """Return the cohort in full: the rhythms and the head of the demo cohort, at rest."""
        return self.grid.spec_of(self.cohort, self.cleaning)

    def roster(self) -> tuple[tuple[str, str], ...]:
        """Return (participant label, group) of everybody; of a pool with an effect, of everybody in either group."""
        spec = self.spec()
        if not self.people.differ:
            return roster(spec, seed=self.grid.seed)
        sizes = self.people.n_per_group
        return tuple((f"{number:03d}", group) for group in sorted(sizes) for number in range(1, sizes[group] + 1))

    def settings(self) -> dict[str, Any]:
        """Return what the cell depends on, and nothing else of the grid, as JSON types."""
        grid = asdict(self.grid)
        own = [self.cohort] if self.people.is_pool else sorted({self.cohort, self.grid.null})
        part = asdict(self.part) | {"cohorts": own, "montages": [self.montage], "cleaning": [self.cleaning]}
        cohorts = {name: grid["cohorts"][name] for name in own}
        # What studies are drawn afterwards, and what is shown of them, changes nothing here.
        of_cell = {"cohorts": cohorts, "parts": [part], "studies": asdict(Studies()), "figures": []}
        return {"grid": grid | of_cell, "cohort": self.cohort, "montage": self.montage, "cleaning": self.cleaning}


def read_grid(record: Mapping[str, Any]) -> RecoveryGrid:
    """Check a grid that was read from a file.

    Raises
    ------
    DesignError
        All problems at once.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(RecoveryGrid).validate_python(record)
    except ValidationError as error:
        raise DesignError(
            [
                Problem(".".join(str(key) for key in one["loc"]), repr(one.get("input"))[:80], one["msg"], _FIX)
                for one in error.errors()
            ]
        ) from None
