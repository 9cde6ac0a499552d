import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib import resources

import pytest
import yaml
from fetch_server import Silent, dataset, get, in_bucket, serving, sha256_of, tree

from painconn.cli import fetch as command
from painconn.config.loader import load_study
from painconn.config.study import StudyConfig
from painconn.errors import ConfigError, InputError
from painconn.provenance import file_hash
from painconn.recordings.fetch import catalogue
from painconn.recordings.fetch.catalogue import dataset_names, is_safe_address, load_dataset, load_dataset_file
from painconn.recordings.fetch.selection import participant_of
from painconn.recordings.participants import covariate_columns, label_groups, read_participants

NAMES = ["ds005284", "ds005486", "ds006921", "eegmat", "eegmmidb", "lemon", "m45j2", "srpbg"]


def painconn(*arguments):
    return subprocess.run([sys.executable, "-m", "painconn", *arguments], capture_output=True, text=True, check=False)


def test_the_datasets_that_are_promised_are_there():
    assert dataset_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_file_is_valid_and_says_what_a_user_needs(name):
    what = load_dataset(name)
    assert what.name == name
    assert what.licence_public_domain == (what.licence in ("CC0-1.0", "PDDL-1.0"))
    assert what.doi == "" or what.doi.startswith("10.")
    assert what.provider.url.startswith("https://")
    assert all(text.strip() for text in (what.title, what.good_for, *what.citation))
    if what.layout == "folder":
        source = {"root": "x", "layout": "folder", "pattern": what.pattern}
        assert StudyConfig.model_fields["data"].annotation.model_validate(
            {"sources": [source], "conditions": {"rest": {"kind": "rest", "n_epochs": 20}}}
        )


@pytest.mark.parametrize("name", [name for name in NAMES if load_dataset(name).sha256])
def test_every_pinned_file_belongs_to_a_participant(name):
    what = load_dataset(name)
    assert all(participant_of(what, path) for path in what.sha256)
    assert len(set(what.sha256.values())) == len(what.sha256)


def test_the_pinned_hashes_of_eegmmidb_are_those_that_mne_ships():
    text = (resources.files("mne") / "data" / "eegbci_checksums.txt").read_text(encoding="utf-8")
    shipped = dict(line.split() for line in text.splitlines() if line.strip())
    pinned = load_dataset("eegmmidb").sha256
    assert len(pinned) == 2 * 109
    assert {path: shipped[path] for path in pinned} == dict(pinned)


def test_archives_and_unpacked_files_of_lemon_belong_to_the_same_person():
    what = load_dataset("lemon")
    folder = "Compressed_tar/EEG_MPILMBB_LEMON/EEG_Raw_BIDS_ID"
    for path in (f"{folder}/sub-032301.tar.gz", f"{folder}/sub-032301/RSEEG/sub-032301.vhdr"):
        assert participant_of(what, path) == "032301"
    assert participant_of(what, "name_match.csv") == ""


def test_a_dataset_file_with_faults_is_refused_with_all_of_them(tmp_path):
    values = yaml.safe_load((catalogue.FOLDER / "ds005284.yaml").read_text())
    values |= {"licence_url": "http://example.org", "people": 0, "sha256": {"a": "abc"}, "colour": "red"}
    file = tmp_path / "made-up.yaml"
    file.write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError) as caught:
        load_dataset_file(file)
    told = str(caught.value)
    assert all(part in told for part in ("made-up.yaml, line", "licence_url", "people", "sha256.a", "colour"))
    file.write_text("name: !!python/object/apply:os.system ['true']\nname: twice\n")
    with pytest.raises(ConfigError, match="again"):
        load_dataset_file(file)


@pytest.mark.parametrize(
    "change", [{"sha256": {"../x": "0" * 64}}, {"layout": "folder"}, {"pattern": "{participant}.edf"}]
)
def test_a_dataset_that_contradicts_itself_is_refused(change):
    with pytest.raises(ValueError, match="wanted"):
        dataset({"kind": "osf", "node": "abcd1"}, **change)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://example.org/x", False),
        ("https://user:pw@example.org/x", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("http://127.0.0.1@example.org/", False),
        ("http://localhost.example.org/", False),
        ("https://[::", False),
    ],
)
def test_only_https_and_this_machine_are_safe_addresses(url, safe):
    assert is_safe_address(url) == safe


