"""Probes and fold gates: each catches its canary, a harmless imbalance passes, and chance fails rarely enough."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from painconn.prediction import audit
from painconn.prediction.audit import audit_evaluation
from painconn.prediction.design import Design, make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.fold_audit import fitted_inside_fold, pure_noise
from painconn.prediction.probes import Probe, missing_pattern, probe_features, probe_gates

N = 32
LABELS = np.repeat(["a", "b"], N // 2)


def design_of(labels=LABELS, n_repeats=2, n_outer=5) -> Design:
    people = [f"p{index:02d}" for index in range(len(labels))]
    return make_design(people, labels.tolist(), a="a", b="b", kind="between", n_outer=n_outer, n_repeats=n_repeats)


def noise(seed=0, n=N, p=12) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, p)))


def failed(features, design, *probes) -> list[str]:
    findings = probe_features(features, design, probes, seed=0, n_permutations=299)
    return [record["gate"] for record in probe_gates(findings) if not record["passed"]]


class Selecting:
    """Leak: the columns that tell the labels of all rows apart are chosen before the split."""

    def __init__(self, signs):
        self.signs = signs

    def rows(self, order):
        return Selecting(self.signs[order])

    def __call__(self, values, train):
        return values * (np.abs(self.signs @ values) >= np.sort(np.abs(self.signs @ values))[-5])


class ScaledByAll:
    """Leak: a value of all rows, no label in it."""

    def rows(self, order):
        return self

    def __call__(self, values, train):
        return values - 0.5 * values.mean(axis=0, keepdims=True) * np.abs(values)


class InTraining:
    def rows(self, order):
        return self

    def __call__(self, values, train):
        return values - values[train].mean(axis=0)


# Gates on folds


def test_selection_before_the_split_is_found_by_noise_and_by_overwriting():
    design, features = design_of(), noise(p=200)
    steps = (Selecting(design.signs),)
    leaking = evaluate(features, design, n_permutations=20, steps=steps)
    assert leaking.scores["auc"] > 0.8
    record = pure_noise(leaking, features, seed=0, steps=steps)
    assert not record["passed"]
    assert float(record["found"]) > 0.7
    assert not fitted_inside_fold(leaking, features, seed=0, steps=steps)["passed"]


def test_a_step_that_looks_at_all_rows_is_found_and_one_that_learns_in_training_is_not():
    design, features = design_of(), noise()
    assert not fitted_inside_fold(
        evaluate(features, design, n_permutations=2), features, seed=0, steps=(ScaledByAll(),)
    )["passed"]
    evaluation = evaluate(features, design, n_permutations=2, steps=(InTraining(),))
    record = fitted_inside_fold(evaluation, features, seed=0, steps=(InTraining(),))
    assert record["passed"]
    assert record["found"].startswith("0 of ")
    assert not record["found"].startswith("0 of 0")
    assert pure_noise(evaluation, features, seed=0, steps=(InTraining(),))["passed"]


@pytest.mark.slow
@pytest.mark.parametrize("classifier", ["ridge", "lda", "svm_rbf"])
def test_classifiers_learn_in_their_training_rows_only_whatever_the_order_of_rows(classifier):
    order = np.random.default_rng(3).permutation(N)
    design, features = design_of().rows(order), noise().iloc[order].mask(np.random.default_rng(1).random((N, 12)) < 0.1)
    evaluation = evaluate(features, design, classifier=classifier, n_permutations=1)
    assert fitted_inside_fold(evaluation, features, seed=0)["passed"]


@pytest.mark.slow
def test_gaps_that_follow_the_label_let_noise_be_classified_by_trees():
    design, features = design_of(n_repeats=1, n_outer=3), noise(p=3)
    features.iloc[: N // 2, 0] = np.nan
    evaluation = evaluate(features, design, classifier="boosting", n_permutations=1)
    assert evaluation.scores["auc"] > 0.8
    assert not pure_noise(evaluation, features, seed=0)["passed"]


def test_epochs_as_samples_cannot_be_laid_out_and_relabelled_ones_are_found():
    people, labels = np.repeat([f"p{index}" for index in range(8)], 4), np.repeat(["a", "b"], 16)
    with pytest.raises(Exception, match="one row per participant"):
        make_design(people.tolist(), labels.tolist(), a="a", b="b", kind="between")
    own = np.random.default_rng(0).normal(size=(8, 12))
    features = pd.DataFrame(np.repeat(own, 4, axis=0) + 0.2 * np.random.default_rng(1).normal(size=(32, 12)))
    inflated = evaluate(features, design_of(), n_permutations=50)
    assert inflated.scores["auc"] > 0.95
    assert inflated.scores["permutation"]["p"] < 0.05
    honest = replace(inflated, design=replace(inflated.design, participants=people))
    assert not audit.person_overlap(honest)["passed"]


# Probes


@pytest.mark.parametrize("name", ["site", "age", "epoch count"])
def test_a_label_determined_by_something_else_that_the_features_carry_is_found(name):
    generator = np.random.default_rng(0)
    design = design_of()
    values = {
        "site": np.where(LABELS == "a", "north", "south").astype(object),
        "age": 40.0 + 15 * (LABELS == "b") + generator.normal(0, 3, N),
        "epoch count": np.where(LABELS == "a", 60.0, 30.0),
    }[name]
    size = (values == "south").astype(float) if name == "site" else values / np.std(values)
    carrying = noise() + 1.2 * size[:, None]
    assert failed(carrying, design, Probe(name, pd.Series(values))) == [f"probe_{name.replace(' ', '_')}"]
    # The same imbalance in features that know nothing of it, and the same features with a label that does not follow.
    assert failed(noise(), design, Probe(name, pd.Series(values))) == []
    mixed = design_of(np.tile(["a", "b"], N // 2))
    assert failed(carrying, mixed, Probe(name, pd.Series(values))) == []


def test_epoch_count_is_carried_by_phase_locking_and_not_by_the_debiased_measure():
    """Noise alone: the fewer epochs, the higher the phase locking value; debiased wPLI keeps its mean."""
    generator = np.random.default_rng(0)
    counts = np.where(LABELS == "a", 60, 20)
    locking, debiased = [], []
    for count in counts:
        spectra = generator.normal(size=(15, count)) + 1j * generator.normal(size=(15, count))
        locking.append(np.abs(np.mean(spectra / np.abs(spectra), axis=1)))
        imaginary = spectra.imag
        squares = np.sum(imaginary**2, axis=1)
        debiased.append((imaginary.sum(axis=1) ** 2 - squares) / (np.abs(imaginary).sum(axis=1) ** 2 - squares))
    design, probe = design_of(), Probe("epoch count", pd.Series(counts.astype(float)))
    biased = pd.DataFrame(locking)
    assert evaluate(biased, design, n_permutations=20).scores["auc"] > 0.95
    assert failed(biased, design, probe) == ["probe_epoch_count"]
    fair = pd.DataFrame(debiased)
    assert evaluate(fair, design, n_permutations=20).scores["auc"] < 0.75
    assert failed(fair, design, probe) == []


def test_missing_values_that_follow_the_label_are_found_even_when_their_number_does_not():
    design, alarms, n_tables = design_of(), 0, 40
    for seed in range(n_tables):
        scattered = noise().mask(np.random.default_rng(seed).random((N, 12)) < 0.1)
        alarms += len(failed(scattered, design, missing_pattern(scattered)))
    assert alarms <= binom.ppf(0.99, n_tables, 0.05)
    features = noise()
    features.iloc[: N // 2 - 2, 0] = np.nan
    features.iloc[N // 2 :, 1] = np.nan
    assert failed(features, design, missing_pattern(features)) == ["probe_missing_values"]


def test_gaps_that_cannot_be_probed_are_told_apart_from_what_nobody_recorded():
    people = np.repeat([f"p{index:02d}" for index in range(16)], 2).tolist()
    within = make_design(people, ["a", "b"] * 16, a="a", b="b", kind="within", n_repeats=2)
    unknown = pd.Series(np.nan, index=range(N))
    pairs = pd.Series(np.where(np.arange(N) < 4, np.arange(N), 0.0))
    for design in (design_of(), within):
        emptied = noise().assign(**{"0": np.nan})
        probes = [missing_pattern(noise()), missing_pattern(emptied), Probe("muscle", unknown)]
        found = probe_features(noise(), design, probes, seed=0)
        assert [one["reason"] for one in found] == [
            "no value is missing",
            "the same values are missing for everybody",
            "not recorded",
        ]
    constant = unknown.fillna(1.0)
    asked = [Probe("x", pairs), Probe("y", constant), Probe("z", constant.where(np.arange(N) < 6))]
    few, none, unknown_of_most = probe_features(noise(), within, asked, seed=0)
    assert few["reason"] == "the same in both observations of 14 of 16 people"
    assert unknown_of_most["reason"] == "the same in both observations of 3 of 16 people, and not known of 13"
    assert none["reason"] == "the same in both observations of everybody"


def test_files_numbered_by_group_pass_unless_the_features_drift_along_them():
    design, order = design_of(), Probe("file order", pd.Series(np.arange(N, dtype=float)), by_label=True)
    with_effect = noise() + 1.5 * (LABELS == "b")[:, None]
    assert failed(with_effect, design, order) == []
    drifting = noise() + 0.15 * np.arange(N)[:, None]
    assert failed(drifting, design, order) == ["probe_file_order"]


def test_within_people_a_probe_is_which_observation_has_more():
    people = np.repeat([f"p{index:02d}" for index in range(16)], 2)
    labels = np.tile(["a", "b"], 16)
    design = make_design(people.tolist(), labels.tolist(), a="a", b="b", kind="within", n_repeats=2)
    muscle = pd.Series(np.random.default_rng(0).normal(size=32) + 4 * (labels == "b"))
    carrying = noise() + 0.5 * muscle.to_numpy()[:, None]
    assert failed(carrying, design, Probe("muscle", muscle)) == ["probe_muscle"]
    assert failed(noise(), design, Probe("muscle", muscle)) == []
    (same,) = probe_features(noise(), design, [Probe("age", pd.Series(np.repeat(np.arange(16.0), 2)))], seed=0)
    assert "the same in both" in same["reason"]


def test_more_than_two_sites_are_probed_one_by_one_and_the_limit_is_shared():
    sites = pd.Series(np.tile(["x", "y", "z", "z"], N // 4), dtype=object)
    findings = probe_features(noise(), design_of(), [Probe("site", sites)], seed=0, n_permutations=99)
    assert [found["probe"] for found in findings] == ["site x", "site y", "site z"]
    assert all("both p below 0.017" in record["expected"] for record in probe_gates(findings))


@pytest.mark.slow
def test_probes_fail_by_chance_in_at_most_one_study_in_twenty():
    """The worst case: three probes follow the label closely, and the features are noise."""
    n_cohorts, alarms = 30, 0
    design = design_of(n_repeats=1)
    for seed in range(n_cohorts):
        generator = np.random.default_rng(seed)
        probes = [
            Probe(name, pd.Series(generator.normal(size=N) + 2.0 * (LABELS == "b"))) for name in ("age", "muscle", "x")
        ]
        findings = probe_features(noise(seed + 1000, p=5), design, probes, seed=seed, n_permutations=99)
        alarms += any(not record["passed"] for record in probe_gates(findings))
    assert alarms <= binom.ppf(0.99, n_cohorts, 0.05)


def test_the_audit_of_an_honest_evaluation_with_a_true_effect_passes():
    features = noise() + 0.3 * (LABELS == "b")[:, None]
    evaluation = evaluate(features, design_of(), n_permutations=100)
    records = {one["gate"]: one for one in audit_evaluation(evaluation, features, seed=0)}
    assert records["pure_noise"]["passed"]
    assert records["fitted_inside_fold"]["passed"]
