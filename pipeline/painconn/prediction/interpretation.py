r"""What a model rests on: patterns of its columns over many fits, and what is lost without a block of columns.

Conventions of this file: the weights of a linear model say how it filters, not what differs: a column that only cancels
noise of another one gets a large weight. The pattern of a column is its covariance with the fitted score :math:`s` of
the training rows, per standard deviation of the score,

.. math:: a_j = \operatorname{cov}(z_j, s) / \operatorname{sd}(s) ,

with the standardised column :math:`z_j`: from -1 to 1, positive where the positive label (or the number predicted by a
regression) is higher (Haufe et al. 2014, 10.1016/j.neuroimage.2013.10.067). Fits on overlapping people agree with each
other whatever the labels are, so that stability over folds alone proves nothing: it is joined by a p from the same fits
under permuted labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.confounds import numeric_table
from painconn.prediction.copies import with_copies
from painconn.prediction.design import Design
from painconn.prediction.folds import FeatureTable, Fold, Rows, RowStep, outer_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.number_design import NumberDesign, permuted_scores
from painconn.prediction.preparation import PreparedTable
from painconn.prediction.registry import CLASSIFIERS
from painconn.provenance import seed_for

N_LABELLINGS = 199
TESTED_REPEATS = 2
IMPORTANCE_REPEATS = 3
N_SHUFFLES = 5
LARGEST_SHARE = 0.1
STABLE_SIGN = 0.9
ALPHA = 0.05

_MOST_NUMBERS = 30_000_000
_SAME_SIZE = 1e-12

Block = tuple[str, str]


@dataclass(frozen=True)
class Interpretation:
    """What a classifier or a regression rests on.

    Parameters
    ----------
    patterns : DataFrame
        A row per column: ``name``, ``pattern`` and ``pattern_sd`` (mean and standard deviation over all fits),
        ``same_sign`` (share of the fits with the sign of the mean), ``median_rank`` (of the size, 1 is the largest),
        ``among_largest`` (share of the fits in which it is in the largest tenth), ``p_fwe``, ``stable``. Empty when the
        classifier is not linear.
    importances : DataFrame
        A row per block: ``kind``, ``name``, ``n_features``, ``auc_lost`` and ``auc_lost_sd`` (mean and standard
        deviation over test folds), ``auc_lost_low``, ``auc_lost_high`` (5th and 95th percentile over test folds),
        ``folds_worse`` (share of the folds that lose). Of a regression ``r2_lost...`` instead.
    facts : dict
        Number of fits, labellings and shuffles that the tables rest on.
    """

    patterns: pd.DataFrame
    importances: pd.DataFrame
    facts: dict[str, Any]


def interpret(
    features: pd.DataFrame,
    design: Design | NumberDesign,
    *,
    classifier: str,
    blocks: Mapping[Block, Sequence[int]],
    seed: int,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Interpretation:
    """Look at what a classifier, or a regression of scores, learned in every outer fold of every repeat.

    Parameters
    ----------
    features : DataFrame, (n, p)
        As they were evaluated.
    design : Design or NumberDesign
        As it was evaluated: the same folds are fitted again.
    classifier : str
        A name in ``CLASSIFIERS``.
    blocks : mapping of (kind, name) to places of columns
        Columns that are shuffled together among the rows of a test fold.
    seed : int
        Study seed.
    matrices : sequence of (r, r) arrays of int
        Columns that together are a symmetric matrix.
    steps : sequence of RowStep
        As they were evaluated.

    Returns
    -------
    interpretation : Interpretation
        A column is stable when its family-wise p (its absolute mean pattern beside the largest one of all columns under
        permuted labels) is below 0.05 and 90 % of the fits agree about its sign. A classifier that is refitted for each
        labelling has no such p, and none of its columns is called stable.
    """
    order = design_order(design)
    own_steps = tuple(step.rows(order) for step in steps)
    table = replace(numeric_table(features.iloc[order]), matrices=tuple(matrices), steps=own_steps, seed=seed)
    ordered = design.rows(order)
    folds = outer_folds(ordered)
    facts: dict[str, Any] = {"classifier": classifier, "n_fits": len(folds)}
    patterns = pd.DataFrame()
    if CLASSIFIERS[classifier].linear:
        labellings = None
        if CLASSIFIERS[classifier].permutations == "at once":
            labellings = _shuffled_labels(ordered, seed_for(seed, "interpretation"))
        facts |= {
            "n_labellings": labellings.signs.shape[1] if labellings else 0,
            "n_tested_repeats": min(TESTED_REPEATS, design.n_repeats) if labellings else 0,
        }
        patterns = _patterns(classifier, table, ordered, folds, labellings).assign(name=list(features.columns))
        patterns = patterns[["name", *patterns.columns.drop("name")]]
    judged = [fold for fold in folds if fold.repeat < IMPORTANCE_REPEATS]
    facts |= {"n_shuffles": N_SHUFFLES, "n_test_folds": len(judged)}
    return Interpretation(patterns, _importances(classifier, table, ordered, judged, blocks, seed), facts)


def design_order(design: Design | NumberDesign) -> Rows:
    """Return the rows of a design in the order of participants, and of the labels of a participant."""
    if isinstance(design, NumberDesign):
        return np.argsort(design.participants, kind="stable")
    return np.lexsort((design.labels, design.participants))


@dataclass(frozen=True)
class _Shuffled:
    """Labels or scores shuffled as in the evaluation, a list per column (n, P); exact when they are all there are."""

    signs: NDArray[np.float64]
    exact: bool


def _shuffled_labels(design: Design | NumberDesign, seed: int) -> _Shuffled:
    if isinstance(design, NumberDesign):
        return _Shuffled(permuted_scores(design, n_permutations=N_LABELLINGS, seed=seed), exact=False)
    labellings = permuted_labellings(design, n_permutations=N_LABELLINGS, seed=seed)
    return _Shuffled(labellings.signs, labellings.exact)


def _patterns(
    classifier: str,
    table: FeatureTable,
    design: Design | NumberDesign,
    folds: Sequence[Fold],
    labellings: _Shuffled | None,
) -> pd.DataFrame:
    tested = [fold for fold in folds if labellings and fold.repeat < TESTED_REPEATS]
    own = design.signs[:, None]
    signs = np.column_stack([own, labellings.signs]) if labellings else own
    of_all = list(_fits(classifier, table, signs, tested))
    others = list(_fits(classifier, table, own, folds[len(tested) :]))
    found = _stability(np.array([fit[:, 0] for fit in (*of_all, *others)]))
    found["p_fwe"] = _p_fwe(np.mean(of_all, axis=0), labellings) if labellings else np.nan
    found["stable"] = (found["p_fwe"] < ALPHA) & (found["same_sign"] >= STABLE_SIGN)
    return found


def _fits(
    classifier: str, table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]
) -> Iterator[NDArray[np.float64]]:
    """Yield the patterns of each fold's own training rows under every labelling, shape (p, P)."""
    n = len(table.values)
    own = [replace(fold, test=fold.train + n) for fold in folds]
    prepared = PreparedTable.of(table)
    score = CLASSIFIERS[classifier].load()
    for each in score(with_copies(table, [table.values]), np.vstack([signs, signs]), own):
        rows = prepared.standardised(each.fold.train)[each.fold.train]
        spread = each.test.std(axis=0)
        # Predicted numbers have a unit; labels are -1 and +1.
        varies = spread > _SAME_SIZE * np.maximum(np.abs(each.test).max(axis=0), np.abs(signs).max())
        covariance = rows.T @ (each.test - each.test.mean(axis=0)) / len(rows)
        yield covariance * np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)


