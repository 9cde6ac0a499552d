import json
import shutil

import pytest
from fetch_server import (
    Silent,
    bucket,
    dataset,
    endless,
    get,
    in_bucket,
    osf_entry,
    osf_page,
    redirect,
    s3_page,
    serving,
    sha256_of,
    status,
    sums,
    tree,
)
from hypothesis import given
from hypothesis import strategies as st

from painconn.errors import InputError, PathError
from painconn.recordings.fetch import listing, providers
from painconn.recordings.fetch.safe_paths import path_problems, place_below, same_place, why_unsafe
from painconn.recordings.fetch.selection import participant_of, select_files
from painconn.recordings.fetch.sums import parse_sums
from painconn.recordings.fetch.web import ProviderError

BIDS = {
    "data/dataset_description.json": json.dumps({"DatasetDOI": "doi:10.18112/openneuro.ds000000.v1.2.0"}).encode(),
    "data/participants.tsv": b"participant_id\nsub-01\nsub-02\n",
    "data/sub-01/eeg/sub-01_task-rest_eeg.edf": b"one",
    "data/sub-02/eeg/sub-02_task-rest_eeg.edf": b"two",
    "data/phenotype/pain.tsv": b"participant_id\tpain\n",
}


@pytest.fixture
def server():
    with serving() as provider:
        provider.files = dict(BIDS)
        yield provider


def refused(server, tmp_path, what, match):
    """Assert that nothing at all is written because of the listing."""
    with pytest.raises(ProviderError, match=match) as caught:
        get(what, tmp_path / "got")
    assert not (tmp_path / "got").exists()
    return caught.value.problems


def test_s3_every_page_of_the_listing_is_read_and_the_version_got_is_noted(server, tmp_path):
    outcome = get(in_bucket(server), tmp_path / "got")
    assert tree(tmp_path / "got") == {path.removeprefix("data/"): content for path, content in BIDS.items()}
    assert len(server.asked("")) == 3
    assert outcome.record.version_found == "1.2.0"
    record = json.loads((tmp_path / "got" / "painconn_fetch.json").read_text())
    assert (record["dataset"], record["version"], record["version_found"]) == ("made-up", "1.0.0", "1.2.0")


def test_s3_only_the_parts_wanted_are_listed_below_one_root(server, tmp_path):
    server.routes[""] = bucket(server)
    provider = {"kind": "s3", "url": server.url, "root": "data/", "below": ["phenotype/", "participants.tsv"]}
    get(dataset(provider), tmp_path / "got")
    assert sorted(tree(tmp_path / "got")) == ["participants.tsv", "phenotype/pain.tsv"]


def test_s3_keys_with_odd_but_harmless_characters_arrive(server, tmp_path):
    server.files = {"data/a b/ö & + %41 #1.txt": b"x"}
    get(in_bucket(server), tmp_path / "got")
    assert tree(tmp_path / "got") == {"a b/ö & + %41 #1.txt": b"x"}


@pytest.mark.parametrize("space", [" ", "  ", " *"])
def test_physionet_the_list_of_hashes_is_the_listing(server, tmp_path, space):
    server.files = {"data/S001/S001R01.edf": b"one", "data/RECORDS": b"S001/S001R01.edf\n"}
    server.files["data/SHA256SUMS.txt"] = sums(dict(server.files), "data/", space)
    what = dataset({"kind": "physionet", "url": f"{server.url}data/"})
    assert get(what, tmp_path / "got").n_brought == 2
    assert tree(tmp_path / "got") == {"S001/S001R01.edf": b"one", "RECORDS": b"S001/S001R01.edf\n"}
    again = (tmp_path / "got" / "SHA256SUMS.txt").read_text()
    assert parse_sums(again.encode(), where="ours") == parse_sums(server.files["data/SHA256SUMS.txt"], where="theirs")


def test_physionet_a_hash_that_is_a_lie_is_found(server, tmp_path):
    server.files = {"data/a.edf": b"one", "data/b.edf": b"two"}
    server.files["data/SHA256SUMS.txt"] = sums({"data/a.edf": b"not one", "data/b.edf": b"two"}, "data/")
    outcome = get(dataset({"kind": "physionet", "url": f"{server.url}data/"}), tmp_path / "got")
    assert [problem.where for problem in outcome.problems] == ["a.edf"]
    assert tree(tmp_path / "got") == {"b.edf": b"two"}


