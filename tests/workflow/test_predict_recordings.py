"""A saved model applied to recordings: those it was made from get its own numbers, others are refused with a reason."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from painconn.cli import main
from painconn.config.loader import load_study
from painconn.errors import InputError
from painconn.paths import Results
from painconn.prediction.model_file import read_model
from painconn.simulation.presets import PRESETS
from painconn.simulation.write import write_cohort
from painconn.steps import clean, compare, connect, forward, head, model, predict, table
from painconn.steps.apply import apply_model
from painconn.steps.plan import Plan
from painconn.store import read_json, read_parquet, read_tsv

pytestmark = pytest.mark.slow

STUDY = """\
name: tiny
data:
  sources:
    - {root: cohort, layout: bids, line_freq_hz: 50}
  conditions:
    rest: {kind: rest, task: pain, block: rest, n_epochs: 20}
  minimum_per_group: 3
cleaning: {bad_channels: none, ica: none, reject: none}
cortex: {source_spacing: ico3, inverses: [lcmv]}
connectivity: {measures: [wpli2_debiased]}
targets:
  hyperalgesia:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
  years:
    contrast: {kind: association, column: age, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A classifier and a regression of six simulated people, and the folder of their recordings."""
    folder = tmp_path_factory.mktemp("study")
    write_cohort(PRESETS["tiny"], folder / "cohort", seed=7)
    (folder / "tiny.yaml").write_text(STUDY)
    results = Results(folder / "out")
    plan = Plan(load_study(folder / "tiny.yaml"), results)
    for label in plan.heads:
        head.run(results, json.loads(plan.settings_head(label)), label)
    for key in plan.forwards:
        forward.run(results, json.loads(plan.settings_forward(key)), key)
    for name in plan.sessions:
        clean.run(results, json.loads(plan.settings_clean(name)), name)
        connect.run(results, json.loads(plan.settings_connect(name)), name)
    table.run(results, json.loads(plan.settings_table()))
    for name in plan.study.targets:
        for step in (compare, predict):
            step.run(results, json.loads(plan.settings_target(name)), name)
        model.run(results, json.loads(plan.settings_model(name)), name)
    return results, folder / "cohort"


def test_the_recordings_it_was_made_from_get_the_scores_of_the_model_itself(made, tmp_path):
    results, cohort = made
    saved = read_model(results.model("hyperalgesia"))
    found, refused = apply_model(saved, [cohort], tmp_path / "out", say=lambda _: None)
    rows = read_parquet(results.group("features.parquet")).set_index("participant").loc[found["participant"]]
    own = rows[list(saved.record.features)].to_numpy()
    np.testing.assert_allclose(found["score"], saved.model.scores(own), atol=1e-6)
    np.testing.assert_allclose(found["probability"], saved.model.probability(own), atol=1e-6)
    assert len(found) == 6
    assert refused == []
    assert (found["ci_low"] <= found["ci_high"]).all()
    assert set(found["outside"]) == {"none"}
    pd.testing.assert_frame_equal(read_tsv(tmp_path / "out" / "predictions.tsv", dtype={"participant": str}), found)
    assert read_json(tmp_path / "out" / "about.json")["statement"].startswith("Not a diagnosis.")


def test_one_file_stands_for_its_session_and_another_cap_and_head_are_refused_together(made, tmp_path):
    results, cohort = made
    saved = read_model(results.model("hyperalgesia"))
    recording = next(cohort.glob("sub-*/eeg/*.vhdr"))
    contract = json.loads(json.dumps(saved.record.contract))
    contract["caps"][0]["names"][0] = "Nowhere"
    contract["head"]["label"] = "another"
    other = type(saved)(
        saved.record.model_copy(update={"contract": contract}), saved.model, saved.draws, saved.low, saved.high
    )
    with pytest.raises(InputError) as caught:
        apply_model(other, [recording], tmp_path / "out", say=lambda _: None)
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2
    assert "electrodes · found: missing Nowhere; not in the model" in told[0]
    assert "label another" in told[1]


def test_the_card_and_the_interpretation_are_there_and_name_nobody(made):
    results, cohort = made
    card = (results.model("hyperalgesia") / "model_card.md").read_text()
    scores = read_json(results.target("hyperalgesia", "scores.json"))
    score = scores["feature_sets"][scores["primary_feature_set"]]
    assert f"AUC {score['auc']:.3f}" in card
    assert "Not a diagnosis" in card
    text = (results.model("hyperalgesia") / "model.json").read_text()
    assert str(cohort.parent) not in card + text
    for person in cohort.glob("sub-*"):
        assert person.name not in card + text
    rows = read_tsv(results.target("hyperalgesia", "interpretation.tsv"))
    assert {"feature", "all", "band", "circuit"} == set(rows["kind"])
    assert len(rows[rows["kind"] == "feature"]) == score["n_features"]


def test_the_command_gives_a_result_with_its_limits_and_never_a_diagnosis(made, tmp_path, capsys):
    results, cohort = made
    recording = next(cohort.glob("sub-*/eeg/*.vhdr"))
    painconn("predict", results.model("hyperalgesia"), recording, "--out", tmp_path / "out")
    printed = capsys.readouterr().out
    (row,) = read_tsv(tmp_path / "out" / "predictions.tsv", dtype={"participant": str}).itertuples()
    line = f"sub-{row.participant} {row.observation}: widespread {row.probability:.2f} "
    assert f"{line}(95 % {row.ci_low:.2f} to {row.ci_high:.2f})\n" in printed
    assert 0 <= row.ci_low <= row.ci_high <= 1
    assert row.outside == "none"
    assert "Not a diagnosis." in printed


def test_the_command_predicts_a_score_with_its_interval_and_never_a_diagnosis(made, tmp_path, capsys):
    results, cohort = made
    painconn("predict", results.model("years"), cohort, "--out", tmp_path / "out")
    printed = capsys.readouterr().out
    found = read_tsv(tmp_path / "out" / "predictions.tsv", dtype={"participant": str})
    assert len(found) == 6
    row = next(found.itertuples())
    # Six people give an interval of six in seven at most.
    line = f"sub-{row.participant} {row.observation}: age {row.predicted:.4g} "
    assert f"{line}(85.7 % {row.pi_low:.4g} to {row.pi_high:.4g})\n" in printed
    saved = read_model(results.model("years"))
    rows = read_parquet(results.group("features.parquet")).set_index("participant").loc[found["participant"]]
    own = rows[list(saved.record.features)].to_numpy()
    np.testing.assert_allclose(found["predicted"], saved.model.scores(own), atol=1e-6)
    assert "Not a diagnosis. The number says which score" in printed
    about = read_json(tmp_path / "out" / "about.json")
    assert about["model"] == {
        "target": "years", "classifier": "ridge_regression", "score": "age", "lowest": saved.record.lowest,
        "highest": saved.record.highest,
    }  # fmt: skip
    assert 0 <= about["guaranteed_level"] < about["interval_level"] == pytest.approx(6 / 7)
    card = (results.model("years") / "model_card.md").read_text()
    assert "Regression of the target years" in card
    assert "in 85.7 % of cases" in card
    text = (results.model("years") / "model.json").read_text()
    for person in cohort.glob("sub-*"):
        assert person.name not in card + text


@pytest.mark.parametrize("target", ["hyperalgesia", "years"])
def test_the_command_refuses_another_cap_with_the_reason_and_exit_status_2(made, tmp_path, capsys, target):
    results, _ = made
    fewer = tuple(name for name in PRESETS["tiny"].channels if name not in ("O1", "O2"))
    other = replace(PRESETS["tiny"], channels=fewer, n_per_group={"localized": 1, "widespread": 0})
    write_cohort(other, tmp_path / "other", seed=8)
    with pytest.raises(SystemExit) as caught:
        painconn("predict", results.model(target), tmp_path / "other", "--out", tmp_path / "out")
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert "sub-001, electrodes · found: missing O1, O2; not in the model none" in told
    assert "wanted:" in told
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "predictions.tsv").exists()


def painconn(*words):
    """Run the command line as a person does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["painconn", *map(str, words)])
        try:
            main()
        except SystemExit as left:
            if left.code:
                raise
