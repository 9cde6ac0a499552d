"""Harmonisation inside the fold: against the paper's equations, its promises, and the leak that it avoids."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from painconn.config.targets import Target
from painconn.errors import DesignError
from painconn.prediction.confounds import numeric_table
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import auc_of, evaluate
from painconn.prediction.fold_audit import fitted_inside_fold
from painconn.prediction.folds import outer_folds
from painconn.prediction.harmonisation import SiteHarmonisation, unseen_sites
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.site_label import site_label
from painconn.prediction.site_probe import probe_sites
from painconn.steps.harmonisation import require_seen_sites
from painconn.steps.predict import fold_steps

CONTRAST = {"kind": "between", "column": "group", "a": "a", "b": "b", "observation": {"condition": "rest"}}


def by_the_paper(values, sites, covariates=None):
    """Johnson, Li and Rabinovic 2007, sections 3.1 and 3.2, column by column and row by row."""
    n, p = values.shape
    names = sorted(set(sites))
    n_of = {site: sites.count(site) for site in names}
    covariates = np.zeros((n, 0)) if covariates is None else covariates
    z, expected, sigma = np.empty((n, p)), np.empty((n, p)), np.empty(p)
    for g in range(p):
        design = np.column_stack([[float(own == site) for own in sites] for site in names] + [covariates])
        solved = np.linalg.lstsq(design, values[:, g], rcond=None)[0]
        per_site, beta = solved[: len(names)], solved[len(names) :]
        alpha = sum(n_of[site] * own for site, own in zip(names, per_site, strict=True)) / n
        sigma[g] = np.sqrt(np.mean((values[:, g] - design @ solved) ** 2))
        expected[:, g] = alpha + covariates @ beta
        z[:, g] = (values[:, g] - expected[:, g]) / sigma[g]
    harmonised = np.empty((n, p))
    for site in names:
        own = [row for row in range(n) if sites[row] == site]
        gamma_hat = [np.mean(z[own, g]) for g in range(p)]
        delta_hat = [np.var(z[own, g], ddof=1) for g in range(p)]
        gamma_bar, tau_squared = np.mean(gamma_hat), np.var(gamma_hat, ddof=1)
        v, s_squared = np.mean(delta_hat), np.var(delta_hat, ddof=1)
        shape, rate = (v**2 + 2 * s_squared) / s_squared, (v**3 + v * s_squared) / s_squared
        for g in range(p):
            gamma, delta = gamma_hat[g], delta_hat[g]
            for _ in range(500):
                gamma = (len(own) * tau_squared * gamma_hat[g] + delta * gamma_bar) / (len(own) * tau_squared + delta)
                delta = (rate + 0.5 * np.sum((z[own, g] - gamma) ** 2)) / (len(own) / 2 + shape - 1)
            harmonised[own, g] = sigma[g] / np.sqrt(delta) * (z[own, g] - gamma)
    # The factor by which our pooled variance, with its degrees of freedom, differs from the paper's.
    return harmonised * np.sqrt(n / (n - len(names))) + expected, expected


def cohort(n=60, p=6, n_sites=3, seed=0, effect=0.0):
    """Return labels even over sites, and columns that each site shifts and stretches."""
    generator = np.random.default_rng(seed)
    sites = [f"site{place % n_sites}" for place in range(n)]
    labels = np.where((np.arange(n) // n_sites) % 2 == 0, "a", "b")
    truth = generator.normal(size=(n, p))
    truth += effect * np.where(labels == "b", 0.5, -0.5)[:, None]
    # Along the effect, as gains of amplifiers would be: no weighing of columns can tell the two.
    add = {f"site{place}": 3.0 * place + 0.5 * generator.normal(size=p) for place in range(n_sites)}
    stretch = {f"site{place}": 3.0 ** (place - 1) for place in range(n_sites)}
    observed = np.array([add[site] + stretch[site] * row for site, row in zip(sites, truth, strict=True)])
    people = [f"p{place:03d}" for place in range(n)]
    design = make_design(people, labels.tolist(), a="a", b="b", kind="between", strata=sites, n_repeats=2)
    return pd.DataFrame(observed), pd.DataFrame(truth), sites, design


def auc_on(values, design, *steps):
    """Return the AUC of the ridge classifier on the folds of a design."""
    table = replace(numeric_table(pd.DataFrame(values)), steps=steps)
    return auc_of("ridge", table, design.signs[:, None], outer_folds(design))[0]


@pytest.mark.parametrize("preserved", [False, True])
def test_training_rows_are_those_of_the_papers_equations(rng, preserved):
    sites = ["a"] * 9 + ["b"] * 7 + ["c"] * 5
    values = rng.normal(size=(21, 8)) * rng.uniform(0.5, 4, 8) + rng.normal(size=8)
    values[:9] += rng.normal(size=8)
    values[16:] *= 2.5
    age = pd.DataFrame({"age": rng.normal(40, 10, 21) + 8 * (np.arange(21) < 9)}) if preserved else None
    values += 0.0 if age is None else 0.2 * age.to_numpy()
    found = SiteHarmonisation.of(sites, "combat", age)(values, np.arange(21))
    scaled = None if age is None else ((age - age.mean()) / age.std(ddof=0)).to_numpy()
    wanted, _ = by_the_paper(values, sites, scaled)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_rows_tested_are_changed_by_what_training_learned_and_by_themselves_alone(rng):
    sites, values = ["a", "b"] * 15, rng.normal(size=(30, 6))
    values[::2] = 5 + 3 * values[::2]
    train = np.arange(20)
    step = SiteHarmonisation.of(sites, "combat")
    found = step(values, train)
    other = values.copy()
    other[21:] = 99.0
    np.testing.assert_array_equal(step(other, train)[:21], found[:21])
    # The map of a site is a line per column: that of its training rows.
    for column in range(6):
        slope, intercept = np.polyfit(values[:20:2, column], found[:20:2, column], 1)
        np.testing.assert_allclose(found[20::2, column], slope * values[20::2, column] + intercept)
    order = rng.permutation(30)
    again = step.rows(order)(values[order], np.flatnonzero(order < 20))
    np.testing.assert_allclose(again, found[order])


@pytest.mark.parametrize("method", ["combat", "centre_site"])
def test_units_of_a_column_do_not_matter(rng, method):
    sites, values, train = ["a", "b", "c"] * 8, rng.normal(size=(24, 5)), np.arange(18)
    step = SiteHarmonisation.of(sites, method)
    unit, zero = np.array([1e-6, 1.0, 1e3, 5.0, 0.1]), np.array([0.0, 3.0, -50.0, 1.0, 2.0])
    np.testing.assert_allclose(step(zero + unit * values, train), zero + unit * step(values, train), rtol=1e-7)


def test_centring_undoes_any_shift_of_a_site_and_combat_nearly_any_shift_and_stretch(rng):
    n, p = 120, 30
    sites = ["a", "b"] * (n // 2)
    truth, of_b = rng.normal(size=(n, p)), np.arange(n) % 2 == 1
    train = np.arange(80)
    shifted = truth + np.where(of_b, 4.0, 0.0)[:, None] * rng.normal(size=p)
    centred = SiteHarmonisation.of(sites, "centre_site")
    moved = centred(shifted, train) - centred(truth, train)
    # Only where the grand mean lies remains, the same for everybody.
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-12)
    stretched = shifted.copy()
    stretched[of_b] *= 5.0
    left = SiteHarmonisation.of(sites, "combat")(stretched, train)[80:]
    apart = np.abs(left[::2].mean(axis=0) - left[1::2].mean(axis=0)) / left[::2].std(axis=0)
    assert apart.max() < 1.0
    np.testing.assert_allclose(left[1::2].std() / left[::2].std(), 1.0, atol=0.1)


@pytest.mark.parametrize("method", ["combat", "centre_site"])
def test_people_of_sites_that_training_hardly_saw_keep_their_numbers(rng, method):
    sites = ["a"] * 10 + ["b"] * 10 + ["lone", "new", "lone"]
    values = rng.normal(size=(23, 4))
    values[10:20] += 3.0
    values[20:] += 7.0
    train = np.arange(21)
    found = SiteHarmonisation.of(sites, method)(values, train)
    np.testing.assert_allclose(found[20:], values[20:], atol=1e-12)
    assert abs(found[:10].mean() - found[10:20].mean()) < 0.3
    folds = outer_folds(cohort()[3])
    assert unseen_sites(["all"] * 60, folds) == []
    assert unseen_sites(["all"] * 59 + ["lone"], folds) == ["lone"]


def test_constant_columns_a_single_column_and_equal_people_stay_numbers(rng):
    values = rng.normal(size=(12, 3))
    values[:, 1] = 0.3
    values[:6, 2] = 1.5
    values[6:, 0] += 5
    sites, train = ["a"] * 6 + ["b"] * 6, np.arange(12)
    found = SiteHarmonisation.of(sites, "combat")(values, train)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 1], 0.3)
    single = SiteHarmonisation.of(sites, "combat")(values[:, :1], train)
    np.testing.assert_allclose(single[:6].mean(), single[6:].mean())
    np.testing.assert_allclose(single[:6].std(), single[6:].std())
    values[:6] = values[0]
    assert np.isfinite(SiteHarmonisation.of(sites, "combat")(values, train)).all()


def test_what_preserved_covariates_explain_stays_and_one_that_is_the_site_preserves_nothing(rng):
    n = 80
    sites = np.array(["a", "b"])[(np.arange(n) >= 40).astype(int)].tolist()
    age = rng.normal(40, 8, n) + 20 * (np.arange(n) >= 40)
    values = 0.5 * age[:, None] + rng.normal(size=(n, 6))
    values[40:] += 3.0
    train = np.arange(n)
    plain = SiteHarmonisation.of(sites, "combat")(values, train)
    kept = SiteHarmonisation.of(sites, "combat", pd.DataFrame({"age": age}))(values, train)
    assert abs(plain[40:].mean() - plain[:40].mean()) < 0.5
    assert kept[40:].mean() - kept[:40].mean() == pytest.approx(0.5 * (age[40:].mean() - age[:40].mean()), abs=0.7)
    useless = pd.DataFrame({"site": [float(site == "b") for site in sites]})
    np.testing.assert_allclose(SiteHarmonisation.of(sites, "combat", useless)(values, train), plain)


def test_an_effect_hidden_by_sites_is_found_again_and_the_label_is_never_looked_at():
    features, truth, sites, design = cohort(effect=1.0)
    step = SiteHarmonisation.of(sites, "combat")
    hidden, without_sites = auc_on(features, design), auc_on(truth, design)
    found = evaluate(features, design, n_permutations=20, steps=(step,))
    assert without_sites > 0.85
    assert hidden < without_sites - 0.15
    assert found.scores["auc"] == pytest.approx(without_sites, abs=0.06)
    assert fitted_inside_fold(found, features, seed=0, steps=(step,))["passed"]


def test_sites_are_at_chance_after_harmonisation_in_test_folds_and_their_spread_only_after_combat():
    features, _, sites, design = cohort(n=72, n_sites=2)
    people = design.participants.tolist()
    (found,) = probe_sites(
        features, people, sites, harmonisation=SiteHarmonisation.of(sites, "combat"), seed=0, n_permutations=199
    )
    assert found["n"] == found["n_others"] == 36
    for look in ("mean", "spread"):
        assert found[f"{look}_before"]["auc"] > 0.9
        assert found[f"{look}_before"]["p"] <= 0.01
        low, high = found[f"{look}_after"]["ci"]
        assert low < 0.5 < high
    (centred,) = probe_sites(
        features, people, sites, harmonisation=SiteHarmonisation.of(sites, "centre_site"), seed=0, n_permutations=199
    )
    assert centred["mean_before"] == found["mean_before"]
    assert centred["mean_after"]["ci"][0] < 0.5 < centred["mean_after"]["ci"][1]
    assert centred["spread_after"]["auc"] > 0.9


def test_without_harmonisation_sites_are_probed_before_only_and_small_ones_not():
    features, _, sites, design = cohort(n=48)
    sites = ["tiny" if place < 2 else site for place, site in enumerate(sites)]
    found = probe_sites(features, design.participants.tolist(), sites, harmonisation=None, seed=0, n_permutations=99)
    assert [one["site"] for one in found] == ["site0", "site1", "site2", "tiny"]
    assert found[0].keys() == {"site", "n", "n_others", "mean_before", "spread_before"}
    assert "fewer than 4" in found[3]["reason"]


def test_the_leak_that_is_avoided_combat_of_everybody_that_preserves_the_label():
    """No effect at all, sites that differ in their groups: the usual way finds one, ours does not."""
    leaked, inside = [], []
    n, p = 60, 40
    of_b = np.arange(n) < n // 2
    people = [f"p{place:03d}" for place in range(n)]
    design = make_design(people, np.where(of_b, "b", "a").tolist(), a="a", b="b", kind="between", n_repeats=1)
    label = pd.DataFrame({"label": of_b.astype(float)})
    for seed in range(12):
        generator = np.random.default_rng(seed)
        first = generator.uniform(size=n) < np.where(of_b, 0.85, 0.15)
        sites = np.where(first, "one", "two").tolist()
        values = generator.normal(size=(n, p)) + 3.0 * first[:, None] * generator.normal(size=p)
        whole = SiteHarmonisation.of(sites, "combat", label)(values, np.arange(n))
        leaked.append(auc_on(whole, design))
        inside.append(auc_on(values, design, SiteHarmonisation.of(sites, "combat")))
    assert np.mean(leaked) > 0.7
    assert abs(np.mean(inside) - 0.5) < 0.06


@pytest.mark.slow
def test_without_an_effect_p_is_below_five_percent_in_five_percent_of_unbalanced_cohorts():
    n, p, n_cohorts = 28, 8, 150
    of_b = np.arange(n) < n // 2
    people = [f"p{place:02d}" for place in range(n)]
    found = 0
    for seed in range(n_cohorts):
        generator = np.random.default_rng(seed)
        first = generator.uniform(size=n) < np.where(of_b, 0.7, 0.3)
        sites = np.where(first, "one", "two").tolist()
        values = generator.normal(size=(n, p)) @ generator.normal(size=(p, p))
        values = np.where(first[:, None], 2.0 + 3.0 * values, values)
        labels = np.where(of_b, "b", "a").tolist()
        design = make_design(people, labels, a="a", b="b", kind="between", strata=sites, n_repeats=1, seed=seed)
        permuted = permuted_labellings(design, n_permutations=39, seed=seed).signs
        step = SiteHarmonisation.of(sites, "combat")
        table = replace(numeric_table(pd.DataFrame(values)), steps=(step,))
        aucs = auc_of("ridge", table, np.column_stack([design.signs, permuted]), outer_folds(design))
        found += (1 + np.sum(aucs[1:] >= aucs[0] - 1e-10)) / 40 <= 0.05
    low, high = binom.interval(0.99, n_cohorts, 0.05)
    assert low <= found <= high


class Selected:
    """What the steps of a fold are made from; labels can be swapped without changing anything else."""

    def __init__(self, sites, labels):
        self.sites, self.labels, self.kind = sites, labels, "between"
        self.covariates = pd.DataFrame({"age": np.arange(len(sites), dtype=float)})


def settings_of(**options):
    target = Target.model_validate({"contrast": CONTRAST, **options})
    return {"name": "pain", "target": target.model_dump(mode="json")}


def test_the_steps_of_a_target_harmonise_before_they_regress_and_do_not_depend_on_labels(rng):
    sites, labels = ["one", "two"] * 10, ["a"] * 10 + ["b"] * 10
    options = {"harmonisation": "combat", "harmonisation_preserves": "covariates", "confound_regression": "features"}
    first, second = fold_steps(settings_of(**options), Selected(sites, labels))
    assert type(first).__name__ == "SiteHarmonisation"
    assert type(second).__name__ == "ConfoundRegression"
    values, train = rng.normal(size=(20, 3)), np.arange(16)
    (swapped, _) = fold_steps(settings_of(**options), Selected(sites, labels[::-1]))
    np.testing.assert_array_equal(swapped(values, train), first(values, train))
    assert fold_steps(settings_of(), Selected(sites, labels)) == []


def test_one_site_and_refused_unseen_sites_say_what_to_do():
    with pytest.raises(DesignError, match="everybody is of site one"):
        fold_steps(settings_of(harmonisation="combat"), Selected(["one"] * 20, ["a", "b"] * 10))
    sites = ["one"] * 18 + ["far"] * 2
    labels = ["a", "b"] * 10
    people = [f"p{place:02d}" for place in range(20)]
    design = make_design(people, labels, a="a", b="b", kind="between", strata=sites, n_repeats=1)
    # Two people with different labels are one block, which is tested as a whole.
    with pytest.raises(DesignError, match="people of far and nobody"):
        require_seen_sites(settings_of(harmonisation="combat", unseen_site="refuse"), Selected(sites, labels), design)
    require_seen_sites(settings_of(harmonisation="combat"), Selected(sites, labels), design)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"harmonisation": "combat", "classifier": "boosting"}, "boosting, which is not linear and can read the site"),
        ({"unseen_site": "refuse"}, "unseen_site without effect"),
        ({"harmonisation_preserves": "covariates"}, "harmonisation_preserves without effect"),
        (
            {
                "harmonisation": "combat",
                "contrast": {"kind": "within", "a": {"condition": "rest"}, "b": {"condition": "task"}},
            },
            "of one site",
        ),
    ],
)
def test_harmonisation_where_it_cannot_help_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        Target.model_validate({"contrast": CONTRAST} | options)


def test_site_and_label_are_tied_when_one_tells_the_other():
    even = site_label(["x", "y"] * 10, ["a"] * 10 + ["b"] * 10)
    assert even["cramers_v"] == pytest.approx(0.0)
    assert not even["tied"]
    assert even["note"] == ""
    assert even["counts"] == {"x": {"a": 5, "b": 5}, "y": {"a": 5, "b": 5}}
    tied = site_label(["x"] * 10 + ["y"] * 10, ["a"] * 9 + ["b"] * 10 + ["a"])
    assert tied["cramers_v"] == pytest.approx(0.8)
    assert "0.80" in tied["note"]
    assert "harmonisation cannot separate" in tied["note"]
    lone = site_label(["x", "x", "y", "y", "z"], ["a", "b", "a", "b", "b"])
    assert lone["one_label"] == ["z"]
    assert lone["tied"]
