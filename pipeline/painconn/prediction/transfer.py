"""Transfer to an unseen site: learned at all other sites, tested on the people of one.

Conventions of this file: the test fold is a site, so that every pair behind an AUC is of one site. Labels are permuted
inside the blocks of the design, which lie inside sites; inner folds are the folds of its first repeat without the
people of the site, joined where they would hold one label only. Which ones are joined does not depend on a permutation.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.design import Design
from painconn.prediction.evaluation import auc_of
from painconn.prediction.folds import Fold, Rows, RowStep, inner_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.ordering import ordered_features

FEWEST_SITES = 2

_FEWEST_INNER_FOLDS = 2


def leave_site_out(
    features: pd.DataFrame,
    design: Design,
    sites: Sequence[str],
    *,
    classifier: str,
    n_permutations: int,
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> dict[str, Any]:
    """Test each site with the classifier of all others.

    Parameters
    ----------
    features, classifier, n_permutations, seed, matrices, steps
        As for :func:`painconn.prediction.evaluation.evaluate`.
    design : Design
        Between people, with the sites as its strata.
    sites : sequence of str, length n
        Site of each row.

    Returns
    -------
    report : dict
        ``auc``: mean over the sites that can be tested, each weighing the same; None with ``reason`` where fewer than 2
        can be. ``sites``: ``site, n_a, n_b, auc`` of each. ``not_testable``: ``site, n_a, n_b, reason`` of the others,
        whose people are still learned from. ``permutation``: as in an evaluation.
    """
    order = np.lexsort((design.labels, design.participants))
    ordered, names = design.rows(order), np.asarray(sites, dtype=np.str_)[order]
    folds, tested, left_out = _site_folds(ordered, names)
    report: dict[str, Any] = {"auc": None, "sites": tested, "not_testable": left_out}
    if len(folds) < FEWEST_SITES:
        return report | {"sites": [], "reason": f"{len(folds)} of {len(set(sites))} sites can be tested, 2 are needed"}
    table, _ = ordered_features(features, order, classifier=classifier, matrices=matrices, steps=steps, seed=seed)
    labellings = permuted_labellings(ordered, n_permutations=n_permutations, seed=seed)
    signs = np.column_stack([ordered.signs, labellings.signs])
    per_site = np.array([auc_of(classifier, table, signs, [fold]) for fold in folds])
    for site, auc in zip(tested, per_site[:, 0].tolist(), strict=True):
        site["auc"] = auc
    mean = per_site.mean(axis=0)
    return report | {"auc": float(mean[0]), "permutation": labellings.summary(float(mean[0]), mean[1:])}


def _site_folds(
    design: Design, sites: NDArray[np.str_]
) -> tuple[list[Fold], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a fold for each site that can be tested, these sites, and the others."""
    folds: list[Fold] = []
    tested: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for site in np.unique(sites).tolist():
        own = sites == site
        train, test = np.flatnonzero(~own), np.flatnonzero(own)
        labels = design.labels[own].tolist()
        known = {"site": site, "n_a": labels.count(design.a), "n_b": labels.count(design.b)}
        inner = inner_folds(_joined(design, train), train)
        if len(set(labels)) == 1:
            left_out.append({**known, "reason": "one label only"})
        elif len(inner) < _FEWEST_INNER_FOLDS:
            left_out.append({**known, "reason": "too few people of one label at the other sites"})
        else:
            folds.append(Fold(repeat=0, fold=len(folds), train=train, test=test, inner=inner))
            tested.append(known)
    return folds, tested, left_out


def _joined(design: Design, train: Rows) -> Rows:
    """Return the fold of each row, folds whose training rows have one label only joined with the next one."""
    assignment = design.folds[0].copy()
    signs, kept = design.signs, np.zeros(len(assignment), dtype=bool)
    kept[train] = True
    current, finished = 0, None
    for fold in range(design.n_outer):
        assignment[design.folds[0] == fold] = current
        if len(set(signs[kept & (assignment == current)].tolist())) == 2:
            finished, current = current, current + 1
    if finished is not None:
        assignment[assignment > finished] = finished
    return assignment
