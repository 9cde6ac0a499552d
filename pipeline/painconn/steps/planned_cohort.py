"""From a study file to simulated people: their recordings, and couplings of known size in blocks of the primary family.

The true effect of a plan is in standard deviations of the coupling between people; between groups the coupling is
weaker in the group of interest. Within people it is weaker in the observation of interest, by an amount that varies
between people as much as the coupling itself does (its correlation between the two observations is a half).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast, Observation, Target
from painconn.connectivity.registry import MEASURES
from painconn.cortex.caps import template_positions
from painconn.cortex.montage import FORMER_NAMES
from painconn.cortex.registry import PARCELLATIONS
from painconn.errors import DesignError, Problem
from painconn.features.edges import block_names, block_pairs
from painconn.features.names import join
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.people import Person, draw_person, pinprick_onsets_s, stream
from painconn.simulation.planning import Kind
from painconn.simulation.presets import DEMO, SENSORY_BRIDGE
from painconn.simulation.specification import Artefacts, Block, Contacts, Coupling, Protocol, Rhythm, Spread
from painconn.steps.simulated_person import Timing

GROUP = "reference"
OBSERVATION_CORRELATION = 0.5
STRENGTH = SENSORY_BRIDGE.strength
"""Of every planted coupling: that of the bridge in the reference preset."""

_NONE = Spread(0.0, 0.0, 0.0, 0.0)
_PARCELLATIONS = ("desikan_killiany", "pain_12")
_REFERENCES = ("FCz", "CPz", "AFz", "Oz", "Nz", "FCCz", "CPPz")
_MARGIN_S = 2.0


@dataclass(frozen=True)
class PlantedBlock:
    """A block of the primary family with a coupling in it.

    Attributes
    ----------
    test : str
        The column that measures it.
    band : str
    groups : (str, str)
        The groups of regions that are coupled; one and the same for a block within a group.
    couplings : tuple of Coupling
        One; two for a contrast within people: in the reference observation, then in the one of interest.
    """

    test: str
    band: str
    groups: tuple[str, str]
    couplings: tuple[Coupling, ...]


@dataclass(frozen=True)
class PlannedCohort:
    """What is simulated for a target.

    Attributes
    ----------
    spec : CohortSpec
        Everybody in it is of the reference group.
    kind : {"between", "within"}
    observations : tuple of (str, str)
        Condition and window: one between people; reference and interest within people.
    tests : tuple of str
        The primary family.
    bands : tuple of str
        Band of each test.
    planted : tuple of PlantedBlock
    covariates : tuple of str
        Of the model.
    notes : tuple of str
        What the plan does otherwise than the study will.
    """

    spec: CohortSpec
    kind: Kind
    observations: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]
    bands: tuple[str, ...]
    planted: tuple[PlantedBlock, ...]
    covariates: tuple[str, ...]
    notes: tuple[str, ...]


def plan_cohort(
    study: StudyConfig, target: str, channels: Collection[str], covariates: Collection[str]
) -> PlannedCohort:
    """Return what has to be simulated to plan a target of a study.

    Parameters
    ----------
    study : StudyConfig
        The study.
    target : str
        Name of the target.
    channels : collection of str
        Electrodes of its montage.
    covariates : collection of str
        Covariates of its model.

    Raises
    ------
    DesignError
        With everything about the study that the simulation cannot represent.
    """
    chosen = study.targets[target]
    problems = [*_why_not(study, target, chosen), *_unknown_electrodes(channels)]
    if problems:
        raise DesignError(problems)
    contrast, primary = chosen.contrast, chosen.primary
    observations = tuple((side.condition, side.window) for side in _sides(contrast))
    rhythms = tuple(replace(rhythm, suppression=_NONE) for rhythm in DEMO.rhythms)
    planted = tuple(_planted(study, chosen, rhythms, observations))
    if not planted:
        bands = ", ".join(f"{name} {low:g}-{high:g} Hz" for name, (low, high) in study.connectivity.bands_hz.items())
        told = ", ".join(f"{one.peak_hz.mean:g} Hz" for one in rhythms)
        problem = Problem(
            f"targets.{target}.primary.bands",
            f"{', '.join(primary.bands)} of {bands}",
            f"a band that holds a rhythm of the simulated people ({told})",
            "add such a band to the primary family",
        )
        raise DesignError(problem)
    spec = replace(
        DEMO,
        name="planned",
        n_per_group={GROUP: 0},
        channels=tuple(channels),
        reference=_reference(channels),
        rhythms=rhythms,
        couplings=tuple(coupling for block in planted for coupling in block.couplings),
        effects=(),
        protocol=_protocol(study),
        artefacts=_quiet_artefacts(),
        contacts=Contacts(noisy_probability=0.0, flat_probability=0.0),
        evoked_nam=_NONE,
    )
    tests = {
        name: band
        for band in primary.bands
        for name in block_names(primary.measure, primary.inverse, band, study.groups)
    }
    return PlannedCohort(
        spec=spec,
        kind="within" if contrast.kind == "within" else "between",
        observations=observations,
        tests=tuple(tests),
        bands=tuple(tests.values()),
        planted=planted,
        covariates=tuple(covariates),
        notes=tuple(_notes(study, primary.bands, planted)),
    )


def planned_person(cohort: PlannedCohort, participant: str, *, d: float, seed: int) -> Person:
    """Draw a person whose couplings are `d` standard deviations weaker than they would be without the effect.

    Everything else is the same whatever `d` is.
    """
    person = draw_person(cohort.spec, participant, GROUP, seed=seed)
    strengths: dict[str, float] = {}
    for block in cohort.planted:
        z, z_other = stream(seed, participant, f"planned {block.test}").standard_normal(2)
        values = [z - d]
        if cohort.kind == "within":
            r = OBSERVATION_CORRELATION
            values = [z, r * z + np.sqrt(1 - r**2) * z_other - d]
        for coupling, value in zip(block.couplings, values, strict=True):
            strengths[coupling.name] = coupling.strength.at(value)
    return replace(person, coupling=strengths)


def planned_covariates(cohort: PlannedCohort, person: Person, *, seed: int) -> list[float]:
    """Return the covariates of a person: age and sex are the simulated ones, others random numbers of no meaning."""
    values = []
    for name in cohort.covariates:
        known = person.covariates.get(name) if cohort.kind == "between" else None
        if isinstance(known, str):
            known = float(known == "F")
        own = float(stream(seed, person.participant, f"covariate {name}").standard_normal())
        values.append(own if known is None else float(known))
    return values


def planned_timing(study: StudyConfig, cohort: PlannedCohort, participant: str, *, seed: int) -> Timing:
    """Return where the conditions lie in a person's recording; conditions of events take turns over the pinpricks."""
    spans = cohort.spec.protocol.block_spans_s()
    onsets = pinprick_onsets_s(cohort.spec, participant, seed=seed)
    of_events = _names(study, "events")
    turns = {name: onsets[place :: len(of_events)] for place, name in enumerate(of_events)}
    return Timing({name: spans[name] for name in _names(study, "rest")}, turns)


