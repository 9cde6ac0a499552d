import html
import json

import numpy as np
import pandas as pd
import pytest
from connected_session import no_leakage

from painconn.cli.run import run_study
from painconn.config.connectivity import ConnectivityConfig
from painconn.config.data import DataConfig
from painconn.config.loader import load_study
from painconn.config.targets import Contrast
from painconn.connectivity.graph.sweep import sweep
from painconn.cortex.kernels import RegionKernel
from painconn.cortex.template import Parcellation
from painconn.errors import DesignError, InputError
from painconn.features.edges import edge_names
from painconn.inference import Family, compare_between
from painconn.paths import Results, SessionKey
from painconn.recordings.companions import Companions
from painconn.reporting.page import headline_lines
from painconn.steps import agreement, audit, clean, compare, connect, predict, report, table
from painconn.steps.declare import families, feature_sets, network_family, primary_tests
from painconn.steps.kernels import BandKernel, SourceSpace, band_covariance, pooled_covariance
from painconn.steps.made_with import MadeWith, forget, record
from painconn.steps.networks import with_node_strength, write_networks
from painconn.steps.plan import Plan
from painconn.steps.selection import select
from painconn.store import read_arrays, read_json, read_result, read_tsv, write_json, write_result
from painconn.store.connectivity import read_connectivity

STUDY = """\
name: ready
data:
  sources:
    - {root: ., layout: features, features_table: table.tsv}
  covariates: [age]
targets:
  groups:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_repeats: 2
  states:
    contrast: {kind: within, a: {condition: rest}, b: {condition: task}}
    n_permutations: 100
    n_repeats: 2
"""


@pytest.fixture
def ready_study(tmp_path, rng):
    """A features table of 24 people, two conditions: one column separates the conditions, none the groups."""
    people = [f"{number:03d}" for number in range(1, 25)]
    rows = []
    for person in people:
        own = rng.standard_normal(6)
        for condition in ("rest", "task"):
            values = own + rng.standard_normal(6)
            values[0] += 2.0 * (condition == "task")
            rows.append(
                {"participant": person, "condition": condition} | {f"feature{i}": v for i, v in enumerate(values)}
            )
    pd.DataFrame(rows).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    groups = ["localized", "widespread"] * 12
    participants = pd.DataFrame({"participant_id": people, "group": groups, "age": 20 + np.arange(24) % 9})
    participants.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


@pytest.fixture
def demo_plan(repository, tmp_path):
    """Make the plan of the demo study, without its recordings, for a number of surrogates."""
    session = {"participant": "01", "session": "", "site": "site1", "montage": None}

    def make(n_surrogates=0):
        study = load_study(repository / "configs" / "studies" / "demo.yaml")
        connectivity = study.connectivity.model_copy(update={"n_surrogates": n_surrogates})
        plan = object.__new__(Plan)
        plan.study = study.model_copy(update={"connectivity": connectivity})
        plan.inventory = {"sessions": [], "montages": {}}
        plan.results, plan.sessions = Results(tmp_path), {"sub-01": session}
        return plan

    return make


@pytest.fixture
def demo_settings(demo_plan):
    return json.loads(demo_plan().settings_target("hyperalgesia"))


@pytest.mark.slow
def test_a_ready_table_goes_from_columns_to_a_page(ready_study, tmp_path):
    study = load_study(ready_study)
    results = Results(tmp_path / "out")
    plan = Plan(study, results)
    table.run(results, json.loads(plan.settings_table()))
    for name in study.targets:
        settings = json.loads(plan.settings_target(name))
        compare.run(results, settings, name)
        predict.run(results, settings, name)
        agreement.run(results, settings, name)
        audit.run(results, settings, name)
    report.run(results, json.loads(plan.settings_report()))

    states = read_tsv(results.target("states", "compare.tsv")).set_index("test")
    assert states.loc["feature0", "p_fwe"] < 0.05
    assert states.loc["feature0", "estimate"] == pytest.approx(2.0, abs=1.2)
    assert (states["role"] == "primary").all()
    assert len(states) == 6
    groups = read_tsv(results.target("groups", "compare.tsv"))
    assert (groups["n_a"] == 12).all()
    scores = {
        name: read_json(results.target(name, "scores.json"))["feature_sets"]["all columns"] for name in study.targets
    }
    assert scores["states"]["auc"] > 0.7
    assert scores["states"]["permutation"]["p"] < 0.05
    assert "confounds" in scores["groups"]["baselines"]
    gates = {gate["gate"]: gate["passed"] for gate in read_json(results.target("groups", "audit.json"))["gates"]}
    assert gates["person_overlap"]
    assert "duplicate_recordings" not in gates
    page = results.page.read_text()
    assert "agreement of inverses not assessed: one inverse" in page
    assert "feature0" in page
    assert str(tmp_path) not in page


def test_the_numbers_do_not_depend_on_the_order_of_rows(ready_study, tmp_path):
    found = []
    for turn in (1, -1):
        rows = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})[::turn]
        rows.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        results = Results(tmp_path / f"out{turn}")
        plan = Plan(load_study(ready_study), results)
        table.run(results, json.loads(plan.settings_table()))
        settings = json.loads(plan.settings_target("groups"))
        compare.run(results, settings, "groups")
        predict.run(results, settings, "groups")
        scores = read_json(results.target("groups", "scores.json"))["feature_sets"]["all columns"]
        found.append(
            (read_tsv(results.target("groups", "compare.tsv"))["p"].tolist(), scores["auc"], scores["permutation"]["p"])
        )
    assert found[0] == found[1]


def test_a_study_with_too_few_people_stops_with_status_2(ready_study, tmp_path):
    ready_study.write_text(STUDY.replace("  covariates: [age]", "  covariates: [age]\n  minimum_per_group: 13"))
    with pytest.raises(InputError, match="12 in localized"):
        run_study(ready_study, out=tmp_path / "out", cores=1)


