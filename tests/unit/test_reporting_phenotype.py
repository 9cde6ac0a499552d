"""The section about the rule: the saved counts, the cut-offs, and nobody by name."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from painconn.reporting.methods import methods_text
from painconn.reporting.page import render_page
from painconn.reporting.phenotype import phenotype_view
from painconn.reporting.results import StudyResults

SITE = {
    "n_controls": 12, "degrees_of_freedom": 11, "sd_log_rating": 0.25, "controls_above_cut": 1,
    "expected_false_positive_rate": 0.0439,
}  # fmt: skip
RECORD: dict[str, Any] = {
    "rule": "pinprick",
    "version": "1",
    "description": "Hyperalgesia against controls",
    "citation": "Somebody 2010, Pain",
    "doi": "10.1000/xyz",
    "cut": "z 1.96",
    "counts": {"control": 12, "localized": 7, "widespread": 6, "unclassified": 3},
    "why_unclassified": {"neither": 1, "remote only": 2},
    "facts": {"adjusted_for": ["age"], "sites": {"painful": SITE, "remote": SITE | {"n_controls": 11}}},
    "notes": ["<b>not adjusted for sex</b>"],
}
SENSITIVITY = pd.DataFrame(
    {
        "cut": ["z 1.64", "z 1.96", "modified t, as rare as z 1.96"],
        "chosen": ["no", "yes", "no"],
        "widespread": [8, 6, 5],
        "localized": [7, 7, 7],
        "control": [12, 12, 12],
        "unclassified": [1, 3, 4],
        "changed": [2, 0, 1],
        "expected_false_positives": [0.07, 0.0439, 0.025],
    }
)


@pytest.fixture
def results() -> StudyResults:
    source = {"root": ".", "layout": "features", "site": "site1"}
    study = {
        "name": "labelled",
        "data": {"sources": [source], "conditions": {}, "phenotype": {"rule": "pinprick", "column": None}},
        "targets": {},
        "report": {},
    }
    return StudyResults(study=study, targets={}, phenotype=RECORD, phenotype_sensitivity=SENSITIVITY)


def test_the_section_shows_the_saved_counts_and_cut_offs(results):
    view = phenotype_view(results)
    assert view is not None
    labels, reference, sensitivity = view.tables
    assert ("widespread", "6") in labels.rows
    assert ("unclassified: remote only", "2") in labels.rows
    assert reference.rows[1][:3] == ("remote", "11", "11")
    assert sensitivity.header == (
        "cut-off", "widespread", "localized", "control", "unclassified", "label changes", "expected above at one site",
    )  # fmt: skip
    assert sensitivity.marked == {1}
    assert sensitivity.rows[1] == ("z 1.96", "6", "7", "12", "3", "0", "4.4 %")
    told = " ".join(view.sentences)
    assert "unclassified (neither: 1 and remote only: 2)" in told
    assert "12 controls at the painful site" in told
    assert "2 people at z 1.64 and 1 person at modified t, as rare as z 1.96" in told


def test_page_and_methods_tell_the_rule_and_its_source(results):
    page = render_page(results, {})
    assert "How the groups were made" in page
    assert "&lt;b&gt;not adjusted for sex" in page
    text = methods_text(results)
    assert "version 1" in text
    assert "Somebody 2010, Pain. doi:10.1000/xyz" in text


def test_without_a_rule_there_is_no_section(results):
    bare = replace(results, phenotype=None, phenotype_sensitivity=None)
    assert phenotype_view(bare) is None
    assert "How the groups were made" not in render_page(bare, {})
    assert "Labels came from columns of the participants table" in methods_text(bare)


def test_a_given_column_has_neither_reference_nor_sensitivity(results):
    record = RECORD | {"rule": "given_column", "facts": {}, "citation": "", "cut": "as given", "notes": []}
    study = results.study | {"data": results.study["data"] | {"phenotype": {"column": "kind"}}}
    given = replace(results, study=study, phenotype=record, phenotype_sensitivity=None)
    view = phenotype_view(given)
    assert view is not None
    assert len(view.tables) == 1
    assert "The column was kind." in methods_text(given)
