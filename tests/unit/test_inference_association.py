"""Association with a score, and the plain companions: against scipy, statsmodels and simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import integrate, special, stats

from painconn.errors import DesignError
from painconn.inference import COLUMNS, Family, compare_between, compare_within, correlate
from painconn.inference.companions import COMPANION_COLUMNS, companion_table

PEOPLE = [f"{number:02d}" for number in range(30)]
TESTS = tuple(f"edge{number}" for number in range(6))
FAMILIES = (Family("blocks", "primary", TESTS), Family("else", "exploratory", ("edge0",)))


@pytest.fixture
def values(rng):
    return pd.DataFrame(rng.standard_normal((30, 6)), index=PEOPLE, columns=list(TESTS))


@pytest.fixture
def scores(rng, values):
    return pd.Series(40 + 10 * rng.standard_normal(30) + 8 * values["edge1"], index=PEOPLE)


def associated(values, scores, families=FAMILIES, **options):
    return correlate(values, scores, score="pain", families=families, **({"n_permutations": 199, "seed": 1} | options))


def test_r_and_its_interval_are_pearsons(values, scores):
    table = associated(values, scores).table
    assert tuple(table.columns) == COLUMNS
    assert set(table["effect_size_kind"]) == {"r"}
    assert set(table["contrast"]) == {"association with pain"}
    for row in table.itertuples():
        expected = stats.pearsonr(values[row.test], scores)
        interval = expected.confidence_interval()
        assert (row.hedges_g, row.ci_low, row.ci_high) == pytest.approx((expected.statistic, *interval))
        assert row.estimate == pytest.approx(stats.linregress(scores, values[row.test]).slope)
    best = table.set_index(["family", "test"]).loc[("blocks", "edge1")]
    assert best["p_fwe"] < 0.05
    assert best["n_a"] == best["n_b"] == 30


def test_with_covariates_it_is_the_partial_correlation(rng, values, scores):
    age = pd.DataFrame({"age": rng.uniform(20, 70, 30), "sex": ["f", "m"] * 15}, index=PEOPLE)
    values["edge2"] += 0.2 * age["age"]
    scores = scores + age["age"]
    row = associated(values, scores, [Family("blocks", "primary", TESTS, ("age", "sex"))], covariates=age).table.loc[2]
    nuisance = np.column_stack([np.ones(30), age["age"], age["sex"] == "m"]).astype(float)
    left = [y - nuisance @ np.linalg.lstsq(nuisance, y, rcond=None)[0] for y in (values["edge2"], scores)]
    assert row["hedges_g"] == pytest.approx(np.corrcoef(*left)[0, 1])
    t = sm.OLS(values["edge2"], np.column_stack([scores, nuisance])).fit().tvalues.iloc[0]
    assert row["statistic"] == pytest.approx(t)
    half = 1.959964 / np.sqrt(30 - 2 - 3)
    assert row["ci_high"] == pytest.approx(np.tanh(np.arctanh(row["hedges_g"]) + half))


def test_bayes_factor_of_a_correlation_equals_direct_quadrature(values, scores):
    row = associated(values, scores).table.loc[1]
    r, n = row["hedges_g"], 30

    def integrand(g):
        prior = np.sqrt(n / 2) / special.gamma(0.5) * g**-1.5 * np.exp(-n / (2 * g))
        return (1 + g) ** ((n - 2) / 2) * (1 + (1 - r**2) * g) ** (-(n - 1) / 2) * prior

    bf10 = sum(integrate.quad(integrand, *limits, limit=200)[0] for limits in [(0, 50), (50, np.inf)])
    assert row["bf01"] == pytest.approx(1 / bf10, rel=1e-5)


def test_people_without_a_score_are_left_out_and_a_constant_score_is_refused(values, scores):
    scores.iloc[[3, 9]] = np.nan
    result = associated(values, scores)
    assert (result.table["n_a"] == 28).all()
    assert result.notes[0] == "2 people have no pain and are left out"
    with pytest.raises(DesignError, match="for everybody"):
        associated(values, scores * 0 + 4)
    with pytest.raises(DesignError, match="at least 5"):
        associated(values, scores.iloc[:4])


@pytest.mark.slow
@pytest.mark.parametrize("tied", [False, True])
def test_null_associations_keep_the_family_wise_rate(rng, tied):
    """200 null cohorts of 20 people; a covariate that goes with the score and the values."""
    found = 0
    for cohort in range(200):
        age = rng.standard_normal(20)
        table = pd.DataFrame(
            0.6 * rng.standard_normal((20, 1)) + rng.standard_normal((20, 6)) + tied * age[:, None],
            index=PEOPLE[:20],
            columns=list(TESTS),
        )
        score = pd.Series(rng.gamma(1.5, size=20) + tied * age, index=PEOPLE[:20])
        family = Family("blocks", "primary", TESTS, ("age",) if tied else ())
        ages = pd.DataFrame({"age": age}, index=PEOPLE[:20])
        result = associated(table, score, [family], covariates=ages, n_permutations=99, seed=cohort)
        found += result.table["p_fwe"].min() <= 0.05
    low, high = stats.binom.interval(0.995, 200, 0.05)
    assert low <= found <= high


def groups(values, rng, **options):
    labels = pd.Series(np.where(np.arange(30) % 3 == 0, "b", "a"), index=PEOPLE)
    compared = compare_between(values, labels, a="a", b="b", families=FAMILIES, n_permutations=99, seed=1)
    return labels, companion_table(compared, FAMILIES, seed=1, **options)


def test_companions_between_people_are_those_of_scipy(values, rng):
    labels, table = groups(values, rng)
    assert tuple(table.columns) == COMPANION_COLUMNS
    a, b = values[labels == "a"], values[labels == "b"]
    welch = stats.ttest_ind(b, a, equal_var=False)
    rows = table[table["family"] == "blocks"]
    np.testing.assert_allclose(rows["p_parametric"], welch.pvalue)
    np.testing.assert_allclose(rows["p_rank"], stats.mannwhitneyu(b, a, axis=0).pvalue)
    spread = np.sqrt((19 * a.var() + 9 * b.var()) / 28).to_numpy()
    for row, bound, test in zip(rows.itertuples(), 0.5 * spread, TESTS, strict=True):
        sides = [
            stats.ttest_ind(b[test] + shift * bound, a[test], equal_var=False, alternative=side).pvalue
            for shift, side in ((1, "greater"), (-1, "less"))
        ]
        assert row.p_equivalence == pytest.approx(max(sides))
    assert rows["bca_low"].notna().all()
    assert table.loc[table["family"] == "else", "bca_low"].isna().all()


def test_companions_within_people_and_of_a_score(values, scores, rng):
    second = values + 0.3 + 0.5 * rng.standard_normal(values.shape)
    compared = compare_within(values, second, a="rest", b="task", families=FAMILIES, n_permutations=99, seed=1)
    rows = companion_table(compared, FAMILIES, smallest_effect=0.9, seed=1)[:6]
    np.testing.assert_allclose(rows["p_parametric"], stats.ttest_rel(second, values).pvalue)
    np.testing.assert_allclose(rows["p_rank"], stats.wilcoxon(second - values, axis=0).pvalue)
    assert set(rows["smallest_effect"]) == {0.9}
    rows = companion_table(associated(values, scores), FAMILIES, seed=1)[:6]
    for row in rows.itertuples():
        rank = stats.spearmanr(values[row.test], scores)
        assert (row.p_rank, row.smallest_effect) == (pytest.approx(rank.pvalue), 0.3)
        assert row.p_parametric == pytest.approx(stats.pearsonr(values[row.test], scores).pvalue)


def test_equivalence_is_claimed_for_nothing_and_hardly_at_the_margin(rng):
    """At a true effect of exactly the margin equivalence is claimed in 5 % of studies, at none in most of them."""
    people = [f"{number:03d}" for number in range(200)]
    tests = tuple(f"t{number}" for number in range(400))
    labels = pd.Series(np.where(np.arange(200) % 2 == 0, "a", "b"), index=people)
    claimed = {}
    for effect in (0.0, 0.5):
        table = pd.DataFrame(rng.standard_normal((200, 400)), index=people, columns=list(tests))
        table[labels == "b"] += effect
        family = Family("all", "exploratory", tests)
        compared = compare_between(table, labels, a="a", b="b", families=[family], n_permutations=10, seed=1)
        claimed[effect] = (companion_table(compared, [family], seed=1)["p_equivalence"] < 0.05).mean()
    assert claimed[0.0] > 0.9
    assert claimed[0.5] == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize("kind", ["between", "within"])
def test_the_bootstrap_interval_covers_the_true_effect(rng, kind):
    """300 studies with a true effect of 0.8, as tests of one table."""
    tests = tuple(f"t{number}" for number in range(300))
    table = pd.DataFrame(rng.standard_normal((30, 300)), index=PEOPLE, columns=list(tests))
    family = Family("all", "primary", tests)
    if kind == "between":
        labels = pd.Series(np.where(np.arange(30) % 2 == 0, "a", "b"), index=PEOPLE)
        table[labels == "b"] += 0.8
        compared = compare_between(table, labels, a="a", b="b", families=[family], n_permutations=10, seed=1)
    else:
        compared = compare_within(0 * table, table + 0.8, a="a", b="b", families=[family], n_permutations=10, seed=1)
    rows = companion_table(compared, [family], n_resamples=1000, seed=1)
    covered = ((rows["bca_low"] <= 0.8) & (rows["bca_high"] >= 0.8)).mean()
    assert 0.9 <= covered <= 0.98
    assert ((rows["bca_low"] < compared.table["hedges_g"]) & (rows["bca_high"] > compared.table["hedges_g"])).all()
