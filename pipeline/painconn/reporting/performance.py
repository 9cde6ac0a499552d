"""Scores of a classifier or a baseline as saved, with every optional part absent rather than guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from painconn.reporting.notation import interval, listing, number, words


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
    exploratory : bool
        Whether the feature set was declared as one that answers nothing by itself.
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
    exploratory: bool = False


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
        exploratory=saved.get("role") == "exploratory",
        low=low,
        high=high,
        p=permutation.get("p"),
        null_mean=permutation.get("null_mean"),
        n_permutations=permutation.get("n_permutations"),
        null_values=tuple(saved.get("null_values") or ()),
        notes=tuple(str(note) for note in notes if note),
        learning_curve=tuple(
            CurvePoint(n_people=point["n_train_participants"], auc=point["auc"])
            for point in saved.get("learning_curve") or ()
        ),
        **{key: saved.get(key) for key in _COPIED},
    )


def baselines_of(saved: Mapping[str, Any]) -> list[Performance]:
    """Read the baselines that were evaluated on the same folds as a feature set."""
    return [performance_of(str(name), scores) for name, scores in (saved.get("baselines") or {}).items()]


def increment_sentence(saved: Mapping[str, Any]) -> str:
    """Say what the EEG adds to the confounds; empty when nothing was saved."""
    increment = saved.get("increment")
    if not increment:
        return ""
    low, high = increment.get("increment_ci") or (None, None)
    notes = [str(increment[key]) for key in ("interval_coverage_note", "interval_warning") if increment.get(key)]
    confounds = (saved.get("baselines") or {}).get("confounds") or {}
    columns = listing([words(str(name)) for name in confounds.get("columns") or []])
    return (
        f"What the EEG adds to the confounds{f' ({columns})' if columns else ''}: AUC "
        f"{number(increment.get('auc_features_and_confounds'))} with both, {number(increment.get('auc_confounds'))} "
        f"with the confounds alone, increment {number(increment.get('increment'))}, 95 % interval "
        f"{interval(low, high)}{''.join(f'; {note}' for note in notes)}."
    )
