"""People on disk for the fault tests: simulated EEG at 19 electrodes, as a laboratory would store it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import mne
import numpy as np
import pybv
from scipy.io import savemat

from painconn.cortex.template import write_subject
from painconn.simulation.caps import CAP_19
from painconn.simulation.head import build_simulation_head
from painconn.simulation.people import pinprick_onsets_s
from painconn.simulation.person import simulate_person
from painconn.simulation.presets import TINY
from painconn.simulation.specification import Block, Contacts, HeadSpec, Protocol

RATE_HZ = 250.0
REST_S = 50.0
N_PINPRICKS = 22
_SEED = 7
_SPEC = replace(
    TINY,
    protocol=Protocol(blocks=(Block(duration_s=REST_S),), n_pinpricks=N_PINPRICKS),
    contacts=Contacts(noisy_probability=0.0, flat_probability=0.0),
    head=HeadSpec(bem_ico=2),
)

STUDY = """\
name: faults
data:
  sources:
    - {root: bids, layout: bids, site: clinic, line_freq_hz: 50}
  conditions:
    rest: {kind: rest, n_epochs: 20, n_segments: 2}
    pinprick: {kind: events, events: [pinprick], n_epochs: 20}
  minimum_per_group: 2
cleaning: {bad_channels: none, ica: none, reject: none}
cortex: {source_spacing: ico3, inverses: [lcmv]}
connectivity: {measures: [wpli2_debiased, aec_orth]}
targets:
  groups:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
"""


@dataclass(frozen=True)
class Signals:
    """Rest and pinprick recordings of one person, (channels, times) in volts, and when the pinpricks are."""

    rest: np.ndarray
    pinprick: np.ndarray
    onsets_s: tuple[float, ...]

    def of(self, task: str) -> np.ndarray:
        return self.rest if task == "rest" else self.pinprick

    def later(self, seconds: float) -> "Signals":
        """The same signals, begun elsewhere: others to whoever compares two recordings moment by moment."""
        rest, pinprick = (np.roll(data, round(seconds * RATE_HZ), axis=1) for data in (self.rest, self.pinprick))
        length_s = self.pinprick.shape[1] / RATE_HZ
        return Signals(rest, pinprick, tuple(sorted((onset + seconds) % length_s for onset in self.onsets_s)))


def simulate(subjects_dir: Path, *participants: str) -> list[Signals]:
    subjects_dir.mkdir()
    write_subject(subjects_dir)
    head = build_simulation_head(_SPEC, subjects_dir)
    people = []
    for participant in participants:
        raw = simulate_person(_SPEC, participant, "localized", seed=_SEED, head=head)
        data, cut = raw.get_data(), round(REST_S * RATE_HZ)
        onsets = tuple(float(onset - REST_S) for onset in pinprick_onsets_s(_SPEC, participant, seed=_SEED))
        people.append(Signals(data[:, :cut], data[:, cut:], onsets))
    return people


@dataclass
class Recording:
    """One recording of a person as it will be written; a fault changes a field, or the files afterwards.

    Parameters
    ----------
    root, participant, task, session : Path, str, str, str
        Where it goes: ``root/sub-X[/ses-Y]/eeg/sub-X[_ses-Y]_task-Z_eeg.*``.
    data : ndarray, shape (channels, times)
        Volts.
    events : list of (str, str, str)
        Onset, duration and name, as they stand in the table.
    """

    root: Path
    participant: str
    task: str
    data: np.ndarray
    events: list[tuple[str, str, str]] = field(default_factory=list)
    session: str = ""
    names: list[str] = field(default_factory=lambda: list(CAP_19))
    rate_hz: float = RATE_HZ
    format: str = "brainvision"

    @property
    def stem(self) -> str:
        session = f"_ses-{self.session}" if self.session else ""
        return f"sub-{self.participant}{session}_task-{self.task}"

    @property
    def folder(self) -> Path:
        person = self.root / f"sub-{self.participant}"
        return (person / f"ses-{self.session}" if self.session else person) / "eeg"

    def file(self, ending: str) -> Path:
        return self.folder / f"{self.stem}_{ending}"

    @property
    def raw(self) -> mne.io.RawArray:
        return mne.io.RawArray(self.data, mne.create_info(self.names, self.rate_hz, "eeg"), verbose="ERROR")

    def write(self) -> "Recording":
        self.folder.mkdir(parents=True, exist_ok=True)
        getattr(self, f"_write_{self.format}")()
        stated = {"TaskName": self.task, "EEGReference": "FCz", "SamplingFrequency": self.rate_hz,
                  "PowerLineFrequency": 50}  # fmt: skip
        duration = f"{self.data.shape[1] / self.rate_hz:.3f}"
        text = json.dumps(stated)[:-1] + f', "RecordingDuration": {duration}}}'
        self.file("eeg.json").write_text(text)
        write_rows(self.file("channels.tsv"), ("name", "type", "units", "status"), *self._channel_rows())
        if self.events:
            write_rows(self.file("events.tsv"), ("onset", "duration", "trial_type"), *self.events)
        return self

    def _channel_rows(self) -> list[tuple[str, str, str, str]]:
        return [(name, "EEG", "µV", "good") for name in self.names]

    def _write_brainvision(self) -> None:
        starts = [round(float(onset) * self.rate_hz) for onset, _, name in self.events]
        marks = [{"onset": start, "duration": 1, "description": number + 1, "type": "Stimulus"}
                 for number, start in enumerate(starts)]  # fmt: skip
        pybv.write_brainvision(
            data=self.data, sfreq=self.rate_hz, ch_names=self.names, fname_base=f"{self.stem}_eeg",
            folder_out=str(self.folder), events=marks, overwrite=True,
        )  # fmt: skip

    def _write_edf(self) -> None:
        mne.export.export_raw(
            self.file("eeg.edf"), self.raw, physical_range=(-1000.0, 1000.0), overwrite=True, verbose="ERROR"
        )

    def _write_eeglab(self) -> None:
        labels = np.array([(name,) for name in self.names], dtype=[("labels", "O")])
        numbers = (1e6 * self.data).astype("<f4")
        self.file("eeg.fdt").write_bytes(numbers.T.tobytes())
        n_channels, n_times = self.data.shape
        eeg = {"data": self.file("eeg.fdt").name, "nbchan": n_channels, "pnts": n_times, "trials": 1, "xmin": 0.0,
               "srate": self.rate_hz, "chanlocs": labels, "event": [], "epoch": [], "setname": ""}  # fmt: skip
        savemat(self.file("eeg.set"), {"EEG": eeg}, appendmat=False)


def recordings_of(root: Path, participant: str, signals: Signals, tasks: Sequence[str] = ("rest",)) -> list[Recording]:
    """Recordings of a healthy person, not written yet."""
    pinpricks = [(f"{onset:.3f}", "0", "pinprick") for onset in signals.onsets_s]
    return [
        Recording(root, participant, task, signals.of(task).copy(), list(pinpricks) if task == "pinprick" else [])
        for task in tasks
    ]


def write_rows(path: Path, *rows: Sequence[str], encoding: str = "utf-8", separator: str = "\t") -> None:
    path.write_text("".join(separator.join(row) + "\n" for row in rows), encoding=encoding)


def write_participants(root: Path, groups: dict[str, str]) -> None:
    rows = [(f"sub-{label}", group) for label, group in groups.items()]
    write_rows(root / "participants.tsv", ("participant_id", "group"), *rows)
