import hashlib
import json
from dataclasses import replace

import mne_bids
import numpy as np
import pytest

from painconn.cli.check import check_study
from painconn.cli.init import write_proposal
from painconn.cortex.template import template_arrays, write_subject
from painconn.errors import InputError
from painconn.simulation.bookkeeping import enrol
from painconn.simulation.head import build_simulation_head
from painconn.simulation.people import draw_person, pinpricks, roster
from painconn.simulation.person import simulate_person
from painconn.simulation.presets import TINY
from painconn.simulation.ratings import rate_pinpricks
from painconn.simulation.specification import (
    Block,
    Bookkeeping,
    Contacts,
    Covariates,
    Levels,
    Protocol,
    Psychophysics,
)
from painconn.simulation.write import truth_path, write_cohort

pytestmark = pytest.mark.slow

SPEC = replace(
    TINY,
    n_per_group={"localized": 1, "widespread": 2},
    protocol=Protocol(blocks=(Block(duration_s=10.0),), n_pinpricks=6),
)
SEED = 11


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    subjects_dir = tmp_path_factory.mktemp("subjects")
    write_subject(subjects_dir)
    return build_simulation_head(SPEC, subjects_dir)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, head):
    return write_cohort(SPEC, tmp_path_factory.mktemp("simulated") / "cohort", seed=SEED, head=head)


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_head_is_not_the_one_of_the_analysis(head):
    arrays = template_arrays()
    mri_to_head = np.linalg.inv(arrays["head_to_mri"])
    for side in ("lh_white", "rh_white"):
        analysed = 1e-3 * arrays[side][:2562] @ mri_to_head[:3, :3].T + mri_to_head[:3, 3]
        nearest = np.linalg.norm(head.source_positions_m[:, None] - analysed, axis=2).min(axis=1)
        assert nearest.min() > 1e-5
    assert len(head.regions) == 68
    assert head.gain.shape == (3, 20, len(head.source_positions_m))


def test_every_cap_sits_a_little_differently(head):
    planned = head.gain[0]
    first, second = (head.person_gain(np.random.default_rng(number), jitter_m=0.003) for number in (1, 2))
    assert 0.01 < np.linalg.norm(first - planned) / np.linalg.norm(planned) < 0.2
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(head.person_gain(np.random.default_rng(1), jitter_m=0.0), planned)


def test_patches_lie_inside_their_region(head):
    marked = np.broadcast_to(head.region_of_source.astype(float), head.gain[0].shape)
    patches = head.region_gain(np.random.default_rng(1), marked, patch_radius_m=0.02)
    np.testing.assert_allclose(patches, np.broadcast_to(np.arange(68.0), patches.shape))


def test_recordings_are_read_back_from_the_dataset(dataset, head):
    for participant, group in roster(SPEC, seed=SEED):
        path = mne_bids.BIDSPath(subject=participant, task="pain", datatype="eeg", root=dataset)
        raw = mne_bids.read_raw_bids(path, verbose="error")
        made = simulate_person(SPEC, participant, group, seed=SEED, head=head)
        np.testing.assert_allclose(raw.get_data(), made.get_data(), atol=1e-10)
        descriptions = list(raw.annotations.description)
        assert descriptions.count("pinprick") == 6
        assert descriptions.count("rest") == 1
        assert raw.annotations.duration[descriptions.index("rest")] == 10.0
        np.testing.assert_allclose(raw.annotations.onset, made.annotations.onset, atol=1e-6)
        assert raw.info["line_freq"] == 50.0
        sidecar = json.loads(path.copy().update(suffix="eeg", extension=".json").fpath.read_text())
        assert sidecar["EEGReference"] == "FCz"


def test_tables_say_who_is_who(dataset):
    lines = [line.split("\t") for line in (dataset / "participants.tsv").read_text().splitlines()]
    assert lines[0] == ["participant_id", "age", "sex", "group", "pain_now"]
    assert [(row[0], row[3]) for row in lines[1:]] == [
        (f"sub-{label}", group) for label, group in roster(SPEC, seed=SEED)
    ]
    columns = json.loads((dataset / "participants.json").read_text())
    assert set(columns) == set(lines[0][1:])
    assert json.loads((dataset / "dataset_description.json").read_text())["DatasetType"] == "raw"


def test_the_truth_lies_beside_the_dataset_and_not_in_it(dataset):
    truth = json.loads(truth_path(dataset).read_text())
    assert truth_path(dataset).parent == dataset.parent
    assert truth["seed"] == SEED
    assert truth["cohort"]["couplings"][0]["rhythm"] == "alpha"
    for person in truth["people"]:
        drawn = draw_person(SPEC, person["participant"], person["group"], seed=SEED)
        assert person["coupling"] == drawn.coupling
    assert not [path for path in dataset.rglob("*") if "truth" in path.name]
    for path in dataset.rglob("*"):
        if path.suffix in {".json", ".tsv", ".vhdr", ".vmrk"} or path.name == "README":
            assert "coupling" not in path.read_text(encoding="utf-8")


