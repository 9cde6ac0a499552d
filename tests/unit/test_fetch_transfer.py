import errno
import json
import os
import re
import shutil
import signal
import subprocess
from threading import Timer
from typing import ClassVar

import numpy as np
import pytest
from fetch_server import (
    QUICK,
    Silent,
    cut,
    dataset,
    endless,
    get,
    in_bucket,
    redirect,
    serving,
    sha256_of,
    stall,
    status,
    sums,
    tree,
    without_ranges,
)

from painconn.errors import InputError
from painconn.recordings.fetch import transfer
from painconn.recordings.fetch.web import PassingError, Patience, ProviderError, Web

A, B = "data/sub-01/eeg/sub-01_task-rest_eeg.edf", "data/participants.tsv"


@pytest.fixture
def server():
    with serving() as provider:
        noise = np.random.default_rng(1)
        provider.files = {A: noise.bytes(300_000), B: b"participant_id\nsub-01\n"}
        yield provider


def local(server):
    return {path.removeprefix("data/"): content for path, content in server.files.items()}


def test_every_file_arrives_with_its_hash_listed_and_a_second_fetch_downloads_nothing(server, tmp_path):
    display = Silent()
    outcome = get(in_bucket(server), tmp_path / "got", display)
    assert (outcome.n_brought, outcome.n_present, outcome.problems) == (2, 0, ())
    assert tree(tmp_path / "got") == local(server)
    assert display.bytes == display.planned_bytes == sum(map(len, server.files.values()))
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS.txt"], cwd=tmp_path / "got", capture_output=True, check=False
    )
    assert checked.returncode == 0
    before = len(server.asked(A)) + len(server.asked(B))
    again = get(in_bucket(server), tmp_path / "got")
    assert (again.n_brought, again.n_present) == (0, 2)
    assert len(server.asked(A)) + len(server.asked(B)) == before


