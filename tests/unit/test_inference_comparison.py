"""Comparisons of groups and conditions: the table, its policy for what is missing, and the families."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from painconn.errors import DesignError
from painconn.inference import COLUMNS, Family, compare_between, compare_within, family_hash
from painconn.inference.effects import jzs_bf01

PEOPLE = [f"{number:03d}" for number in range(1, 24)]
TESTS = tuple(f"edge{number}" for number in range(12))


@pytest.fixture
def features(rng):
    return pd.DataFrame(rng.normal(size=(23, 12)), index=PEOPLE, columns=list(TESTS))


@pytest.fixture
def labels():
    return pd.Series(["local"] * 14 + ["wide"] * 9, index=PEOPLE)


@pytest.fixture
def covariates(rng):
    return pd.DataFrame(
        {
            "age": [str(age) for age in rng.integers(20, 70, 23)],
            "sex": ["F", "M", "F", "F"] * 5 + ["M"] * 3,
            "drug": ["none", "opioid", "nsaid"] * 7 + ["none", "nsaid"],
            "cap": "same",
        },
        index=PEOPLE,
    )


def family(*covariates, tests=TESTS, role="primary", name="blocks"):
    return Family(name, role, tests, covariates)


BLOCKS = family()


def between(features, labels, families=(BLOCKS,), **options):
    settings = {"a": "local", "b": "wide", "families": families, "n_permutations": 199, "seed": 1} | options
    return compare_between(features, labels, **settings)


def within(first, second, families=(BLOCKS,), **options):
    settings = {"a": "rest", "b": "task", "families": families, "n_permutations": 199, "seed": 1} | options
    return compare_within(first, second, **settings)


def test_a_row_per_declared_test(features, labels):
    table = between(features, labels).table
    assert tuple(table.columns) == COLUMNS
    assert tuple(table["test"]) == TESTS
    assert set(table["contrast"]) == {"wide - local"}
    assert set(table["effect_size_kind"]) == {"hedges_g"}
    assert (table[["n_a", "n_b", "family_size", "n_computed"]] == [14, 9, 12, 12]).all(axis=None)
    assert (table["p_fwe"] >= table["p"]).all()
    assert (table["q_fdr"] >= table["p"]).all()
    assert table["p"].between(1 / 200, 1).all()
    np.testing.assert_allclose(table["q_fdr"], stats.false_discovery_control(table["p"]))


def test_hedges_g_is_the_pooled_one_inside_its_interval(features, labels):
    table = between(features, labels).table
    one, two = features[labels == "local"], features[labels == "wide"]
    pooled = np.sqrt((13 * one.var() + 8 * two.var()) / 21)
    d = (two.mean() - one.mean()) / pooled
    np.testing.assert_allclose(table["hedges_g"], d * (1 - 3 / (4 * 21 - 1)), rtol=1e-3)
    assert ((table["ci_low"] < table["hedges_g"]) & (table["hedges_g"] < table["ci_high"])).all()


def test_bayes_factor_is_that_of_students_t(features, labels):
    student = stats.ttest_ind(features[labels == "wide"], features[labels == "local"]).statistic
    np.testing.assert_allclose(between(features, labels).table["bf01"], jzs_bf01(student, 14 * 9 / 23, 21))


def test_dz_within_people(features, rng):
    second = features + rng.normal(0.5, 1, features.shape)
    table = within(features, second).table
    difference = second - features
    dz = difference.mean() / difference.std()
    np.testing.assert_allclose(table["hedges_g"], dz * (1 - 3 / (4 * 22 - 1)), rtol=1e-3)
    np.testing.assert_allclose(table["statistic"], stats.ttest_1samp(difference, 0).statistic)
    assert set(table["effect_size_kind"]) == {"dz"}
    assert (table[["n_a", "n_b"]] == 23).all(axis=None)


def test_exchanging_the_groups_changes_only_signs(features, labels):
    one, other = between(features, labels).table, between(features, labels, a="wide", b="local").table
    same = ["p", "p_fwe", "q_fdr", "bf01"]
    np.testing.assert_allclose(one[same], other[same])
    np.testing.assert_allclose(
        one[["estimate", "statistic", "hedges_g"]], -other[["estimate", "statistic", "hedges_g"]]
    )
    np.testing.assert_allclose(one["ci_low"], -other["ci_high"])


def test_units_of_the_features_do_not_matter(features, labels):
    one, other = between(features, labels).table, between(features * 1e-9 + 1e-9, labels).table
    same = ["statistic", "p", "p_fwe", "hedges_g", "ci_low", "ci_high", "bf01"]
    np.testing.assert_allclose(one[same], other[same], rtol=1e-6)


@pytest.mark.parametrize("shuffled_tables", ["features", "all"])
def test_the_order_of_rows_does_not_matter(features, labels, covariates, rng, shuffled_tables):
    order = rng.permutation(PEOPLE)
    families = [family("age", "sex")]
    sites = pd.Series(["x", "y"] * 11 + ["x"], index=PEOPLE)
    one = between(features, labels, families, covariates=covariates, strata=sites)
    if shuffled_tables == "all":
        labels, covariates, sites = labels[order], covariates.loc[order[::-1]], sites[order]
    other = between(features.loc[order], labels, families, covariates=covariates, strata=sites)
    pd.testing.assert_frame_equal(one.table, other.table)
    pd.testing.assert_frame_equal(
        within(features, features**2).table, within(features.loc[order], features.loc[order[::-1]] ** 2).table
    )


def test_a_family_does_not_depend_on_the_others(features, labels):
    small = family(tests=TESTS[:3], role="exploratory", name="few")
    both = between(features, labels, [family(), small]).table
    alone = between(features, labels, [small]).table
    pd.testing.assert_frame_equal(both[both["family"] == "few"].reset_index(drop=True), alone)
    assert set(alone["family_size"]) == {3}


@pytest.mark.parametrize("design", ["between", "within"])
def test_what_cannot_be_computed_is_a_row_with_a_reason(features, labels, design):
    clean = features.copy()
    features.loc[PEOPLE[:2] + PEOPLE[-1:], "edge3"] = np.nan
    features.loc[PEOPLE[4], "edge5"] = np.inf
    features["edge7"] = 2.5
    features["edge8"] = np.where(labels == "wide", 1.0, 2.0) if design == "between" else 4.0
    declared = (*TESTS, "refused")

    def run(values, tests):
        if design == "between":
            return between(values, labels, [family(tests=tests)]).table
        return within(values * 0, values, [family(tests=tests)]).table

    table = run(features, declared).set_index("test")
    assert table.loc["edge3", "reason"] == "missing for 3 of 23 people"
    assert table.loc["edge5", "reason"] == "missing for 1 of 23 people"
    assert table.loc["edge7", "reason"] == "the same for all people"
    assert table.loc["refused", "reason"] == "not in the feature table"
    assert table.loc["edge8", "reason"] != ""
    assert (table["family_size"] == 13).all()
    assert (table["n_computed"] == 8).all()
    bad = table["reason"] != ""
    assert table.loc[bad, ["estimate", "statistic", "p", "p_fwe", "q_fdr", "hedges_g", "bf01"]].isna().all(axis=None)
    kept = tuple(table.index[~bad])
    counted = [*table.loc[~bad, "p"], *[1.0] * 5]
    np.testing.assert_allclose(table.loc[~bad, "q_fdr"], stats.false_discovery_control(counted)[:8])
    same = ["estimate", "statistic", "p", "p_fwe", "hedges_g", "ci_low", "ci_high", "bf01"]
    pd.testing.assert_frame_equal(table.loc[~bad, same], run(clean, kept).set_index("test")[same])


def test_text_covariates_are_dummy_coded_and_adjusted_for(features, labels, covariates):
    features["edge0"] += (covariates["drug"] == "opioid") * 100.0 + covariates["age"].astype(float)
    result = between(features, labels, [family("age", "sex", "drug", "cap")], covariates=covariates)
    columns = [
        np.ones(23),
        covariates["age"].astype(float),
        covariates["sex"] == "M",
        covariates["drug"] == "none",
        covariates["drug"] == "opioid",
        labels == "wide",
    ]
    expected = np.linalg.lstsq(np.column_stack(columns).astype(float), features.to_numpy(), rcond=None)[0][-1]
    np.testing.assert_allclose(result.table["estimate"], expected)
    assert any("'cap' dropped" in note for note in result.notes)


def test_missing_and_mixed_covariates_are_all_named(features, labels, covariates):
    covariates.loc[["003", "017"], "age"] = None
    covariates.loc["005", "sex"] = "n/a"
    covariates["dose"] = ["1"] * 22 + ["much"]
    with pytest.raises(DesignError) as caught:
        between(features, labels, [family("age", "sex", "dose", "height")], covariates=covariates)
    text = str(caught.value)
    assert all(piece in text for piece in ("003, 017", "005", "much", "'height'"))


def test_covariate_differences_adjust_the_change_to_none(features, rng):
    muscle = pd.DataFrame({"muscle": rng.normal(size=23), "age": 40}, index=PEOPLE)
    more = pd.DataFrame({"muscle": muscle["muscle"] + rng.uniform(0.5, 1.5, 23), "age": 40}, index=PEOPLE)
    caused = features.add(5 * (more["muscle"] - muscle["muscle"]), axis=0) + rng.normal(0, 0.1, features.shape)
    result = within(features, caused, [family("muscle", "age")], covariates_a=muscle, covariates_b=more)
    assert result.table["estimate"].abs().max() < 0.5
    assert within(features, caused).table["estimate"].min() > 3
    assert any("'age' dropped" in note for note in result.notes)


def test_strata_take_the_site_out(rng, labels, features):
    sites = pd.Series(["x"] * 11 + ["y"] * 12, index=PEOPLE)
    noise = between(features, labels, strata=sites).table
    shifted = between(features.add((sites == "y") * 50.0, axis=0), labels, strata=sites).table
    same = ["estimate", "statistic", "p", "p_fwe"]
    np.testing.assert_allclose(noise[same], shifted[same], rtol=1e-6)
    with pytest.raises(DesignError, match="determine the groups"):
        between(features, labels, strata=labels)
    with pytest.raises(DesignError, match="022"):
        between(features, labels, strata=sites.drop("022"))


def test_few_people_are_enumerated_and_said(features, labels):
    few = ["001", "002", "003", "020", "021", "022"]
    result = between(features.loc[few], labels[few], errors="exchangeable")
    assert any("all 20 permutations" in note for note in result.notes)
    assert result.table["p"].min() >= 2 / 20
    assert any("all 64 sign flips" in note for note in within(features.loc[few], features.loc[few] ** 2).notes)


def test_people_with_other_labels_are_left_out(features, labels):
    labels = labels.copy()
    labels["002"] = "unclassified"
    result = between(features, labels.drop("004"))
    assert (result.table["n_a"] == 12).all()
    assert result.notes[0].startswith("2 people have neither")


def test_default_p_is_the_larger_of_both_schemes(features, labels):
    tables = {name: between(features, labels, errors=name).table for name in ("either", "exchangeable", "symmetric")}
    for column in ("p", "p_fwe"):
        expected = np.maximum(tables["exchangeable"][column], tables["symmetric"][column])
        np.testing.assert_array_equal(tables["either"][column], expected)


def test_a_planted_effect_is_found_and_only_there(features, labels):
    features["edge4"] += 2.5 * (labels == "wide")
    table = between(features, labels, n_permutations=999).table.set_index("test")
    assert table.loc["edge4", "p_fwe"] < 0.01
    assert table.loc["edge4", "q_fdr"] < 0.05
    assert table.loc["edge4", "ci_low"] > 0.5
    assert table.loc["edge4", "bf01"] < 0.1
    assert (table.drop("edge4")["p_fwe"] > 0.05).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, y: (pd.concat([f, f.iloc[:1]]), y), "more than one row for 001"),
        (lambda f, y: (f, y.replace("wide", "other")), "0 in 'wide'"),
        (lambda f, y: (f.iloc[:15], y), "1 in 'wide'"),
    ],
)
def test_a_design_that_cannot_answer_is_refused(features, labels, change, message):
    with pytest.raises(DesignError, match=message):
        between(*change(features, labels))


def test_a_person_with_one_condition_is_refused(features):
    with pytest.raises(DesignError, match="007"):
        within(features, features.drop("007"))


def test_families_are_checked_and_hashed():
    with pytest.raises(DesignError, match="edge1"):
        family(tests=("edge1", "edge1"))
    primary, other = family("age", "sex"), family(name="else", role="exploratory")
    digest = family_hash([primary, other], "b - a")
    assert digest == family_hash([family("sex", "age", tests=TESTS[::-1])], "b - a")
    assert len(digest) == 64
    changed = [([family("age")], "b - a"), ([family("age", "sex", tests=TESTS[1:])], "b - a"), ([primary], "a - b")]
    assert digest not in {family_hash(*declared) for declared in changed}
