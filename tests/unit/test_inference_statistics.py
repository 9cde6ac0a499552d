"""The model, its permutation p values and effect sizes against independent implementations."""

import itertools

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import integrate, stats

from painconn.errors import DesignError
from painconn.inference import minimum_detectable_effect
from painconn.inference.effects import hedges_correction, jzs_bf01, noncentrality_interval
from painconn.inference.model import fit, linear_model, normal_score, rearranged_statistics
from painconn.inference.permutation import null_scores, permutation_p
from painconn.inference.power import effect_behind, minimum_detectable_correlation, power_of
from painconn.inference.rearrangements import Rearrangements, permutations, sign_flips


def between_model(in_b, nuisance):
    return linear_model(in_b.astype(float), nuisance, np.array([~in_b, in_b], dtype=float), where="b - a")


def intercept_and(rng, n, k):
    return np.column_stack([np.ones(n), rng.normal(size=(n, k))])


@pytest.mark.parametrize(("n_a", "n_b"), [(12, 12), (17, 6), (3, 9)])
def test_without_covariates_it_is_welchs_test(rng, n_a, n_b):
    in_b = np.repeat([False, True], [n_a, n_b])
    values = rng.normal(size=(n_a + n_b, 7)) * np.where(in_b, 3.0, 1.0)[:, None]
    observed = fit(between_model(in_b, np.ones((n_a + n_b, 1))), values)
    welch = stats.ttest_ind(values[in_b], values[~in_b], equal_var=False)
    student = stats.ttest_ind(values[in_b], values[~in_b])
    np.testing.assert_allclose(observed.t, welch.statistic, rtol=1e-10)
    np.testing.assert_allclose(observed.df, welch.df, rtol=1e-10)
    np.testing.assert_allclose(observed.pooled_t, student.statistic, rtol=1e-10)
    np.testing.assert_allclose(observed.estimate, values[in_b].mean(axis=0) - values[~in_b].mean(axis=0), rtol=1e-10)


def test_paired_differences_give_the_one_sample_t(rng):
    values = rng.normal(size=(9, 5)) + 0.4
    observed = fit(linear_model(np.ones(9), np.empty((9, 0)), np.ones((1, 9)), where="b - a"), values)
    np.testing.assert_allclose(observed.t, stats.ttest_1samp(values, 0).statistic, rtol=1e-10)
    np.testing.assert_allclose(observed.df, 8, rtol=1e-10)


def test_covariates_agree_with_ordinary_least_squares(rng):
    in_b = np.repeat([False, True], [11, 8])
    nuisance = intercept_and(rng, 19, 3)
    values = rng.normal(size=(19, 4)) + nuisance @ rng.normal(size=(4, 4))
    observed = fit(between_model(in_b, nuisance), values)
    for test in range(4):
        reference = sm.OLS(values[:, test], np.column_stack([in_b, nuisance])).fit()
        assert observed.estimate[test] == pytest.approx(reference.params[0])
        assert observed.pooled_t[test] == pytest.approx(reference.tvalues[0])
    assert observed.pooled_df == reference.df_resid


@pytest.mark.parametrize("flip", [False, True])
def test_matrix_products_equal_a_slow_freedman_lane_loop(rng, flip):
    n = 14
    in_b = np.repeat([False, True], [9, 5])
    model = between_model(in_b, intercept_and(rng, n, 2))
    values = rng.normal(size=(n, 6))
    residuals = model.residuals(values)
    residuals /= np.sqrt((residuals**2).sum(axis=0))
    if flip:
        arrangements = sign_flips(n, n_permutations=20, seed=1)
        rearranged = [signs[:, None] * residuals for signs in arrangements.signs]
    else:
        arrangements = permutations(np.zeros(n, dtype=int), n_permutations=20, seed=1)
        rearranged = [residuals[np.argsort(rows)] for rows in arrangements.rows]
    t, df = rearranged_statistics(model, residuals, arrangements, slice(5, 12))
    for row, values_star in enumerate(rearranged[5:12]):
        slow = fit(model, values_star)
        np.testing.assert_allclose(t[row], slow.t, rtol=1e-8)
        np.testing.assert_allclose(df[row], slow.df, rtol=1e-8)


