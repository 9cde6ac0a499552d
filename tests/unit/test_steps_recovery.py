"""From edges to the scores of recovery, on made-up edges whose answer is known."""

import json

import numpy as np
import pandas as pd
import pytest

from painconn.cortex.template import parcellation
from painconn.errors import DesignError
from painconn.simulation.recovery import planted_pairs
from painconn.simulation.recovery_grid import Studies, read_grid
from painconn.steps.recover import edge_rows, group_rows, main
from painconn.steps.recover_cell import Windows, magnitudes
from painconn.steps.recover_scores import edge_scores, group_scores

REGIONS = parcellation().region_names
N_PAIRS = len(REGIONS) * (len(REGIONS) - 1) // 2
BRIDGE = {
    "name": "bridge",
    "rhythm": "alpha",
    "leaders": ["postcentral-lh", "insula-lh"],
    "followers": ["postcentral-rh", "insula-rh"],
    "strength": {"mean": 0.5, "sd": 0.1, "low": 0.0, "high": 0.9},
}
PART = {
    "montages": ["cap_19"],
    "cleaning": ["artefact_free"],
    "inverses": ["eloreta"],
    "measures": ["wpli2_debiased"],
    "n_epochs": [60],
}
GRID = read_grid(
    {
        "name": "made up",
        "seed": 1,
        "cohorts": {
            "null": {"n_per_group": {"everybody": 20}},
            "bridge": {"n_per_group": {"everybody": 20}, "couplings": [BRIDGE]},
            "effect": {
                "n_per_group": {"x": 20, "y": 20},
                "couplings": [BRIDGE],
                "effects": [{"trait": "coupling:bridge", "by": "group", "level": "y", "d": 2}],
            },
            "none": {"n_per_group": {"x": 20, "y": 20}, "couplings": [BRIDGE]},
        },
        "parts": [
            PART | {"cohorts": ["null", "bridge"], "bands": ["alpha"]},
            PART | {"cohorts": ["effect", "none"], "bands": ["theta", "alpha"]},
        ],
        "studies": {"n_per_group": [10], "n_studies": 10, "n_permutations": 99},
    }
)
PLANTED = planted_pairs(REGIONS, GRID.cohorts["bridge"].couplings)


def cell(cohort):
    return GRID.cell(cohort, "cap_19", "artefact_free")


def edges_of(rng, *, raised, n_people=20):
    noise = 0.1 * rng.standard_normal((n_people, N_PAIRS))
    return {
        "eloreta__wpli2_debiased__alpha__60": noise + raised * PLANTED,
        "cortex__wpli2_debiased__alpha__60": np.full((n_people, PLANTED.sum()), 0.5),
        "leakage__eloreta": np.eye(len(REGIONS)),
    }


def test_a_planted_edge_is_scored_in_its_place():
    rng = np.random.default_rng(1)
    arrays, null = edges_of(rng, raised=0.4), edges_of(rng, raised=0.0)
    row = edge_scores(cell("bridge"), arrays, null).iloc[0]
    assert (row["cohort"], row["n_planted"], row["n_beside"]) == ("bridge", 4, 2)
    assert row["sensitivity"] > 0.95
    assert row["auc"] > 0.98
    assert row["false_rate"] == pytest.approx(0.05, abs=0.01)
    assert row["bias"] == pytest.approx(-0.1, abs=0.03)
    assert row["rank_median"] < 20


def test_people_without_enough_epochs_are_counted_and_never_taken_for_zero():
    rng = np.random.default_rng(2)
    arrays, null = edges_of(rng, raised=0.4), edges_of(rng, raised=0.0)
    arrays["eloreta__wpli2_debiased__alpha__60"][:5] = np.nan
    assert edge_scores(cell("bridge"), arrays, null)["n_people"].tolist() == [15]
    arrays["eloreta__wpli2_debiased__alpha__60"][:] = np.nan
    nobody = edge_scores(cell("bridge"), arrays, null)
    assert nobody["n_people"].tolist() == [0]
    assert "sensitivity" not in nobody or nobody["sensitivity"].isna().all()
    assert edge_rows(nobody) == []


