"""From a scored target to a saved model, and from a saved model back to the line that prepares new recordings."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from painconn.config.loader import load_study
from painconn.errors import InputError
from painconn.features.parts import parts_of
from painconn.paths import Results
from painconn.prediction.confounds import numeric_table
from painconn.prediction.design import make_design
from painconn.prediction.linear import draw_models, fit_linear
from painconn.prediction.model_file import read_model
from painconn.prediction.number_design import make_number_design
from painconn.prediction.number_linear import fit_regression, guaranteed_level, leave_folds_out
from painconn.prediction.saved_model import ModelRecord, RegressionRecord, SavedModel, SavedRegression
from painconn.reporting.page import build_page
from painconn.steps import apply, audit, compare, model, predict, report, table
from painconn.steps.plan import Plan
from painconn.store import read_json, read_tsv, save_parquet

READY = """\
name: ready
data:
  sources: [{root: ., layout: features, features_table: table.tsv}]
targets:
  states:
    contrast: {kind: within, a: {condition: rest}, b: {condition: task}}
    n_permutations: 100
    n_repeats: 2
  score:
    contrast: {kind: association, column: score, observation: {condition: rest}}
    n_permutations: 100
"""
GROUPS = {"affective": ("insula-lh", "insula-rh"), "sensory": ("postcentral-lh",)}


@pytest.fixture
def scored(tmp_path, rng):
    """A ready table of 12 people in two conditions, one of six columns tells them apart, up to the audit."""
    people, rows = [f"{number:02d}" for number in range(12)], []
    for person in people:
        for condition in ("rest", "task"):
            values = rng.standard_normal(6)
            values[2] += 4 * (condition == "task")
            rows.append(
                {"participant": person, "condition": condition} | {f"feature{i}": v for i, v in enumerate(values)}
            )
    pd.DataFrame(rows).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    scores = pd.DataFrame({"participant_id": people, "score": np.arange(12)})
    scores.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(READY)
    plan = Plan(load_study(tmp_path / "study.yaml"), Results(tmp_path / "out"))
    table.run(plan.results, json.loads(plan.settings_table()))
    for name in plan.study.targets:
        for step in (compare, predict, audit):
            step.run(plan.results, json.loads(plan.settings_target(name)), name)
    return plan


@pytest.mark.slow
def test_the_primary_set_is_interpreted_and_the_card_says_why_there_is_no_model(scored):
    for name in ("states", "score"):
        model.run(scored.results, json.loads(scored.settings_model(name)), name)
    rows = read_tsv(scored.results.target("states", "interpretation.tsv")).set_index("name")
    assert rows.index[rows["stable"].astype(str) == "True"].tolist() == ["feature2"]
    assert rows.loc["feature2", "pattern"] > 0.8
    assert rows.loc["all columns", "auc_lost"] > 0.3
    assert read_json(scored.results.target("states", "model.json"))["saved"] is False
    card = (scored.results.model("states") / "model_card.md").read_text()
    assert "There is no model file: the data came as ready features" in card
    assert "Not a diagnosis." in card
    auc = read_json(scored.results.target("states", "scores.json"))["feature_sets"]["all columns"]["auc"]
    assert f"- AUC {auc:.3f}" in card
    assert read_json(scored.results.target("score", "model.json"))["saved"] is False
    of_scores = (scored.results.model("score") / "model_card.md").read_text()
    r2 = read_json(scored.results.target("score", "scores.json"))["feature_sets"]["all columns"]["r2"]
    assert f"- R² {r2:.3f}" in of_scores
    assert "Regression of the target score: ridge_regression" in of_scores
    rows = read_tsv(scored.results.target("score", "interpretation.tsv"))
    assert {"pattern", "p_fwe", "stable", "role", "family", "family_size", "r2_lost", "folds_worse"} <= set(rows)
    assert rows["name"].tolist() == [f"feature{place}" for place in range(6)] + ["all columns"]
    report.run(scored.results, json.loads(scored.settings_report()))
    page = build_page(scored.results.root)
    assert "What the classifier of states rests on" in page
    assert "What the regression of score rests on" in page
    assert "R² lost in score" in page


@pytest.fixture
def demo(repository, tmp_path):
    """The plan of the demo study on a folder with a file of one person, and the settings of its model step."""
    recording = tmp_path / "data" / "sub-01" / "eeg" / "sub-01_task-pain_eeg.vhdr"
    recording.parent.mkdir(parents=True)
    recording.touch()
    study = load_study(repository / "configs" / "studies" / "demo.yaml")
    return _plan_of(study, tmp_path), recording


def _plan_of(study, folder):
    plan = object.__new__(Plan)
    plan.study, plan.results = study, Results(folder / "out")
    plan.sessions = {
        "sub-01": {"participant": "01", "session": "", "site": study.data.sources[0].site, "montage": None}
    }
    plan.inventory = {"sessions": list(plan.sessions.values()), "montages": {}}
    return plan


def saved_of(plan, **changes):
    """A model of the demo study, fitted to 20 people of chance."""
    generator = np.random.default_rng(4)
    settings = json.loads(plan.settings_model("hyperalgesia"))
    columns = [f"wpli2_debiased__lcmv__{band}__{place}" for band in ("alpha", "beta") for place in ("a__b", "a__c")]
    people = [f"{number:02d}" for number in range(20)]
    design = make_design(people, ["a", "b"] * 10, a="a", b="b", kind="between", n_outer=3, n_repeats=1)
    frame = pd.DataFrame(generator.standard_normal((20, 4)) + 0.5 * design.signs[:, None], people, columns)
    fitted = fit_linear("ridge", numeric_table(frame), design.signs, design.folds[0])
    draws = draw_models("ridge", numeric_table(frame), design, fitted, seed=1, n_draws=20)
    record = ModelRecord.model_validate(
        {
            "format": "painconn-model-1", "target": "hyperalgesia", "classifier": "ridge", "setting": fitted.setting,
            "intercept": fitted.intercept, "calibration": vars(fitted.platt), "kind": "between", "negative": "a",
            "positive": "b", "n_negative": 10, "n_positive": 10, "n_participants": 20, "feature_set": "blocks",
            "features": columns, "performance": {}, "made_with": {},
            "contract": {
                "line": settings["line"], "contrast": settings["target"]["contrast"],
                "primary": settings["target"]["primary"], "head": None, "caps": [],
            },
        } | changes
    )  # fmt: skip
    return SavedModel(record, fitted, draws, frame.min().to_numpy(), frame.max().to_numpy()), frame


def regression_of(plan, **changes):
    """A regression of a score on two columns, fitted to 20 people of chance."""
    generator = np.random.default_rng(4)
    settings = json.loads(plan.settings_model("hyperalgesia"))
    columns = [f"wpli2_debiased__lcmv__{band}__a__b" for band in ("alpha", "beta")]
    people = [f"{number:02d}" for number in range(20)]
    frame = pd.DataFrame(generator.standard_normal((20, 2)), people, columns)
    score = 50 + 10 * frame.sum(axis=1).to_numpy()
    design = make_number_design(people, score.tolist(), score="pain", n_repeats=1)
    given = "ridge_regression", numeric_table(frame), score, design.folds[0]
    fitted = fit_regression(*given)
    folds = leave_folds_out(*given, fitted).deciding(0.95)
    record = RegressionRecord.model_validate(
        {
            "format": "painconn-regression-1", "target": "pain", "classifier": "ridge_regression",
            "setting": fitted.setting, "intercept": fitted.intercept, "score": "pain", "lowest": score.min(),
            "highest": score.max(), "interval_level": 0.95, "guaranteed_level": guaranteed_level(20, 5, 0.95),
            "errors": [errors.tolist() for errors in folds.errors], "n_participants": 20, "feature_set": "blocks",
            "features": columns, "performance": {}, "made_with": {},
            "contract": {
                "line": settings["line"], "primary": settings["target"]["primary"], "head": None, "caps": [],
                "contrast": {"kind": "association", "column": "pain", "observation": {"condition": "rest"}},
            },
        } | changes
    )  # fmt: skip
    return SavedRegression(record, fitted, folds, frame.min().to_numpy(), frame.max().to_numpy()), frame


@pytest.mark.parametrize("made", [saved_of, regression_of])
def test_new_recordings_are_prepared_with_the_settings_of_the_models_own_study(demo, tmp_path, made):
    plan, recording = demo
    saved, _ = made(plan)
    model._write_model(tmp_path / "model", saved)
    again = read_model(tmp_path / "model")
    for given in ([recording.parents[2]], [recording]):
        other = _plan_of(apply.study_of(again, given), tmp_path)
        assert other.study.data.sources[0].root == (tmp_path / "data").resolve()
        own, found = (json.loads(each.settings_clean("sub-01")) for each in (plan, other))
        assert own["source"].pop("root") != found["source"].pop("root")
        assert found == own
        assert other.settings_connect("sub-01") == plan.settings_connect("sub-01")


def test_recordings_that_are_not_there_or_lie_apart_or_have_unknown_names_are_refused(demo, tmp_path):
    plan, recording = demo
    saved, _ = saved_of(plan)
    with pytest.raises(InputError, match=r"nowhere\.edf · found: no such file"):
        apply.study_of(saved, [tmp_path / "nowhere.edf"])
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(InputError, match="2 folders"):
        apply.study_of(saved, [recording, other])
    with pytest.raises(InputError, match="not named as in the model's study"):
        apply.study_of(saved, [other])


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.clear(),
        lambda line: line["cortex"].update(parcellation={"annot": {"lh": "secret"}}),
        lambda line: line["connectivity"].update(bands_hz="all"),
        lambda line: line.update(sources=[]),
    ],
)
def test_a_contract_that_is_no_study_is_refused_and_names_no_file_to_read(demo, change):
    plan, recording = demo
    contract = json.loads(json.dumps(saved_of(plan)[0].record.contract))
    contract["line"]["cleaning"]["manual_decisions"] = "secret.tsv"
    saved, _ = saved_of(plan, contract=contract)
    assert apply.study_of(saved, [recording]).cleaning.manual_decisions is None
    change(contract["line"])
    saved, _ = saved_of(plan, contract=contract)
    with pytest.raises(InputError, match=r"model\.json, contract · found: no settings that prepare a recording"):
        apply.study_of(saved, [recording])


@pytest.fixture
def results_of(tmp_path):
    def write(frame):
        results = Results(tmp_path / "results")
        keys = pd.DataFrame({"participant": frame.index, "session": "", "condition": "rest", "window": "epoch"})
        results.group("").mkdir(parents=True, exist_ok=True)
        whole = pd.concat([keys.assign(site="site1"), frame.reset_index(drop=True)], axis=1)
        save_parquet(whole, results.group("features.parquet"))
        return results

    return write


def test_people_get_the_scores_of_the_model_a_missing_block_is_refused_and_a_far_one_marked(demo, results_of):
    saved, frame = saved_of(demo[0])
    people = frame.copy()
    people.iloc[1, 0] = np.nan
    people.iloc[2, :2] = np.nan
    people.iloc[3, 3] = frame.iloc[:, 3].max() + 2 * saved.model.scale[3]
    found, outside, refused = apply._predictions(saved, results_of(people))
    assert found["participant"].tolist() == [name for name in frame.index if name != "02"]
    expected = saved.model.probability(people.loc[found["participant"]].to_numpy())
    np.testing.assert_allclose(found["probability"], expected, atol=1e-12)
    assert found["n_missing"].tolist() == [0, 1] + [0] * 17
    assert found["outside"].tolist() == ["none"] * 2 + ["wpli2_debiased lcmv beta"] + ["none"] * 16
    assert outside.loc[outside["flagged"], "largest_sd"].item() == pytest.approx(2)
    (problem,) = refused
    assert problem.where.startswith("sub-02")
    assert "not computable: wpli2_debiased lcmv alpha" in problem.found


def test_people_get_a_score_with_its_interval_and_what_lies_beyond_the_study_is_marked(demo, results_of):
    saved, frame = regression_of(demo[0])
    people = frame.copy()
    people.iloc[0] = saved.high + 3 * saved.model.scale
    people.iloc[1] = saved.low - 0.5 * saved.model.scale
    people.iloc[2, 0] = np.nan
    found, outside, refused = apply._predictions(saved, results_of(people))
    values = people.loc[found["participant"]].to_numpy()
    np.testing.assert_allclose(found["predicted"], saved.model.scores(values), atol=1e-12)
    ends = saved.folds.interval(saved.model.standardised(values), 0.95)
    np.testing.assert_allclose(found[["pi_low", "pi_high"]].to_numpy().T, ends, atol=1e-12)
    assert (found["pi_low"] < found["predicted"]).all()
    assert (found["predicted"] < found["pi_high"]).all()
    assert found["beyond"].tolist() == ["above", "below"] + ["none"] * 17
    assert set(found["score"]) == {"pain"}
    assert found["outside"].tolist() == ["wpli2_debiased lcmv alpha, wpli2_debiased lcmv beta"] + ["none"] * 18
    assert outside.loc[outside["flagged"], "largest_sd"].tolist() == pytest.approx([3, 3])
    (problem,) = refused
    assert "not computable: wpli2_debiased lcmv alpha" in problem.found


def test_another_cap_moved_electrodes_and_another_head_are_told_together(demo, monkeypatch):
    plan, _ = demo
    cap = {"names": ["Cz", "Pz"], "positions_m": [[0, 0, 0.1], [0, -0.05, 0.08]]}
    saved, _ = saved_of(plan)
    contract = saved.record.contract | {"caps": [cap], "head": {"label": "fsaverage5", "sha256": "aa"}}
    saved = replace(saved, record=saved.record.model_copy(update={"contract": contract}))
    montages = {
        "same": cap,
        "moved": cap | {"positions_m": [[0, 0, 0.1], [0, -0.05, 0.06]]},
        "other": {"names": ["Cz", "Oz"], "positions_m": cap["positions_m"]},
        None: None,
    }
    plan.sessions = {f"sub-{name}": {"participant": "01", "montage": name} for name in montages}
    plan.inventory = {"montages": montages}
    told = [str(problem) for problem in apply._electrode_problems(saved, plan, sorted(plan.sessions))]
    assert len(told) == 3
    assert "sub-None, electrodes · found: electrodes without known positions" in told[0]
    assert "up to 20 mm from the model's · wanted: at most 10 mm" in told[1]
    assert "missing Pz; not in the model Oz" in told[2]
    monkeypatch.setattr(apply, "read_result", lambda _: {"head": {"label": "fsaverage5", "sha256": "bb"}})
    (problem,) = apply._head_problems(saved, plan, ["sub-same"])
    assert (problem.found, problem.wanted) == ("sha256 bb", "sha256 aa")


def test_columns_belong_to_measures_bands_and_circuits_whatever_they_are_made_of():
    columns = [
        "wpli2_debiased__lcmv__alpha__affective__sensory", "wpli2_debiased__lcmv__beta__affective__affective",
        "coh__lcmv__beta__postcentral-lh__insula-rh", "power_rel__sensors__alpha__mean", "feature0",
    ]  # fmt: skip
    parts = parts_of(columns, GROUPS)
    assert parts["measure", "wpli2_debiased"] == [0, 1]
    assert parts["band", "alpha"] == [0, 3]
    assert parts["circuit", "affective - sensory"] == [0, 2]
    assert parts["circuit", "affective - affective"] == [1]
    assert not any(4 in places for places in parts.values())
    assert parts_of(columns[:1], GROUPS) == {}
