"""Discovery: names in, inventory out; every problem of the names at once, and no file is opened."""

import os
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from recording_files import signal, write_brainvision

from painconn.config.data import Condition, Source
from painconn.errors import ConfigError, InputError, PathError, RecordingFault
from painconn.recordings.companions import Companions
from painconn.recordings.door import FileAtDoor, pass_door
from painconn.recordings.layout import discover, find_inventory, find_recordings, serves, unmatched_files
from painconn.recordings.pattern import build_name, parse_name
from painconn.recordings.pointers import is_pointer
from painconn.recordings.registry import CHECKS, PHENOTYPES, READERS, load, reader_for

REST = {"rest": Condition(kind="rest", n_epochs=20)}
LABELS = st.text("ABZabz019", min_size=1, max_size=6)


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def source(root: Path, pattern: str | None = None, **fields: str) -> Source:
    layout = "bids" if pattern is None else "folder"
    return Source.model_validate({"root": root, "layout": layout, "pattern": pattern, **fields})


@given(
    parts=st.fixed_dictionaries(dict.fromkeys(("participant", "session", "task", "run"), LABELS)),
    separators=st.lists(st.sampled_from(["_", "-", "/", ".x_", " "]), min_size=3, max_size=3),
    order=st.permutations(["participant", "session", "task", "run"]),
)
def test_parse_is_the_inverse_of_build(parts: dict[str, str], separators: list[str], order: list[str]) -> None:
    pattern = "".join(f"{{{part}}}{text}" for part, text in zip(order, [*separators, ".edf"], strict=True))
    assert parse_name(pattern, build_name(pattern, parts)) == parts


def test_a_repeated_part_must_have_the_same_text() -> None:
    pattern = "{participant}/{participant}_{task}.edf"
    assert parse_name(pattern, "01/01_rest.edf") == {"participant": "01", "task": "rest"}
    assert parse_name(pattern, "01/02_rest.edf") is None


def test_build_refuses_what_would_read_back_differently() -> None:
    with pytest.raises(PathError):
        build_name("{participant}R{run}.edf", {"participant": "aRb", "run": "1"})
    with pytest.raises(PathError):
        build_name("{participant}.edf", {"participant": "../x"})


@pytest.mark.parametrize(
    "pattern", ["{participant}{task}.edf", "/{participant}.edf", "../{participant}.edf", "{participant}_{x}.edf"]
)
def test_bad_patterns_are_named(pattern: str) -> None:
    with pytest.raises(ConfigError, match="pattern"):
        parse_name(pattern, "a.edf")


def test_folder_by_pattern_keeps_labels_as_text(tmp_path: Path) -> None:
    touch(tmp_path, "S001_rest.edf", "S001_task.edf", "S010_rest.edf", "notes.txt", ".hidden_rest.edf")
    found = find_recordings(source(tmp_path, "S{participant}_{task}.edf"), tmp_path, REST)
    assert [(file.participant, file.task, file.path) for file in found] == [
        ("001", "rest", "S001_rest.edf"),
        ("010", "rest", "S010_rest.edf"),
    ]
    everything = find_recordings(source(tmp_path, "S{participant}_{task}.edf"), tmp_path, {})
    assert len(everything) == 3
    assert [
        file.participant
        for file in find_recordings(source(tmp_path, "S{participant}_{task}.edf"), tmp_path, {}, exclude=("001",))
    ] == ["010"]


def test_subfolders_and_star(tmp_path: Path) -> None:
    touch(tmp_path, "siteA/01/x_rest.vhdr", "siteA/01/x_rest.eeg", "siteB/02/y_rest.vhdr", "siteB/02/deep/z_rest.vhdr")
    found = find_recordings(source(tmp_path, "*/{participant}/*_{task}.vhdr"), tmp_path, REST)
    assert [file.path for file in found] == ["siteA/01/x_rest.vhdr", "siteB/02/y_rest.vhdr"]


def test_names_without_task_serve_conditions_without_task(tmp_path: Path) -> None:
    touch(tmp_path, "S1.edf")
    found = find_recordings(source(tmp_path, "S{participant}.edf"), tmp_path, REST)
    assert serves(found[0], "rest", REST["rest"])
    named = {"rest": Condition(kind="rest", n_epochs=20, task="eyesopen")}
    with pytest.raises(InputError, match=r"pattern with \{task\}"):
        find_recordings(source(tmp_path, "S{participant}.edf"), tmp_path, named)


