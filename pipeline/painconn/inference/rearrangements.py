"""Rearrangements of people: permutations within strata, sign flips; all of them when few, else a seeded sample.

Conventions of this file: people are numbered in the order of their labels, so that nothing depends on the order of
rows in a table.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_SAME = 1e-12


@dataclass(frozen=True)
class Rearrangements:
    """A set of rearrangements.

    Attributes
    ----------
    rows : array, shape (m, people), or None
        The row of the design that each person is given; None for all in place.
    signs : array, shape (m, people), or None
        -1 or 1 by which each person's residual is multiplied; None for all 1.
    exact : bool
        True when this is the whole set, identity included; False for a random sample, to which the observed
        arrangement has to be added.
    """

    rows: Integers | None
    signs: Floats | None
    exact: bool

    def __len__(self) -> int:
        rows = self.signs if self.rows is None else self.rows
        return 0 if rows is None else len(rows)

    def place(self, column: Floats, span: slice, *, signed: bool = True) -> Floats:
        """Give a column of the design to the people, shape (rearrangements in span, people).

        ``place(column) @ residuals`` is the product of the column with the rearranged residuals. Unsigned is for
        products with squared residuals.
        """
        if self.rows is not None:
            placed = column[self.rows[span]]
        else:
            placed = np.broadcast_to(column, (len(range(*span.indices(len(self)))), column.size))
        return placed * self.signs[span] if signed and self.signs is not None else placed

    def keep(self, column: Floats, span: slice) -> bool:
        """Whether no rearrangement in the span changes a column: people change places only with their likes."""
        return self.signs is None and bool(np.abs(self.place(column, span) - column).max() <= _SAME)


def permutations(
    strata: Integers, *, n_permutations: int, seed: int, labels: NDArray[np.bool_] | None = None
) -> Rearrangements:
    """Permute people within strata.

    Parameters
    ----------
    strata : array of int, shape (people,)
        People may change places only within their stratum.
    n_permutations : int
        Size of the random sample; when there are no more distinct permutations than this, all are listed.
    seed : int
        Seed of the sample.
    labels : array of bool, shape (people,), optional
        Group labels, when people of one stratum and group are interchangeable (no covariate): then relabellings are
        what is counted and listed.

    Returns
    -------
    permutations : Rearrangements
    """
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    if labels is None:
        number = math.prod(math.factorial(inside.size) for inside in members)
    else:
        number = math.prod(math.comb(inside.size, int(labels[inside].sum())) for inside in members)
    if number <= n_permutations:
        listed = [_orders(inside) if labels is None else _relabellings(inside, labels[inside]) for inside in members]
        return Rearrangements(_combined(members, listed, strata.size), None, exact=True)
    rng = np.random.default_rng(seed)
    rows = np.empty((n_permutations, strata.size), dtype=np.intp)
    for inside in members:
        rows[:, inside] = inside[np.argsort(rng.random((n_permutations, inside.size)), axis=1)]
    return Rearrangements(rows, None, exact=False)


def sign_flips(n_people: int, *, n_permutations: int, seed: int) -> Rearrangements:
    """Flip the signs of people independently.

    Parameters
    ----------
    n_people : int
        Number of people.
    n_permutations : int
        Size of the random sample; when ``2 ** n_people`` is not larger, all patterns are listed.
    seed : int
        Seed of the sample.

    Returns
    -------
    flips : Rearrangements
    """
    if 2**n_people <= n_permutations:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n_people)))
        return Rearrangements(None, signs, exact=True)
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1.0, 1.0]), size=(n_permutations, n_people))
    return Rearrangements(None, signs, exact=False)


def _orders(inside: Integers) -> Iterator[Integers]:
    return (np.array(order, dtype=np.intp) for order in itertools.permutations(inside.tolist()))


def _relabellings(inside: Integers, labels: NDArray[np.bool_]) -> Iterator[Integers]:
    ones, zeros = inside[labels], inside[~labels]
    for chosen in itertools.combinations(range(inside.size), ones.size):
        taken = np.zeros(inside.size, dtype=bool)
        taken[list(chosen)] = True
        row = np.empty(inside.size, dtype=np.intp)
        row[taken], row[~taken] = ones, zeros
        yield row


def _combined(members: list[Integers], listed: Iterable[Iterable[Integers]], n_people: int) -> Integers:
    rows = []
    for choice in itertools.product(*listed):
        row = np.empty(n_people, dtype=np.intp)
        for inside, order in zip(members, choice, strict=True):
            row[inside] = order
        rows.append(row)
    return np.array(rows)