def _sides(contrast: Contrast) -> list[Observation]:
    sides = (contrast.observation,) if contrast.kind == "between" else (contrast.a, contrast.b)
    return [side for side in sides if isinstance(side, Observation)]


def _names(study: StudyConfig, kind: str) -> list[str]:
    return [name for name, condition in study.data.conditions.items() if condition.kind == kind]


def _why_not(study: StudyConfig, name: str, target: Target) -> Iterator[Problem]:
    layout = study.data.sources[0].layout
    if layout == "features":
        found, wanted = "layout features: a table without its recordings", "a study of recordings"
        fix = "plan with a study file of recordings, or from effect and reliability with an ordinary power formula"
        yield Problem("data.sources", found, wanted, fix)
        return
    if target.contrast.kind == "association":
        fix = "plan a copy of the target between people; `painconn run` gives the smallest correlation a size can see"
        yield Problem(f"targets.{name}.contrast.kind", "association", "between or within", fix)
        return
    regions = study.cortex.parcellation
    if regions not in _PARCELLATIONS:
        found = regions if isinstance(regions, str) else "files of one's own"
        fix = "plan with a copy of the study file that names one of these"
        yield Problem("cortex.parcellation", found, " or ".join(_PARCELLATIONS), fix)
    elif unknown := _unknown_regions(study):
        fix = "plan with groups of these regions"
        yield Problem("features.groups", ", ".join(unknown), "regions of the Desikan-Killiany atlas", fix)
    elif not block_pairs(study.groups):
        wanted = "two groups, or a group of two regions: a coupling joins two"
        yield Problem("features.groups", "one group of one region", wanted, "add regions or a group")
    if target.contrast.kind == "within":
        spans = [_span(study, (side.condition, side.window)) for side in _sides(target.contrast)]
        if len(set(spans)) < len(spans):
            found = f"two observations in the same time ({spans[0]})"
            wanted = "two blocks of rest, rest and a window, or the windows before and after the same events"
            fix = "plan with the contrast of the windows before and after one kind of events"
            yield Problem(f"targets.{name}.contrast", found, wanted, fix)


def _unknown_regions(study: StudyConfig) -> list[str]:
    known = PARCELLATIONS["desikan_killiany"].region_names
    return [region for regions in study.groups.values() for region in regions if region not in known]


def _unknown_electrodes(channels: Collection[str]) -> Iterator[Problem]:
    known = template_positions()
    lowered = {name: FORMER_NAMES.get(name.lower(), name.lower()) for name in channels}
    unknown = [name for name in channels if lowered[name] not in known]
    if unknown:
        found = f"{len(unknown)} electrodes without a name of the 10-05 system: {', '.join(unknown[:5])}"
        yield Problem(
            "channels", found, "names that say where an electrode is", "give --cap, of about as many channels"
        )


