"""Reading: what survives, what does not, and that every broken file is an exclusion that says why."""

import io
import os
from pathlib import Path

import mne
import mne_bids
import numpy as np
import pybv
import pytest
from scipy.io import savemat

from painconn.config.checks import Checks
from painconn.config.data import Source
from painconn.errors import RecordingFault
from painconn.recordings.admission import admit_epochs, admit_recording, run_checks
from painconn.recordings.checks.signal import signal_of
from painconn.recordings.forecast import header_findings
from painconn.recordings.readers import read_epochs, read_header, read_recording
from painconn.recordings.sidecars import Sidecars, parse_number, read_sidecars

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2", "ECG"]
SFREQ = 250.0


def signal(rng: np.random.Generator, duration_s: float = 20.0) -> np.ndarray:
    return 2e-5 * rng.standard_normal((len(NAMES), int(duration_s * SFREQ)))


def raw_of(data: np.ndarray, names: list[str] | None = None) -> mne.io.RawArray:
    return mne.io.RawArray(data, mne.create_info(names or NAMES, SFREQ, "eeg"), verbose="ERROR")


def write_edf(
    path: Path, data: np.ndarray, names: list[str] | None = None, annotations: mne.Annotations | None = None
) -> Path:
    raw = raw_of(data, names)
    if annotations is not None:
        raw.set_annotations(annotations)
    mne.export.export_raw(path, raw, verbose="ERROR", physical_range=(-1e-3 * 1e6, 1e-3 * 1e6), overwrite=True)
    return path


def write_brainvision(folder: Path, stem: str, data: np.ndarray, events: list[dict] | None = None) -> Path:
    pybv.write_brainvision(
        data=data, sfreq=SFREQ, ch_names=NAMES, fname_base=stem, folder_out=str(folder), events=events, overwrite=True
    )
    return folder / f"{stem}.vhdr"


def folder(root: Path, **fields: object) -> Source:
    return Source.model_validate({"root": root, "layout": "folder", "pattern": "{participant}.*", **fields})


def fault_of(path: Path, root: Path, **fields: object) -> RecordingFault:
    with pytest.raises(RecordingFault) as caught:
        admit_recording(path, source=folder(root, **fields), root=root, descriptions=())
    assert path.name in caught.value.problems[0].where
    return caught.value


