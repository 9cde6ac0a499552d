"""Every format: what was written comes back; what is cut, absurd, or points elsewhere is refused with the reason."""

import hashlib
import os
import struct
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import mne
import numpy as np
import pytest
from recording_files import (
    EVENT,
    EVENTS_S,
    FORMATS,
    N_TIMES,
    NAMES,
    ODD_WORD,
    SFREQ_HZ,
    eeglab_fields,
    raw_of,
    signal,
    write_brainvision,
    write_curry,
    write_edf,
    write_eeglab,
    write_eeglab_epochs,
    write_european,
    write_fif,
    write_gdf,
    write_mff,
    write_split_fif,
)
from scipy.io import savemat

from painconn.config.checks import Checks
from painconn.config.data import Source
from painconn.errors import RecordingFault
from painconn.recordings.forecast import header_findings
from painconn.recordings.headers import outline
from painconn.recordings.readers import read_epochs, read_header, read_recording
from painconn.recordings.registry import READERS, reader_for
from painconn.recordings.sidecars import Sidecars

NOT_TOLD_BY_SIZE = {"brainvision", "brainvision average", "persyst 16", "persyst 32"}
"""Formats whose header does not say how many samples there are: a cut between two samples is not seen."""


def folder(root: Path, **fields: object) -> Source:
    return Source.model_validate({"root": root, "layout": "folder", "pattern": "{participant}.*", **fields})


def fault_of(path: Path, root: Path | None = None, **fields: object) -> RecordingFault:
    root = root or path.parent
    with pytest.raises(RecordingFault) as caught:
        read_recording(path, source=folder(root, **fields), root=root, descriptions=())
    assert path.name in caught.value.problems[0].where
    assert ODD_WORD not in str(caught.value)
    return caught.value


