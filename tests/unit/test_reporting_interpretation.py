"""The page says what a pattern rests on, marks stable columns only, and why a model was not saved."""

from dataclasses import replace

import pandas as pd
import pytest

from painconn.reporting.interpretation import importances_table, interpretation_sentences, patterns_table
from painconn.reporting.results import TargetResults

SETTINGS = {"contrast": {"kind": "between", "column": "group", "a": "localized", "b": "widespread"}}


@pytest.fixture
def target():
    rows = [
        {"kind": "feature", "name": "wpli2_debiased__lcmv__alpha__a__b", "pattern": -0.8, "pattern_sd": 0.05,
         "same_sign": 1.0, "median_rank": 1.0, "p_fwe": 0.005, "stable": True},
        {"kind": "feature", "name": "wpli2_debiased__lcmv__beta__a__b", "pattern": 0.2, "pattern_sd": 0.3,
         "same_sign": 0.7, "median_rank": 2.0, "p_fwe": 0.9, "stable": False},
        {"kind": "band", "name": "alpha", "n_features": 1, "auc_lost": 0.25, "auc_lost_sd": 0.1, "auc_lost_low": 0.1,
         "auc_lost_high": 0.4, "folds_worse": 1.0},
    ]  # fmt: skip
    facts = {"n_fits": 50, "n_labellings": 199, "n_test_folds": 15}
    return TargetResults(
        name="pain", settings=SETTINGS, interpretation=pd.DataFrame(rows).astype({"stable": object}),
        model={"saved": False, "reason": "the data came as ready features", "interpretation": facts},
    )  # fmt: skip


def test_stable_columns_are_marked_and_counted(target):
    table = patterns_table(target)
    assert table.marked == {0}
    assert [row[-1] for row in table.rows] == ["yes", "no"]
    assert "higher in widespread" in table.caption
    first, last = interpretation_sentences(target)
    assert "50 fits" in first
    assert "1 of 2 did (199 labellings)" in first
    assert last == "The model refitted on everybody was not saved: the data came as ready features."


def test_a_lost_block_is_shown_with_its_spread(target):
    (row,) = importances_table(target).rows
    assert row[0] == "band: alpha"
    assert row[2:] == ("0.250", "0.100", "0.100 to 0.400", "100 %")


def test_of_a_score_of_people_r2_is_lost_and_scores_are_permuted(target):
    contrast = {"kind": "association", "column": "pain"}
    table = target.interpretation.rename(columns=lambda name: name.replace("auc_", "r2_"))
    made = replace(target, settings={"contrast": contrast}, interpretation=table)
    lost = importances_table(made)
    assert lost.caption.startswith("R² lost in pain")
    assert "R² lost" in lost.header
    assert lost.rows[0][2] == "0.250"
    assert "higher in people predicted higher" in patterns_table(made).caption
    assert "largest column of permuted scores" in interpretation_sentences(made)[0]


def test_what_was_not_saved_is_not_told():
    empty = TargetResults(name="pain", settings=SETTINGS)
    assert interpretation_sentences(empty) == ()
    assert patterns_table(empty) is None
    assert importances_table(empty) is None