def test_the_primary_family_is_21_blocks_by_three_bands_and_gamma_is_adjusted_for_muscle(demo_settings):
    declared = families(demo_settings, ["power_rel__sensors__alpha__Fz", "power_rel__sensors__low_gamma__Fz"])
    primary = declared[0]
    assert primary.role == "primary"
    assert len(primary.tests) == 63
    assert primary.covariates == ("age", "sex")
    again = declared[1]
    assert (again.role, again.covariates) == ("agreement", primary.covariates)
    assert again.tests == tuple(test.replace("__lcmv__", "__eloreta__") for test in primary.tests)
    for family in declared[2:]:
        assert family.role == "exploratory"
        assert not {*primary.tests, *again.tests} & set(family.tests)
        gamma = any("low_gamma" in test for test in family.tests)
        assert gamma == ("muscle_index" in family.covariates)
        assert gamma == all("low_gamma" in test for test in family.tests)


def test_graph_measures_make_exploratory_families_of_symmetric_measures(demo_settings):
    plain = families(demo_settings, [])
    assert not any("graph" in family.name for family in plain)
    connectivity = demo_settings["connectivity"] | {"measures": ["wpli2_debiased", "aec_orth", "imcoh"]}
    chosen = demo_settings | {"connectivity": connectivity, "graph_measures": ["betweenness", "modularity"]}
    chosen["inverses"] = ["lcmv"]
    graphs = {family.name: family for family in families(chosen, []) if family.name.startswith("graph ")}
    assert list(graphs) == [
        f"graph {graph} of {measure}, lcmv{suffix}"
        for suffix in ("", ", adjusted for muscle")
        for measure in ("wpli2_debiased", "aec_orth")
        for graph in ("betweenness", "modularity")
    ]
    assert all(family.role == "exploratory" for family in graphs.values())
    assert len(graphs["graph betweenness of aec_orth, lcmv"].tests) == 3 * 68
    whole, gamma = (graphs[f"graph modularity of wpli2_debiased, lcmv{end}"] for end in ("", ", adjusted for muscle"))
    assert whole.tests == tuple(f"graph__modularity__wpli2_debiased__lcmv__{b}" for b in ("theta", "alpha", "beta"))
    assert whole.covariates == ("age", "sex")
    assert gamma.tests == ("graph__modularity__wpli2_debiased__lcmv__low_gamma",)
    assert gamma.covariates == ("age", "sex", "muscle_index")


def test_options_that_change_no_matrix_do_not_rerun_connect(demo_plan):
    plan = demo_plan()

    def changed(**options):
        before = plan.study
        connectivity = before.connectivity.model_copy(update=options)
        plan.study = before.model_copy(update={"connectivity": connectivity})
        found = plan.settings_connect("sub-01")
        plan.study = before
        return found

    assert changed(warn_epochs=30) == changed() == changed(n_cycles=5.0)
    assert changed(spectra="morlet", n_cycles=5.0) != changed(spectra="morlet")
    assert changed(half_bandwidth_hz=2.0) != changed()


@pytest.mark.parametrize("touched", [None, "output", "record", "settings", "upstream"])
def test_an_output_is_current_only_when_it_and_all_before_it_were_made_with_these_settings(
    demo_plan, monkeypatch, touched
):
    plan = demo_plan()
    monkeypatch.setattr(plan, "code", lambda step: step)
    results = plan.results
    output = results.connectivity(SessionKey("01"))
    write_result(output, {"step": "connect"})
    assert MadeWith(plan).stale("connect", "sub-01") == output
    record(results, "connect", "sub-01", MadeWith(plan).of("connect", "sub-01"))
    if touched == "output":
        write_result(output, {"step": "connect", "other": 1})
    elif touched == "record":
        forget(results, "connect", "sub-01")
    elif touched == "settings":
        connectivity = plan.study.connectivity.model_copy(update={"precision": "float32"})
        plan.study = plan.study.model_copy(update={"connectivity": connectivity})
    elif touched == "upstream":
        monkeypatch.setattr(plan, "code", lambda step: "edited" if step == "clean" else step)
    assert MadeWith(plan).stale("connect", "sub-01") == (output if touched else None)
    assert MadeWith(plan).stale("clean", "sub-01") is None


def test_graph_options_rerun_connect_and_never_cleaning(demo_plan):
    plan = demo_plan()
    before = [plan.settings_clean("sub-01"), plan.settings_connect("sub-01"), plan.settings_target("hyperalgesia")]
    for update, target_changes in (({"graph_nulls": 50}, False), ({"graph_measures": ("degree",)}, True)):
        features = plan.study.features.model_copy(update=update)
        plan.study = plan.study.model_copy(update={"features": features})
        after = [plan.settings_clean("sub-01"), plan.settings_connect("sub-01"), plan.settings_target("hyperalgesia")]
        assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, not target_changes]
    assert json.loads(after[1])["features"]["graph_nulls"] == 50
    assert json.loads(after[2])["graph_measures"] == ["degree"]


def test_feature_sets_are_of_the_primary_inverse_and_one_more_repeats_the_declared_set(demo_settings):
    columns = [
        test.replace("__lcmv__", f"__{inverse}__")
        for inverse in ("lcmv", "eloreta")
        for test in [*primary_tests(demo_settings), "power_rel__lcmv__alpha__insula-lh"]
    ]
    sets = feature_sets(demo_settings, columns)
    assert sets.pop("blocks, eloreta") == primary_tests(demo_settings, "eloreta")
    assert not [column for wanted in sets.values() for column in wanted if "eloreta" in column]
    assert len(sets["blocks"]) == 63


