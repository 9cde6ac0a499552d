"""The inventory: one header per new recording, nothing written when only looking, no recording under two names."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import edfio
import mne
import mne_bids
import numpy as np
import pytest

import painconn.recordings.readers as readers
from painconn.config.checks import Checks
from painconn.config.study import StudyConfig
from painconn.errors import InputError, RecordingFault
from painconn.paths import Results
from painconn.steps import table
from painconn.steps.inventory import load_inventory
from painconn.steps.placement import placed_channels
from painconn.steps.plan import Plan
from painconn.store import read_tsv

TEN = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")
SFREQ_HZ = 100


def write_edf(path: Path, seed: int, *, names: tuple[str, ...] = TEN, header: str = "") -> None:
    signals = np.random.default_rng(seed).normal(scale=20, size=(len(names), 20 * SFREQ_HZ))
    path.parent.mkdir(parents=True, exist_ok=True)
    edfio.Edf(
        [
            edfio.EdfSignal(signal, SFREQ_HZ, label=name, physical_dimension="uV", physical_range=(-200, 200))
            for name, signal in zip(names, signals, strict=True)
        ],
        recording=edfio.Recording(equipment_code=header) if header else None,
    ).write(path)


def study_of(root: Path, **source: object) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "inventory",
            "data": {
                "sources": [{"root": root, "layout": "folder", "pattern": "S{participant}_{task}.edf", **source}],
                "conditions": {name: {"kind": "rest", "n_epochs": 20} for name in ("rest", "math")},
            },
            "targets": {
                "tasks": {"contrast": {"kind": "within", "a": {"condition": "rest"}, "b": {"condition": "math"}}}
            },
        }
    )


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for number in range(3):
        write_edf(root / f"S{number}_rest.edf", 2 * number)
        write_edf(root / f"S{number}_math.edf", 2 * number + 1)
    return root


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of the recordings whose header is read."""
    names: list[str] = []
    original = readers.read_header

    def counted(path: Path, *rest: object) -> object:
        names.append(path.name)
        return original(path, *rest)

    monkeypatch.setattr(readers, "read_header", counted)
    yield names
    names.clear()


def test_each_header_is_read_once_and_again_only_where_something_changed(
    recordings: Path, tmp_path: Path, read: list[str]
) -> None:
    study, results = study_of(recordings), Results(tmp_path / "out")
    first = load_inventory(study, results)
    assert sorted(read) == sorted(path.name for path in recordings.iterdir())
    read.clear()
    assert load_inventory(study, results) == first
    assert read == []
    write_edf(recordings / "S7_rest.edf", 100, names=TEN[:9])
    added = load_inventory(study, results)
    assert read == ["S7_rest.edf"]
    assert [session["name"] for session in added["sessions"]] == ["sub-0", "sub-1", "sub-2", "sub-7"]
    assert len(added["montages"]) == 2
    read.clear()
    write_edf(recordings / "S1_rest.edf", 101)
    (recordings / "S7_rest.edf").unlink()
    changed = load_inventory(study, results)
    assert read == ["S1_rest.edf"]
    assert {key: changed[key] for key in ("sessions", "montages")} == {
        key: first[key] for key in ("sessions", "montages")
    }


def test_an_edited_sidecar_and_another_naming_of_channels_read_headers_again(tmp_path: Path, read: list[str]) -> None:
    root = tmp_path / "data"
    for number in range(2):
        write_edf(root / f"sub-{number}/eeg/sub-{number}_task-rest_eeg.edf", number)
        channels = "name\ttype\tunits\n" + "".join(f"{name}\tEEG\tuV\n" for name in TEN)
        (root / f"sub-{number}/eeg/sub-{number}_task-rest_channels.tsv").write_text(channels)
    bids = {"layout": "bids", "pattern": None}
    study, results = study_of(root, **bids), Results(tmp_path / "out")
    study = study.model_copy(
        update={"data": study.data.model_copy(update={"conditions": {"rest": study.data.conditions["rest"]}})}
    )
    assert len(load_inventory(study, results)["montages"]) == 1
    read.clear()
    (root / "sub-0/eeg/sub-0_task-rest_channels.tsv").write_text(channels.replace("O2\tEEG", "O2\tMISC"))
    sessions = load_inventory(study, results)["sessions"]
    assert read == ["sub-0_task-rest_eeg.edf"]
    assert sessions[0]["montage"] != sessions[1]["montage"]
    read.clear()
    renamed = study.data.sources[0].model_copy(update={"drop_channels": ("O1",)})
    study = study.model_copy(update={"data": study.data.model_copy(update={"sources": (renamed,)})})
    assert all("O1" not in one["names"] for one in load_inventory(study, results)["montages"].values())
    assert len(read) == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"code": 1}', '{"montages": {}, "recordings": {"x": ["y", null]}}']
)
def test_a_damaged_cache_costs_time_and_nothing_else(recordings: Path, tmp_path: Path, content: str) -> None:
    study, results = study_of(recordings), Results(tmp_path / "out")
    first = load_inventory(study, results)
    known = json.loads(results.headers.read_text())
    with_code = json.dumps(json.loads(content) | {"code": known["code"]}) if "montages" in content else content
    for kept in (results.headers, results.inventory):
        kept.write_text(with_code)
    assert load_inventory(study, results) == first
    assert json.loads(results.headers.read_text()) == known