def test_the_same_seed_writes_the_same_bytes(dataset, head, tmp_path):
    again = write_cohort(SPEC, tmp_path / "cohort", seed=SEED, head=head)
    assert digests(again) == digests(dataset)
    assert truth_path(again).read_bytes() == truth_path(dataset).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cohort", "cohort-truth.json"]


def test_an_existing_folder_is_not_touched(dataset, head):
    before = digests(dataset)
    with pytest.raises(InputError):
        write_cohort(SPEC, dataset, seed=SEED, head=head)
    assert digests(dataset) == before


RICH = replace(
    SPEC,
    n_per_group={"control": 1, "localized": 1, "widespread": 1},
    protocol=Protocol(
        blocks=(Block("eyesopen", 12.0), Block("eyesclosed", 12.0, eyes_closed=True)),
        n_pinpricks=8,
        sites=("back", "hand"),
        forces_mn=(128.0, 256.0),
    ),
    covariates=Covariates(
        pain_side=Levels({"left": 0.5, "right": 0.5}), site=Levels({"north": 1.0}), amplifier={"north": "first"}
    ),
    psychophysics=Psychophysics(),
    bookkeeping=Bookkeeping(n_duplicated=1),
)
REQUIRED = {"TaskName", "EEGReference", "SamplingFrequency", "PowerLineFrequency", "SoftwareFilters"}
RECOMMENDED = {
    "TaskDescription",
    "Instructions",
    "Manufacturer",
    "ManufacturersModelName",
    "SoftwareVersions",
    "EEGChannelCount",
    "EOGChannelCount",
    "ECGChannelCount",
    "EMGChannelCount",
    "MiscChannelCount",
    "TriggerChannelCount",
    "RecordingDuration",
    "RecordingType",
    "EEGGround",
    "EEGPlacementScheme",
    "HardwareFilters",
}
"""Keys of an EEG sidecar in BIDS, without those that only a real recording has (cap, institution, serial number)."""


@pytest.fixture(scope="module", params=["brainvision", "edf"])
def rich(request, tmp_path_factory, head):
    folder = tmp_path_factory.mktemp("rich")
    return write_cohort(RICH, folder / "cohort", seed=SEED, head=head, file_format=request.param), request.param