def test_conditions_of_use_must_be_accepted_before_anything_is_asked():
    with serving() as server:
        server.files = {"data/sub-01/a.edf": b"x"}
        what = in_bucket(server, licence="CC-BY-4.0", licence_name="Attribution", licence_public_domain=False)
        with pytest.raises(InputError) as caught:
            get(what, "nowhere")
        assert all(part in str(caught.value) for part in ("CC-BY-4.0", what.licence_url, "--accept-licence"))
        assert server.requests == []


def test_the_command_says_what_the_data_are_and_what_to_do_next(tmp_path, monkeypatch, capsys):
    with serving() as server:
        server.files = {"data/sub-01/eeg/a.edf": bytes(5000), "data/participants.tsv": b"x"}
        what = in_bucket(server, doi="10.1/x")
        monkeypatch.setattr(command, "load_dataset", lambda _: what)
        options = {
            "mirror": None,
            "participants": "",
            "first": None,
            "max_gb": 1,
            "workers": 2,
            "accept_licence": False,
        }
        assert command.fetch("made-up", tmp_path / "got", **options) == 0
        told = capsys.readouterr()
        assert "2 files to bring, 5.0 kB" in told.err
        for part in ("2 files brought, 0 were there", "public domain", "Nobody 2026", "doi:10.1/x"):
            assert part in told.out
        assert f"painconn init {tmp_path / 'got'}" in told.out
        (tmp_path / "got" / "participants.tsv").write_bytes(b"y")
        assert command.fetch("made-up", tmp_path / "got", **options) == 1
        assert "participants.tsv" in capsys.readouterr().out
        with pytest.raises(InputError, match="one of the two"):
            command.fetch("made-up", tmp_path / "got", **(options | {"participants": "01", "first": 1}))


@pytest.mark.slow
def test_exit_status_2_for_what_the_user_can_change(tmp_path):
    for arguments, told in (
        (("eegmatt", "--to", str(tmp_path)), "did you mean eegmat?"),
        (("eegmat", "--to", str(tmp_path)), "--accept-licence"),
        (("eegmat", "--to", str(tmp_path), "--accept-licence", "--from", str(tmp_path / "none")), "no folder"),
    ):
        done = painconn("fetch", *arguments)
        assert done.returncode == 2
        assert told in done.stderr
        assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_list_says_how_large_on_which_terms_and_what_for():
    done = painconn("list", "datasets")
    for name in NAMES:
        what = load_dataset(name)
        assert name in done.stdout.splitlines()
        assert f"{what.people} people; about {what.size_gb:g} GB; {what.licence}" in done.stdout
    assert done.stdout.count("good for:") == len(NAMES)


@pytest.fixture
def mirror(tmp_path):
    copy = tmp_path / "copy"
    (copy / "sub-01" / "eeg").mkdir(parents=True)
    (copy / "sub-01" / "eeg" / "a.edf").write_bytes(bytes(4000))
    (copy / "participants.tsv").write_bytes(b"participant_id\nsub-01\n")
    (copy / ".git").mkdir()
    (copy / ".git" / "config").write_text("[core]")
    return copy


PLAIN = dataset({"kind": "osf", "node": "abcd1"})


def test_a_local_copy_is_copied_pinned_and_not_copied_again(mirror, tmp_path):
    display = Silent()
    assert get(PLAIN, tmp_path / "got", display, mirror=mirror).n_brought == 2
    assert sorted(tree(tmp_path / "got")) == ["participants.tsv", "sub-01/eeg/a.edf"]
    assert display.bytes == display.planned_bytes
    assert sha256_of(bytes(4000)) in (tmp_path / "got" / "SHA256SUMS.txt").read_text()
    assert get(PLAIN, tmp_path / "got", mirror=mirror).n_present == 2
    (tmp_path / "got" / "sub-01" / "eeg" / "a.edf").unlink()
    (mirror / "sub-01" / "eeg" / "a.edf").write_bytes(bytes(3999) + b"x")
    outcome = get(PLAIN, tmp_path / "got", mirror=mirror)
    assert [problem.where for problem in outcome.problems] == ["sub-01/eeg/a.edf"]
    assert "without --from" in outcome.problems[0].fix
    assert sorted(tree(tmp_path / "got")) == ["participants.tsv"]


