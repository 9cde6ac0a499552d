"""The model card: what a saved classifier is, under headings of TRIPOD+AI (Collins 2024, 10.1136/bmj-2023-078378).

Every number comes from the saved scores; nothing is computed here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

NEVER = (
    "Not a diagnosis. The probability says to which of two groups of one study the numbers of a recording are more "
    "alike; it must not decide about anybody's care."
)


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
    parts = [
        ("Title", [f"Classifier of the target {target}: {record.get('classifier') or 'none'}"]),
        ("Model file", _files(reason, files)),
        ("Intended use, and what it is not for", [NEVER, "Research on groups of recordings prepared as stated below."]),
        ("Source of data and participants", _people(record)),
        ("Outcome", [f"{record['positive']} against {record['negative']}."] if "positive" in record else []),
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


def _files(reason: str, files: Mapping[str, str]) -> list[str]:
    if reason:
        return [f"There is no model file: {reason}."]
    return [f"- `{name}`: sha256 `{digest}`" for name, digest in files.items()]


def _people(record: Mapping[str, Any]) -> list[str]:
    if "n_participants" not in record:
        return []
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
    return [
        "Refitted on everybody; the setting was chosen as in the inner loop of the evaluation "
        f"({record['setting']:g}); probabilities by Platt scaling of out-of-fold scores. The interval of a probability "
        "comes from the same fit to samples of the participants drawn with replacement: it says how much the answer "
        "depends on who took part, not how often the answer is right."
    ]


def _performance(scores: Mapping[str, Any]) -> list[str]:
    if scores.get("auc") is None:
        return []
    low, high = scores.get("auc_ci") or (None, None)
    sentences = [f"- AUC {scores['auc']:.3f}" + ("" if low is None else f", 95 % interval {low:.3f} to {high:.3f}")]
    permutation = scores.get("permutation") or {}
    if permutation:
        sentences.append(f"- permutation p {permutation['p']:.4g} ({permutation['n_permutations']} labellings)")
    named: Sequence[str] = ("balanced_accuracy", "sensitivity", "specificity", "brier", "brier_no_skill")
    sentences += [f"- {name.replace('_', ' ')} {scores[name]:.3f}" for name in named if scores.get(name) is not None]
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
