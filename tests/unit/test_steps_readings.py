"""What the door found on its way through the steps: marked channels and stretches, findings, runs that help out."""

import json
from pathlib import Path

import mne
import numpy as np
import pytest
from healthy_eeg import SFREQ, cap, healthy

from painconn.config.loader import load_study
from painconn.paths import Results, SessionKey
from painconn.prediction.audit import duplicate_recordings
from painconn.reporting.quality import quality_page
from painconn.steps import clean, table
from painconn.steps.plan import Plan
from painconn.store import read_result, read_tsv, write_result

NAMES = cap(19)[0]

STUDY = """\
name: door
data:
  sources: [{{root: ., layout: {layout}, pattern: '{pattern}', line_freq_hz: 50}}]
  conditions: {conditions}
{more}
cleaning: {{bad_channels: none, ica: none, line_noise: none, reject: none}}
targets:
  x: {{contrast: {{kind: between, column: g, a: a, b: b, observation: {{{first}}}}}}}
"""
HEADER = "participant\tsession\trecording\tkind\titem\tonset_s\tduration_s\tdecision\n"
REST = "{rest: {kind: rest, task: rest, n_epochs: 10}, task: {kind: rest, task: task, n_epochs: 10}}"


def write(folder: Path, name: str, data: np.ndarray, marks: mne.Annotations | None = None, **change: str) -> None:
    raw = mne.io.RawArray(data, mne.create_info(list(NAMES[: len(data)]), SFREQ, "eeg"), verbose="ERROR")
    raw.rename_channels(change)
    if marks is not None:
        raw.set_annotations(marks)
    raw.save(folder / f"{name}_eeg.fif", fmt="double", overwrite=True, verbose="ERROR")


def plan_of(
    folder: Path, conditions: str = REST, more: str = "", first: str = "condition: rest", **source: str
) -> tuple[Plan, Results]:
    chosen = {"layout": "folder", "pattern": "P{participant}_{task}_eeg.fif"} | source
    (folder / "study.yaml").write_text(
        STUDY.format(conditions=conditions, more=more, first=first, **chosen), encoding="utf-8"
    )
    results = Results(folder / "out")
    return Plan(load_study(folder / "study.yaml"), results), results


def cleaned(folder: Path, person: str = "01", **study: str) -> dict:
    plan, results = plan_of(folder, **study)
    key = SessionKey(person)
    clean.run(results, json.loads(plan.settings_clean(key.name)), key.name)
    return read_result(results.cleaned(key))


@pytest.mark.slow
def test_marked_channels_are_interpolated_with_their_reason_and_marked_stretches_are_no_epochs(tmp_path: Path) -> None:
    rest, task = healthy(1), healthy(2)
    write(tmp_path, "P00_rest", rest)
    rest[NAMES.index("Fp1")] = rest[NAMES.index("Fp1"), 0]
    rest[NAMES.index("C3"), 2000:2500] = np.nan
    write(tmp_path, "P01_rest", rest)
    write(tmp_path, "P01_task", task)
    record = cleaned(tmp_path)
    assert record["status"] == "ok"
    assert record["bads"] == {"Fp1": ["flat"]}
    assert [(row["recording"], row["check"], row["consequence"]) for row in record["findings"]] == [
        ("P01_rest_eeg.fif", "finite", "mark stretch"),
        ("P01_rest_eeg.fif", "flat", "mark channel"),
    ]
    # 20 epochs of 2 s; the marked stretch and its margins reach from 7.5 to 10.5 s.
    assert record["conditions"]["rest"]["n_cut"] == 17
    assert record["conditions"]["task"]["n_cut"] == 20
    assert record["rank"]["used"] == 17
    page = quality_page("sub-01", record)
    assert "Findings at the door" in page
    assert "8.000-10.000" in page
    assert "Findings at the door" not in quality_page("sub-00", cleaned(tmp_path, "00"))


