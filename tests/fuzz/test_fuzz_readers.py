"""Damaged headers: what comes back is the recording, an exclusion that says why, or the recording with another value of
a field that the file holds only once.

Two properties. With a list of checksums beside the data, damage is always an exclusion. Without one, the number of
channels and samples is never another one, and only the fields of ``SINGLE`` may differ, in the way stated there; no
other exception, no text of the header in the message, no more than 5 s, no memory beyond 512 MB.

``PAINCONN_FUZZ_EXAMPLES`` sets the examples per format (200 when it is not set; 20000 for a night).
"""

import hashlib
import os
import resource
import shutil
import signal as signals
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_files import FORMATS, ODD_WORD, SFREQ_HZ, signal, write_european

from painconn.config.data import Source
from painconn.errors import RecordingFault
from painconn.recordings.readers import read_recording

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("PAINCONN_FUZZ_EXAMPLES", "200"))
N_TIMES = 750
LONGEST_S = 5
MOST_BYTES = 512 << 20

SINGLE = {
    "edf": {"names", "gains", "rate"},
    "edf+": {"names", "gains"},
    "bdf": {"names", "gains", "rate"},
    "brainvision": {"names", "gains", "rate", "events", "types"},
    "fif": {"names", "gains", "rate", "events", "types"},
    "eeglab and fdt": {"names", "rate in one sample", "events", "types"},
    "eeglab compressed": set(),
}
"""What a file of each format holds only once.

names: label of a channel · gains: physical and digital range, resolution, unit, calibration: each channel is the
original one multiplied and shifted · rate: length of a record (where no annotations state onsets), sampling interval,
sampling rate · rate in one sample: as far as first and last time allow · events: onsets, durations and descriptions ·
types: kind of a channel. Positions and fields that do not survive reading are not compared.
"""


@dataclass
class Original:
    """A good recording: its files, where their headers are, and what is read from it."""

    path: str
    files: dict[str, bytes]
    headers: dict[str, list[int]]
    read: mne.io.BaseRaw


def fif_header(content: bytes) -> list[int]:
    """Return the positions of all bytes but those of the samples."""
    places, position = [], 0
    while position < len(content):
        kind, _, size, _ = struct.unpack_from(">iIii", content, position)
        places += range(position, position + 16 + (0 if kind == 300 else size))
        position += 16 + size
    return places


