"""`painconn init`: what is proposed can be loaded and finds the recordings it was made from."""

from pathlib import Path

import mne
import numpy as np
import pytest

from painconn.config.loader import load_study
from painconn.recordings.electrodes import channel_naming, is_electrode
from painconn.recordings.layout import find_inventory
from painconn.recordings.naming import common_prefix, guess_pattern
from painconn.recordings.participants import label_groups, read_participants
from painconn.recordings.proposal import propose_study
from painconn.recordings.survey import strongest_line, visible_lowpass


@pytest.mark.parametrize(
    ("names", "ids", "pattern"),
    [
        (["Subject02_1", "Subject02_2", "Subject03_1"], [], "Subject{participant}_{task}"),
        (["Subject02_1", "Subject02_2", "Subject03_1"], ["Subject02", "Subject03"], "Subject{participant}_{task}"),
        (["S001R01", "S002R01"], [], "S{participant}R01"),
        (["co2a01_S1", "co2c02_S1"], ["co2a01", "co2c02"], "{participant}_S1"),
        (["rest_P1", "task_P1", "rest_P2"], ["P1", "P2"], "{task}_P{participant}"),
        (["p1/p1_open", "p1/p1_closed", "p2/p2_open"], [], "p{participant}/p{participant}_{task}"),
        (["01_ses-a_x", "01_ses-b_x", "02_ses-a_x"], [], "{participant}_ses-{session}_x"),
        (["a b c", "d"], [], None),
    ],
)
def test_patterns_are_guessed(names: list[str], ids: list[str], pattern: str | None) -> None:
    assert guess_pattern(names, ids) == pattern


def test_common_prefix() -> None:
    assert common_prefix(["Subject02", "Subject10"]) == "Subject"
    assert common_prefix(["co2a01", "co2c02"]) == common_prefix(["A1", "B1"]) == common_prefix([]) == ""


def test_channel_names() -> None:
    naming = channel_naming(["EEG Fp1-REF", "EEG T3-REF", "EEG Cz-REF", "ECG ECG", "EEG A2-A1", "HEOG", "XYZZY"])
    assert (naming.strip_prefix, naming.strip_suffix) == ("EEG ", "-REF")
    assert naming.electrodes == ("Fp1", "T3", "Cz")
    assert naming.kinds == {"ECG ECG": "ecg", "HEOG": "eog"}
    assert (naming.references, naming.unknown) == (("A2-A1",), ("XYZZY",))
    assert channel_naming(["C5..", "Fc5.", "Cz.."]).strip_suffix == "."
    assert all(is_electrode(name) for name in ("AFF5h", "fcz", "TPP10h", "POz", "T6"))
    assert not any(is_electrode(name) for name in ("EOG", "F11", "C0", "Q1", "A1"))


def test_every_10_05_name_is_an_electrode() -> None:
    with pytest.warns(FutureWarning):
        names = mne.channels.make_standard_montage("standard_1005").ch_names
    strange = [name for name in names if not is_electrode(name)]
    assert sorted(strange) == ["A1", "A2", "M1", "M2"]


def test_line_and_lowpass_are_seen_only_when_there(rng: np.random.Generator) -> None:
    sfreq = 500.0
    times = np.arange(int(30 * sfreq)) / sfreq
    noise = rng.standard_normal((4, times.size))
    assert strongest_line(noise, sfreq) is None
    assert strongest_line(noise + np.sin(2 * np.pi * 60 * times), sfreq) == 60
    assert visible_lowpass(noise, sfreq) is None
    edge = visible_lowpass(mne.filter.filter_data(noise, sfreq, None, 45.0, verbose="ERROR"), sfreq)
    assert edge in (45, 50)


def folder_of(root: Path, rng: np.random.Generator, events: dict[str, tuple[int, float]]) -> None:
    names = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2", "VEOG"]
    for participant in range(10):
        raw = mne.io.RawArray(
            2e-5 * rng.standard_normal((9, 60 * 200)), mne.create_info(names, 200.0, "eeg"), verbose="ERROR"
        )
        onsets, durations, descriptions = [], [], []
        for name, (count, duration_s) in events.items():
            onsets += np.linspace(0, 60 - duration_s - 1, count).tolist()
            durations += [duration_s] * count
            descriptions += [name] * count
        raw.set_annotations(mne.Annotations(onsets, durations, descriptions))
        raw.save(root / f"P{participant:02}_pain_raw.fif", verbose="ERROR")
    rows = [f"P{number:02}\t{30 + number}\t{'patient' if number % 2 else 'control'}\n" for number in range(10)]
    (root / "participants.tsv").write_text("participant_id\tage\tgroup\n" + "".join(rows), encoding="utf-8")


def test_blocks_and_events_become_conditions(tmp_path: Path, rng: np.random.Generator) -> None:
    root = tmp_path / "my data (1)"
    root.mkdir()
    folder_of(root, rng, {"eyes open": (1, 30.0), "pinprick": (24, 0.0)})
    text = propose_study(root)
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    study = load_study(tmp_path / "study.yaml")
    conditions = study.data.conditions
    assert study.name == "mydata1"
    assert (conditions["eyesopen"].block, conditions["eyesopen"].n_epochs) == ("eyes open", 15)
    pinprick = next(condition for condition in conditions.values() if condition.kind == "events")
    assert (pinprick.events, pinprick.n_epochs) == (("pinprick",), 20)
    assert (study.cleaning.sfreq_hz, study.cleaning.notch) == (200.0, False)
    source = study.data.sources[0]
    assert source.channel_types == {"VEOG": "eog"}
    table = read_participants(study.data.participants, source.root)
    found = find_inventory([(source, source.root)], conditions)
    assert {file.participant for file in found} == set(table.index)
    contrast = study.targets["group"].contrast
    assert (contrast.a, contrast.b, study.data.covariates) == ("control", "patient", ("age",))


def test_root_can_be_relative(tmp_path: Path, rng: np.random.Generator) -> None:
    folder_of(tmp_path, rng, {})
    assert 'root: "data/mine"' in propose_study(tmp_path, root="data/mine")
    assert tmp_path.as_posix() not in propose_study(tmp_path, root="data/mine")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "n_files", "targets"),
    [("eegmat-rest-arithmetic", 46, ["1vs2", "countquality"]), ("uci-eeg-alcoholism", 14, ["group"])],
)
def test_real_folders(real_data: Path, tmp_path: Path, name: str, n_files: int, targets: list[str]) -> None:
    (tmp_path / "study.yaml").write_text(propose_study(real_data / name), encoding="utf-8")
    study = load_study(tmp_path / "study.yaml")
    source = study.data.sources[0]
    found = find_inventory([(source, source.root)], study.data.conditions)
    table = read_participants(study.data.participants, source.root)
    assert len(found) == n_files
    assert {file.participant for file in found} == set(table.index)
    assert list(study.targets) == targets
    contrast = study.targets[targets[-1]].contrast
    assert len(label_groups(table, contrast.column or "", (str(contrast.a), str(contrast.b))).labels) == len(table)
