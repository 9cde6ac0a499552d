r"""Leave-pair-out: one person of each label left out at a time, for samples so small that folds hang on the deal.

Conventions of this file: the AUC is the share of pairs in the right order,

.. math:: A = \frac{1}{n_+ n_-} \sum_{i \in +, j \in -}
          \left( [s_i > s_j] + \tfrac12 [s_i = s_j] \right),

both scores from a model tuned and trained without the two people. Labels are permuted among all people of a stratum:
each labelling has its own :math:`n_+ n_-` pairs, every test fold has one row of each label and every training set the
same class counts, so that the permuted statistic is the same function as the observed one, and exactly one half on
average over all labellings of one stratum. Inner folds are dealt by a hash of names and never look at labels; one that
happens to hold a single label has no pairs and does not take part in the choice of the setting. Within people a pair is
the two observations of a person, and a permutation swaps them.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.design import Design
from painconn.prediction.evaluation import auc_of
from painconn.prediction.folds import Fold, Rows, RowStep, inner_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.ordering import ordered_features
from painconn.provenance import seed_for

FEWEST_PEOPLE = 10
"""People on the smaller side up to which a sample is tiny."""
MOST_ROWS = 40
"""Rows up to which all pairs are left out without being asked for: their number grows with the square."""


def is_tiny(design: Design) -> bool:
    """Return whether folds hang on the deal so much that leaving pairs out is worth its time."""
    return min(design.counts().values()) <= FEWEST_PEOPLE and len(design.labels) <= MOST_ROWS


def leave_pair_out(
    features: pd.DataFrame,
    design: Design,
    strata: Sequence[str],
    *,
    classifier: str,
    n_permutations: int,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> dict[str, Any]:
    """Leave every pair out once.

    Parameters
    ----------
    features, design, classifier, n_permutations, seed, matrices, steps
        As for :func:`painconn.prediction.evaluation.evaluate`.
    strata : sequence of str, length n
        Site of each row; between people, labels are permuted inside a site.

    Returns
    -------
    report : dict
        ``auc``, ``n_pairs`` (of the observed labels), ``n_a``, ``n_b``, ``permutation`` (as in an evaluation).

    References
    ----------
    Airola et al. (2011), 10.1016/j.csda.2010.11.018.
    """
    order = np.lexsort((design.labels, design.participants))
    ordered = design.rows(order)
    table, _ = ordered_features(features, order, classifier=classifier, matrices=matrices, steps=steps, seed=seed)
    exchangeable = ordered
    if design.kind == "between":
        groups = np.unique(np.asarray(strata, dtype=np.str_)[order], return_inverse=True)[1]
        exchangeable = replace(ordered, blocks=groups)
    labellings = permuted_labellings(exchangeable, n_permutations=n_permutations, seed=seed)
    signs = np.column_stack([ordered.signs, labellings.signs])
    right, counted = np.zeros(signs.shape[1]), np.zeros(signs.shape[1], dtype=int)
    for fold in pair_folds(ordered, seed=seed):
        first, second = fold.test
        differ = np.flatnonzero(signs[first] != signs[second])
        if len(differ):
            right[differ] += auc_of(classifier, table, signs[:, differ], [fold])
            counted[differ] += 1
    aucs = right / counted
    n_a, n_b = design.counts().values()
    return {
        "auc": float(aucs[0]),
        "n_pairs": int(counted[0]),
        "n_a": n_a,
        "n_b": n_b,
        "permutation": labellings.summary(float(aucs[0]), aucs[1:]),
    }


def pair_folds(design: Design, *, seed: int) -> list[Fold]:
    """Return a fold for each two rows that are left out together: of two people, or the two of one person."""
    people, of_row = np.unique(design.participants, return_inverse=True)
    hashes = [seed_for(seed, "pairs", person) for person in people.tolist()]
    rank = np.argsort(np.argsort(hashes))[of_row]
    pairs = list(combinations(range(len(rank)), 2))
    if design.kind == "within":
        pairs = [(i, j) for i, j in pairs if rank[i] == rank[j]]
    n_inner = _number_of_inner_folds(design)
    return [_without(rank, number, np.array(pair), n_inner) for number, pair in enumerate(pairs)]


def _number_of_inner_folds(design: Design) -> int:
    """Return so many that no inner test fold can take all training people of a label with it."""
    fewest = design.n_outer - 1
    if design.kind == "within":
        return fewest
    most_tested = max(min(design.counts().values()) - 2, 1)
    return max(fewest, -(-(len(design.labels) - 2) // most_tested))


def _without(rank: Rows, number: int, pair: Rows, n_inner: int) -> Fold:
    train = np.setdiff1d(np.arange(len(rank)), pair)
    assignment = np.full(len(rank), -1)
    assignment[train] = np.unique(rank[train], return_inverse=True)[1] % n_inner
    return Fold(repeat=number, fold=0, train=train, test=pair, inner=inner_folds(assignment, train))
