"""What is wrong with a declared cohort: everything that a single part of it cannot know.

Conventions of this file: problems are named after what they are in, such as ``coupling NAME`` or ``protocol.blocks``;
nothing is refused that could be simulated as it is said.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from painconn.errors import Problem
from painconn.simulation.specification import Coupling, Levels, Spread

if TYPE_CHECKING:
    from painconn.simulation.cohort import CohortSpec

EVENT_SPANS = ("pre", "post")
"""Spans of a coupling that lie at each pinprick."""

_FIX = "correct the truth of the cohort"
_LIMITS: Mapping[str, tuple[float, float]] = {
    "coupling": (0.0, 1.0),
    "suppression": (0.0, 1.0),
    "moment": (0.0, np.inf),
    "artefact": (0.0, np.inf),
    "background_uv": (0.0, np.inf),
    "pain_now": (0.0, 10.0),
    "age": (0.0, np.inf),
    "pain_duration_years": (0.0, np.inf),
}
"""Between what a trait can be, by its kind; beyond it the signals would not be what the truth says."""


def problems_of(spec: "CohortSpec") -> Iterator[Problem]:
    """Find everything that is wrong with a cohort.

    Parameters
    ----------
    spec : CohortSpec
        A cohort whose parts are sound each for itself.

    Yields
    ------
    problem : Problem
    """
    yield from _of_couplings(spec)
    yield from _of_effects(spec)
    yield from _of_traits(spec)
    yield from _of_covariates(spec)
    yield from _of_protocol(spec)
    yield from _of_psychophysics(spec)
    yield from _of_contacts(spec)
    yield from _of_bookkeeping(spec)


def _of_couplings(spec: "CohortSpec") -> Iterator[Problem]:
    rhythms = sorted(one.name for one in spec.rhythms)
    spans = ("recording", *(block.name for block in spec.protocol.blocks), *EVENT_SPANS)
    for one in spec.couplings:
        where = f"coupling {one.name}"
        if one.rhythm not in rhythms:
            yield Problem(where, f"rhythm {one.rhythm}", _one_of(rhythms), _FIX)
        if one.span not in spans:
            yield Problem(where, f"span {one.span}", _one_of(spans), _FIX)
        if one.span in EVENT_SPANS and not spec.protocol.n_pinpricks:
            yield Problem(where, f"span {one.span} without pinpricks", "protocol.n_pinpricks above 0", _FIX)
        yield from _of_regions(one, where)
        if one.kind in ("lagged", "directed") and one.delay_s == 0:
            yield Problem(where, f"kind {one.kind} without delay", "delay_s above 0, or kind: zero_lag", _FIX)


def _of_regions(coupling: Coupling, where: str) -> Iterator[Problem]:
    for role in ("leaders", "followers"):
        regions = getattr(coupling, role)
        if not regions:
            yield Problem(where, f"no {role}", "one region at least", _FIX)
        for region in _repeated(regions):
            yield Problem(where, f"{region} twice in {role}", "each region once", _FIX)
    if set(coupling.leaders) & set(coupling.followers):
        yield Problem(where, "a region that leads and follows", "two separate sets of regions", _FIX)


def _of_effects(spec: "CohortSpec") -> Iterator[Problem]:
    traits, covariates = spec.traits(), spec.covariates.declared()
    for one in spec.effects:
        where = f"effect on {one.trait} by {one.by}"
        moved, source = traits.get(one.trait), covariates.get(one.by)
        if moved is None:
            yield Problem(where, "an unknown trait", _one_of(traits), _FIX)
        elif isinstance(moved, Spread) and moved.sd == 0:
            yield Problem(where, "a trait that is the same for everybody", "a trait with sd above 0", _FIX)
        if one.by != "group" and source is None:
            yield Problem(where, "an unknown covariate", f"group or {_one_of(covariates)}", _FIX)
            continue
        if one.by != "group" and one.trait in covariates:
            yield Problem(where, "a covariate moved by another", "covariates.correlations for that", _FIX)
        if isinstance(source, Spread) and source.sd == 0:
            yield Problem(where, f"{one.by}, which is the same for everybody", "a covariate with sd above 0", _FIX)
        levels = list(source.shares) if isinstance(source, Levels) else []
        if one.by == "group":
            levels = list(spec.n_per_group)
        if levels and one.level not in levels:
            yield Problem(where, f"level {one.level}", _one_of(levels), _FIX)
        if not levels and one.level is not None:
            yield Problem(where, f"level {one.level} of a number", "no level: d is per standard deviation", _FIX)


def _of_traits(spec: "CohortSpec") -> Iterator[Problem]:
    for name, trait in spec.traits().items():
        if isinstance(trait, Levels):
            continue
        low, high = _LIMITS.get(name.partition(":")[0], (-np.inf, np.inf))
        if trait.low < low or trait.high > high:
            wanted = f"low and high from {low:g}" + (f" to {high:g}" if high < np.inf else "")
            yield Problem(f"trait {name}", f"{trait.low:g} to {trait.high:g}", wanted, _FIX)
    if spec.artefacts.heart_per_minute.low <= 0:
        found = f"low {spec.artefacts.heart_per_minute.low:g}"
        yield Problem("trait artefact:heart_per_minute", found, "a heart that beats: low above 0", _FIX)
    nyquist_hz = spec.protocol.sfreq_hz / 2
    for one in spec.rhythms:
        low_hz, high_hz = one.peak_hz.low, one.peak_hz.high + 2 * one.width_hz
        if low_hz <= 0 or high_hz >= nyquist_hz:
            wanted = f"peaks above 0 Hz that end below half the sampling rate, {nyquist_hz:g} Hz"
            found = f"{low_hz:g} Hz to {high_hz:g} Hz, twice the width above the highest peak"
            yield Problem(f"trait peak:{one.name}", found, wanted, _FIX)


def _of_covariates(spec: "CohortSpec") -> Iterator[Problem]:
    covariates = spec.covariates.declared()
    for name, trait in covariates.items():
        if isinstance(trait, Levels) and abs(sum(trait.shares.values()) - 1) > 1e-9:
            yield Problem(f"covariate {name}", f"shares of {sum(trait.shares.values()):g}", "shares that make 1", _FIX)
    pairs = [one.between for one in spec.covariates.correlations]
    wrong = [pair for pair in pairs if not {*pair} <= set(covariates) or pair[0] == pair[1]]
    for pair in wrong:
        yield Problem("covariates.correlations", " and ".join(pair), f"two of {', '.join(covariates)}", _FIX)
    for name in _repeated(" and ".join(sorted(pair)) for pair in pairs):
        yield Problem("covariates.correlations", f"{name} twice", "each pair once", _FIX)
    if not wrong and np.linalg.eigvalsh(spec.covariates.correlation()).min() < 1e-9:
        yield Problem("covariates.correlations", "no correlation matrix", "correlations that are possible", _FIX)
    sites = list(spec.covariates.site.shares) if spec.covariates.site else []
    if spec.covariates.amplifier and set(spec.covariates.amplifier) != set(sites):
        found = ", ".join(spec.covariates.amplifier)
        yield Problem("covariates.amplifier", found, f"one for each site: {', '.join(sites) or 'no site'}", _FIX)


def _of_protocol(spec: "CohortSpec") -> Iterator[Problem]:
    protocol = spec.protocol
    names = [block.name for block in protocol.blocks]
    if _repeated(names) or set(names) & {"recording", "pinprick", *EVENT_SPANS}:
        yield Problem("protocol.blocks", ", ".join(names), "different names, none of them taken", _FIX)
    if bool(protocol.sites) != bool(protocol.forces_mn):
        yield Problem("protocol", "only one of sites and forces_mn", "both or none", _FIX)
    for name, values in (("sites", protocol.sites), ("forces_mn", [f"{force:g}" for force in protocol.forces_mn])):
        for value in _repeated(values):
            yield Problem(f"protocol.{name}", f"{value} twice", "each once", _FIX)
    shortest_s, longest_s = protocol.interval_s
    if shortest_s > longest_s:
        yield Problem("protocol.interval_s", f"{shortest_s:g} to {longest_s:g}", "the shortest, then the longest", _FIX)
    if 2 * protocol.window_s > shortest_s and any(one.span in EVENT_SPANS for one in spec.couplings):
        wanted = f"at most {shortest_s / 2:g}, half the shortest interval: windows of two pinpricks stay apart"
        yield Problem("protocol.window_s", f"{protocol.window_s:g}", wanted, _FIX)
    if protocol.line_hz >= protocol.sfreq_hz / 2 and spec.artefacts.line_uv.high > 0:
        found, wanted = f"{protocol.line_hz:g}", f"below half the sampling rate, {protocol.sfreq_hz / 2:g}"
        yield Problem("protocol.line_hz", found, f"{wanted}; or artefacts.line_uv of 0", _FIX)


def _of_psychophysics(spec: "CohortSpec") -> Iterator[Problem]:
    declared = spec.psychophysics
    if declared is None:
        return
    if declared.painful_site not in spec.protocol.sites:
        wanted = ", ".join(spec.protocol.sites) or "sites in the protocol"
        yield Problem("psychophysics.painful_site", declared.painful_site, f"one of {wanted}", _FIX)
    for name in ("painful_in", "remote_in"):
        for group in sorted(set(getattr(declared, name)) - set(spec.n_per_group)):
            yield Problem(f"psychophysics.{name}", f"the unknown group {group}", _one_of(spec.n_per_group), _FIX)


def _of_contacts(spec: "CohortSpec") -> Iterator[Problem]:
    # A noisy and a flat channel are drawn first, then one that pops, then two that are bridged.
    needed = 5 if spec.contacts.bridged_probability else 3 if spec.contacts.popping_probability else 2
    if len(spec.channels) < needed:
        yield Problem("channels", f"{len(spec.channels)}", f"{needed} at least, for the bad contacts declared", _FIX)


def _of_bookkeeping(spec: "CohortSpec") -> Iterator[Problem]:
    declared, n_people = spec.bookkeeping, sum(spec.n_per_group.values())
    if declared.n_duplicated > n_people:
        wanted = f"at most the {n_people} people of the cohort"
        yield Problem("bookkeeping.n_duplicated", f"{declared.n_duplicated}", wanted, _FIX)
    if declared.label_noise and len([n for n in spec.n_per_group.values() if n]) < 2:
        yield Problem("bookkeeping.label_noise", "one group", "another group to take labels from", _FIX)
    for column, group in declared.missing.items():
        if column not in spec.covariates.declared() or group not in spec.n_per_group:
            yield Problem("bookkeeping.missing", f"{column}: {group}", "a covariate: a group", _FIX)


def _one_of(names: Collection[str]) -> str:
    return f"one of {', '.join(names)}" if names else "one that is declared, and there is none"


def _repeated(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
