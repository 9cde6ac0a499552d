import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from painconn.simulation.planning import (
    SeenEffect,
    detectable,
    fit_curves,
    m_of,
    people_for,
    seen_effect,
)

SIZES = np.array([10, 15, 20, 30, 40, 60, 80, 120, 160])
ONE_TEST = {"family_size": 1, "alpha": 0.05}


def exact(d, n, kind="between"):
    power = TTestIndPower() if kind == "between" else TTestPower()
    # Far out the noncentral t cannot be computed; the power is 1 there.
    return np.nan_to_num(power.power(d, n, 0.05, alternative="two-sided"), nan=1.0)


def resampled(rng, n_people, n_draws=400):
    return rng.integers(n_people, size=(n_draws, n_people))


def curves_of(rng, effects, hits, n_drawn, kind="between", draws=None):
    seen = [SeenEffect(d, np.full(200, d) if draws is None else d + draws) for d in effects]
    drawn = np.full(hits.shape, n_drawn)
    return fit_curves(seen, np.array([m_of(n, kind) for n in SIZES]), hits, drawn, **ONE_TEST, rng=rng)


@pytest.mark.parametrize("kind", ["between", "within"])
def test_without_noise_of_measurement_power_is_that_of_the_t_test(rng, kind):
    effects = (0.5, 0.8, 1.2)
    hits = np.array([[round(10_000 * exact(d, n, kind)) for n in SIZES] for d in effects])
    for d, curve in zip(effects, curves_of(rng, effects, hits, 10_000, kind), strict=True):
        for n in SIZES:
            few = n < 15 and kind == "within"
            assert curve.power(m_of(n, kind))[0] == pytest.approx(exact(d, n, kind), abs=0.05 if few else 0.03)


def test_power_rises_with_people_and_with_the_effect(rng):
    effects = (0.3, 0.6, 1.0)
    hits = np.array([[rng.binomial(100, exact(d, n)) for n in SIZES] for d in effects])
    powers = np.array(
        [[curve.power(m_of(n, "between"))[0] for n in SIZES] for curve in curves_of(rng, effects, hits, 100)]
    )
    assert (np.diff(powers, axis=0) > 0).all()
    assert (np.diff(powers, axis=1) > 0).all()


def test_the_number_of_people_is_the_smallest_that_has_the_power(rng):
    hits = np.array([[round(1000 * exact(0.7, n)) for n in SIZES]])
    (curve,) = curves_of(rng, (0.7,), hits, 1000, draws=rng.normal(0, 0.1, 200))
    n = people_for(curve.needed_m(0.8)[0], "between")
    assert curve.power(m_of(n, "between"))[0] >= 0.8 > curve.power(m_of(n - 1, "between"))[0]
    # The t test needs 34 per group.
    assert abs(n - 34) <= 2
    value, low, high = (people_for(m, "between") for m in curve.needed_m(0.8))
    assert low < value < high


def test_what_is_never_found_needs_more_people_than_there_are(rng):
    (curve,) = curves_of(rng, (0.0,), np.zeros((1, len(SIZES)), dtype=int), 100, draws=rng.normal(0, 0.1, 200))
    value, low, high = curve.needed_m(0.8)
    assert value == high == np.inf
    assert 0 < low < np.inf
    assert curve.power(80.0)[0] < 0.05


def test_a_curve_is_the_most_likely_one_however_far_it_lies_from_what_was_expected(rng):
    # A pool of few people can show an effect much larger than what its studies then find.
    effects = (2.0, 4.0)
    signal = np.outer(effects, np.sqrt(SIZES / 2)).ravel()
    hits = np.array([[0] * 9, [0] * 4 + [10] * 5])

    def unlikely(slope_and_critical):
        slope, critical = slope_and_critical
        z = slope * signal - critical
        log_likelihood = hits.ravel() * stats.norm.logcdf(z) + (10 - hits.ravel()) * stats.norm.logsf(z)
        return -log_likelihood.sum() + ((slope - 1) / 0.2) ** 2 / 2 + (critical - stats.norm.isf(0.025)) ** 2 / 2

    best = optimize.minimize(unlikely, (0.3, 3.0), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9})
    curve, _ = curves_of(rng, effects, hits, 10)
    assert (curve.slope, curve.critical) == (pytest.approx(best.x[0], abs=1e-4), pytest.approx(best.x[1], abs=1e-4))


def test_an_effect_is_in_standard_deviations_of_what_is_measured(rng):
    reference, shift = rng.normal(size=4000), rng.normal(0.5, 0.5, 4000)
    pools = resampled(rng, 4000, 3)
    between = seen_effect(reference, reference + shift, reference, pools, kind="between")
    assert between.value == pytest.approx(0.5 / np.sqrt((1 + 1.25) / 2), abs=0.02)
    # Two observations that differ by chance alone, and by 0.3 of it in this pool; the effect is what comes on top.
    again = reference + rng.normal(0.15, 0.5, 4000)
    within = seen_effect(reference, again + 0.5, again, pools, kind="within")
    assert within.value == pytest.approx(1.0, abs=0.05)
    assert np.ptp(within.draws) < 0.1
    assert seen_effect(np.ones(5), np.ones(5), np.ones(5), resampled(rng, 5, 3), kind="between").value == 0


def test_the_detectable_effect_is_the_one_whose_measured_size_has_the_power(rng):
    true = np.array([0.5, 1.0])
    seen = [SeenEffect(d / 2, d / 2 + np.zeros(3)) for d in true]
    assert detectable(true, seen, (0.375, np.array([0.1, 0.375, 9.0]))) == (0.75, 0.2, np.inf)
    assert detectable(true, seen, (0.6, np.full(3, 0.6)))[0] == np.inf


@pytest.mark.slow
def test_the_intervals_hold_the_truth_as_often_as_they_say(rng):
    """Truth: the power of the population that the pool is drawn from; a hundred studies are drawn for each size."""
    true_d, n_people, n_pools = 0.6, 60, 300
    covered_power, covered_n = 0, 0
    truth = exact(true_d, 40)
    needed = next(n for n in range(5, 500) if exact(true_d, n) >= 0.8)
    for _ in range(n_pools):
        # Normal in both groups with a standard deviation of 1; the effect differs between people.
        change = rng.normal(0, 0.3, n_people)
        reference = rng.normal(size=n_people)
        shifted = true_d + np.sqrt(1 - 0.3**2) * reference + change
        effect = seen_effect(reference, shifted, reference, resampled(rng, n_people), kind="between")
        hits = np.array([[rng.binomial(100, exact(max(effect.value, 1e-6), n)) for n in SIZES]])
        (curve,) = fit_curves([effect], SIZES / 2, hits, np.full(hits.shape, 100), **ONE_TEST, rng=rng)
        _, low, high = curve.power(20.0)
        covered_power += low <= truth <= high
        _, low, high = (people_for(m, "between") for m in curve.needed_m(0.8))
        covered_n += low <= needed <= high
    for covered in (covered_power, covered_n):
        assert stats.binomtest(covered, n_pools).proportion_ci(0.999).high > 0.95 - 0.03
        assert covered / n_pools > 0.88
