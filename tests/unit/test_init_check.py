"""`painconn check`: what will be excluded, and what stands in the way, told before anything is computed."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from painconn.cli.check import check_study, require_runnable
from painconn.cli.init import write_proposal
from painconn.errors import InputError, PainconnError
from painconn.paths import Results
from painconn.recordings.copies import sample_digest
from painconn.recordings.door import FileAtDoor

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2"]
PEOPLE = [f"{number:02}" for number in range(12)]

DECISIONS = "participant\tsession\trecording\tkind\titem\tonset_s\tduration_s\tdecision\n"

STUDY = """\
name: planted
data:
  sources: [{root: data, layout: folder, pattern: "P{participant}_raw.fif"}]
  conditions:
    rest: {kind: rest, block: rest, n_epochs: 20}
    pinprick: {kind: events, events: [pinprick], n_epochs: 20}
  minimum_per_group: MINIMUM
connectivity: {measures: [wpli2_debiased]}
cleaning: {sfreq_hz: 200, line_noise: noneMANUAL}
targets:
  response:
    contrast: {kind: within, a: {condition: pinprick, window: pre}, b: {condition: pinprick, window: post}}
  group:
    contrast: {kind: between, column: group, a: control, b: patient, observation: {condition: rest}}
"""


def recording(
    rng: np.random.Generator,
    *,
    names: list[str] = NAMES,
    sfreq_hz: float = 200.0,
    duration_s: float = 160.0,
    block_s: float = 50.0,
    n_pinpricks: int = 24,
) -> mne.io.RawArray:
    data = 2e-5 * rng.standard_normal((len(names), round(duration_s * sfreq_hz)))
    raw = mne.io.RawArray(data, mne.create_info(names, sfreq_hz, "eeg"), verbose="ERROR")
    onsets = [0.0, *np.linspace(60, 155, n_pinpricks)]
    kinds = [*(["rest"] if block_s else ["other"]), *["pinprick"] * n_pinpricks]
    inside = [onset < duration_s for onset in onsets]
    marks = mne.Annotations(onsets, [block_s, *[0.0] * n_pinpricks], kinds)
    return raw.set_annotations(marks[np.flatnonzero(inside)])


@pytest.fixture
def planted(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a maker of a study of twelve people, six of whom have something that can be foreseen."""

    def make(*, minimum: int = 2, manual: str = "") -> Path:
        data = tmp_path / "data"
        data.mkdir()
        odd = {
            "01": {"sfreq_hz": 100.0},
            "02": {"duration_s": 4.0, "block_s": 4.0},
            "03": {"names": [*NAMES[:-1], "XYZZY"]},
            "04": {"block_s": 0.0},
            "05": {"n_pinpricks": 11},
        }
        for person in PEOPLE:
            recording(rng, **odd.get(person, {})).save(data / f"P{person}_raw.fif", verbose="ERROR")
        (data / "P06_raw.fif").write_bytes(b"")
        shutil.copy(data / "P08_raw.fif", data / "older P08.fif")
        rows = "".join(f"{person}\t{'patient' if int(person) % 2 else 'control'}\n" for person in PEOPLE)
        (data / "participants.tsv").write_text("participant_id\tgroup\n" + rows, encoding="utf-8")
        if manual:
            (tmp_path / "manual.tsv").write_text(manual, encoding="utf-8")
        text = STUDY.replace("MINIMUM", str(minimum)).replace(
            "MANUAL", ", manual_decisions: manual.tsv" if manual else ""
        )
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return tmp_path / "study.yaml"

    return make


def disk_of(monkeypatch: pytest.MonkeyPatch, *, free_mb: int) -> None:
    """Let every folder stand on a disk with so much free space."""
    usage = shutil.disk_usage("/")._replace(free=free_mb << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)


def line_about(printed: str, *parts: str) -> str:
    """Return the one line that holds all the parts."""
    lines = [line for line in printed.splitlines() if all(part in line for part in parts)]
    assert len(lines) == 1, (parts, printed)
    return lines[0]


def test_everything_that_is_foreseen_is_told_at_once(planted, capsys):
    check_study(planted())
    printed = capsys.readouterr().out
    assert "12 recordings of 12 participants in 12 sessions" in printed
    assert "4 of 12 recordings excluded; participants with rest from 7, pinprick from 7" in printed
    for where, found, then in (
        ("P01_raw.fif", "100 Hz", "recording excluded"),
        ("P02_raw.fif", "4.000 s", "recording excluded"),
        ("P03_raw.fif", "XYZZY", "recording excluded"),
        ("P06_raw.fif", "empty", "recording excluded"),
        ("P04_raw.fif, condition rest", "no annotation of that name", "condition excluded here"),
        ("sub-05, condition pinprick", "11 epochs at most", "condition excluded here"),
        ("older P08.fif", "a name that the pattern does not fit", "not part of the study"),
    ):
        line = line_about(printed, where, found, then)
        assert re.fullmatch(r"foreseen: .+ · found: .+ · wanted: .+ · then: .+ · do: .+", line)
    assert printed.endswith("nothing stands in the way of a run\n")


