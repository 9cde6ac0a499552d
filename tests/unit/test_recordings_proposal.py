"""`painconn init`: what is proposed can be loaded and finds the recordings it was made from."""

import shutil
from pathlib import Path

import edfio
import mne
import numpy as np
import pandas as pd
import pytest

from painconn.cli.check import check_study
from painconn.config.data import Participants
from painconn.config.loader import load_study
from painconn.config.study import StudyConfig
from painconn.config.targets import Observation
from painconn.cortex.montage import place_electrodes
from painconn.errors import InputError
from painconn.recordings.layout import find_inventory
from painconn.recordings.participants import label_groups, read_participants
from painconn.recordings.proposal import propose_study
from painconn.recordings.proposal.electrodes import channel_naming, is_electrode
from painconn.recordings.proposal.groups import propose_people, read_levels
from painconn.recordings.proposal.naming import common_prefix, guess_pattern
from painconn.recordings.proposal.spectra import strongest_line, visible_lowpass
from painconn.recordings.sidecars import read_sidecars

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2", "VEOG"]
BIOSEMI_64 = [f"{row}{number}" for row in "AB" for number in range(1, 33)]
BIOSEMI_128 = [f"{row}{number}" for row in "ABCD" for number in range(1, 33)]


def proposed(folder: Path, out: Path) -> tuple[StudyConfig, str]:
    text = propose_study(folder)
    (out / "study.yaml").write_text(text, encoding="utf-8")
    return load_study(out / "study.yaml"), text


def recording(
    rng: np.random.Generator,
    names: list[str] = NAMES,
    *,
    sfreq_hz: float = 200.0,
    duration_s: float = 60.0,
    events: dict[str, tuple[int, float]] | None = None,
) -> mne.io.RawArray:
    """Return noise with events: count and duration by name."""
    data = 2e-5 * rng.standard_normal((len(names), round(duration_s * sfreq_hz)))
    raw = mne.io.RawArray(data, mne.create_info(names, sfreq_hz, "eeg"), verbose="ERROR")
    marks = mne.Annotations([], [], [])
    for name, (count, length_s) in (events or {}).items():
        marks.append(np.linspace(2, duration_s - length_s - 2, count), [length_s] * count, [name] * count)
    return raw.set_annotations(marks)


def folder_of(
    root: Path, rng: np.random.Generator, events: dict[str, tuple[int, float]], *, group: str = "group"
) -> None:
    for participant in range(10):
        recording(rng, events=events).save(root / f"P{participant:02}_pain_raw.fif", verbose="ERROR")
    rows = [f"P{number:02}\t{30 + number}\t{'patient' if number % 2 else 'control'}\n" for number in range(10)]
    (root / "participants.tsv").write_text(f"participant_id\tage\t{group}\n" + "".join(rows), encoding="utf-8")


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


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["EEG Fp1-REF", "EEG T3-REF", "EEG Cz-REF"], ["Fp1", "T7", "Cz"]),
        (["EEG FP1-LE", "EEG T6-LE", "EEG OZ-LE"], ["Fp1", "P8", "Oz"]),
        (["Fc5.", "Cz..", "Af7."], ["FC5", "Cz", "AF7"]),
        (["EEG-Fp1", "EEG-T4"], ["Fp1", "T8"]),
        (["fp1", "cz", "po3"], ["Fp1", "Cz", "PO3"]),
        (["FP1", "FCZ", "HEO", "VEO", "EKG", "M1", "M2"], ["Fp1", "FCz"]),
        (["F3-A2", "C3-A2", "O1-A2", "F4-A1", "C4-A1", "LOC-A2", "ROC-A1"], ["F3", "C3", "O1", "F4", "C4"]),
        (["EEG Fp1-REF", "EEG F4-LE", "EEG Pz-REF", "EKG1-REF", "EEG A1-REF"], ["Fp1", "F4", "Pz"]),
        ([f"{name}-Cz" for name in NAMES[:8]] + ["T3-Cz"], [*NAMES[:8], "T7"]),
        ([*BIOSEMI_64, "EXG1", "EXG2", "Status"], mne.channels.make_standard_montage("biosemi64").ch_names),
    ],
)
def test_names_of_laboratories_become_places_of_the_template(names: list[str], places: list[str]) -> None:
    naming = channel_naming(names)
    assert (naming.montage, naming.unknown) == ("template", ())
    found = place_electrodes([naming.rename.get(name, name) for name in naming.electrodes])
    wanted = place_electrodes(places)
    np.testing.assert_allclose(sorted(map(tuple, found.values())), sorted(map(tuple, wanted.values())))