def data_file(path: Path) -> Path:
    """Return the file with the samples: the largest one beside the path."""
    return max((file for file in path.parent.iterdir() if file.is_file()), key=lambda file: file.stat().st_size)


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_written_comes_back(tmp_path: Path, name: str) -> None:
    form, data = FORMATS[name], signal()
    path = form.write(tmp_path, data)
    source = folder(tmp_path)
    raw = read_recording(path, source=source, root=tmp_path, descriptions=(form.event,))
    assert tuple(raw.ch_names) == form.names
    assert raw.info["sfreq"] == SFREQ_HZ
    assert raw.n_times == N_TIMES
    np.testing.assert_allclose(raw.get_data()[: len(data)], data, atol=form.step_v)
    assert list(raw.annotations.onset) == (list(EVENTS_S) if form.event else [])
    header = read_header(path, source, tmp_path)
    assert (header.names, header.sfreq_hz, header.duration_s) == (form.names, SFREQ_HZ, N_TIMES / SFREQ_HZ)
    assert header.annotations.get(form.event, 0) == (len(EVENTS_S) if form.event else 0)
    assert raw.info["meas_date"] is None
    raw.save(tmp_path / "out_raw.fif", verbose="ERROR")
    assert ODD_WORD.encode() not in (tmp_path / "out_raw.fif").read_bytes() + repr(raw.info).encode()


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_file_is_never_a_shorter_recording(tmp_path: Path, name: str) -> None:
    path = FORMATS[name].write(tmp_path, signal())
    samples = data_file(path)
    content = samples.read_bytes()
    for size in (len(content) - 3, *(() if name in NOT_TOLD_BY_SIZE else (len(content) // 2, len(content) // 7))):
        if name == "brainvision text" and size > len(content) // 2:
            continue  # a number with fewer digits is a number
        samples.write_bytes(content[:size])
        assert fault_of(path).check in ("complete", "header", "readable")


@pytest.mark.parametrize("name", FORMATS)
def test_random_bytes_are_no_recording(tmp_path: Path, name: str, rng: np.random.Generator) -> None:
    path = FORMATS[name].write(tmp_path, signal())
    for content in (rng.bytes(20000), b"\0" * 20000, b"\xff" * 20000):
        path.write_bytes(content)
        assert fault_of(path).check in ("header", "complete")


def test_companions_are_no_recordings() -> None:
    for reader in READERS.values():
        for suffix in reader.companions:
            assert reader_for(f"x{suffix}") is None


# ------------------------------------------------------------------------------------------------ EDF


def write_plus(tmp_path: Path, onsets_s: list[float], plus: str) -> Path:
    return write_european(tmp_path / "a.edf", signal(n_times=1000), onsets_s=onsets_s, plus=plus)


@pytest.mark.parametrize("suffix", ["edf", "bdf"])
def test_records_that_follow_each_other_are_continuous(tmp_path: Path, suffix: str) -> None:
    path = write_european(
        tmp_path / f"a.{suffix}",
        signal(n_times=1000),
        onsets_s=[0.25, 1.25, 2.25, 3.25],
        plus=f"{suffix[0].upper()}DF+D",
    )
    raw = read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=(EVENT,))
    np.testing.assert_allclose(raw.get_data(), signal(n_times=1000), atol=2e-8)
    assert list(raw.annotations.onset) == list(EVENTS_S)


@pytest.mark.parametrize("plus", ["EDF+D", "EDF+C"])
def test_gaps_between_records_are_told(tmp_path: Path, plus: str) -> None:
    fault = fault_of(write_plus(tmp_path, [0.0, 1.0, 7.0, 8.0], plus))
    assert fault.check == "header"
    assert "1 gap(s) between its records, the first after 2.000 s" in fault.problems[0].found


def test_plus_without_annotations_is_refused(tmp_path: Path) -> None:
    path = write_plus(tmp_path, [0.0, 1.0, 2.0, 3.0], "EDF+C")
    path.write_bytes(path.read_bytes().replace(b"EDF Annotations ", b"EDF Annotation  "))
    assert "without an annotations signal" in fault_of(path).problems[0].found


def test_annotations_that_are_not_utf8(tmp_path: Path) -> None:
    path = write_plus(tmp_path, [0.0, 1.0, 2.0, 3.0], "EDF+C")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"+1\x147\x14\x00\x00\x00", b"+1\x147\xe9\xfc\x14\x00"))
    raw = read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=("7éü",))
    assert list(raw.annotations.onset) == [1.0]


def test_slower_channels_are_read_at_the_rate_of_the_fastest(tmp_path: Path) -> None:
    path = write_european(tmp_path / "a.edf", signal(n_times=1000), n_per_record=(250,) * 8 + (50,))
    typed = folder(tmp_path, channel_types={"ECG": "ecg"})
    raw = read_recording(path, source=typed, root=tmp_path, descriptions=())
    assert (raw.n_times, raw.info["sfreq"]) == (1000, SFREQ_HZ)
    np.testing.assert_allclose(raw.get_data()[:8], signal(n_times=1000)[:8], atol=2e-8)


@pytest.mark.parametrize("name", ["a.edf", "a.bdf", "a.gdf"])
def test_eeg_that_is_slower_than_another_channel_is_refused(tmp_path: Path, name: str) -> None:
    rates = (125,) * 8 + (250,)
    path, data = tmp_path / name, signal(n_times=1500)
    if name == "a.gdf":
        path = write_gdf("2.20")(tmp_path, data)
        content = bytearray(path.read_bytes())
        at, end = 256 + 216 * len(rates), 256 * (len(rates) + 1)
        content[at : at + 4 * len(rates)] = struct.pack(f"<{len(rates)}i", *rates)
        path.write_bytes(bytes(content[:end]) + bytes(6 * 2 * sum(rates)))
    else:
        write_european(path, data, n_per_record=rates)
    fault = fault_of(path, channel_types={"ECG": "ecg"})
    assert fault.check == "header"
    assert "EEG at 125 Hz (Fp1, Fp2, F3, F4, C3, C4, O1, O2) beside channels of 250 Hz (ECG)" in str(fault)
    typed = folder(tmp_path, channel_types={"ECG": "ecg"})
    header = read_header(path, typed, tmp_path)
    told = header_findings(header, sidecars=Sidecars(), source=typed, limits=Checks())
    assert [(finding.check, finding.consequence) for finding in told] == [("header", "exclude recording")]


