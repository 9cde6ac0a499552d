"""Scores of a classifier or a baseline as saved, with every optional part absent rather than guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from painconn.reporting.notation import column_words, interval, listing, number, p_text, plural, words


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


_MOST_NAMED = 12
_FIRST_NAMED = 3
_ALONE = {"ratings": "the ratings that the label was made from", "rest": "the same features at rest"}
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


def increment_sentences(saved: Mapping[str, Any]) -> list[str]:
    """Say what the EEG adds to each baseline; nothing where nothing was saved."""
    increments = {"confounds": saved.get("increment")} | dict(saved.get("increment_over") or {})
    return [_increment_sentence(name, one, saved) for name, one in increments.items() if one]


def _increment_sentence(name: str, increment: Mapping[str, Any], saved: Mapping[str, Any]) -> str:
    low, high = increment.get("increment_ci") or (None, None)
    notes = [str(increment[key]) for key in ("interval_coverage_note", "interval_warning") if increment.get(key)]
    columns = ((saved.get("baselines") or {}).get(name) or {}).get("columns") or []
    shown = listing([words(str(column)) for column in columns[:_MOST_NAMED]])
    listed = f" ({shown})" if 0 < len(columns) <= _MOST_NAMED else ""
    alone = _ALONE.get(name, f"the {words(name)}")
    return (
        f"What the EEG adds to {alone}{listed}: AUC {number(increment.get(f'auc_features_and_{name}'))} with both, "
        f"{number(increment.get(f'auc_{name}'))} with {alone} alone, increment {number(increment.get('increment'))}, "
        f"95 % interval {interval(low, high)}{''.join(f'; {note}' for note in notes)}."
    )


def left_out_sentence(scores: Mapping[str, Any]) -> str:
    """Say which columns no model was given because a whole side has no value of them; empty when there are none."""
    missing: Mapping[str, list[str]] = scores.get("missing_on_a_side") or {}
    sides: dict[str, list[str]] = {}
    for column in dict.fromkeys(chain.from_iterable(missing.values())):
        lacking = [side for side, columns in missing.items() if column in columns]
        sides.setdefault(" or ".join(lacking), []).append(column)
    if not sides:
        return ""
    told = [
        f"{plural(len(columns), 'feature')} that nobody in {side} has ({_first_of(columns)})"
        for side, columns in sides.items()
    ]
    return f"Left out of every model, because a whole side has no value: {'; '.join(told)}."


def _first_of(columns: Sequence[str]) -> str:
    """Name the first columns, and count the others."""
    named = [column_words(column) for column in columns[:_FIRST_NAMED]]
    more = len(columns) - len(named)
    return listing([*named, f"{more} more"] if more else named)


def probe_sentences(audit: Mapping[str, Any]) -> list[str]:
    """Say what else the declared columns were asked for (no gates), and which probes could not be evaluated."""
    told = [
        f"{words(str(one['control']))} AUC {number(one['auc'])}, {p_text(one['p'])}, n = {one['n']}"
        for one in audit.get("controls") or []
        if "auc" in one
    ]
    silent = [f"{one['probe']} ({one['reason']})" for one in audit.get("probes") or [] if "reason" in one]
    sentences = []
    if told:
        sentences.append(
            f"Controls beside the target, told by the ridge classifier from the declared columns: {'; '.join(told)}. "
            f"Exploratory; each p stands by itself, not corrected for the {len(told)}."
        )
    if silent:
        sentences.append(f"Not probed: {listing(silent)}.")
    return sentences