def test_a_person_decides_about_marked_channels_but_not_about_dead_ones(tmp_path: Path) -> None:
    for seed, task in enumerate(("rest", "task")):
        data = healthy(seed)
        data[NAMES.index("Fp1")] = 0.0
        mean = data[[3, 4]].mean(axis=0)
        data[[3, 4]] = mean + 0.5e-6 * np.random.default_rng(1).standard_normal((2, data.shape[1]))
        write(tmp_path, f"P01_{task}", data)
    assert cleaned(tmp_path)["bads"] == {"Fp1": ["flat"], "F3": ["bridged"], "Fz": ["bridged"]}
    manual = HEADER + "".join(f"01\t\t\tchannel\t{name}\t\t\tgood\n" for name in ("Fp1", "F3", "Fz"))
    (tmp_path / "manual.tsv").write_text(manual, encoding="utf-8")
    study = tmp_path / "study.yaml"
    study.write_text(study.read_text().replace("{bad_channels", "{manual_decisions: manual.tsv, bad_channels"))
    results = Results(tmp_path / "out")
    clean.run(results, json.loads(Plan(load_study(study), results).settings_clean("sub-01")), "sub-01")
    assert read_result(results.cleaned(SessionKey("01")))["bads"] == {"Fp1": ["flat"]}


def test_a_channel_that_one_recording_lacks_is_interpolated_in_the_session(tmp_path: Path) -> None:
    recordings = [(person, task) for person in ("01", "02", "03") for task in ("rest", "task")]
    n_channels = {("01", "task"): 18, ("02", "rest"): 18, ("03", "task"): 13}
    for seed, (person, task) in enumerate(recordings):
        write(tmp_path, f"P{person}_{task}", healthy(seed)[: n_channels.get((person, task), 19)])
    lacking, more, another = (cleaned(tmp_path, person) for person in ("01", "02", "03"))
    assert lacking["bads"] == {"O2": ["missing"]}
    assert (lacking["rank"]["used"], lacking["conditions"].keys()) == (17, {"rest", "task"})
    assert [row["check"] for row in lacking["findings"]] == ["missing"]
    assert (more["bads"], more["rank"]["used"]) == ({}, 17)
    assert [(row["recording"], row["found"]) for row in more["findings"]] == [("P02_task_eeg.fif", "also O2: not used")]
    assert another["conditions"].keys() == {"rest"}
    assert [(row["check"], row["recording"]) for row in another["exclusions"]] == [
        ("channels differ", "P03_task_eeg.fif"), ("no recording", ""),
    ]  # fmt: skip
    assert another["findings"][-1]["consequence"] == "exclude recording"


def test_channels_are_taken_by_name_whatever_their_order(tmp_path: Path) -> None:
    data = healthy()
    turned = list(range(19))[::-1]
    write(tmp_path, "P01_rest", data)
    write(tmp_path, "P01_task", data[turned], **dict(zip(NAMES, np.array(NAMES)[turned], strict=True)))
    record = cleaned(tmp_path)
    assert record["findings"] == []
    folder = Results(tmp_path / "out").cleaned(SessionKey("01")).parent
    rest, task = (
        mne.read_epochs(folder / f"sub-01_cond-{name}_window-epoch_desc-clean_epo.fif", verbose="ERROR")
        for name in ("rest", "task")
    )
    both = sorted(set(record["conditions"]["rest"]["chosen"]) & set(record["conditions"]["task"]["chosen"]))
    for epoch in both:
        one, other = (
            epochs[record["conditions"][name]["chosen"].index(epoch)].get_data()
            for name, epochs in (("rest", rest), ("task", task))
        )
        np.testing.assert_allclose(one, other, atol=1e-12)


PINPRICK = "{pinprick: {kind: events, task: task, events: [hand, back], n_epochs: 8}}"


@pytest.mark.parametrize(
    ("runs", "used", "checks"),
    [
        ((("hand",), ("back",)), 12, []),
        ((("hand", "back"), ("other",)), 12, ["events"]),
        ((("hand",), ("hand",)), 0, ["events", "conditions"]),
    ],
)
def test_each_run_may_hold_its_own_events_but_every_event_must_be_somewhere(
    tmp_path: Path, runs: tuple[tuple[str, ...], ...], used: int, checks: list[str]
) -> None:
    for run, events in enumerate(runs, start=1):
        onsets = np.linspace(3, 36, 6 * len(events))
        marks = mne.Annotations(onsets, np.zeros(len(onsets)), [events[n % len(events)] for n in range(len(onsets))])
        write(tmp_path, f"P01_task_{run}", healthy(run), marks)
    record = cleaned(
        tmp_path,
        conditions=PINPRICK,
        first="condition: pinprick, window: post",
        pattern="P{participant}_{task}_{run}_eeg.fif",
    )
    assert [row["check"] for row in record["exclusions"]] == checks
    if used:
        assert record["conditions"]["pinprick"]["n_cut"] == used
        name = "sub-01_cond-pinprick_window-post_desc-clean_epo.fif"
        kept = mne.read_epochs(Results(tmp_path / "out").cleaned(SessionKey("01")).with_name(name), verbose="ERROR")
        assert set(kept.event_id) == {"hand", "back"}
    else:
        assert "no event back" in record["exclusions"][0]["found"]