@pytest.mark.parametrize(
    ("names", "montage"),
    [
        ([*BIOSEMI_128, "EXG1", "Status"], "biosemi128"),
        ([f"E{number}" for number in range(1, 129)] + ["VREF"], "GSN-HydroCel-128"),
        ([f"E{number:03}" for number in range(1, 66)], "GSN-HydroCel-64_1.0"),
        ([f"EEG {number:03}" for number in range(1, 257)], "GSN-HydroCel-256"),
    ],
)
def test_numbered_caps_are_recognised(names: list[str], montage: str) -> None:
    naming = channel_naming(names)
    assert naming.montage == montage
    assert len(place_electrodes(naming.electrodes, montage=naming.montage)) == len(naming.electrodes) >= 64
    assert not {"VREF", "E065"} & set(naming.electrodes)


@pytest.mark.parametrize(
    "names",
    [
        [f"EEG{number}" for number in range(1, 33)],
        [f"EEG {number:03}" for number in range(1, 61)],
        [f"{number}Z" for number in range(5)] + [f"{number}L" for number in range(1, 6)],
    ],
)
def test_numbers_without_a_plan_are_not_guessed(names: list[str]) -> None:
    naming = channel_naming(names)
    assert naming.numbered
    assert (naming.electrodes, naming.rename) == ((), {})
    assert "rename_channels" in " ".join(naming.undecided)


def test_other_channels_get_a_type_or_are_left_out() -> None:
    naming = channel_naming(["EEG Fp1-REF", "EEG T3-REF", "EEG Cz-REF", "ECG ECG", "EEG A2-A1", "HEOG", "LZ"])
    assert naming.kinds == {"ECG ECG": "ecg", "HEOG": "eog"}
    assert (naming.references, naming.unknown) == (("A2-A1",), ("LZ",))
    assert "LZ may mean IZ" in " ".join(naming.undecided)
    assert "T7, T8, P7, P8" in " ".join(naming.undecided)
    bipolar = channel_naming(["Fp1-F7", "F7-T3", "T3-T5", "T5-O1"])
    assert bipolar.electrodes == ()
    assert "bipolar" in " ".join(bipolar.undecided)


def test_an_electrode_is_what_the_template_can_place() -> None:
    with pytest.warns(FutureWarning):
        names = mne.channels.make_standard_montage("standard_1005").ch_names
    assert sorted(name for name in names if not is_electrode(name)) == ["A1", "A2", "M1", "M2"]
    assert len(
        place_electrodes([name for name in names if is_electrode(name) and name not in ("T3", "T4", "T5", "T6")])
    )
    assert not any(is_electrode(name) for name in ("EOG", "F11", "C0", "Q1", "CB1"))


def test_line_and_lowpass_are_seen_only_when_there(rng: np.random.Generator) -> None:
    sfreq = 500.0
    times = np.arange(int(30 * sfreq)) / sfreq
    noise = rng.standard_normal((4, times.size))
    assert strongest_line(noise, sfreq) is None
    assert strongest_line(noise + np.sin(2 * np.pi * 60 * times), sfreq) == 60
    assert visible_lowpass(noise, sfreq) is None
    edge = visible_lowpass(mne.filter.filter_data(noise, sfreq, None, 45.0, verbose="ERROR"), sfreq)
    assert edge in (45, 50)


def test_blocks_and_events_become_conditions(tmp_path: Path, rng: np.random.Generator) -> None:
    root = tmp_path / "my data (1)"
    root.mkdir()
    folder_of(root, rng, {"eyes open": (1, 30.0), "pinprick": (24, 0.0)})
    study, text = proposed(root, tmp_path)
    conditions = study.data.conditions
    assert study.name == "mydata1"
    assert (conditions["eyesopen"].block, conditions["eyesopen"].n_epochs) == ("eyes open", 10)
    assert (conditions["pinprick"].events, conditions["pinprick"].n_epochs) == (("pinprick",), 20)
    assert (study.cleaning.sfreq_hz, study.cleaning.line_noise) == (200.0, "none")
    source = study.data.sources[0]
    assert source.channel_types == {"VEOG": "eog"}
    table = read_participants(study.data.participants, source.root)
    found = find_inventory([(source, source.root)], conditions)
    assert {file.participant for file in found} == set(table.index)
    contrast = study.targets["group"].contrast
    assert (contrast.a, contrast.b, study.data.covariates) == ("control", "patient", ("age",))
    assert "names of events stand here as they are in the files" in text