def test_one_odd_sidecar_does_not_stop_the_others(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for person in ("01", "02"):
        write_edf(root / f"sub-{person}" / "eeg" / f"sub-{person}_task-rest_eeg.edf", int(person))
    study = study_of(root, layout="bids", pattern=None)
    study.data.conditions["math"] = study.data.conditions["rest"].model_copy(update={"task": "rest"})
    for text in ('{"RecordingDuration": 1e400}', '{"a":' + "[" * 100_000):
        (root / "sub-01" / "eeg" / "sub-01_task-rest_eeg.json").write_text(text, encoding="utf-8")
        sessions = load_inventory(study, Results(tmp_path / "results"))["sessions"]
        assert [session["montage"] is None for session in sessions] == [True, False]


def test_an_unexpected_error_in_a_header_is_left_to_the_job_of_its_session(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = readers.read_header

    def failing(path: Path, *rest: object) -> object:
        if path.name.startswith("S1"):
            raise ZeroDivisionError("WOMBAT")
        return original(path, *rest)

    monkeypatch.setattr(readers, "read_header", failing)
    sessions = load_inventory(study_of(recordings), Results(tmp_path / "results"))["sessions"]
    assert [session["montage"] is None for session in sessions] == [False, True, False]
    assert "S1_rest.edf: header could not be read (ZeroDivisionError)" in caplog.text
    assert "WOMBAT" not in caplog.text


def test_looking_writes_nothing_and_uses_what_is_there(recordings: Path, tmp_path: Path, read: list[str]) -> None:
    study, results = study_of(recordings), Results(tmp_path / "out")
    looked = Plan(study, results, write=False)
    assert not results.root.exists()
    assert Plan(study, results).inventory == looked.inventory
    before = {path: path.stat().st_mtime_ns for path in results.root.rglob("*")}
    read.clear()
    write_edf(recordings / "S7_rest.edf", 100)
    assert len(Plan(study, results, write=False).sessions) == 4
    assert read == ["S7_rest.edf"]
    assert {path: path.stat().st_mtime_ns for path in results.root.rglob("*")} == before


def test_nothing_kept_tells_where_the_data_lie(recordings: Path, tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    load_inventory(study_of(recordings), results)
    kept = results.inventory.read_text() + results.headers.read_text()
    assert str(recordings) not in kept


@pytest.mark.parametrize("header", ["", "anotherdevice"])
def test_one_recording_under_two_participants_stops_with_both_named(
    recordings: Path, tmp_path: Path, header: str
) -> None:
    write_edf(recordings / "S9_rest.edf", 4, header=header)
    if not header:
        shutil.copy(recordings / "S2_rest.edf", recordings / "S9_rest.edf")
    study, results = study_of(recordings), Results(tmp_path / "out")
    with pytest.raises(InputError, match=r"participants 2, 9 .*S2_rest\.edf, S9_rest\.edf"):
        load_inventory(study, results)
    people = study.data.participants.model_copy(update={"exclude": ("9",)})
    without = study.model_copy(update={"data": study.data.model_copy(update={"participants": people})})
    assert len(load_inventory(without, results)["sessions"]) == 3


def test_moved_electrodes_are_another_montage(tmp_path: Path) -> None:
    root, results = tmp_path / "data", Results(tmp_path / "out")
    raw = mne.io.RawArray(
        np.random.default_rng(0).normal(size=(10, 2000)) * 2e-5, mne.create_info(list(TEN), 100, "eeg")
    )
    raw.set_montage("colin27_1005")
    raw.info["line_freq"] = 50
    where = mne_bids.BIDSPath(subject="01", task="rest", root=root, datatype="eeg")
    mne_bids.write_raw_bids(raw, where, format="BrainVision", allow_preload=True, verbose="ERROR")
    study = study_of(root, layout="bids", pattern=None, montage="digitised")
    rest = {"rest": study.data.conditions["rest"]}
    study = study.model_copy(update={"data": study.data.model_copy(update={"conditions": rest})})
    before = load_inventory(study, results)["sessions"][0]["montage"]
    electrodes = next((root / "sub-01" / "eeg").glob("*_space-*_electrodes.tsv"))
    header, *rows = (line.split("\t") for line in electrodes.read_text().splitlines())
    moved = [[name, str(float(x) + 0.02), *rest_of_row] for name, x, *rest_of_row in rows]
    electrodes.write_text("".join("\t".join(row) + "\n" for row in [header, *moved]))
    session = load_inventory(study, results)["sessions"][0]
    assert session["montage"] not in (None, before)
    listed = {Path(path).name for path in Plan(study, results).recordings(session["name"])}
    assert {electrodes.name, electrodes.name.replace("electrodes.tsv", "coordsystem.json")} <= listed


def test_one_recording_under_two_tasks_of_a_person_is_used_for_neither(recordings: Path, tmp_path: Path) -> None:
    healthy = load_inventory(study_of(recordings), Results(tmp_path / "before"))
    shutil.copy(recordings / "S0_rest.edf", recordings / "S0_math.edf")
    plan = Plan(study_of(recordings), Results(tmp_path / "out"))
    assert plan.inventory["sessions"] == healthy["sessions"][1:]
    assert [(one["recording"], one["check"], one["found"]) for one in plan.inventory["unplaced"]] == [
        ("S0_math.edf", "copy", "the samples of S0_rest.edf"),
        ("S0_rest.edf", "copy", "the samples of S0_math.edf"),
    ]


def test_of_two_runs_with_one_recording_the_first_is_used(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_edf(root / "S1_rest_1.edf", 1)
    write_edf(root / "S1_rest_3.edf", 3)
    shutil.copy(root / "S1_rest_1.edf", root / "S1_rest_2.edf")
    write_edf(root / "S1_math_1.edf", 4)
    found = load_inventory(study_of(root, pattern="S{participant}_{task}_{run}.edf"), Results(tmp_path / "out"))
    paths = [row["path"] for row in found["sessions"][0]["recordings"]]
    assert paths == ["S1_math_1.edf", "S1_rest_1.edf", "S1_rest_3.edf"]
    assert [one["recording"] for one in found["unplaced"]] == ["S1_rest_2.edf"]


def test_broken_flat_and_empty_files_of_one_size_are_no_copies(recordings: Path, tmp_path: Path) -> None:
    for number, content in ((7, bytes(9000)), (8, bytes(9000)), (5, b""), (6, b"")):
        (recordings / f"S{number}_rest.edf").write_bytes(content)
    found = load_inventory(study_of(recordings), Results(tmp_path / "out"))
    montages = {session["name"]: session["montage"] for session in found["sessions"]}
    assert [name for name, montage in montages.items() if montage is None] == ["sub-5", "sub-6", "sub-7", "sub-8"]


def test_unplaced_recordings_are_in_the_exclusions_of_the_results(recordings: Path, tmp_path: Path) -> None:
    write_edf(recordings / "visitor.edf", 50)
    for path in recordings.glob("S?_*.edf"):
        if not path.name.startswith("S0_rest"):
            path.unlink()
    study, results = study_of(recordings), Results(tmp_path / "out")
    study = study.model_copy(
        update={"data": study.data.model_copy(update={"conditions": {"rest": study.data.conditions["rest"]}})}
    )
    plan = Plan(study, results)
    settings = plan.settings_table()
    assert [one["recording"] for one in plan.inventory["unplaced"]] == ["visitor.edf"]
    results.inventory.write_text(json.dumps(plan.inventory | {"sessions": []}))
    table.run(results, json.loads(settings))
    rows = read_tsv(results.group("exclusions.tsv"), dtype=str)
    assert rows[["recording", "step", "check", "wanted"]].to_numpy().tolist() == [
        ["visitor.edf", "inventory", "placed", "S{participant}_{task}.edf"]
    ]
    (recordings / "visitor.edf").unlink()
    assert Plan(study, results).settings_table() != settings


def test_a_cap_by_name_gives_the_montage_of_its_sessions(tmp_path: Path) -> None:
    root = tmp_path / "data"
    numbers = tuple(f"E{number}" for number in range(1, 11))
    write_edf(root / "S1_rest.edf", 1, names=numbers)
    write_edf(root / "S1_math.edf", 2, names=numbers)
    by_template = load_inventory(study_of(root), Results(tmp_path / "one"))
    by_cap = load_inventory(study_of(root, montage="GSN-HydroCel-128"), Results(tmp_path / "two"))
    assert by_template["sessions"][0]["montage"] is None
    assert by_cap["montages"][by_cap["sessions"][0]["montage"]]["names"] == list(numbers)


def test_electrodes_that_a_cap_does_not_have_exclude_with_the_cap_in_the_message() -> None:
    info = mne.create_info(["E1", "E300"], SFREQ_HZ, "eeg", verbose="error")
    raw = mne.io.RawArray(np.zeros((2, 10)), info, verbose="error")
    with pytest.raises(RecordingFault, match="no electrode of GSN-HydroCel-128 called E300"):
        placed_channels(raw, None, Checks(), cap="GSN-HydroCel-128")
