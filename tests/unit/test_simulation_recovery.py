"""Scores of recovery against slow, obvious versions of themselves, and against truths that leave no choice."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def pool_of(n, *, differ=True):
    return Pool(np.repeat(["x", "y"], n), differ=differ)


def test_studies_hold_different_people_of_the_right_groups():
    for people, second in pool_of(9).studies(6, 20, seed=1):
        assert len(set(people)) == 12
        assert (people >= 9).tolist() == second.tolist()
    mixed = [people[:6] for people, _ in pool_of(9, differ=False).studies(6, 20, seed=1)]
    assert {int(person) for first in mixed for person in first} == set(range(18))


def test_studies_of_one_pool_are_worth_no_more_than_disjoint_ones_and_lots_count_all():
    assert pool_of(60).independent(12, 10**9) == pytest.approx(5)
    assert pool_of(60).independent(12, 5) == pytest.approx(2.5)
    assert pool_of(60, differ=False).independent(12, 200) == 200


def test_the_interval_of_power_covers_the_truth_over_pools():
    """A z test of known power, over many pools: the bound on what shared people are worth keeps its promise."""
    rng = np.random.default_rng(6)
    n, shift, covered = 8, 1.0, 0
    many = rng.standard_normal((20000, 2, n))
    found = many[:, 1].mean(axis=1) + shift - many[:, 0].mean(axis=1)
    power = np.mean(found * np.sqrt(n / 2) > 1.96)
    for number in range(150):
        values = rng.standard_normal(80) + shift * (np.arange(80) >= 40)

        def test(people, second, values=values):
            chosen = values[people]
            return {"found": (chosen[second].mean() - chosen[~second].mean()) * np.sqrt(n / 2) > 1.96}

        hits = group_recovery(pool_of(40), test, n, 60, seed=number)["found"]
        rate = detection_rate(hits.astype(bool), pool_of(40).independent(n, 60))
        covered += rate.low <= power <= rate.high
    assert covered / 150 > 0.95


def test_the_wilson_interval_is_the_one_in_the_book():
    rate = detection_rate([True] * 8 + [False] * 2, 10)
    z, p, n = 1.959964, 0.8, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (rate.low, rate.high) == (pytest.approx(middle - half, abs=1e-6), pytest.approx(middle + half, abs=1e-6))
