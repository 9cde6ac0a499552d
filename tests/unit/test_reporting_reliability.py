"""Reliability on the page: what the targets compare, with the saved numbers, and nothing where nothing was saved."""

import re
from dataclasses import replace

import pytest

from painconn.config.study import StudyConfig
from painconn.reporting.page import render_page
from painconn.reporting.reliability import attenuation_sentence, reliability_table
from painconn.reporting.results import StudyResults, TargetResults

REST, TASK = {"condition": "rest"}, {"condition": "task"}


def spread(median, **more):
    known = {} if median is None else {"lowest": median - 0.4, "q25": median - 0.1, "q75": median + 0.1}
    known |= {} if median is None else {"highest": median + 0.2}
    return {"n": 21, "n_computed": 21, "median": median, **known, **more}


def entry(band, *, condition="rest", minus=None, blocks=0.64, attenuation=0.8, **more):
    return {
        "condition": condition,
        "window": "epoch",
        "minus": minus and {"condition": minus, "window": "epoch"},
        "measure": "wpli2_debiased",
        "inverse": "lcmv",
        "band": band,
        "n_people": 20,
        "spearman_brown": {
            "edges": spread(0.3, attenuation=0.55),
            "blocks": spread(blocks, attenuation=attenuation),
        },
        "edges_within_person_r": spread(0.11),
        **more,
    }


def nothing_in(band):
    none = {kind: spread(None, attenuation=None) for kind in ("edges", "blocks")}
    return entry(band, measure="coh", spearman_brown=none, edges_within_person_r=spread(None))


def target(study, name, effect):
    sizes = {"effect": effect, "one_test": 1.2, "whole_family": 1.8, "power": 0.8, "alpha": 0.05, "family_size": 63}
    declaration = {"minimum_detectable_effect": sizes, "n_a": 10, "n_b": 10}
    return TargetResults(name, study["targets"][name], declaration=declaration)


@pytest.fixture
def results():
    between = {"kind": "between", "column": "group", "a": "localized", "b": "widespread", "observation": REST}
    within = {"kind": "within", "a": REST, "b": TASK}
    source = {"root": "data", "layout": "folder", "pattern": "S{participant}_{task}.edf"}
    conditions = {name: {"kind": "rest", "n_epochs": 30} for name in ("rest", "task", "sleep")}
    study = StudyConfig.model_validate(
        {
            "name": "synthetic",
            "data": {"sources": [source], "conditions": conditions, "phenotype": {"column": "group"}},
            "targets": {"spread": {"contrast": between}, "state": {"contrast": within}},
        }
    ).model_dump(mode="json")
    entries = [
        entry("theta"),
        entry("alpha", blocks=None, attenuation=None),
        entry("beta", blocks=-0.05, attenuation=None),
        entry("theta", condition="sleep", blocks=0.99),
        entry("theta", condition="rest", minus="task", blocks=0.25, attenuation=0.5),
    ]
    return StudyResults(
        study=study,
        targets={"spread": target(study, "spread", "d"), "state": target(study, "state", "dz")},
        reliability={"reliability": entries},
    )


def test_rows_are_what_the_targets_compare_with_the_saved_numbers(results):
    table = reliability_table(results)
    assert [(row[0], row[2]) for row in table.rows] == [
        ("rest", "theta"),
        ("rest", "alpha"),
        ("rest", "beta"),
        ("rest against task, difference", "theta"),
    ]
    assert table.rows[0][4:] == ("20", "0.30 (0.20 to 0.40)", "0.64 (0.24 to 0.84)", "0.11")
    assert table.rows[1][6] == "not computable"
    assert "ICC" not in " ".join(table.header)


def test_repeated_sessions_add_their_columns(results):
    iccs = {
        name: {"edges": spread(0.2), "blocks": spread(value)} for name, value in (("icc_2_1", 0.4), ("icc_3_1", 0.5))
    }
    several = entry("theta", n_people_repeated=12, n_sessions=2, **iccs)
    table = reliability_table(replace(results, reliability={"reliability": [several, entry("alpha")]}))
    assert table.rows[0][-3:] == ("12", "0.40", "0.50")
    assert table.rows[1][-3:] == ("not available", "not computable", "not computable")
    assert len(table.header) == len(table.rows[0])


def test_the_true_effect_behind_the_smallest_detectable_one(results):
    between = attenuation_sentence(results, results.targets["spread"])
    assert "observed d of 1.20" in between
    assert "1.50 in theta (reliability 0.64)" in between
    assert "unknown size in alpha (reliability not computable)" in between
    assert "unknown size in beta (reliability −0.05: none was found)" in between
    within = attenuation_sentence(results, results.targets["state"])
    assert "difference of the primary blocks within people (median over blocks), a true one of 2.40 in theta" in within


def test_no_true_effect_is_given_behind_a_reliability_next_to_nothing(results):
    hardly = replace(results, reliability={"reliability": [entry("theta", blocks=0.002, attenuation=0.045)]})
    told = attenuation_sentence(hardly, hardly.targets["spread"])
    assert "a true one of unknown size in theta (reliability 0.00: hardly any was found)" in told


def test_the_page_says_that_reliable_is_not_valid(results):
    page = render_page(results, {})
    assert page.index('id="reliability"') < page.index('id="not-computable"')
    assert "Reliable is not valid" in page
    assert 'href="#reliability"' in page
    assert "1.50 in theta (reliability 0.64)" in page
    assert not re.search(r"\bnan\b|\bNone\b", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize("saved", [None, {}, {"reliability": []}])
def test_nothing_is_said_where_nothing_was_saved(results, saved):
    without = replace(results, reliability=saved)
    assert reliability_table(without) is None
    assert attenuation_sentence(without, without.targets["spread"]) == ""
    page = render_page(without, {})
    assert 'href="#reliability"' not in page
    assert "Errors of measurement" not in page


def test_the_primary_family_comes_first_and_what_is_not_computable_is_one_line(results):
    others = [nothing_in("theta"), nothing_in("alpha"), entry("low_gamma"), entry("theta", measure="imcoh")]
    saved = [*others, *results.reliability["reliability"][:2]]
    table = reliability_table(replace(results, reliability={"reliability": saved}))
    shown = [row[1:3] for row in table.rows]
    assert shown == [
        ("debiased wPLI", "theta"),
        ("debiased wPLI", "alpha"),
        ("debiased wPLI", "low gamma"),
        ("imaginary coherence", "theta"),
    ]
    assert "Nothing is computable of coherence (rest, lcmv): theta and alpha." in table.caption
    assert "Nothing is computable" not in reliability_table(results).caption


def test_a_median_carries_the_interval_of_the_middle_column(results):
    certain = entry("theta")
    certain["spearman_brown"]["blocks"] |= {"median_low": 0.31, "median_high": 0.82}
    table = reliability_table(replace(results, reliability={"reliability": [certain]}))
    assert table.rows[0][6] == "0.64 [0.31 to 0.82] (0.24 to 0.84)"


def test_the_page_explains_negative_values(results):
    assert "A negative value is noise too" in render_page(results, {})