def test_bids_with_and_without_sessions(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-01/eeg/sub-01_task-rest_eeg.edf",
        "sub-02/ses-a/eeg/sub-02_ses-a_task-rest_run-1_eeg.vhdr",
        "sub-02/ses-a/eeg/sub-02_ses-a_task-rest_run-1_eeg.eeg",
        "sub-03/eeg/sub-03_task-rest_split-01_eeg.fif",
        "sub-03/eeg/sub-03_task-rest_split-02_eeg.fif",
        "sub-03/eeg/sub-03_task-other_eeg.fif",
        "derivatives/sub-09/eeg/sub-09_task-rest_eeg.edf",
    )
    found = find_recordings(source(tmp_path), tmp_path, REST)
    assert [file.key for file in found] == [("01", "", "rest", ""), ("02", "a", "rest", "1"), ("03", "", "rest", "")]


def test_bids_folder_and_file_must_agree(tmp_path: Path) -> None:
    touch(tmp_path, "sub-01/eeg/sub-02_task-rest_eeg.edf")
    with pytest.raises(InputError, match=r"01 \(folder\) / 02"):
        find_recordings(source(tmp_path), tmp_path, REST)


@pytest.mark.parametrize("label", ["a b", "$(id)", "{x}", "..", "a;b", "a\nb", "*"])
def test_hostile_labels_are_listed_with_the_rest(tmp_path: Path, label: str) -> None:
    touch(tmp_path, f"S_{label}_rest.edf", "S_01_rest.edf", "S_0 2_rest.edf")
    with pytest.raises(InputError) as caught:
        find_recordings(source(tmp_path, "S_{participant}_{task}.edf"), tmp_path, REST)
    assert len(caught.value.problems) == 2
    assert any(repr(label) in problem.found for problem in caught.value.problems)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        {f"S_{label}_rest.edf", "S_01_rest.edf", "S_0 2_rest.edf"}
    )


def test_hostile_bids_label(tmp_path: Path) -> None:
    touch(tmp_path, "sub-a b/eeg/sub-a b_task-rest_eeg.edf")
    with pytest.raises(InputError, match="'a b'"):
        find_recordings(source(tmp_path), tmp_path, REST)


def test_two_formats_of_one_recording_are_both_listed(tmp_path: Path) -> None:
    touch(tmp_path, "sub-01/eeg/sub-01_task-rest_eeg.edf", "sub-01/eeg/sub-01_task-rest_eeg.vhdr")
    with pytest.raises(InputError, match=r"_eeg\.edf, .*_eeg\.vhdr"):
        find_recordings(source(tmp_path), tmp_path, REST)
    touch(tmp_path, "sub-02/eeg/sub-02_task-other_eeg.edf")
    other = {"other": Condition(kind="rest", n_epochs=20)}
    assert [file.participant for file in find_recordings(source(tmp_path), tmp_path, other)] == ["02"]
    assert [file.participant for file in find_recordings(source(tmp_path), tmp_path, {}, exclude=("01",))] == ["02"]


def test_the_stated_extension_chooses_between_formats(tmp_path: Path) -> None:
    touch(tmp_path, "sub-01/eeg/sub-01_task-rest_eeg.edf", "sub-01/eeg/sub-01_task-rest_eeg.vhdr")
    touch(tmp_path, "sub-02/eeg/sub-02_task-rest_eeg.edf")
    with pytest.raises(InputError, match=r"extension: \.edf in data\.sources\[0\] \(or \.vhdr\)"):
        find_recordings(source(tmp_path), tmp_path, REST)
    for stated in (".vhdr", "VHDR"):
        found = find_recordings(source(tmp_path, extension=stated), tmp_path, REST)
        assert [(file.participant, file.suffix) for file in found] == [("01", ".vhdr"), ("02", ".edf")]
    touch(tmp_path / "plain", "S1_rest.edf", "S1_rest.set", "S1_rest.fdt")
    plain = source(tmp_path / "plain", "S{participant}_{task}.*", extension=".set")
    assert [file.path for file in find_recordings(plain, tmp_path / "plain", REST)] == ["S1_rest.set"]


