"""Discovery: names in, inventory out; every problem of the names at once, and no file is opened."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from painconn.config.data import Condition, Source
from painconn.errors import ConfigError, InputError, PathError
from painconn.recordings.layout import find_inventory, find_recordings, serves, unmatched_files
from painconn.recordings.pattern import build_name, parse_name
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


def test_one_participant_in_two_sources(tmp_path: Path) -> None:
    touch(tmp_path, "a/S1_rest.edf", "b/S1_rest.edf", "b/S2_rest.edf")
    sources = [(source(tmp_path / name, "S{participant}_{task}.edf", site=name), tmp_path / name) for name in "ab"]
    with pytest.raises(InputError, match="participant 1"):
        find_inventory(sources, REST)
    (tmp_path / "b/S1_rest.edf").unlink()
    assert [(file.site, file.source) for file in find_inventory(sources, REST)] == [("a", 0), ("b", 1)]


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
