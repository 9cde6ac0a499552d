"""What the page says about agreement between inverses."""

from dataclasses import replace

import pandas as pd
import pytest

from painconn.reporting.agreement import agreement_sentences, agreement_table, agreement_verdict
from painconn.reporting.marks import DAGGER
from painconn.reporting.results import TargetResults

SCORE = {"feature_set": "blocks", "auc": 0.71, "auc_ci": [0.6, 0.82], "p": 0.004, "found": True}
FINDING = {
    "test": "wpli2_debiased__lcmv__alpha__sensory-lh__affective-lh", "effect": 0.9,
    "effect_ci": [0.3, 1.5], "p_fwe": 0.01,
    "other_test": "wpli2_debiased__eloreta__alpha__sensory-lh__affective-lh", "other_effect": 0.1,
    "other_effect_ci": [-0.5, 0.7], "other_p_fwe": 0.3, "outcome": "depends",
}  # fmt: skip
OUTCOMES = {"holding": "holds", "weaker": "weaker", "depending": "depends"}


def target(verdict, *, others=("eloreta",), significant=(), reason="", classifier=True):
    tests = {
        "n_declared": 63, "n_significant": len(significant), "n_compared": 60, "n_same_sign": 51,
        "n_significant_under_other": 2, "deciding": list(significant),
        **{f"n_{kind}": sum(row["outcome"] == word for row in significant) for kind, word in OUTCOMES.items()},
        "rank_correlation": 0.81, "rank_correlation_ci": [0.7, 0.88], "n_resamples": 1000,
        "when_nothing_differs": {"rank_correlation": 0.6, "rank_correlation_q95": 0.75, "share_same_sign": 0.7},
    }  # fmt: skip
    scores = {"primary": SCORE, "other": SCORE | {"auc": 0.52, "p": 0.4}} if classifier else None
    saved = {name: {"verdict": verdict, "tests": tests, "classifier": scores} for name in others}
    agreement = {"primary_inverse": "lcmv", "verdict": verdict, "reason": reason, "others": saved}
    return TargetResults(name="pain", settings={}, agreement=agreement)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (target("holds"), "holds under both inverses (lcmv and eloreta)"),
        (target("holds", others=("eloreta", "dspm")), "holds under all 3 inverses (lcmv, eloreta and dspm)"),
        (
            target("weaker"),
            "the same direction and size under both inverses (lcmv and eloreta), significant under one only",
        ),
        (target("depends"), "depends on the inverse (lcmv and eloreta)"),
        (target("nothing found"), "no finding under either inverse (lcmv and eloreta)"),
        (target("not assessed", others=(), reason="one inverse"), "agreement of inverses not assessed: one inverse"),
        (TargetResults(name="pain", settings={}), ""),
    ],
)
def test_the_verdict_in_plain_words(made, words):
    assert agreement_verdict(made) == words


def test_a_finding_that_is_lost_is_told_with_both_effects_and_set_off():
    weaker = {"outcome": "weaker", "other_effect": 0.8, "other_effect_ci": [0.1, 1.4], "other_p_fwe": 0.06}
    made = target(
        "depends", significant=[FINDING, FINDING | {"outcome": "holds", "other_p_fwe": 0.02}, FINDING | weaker]
    )
    (sentence,) = agreement_sentences(made)
    assert "Under eloreta: 1 of 3 significant primary tests is significant again" in sentence
    assert (
        "of the others, 1 has under eloreta the same direction and an effect that reaches the 95 % interval of the "
        "finding, 1 does not."
    ) in sentence
    assert "51 of 60 tests (70 % when nothing differs)" in sentence
    assert "rank correlation is 0.81, 95 % interval 0.70 to 0.88" in sentence
    assert "0.60 on average and below 0.75 in 95 %" in sentence
    assert "lcmv 0.71, 95 % interval 0.60 to 0.82, permutation p = .004; eloreta 0.52" in sentence
    table = agreement_table(made)
    assert [row[-1] for row in table.rows] == ["depends", "holds", "weaker"]
    assert table.marked == {0}
    assert table.rows[0][1:6] == ("0.90 [0.30 to 1.50]", ".010", "eloreta", "0.10 [−0.50 to 0.70]", ".30")


def test_of_a_score_of_people_the_r2_is_told():
    made = target("depends")
    scores = {
        side: {"feature_set": "blocks", "r2": r2, "r2_ci": [r2 - 0.2, r2 + 0.2], "p": 0.004, "found": r2 > 0}
        for side, r2 in (("primary", 0.41), ("other", -0.03))
    }
    made.agreement["others"]["eloreta"]["classifier"] = scores
    (sentence,) = agreement_sentences(made)
    assert "Regression on the same features, R²: lcmv 0.41, 95 % interval 0.21 to 0.61, permutation p" in sentence
    assert "eloreta −0.03" in sentence
    assert "AUC" not in sentence


def test_the_verdict_counts_what_became_of_several_findings_and_the_table_carries_their_marks():
    rows = [FINDING, FINDING | {"test": FINDING["test"].replace("alpha", "beta"), "outcome": "weaker"}]
    compared = pd.DataFrame({"role": "primary", "test": [row["test"] for row in rows], "leakage_marked": [1.0, 0.0]})
    made = replace(target("depends", significant=rows), compare=compared)
    assert agreement_verdict(made).endswith(": 2 findings under eloreta, holds 0, weaker 1, depends 1")
    table = agreement_table(made)
    assert [DAGGER in row[0] for row in table.rows] == [True, False]
    assert f"{DAGGER} (1)" in table.caption


def test_without_a_finding_there_is_no_table_and_without_a_score_it_is_said():
    made = target("nothing found", classifier=False)
    assert agreement_table(made) is None
    (sentence,) = agreement_sentences(made)
    assert "none of the 63 declared tests was significant" in sentence
    assert "The model was not scored under both" in sentence
    assert agreement_sentences(TargetResults(name="pain", settings={})) == ()