def _reference(channels: Collection[str]) -> str:
    """Return an electrode that is not among the channels; the average reference takes its part later."""
    return next(name for name in _REFERENCES if name not in channels)


def _planted(
    study: StudyConfig, target: Target, rhythms: tuple[Rhythm, ...], observations: tuple[tuple[str, str], ...]
) -> Iterator[PlantedBlock]:
    """Yield, for each primary band with a rhythm, the block between groups in which the rhythm is strongest."""
    definition, primary = MEASURES[target.primary.measure], target.primary
    every = block_pairs(
        study.groups, both_directions=definition.both_directions, signed_by_order=definition.signed_by_order
    )
    pairs = [pair for pair in every if pair[0] != pair[1]] or every
    spans = ("recording",) if len(observations) == 1 else tuple(_span(study, one) for one in observations)
    of_envelopes = definition.takes == "analytic" and definition.name.startswith("aec")
    for band in primary.bands:
        low_hz, high_hz = study.connectivity.bands_hz[band]
        rhythm = next((one for one in rhythms if low_hz <= one.peak_hz.mean < high_hz), None)
        if rhythm is None:
            continue
        strength = {
            group: float(np.mean([rhythm.weight(one) for one in study.groups[group]])) for group in study.groups
        }
        pair = max(pairs, key=lambda pair: strength[pair[0]] + strength[pair[1]])
        leaders, followers = _ends(study.groups, pair)
        test = join(primary.measure, primary.inverse, band, *pair)
        couplings = tuple(
            Coupling(
                name=f"{band}: {pair[0]} with {pair[1]}, {span}",
                rhythm=rhythm.name,
                leaders=leaders,
                followers=followers,
                strength=STRENGTH,
                # A quarter of a cycle, which imaginary and phase-lag measures see best.
                delay_s=0.25 / rhythm.peak_hz.mean,
                kind="amplitude" if of_envelopes else "lagged",
                span=span,
            )
            for span in spans
        )
        yield PlantedBlock(test, band, pair, couplings)


def _ends(groups: Mapping[str, tuple[str, ...]], pair: tuple[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the regions that lead and those that follow; a block within a group is cut in the middle."""
    first, second = groups[pair[0]], groups[pair[1]]
    return (first, second) if pair[0] != pair[1] else (first[: len(first) // 2], first[len(first) // 2 :])


def _span(study: StudyConfig, observation: tuple[str, str]) -> str:
    condition, window = observation
    return condition if study.data.conditions[condition].kind == "rest" else window.removesuffix("_evoked")


def _protocol(study: StudyConfig) -> Protocol:
    """Return a recording with as much of every condition as the study uses of it, at the rate of clean data."""
    cleaning, conditions = study.cleaning, study.data.conditions
    blocks = []
    for name in _names(study, "rest"):
        of_epochs = (1 + (conditions[name].n_epochs - 1) * (1 - cleaning.epoch_overlap)) * cleaning.epoch_length_s
        of_segments = conditions[name].n_segments * cleaning.segment_length_s
        blocks.append(Block(name=name, duration_s=max(of_epochs, of_segments) + _MARGIN_S))
    of_events = [conditions[name] for name in _names(study, "events")]
    longest_s = max((condition.window_s[1] for condition in of_events), default=1.0)
    return Protocol(
        blocks=tuple(blocks),
        # The windows before and after an event touch nothing of its neighbours.
        interval_s=(2 * longest_s + 0.5, 2 * longest_s + 1.0),
        pause_s=longest_s + _MARGIN_S,
        n_pinpricks=max((condition.n_epochs for condition in of_events), default=0) * len(of_events),
        window_s=longest_s,
        sfreq_hz=cleaning.sfreq_hz,
    )


def _quiet_artefacts() -> Artefacts:
    """Return the noise of the sensors alone: how often the others come does not matter, their size is nothing."""
    return Artefacts(
        **{name: _NONE for name in vars(Artefacts()) if name.endswith("_uv") and name != "sensor_noise_uv"}
    )


def _notes(study: StudyConfig, bands: Collection[str], planted: Collection[PlantedBlock]) -> Iterator[str]:
    without = [band for band in bands if band not in {block.band for block in planted}]
    if without:
        yield f"nothing is planted in {', '.join(without)}: the simulated people have no rhythm there"
    if study.cortex.template != "bundled":
        yield f"planned on the bundled head, whatever cortex.template says ({study.cortex.template})"
    if len(study.data.sources) > 1:
        yield "planned as one site; means of sites cost one degree of freedom each"
    if study.data.sources[0].layout == "epochs":
        length_s = study.cleaning.epoch_length_s
        yield f"planned with rest epochs of {length_s:g} s (cleaning.epoch_length_s); check that yours are as long"