def test_groups_are_counted_after_what_is_foreseen(planted, capsys):
    with pytest.raises(InputError) as caught:
        check_study(planted(minimum=5))
    # 01 03 patients and 02 06 controls are excluded, and 04 (control) has no rest: 00 08 10 against 05 07 09 11.
    assert {problem.where for problem in caught.value.problems} == {"targets.group"}
    assert {problem.found for problem in caught.value.problems} == {"3 in control", "4 in patient"}
    assert "P01_raw.fif" in capsys.readouterr().out


def test_one_recording_of_two_people_stops(planted, tmp_path):
    study = planted()
    shutil.copy(tmp_path / "data" / "P08_raw.fif", tmp_path / "data" / "P09_raw.fif")
    with pytest.raises(InputError, match="participants 08, 09 · found: the same samples"):
        check_study(study)


def test_a_full_disk_stops_unless_the_results_lie_there_already(planted, tmp_path, monkeypatch):
    study = planted()
    disk_of(monkeypatch, free_mb=740)
    with pytest.raises(InputError) as caught:
        check_study(study)
    # 60 MB for each of the 12 recordings, and as much for the tables.
    assert [(problem.found, problem.wanted) for problem in caught.value.problems] == [("740 MB free", "about 780 MB")]
    # What else lies there is not the study's.
    for place, told in (("data", True), ("derivatives", False)):
        folder = tmp_path / "results" / "planted" / place
        folder.mkdir(parents=True)
        with (folder / "a.parquet").open("wb") as file:
            file.truncate(50 << 20)
        if told:
            with pytest.raises(InputError):
                check_study(study)
    check_study(study)


def test_a_check_writes_nothing(planted, tmp_path):
    study = planted()
    before = sorted(tmp_path.rglob("*"))
    check_study(study)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_run_would_refuse_a_run_refuses(planted, tmp_path):
    from painconn.config.loader import load_study

    study = load_study(planted(minimum=5))
    with pytest.raises(InputError, match="3 in control"):
        require_runnable(study, Results(tmp_path / "out"))


def test_decisions_by_hand_are_read_before_they_are_used(planted, capsys):
    rows = [
        ("00", "", "channel", "Fp1", "", "", "bad"),
        ("08", "", "channel", "Fpz", "", "", "bad"),
        ("77", "", "channel", "Fp1", "", "", "good"),
        ("09", "", "segment", "", "12", "3", "bad"),
        ("09", "", "segment", "", "159", "3", "bad"),
        ("10", "task-rest", "segment", "", "10", "3", "bad"),
    ]
    check_study(planted(manual=DECISIONS + "".join("\t".join((row[0], "", *row[1:])) + "\n" for row in rows)))
    printed = capsys.readouterr().out
    assert "session excluded" in line_about(printed, "manual.tsv row 3", "no channel Fpz")
    assert "this row does nothing" in line_about(printed, "manual.tsv row 4", "participant 77")
    assert "the part inside counts" in line_about(printed, "manual.tsv row 6", "159 to 162 s")
    assert "this row does nothing" in line_about(printed, "manual.tsv row 7", "task-rest")
    assert "row 2" not in printed
    assert "row 5" not in printed
    assert "participants with rest from 6, pinprick from 6" in printed


@pytest.mark.parametrize(
    ("manual", "found"),
    [
        ("participant\tkind\titem\n00\tchannel\tFp1\n", "no column session, recording, onset_s, duration_s, decision"),
        (DECISIONS + "00\t\t\tchannel\tFp1\t\t\twrong\n", "'wrong'"),
    ],
)
def test_a_table_of_decisions_that_cannot_be_read_stops(planted, manual, found):
    with pytest.raises(InputError, match=re.escape(found)):
        check_study(planted(manual=manual))


