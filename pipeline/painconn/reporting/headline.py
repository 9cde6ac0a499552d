"""The answer of each target in one sentence."""

from painconn.reporting.agreement import agreement_verdict
from painconn.reporting.effect_figures import ALPHA, EFFECT_SYMBOLS
from painconn.reporting.notation import count, interval, is_number, number, p_text, plural
from painconn.reporting.performance import Performance, performance_of
from painconn.reporting.regression import predicted_in_brief, predicted_meaning
from painconn.reporting.results import StudyResults, TargetResults, positive_controls

BLINDED = (
    "BLINDED: labels are permuted, no number here is a result (`painconn lock` freezes the analysis, then "
    "`blinded: false` opens the labels)"
)

_DISTRUST = "The audit failed: whatever the numbers say, they must not be used before the failure is explained."
CHANCE = 0.5


def headline(results: StudyResults) -> list[str]:
    """Say what was found, target by target.

    Parameters
    ----------
    results : StudyResults
        The saved results.

    Returns
    -------
    lines : list of str
        That the study is blinded, and a failed audit, first; then one line per target, then one per positive control;
        plain text.
    """
    lines = [BLINDED] if results.blinded else []
    lines += [
        f"AUDIT FAILED in {target.name}: {plural(len(target.failed_gates), 'gate')} "
        f"({', '.join(str(gate.get('gate')) for gate in target.failed_gates)}); do not use its numbers before this is "
        "explained"
        for target in results.targets.values()
        if target.failed_gates
    ]
    lines += [f"{target.name}: {answer(target)}" for target in results.targets.values()]
    for control in positive_controls(results):
        row = control.row or {}
        name = EFFECT_SYMBOLS.get(str(row.get("effect_size_kind")), "effect size")
        effect = f", {name} {number(row['hedges_g'])}" if is_number(row.get("hedges_g")) else ""
        lines.append(
            f"positive control {control.name}: expected {control.expected}, {control.verdict}{effect}, "
            f"{p_text(row.get('p'))}, n = {people(row.get('n_a'), row.get('n_b'), results_kind(control.contrast))}"
        )
    return lines


def results_kind(contrast: object) -> str:
    """Return ``between`` or ``within`` of a contrast section."""
    return str(contrast.get("kind", "between")) if isinstance(contrast, dict) else "between"


def people(n_a: object, n_b: object, kind: str) -> str:
    """Return the number of people: both groups, or once when the same people are on both sides."""
    if kind != "between":
        return count(n_a)
    return f"{count(n_a)} + {count(n_b)}"


def primary_performance(target: TargetResults) -> Performance | None:
    """Return the score that answers the question; None when no classifier was saved."""
    scores = target.feature_sets.get(target.primary_feature_set)
    return performance_of(target.primary_feature_set, scores) if scores else None


def answer(target: TargetResults) -> str:
    """Answer one target in one sentence with its interval and its count of significant primary tests."""
    n_a, n_b = target.n_sides
    if target.kind == "association":
        told = "; ".join(part for part in (predicted_in_brief(target), primary_count(target)) if part)
        return f"{target.question} (n = {people(n_a, n_b, target.kind)}): {told}{_agreement(target)}"
    parts = [f"{target.question} (n = {people(n_a, n_b, target.kind)})"]
    score = primary_performance(target)
    if score is None:
        classifier = "classifier not available"
    elif score.auc is None:
        classifier = f"NOT COMPUTABLE{_because(target)}"
    else:
        p = p_text(score.p, symbol="permutation p")
        classifier = f"AUC {number(score.auc)}, 95 % interval {interval(score.low, score.high)}, {p}"
    return f"{parts[0]}: {classifier}; {primary_count(target)}{_agreement(target)}"


def _agreement(target: TargetResults) -> str:
    verdict = agreement_verdict(target)
    return f"; {verdict}" if verdict else ""


def _because(target: TargetResults) -> str:
    """Return the saved reason why the primary score is missing, after a colon; empty when none was saved."""
    reason = target.feature_sets.get(target.primary_feature_set, {}).get("reason")
    return f": {reason}" if reason else ""


def primary_count(target: TargetResults) -> str:
    """Say how many primary tests are significant, and how many could not be computed."""
    tests = target.tests("primary")
    if tests.empty:
        return "primary tests not available"
    significant = sum(is_number(p) and p < ALPHA for p in tests["p_fwe"])
    failed = sum(not is_number(p) for p in tests["p"])
    text = f"{significant} of {plural(len(tests), 'primary test')} significant after family-wise correction"
    return f"{text} ({failed} not computable)" if failed else text


def meaning(target: TargetResults) -> str:
    """Say in plain words what the score does and does not allow one to conclude."""
    if target.blinded:
        return "Nothing can be concluded: who is on which side was decided by lot."
    if target.kind == "association":
        if target.failed_gates:
            return _DISTRUST
        goes_with = (
            "Correlations over people, adjusted for the covariates, say that a value goes with the score, not that one "
            "makes the other."
        )
        return f"{goes_with} {predicted_meaning(target)}".strip()
    score = primary_performance(target)
    if score is not None and score.auc is None and _because(target):
        return f"The question cannot be answered: the declared features are not computable{_because(target)}."
    if score is None or not is_number(score.auc):
        return "No classifier score was saved, so this page cannot say whether the two can be told apart."
    if target.failed_gates:
        return _DISTRUST
    if not is_number(score.p):
        return "No permutation p was saved, so the score cannot be compared with chance."
    if score.p < ALPHA:
        reaches = is_number(score.low) and score.low <= CHANCE
        unsure = f" Its interval reaches {number(score.low)}: how well it does is not known." if reaches else ""
        return (
            f"The classifier does better than chance on people it never saw.{unsure} Whether that is the brain or a "
            "confound is decided by the baselines below, and whether it holds elsewhere by other people's data."
        )
    wide = (
        f"from {number(score.low)} to {number(score.high)}"
        if is_number(score.low) and is_number(score.high)
        else "(no interval saved)"
    )
    return (
        "No evidence that the two can be told apart with these features. The data are compatible with any AUC "
        f"{wide}: absence of evidence, not evidence of absence."
    )
