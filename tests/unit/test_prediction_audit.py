"""Every gate fires on what it is there for, and only then."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from painconn.prediction import audit
from painconn.prediction.design import Design, make_design
from painconn.prediction.evaluation import Evaluation, evaluate

GATES = [
    "shuffled_labels",
    "shuffled_run",
    "pure_noise",
    "fitted_inside_fold",
    "person_overlap",
    "fold_class_counts",
    "duplicate_recordings",
    "result_too_good",
]


def design_of(n_each: int = 12) -> Design:
    people = [f"p{index:02d}" for index in range(2 * n_each)]
    return make_design(people, ["a"] * n_each + ["b"] * n_each, a="a", b="b", kind="between", n_repeats=3)


@pytest.fixture(scope="module")
def noise() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(24, 30)))


@pytest.fixture(scope="module")
def clean(noise: pd.DataFrame) -> Evaluation:
    return evaluate(noise, design_of(), n_permutations=200)


def signatures(noise: pd.DataFrame) -> tuple[dict[str, np.ndarray | str], dict[str, str]]:
    owners = {f"rec-{index}": f"p{index:02d}" for index in range(len(noise))}
    return dict(zip(owners, noise.to_numpy(), strict=True)), owners


def test_an_honest_evaluation_passes_every_gate(clean: Evaluation, noise: pd.DataFrame) -> None:
    fingerprints, owners = signatures(noise)
    records = audit.audit_evaluation(clean, noise, seed=0, fingerprints=fingerprints, owners=owners)
    assert [record["gate"] for record in records] == GATES
    assert all(record["passed"] and record["evaluated"] for record in records)


def test_gates_that_cannot_be_evaluated_do_not_pass(clean: Evaluation, noise: pd.DataFrame) -> None:
    by_name = {record["gate"]: record for record in audit.audit_evaluation(clean, noise, seed=0)}
    assert not by_name["duplicate_recordings"]["passed"]
    assert not by_name["duplicate_recordings"]["evaluated"]
    assert "no signatures" in by_name["duplicate_recordings"]["found"]
    bare = replace(clean, null=np.empty(0), labellings=np.empty((24, 0)))
    records = (
        audit.shuffled_labels(bare),
        audit.shuffled_run(bare, noise, seed=0),
        audit.fold_class_counts(bare),
    )
    for record in records:
        assert not record["passed"]
        assert not record["evaluated"]


def test_a_person_on_both_sides_is_found(clean: Evaluation) -> None:
    first = clean.splits[0]
    leaking = replace(first, train=np.append(first.train, first.test[0]))
    record = audit.person_overlap(replace(clean, splits=(leaking, *clean.splits[1:])))
    assert not record["passed"]
    assert str(clean.design.participants[first.test[0]]) in record["found"]
    train, test = first.inner[0]
    inner_leak = replace(first, inner=((np.append(train, test[0]), test), *first.inner[1:]))
    assert not audit.person_overlap(replace(clean, splits=(inner_leak, *clean.splits[1:])))["passed"]
    assert not audit.person_overlap(replace(clean, splits=clean.splits[1:]))["passed"]


def test_windows_of_one_person_as_people_are_found_by_the_overlap_gate(clean: Evaluation) -> None:
    design = clean.design
    renamed = replace(design, participants=np.array([name[:2] for name in design.participants]))
    assert not audit.person_overlap(replace(clean, design=renamed))["passed"]


def test_free_permutation_is_found(clean: Evaluation) -> None:
    free = np.random.default_rng(0).permuted(clean.labellings, axis=0)
    assert audit.fold_class_counts(clean)["passed"]
    assert not audit.fold_class_counts(replace(clean, labellings=free))["passed"]


def test_a_null_away_from_chance_is_found(clean: Evaluation) -> None:
    assert not audit.shuffled_labels(replace(clean, null=clean.null + 0.1))["passed"]
    assert not audit.shuffled_labels(replace(clean, null=clean.null - 0.1))["passed"]


def test_a_null_that_is_another_function_is_found(clean: Evaluation, noise: pd.DataFrame) -> None:
    assert audit.shuffled_run(clean, noise, seed=7)["passed"]
    assert not audit.shuffled_run(replace(clean, null=clean.null + 1e-6), noise, seed=7)["passed"]


def test_a_stratum_that_tells_the_labels_apart_is_found() -> None:
    strata = ["north"] * 18 + ["south"] * 6 + ["north"] * 6 + ["south"] * 18
    labels = ["a"] * 24 + ["b"] * 24
    people = [f"p{index}" for index in range(48)]
    design = make_design(people, labels, a="a", b="b", kind="between", strata=strata, n_repeats=3)
    values = np.random.default_rng(0).normal(size=(48, 10)) + 3 * (np.array(strata) == "north")[:, None]
    record = audit.shuffled_labels(evaluate(pd.DataFrame(values), design, n_permutations=100))
    assert not record["passed"]
    assert float(record["found"]) > 0.6


def test_duplicates_under_two_names_are_found(noise: pd.DataFrame) -> None:
    generator = np.random.default_rng(5)
    profile = 50 * np.arange(30.0)
    fingerprints, owners = signatures(noise + profile)
    assert audit.duplicate_recordings(fingerprints, owners)["passed"]
    fingerprints["rec-3"] = np.asarray(fingerprints["rec-17"], dtype=float) + 1e-3 * generator.normal(size=30)
    record = audit.duplicate_recordings(fingerprints, owners)
    assert not record["passed"]
    assert "rec-17 = rec-3" in record["found"]
    same_person = owners | {"rec-3": "p17"}
    assert audit.duplicate_recordings(fingerprints, same_person)["passed"]
    hashes = {"one": "ab12", "two": "cd34", "three": "ab12"}
    people = {"one": "x", "two": "y", "three": "z"}
    assert "one = three" in audit.duplicate_recordings(hashes, people)["found"]
    assert audit.duplicate_recordings(hashes | {"three": "ef56"}, people)["passed"]
    assert not audit.duplicate_recordings(hashes, {"one": "x"})["evaluated"]
    assert not audit.duplicate_recordings({"one": "ab12"}, people)["evaluated"]


def test_short_signatures_count_only_when_equal() -> None:
    generator = np.random.default_rng(0)
    few = {f"r{index}": generator.normal(size=2) for index in range(40)}
    owners = {name: name for name in few}
    assert audit.duplicate_recordings(few, owners)["passed"]
    assert not audit.duplicate_recordings(few | {"r1": few["r2"]}, owners)["passed"]


def test_a_result_too_good_to_be_true_raises_the_alarm(noise: pd.DataFrame) -> None:
    labelled = noise.assign(code=np.repeat([0.0, 8.0], 12))
    record = audit.result_too_good(evaluate(labelled[["code"]], design_of(), n_permutations=20))
    assert not record["passed"]
    assert record["found"] == "1.000"
    assert audit.result_too_good(evaluate(labelled[["code"]], design_of(), n_permutations=20), 1.0)["passed"]
