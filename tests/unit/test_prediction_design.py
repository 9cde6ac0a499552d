"""Blocks, folds and permuted labels: what every later number rests on."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from painconn.errors import DesignError
from painconn.prediction.design import Design, make_design
from painconn.prediction.folds import learning_folds, outer_folds
from painconn.prediction.labellings import permuted_labellings


def between(n_a: int, n_b: int, *, strata: list[str] | None = None, **options: int) -> Design:
    people = [f"sub-{index:03d}" for index in range(n_a + n_b)]
    return make_design(people, ["a"] * n_a + ["b"] * n_b, a="a", b="b", kind="between", strata=strata, **options)


def within(n: int, **options: int) -> Design:
    people = [f"sub-{index:03d}" for index in range(n)] * 2
    return make_design(people, ["a"] * n + ["b"] * n, a="a", b="b", kind="within", **options)


def assert_permutable(design: Design) -> None:
    drawn = permuted_labellings(design, n_permutations=50, seed=3).signs
    for repeat in range(design.n_repeats):
        for fold in range(design.n_outer):
            rows = design.folds[repeat] == fold
            assert len(set(design.labels[rows])) == 2
            np.testing.assert_array_equal(drawn[rows].sum(axis=0), design.signs[rows].sum())
        for block in np.unique(design.blocks):
            assert len(set(design.folds[repeat, design.blocks == block])) == 1


@given(n_a=st.integers(3, 25), n_b=st.integers(3, 25), n_outer=st.integers(3, 7), seed=st.integers(0, 2**40))
@settings(max_examples=40, deadline=None)
def test_between_permutations_keep_every_fold_of_every_repeat(n_a: int, n_b: int, n_outer: int, seed: int) -> None:
    design = between(n_a, n_b, n_outer=n_outer, n_repeats=3, seed=seed)
    assert design.n_outer == min(n_outer, n_a, n_b)
    assert_permutable(design)
    sizes = np.bincount(design.blocks)
    assert sizes.max() - sizes.min() <= 1


@given(n=st.integers(3, 30), seed=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_within_permutations_swap_conditions_inside_a_person(n: int, seed: int) -> None:
    design = within(n, n_repeats=2, seed=seed)
    assert_permutable(design)
    drawn = permuted_labellings(design, n_permutations=20, seed=seed).signs
    np.testing.assert_array_equal(drawn[:n], -drawn[n:])


def test_no_person_on_both_sides_of_any_split() -> None:
    for design in (between(17, 6), within(9)):
        people = design.participants
        splits = outer_folds(design) + learning_folds(design, fraction=0.75, n_repeats=2, seed=1)
        for fold in splits:
            for train, test in ((fold.train, fold.test), *fold.inner):
                assert not set(people[train]) & set(people[test])
            np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in fold.inner])), fold.train)


def test_labels_are_exchanged_inside_a_stratum_only() -> None:
    strata = ["north"] * 5 + ["south"] * 3 + ["north"] * 3 + ["south"] * 3 + ["east"] * 2
    design = between(8, 8, strata=strata, n_repeats=4)
    drawn = permuted_labellings(design, n_permutations=60, seed=0).signs
    groups = np.array(strata)
    for group in ("north", "south", "east"):
        np.testing.assert_array_equal(drawn[groups == group].sum(axis=0), design.signs[groups == group].sum())
        assert not set(design.blocks[groups == group]) & set(design.blocks[groups != group])
    np.testing.assert_array_equal(drawn[groups == "east"], 1.0)
    assert_permutable(design)


def test_rows_in_another_order_give_the_same_blocks_and_folds() -> None:
    people, labels = [f"p{index}" for index in range(23)], ["a"] * 17 + ["b"] * 6
    first = make_design(people, labels, a="a", b="b", kind="between", seed=5)
    order = np.random.default_rng(0).permutation(23)
    other = make_design(
        [people[index] for index in order], [labels[index] for index in order], a="a", b="b", kind="between", seed=5
    )
    np.testing.assert_array_equal(first.folds[:, order], other.folds)
    np.testing.assert_array_equal(first.blocks[order], other.blocks)


def test_seed_and_repeats_change_the_folds() -> None:
    first, other = between(12, 12, seed=1), between(12, 12, seed=2)
    assert not np.array_equal(first.folds, other.folds)
    assert len({row.tobytes() for row in first.folds}) == first.n_repeats


def test_few_labellings_are_all_listed_once() -> None:
    design = between(7, 3, seed=4)
    listed = permuted_labellings(design, n_permutations=1000, seed=0)
    expected = np.prod([comb(int(size), 1) for size in np.bincount(design.blocks)])
    assert listed.exact
    assert listed.n_distinct == expected == listed.signs.shape[1]
    assert len({column.tobytes() for column in listed.signs.T}) == expected
    assert any(np.array_equal(column, design.signs) for column in listed.signs.T)


def test_many_labellings_are_sampled_evenly() -> None:
    drawn = permuted_labellings(within(12), n_permutations=4000, seed=0)
    assert not drawn.exact
    assert drawn.n_distinct == 2**12
    assert np.all(np.abs(drawn.signs.mean(axis=1)) < 5 / np.sqrt(4000))


def test_tiny_designs_are_refused_with_counts() -> None:
    with pytest.raises(DesignError, match=r"a 9, b 2; 2 blocks"):
        between(9, 2)
    with pytest.raises(DesignError, match=r"2 blocks"):
        within(2)
    with pytest.raises(DesignError, match=r"north: a 4, b 0; south: a 0, b 4"):
        between(4, 4, strata=["north"] * 4 + ["south"] * 4)
    with pytest.raises(DesignError, match=r"0 blocks"):
        make_design([], [], a="a", b="b", kind="between")


def test_rows_that_do_not_fit_are_all_named() -> None:
    with pytest.raises(DesignError, match=r"c .*only a and b(.|\n)*x \(2 rows\)"):
        make_design(["x", "x", "y", "z"], ["a", "b", "c", "a"], a="a", b="b", kind="between")
    with pytest.raises(DesignError, match=r"y \(a: 1, b: 0\)"):
        make_design(["x", "x", "y"], ["a", "b", "a"], a="a", b="b", kind="within")
    with pytest.raises(DesignError, match="several strata for x"):
        make_design(["x", "x"], ["a", "b"], a="a", b="b", kind="within", strata=["north", "south"])


def test_learning_folds_keep_test_rows_and_shrink_training() -> None:
    design = between(12, 12)
    full = outer_folds(design)[: 2 * design.n_outer]
    half = learning_folds(design, fraction=0.5, n_repeats=2, seed=0)
    for large, small in zip(full, half, strict=True):
        np.testing.assert_array_equal(large.test, small.test)
        assert set(small.train) < set(large.train)
    whole = learning_folds(design, fraction=1.0, n_repeats=2, seed=0)
    assert all(np.array_equal(one.train, other.train) for one, other in zip(full, whole, strict=True))
    assert learning_folds(between(3, 3, n_outer=3), fraction=0.5, n_repeats=1, seed=0)