def rows_of(path):
    header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_every_recording_has_what_bids_asks_for(rich):
    dataset, file_format = rich
    extension = {"brainvision": ".vhdr", "edf": ".edf"}[file_format]
    people = rows_of(dataset / "participants.tsv")
    for one in people:
        folder = dataset / one["participant_id"] / "eeg"
        stem = f"{one['participant_id']}_task-pain"
        assert (folder / f"{stem}_eeg{extension}").is_file()
        sidecar = json.loads((folder / f"{stem}_eeg.json").read_text())
        assert set(sidecar) >= REQUIRED | RECOMMENDED
        assert sidecar["ManufacturersModelName"] == one["amplifier"] == "first"
        assert (sidecar["SamplingFrequency"], sidecar["PowerLineFrequency"]) == (250.0, 50.0)
        channels = rows_of(folder / f"{stem}_channels.tsv")
        assert [row["name"] for row in channels] == list(RICH.channels)
        assert {(row["type"], row["units"]) for row in channels} == {("EEG", "µV")}
        described = json.loads((folder / f"{stem}_events.json").read_text())
        events = rows_of(folder / f"{stem}_events.tsv")
        assert set(events[0]) <= set(described)
        assert {row["trial_type"] for row in events} == set(described["trial_type"]["Levels"])
    named = {f"sub-{label}" for label in ("001", "002", "003", "004")}
    assert {path.name for path in dataset.iterdir() if path.is_dir()} == named | {"phenotype"}
    description = json.loads((dataset / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion", "DatasetType", "License", "GeneratedBy"} <= set(description)


def test_events_tell_site_force_and_rating_and_agree_with_the_phenotype_table(rich):
    dataset, _ = rich
    told = rows_of(dataset / "phenotype" / "pinprick.tsv")
    for one in enrol(RICH, seed=SEED):
        events = rows_of(dataset / f"sub-{one.label}" / "eeg" / f"sub-{one.label}_task-pain_events.tsv")
        blocks, pricks = events[:2], events[2:]
        assert [row["trial_type"] for row in blocks] == ["eyesopen", "eyesclosed"]
        assert {row[name] for row in blocks for name in ("site", "force_mn", "rating")} == {"n/a"}
        assert [row["trial_type"] for row in pricks] == [f"pinprick/{row['site']}/{row['force_mn']}" for row in pricks]
        planned = pinpricks(RICH, one.source, seed=SEED)
        assert [float(row["onset"]) for row in pricks] == pytest.approx([event.onset_s for event in planned])
        ratings = [str(rating) for rating in rate_pinpricks(RICH, one.source, one.group, seed=SEED)]
        assert [row["rating"] for row in pricks] == ratings
        own = [row for row in told if row["participant_id"] == f"sub-{one.label}"]
        same = ("site", "force_mn", "rating")
        assert [[row[name] for name in same] for row in own] == [[row[name] for name in same] for row in pricks]


def test_the_code_of_an_event_is_the_same_for_everybody(rich):
    dataset, _ = rich
    codes = {(row["trial_type"], row["value"]) for path in dataset.rglob("*_events.tsv") for row in rows_of(path)}
    assert len(codes) == len({name for name, _ in codes}) == len({code for _, code in codes})


def test_signals_are_read_back_from_either_format(rich, head):
    dataset, file_format = rich
    for one in enrol(RICH, seed=SEED):
        path = mne_bids.BIDSPath(subject=one.label, task="pain", datatype="eeg", root=dataset)
        raw = mne_bids.read_raw_bids(path, verbose="error")
        made = simulate_person(RICH, one.source, one.group, seed=SEED, head=head).get_data()
        seconds = int(made.shape[1] // 250)
        assert raw.n_times == (250 * seconds if file_format == "edf" else made.shape[1])
        resolution_v = np.ptp(made) / 2**16 if file_format == "edf" else 1e-10
        np.testing.assert_allclose(raw.get_data(), made[:, : raw.n_times], atol=resolution_v)
        assert not [name for name in raw.annotations.description if name.startswith("BAD")]


def test_a_copy_is_the_same_recording_under_another_label(rich):
    dataset, file_format = rich
    (copy,) = [one for one in enrol(RICH, seed=SEED) if one.source != one.label]
    suffix = {"brainvision": ".eeg", "edf": ".edf"}[file_format]
    names = (f"sub-{label}/eeg/sub-{label}_task-pain_eeg{suffix}" for label in (copy.label, copy.source))
    assert len({(dataset / name).read_bytes() for name in names}) == 1
    rows = {row.pop("participant_id"): row for row in rows_of(dataset / "participants.tsv")}
    assert rows[f"sub-{copy.label}"] == rows[f"sub-{copy.source}"]
    assert len({tuple(row.values()) for row in rows.values()}) == 3


def test_init_and_check_find_nothing_that_was_not_planted(tmp_path, head, capsys):
    spec = replace(
        RICH,
        bookkeeping=Bookkeeping(),
        n_per_group={"control": 0, "localized": 5, "widespread": 5},
        protocol=replace(RICH.protocol, blocks=(Block("eyesopen", 60.0),)),
        contacts=Contacts(noisy_probability=0.0, flat_probability=0.0),
    )
    dataset = write_cohort(spec, tmp_path / "cohort", seed=SEED, head=head)
    study = tmp_path / "study.yaml"
    write_proposal(dataset, study)
    check_study(study, data=None)
    told = capsys.readouterr().out
    assert "foreseen: 0 of 10 recordings excluded" in told
    assert "nothing stands in the way of a run" in told
    (warning,) = [line for line in told.splitlines() if line.startswith("warning")]
    assert "68 regions from 19 channels" in warning


def test_any_number_of_processes_writes_the_same_bytes(dataset, head, tmp_path, monkeypatch):
    monkeypatch.setattr("painconn.simulation.write.PEOPLE_PER_PROCESS", 1)
    told = []
    again = write_cohort(
        SPEC, tmp_path / "cohort", seed=SEED, head=head, cores=2, report=lambda *progress: told.append(progress)
    )
    assert digests(again) == digests(dataset)
    assert told == [(done, 3) for done in range(4)]


def test_the_truth_of_another_dataset_is_not_overwritten(head, tmp_path):
    truth = truth_path(tmp_path / "cohort")
    truth.write_text("mine")
    with pytest.raises(InputError, match="cohort-truth"):
        write_cohort(SPEC, tmp_path / "cohort", seed=SEED, head=head)
    assert truth.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["cohort-truth.json"]


def test_a_rate_that_edf_cannot_hold_is_refused(head, tmp_path):
    spec = replace(SPEC, protocol=replace(SPEC.protocol, sfreq_hz=250.5))
    with pytest.raises(InputError, match=r"protocol\.sfreq_hz"):
        write_cohort(spec, tmp_path / "cohort", seed=SEED, head=head, file_format="edf")
    assert not list(tmp_path.iterdir())