def test_an_extension_that_nothing_reads_or_chooses_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"unknown extension \.vhd; did you mean \.vhdr"):
        source(tmp_path, extension=".vhd")
    with pytest.raises(ValidationError, match="layout epochs has one format"):
        Source.model_validate(
            {"root": tmp_path, "layout": "epochs", "pattern": "{participant}-epo.fif", "extension": ".fif"}
        )


def test_many_recordings_in_two_formats_make_a_message_of_bounded_length(tmp_path: Path) -> None:
    names = [f"sub-{number:02}/eeg/sub-{number:02}_task-rest_eeg" for number in range(40)]
    touch(tmp_path, *(name + ending for name in names for ending in (".edf", ".set")))
    with pytest.raises(InputError, match="27 recordings more like it") as caught:
        find_recordings(source(tmp_path), tmp_path, REST)
    assert len(caught.value.problems) == 13


def test_one_participant_in_two_sources(tmp_path: Path) -> None:
    touch(tmp_path, "a/S1_rest.edf", "b/S1_rest.edf", "b/S2_rest.edf")
    sources = [(source(tmp_path / name, "S{participant}_{task}.edf", site=name), tmp_path / name) for name in "ab"]
    with pytest.raises(InputError, match="participant 1"):
        find_inventory(sources, REST)
    (tmp_path / "b/S1_rest.edf").unlink()
    assert [(file.site, file.source) for file in find_inventory(sources, REST)] == [("a", 0), ("b", 1)]


def test_a_label_in_two_sources_stops_also_when_sessions_differ(tmp_path: Path) -> None:
    touch(tmp_path, "a/sub-001/ses-1/eeg/sub-001_ses-1_task-rest_eeg.edf", "b/001_rest.bdf")
    sources = [
        (source(tmp_path / "a", site="a"), tmp_path / "a"),
        (source(tmp_path / "b", "{participant}_{task}.bdf", site="b"), tmp_path / "b"),
    ]
    with pytest.raises(InputError, match=r"participant 001 .*two people"):
        find_inventory(sources, REST)


def test_sites_may_differ_in_layout_format_and_root(tmp_path: Path) -> None:
    touch(tmp_path, "a/sub-01/eeg/sub-01_task-rest_eeg.vhdr", "b/P02/rest.bdf", "b/P03_rest-epo.fif")
    epochs = Source.model_validate(
        {"root": tmp_path / "b", "layout": "epochs", "pattern": "P{participant}_{task}-epo.fif", "site": "c"}
    )
    sources = [
        (source(tmp_path / "a", site="a"), tmp_path / "a"),
        (source(tmp_path / "b", "P{participant}/{task}.bdf", site="b"), tmp_path / "b"),
        (epochs, tmp_path / "b"),
    ]
    found = discover(sources, REST)
    assert [(file.participant, file.site, file.suffix) for file in found.files] == [
        ("01", "a", ".vhdr"),
        ("02", "b", ".bdf"),
        ("03", "c", "-epo.fif"),
    ]
    assert found.unplaced == []


def test_irregular_bids_trees_are_understood(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-01/sub-01_task-rest_eeg.edf",
        "patients/sub-02/ses-a/eeg/first/sub-02_ses-a_task-rest_eeg.EDF",
        "sub-03/ses-b/eeg/sub-03_task-rest_eeg.set",
        "sub-04/eeg/sub-04_ses-c_task-rest_acq-64ch_recording-dc_desc-raw_eeg.vhdr",
        "sub-05/eeg/task-rest_eeg.bdf",
        "sub-06_task-rest_run-02_eeg.edf",
        "sub-01/meg/sub-01_task-rest_meg.fif",
        "sub-01/ieeg/sub-01_task-rest_ieeg.edf",
        "derivatives/clean/sub-01/eeg/sub-01_task-rest_eeg.fif",
        "sourcedata/sub-01_raw.edf",
        "code/sub-01_task-rest_eeg.edf",
        ".heudiconv/sub-01/sub-01_task-rest_eeg.edf",
        "sub-01/.tmp/sub-01_task-rest_eeg.edf",
    )
    found = discover([(source(tmp_path), tmp_path)], REST)
    assert [file.key for file in found.files] == [
        ("01", "", "rest", ""),
        ("02", "a", "rest", ""),
        ("03", "b", "rest", ""),
        ("04", "c", "rest", ""),
        ("05", "", "rest", ""),
        ("06", "", "rest", "02"),
    ]
    assert [file.suffix for file in found.files][:2] == [".edf", ".edf"]
    assert found.unplaced == []