def test_a_classifier_of_whole_matrices_has_its_edges_repeated_under_the_other_inverse(demo_settings):
    regions = demo_settings["regions"]
    columns = [
        name
        for inverse in ("lcmv", "eloreta")
        for band in demo_settings["target"]["primary"]["bands"]
        for name in edge_names("wpli2_debiased", inverse, band, regions)
    ]
    usual = feature_sets(demo_settings, columns)
    whole = feature_sets(demo_settings, columns, whole_matrices=True)
    assert set(whole) - set(usual) == {"edges, eloreta"}
    assert whole["edges, eloreta"] == [column.replace("__lcmv__", "__eloreta__") for column in whole["edges"]]
    assert len(whole["edges"]) == len(columns) // 2


def test_feature_sets_start_with_the_primary_family_and_leave_gamma_out(demo_settings):
    columns = [
        *primary_tests(demo_settings),
        "power_rel__lcmv__alpha__insula-lh",
        "power_rel__lcmv__low_gamma__insula-lh",
    ]
    sets = feature_sets(demo_settings, columns)
    assert next(iter(sets)) == "blocks"
    assert sets["blocks"] == primary_tests(demo_settings)
    assert sets["relative power"] == ["power_rel__lcmv__alpha__insula-lh"]


def test_the_pooled_covariance_weighs_conditions_equally_whatever_their_length(rng):
    quiet = rng.standard_normal((40, 3, 100))
    loud = 10 * rng.standard_normal((10, 3, 100))
    covariance = pooled_covariance({("rest", "epoch"): quiet, ("task", "epoch"): loud})
    np.testing.assert_allclose(np.diag(covariance), (1 + 100) / 2, rtol=0.12)
    one = pooled_covariance({("rest", "epoch"): quiet})
    centred = quiet - quiet.mean(axis=-1, keepdims=True)
    joined = np.hstack(list(centred))
    np.testing.assert_allclose(one, joined @ joined.T / joined.shape[1], rtol=1e-12)
    np.testing.assert_allclose(covariance, covariance.T)


def test_sessions_of_a_person_are_averaged_and_people_without_a_pair_are_named(tmp_path):
    rows = [("01", "a", "rest", 1.0), ("01", "b", "rest", 3.0), ("01", "a", "task", 5.0), ("02", "a", "rest", 2.0)]
    frame = pd.DataFrame(rows, columns=["participant", "session", "condition", "x"]).assign(window="epoch", site="s1")
    data = DataConfig.model_validate({"sources": [{"root": tmp_path, "layout": "features", "features_table": "t.tsv"}]})
    contrast = Contrast.model_validate({"kind": "within", "a": {"condition": "rest"}, "b": {"condition": "task"}})
    chosen = select(frame, data, contrast, covariates=[], minimum_per_group=1, where="targets.x", lots=None)
    assert chosen.participants == ["01", "01"]
    assert chosen.features["x"].tolist() == [2.0, 5.0]
    assert [row["participant"] for row in chosen.dropped] == ["02"]
    with pytest.raises(DesignError, match="1 in people with both"):
        select(frame, data, contrast, covariates=[], minimum_per_group=2, where="targets.x", lots=None)


def test_a_session_with_an_unknown_electrode_is_excluded_by_name(tmp_path, rng):
    import mne

    names = [*["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"], "XX9"]
    data = 2e-5 * rng.standard_normal((len(names), 250 * 60))
    raw = mne.io.RawArray(data, mne.create_info(names, 250.0, "eeg"), verbose="ERROR")
    raw.save(tmp_path / "P01_rest_eeg.fif", verbose="ERROR")
    (tmp_path / "study.yaml").write_text(
        "name: odd\n"
        "data:\n"
        "  sources: [{root: ., layout: folder, pattern: 'P{participant}_{task}_eeg.fif'}]\n"
        "  conditions: {rest: {kind: rest, n_epochs: 20}}\n"
        "cleaning: {preset: already_clean}\n"
        "targets:\n"
        "  x: {contrast: {kind: between, column: g, a: a, b: b, observation: {condition: rest}}}\n"
    )
    results = Results(tmp_path / "out")
    plan = Plan(load_study(tmp_path / "study.yaml"), results)
    assert plan.montages == []
    key = SessionKey("01")
    clean.run(results, json.loads(plan.settings_clean(key.name)), key.name)
    connect.run(results, json.loads(plan.settings_connect(key.name)), key.name)
    record = read_result(results.connectivity(key))
    assert record["status"] == "excluded"
    assert any("XX9" in row["found"] for row in record["exclusions"])


def test_the_files_beside_a_recording_are_watched(tmp_path):
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    stem = "sub-01_task-rest_"
    for name in ("eeg.vhdr", "eeg.eeg", "eeg.json", "events.tsv", "channels.tsv"):
        (folder / f"{stem}{name}").touch()
    (folder / "sub-01_task-other_events.tsv").touch()
    (tmp_path / "task-rest_eeg.json").touch()
    (tmp_path / "task-other_eeg.json").touch()
    (folder / "sub-01_electrodes.tsv").touch()
    found = {path.name for path in Companions().of(folder / f"{stem}eeg.vhdr", tmp_path)}
    own = {f"{stem}{name}" for name in ("eeg.vhdr", "eeg.eeg", "eeg.json", "events.tsv", "channels.tsv")}
    assert found == own | {"task-rest_eeg.json", "sub-01_electrodes.tsv"}


def run_every_target(study, results):
    plan = Plan(load_study(study), results)
    table.run(results, json.loads(plan.settings_table()))
    for name in plan.study.targets:
        for step in (compare, predict, audit):
            step.run(results, json.loads(plan.settings_target(name)), name)
    report.run(results, json.loads(plan.settings_report()))


