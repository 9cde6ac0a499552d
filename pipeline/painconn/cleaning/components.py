"""Independent components: fit, judge, remove.

A component is removed when ICLabel is sure enough that it is an artefact, or when it follows an eye or heart channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.component_methods import (
    LABELS,
    ComponentMethod,
    fit_components,
    label_probabilities,
    largest_correlation,
)
from painconn.cleaning.component_repetition import matched, typical_run
from painconn.cleaning.decisions import Decision
from painconn.errors import InputError, Problem

if TYPE_CHECKING:
    from mne.io import BaseRaw
    from mne.preprocessing import ICA

REMOVED_LABELS = frozenset({"eye blink", "muscle artifact", "heart beat", "line noise"})
"""Classes that are removed unless others are named; "channel noise" may hold brain signal."""

NEVER_REMOVED = frozenset({"brain", "other"})
"""Classes for which no threshold is accepted."""

CORRELATION_THRESHOLD = 0.7
"""From here on the eye or heart channel shares about half of the component's variance."""


_FINGERPRINT_DECIMALS = 3
"""Maps that differ by rounding are the same decomposition."""


@dataclass(frozen=True, eq=False)
class Component:
    """One independent component and what was decided about it.

    Parameters
    ----------
    index : int
        Position in the decomposition.
    label : str
        ICLabel's most probable class.
    probability : float
        Its probability.
    removed : bool
        Whether the component was taken out of the data.
    weights : ndarray, shape (good_channels,)
        Its scalp map, in the order of the good channels.
    reasons : tuple of str
        Why it was removed, each with its number: the class with its probability, ``EOG`` or ``ECG`` with the
        correlation.
    eog_correlation, ecg_correlation : float | None
        Largest absolute correlation with such a channel; None when there is none.
    similarity : float | None
        Mean absolute correlation of its map with those of its partners in the other runs; None for a single run.
    runs_removed : int
        In how many runs the component (or its partner) was removed.
    """

    index: int
    label: str
    probability: float
    removed: bool
    weights: NDArray[np.float64]
    reasons: tuple[str, ...] = ()
    eog_correlation: float | None = None
    ecg_correlation: float | None = None
    similarity: float | None = None
    runs_removed: int = 0


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A fitted ICA with its labelled components.

    Parameters
    ----------
    ica : mne.preprocessing.ICA
        Fitted on the good channels at the rank; of several runs the most typical one.
    components : tuple of Component
        In the order of the decomposition.
    converged : bool
        Whether the method reached its tolerance before its last iteration.
    run : int
        Which of the runs this is, counted from 0.
    removed_by_run : tuple of int
        Number of components that each run would have removed.
    similarity_by_run : tuple of float
        Mean similarity of each run's maps to those of the others; empty for a single run.
    """

    ica: "ICA"
    components: tuple[Component, ...]
    converged: bool
    run: int
    removed_by_run: tuple[int, ...]
    similarity_by_run: tuple[float, ...]

    @property
    def removed(self) -> list[int]:
        """Indices of the removed components."""
        return [component.index for component in self.components if component.removed]

    @property
    def fingerprint(self) -> str:
        """Eight characters that other maps, another order or another number of components would change."""
        maps = np.column_stack([component.weights for component in self.components])
        rounded = np.round(maps / np.abs(maps).max(axis=0), _FINGERPRINT_DECIMALS) + 0.0
        return sha256(repr(rounded.tolist()).encode()).hexdigest()[:8]


@dataclass(frozen=True, eq=False)
class _Run:
    ica: "ICA"
    converged: bool
    components: tuple[Component, ...]

    @property
    def maps(self) -> NDArray[np.float64]:
        return np.column_stack([component.weights for component in self.components])


def decompose(
    raw: "BaseRaw",
    *,
    rank: int,
    threshold: float | Mapping[str, float],
    seed: int,
    method: ComponentMethod = "picard",
    eog_threshold: float = CORRELATION_THRESHOLD,
    ecg_threshold: float = CORRELATION_THRESHOLD,
    n_repetitions: int = 1,
) -> Decomposition:
    """Fit ICA at the rank and decide which components are artefacts.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG, high-passed at 1 Hz, low-passed at 100 Hz or below, average reference, bad channels in ``info["bads"]``.
        Channels of type EOG and ECG, when it has them, are asked too.
    rank : int
        Number of components.
    threshold : float | mapping of str to float
        Smallest probability at which a component is removed: one number for `REMOVED_LABELS`, or one per class of
        ICLabel; classes that are not named stay.
    seed : int
        Seed of the start of the decomposition; runs use this number and those that follow it.
    method : {"picard", "infomax", "fastica"}
        As in :func:`painconn.cleaning.component_methods.fit_components`.
    eog_threshold, ecg_threshold : float
        Smallest absolute correlation with an eye or heart channel at which a component is removed.
    n_repetitions : int
        Number of runs; the most typical one is kept.

    Returns
    -------
    decomposition : Decomposition
        To be applied with :func:`remove_components`.

    Raises
    ------
    InputError
        When a threshold is given for a class that may hold brain signal, or for no class of ICLabel.
    """
    thresholds = dict(threshold) if isinstance(threshold, Mapping) else dict.fromkeys(REMOVED_LABELS, threshold)
    _check_labels(thresholds)
    limits = {"eog": eog_threshold, "ecg": ecg_threshold}
    runs = []
    for repetition in range(n_repetitions):
        ica, converged = fit_components(raw, method=method, rank=rank, seed=seed + repetition)
        runs.append(_Run(ica, converged, _judged(raw, ica, thresholds, limits)))
    chosen, similarity_by_run = (0, []) if n_repetitions == 1 else typical_run([run.maps for run in runs])
    return Decomposition(
        runs[chosen].ica,
        _with_spread(chosen, runs),
        runs[chosen].converged,
        chosen,
        tuple(sum(component.removed for component in run.components) for run in runs),
        tuple(similarity_by_run),
    )


def _check_labels(thresholds: Mapping[str, float]) -> None:
    allowed = [label for label in LABELS if label not in NEVER_REMOVED]
    problems = [
        Problem(
            f"threshold of {label!r}",
            f"{value:g}",
            f"one of {', '.join(allowed)}",
            "leave it out: only these classes may be removed",
        )
        for label, value in thresholds.items()
        if label not in allowed
    ]
    if problems:
        raise InputError(problems)


def _judged(
    raw: "BaseRaw", ica: "ICA", thresholds: Mapping[str, float], limits: Mapping[str, float]
) -> tuple[Component, ...]:
    """Label every component of one run and decide about it."""
    probabilities = label_probabilities(raw, ica)
    eog, ecg = largest_correlation(raw, ica, "eog"), largest_correlation(raw, ica, "ecg")
    maps = ica.get_components()
    components = []
    for index, row in enumerate(probabilities):
        label, probability = LABELS[int(row.argmax())], float(row.max())
        eye, heart = (None if found is None else float(found[index]) for found in (eog, ecg))
        reasons = [f"{label} {probability:.2f}"] if probability >= thresholds.get(label, np.inf) else []
        for name, value in (("eog", eye), ("ecg", heart)):
            if value is not None and value >= limits[name]:
                reasons.append(f"{name.upper()} {value:.2f}")
        components.append(
            Component(index, label, probability, bool(reasons), maps[:, index].copy(), tuple(reasons), eye, heart)
        )
    return tuple(components)


def _with_spread(chosen: int, runs: list[_Run]) -> tuple[Component, ...]:
    """Add to the components of the chosen run how the other runs saw them."""
    partners = {
        position: matched(runs[chosen].maps, run.maps) for position, run in enumerate(runs) if position != chosen
    }
    return tuple(
        replace(
            component,
            similarity=float(np.mean([found[1][component.index] for found in partners.values()])) if partners else None,
            runs_removed=int(component.removed)
            + sum(runs[position].components[found[0][component.index]].removed for position, found in partners.items()),
        )
        for component in runs[chosen].components
    )


def decided_by_hand(
    decomposition: Decomposition, decisions: Sequence[Decision]
) -> tuple[Decomposition, list[tuple[Decision, str]]]:
    """Let a person's decisions win over the automatic ones.

    Parameters
    ----------
    decomposition : Decomposition
        With the automatic decisions.
    decisions : sequence of Decision
        About components of this session.

    Returns
    -------
    decomposition : Decomposition
        The same components, other decisions; those that were made by hand say so in their reasons.
    refused : list of (Decision, str)
        Decisions about another decomposition, or a component that is not there, and why they were not followed.
    """
    components, refused = list(decomposition.components), []
    for decision in decisions:
        index = int(decision.item)
        if decision.decomposition != decomposition.fingerprint:
            found = f"the decomposition is {decomposition.fingerprint} now, not {decision.decomposition}"
            refused.append((decision, f"{found}: look at its components again"))
        elif index >= len(components):
            refused.append((decision, f"there are components 0 to {len(components) - 1}"))
        else:
            reasons = components[index].reasons if decision.takes_out else ()
            by_hand = (*reasons, f"{decision.decision} by hand")
            components[index] = replace(components[index], removed=decision.takes_out, reasons=by_hand)
    return replace(decomposition, components=tuple(components)), refused


def remove_components(raw: "BaseRaw", decomposition: Decomposition) -> "BaseRaw":
    """Return a copy without the removed components and without anything beyond the rank."""
    return decomposition.ica.apply(raw.copy(), exclude=decomposition.removed, verbose="WARNING")