def set_of_two(folder: Path) -> tuple[Path, Path]:
    """Write S1 and S2 and return their headers."""
    for stem in ("S1", "S2"):
        written = write_brainvision(folder, signal())
        for path in sorted(folder.glob(f"{written.stem}.*")):
            text = path.read_bytes()
            if path.suffix != ".eeg":
                text = text.replace(f"File={written.stem}.".encode(), f"File={stem}.".encode())
            path.unlink()
            (folder / f"{stem}{path.suffix}").write_bytes(text)
    return folder / "S1.vhdr", folder / "S2.vhdr"


@pytest.mark.parametrize("field", ["MarkerFile=S2.vmrk", "DataFile=S2.eeg"])
def test_markers_and_samples_of_another_recording_are_refused(tmp_path: Path, field: str) -> None:
    first, second = set_of_two(tmp_path)
    second.write_text(second.read_text().replace(field, field.replace("S2", "S1")))
    fault = fault_of(second)
    assert fault.check == "header"
    assert f"{'markers' if 'Marker' in field else 'samples'} of another recording" in str(fault)
    read_recording(first, source=folder(tmp_path), root=tmp_path, descriptions=())


def test_markers_that_name_other_samples_are_refused_unless_they_carry_the_name_of_the_header(tmp_path: Path) -> None:
    first, second = set_of_two(tmp_path)
    first.unlink()
    markers = tmp_path / "S2.vmrk"
    markers.write_text(markers.read_text().replace("DataFile=S2.eeg", "DataFile=before_renaming.eeg"))
    read = read_recording(second, source=folder(tmp_path), root=tmp_path, descriptions=("Stimulus/S  7",))
    assert list(read.annotations.onset) == pytest.approx(list(EVENTS_S))
    second.write_text(second.read_text().replace("MarkerFile=S2.vmrk", "MarkerFile=S1.vmrk"))
    fault = fault_of(second)
    assert (fault.check, "markers of another recording" in str(fault)) == ("header", True)
    named = tmp_path / "S1.vmrk"
    named.write_text(named.read_text().replace("DataFile=S1.eeg", "DataFile=S2.eeg"))
    read_recording(second, source=folder(tmp_path), root=tmp_path, descriptions=())


def test_a_recording_that_was_never_closed(tmp_path: Path) -> None:
    path = write_european(tmp_path / "a.edf", signal(n_times=1000))
    content = path.read_bytes()
    path.write_bytes(content[:236] + b"-1      " + content[244:-500])
    assert read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=()).n_times == 750


def test_another_format_than_the_name_says(tmp_path: Path) -> None:
    path = write_european(tmp_path / "a.edf", signal(n_times=1000))
    assert "another format" in fault_of(path.rename(tmp_path / "a.bdf")).problems[0].found


# ------------------------------------------------------------------------------------------------ EEGLAB


def test_epochs_in_a_set_file(tmp_path: Path) -> None:
    path, data = write_eeglab_epochs(tmp_path, signal()), signal()
    source = Source(root=tmp_path, layout="epochs", pattern="{participant}-epo.set")
    epochs = read_epochs(path, source=source, root=tmp_path, descriptions=(EVENT,))
    np.testing.assert_allclose(epochs.get_data(), data.reshape(9, 5, 500).transpose(1, 0, 2), atol=1e-11)
    assert sorted(epochs.event_id.values()) == sorted(set(epochs.events[:, 2]))
    assert len(epochs[EVENT]) == 3
    assert ODD_WORD not in repr(epochs.info) + str(epochs.event_id)
    assert read_header(path, source, tmp_path).n_epochs == 5
    fault = fault_of(path.rename(tmp_path / "a.set"))
    assert "5 epochs" in fault.problems[0].found
    assert "-epo.set" in fault.problems[0].fix


