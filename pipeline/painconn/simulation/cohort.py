"""What a simulated cohort is: the declared truth, checked as a whole."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from painconn.errors import DesignError
from painconn.simulation.soundness import problems_of
from painconn.simulation.specification import (
    PART,
    Artefacts,
    Bookkeeping,
    Contacts,
    Coupling,
    Covariates,
    Effect,
    HeadSpec,
    Levels,
    Protocol,
    Psychophysics,
    Restlessness,
    Rhythm,
    Spread,
    Variation,
)

BODY = ("pain_now", "exponent", "background_uv", "evoked_nam")
"""Traits of a person that are one number, in the order in which they are drawn."""


@dataclass(frozen=True, config=PART)
class CohortSpec:
    """The declared truth of a cohort."""

    name: str
    n_per_group: Mapping[str, Annotated[int, Field(ge=0)]]
    channels: tuple[str, ...]
    rhythms: tuple[Rhythm, ...]
    couplings: tuple[Coupling, ...]
    effects: tuple[Effect, ...] = ()
    reference: str = "FCz"
    protocol: Protocol = Protocol()
    head: HeadSpec = HeadSpec()
    variation: Variation = Variation()
    artefacts: Artefacts = Artefacts()
    restlessness: Restlessness = Restlessness()
    contacts: Contacts = Contacts()
    covariates: Covariates = Covariates()
    psychophysics: Psychophysics | None = None
    bookkeeping: Bookkeeping = Bookkeeping()
    pain_now: Spread = Spread(4.5, 1.6, 0.0, 10.0)
    exponent: Spread = Spread(1.3, 0.18, 0.8, 1.9)
    knee_hz: Annotated[float, Field(gt=0)] = 1.0
    background_uv: Spread = Spread(8.0, 1.2, 4.0, 14.0)
    evoked_nam: Spread = Spread(60.0, 15.0, 20.0, 120.0)
    evoked_regions: tuple[str, ...] = ("postcentral", "insula", "caudalanteriorcingulate")

    def __post_init__(self) -> None:
        problems = list(problems_of(self))
        if problems:
            raise DesignError(problems)

    def traits(self) -> dict[str, Spread | Levels]:
        """Return everything that an effect can move, by the name that the effect uses."""
        found: dict[str, Spread | Levels] = {name: getattr(self, name) for name in BODY}
        for one in self.rhythms:
            found |= {f"moment:{one.name}": one.moment_nam, f"peak:{one.name}": one.peak_hz}
            found[f"suppression:{one.name}"] = one.suppression
        found |= {f"coupling:{one.name}": one.strength for one in self.couplings}
        found |= {
            f"artefact:{name}": spread
            for name, spread in {**vars(self.artefacts), **vars(self.restlessness)}.items()
            if isinstance(spread, Spread)
        }
        return found | self.covariates.declared()

    def as_record(self) -> dict[str, Any]:
        """Return the specification as plain values, ready for JSON."""
        return {**asdict(self), "duration_s": self.protocol.duration_s}
