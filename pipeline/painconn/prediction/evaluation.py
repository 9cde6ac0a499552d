"""Nested, repeated evaluation on people, with its permutation null, baselines and learning curve.

Conventions of this file: every number of a classifier comes from :func:`_run`, which is given folds and labellings and
nothing else; the observed labels are the first labelling and the permuted ones follow, so that both go through the
same code. Rows are put in the order of participant labels first and handed back in the order they came.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.auc import within_fold_auc
from painconn.prediction.baselines import compare_with_baselines, named_baselines
from painconn.prediction.calibration import decision_summary, fit_platt
from painconn.prediction.curves import calibration, decision_curve, decision_intervals
from painconn.prediction.design import Design
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, Rows, RowStep, learning_folds, outer_folds
from painconn.prediction.intervals import (
    ENOUGH_LABELLINGS,
    METHOD,
    auc_interval,
    coverage_note,
    increment_interval,
)
from painconn.prediction.labellings import Labellings, permuted_labellings
from painconn.prediction.learning import LEARNING_REPEATS, learning_curve
from painconn.prediction.ordering import first_labelling, ordered_features, renumbered
from painconn.prediction.registry import CLASSIFIERS


@dataclass(frozen=True)
class Evaluation:
    """An evaluated target.

    Parameters
    ----------
    design : Design
        As it was given.
    scores : dict
        Everything for ``scores.json``: plain numbers, text, lists and mappings.
    predictions : DataFrame
        ``participant, label, repeat, fold, score, probability``: a row per observation and repeat.
    null : (m,) array
        AUC of each permuted labelling.
    labellings : (n, m) array
        The permuted labels (-1 or +1), rows as in the design.
    splits : tuple of Fold
        The row numbers that the classifier was trained, tuned and tested on, rows as in the design.
    """

    design: Design
    scores: dict[str, Any]
    predictions: pd.DataFrame
    null: NDArray[np.float64]
    labellings: NDArray[np.float64]
    splits: tuple[Fold, ...]


@dataclass(frozen=True)
class _Run:
    """One classifier on one table: AUC per labelling, AUC per fold, labels and scores of the first labelling."""

    auc: NDArray[np.float64]
    fold_auc: NDArray[np.float64]
    signs: NDArray[np.float64]
    scored: list[FoldScores]

    @cached_property
    def calibrated(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities and decisions, two arrays of shape (n_repeats, n)."""
        probability, decision = np.empty((2, len(self.fold_auc), len(self.signs)))
        for each in self.scored:
            scaling = fit_platt(each.inner, self.signs[each.fold.train])
            place = each.fold.repeat, each.fold.test
            probability[place] = scaling.probability(each.test)
            decision[place] = scaling.decision(probability[place])
        return probability, decision


def evaluate(
    features: pd.DataFrame,
    design: Design,
    *,
    classifier: str = "ridge",
    n_permutations: int = 1000,
    seed: int = 0,
    confounds: pd.DataFrame | None = None,
    baselines: Mapping[str, pd.DataFrame] | None = None,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> Evaluation:
    """Evaluate a classifier on a design.

    Parameters
    ----------
    features : DataFrame, (n, p)
        Rows in the order of the design; NaN where a feature is not computable.
    design : Design
        From :func:`painconn.prediction.design.make_design`.
    classifier : str
        A name in ``CLASSIFIERS``.
    n_permutations : int
        Complete reruns under permuted labels; all labellings are listed when there are no more than this.
    seed : int
        Study seed.
    confounds : DataFrame, (n, c), optional
        Covariates of each row, for the confound-only model and the increment over it.
    baselines : mapping of str to DataFrame (n, c), optional
        More tables that the features must add something to (ratings, the same columns at rest), treated like the
        confounds: a model of each alone, and the increment of the features over it.
    matrices : sequence of (r, r) arrays of int
        Columns of the features that together are a symmetric matrix: the column of each pair, -1 on the diagonal.
    steps : sequence of RowStep
        What is learned in each training set and changes the features before standardisation.

    Returns
    -------
    evaluation : Evaluation
        AUC over pairs inside one test fold, averaged over folds and repeats; p is (1 + count of permuted AUCs at
        least as high) / (1 + permutations), or the plain fraction when all labellings were listed.

    Raises
    ------
    DesignError
        When no feature varies, or the classifier needs matrices and there are none.
    InputError
        When a value is infinite.
    """
    named = named_baselines(features, confounds, baselines, n_rows=len(design.labels))
    order = np.lexsort((design.labels, design.participants))
    ordered = design.rows(order)
    table, n_varying = ordered_features(
        features, order, classifier=classifier, matrices=matrices, steps=steps, seed=seed
    )
    labellings = permuted_labellings(ordered, n_permutations=n_permutations, seed=seed)
    signs = np.column_stack([ordered.signs, labellings.signs])
    folds = outer_folds(ordered)
    run = _run(classifier, table, signs, folds)
    scores: dict[str, Any] = {
        "classifier": classifier,
        "kind": design.kind,
        "negative": design.a,
        "positive": design.b,
        "n_participants": len(set(design.participants.tolist())),
        "n_a": design.counts()[design.a],
        "n_b": design.counts()[design.b],
        "n_features": features.shape[1],
        "n_features_varying": n_varying,
        "n_blocks": int(design.blocks.max()) + 1,
        "n_outer": design.n_outer,
        "n_repeats": design.n_repeats,
        **_performance(run, ordered, labellings),
        **_curves(run, ordered, seed),
        "chosen_settings": dict(sorted(Counter(f"{each.setting[0]:g}" for each in run.scored).items())),
        "learning_curve": learning_curve(
            ordered.participants,
            lambda part: learning_folds(ordered, fraction=part, n_repeats=LEARNING_REPEATS, seed=seed),
            lambda some: {"auc": float(auc_of(classifier, table, ordered.signs[:, None], some)[0])},
        ),
        "baselines": {"majority": _performance(_run("majority", table, signs, folds), ordered, None)},
    }
    no_skill = scores["baselines"]["majority"]["brier"]
    scores |= {"brier_no_skill": no_skill, "brier_skill": 1.0 - scores["brier"] / no_skill}
    alone, increments = compare_with_baselines(
        named,
        features,
        table,
        order,
        run=lambda one: _run(classifier, one, signs, folds),
        performance=lambda one: _performance(one, ordered, labellings),
        increment=lambda both, one, name: _increment(both, one, ordered, name),
    )
    scores["baselines"] |= alone
    scores |= increments
    back = np.argsort(order)
    return Evaluation(
        design=design,
        scores=scores,
        predictions=_predictions(run, ordered, back),
        null=run.auc[1:],
        labellings=labellings.signs[back],
        splits=tuple(renumbered(each.fold, order) for each in run.scored),
    )


def auc_of(
    classifier: str, table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]
) -> NDArray[np.float64]:
    """Return the AUC of each labelling (a column of signs) over given folds, as in an evaluation."""
    return _run(classifier, table, signs, folds).auc


