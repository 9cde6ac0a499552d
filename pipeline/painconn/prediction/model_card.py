"""The model card: what a saved model is, under headings of TRIPOD+AI (Collins 2024, 10.1136/bmj-2023-078378).

Every number comes from the saved scores; nothing is computed here.
"""

from collections.abc import Mapping
from math import floor
from typing import Any

from painconn.prediction.registry import CLASSIFIERS

NEVER = (
    "Not a diagnosis. The probability says to which of two groups of one study the numbers of a recording are more "
    "alike; it must not decide about anybody's care."
)
NEVER_OF_SCORES = (
    "Not a diagnosis. The number says which score people of one study had whose recordings were alike, give or take "
    "the interval; it must not decide about anybody's care."
)


_NUMBERS = {
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "brier": "brier",
    "brier_no_skill": "brier no skill",
    "within_fold_r": "correlation inside test folds",
    "mae": "mean absolute error",
    "mae_no_skill": "mean absolute error of predicting the mean",
    "calibration_slope": "calibration slope",
}


def model_card(target: str, record: Mapping[str, Any], reason: str, files: Mapping[str, str]) -> str:
    """Return the card as markdown.

    Parameters
    ----------
    target : str
        Name of the target.
    record : mapping
        Content of the model's record, or what is known of a target without one (``classifier``, ``performance``).
    reason : str
        Why there is no model file; empty when there is one.
    files : mapping of str to str
        Name and sha256 of each file of the model.
    """
    name = str(record["classifier"])
    of_scores = CLASSIFIERS[name].task == "regression"
    kind, never = ("Regression", NEVER_OF_SCORES) if of_scores else ("Classifier", NEVER)
    use = "Research on groups of recordings prepared as stated below."
    parts = [
        ("Title", [f"{kind} of the target {target}: {name}"]),
        ("Model file", _files(reason, files)),
        ("Intended use, and what it is not for", [never, use]),
        ("Source of data and participants", _people(record)),
        ("Outcome", _outcome(record)),
        ("Predictors", _predictors(record)),
        ("Sample size and missing data", ["Gaps take the training mean of their column."]),
        ("Analytical methods", _methods(record)),
        ("Model performance", _performance(record.get("performance") or {})),
        ("Fairness and groups not studied", ["Nothing is known about people unlike those of the study."]),
        ("Limitations", _limits(record)),
    ]
    lines = ["# Model card", ""]
    for heading, sentences in parts:
        lines += [f"## {heading}", "", *(sentences or ["Not available."]), ""]
    return "\n".join(lines)


def _outcome(record: Mapping[str, Any]) -> list[str]:
    if "score" in record:
        return [f"{record['score']}, a score of people; {record['lowest']:g} to {record['highest']:g} in the study."]
    return [f"{record['positive']} against {record['negative']}."] if "positive" in record else []


def _files(reason: str, files: Mapping[str, str]) -> list[str]:
    if reason:
        return [f"There is no model file: {reason}."]
    return [f"- `{name}`: sha256 `{digest}`" for name, digest in files.items()]


def _people(record: Mapping[str, Any]) -> list[str]:
    if "n_participants" not in record:
        return []
    if "score" in record:
        return [f"{record['n_participants']} participants, one study."]
    counts = f"{record['n_negative']} {record['negative']}, {record['n_positive']} {record['positive']}"
    unit = "people" if record["kind"] == "between" else "observations"
    return [f"{record['n_participants']} participants ({unit}: {counts}), one study."]


def _predictors(record: Mapping[str, Any]) -> list[str]:
    if "features" not in record:
        return []
    return [f"{len(record['features'])} columns of the feature set {record['feature_set']}; listed in `model.json`."]


def _methods(record: Mapping[str, Any]) -> list[str]:
    if "setting" not in record:
        return []
    refitted = (
        f"Refitted on everybody; the setting was chosen as in the inner loop of the evaluation ({record['setting']:g});"
    )
    if "score" in record:
        return [f"{refitted} {_interval(record)}"]
    return [
        f"{refitted} probabilities by Platt scaling of out-of-fold scores. The interval of a probability "
        "comes from the same fit to samples of the participants drawn with replacement: it says how much the answer "
        "depends on who took part, not how often the answer is right."
    ]


def _interval(record: Mapping[str, Any]) -> str:
    n_folds = len(record["errors"])
    return (
        f"the interval is made to hold the score of a new person in {100 * record['interval_level']:.3g} % of cases "
        f"(CV+, from the errors for {record['n_participants']} people held out in {n_folds} folds); whatever the "
        f"distribution it does in at least {floor(100 * record['guaranteed_level'])} % (with folds of one size), on "
        "average over studies and new people of the same population, recorded and prepared alike. For anybody else "
        "nothing is known."
    )


def _performance(scores: Mapping[str, Any]) -> list[str]:
    key, symbol = ("r2", "R²") if "r2" in scores else ("auc", "AUC")
    if scores.get(key) is None:
        return []
    low, high = scores.get(f"{key}_ci") or (None, None)
    interval = "" if low is None else f", 95 % interval {low:.3f} to {high:.3f}"
    sentences = [f"- {symbol} {scores[key]:.3f}{interval}"]
    permutation = scores.get("permutation") or {}
    if permutation:
        sentences.append(f"- permutation p {permutation['p']:.4g} ({permutation['n_permutations']} labellings)")
    sentences += [
        # Errors have the unit of the score, whatever that is.
        f"- {name} {scores[field]:{'.4g' if field.startswith('mae') else '.3f'}}"
        for field, name in _NUMBERS.items()
        if scores.get(field) is not None
    ]
    notes = [str(scores[key]) for key in ("interval_coverage_note", "interval_warning") if scores.get(key)]
    return [
        *sentences,
        *(f"- {note}" for note in notes),
        "",
        "Internal validation on people held out; no external one.",
    ]


def _limits(record: Mapping[str, Any]) -> list[str]:
    return [
        "Validated inside one study only; other laboratories, amplifiers and caps were not seen.",
        *(["Made for recordings of exactly the contract in `model.json`."] if "contract" in record else []),
    ]
