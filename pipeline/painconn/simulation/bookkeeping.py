"""Who is in the tables of a cohort: people recorded twice under two labels, and labels that are wrong on purpose.

Conventions of this file: what is drawn here follows from the seed and the roster; without declared faults the dataset
is the roster.
"""

from dataclasses import dataclass

import numpy as np

from painconn.provenance import seed_for
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.people import roster


@dataclass(frozen=True)
class Enrolled:
    """One label of the dataset.

    Parameters
    ----------
    label : str
        Participant label of the dataset.
    source : str
        Label of the person whose traits and recording these are: another one for a copy.
    group : str
        True group.
    stated_group : str
        Group in the participants table.
    """

    label: str
    source: str
    group: str
    stated_group: str


def enrol(spec: CohortSpec, *, seed: int) -> tuple[Enrolled, ...]:
    """Return everybody in the dataset, in the order of the labels; neither label nor order tells who is a copy.

    Copies get labels anywhere among all of them. Whoever of the roster had such a label has one of the additional
    labels instead; all others are the people that they are in a cohort without copies.

    Parameters
    ----------
    spec, seed
        As for :func:`painconn.simulation.people.roster`.

    Returns
    -------
    people : tuple of Enrolled
    """
    groups, copied = _with_places_for_copies(spec, seed)
    stated = _stated(spec, groups, seed)
    originals = {label: Enrolled(label, label, group, stated[label]) for label, group in groups.items()}
    copies = {label: Enrolled(label, source, groups[source], stated[source]) for label, source in copied.items()}
    return tuple(one for _, one in sorted({**originals, **copies}.items()))


def _with_places_for_copies(spec: CohortSpec, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the group of each original, and the original of each copy."""
    groups, n_copies = dict(roster(spec, seed=seed)), spec.bookkeeping.n_duplicated
    labels = [f"{number:03d}" for number in range(1, len(groups) + n_copies + 1)]
    rng = np.random.default_rng(seed_for(seed, "simulation", "copies"))
    copies = sorted(str(label) for label in rng.choice(labels, n_copies, replace=False))
    moved = [label for label in groups if label in copies]
    free = [label for label in labels if label not in groups and label not in copies]
    placed = {label: group for label, group in groups.items() if label not in copies}
    placed |= {new: groups[old] for new, old in zip(free, moved, strict=True)}
    sources = [str(label) for label in rng.choice(sorted(placed), n_copies, replace=False)]
    return placed, dict(zip(copies, sources, strict=True))


def _stated(spec: CohortSpec, groups: dict[str, str], seed: int) -> dict[str, str]:
    """Return the group that the table gives each original."""
    rng = np.random.default_rng(seed_for(seed, "simulation", "label noise"))
    stated = dict(groups)
    names = sorted(set(groups.values()))
    for name in names:
        members = sorted(label for label, group in groups.items() if group == name)
        wrong = rng.choice(members, round(spec.bookkeeping.label_noise * len(members)), replace=False)
        for label in wrong:
            stated[str(label)] = str(rng.choice([other for other in names if other != name]))
    return stated