def test_a_declared_feature_set_that_cannot_be_scored_stays_primary_and_fails_the_audit(ready_study, tmp_path):
    rows = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    rows[[name for name in rows if name.startswith("feature")]] = np.nan
    rows.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    results = Results(tmp_path / "out")
    run_every_target(ready_study, results)
    record = read_json(results.target("groups", "audit.json"))
    assert not record["passed"]
    assert record["gates"][0]["gate"] == "primary_scored"
    assert "primary_scored" in results.page.read_text() or "primary scored" in results.page.read_text()


@pytest.mark.slow
def test_features_that_one_side_lacks_are_never_scored_from_imputed_constants(ready_study, tmp_path):
    rows = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    rows.loc[rows["condition"] == "task", [name for name in rows if name.startswith("feature")]] = np.nan
    rows.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    results = Results(tmp_path / "out")
    run_every_target(ready_study, results)
    score = read_json(results.target("states", "scores.json"))["feature_sets"]["all columns"]
    assert score["auc"] is None
    assert score["reason"] == "none of its 6 columns could be computed for anybody in task"
    assert not read_json(results.target("states", "audit.json"))["passed"]
    assert read_json(results.target("groups", "scores.json"))["feature_sets"]["all columns"]["auc"] is not None
    lines = headline_lines(results.root)
    assert lines[0].startswith("AUDIT FAILED in states")
    assert any(line.startswith("states:") and "NOT COMPUTABLE: none of its 6 columns" in line for line in lines)
    page = results.page.read_text()
    assert "The question cannot be answered" in page
    assert "compatible with any AUC" not in page.split("states")[-1]


def test_columns_that_a_whole_side_lacks_are_named_in_the_scores_and_on_the_page(ready_study, tmp_path):
    rows = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    widespread = rows["participant"].isin([f"{number:03d}" for number in range(2, 25, 2)])
    rows.loc[widespread & (rows["condition"] == "rest"), [f"feature{place}" for place in range(5)]] = np.nan
    rows.loc[~widespread & (rows["condition"] == "rest"), "feature4"] = np.nan
    rows.loc[rows.index[:3], "feature5"] = np.nan
    rows.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    results = Results(tmp_path / "out")
    run_every_target(ready_study, results)
    scores = {name: read_json(results.target(name, "scores.json")) for name in ("groups", "states")}
    assert scores["groups"]["missing_on_a_side"] == {
        "localized": ["feature4"],
        "widespread": ["feature0", "feature1", "feature2", "feature3", "feature4"],
    }
    assert scores["groups"]["feature_sets"]["all columns"]["n_features"] == 1
    assert scores["states"]["missing_on_a_side"] == {"rest": ["feature4"]}
    page = html.unescape(results.page.read_text())
    assert (
        "Left out of every model, because a whole side has no value: 1 feature that nobody in localized or widespread "
        "has (feature4); 4 features that nobody in widespread has (feature0, feature1, feature2 and 1 more)."
    ) in page
    assert "1 feature that nobody in rest has (feature4)." in page


def test_covariates_with_categories_and_missing_values(ready_study, tmp_path):
    people = pd.read_csv(tmp_path / "participants.tsv", sep="\t", dtype=str)
    people["drug"] = ["none", "opioid", "nsaid"] * 8
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    ready_study.write_text(STUDY.replace("covariates: [age]", "covariates: [age, drug]"))
    results = Results(tmp_path / "out")
    plan = Plan(load_study(ready_study), results)
    table.run(results, json.loads(plan.settings_table()))
    compare.run(results, json.loads(plan.settings_target("groups")), "groups")
    assert read_tsv(results.target("groups", "compare.tsv"))["p"].notna().all()
    people.loc[2, "age"] = "n/a"
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match="no value for 003"):
        run_study(ready_study, out=tmp_path / "out", cores=1)


def test_epochs_cut_elsewhere_go_to_their_own_condition_and_files_are_joined(tmp_path, rng):
    import mne

    names = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
    for run, size in ((1, 1.0), (2, 2.0)):
        data = 1e-5 * size * rng.standard_normal((40, len(names), 626))
        events = np.column_stack([np.arange(40) * 1000, np.zeros(40, int), np.repeat([1, 2], 20)])
        epochs = mne.EpochsArray(
            data, mne.create_info(names, 250.0, "eeg"), events, -1.252, {"hand": 1, "back": 2}, verbose="ERROR"
        )
        epochs.save(tmp_path / f"P01_{run}-epo.fif", verbose="ERROR")
    (tmp_path / "study.yaml").write_text(
        "name: ready\n"
        "data:\n"
        "  sources: [{root: ., layout: epochs, pattern: 'P{participant}_{run}-epo.fif'}]\n"
        "  conditions:\n"
        "    hand: {kind: events, events: [hand], n_epochs: 40}\n"
        "    back: {kind: events, events: [back], n_epochs: 40}\n"
        "cleaning: {reject: none}\n"
        "targets:\n"
        "  x: {contrast: {kind: within, a: {condition: hand, window: post}, b: {condition: back, window: post}}}\n"
    )
    results = Results(tmp_path / "out")
    plan = Plan(load_study(tmp_path / "study.yaml"), results)
    key = SessionKey("01")
    clean.run(results, json.loads(plan.settings_clean(key.name)), key.name)
    record = read_result(results.cleaned(key))
    assert record["exclusions"] == []
    assert {name: one["n_cut"] for name, one in record["conditions"].items()} == {"hand": 40, "back": 40}
    for condition, code in (("hand", 1), ("back", 2)):
        for window, late in (("pre", False), ("post", True)):
            name = f"{key.name}_cond-{condition}_window-{window}_desc-clean_epo.fif"
            kept = mne.read_epochs(results.cleaned(key).with_name(name), verbose="ERROR")
            assert set(kept.events[:, 2]) == {code}
            assert (kept.times.min() >= 0) if late else (kept.times.max() < 0)


