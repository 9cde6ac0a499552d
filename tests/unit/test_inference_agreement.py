"""Agreement of two tables of effects of the same people: effects, interval, chance values, verdict."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from painconn.inference import Family, compare_between, compare_within
from painconn.inference.agreement import Finding, effect_agreement, standardised_effects, verdict

FIRST = tuple(f"first{number}" for number in range(30))
SECOND = tuple(f"second{number}" for number in range(30))
FAMILIES = (Family("primary", "primary", FIRST, ("age",)), Family("again", "agreement", SECOND, ("age",)))


def compared(rng, *, kind, n=40, shift=0.6, shared=0.8):
    """Compare two tables that share noise and effects."""
    people = [f"{number:02d}" for number in range(n)]
    common = rng.standard_normal((n, 30))
    other = shared * common + np.sqrt(1 - shared**2) * rng.standard_normal((n, 30))
    effects = shift * rng.standard_normal(30)
    in_b = np.arange(n) % 3 == 0
    added = np.outer(in_b if kind == "between" else np.ones(n), effects)
    table = pd.DataFrame(np.hstack([common + added, 5 * (other + added)]), index=people, columns=[*FIRST, *SECOND])
    ages = pd.DataFrame({"age": rng.uniform(20, 60, n)}, index=people)
    options = {"families": FAMILIES, "n_permutations": 200, "seed": 3}
    if kind == "between":
        labels = pd.Series(np.where(in_b, "b", "a"), index=people)
        return compare_between(table, labels, a="a", b="b", covariates=ages, **options)
    under_b = ages + rng.standard_normal((n, 1))
    return compare_within(0 * table, table, a="rest", b="task", covariates_a=ages, covariates_b=under_b, **options)


def agreement(found, **options):
    values = (found.values[list(tests)].to_numpy() for tests in (FIRST, SECOND))
    return effect_agreement(found.designs["primary"], *values, **({"n_resamples": 300, "seed": 1} | options))


@pytest.mark.parametrize("kind", ["between", "within"])
def test_with_equal_weights_the_effects_are_those_of_the_table(rng, kind):
    found = compared(rng, kind=kind)
    effects = standardised_effects(
        found.designs["primary"], found.values[list(FIRST)].to_numpy(), np.ones((1, len(found.values)))
    )
    table = found.table.set_index("test")
    np.testing.assert_allclose(effects[0], table.loc[list(FIRST), "hedges_g"], rtol=1e-10)
    same = agreement(found)
    first, second = (table.loc[list(tests), "hedges_g"].to_numpy() for tests in (FIRST, SECOND))
    assert same.rank_correlation == pytest.approx(stats.spearmanr(first, second).statistic)
    assert (same.n_tests, same.n_same_sign) == (30, int((np.sign(first) == np.sign(second)).sum()))


@pytest.mark.parametrize("kind", ["between", "within"])
def test_weights_of_whole_numbers_are_people_taken_several_times(rng, kind):
    found = compared(rng, kind=kind, n=30)
    design, values = found.designs["primary"], found.values[list(FIRST)].to_numpy()
    times = np.ones(30, int)
    # Pairs of one side: its number of people stays.
    times[[0, 3]] = 2, 0
    times[[1, 4]] = 2, 0
    effects = standardised_effects(design, values, times[np.newaxis].astype(float))
    repeated = np.repeat(np.arange(30), times)
    columns = np.column_stack([design.model.effect, design.model.nuisance_basis])[repeated]
    estimate = np.linalg.lstsq(columns, values[repeated], rcond=None)[0][0]
    sides = (design.people_a, design.people_b) if kind == "between" else (design.people_a,)
    squares = sum(
        ((part - part.mean(axis=0)) ** 2).sum(axis=0) for part in (values[repeated][side[repeated]] for side in sides)
    )
    ratio = effects[0] / (estimate / np.sqrt(squares))
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)


def test_a_copy_agrees_wholly_and_its_negative_not_at_all(rng):
    found = compared(rng, kind="within")
    values = found.values[list(FIRST)].to_numpy()
    for factor, expected in ((7.0, 1.0), (-7.0, -1.0)):
        same = effect_agreement(found.designs["primary"], values, factor * values, n_resamples=50, seed=1)
        assert same.rank_correlation == pytest.approx(expected)
        assert same.n_same_sign == (30 if factor > 0 else 0)
        assert same.low == pytest.approx(expected, abs=1e-6)


def test_noise_that_is_shared_agrees_without_any_effect_and_chance_says_how_much(rng):
    observed, chance = [], []
    for _ in range(25):
        same = agreement(compared(rng, kind="within", shift=0.0, shared=0.8), n_resamples=20)
        observed.append(same.rank_correlation)
        chance.append(same.chance_correlation)
    assert np.mean(observed) > 0.6
    assert np.mean(chance) == pytest.approx(np.mean(observed), abs=0.05)


def test_the_interval_covers_what_is_found_on_average(rng):
    """Studies of one population: the mean correlation lies in most of their intervals (binomial bounds for 95 %)."""
    effects = 0.5 * rng.standard_normal(30)
    found = []
    for _ in range(60):
        common = rng.standard_normal((24, 30))
        other = 0.6 * common + 0.8 * rng.standard_normal((24, 30))
        table = pd.DataFrame(np.hstack([common + effects, other + effects]), columns=[*FIRST, *SECOND])
        table.index = [f"{number:02d}" for number in range(24)]
        families = [Family(family.name, family.role, family.tests) for family in FAMILIES]
        one = compare_within(0 * table, table, a="a", b="b", families=families, n_permutations=100, seed=1)
        found.append(agreement(one, n_resamples=150))
    mean = np.tanh(np.mean(np.arctanh([one.rank_correlation for one in found])))
    covered = np.mean([one.low <= mean <= one.high for one in found])
    assert covered >= 0.87
    assert 0.02 < np.median([one.high - one.low for one in found]) < 0.5


def test_the_same_seed_gives_the_same_interval(rng):
    found = compared(rng, kind="between")
    assert agreement(found) == agreement(found)
    assert agreement(found).low != agreement(found, seed=2).low


@pytest.mark.parametrize(
    ("tests", "others", "classifier", "expected"),
    [
        ([(True, True), (False, False)], 1, None, "holds"),
        ([(True, True), (True, False)], 1, None, "depends"),
        ([(False, False)], 0, None, "nothing found"),
        ([(False, False)], 2, None, "depends"),
        ([(True, True), (False, False)], 5, (True, True), "holds"),
        ([(True, True)], 1, (True, False), "depends"),
        ([(False, False)], 0, (False, True), "depends"),
        ([(False, False)], 0, (True, True), "holds"),
        ([], 0, (False, False), "nothing found"),
    ],
)
def test_verdict(tests, others, classifier, expected):
    known = None if classifier is None else Finding(*classifier)
    assert verdict([Finding(*pair) for pair in tests], others, known) == expected