def osf(server, **changes):
    return dataset({"kind": "osf", "node": "abcd1", "url": f"{server.url}v2/"}, **changes)


def folder(server, name, key):
    links = {"related": {"href": f"{server.url}v2/nodes/abcd1/files/osfstorage/{key}/", "meta": {}}}
    attributes = {"kind": "folder", "name": name, "size": None, "extra": {"hashes": {"sha256": None, "md5": None}}}
    return {"type": "files", "attributes": attributes, "links": {}, "relationships": {"files": {"links": links}}}


ROOT = "v2/nodes/abcd1/files/osfstorage/"


def test_osf_folders_and_pages_are_followed_and_hashes_used(server, tmp_path):
    second = f"{server.url}{ROOT}?page=2"
    tables = osf_entry(server, "participants.tsv", "data/participants.tsv")
    server.routes[ROOT] = lambda handler: (
        osf_page([folder(server, "sub-01", "f1")])
        if handler.query.get("page") == "2"
        else osf_page([tables], following=second)
    )(handler)
    server.routes[f"{ROOT}f1/"] = osf_page([folder(server, "eeg", "f2")])
    lying = osf_entry(
        server, "b.edf", "data/sub-02/eeg/sub-02_task-rest_eeg.edf", extra={"hashes": {"sha256": "0" * 64}}
    )
    right = osf_entry(server, "a.edf", "data/sub-01/eeg/sub-01_task-rest_eeg.edf")
    server.routes[f"{ROOT}f2/"] = osf_page([right, lying])
    outcome = get(osf(server), tmp_path / "got")
    assert tree(tmp_path / "got") == {"participants.tsv": BIDS["data/participants.tsv"], "sub-01/eeg/a.edf": b"one"}
    assert [problem.where for problem in outcome.problems] == ["sub-01/eeg/b.edf"]


def test_osf_downloads_are_redirected_to_where_the_files_are_stored(server, tmp_path):
    server.routes[ROOT] = osf_page([osf_entry(server, "a.edf", "data/sub-01/eeg/sub-01_task-rest_eeg.edf")])
    server.files["stored"] = b"one"
    server.routes["data/sub-01/eeg/sub-01_task-rest_eeg.edf"] = redirect(f"{server.url}stored")
    assert get(osf(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == {"a.edf": b"one"}


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (b"not json", "data|JSON"),
        (b"[" * 200_000, "JSON"),
        (b'{"data": [{}]}', "attributes"),
        (b'{"data": [{"attributes": {"name": 1, "kind": "file"}}]}', "name"),
        (b'{"data": [{"attributes": {"name": "a", "kind": "file", "size": "many"}}]}', "size"),
        (
            b'{"data": [{"attributes": {"name": "a", "kind": "file"}, "links": {"download": "file:///etc/passwd"}}]}',
            "https",
        ),
        (b'{"data": [{"attributes": {"name": "a", "kind": "folder"}}]}', "same API"),
        (b'{"data": [], "links": {"next": "http://127.0.0.1/elsewhere"}}', "same API"),
    ],
)
def test_osf_pages_that_are_not_what_they_should_be(server, tmp_path, page, told):
    server.routes[ROOT] = lambda handler: handler.send_body(page)
    (problem,) = refused(server, tmp_path, osf(server), ".")
    assert any(part in str(problem) for part in told.split("|"))


def test_osf_a_listing_in_circles_ends(server, tmp_path):
    server.routes[ROOT] = osf_page([folder(server, "again", "loop")])
    server.routes[f"{ROOT}loop/"] = osf_page([folder(server, "again", "loop")])
    refused(server, tmp_path, osf(server), "does not end")