def test_only_what_has_the_same_kind_and_length_is_paired(tmp_path: Path, rng: np.random.Generator) -> None:
    folder_of(tmp_path, rng, {"eyes open": (1, 25.0), "pinprick": (24, 0.0), "touch": (24, 0.0)})
    study, _ = proposed(tmp_path, tmp_path)
    pairs = [target.contrast for target in study.targets.values() if target.contrast.kind == "within"]
    assert len(pairs) == 2
    for contrast in pairs:
        assert isinstance(contrast.a, Observation)
        assert isinstance(contrast.b, Observation)
        assert (contrast.a.window, contrast.b.window) == ("pre", "post")
        assert contrast.a.condition == contrast.b.condition


def test_few_and_crowded_events_are_told(tmp_path: Path, rng: np.random.Generator) -> None:
    for participant in range(2):
        recording(rng, events={"laser": (16, 0.0), "button": (40, 0.0)}).save(
            tmp_path / f"P{participant}_raw.fif", verbose="ERROR"
        )
    study, text = proposed(tmp_path, tmp_path)
    assert study.data.conditions["laser"].n_epochs == 11
    assert "condition laser: 11 of 16 epochs are below the gate of 20" in text
    assert "event 'button' occurs every 1.5 s" in text
    assert "event 'laser' occurs" not in text


def test_what_is_written_into_one_recording_is_not_repeated(tmp_path: Path, rng: np.random.Generator) -> None:
    for participant in range(6):
        told = {"Frau Quaxli asks for water": (2, 0.0)} if participant == 2 else {}
        recording(rng, events={"pinprick": (24, 0.0), **told}).save(
            tmp_path / f"P{participant}_raw.fif", verbose="ERROR"
        )
    _, text = proposed(tmp_path, tmp_path)
    assert "'pinprick' x 24 and 1 other name(s)" in text
    assert "Quaxli" not in text


def test_a_folder_without_a_question_says_what_is_missing(tmp_path: Path, rng: np.random.Generator) -> None:
    for participant in range(3):
        recording(rng).save(tmp_path / f"P{participant}_raw.fif", verbose="ERROR")
    text = propose_study(tmp_path)
    assert "\ntargets:" not in text
    assert "# MISSING: targets" in text
    assert "3 people have recordings" in text


def test_root_can_be_relative(tmp_path: Path, rng: np.random.Generator) -> None:
    folder_of(tmp_path, rng, {})
    assert 'root: "data/mine"' in propose_study(tmp_path, root="data/mine")
    assert tmp_path.as_posix() not in propose_study(tmp_path, root="data/mine")


def test_sites_become_sources(tmp_path: Path, rng: np.random.Generator) -> None:
    for site, people in (("north", "12"), ("south", "34")):
        for person in people:
            folder = tmp_path / site / f"sub-{person}" / "eeg"
            folder.mkdir(parents=True)
            recording(rng).save(folder / f"sub-{person}_task-rest_eeg.fif", verbose="ERROR")
            recording(rng).save(folder / f"sub-{person}_task-pain_eeg.fif", verbose="ERROR")
    study, _ = proposed(tmp_path, tmp_path)
    assert [(source.site, source.root.name, source.layout) for source in study.data.sources] == [
        ("north", "north", "bids"),
        ("south", "south", "bids"),
    ]
    assert isinstance(study.targets["restvspain"].contrast.a, Observation)


def test_two_formats_of_a_recording_are_told_apart(tmp_path: Path, rng: np.random.Generator) -> None:
    folder = tmp_path / "sub-1" / "eeg"
    folder.mkdir(parents=True)
    raw = recording(rng)
    raw.save(folder / "sub-1_task-rest_eeg.fif", verbose="ERROR")
    mne.export.export_raw(folder / "sub-1_task-rest_eeg.edf", raw, verbose="ERROR")
    text = propose_study(tmp_path)
    assert 'extension: ".edf"' in text or 'extension: ".fif"' in text
    assert "several formats (.edf, .fif)" in text


def test_positions_count_only_when_measured(tmp_path: Path, rng: np.random.Generator) -> None:
    places = place_electrodes(NAMES[:8])
    for kind, spread_m in (("same", 0.0), ("measured", 0.003)):
        (tmp_path / kind).mkdir()
        for participant in range(3):
            moved = {name: place + spread_m * rng.standard_normal(3) for name, place in places.items()}
            montage = mne.channels.make_dig_montage(moved, coord_frame="head")
            raw = recording(rng, NAMES[:8]).set_montage(montage)
            raw.save(tmp_path / kind / f"P{participant}_raw.fif", verbose="ERROR")
    assert "montage:" not in propose_study(tmp_path / "same").split("# Not decided")[0]
    assert "the same in everybody" in propose_study(tmp_path / "same")
    assert 'montage: "digitised"' in propose_study(tmp_path / "measured")