@pytest.fixture
def cleaned_session(tmp_path, monkeypatch, rng):
    """A cleaned session of 24 epochs and two segments, whose kernel makes four regions of six channels."""
    channels = ("T7", "T8", "C3", "C4", "O1", "O2")
    regions = ("insula-lh", "postcentral-lh", "insula-rh", "postcentral-rh")
    results, key = Results(tmp_path), SessionKey("01")
    condition = {"n_epochs": 24, "n_kept": 24, "n_cut": 24, "segments": {"run": [[0, 2500], [2500, 5000]]}}
    record = {
        "participant": "01", "session": "", "site": "lab", "exclusions": [], "sfreq_hz": 250.0, "lowpass_hz": 100.0,
        "bads": {}, "good_channels": list("abcdefg"), "quality": {},
        "rank": {"used": 6, "components_removed": 0}, "fingerprints": {},
        "conditions": {"rest": condition | {"segments_reason": None, "epoch_overlap": 0.0}},
    }  # fmt: skip
    write_result(results.cleaned(key), record)
    write_result(results.forward("0" * 12), {})
    epochs = 1e-5 * rng.standard_normal((24, 6, 500))
    monkeypatch.setattr(connect, "_observations", lambda *_: ({("rest", "epoch"): epochs}, channels))
    continuous = 1e-5 * rng.standard_normal((6, 5000))
    monkeypatch.setattr(connect, "_continuous", lambda *_: {"run": continuous})
    space = SourceSpace(None, Parcellation(regions, {}), None, {"label": "bundled"})
    monkeypatch.setattr(connect, "source_space", lambda *_: space)
    values = rng.standard_normal((8, 6))

    def kernel(rows, n_components):
        explained = np.ones((4, n_components)) / n_components
        return RegionKernel(values[rows], regions, channels, 6, 100, n_components, explained)

    def use(rows_by_bands=None, n_components=1):
        """Let some bands have a kernel of these rows of the values; by default one of the first four for all bands."""
        bands = ConnectivityConfig.model_validate(settings["connectivity"]).bands_hz
        kernels = tuple(
            BandKernel(names, kernel(rows, n_components), no_leakage(4))
            for names, rows in (rows_by_bands or {tuple(bands): slice(4)}).items()
        )
        monkeypatch.setattr(connect, "make_kernels", lambda *_: {"lcmv": kernels})

    settings = {
        "session": {"montage": "0" * 12},
        "cortex": {"max_silent_fraction": 0.25, "parcellation": "desikan_killiany"},
        "connectivity": {},
        "features": {"groups": {"left": list(regions[:2]), "right": list(regions[2:])}},
        "seed": None,
    }
    use()
    return results, key, settings, use


def saved_features(results, key):
    """Return the saved columns of a session with one observation, by name."""
    found = read_arrays(results.connectivity(key).with_name(f"{key.name}_desc-features_table.npz"))
    return dict(zip(found["columns"].tolist(), found["values"][0].tolist(), strict=True))


def test_kernels_per_band_give_each_band_the_numbers_of_its_own_kernel(cleaned_session):
    results, key, settings, use = cleaned_session
    found = {}
    others = ("theta", "beta", "low_gamma")
    whole = ("theta", "alpha", "beta", "low_gamma")
    for name, rows in (
        ("first", {whole: slice(4)}),
        ("second", {whole: slice(4, 8)}),
        ("mixed", {("alpha",): slice(4, 8), others: slice(4)}),
    ):
        use(rows)
        connect.run(results, settings, key.name)
        found[name] = saved_features(results, key)
    assert found["mixed"].keys() == found["first"].keys()
    for column, value in found["mixed"].items():
        expected = found["second" if "lcmv__alpha" in column else "first"][column]
        np.testing.assert_equal(value, expected, err_msg=column)
    records = read_result(results.connectivity(key))["matrices"]
    places = [(one["measure"], one["band"]) for one in records]
    assert len(places) == len(set(places)) == 8
    kernels = {name for name in read_arrays(results.connectivity(key).with_suffix(".npz")) if "kernel" in name}
    assert kernels == {"kernel__lcmv__alpha", "kernel__lcmv__theta__beta__low_gamma"}


def test_components_feed_multivariate_measures_and_the_first_one_all_others(cleaned_session):
    results, key, settings, use = cleaned_session
    settings["connectivity"] = {"measures": ["wpli2_debiased", "mim"]}
    use({tuple(ConnectivityConfig().bands_hz): slice(8)}, n_components=2)
    connect.run(results, settings, key.name)
    both = saved_features(results, key)
    matrix = read_connectivity(results.connectivity(key)).select(measure="mim", band="beta").one()
    assert matrix.values.shape == (4, 4)
    assert both["mim__lcmv__beta__insula-lh__postcentral-rh"] == matrix.values[0, 3] > 0
    settings["connectivity"] = {"measures": ["wpli2_debiased"]}
    use({tuple(ConnectivityConfig().bands_hz): slice(0, 8, 2)})
    connect.run(results, settings, key.name)
    first = saved_features(results, key)
    assert {name for name in both if "__mim__" not in f"__{name}"} == set(first)
    for column, value in first.items():
        np.testing.assert_allclose(both[column], value, rtol=1e-9, err_msg=column)


def test_the_covariance_of_a_band_holds_what_oscillates_in_it_and_bands_add_up(rng):
    times = np.arange(500) / 250
    pattern = np.array([1.0, -2.0, 0.5])
    phases = rng.uniform(0, 2 * np.pi, (20, 1, 1))
    data = np.sqrt(2) * pattern[:, np.newaxis] * np.sin(2 * np.pi * 10.25 * times + phases)
    tiny = 1e-3 * rng.standard_normal((20, 3, 500))
    observed = {("rest", "epoch"): data + tiny, ("task", "epoch"): 3 * data + tiny}

    def covariance(low, high):
        return band_covariance(observed, sfreq_hz=250.0, band_hz=(low, high), half_bandwidth_hz=1.0)

    np.testing.assert_allclose(covariance(8, 13), 5 * np.outer(pattern, pattern), rtol=0.03)
    # What the tapers leak out of the band is under 1 % of the power in it.
    assert np.abs(covariance(13, 30)).max() < 0.01 * covariance(8, 13).max()
    whole = covariance(0.25, 124.0)
    np.testing.assert_allclose(whole, pooled_covariance(observed), rtol=0.03)
    np.testing.assert_allclose(covariance(0.25, 13) + covariance(13, 124), whole, rtol=1e-10)