def original(name: str, folder: Path) -> Original:
    data = signal(n_times=N_TIMES)
    if name == "edf+":
        path = write_european(folder / "a.edf", data, onsets_s=[0.0, 1.0, 2.0], plus="EDF+C")
    else:
        path = FORMATS[name].write(folder, data)
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
    headers = {}
    for file_name, content in files.items():
        if file_name.endswith(".fif"):
            headers[file_name] = fif_header(content)
        elif file_name.endswith((".edf", ".bdf")):
            headers[file_name] = list(range(256 * (len(data) + 1 + (name == "edf+"))))
        elif file_name.endswith((".vhdr", ".vmrk", ".set")):
            headers[file_name] = list(range(len(content)))
    return Original(path.name, files, headers, read(path))


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Original]:
    return {name: original(name, tmp_path_factory.mktemp("original")) for name in SINGLE}


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """Draw up to three edits: what is done, where (as a fraction of the header), and with which bytes."""
    edit = st.tuples(
        st.sampled_from(["replace", "replace", "replace", "flip", "delete", "insert", "truncate"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.binary(min_size=1, max_size=8), st.sampled_from([b"0", b"9", b"-", b"\0", b"\xff", b" ", b"\n", b"="])
        ),
    )
    return draw(st.lists(edit, min_size=1, max_size=3))


def damaged(content: bytes, places: list[int], edits: list[tuple[str, float, bytes]]) -> bytes:
    edited = bytearray(content)
    for what, where, piece in edits:
        place = min(places[int(where * len(places))], len(edited))
        if what == "replace":
            edited[place : place + len(piece)] = piece
        elif what == "flip" and place < len(edited):
            edited[place] ^= 1 << (piece[0] % 8)
        elif what == "delete":
            del edited[place : place + len(piece)]
        elif what == "insert":
            edited[place:place] = piece
        elif what == "truncate":
            del edited[place:]
    return bytes(edited)


@contextmanager
def bounded() -> Iterator[None]:
    """Bound the memory that may be added and the time; a hang is broken off."""

    def too_long(*_: object) -> None:
        raise AssertionError(f"still reading after {6 * LONGEST_S} s")

    with Path("/proc/self/statm").open(encoding="ascii") as stream:
        in_use = int(stream.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MOST_BYTES, before[1]))
    handler = signals.signal(signals.SIGALRM, too_long)
    signals.alarm(6 * LONGEST_S)
    start_s = time.process_time()
    try:
        yield
    finally:
        signals.alarm(0)
        signals.signal(signals.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - start_s < LONGEST_S


def read(path: Path) -> mne.io.BaseRaw:
    source = Source.model_validate({"root": path.parent, "layout": "folder", "pattern": "{participant}.*"})
    return read_recording(path, source=source, root=path.parent, descriptions=("7", "Stimulus/S  7"))


def outcome(path: Path) -> mne.io.BaseRaw | None:
    """Return what is read, or None for an exclusion that says why."""
    with bounded():
        try:
            return read(path)
        except RecordingFault as caught:
            fault = caught
    problem = fault.problems[0]
    assert fault.check
    assert path.name.split(".")[0] in problem.where
    assert problem.found
    assert problem.wanted
    assert problem.fix
    assert ODD_WORD not in str(fault)
    assert str(path.parent) not in str(fault)
    return None


def events_of(raw: mne.io.BaseRaw) -> list[tuple[float, float, str]]:
    return [(float(one["onset"]), float(one["duration"]), str(one["description"])) for one in raw.annotations]


def differences(found: mne.io.BaseRaw, wanted: mne.io.BaseRaw) -> set[str]:
    """Return which fields differ; what must never differ is asserted."""
    assert (len(found.ch_names), found.n_times) == (len(wanted.ch_names), wanted.n_times)
    differing = set()
    rate, original_rate = found.info["sfreq"], wanted.info["sfreq"]
    if rate != original_rate:
        one_sample = abs(rate / original_rate - 1) <= 1.01 / (wanted.n_times - 1)
        differing.add("rate in one sample" if one_sample else "rate")
    if found.ch_names != wanted.ch_names:
        differing.add("names")
    if found.get_channel_types() != wanted.get_channel_types():
        differing.add("types")
    if events_of(found) != events_of(wanted):
        differing.add("events")
    now, before = found.get_data(), wanted.get_data()
    if not np.allclose(now, before, rtol=1e-6, atol=1e-12):
        differing.add("gains")
        for channel, original_channel in zip(now, before, strict=True):
            if np.isfinite(channel).all() and channel.std() > 1e-9 * np.abs(channel).max():
                assert abs(np.corrcoef(channel, original_channel)[0, 1]) > 0.999
    return differing


def run(check: Callable[[list[tuple[str, float, bytes]], int], None]) -> None:
    given(edits=damages(), which=st.integers(0, 7))(
        settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(check)
    )()


def write_damaged(folder: Path, good: Original, edits: list[tuple[str, float, bytes]], which: int) -> tuple[Path, bool]:
    """Write the files of a recording, one of them damaged; say whether anything changed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    target = sorted(good.headers)[which % len(good.headers)]
    changed = False
    for name, content in good.files.items():
        edited = damaged(content, good.headers[name], edits) if name == target else content
        changed |= edited != content
        (folder / name).write_bytes(edited)
    return folder / good.path, changed


@pytest.mark.parametrize("name", SINGLE)
def test_damage_without_checksums(name: str, originals: dict[str, Original], tmp_path: Path) -> None:
    good = originals[name]
    seen = set()

    def check(edits: list[tuple[str, float, bytes]], which: int) -> None:
        path, _ = write_damaged(tmp_path / "damaged", good, edits, which)
        found = outcome(path)
        if found is not None:
            differing = differences(found, good.read)
            seen.update(differing)
            assert not differing - SINGLE[name] - ({"rate in one sample"} if "rate" in SINGLE[name] else set())

    run(check)


@pytest.mark.parametrize("name", SINGLE)
def test_damage_with_checksums(name: str, originals: dict[str, Original], tmp_path: Path) -> None:
    good = originals[name]
    lines = [f"{hashlib.sha256(content).hexdigest()}  {file}\n" for file, content in good.files.items()]
    refused = []

    def check(edits: list[tuple[str, float, bytes]], which: int) -> None:
        path, changed = write_damaged(tmp_path / "damaged", good, edits, which)
        (path.parent / "SHA256SUMS.txt").write_text("".join(lines), encoding="utf-8")
        found = outcome(path)
        refused.append(changed)
        assert (found is None) == changed
        if found is not None:
            assert differences(found, good.read) == set()

    run(check)
    assert sum(refused) > EXAMPLES / 2


def test_originals_are_what_was_written(originals: dict[str, Original]) -> None:
    for name, good in originals.items():
        assert good.read.info["sfreq"] == SFREQ_HZ
        np.testing.assert_allclose(good.read.get_data(), signal(n_times=N_TIMES), atol=FORMATS[name].step_v)