def test_a_dataset_without_tasks_serves_conditions_without_task(tmp_path: Path) -> None:
    touch(tmp_path, "sub-01/eeg/sub-01_eeg.edf", "sub-02/ses-1/eeg/sub-02_ses-1_eeg.edf")
    found = find_recordings(source(tmp_path), tmp_path, REST)
    assert [file.key for file in found] == [("01", "", "", ""), ("02", "1", "", "")]


def test_one_name_with_a_task_does_not_remove_the_others(tmp_path: Path) -> None:
    without = [f"sub-{number:02}/eeg/sub-{number:02}_eeg.edf" for number in range(3)]
    touch(tmp_path, *without, "sub-10/eeg/sub-10_task-rest_eeg.edf")
    touch(tmp_path, "sub-11/ses-1/eeg/sub-11_ses-1_task-rest_eeg.edf", "sub-11/ses-2/eeg/sub-11_ses-2_eeg.edf")
    with_own_task = {"pain": Condition(kind="rest", n_epochs=20, task="rest")}
    for conditions in (REST, with_own_task):
        found = discover([(source(tmp_path), tmp_path)], conditions)
        assert len(found.files) == 6
        assert found.unplaced == []
    touch(tmp_path, "sub-11/ses-1/eeg/sub-11_ses-1_eeg.edf")
    found = discover([(source(tmp_path), tmp_path)], REST)
    assert len(found.files) == 6
    assert [one.path for one in found.unplaced] == ["sub-11/ses-1/eeg/sub-11_ses-1_eeg.edf"]


def test_names_without_task_beside_several_tasks_stop_with_both_kinds_named(tmp_path: Path) -> None:
    touch(tmp_path, *(f"sub-{number:02}/eeg/sub-{number:02}_eeg.edf" for number in range(30)))
    touch(tmp_path, "sub-90/eeg/sub-90_task-rest_eeg.edf", "sub-90/eeg/sub-90_task-math_eeg.edf")
    with pytest.raises(InputError, match=r"30 name\(s\) without a task: sub-00/eeg/.*math, rest") as caught:
        discover([(source(tmp_path), tmp_path)], REST)
    assert len(str(caught.value)) < 1000
    unnamed = [f"{number:02}" for number in range(30)]
    found = discover([(source(tmp_path), tmp_path)], REST, exclude=unnamed)
    assert [file.key for file in found.files] == [("90", "", "rest", "")]


def test_what_has_no_place_is_named_with_the_reason(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-01/eeg/sub-01_task-rest_eeg.edf",
        "sub-01/eeg/sub-01_eeg.edf",
        "sub-03/eeg/rest.edf",
        "sub-04/eeg/sub-04_rest_eeg.edf",
        "sub-05/eeg/sub-05_task-rest_split-02_eeg.fif",
        "sub-06/eeg/sub-06_task-rest_eeg-epo.fif",
        "loose/task-rest_eeg.edf",
    )
    found = discover([(source(tmp_path), tmp_path)], REST)
    assert [file.participant for file in found.files] == ["01"]
    reasons = {one.path: one.as_record() for one in found.unplaced}
    assert {path: record["found"] for path, record in reasons.items()} == {
        "loose/task-rest_eeg.edf": "no sub- in its name or above it",
        "sub-01/eeg/sub-01_eeg.edf": "no task- in its name",
        "sub-03/eeg/rest.edf": "a name that ends in rest",
        "sub-04/eeg/sub-04_rest_eeg.edf": "rest without saying what it is",
        "sub-05/eeg/sub-05_task-rest_split-02_eeg.fif": "a later part of a split recording, without the first",
        "sub-06/eeg/sub-06_task-rest_eeg-epo.fif": "epochs already cut",
    }
    assert all(record["fix"] and record["check"] == "placed" for record in reasons.values())