def test_complete_relabelling_equals_scipy(rng):
    in_b = np.repeat([False, True], [4, 5])
    values = rng.normal(size=(9, 3)) + in_b[:, None] * [0.0, 1.0, 2.0]

    def score(group_b, group_a, axis):
        result = stats.ttest_ind(group_b, group_a, equal_var=False, axis=axis)
        return normal_score(result.statistic, result.df)

    reference = stats.permutation_test(
        (values[in_b], values[~in_b]), score, n_resamples=np.inf, alternative="greater", axis=0
    )
    arrangements = permutations(np.zeros(9, dtype=int), n_permutations=126, seed=0, labels=in_b)
    assert arrangements.exact
    assert len(arrangements) == 126
    p, _ = permutation_p(between_model(in_b, np.ones((9, 1))), values, arrangements)
    np.testing.assert_allclose(p, reference.pvalue)


def test_complete_sign_flipping_equals_scipy(rng):
    values = rng.normal([0.0, 0.5, 1.5], size=(7, 3))
    reference = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided", axis=0
    )
    model = linear_model(np.ones(7), np.empty((7, 0)), np.ones((1, 7)), where="b - a")
    p, p_fwe = permutation_p(model, values, sign_flips(7, n_permutations=128, seed=0))
    np.testing.assert_allclose(p, reference.pvalue)
    assert (p_fwe >= p).all()


def test_random_sample_counts_the_observed_arrangement(rng):
    in_b = np.repeat([False, True], [10, 10])
    values = rng.normal(size=(20, 2)) + 50 * in_b[:, None]
    arrangements = permutations(np.zeros(20, dtype=int), n_permutations=99, seed=3, labels=in_b)
    assert not arrangements.exact
    p, p_fwe = permutation_p(between_model(in_b, np.ones((20, 1))), values, arrangements)
    np.testing.assert_allclose([p, p_fwe], 1 / 100)


def test_p_of_one_test_alone_is_its_family_wise_p(rng):
    in_b = np.repeat([False, True], [8, 7])
    arrangements = permutations(np.zeros(15, dtype=int), n_permutations=200, seed=5)
    p, p_fwe = permutation_p(between_model(in_b, np.ones((15, 1))), rng.normal(size=(15, 1)), arrangements)
    assert p[0] == p_fwe[0]


def test_permutations_stay_inside_strata():
    strata = np.array([0, 1, 0, 2, 1, 0, 2, 2, 1, 0])
    arrangements = permutations(strata, n_permutations=300, seed=2)
    np.testing.assert_array_equal(strata[arrangements.rows], np.tile(strata, (300, 1)))
    np.testing.assert_array_equal(np.sort(arrangements.rows, axis=1), np.tile(np.arange(10), (300, 1)))
    assert len(np.unique(arrangements.rows, axis=0)) > 250


def test_few_permutations_within_strata_are_all_listed():
    strata = np.array([0, 0, 0, 1, 1])
    listed = permutations(strata, n_permutations=12, seed=0)
    assert listed.exact
    assert len(np.unique(listed.rows, axis=0)) == 12
    relabelled = permutations(strata, n_permutations=12, seed=0, labels=np.array([True, False, False, True, False]))
    assert relabelled.exact
    assert len(relabelled) == 6


def test_sign_flips_are_complete_when_few_and_seeded_when_many():
    listed = sign_flips(5, n_permutations=32, seed=0)
    assert listed.exact
    assert {tuple(signs) for signs in listed.signs} == set(itertools.product((1.0, -1.0), repeat=5))
    sampled, again, other = (sign_flips(30, n_permutations=50, seed=seed).signs for seed in (1, 1, 2))
    np.testing.assert_array_equal(sampled, again)
    assert not np.array_equal(sampled, other)