def test_the_list_of_hashes_of_a_local_copy_is_checked(mirror, tmp_path):
    (mirror / "SHA256SUMS.txt").write_text(f"{'0' * 64}  sub-01/eeg/a.edf\n")
    outcome = get(PLAIN, tmp_path / "got", mirror=mirror)
    assert [problem.where for problem in outcome.problems] == ["sub-01/eeg/a.edf"]


def test_a_local_copy_that_is_flat_is_known_by_hash_and_name(mirror, tmp_path):
    what = dataset({"kind": "osf", "node": "abcd1"}, sha256={"deep/down/a.edf": sha256_of(bytes(4000))})
    assert get(what, tmp_path / "got", mirror=mirror).problems == ()
    assert sorted(tree(tmp_path / "got")) == ["deep/down/a.edf", "participants.tsv"]


def test_links_without_content_and_things_that_are_no_files_are_named(mirror, tmp_path):
    (mirror / "sub-01" / "eeg" / "b.edf").symlink_to(mirror / ".git" / "annex" / "gone")
    os.mkfifo(mirror / "pipe")
    with pytest.raises(InputError, match=r"datalad get sub-01/eeg/b\.edf") as caught:
        get(PLAIN, tmp_path / "got", mirror=mirror)
    assert [problem.where for problem in caught.value.problems] == ["--from: pipe", "--from: sub-01/eeg/b.edf"]
    assert not (tmp_path / "got").exists()


def test_a_link_to_a_folder_in_a_local_copy_is_named(mirror, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "b.edf").write_bytes(b"b")
    (mirror / "sub-02").symlink_to(tmp_path / "disk")
    with pytest.raises(InputError, match="a link to a folder") as caught:
        get(PLAIN, tmp_path / "got", mirror=mirror)
    assert [problem.where for problem in caught.value.problems] == ["--from: sub-02"]
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("to", ["copy", "copy/got", ".", "link", "link/got", "copy/sub-01/../got"])
def test_a_local_copy_is_never_fetched_into_itself(mirror, tmp_path, to):
    with zipfile.ZipFile(mirror / "raw.zip", "w") as zipped:
        zipped.writestr("b.edf", "b")
    (tmp_path / "link").symlink_to(mirror)
    before = tree(tmp_path)
    what = dataset({"kind": "osf", "node": "abcd1"}, unpack=True)
    for source, target in ((mirror, tmp_path / to), (tmp_path / "link", tmp_path / to)):
        with pytest.raises(InputError, match="--from and --to"):
            get(what, target, mirror=source)
    assert tree(tmp_path) == before
    assert not list(tmp_path.rglob("painconn_fetch.json"))


PEOPLE = """Subject,Age,Gender,Recording year,Number of subtractions,Count quality
Subject00,31,F,2001,3.5,0
Subject01,32,M,2002,,1
Subject02,33,F,2003,25,1
Subject03,,M,2003,2,0
"""


def eegmat_of(folder, people=PEOPLE):
    folder.mkdir()
    (folder / "subject-info.csv").write_text(people)
    for number in range(4):
        (folder / f"Subject0{number}_1.edf").write_bytes(bytes([number]) * 100)
    return load_dataset("eegmat").model_copy(update={"sha256": {}})