def score_folds(
    classifier: str, table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]
) -> list[FoldScores]:
    """Return the scores of the first labelling (or list of numbers) on given folds, as in an evaluation."""
    return [first_labelling(each) for each in CLASSIFIERS[classifier].load()(table, signs, folds)]


def _run(classifier: str, table: FeatureTable, signs: NDArray[np.float64], folds: Sequence[Fold]) -> _Run:
    scored, aucs = [], []
    for each in CLASSIFIERS[classifier].load()(table, signs, folds):
        aucs.append(within_fold_auc(each.test, signs[each.fold.test]))
        scored.append(first_labelling(each))
    per_fold = np.array(aucs)
    n_repeats = len({fold.repeat for fold in folds})
    return _Run(per_fold.mean(axis=0), per_fold[:, 0].reshape(n_repeats, -1), signs[:, 0], scored)


def _performance(run: _Run, design: Design, labellings: Labellings | None) -> dict[str, Any]:
    auc = float(run.auc[0])
    report: dict[str, Any] = {"auc": auc}
    if labellings is not None:
        report |= _certainty(run, design, labellings)
    probability, decision = run.calibrated
    repeats, rows = _tested(run)
    report |= decision_summary(probability[repeats, rows], decision[repeats, rows], design.signs[rows])
    positive = design.signs > 0
    decided = decision.mean(axis=0)
    report |= decision_intervals(np.where(positive, decided, 1.0 - decided), positive)
    return report | {"fold_auc": run.fold_auc.tolist()}


def _certainty(run: _Run, design: Design, labellings: Labellings) -> dict[str, Any]:
    auc, null = float(run.auc[0]), run.auc[1:]
    n_a, n_b = design.counts().values()
    report: dict[str, Any] = {
        "auc_ci": list(auc_interval(auc, null, n_a=n_a, n_b=n_b)),
        "interval_level": 0.95,
        "interval_method": METHOD,
        **coverage_note("auc", auc, kind=design.kind, n_a=n_a, n_b=n_b),
        "permutation": labellings.summary(auc, null),
    }
    if len(null) < ENOUGH_LABELLINGS:
        report["interval_warning"] = f"the spread of this interval rests on only {len(null)} labellings"
    return report


def _curves(run: _Run, design: Design, seed: int) -> dict[str, Any]:
    probability, positive = run.calibrated[0].mean(axis=0), design.signs > 0
    return {
        "calibration": calibration(probability, positive, design.participants),
        "decision_curve": decision_curve(probability, positive, design.participants, seed=seed),
    }


def _tested(run: _Run) -> tuple[Rows, Rows]:
    """Return repeat and row of everything that was tested, fold by fold."""
    tests = [each.fold.test for each in run.scored]
    repeats = np.repeat([each.fold.repeat for each in run.scored], [len(rows) for rows in tests])
    return repeats, np.concatenate(tests)


def _increment(both: _Run, alone: _Run, design: Design, name: str) -> dict[str, Any]:
    with_features, without = float(both.auc[0]), float(alone.auc[0])
    n_a, n_b = design.counts().values()
    interval = increment_interval(with_features, without, both.auc[1:] - alone.auc[1:], n_a=n_a, n_b=n_b)
    difference = with_features - without
    return {
        f"auc_features_and_{name}": with_features,
        f"auc_{name}": without,
        "increment": difference,
        "increment_ci": list(interval),
        "interval_method": METHOD.removesuffix(", logit scale") + ", paired difference",
        **coverage_note("increment", difference, kind=design.kind, n_a=n_a, n_b=n_b),
    }


def _predictions(run: _Run, design: Design, back: NDArray[np.intp]) -> pd.DataFrame:
    repeats, rows = _tested(run)
    table = pd.DataFrame(
        {
            "participant": design.participants[rows],
            "label": design.labels[rows],
            "repeat": repeats,
            "fold": design.folds[repeats, rows],
            "score": np.concatenate([each.test for each in run.scored]),
            "probability": run.calibrated[0][repeats, rows],
            "place": np.argsort(back)[rows],
        }
    )
    return table.sort_values(["repeat", "place"], ignore_index=True).drop(columns="place")