def test_unsigned_placement_leaves_squares_positive():
    arrangements = Rearrangements(None, np.array([[1.0, -1.0]]), exact=False)
    np.testing.assert_array_equal(arrangements.place(np.array([2.0, 3.0]), slice(0, 1)), [[2.0, -3.0]])
    np.testing.assert_array_equal(arrangements.place(np.array([2.0, 3.0]), slice(0, 1), signed=False), [[2.0, 3.0]])


def test_normal_score_has_the_tail_of_its_t():
    t, df = np.meshgrid([0.5, 1.0, 2.0, 4.0], [5.0, 8.0, 20.0, 200.0])
    np.testing.assert_allclose(normal_score(t, df), stats.norm.isf(stats.t.sf(t, df)), rtol=0.01)


def test_a_nuisance_that_determines_the_group_is_refused():
    in_b = np.repeat([False, True], 5)
    with pytest.raises(DesignError, match="determine the groups"):
        between_model(in_b, np.column_stack([np.ones(10), in_b]))


def test_a_model_that_leaves_no_variance_is_refused(rng):
    in_b = np.repeat([False, True], 3)
    with pytest.raises(DesignError, match="residual degree of freedom"):
        between_model(in_b, intercept_and(rng, 6, 3))


def jzs_by_quadrature(t, n_effective, df, scale):
    def integrand(g):
        inflation = 1 + n_effective * g * scale**2
        prior = (2 * np.pi) ** -0.5 * g**-1.5 * np.exp(-1 / (2 * g))
        return inflation**-0.5 * (1 + t**2 / (inflation * df)) ** (-(df + 1) / 2) * prior

    alternative = sum(integrate.quad(integrand, *limits, limit=200)[0] for limits in [(0, 1), (1, np.inf)])
    return (1 + t**2 / df) ** (-(df + 1) / 2) / alternative


@pytest.mark.parametrize("t", [0.0, 0.7, 2.0, -3.5, 8.0])
@pytest.mark.parametrize(("n_effective", "df"), [(6.0, 22), (23.0, 22), (250.0, 998), (2.0, 3)])
def test_bayes_factor_equals_direct_quadrature(t, n_effective, df):
    expected = jzs_by_quadrature(t, n_effective, df, np.sqrt(2) / 2)
    assert jzs_bf01(np.array([t]), n_effective, df)[0] == pytest.approx(expected, rel=1e-6)


def test_bayes_factor_known_values():
    # BF10 of t = 3.5 with 20 and 20 people, and with 20 pairs, medium prior.
    assert 1 / jzs_bf01(np.array([3.5]), 10.0, 38)[0] == pytest.approx(26.743, abs=1e-3)
    assert 1 / jzs_bf01(np.array([3.5]), 20.0, 19)[0] == pytest.approx(17.185, abs=1e-3)


def test_hedges_correction_is_close_to_its_usual_approximation():
    for df in (10, 22, 98):
        assert hedges_correction(df) == pytest.approx(1 - 3 / (4 * df - 1), rel=1e-3)


def test_noncentrality_interval_puts_t_at_both_tails():
    t, df = np.array([-6.0, 0.0, 1.5, 30.0]), np.array([7.3, 22.0, 5.0, 100.0])
    low, high = noncentrality_interval(t, df)
    np.testing.assert_allclose(stats.nct.sf(t, df, low), 0.025, atol=1e-4)
    np.testing.assert_allclose(stats.nct.cdf(t, df, high), 0.025, atol=1e-4)


def test_minimum_detectable_effect_textbook_values():
    assert minimum_detectable_effect(64, 64, 1) == pytest.approx(0.5, abs=0.003)
    assert minimum_detectable_effect(34, None, 1) == pytest.approx(0.5, abs=0.01)
    assert minimum_detectable_effect(2, None, 63) == np.inf


def test_minimum_detectable_effect_is_found_with_the_stated_power(rng):
    effect = minimum_detectable_effect(12, 12, 20)
    groups = rng.normal(size=(2, 12, 4000))
    p = stats.ttest_ind(groups[1] + effect, groups[0]).pvalue
    assert (p < 0.05 / 20).mean() == pytest.approx(0.8, abs=0.025)


