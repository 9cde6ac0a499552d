"""Each planted leak is shown by the gate that is there for it; epochs as samples in a real table."""

import importlib
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

EXPECTED = {
    "epochs as samples": "refused by make_design",
    "epochs under names of their own": "result_too_good",
    "selection before the split": "pure_noise",
    "fitted step outside the fold": "fitted_inside_fold",
    "label determined by site": "refused by make_design",
    "label follows site (17 of 20)": "probe_site",
    "label determined by age": "probe_age",
    "pain side follows the label": "probe_pain_side",
    "muscle follows the label": "probe_muscle",
    "bad channels follow the label": "probe_bad_channels",
    "60 epochs against 20, `plv`": "probe_epoch_count",
    "60 epochs against 20, `pli`": "probe_epoch_count",
    "gaps follow the label": "probe_missing_values",
    "strong drift along files numbered by group": "probe_file_order",
    "people there twice under two names": "duplicate_recordings",
    "a column made from the label": "result_too_good",
}


SEEN = {}


@pytest.fixture(scope="module")
def tools(repository):
    names = ("planted_leaks", "measure_leaks", "measure_pain_severity", "tabulate_scores")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "tools")
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name)


def outcome(tools, name, *, leak):
    if (name, leak) not in SEEN:
        canary = next(one for one in tools["planted_leaks"].CANARIES if one.leak == name)
        cohort = canary.make(np.random.default_rng(0), leak)
        SEEN[name, leak] = tools["measure_leaks"].outcome_of(cohort, n_permutations=39)
    return SEEN[name, leak]


@pytest.mark.parametrize("name", EXPECTED)
def test_the_gate_that_is_there_for_a_leak_shows_it(tools, name):
    found = outcome(tools, name, leak=True)
    assert found.naive_auc > 0.7
    assert EXPECTED[name] in found.fired


@pytest.mark.parametrize(
    "name", ["selection before the split", "label follows site (17 of 20)", "muscle follows the label"]
)
def test_without_its_leak_a_cohort_is_at_chance_and_nothing_fires(tools, name):
    found = outcome(tools, name, leak=False)
    assert found.fired == frozenset()
    assert 0.2 < found.auc < 0.8


def test_unequal_epochs_leave_the_debiased_measure_where_it_was(tools):
    found = outcome(tools, "60 epochs against 20, `wpli2_debiased`", leak=True)
    assert found.fired == frozenset()
    assert found.auc < 0.75
    assert outcome(tools, "60 epochs against 20, `plv`", leak=True).auc > 0.95


def test_what_follows_the_label_leaves_no_increment(tools):
    found = outcome(tools, "bad channels follow the label", leak=True)
    assert found.auc > 0.8
    assert abs(found.increment) < 0.1


def test_a_feature_set_that_could_not_be_scored_says_so_in_the_table(tools):
    line = tools["tabulate_scores"].set_line("edges", {"role": "primary", "auc": None, "reason": "no columns"})
    assert line == "| **edges** (primary) | - | not scored: no columns | - | - | - |"


@pytest.mark.realdata
def test_epochs_as_samples_tell_patients_apart_whatever_they_are_called(tools, real_data):
    severity = tools["measure_pain_severity"]
    epochs, people = severity.tables_of(real_data / "pain-tables" / "wearable-eeg-chronic-pain")
    assert epochs.shape == (960, 80)
    assert people["severity"].value_counts().to_dict() == {"mild": 7, "moderate": 7, "severe": 6}
    # Half of the patients by number, which is nothing but a name: two labels for no reason.
    labels = np.where(epochs["participant"].str[-1].astype(int) % 2, "a", "b")
    in_rows, in_patients = (severity.row_auc(epochs, labels, "b", whole_patients=whole) for whole in (False, True))
    assert in_rows > 0.65
    assert in_patients < in_rows - 0.1