def test_the_connect_step_saves_matrices_halves_and_columns_that_agree(cleaned_session):
    results, key, settings, _ = cleaned_session
    connect.run(results, settings, key.name)
    sidecar = results.connectivity(key)
    saved = read_connectivity(sidecar)
    assert {(matrix.measure, matrix.estimator, matrix.n_epochs) for matrix in saved.matrices} == {
        ("wpli2_debiased", "over_epochs", 24),
        ("aec_orth", "over_time", 2),
    }
    assert all(matrix.reason is None and matrix.surrogates is None for matrix in saved.matrices)
    features = read_arrays(sidecar.with_name(f"{key.name}_desc-features_table.npz"))
    columns = features["columns"].tolist()
    position = columns.index("wpli2_debiased__lcmv__beta__insula-lh__postcentral-rh")
    assert features["values"][0, position] == saved.select(measure="wpli2_debiased", band="beta").one().values[0, 3]
    assert features["halves"].shape == (2, 1, len(columns))
    connectivity = np.array([name.startswith(("wpli2_debiased", "aec_orth")) for name in columns])
    assert (np.isfinite(features["halves"][:, 0]) == connectivity).all()


def test_the_connect_step_adds_graph_columns_and_leaves_the_others_as_they_were(cleaned_session):
    results, key, settings, _ = cleaned_session
    found = []
    for graph_measures in ([], ["strength", "global_efficiency"]):
        features = settings["features"] | {"graph_measures": graph_measures, "graph_densities": [0.2, 0.3]}
        connect.run(results, settings | {"features": features}, key.name)
        sidecar = results.connectivity(key)
        found.append(read_arrays(sidecar.with_name(f"{key.name}_desc-features_table.npz")))
    before, after = found
    columns = after["columns"].tolist()
    graph = np.array([name.startswith("graph__") for name in columns])
    assert [name for name, new in zip(columns, graph, strict=True) if not new] == before["columns"].tolist()
    np.testing.assert_array_equal(after["values"][:, ~graph], before["values"])
    assert graph.sum() == 2 * 4 * (4 + 1)
    assert np.isnan(after["halves"][..., graph]).all()
    reasons = [row for row in read_result(sidecar)["not_computable"] if "graph" in row["measure"]]
    matrix = read_connectivity(sidecar).select(measure="aec_orth", band="alpha").one().values
    value = after["values"][0, columns.index("graph__strength__aec_orth__lcmv__alpha__insula-rh")]
    expected = sweep(matrix, ["strength"], [0.2, 0.3]).areas["strength"][0, 2]
    np.testing.assert_equal(value, expected)
    missing = {
        (name.split("__")[2], name.split("__")[4])
        for name, number in zip(columns, after["values"][0], strict=True)
        if name.startswith("graph__") and np.isnan(number)
    }
    assert {(row["measure"].split()[-2], row["band"]) for row in reasons} == missing


@pytest.mark.slow
def test_surrogate_floors_follow_from_the_seed_and_lie_beside_the_matrices(cleaned_session):
    results, key, settings, use = cleaned_session
    connectivity = {"measures": ["coh"], "bands_hz": {"alpha": [8, 13]}, "n_surrogates": 50}
    found = []
    for seed in (1, 1, 2):
        settings |= {"connectivity": connectivity, "seed": seed}
        use()
        connect.run(results, settings, key.name)
        found.append(read_connectivity(results.connectivity(key)).one())
    first, again, other = (matrix.surrogate_q95 for matrix in found)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)
    assert found[0].surrogates["n"] == 50
    assert found[0].surrogates["seed"] != found[2].surrogates["seed"]
    np.testing.assert_array_equal(found[0].values, found[2].values)


def test_the_seed_is_part_of_the_connect_settings_only_with_surrogates(demo_plan):
    assert json.loads(demo_plan(0).settings_connect("sub-01"))["seed"] is None
    assert json.loads(demo_plan(50).settings_connect("sub-01"))["seed"] == 20260