def test_power_is_the_share_of_studies_that_find_the_effect(rng):
    groups = rng.normal(size=(2, 12, 4000))
    found = stats.ttest_ind(groups[1] + 0.5, groups[0]).pvalue < 0.05
    assert power_of(0.5, 12, 12, 1) == pytest.approx(found.mean(), abs=0.025)
    assert power_of(0.0, 12, 12, 7) == pytest.approx(0.05 / 7)
    assert power_of(minimum_detectable_effect(20, None, 3), 20, None, 3) == pytest.approx(0.8, abs=1e-4)


def test_minimum_detectable_correlation_is_found_with_the_stated_power(rng):
    r = minimum_detectable_correlation(24, 1)
    assert r == pytest.approx(0.53, abs=0.02)
    score = stats.zscore(rng.normal(size=24))
    slope = r / np.sqrt(1 - r**2)
    found = [stats.pearsonr(score, slope * score + rng.normal(size=24)).pvalue < 0.05 for _ in range(1500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)
    assert minimum_detectable_correlation(24, 1, n_covariates=4) > r
    assert minimum_detectable_correlation(4, 63) > 0.99


def test_errors_of_measurement_shrink_an_effect_by_the_root_of_the_reliability(rng):
    truth, error = rng.normal(size=(2, 100000)), rng.normal(size=(2, 100000))
    truth[1] += 0.8
    for spread in (0.5, 1.0):
        values = truth + spread * error
        observed = (values[1].mean() - values[0].mean()) / values.std(axis=1).mean()
        assert effect_behind(observed, 1 / (1 + spread**2)) == pytest.approx(0.8, abs=0.03)
    assert effect_behind(0.5, -0.1) == np.inf


@pytest.mark.parametrize("kind", ["pooled", "welch", "covariates", "pooled with covariates", "one sample"])
def test_counting_without_logarithms_gives_the_p_of_the_scores(rng, kind):
    """The fast path ranks correlations or bounds of the score; the slow one ranks the scores themselves."""
    n, tests = 21, 2300
    in_b = np.repeat([False, True], [12, 9])
    effect = np.ones(n) if kind == "one sample" else in_b.astype(float)
    nuisance = np.empty((n, 0)) if kind == "one sample" else intercept_and(rng, n, 2 * ("covariates" in kind))
    groups = np.array([~in_b, in_b], dtype=float) if kind in ("welch", "covariates") else np.ones((1, n))
    model = linear_model(effect, nuisance, groups, where=kind)
    values = rng.standard_normal((n, tests)) + 0.4 * in_b[:, None]
    for arrangements in (
        permutations(np.zeros(n, dtype=int), n_permutations=150, seed=1),
        sign_flips(n, n_permutations=150, seed=1),
    ):
        if kind == "one sample" and arrangements.signs is None:
            continue
        p, p_fwe = permutation_p(model, values, arrangements)
        observed = fit(model, values)
        score = normal_score(observed.t, observed.df) * (1 - 1e-7)
        null = np.abs(np.concatenate(list(null_scores(model, values, arrangements))))
        np.testing.assert_allclose(p, ((null >= score).sum(axis=0) + 1) / 151)
        np.testing.assert_allclose(p_fwe, ((null.max(axis=1)[:, None] >= score).sum(axis=0) + 1) / 151)
        residuals = model.residuals(values)
        slow = (
            residuals[np.argsort(arrangements.rows[3])]
            if arrangements.signs is None
            else (arrangements.signs[3][:, None] * residuals)
        )
        refit = fit(model, slow)
        np.testing.assert_allclose(null[3], normal_score(refit.t, refit.df), rtol=1e-8)


def test_the_quotients_that_replace_the_logarithm_enclose_it():
    u = np.logspace(-8, 8, 4000)
    assert (3 * u * (2 + u) / (6 + u * (6 + u)) <= np.log1p(u) * (1 + 1e-15)).all()
    assert (u * (6 + u) / (6 + 4 * u) >= np.log1p(u) * (1 - 1e-15)).all()