def test_recordings_of_which_the_same_is_to_be_said_share_a_line(tmp_path, rng, monkeypatch, capsys):
    data = tmp_path / "data"
    data.mkdir()
    for person in PEOPLE:
        recording(rng, names=[f"EEG{number}" for number in range(1, 9)]).save(
            data / f"P{person}_raw.fif", verbose="ERROR"
        )
    monkeypatch.chdir(tmp_path)
    write_proposal(data, tmp_path / "study.yaml")
    with pytest.raises(InputError) as caught:
        check_study(tmp_path / "study.yaml")
    printed = capsys.readouterr().out
    line = line_about(printed, "EEG1", "recording excluded")
    assert line.startswith("foreseen: P00_raw.fif, P01_raw.fif, P02_raw.fif and 9 more · ")
    assert line_about(printed, "data.conditions.rest", "nobody from whom it can be had")
    assert "0 in people with both observations" in str(caught.value)


@pytest.mark.slow
def test_a_numbered_cap_goes_from_init_to_check(tmp_path, rng, monkeypatch, capsys):
    data = tmp_path / "data"
    data.mkdir()
    names = [f"{row}{number}" for row in "ABCD" for number in range(1, 33)]
    for person in PEOPLE[:5]:
        raw = recording(rng, names=names, sfreq_hz=128.0, duration_s=155.0, block_s=0.0, n_pinpricks=24)
        raw.save(data / f"P{person}_raw.fif", verbose="ERROR")
    monkeypatch.chdir(tmp_path)
    write_proposal(data, tmp_path / "study.yaml")
    check_study(tmp_path / "study.yaml")
    printed = capsys.readouterr().out
    assert "0 of 5 recordings excluded" in printed
    assert 'montage: "biosemi128"' in (tmp_path / "study.yaml").read_text(encoding="utf-8")