@pytest.fixture
def two_inverses(ready_study, tmp_path, rng):
    """A ready table with the primary blocks of 24 people under two inverses, one of which may miss the planted one."""

    def make(effect_under_other):
        settings = json.loads(
            Plan(load_study(ready_study), Results(tmp_path / "none"), write=False).settings_target("groups")
        )
        rows = []
        for person in range(1, 25):
            row = {"participant": f"{person:03d}", "condition": "rest"}
            for first, second in zip(primary_tests(settings), primary_tests(settings, "eloreta"), strict=True):
                shared = rng.standard_normal()
                row |= {first: shared, second: shared + 0.5 * rng.standard_normal()}
            planted = "wpli2_debiased__lcmv__alpha__sensory-lh__affective-lh"
            row[planted] += 4.0 * (person % 2 == 0)
            row[planted.replace("lcmv", "eloreta")] += effect_under_other * (person % 2 == 0)
            rows.append(row)
        pd.DataFrame(rows).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
        results = Results(tmp_path / "out")
        ready_study.write_text(STUDY.partition("  states:")[0].replace("n_permutations: 100", "n_permutations: 200"))
        plan = Plan(load_study(ready_study), results)
        table.run(results, json.loads(plan.settings_table()))
        for step in (compare, predict, agreement, audit):
            step.run(results, json.loads(plan.settings_target("groups")), "groups")
        report.run(results, json.loads(plan.settings_report()))
        return results

    return make


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "survives"), [(4.0, True), (0.0, False)])
def test_a_planted_effect_holds_when_both_inverses_show_it_and_depends_when_one_does_not(
    two_inverses, ready_study, effect, survives
):
    results = two_inverses(effect)
    found = read_json(results.target("groups", "agreement.json"))
    tests = found["others"]["eloreta"]["tests"]
    assert (tests["n_declared"], tests["n_compared"], tests["n_significant"]) == (63, 63, 1)
    (row,) = tests["deciding"]
    assert row["test"] == "wpli2_debiased__lcmv__alpha__sensory-lh__affective-lh"
    assert row["outcome"] == ("holds" if survives else "depends")
    low, high = tests["rank_correlation_ci"]
    assert low < tests["rank_correlation"] < high
    assert tests["when_nothing_differs"]["rank_correlation"] > 0.5
    rows = read_tsv(results.target("groups", "compare.tsv"))
    primary, again = (rows[rows["role"] == role].set_index("test") for role in ("primary", "agreement"))
    assert len(primary) == len(again) == 63
    assert {*primary["family_size"], *again["family_size"]} == {63}
    assert row["other_p_fwe"] == again.loc[row["other_test"], "p_fwe"]
    scores = read_json(results.target("groups", "scores.json"))
    assert scores["primary_feature_set"] == "blocks"
    assert scores["feature_sets"]["blocks, eloreta"]["role"] == "exploratory"
    assert found["others"]["eloreta"]["classifier"]["other"]["auc"] == scores["feature_sets"]["blocks, eloreta"]["auc"]
    classifier = found["others"]["eloreta"]["classifier"]
    assert [classifier[side]["found"] for side in ("primary", "other")] == [True, survives]
    # Where edges are the primary set, edges are what is compared.
    sets = {name.replace("blocks", "edges"): score for name, score in scores["feature_sets"].items()}
    changed = {**scores, "primary_feature_set": "edges", "feature_sets": sets}
    write_json(results.target("groups", "scores.json"), changed)
    settings = json.loads(Plan(load_study(ready_study), results, write=False).settings_target("groups"))
    agreement.run(results, settings, "groups")
    again = read_json(results.target("groups", "agreement.json"))["others"]["eloreta"]["classifier"]
    assert [again[side]["feature_set"] for side in ("primary", "other")] == ["edges", "edges, eloreta"]
    assert {side: score["auc"] for side, score in again.items()} == {
        side: score["auc"] for side, score in classifier.items()
    }
    assert found["verdict"] == ("holds" if survives else "depends")
    words = "holds under both inverses" if survives else "depends on the inverse"
    assert any(words in line for line in headline_lines(results.root))
    page = results.page.read_text()
    assert "Does it hang on the inverse?" in page
    assert f"{int(survives)} of 1 significant primary test" in page


@pytest.mark.slow
def test_a_finding_that_the_other_inverse_cannot_compute_is_not_assessed(two_inverses, ready_study, tmp_path):
    results = two_inverses(4.0)
    rows = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    rows.loc[0, "wpli2_debiased__eloreta__alpha__sensory-lh__affective-lh"] = np.nan
    rows.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    plan = Plan(load_study(ready_study), results)
    table.run(results, json.loads(plan.settings_table()))
    for step in (compare, agreement):
        step.run(results, json.loads(plan.settings_target("groups")), "groups")
    found = read_json(results.target("groups", "agreement.json"))
    assert found["others"]["eloreta"]["tests"]["n_significant"] == 1
    assert found["verdict"] == "not assessed"
    assert "could not be computed" in found["reason"]


@pytest.mark.slow
def test_the_primary_result_is_the_same_whether_another_inverse_is_there_or_not(two_inverses, ready_study, tmp_path):
    results = two_inverses(4.0)
    before = read_tsv(results.target("groups", "compare.tsv"))
    score = read_json(results.target("groups", "scores.json"))["feature_sets"]["blocks"]
    rows = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    rows = rows[[name for name in rows if "eloreta" not in name]]
    rows.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    plan = Plan(load_study(ready_study), results)
    table.run(results, json.loads(plan.settings_table()))
    for step in (compare, predict, agreement):
        step.run(results, json.loads(plan.settings_target("groups")), "groups")
    after = read_tsv(results.target("groups", "compare.tsv"))
    pd.testing.assert_frame_equal(*(one[one["role"] == "primary"] for one in (before, after)), rtol=1e-12)
    again = read_json(results.target("groups", "scores.json"))["feature_sets"]["blocks"]
    assert (again["auc"], again["permutation"]["p"]) == (pytest.approx(score["auc"]), score["permutation"]["p"])
    assert again["null_values"] == pytest.approx(score["null_values"])
    assert read_json(results.target("groups", "agreement.json"))["reason"] == "one inverse"
    assert not after["test"].str.contains("eloreta").any()


ASSOCIATION = """\
name: score
data:
  sources:
    - {root: ., layout: features, features_table: table.tsv}
  covariates: [age]
targets:
  pain:
    contrast: {kind: association, column: rating, observation: {condition: rest}}
    n_permutations: 200
"""


def run_target(study, results, name):
    plan = Plan(study, results)
    table.run(results, json.loads(plan.settings_table()))
    settings = json.loads(plan.settings_target(name))
    for step in (compare, predict, agreement, audit):
        step.run(results, settings, name)
    report.run(results, json.loads(plan.settings_report()))
    return read_tsv(results.target(name, "compare.tsv"))


