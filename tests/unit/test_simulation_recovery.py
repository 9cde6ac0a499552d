"""Scores of recovery against slow, obvious versions of themselves, and against truths that leave no choice."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from painconn.simulation.planning import fit_curves
from painconn.simulation.recovery import (
    Pool,
    auc,
    beside_pairs,
    detection_rate,
    edge_recovery,
    group_recovery,
    over_people,
    planted_pairs,
    planted_ranks,
    power_of,
)
from painconn.simulation.specification import Coupling, Spread

REGIONS = tuple("abcdef")
PAIRS = list(combinations(REGIONS, 2))


def coupling(leaders, followers):
    return Coupling("c", "alpha", tuple(leaders), tuple(followers), Spread(0.5, 0.0, 0.5, 0.5))


def marked(mask):
    return {pair for pair, inside in zip(PAIRS, mask, strict=True) if inside}


def test_every_leader_is_planted_with_every_follower():
    planted = planted_pairs(REGIONS, [coupling("ea", "bc")])
    assert marked(planted) == {("a", "b"), ("a", "c"), ("b", "e"), ("c", "e")}


def test_pairs_beside_are_those_that_leakage_joins_to_both_ends():
    leakage = np.eye(6)
    leakage[0, 3] = leakage[3, 0] = 0.6  # d is not told apart from a
    leakage[1, 4] = leakage[4, 1] = 0.4  # e is told apart from b
    beside = beside_pairs(REGIONS, [coupling("a", "b")], leakage)
    assert marked(beside) == {("b", "d")}
    assert marked(beside_pairs(REGIONS, [coupling("a", "b")], leakage, limit=0.3)) == {
        ("b", "d"), ("a", "e"), ("d", "e"),
    }  # fmt: skip


def test_pairs_of_leaders_and_of_followers_are_neither_right_nor_wrong():
    beside = beside_pairs(REGIONS, [coupling("ab", "cd")], np.eye(6))
    assert marked(beside) == {("a", "b"), ("c", "d")}


@settings(deadline=None, max_examples=50, derandomize=True)
@given(values=st.lists(st.integers(0, 4), min_size=15, max_size=15), planted=st.sets(st.integers(0, 14), min_size=1))
def test_auc_and_ranks_are_what_counting_pairs_gives(values, planted):
    mask = np.isin(np.arange(15), sorted(planted))
    if mask.all():
        return
    edges = np.array([values], float)
    won = [
        (values[one] > values[two]) + 0.5 * (values[one] == values[two])
        for one in np.flatnonzero(mask)
        for two in np.flatnonzero(~mask)
    ]
    assert auc(edges, mask, ~mask)[0] == pytest.approx(np.mean(won))
    ranks = [
        1 + sum(other > values[one] for other in values) + (sum(other == values[one] for other in values) - 1) / 2
        for one in np.flatnonzero(mask)
    ]
    assert planted_ranks(edges, mask)[0].tolist() == ranks


def test_scores_are_what_loops_over_people_and_pairs_give():
    rng = np.random.default_rng(3)
    planted = np.isin(np.arange(15), [2, 7])
    beside = np.isin(np.arange(15), [3])
    null = rng.random((8, 15))
    null[6] = np.nan
    edges = rng.random((8, 15)) + 0.8 * planted + 0.3 * beside
    edges[5] = np.nan
    cortex = rng.random((8, 2)) + 1
    found = edge_recovery(edges, null, cortex, planted, beside, level=0.1)
    people = [person for person in range(8) if person not in (5, 6)]
    ordered = sorted(null[people].ravel())
    # A tenth of 90 null edges lies above: the quantile is between the 9th and 10th largest.
    assert ordered[-10] <= found.threshold <= ordered[-9]
    true = [edges[person, pair] > found.threshold for person in people for pair in (2, 7)]
    false = [edges[p, k] > found.threshold for p in people for k in range(15) if k not in (2, 3, 7)]
    strict = [edges[p, k] > found.threshold for p in people for k in range(15) if k not in (2, 7)]
    assert found.sensitivity.value == pytest.approx(np.mean(true))
    assert found.false_rate.value == pytest.approx(np.mean(false))
    assert found.strict_false_rate == pytest.approx(np.mean(strict))
    assert found.beside_rate == pytest.approx(np.mean([edges[person, 3] > found.threshold for person in people]))
    spread = np.sqrt(np.mean([np.var([null[person, pair] for person in people], ddof=1) for pair in (2, 7)]))
    response = [(edges[person, pair] - null[person, pair]) / spread for person in people for pair in (2, 7)]
    assert found.response.value == pytest.approx(np.mean(response))
    bias = [edges[person, pair] - cortex[person, place] for person in people for place, pair in enumerate((2, 7))]
    assert found.bias.value == pytest.approx(np.mean(bias))
    assert (found.n_people, found.n_planted, found.n_beside, found.n_other) == (6, 2, 1, 12)


def test_nothing_planted_is_found_at_the_level_and_a_perfect_method_finds_all():
    rng = np.random.default_rng(4)
    planted = np.arange(500) < 250
    null, edges = rng.standard_normal((2, 40, 500))
    nothing = edge_recovery(edges, null, np.zeros((40, 250)), planted, ~planted & False)
    assert nothing.false_rate.value == pytest.approx(0.05, abs=0.01)
    assert nothing.sensitivity.value == pytest.approx(0.05, abs=0.01)
    assert nothing.auc.value == pytest.approx(0.5, abs=0.02)
    perfect = edge_recovery(edges + 20 * planted, null, edges[:, :250] + 20, planted, ~planted & False)
    assert (perfect.sensitivity.value, perfect.auc.value, perfect.bias.value) == (1.0, 1.0, 0.0)
    assert perfect.rank[2] <= 250
    assert perfect.response.value == pytest.approx(20, rel=0.1)
    assert abs(perfect.response_other) < 0.1


def test_scores_without_anybody_are_refused():
    planted = np.arange(15) < 1
    with pytest.raises(ValueError, match="0 people"):
        edge_recovery(np.full((3, 15), np.nan), np.ones((3, 15)), np.ones((3, 1)), planted, ~planted & False)


def test_the_interval_over_people_covers_the_truth():
    rng = np.random.default_rng(5)
    intervals = [over_people(rng.standard_normal(30)) for _ in range(300)]
    covered = np.mean([one.low < 0 < one.high for one in intervals])
    assert 0.88 < covered < 0.98  # percentile intervals of 30 people are a little short of 95 %


def test_studies_hold_people_of_the_right_groups_and_lots_take_from_all():
    for people, second in Pool(np.arange(9), np.arange(9, 18)).studies(6, 20, seed=1):
        assert len(people) == 12
        assert (people >= 9).tolist() == second.tolist()
    lots = Pool(np.arange(9), np.arange(9))
    drawn = [(people[~second], people[second]) for people, second in lots.studies(6, 20, seed=1)]
    assert all(set(np.concatenate(side)) == set(range(9)) for side in zip(*drawn, strict=True))
    # Larger than the pool: the pool stands for a population.
    assert len(next(lots.studies(50, 1, seed=1))[0]) == 100


@pytest.mark.slow
def test_the_interval_of_power_covers_the_truth_over_pools_and_is_narrow_enough_to_read():
    """A z test of known power, over many pools of forty people who are measured as one of either group."""
    rng = np.random.default_rng(6)
    sizes, shift, n_pools = (8, 16), 1.0, 150
    many = rng.standard_normal((20000, 2, 8))
    found = many[:, 1].mean(axis=1) + shift - many[:, 0].mean(axis=1)
    power = np.mean(np.abs(found) * np.sqrt(8 / 2) > 1.96)
    pool, covered, widths = Pool(np.arange(40), np.arange(40, 80)), 0, []
    for number in range(n_pools):
        people = rng.standard_normal(40)
        values = np.concatenate([people, people + shift])

        def test(people, second, values=values):
            chosen = values[people]
            difference = chosen[second].mean() - chosen[~second].mean()
            return {"found": abs(difference) * np.sqrt(len(people) / 4) > 1.96}

        hits = [[group_recovery(pool, test, n, 60, seed=number)["found"].sum() for n in sizes]]
        (curve,) = fit_curves(
            [pool.effect(values)], np.array(sizes) / 2, np.array(hits), np.full((1, 2), 60),
            family_size=1, alpha=0.05, rng=rng,
        )  # fmt: skip
        rate = power_of(curve, 8)
        covered += rate.low <= power <= rate.high
        widths.append(rate.high - rate.low)
    assert binomtest(covered, n_pools).proportion_ci(0.999).high > 0.95
    assert covered / n_pools > 0.88
    assert np.mean(widths) < 0.5


def test_the_wilson_interval_is_the_one_in_the_book():
    rate = detection_rate([True] * 8 + [False] * 2)
    z, p, n = 1.959964, 0.8, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (rate.low, rate.high) == (pytest.approx(middle - half, abs=1e-6), pytest.approx(middle + half, abs=1e-6))
