from pathlib import Path

import numpy as np
import pytest

from painconn.cli.crash import crash_text, without_folders


def crash_of(call) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 — whatever it is
        call()
    return crash_text(caught.value)


PATIENT, CLINIC = "Zqpatient", "/data/Zqclinic of Zqtown"


def fail_behind_a_reader():
    try:
        raise ValueError(f"bad header of {PATIENT}")
    except ValueError as error:
        raise FileNotFoundError(2, "No such file", f"{CLINIC}/sub-01_eeg.edf") from error


def test_it_says_where_and_what_and_not_whose():
    text = crash_of(fail_behind_a_reader)
    assert "Zq" not in text
    assert "ValueError (its words are left out)" in text
    assert text.splitlines()[-1] == "FileNotFoundError: [Errno 2] No such file: 'sub-01_eeg.edf'"
    assert "in fail_behind_a_reader" in text
    assert str(Path.home()) not in text


def test_frames_of_packages_keep_their_place_below_the_packages():
    text = crash_of(lambda: np.linalg.inv(np.zeros((2, 2))))
    assert 'File "numpy/linalg/' in text
    assert text.endswith("LinAlgError: Singular matrix")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot read /home/Zq/a b.edf", "cannot read a b.edf"),
        ("'/home/Zq/a b.edf' is empty", "'a b.edf' is empty"),
        ("sizes 3/4 and 5 / 6 or km/h", "sizes 3/4 and 5 / 6 or km/h"),
        ("delete results/a.json, then (/home/Zq/x.fif)", "delete results/a.json, then (x.fif)"),
    ],
)
def test_only_absolute_paths_are_shortened(text, told):
    assert without_folders(text) == told