@pytest.mark.parametrize("nested", [True, False])
def test_a_set_file_of_matlab_7_3(tmp_path: Path, nested: bool) -> None:
    path = write_eeglab(nested=nested)(tmp_path, signal())
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512, b" ") + b"\x89HDF\r\n\x1a\n" + bytes(2000))
    fault = fault_of(path)
    assert "MATLAB 7.3" in fault.problems[0].found
    assert "-v7" in fault.problems[0].fix


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("pnts", 2400, "data of 9 x 2500|9.996 s"),
        ("nbchan", 8, "data of 9 x 2500|9 chanlocs"),
        ("srate", 500.0, "9.996 s by xmin and xmax"),
        ("srate", 0.0, "srate gives 0 Hz"),
        ("trials", 5, "data of 9 x 2500"),
        ("data", "a.dat", "name no .fdt"),
        ("nbchan", 90_000_000, "nbchan 90000000"),
    ],
)
def test_fields_of_a_set_file_that_contradict_each_other(tmp_path: Path, field: str, value: object, found: str) -> None:
    savemat(tmp_path / "a.set", {"EEG": {**eeglab_fields(signal()), field: value}}, appendmat=False)
    fault = fault_of(tmp_path / "a.set")
    assert fault.check == "header"
    assert any(text in fault.problems[0].found for text in found.split("|"))