def test_ready_epochs_are_judged_by_their_own_length(tmp_path, rng, monkeypatch, capsys):
    info = mne.create_info(NAMES, 200.0, "eeg")
    data = tmp_path / "data"
    data.mkdir()
    for person in PEOPLE:
        epochs = mne.EpochsArray(2e-5 * rng.standard_normal((40, 8, 200)), info, verbose="ERROR")
        epochs.save(data / f"P{person}-epo.fif", verbose="ERROR")
    rows = "".join(f"P{person}\t{'patient' if int(person) % 2 else 'control'}\n" for person in PEOPLE)
    (data / "participants.tsv").write_text("participant_id\tgroup\n" + rows, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    write_proposal(data, tmp_path / "study.yaml")
    check_study(tmp_path / "study.yaml")
    printed = capsys.readouterr().out
    # Five cycles of 4 Hz do not fit into a second; alpha does.
    assert line_about(printed, "PRIMARY TESTS NOT COMPUTABLE", "theta")
    assert "theta alpha" not in printed
    assert line_about(printed, "aec_orth", "ready epochs have no continuous segments")


def test_a_ready_table_is_checked_before_a_run(tmp_path, rng, monkeypatch, capsys):
    data = tmp_path / "data"
    data.mkdir()
    people = [f"{number:03}" for number in range(12) for _ in range(2)]
    table = pd.DataFrame({"participant": people, "condition": ["pain", "rest"] * 12, "a": rng.random(24)})
    table.to_csv(data / "features.csv", index=False)
    monkeypatch.chdir(tmp_path)
    write_proposal(data, tmp_path / "study.yaml")
    check_study(tmp_path / "study.yaml")
    assert "a table of 24 observations of 12 participants" in capsys.readouterr().out
    broken = table.astype(str)
    broken.loc[3, "a"] = "many"
    broken.to_csv(data / "features.csv", index=False)
    with pytest.raises(InputError, match=r"features.csv row 5 column a · found: 'many'"):
        check_study(tmp_path / "study.yaml")


def test_a_ready_table_without_the_rows_and_sites_of_a_target_is_told_once(tmp_path, rng):
    names = [f"{number:03}" for number in range(12)]
    pd.DataFrame({"participant": names, "a": rng.random(12)}).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    people = pd.DataFrame({"participant_id": names, "pain": range(12)})
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    contrast = "{kind: association, column: pain, observation: {condition: %s}}"
    study = tmp_path / "study.yaml"
    study.write_text(
        "name: s\ndata:\n  sources: [{root: ., layout: features, features_table: table.tsv}]\n  covariates: [agee]\n"
        f"targets:\n  one: {{contrast: {contrast % 'closed'}}}\n"
        f"  two: {{harmonisation: combat, contrast: {contrast % 'all'}}}\n  three: {{contrast: {contrast % 'all'}}}\n"
    )
    with pytest.raises(InputError) as refused:
        check_study(study)
    told = [str(problem) for problem in refused.value.problems]
    assert len(told) == 3
    assert sum("no column agee" in problem for problem in told) == 1
    assert any("targets.one.contrast · found: nobody with rows of closed" in problem for problem in told)
    assert any("targets.two.harmonisation · found: combat, and the table" in problem for problem in told)


def test_ratings_that_are_in_no_table_are_refused_like_covariates_all_at_once(tmp_path, rng):
    names = [f"{number:03}" for number in range(12)]
    pd.DataFrame({"participant": names, "a": rng.random(12)}).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    people = {"participant_id": names, "pain": range(12), "group": ["x", "y"] * 6, "rating_hand": rng.random(12)}
    people |= {"remark": ["x", *["y"] * 10, "3"]}
    pd.DataFrame(people).to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    between = "{kind: between, column: group, a: x, b: %s, observation: {condition: %s}}"
    targets = {
        "fine": (between % ("y", "all"), "rating_hand"),
        "misspelt": (between % ("y", "all"), "ratin_hand, rating_hand, foot"),
        "grouped": (between % ("z", "all"), "hand_rating"),
        "scored": ("{kind: association, column: pain, observation: {condition: all}}, covariates: []", "remark"),
        "rowless": (between % ("y", "closed"), "knee"),
    }
    study = tmp_path / "study.yaml"
    head = "name: s\ndata: {sources: [{root: ., layout: features, features_table: table.tsv}], covariates: [agee]}\n"
    lines = [f"  {name}: {{contrast: {contrast}, ratings: [{it}]}}\n" for name, (contrast, it) in targets.items()]
    study.write_text(head + "targets:\n" + "".join(lines))
    with pytest.raises(InputError) as refused:
        check_study(study)
    problems = {(problem.where.partition(",")[0], problem.found): problem for problem in refused.value.problems}
    assert {key for key in problems if key[0].endswith(".ratings")} == {
        ("targets.misspelt.ratings", "no column ratin_hand"),
        ("targets.misspelt.ratings", "no column foot"),
        ("targets.grouped.ratings", "no column hand_rating"),
        ("targets.scored.ratings", "numbers, and text in 000: 'x', 001: 'y', 002: 'y', 003: 'y', 004: 'y', 005: 'y', "
         "006: 'y', 007: 'y'"),
        ("targets.rowless.ratings", "no column knee"),
    }  # fmt: skip
    close = problems["targets.misspelt.ratings", "no column ratin_hand"]
    assert close.where == "targets.misspelt.ratings, participants table"
    assert close.wanted == "one of: pain, group, rating_hand, remark"
    assert close.fix == "did you mean rating_hand?"
    assert problems["targets.misspelt.ratings", "no column foot"].fix == "set targets.misspelt.ratings"
    others = [found for where, found in problems if not where.endswith(".ratings")]
    assert "no column agee" in others
    assert any("nobody with rows of closed" in found for found in others)


def test_an_existing_study_file_is_not_overwritten(tmp_path, planted):
    study = planted()
    with pytest.raises(InputError, match="choose another --out"):
        write_proposal(tmp_path / "data", study)


def test_copies_are_known_by_their_samples(tmp_path, rng):
    one = recording(rng)
    still = mne.io.RawArray(np.zeros((8, 32_000)), one.info, verbose="ERROR")
    digests = {}
    # Another date in the header, the same samples.
    for name, raw, day in (("one", one, 1), ("again", one, 2), ("two", recording(rng), 1), ("still", still, 1)):
        raw.copy().set_meas_date(datetime(2020, 1, day, tzinfo=UTC)).save(tmp_path / f"{name}_raw.fif", verbose="ERROR")
        digests[name] = sample_digest(FileAtDoor(tmp_path / f"{name}_raw.fif", tmp_path))
    assert digests["one"] == digests["again"] != digests["two"]
    assert digests["still"] is None


@pytest.mark.realdata
def test_real_rest_and_arithmetic_are_ready_to_run(real_data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    disk_of(monkeypatch, free_mb=5000)
    write_proposal(real_data / "eegmat-rest-arithmetic", tmp_path / "study.yaml")
    check_study(tmp_path / "study.yaml")
    printed = capsys.readouterr().out
    assert "46 recordings of 23 participants" in printed
    assert "0 of 46 recordings excluded" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("uci-eeg-alcoholism", "no primary test of wpli2_debiased can be computed"),
        ("eegmmidb-eyes-open", "a value for targets"),
    ],
)
def test_real_folders_that_cannot_run_say_why(real_data, tmp_path, monkeypatch, name, problem):
    monkeypatch.chdir(tmp_path)
    write_proposal(real_data / name, tmp_path / "study.yaml")
    with pytest.raises(PainconnError, match=problem):
        check_study(tmp_path / "study.yaml")