def test_a_ready_table_is_a_study(tmp_path: Path, rng: np.random.Generator) -> None:
    people = [f"{number:03}" for number in range(12) for _ in range(2)]
    table = pd.DataFrame({"participant": people, "condition": ["pain", "rest"] * 12, "a": rng.random(24)})
    table.to_csv(tmp_path / "features.csv", index=False)
    rows = "".join(f"{number:03}\t{'patient' if number % 2 else 'control'}\n" for number in range(12))
    (tmp_path / "participants.tsv").write_text("participant_id\tdiagnosis\n" + rows, encoding="utf-8")
    study, _ = proposed(tmp_path, tmp_path)
    assert study.data.sources[0].layout == "features"
    within, between = study.targets["restvspain"].contrast, study.targets["diagnosis"].contrast
    assert (within.a, within.b) == (Observation(condition="rest"), Observation(condition="pain"))
    assert (between.a, between.b) == ("control", "patient")


def people(**columns: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(columns, dtype=object)
    return table.set_axis([f"{number:03}" for number in range(len(table))], axis=0)


def test_groups_and_what_is_none() -> None:
    table = people(
        sex=["F", "M"] * 6,
        hand=["R", "L"] * 6,
        GROUP=["1", "2"] * 6,
        TYPE=["patient", "control"] * 6,
        worse_side=["L", "R"] * 3 + [None] * 6,
        age=[str(20 + number) for number in range(11)] + [None],
    )
    proposal = propose_people(table, levels={"GROUP": {"1": "chronic pain", "2": "healthy people"}})
    assert [(one.column, one.a, one.b) for one in proposal.groups] == [("GROUP", "2", "1")]
    assert proposal.covariates == ["sex"]
    told = " ".join(proposal.notes)
    assert "column TYPE says the same as column GROUP" in told
    assert "column age is known not for 1 of 12 people" in told


def test_groups_that_stand_in_the_labels_only_are_named() -> None:
    table = people(age=[str(20 + number) for number in range(12)])
    table.index = pd.Index([f"{'hc' if number < 6 else 'pd'}{number}" for number in range(12)])
    assert propose_people(table).groups == []
    assert "start with hc (6), pd (6)" in " ".join(propose_people(table).notes)


def test_tables_about_people_are_found(tmp_path: Path, rng: np.random.Generator) -> None:
    folder_of(tmp_path, rng, {})
    table = pd.read_csv(tmp_path / "participants.tsv", sep="\t")
    (tmp_path / "participants.tsv").unlink()
    table.to_excel(tmp_path / "participants.xlsx", index=False)
    (tmp_path / "phenotype").mkdir()
    (tmp_path / "phenotype" / "pinprick.tsv").write_text("participant_id\trating\n", encoding="utf-8")
    study, text = proposed(tmp_path, tmp_path)
    assert study.data.participants.table == Path("participants.xlsx")
    assert (study.targets["group"].contrast.a, study.data.covariates) == ("control", ("age",))
    assert "phenotype tables (pinprick.tsv) can make a label" in text


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"sub-01/eeg/sub-01_task-rest_eeg.json": "{}"}, "sidecars of 1 people, but not one recording file"),
        ({"participants.tsv": "participant_id\nsub-1\nsub-2\n"}, "a participants table of 2 people, but no recording"),
        ({"notes.txt": "nothing"}, "no recording"),
    ],
)
def test_folders_without_recordings_say_what_they_hold(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        propose_study(tmp_path)


def test_recordings_that_are_not_fetched_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "sub-1" / "eeg"
    folder.mkdir(parents=True)
    (folder / "sub-1_task-rest_eeg.bdf").symlink_to("../../.git/annex/objects/nothing.bdf")
    with pytest.raises(InputError, match="datalad get"):
        propose_study(tmp_path)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "n_files", "targets"),
    [("eegmat-rest-arithmetic", 46, ["1vs2", "countquality"]), ("uci-eeg-alcoholism", 14, ["group"])],
)
def test_real_folders(real_data: Path, tmp_path: Path, name: str, n_files: int, targets: list[str]) -> None:
    study, _ = proposed(real_data / name, tmp_path)
    source = study.data.sources[0]
    found = find_inventory([(source, source.root)], study.data.conditions)
    table = read_participants(study.data.participants, source.root)
    assert len(found) == n_files
    assert {file.participant for file in found} == set(table.index)
    assert list(study.targets) == targets
    contrast = study.targets[targets[-1]].contrast
    assert len(label_groups(table, contrast.column or "", (str(contrast.a), str(contrast.b))).labels) == len(table)


