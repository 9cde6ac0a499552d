"""Who is compared with whom, who is exchangeable with whom, and who is tested together.

Conventions of this file: people are grouped into small exchangeability *blocks*, and outer folds are unions of whole
blocks in every repeat. Shuffling labels inside blocks therefore keeps the class counts of every fold of every repeat,
so that one permutation serves all repeats and the permuted statistic is the same function as the observed one.
Blocks and folds follow from participant labels and the seed through a hash, never from the order of rows.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painconn.errors import DesignError, Problem
from painconn.provenance import seed_for

MINIMUM_BLOCKS = 3

Kind = Literal["between", "within"]


class Dealt:
    """Rows that are dealt to the outer folds of every repeat: ``folds`` has the shape (n_repeats, n)."""

    folds: NDArray[np.intp]

    @property
    def n_outer(self) -> int:
        """Number of outer folds of each repeat."""
        return int(self.folds.max()) + 1

    @property
    def n_repeats(self) -> int:
        """Number of repeats."""
        return int(self.folds.shape[0])


@dataclass(frozen=True)
class Design(Dealt):
    """A classification question laid out on observation rows.

    Parameters
    ----------
    participants : (n,) array of str
        Participant of each row.
    labels : (n,) array of str
        Label of each row, ``a`` or ``b``.
    a, b : str
        The two labels; ``b`` is the positive class (+1).
    kind : {"between", "within"}
        Between people (one row per participant) or within people (one row per participant and condition).
    blocks : (n,) array of int
        Exchangeability block of each row, numbered from 0; labels are permuted inside blocks only.
    folds : (n_repeats, n) array of int
        Outer test fold of each row in each repeat, numbered from 0.
    """

    participants: NDArray[np.str_]
    labels: NDArray[np.str_]
    a: str
    b: str
    kind: Kind
    blocks: NDArray[np.intp]
    folds: NDArray[np.intp]

    @property
    def signs(self) -> NDArray[np.float64]:
        """Labels as numbers: -1 for ``a``, +1 for ``b``; shape (n,)."""
        return np.where(self.labels == self.b, 1.0, -1.0)

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each label."""
        return {label: int(np.sum(self.labels == label)) for label in (self.a, self.b)}

    def rows(self, order: NDArray[np.intp]) -> "Design":
        """Return the same design with its rows in another order."""
        return Design(
            participants=self.participants[order],
            labels=self.labels[order],
            a=self.a,
            b=self.b,
            kind=self.kind,
            blocks=self.blocks[order],
            folds=self.folds[:, order],
        )


def make_design(
    participants: Sequence[str],
    labels: Sequence[str],
    *,
    a: str,
    b: str,
    kind: Kind,
    strata: Sequence[str] | None = None,
    n_outer: int = 5,
    n_repeats: int = 10,
    seed: int = 0,
) -> Design:
    """Lay out blocks and outer folds.

    Between people, each stratum is cut into as many blocks as its smaller class has members: one of them in each,
    the members of the larger class spread evenly. Members of a stratum that has one class only form a block each,
    in which nothing can be permuted. Within people, a block is a person and a permutation swaps the two conditions.

    Parameters
    ----------
    participants, labels : sequence of str, length n
        One entry per observation row.
    a, b : str
        The two labels; ``b`` is the positive class.
    kind : {"between", "within"}
        Between people needs one row per participant, within people one row per participant and label.
    strata : sequence of str, length n, optional
        Site (or another stratum) of each row; labels are exchanged inside a stratum only.
    n_outer : int
        Outer folds, at least 3; reduced when there are fewer blocks with both labels.
    n_repeats : int
        Repeats of the outer split.
    seed : int
        Study seed.

    Returns
    -------
    design : Design
        Rows in the given order.

    Raises
    ------
    DesignError
        When rows and kind do not fit, or fewer than 3 blocks hold both labels; the message says the counts.
    """
    people = np.asarray(participants, dtype=np.str_)
    classes = np.asarray(labels, dtype=np.str_)
    groups = np.full(len(people), "all") if strata is None else np.asarray(strata, dtype=np.str_)
    _refuse_misfits(people, classes, groups, a=a, b=b, kind=kind, n_outer=n_outer, n_repeats=n_repeats)
    if kind == "within":
        members = [[person] for person in sorted(set(people.tolist()))]
    else:
        members = _between_blocks(people, classes, groups, a=a, b=b, seed=seed)
    block_of = {person: index for index, block in enumerate(members) for person in block}
    blocks = np.array([block_of[person] for person in people.tolist()], dtype=np.intp)
    mixed = [len(set(classes[blocks == index].tolist())) == 2 for index in range(len(members))]
    if sum(mixed) < MINIMUM_BLOCKS:
        raise DesignError(_too_few(sum(mixed), classes, groups, a=a, b=b))
    stratum_of = dict(zip(blocks.tolist(), groups.tolist(), strict=True))
    layout = [(not mixed[index], stratum_of[index], block[0], index) for index, block in enumerate(members)]
    n_folds = min(n_outer, sum(mixed))
    folds = np.stack([_deal(layout, n_folds, repeat, seed)[blocks] for repeat in range(n_repeats)])
    return Design(participants=people, labels=classes, a=a, b=b, kind=kind, blocks=blocks, folds=folds)


