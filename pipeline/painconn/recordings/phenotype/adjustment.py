"""What the reference of controls is adjusted for: columns that the study names, or age and sex where possible.

The controls alone decide that, and which categories there are: what one patient lacks changes nobody else's z.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from painconn.errors import InputError, Problem
from painconn.recordings.participants import covariate_columns, folded
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import says_nothing

_USUAL = (("age",), ("sex", "gender"))
_CONTROLS_PER_TERM = 5


@dataclass(frozen=True)
class Adjustment:
    """Covariates of the people who were rated.

    Parameters
    ----------
    names : tuple of str
        Columns that are adjusted for.
    values : DataFrame of float
        Their numbers, by participant.
    notes : tuple of str
        Why age or sex was left out, and how many people have no value that can be used.
    foreign : frozenset of (str, str)
        Participant and column where the value is one that no control could have.
    """

    names: tuple[str, ...]
    values: pd.DataFrame
    notes: tuple[str, ...] = ()
    foreign: frozenset[tuple[str, str]] = frozenset()

    @property
    def n_terms(self) -> int:
        """Number of fitted terms, the mean included."""
        return 1 + self.values.shape[1]

    def knows(self, participant: str) -> bool:
        """Whether every covariate of somebody is known."""
        return bool(self.values.loc[participant].notna().all())

    def lacking(self, participant: str) -> tuple[str, ...]:
        """Return which covariates of somebody are not known, and why when there is a value."""
        unknown = [str(column) for column, value in self.values.loc[participant].items() if np.isnan(value)]
        names = [name for name in self.names if any(f"{column}__".startswith(f"{name}__") for column in unknown)]
        return tuple(f"{name} (no control has that)" if (participant, name) in self.foreign else name for name in names)

    def outside(self, controls: frozenset[str]) -> int:
        """Return how many of the others have a covariate below or above that of every control."""
        theirs, others = (self.values[self.values.index.isin(controls) == side] for side in (True, False))
        return int(((others < theirs.min()) | (others > theirs.max())).any(axis=1).sum())

    def design(self, participants: Sequence[str]) -> np.ndarray:
        """Return intercept and covariates, a row per participant."""
        known = self.values.loc[list(participants)].to_numpy(dtype=float)
        return np.column_stack([np.ones(len(participants)), known])


def choose_adjustment(
    people: pd.DataFrame, controls: frozenset[str], named: tuple[str, ...] | None, problems: list[Problem]
) -> Adjustment:
    """Choose covariates.

    Parameters
    ----------
    people : DataFrame
        Everybody who was rated.
    controls : frozenset of str
        Who the controls are.
    named : tuple of str or None
        Columns of the study file, which have to be usable; None: age and sex, each only when every control has a
        value, the controls differ in it, and there are 5 of them per fitted term.
    problems : list of Problem
        Gets what is wrong with named columns.
    """
    none = pd.DataFrame(index=people.index)
    if named is not None:
        usable, slips = _as_of_controls(people, controls, named)
        problems.extend(slips.values())
        try:
            values = covariate_columns(usable, named) if named else none
        except InputError as error:
            problems.extend(error.problems)
            return Adjustment((), none)
        return _with_lacking(Adjustment(named, values, foreign=_foreign(people, usable, named)), controls)
    names: list[str] = []
    values, notes = none, list[str]()
    own = [next((str(name) for name in people.columns if str(name).casefold() in kinds), None) for kinds in _USUAL]
    usable, _ = _as_of_controls(people, controls, [column for column in own if column is not None])
    for kinds, column in zip(_USUAL, own, strict=True):
        reason, added = _usable(usable, controls, column, values)
        if column is None or reason:
            notes.append(f"not adjusted for {kinds[0]}: {reason}")
        else:
            names.append(column)
            values = added
    foreign = _foreign(people, usable, names)
    return _with_lacking(Adjustment(tuple(names), values, tuple(notes), foreign), controls)


def _as_of_controls(
    people: pd.DataFrame, controls: frozenset[str], names: Iterable[str]
) -> tuple[pd.DataFrame, dict[tuple[str, str], Problem]]:
    """Blank the cells of others that hold neither a number, where controls do, nor a category of a control.

    Also returns, by participant and column, those of them that look like slips.
    """
    usable, slips = people.copy(), dict[tuple[str, str], Problem]()
    for name in names:
        if name not in people.columns:
            continue
        cells = {str(person): None if cell is None else str(cell) for person, cell in people[name].items()}
        of_controls = {cell for person, cell in cells.items() if person in controls and cell is not None}
        numeric = all(parse_number(cell) is not None for cell in of_controls if not says_nothing(cell))
        spellings = {folded(cell): cell for cell in of_controls if not says_nothing(cell)}
        for person, cell in cells.items():
            fits = cell is None or (parse_number(cell) is not None if numeric else cell in of_controls)
            if person in controls or fits:
                continue
            cells[person] = None
            if not says_nothing(cell) and (numeric or folded(str(cell)) in spellings):
                wanted = "a number" if numeric else repr(spellings[folded(str(cell))])
                where = f"participants table column {name}, participant {person}"
                fix = "correct the cell (n/a for missing, a point as decimal sign)"
                slips[person, name] = Problem(where, repr(cell), f"{wanted}, as in the controls", fix)
        usable[name] = pd.Series(list(cells.values()), index=people.index, dtype=object)
    return usable, slips


def _foreign(people: pd.DataFrame, usable: pd.DataFrame, names: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return participant and column of the cells that say something and were blanked."""
    return frozenset(
        (str(person), name)
        for name in names
        for person, before, after in zip(people.index, people[name], usable[name], strict=True)
        if after is None and not says_nothing(before)
    )


def _with_lacking(adjustment: Adjustment, controls: frozenset[str]) -> Adjustment:
    """Add a note that counts those who have no z because of their covariates."""
    others = (str(person) for person in adjustment.values.index if person not in controls)
    n = sum(bool(adjustment.lacking(person)) for person in others)
    named = " or ".join(adjustment.names)
    note = f"{n} people have no z: {named} is missing, or something that no control has"
    return replace(adjustment, notes=(*adjustment.notes, note)) if n else adjustment


def _usable(
    people: pd.DataFrame, controls: frozenset[str], column: str | None, values: pd.DataFrame
) -> tuple[str, pd.DataFrame]:
    """Return why a column cannot be adjusted for (empty when it can), and the covariates with it."""
    if column is None:
        return "no such column", values
    try:
        numbers = covariate_columns(people, [column])
    except InputError:
        return "its cells are neither all numbers nor a few categories", values
    added = pd.concat([values, numbers], axis=1)
    of_controls = added.loc[added.index.isin(controls)]
    unknown = int(of_controls[numbers.columns].isna().any(axis=1).sum())
    if unknown:
        return f"{unknown} of the controls have no value", values
    n_terms = 1 + added.shape[1]
    if len(of_controls) < _CONTROLS_PER_TERM * n_terms:
        return f"{len(of_controls)} controls for {n_terms} fitted terms (at least {_CONTROLS_PER_TERM} each)", values
    design = np.column_stack([np.ones(len(of_controls)), of_controls.to_numpy(dtype=float)])
    if np.linalg.matrix_rank(design) < n_terms:
        return "the controls do not differ in it", values
    return "", added