def test_the_samples_of_a_set_file(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    path = write_eeglab(separate=True)(root, signal())
    samples = root / "a.fdt"
    content = samples.read_bytes()
    samples.write_bytes(content[: len(content) // 2])
    fault = fault_of(path)
    assert (fault.check, "1250 samples" in fault.problems[0].found) == ("complete", True)
    samples.rename(tmp_path / "a.fdt")
    assert "a.fdt, which is not there" in fault_of(path).problems[0].found
    savemat(path, {"EEG": {**eeglab_fields(signal()), "data": "../a.fdt"}}, appendmat=False)
    assert fault_of(path).check == "inside"
    samples.symlink_to(tmp_path / "a.fdt")
    assert fault_of(path).check == "inside"


def test_a_set_file_that_grows_beyond_reason(tmp_path: Path) -> None:
    savemat(tmp_path / "a.set", {"EEG": {"data": np.zeros(9_000_000)}}, appendmat=False, do_compression=True)
    assert (tmp_path / "a.set").stat().st_size < 1_000_000
    start_s = time.process_time()
    assert "grows beyond reason" in fault_of(tmp_path / "a.set").problems[0].found
    assert time.process_time() - start_s < 2


def test_a_set_file_with_damaged_compression(tmp_path: Path) -> None:
    path = write_eeglab(compressed=True)(tmp_path, signal())
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    assert "damaged" in fault_of(path).problems[0].found


# ------------------------------------------------------------------------------------------------ FIF


def test_split_fif(tmp_path: Path) -> None:
    path = write_split_fif(tmp_path, signal())
    parts = sorted(tmp_path.glob("a_raw*.fif"))
    assert len(parts) >= 3
    raw = read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=())
    np.testing.assert_allclose(raw.get_data()[:, -N_TIMES:], signal(), atol=1e-15)
    last = sorted(part.name for part in parts)[-2]
    content = (tmp_path / last).read_bytes()
    (tmp_path / last).unlink()
    fault = fault_of(path)
    assert (fault.check, last in fault.problems[0].found) == ("header", True)
    os.mkfifo(tmp_path / last)
    assert fault_of(path).check == "regular"
    (tmp_path / last).unlink()
    (tmp_path / last).write_bytes(content[: len(content) // 2])
    assert fault_of(path).check == "complete"
    (tmp_path / last).unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.fif").write_bytes(content)
    (tmp_path / last).symlink_to(elsewhere / "x.fif")
    assert read_header(path, folder(tmp_path), tmp_path).names == tuple(NAMES)
    data = tmp_path / "data"
    data.mkdir()
    for part in sorted(tmp_path.glob("a_raw*.fif")):
        part.rename(data / part.name)
    assert fault_of(data / path.name, data).check == "inside"


def test_parts_in_a_circle(tmp_path: Path) -> None:
    path = write_split_fif(tmp_path, signal())
    last = sorted(tmp_path.glob("a_raw-*.fif"))[-1]
    last.write_bytes((tmp_path / "a_raw-1.fif").read_bytes().replace(last.name.encode(), b"a_raw-1.fif"))
    first = tmp_path / "a_raw-1.fif"
    first.write_bytes(first.read_bytes().replace(b"a_raw-2.fif", b"a_raw-1.fif"))
    assert "circle" in fault_of(path).problems[0].found


def test_a_killed_writer_of_fif(tmp_path: Path) -> None:
    path = write_fif(tmp_path, signal())
    content = path.read_bytes()
    for size in (len(content) - 16, len(content) - 40, len(content) * 2 // 3):
        path.write_bytes(content[:size])
        fault = fault_of(path)
        assert fault.check == "complete"
        assert "breaks off" in fault.problems[0].found


def test_gaps_of_a_fif_are_marked(tmp_path: Path) -> None:
    raw = raw_of(signal())
    raw.set_annotations(mne.Annotations([4.0], [2.0], ["BAD_ACQ_SKIP"], raw.info["meas_date"]))
    raw.save(tmp_path / "a_raw.fif", buffer_size_sec=1.0, verbose="ERROR")
    read = read_recording(tmp_path / "a_raw.fif", source=folder(tmp_path), root=tmp_path, descriptions=())
    assert read.n_times == N_TIMES
    assert "BAD_ACQ_SKIP" in set(read.annotations.description)


# ------------------------------------------------------------------------------------------------ absurd headers


def patched(name: str, layout: str, offset: int, *values: int) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        content = bytearray(path.read_bytes())
        struct.pack_into(layout, content, offset, *values)
        path.write_bytes(content)

    do.__name__ = name
    return do


_FIF_CHANNELS = struct.pack(">iiii", 200, 3, 4, 0)


def replaced(old: bytes, new: bytes) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    return do


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("edf", patched("signals", "4s", 252, b"9999")),
        ("edf", replaced(b"250     " * 9, b"99999999" * 9)),
        ("edf", patched("records", "8s", 236, b"99999999")),
        ("bdf", patched("record length", "8s", 244, b"1e-30   ")),
        ("gdf1", patched("channels", "<I", 252, 90_000_000)),
        ("gdf2", patched("records", "<q", 236, 1 << 60)),
        ("gdf1", patched("rate", "<I", 248, 4_000_000_000)),
        ("brainvision", replaced(b"NumberOfChannels=9", b"NumberOfChannels=90000000")),
        ("brainvision", replaced(b"SamplingInterval=4000.0", b"SamplingInterval=1e-300")),
        ("brainvision", replaced(b"DataFile=a.eeg", b"DataFile=" + b"a" * 5000)),
        ("brainvision", replaced(b"DataFile=a.eeg", b"DataFile=a\0.eeg")),
        ("brainvision", replaced(b"Codepage=UTF-8", b"Codepage=punycode")),
        ("fif", replaced(_FIF_CHANNELS + struct.pack(">i", 9), _FIF_CHANNELS + struct.pack(">i", 90_000_000))),
        ("fif", replaced(_FIF_CHANNELS, struct.pack(">iiii", 200, 3, 0x7FFFFFFF, 0))),
        ("egi 2", patched("channels", ">h", 22, 32767)),
        ("egi 2", patched("samples", ">i", 30, 2_000_000_000)),
        ("cnt 16", patched("channels", "<H", 370, 65535)),
        ("cnt 16", patched("samples", "<i", 864, 2_000_000_000)),
        ("cnt 16", patched("piece", "<i", 894, 2_000_000_000)),
        ("persyst 16", replaced(b"WaveformCount=9", b"WaveformCount=90000000")),
        ("nedf", replaced(b"RecordsOfEEG>2500", b"RecordsOfEEG>2500000000")),
        ("nedf", replaced(b"<nedf>", b'<!DOCTYPE nedf [<!ENTITY a "aaaaaaaaaa">]><nedf>&a;')),
    ],
)
def test_absurd_headers_cost_nothing(tmp_path: Path, name: str, edit: Callable[[Path], None]) -> None:
    path = FORMATS[name].write(tmp_path, signal())
    edit(path)
    start_s = time.process_time()
    assert fault_of(path).check in ("header", "complete")
    assert time.process_time() - start_s < 1


@pytest.mark.parametrize("name", ["brainvision", "persyst 16"])
@pytest.mark.parametrize("flood", ["\n", " ", "=", "[", "a=", ", "])
def test_floods_of_text_do_not_take_for_ever(tmp_path: Path, name: str, flood: str) -> None:
    path = FORMATS[name].write(tmp_path, signal())
    for file in (path, path.with_suffix(".vmrk")):
        if file.exists():
            file.write_text(file.read_text(encoding="utf-8") + "\n" + flood * 200_000, encoding="utf-8")
    start_s = time.process_time()
    if flood == "\n":
        assert read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=()).n_times == N_TIMES
    else:
        assert fault_of(path).check == "header"
    assert time.process_time() - start_s < 2


def test_floods_of_annotations_do_not_take_for_ever(tmp_path: Path) -> None:
    path = write_european(tmp_path / "a.edf", signal(n_times=1000), onsets_s=[0.0, 1.0, 2.0, 3.0], plus="EDF+C")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"+1\x14\x14\0", b"+1\x14\x14\0+" + b"1" * 70).ljust(len(content))[: len(content)])
    assert "without an end" in fault_of(path).problems[0].found


