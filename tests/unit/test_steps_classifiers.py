"""Classifiers named in a study: matrices are found among the columns, and what is none is refused with a reason."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from painconn.config.loader import load_study
from painconn.errors import ConfigError
from painconn.features.edges import block_names, edge_names, symmetric_matrices
from painconn.paths import Results
from painconn.prediction.confounds import joined_table
from painconn.prediction.folds import FeatureTable
from painconn.prediction.preparation import PreparedTable
from painconn.steps import audit, compare, predict, table
from painconn.steps.plan import Plan
from painconn.store import read_json

STUDY = """\
name: ready
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
targets:
  states:
    contrast: {kind: within, a: {condition: rest}, b: {condition: task}}
    classifier: CLASSIFIER
    n_permutations: 100
    n_repeats: 1
    n_outer_folds: 3
"""
REGIONS = ("a", "b", "c", "d")


@pytest.fixture
def evaluated(tmp_path, rng):
    """Evaluate a classifier on a table of 10 people in two conditions, one of whose columns tells them apart."""

    def evaluate(columns, classifier):
        people = [f"{number:02d}" for number in range(10)]
        rows = []
        for person in people:
            own = 0.2 * rng.standard_normal(len(columns))
            for condition in ("rest", "task"):
                values = np.tanh(own + 0.1 * rng.standard_normal(len(columns)) + 0.4 * (condition == "task"))
                rows.append(
                    dict({"participant": person, "condition": condition}, **dict(zip(columns, values, strict=True)))
                )
        pd.DataFrame(rows).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        pd.DataFrame({"participant_id": people}).to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
        (tmp_path / "study.yaml").write_text(STUDY.replace("CLASSIFIER", classifier))
        results = Results(tmp_path / "out")
        plan = Plan(load_study(tmp_path / "study.yaml"), results)
        table.run(results, json.loads(plan.settings_table()))
        for step in (compare, predict, audit):
            step.run(results, json.loads(plan.settings_target("states")), "states")
        return read_json(results.target("states", "scores.json")), read_json(results.target("states", "audit.json"))

    return evaluate


@pytest.mark.slow
def test_a_study_names_a_classifier_of_matrices_and_the_audit_repeats_it(evaluated):
    scores, gates = evaluated(edge_names("coh", "lcmv", "alpha", REGIONS), "tangent")
    assert scores["feature_sets"]["all columns"]["auc"] > 0.9
    again = next(gate for gate in gates["gates"] if gate["gate"] == "shuffled_run")
    assert again["evaluated"]
    assert again["passed"]


def test_columns_that_are_no_matrix_are_refused_with_a_reason_that_fails_the_audit(evaluated):
    scores, gates = evaluated([f"feature{number}" for number in range(6)], "tangent")
    score = scores["feature_sets"]["all columns"]
    assert score["auc"] is None
    assert score["reason"].startswith("tangent: the columns are not all edges of a symmetric measure")
    assert not gates["passed"]


def test_a_contrast_of_two_sides_refuses_a_regression_and_an_unknown_name(tmp_path):
    for name, reason in (("ridge_regression", "predicts a number"), ("rigde", "is unknown")):
        (tmp_path / "study.yaml").write_text(STUDY.replace("CLASSIFIER", name))
        with pytest.raises(ConfigError, match=f"classifier {name} {reason}.*wanted: one of: majority, ridge, lda"):
            load_study(tmp_path / "study.yaml")


def test_edges_of_symmetric_measures_are_matrices_and_nothing_else_is():
    alpha, theta = (edge_names("coh", "lcmv", band, REGIONS) for band in ("alpha", "theta"))
    columns = ["quality__muscle_index", *alpha, *reversed(theta)]
    found = symmetric_matrices(columns)
    assert len(found) == 2
    for matrix, band in zip(found, ("alpha", "theta"), strict=True):
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_array_equal(np.diagonal(matrix), -1)
        assert columns[matrix[1, 3]] == f"coh__lcmv__{band}__b__d"
    assert symmetric_matrices(alpha[:-1]) == []
    assert symmetric_matrices(alpha[:1]) == []
    groups = {"one": ("a", "b"), "two": ("c", "d"), "three": ("e", "f")}
    for names in (
        edge_names("imcoh", "lcmv", "alpha", REGIONS),
        edge_names("dpli", "lcmv", "alpha", REGIONS),
        block_names("coh", "lcmv", "alpha", groups),
    ):
        assert symmetric_matrices(names) == []


def test_covariates_beside_features_keep_matrices_and_are_left_alone_by_steps_of_the_fold(rng):
    def zero(values, train):
        return np.zeros_like(values)

    values, matrix = rng.standard_normal((8, 3)), np.array([[-1, 0, 1], [0, -1, 2], [1, 2, -1]])
    features = FeatureTable(values, np.ones(3), (matrix,), (zero,))
    covariates = FeatureTable(rng.standard_normal((8, 2)), np.ones(2))
    joined = joined_table(features, covariates)
    assert joined.matrices == (matrix,)
    prepared = PreparedTable.of(joined).standardised(np.arange(6))
    assert not prepared[:, :3].any()
    plain = PreparedTable.of(replace(joined, steps=())).standardised(np.arange(6))
    np.testing.assert_allclose(prepared[:, 3:], plain[:, 3:])