def test_participants_of_eegmat_are_made_for_its_study_and_never_made_again(tmp_path, monkeypatch, capsys):
    what = eegmat_of(tmp_path / "copy")
    monkeypatch.setattr(command, "load_dataset", lambda _: what)
    options = {"mirror": tmp_path / "copy", "participants": "", "first": None, "max_gb": 1, "workers": 2}
    got = tmp_path / "got"
    assert command.fetch("eegmat", got, **options, accept_licence=True) == 0
    assert "participants.tsv was made by painconn from subject-info.csv" in capsys.readouterr().out
    assert json.loads((got / "painconn_fetch.json").read_text())["made"] == {"participants.tsv": "subject-info.csv"}
    assert "participants.tsv" not in (got / "SHA256SUMS.txt").read_text()
    study = load_study(catalogue.FOLDER.parent / "studies" / "eegmat.yaml")
    table = read_participants(study.data.participants, got)
    contrast = study.targets["counters"].contrast
    groups = label_groups(table, contrast.column, (contrast.a, contrast.b)).labels
    assert dict(groups) == {"00": "bad", "01": "good", "02": "good", "03": "bad"}
    numbers = covariate_columns(table, ["age", "sex"])
    assert numbers["age"].tolist()[:3] == [31, 32, 33]
    assert numbers["age"].isna().tolist() == [False, False, False, True]
    assert numbers["sex"].tolist() == [0, 1, 0, 1]
    (got / "participants.tsv").write_text("subject\tmine\nSubject00\t1\n")
    assert command.fetch("eegmat", got, **options, accept_licence=True) == 0
    assert (got / "participants.tsv").read_text() == "subject\tmine\nSubject00\t1\n"


@pytest.mark.parametrize(
    ("people", "told"),
    [
        (PEOPLE.replace("Gender", "Sex").replace("Age", "Years"), "no column Age, Gender"),
        (PEOPLE.replace(",1\n", ",2\n"), "row 3 column Count quality"),
        ("", "empty table"),
    ],
)
def test_people_that_are_not_as_described_are_told_and_nothing_is_made(tmp_path, people, told):
    what = eegmat_of(tmp_path / "copy", people)
    outcome = get(what, tmp_path / "got", mirror=tmp_path / "copy", accept_licence=True)
    assert told in str(outcome.problems[0])
    assert (outcome.n_brought, outcome.n_present) == (5, 0)
    assert not (tmp_path / "got" / "participants.tsv").exists()


@pytest.mark.realdata
def test_the_real_eegmat_files_match_the_pinned_hashes_and_shortened_ones_are_refused(real_data, tmp_path):
    folder = real_data / "eegmat-rest-arithmetic"
    with (folder / "files.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    pinned = load_dataset("eegmat").sha256
    assert {row["file"]: row["sha256_of_original"] for row in rows} == dict(pinned)
    whole = {row["file"] for row in rows if row["sha256"] == row["sha256_of_original"]}
    shortened = set(pinned) - whole
    assert (len(whole), len(shortened)) == (23, 23)
    outcome = get(load_dataset("eegmat"), tmp_path / "got", mirror=folder, accept_licence=True)
    assert {problem.where for problem in outcome.problems} == shortened
    got = {name for name in tree(tmp_path / "got") if name.endswith(".edf")}
    assert got == whole
    assert {name: file_hash(tmp_path / "got" / name) for name in got} == {name: pinned[name] for name in got}


@pytest.mark.realdata
def test_the_real_eegmmidb_files_find_their_places_from_a_flat_folder(real_data, tmp_path):
    folder = real_data / "eegmmidb-eyes-open"
    done = painconn("fetch", "eegmmidb", "--to", str(tmp_path / "got"), "--from", str(folder), "--accept-licence")
    assert done.returncode == 0, done.stderr
    got = tree(tmp_path / "got")
    assert {name for name in got if name.endswith(".edf")} == {f"S00{n}/S00{n}R01.edf" for n in (1, 2, 3)}
    record = json.loads((tmp_path / "got" / "painconn_fetch.json").read_text())
    assert record["dataset"] == "eegmmidb"
    assert str(real_data) not in json.dumps(record)
    before = {name: (tmp_path / "got" / name).stat().st_mtime_ns for name in got}
    again = painconn("fetch", "eegmmidb", "--to", str(tmp_path / "got"), "--from", str(folder), "--accept-licence")
    assert "0 files brought" in again.stdout
    assert {name: (tmp_path / "got" / name).stat().st_mtime_ns for name in got} == before
    assert (
        shutil.which("sha256sum") is None
        or not subprocess.run(
            ["sha256sum", "--check", "--quiet", "SHA256SUMS.txt"], cwd=tmp_path / "got", check=False
        ).returncode
    )
