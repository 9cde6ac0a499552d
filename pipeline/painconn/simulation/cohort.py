"""What a simulated cohort is: the declared truth, checked as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from painconn.errors import DesignError, Problem
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

EVENT_SPANS = ("pre", "post")
"""Spans of a coupling that lie at each pinprick."""


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
        problems = [*self._coupling_problems(), *self._effect_problems(), *self._table_problems()]
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

    def group_effects(self) -> tuple[Effect, ...]:
        """Return the effects of the group on brain or pain, not on covariates or artefacts: what should be found."""
        others = self.covariates.declared()
        return tuple(
            one
            for one in self.effects
            if one.by == "group" and one.trait not in others and not one.trait.startswith("artefact:")
        )

    def as_record(self) -> dict[str, Any]:
        """Return the specification as plain values, ready for JSON."""
        return {**asdict(self), "duration_s": self.protocol.duration_s}

    def _coupling_problems(self) -> Iterator[Problem]:
        rhythms = sorted(one.name for one in self.rhythms)
        spans = ("recording", *(block.name for block in self.protocol.blocks), *EVENT_SPANS)
        for one in self.couplings:
            where, fix = f"coupling {one.name}", "correct the truth of the cohort"
            if one.rhythm not in rhythms:
                yield Problem(where, f"rhythm {one.rhythm}", f"one of {', '.join(rhythms)}", fix)
            if one.span not in spans:
                yield Problem(where, f"span {one.span}", f"one of {', '.join(spans)}", fix)
            if set(one.leaders) & set(one.followers):
                yield Problem(where, "a region that leads and follows", "two separate sets of regions", fix)
            if one.kind in ("lagged", "directed") and one.delay_s == 0:
                yield Problem(where, f"kind {one.kind} without delay", "delay_s above 0, or kind: zero_lag", fix)

    def _effect_problems(self) -> Iterator[Problem]:
        traits, covariates = self.traits(), self.covariates.declared()
        for one in self.effects:
            where, fix = f"effect on {one.trait} by {one.by}", "correct the truth of the cohort"
            moved, source = traits.get(one.trait), covariates.get(one.by)
            levels = list(self.n_per_group) if one.by == "group" else []
            if isinstance(source, Levels):
                levels = list(source.shares)
            if moved is None:
                yield Problem(where, "an unknown trait", f"one of {', '.join(traits)}", fix)
            elif isinstance(moved, Spread) and moved.sd == 0:
                yield Problem(where, "a trait that is the same for everybody", "a trait with sd above 0", fix)
            if one.by != "group" and source is None:
                yield Problem(where, "an unknown covariate", f"group or one of {', '.join(covariates)}", fix)
            if one.by != "group" and one.trait in covariates:
                yield Problem(where, "a covariate moved by another", "covariates.correlations for that", fix)
            if levels and one.level not in levels:
                yield Problem(where, f"level {one.level}", f"one of {', '.join(levels)}", fix)
            if not levels and one.level is not None:
                yield Problem(where, f"level {one.level} of a number", "no level: d is per standard deviation", fix)

    def _table_problems(self) -> Iterator[Problem]:
        fix, covariates = "correct the truth of the cohort", self.covariates.declared()
        for name, trait in self.traits().items():
            if isinstance(trait, Levels) and abs(sum(trait.shares.values()) - 1) > 1e-9:
                yield Problem(
                    f"covariate {name}", f"shares of {sum(trait.shares.values()):g}", "shares that make 1", fix
                )
        for one in self.covariates.correlations:
            unknown = [name for name in one.between if name not in covariates]
            if unknown or one.between[0] == one.between[1]:
                wanted = f"two of {', '.join(covariates)}"
                yield Problem("covariates.correlations", " and ".join(one.between), wanted, fix)
                return
        if np.linalg.eigvalsh(self.covariates.correlation()).min() < 1e-9:
            yield Problem("covariates.correlations", "no correlation matrix", "correlations that are possible", fix)
        sites = list(self.covariates.site.shares) if self.covariates.site else []
        if self.covariates.amplifier and set(self.covariates.amplifier) != set(sites):
            found = ", ".join(self.covariates.amplifier)
            yield Problem("covariates.amplifier", found, f"one for each site: {', '.join(sites) or 'no site'}", fix)
        n_people = sum(self.n_per_group.values())
        if self.bookkeeping.n_duplicated > n_people:
            found = str(self.bookkeeping.n_duplicated)
            yield Problem("bookkeeping.n_duplicated", found, f"at most the {n_people} people of the cohort", fix)
        if self.bookkeeping.label_noise and len([n for n in self.n_per_group.values() if n]) < 2:
            yield Problem("bookkeeping.label_noise", "one group", "another group to take labels from", fix)
        for column, group in self.bookkeeping.missing.items():
            if column not in covariates or group not in self.n_per_group:
                yield Problem("bookkeeping.missing", f"{column}: {group}", "a covariate: a group", fix)
        names = [block.name for block in self.protocol.blocks]
        if len(set(names)) < len(names) or set(names) & {"recording", "pinprick", *EVENT_SPANS}:
            yield Problem("protocol.blocks", ", ".join(names), "different names, none of them taken", fix)
        if bool(self.protocol.sites) != bool(self.protocol.forces_mn):
            yield Problem("protocol", "only one of sites and forces_mn", "both or none", fix)
        if self.psychophysics and self.psychophysics.painful_site not in self.protocol.sites:
            found, wanted = self.psychophysics.painful_site, ", ".join(self.protocol.sites) or "sites in the protocol"
            yield Problem("psychophysics.painful_site", found, f"one of {wanted}", fix)