@pytest.mark.parametrize("suffix", ["edf", "vhdr", "fif", "set"])
def test_every_format_gives_the_same_volts(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    data = signal(rng)
    path = tmp_path / f"a.{suffix}"
    if suffix == "edf":
        write_edf(path, data)
    elif suffix == "vhdr":
        write_brainvision(tmp_path, "a", data)
    elif suffix == "fif":
        path = tmp_path / "a_raw.fif"
        raw_of(data).save(path, verbose="ERROR")
    else:
        labels = np.array([(name,) for name in NAMES], dtype=[("labels", "O")])
        eeg = {"data": data * 1e6, "nbchan": len(NAMES), "pnts": data.shape[1], "trials": 1, "srate": SFREQ,
               "xmin": 0.0,
               "chanlocs": labels, "event": [], "epoch": [], "setname": "x"}  # fmt: skip
        savemat(path, {"EEG": eeg}, appendmat=False)
    source = folder(tmp_path, channel_types={"ECG": "ecg"})
    raw = read_recording(path, source=source, root=tmp_path, descriptions=())
    assert raw.ch_names == NAMES
    assert raw.get_channel_types() == ["eeg"] * 8 + ["ecg"]
    np.testing.assert_allclose(raw.get_data(), data, atol=5e-8)
    header = read_header(path, source, tmp_path)
    assert (header.names, header.sfreq_hz, header.duration_s) == (tuple(NAMES), SFREQ, 20.0)


def test_names_are_stripped_renamed_typed_and_dropped(tmp_path: Path, rng: np.random.Generator) -> None:
    names = [f"EEG {name}-REF" for name in NAMES[:8]] + ["ECG ECG"]
    path = write_edf(tmp_path / "a.edf", signal(rng), names)
    source = folder(
        tmp_path,
        strip_prefix="EEG ",
        strip_suffix="-REF",
        rename_channels={"C3": "Cz", "ECG ECG": "ECG"},
        channel_types={"ECG": "ecg"},
        drop_channels=("O2",),
        unit_scale=2.0,
    )
    raw = read_recording(path, source=source, root=tmp_path, descriptions=())
    assert raw.ch_names == ["Fp1", "Fp2", "F3", "F4", "Cz", "C4", "O1", "ECG"]
    assert raw.get_channel_types()[-1] == "ecg"
    once = read_recording(path, source=source.model_copy(update={"unit_scale": None}), root=tmp_path, descriptions=())
    np.testing.assert_allclose(raw.get_data(), 2 * once.get_data())


def test_two_channels_with_one_name(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_edf(tmp_path / "a.edf", signal(rng))
    fault = fault_of(path, tmp_path, rename_channels={"F4": "F3"})
    assert (fault.check, "F3" in fault.problems[0].found) == ("names", True)
    raw_of(signal(rng), ["Cz-0", "Cz-1", *NAMES[2:]]).save(tmp_path / "b_raw.fif", verbose="ERROR")
    assert fault_of(tmp_path / "b_raw.fif", tmp_path).check == "names"


def relabel(path: Path, old: list[str], new: list[str]) -> None:
    """Write other labels into the header of an EDF or BrainVision file; no writer writes one name twice."""
    content = path.read_bytes()
    for before, after in zip(old, new, strict=True):
        pieces = (f"={before},", f"={after},") if path.suffix == ".vhdr" else (before.ljust(16), after.ljust(16))
        content = content.replace(pieces[0].encode(), pieces[1].encode(), 1)
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", ["edf", "vhdr"])
def test_running_numbers_of_the_file_are_no_names_twice(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    path = (
        write_edf(tmp_path / "a.edf", signal(rng)) if suffix == "edf" else write_brainvision(tmp_path, "a", signal(rng))
    )
    original = path.read_bytes()
    relabel(path, ["O1", "O2", "ECG"], ["AUX-0", "AUX-1", "AUX-2"])
    source = folder(tmp_path)
    raw, *_ = admit_recording(path, source=source, root=tmp_path, descriptions=())
    assert raw.ch_names[-3:] == ["AUX-0", "AUX-1", "AUX-2"]
    header = read_header(path, source, tmp_path)
    assert [
        one
        for one in header_findings(header, sidecars=Sidecars(), source=source, limits=Checks())
        if one.check == "names"
    ] == []
    if suffix == "vhdr":
        return  # MNE does not open a BrainVision file with a name twice
    for twice in (["Cz", "Cz", "Pz"], ["Cz", "Cz", "Cz-0"]):
        path.write_bytes(original)
        relabel(path, ["O1", "O2", "ECG"], twice)
        fault = fault_of(path, tmp_path)
        assert (fault.check, fault.problems[0].found) == ("names", "channel Cz more than once")
    path.write_bytes(original)
    relabel(path, ["O1", "O2", "ECG"], ["Cz", "Cz", "Pz"])
    admit_recording(path, source=folder(tmp_path, drop_channels=("Cz-1",)), root=tmp_path, descriptions=())


def test_metadata_does_not_survive(tmp_path: Path, rng: np.random.Generator) -> None:
    raw = raw_of(signal(rng))
    raw.info["subject_info"] = {"his_id": "QUOKKA", "last_name": "NARWHAL"}
    raw.info["experimenter"] = "AXOLOTL"
    raw.info["description"] = "PANGOLIN"
    raw.info["device_info"] = {"type": "OKAPI", "serial": "TAPIR"}
    raw.set_meas_date(1e9)
    raw.set_annotations(
        mne.Annotations(
            [1, 2, 3], [0, 0, 1], ["pinprick", "patient WOMBAT moved", "BAD WOMBAT"], orig_time=raw.info["meas_date"]
        )
    )
    path = tmp_path / "a_raw.fif"
    raw.save(path, verbose="ERROR")
    read = read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=("pinprick",))
    read.save(tmp_path / "out_raw.fif", verbose="ERROR")
    content = (tmp_path / "out_raw.fif").read_bytes() + repr(read.info).encode()
    assert not [
        word
        for word in (b"QUOKKA", b"NARWHAL", b"AXOLOTL", b"PANGOLIN", b"OKAPI", b"TAPIR", b"WOMBAT")
        if word in content
    ]
    assert read.info["meas_date"] is None
    assert list(read.annotations.description) == ["pinprick", "BAD_recording"]


def test_onsets_count_from_the_first_sample_of_a_cropped_recording(tmp_path: Path, rng: np.random.Generator) -> None:
    raw = raw_of(signal(rng))
    raw.set_meas_date(1e9)
    raw.set_annotations(mne.Annotations([6.0], [0.0], ["x"]))
    raw.crop(5.0)
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    read = read_recording(tmp_path / "a_raw.fif", source=folder(tmp_path), root=tmp_path, descriptions=("x",))
    np.testing.assert_allclose(read.annotations.onset, [1.0])


def test_events_of_a_stimulus_channel(tmp_path: Path, rng: np.random.Generator) -> None:
    data = np.vstack([signal(rng)[:8], np.zeros(5000)])
    data[8, 500:510] = 7
    raw = mne.io.RawArray(data, mne.create_info([*NAMES[:8], "STI"], SFREQ, ["eeg"] * 8 + ["stim"]), verbose="ERROR")
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    assert read_header(tmp_path / "a_raw.fif", folder(tmp_path), tmp_path).annotations == {"7": 1}
    read = read_recording(tmp_path / "a_raw.fif", source=folder(tmp_path), root=tmp_path, descriptions=("7",))
    np.testing.assert_allclose(read.annotations.onset, [2.0])


def test_a_bad_stretch_drawn_by_hand_does_not_hide_the_stimulus_channel(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    data = np.vstack([signal(rng)[:8], np.zeros(5000)])
    data[8, 500:510] = 7
    raw = mne.io.RawArray(data, mne.create_info([*NAMES[:8], "STI"], SFREQ, ["eeg"] * 8 + ["stim"]), verbose="ERROR")
    raw.set_annotations(mne.Annotations([8.0], [1.0], ["BAD_muscle"]))
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    assert read_header(tmp_path / "a_raw.fif", folder(tmp_path), tmp_path).annotations == {"7": 1, "BAD_recording": 1}
    raw.set_annotations(mne.Annotations([8.0, 9.0], [1.0, 0.0], ["BAD_muscle", "hand"]))
    raw.save(tmp_path / "a_raw.fif", overwrite=True, verbose="ERROR")
    header = read_header(tmp_path / "a_raw.fif", folder(tmp_path), tmp_path)
    assert header.annotations == {"hand": 1, "BAD_recording": 1}


def test_an_events_table_leaves_the_bad_stretches_of_the_file(tmp_path: Path, rng: np.random.Generator) -> None:
    eeg = tmp_path / "sub-01" / "eeg"
    eeg.mkdir(parents=True)
    raw = raw_of(signal(rng))
    raw.set_annotations(mne.Annotations([2.0, 4.0, 5.0], [1.0, 0.0, 0.0], ["BAD_movement", "hand", "boundary"]))
    path = eeg / "sub-01_task-pain_eeg.fif"
    raw.save(path, verbose="ERROR")
    (eeg / "sub-01_task-pain_events.tsv").write_text("onset\tduration\ttrial_type\n7\t0\thand\n", encoding="utf-8")
    source = Source(root=tmp_path, layout="bids")
    read = read_recording(path, source=source, root=tmp_path, descriptions=("hand",))
    np.testing.assert_allclose(read.annotations.onset, [2.0, 5.0, 7.0])
    assert list(read.annotations.description) == ["BAD_recording", "BAD boundary", "hand"]


def test_a_later_new_segment_is_a_discontinuity(tmp_path: Path, rng: np.random.Generator) -> None:
    events = [{"onset": onset, "duration": 1, "description": "x", "type": "Comment"} for onset in (0, 2500)]
    path = write_brainvision(tmp_path, "a", signal(rng), events)
    markers = (tmp_path / "a.vmrk").read_text(encoding="utf-8")
    (tmp_path / "a.vmrk").write_text(markers.replace("Comment,x", "New Segment,"), encoding="utf-8")
    read = read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=())
    assert list(read.annotations.description) == ["BAD boundary"]
    np.testing.assert_allclose(read.annotations.onset, [10.0])


def test_cut_edf(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_edf(tmp_path / "a.edf", signal(rng))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    fault = fault_of(path, tmp_path)
    assert fault.check == "complete"
    assert "20.000 s" in fault.problems[0].wanted


@pytest.mark.parametrize("cut", [0.5, 3])
def test_cut_brainvision_by_its_marker(tmp_path: Path, rng: np.random.Generator, cut: float) -> None:
    path = write_brainvision(tmp_path, "a", signal(rng), [{"onset": 4999, "duration": 1, "description": 1}])
    content = (tmp_path / "a.eeg").read_bytes()
    (tmp_path / "a.eeg").write_bytes(content[: int(len(content) * 0.5)] if cut == 0.5 else content[:-3])
    assert fault_of(path, tmp_path).check == "complete"


def test_cut_brainvision_by_its_sidecar(tmp_path: Path, rng: np.random.Generator) -> None:
    eeg = tmp_path / "sub-01" / "eeg"
    eeg.mkdir(parents=True)
    path = write_brainvision(eeg, "sub-01_task-rest_eeg", signal(rng))
    (eeg / "sub-01_task-rest_eeg.json").write_text(
        '{"RecordingDuration": 20.0, "SamplingFrequency": 250}', encoding="utf-8"
    )
    source = Source(root=tmp_path, layout="bids")
    admit_recording(path, source=source, root=tmp_path, descriptions=())
    binary = path.with_suffix(".eeg")
    binary.write_bytes(binary.read_bytes()[: binary.stat().st_size // 2])
    with pytest.raises(RecordingFault, match=r"10\.000 s · wanted: 20 s") as caught:
        admit_recording(path, source=source, root=tmp_path, descriptions=())
    assert caught.value.check == "length"


def test_header_that_points_outside_is_not_followed(tmp_path: Path, rng: np.random.Generator) -> None:
    root = tmp_path / "data"
    root.mkdir()
    path = write_brainvision(root, "a", signal(rng))
    (root / "a.eeg").rename(tmp_path / "a.eeg")
    path.write_text(path.read_text(encoding="utf-8").replace("DataFile=a.eeg", "DataFile=../a.eeg"), encoding="utf-8")
    assert fault_of(path, root).check == "inside"
    (root / "b.edf").symlink_to(tmp_path / "a.eeg")
    assert fault_of(root / "b.edf", root).check == "inside"


def test_header_names_a_missing_file(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_brainvision(tmp_path, "a", signal(rng))
    (tmp_path / "a.eeg").rename(tmp_path / "b.eeg")
    fault = fault_of(path, tmp_path)
    assert (fault.check, "a.eeg" in fault.problems[0].found) == ("header", True)


def test_rest_needs_no_marker_file(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_brainvision(tmp_path, "a", signal(rng))
    (tmp_path / "a.vmrk").unlink()
    assert read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=()).n_times == 5000


def test_absurd_header_costs_nothing(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_brainvision(tmp_path, "a", signal(rng))
    text = path.read_text(encoding="utf-8").replace("NumberOfChannels=9", "NumberOfChannels=90000000")
    path.write_text(text, encoding="utf-8")
    assert fault_of(path, tmp_path).check == "header"


@pytest.mark.parametrize("suffix", ["edf", "bdf", "vhdr", "set", "fif"])
def test_empty_random_and_piped_files(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.touch()
    assert fault_of(path, tmp_path).check == "empty"
    path.write_bytes(rng.bytes(5000))
    assert fault_of(path, tmp_path).check in ("header", "readable")
    path.unlink()
    os.mkfifo(path)
    assert fault_of(path, tmp_path).check == "regular"
    path.unlink()
    assert fault_of(path, tmp_path).check == "fetched"
    path.symlink_to("absent")
    assert "not fetched" in fault_of(path, tmp_path).problems[0].found


def test_positions_are_asked_for_only_when_promised(tmp_path: Path, rng: np.random.Generator) -> None:
    raw = raw_of(signal(rng)).set_channel_types({"ECG": "ecg"})
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    types = {"channel_types": {"ECG": "ecg"}}
    assert fault_of(tmp_path / "a_raw.fif", tmp_path, montage="digitised", **types).check == "positions"
    positions = {
        name: 0.09 * place / np.linalg.norm(place)
        for name, place in zip(NAMES[:8], rng.normal(size=(8, 3)), strict=True)
    }
    fiducials = {"nasion": [0, 0.09, 0], "lpa": [-0.08, 0, 0], "rpa": [0.08, 0, 0]}
    raw.set_montage(mne.channels.make_dig_montage(positions, **fiducials, coord_frame="head"))
    raw.save(tmp_path / "b_raw.fif", verbose="ERROR")
    source = folder(tmp_path, montage="digitised", **types)
    header = read_header(tmp_path / "b_raw.fif", source, tmp_path)
    read, *_ = admit_recording(tmp_path / "b_raw.fif", source=source, root=tmp_path, descriptions=())
    assert header.positions_m is not None
    for name, place in positions.items():
        np.testing.assert_allclose(header.positions_m[name], place, atol=1e-6)
        np.testing.assert_allclose(read.info["chs"][read.ch_names.index(name)]["loc"][:3], place, atol=1e-6)


def test_bids_reads_what_mne_bids_reads(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "sub-01" / "ses-a" / "eeg" / "sub-01_ses-a_task-pain_eeg.vhdr"
    raw = raw_of(signal(rng)).set_channel_types({"ECG": "ecg"})
    raw.info["line_freq"] = 50.0
    raw.info["bads"] = ["F3"]
    raw.set_annotations(mne.Annotations([1.0, 5.0, 9.0], [0.0, 0.0, 2.0], ["pinprick", "pinprick", "rest"]))
    bids = mne_bids.BIDSPath(subject="01", session="a", task="pain", datatype="eeg", root=tmp_path / "set")
    mne_bids.write_raw_bids(raw, bids, format="BrainVision", allow_preload=True, verbose="ERROR")
    root = tmp_path / "set"
    path = root / path.relative_to(tmp_path)
    source = Source(root=root, layout="bids")
    read, sidecars, findings = admit_recording(path, source=source, root=root, descriptions=("pinprick", "rest"))
    other = mne_bids.read_raw_bids(bids.update(suffix="eeg", extension=".vhdr"), verbose="ERROR")
    np.testing.assert_array_equal(read.get_data(), other.get_data())
    assert read.get_channel_types() == other.get_channel_types()
    assert (
        (read.info["bads"], read.info["line_freq"]) == (other.info["bads"], other.info["line_freq"]) == (["F3"], 50.0)
    )
    assert list(read.annotations.description) == list(other.annotations.description)
    np.testing.assert_allclose(read.annotations.onset, other.annotations.onset)
    assert (sidecars.duration_s, findings) == (19.996, [])
    header = read_header(path, source, root)
    assert (header.annotations, header.longest_s["rest"], header.line_freq_hz) == (
        {"pinprick": 2, "rest": 1},
        2.0,
        50.0,
    )


def bids_recording(root: Path, rng: np.random.Generator, events: str) -> tuple[Path, Source]:
    eeg = root / "sub-01" / "eeg"
    eeg.mkdir(parents=True)
    path = write_brainvision(eeg, "sub-01_task-pain_eeg", signal(rng))
    (eeg / "sub-01_task-pain_events.tsv").write_text(events, encoding="utf-8")
    return path, Source(root=root, layout="bids")


def test_broken_sidecars_name_the_file_and_row(tmp_path: Path, rng: np.random.Generator) -> None:
    path, source = bids_recording(tmp_path, rng, "onset,duration,trial_type\n1,0,hand\n")
    with pytest.raises(RecordingFault, match=r"events\.tsv · found: commas"):
        read_recording(path, source=source, root=tmp_path, descriptions=())
    path.with_name("sub-01_task-pain_events.tsv").unlink()
    (tmp_path / "task-pain_channels.tsv").write_text("name\ttype\nFp1\tEEG\nXX9\tEEG\n", encoding="utf-8")
    with pytest.raises(RecordingFault, match="XX9"):
        read_recording(path, source=source, root=tmp_path, descriptions=())
    (tmp_path / "task-pain_eeg.json").write_text('{"PowerLineFrequency": 60}', encoding="utf-8")
    (tmp_path / "task-pain_channels.tsv").unlink()
    assert read_sidecars(path, tmp_path).line_freq_hz == 60


@pytest.mark.parametrize("field", ["RecordingDuration", "SamplingFrequency", "PowerLineFrequency"])
@pytest.mark.parametrize("value", ["1e400", "1e-400", "9e999999999", "1e99999999999999999999"])
def test_numbers_of_a_sidecar_that_cannot_be(tmp_path: Path, field: str, value: str) -> None:
    path = tmp_path / "sub-01_task-pain_eeg.edf"
    (tmp_path / "sub-01_task-pain_eeg.json").write_text(f'{{"{field}": {value}}}', encoding="utf-8")
    with pytest.raises(RecordingFault) as caught:
        read_sidecars(path, tmp_path)
    assert (caught.value.check, "sub-01_task-pain_eeg" in caught.value.problems[0].where) == ("sidecar", True)


def test_a_sidecar_without_an_end_and_a_length_in_powers(tmp_path: Path) -> None:
    path = tmp_path / "sub-01_task-pain_eeg.edf"
    (tmp_path / "sub-01_task-pain_eeg.json").write_text('{"a":' + "[" * 100_000, encoding="utf-8")
    with pytest.raises(RecordingFault, match="not readable as JSON"):
        read_sidecars(path, tmp_path)
    (tmp_path / "sub-01_task-pain_eeg.json").write_text('{"RecordingDuration": 6E+2}', encoding="utf-8")
    stated = read_sidecars(path, tmp_path)
    assert (stated.duration_s, stated.duration_tolerance_s) == (600, 1)


def test_a_table_without_a_header_is_told_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / "sub-01_task-pain_eeg.edf"
    events = tmp_path / "sub-01_task-pain_events.tsv"
    for text, told in (
        ("1.5\t0\tWOMBAT moved\n3\t0\tx\n", "found: 3 columns · wanted: a column onset"),
        ("duration\tvalue\tWOMBAT\n3\t0\tx\n", "found: 3 columns, among them duration, value ·"),
        ("1.5\tWOMBAT\tWOMBAT\n3\t0\tx\n", "columns number 2, 3"),
        ('onset\tduration\n1\t"' + "WOMBAT " * 30_000, "cells without an end"),
        ('""\n', "an empty table"),
    ):
        events.write_text(text, encoding="utf-8")
        with pytest.raises(RecordingFault) as caught:
            read_sidecars(path, tmp_path)
        assert told in str(caught.value)
        assert "WOMBAT" not in str(caught.value)
    events.unlink()
    (tmp_path / "sub-01_task-pain_channels.tsv").write_text("Fp1\tEEG\tWOMBAT\n", encoding="utf-8")
    with pytest.raises(RecordingFault, match="3 columns · wanted: a column name"):
        read_sidecars(path, tmp_path)


@pytest.mark.parametrize("text", ["4_5", "inf", "Infinity", "nan", "1e999", "four", ""])
def test_texts_that_are_no_numbers(text: str) -> None:
    assert parse_number(text) is None


def test_numbers_are_numbers() -> None:
    assert [parse_number(text) for text in ("45", " -4.5e1 ", "+0")] == [45, -45, 0]


@pytest.mark.parametrize("suffix", ["fif", "set"])
def test_events_called_by_numbers_keep_their_names(tmp_path: Path, rng: np.random.Generator, suffix: str) -> None:
    data = 2e-5 * rng.standard_normal((6, 9, 250))
    data[::2] *= 2
    path = tmp_path / f"a-epo.{suffix}"
    if suffix == "fif":
        # MNE numbers the types of EEGLAB in their order: event "2" gets code 1, event "4" code 2.
        events = np.column_stack([np.arange(6) * 500, np.zeros(6, int), [1, 2] * 3])
        event_id = {"2": 1, "4": 2}
        mne.EpochsArray(data, mne.create_info(NAMES, SFREQ, "eeg"), events, event_id=event_id, verbose="ERROR").save(
            path
        )
    else:
        types = ["2", "4"] * 3
        event = np.array([(kind, 1.0 + 250 * place, place + 1) for place, kind in enumerate(types)],
                         [("type", "O"), ("latency", "O"), ("epoch", "O")])  # fmt: skip
        epoch = np.array([(place + 1, kind, 0.0) for place, kind in enumerate(types)],
                         [("event", "O"), ("eventtype", "O"), ("eventlatency", "O")])  # fmt: skip
        labels = np.array([(name,) for name in NAMES], dtype=[("labels", "O")])
        eeg = {"data": (data * 1e6).transpose(1, 2, 0), "nbchan": 9, "pnts": 250, "trials": 6, "srate": SFREQ,
               "xmin": 0.0, "xmax": 249 / SFREQ, "chanlocs": labels, "event": event,
               "epoch": epoch, "setname": "x"}  # fmt: skip
        savemat(path, {"EEG": eeg}, appendmat=False)
    source = Source(root=tmp_path, layout="epochs", pattern=f"{{participant}}-epo.{suffix}")
    for wanted in (("2",), ("4",), ("2", "4"), ("other 1", "2"), ("other 2", "2")):
        read = read_epochs(path, source=source, root=tmp_path, descriptions=wanted)
        assert len(read.event_id) == 2
        for name in {"2", "4"} & set(wanted):
            np.testing.assert_allclose(read[name].get_data(), data[::2] if name == "2" else data[1::2], rtol=1e-5)
        assert not {"other 1", "other 2"} & set(wanted) & set(read.event_id)


def test_epochs_keep_their_times_and_lose_their_text(tmp_path: Path, rng: np.random.Generator) -> None:
    info = mne.create_info(NAMES, SFREQ, "eeg")
    info["description"] = "PANGOLIN"
    events = np.column_stack([np.arange(6) * 500, np.zeros(6, int), [1, 2, 1, 2, 1, 2]])
    data = 2e-5 * rng.standard_normal((6, 9, 250))
    epochs = mne.EpochsArray(data, info, events, tmin=-0.2, event_id={"hand": 1, "WOMBAT": 2}, verbose="ERROR")
    epochs.save(tmp_path / "a-epo.fif", verbose="ERROR")
    source = Source(root=tmp_path, layout="epochs", pattern="{participant}-epo.fif")
    read = read_epochs(tmp_path / "a-epo.fif", source=source, root=tmp_path, descriptions=("hand",))
    np.testing.assert_allclose(read.get_data(), data, rtol=1e-5)
    assert read.tmin == pytest.approx(-0.2)
    assert read.event_id == {"hand": 1, "other 2": 2}
    assert read.info["description"] is None
    assert run_checks(signal_of(read, source=source), where="a") == []
    header = read_header(tmp_path / "a-epo.fif", source, tmp_path)
    assert (header.n_epochs, header.duration_s) == (6, 6.0)
    with pytest.raises(RecordingFault, match="continuous"):
        read_recording(tmp_path / "a-epo.fif", source=folder(tmp_path), root=tmp_path, descriptions=())


def test_a_bug_is_not_an_exclusion(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_edf(tmp_path / "a.edf", signal(rng))
    monkeypatch.setattr("painconn.recordings.readers.channels_of", lambda *_, **__: io.StringIO().no_such_thing)
    with pytest.raises(AttributeError):
        read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=())


@pytest.mark.realdata
def test_eegmat_recording(real_data: Path) -> None:
    root = real_data / "eegmat-rest-arithmetic"
    source = folder(root, strip_prefix="EEG ", channel_types={"ECG ECG": "ecg"}, drop_channels=("A2-A1",))
    raw, _, findings = admit_recording(root / "Subject02_1.edf", source=source, root=root, descriptions=())
    assert (raw.n_times, raw.info["sfreq"], len(raw.ch_names), findings) == (31000, 500.0, 20, [])
    assert raw.get_channel_types().count("eeg") == 19
    assert "Subject2" not in repr(raw.info)


@pytest.mark.realdata
def test_uci_epochs(real_data: Path) -> None:
    root = real_data / "uci-eeg-alcoholism"
    source = Source(root=root, layout="epochs", pattern="{participant}_{task}-epo.fif")
    epochs, findings = admit_epochs(root / "co2a0000364_S1-epo.fif", source=source, root=root, descriptions=("S1",))
    assert epochs.get_data().shape == (10, 64, 256)
    assert findings == []


@pytest.mark.realdata
def test_the_real_sidecars_are_understood(real_data: Path) -> None:
    root = real_data / "pain-tables" / "ds005284-sidecars"
    tables = sorted(root.glob("sub-*/eeg/*_channels.tsv"))
    assert len(tables) == 26
    for table in tables:
        sidecars = read_sidecars(table.with_name(table.name.replace("_channels.tsv", "_eeg.bdf")), root)
        assert sidecars.events
        assert len(sidecars.channel_types) >= 60
        assert sidecars.line_freq_hz == 50
