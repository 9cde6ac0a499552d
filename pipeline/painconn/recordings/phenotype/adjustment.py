"""What the reference of controls is adjusted for: columns that the study names, or age and sex where possible."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from painconn.errors import InputError, Problem
from painconn.recordings.participants import covariate_columns

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
        Why age or sex was left out.
    """

    names: tuple[str, ...]
    values: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def n_terms(self) -> int:
        """Number of fitted terms, the mean included."""
        return 1 + self.values.shape[1]

    def knows(self, participant: str) -> bool:
        """Whether every covariate of somebody is known."""
        return bool(self.values.loc[participant].notna().all())

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
        Columns of the study file, which have to be usable; None: age and sex, each only when everybody rated has a
        value, the controls differ in it, and there are 5 controls per fitted term.
    problems : list of Problem
        Gets what is wrong with named columns.
    """
    none = pd.DataFrame(index=people.index)
    if named is not None:
        try:
            return Adjustment(named, covariate_columns(people, named) if named else none)
        except InputError as error:
            problems.extend(error.problems)
            return Adjustment((), none)
    names: list[str] = []
    values, notes = none, list[str]()
    for kinds in _USUAL:
        column = next((str(name) for name in people.columns if str(name).casefold() in kinds), None)
        reason, added = _usable(people, controls, column, values)
        if column is None or reason:
            notes.append(f"not adjusted for {kinds[0]}: {reason}")
        else:
            names.append(column)
            values = added
    return Adjustment(tuple(names), values, tuple(notes))


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
    unknown = int(numbers.isna().any(axis=1).sum())
    if unknown:
        return f"{unknown} of those rated have no value", values
    added = pd.concat([values, numbers], axis=1)
    of_controls = added.loc[added.index.isin(controls)]
    n_terms = 1 + added.shape[1]
    if len(of_controls) < _CONTROLS_PER_TERM * n_terms:
        return f"{len(of_controls)} controls for {n_terms} fitted terms (at least {_CONTROLS_PER_TERM} each)", values
    design = np.column_stack([np.ones(len(of_controls)), of_controls.to_numpy(dtype=float)])
    if np.linalg.matrix_rank(design) < n_terms:
        return "the controls do not differ in it", values
    return "", added
