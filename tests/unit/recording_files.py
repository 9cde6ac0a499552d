"""Recordings written by hand or by other people's writers, one per format, all of the same signal.

Writers of formats that no library here writes follow the layouts in the headers of MNE's readers and in the format
descriptions named there; each is checked against MNE before it is used against us.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mne
import numpy as np
import pybv
from scipy.io import savemat

NAMES = ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "O1", "O2", "ECG"]
SFREQ_HZ = 250.0
N_TIMES = 2500
EVENTS_S = (1.0, 2.0)
EVENT = "7"
ODD_WORD = "QUOKKA"
N_CHANNELS = len(NAMES)


def signal(seed: int = 20260, n_times: int = N_TIMES) -> np.ndarray:
    """Return (channels, times) in volts: 20 uV of noise."""
    return 2e-5 * np.random.default_rng(seed).standard_normal((N_CHANNELS, n_times))


def raw_of(data: np.ndarray) -> mne.io.RawArray:
    raw = mne.io.RawArray(data, mne.create_info(NAMES, SFREQ_HZ, "eeg"), verbose="ERROR")
    raw.info["subject_info"] = {"his_id": ODD_WORD, "last_name": ODD_WORD}
    raw.set_meas_date(1e9)
    raw.set_annotations(mne.Annotations(EVENTS_S, [0.0] * len(EVENTS_S), [EVENT] * len(EVENTS_S), 1e9))
    return raw


@dataclass(frozen=True)
class Format:
    """How to write one recording of a format, and what must come back.

    Parameters
    ----------
    write : callable
        Takes a folder and the data in volts; returns the path to open.
    header : dict
        By end of a file name, the bytes that are header (start, stop); stop None: to the end.
    step_v : float
        Largest difference that the format's numbers allow.
    names : list of str
        Channels that come back.
    event : str
        Description of the events that come back; ``""``: the format holds none.
    """

    write: Callable[[Path, np.ndarray], Path]
    header: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    step_v: float = 1e-12
    names: tuple[str, ...] = tuple(NAMES)
    event: str = EVENT


def write_edf(folder: Path, data: np.ndarray) -> Path:
    path = folder / "a.edf"
    mne.export.export_raw(path, raw_of(data), physical_range=(-1e3, 1e3), overwrite=True, verbose="ERROR")
    return path


def write_plain_edf(folder: Path, data: np.ndarray) -> Path:
    return write_european(folder / "a.edf", data)


def write_bdf(folder: Path, data: np.ndarray) -> Path:
    return write_european(folder / "a.bdf", data)


def write_european(
    path: Path,
    data: np.ndarray,
    *,
    onsets_s: list[float] | None = None,
    plus: str = "",
    n_per_record: tuple[int, ...] = (),
) -> Path:
    """Write EDF or BDF in records of 1 s; with `onsets_s` as EDF+ with the onset of each record.

    `n_per_record` are samples in a record by channel: slower channels are thinned out.
    """
    bdf = path.suffix == ".bdf"
    n_bytes, limit, physical = (3, 1 << 23, 8000.0) if bdf else (2, 1 << 15, 1000.0)
    n_per_record = n_per_record or (int(SFREQ_HZ),) * len(data)
    n_records = data.shape[1] // int(SFREQ_HZ)
    labels = [*NAMES[: len(data)]]
    columns: list[list[str]] = [
        labels, [ODD_WORD] * len(data), ["uV"] * len(data), [f"{-physical:.1f}"] * len(data),
        [f"{physical:.1f}"] * len(data), [str(-limit)] * len(data), [str(limit - 1)] * len(data), [""] * len(data),
        [str(n) for n in n_per_record], [""] * len(data),
    ]  # fmt: skip
    n_text = 60
    if onsets_s is not None:
        last = ["BDF Annotations" if bdf else "EDF Annotations", "", "", "-1", "1", str(-limit), str(limit - 1), ""]
        for column, text in zip(columns, [*last, str(n_text), ""], strict=True):
            column.append(text)
    n_signals = len(columns[0])
    head = (b"\xffBIOSEMI" if bdf else b"0       ") + f"{ODD_WORD} X X X".ljust(80).encode()
    head += f"Startdate X {ODD_WORD}".ljust(80).encode() + b"01.01.2101.01.01"
    head += f"{256 * (n_signals + 1):<8}{plus:<44}{n_records:<8}{1:<8}{n_signals:<4}".encode()
    for width, column in zip((16, 80, 8, 8, 8, 8, 8, 80, 8, 32), columns, strict=True):
        head += "".join(text.ljust(width) for text in column).encode()
    step = 2 * physical / (2 * limit - 1)
    digital = np.rint((data * 1e6 + physical) / step).astype("<i4") - limit
    body = bytearray()
    for record in range(n_records):
        for channel, n_samples in enumerate(n_per_record):
            start = record * int(SFREQ_HZ)
            piece = digital[channel, start : start + int(SFREQ_HZ) : int(SFREQ_HZ) // n_samples]
            body += piece.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :n_bytes].tobytes()
        if onsets_s is not None:
            text = f"+{onsets_s[record]:g}\x14\x14\x00"
            if record in map(int, EVENTS_S):
                text += f"+{onsets_s[record]:g}\x14{EVENT}\x14\x00"
            body += text.encode().ljust(n_text * n_bytes, b"\0")
    path.write_bytes(head + bytes(body))
    return path


def write_gdf(version: str) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, data: np.ndarray) -> Path:
        second = float(version) >= 2
        n, rate, n_records = len(data), int(SFREQ_HZ), data.shape[1] // int(SFREQ_HZ)
        head = bytearray(256)
        head[:8] = f"GDF {version}".encode()
        head[8:28] = f"{ODD_WORD} {ODD_WORD}".ljust(20).encode()[:20]
        head[184:192] = struct.pack("<H6x", n + 1) if second else struct.pack("<q", 256 * (n + 1))
        head[236:252] = struct.pack("<qII", n_records, 1, 1)
        head[252:256] = struct.pack("<HH" if second else "<I", *((n, 0) if second else (n,)))
        limits, physical = (-32768, 32767), (-1000.0, 1000.0)
        head += b"".join(name.ljust(16, "\0").encode() for name in NAMES[:n]) + b"\0" * 80 * n
        head += b"\0" * 6 * n + struct.pack(f"<{n}H", *[4275] * n) if second else b"uV\0\0\0\0\0\0" * n
        for value in physical:
            head += struct.pack(f"<{n}d", *[value] * n)
        for value in limits:
            head += struct.pack(f"<{n}{'d' if second else 'q'}", *[value] * n)
        head += b"\0" * (68 * n) + struct.pack(f"<{3 * n}f", *[0.0] * (3 * n)) if second else b"\0" * 80 * n
        head += struct.pack(f"<{n}i", *[rate] * n) + struct.pack(f"<{n}i", *[3] * n) + b"\0" * 32 * n
        step = (physical[1] - physical[0]) / (limits[1] - limits[0])
        digital = (np.rint((data * 1e6 - physical[0]) / step) + limits[0]).astype("<i2")
        body = digital.reshape(n, n_records, rate).transpose(1, 0, 2).tobytes()
        positions = [round(onset * SFREQ_HZ) + 1 for onset in EVENTS_S]
        count = struct.pack("<I", len(positions))
        events = b"\x01" + (count[:3] + struct.pack("<f", SFREQ_HZ) if second else rate.to_bytes(3, "little") + count)
        events += struct.pack(f"<{len(positions)}I", *positions) + struct.pack(
            f"<{len(positions)}H", *[7] * len(positions)
        )
        path = folder / "a.gdf"
        path.write_bytes(bytes(head) + body + events)
        return path

    return write


def write_brainvision(folder: Path, data: np.ndarray) -> Path:
    events = [{"onset": round(onset * SFREQ_HZ), "duration": 1, "description": 7} for onset in EVENTS_S]
    pybv.write_brainvision(
        data=data, sfreq=SFREQ_HZ, ch_names=NAMES, fname_base="a", folder_out=str(folder), events=events, overwrite=True
    )
    return folder / "a.vhdr"


def write_average(folder: Path, data: np.ndarray) -> Path:
    """Write a BrainVision ``.ahdr``, whose file of samples holds one channel more than it lists."""
    path = write_brainvision(folder, np.vstack([data]))
    text = path.read_text(encoding="utf-8")
    samples = np.fromfile(folder / "a.eeg", "<f4").reshape(-1, len(data))
    np.hstack([samples, np.ones((len(samples), 1), "<f4")]).astype("<f4").tofile(folder / "a.eeg")
    path.unlink()
    (folder / "a.ahdr").write_text(text, encoding="utf-8")
    return folder / "a.ahdr"


def write_vectorized(folder: Path, data: np.ndarray) -> Path:
    path = write_brainvision(folder, data)
    text = path.read_text(encoding="utf-8").replace("MULTIPLEXED", "VECTORIZED")
    path.write_text(text.replace("DataOrientation", f"DataPoints={data.shape[1]}\nDataOrientation"), encoding="utf-8")
    (folder / "a.eeg").write_bytes(np.ascontiguousarray(np.fromfile(folder / "a.eeg", "<f4").reshape(-1, len(data)).T))
    return path


def write_ascii(folder: Path, data: np.ndarray) -> Path:
    path = write_brainvision(folder, data)
    text = path.read_text(encoding="utf-8").replace("DataFormat=BINARY", "DataFormat=ASCII")
    text = text.replace("[Binary Infos]", "[ASCII Infos]\nDecimalSymbol=.\nSkipLines=0\nSkipColumns=0\n[Binary Infos]")
    path.write_text(text, encoding="utf-8")
    np.savetxt(folder / "a.eeg", np.fromfile(folder / "a.eeg", "<f4").reshape(-1, len(data)), fmt="%.9e")
    return path


def eeglab_fields(data: np.ndarray) -> dict[str, object]:
    """Return the fields of an EEGLAB data set as ``savemat`` takes them."""
    labels = np.array([(name, "") for name in NAMES], dtype=[("labels", "O"), ("type", "O")])
    latencies = [onset * SFREQ_HZ + 1 for onset in EVENTS_S]
    events = np.array(
        [(EVENT, latency, 1.0) for latency in latencies], [("type", "O"), ("latency", "O"), ("duration", "O")]
    )
    n_times = data.shape[-1] if data.ndim == 2 else data.shape[1]
    return {
        "setname": ODD_WORD, "comments": ODD_WORD, "subject": ODD_WORD, "nbchan": len(data), "pnts": n_times,
        "trials": 1 if data.ndim == 2 else data.shape[2], "srate": SFREQ_HZ, "xmin": 0.0,
        "xmax": (n_times - 1) / SFREQ_HZ, "data": (data * 1e6).astype(np.float32), "chanlocs": labels, "event": events,
        "epoch": [],
    }  # fmt: skip


def write_eeglab(*, nested: bool = True, separate: bool = False, compressed: bool = False) -> Callable[..., Path]:
    def write(folder: Path, data: np.ndarray) -> Path:
        fields = eeglab_fields(data)
        if separate:
            (folder / "a.fdt").write_bytes(np.asfortranarray(fields["data"]).tobytes("F"))
            fields["data"] = "a.fdt"
        path = folder / "a.set"
        savemat(path, {"EEG": fields} if nested else fields, appendmat=False, do_compression=compressed)
        return path

    return write


def write_eeglab_epochs(folder: Path, data: np.ndarray) -> Path:
    """Write 5 epochs of 2 s, each with the event at its start."""
    epochs = data.reshape(len(data), 5, -1).transpose(0, 2, 1)
    fields = eeglab_fields(epochs)
    latencies = [number * epochs.shape[1] + 1 for number in range(5)]
    kinds = [EVENT, ODD_WORD, EVENT, EVENT, ODD_WORD]
    fields["event"] = np.array(
        [(kind, latency, number + 1) for number, (kind, latency) in enumerate(zip(kinds, latencies, strict=True))],
        [("type", "O"), ("latency", "O"), ("epoch", "O")],
    )
    fields["epoch"] = np.array(
        [(number + 1, kind, 0.0) for number, kind in enumerate(kinds)],
        [("event", "O"), ("eventtype", "O"), ("eventlatency", "O")],
    )
    savemat(folder / "a-epo.set", {"EEG": fields}, appendmat=False)
    return folder / "a-epo.set"


def write_fif(folder: Path, data: np.ndarray) -> Path:
    raw_of(data).save(folder / "a_raw.fif", overwrite=True, verbose="ERROR")
    return folder / "a_raw.fif"


def write_split_fif(folder: Path, data: np.ndarray) -> Path:
    """Write three parts, whatever the data: MNE splits at no less than 1 MiB."""
    raws = raw_of(data)
    size = data.nbytes
    long = mne.concatenate_raws([raws.copy() for _ in range(1 + int(3.4e6 // size))], verbose="ERROR")
    long.save(
        folder / "a_raw.fif", fmt="double", split_size="1.3MB", buffer_size_sec=1.0, overwrite=True, verbose="ERROR"
    )
    return folder / "a_raw.fif"


def write_egi(version: int) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, data: np.ndarray) -> Path:
        head = struct.pack(">i6hi5h", version, 2001, 1, 1, 1, 1, 1, 0, int(SFREQ_HZ), len(data), 0, 0, 0)
        head += struct.pack(">ih", data.shape[1], 1) + b"STIM"
        events = np.zeros((1, data.shape[1]))
        events[0, [round(onset * SFREQ_HZ) for onset in EVENTS_S]] = 1
        number = {2: ">i2", 4: ">f4", 6: ">f8"}[version]
        frames = np.vstack([np.rint(data * 1e6) if version == 2 else data * 1e6, events]).T
        path = folder / "a.raw"
        path.write_bytes(head + frames.astype(number).tobytes())
        return path

    return write


def write_cnt(n_bytes: int) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, data: np.ndarray) -> Path:
        n, n_samples = len(data), data.shape[1]
        setup = bytearray(900)
        setup[:12] = b"Version 3.0\0"
        setup[21:41] = ODD_WORD.ljust(20, "\0").encode()
        setup[225:245] = b"01/01/21  01:01:01".ljust(20, b"\0")
        struct.pack_into("<H", setup, 370, n)
        struct.pack_into("<H", setup, 376, int(SFREQ_HZ))
        struct.pack_into("<i", setup, 864, n_samples)
        table = 900 + 75 * n + n * n_samples * n_bytes
        struct.pack_into("<i", setup, 886, table)
        channels = bytearray()
        for index, name in enumerate(NAMES[:n]):
            place = bytearray(75)
            place[:10] = name.ljust(10, "\0").encode()
            struct.pack_into("<ff", place, 19, np.cos(index), np.sin(index))
            struct.pack_into("<f", place, 59, 1.0)
            struct.pack_into("<f", place, 71, 20.48)
            channels += place
        frames = np.rint(data.T * 1e7).astype({2: "<i2", 4: "<i4"}[n_bytes])
        offsets = [900 + 75 * n + (round(onset * SFREQ_HZ) + 1) * n * n_bytes for onset in EVENTS_S]
        events = b"".join(struct.pack("<HBci", 7, 0, b"\0", offset) for offset in offsets)
        path = folder / "a.cnt"
        head = struct.pack("<Bii", 1, len(events), 0)
        path.write_bytes(bytes(setup + channels) + frames.tobytes() + head + events)
        return path

    return write


def write_persyst(datatype: int) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, data: np.ndarray) -> Path:
        step_uv = 0.05
        lines = ["[FileInfo]", "File=a.dat", "FileType=Interleaved", f"SamplingRate={SFREQ_HZ:g}",
                 f"Calibration={step_uv}", f"WaveformCount={len(data)}", f"DataType={datatype}", "[Patient]",
                 f"First={ODD_WORD}", f"Last={ODD_WORD}", "Sex=F", "Hand=R", "BirthDate=01/01/70",
                 "TestDate=01/01/2001", "TestTime=01:01:01", "[ChannelMap]"]  # fmt: skip
        lines += [f"{name}-Ref={index + 1}" for index, name in enumerate(NAMES[: len(data)])]
        lines += ["[Comments]", *(f"{onset:.6f},0.000000,0,0,{EVENT}" for onset in EVENTS_S), ""]
        (folder / "a.lay").write_text("\n".join(lines), encoding="utf-8")
        frames = np.rint(data.T * 1e6 / step_uv).astype({0: "<i2", 7: "<i4"}[datatype])
        (folder / "a.dat").write_bytes(frames.tobytes())
        return folder / "a.lay"

    return write


def write_nedf(folder: Path, data: np.ndarray) -> Path:
    n, n_samples = len(data), data.shape[1]
    montage = "".join(f"<C{index + 1}>{name}</C{index + 1}>" for index, name in enumerate(NAMES[:n]))
    text = (
        f"<nedf><NEDFversion>1.3</NEDFversion>"
        "<NumberOfChannelsOfAccelerometer>3</NumberOfChannelsOfAccelerometer>"
        f"<StepDetails><StepName>{ODD_WORD}</StepName>"
        "<StartDate_firstEEGTimestamp>1000000000000</StartDate_firstEEGTimestamp></StepDetails>"
        f"<EEGSettings><TotalNumberOfChannels>{n}</TotalNumberOfChannels><EEGSamplingRate>{SFREQ_HZ:g}</EEGSamplingRate>"
        f"<NumberOfRecordsOfEEG>{n_samples}</NumberOfRecordsOfEEG><EEGMontage>{montage}</EEGMontage></EEGSettings></nedf>"
    )
    steps = np.ascontiguousarray(np.rint(data.T / (2.4 / (6.0 * 8388607)))).astype(">i4", order="C")
    frames = np.zeros(n_samples, [("eeg", "u1", (n, 3)), ("trig", ">i4")])
    frames["eeg"] = steps.view(np.uint8).reshape(n_samples, n, 4)[:, :, 1:]
    frames["trig"][[round(onset * SFREQ_HZ) for onset in EVENTS_S]] = 7
    path = folder / "a.nedf"
    blocks = np.zeros(n_samples // 5, [("acc", ">u2", (3,)), ("data", frames.dtype, (5,))])
    blocks["data"] = frames.reshape(-1, 5)
    path.write_bytes(text.encode().ljust(10240, b"\0") + blocks.tobytes())
    return path


def write_curry(folder: Path, data: np.ndarray) -> Path:
    n, n_samples = len(data), data.shape[1]
    fields = [f"NumSamples = {n_samples}", f"NumChannels = {n}", "NumTrials = 1", f"SampleFreqHz = {SFREQ_HZ:g}",
              "TriggerOffsetUsec = 0", "DataFormat = FLOAT", "DataSampOrder = SAMP", "DataByteOrder = INTEL",
              f"SampleTimeUsec = {1e6 / SFREQ_HZ:g}", "StartYear = 2001", "StartMonth = 1", "StartDay = 1",
              "StartHour = 1", "StartMin = 1", "StartSec = 1", "StartMillisec = 0",
              f"AmplifierInfo = {ODD_WORD}"]  # fmt: skip

    def listed(name: str, lines: list[str]) -> str:
        body = "\n".join(lines)
        return f"{name} START\n   ListDescription = x\n{name} END\n{name} START_LIST\n{body}\n{name} END_LIST\n"

    text = "FileVersion = 804\nDATA_PARAMETERS START\n   " + "\n   ".join(fields) + "\nDATA_PARAMETERS END\n"
    text += f"DEVICE_PARAMETERS START\n   DataUnit = uV\n   NumChanThisGroup = {n}\nDEVICE_PARAMETERS END\n"
    text += listed("LABELS", NAMES[:n])
    text += listed("SENSORS", [f"{10 * index} {80 - index} 5" for index in range(n)])
    (folder / "a.cdt.dpa").write_text(text, encoding="utf-8")
    (folder / "a.cdt").write_bytes((data.T * 1e6).astype("<f4").tobytes())
    return folder / "a.cdt"


def write_mff(folder: Path, data: np.ndarray) -> Path:
    """Write the files of an EGI folder that a reader needs: one block of samples, no events."""
    n, n_samples = len(data), data.shape[1]
    path = folder / "a.mff"
    path.mkdir()
    space = 'xmlns="http://www.egi.com/{}_mff" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

    def write(name: str, root: str, space_name: str, body: str) -> None:
        text = f"{head}<{root} {space.format(space_name)}>{body}</{root}>"
        (path / name).write_text(text, encoding="utf-8")

    when = "2001-01-01T01:01:01.000000+00:00"
    write("info.xml", "fileInfo", "info", f"<mffVersion>3</mffVersion><recordTime>{when}</recordTime>")
    kind = "<EEG><sensorLayoutName>x</sensorLayoutName><montageName>x</montageName></EEG>"
    body = f"<generalInformation><fileDataType>{kind}</fileDataType></generalInformation>"
    write("info1.xml", "dataInfo", "info_n", body)
    end_us = round(n_samples / SFREQ_HZ * 1e6)
    write("epochs.xml", "epochs", "epochs", f"<epoch><beginTime>0</beginTime><endTime>{end_us}</endTime>"
          "<firstBlock>1</firstBlock><lastBlock>1</lastBlock></epoch>")  # fmt: skip
    sensors = "".join(
        f"<sensor><name>{name}</name><number>{index + 1}</number><type>0</type><x>{np.cos(index):.4f}</x>"
        f"<y>{np.sin(index):.4f}</y><z>5</z></sensor>"
        for index, name in enumerate(NAMES[:n])
    )
    write("sensorLayout.xml", "sensorLayout", "sensorLayout", f"<name>x</name><sensors>{sensors}</sensors>")
    write("coordinates.xml", "coordinates", "coordinates",
          f"<sensorLayout><name>x</name><sensors>{sensors}</sensors></sensorLayout>")  # fmt: skip
    header_bytes = 16 + 8 * n + 4
    block = struct.pack("<4i", 1, header_bytes, 4 * n * n_samples, n)
    block += struct.pack(f"<{n}i", *[4 * n_samples * index for index in range(n)])
    block += struct.pack(f"<{n}I", *[int(SFREQ_HZ) << 8 | 32] * n) + struct.pack("<i", 0)
    (path / "signal1.bin").write_bytes(block + (data * 1e6).astype("<f4").tobytes())
    return path


_EGI_NAMES = (*(f"E{number}" for number in range(1, N_CHANNELS + 1)), "STIM")
_UPPER = tuple(name.upper() for name in NAMES)
FORMATS: dict[str, Format] = {
    "edf+": Format(write_edf, {".edf": (0, 256 * 11)}, 2e-8),
    "edf": Format(write_plain_edf, {".edf": (0, 256 * 10)}, 2e-8, event=""),
    "bdf": Format(write_bdf, {".bdf": (0, 256 * 10)}, 1e-9, event=""),
    "gdf1": Format(write_gdf("1.25"), {".gdf": (0, 256 * 10)}, 2e-8),
    "gdf2": Format(write_gdf("2.10"), {".gdf": (0, 256 * 10)}, 2e-8),
    "brainvision": Format(
        write_brainvision, {".vhdr": (0, None), ".vmrk": (0, None)}, 1e-11, event="Stimulus/S  7"
    ),
    "brainvision vectorized": Format(write_vectorized, {".vhdr": (0, None)}, 1e-11, event="Stimulus/S  7"),
    "brainvision text": Format(write_ascii, {".vhdr": (0, None)}, 1e-11, event="Stimulus/S  7"),
    "brainvision average": Format(write_average, {".ahdr": (0, None)}, 1e-11, event="Stimulus/S  7"),
    "eeglab": Format(write_eeglab(), {".set": (0, None)}, 1e-11),
    "eeglab of fields": Format(write_eeglab(nested=False), {".set": (0, None)}, 1e-11),
    "eeglab and fdt": Format(write_eeglab(separate=True), {".set": (0, None)}, 1e-11),
    "eeglab compressed": Format(write_eeglab(compressed=True), {".set": (0, None)}, 1e-11),
    "fif": Format(write_fif, {".fif": (0, 2200)}, 1e-11),
    "egi 2": Format(write_egi(2), {".raw": (0, 40)}, 5.1e-7, _EGI_NAMES, "STIM"),
    "egi 4": Format(write_egi(4), {".raw": (0, 40)}, 1e-11, _EGI_NAMES, "STIM"),
    "egi 6": Format(write_egi(6), {".raw": (0, 40)}, 1e-15, _EGI_NAMES, "STIM"),
    "cnt 16": Format(write_cnt(2), {".cnt": (0, 900 + 75 * N_CHANNELS)}, 5.1e-8),
    "cnt 32": Format(write_cnt(4), {".cnt": (0, 900 + 75 * N_CHANNELS)}, 5.1e-8),
    "persyst 16": Format(write_persyst(0), {".lay": (0, None)}, 2.6e-8, _UPPER),
    "persyst 32": Format(write_persyst(7), {".lay": (0, None)}, 2.6e-8, _UPPER),
    "nedf": Format(write_nedf, {".nedf": (0, 1200)}, 3e-8, (*NAMES, "STI 014")),
}  # fmt: skip
