"""Damaged sidecars: what comes back are statements that can be true, or the exclusion of that one recording.

No other exception, no free text of a table in the message, no tolerance that would let any length pass.

``PAINCONN_FUZZ_EXAMPLES`` sets the examples per sidecar (200 when it is not set).
"""

import math
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_files import ODD_WORD

from painconn.errors import RecordingFault
from painconn.recordings.sidecars import Sidecars, read_sidecars

EXAMPLES = int(os.environ.get("PAINCONN_FUZZ_EXAMPLES", "200"))
STEM = "sub-01_task-rest"
NUMBER = b"@"
SIDECARS = {
    "eeg.json": b'{"RecordingDuration": @, "SamplingFrequency": @, "PowerLineFrequency": @, '
    b'"InstitutionName": "QUOKKA"}',
    "channels.tsv": b"name\ttype\tunits\thigh_cutoff\tstatus\tdescription\nFp1\tEEG\tuV\t@\tgood\tQUOKKA\n"
    b"Fp2\tEEG\tuV\t@\tbad\tn/a\n",
    "events.tsv": b"onset\tduration\ttrial_type\tsample\n@\t@\tQUOKKA moved\t@\n2.5\t0\tstim\t@\n",
}
"""A good sidecar of each kind; a drawn number stands at every ``@``."""

LITERALS = st.one_of(
    st.sampled_from(
        ["10", "0.5", "1e400", "-1e400", "1e-400", "9e999999999", "1e99999999999999999999", "1e308", "NaN", "Infinity",
         "-0", "0", "4_5", "n/a", "null", "true", "{}", '"x"', "[" * 100_000, "9" * 5000, '"' + "a" * 200_000]
    ),
    st.integers().map(str),
    st.floats().map(repr),
)  # fmt: skip
PIECES = st.one_of(
    st.binary(min_size=1, max_size=6), st.sampled_from([b"\n", b"\r", b"\t", b'"', b"\0", b"\xff", b"{", b"\x1c", b","])
)
EDITS = st.lists(st.tuples(st.sampled_from(["replace", "delete", "insert"]), st.floats(0, 1), PIECES), max_size=2)


def filled(text: bytes, numbers: list[str], edits: list[tuple[str, float, bytes]]) -> bytes:
    """Return a sidecar with its numbers in place, and then damaged."""
    first, *rest = text.split(NUMBER)
    content = bytearray(first)
    for number, piece in zip(numbers, rest, strict=False):
        content += number.encode() + piece
    for what, where, piece in edits:
        place = int(where * len(content))
        content[place : place + (0 if what == "insert" else len(piece))] = b"" if what == "delete" else piece
    return bytes(content)


def check_statements(stated: Sidecars) -> None:
    for number in (stated.duration_s, stated.sfreq_hz, stated.line_freq_hz, stated.lowpass_hz):
        assert number is None or 0 < number < math.inf
    assert stated.duration_tolerance_s is None or 0 <= stated.duration_tolerance_s <= 1
    for event in stated.events or ():
        numbers = (event.onset_s, event.duration_s, event.sample)
        assert all(number is None or math.isfinite(number) for number in numbers)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIDECARS)
def test_a_damaged_sidecar_is_at_most_an_exclusion(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    path = folder / f"{STEM}_eeg.edf"
    outcomes = set()

    def check(numbers: list[str], edits: list[tuple[str, float, bytes]]) -> None:
        (folder / f"{STEM}_{name}").write_bytes(filled(SIDECARS[name], numbers, edits))
        try:
            stated = read_sidecars(path, tmp_path)
        except RecordingFault as caught:
            fault = caught
        else:
            outcomes.add("read")
            check_statements(stated)
            return
        outcomes.add("excluded")
        assert fault.check == "sidecar"
        assert STEM in fault.problems[0].where
        assert fault.problems[0].fix
        assert ODD_WORD not in str(fault)

    quick = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    given(st.lists(LITERALS, min_size=4, max_size=4), EDITS)(quick(check))()
    assert outcomes == {"read", "excluded"}


def test_the_sidecars_are_read_when_nothing_is_damaged(tmp_path: Path) -> None:
    for name, text in SIDECARS.items():
        (tmp_path / f"{STEM}_{name}").write_bytes(filled(text, ["10", "20", "30", "40"], []))
    stated = read_sidecars(tmp_path / f"{STEM}_eeg.edf", tmp_path)
    assert (stated.duration_s, stated.sfreq_hz, stated.line_freq_hz, stated.lowpass_hz) == (10, 20, 30, 10)
    assert stated.events is not None
    assert [event.onset_s for event in stated.events] == [10, 2.5]