def test_numbers_that_no_file_can_hold(tmp_path: Path) -> None:
    n_fast = 25_000
    path = write_european(tmp_path / "a.edf", signal(n_times=1000)[:, :250])
    head = bytearray(path.read_bytes()[: 256 * 10])
    start = 256 + 9 * 216
    head[start : start + 72] = b"25000   " + b"1       " * 8
    head[236:244] = b"9       "
    path.write_bytes(bytes(head) + bytes(2 * 9 * (n_fast + 8)))
    assert read_header(path, folder(tmp_path), tmp_path).sfreq_hz == n_fast
    n_signals = 1000
    fields = [16, 80, 8, 8, 8, 8, 8, 80, 8, 32]
    texts = ["{}", "", "uV", "-1", "1", "-100", "100", "", "1", ""]
    body = b"".join(
        b"".join(text.format(f"c{n}").ljust(width).encode() for n in range(n_signals))
        for width, text in zip(fields, texts, strict=True)
    )
    fixed = bytes(head[:184]) + f"{256 * (n_signals + 1):<8}".encode() + bytes(head[192:236]) + b"1       10      1000"
    content = bytearray(fixed + body)
    place = 256 + 216 * n_signals
    content[place : place + 8] = b"9000000 "
    path.write_bytes(bytes(content))
    os.truncate(path, len(content) + 2 * (9_000_000 + n_signals - 1))
    assert "numbers by its header" in fault_of(path).problems[0].found


# ------------------------------------------------------------------------------------------------ pipes and links


@pytest.mark.parametrize(
    ("name", "companion"),
    [("brainvision", "a.vmrk"), ("brainvision", "a.eeg"), ("eeglab and fdt", "a.fdt"), ("persyst 16", "a.dat")],
)
def test_pipes_and_links_as_companions(tmp_path: Path, name: str, companion: str) -> None:
    root = tmp_path / "data"
    root.mkdir()
    path = FORMATS[name].write(root, signal())
    (root / companion).rename(tmp_path / companion)
    os.mkfifo(root / companion)
    assert fault_of(path).check == "regular"
    (root / companion).unlink()
    (root / companion).symlink_to(tmp_path / companion)
    assert fault_of(path).check == "inside"
    (root / companion).unlink()
    (root / companion).symlink_to("/dev/zero")
    assert fault_of(path).check in ("inside", "regular")