@pytest.mark.slow
def test_a_score_goes_from_the_participants_table_to_the_page(ready_study, tmp_path):
    people = pd.read_csv(tmp_path / "participants.tsv", sep="\t", dtype=str)
    features = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    mine = features[features["condition"] == "rest"].set_index("participant")["feature2"]
    noise = np.random.default_rng(5).normal(scale=0.8 * mine.std(), size=len(people))
    people["rating"] = [f"{50 + 10 * value:.3f}" for value in mine[people["participant_id"]] + noise]
    people.loc[[4, 7], "rating"] = ["n/a", ""]
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    ready_study.write_text(ASSOCIATION)
    results = Results(tmp_path / "out")
    found = run_target(load_study(ready_study), results, "pain").set_index("test")
    assert found.loc["feature2", "hedges_g"] > 0.7
    assert found.loc["feature2", "p_fwe"] < 0.05
    assert set(found["effect_size_kind"]) == {"r"}
    assert (found["n_a"] == 22).all()
    declaration = read_json(results.target("pain", "declaration.json"))
    assert [row["reason"] for row in declaration["dropped"]] == ["no value of rating"] * 2
    assert declaration["minimum_detectable_effect"]["effect"] == "r"
    scores = read_json(results.target("pain", "scores.json"))["feature_sets"]["all columns"]
    assert scores["task"] == "regression"
    assert scores["permutation"]["p"] < 0.05
    assert scores["within_fold_r"] > 0.5
    audit = read_json(results.target("pain", "audit.json"))
    assert [gate for gate in audit["gates"] if not gate["passed"]] == []
    assert {"shuffled_scores", "pure_noise", "fitted_inside_fold", "probe_age"} <= {
        one["gate"] for one in audit["gates"]
    }
    page = results.page.read_text()
    assert "association with rating" in page
    assert f"R² {scores['r2']:.2f}" in page
    assert "true and predicted scores" in page
    people.loc[2, "rating"] = "much"
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match="no number for 003"):
        run_target(load_study(ready_study), results, "pain")


@pytest.mark.slow
def test_several_sessions_have_a_mixed_model_beside_the_comparison(ready_study, tmp_path, rng):
    features = pd.read_csv(tmp_path / "table.tsv", sep="\t", dtype={"participant": str})
    again = features.copy()
    numbers = [column for column in features if column.startswith("feature")]
    again[numbers] += 0.5 * rng.standard_normal(again[numbers].shape)
    both = pd.concat([features.assign(session="1"), again.assign(session="2")])
    both.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    results = Results(tmp_path / "out")
    study = load_study(ready_study)
    plan = Plan(study, results)
    table.run(results, json.loads(plan.settings_table()))
    for name in study.targets:
        compare.run(results, json.loads(plan.settings_target(name)), name)
        sessions = read_tsv(results.target(name, "sessions.tsv")).set_index("test")
        compared = read_tsv(results.target(name, "compare.tsv")).set_index("test")
        assert set(sessions["role"]) == {"exploratory"}
        computed = sessions[sessions["p_mixed"].notna()]
        assert len(computed) >= 4
        np.testing.assert_array_equal(np.sign(computed["estimate"]), np.sign(compared.loc[computed.index, "estimate"]))
        assert (sessions["n_observations"] == (96 if name == "states" else 48)).all()


def test_edges_make_node_strengths_and_networks(demo_settings, tmp_path, rng):
    regions = ("a", "b", "c", "d", "e", "f")
    settings = demo_settings | {"regions": list(regions), "inverses": ["lcmv"]}
    settings["connectivity"] = settings["connectivity"] | {"measures": ["wpli2_debiased"]}
    declared = families(settings, [])
    name, edges = network_family(settings, declared)
    family = next(family for family in declared if family.name == name)
    assert set(edges) == set(family.tests)
    assert len(edges) == 3 * 15
    nodes = next(family for family in declared if family.name == "wpli2_debiased node strength, lcmv")
    frame = pd.DataFrame(rng.standard_normal((5, 45)), columns=list(family.tests))
    frame.iloc[2, 0] = np.nan
    strengths = with_node_strength(frame, settings)[list(nodes.tests)]
    own = [edge for edge in family.tests if "alpha" in edge and "c" in edge.split("__")[3:]]
    np.testing.assert_allclose(strengths["wpli2_debiased__lcmv__alpha__c"], frame[own].mean(axis=1))
    missing = strengths.iloc[2]
    assert missing.index[missing.isna()].tolist() == [f"wpli2_debiased__lcmv__theta__{end}" for end in "ab"]

    people = [f"{number:02d}" for number in range(20)]
    values = pd.DataFrame(rng.standard_normal((20, 45)), index=people, columns=list(family.tests))
    in_b = np.arange(20) % 2 == 1
    for pair in ("a__b", "b__c", "a__c", "c__d"):
        values.loc[in_b, f"wpli2_debiased__lcmv__beta__{pair}"] -= 2.5
    labels = pd.Series(np.where(in_b, "b", "a"), index=people)
    tested = [Family(name, "exploratory", family.tests)]
    compared = compare_between(values, labels, a="a", b="b", families=tested, n_permutations=199, seed=1)
    results = Results(tmp_path)
    record = write_networks(results, settings, "pain", compared, declared)
    assert record["n_choices"] == 6
    assert record["n_significant"] >= 1
    found = read_tsv(results.target("pain", "networks.tsv"))
    best = found.loc[found["p_fwe"].idxmin()]
    assert (best["role"], best["family"], best["family_size"]) == ("exploratory", name, 45)
    assert (best["band"], best["sign"], best["n_a"], best["n_b"]) == ("beta", "lower", 10, 10)
    assert {"a", "b", "c"} <= set(best["regions"].split())
    edge_rows = read_tsv(results.target("pain", "network_edges.tsv"), dtype={"networks": str})
    assert len(edge_rows) == 45
    without = settings | {"target": settings["target"] | {"networks": {"thresholds": []}}}
    assert write_networks(results, without, "pain", compared, declared) is None
    assert not results.target("pain", "networks.tsv").exists()
