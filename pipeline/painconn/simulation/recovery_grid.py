"""What a recovery run simulates and analyses: cohorts x montages x cleaning, and the methods applied to each."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat
from pydantic.dataclasses import dataclass

from painconn.config.connectivity import DEFAULT_BANDS
from painconn.connectivity.registry import MEASURES
from painconn.cortex.registry import INVERSES
from painconn.errors import DesignError, Problem
from painconn.simulation.caps import CAPS
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.demo import DEMO
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
        One group: edges are scored in each person. Two groups: a pool that studies are drawn from.
    couplings : tuple of Coupling
        What is planted; none is the null cohort.
    effects : tuple of Effect
        What differs between the groups; none: the pool gives the type-I rate.
    """

    n_per_group: Mapping[str, Annotated[int, Field(ge=3)]]
    couplings: tuple[Coupling, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def is_pool(self) -> bool:
        """Whether studies of two groups are drawn from it."""
        return len(self.n_per_group) == 2


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

    cohorts: tuple[str, ...]
    montages: tuple[str, ...]
    cleaning: tuple[Cleaning, ...]
    inverses: tuple[str, ...]
    measures: tuple[str, ...]
    bands: tuple[str, ...]
    n_epochs: tuple[Annotated[int, Field(ge=2)], ...]


@dataclass(frozen=True, config=PART)
class Studies:
    """Studies that are drawn from the pools."""

    n_per_group: tuple[Annotated[int, Field(ge=3)], ...] = (8, 12, 16, 24, 32)
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
    source_spacing : str
        Of the head of the analysis.
    bem_ico : int
        Triangles of the shells of both heads.
    """

    name: str
    seed: int
    cohorts: Mapping[str, Cohort]
    parts: tuple[Part, ...]
    studies: Studies = field(default_factory=Studies)
    null: str = "null"
    cap: str = "cap_64"
    rest_s: PositiveFloat = 250.0
    epoch_s: PositiveFloat = 2.0
    source_spacing: str = "ico4"
    bem_ico: Annotated[int, Field(ge=2, le=4)] = 3

    def __post_init__(self) -> None:
        problems = [*self._part_problems(), *self._cohort_problems()]
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
            signed = [name for name in part.measures if name in MEASURES and MEASURES[name].kind != "symmetric"]
            if signed and any(self.cohorts[name].is_pool for name in part.cohorts if name in self.cohorts):
                wanted = "symmetric measures for cohorts of two groups"
                yield Problem(f"parts[{number}].measures", ", ".join(signed), wanted, _FIX)

    def _cohort_problems(self) -> Iterator[Problem]:
        for name, one in self.cohorts.items():
            if len(one.n_per_group) > 2:
                yield Problem(f"cohorts.{name}", f"{len(one.n_per_group)} groups", "one or two", _FIX)
            if name == self.null and (one.couplings or one.is_pool):
                yield Problem(f"cohorts.{name}", "couplings or two groups", "one group without coupling", _FIX)
            if one.is_pool and max(self.studies.n_per_group) > min(one.n_per_group.values()):
                found = f"a pool of {min(one.n_per_group.values())} per group"
                yield Problem(f"cohorts.{name}", found, f"at least {max(self.studies.n_per_group)}", _FIX)


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
        quiet = self.cleaning == "artefact_free"
        return replace(
            DEMO,
            name=self.cohort,
            n_per_group=self.people.n_per_group,
            channels=CAPS[self.grid.cap],
            couplings=self.people.couplings,
            effects=self.people.effects,
            protocol=Protocol(task="rest", blocks=(Block(duration_s=self.grid.rest_s),), n_pinpricks=0),
            artefacts=NO_ARTEFACTS if quiet else DEMO.artefacts,
            contacts=GOOD_CONTACTS if quiet else DEMO.contacts,
            head=replace(DEMO.head, bem_ico=self.grid.bem_ico),
        )

    def settings(self) -> dict[str, Any]:
        """Return what the cell depends on, and nothing else of the grid, as JSON types."""
        grid = asdict(self.grid)
        own = [self.cohort] if self.people.is_pool else sorted({self.cohort, self.grid.null})
        part = asdict(self.part) | {"cohorts": own, "montages": [self.montage], "cleaning": [self.cleaning]}
        cohorts = {name: grid["cohorts"][name] for name in own}
        # What studies are drawn afterwards changes nothing here.
        of_cell = {"cohorts": cohorts, "parts": [part], "studies": asdict(Studies(n_per_group=(3,)))}
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
