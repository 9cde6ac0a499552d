"""A small study in which every place where a name could hide holds an odd word of its own."""

import hashlib
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from small_cohort import Recording, Signals, recordings_of, write_rows

BORN = date(1951, 3, 27)
RECORDED = datetime(1989, 7, 13, 11, 23, 58, tzinfo=UTC)
DATES = ("1989-07-13", "13.07.89", "13-JUL-1989", "19890713", "1951-03-27", "27-MAR-1951")
SITE_FOLDER = "Zaphodopolis_clinic"
HEADER_TEXT_LENGTH = 80


class Words:
    """The odd words by the place where they were planted."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        letters = re.sub("[^g-p]", "", hashlib.sha256(place.encode()).hexdigest().translate(_TO_LETTERS))
        word = f"Zq{letters[:6]}"
        assert self.places.setdefault(word, place) == place
        return word


_TO_LETTERS = str.maketrans("0123456789", "ghijklmnop")

LABELS = {"B1": "localized", "B2": "widespread", "E1": "localized", "E2": "widespread", "S1": "localized",
          "S2": "widespread", "F1": "localized", "F2": "widespread", "C1": "localized", "C2": "widespread"}  # fmt: skip
"""B: BrainVision, E: EDF, S: EEGLAB, F: FIF and C: FIF of epochs cut before, in folders of their own."""

AGES = {label: f"{40 + number}.27183" for number, label in enumerate(LABELS)}
"""Ages that nobody has: where one is found, it was copied from the participants table."""

BROKEN = ("X1", "X2", "X3", "X4")
CRASHING = "E1"

STUDY = """\
name: canary
data:
  sources:
    - {root: %(root)s/bids, layout: bids, site: clinic, line_freq_hz: 50}
    - {root: %(root)s/files, layout: folder, pattern: 'sub{participant}_{task}_raw.fif', site: lab, line_freq_hz: 50}
    - {root: %(root)s/epochs, layout: epochs, pattern: 'sub{participant}_{task}-epo.fif', site: cut, line_freq_hz: 50}
  conditions:
    rest: {kind: rest, n_epochs: 20, n_segments: 2}
    pinprick: {kind: events, events: [pinprick], n_epochs: 20}
  covariates: [age]
  phenotype: {rule: body_map, table: phenotype/body_map.tsv}
  minimum_per_group: 3
