"""Scores of people are predicted honestly: chance is chance, a real effect is found, a leak is seen."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, spearmanr
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from painconn.config.targets import Target
from painconn.errors import DesignError
from painconn.prediction import ridge
from painconn.prediction.fold_audit import fitted_inside_fold
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.number_audit import audit_numbers
from painconn.prediction.number_design import make_number_design, permuted_scores
from painconn.prediction.number_evaluation import evaluate_numbers, reached_by
from painconn.prediction.number_intervals import measured_coverage, number_coverage

N_PEOPLE = 40


def names(n):
    return [f"p{index:03d}" for index in range(n)]


def cohort(seed, *, n=N_PEOPLE, signal=1.0, n_features=12):
    generator = np.random.default_rng(seed)
    features = pd.DataFrame(generator.normal(size=(n, n_features))).add_prefix("f")
    score = 5 + 2 * (signal * features["f0"] + 0.6 * generator.normal(size=n))
    return features, score.to_numpy()


def design_of(score, **options):
    given = {"score": "pain", "n_repeats": 2, "seed": 3} | options
    return make_number_design(names(len(score)), list(score), **given)


@pytest.fixture(scope="module")
def evaluated():
    features, score = cohort(1)
    return features, evaluate_numbers(features, design_of(score), n_permutations=199, seed=4)


def test_every_number_follows_from_the_saved_predictions(evaluated):
    _, evaluation = evaluated
    table, values = evaluation.predictions.set_index(["repeat", "participant"]), evaluation.design.values
    r2, r, rank_r = [], [], []
    for repeat in (0, 1):
        errors, spreads, deviations = 0.0, 0.0, []
        for fold in evaluation.splits:
            if fold.repeat != repeat:
                continue
            predicted = np.array([table.loc[(repeat, names(N_PEOPLE)[row]), "predicted"] for row in fold.test])
            errors += np.sum((values[fold.test] - predicted) ** 2)
            spreads += np.sum((values[fold.test] - np.mean(values[fold.train])) ** 2)
            deviations.append([values[fold.test] - values[fold.test].mean(), predicted - predicted.mean()])
            rank_r.append(spearmanr(values[fold.test], predicted).statistic)
        r2.append(1 - errors / spreads)
        r.append(np.corrcoef(np.concatenate(deviations, axis=1))[0, 1])
    assert evaluation.scores["r2"] == pytest.approx(np.mean(r2))
    assert evaluation.scores["within_fold_r"] == pytest.approx(np.mean(r))
    # Folds of one size without ties: the pooled rank correlation is the mean of those of the folds.
    assert evaluation.scores["within_fold_rank_r"] == pytest.approx(np.mean(rank_r))
    error = table["score"] - table["predicted"]
    assert evaluation.scores["mae"] == pytest.approx(error.abs().mean())
    assert evaluation.scores["rmse"] == pytest.approx(np.sqrt((error**2).mean()))


def test_predictions_are_those_of_scikit_learn_on_the_same_folds(evaluated):
    features, evaluation = evaluated
    penalties = len(features.columns) * np.logspace(-3, 3, 7)
    values, table = features.to_numpy(), evaluation.predictions.set_index(["repeat", "participant"])["predicted"]

    def predict(train, test, penalty):
        model = make_pipeline(StandardScaler(), Ridge(alpha=penalty))
        return model.fit(values[train], evaluation.design.values[train]).predict(values[test])

    for fold in evaluation.splits[:5]:
        errors = [
            np.mean([np.mean((predict(*pair, one) - evaluation.design.values[pair[1]]) ** 2) for pair in fold.inner])
            for one in penalties
        ]
        ours = [table[fold.repeat, names(N_PEOPLE)[row]] for row in fold.test]
        np.testing.assert_allclose(predict(fold.train, fold.test, penalties[np.argmin(errors)]), ours, atol=1e-8)


def test_an_effect_is_found_and_noise_is_not(evaluated):
    _, evaluation = evaluated
    scores = evaluation.scores
    assert scores["permutation"]["p"] == pytest.approx(1 / 200)
    assert scores["r2_ci"][0] < scores["r2"] < scores["r2_ci"][1] < 1
    assert scores["rmse"] < scores["rmse_no_skill"]
    assert scores["baselines"]["mean"]["r2"] == pytest.approx(0, abs=1e-12)
    assert [point["n_train_participants"] for point in scores["learning_curve"]] == [16, 24, 32]
    assert scores["learning_curve"][-1]["r2"] == pytest.approx(np.mean([np.mean(scores["fold_r2"])]), abs=0.2)
    json.dumps(scores, allow_nan=False)
    features, score = cohort(2, signal=0.0)
    assert evaluate_numbers(features, design_of(score), n_permutations=199, seed=4).scores["permutation"]["p"] > 0.05


def test_the_order_of_rows_says_nothing(evaluated):
    features, evaluation = evaluated
    order = np.random.default_rng(7).permutation(N_PEOPLE)
    people = [names(N_PEOPLE)[row] for row in order]
    design = make_number_design(people, evaluation.design.values[order].tolist(), score="pain", n_repeats=2, seed=3)
    again = evaluate_numbers(features.iloc[order].reset_index(drop=True), design, n_permutations=199, seed=4)
    assert again.scores == evaluation.scores
    pd.testing.assert_frame_equal(again.predictions, evaluation.predictions)
    np.testing.assert_array_equal(again.labellings, evaluation.labellings[order])


def test_folds_are_blind_to_scores_and_scores_stay_in_their_stratum():
    score = np.random.default_rng(1).exponential(size=31)
    sites = ["a"] * 20 + ["b"] * 11
    design = design_of(score, strata=sites)
    np.testing.assert_array_equal(design.folds, design_of(score[::-1].copy(), strata=sites).folds)
    for fold in range(design.n_outer):
        assert np.sum((design.folds[0] == fold) & (design.strata == "a")) == 4
    shuffled = permuted_scores(design, n_permutations=50, seed=1)
    for site in "ab":
        own = design.strata == site
        assert (np.sort(shuffled[own], axis=0) == np.sort(score[own])[:, None]).all()
    assert len(np.unique(shuffled, axis=1).T) == 50


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["skewed", "sites", "ties"])
def test_false_alarms_are_rare(kind):
    n_cohorts, n_permutations = 200, 39
    alarms = 0
    for number in range(n_cohorts):
        generator = np.random.default_rng([number, len(kind)])
        features = generator.normal(size=(20, 6)) + 0.8 * generator.normal(size=(20, 1))
        score = generator.exponential(size=20) ** 2
        sites = np.repeat(["a", "b"], 10) if kind == "sites" else np.full(20, "a")
        if kind == "sites":
            # Features and score differ between sites, and inside a site have nothing to do with each other.
            features[sites == "b"] += 1.0
            score[sites == "b"] += 2.0
        elif kind == "ties":
            score = np.maximum(np.round(score), 1.0)
            score[0] += 1.0
        design = design_of(score, strata=sites.tolist(), n_repeats=1, seed=number)
        values = np.column_stack([score, permuted_scores(design, n_permutations=n_permutations, seed=number)])
        r2 = reached_by("ridge_regression", FeatureTable(features, np.ones(6)), values, outer_folds(design)).r2
        alarms += (1 + np.sum(r2[1:] >= r2[0] - 1e-10)) / (n_permutations + 1) <= 0.05
    low, high = binom.interval(0.99, n_cohorts, 0.05)
    assert low <= alarms <= high


@pytest.mark.slow
def test_what_chance_gives():
    """Only what is recovered has mean 0: correlations pooled over folds and R2 lie below it."""
    pooled, recovered, r2 = [], [], []
    for number in range(100):
        features, score = cohort(number, n=20, signal=0.0, n_features=6)
        design = design_of(score, n_repeats=1, seed=number)
        evaluation = evaluate_numbers(features, design, n_permutations=2, seed=number)
        predicted = evaluation.predictions["predicted"]
        pooled.append(np.corrcoef(evaluation.predictions["score"], predicted)[0, 1])
        recovered.append(evaluation.scores["recovered"])
        r2.append(evaluation.scores["r2"])
    error = np.std(recovered) / np.sqrt(100)
    assert abs(np.mean(recovered)) < 3 * error
    assert np.mean(pooled) < -0.1
    assert np.mean(r2) < -0.02


def test_confounds_and_increment():
    features, score = cohort(3, signal=0.0)
    age = pd.DataFrame({"age": score + np.random.default_rng(2).normal(size=N_PEOPLE), "sex": ["f", "m"] * 20})
    found = evaluate_numbers(features, design_of(score), n_permutations=99, seed=1, confounds=age).scores
    assert found["baselines"]["confounds"]["r2"] > 0.4
    assert found["increment"]["increment_ci"][0] < 0 < found["increment"]["increment_ci"][1]
    assert found["increment"]["increment"] == pytest.approx(
        found["increment"]["r2_features_and_confounds"] - found["increment"]["r2_confounds"]
    )
    useful, truth = cohort(4, signal=1.5)
    ratings = pd.DataFrame({"rating": np.random.default_rng(5).normal(size=N_PEOPLE)})
    given = {"n_permutations": 99, "seed": 1, "baselines": {"ratings": ratings}}
    added = evaluate_numbers(useful, design_of(truth), **given).scores["increment_over"]["ratings"]
    assert added["increment_ci"][0] > 0


class _PeekingAxes:
    """A step that turns the columns to the axes of all rows, those that are tested among them."""

    def rows(self, order):
        return self

    def __call__(self, values, train):
        _, sizes, axes = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
        return values @ axes.T * np.sign(axes.sum(axis=1)) / sizes


def failed_gates(features, score, *, n_permutations=199, steps=(), **options):
    evaluation = evaluate_numbers(
        features, design_of(score, **options), n_permutations=n_permutations, seed=4, steps=steps
    )
    prints = {name: np.random.default_rng(index).normal(size=30) for index, name in enumerate(names(len(score)))}
    owners = {name: name for name in prints}
    gates = audit_numbers(evaluation, features, seed=4, fingerprints=prints, owners=owners, steps=steps)
    assert all(gate["evaluated"] for gate in gates)
    return {gate["gate"] for gate in gates if not gate["passed"]}


@pytest.mark.slow
def test_the_audit_passes_an_honest_evaluation_and_sees_leaks():
    features, score = cohort(1)
    assert failed_gates(features, score) == set()
    assert failed_gates(features.assign(f0=score), score) == {"result_too_good"}
    assert failed_gates(features, score, steps=(_PeekingAxes(),)) == {"fitted_inside_fold"}
    sites = np.where(score > np.median(score), "high", "low")
    of_sites = features.assign(f1=(sites == "high") + 0.1 * features["f1"])
    assert failed_gates(of_sites, score, strata=sites.tolist()) == {"shuffled_scores"}


@pytest.mark.slow
@pytest.mark.parametrize("regression", ["ridge_regression", "lasso_regression"])
def test_the_unit_of_the_score_says_nothing(regression):
    features, score = cohort(1)

    def found(unit):
        design = design_of(score * unit, n_repeats=1)
        return evaluate_numbers(features, design, classifier=regression, n_permutations=2, seed=4).scores

    once = found(1.0)
    for unit in (1e-8, 1e6):
        again = found(unit)
        assert again["r2"] == pytest.approx(once["r2"])
        assert again["chosen_settings"] == once["chosen_settings"]


def test_scores_that_are_tested_are_not_learned_from_in_any_unit(monkeypatch):
    features, score = cohort(1, signal=0.0)
    honest = ridge.predict_numbers

    def peeking(table, values, folds):
        for scored in honest(table, values, folds):
            yield replace(scored, test=(scored.test + values[scored.fold.test]) / 2)

    monkeypatch.setattr(ridge, "predict_numbers", peeking)
    for unit in (1e-9, 1.0):
        evaluation = evaluate_numbers(features, design_of(score * unit, n_repeats=1), n_permutations=2, seed=4)
        assert not fitted_inside_fold(evaluation, features, seed=4)["passed"]


def test_a_person_far_from_all_others_leaves_every_number_finite():
    features, score = cohort(1)
    features.iloc[3, 0] = 1e5
    found = evaluate_numbers(features, design_of(score, n_repeats=1), n_permutations=19, seed=4).scores
    json.dumps(found, allow_nan=False)
    assert found["r2_ci"][0] < found["r2"] < found["r2_ci"][1] <= 1


def test_a_person_on_both_sides_is_seen(evaluated):
    features, evaluation = evaluated
    first = evaluation.splits[0]
    crossed = replace(first, train=np.append(first.train, first.test[0]))
    leaking = replace(evaluation, splits=(crossed, *evaluation.splits[1:]))
    failed = {gate["gate"] for gate in audit_numbers(leaking, features, seed=4) if not gate["passed"]}
    assert "person_overlap" in failed


def test_a_perfect_prediction_has_an_interval():
    features, score = cohort(6)
    found = evaluate_numbers(features.assign(f0=score)[["f0"]], design_of(score), n_permutations=99, seed=1).scores
    low, high = found["r2_ci"]
    assert 0.9 < low <= found["r2"] <= high <= 1


def test_the_coverage_of_the_interval_is_measured_and_told():
    cells = measured_coverage()["cells"]
    assert {cell["quantity"] for cell in cells} == {"r2", "increment"}
    for cell in cells:
        note = number_coverage(cell["quantity"], cell["truth"], n=cell["n"])
        assert f"{100 * cell['coverage']:.1f} %" in note["interval_coverage_note"]
        assert ("interval_warning" in note) == (cell["coverage"] < 0.92)


@pytest.mark.parametrize(
    ("people", "score", "message"),
    [
        (["a", "a", *names(6)], [1.0] * 4 + [2.0] * 4, "one row per participant"),
        (names(8), [1.0, np.nan, *range(6)], "no number for p001"),
        (names(8), [2.0] * 8, "the same for everybody"),
        (names(5), [1.0, 2, 3, 4, 5], "5 people"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(people, score, message):
    with pytest.raises(DesignError, match=message):
        make_number_design(people, score, score="pain")


def test_an_association_takes_a_regression():
    contrast = {"kind": "association", "column": "pain", "observation": {"condition": "rest"}}
    assert Target(contrast=contrast).classifier == "ridge_regression"
    assert Target(contrast=contrast, classifier="mean").classifier == "mean"
    again = Target.model_validate(Target(contrast=contrast).model_dump())
    assert again.classifier == "ridge_regression"
    with pytest.raises(ValueError, match="classifier ridge tells two sides apart"):
        Target(contrast=contrast, classifier="ridge")
    with pytest.raises(ValueError, match="is not linear"):
        Target(contrast=contrast, classifier="boosting_regression", confound_regression="features")