def _stability(patterns: NDArray[np.float64]) -> pd.DataFrame:
    """Describe patterns, (fits, p)."""
    mean = patterns.mean(axis=0)
    sizes = np.abs(patterns)
    ranks = rankdata(-sizes, axis=1, method="min")
    largest = ranks <= max(1, round(LARGEST_SHARE * patterns.shape[1]))
    return pd.DataFrame(
        {
            "pattern": mean,
            "pattern_sd": patterns.std(axis=0),
            "same_sign": np.mean(np.sign(patterns) == np.sign(mean), axis=0) * (mean != 0),
            "median_rank": np.median(ranks, axis=0),
            "among_largest": np.mean(largest & (sizes > 0), axis=0),
        }
    )


def _p_fwe(patterns: NDArray[np.float64], labellings: _Shuffled) -> NDArray[np.float64]:
    """Compare each column with the largest one under every permuted labelling; mean patterns have shape (p, 1 + P)."""
    sizes = np.abs(patterns)
    largest = sizes[:, 1:].max(axis=0)
    as_large = np.sum(largest >= sizes[:, :1] * (1.0 - _SAME_SIZE), axis=1)
    return (as_large / len(largest)) if labellings.exact else (as_large + 1) / (len(largest) + 1)


def _importances(
    classifier: str,
    table: FeatureTable,
    design: Design | NumberDesign,
    folds: Sequence[Fold],
    blocks: Mapping[Block, Sequence[int]],
    seed: int,
) -> pd.DataFrame:
    lost_of = "r2_lost" if isinstance(design, NumberDesign) else "auc_lost"
    at_once = max(1, int(_MOST_NUMBERS // (table.values.size * N_SHUFFLES)))
    names = list(blocks)
    rows = []
    for start in range(0, len(names), at_once):
        part = {name: np.asarray(blocks[name]) for name in names[start : start + at_once]}
        lost = _lost(classifier, table, design, folds, part, seed)
        rows += [
            {
                "kind": kind,
                "name": name,
                "n_features": len(blocks[kind, name]),
                lost_of: own.mean(),
                f"{lost_of}_sd": own.std(),
                f"{lost_of}_low": np.quantile(own, 0.05),
                f"{lost_of}_high": np.quantile(own, 0.95),
                "folds_worse": np.mean(own > _SAME_SIZE),
            }
            for (kind, name), own in zip(part, lost, strict=True)
        ]
    return pd.DataFrame(rows)


def _lost(
    classifier: str,
    table: FeatureTable,
    design: Design | NumberDesign,
    folds: Sequence[Fold],
    blocks: Mapping[Block, NDArray[np.intp]],
    seed: int,
) -> NDArray[np.float64]:
    """Return the AUC (or R2) that each test fold loses when a block is shuffled in it, shape (blocks, folds)."""
    n, signs = len(table.values), design.signs[:, None]
    lost = []
    for repeat in dict.fromkeys(fold.repeat for fold in folds):
        own = [fold for fold in folds if fold.repeat == repeat]
        copies = []
        for block, columns in blocks.items():
            for shuffle in range(N_SHUFFLES):
                labels = ("importance", *block, str(repeat), str(shuffle))
                moved = _shuffled_within(own, np.random.default_rng(seed_for(seed, *labels)), n)
                changed = table.values.copy()
                changed[:, columns] = table.values[np.ix_(moved, columns)]
                copies.append(changed)
        wide = [
            replace(fold, test=np.concatenate([fold.test + place * n for place in range(len(copies) + 1)]))
            for fold in own
        ]
        labels_of_copies = np.tile(signs, (len(copies) + 1, 1))
        for each, fold in zip(
            CLASSIFIERS[classifier].load()(with_copies(table, copies), labels_of_copies, wide), own, strict=True
        ):
            reached = _reached(design, own, fold, each.test.reshape(len(copies) + 1, len(fold.test)).T)
            lost.append(reached[0] - reached[1:].reshape(len(blocks), N_SHUFFLES).mean(axis=1))
    return np.array(lost).T


def _reached(
    design: Design | NumberDesign, folds: Sequence[Fold], fold: Fold, scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the scores of one test fold (m, copies) reach: the AUC, or the part of this fold in R2.

    R2 of a repeat divides the squared errors of all its folds by one sum: each fold is given its share of that sum,
    so that the mean over folds is the R2 of the repeat, and a fold of people alike does not outweigh all others.
    """
    true = design.signs[fold.test, None]
    if isinstance(design, Design):
        return within_fold_auc(scores, true)
    values = design.values
    spread = np.mean([np.sum((values[each.test] - values[each.train].mean()) ** 2) for each in folds])
    return np.asarray(1.0 - np.sum((true - scores) ** 2, axis=0) / spread)


def _shuffled_within(folds: Sequence[Fold], generator: np.random.Generator, n: int) -> NDArray[np.intp]:
    """Return which row each row takes its numbers from: another one of its test fold."""
    moved = np.arange(n)
    for fold in folds:
        moved[fold.test] = generator.permutation(fold.test)
    return moved
