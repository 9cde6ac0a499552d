"""Leaving sites and pairs out: against scikit-learn, against every labelling by itself, planted effects and none."""

from dataclasses import replace
from itertools import combinations
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, LeavePOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from painconn.prediction import ridge
from painconn.prediction.design import Design, make_design
from painconn.prediction.pairs import is_tiny, leave_pair_out, pair_folds
from painconn.prediction.transfer import leave_site_out

Rows = NDArray[np.intp]
ONE_SITE = "only"


class Recorder:
    """A step that changes nothing and keeps the rows that each fit was given, in the order of people."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def rows(self, order: Rows) -> Self:
        assert (order == np.arange(len(order))).all()
        return self

    def __call__(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        self.seen.append(tuple(np.sort(train).tolist()))
        return values


def between(n_a: int, n_b: int, sites: list[str] | None = None) -> Design:
    people = [f"s{index:02d}" for index in range(n_a + n_b)]
    return make_design(
        people, ["a"] * n_a + ["b"] * n_b, a="a", b="b", kind="between", strata=sites, n_repeats=1, seed=3
    )


def noise(n: int, p: int = 6, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, p)))


def left_out(features: pd.DataFrame, design: Design, *, sites: list[str] | None = None, **more: Any) -> dict[str, Any]:
    options = {"classifier": "ridge", "n_permutations": 99, "seed": 0} | more
    return leave_pair_out(features, design, sites or [ONE_SITE] * len(features), **options)


def transferred(features: pd.DataFrame, design: Design, sites: list[str], **more: Any) -> dict[str, Any]:
    return leave_site_out(features, design, sites, **{"classifier": "ridge", "n_permutations": 99, "seed": 0} | more)


@pytest.fixture
def one_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge, "PENALTIES_PER_FEATURE", np.array([1.0]))


def reference(n_features: int) -> Any:
    return make_pipeline(StandardScaler(), RidgeClassifier(alpha=n_features))


THREE_SITES = ["x", "x", "y", "y", "z", "z"] * 5


@pytest.mark.usefixtures("one_penalty")
def test_sites_are_left_out_as_by_scikit_learn() -> None:
    design, features = between(15, 15, THREE_SITES), noise(30)
    found = transferred(features, design, THREE_SITES)
    values, signs = features.to_numpy(), design.signs
    splits = LeaveOneGroupOut().split(values, signs, THREE_SITES)
    expected = [
        roc_auc_score(signs[test], reference(6).fit(values[train], signs[train]).decision_function(values[test]))
        for train, test in splits
    ]
    assert [site["site"] for site in found["sites"]] == ["x", "y", "z"]
    assert [(site["n_a"], site["n_b"]) for site in found["sites"]] == [(6, 4), (5, 5), (4, 6)]
    np.testing.assert_allclose([site["auc"] for site in found["sites"]], expected)
    assert found["auc"] == pytest.approx(np.mean(expected))


def test_nobody_of_the_site_is_learned_or_tuned_on() -> None:
    recorder = Recorder()
    transferred(noise(30), between(15, 15, THREE_SITES), THREE_SITES, steps=[recorder], n_permutations=5)
    seen = set(recorder.seen)
    outer = {tuple(index for index, own in enumerate(THREE_SITES) if own != site) for site in sorted(set(THREE_SITES))}
    assert outer < seen
    assert all(any(set(rows) <= set(train) for train in outer) for rows in seen)


def test_a_site_with_one_label_is_named_and_still_learned_from() -> None:
    sites = [*["x", "y"] * 6, *["z"] * 4, *["x", "y"] * 6]
    recorder = Recorder()
    found = transferred(noise(28), between(16, 12, sites), sites, steps=[recorder], n_permutations=5)
    assert found["not_testable"] == [{"site": "z", "n_a": 4, "n_b": 0, "reason": "one label only"}]
    assert [site["site"] for site in found["sites"]] == ["x", "y"]
    assert all(len(set(rows) & set(range(12, 16))) == 4 for rows in recorder.seen if len(rows) == 16)


def test_one_site_that_can_be_tested_is_none() -> None:
    sites = ["x"] * 10 + ["y"] * 4 + ["x"] * 10
    found = transferred(noise(24), between(14, 10, sites), sites)
    assert found["auc"] is None
    assert found["sites"] == []
    assert "2 are needed" in found["reason"]


def test_an_effect_that_travels_is_found_and_one_of_a_site_is_not() -> None:
    sites = ["x", "y"] * 20
    design, features = between(20, 20, sites), noise(40, 20, seed=1)
    shared = features + 1.2 * design.signs[:, None] * (np.arange(20) < 4)
    assert transferred(shared, design, sites)["permutation"]["p"] <= 0.02
    turned = np.where(np.array(sites) == "x", 1.0, -1.0)
    opposite = features + 1.2 * (turned * design.signs)[:, None] * (np.arange(20) < 4)
    assert transferred(opposite, design, sites)["auc"] < 0.3


def test_every_labelling_of_sites_gets_the_auc_it_would_get_as_the_truth() -> None:
    sites = ["x", "y"] * 6
    design, features = between(6, 6, sites), noise(12)
    found = transferred(features, design, sites, n_permutations=1000)
    assert found["permutation"]["exact"]
    blocks = [np.flatnonzero(design.blocks == block) for block in np.unique(design.blocks)]
    aucs = []
    for turned in range(2 ** len(blocks)):
        labels = design.labels.copy()
        for place, rows in enumerate(blocks):
            if turned >> place & 1:
                labels[rows] = labels[rows][::-1]
        aucs.append(transferred(features, replace(design, labels=labels), sites, n_permutations=1)["auc"])
    assert found["permutation"]["null_mean"] == pytest.approx(np.mean(aucs))
    assert found["permutation"]["null_sd"] == pytest.approx(np.std(aucs))


@pytest.mark.usefixtures("one_penalty")
def test_pairs_are_left_out_as_by_scikit_learn() -> None:
    design, features = between(6, 4), noise(10)
    values, signs = features.to_numpy(), design.signs
    right = []
    for train, test in LeavePOut(2).split(values):
        if len(set(signs[test])) == 2:
            scores = reference(6).fit(values[train], signs[train]).decision_function(values[test])
            right.append(roc_auc_score(signs[test], scores))
    found = left_out(features, design)
    assert found["n_pairs"] == len(right) == 24
    assert found["auc"] == pytest.approx(np.mean(right))


def test_both_of_a_pair_stay_out_of_learning_and_tuning() -> None:
    for design in (between(4, 7), within(5)):
        n = len(design.labels)
        for fold in pair_folds(design, seed=1):
            assert len(fold.test) == 2
            assert sorted([*fold.train, *fold.test]) == list(range(n))
            assert len(fold.inner) >= 2
            np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in fold.inner])), fold.train)
            for train, test in fold.inner:
                assert not set(train) & set(test)
                assert set(train) | set(test) == set(fold.train)
                assert not set(design.participants[train]) & set(design.participants[[*test, *fold.test]])
    assert len(pair_folds(between(4, 7), seed=1)) == 55
    assert len(pair_folds(within(5), seed=1)) == 5


def within(n: int) -> Design:
    names = [f"p{index}" for index in range(n)]
    return make_design(names * 2, ["rest"] * n + ["task"] * n, a="rest", b="task", kind="within", n_repeats=1)


@pytest.mark.parametrize(("n_a", "n_b"), [(3, 3), (3, 4)])
def test_every_labelling_of_pairs_gets_the_auc_it_would_get_as_the_truth(n_a: int, n_b: int) -> None:
    design, features = between(n_a, n_b), noise(n_a + n_b)
    found = left_out(features, design, n_permutations=1000)
    assert found["permutation"]["exact"]
    assert found["permutation"]["null_mean"] == pytest.approx(0.5)
    aucs = []
    for positives in combinations(range(n_a + n_b), n_b):
        labels = np.where(np.isin(np.arange(n_a + n_b), positives), "b", "a")
        aucs.append(left_out(features, replace(design, labels=labels), n_permutations=1)["auc"])
    assert found["permutation"]["n_permutations"] == len(aucs)
    assert found["permutation"]["null_sd"] == pytest.approx(np.std(aucs))
    assert found["permutation"]["p"] == pytest.approx(np.mean(np.array(aucs) >= found["auc"] - 1e-10))


def test_labels_stay_in_their_site() -> None:
    sites = ["x"] * 4 + ["y"] * 4
    design = make_design(
        [f"s{index}" for index in range(8)], list("aabbabbb"), a="a", b="b", kind="between", strata=sites, n_repeats=1
    )
    assert left_out(noise(8), design, sites=sites)["permutation"]["n_distinct"] == 6 * 4


def test_a_planted_effect_is_found_between_and_within_people() -> None:
    design = between(7, 7)
    features = noise(14, 10) + 1.5 * design.signs[:, None] * (np.arange(10) < 4)
    found = left_out(features, design, n_permutations=199)
    assert found["auc"] > 0.85
    assert found["permutation"]["p"] <= 0.02
    person = np.vstack([noise(8, 10, seed=5) * 3] * 2)
    paired = within(8)
    found = left_out(noise(16, 10) * 0.5 + person + 0.9 * (paired.signs[:, None] > 0), paired, n_permutations=300)
    assert found["n_pairs"] == 8
    assert found["auc"] == 1.0
    assert found["permutation"]["p"] <= 0.05


def test_rows_in_another_order_give_the_same_pairs_and_sites() -> None:
    order = np.random.default_rng(0).permutation(12)
    sites = ["x", "y"] * 6
    design, features = between(6, 6, sites), noise(12)
    moved = [sites[place] for place in order]
    assert left_out(features, design) == left_out(features.iloc[order], design.rows(order))
    other = transferred(features.iloc[order], design.rows(order), moved)
    assert transferred(features, design, sites) == other


def test_only_tiny_samples_are_taken_apart_by_themselves() -> None:
    assert is_tiny(between(10, 30))
    assert not is_tiny(between(11, 11))
    assert not is_tiny(between(10, 31))


@pytest.mark.slow
@pytest.mark.parametrize(("n_a", "n_b"), [(5, 5), (4, 8)])
def test_pairs_of_people_without_an_effect_give_five_percent(n_a: int, n_b: int) -> None:
    generator = np.random.default_rng(8)
    design, n_cohorts = between(n_a, n_b), 240
    p, aucs = [], []
    for number in range(n_cohorts):
        features = pd.DataFrame(generator.normal(size=(n_a + n_b, 8)) + generator.normal(size=(n_a + n_b, 1)))
        found = left_out(features, design, n_permutations=99, seed=number)
        p.append(found["permutation"]["p"])
        aucs.append(found["auc"])
    for level in (0.05, 0.2, 0.5):
        count = int(np.sum(np.array(p) <= level))
        assert binom.ppf(0.002, n_cohorts, level) <= count <= binom.isf(0.002, n_cohorts, level)
    assert abs(np.mean(aucs) - 0.5) < 4 * np.std(aucs) / np.sqrt(n_cohorts)
