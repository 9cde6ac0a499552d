"""Agreement of two tables of effects of the same people: effects, interval, chance values, verdict."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from painconn.inference import Family, compare_between, compare_within
from painconn.inference.agreement import Evidence, effect_agreement, outcome, standardised_effects, verdict

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


@pytest.mark.slow
def test_noise_that_is_shared_agrees_without_any_effect_and_chance_says_how_much(rng):
    observed, chance = [], []
    for _ in range(25):
        same = agreement(compared(rng, kind="within", shift=0.0, shared=0.8), n_resamples=20)
        observed.append(same.rank_correlation)
        chance.append(same.chance_correlation)
    assert np.mean(observed) > 0.6
    assert np.mean(chance) == pytest.approx(np.mean(observed), abs=0.05)


@pytest.mark.slow
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


FOUND = Evidence(0.9, 0.3, 1.5, found=True)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Evidence(0.4, -0.1, 1.0, found=True), "holds"),
        (Evidence(0.85, 0.2, 1.4, found=False), "weaker"),
        (Evidence(0.3, -0.2, 0.9, found=False), "weaker"),
        (Evidence(1.9, -0.2, 3.9, found=False), "weaker"),
        (Evidence(0.29, -0.3, 0.9, found=False), "depends"),
        (Evidence(-0.1, -0.7, 0.5, found=False), "depends"),
        (Evidence(-0.9, -1.5, -0.3, found=True), "depends"),
    ],
)
def test_what_became_of_a_finding_hangs_on_sign_and_size_and_on_neither_order_nor_direction(other, expected):
    def turned(evidence):
        return Evidence(-evidence.size, -evidence.high, -evidence.low, evidence.found)

    assert outcome(FOUND, other) == outcome(other, FOUND) == outcome(turned(FOUND), turned(other)) == expected


NEAR, SHORT, NONE = (Evidence(size, size - 0.6, size + 0.6, found=False) for size in (0.7, 0.1, 0.05))


@pytest.mark.parametrize(
    ("tests", "classifier", "expected"),
    [
        ([(FOUND, FOUND), (NONE, NONE)], None, "holds"),
        ([(FOUND, FOUND), (NONE, FOUND)], (FOUND, FOUND), "holds"),
        ([(FOUND, FOUND), (FOUND, NEAR)], None, "weaker"),
        ([(FOUND, FOUND), (FOUND, NEAR), (FOUND, SHORT)], None, "depends"),
        ([(NONE, NONE)], None, "nothing found"),
        ([(NEAR, FOUND), (NONE, NONE)], None, "weaker"),
        ([(SHORT, FOUND)], None, "depends"),
        ([(FOUND, FOUND)], (FOUND, NEAR), "weaker"),
        ([(FOUND, FOUND)], (FOUND, SHORT), "depends"),
        ([(NONE, NONE)], (FOUND, FOUND), "holds"),
        ([], (NONE, NONE), "nothing found"),
    ],
)
def test_the_verdict_is_the_least_favourable_outcome_of_what_was_found(tests, classifier, expected):
    assert verdict(tests, classifier) == expected


def verdicts(rng, *, other_effect, studies=50, n=24):
    """One test with a true dz of 0.8 under the first inverse; the noise of both is correlated at 0.8."""
    found = []
    for _ in range(studies):
        noise = rng.standard_normal((n, 2)) @ np.linalg.cholesky([[1, 0.8], [0.8, 1]]).T
        table = pd.DataFrame(noise + np.array([0.8, other_effect]), columns=["here", "there"])
        table.index = [f"{number:02d}" for number in range(n)]
        families = [Family(name, "primary", (name,)) for name in table.columns]
        rows = compare_within(0 * table, table, a="a", b="b", families=families, n_permutations=100, seed=1).table
        pair = [Evidence(row.hedges_g, row.ci_low, row.ci_high, row.p_fwe < 0.05) for row in rows.itertuples()]
        if pair[0].found:
            found.append(verdict([tuple(pair)], None))
    return {word: found.count(word) / len(found) for word in ("holds", "weaker", "depends")}


@pytest.mark.slow
def test_the_verdict_is_lenient_with_the_same_effect_and_not_with_none(rng):
    """At a power of 80 % and more: the same truth is never called dependent, no effect at all seldom anything else."""
    same, none = verdicts(rng, other_effect=0.8), verdicts(rng, other_effect=0.0)
    assert same["depends"] <= 0.03
    assert none["depends"] >= 0.7