def pool_of(rng, *, raised):
    """Return twenty people, each as one of group x and as one of group y; nothing raised: forty people."""
    theta, alpha = rng.standard_normal((2, 40, N_PAIRS))
    if raised:
        theta[20:], alpha[20:] = theta[:20], alpha[:20] + raised * PLANTED
    return {
        "groups": np.repeat(["x", "y"], 20),
        "eloreta__wpli2_debiased__alpha__60": alpha,
        "eloreta__wpli2_debiased__theta__60": theta,
    }


def test_the_planted_block_is_tested_and_no_other_one_is_taken_for_it():
    studies = Studies((10,), 10, 99)
    row = group_scores(cell("effect"), pool_of(np.random.default_rng(3), raised=2.0), studies).iloc[0]
    assert row["power_found"] == row["power_alone_found"] == 1.0
    assert 0.5 < row["power_low"] < row["power"] <= row["power_high"]
    assert row["others"] <= 0.2
    assert row["n_pool"] == 20
    assert row["g"] > 2


def test_without_an_effect_there_is_a_type_one_rate_and_no_power():
    studies = Studies((10,), 20, 99)
    scores = group_scores(cell("none"), pool_of(np.random.default_rng(4), raised=0.0), studies)
    assert "power" not in scores
    assert scores["others"].iloc[0] <= 0.2
    assert scores["others_alone"].iloc[0] == pytest.approx(0.05, abs=0.04)
    assert scores["others_high"].iloc[0] < 0.5
    assert group_rows(pd.concat([scores, scores.assign(power=np.nan)]))[0][5] == "-"


def test_a_pool_that_lost_its_people_is_told_with_what_to_do():
    arrays = pool_of(np.random.default_rng(3), raised=2.0)
    arrays["eloreta__wpli2_debiased__theta__60"][21:] = np.nan
    with pytest.raises(DesignError, match=r"1 people with values at 60 epochs.*rest_s"):
        group_scores(cell("effect"), arrays, Studies((10,), 10, 99))


def test_the_same_seed_draws_the_same_studies():
    studies, arrays = Studies((10,), 10, 19), pool_of(np.random.default_rng(5), raised=0.6)
    once, again = (group_scores(cell("effect"), arrays, studies) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)


def test_edges_have_no_sign_and_a_directed_one_starts_at_a_half():
    matrix = np.array([[np.nan, -0.3], [0.3, np.nan]])
    assert magnitudes("imcoh", matrix).tolist() == [0.3]
    assert magnitudes("wpli2_debiased", np.abs(matrix) * -1).tolist() == [-0.3]
    assert magnitudes("gc", np.array([[np.nan, 0.2], [0.8, np.nan]])).tolist() == [0.8]
    assert magnitudes("dpli", np.array([[np.nan, 0.2], [0.8, np.nan]])).tolist() == pytest.approx([0.3])


def test_epochs_are_cut_where_they_start():
    windows = Windows(np.array([3, 10]), 4, (), 100.0, 45.0)
    signals = np.arange(40.0).reshape(2, 20)
    assert windows.epochs(signals)[:, 1].tolist() == [[23, 24, 25, 26], [30, 31, 32, 33]]


def test_a_job_that_cannot_be_done_says_why_and_shows_no_traceback(tmp_path, monkeypatch, capsys):
    settings = {"grid": {"name": "empty", "seed": 1, "cohorts": {}, "parts": []}, "cohort": "", "montage": ""}
    words = ["recover", "cell", "--settings", json.dumps(settings | {"cleaning": ""}), "--out", str(tmp_path / "x.npz")]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("cell: ")
    assert "wanted:" in told
    assert "Traceback" not in told