def test_nothing_in_place_says_what_else_lies_there(tmp_path: Path) -> None:
    touch(tmp_path, "one_rest.edf", "two_rest.edf")
    for wanted in (source(tmp_path), source(tmp_path, "S{participant}_{task}.edf")):
        with pytest.raises(InputError, match=r"no recording, but 2 of other names: one_rest\.edf, two_rest\.edf"):
            find_recordings(wanted, tmp_path, REST)


def test_a_plain_folder_names_what_its_pattern_leaves_out_at_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "S1_rest.edf", "deep/er/S2_rest.EDF", "S1_rest.bdf", "results/derivatives/S1_rest.edf", "T3.edf")
    found = discover([(source(tmp_path, "S{participant}_{task}.edf"), tmp_path)], REST)
    assert [file.path for file in found.files] == ["S1_rest.edf"]
    assert [one.path for one in found.unplaced] == ["T3.edf", "deep/er/S2_rest.EDF"]


def test_recordings_in_other_formats_than_the_pattern_asks_for_are_counted(tmp_path: Path) -> None:
    touch(tmp_path, "S1.edf", "S2.edf", "S1.bdf", "S4.vhdr", "S4.eeg", "results/derivatives/S9.bdf", "S2-epo.fif")
    touch(tmp_path, *(f"S{number}.bdf" for number in range(30, 60)))
    edf, bdf = source(tmp_path, "S{participant}.edf", site="a"), source(tmp_path, "S{participant}.bdf", site="b")
    found = discover([(edf, tmp_path)], REST)
    assert [file.path for file in found.files] == ["S1.edf", "S2.edf"]
    records = [one.as_record() for one in found.unplaced]
    assert [(record["recording"], record["wanted"]) for record in records] == [
        ("S30.bdf", "S{participant}.edf"),
        ("S4.vhdr", "S{participant}.edf"),
    ]
    assert records[0]["found"].startswith("30 recording(s) in another format (.bdf): S30.bdf, S31.bdf")
    assert len(records[0]["found"]) < 200
    assert records[1]["found"].endswith("S4.vhdr")
    both = discover([(edf, tmp_path), (bdf, tmp_path)], REST, exclude=["1"])
    assert [one.path for one in both.unplaced] == ["S4.vhdr", "S4.vhdr"]


@pytest.mark.parametrize("pattern", [None, "sub-{participant}_task-{task}_eeg.mff"])
def test_a_folder_that_is_a_recording_is_one(tmp_path: Path, pattern: str | None) -> None:
    folder = "sub-01_task-rest_eeg.mff" if pattern else "sub-01/eeg/sub-01_task-rest_eeg.mff"
    touch(tmp_path, f"{folder}/info.xml", f"{folder}/signal1.bin", f"{folder}/nested/sub-09_task-rest_eeg.edf")
    (tmp_path / folder / "signal1.bin").write_bytes(bytes(70))
    newest = tmp_path / folder / "nested/sub-09_task-rest_eeg.edf"
    os.utime(newest, ns=(5 * 10**18, 5 * 10**18))
    found = discover([(source(tmp_path, pattern), tmp_path)], REST)
    assert [(file.participant, file.path, file.suffix) for file in found.files] == [("01", folder, ".mff")]
    assert (found.files[0].size_bytes, found.files[0].mtime_ns) == (72, 5 * 10**18)
    assert found.unplaced == []
    assert {path.name for path in Companions().of(tmp_path / folder, tmp_path)} == {
        "info.xml",
        "signal1.bin",
        newest.name,
    }


