import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from fetch_server import get, in_bucket, serving, sha256_of, tree

from painconn.recordings.fetch.archives import ArchiveLimits, unpack
from painconn.recordings.fetch.web import ProviderError

SMALL = ArchiveLimits(n_bytes=1 << 20, n_files=50, ratio=20, free_bytes=1 << 16)
EEG = np.random.default_rng(2).bytes(30_000)
PERSON = {"sub-01/RSEEG/sub-01.eeg": EEG, "sub-01/RSEEG/sub-01.vhdr": b"Brain Vision"}


def tar_of(files, *, compress=True, extra=()):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz" if compress else "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for entry in extra:
            tar.addfile(entry)
    return stream.getvalue()


def zip_of(files, *, mode=0o100644):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(entry, content)
    return stream.getvalue()


def special(name, kind, target=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def unpacked(tmp_path, name, content, limits=SMALL):
    archive = tmp_path / name
    archive.write_bytes(content)
    return unpack(archive, tmp_path / "staging", limits)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tar.gz", tar_of(PERSON)),
        ("a.TGZ", tar_of(PERSON)),
        ("a.tar", tar_of(PERSON, compress=False)),
        ("a.zip", zip_of(PERSON)),
        ("b.tar.gz", tar_of({f"./{name}": content for name, content in PERSON.items()})),
        ("c.tar.gz", tar_of(PERSON, extra=[special("sub-01/empty", tarfile.DIRTYPE)])),
    ],
)
def test_what_was_packed_is_unpacked(tmp_path, name, content):
    assert unpacked(tmp_path, name, content) == sorted(PERSON)
    assert tree(tmp_path / "staging") == PERSON


