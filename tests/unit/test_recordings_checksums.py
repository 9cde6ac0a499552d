"""Lists of checksums as others write them: what a list says of a file holds, what it does not say harms nobody."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import mne
import numpy as np
import pytest

from painconn.config.data import Source
from painconn.errors import InputError, RecordingFault
from painconn.recordings.admission import admit_recording
from painconn.recordings.checksums import MANIFESTS, damaged_lists, differing
from painconn.recordings.fetch.sums import parse_lines, parse_sums

ZEROS = "0" * 64
ODD_NAMES = ["a b.edf", "back\\slash.edf", "\\n.edf", "line\nfeed.edf", "SHA256 (x) = y.edf", "sub-01_eeg.edf"]


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a recording that is a healthy file, below a root."""
    path = tmp_path / "one" / "a.edf"
    path.parent.mkdir()
    path.write_bytes(b"recording")
    return path


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs GNU sha256sum")
@pytest.mark.parametrize("options", [[], ["--binary"], ["--tag"]])
def test_lists_of_gnu_sha256sum_are_read(tmp_path: Path, options: list[str]) -> None:
    for number, name in enumerate(ODD_NAMES):
        (tmp_path / name).write_bytes(bytes([number]))
    done = subprocess.run(["sha256sum", *options, "--", *ODD_NAMES], cwd=tmp_path, capture_output=True, check=True)
    assert parse_sums(done.stdout, where="x") == {name: sha256_of(tmp_path / name) for name in ODD_NAMES}


HARMLESS = {
    "blank last line": "{zeros}  other.edf\n\n",
    "blank line": "\n  \n{zeros}  other.edf\n",
    "comment": "# made by hand\n{zeros}  other.edf\n",
    "byte-order mark": "\ufeff{zeros}  other.edf\n",
    "Windows": "{zeros}  other.edf\r\n\r\n",
    "BSD": "SHA256 (other.edf) = {zeros}\n",
    "OpenSSL": "SHA256(other.edf)= {zeros}\n",
    "escaped": "\\{zeros}  odd\\\\name.edf\n",
}


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("whole", [True, False])
def test_lines_that_are_no_entries_harm_nobody_and_entries_beside_them_hold(
    place: Path, name: str, whole: bool
) -> None:
    root = place.parents[1]
    text = HARMLESS[name].format(zeros=ZEROS)
    (root / "SHA256SUMS").write_text(text, encoding="utf-8", newline="")
    assert differing([place], [root, place.parent]) is None
    assert damaged_lists([root, place.parent]) == []
    entry = text.replace(ZEROS, sha256_of(place) if whole else ZEROS).replace("other.edf", "one/a.edf")
    entry = entry.replace("odd\\\\name.edf", "one/a.edf")
    (root / "SHA256SUMS").write_text(entry + "# end\n", encoding="utf-8", newline="")
    assert (differing([place], [root, place.parent]) is None) == whole


@pytest.mark.parametrize(
    "damaged",
    [f"{ZEROS[:-1]}  one/b.edf", "no list", f"{ZEROS}one/aa.edf", f"{ZEROS}x one/a.edf.bak", "x sub/one/a.edf"],
)
def test_a_damaged_line_is_noted_once_and_excludes_only_whom_it_names(place: Path, damaged: str) -> None:
    root = place.parents[1]
    for entry in ("", f"{sha256_of(place)}  one/a.edf\n"):
        (root / "SHA256SUMS.txt").write_text(f"{ZEROS}  other.edf\n{damaged}\n{entry}", encoding="utf-8")
        assert differing([place], [root, place.parent]) is None
        (note,) = damaged_lists([root, root, place.parent])
        assert note.consequence == "note"
        assert "line 2" in note.value
        assert damaged not in note.value
    place.write_bytes(b"recorded")
    changed = differing([place], [root, place.parent])
    assert changed is not None
    assert "differs" in changed.value


@pytest.mark.parametrize(
    "line",
    [
        f"{ZEROS[:-1]}  one/a.edf",
        f"{ZEROS[:-1]} *./one/a.edf",
        f"MD5 (one/a.edf) = {ZEROS[:32]}",
        f"{ZEROS}\tone/a.edf",
        f"{ZEROS}  one/a.edf\n{'1' * 64}  one/a.edf",
    ],
)
def test_a_recording_whose_own_entry_is_damaged_is_excluded(place: Path, line: str) -> None:
    root = place.parents[1]
    (root / "SHA256SUMS").write_text(f"{line}\n", encoding="utf-8")
    finding = differing([place], [root, place.parent])
    assert finding is not None
    assert finding.consequence == "exclude recording"
    assert "one/a.edf" in finding.value


def test_lists_that_lack_are_none_and_pipes_are_not_opened(place: Path) -> None:
    root = place.parents[1]
    os.mkfifo(root / MANIFESTS[0])
    (root / MANIFESTS[1]).write_text("", encoding="utf-8")
    assert differing([place], [root]) is None
    assert damaged_lists([root]) == []


def test_a_path_with_two_hashes_has_none() -> None:
    sums, damaged = parse_lines(f"{ZEROS}  a\n{'1' * 64}  a\n{ZEROS}  a\n{ZEROS}  b\n{ZEROS}  b\n".encode())
    assert sums == {"b": ZEROS}
    assert [line.number for line in damaged] == [2]
    with pytest.raises(InputError, match=r"ours line 2 .*another hash"):
        parse_sums(f"{ZEROS}  a\n{'1' * 64}  a\n".encode(), where="ours")


def test_the_note_goes_with_the_recording_to_the_table_of_findings(tmp_path: Path) -> None:
    names = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"]
    signal = np.random.default_rng(1).normal(scale=1e-5, size=(len(names), 250 * 20))
    mne.io.RawArray(signal, mne.create_info(names, 250, "eeg"), verbose="ERROR").save(tmp_path / "01_raw.fif")
    source = Source(root=tmp_path, layout="folder", pattern="{participant}_raw.fif")
    path = tmp_path / "01_raw.fif"
    (tmp_path / "SHA256SUMS").write_text("no list\n", encoding="utf-8")
    _, _, findings = admit_recording(path, source=source, root=tmp_path, descriptions=())
    assert [finding.consequence for finding in findings if finding.check == "checksum"] == ["note"]
    (tmp_path / "SHA256SUMS").write_text(f"{ZEROS}  01_raw.fif\nno list\n", encoding="utf-8")
    with pytest.raises(RecordingFault, match="differs"):
        admit_recording(path, source=source, root=tmp_path, descriptions=())