def test_every_part_of_a_split_recording_belongs_to_it(tmp_path: Path) -> None:
    touch(tmp_path, "sub-3/eeg/sub-3_task-rest_split-01_eeg.fif", "sub-3/eeg/sub-3_task-rest_split-02_eeg.fif")
    touch(tmp_path, "sub-4/eeg/sub-4_task-rest_eeg.fif", "sub-4/eeg/sub-4_task-rest_eeg-1.fif")
    touch(tmp_path, "plain_raw.fif", "plain_raw-1.fif", "plain_raw-10.fif", "plain_raw2.fif")
    found = discover([(source(tmp_path), tmp_path)], REST)
    assert [file.path[-12:] for file in found.files] == ["t-01_eeg.fif", "rest_eeg.fif"]
    assert {one.path for one in found.unplaced} == {"plain_raw.fif", "plain_raw2.fif"}
    belonging = {
        name: {path.name for path in Companions().of(tmp_path / name, tmp_path)}
        for name in (*(file.path for file in found.files), "plain_raw.fif")
    }
    assert belonging == {
        found.files[0].path: {"sub-3_task-rest_split-01_eeg.fif", "sub-3_task-rest_split-02_eeg.fif"},
        found.files[1].path: {"sub-4_task-rest_eeg.fif", "sub-4_task-rest_eeg-1.fif"},
        "plain_raw.fif": {"plain_raw.fif", "plain_raw-1.fif", "plain_raw-10.fif"},
    }


def test_files_that_a_header_names_belong_to_it_whatever_they_are_called(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path, signal())
    old, new = tmp_path / f"{path.stem}.eeg", tmp_path / "raw_of_2.eeg"
    path.write_text(path.read_text().replace(f"DataFile={old.name}", f"DataFile={new.name}"))
    old.rename(new)
    names = {file.name for file in Companions().of(path, tmp_path)}
    assert names == {path.name, new.name, f"{path.stem}.vmrk"}
    new.rename(tmp_path.parent / new.name)
    new.symlink_to(tmp_path.parent / new.name)
    assert new not in Companions().of(path, tmp_path)
    new.unlink()
    os.mkfifo(new)
    assert new not in Companions().of(path, tmp_path)


def test_links_to_folders_neither_loop_nor_repeat(tmp_path: Path) -> None:
    names = ["sub-01/eeg/sub-01_task-rest_eeg.edf", "sub-02_task-rest_eeg.edf"]
    touch(tmp_path, *names)
    (tmp_path / "sub-01" / "up").symlink_to(tmp_path)
    (tmp_path / "sub-01" / "zagain").symlink_to("eeg")
    assert [file.path for file in find_recordings(source(tmp_path), tmp_path, REST)] == names


@pytest.mark.parametrize(
    "content",
    [
        b"/annex/objects/SHA256E-s1048576--0a1b.edf\n",
        b".git/annex/objects/zP/1x/SHA256E-s1048576--0a1b.edf/SHA256E-s1048576--0a1b.edf",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 1048576\n",
    ],
)
def test_the_text_of_a_pointer_is_content_that_was_not_fetched(tmp_path: Path, content: bytes) -> None:
    touch(tmp_path, "S1_rest.edf")
    (tmp_path / "S1_rest.edf").write_bytes(content)
    with pytest.raises(RecordingFault, match=r"content not fetched.*datalad get") as caught:
        pass_door(FileAtDoor(tmp_path / "S1_rest.edf", tmp_path))
    assert caught.value.check == "fetched"


def test_samples_that_were_not_fetched_are_told_apart_from_missing_ones(tmp_path: Path) -> None:
    header = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=a.eeg\nMarkerFile=a.vmrk\n"
    header += "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=1\nSamplingInterval=4000\n"
    header += "[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=Cz,,0.1,uV\n"
    (tmp_path / "a.vhdr").write_text(header)
    (tmp_path / "a.eeg").symlink_to(".git/annex/objects/absent")
    with pytest.raises(RecordingFault, match=r"content of a\.eeg not fetched") as caught:
        pass_door(FileAtDoor(tmp_path / "a.vhdr", tmp_path))
    assert caught.value.check == "fetched"


def test_recordings_and_small_texts_are_no_pointers(tmp_path: Path) -> None:
    touch(tmp_path, "x.edf", "empty")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "large").write_bytes(b"/annex/objects/" + bytes(1 << 16))
    os.mkfifo(tmp_path / "pipe")
    names = ("x.edf", "empty", "large", "pipe", "absent", ".")
    assert [name for name in names if is_pointer(tmp_path / name)] == []