def _between_blocks(
    people: NDArray[np.str_], classes: NDArray[np.str_], groups: NDArray[np.str_], *, a: str, b: str, seed: int
) -> list[list[str]]:
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for person, label, group in zip(people.tolist(), classes.tolist(), groups.tolist(), strict=True):
        members[group, label].append(person)
    for ranked in members.values():
        ranked.sort(key=lambda person: (seed_for(seed, "block", person), person))
    blocks: list[list[str]] = []
    for group in sorted(set(groups.tolist())):
        smaller, larger = sorted((members[group, a], members[group, b]), key=len)
        if not smaller:
            blocks += [[person] for person in larger]
            continue
        paired = [[person] for person in smaller]
        for index, person in enumerate(larger):
            paired[index % len(paired)].append(person)
        blocks += [sorted(block) for block in paired]
    return blocks


def _deal(layout: list[tuple[bool, str, str, int]], n_folds: int, repeat: int, seed: int) -> NDArray[np.intp]:
    """Deal blocks to folds like cards: blocks with both labels first, stratum by stratum, in hash order."""

    def rank(entry: tuple[bool, str, str, int]) -> tuple[bool, str, int, str]:
        single, stratum, name, _ = entry
        return single, stratum, seed_for(seed, "fold", str(repeat), name), name

    fold_of = np.empty(len(layout), dtype=np.intp)
    for position, entry in enumerate(sorted(layout, key=rank)):
        fold_of[entry[3]] = position % n_folds
    return fold_of


def _refuse_misfits(
    people: NDArray[np.str_],
    classes: NDArray[np.str_],
    groups: NDArray[np.str_],
    *,
    a: str,
    b: str,
    kind: Kind,
    n_outer: int,
    n_repeats: int,
) -> None:
    if not len(people) == len(classes) == len(groups):
        raise ValueError(
            f"participants, labels and strata differ in length: {len(people)} {len(classes)} {len(groups)}"
        )
    if a == b or n_outer < MINIMUM_BLOCKS or n_repeats < 1:
        raise ValueError(f"two different labels, at least 3 folds and 1 repeat are needed: {a!r} {b!r} {n_outer}")
    problems = []
    others = sorted(set(classes.tolist()) - {a, b})
    if others:
        problems.append(
            Problem("labels", ", ".join(others), f"only {a} and {b}", "leave these rows out of this target")
        )
    rows = Counter(zip(people.tolist(), classes.tolist(), strict=True))
    if kind == "between":
        per_person = Counter(people.tolist())
        wrong = [f"{person} ({count} rows)" for person, count in sorted(per_person.items()) if count != 1]
        wanted = "one row per participant"
    else:
        names = sorted(set(people.tolist()))
        wrong = [
            f"{person} ({a}: {rows[person, a]}, {b}: {rows[person, b]})"
            for person in names
            if not rows[person, a] == rows[person, b] == 1
        ]
        wanted = f"one row {a} and one row {b} per participant"
    if wrong:
        fix = "average or choose rows before the target is built, and leave incomplete participants out"
        problems.append(Problem(f"target {kind} people", ", ".join(wrong), wanted, fix))
    split = [person for person in sorted(set(people.tolist())) if len(set(groups[people == person].tolist())) > 1]
    if split:
        problems.append(
            Problem(
                "strata", f"several strata for {', '.join(split)}", "one stratum per participant", "correct the table"
            )
        )
    if problems:
        raise DesignError(problems)


def _too_few(n_mixed: int, classes: NDArray[np.str_], groups: NDArray[np.str_], *, a: str, b: str) -> Problem:
    counts = "; ".join(
        f"{group}: {a} {np.sum((groups == group) & (classes == a))}, {b} {np.sum((groups == group) & (classes == b))}"
        for group in sorted(set(groups.tolist()))
    )
    return Problem(
        where="target, participants per label and stratum",
        found=f"{counts or 'no rows'}; {n_mixed} blocks with both labels",
        wanted=f"at least {MINIMUM_BLOCKS} blocks with both labels",
        fix="add participants of the label that a site lacks, or give all one site if labels are exchangeable there",
    )