cleaning: {bad_channels: none, ica: none, reject: none}
cortex: {source_spacing: ico3}
connectivity: {measures: [wpli2_debiased, aec_orth]}
targets:
  groups:
    contrast: {kind: between, column: phenotype, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
"""


def plant(folder: Path, people: dict[str, Signals], words: Words) -> Path:
    """Write the dataset below ``folder`` and return its root, whose name is an odd word as well."""
    root = folder / f"{words('folder')}_{SITE_FOLDER}"
    words.places["Zaphodopolis"] = "folder"
    bids = root / "bids"
    folders = {"F": root / "files", "C": root / "epochs"}
    for label, signals in people.items():
        recordings = recordings_of(folders.get(label[0], bids), label, signals, ("rest", "pinprick"))
        for recording in recordings:
            {"B": _brainvision, "E": _edf, "S": _eeglab, "F": _fif, "C": _epochs}[label[0]](recording, words)
    signals = people["B1"]
    broken = [recordings_of(bids, label, signals)[0] for label in BROKEN]
    for recording in broken:
        recording.data = np.roll(recording.data, 1000, axis=1)
    _break_brainvision(broken[0], words)
    _break_eeglab(broken[1], words)
    _break_edf(broken[2], words)
    _break_events(broken[3], words)
    _tables(bids, words)
    return root


def _sidecars(recording: Recording, words: Words) -> None:
    """Add free text to the sidecars of a BIDS recording that is already written."""
    path = recording.file("eeg.json")
    names = ("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "DeviceSerialNumber",
             "TaskDescription", "Instructions", "Manufacturer", "SoftwareVersions", "EEGGround", "EEGReference",
             "SubjectArtefactDescription")  # fmt: skip
    text = path.read_text()[:-1] + "".join(f', "{name}": "{words(f"eeg.json {name}")}"' for name in names) + "}"
    path.write_text(text)
    rows = [(name, "EEG", "µV", "good", words("channels.tsv description"), words("channels.tsv status_description"))
            for name in recording.names]  # fmt: skip
    header = ("name", "type", "units", "status", "description", "status_description")
    write_rows(recording.file("channels.tsv"), header, *rows)
    asked = [(*row, words("events.tsv column")) for row in recording.events]
    more = ("1.0", "0", words("events.tsv event not asked for"), words("events.tsv column"))
    bad = ("0.5", "0.1", f"BAD {words('events.tsv bad stretch')}", "n/a")
    header = ("onset", "duration", "trial_type", "comment")
    write_rows(recording.file("events.tsv"), header, more, bad, *asked)
    recording.file("events.json").write_text(json.dumps({"comment": {"Description": words("events.json")}}))
    scans = recording.folder.parent / f"sub-{recording.participant}_scans.tsv"
    row = (f"eeg/{recording.file('eeg.vhdr').name}", RECORDED.isoformat(), words("scans.tsv"))
    write_rows(scans, ("filename", "acq_time", "operator"), row)


def _brainvision(recording: Recording, words: Words) -> None:
    recording.write()
    _sidecars(recording, words)
    header = recording.file("eeg.vhdr")
    text = header.read_text(encoding="utf-8").replace("; Written using", f"; {words('vhdr remark')} Written using")
    header.write_text(f"{text}\n{words('vhdr comment')}\nPatient: {words('vhdr patient')}\n", encoding="utf-8")
    markers = recording.file("eeg.vmrk")
    text = markers.read_text(encoding="utf-8").rstrip()
    stamp = RECORDED.strftime("%Y%m%d%H%M%S000000")
    number = len(re.findall("(?m)^Mk", text))
    more = [f"New Segment,,1,1,0,{stamp}", f"Comment,{words('vmrk comment')},600,1,0"]
    lines = [f"Mk{number + place}={line}" for place, line in enumerate(more, start=1)]
    markers.write_text("\n".join([text, *lines]) + "\n", encoding="utf-8")


def _edf(recording: Recording, words: Words) -> None:
    recording.format = "edf"
    recording.write()
    raw = recording.raw
    texts = [words("edf annotation"), f"BAD {words('edf bad stretch')}"]
    raw.set_annotations(mne.Annotations([2.0, 3.0], [0.1, 0.1], texts))
    path = recording.file("eeg.edf")
    mne.export.export_raw(path, raw, physical_range=(-1000.0, 1000.0), overwrite=True, verbose="ERROR")
    content = bytearray(path.read_bytes())
    patient = f"{words('edf code')} M 27-MAR-1951 {words('edf name')} {words('edf more')}"
    session = f"Startdate 13-JUL-1989 {words('edf admin')} {words('edf technician')} {words('edf equipment')}"
    for start, text in ((8, patient), (88, session)):
        content[start : start + HEADER_TEXT_LENGTH] = text.ljust(HEADER_TEXT_LENGTH).encode("ascii")
    content[168:184] = b"13.07.8911.23.58"
    n_signals = int(content[252:256])
    for offset, place in ((16, "edf transducer"), (136, "edf prefilter")):
        for number in range(n_signals):
            start = 256 + offset * n_signals + HEADER_TEXT_LENGTH * number
            content[start : start + HEADER_TEXT_LENGTH] = words(place).ljust(HEADER_TEXT_LENGTH).encode("ascii")
    path.write_bytes(bytes(content))
    _sidecars(recording, words)


def _eeglab(recording: Recording, words: Words, *, data: str | None = None) -> None:
    from scipy.io import savemat

    recording.format = "eeglab"
    recording.write()
    _sidecars(recording, words)
    n_channels, n_times = recording.data.shape
    texts = ("setname", "comments", "subject", "group", "condition", "session", "history", "filename", "filepath",
             "ref", "notes")  # fmt: skip
    labels = np.array(
        [(name, words("eeglab channel")) for name in recording.names], dtype=[("labels", "O"), ("description", "O")]
    )
    events = np.array(
        [(words("eeglab event"), 500.0, 1.0, words("eeglab event column"))],
        dtype=[("type", "O"), ("latency", "O"), ("duration", "O"), ("remark", "O")],
    )
    eeg = {"data": data or recording.file("eeg.fdt").name, "nbchan": n_channels, "pnts": n_times, "trials": 1,
           "srate": recording.rate_hz, "xmin": 0.0, "chanlocs": labels, "event": events, "epoch": [],
           **{name: words(f"eeglab {name}") for name in texts}}  # fmt: skip
    savemat(recording.file("eeg.set"), {"EEG": eeg}, appendmat=False)


def _about(info: mne.Info, words: Words) -> None:
    """Fill every field of a FIF header that may say something about a person, a place or a day."""
    info["subject_info"] = {
        "his_id": words("fif his_id"), "last_name": words("fif last_name"), "first_name": words("fif first_name"),
        "middle_name": words("fif middle_name"), "birthday": BORN, "sex": 2,
    }  # fmt: skip
    info["device_info"] = {name: words(f"fif device {name}") for name in ("type", "model", "serial", "site")}
    info["experimenter"], info["description"] = words("fif experimenter"), words("fif description")
    with info._unlock():
        info["proj_name"] = words("fif proj_name")


def _fif(recording: Recording, words: Words) -> None:
    raw = recording.raw
    _about(raw.info, words)
    raw.set_meas_date(RECORDED)
    onsets = [float(onset) for onset, _, _ in recording.events]
    names = [name for _, _, name in recording.events]
    raw.set_annotations(mne.Annotations(
        [0.5, 1.0, *onsets], [0.1, 0.0, *(0.0 for _ in onsets)],
        [f"BAD {words('fif bad stretch')}", words("fif annotation"), *names], orig_time=RECORDED,
    ))  # fmt: skip
    recording.root.mkdir(parents=True, exist_ok=True)
    raw.save(recording.root / f"sub{recording.participant}_{recording.task}_raw.fif", verbose="ERROR")


def _epochs(recording: Recording, words: Words) -> None:
    """Cut the rest into epochs; each has a name that nobody asked for and a table of free text."""
    if recording.task != "rest":
        return
    raw = recording.raw
    _about(raw.info, words)
    raw.set_meas_date(RECORDED)
    epochs = mne.make_fixed_length_epochs(raw, duration=2.0, preload=True, verbose="ERROR")
    epochs.event_id = {words("epochs event"): 1}
    epochs.metadata = pd.DataFrame({words("epochs metadata column"): [words("epochs metadata")] * len(epochs)})
    recording.root.mkdir(parents=True, exist_ok=True)
    path = recording.root / f"sub{recording.participant}_{recording.task}-epo.fif"
    epochs.save(path, verbose="ERROR")


def _break_brainvision(recording: Recording, words: Words) -> None:
    """The header names the file as it was called when it still had a person's name."""
    _brainvision(recording, words)
    path = recording.file("eeg.vhdr")
    own = recording.file("eeg.eeg").name
    path.write_text(path.read_text(encoding="utf-8").replace(f"={own}", f"={words('vhdr old file name')}.eeg"))


def _break_eeglab(recording: Recording, words: Words) -> None:
    """The data of another file name are not there: the reader's own message quotes it."""
    _eeglab(recording, words, data=f"{words('eeglab old file name')}.fdt")
    recording.file("eeg.fdt").unlink()


def _break_edf(recording: Recording, words: Words) -> None:
    """Numbers of the header became text."""
    _edf(recording, words)
    path = recording.file("eeg.edf")
    content = bytearray(path.read_bytes())
    n_signals = int(content[252:256])
    start = 256 + 104 * n_signals
    content[start : start + 8] = words("edf number").encode()
    path.write_bytes(bytes(content))


def _break_events(recording: Recording, words: Words) -> None:
    """A table of free text in another encoding."""
    _brainvision(recording, words)
    text = f"onset\tduration\ttrial_type\n1.0\t0\t{words('events.tsv broken')}é\n"
    recording.file("events.tsv").write_bytes(text.encode("latin-1"))


def _tables(bids: Path, words: Words) -> None:
    rows = [
        (f"sub-{label}", group, AGES[label], words(f"participants {label}"), words(f"participants text {label}"))
        for label, group in LABELS.items()
    ]
    rows += [(f"sub-{label}", words("participants group"), "50", "n/a", "n/a") for label in BROKEN]
    rows.append(
        ("sub-absent", words("participants group of nobody"), "50", "n/a", words("participants text of nobody"))
    )
    write_rows(bids / "participants.tsv", ("participant_id", "group", "age", "family_name", "remarks"), *rows)
    (bids / "participants.json").write_text(json.dumps({"remarks": {"Description": words("participants.json")}}))
    description = {"Name": words("dataset name"), "BIDSVersion": "1.10.0", "Authors": [words("dataset author")],
                   "Funding": [words("dataset funding")], "EthicsApprovals": [words("dataset ethics")]}  # fmt: skip
    (bids / "dataset_description.json").write_text(json.dumps(description))
    (bids / "README").write_text(words("README"))
    (bids / "CHANGES").write_text(words("CHANGES"))
    (bids / "phenotype").mkdir()
    rows = [(f"sub-{label}", words("phenotype text")) for label in LABELS]
    write_rows(bids / "phenotype" / "interview.tsv", ("participant_id", "what_they_said"), *rows)
    painful = {"localized": ("2", "1"), "widespread": ("11", "5")}
    rows = [(f"sub-{label}", *painful[group], words(f"body map {label}")) for label, group in LABELS.items()]
    write_rows(bids / "phenotype" / "body_map.tsv", ("participant_id", "sites", "regions", "said"), *rows)
    (bids / "phenotype" / "body_map.json").write_text(json.dumps({"said": {"Description": words("body_map.json")}}))
    (bids / "sourcedata").mkdir()
    (bids / "sourcedata" / f"{words('sourcedata')}.txt").write_text(words("sourcedata"))