HOSTILE = {
    "up.tar.gz": tar_of({"../outside": b"x"}),
    "absolute.tar.gz": tar_of({"/outside": b"x"}),
    "link.tar.gz": tar_of({}, extra=[special("a", tarfile.SYMTYPE, "/etc/passwd")]),
    "hard.tar.gz": tar_of(PERSON, extra=[special("a", tarfile.LNKTYPE, "sub-01/RSEEG/sub-01.eeg")]),
    "fifo.tar.gz": tar_of({}, extra=[special("a", tarfile.FIFOTYPE)]),
    "device.tar.gz": tar_of({}, extra=[special("a", tarfile.CHRTYPE)]),
    "twice.tar.gz": tar_of({"a": b"1", "A": b"2"}),
    "clash.tar.gz": tar_of({"a": b"1", "a/b": b"2"}),
    "many.tar.gz": tar_of({f"{number}": b"" for number in range(51)}),
    "folders.tar.gz": tar_of({}, extra=[special(f"d{number}", tarfile.DIRTYPE) for number in range(60)]),
    "bomb.tar.gz": tar_of({"zeros": bytes(900_000)}),
    "large.tar": tar_of({"zeros": bytes((1 << 20) + 1)}, compress=False),
    "cut.tar.gz": tar_of(PERSON)[:20_000],
    "cut.tar": tar_of(PERSON, compress=False)[:20_000],
    "no.tar.gz": b"no archive",
    "no.zip": b"no archive",
    "up.zip": zip_of({"../outside": b"x"}),
    "absolute.zip": zip_of({"/outside": b"x"}),
    "windows.zip": zip_of({"..\\outside": b"x"}),
    "drive.zip": zip_of({"C:\\outside": b"x"}),
    "link.zip": zip_of({"a": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
    "bomb.zip": zip_of({"zeros": bytes(900_000)}),
    "cut.zip": zip_of(PERSON)[:-40],
    "flipped.zip": zip_of({"a": EEG}).replace(EEG[5000:5010], bytes(10)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_broken_archives_leave_nothing(tmp_path, name):
    below = tmp_path / "one" / "two"
    below.mkdir(parents=True)
    with pytest.raises(ProviderError, match=name.replace(".", r"\.")):
        unpacked(below, name, HOSTILE[name])
    assert [path.name for path in tmp_path.rglob("*")] == ["one", "two", name]


@pytest.mark.parametrize(("ending", "packed"), [("tar.gz", tar_of), ("zip", zip_of)])
def test_an_absolute_name_is_refused_where_it_could_be_written(tmp_path, ending, packed):
    target = tmp_path / "elsewhere" / "outside"
    target.parent.mkdir()
    (tmp_path / "here").mkdir()
    with pytest.raises(ProviderError, match=r"outside"):
        unpacked(tmp_path / "here", f"absolute.{ending}", packed({str(target): b"x"}))
    assert not list(tmp_path.rglob("outside"))


def test_a_header_of_gigabytes_is_not_read_into_memory(tmp_path):
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 3 << 30
    content = gzip.compress(header.tobuf() + bytes(60 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ProviderError, match="cannot be unpacked"):
            unpacked(tmp_path, "pax.tar.gz", content)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert not (tmp_path / "staging").exists()


def test_a_file_that_claims_to_be_smaller_than_it_is_counts_as_it_comes(tmp_path):
    content = bytearray(zip_of({"zeros": bytes(900_000)}))
    size = (900_000).to_bytes(4, "little")
    while size in content:
        at = content.index(size)
        content[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(ProviderError):
        unpacked(tmp_path, "lie.zip", bytes(content))
    assert not (tmp_path / "staging").exists()


@pytest.fixture
def server():
    with serving() as provider:
        provider.files = {
            "data/raw/sub-01.tar.gz": tar_of(PERSON),
            "data/raw/sub-02.tar.gz": tar_of({name.replace("01", "02"): content for name, content in PERSON.items()}),
            "data/name_match.csv": b"a,b\n",
        }
        yield provider


def test_archives_are_unpacked_where_they_lie_and_not_fetched_again(server, tmp_path):
    got = tmp_path / "got"
    what = in_bucket(server, unpack=True)
    assert get(what, got, participants=("01",)).problems == ()
    assert tree(got) == {f"raw/{name}": content for name, content in PERSON.items()} | {"name_match.csv": b"a,b\n"}
    listed = (got / "SHA256SUMS.txt").read_text()
    assert f"{sha256_of(EEG)}  raw/sub-01/RSEEG/sub-01.eeg\n" in listed
    assert "tar.gz" not in listed
    again = get(what, got)
    assert (again.n_brought, again.n_present) == (1, 2)
    assert len(server.asked("data/raw/sub-01.tar.gz")) == 1
    assert len(tree(got)) == 5


def test_an_unpacked_file_that_was_deleted_or_altered_is_seen(server, tmp_path):
    got = tmp_path / "got"
    what = in_bucket(server, unpack=True)
    get(what, got)
    (got / "raw" / "sub-01" / "RSEEG" / "sub-01.vhdr").unlink()
    assert get(what, got).n_brought == 1
    assert tree(got)["raw/sub-01/RSEEG/sub-01.vhdr"] == b"Brain Vision"
    altered = got / "raw" / "sub-01" / "RSEEG" / "sub-01.eeg"
    altered.write_bytes(EEG[::-1])
    assert get(what, got).problems[0].where == "raw/sub-01/RSEEG/sub-01.eeg"
    assert altered.read_bytes() == EEG[::-1]


def test_an_edited_file_of_an_archive_is_never_overwritten_when_another_one_is_restored(server, tmp_path):
    table, header = "sub-01/RSEEG/people.tsv", "sub-01/RSEEG/sub-01.vhdr"
    server.files = {"data/raw/sub-01.tar.gz": tar_of(PERSON | {table: b"age\n30\n"}), "data/raw/x.csv": b"x"}
    got, what = tmp_path / "got", in_bucket(server, unpack=True)
    assert get(what, got).problems == ()
    for name in (table, "sub-01/RSEEG/sub-01.eeg"):
        (got / "raw" / name).write_bytes(b"hours of labelling")
    (got / "raw" / header).unlink()
    for _ in range(2):
        outcome = get(what, got)
        assert [problem.where for problem in outcome.problems] == [f"raw/{table}", "raw/sub-01/RSEEG/sub-01.eeg"]
        assert "left as it is" in outcome.problems[0].fix
        assert outcome.n_present == 1
        edited = {f"raw/{name}": b"hours of labelling" for name in (table, "sub-01/RSEEG/sub-01.eeg")}
        assert tree(got) == edited | {f"raw/{header}": PERSON[header], "raw/x.csv": b"x"}


def test_an_archive_that_changed_since_it_was_unpacked_is_refused(server, tmp_path):
    got = tmp_path / "got"
    what = in_bucket(server, unpack=True)
    get(what, got, participants=("01",))
    (got / "raw" / "sub-01" / "RSEEG" / "sub-01.vhdr").unlink()
    server.files["data/raw/sub-01.tar.gz"] = tar_of(PERSON | {"sub-01/RSEEG/new.txt": b"x"})
    outcome = get(what, got, participants=("01",))
    assert outcome.problems[0].where == "raw/sub-01.tar.gz"
    assert not (got / "raw" / "sub-01" / "RSEEG" / "new.txt").exists()


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.endswith((".gz", ".zip"))])
def test_a_hostile_archive_among_others_is_named_and_the_others_are_there(server, tmp_path, name):
    server.files[f"data/raw/{name}"] = HOSTILE[name]
    outcome = get(in_bucket(server, unpack=True), tmp_path / "got", limits=SMALL)
    (problem,) = outcome.problems
    assert name in problem.where
    assert len([path for path in tree(tmp_path / "got") if path.endswith(".eeg")]) == 2
    assert not list(tmp_path.rglob("*painconn-open*"))
    assert not list(tmp_path.rglob("outside"))


def test_an_archive_cannot_replace_other_files(server, tmp_path):
    server.files["data/raw/sub-02.tar.gz"] = tar_of({"sub-01/RSEEG/sub-01.eeg": b"other", "SHA256SUMS.txt": b"forged"})
    server.files["data/evil.tar.gz"] = tar_of({"SHA256SUMS.txt": b"forged", "name_match.csv": b"forged"})
    outcome = get(in_bucket(server, unpack=True), tmp_path / "got", workers=1)
    assert {problem.where.split(":")[0] for problem in outcome.problems} == {"evil.tar.gz", "sub-02.tar.gz"}
    got = tree(tmp_path / "got")
    assert got["raw/sub-01/RSEEG/sub-01.eeg"] == EEG
    assert got["name_match.csv"] == b"a,b\n"
    assert "forged" not in (tmp_path / "got" / "SHA256SUMS.txt").read_text()
    assert not (tmp_path / "got" / "raw" / "SHA256SUMS.txt").exists()


def test_archives_stay_as_they_are_where_the_dataset_does_not_say_otherwise(server, tmp_path):
    get(in_bucket(server), tmp_path / "got")
    assert sorted(tree(tmp_path / "got")) == ["name_match.csv", "raw/sub-01.tar.gz", "raw/sub-02.tar.gz"]