def test_ready_epochs_have_their_findings_acted_on(tmp_path: Path) -> None:
    data = healthy(duration_s=60.0)
    data[NAMES.index("Pz")] = data[NAMES.index("Pz"), 0]
    data[:, 1000:1300] = data[:, [1000]]
    epochs = data.reshape(19, 30, 500).transpose(1, 0, 2)
    info = mne.create_info(list(NAMES), SFREQ, "eeg")
    mne.EpochsArray(epochs, info, verbose="ERROR").save(tmp_path / "P01_rest-epo.fif", fmt="double", verbose="ERROR")
    record = cleaned(
        tmp_path,
        layout="epochs",
        pattern="P{participant}_{task}-epo.fif",
        conditions="{rest: {kind: rest, n_epochs: 9}}",
    )
    assert record["bads"] == {"Pz": ["flat"]}
    assert record["conditions"]["rest"]["n_cut"] == 29
    assert (record["rank"]["used"], record["rank"]["tracked"]) == (17, 17)
    name = "sub-01_cond-rest_window-epoch_desc-clean_epo.fif"
    kept = mne.read_epochs(Results(tmp_path / "out").cleaned(SessionKey("01")).with_name(name), verbose="ERROR")
    assert kept.info["bads"] == []
    assert np.ptp(kept.get_data(picks=["Pz"]), axis=-1).min() > 1e-6


def test_limits_of_the_study_reach_the_recordings(tmp_path: Path) -> None:
    for seed, task in enumerate(("rest", "task")):
        data = healthy(seed)
        data[:, :200] = data[:, [0]]
        write(tmp_path, f"P01_{task}", data)
    assert cleaned(tmp_path)["conditions"]["rest"]["n_cut"] == 19
    looser = cleaned(tmp_path, more="  checks: {flat_stretch_s: 0.9, flat_channel_s: 0.9}")
    assert (looser["conditions"]["rest"]["n_cut"], looser["findings"]) == (20, [])


def test_one_signal_under_two_names_is_in_the_findings_and_fails_the_audit(tmp_path: Path) -> None:
    for person, seed in (("01", 1), ("05", 1), ("06", 6)):
        data = healthy(seed)
        if person == "05":
            data *= 1.5
        if person == "06":
            data[NAMES.index("Cz")] = 0.0
            data[7] = np.nan
        write(tmp_path, f"P{person}_rest", data)
    plan, results = plan_of(tmp_path, conditions="{rest: {kind: rest, n_epochs: 12}}")
    keys = [SessionKey(person) for person in ("01", "05", "06")]
    for key in keys:
        clean.run(results, json.loads(plan.settings_clean(key.name)), key.name)
        write_result(results.connectivity(key), {"status": "excluded", "exclusions": []})
    table.run(results, json.loads(plan.settings_table()))
    findings = read_tsv(results.group("findings.tsv"), dtype=str).fillna("")
    assert list(findings.columns) == [
        "participant", "session", "recording", "check", "found", "limit", "consequence", "channels", "stretches_s",
        "fix",
    ]  # fmt: skip
    same = findings[findings["check"] == "same_signal"]
    assert same["participant"].tolist() == ["01", "05"]
    assert "sub-05 task-rest" in same["found"].iloc[0]
    marked = findings[findings["consequence"] == "mark channel"]
    assert dict(zip(marked["check"], marked["channels"], strict=True)) == {"finite": NAMES[7], "reference": "Cz"}
    fingerprints = {key.name: np.array(read_result(results.cleaned(key))["fingerprints"]["task-rest"]) for key in keys}
    gate = duplicate_recordings(fingerprints, {key.name: key.participant for key in keys})
    assert not gate["passed"]
    assert gate["found"].startswith("sub-01 = sub-05")
    quality = read_tsv(results.group("quality.tsv"), dtype=str).set_index("participant")["bad_channels"]
    assert quality["06"] == f"{NAMES[7]} (finite); Cz (reference)"