def test_nothing_about_the_user_is_sent(server, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login anna password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.answers[B] = [status(302, Location="/again", Set_Cookie="who=anna; Path=/")]
    server.files["again"] = server.files[B]
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    for _, headers in server.requests:
        assert re.fullmatch(r"painconn/[\w.]+", headers["User-Agent"])
        assert set(headers) <= {"User-Agent", "Accept", "Accept-Encoding", "Connection", "Host", "Range", "If-Range"}


def test_a_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    what = dataset({"kind": "s3", "url": "http://localhost:9/", "root": "data/"})
    monkeypatch.setenv("http_proxy", server.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server.routes["localhost:9/"] = server.routes["//localhost:9/"] = status(418)
    with pytest.raises(ProviderError):
        get(what, tmp_path / "got")
    assert server.requests


def test_a_cut_file_goes_on_where_it_stopped(server, tmp_path):
    server.answers[A] = [cut(100_000), cut(50_000)]
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == local(server)
    first, second, third = server.asked(A)
    assert "Range" not in first
    assert second["Range"] == "bytes=100000-"
    assert third["Range"] == "bytes=150000-"
    assert second["If-Range"] == server.etag(A)


def test_empty_files_arrive_too(server, tmp_path):
    server.files = {"data/a.edf": b"", "data/b.edf": b"x"}
    outcome = get(in_bucket(server), tmp_path / "got")
    assert outcome.problems == ()
    assert tree(tmp_path / "got") == {"a.edf": b"", "b.edf": b"x"}
    assert get(in_bucket(server), tmp_path / "copy", mirror=tmp_path / "got").problems == ()
    assert tree(tmp_path / "copy") == {"a.edf": b"", "b.edf": b"x"}


def test_many_cuts_are_no_failure_as_long_as_something_comes(server, tmp_path):
    server.answers[A] = [cut(30_000)] * 8
    assert QUICK.attempts < 8
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == local(server)


def test_a_file_without_a_listed_size_goes_on_too(server, tmp_path):
    server.files = {"data/a.edf": server.files[A]}
    server.files["data/SHA256SUMS.txt"] = sums(server.files, "data/")
    server.answers["data/a.edf"] = [cut(100_000)]
    assert get(dataset({"kind": "physionet", "url": f"{server.url}data/"}), tmp_path / "got").problems == ()
    assert server.asked("data/a.edf")[1]["Range"] == "bytes=100000-"


def test_a_stalled_connection_is_given_up_and_resumed(server, tmp_path):
    server.answers[A] = [stall(120_000)]
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == local(server)
    assert server.asked(A)[1]["Range"] == "bytes=120000-"


def test_a_file_given_up_is_named_the_others_are_complete_and_a_second_run_resumes(server, tmp_path):
    server.answers[A] = [cut(100_000)] + [cut(0)] * 5
    outcome = get(in_bucket(server), tmp_path / "got")
    assert outcome.n_brought == 1
    (problem,) = outcome.problems
    assert problem.where == "sub-01/eeg/sub-01_task-rest_eeg.edf"
    assert "run the same command again" in problem.fix
    there = tree(tmp_path / "got")
    assert there["participants.tsv"] == server.files[B]
    assert "sub-01/eeg/sub-01_task-rest_eeg.edf" not in there
    assert "rest_eeg" not in (tmp_path / "got" / "SHA256SUMS.txt").read_text()

    server.answers[A] = []
    n_before = len(server.asked(A))
    assert get(in_bucket(server), tmp_path / "got").n_brought == 1
    assert server.asked(A)[n_before]["Range"] == "bytes=100000-"
    assert tree(tmp_path / "got") == local(server)


def test_a_server_that_ignores_ranges_starts_again_cleanly(server, tmp_path):
    server.answers[A] = [cut(100_000), without_ranges]
    display = Silent()
    assert get(in_bucket(server), tmp_path / "got", display).problems == ()
    assert tree(tmp_path / "got") == local(server)
    assert display.bytes == display.planned_bytes


@pytest.mark.parametrize("md5", [True, False], ids=["hash in the listing", "no hash in the listing"])
def test_a_file_that_changes_between_two_pieces_is_never_patched_together(server, tmp_path, md5):
    def change(handler):
        cut(100_000)(handler)
        server.files[A] = bytes(reversed(server.files[A]))

    server.answers[A] = [change]
    what = in_bucket(server)
    if not md5:
        server.etags = {A: '"abc-2"', B: '"def-2"'}
        server.answers[A] = [lambda handler: (change(handler), server.etags.update({A: '"abd-2"'}))]
    outcome = get(what, tmp_path / "got")
    there = tree(tmp_path / "got").get("sub-01/eeg/sub-01_task-rest_eeg.edf")
    if md5:
        assert "md5" in outcome.problems[0].found
        assert there is None
    else:
        assert outcome.problems == ()
        assert there == server.files[A]


def test_a_piece_is_not_continued_when_nothing_can_tell_that_the_file_is_the_same(server, tmp_path):
    server.etags = {A: 'W/"weak-1"', B: 'W/"weak-2"'}
    server.answers[A] = [cut(100_000)]
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert "Range" not in server.asked(A)[1]


def test_a_piece_that_was_damaged_on_the_disk_is_fetched_anew(server, tmp_path):
    place = tmp_path / "got" / "sub-01" / "eeg"
    place.mkdir(parents=True)
    (place / "sub-01_task-rest_eeg.edf.painconn-part").write_bytes(bytes(1000))
    note = {"source": server.url + A, "etag": server.etag(A)}
    (place / "sub-01_task-rest_eeg.edf.painconn-note").write_text(json.dumps(note))
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == local(server)
    assert [headers.get("Range") for headers in server.asked(A)] == ["bytes=1000-", None]


def test_a_piece_of_another_address_is_not_used(server, tmp_path):
    place = tmp_path / "got" / "sub-01" / "eeg"
    place.mkdir(parents=True)
    (place / "sub-01_task-rest_eeg.edf.painconn-part").write_bytes(server.files[A][:1000])
    (place / "sub-01_task-rest_eeg.edf.painconn-note").write_text(json.dumps({"source": "elsewhere", "etag": '"x"'}))
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert "Range" not in server.asked(A)[0]


def test_unfinished_files_of_other_programs_are_left_alone(server, tmp_path):
    theirs = {f"participants.tsv{end}": b"of a browser" for end in (".part", ".part.json")}
    (tmp_path / "got").mkdir()
    for name, content in theirs.items():
        (tmp_path / "got" / name).write_bytes(content)
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == local(server) | theirs


@pytest.mark.parametrize("code", [429, 500, 503])
def test_trouble_that_passes_is_waited_out(server, tmp_path, code):
    server.answers[A] = [status(code, Retry_After="0")]
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert len(server.asked(A)) == 2


def test_the_wait_grows_and_the_server_may_ask_for_more_within_limits():
    patience = Patience(backoff_s=1, longest_wait_s=120)
    assert [patience.wait_s(attempt, 0) for attempt in (1, 2, 3)] == [1, 2, 4]
    assert patience.wait_s(1, 30) == 30
    assert patience.wait_s(1, 10**9) == 120
    assert patience.wait_s(50, 0) == 120


@pytest.mark.parametrize("asked", ["7", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "9" * 400])
def test_any_retry_after_is_understood_or_ignored(server, asked):
    server.routes["busy"] = status(429, Retry_After=asked)
    with pytest.raises(PassingError) as caught, Web(QUICK).open(server.url + "busy"):
        pass
    assert caught.value.wait_s == {"7": 7}.get(asked, caught.value.wait_s if asked.startswith("9") else 0)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_refusal_is_final_and_names_the_file(server, tmp_path, code):
    server.answers[A] = [status(code)] * 3
    outcome = get(in_bucket(server), tmp_path / "got")
    assert f"status {code}" in outcome.problems[0].found
    assert len(server.asked(A)) == 1


def test_a_file_with_another_hash_than_pinned_by_the_dataset_is_refused_and_thrown_away(server, tmp_path):
    what = in_bucket(server, sha256={"sub-01/eeg/sub-01_task-rest_eeg.edf": sha256_of(b"something else")})
    outcome = get(what, tmp_path / "got")
    (problem,) = outcome.problems
    assert sha256_of(server.files[A]) in problem.found
    assert sha256_of(b"something else") in problem.wanted
    assert sorted(tree(tmp_path / "got")) == ["participants.tsv"]


def test_what_was_pinned_at_the_first_fetch_must_agree_later(server, tmp_path):
    what = in_bucket(server)
    get(what, tmp_path / "got")
    shutil.rmtree(tmp_path / "got" / "sub-01")
    pinned = (tmp_path / "got" / "SHA256SUMS.txt").read_text()
    server.files[A] = bytes(reversed(server.files[A]))
    outcome = get(what, tmp_path / "got")
    assert outcome.problems[0].where == "sub-01/eeg/sub-01_task-rest_eeg.edf"
    assert sorted(tree(tmp_path / "got")) == ["participants.tsv"]
    assert (tmp_path / "got" / "SHA256SUMS.txt").read_text() == pinned


def test_a_provider_list_that_contradicts_the_pinned_hash_is_refused_before_download(server, tmp_path):
    server.files = {"data/a.edf": b"new", "data/b.edf": b"same"}
    server.files["data/SHA256SUMS.txt"] = sums(server.files, "data/")
    what = dataset({"kind": "physionet", "url": f"{server.url}data/"}, sha256={"a.edf": sha256_of(b"old")})
    outcome = get(what, tmp_path / "got")
    (problem,) = outcome.problems
    assert "in the listing" in problem.found
    assert not server.asked("data/a.edf")
    assert tree(tmp_path / "got") == {"b.edf": b"same"}


def test_a_file_altered_on_the_disk_is_found_and_left_alone(server, tmp_path):
    what = in_bucket(server)
    get(what, tmp_path / "got")
    altered = tmp_path / "got" / "participants.tsv"
    altered.write_bytes(b"x" * len(server.files[B]))
    outcome = get(what, tmp_path / "got")
    (problem,) = outcome.problems
    assert problem.where == "participants.tsv"
    assert "left as it is" in problem.fix
    assert altered.read_bytes() == b"x" * len(server.files[B])


def test_a_file_that_was_there_before_is_taken_over_when_it_is_the_right_one(server, tmp_path):
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / "participants.tsv").write_bytes(server.files[B])
    assert get(in_bucket(server), tmp_path / "got").n_present == 1
    assert not server.asked(B)
    assert sha256_of(server.files[B]) in (tmp_path / "got" / "SHA256SUMS.txt").read_text()


def test_a_file_that_is_longer_than_listed_is_cut_off(server, tmp_path):
    what = in_bucket(server)
    true = server.files[A]

    def longer(handler):
        server.files[A] = true + bytes(10)
        handler.send_file()
        server.files[A] = true

    def longer_without_a_length(handler):
        endless(handler)

    for number, answer in enumerate((longer, longer_without_a_length)):
        server.answers[A] = [answer]
        outcome = get(what, tmp_path / str(number))
        assert str(len(true)) in outcome.problems[0].found + outcome.problems[0].wanted
        assert sorted(tree(tmp_path / str(number))) == ["participants.tsv"]
        assert not list((tmp_path / str(number)).rglob("*.painconn-*"))


def test_data_without_an_announced_size_stop_at_the_cap(server, tmp_path):
    server.files = {"data/a.edf": b"x"}
    server.files["data/SHA256SUMS.txt"] = sums(server.files, "data/")
    server.routes["data/a.edf"] = endless
    what = dataset({"kind": "physionet", "url": f"{server.url}data/"})
    outcome = get(what, tmp_path / "got", max_bytes=3_000_000)
    assert "--max-gb" in outcome.problems[0].wanted
    assert tree(tmp_path / "got") == {}


def test_more_than_allowed_is_refused_with_the_number_and_a_way_out(server, tmp_path):
    server.files = {f"data/sub-0{n}/eeg/a.edf": bytes(1000) for n in range(1, 6)} | {B: b"x" * 100}
    with pytest.raises(InputError, match=r"5\.1 kB in 6 files") as caught:
        get(in_bucket(server), tmp_path / "got", max_bytes=3_500)
    assert "--first 3" in str(caught.value)
    assert "--max-gb" in str(caught.value)
    assert not (tmp_path / "got").exists()


def test_a_disk_without_room_is_told_before(server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(InputError, match="kB free"):
        get(in_bucket(server), tmp_path / "got")
    assert not server.asked(A)


def test_a_disk_that_fills_up_stops_everything_with_a_message(server, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer.os, "fsync", full)
    outcome = get(in_bucket(server), tmp_path / "got", workers=1)
    assert {problem.found for problem in outcome.problems} == {"no space left on the disk", "stopped"}
    assert [name for name in tree(tmp_path / "got") if not name.endswith((".painconn-part", ".painconn-note"))] == []


@pytest.mark.parametrize(
    "to", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://192.0.2.1/x", "//user:pw@127.0.0.1/x", "http://[::"]
)
def test_a_redirect_to_an_unsafe_address_is_not_followed(server, tmp_path, to):
    server.answers[A] = [redirect(to)] * 3
    outcome = get(in_bucket(server), tmp_path / "got")
    assert "https" in outcome.problems[0].wanted
    assert sorted(tree(tmp_path / "got")) == ["participants.tsv"]


def test_redirects_are_followed_but_not_in_circles(server, tmp_path):
    server.files["stored/1"] = server.files[A]
    server.etags["stored/1"] = server.etag(A)
    server.answers[A] = [redirect(f"{server.url}stored/1", 307)]
    assert get(in_bucket(server), tmp_path / "one").problems == ()
    server.routes[A] = redirect(f"/{A}")
    outcome = get(in_bucket(server), tmp_path / "two")
    assert "redirects" in outcome.problems[0].found
    assert len(server.asked(A)) < 12


def test_the_body_of_a_redirect_is_not_read(server, tmp_path):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", f"/{B}")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not server.closing.is_set():
            handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    server.answers[B] = [answer]
    assert get(in_bucket(server), tmp_path / "got").problems == ()
    assert tree(tmp_path / "got") == local(server)


def test_an_https_address_never_leads_to_http(monkeypatch):
    class Redirecting:
        status_code = 302
        headers: ClassVar = {"Location": "http://127.0.0.1/x"}

        def close(self):
            pass

    web = Web(QUICK)
    monkeypatch.setattr(web, "_get", lambda *_: Redirecting())
    with pytest.raises(ProviderError, match="an https address"), web.open("https://example.org/x"):
        pass


def test_compressed_answers_are_not_taken_for_the_file(server, tmp_path):
    server.answers[B] = [lambda handler: handler.send_body(b"zzz", headers={"Content-Encoding": "gzip"})]
    outcome = get(in_bucket(server), tmp_path / "got")
    assert "gzip" in outcome.problems[0].found


def test_links_in_the_target_folder_lead_nowhere_else(server, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret"
    secret.write_text("mine")
    got = tmp_path / "got"
    got.mkdir()
    (got / "sub-01").symlink_to(outside)
    (got / "participants.tsv.painconn-part").symlink_to(secret)
    with pytest.raises(Exception, match="a file below") as caught:
        get(in_bucket(server), got)
    assert "sub-01" in str(caught.value)
    (got / "sub-01").unlink()
    assert get(in_bucket(server), got).problems == ()
    assert secret.read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_links_in_the_place_of_unfinished_files_are_removed_not_followed(server, tmp_path):
    secret, note = tmp_path / "secret", tmp_path / "note"
    secret.write_bytes(server.files[B][:4])
    note.write_text(json.dumps({"source": server.url + B, "etag": server.etag(B)}))
    got = tmp_path / "got"
    got.mkdir()
    (got / "participants.tsv.painconn-part").symlink_to(secret)
    (got / "participants.tsv.painconn-note").symlink_to(note)
    before = note.read_text()
    assert get(in_bucket(server), got).problems == ()
    assert secret.read_bytes() == server.files[B][:4]
    assert note.read_text() == before


def test_a_link_in_the_place_of_a_file_is_refused(server, tmp_path):
    got = tmp_path / "got"
    got.mkdir()
    (got / "participants.tsv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Exception, match="a link"):
        get(in_bucket(server), got)
    assert not (tmp_path / "nowhere").exists()


def test_an_interrupted_fetch_leaves_nothing_half_written_and_goes_on(server, tmp_path, monkeypatch):
    server.answers[A] = [stall(200_000)]
    patient = Patience(connect_s=2, stall_s=2, attempts=3, backoff_s=0.01)
    # a test run in the background may have been told to ignore the interrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            get(in_bucket(server), tmp_path / "got", patience=patient)
    finally:
        signal.signal(signal.SIGINT, before)
    there = [name for name in tree(tmp_path / "got") if not name.endswith((".painconn-part", ".painconn-note"))]
    assert there == ["participants.tsv"]
    assert get(in_bucket(server), tmp_path / "got").n_brought == 1
    assert tree(tmp_path / "got") == local(server)


def test_a_list_of_hashes_torn_by_a_crash_is_mended_and_a_damaged_one_is_refused(server, tmp_path):
    what = in_bucket(server)
    get(what, tmp_path / "got")
    listed = tmp_path / "got" / "SHA256SUMS.txt"
    whole = listed.read_text()
    listed.write_text(whole + "0123456789abc")
    assert get(what, tmp_path / "got").problems == ()
    assert listed.read_text() == whole
    listed.write_text("not a list\n" + whole)
    with pytest.raises(InputError, match="line 1"):
        get(what, tmp_path / "got")