@pytest.mark.parametrize("sidecar", ["events.tsv", "channels.tsv", "eeg.json", "electrodes.tsv", "coordsystem.json"])
@pytest.mark.parametrize("montage", ["template", "digitised"])
def test_pipes_as_sidecars_do_not_hang(tmp_path: Path, sidecar: str, montage: str) -> None:
    eeg = tmp_path / "sub-01" / "eeg"
    eeg.mkdir(parents=True)
    path = write_edf(eeg, signal()).rename(eeg / "sub-01_task-rest_eeg.edf")
    os.mkfifo(eeg / f"sub-01_task-rest_{sidecar}")
    source = Source.model_validate({"root": tmp_path, "layout": "bids", "montage": montage})
    checks = []

    def look() -> None:
        try:
            read_recording(path, source=source, root=tmp_path, descriptions=())
        except RecordingFault as fault:
            checks.append(fault.check)

    looking = Thread(target=look, daemon=True)
    looking.start()
    looking.join(timeout=20)
    assert not looking.is_alive()
    assert checks == (["regular"] if montage == "digitised" else [])


def test_text_of_a_header_is_not_told(tmp_path: Path) -> None:
    path = write_brainvision(tmp_path, signal())
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("DataFile=a.eeg", f"DataFile={ODD_WORD}.eeg"),
        ("DataFile=a.eeg", f"DataFile=C:\\{ODD_WORD}\\a.eeg"),
        ("IEEE_FLOAT_32", ODD_WORD),
        ("MULTIPLEXED", ODD_WORD),
        ("SamplingInterval=4000.0", f"SamplingInterval={ODD_WORD}"),
        ("Ch3=F3,", f"{ODD_WORD}=F3,"),
        ("Codepage=UTF-8", f"Codepage={ODD_WORD}"),
    ):
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert fault_of(path).check == "header"


def test_a_reader_that_fails_tells_where_and_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise OSError(f"{tmp_path}: {ODD_WORD}")

    path = write_edf(tmp_path, signal())
    monkeypatch.setattr("painconn.recordings.opening.open_edf", fail)
    fault = fault_of(path)
    assert fault.check == "readable"
    assert "OSError" in fault.problems[0].found
    assert str(tmp_path) not in str(fault)
    assert ODD_WORD in str(fault.__cause__)


def test_a_reader_that_finds_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_edf(tmp_path, signal())
    for other in (outline.Outline(8, N_TIMES, SFREQ_HZ), outline.Outline(9, N_TIMES + 1, SFREQ_HZ)):
        monkeypatch.setattr("painconn.recordings.headers.edf.outline_of", lambda _, other=other: other)
        assert "by the reader" in fault_of(path).problems[0].found


def test_lack_of_memory_is_no_exclusion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise MemoryError

    path = write_edf(tmp_path, signal())
    monkeypatch.setattr("painconn.recordings.opening.open_edf", fail)
    with pytest.raises(MemoryError):
        read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=())


# ------------------------------------------------------------------------------------------------ packages


