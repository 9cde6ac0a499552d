"""Names of events: made of columns, renamed from codes, matched part by part, and cut around."""

from pathlib import Path

import mne
import numpy as np
import pytest
from pydantic import ValidationError

from painconn.cleaning.epochs import event_epochs, rest_epochs
from painconn.config.data import Condition, Source
from painconn.config.events import is_kind_of, kept_name, missing_events
from painconn.errors import RecordingFault
from painconn.recordings.forecast import most_epochs
from painconn.recordings.readers import read_epochs, read_header, read_recording

RATE_HZ = 100.0
NAMES = ["Fp1", "Fp2", "C3", "C4", "O1", "O2"]
SITES = ("hand", "back")
FORCES = ("32", "256")
EVENTS = [(3.0 + 2.5 * n, SITES[n % 2], FORCES[n // 2 % 2]) for n in range(12)]


def raw_of(kind: str = "eeg", duration_s: float = 40.0, extra: tuple[str, ...] = ()) -> mne.io.RawArray:
    data = 1e-5 * np.random.default_rng(3).standard_normal((len(NAMES) + len(extra), round(duration_s * RATE_HZ)))
    info = mne.create_info([*NAMES, *extra], RATE_HZ, [kind] * len(NAMES) + ["stim"] * len(extra))
    return mne.io.RawArray(data, info, verbose="ERROR")


def bids(root: Path) -> Path:
    folder = root / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    path = folder / "sub-01_task-prick_eeg.fif"
    raw_of().save(path, verbose="ERROR")
    rows = [f"{onset}\t0\tpinprick\t{site}\t{force}\tsaid it hurt" for onset, site, force in EVENTS]
    rows.append("38.0\t1\trest\tn/a\tn/a\tn/a")
    header = "onset\tduration\ttrial_type\tsite\tforce\tremark\n"
    (folder / "sub-01_task-prick_events.tsv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_kind_has_every_part_of_the_name() -> None:
    described = "pinprick/hand/256"
    assert all(is_kind_of(described, event) for event in ("pinprick", "pinprick/hand", "pinprick/256", described))
    assert not any(is_kind_of(described, event) for event in ("pin", "pinprick/back", "pinprick/hand/32", "hand/25"))
    assert missing_events([described], ["pinprick/hand", "pinprick/back"]) == ["pinprick/back"]
    assert kept_name("pinprick/hand/said it hurt", ["pinprick/hand"]) == "pinprick/hand"
    assert kept_name("laser/hand", ["pinprick/hand"]) is None


def test_columns_of_the_events_table_make_the_name(tmp_path: Path) -> None:
    path = bids(tmp_path)
    source = Source(root=tmp_path, layout="bids", event_columns=("trial_type", "site", "force"))
    header = read_header(path, source, tmp_path)
    assert header.annotations == {f"pinprick/{site}/{force}": 3 for site in SITES for force in FORCES} | {"rest": 1}
    hand = Condition(kind="events", events=("pinprick/hand",), window_s=(0.0, 0.5), n_epochs=1)
    raw = read_recording(path, source=source, root=tmp_path, descriptions=hand.events)
    post, pre = event_epochs(raw, events=hand.events, window_s=hand.window_s)
    onsets = [onset for onset, site, _ in EVENTS if site == "hand"]
    np.testing.assert_array_equal(post.events[:, 0], np.round(np.array(onsets) * RATE_HZ))
    assert most_epochs(header, hand, length_s=2.0) == len(post) == len(pre) == 6
    assert set(raw.annotations.description) == {"pinprick/hand"}
    assert post.get_data().shape == pre.get_data().shape
    strong = read_recording(path, source=source, root=tmp_path, descriptions=("pinprick/256",))
    post, _ = event_epochs(strong, events=("pinprick/256",), window_s=(0.0, 0.5))
    expected = [onset * RATE_HZ for onset, _, force in EVENTS if force == "256"]
    np.testing.assert_array_equal(post.events[:, 0], np.round(expected))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = bids(tmp_path)
    source = Source(root=tmp_path, layout="bids", event_columns=("trial_type", "strength"))
    with pytest.raises(RecordingFault, match="a column strength"):
        read_recording(path, source=source, root=tmp_path, descriptions=("pinprick",))
    with pytest.raises(ValidationError, match="layout folder has none"):
        Source(root=tmp_path, layout="folder", pattern="{participant}.edf", event_columns=("site",))


def test_codes_get_names_from_stimulus_channels_annotations_and_epochs(tmp_path: Path) -> None:
    names = {"5": "pinprick/hand/32", "6": "pinprick/back/32", "Stimulus/S  7": "pinprick/hand/256"}
    wanted = ("pinprick/hand",)
    coded = raw_of(extra=("STI",))
    codes = np.zeros(coded.n_times)
    codes[[1000, 1500, 2000]] = (5, 6, 5)
    codes[[1001, 1501, 2001]] = (5, 6, 5)
    coded.apply_function(lambda _: codes, picks=["STI"])
    coded.save(tmp_path / "P1_raw.fif", verbose="ERROR")
    marked = raw_of().set_annotations(mne.Annotations([4.0, 8.0], [0, 0], ["Stimulus/S  7", "a long remark"]))
    marked.save(tmp_path / "P2_raw.fif", verbose="ERROR")
    events = np.array([[0, 0, 5], [1, 0, 6], [2, 0, 7]])
    data = 1e-5 * np.random.default_rng(1).standard_normal((3, len(NAMES), 100))
    codes_of = {"5": 5, "6": 6, "Stimulus/S  7": 7}
    info = mne.create_info(NAMES, RATE_HZ, "eeg")
    mne.EpochsArray(data, info, events, event_id=codes_of, verbose="ERROR").save(
        tmp_path / "P3-epo.fif", verbose="ERROR"
    )
    source = Source(root=tmp_path, layout="folder", pattern="P{participant}_raw.fif", event_names=names)
    first, second = (
        read_recording(tmp_path / f"P{number}_raw.fif", source=source, root=tmp_path, descriptions=wanted)
        for number in (1, 2)
    )
    assert first.annotations.onset.tolist() == [10.0, 20.0]
    assert (second.annotations.onset.tolist(), set(second.annotations.description)) == ([4.0], {"pinprick/hand"})
    ready = Source(root=tmp_path, layout="epochs", pattern="P{participant}-epo.fif", event_names=names)
    epochs = read_epochs(tmp_path / "P3-epo.fif", source=ready, root=tmp_path, descriptions=wanted)
    assert set(epochs.event_id) == {"pinprick/hand", "other 6"}
    np.testing.assert_allclose(epochs["pinprick/hand"].get_data(), data[[0, 2]], atol=1e-11)


@pytest.mark.parametrize(
    ("crop_s", "by_overlap"),
    [(None, (14, 28)), ((10.0, 18.0), (4, 7)), ((10.0, 100.0), (9, 18)), ((29.0, 31.0), (0, 0))],
)
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_a_part_of_a_block_is_cut_and_foreseen(
    tmp_path: Path, crop_s: tuple[float, float] | None, by_overlap: tuple[int, int], overlap: float
) -> None:
    raw = raw_of().set_annotations(mne.Annotations([5.0], [29.0], ["rest"]))
    raw.save(tmp_path / "P1_raw.fif", verbose="ERROR")
    source = Source(root=tmp_path, layout="folder", pattern="P{participant}_raw.fif")
    condition = Condition(kind="rest", block="rest", crop_s=crop_s, n_epochs=1)
    foreseen = most_epochs(
        read_header(tmp_path / "P1_raw.fif", source, tmp_path), condition, length_s=2, overlap=overlap
    )
    assert foreseen == by_overlap[overlap > 0]
    if not foreseen:
        with pytest.raises(RecordingFault, match="crop_s"):
            rest_epochs(raw, length_s=2.0, overlap=overlap, block="rest", crop_s=crop_s)
        return
    epochs = rest_epochs(raw, length_s=2.0, overlap=overlap, block="rest", crop_s=crop_s)
    assert len(epochs) == foreseen
    first_s = 5.0 + (crop_s[0] if crop_s else 0.0)
    assert epochs.events[0, 0] == first_s * RATE_HZ
    assert epochs.events[-1, 0] + 200 <= min(34.0, 5.0 + (crop_s[1] if crop_s else 29.0)) * RATE_HZ


def test_crop_belongs_to_rest_and_runs_forward() -> None:
    with pytest.raises(ValidationError, match="crop_s"):
        Condition(kind="rest", crop_s=(20.0, 10.0), n_epochs=1)
    with pytest.raises(ValidationError, match="kind rest"):
        Condition(kind="events", events=("a",), crop_s=(0.0, 10.0), n_epochs=1)


def test_a_block_is_named_as_events_are_and_what_overlaps_is_one_block(tmp_path: Path) -> None:
    marks = mne.Annotations([2.0, 2.0, 20.0, 30.0], [10.0, 6.0, 8.0, 5.0], ["rest", "rest/open", "rest/shut", "other"])
    raw = raw_of().set_annotations(marks)
    raw.save(tmp_path / "P1_raw.fif", verbose="ERROR")
    source = Source(root=tmp_path, layout="folder", pattern="P{participant}_raw.fif")
    read = read_recording(tmp_path / "P1_raw.fif", source=source, root=tmp_path, descriptions=("rest",))
    starts = rest_epochs(read, length_s=2.0, block="rest").events[:, 0] / RATE_HZ
    assert starts.tolist() == [2, 4, 6, 8, 10, 20, 22, 24, 26]
    starts = rest_epochs(raw, length_s=2.0, block="rest/shut").events[:, 0] / RATE_HZ
    assert starts.tolist() == [20, 22, 24, 26]