def test_unfetched_and_outside_links_are_kept_with_the_reason(tmp_path: Path) -> None:
    root = tmp_path / "data"
    touch(root, "S1_rest.edf", ".git/annex/objects/key")
    touch(tmp_path, "elsewhere.edf")
    (root / "S2_rest.edf").symlink_to(".git/annex/objects/absent")
    (root / "S3_rest.edf").symlink_to(tmp_path / "elsewhere.edf")
    (root / "S4_rest.edf").symlink_to(".git/annex/objects/key")
    found = find_recordings(source(root, "S{participant}_{task}.edf"), root, REST)
    assert [(file.participant, file.refused) for file in found] == [
        ("1", ""),
        ("2", "fetched"),
        ("3", "inside"),
        ("4", ""),
    ]


def test_missing_task_names_the_tasks_that_are_there(tmp_path: Path) -> None:
    touch(tmp_path, "S1_eyesopen.edf", "S1_eyesclosed.edf")
    with pytest.raises(InputError, match="eyesclosed, eyesopen"):
        find_recordings(source(tmp_path, "S{participant}_{task}.edf"), tmp_path, REST)


def test_no_folder_and_no_recording(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        find_recordings(source(tmp_path / "absent"), tmp_path / "absent", REST)
    with pytest.raises(InputError, match="no recording"):
        find_recordings(source(tmp_path), tmp_path, REST)


def test_split_fif_is_one_recording_and_strays_are_shown(tmp_path: Path) -> None:
    touch(tmp_path, "S1_rest.fif", "S1_rest-1.fif", "other.fif", "S1_rest-epo.fif")
    folder = source(tmp_path, "S{participant}_{task}.fif")
    assert [file.path for file in find_recordings(folder, tmp_path, REST)] == ["S1_rest.fif"]
    assert unmatched_files(folder, tmp_path) == ["S1_rest-epo.fif", "other.fif"]


def test_visits_numbered_like_parts_are_recordings_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, "P01.fif", "P01-1.fif", "P01-2.fif")
    visits = discover([(source(tmp_path, "{participant}-{session}.fif"), tmp_path)], REST)
    assert [file.path for file in visits.files] == ["P01-1.fif", "P01-2.fif"]
    assert [one.path for one in visits.unplaced] == ["P01.fif"]
    assert [file.path for file in find_recordings(source(tmp_path, "{participant}.fif"), tmp_path, REST)] == ["P01.fif"]


def test_parts_that_a_fif_names_are_parts_whatever_the_pattern_says(tmp_path: Path) -> None:
    raw = mne.io.RawArray(np.ones((4, 200_000)), mne.create_info(4, 250.0, "eeg"), verbose="ERROR")
    raw.save(tmp_path / "P01.fif", split_size="2MB", buffer_size_sec=10, verbose="ERROR")
    assert len(sorted(tmp_path.glob("P01-*.fif"))) >= 1
    raw.crop(0, 10).save(tmp_path / "P01-7.fif", verbose="ERROR")
    visits = discover([(source(tmp_path, "{participant}-{session}.fif"), tmp_path)], REST)
    assert [file.path for file in visits.files] == ["P01-7.fif"]
    assert [one.path for one in visits.unplaced] == ["P01.fif"]


def test_a_thousand_recordings_without_opening_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, *(f"sub-{number:04}/eeg/sub-{number:04}_task-rest_eeg.edf" for number in range(1000)))
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("a file was opened"))
    assert len(find_recordings(source(tmp_path), tmp_path, REST)) == 1000


def test_registries_point_at_functions_that_exist() -> None:
    for definition in (*READERS.values(), *CHECKS.values(), *PHENOTYPES.values()):
        assert callable(load(definition.function))
    for reader in READERS.values():
        for suffix in reader.suffixes:
            assert reader_for(f"X{suffix.upper()}") is reader


@pytest.mark.realdata
def test_eegmat_has_46_recordings(real_data: Path) -> None:
    root = real_data / "eegmat-rest-arithmetic"
    found = find_recordings(source(root, "Subject{participant}_{task}.edf"), root, {})
    assert len(found) == 46
    assert {file.task for file in found} == {"1", "2"}
    assert found[0].participant == "02"
