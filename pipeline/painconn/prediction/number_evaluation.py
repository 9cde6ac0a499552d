"""Nested, repeated evaluation of a regression on people, with its permutation null, baselines and learning curve.

Conventions of this file: as in :mod:`painconn.prediction.evaluation`, every number comes from one function that is
given folds and lists of scores and nothing else; the true list is the first one and the shuffled ones follow.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.prediction.baselines import compare_with_baselines, named_baselines
from painconn.prediction.folds import FeatureTable, Fold, FoldScores, RowStep, outer_folds
from painconn.prediction.intervals import ENOUGH_LABELLINGS
from painconn.prediction.learning import LEARNING_REPEATS, learning_curve
from painconn.prediction.number_design import NumberDesign, number_learning_folds, permuted_scores
from painconn.prediction.number_intervals import METHOD, increment_interval, influences, number_coverage, r2_interval
from painconn.prediction.number_scores import NumberScores, describe_errors, score_numbers
from painconn.prediction.ordering import first_labelling, ordered_features, renumbered
from painconn.prediction.registry import CLASSIFIERS

NO_SKILL = "mean"

_SAME_R2 = 1e-10


@dataclass(frozen=True)
class NumberEvaluation:
    """An evaluated score.

    Parameters
    ----------
    design : NumberDesign
        As it was given.
    scores : dict
        Everything for ``scores.json``: plain numbers, text, lists and mappings.
    predictions : DataFrame
        ``participant, repeat, fold, score, predicted``: a row per person and repeat, with the true score.
    null : (m,) array
        R2 of each shuffled list of scores.
    labellings : (n, m) array
        The shuffled scores, rows as in the design.
    splits : tuple of Fold
        The row numbers that the regression was trained, tuned and tested on, rows as in the design.
    """

    design: NumberDesign
    scores: dict[str, Any]
    predictions: pd.DataFrame
    null: NDArray[np.float64]
    labellings: NDArray[np.float64]
    splits: tuple[Fold, ...]


@dataclass(frozen=True)
class _Run:
    """One regression on one table: what it reached for each list of scores, and its predictions of the first one."""

    reached: NumberScores
    scored: list[FoldScores]


def evaluate_numbers(
    features: pd.DataFrame,
    design: NumberDesign,
    *,
    classifier: str = "ridge_regression",
    n_permutations: int = 1000,
    seed: int = 0,
    confounds: pd.DataFrame | None = None,
    baselines: Mapping[str, pd.DataFrame] | None = None,
    matrices: Sequence[NDArray[np.intp]] = (),
    steps: Sequence[RowStep] = (),
) -> NumberEvaluation:
    """Evaluate a regression on a score of people.

    Parameters
    ----------
    features, seed, confounds, baselines, matrices, steps
        As for :func:`painconn.prediction.evaluation.evaluate`.
    design : NumberDesign
        From :func:`painconn.prediction.number_design.make_number_design`.
    classifier : str
        A regression of ``CLASSIFIERS``.
    n_permutations : int
        Complete reruns under shuffled scores.

    Returns
    -------
    evaluation : NumberEvaluation
        R2 against the mean of the training rows, averaged over repeats; p is (1 + count of shuffled R2 at least as
        high) / (1 + permutations).

    Raises
    ------
    DesignError
        When no feature varies, or the regression needs matrices and there are none.
    InputError
        When a value is infinite.
    """
    named = named_baselines(features, confounds, baselines, n_rows=len(design.values))
    order = np.argsort(design.participants, kind="stable")
    ordered = design.rows(order)
    table, n_varying = ordered_features(
        features, order, classifier=classifier, matrices=matrices, steps=steps, seed=seed
    )
    shuffled = permuted_scores(ordered, n_permutations=n_permutations, seed=seed)
    values, folds = np.column_stack([ordered.values, shuffled]), outer_folds(ordered)
    run = _run(classifier, table, values, folds)
    scores: dict[str, Any] = {
        "task": "regression",
        "classifier": classifier,
        "kind": "association",
        "score": design.score,
        "n_participants": len(design.participants),
        "n_features": features.shape[1],
        "n_features_varying": n_varying,
        "n_outer": design.n_outer,
        "n_repeats": design.n_repeats,
        **_performance(run, ordered, tested=True),
        "chosen_settings": dict(sorted(Counter(f"{each.setting[0]:g}" for each in run.scored).items())),
        "learning_curve": learning_curve(
            ordered.participants,
            lambda part: number_learning_folds(ordered, folds, fraction=part, n_repeats=LEARNING_REPEATS, seed=seed),
            lambda some: {"r2": float(reached_by(classifier, table, ordered.values[:, None], some).r2[0])},
        ),
        "baselines": {NO_SKILL: _performance(_run(NO_SKILL, table, values[:, :1], folds), ordered, tested=False)},
    }
    alone, increments = compare_with_baselines(
        named,
        features,
        table,
        order,
        run=lambda one: _run(classifier, one, values, folds),
        performance=lambda one: _performance(one, ordered, tested=True),
        increment=lambda both, one, name: _increment(both, one, ordered, name),
    )
    scores["baselines"] |= alone
    scores |= increments
    back = np.argsort(order)
    return NumberEvaluation(
        design=design,
        scores=scores,
        predictions=_predictions(run, ordered),
        null=run.reached.r2[1:],
        labellings=shuffled[back],
        splits=tuple(renumbered(each.fold, order) for each in run.scored),
    )


def reached_by(
    classifier: str, table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]
) -> NumberScores:
    """Return what a regression reaches on given folds for each list of scores (n, P), as in an evaluation."""
    return _run(classifier, table, values, folds).reached


def _run(classifier: str, table: FeatureTable, values: NDArray[np.float64], folds: Sequence[Fold]) -> _Run:
    scored = list(CLASSIFIERS[classifier].load()(table, values, folds))
    return _Run(score_numbers(scored, values), [first_labelling(each) for each in scored])


def _performance(run: _Run, design: NumberDesign, *, tested: bool) -> dict[str, Any]:
    reached = run.reached
    r2 = float(reached.r2[0])
    report: dict[str, Any] = {"r2": r2}
    if tested:
        null = reached.r2[1:]
        as_high = int(np.sum(null >= r2 - _SAME_R2))
        report |= {
            "r2_ci": list(r2_interval(r2, null, influences(run.scored, design.values), n_folds=design.n_outer)),
            "interval_level": 0.95,
            "interval_method": METHOD,
            **number_coverage("r2", r2, n=len(design.values)),
            "permutation": {
                "p": (as_high + 1) / (len(null) + 1),
                "n_permutations": len(null),
                "null_mean": float(null.mean()),
                "null_sd": float(null.std()),
                "null_q95": float(np.quantile(null, 0.95)),
                "null_mean_recovered": float(reached.recovered[1:].mean()),
                "null_sd_recovered": float(reached.recovered[1:].std()),
            },
        }
        if len(null) < ENOUGH_LABELLINGS:
            report["interval_warning"] = f"the spread of this interval rests on only {len(null)} permutations"
    within = {"within_fold_r": float(reached.r[0]), "recovered": float(reached.recovered[0])}
    return report | within | describe_errors(run.scored, design.values) | {"fold_r2": reached.fold_r2.tolist()}


def _increment(both: _Run, alone: _Run, design: NumberDesign, name: str) -> dict[str, Any]:
    with_features, without_them = both.reached.r2, alone.reached.r2
    difference = float(with_features[0] - without_them[0])
    influence = influences(both.scored, design.values) - influences(alone.scored, design.values)
    null = with_features[1:] - without_them[1:]
    interval = increment_interval(difference, null, influence, n_folds=design.n_outer)
    return {
        f"r2_features_and_{name}": float(with_features[0]),
        f"r2_{name}": float(without_them[0]),
        "increment": difference,
        "increment_ci": list(interval),
        "interval_method": METHOD.partition(";")[0] + "; paired difference",
        **number_coverage("increment", difference, n=len(design.values)),
    }


def _predictions(run: _Run, design: NumberDesign) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "participant": design.participants[each.fold.test],
                "repeat": each.fold.repeat,
                "fold": each.fold.fold,
                "score": design.values[each.fold.test],
                "predicted": each.test,
            }
        )
        for each in run.scored
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["repeat", "participant"], ignore_index=True)