@pytest.mark.parametrize("write", [write_mff, write_curry], ids=["mff", "curry"])
def test_formats_read_through_a_package_of_their_own(tmp_path: Path, write: Callable[[Path, np.ndarray], Path]) -> None:
    path = write(tmp_path, signal())
    raw = read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=())
    assert raw.ch_names == NAMES
    np.testing.assert_allclose(raw.get_data(), signal(), atol=1e-11)
    samples = path / "signal1.bin" if path.is_dir() else path
    content = samples.read_bytes()
    samples.write_bytes(content[: len(content) // 2])
    assert fault_of(path).check == "complete"


def test_a_cnt_of_ant(tmp_path: Path) -> None:
    path = tmp_path / "a.cnt"
    path.write_bytes(b"RIFF" + struct.pack("<I", 3992) + b"CNT " + bytes(3988))
    assert fault_of(path).check == "readable"
    if not find_spec("antio"):
        assert "antio" in fault_of(path).problems[0].found
    path.write_bytes(path.read_bytes()[:2000])
    assert fault_of(path).check == "complete"


def test_folders_that_are_recordings(tmp_path: Path) -> None:
    path = write_mff(tmp_path, signal())
    os.mkfifo(path / "Events_x.xml")
    assert fault_of(path).check == "regular"
    (path / "Events_x.xml").unlink()
    (path / "Events_x.xml").symlink_to("/etc/hostname")
    assert fault_of(path).check == "inside"
    (path / "Events_x.xml").unlink()
    (path / "Events_x.xml").write_text('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><x>&a;</x>', encoding="utf-8")
    assert "no plain XML" in fault_of(path).problems[0].found
    (path / "Events_x.xml").unlink()
    (path / "epochs.xml").unlink()
    assert "epochs.xml" in fault_of(path).problems[0].found
    empty = tmp_path / "b.mff"
    empty.mkdir()
    assert fault_of(empty).check == "empty"
    (tmp_path / "c.mff").write_bytes(b"x")
    assert fault_of(tmp_path / "c.mff").check == "regular"


# ------------------------------------------------------------------------------------------------ checksums


def write_sums(root: Path, name: str = "SHA256SUMS.txt") -> None:
    files = sorted(file for file in root.rglob("*") if file.is_file())
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(root).as_posix()}\n" for file in files
    ]
    (root / name).write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("manifest", ["SHA256SUMS.txt", "SHA256SUMS", "sha256sums.txt"])
@pytest.mark.parametrize("beside", [True, False])
def test_checksums(tmp_path: Path, manifest: str, beside: bool) -> None:
    place = tmp_path / "one"
    place.mkdir()
    path = write_brainvision(place, signal())
    write_sums(place if beside else tmp_path, manifest)
    source = folder(tmp_path)
    assert read_recording(path, source=source, root=tmp_path, descriptions=()).n_times == N_TIMES
    for name in ("a.eeg", "a.vmrk", "a.vhdr"):
        content = bytearray((place / name).read_bytes())
        content[-1] ^= 1
        (place / name).write_bytes(content)
        fault = fault_of(path, tmp_path)
        assert fault.check == "checksum"
        assert f"{name} differs from {manifest}" in fault.problems[0].found
        assert "copy" in fault.problems[0].fix
        content[-1] ^= 1
        (place / name).write_bytes(content)
    assert read_recording(path, source=source, root=tmp_path, descriptions=()).n_times == N_TIMES


def test_checksums_of_parts(tmp_path: Path) -> None:
    path = write_split_fif(tmp_path, signal())
    write_sums(tmp_path)
    part = tmp_path / "a_raw-1.fif"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    assert "a_raw-1.fif differs" in fault_of(path).problems[0].found
    assert read_header(path, folder(tmp_path), tmp_path).names == tuple(NAMES)


def test_a_file_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_edf(tmp_path, signal())
    write_sums(tmp_path)
    hashed = []
    monkeypatch.setattr("painconn.recordings.checksums.file_hash", lambda file: hashed.append(file) or "")
    for _ in range(3):
        assert fault_of(path).check == "checksum"
    assert hashed == [path]


def test_lists_of_checksums_that_are_none(tmp_path: Path) -> None:
    path = write_edf(tmp_path, signal())
    os.mkfifo(tmp_path / "SHA256SUMS.txt")
    (tmp_path / "SHA256SUMS").write_text("", encoding="utf-8")
    assert read_recording(path, source=folder(tmp_path), root=tmp_path, descriptions=()).n_times == N_TIMES
