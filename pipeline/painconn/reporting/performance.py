"""Scores of a classifier or a baseline as saved, with every optional part absent rather than guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve: mean number of people learned from, and AUC."""

    n_people: float
    auc: float


@dataclass(frozen=True)
class Performance:
    """What was saved about one model; None (or empty) where nothing was.

    Parameters
    ----------
    name : str
        Feature set or baseline.
    auc, low, high : float or None
        Area under the ROC curve and its 95 % interval.
    p, null_mean : float or None
        Permutation p, and mean AUC under permuted labels.
    n_permutations : int or None
        How many labellings p rests on.
    null_values : tuple of float
        AUC under each permutation.
    balanced_accuracy, sensitivity, specificity, brier, brier_no_skill : float or None
        Of the calibrated out-of-fold probabilities; the last one is that of a model without features.
    notes : tuple of str
        What is known about the coverage of the interval.
    learning_curve : tuple of CurvePoint
        In order of size.
    n_features : int or None
        Columns that the model was given.
    """

    name: str
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    null_mean: float | None = None
    n_permutations: int | None = None
    null_values: tuple[float, ...] = ()
    balanced_accuracy: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    brier: float | None = None
    brier_no_skill: float | None = None
    notes: tuple[str, ...] = ()
    learning_curve: tuple[CurvePoint, ...] = ()
    n_features: int | None = None


_COPIED = ("auc", "balanced_accuracy", "sensitivity", "specificity", "brier", "brier_no_skill", "n_features")


def performance_of(name: str, saved: Mapping[str, Any]) -> Performance:
    """Read the scores of one model.

    Parameters
    ----------
    name : str
        Feature set or baseline.
    saved : mapping
        Its part of ``scores.json``.

    Returns
    -------
    performance : Performance
        Keys that are not there stay None (or empty).
    """
    low, high = saved.get("auc_ci") or (None, None)
    permutation = saved.get("permutation") or {}
    notes = (saved.get("interval_coverage_note"), saved.get("interval_warning"))
    return Performance(
        name=name,
        low=low,
        high=high,
        p=permutation.get("p"),
        null_mean=permutation.get("null_mean"),
        n_permutations=permutation.get("n_permutations"),
        null_values=tuple(saved.get("null_values") or ()),
        notes=tuple(str(note) for note in notes if note),
        learning_curve=tuple(
            CurvePoint(n_people=point["n_train_participants"], auc=point["auc"]) for point in saved.get("learning_curve") or ()
        ),
        **{key: saved.get(key) for key in _COPIED},
    )


def baselines_of(saved: Mapping[str, Any]) -> list[Performance]:
    """Read the baselines that were evaluated on the same folds as a feature set."""
    return [performance_of(str(name), scores) for name, scores in (saved.get("baselines") or {}).items()]
