"""Which forces a person's mean rating at a site is made of: those that the controls have, nobody else's."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from painconn.errors import Problem
from painconn.recordings.participants import folded
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.phenotype.trials import Trial
from painconn.recordings.sidecars import parse_number

_AMOUNT = re.compile(r"\s*([0-9.]+)\s*(.*)")
_NEARLY = 0.1
_MOST_ROWS = 8


@dataclass(frozen=True)
class Forces:
    """Forces of one site.

    Parameters
    ----------
    needed : tuple of str
        Those without which a person's value at the site is missing; ``("",)`` where ratings have no force.
    shares : mapping of str to float
        Share of the controls rated at the site who have each of them (0-1); empty where ratings have no force.
    notes : tuple of str
        Which ratings, and how many controls, do not count.
    """

    needed: tuple[str, ...]
    shares: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def choose_forces(trials: Sequence[Trial], site: str, controls: frozenset[str], rows: Rows) -> Forces | None:
    """Choose the forces of a site from its controls.

    A force counts when all controls but one have it, or 90 % of them. One that a single control or a tenth of them
    has, or only people who are no controls, is left out with a note. What lies between, and a force that is nearly
    another one (an amount within a tenth of it, or the same text spelled in another way), is added to the problems
    of `rows`, and None is returned.
    """
    rated = [trial for trial in trials if trial.rating is not None]
    by_control: dict[str, set[str]] = {}
    for trial in rated:
        if trial.participant in controls:
            by_control.setdefault(trial.participant, set()).add(trial.force)
    n = len(by_control)
    counts = Counter(force for own in by_control.values() for force in own)
    if set(counts) > {""}:
        # Beside forces an empty cell is a gap, however many controls have one.
        del counts[""]
    needed = tuple(sorted(force for force, count in counts.items() if _within_a_tenth(n - count, n)))
    problems, notes = _others(rated, counts, needed, n, f"{site} site", rows)
    if problems:
        rows.problems.extend(problem for problem in problems if problem not in rows.problems)
        return None
    lacking = sum(not own.issuperset(needed) for own in by_control.values())
    if lacking:
        some = ", ".join(force for force in needed if counts[force] < n)
        notes.insert(0, f"{site} site: {lacking} of {n} controls lack a force that the others have ({some})")
    shares = {force: counts[force] / n for force in needed if force}
    return Forces(needed, shares, tuple(notes))


def _within_a_tenth(count: int, n: int) -> bool:
    """Whether a count of controls is a tenth of them or less, or a single one."""
    return 10 * count <= max(n, 10)


def _others(
    rated: Sequence[Trial], counts: Counter[str], needed: tuple[str, ...], n: int, site: str, rows: Rows
) -> tuple[list[Problem], list[str]]:
    """Say which rows have other forces: problems where somebody has to decide, notes where they are left out."""
    places: dict[str, list[int]] = {}
    for trial in rated:
        if trial.force not in needed:
            places.setdefault(trial.force, []).append(trial.row)
    ranked = sorted(counts, key=lambda force: (-counts[force], force))
    problems, notes = list[Problem](), list[str]()
    for force, found in sorted(places.items()):
        numbers = sorted(set(found))
        commoner = ranked[: ranked.index(force)] if force in counts else ranked
        meant = next((other for other in commoner if _alike(force, other)), None)
        column = rows.columns_of("force")[0]
        if meant is not None:
            fix = f"did you mean {meant}? write it alike"
            wanted = f"a force of the controls ({', '.join(needed) or meant})"
            problems += [Problem(f"{rows.text.name} row {row} column {column}", force, wanted, fix) for row in numbers]
        elif not _within_a_tenth(counts[force], n):
            told = f"{force or 'no force'} in {counts[force]} of {n} controls ({_row_words(numbers)})"
            wanted = "each force in nearly all controls (90 %, or all but one) or in hardly any"
            fix = "leave out the rows with that force (data.phenotype.only), or the controls without it"
            problems.append(Problem(f"{rows.text.name} column {column}, {site}", told, wanted, fix))
        else:
            kind = f"at {force}, which nearly all controls lack," if force else "without a force"
            notes.append(f"{site}: {len(found)} ratings {kind} were not used ({_row_words(numbers)})")
    return problems, notes


def _alike(force: str, other: str) -> bool:
    """Whether one is likely to be a slip of the other: hardly another amount in the same unit, or hardly another text.

    The steps of a set of stimulators are far wider than a tenth.
    """
    mine, theirs = _amount(force), _amount(other)
    if mine is None or theirs is None:
        return folded(force) == folded(other)
    same_unit = mine[1] == theirs[1] or not mine[1] or not theirs[1]
    return same_unit and abs(mine[0] - theirs[0]) <= _NEARLY * theirs[0]


def _amount(force: str) -> tuple[float, str] | None:
    match = _AMOUNT.fullmatch(force)
    number = parse_number(match[1]) if match else None
    return None if match is None or number is None else (number, folded(match[2]))


def _row_words(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MOST_ROWS])) + (" ..." if len(numbers) > _MOST_ROWS else "")
    return f"row {shown}" if len(numbers) == 1 else f"rows {shown}"
