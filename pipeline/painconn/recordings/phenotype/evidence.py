"""What a rule finds in a table, before and after its cut-off.

A rule is one function that reads the values (``sittings``) and one that judges them at a cut-off: so the same values
can be judged at neighbouring cut-offs, and nothing but the cut-off differs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from painconn.config.phenotype import Phenotype

MISSING = "missing"
"""Why somebody has no label: a value that the rule needs is not there."""


@dataclass(frozen=True)
class Cut:
    """A cut-off of a rule.

    Parameters
    ----------
    name : str
        How tables name it.
    limits : mapping of str to float
        The numbers, by names that the rule knows.
    """

    name: str
    limits: Mapping[str, float]


@dataclass(frozen=True)
class Outcome:
    """What a rule says of one person at one cut-off.

    Parameters
    ----------
    label : str or None
        The label; None: unclassified.
    why : str
        Why there is no label; empty with a label.
    unmet : tuple of str
        Criteria that are known not to be met.
    """

    label: str | None
    why: str = ""
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sitting:
    """The values of one person, from one row or from the trials of one session.

    Parameters
    ----------
    participant : str
        Label of the participant.
    rows : tuple of int
        Numbers of the rows in the file.
    values : mapping
        What the rule uses, by name; None or NaN where it is not known.
    missing : tuple of str
        What is not known, by name.
    """

    participant: str
    rows: tuple[int, ...]
    values: Mapping[str, Any]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What a rule took from a table.

    Parameters
    ----------
    sittings : tuple of Sitting
        In the order of the table.
    judge : callable
        ``judge(values, cut)`` returns the :class:`Outcome` of one sitting.
    cuts : tuple of Cut
        In the order in which they are shown.
    chosen : Cut
        The one that makes the labels.
    facts : mapping
        What the values rest on (JSON types), e.g. the number of controls.
    notes : tuple of str
        What a reader has to know.
    expected_false_positives : mapping of str to float
        By name of the cut: share of people like the controls who are expected above it at one site, given how many
        controls there are.
    """

    sittings: tuple[Sitting, ...]
    judge: Callable[[Mapping[str, Any], Cut], Outcome]
    cuts: tuple[Cut, ...]
    chosen: Cut
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    expected_false_positives: Mapping[str, float] = field(default_factory=dict)


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Whether all are true; False as soon as one is false, None when that depends on what is not known."""
    known = list(answers)
    return False if False in known else None if None in known else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Whether one is true; True as soon as one is, None when that depends on what is not known."""
    known = list(answers)
    return True if True in known else None if None in known else False


def at_least(value: float | None, limit: float) -> bool | None:
    """Whether a value reaches a limit; None when it is not known."""
    return None if value is None else value >= limit


def number_cuts(
    phenotype: Phenotype, cut: float, neighbours: Iterable[float], *, name: str, limit: str
) -> tuple[Cut, tuple[Cut, ...]]:
    """Return the chosen cut-off of a rule with one number, and all of them in order.

    Parameters
    ----------
    phenotype : Phenotype
        Cut-off and neighbours of the study, if it names them.
    cut, neighbours : float, iterable of float
        Those of the rule.
    name : str
        How a cut-off is shown, with a place for the number, e.g. ``z {:g}``.
    limit : str
        Name of the limit for the rule's judge.
    """
    chosen = phenotype.cut or cut
    others = neighbours if phenotype.neighbours is None else phenotype.neighbours
    cuts = {number: Cut(name.format(number), {limit: number}) for number in sorted({chosen, *others})}
    return cuts[chosen], tuple(cuts.values())
