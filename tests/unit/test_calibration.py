"""The calibration study: what it draws, how it counts, and that it catches a scheme that is not calibrated."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, spearmanr

from calibration.cohorts import SCENARIOS, null_cohort
from calibration.feature_tests import equivalence, quick_tests
from calibration.naive import naive_p
from calibration.rates import ALL, Rate, counted, keep_answers, rates_in, with_all_scenarios
from calibration.studies import DRAWS, N_PER_GROUP, UNEQUAL_IN, drawn_people

ROW = ("asked", "test", "scenario")


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(3)
    columns = {name: rng.standard_normal(120) for name in UNEQUAL_IN.values()}
    return pd.DataFrame({"participant": [f"{number:03d}" for number in range(120)], **columns})


def test_the_naive_scheme_fails_the_check():
    rng = np.random.default_rng(11)
    signs = np.repeat([-1.0, 1.0], 12)
    p = [naive_p(signs, rng.normal(size=(24, 100)), number, n_permutations=39) for number in range(150)]
    rate = Rate(ROW, int(np.sum(np.array(p) <= 0.05)), len(p))
    assert rate.verdict(1) == "**too many**"
    assert rate.verdict(50) == "**too many**"


@pytest.mark.parametrize("n_rows", [1, 40])
def test_limits_hold_for_all_rows_at_once(n_rows):
    low, high = Rate(ROW, 0, 500).limits(n_rows)
    outside = binom.cdf(np.ceil(500 * low) - 1, 500, 0.05) + binom.sf(np.floor(500 * high), 500, 0.05)
    assert outside <= 0.01 / n_rows
    assert low < 0.05 < high


def test_all_scenarios_are_added_up():
    apart = [
        Rate(("asked", "test", "one"), 2, 40),
        Rate(("asked", "test", "two"), 3, 60),
        Rate(("asked", "other", "one"), 1, 9),
    ]
    assert with_all_scenarios(apart) == [*apart[:2], Rate(("asked", "test", ALL), 5, 100), apart[2]]


def test_verdicts_name_the_side():
    assert [Rate(ROW, n, 500).verdict(10) for n in (0, 25, 60)] == ["fewer", "inside", "**too many**"]


def test_an_interrupted_run_goes_on(tmp_path):
    path = tmp_path / "kept.jsonl"
    asked = []

    def ask(number):
        asked.append(number)
        yield ROW, number % 2 == 0

    keep_answers(path, range(4), ask)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-9], encoding="utf-8")
    keep_answers(path, range(4), ask)
    keep_answers(path, range(4), ask)
    assert asked[:5] == [0, 1, 2, 3, 3]
    assert rates_in(path) == [Rate(ROW, 2, 4)]
    assert asked.count(0) == 1


def test_cohorts_are_what_the_page_says():
    cohorts = [null_cohort(number, seed=2) for number in range(60)]
    assert {one.scenario for one in cohorts} == set(SCENARIOS)
    for one in cohorts:
        n_b = one.in_b.sum()
        assert 8 <= n_b <= 30
        assert 8 <= (~one.in_b).sum() <= 30
        if one.scenario != SCENARIOS[0]:
            assert (n_b >= len(one.in_b) - n_b) == (one.scenario == SCENARIOS[1]) or 2 * n_b == len(one.in_b)
    spread = {
        name: np.mean([one.blocks[one.in_b].std().mean() for one in cohorts if one.scenario == name])
        for name in SCENARIOS
    }
    assert spread[SCENARIOS[1]] > 1.6 * spread[SCENARIOS[0]]
    differences = np.array([(one.blocks[one.in_b].mean() - one.blocks[~one.in_b].mean()).mean() for one in cohorts])
    assert abs(differences.mean()) < 4 * differences.std() / np.sqrt(len(cohorts))
    ages = [one.covariates["age"][one.in_b].mean() - one.covariates["age"][~one.in_b].mean() for one in cohorts]
    assert np.mean(ages) > 0.7
    pd.testing.assert_frame_equal(cohorts[3].blocks, null_cohort(3, seed=2).blocks)


def test_a_planted_difference_is_found_by_the_same_questions(monkeypatch):
    """A study that found nothing whatever is there would call everything calibrated."""
    import calibration.feature_tests as asked

    def planted(number, *, seed):
        cohort = null_cohort(number, seed=seed)
        cohort.blocks.loc[cohort.in_b] += 3.0
        return cohort

    monkeypatch.setattr(asked, "null_cohort", planted)
    found = dict(quick_tests(0, seed=2))
    between = {row: answer for row, answer in found.items() if row[0] == "two groups"}
    assert len(between) == 6
    assert all(between.values())


@pytest.mark.slow
def test_equivalence_is_asked_on_the_margin():
    """With many people a test whose level is exact rules out an effect on the margin in 5 % of studies."""
    shares = {one.row: one.n_found / one.n_asked for one in counted(equivalence(20, seed=4))}
    many = [share for row, share in shares.items() if any(size in row[2] for size in ("100 + 100", "100 pairs", "200"))]
    assert len(many) == 3
    assert all(0.02 < share < 0.09 for share in many)


def test_studies_are_drawn_as_unequal_as_they_say(pool):
    apart = {draw: [] for draw in DRAWS}
    for number in range(60):
        draw, people = drawn_people(pool, number, seed=1)
        assert sorted(people["group"].value_counts()) == [N_PER_GROUP, N_PER_GROUP]
        assert people["participant"].is_unique
        in_b = people["group"] == "widespread"
        apart[draw].append(
            [people[in_b][column].mean() - people[~in_b][column].mean() for column in UNEQUAL_IN.values()]
        )
    for place, name in enumerate(UNEQUAL_IN):
        mean = {draw: np.mean(values, axis=0)[place] for draw, values in apart.items()}
        assert mean[f"unequal in {name}"] > 0.7
        assert all(abs(value) < 0.4 for draw, value in mean.items() if draw != f"unequal in {name}")
    assert len(apart[DRAWS[0]]) == 30


def test_who_is_drawn_by_lot_follows_nothing(pool):
    chosen = np.zeros(len(pool))
    for number in range(0, 400, 2):
        chosen[drawn_people(pool, number, seed=1)[1].index] += 1
    assert all(spearmanr(chosen, pool[column]).pvalue > 0.01 for column in UNEQUAL_IN.values())
