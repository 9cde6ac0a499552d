"""When leaving sites and pairs out is done beside the main evaluation, and when it is refused."""

import numpy as np
import pandas as pd
import pytest

from painconn.config.targets import Target
from painconn.prediction.design import make_design
from painconn.steps.secondary import secondary_evaluations
from painconn.steps.selection import Selection

GROUPS = {"kind": "between", "column": "group", "a": "control", "b": "patient", "observation": {"condition": "rest"}}
PAIRS = {"kind": "within", "a": {"condition": "rest"}, "b": {"condition": "task"}}


def target_of(contrast=GROUPS, **options):
    return {"target": Target(contrast=contrast, n_permutations=100, **options).model_dump(mode="json")}


def selection_of(n_control, n_patient, sites):
    labels = ["control"] * n_control + ["patient"] * n_patient
    return _selection([f"p{number:02d}" for number in range(len(labels))], labels, sites, "between")


def pairs_of(n, sites):
    people = [f"p{number:02d}" for number in range(n) for _ in range(2)]
    return _selection(people, ["rest", "task"] * n, sites, "within")


def _selection(people, labels, sites, kind):
    values = np.random.default_rng(len(people)).normal(size=(len(people), 4))
    features = pd.DataFrame(values, columns=[f"f{number}" for number in range(4)])
    a, b = sorted(set(labels))
    return Selection(features, people, labels, sites, pd.DataFrame(index=features.index), a, b, kind, [])


def secondary(settings, selection, **more):
    design = make_design(
        selection.participants,
        selection.labels,
        a=selection.a,
        b=selection.b,
        kind=selection.kind,
        strata=selection.sites,
        n_repeats=1,
        seed=1,
    )
    return secondary_evaluations(
        settings, selection, design, list(selection.features.columns), **{"steps": [], "seed": 1} | more
    )


def two_sites(n):
    return ["one", "two"] * (n // 2)


def test_tiny_samples_of_two_sites_have_both_and_the_rows_may_come_in_any_order():
    selection = selection_of(6, 6, two_sites(12))
    found = secondary(target_of(), selection)
    assert set(found) == {"leave_site_out", "leave_pair_out"}
    assert found["leave_pair_out"]["n_pairs"] == 36
    assert [site["site"] for site in found["leave_site_out"]["sites"]] == ["one", "two"]
    order = np.random.default_rng(3).permutation(12)
    turned = Selection(
        selection.features.iloc[order].reset_index(drop=True),
        *([values[row] for row in order] for values in (selection.participants, selection.labels, selection.sites)),
        selection.covariates,
        selection.a,
        selection.b,
        selection.kind,
        [],
    )
    assert secondary(target_of(), turned) == found


@pytest.mark.parametrize(
    ("asked", "classifier", "n_patient", "computed"),
    [
        ("tiny", "ridge", 10, True),
        ("tiny", "ridge", 11, False),
        ("tiny", "svm_linear", 10, False),
        ("always", "ridge", 11, True),
        ("never", "ridge", 10, False),
    ],
)
def test_pairs_are_left_out_as_the_target_asks(asked, classifier, n_patient, computed):
    selection = selection_of(11, n_patient, ["one"] * (11 + n_patient))
    found = secondary(target_of(leave_pair_out=asked, classifier=classifier), selection)
    assert set(found) == ({"leave_pair_out"} if computed else set())


def test_within_people_no_site_is_left_out_and_a_pair_is_a_person():
    found = secondary(target_of(PAIRS), pairs_of(8, [site for site in two_sites(8) for _ in range(2)]))
    assert set(found) == {"leave_pair_out"}
    assert found["leave_pair_out"]["n_pairs"] == 8


def test_refused_unseen_sites_refuse_what_leaves_all_of_a_site_out():
    settings = target_of(harmonisation="combat", unseen_site="refuse")
    found = secondary(settings, selection_of(6, 6, two_sites(12)))
    assert found["leave_site_out"]["auc"] is None
    assert "nobody of a site" in found["leave_site_out"]["reason"]
    # Of six people of each site somebody is always left to learn from.
    assert found["leave_pair_out"]["n_pairs"] == 36
    found = secondary(settings, selection_of(6, 6, [*["one"] * 5, "two", *["one"] * 5, "two"]))
    assert found["leave_pair_out"] == {"auc": None, "reason": found["leave_site_out"]["reason"]}
    pooled = secondary(
        target_of(harmonisation="combat"), selection_of(6, 6, [*["one"] * 5, "two", *["one"] * 5, "two"])
    )
    assert pooled["leave_pair_out"]["n_pairs"] == 36