@pytest.mark.realdata
def test_three_people_without_a_table_make_no_question(real_data: Path) -> None:
    text = propose_study(real_data / "eegmmidb-eyes-open")
    assert 'pattern: "S{participant}R01.edf"' in text
    assert 'strip_suffix: "."' in text
    assert ("sfreq_hz: 160" in text, "line_freq_hz: 60" in text, "n_epochs: 21" in text) == (True, True, True)
    assert "# MISSING: targets" in text


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "groups", "covariates"),
    [
        ("ds004504", [("Group", "C", "A"), ("Group", "C", "F")], ["Gender", "Age"]),
        ("ds002778", [], ["age", "gender"]),
        ("ds005307", [], []),
        ("ds004584", [("GROUP", "Control", "PD")], ["AGE", "GENDER"]),
        ("ds003478", [], []),
        ("ds004362", [], []),
    ],
)
def test_openneuro_tables(
    real_data: Path, name: str, groups: list[tuple[str, str, str]], covariates: list[str]
) -> None:
    folder = real_data / "openneuro-participants" / name
    table = read_participants(Participants(), folder)
    proposal = propose_people(table, levels=read_levels(folder / "participants.tsv"))
    assert [(one.column, one.a, one.b) for one in proposal.groups] == groups
    assert proposal.covariates == covariates
    told = {"ds002778": "hc (16), pd (15)", "ds003478": "SCID (4 values)", "ds004584": "column TYPE says the same"}
    assert told.get(name, "") in " ".join(proposal.notes)


@pytest.mark.realdata
def test_sidecars_of_laser_pain_are_understood(real_data: Path) -> None:
    root = real_data / "pain-tables" / "ds005284-sidecars"
    stated = sorted(root.glob("sub-*/eeg/*_eeg.json"))
    assert len(stated) == 26
    rates, counts = set(), []
    for path in stated:
        sidecars = read_sidecars(path.with_suffix(".bdf"), root)
        assert (sidecars.line_freq_hz, len(sidecars.channel_types)) == (50.0, 64)
        assert set(sidecars.channel_types.values()) == {"eeg"}
        assert "condition 54" in {event.description for event in sidecars.events or ()}
        assert all(event.onset_s is not None for event in sidecars.events or ())
        rates.add(sidecars.sfreq_hz)
        counts.append(sum(event.description == "condition 54" for event in sidecars.events or ()))
    assert rates == {1024.0, 2048.0}
    assert min(counts) >= 15
    with pytest.raises(InputError, match="sidecars of 26 people, but not one recording file"):
        propose_study(root)


@pytest.mark.realdata
def test_recordings_beside_real_sidecars_go_from_init_to_check(
    real_data: Path,
    tmp_path: Path,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    real, root = real_data / "pain-tables" / "ds005284-sidecars", tmp_path / "laser"

    def write(person: str, duration_s: float | None = None) -> None:
        path = root / person / "eeg" / f"{person}_task-26ByBiosemi_eeg.bdf"
        stated = read_sidecars(path, root)
        n_times = round(128 * (duration_s or stated.duration_s or 0))
        signals = [
            edfio.BdfSignal(20 * rng.standard_normal(n_times), 128, label=name, physical_dimension="uV")
            for name in stated.channel_types
        ]
        edfio.Bdf(signals).write(path)

    for person in ("sub-003", "sub-021"):
        shutil.copytree(real / person, root / person)
        # Noise instead of what is not there, at an eighth of the rate.
        sidecar = next((root / person / "eeg").glob("*_eeg.json"))
        sidecar.write_text(sidecar.read_text().replace("1024", "128"))
        write(person)
    study, text = proposed(root, tmp_path)
    condition = study.data.conditions["condition54"]
    assert (condition.events, condition.n_epochs) == (("condition 54",), 11)
    assert study.data.sources[0].channel_types == {"LZ": "misc"}
    assert (study.cleaning.sfreq_hz, study.data.sources[0].line_freq_hz) == (128.0, 50.0)
    assert study.data.sources[0].montage == "template"
    for told in ("its coordinate system is other", "LZ may mean IZ", "below the gate of 20 epochs"):
        assert told in text
    contrast = study.targets["condition54response"].contrast
    sides = [Observation(condition="condition54", window=window) for window in ("pre", "post")]
    assert [contrast.a, contrast.b] == sides

    write("sub-021", 200.0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="1 in people with both observations"):
        check_study(tmp_path / "study.yaml")
    printed = capsys.readouterr().out
    assert "1 of 2 recordings excluded; participants with condition54 from 1" in printed
    assert "found: 200.000 s · wanted: 336 s by _eeg.json · then: recording excluded" in printed