HOSTILE = [
    "../outside.txt",
    "a/../../outside.txt",
    "/etc/passwd",
    "a//b.txt",
    "./a.txt",
    "C:/windows/x.txt",
    "a\\..\\..\\b.txt",
    "a\nb.txt",
    "a\x00b.txt",
    "a\u202eb.txt",
    "NUL",
    "sub-01/com1.txt",
    "a./b.txt",
    " a.txt",
    "x" * 300,
    ".git/hooks/post-checkout",
    "eeg.edf.painconn-part",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_paths_that_lead_elsewhere_are_refused_before_anything_is_written(server, tmp_path, path):
    if "\x00" in path or "\n" in path:
        server.files = {"data/a.edf": b"x"}
        line = f"{sha256_of(b'x')}  {path}".replace("\n", "\r")
        server.files["data/SHA256SUMS.txt"] = f"{line}\n{sha256_of(b'x')}  a.edf\n".encode()
        what = dataset({"kind": "physionet", "url": f"{server.url}data/"})
    else:
        server.files = {f"data/{path}": b"x", "data/a.edf": b"x"}
        what = in_bucket(server)
    refused(server, tmp_path, what, "nothing was written")
    with pytest.raises(PathError):
        place_below(tmp_path, path)
    assert not (tmp_path.parent / "outside.txt").exists()


@pytest.mark.parametrize(
    "pair", [("a.txt", "A.TXT"), ("caf\u00e9", "cafe\u0301"), ("a", "a/b.txt"), ("A", "a/b.txt"), ("straße", "STRASSE")]
)
def test_names_that_some_file_systems_take_for_one_are_refused(server, tmp_path, pair):
    server.files = {f"data/{path}": b"x" for path in pair}
    refused(server, tmp_path, in_bucket(server), "same")


def test_all_bad_paths_are_told_at_once(server, tmp_path):
    server.files = {f"data/{path}": b"x" for path in HOSTILE[:3]} | {"data/fine.txt": b"x"}
    assert len(refused(server, tmp_path, in_bucket(server), "nothing was written")) == 3


def test_files_that_fetching_writes_itself_are_never_taken_from_a_listing(server, tmp_path):
    server.files |= {"data/painconn_fetch.json": b"forged", "data/SHA256SUMS.txt": b"forged"}
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert "forged" not in (tmp_path / "got" / "painconn_fetch.json").read_text()
    assert "forged" not in (tmp_path / "got" / "SHA256SUMS.txt").read_text()


@given(st.text(max_size=40))
def test_no_accepted_path_leaves_its_folder_or_changes_when_written(path):
    if why_unsafe(path):
        return
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not path.startswith("/")
    assert path.isprintable() or any(character.isspace() for character in path)
    assert path_problems([path, path], source="x")
    assert same_place(path) == same_place(path.upper()) or path.lower() != path.upper().lower()


@pytest.mark.parametrize(
    "page",
    [
        b"<html><body>maintenance</body></html>",
        b"not xml at all",
        b"<ListBucketResult><Contents><Key>data/a</Key>",
        s3_page({"other/a.edf": 1}),
        s3_page({"data/a.edf": -1}),
        s3_page({"data/a.edf": 10**30}),
        s3_page({"data/a.edf": 2**55}),
        s3_page({}),
    ],
    ids=["html", "text", "cut", "elsewhere", "negative", "absurd", "huge", "empty"],
)
def test_s3_pages_that_are_not_what_they_should_be(server, tmp_path, page):
    server.routes[""] = lambda handler: handler.send_body(page)
    what = dataset({"kind": "s3", "url": server.url, "root": "data/"})
    refused(server, tmp_path, what, ".")


@pytest.mark.parametrize("value", ['"aaaa"', '"&b;&b;&b;"', 'SYSTEM "file:///etc/passwd"'])
def test_xml_that_defines_entities_is_not_parsed(server, tmp_path, value):
    page = f'<!DOCTYPE x [<!ENTITY b "bb"><!ENTITY a {value}>]>'.encode() + s3_page({"data/&a;": 1}).split(b"?>")[1]
    server.routes[""] = lambda handler: handler.send_body(page.replace(b"&amp;", b"&"))
    what = dataset({"kind": "s3", "url": server.url, "root": "data/"})
    refused(server, tmp_path, what, "DTDForbidden")


def test_a_listing_that_repeats_its_token_ends(server, tmp_path):
    server.routes[""] = lambda handler: handler.send_body(s3_page({"data/a.edf": 1}, following="again"))
    refused(server, tmp_path, dataset({"kind": "s3", "url": server.url, "root": "data/"}), "does not end")
    assert len(server.asked("")) == 2


def test_a_listing_with_ever_new_tokens_ends(server, tmp_path, monkeypatch):
    monkeypatch.setattr(providers, "MOST_PAGES", 20)
    server.routes[""] = lambda handler: handler.send_body(
        s3_page({f"data/{len(server.requests)}.edf": 1}, following=str(len(server.requests)))
    )
    refused(server, tmp_path, dataset({"kind": "s3", "url": server.url, "root": "data/"}), "does not end")
    assert len(server.requests) == 20


def test_too_many_files_are_refused_without_reading_on(server, tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "MOST_FILES", 5000)
    page = {f"data/{number}.edf": 1 for number in range(1000)}
    server.routes[""] = lambda handler: handler.send_body(s3_page(page, following=str(len(server.requests))))
    refused(server, tmp_path, dataset({"kind": "s3", "url": server.url, "root": "data/"}), "more than 5000 files")
    assert len(server.requests) == 6


def test_a_listing_without_an_end_is_cut_off(server, tmp_path, monkeypatch):
    monkeypatch.setattr(providers, "_MOST_PAGE_BYTES", 1_000_000)
    server.routes[""] = endless
    refused(server, tmp_path, dataset({"kind": "s3", "url": server.url, "root": "data/"}), "more than 1000000 bytes")


def half_a_page(handler):
    handler.send_body(s3_page({"data/a.edf": 1})[:80], length=200)
    handler.close_connection = True


@pytest.mark.parametrize("trouble", [status(500), status(429, Retry_After="0"), half_a_page])
def test_a_listing_is_asked_for_again(server, tmp_path, trouble):
    what = in_bucket(server)
    server.answers[""] = [trouble]
    assert get(what, tmp_path / "got").problems == ()


def test_a_provider_that_is_down_is_told_with_status_1(server, tmp_path):
    server.routes[""] = status(503)
    what = dataset({"kind": "s3", "url": server.url, "root": "data/"})
    with pytest.raises(ProviderError, match="503") as caught:
        get(what, tmp_path / "got")
    assert caught.value.exit_status == 1


def test_a_subset_takes_the_people_wanted_and_all_files_of_the_whole_dataset(server, tmp_path):
    display = Silent()
    get(in_bucket(server), tmp_path / "got", display, participants=("02",))
    assert sorted(tree(tmp_path / "got")) == [
        "dataset_description.json",
        "participants.tsv",
        "phenotype/pain.tsv",
        "sub-02/eeg/sub-02_task-rest_eeg.edf",
    ]
    assert not server.asked("data/sub-01/eeg/sub-01_task-rest_eeg.edf")
    get(in_bucket(server), tmp_path / "first", first=1)
    assert "sub-01/eeg/sub-01_task-rest_eeg.edf" in tree(tmp_path / "first")
    assert "sub-02/eeg/sub-02_task-rest_eeg.edf" not in tree(tmp_path / "first")
    assert get(in_bucket(server), tmp_path / "got").n_brought == 1


def test_a_label_that_is_not_there_is_told_with_those_that_are(server, tmp_path):
    with pytest.raises(InputError, match="'1', '03'") as caught:
        get(in_bucket(server), tmp_path / "got", participants=("1", "sub-02", "03"))
    assert "01, 02" in str(caught.value)
    server.files = {"data/everybody.zip": b"x", "data/participants.tsv": b"x"}
    with pytest.raises(InputError, match="as a whole"):
        get(in_bucket(server), tmp_path / "got", participants=("01",))


def test_side_files_belong_to_the_person_of_their_recording():
    what = dataset(
        {"kind": "physionet", "url": "https://example.org/"},
        layout="folder",
        pattern="S{participant}/S{participant}R{task}.edf",
    )
    assert participant_of(what, "S001/S001R01.edf") == "001"
    assert participant_of(what, "S001/S001R01.edf.event") == "001"
    assert participant_of(what, "RECORDS") == ""
    files = [listing.ListedFile(path, "") for path in ("RECORDS", "S001/S001R01.edf", "S002/S002R01.edf.event")]
    assert [file.path for file in select_files(what, files, participants=["002"])] == [files[0].path, files[2].path]


def test_a_folder_of_another_dataset_is_not_mixed_with_this_one(server, tmp_path):
    get(in_bucket(server), tmp_path / "got")
    with pytest.raises(InputError, match="a folder of made-up"):
        get(in_bucket(server, name="another"), tmp_path / "got")
    (tmp_path / "got" / "painconn_fetch.json").write_text("{")
    with pytest.raises(InputError, match="delete it"):
        get(in_bucket(server), tmp_path / "got")
    shutil.rmtree(tmp_path / "got")
    (tmp_path / "got").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        get(in_bucket(server), tmp_path / "got")
