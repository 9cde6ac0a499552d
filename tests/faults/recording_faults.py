"""Everything that is known to happen to a recording on its way to us, and what must become of it.

Numbers are the rows of the list in ``test_recording_faults.py``; a row may have several forms.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
from small_cohort import REST_S, Recording, Signals, recordings_of, write_rows

Written = dict[str, Recording]


@dataclass(frozen=True)
class Fault:
    """One way to be broken.

    Parameters
    ----------
    row, form : int, str
        Which, and in what form.
    check : str
        Names of the checks that may find it, separated by ``|``.
    where, found, fix : str
        Expressions that the message must match: file or condition, what is there, what to do.
    before, after : callable or None
        Change the recordings before they are written, or the files afterwards.
    tasks : tuple of str
        Recordings of this person.
    left : tuple of str
        Conditions that must still be there; none: the person is excluded.
    condition : str
        Condition that the message is about; empty when it is the recording.
    format : str
        How the recordings are written.
    """

    row: int
    form: str
    check: str
    where: str
    found: str
    fix: str
    before: Callable[[Written], object] | None = None
    after: Callable[[Written], object] | None = None
    tasks: tuple[str, ...] = ("rest",)
    left: tuple[str, ...] = ()
    condition: str = ""
    format: str = "brainvision"

    @property
    def label(self) -> str:
        """Participant label."""
        return f"X{self.row:02d}" + "".join(character for character in self.form.title() if character.isalnum())

    def write(self, root: Path, signals: Signals) -> None:
        recordings = {one.task: one for one in recordings_of(root, self.label, signals, self.tasks)}
        for recording in recordings.values():
            recording.format = self.format
        if self.before:
            self.before(recordings)
        for recording in recordings.values():
            recording.write()
        if self.after:
            self.after(recordings)


def cut(ending: str, fraction: float = 1.0, less: int = 0) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        path = written["rest"].file(ending)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * fraction) - less])

    return do


def replaced(ending: str, old: str, new: str, task: str = "rest") -> Callable[[Written], object]:
    def do(written: Written) -> None:
        path = written[task].file(ending)
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return do


def emptied(ending: str) -> Callable[[Written], object]:
    return lambda written: written["rest"].file(ending).write_bytes(b"")


def random_bytes(written: Written) -> None:
    content = np.random.default_rng(4).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    written["rest"].file("eeg.vhdr").write_bytes(content)


def wrong_encoding(written: Written) -> None:
    path = written["rest"].file("eeg.vhdr")
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))


def renamed_data(written: Written) -> None:
    path = written["rest"].file("eeg.eeg")
    path.rename(path.with_name("sub-old_eeg.eeg"))


def without(*endings: str) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        for recording in written.values():
            for ending in endings:
                recording.file(ending).unlink(missing_ok=True)

    return do


def points_outside(written: Written) -> None:
    recording = written["rest"]
    outside = recording.root.parent / "elsewhere.eeg"
    outside.write_bytes(recording.file("eeg.eeg").read_bytes())
    recording.file("eeg.eeg").unlink()
    replaced("eeg.vhdr", f"DataFile={recording.stem}_eeg.eeg", "DataFile=../../../elsewhere.eeg")(written)


def not_fetched(written: Written) -> None:
    path = written["rest"].file("eeg.edf")
    path.unlink()
    path.symlink_to("../../.git/annex/objects/aa/bb/SHA256E-s1--00.edf")


def edf_dimension(text: str) -> Callable[[Written], object]:
    """Write another unit into the header; the numbers stay microvolts."""

    def do(written: Written) -> None:
        path = written["rest"].file("eeg.edf")
        content = bytearray(path.read_bytes())
        n_signals = int(content[252:256])
        for number in range(n_signals):
            start = 256 + 96 * n_signals + 8 * number
            content[start : start + 8] = text.ljust(8).encode()
        path.write_bytes(bytes(content))

    return do


def edf_label(old: str, new: str) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        path = written["rest"].file("eeg.edf")
        content = path.read_bytes()
        assert content.count(old.ljust(16).encode()) == 1
        path.write_bytes(content.replace(old.ljust(16).encode(), new.ljust(16).encode()))
        written["rest"].file("channels.tsv").unlink()

    return do


def sample_of_fp1(value: float) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        path = written["rest"].file("eeg.eeg")
        numbers = np.fromfile(path, "<f4")
        numbers[20 * 250 * 19] = value
        numbers.tofile(path)

    return do


def without_numbers(seconds: float) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        path = written["rest"].file("eeg.eeg")
        numbers = np.fromfile(path, "<f4").reshape(-1, 19)
        numbers[5000 : 5000 + round(seconds * 250)] = np.nan
        numbers.tofile(path)

    return do


def flat(n_channels: int) -> Callable[[Written], object]:
    """Let channels keep one value; not zero, which would be the electrode that the recording is referred to."""

    def do(written: Written) -> None:
        written["rest"].data[:n_channels] = 12e-6

    return do


def copied(pairs: Sequence[tuple[str, str]], *, noise_v: float = 0.0) -> Callable[[Written], object]:
    """Let channels be copies of others; with noise, as gel between two electrodes does it."""

    def do(written: Written) -> None:
        recording = written["rest"]
        noise = np.random.default_rng(18).standard_normal(recording.data.shape[1])
        for original, copy in pairs:
            signal = recording.data[recording.names.index(original)]
            recording.data[recording.names.index(copy)] = signal + noise_v * noise

    return do


def channels_lost(n_channels: int, task: str) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        recording = written[task]
        recording.data, recording.names = recording.data[:-n_channels], recording.names[:-n_channels]

    return do


def unknown_names(written: Written) -> None:
    written["rest"].names = [f"E{number}" for number in range(1, 20)]


def reversed_order(written: Written) -> None:
    recording = written["rest"]
    recording.data, recording.names = recording.data[::-1], recording.names[::-1]


def referenced(written: Written) -> None:
    recording = written["rest"]
    recording.data = recording.data - recording.data.mean(axis=0)


def at_rate(rate_hz: float) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        recording = written["rest"]
        recording.data = recording.raw.resample(rate_hz, verbose="ERROR").get_data()
        recording.rate_hz = rate_hz

    return do


def only_seconds(seconds: float) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        recording = written["rest"]
        recording.data = recording.data[:, : round(seconds * recording.rate_hz)]

    return do


def event_cells(change: Callable[[int, tuple[str, str, str]], tuple[str, str, str]]) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        recording = written["pinprick"]
        rows = [change(number, row) for number, row in enumerate(recording.events)]
        write_rows(recording.file("events.tsv"), ("onset", "duration", "trial_type"), *rows)

    return do


def events_as(encoding: str, separator: str) -> Callable[[Written], object]:
    def do(written: Written) -> None:
        recording = written["pinprick"]
        header = ("onset", "duration", "trial_type")
        write_rows(recording.file("events.tsv"), header, *recording.events, encoding=encoding, separator=separator)

    return do


def only_clean(seconds: float) -> Callable[[Written], object]:
    """Mark everything but the last seconds as movement."""

    def do(written: Written) -> None:
        written["rest"].events = [("0.0", f"{REST_S - seconds:.3f}", "BAD movement")]

    return do


def one_clean_epoch(written: Written) -> None:
    """Leave half of the signal, in pieces that hold a single epoch of 2 s."""
    written["rest"].events = [(f"{start}.5", "1.0", "BAD movement") for start in range(2, int(REST_S) - 1, 2)]


def electrodes(unmeasured: str) -> Callable[[Written], object]:
    """Write measured positions, without those of one electrode."""

    def do(written: Written) -> None:
        recording = written["rest"]
        places = mne.channels.make_standard_montage("colin27_1005").get_positions()
        rows = [
            (name, *(("n/a",) * 3 if name == unmeasured else map(str, places["ch_pos"][name])))
            for name in recording.names
        ]
        person = f"sub-{recording.participant}"
        write_rows(recording.folder / f"{person}_space-CapTrak_electrodes.tsv", ("name", "x", "y", "z"), *rows)
        marks = {name: places[key].tolist() for name, key in (("NAS", "nasion"), ("LPA", "lpa"), ("RPA", "rpa"))}
        system = {"CoordinateSystem": "CapTrak", "CoordinateUnits": "m"}
        stated = {f"{kind}{key}": value for kind in ("EEG", "AnatomicalLandmark") for key, value in system.items()}
        stated["AnatomicalLandmarkCoordinates"] = marks
        (recording.folder / f"{person}_space-CapTrak_coordsystem.json").write_text(json.dumps(stated))

    return do


def split_fif(root: Path, label: str, signals: Signals) -> None:
    """Write a recording in parts of a folder source, and lose the second part."""
    recording = Recording(root, label, "rest", signals.rest)
    path = root / f"sub{label}_rest_raw.fif"
    with mne.utils.use_log_level("ERROR"):
        recording.raw.save(path, split_size="1.2MB", buffer_size_sec=1.0, fmt="double")
    (root / f"sub{label}_rest_raw-1.fif").unlink()


def cut_fif(root: Path, label: str, signals: Signals) -> None:
    """Write a recording of a folder source as a killed process leaves it."""
    path = root / f"sub{label}_rest_raw.fif"
    Recording(root, label, "rest", signals.rest).raw.save(path, buffer_size_sec=1.0, verbose="ERROR")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


FIF_FAULTS = (
    (
        Fault(8, "killed writer", "complete|readable", r"subX08KilledWriter_rest_raw\.fif", r"\S", "copy|export"),
        cut_fif,
    ),
    (
        Fault(9, "later part missing", "complete|readable|header|fetched", r"subX09LaterPartMissing_rest_raw\.fif",
              r"raw-1\.fif", "copy|export|restore|fetch"),
        split_fif,
    ),
)  # fmt: skip
"""Faults of FIF files, which lie in a folder of their own because BIDS has no EEG in FIF."""

MEASURED_FAULTS = (
    Fault(21, "no positions", "positions", r"_task-rest_eeg\.", "Fp1", "electrodes|montage"),
    Fault(21, "one position", "positions", r"_task-rest_eeg\.", r"no position.*\bO1\b", "electrodes|montage",
          after=electrodes("O1")),
)  # fmt: skip
"""Faults of a source that promises measured positions."""

_BOTH = ("rest", "pinprick")
_COPY = "copy|export"
_EEG = r"_task-rest_eeg\."

FAULTS = (
    Fault(1, "half", "complete|length", _EEG, r"25\.000 s", _COPY, after=cut("eeg.eeg", 0.5)),
    Fault(1, "two samples", "complete|length", _EEG, r"49\.992 s", _COPY, after=cut("eeg.eeg", less=2 * 19 * 4)),
    Fault(1, "a piece of a sample", "complete|length", _EEG, r"49\.996 s", _COPY, after=cut("eeg.eeg", less=3)),
    Fault(2, "half", "complete|length", _EEG, r"2[45]\.\d+ s", _COPY, after=cut("eeg.edf", 0.5), format="edf"),
    Fault(3, "data", "empty|header", r"_eeg\.(eeg|vhdr)", "empty", _COPY, after=emptied("eeg.eeg")),
    Fault(3, "header", "empty", r"_eeg\.vhdr", "empty", _COPY, after=emptied("eeg.vhdr")),
    Fault(3, "edf", "empty", r"_eeg\.edf", "empty", _COPY, after=emptied("eeg.edf"), format="edf"),
    Fault(4, "random bytes", "header", r"_eeg\.vhdr", "not a readable BrainVision header", _COPY, after=random_bytes),
    Fault(4, "encoding", "header", r"_eeg\.vhdr", "BrainVision header", _COPY, after=wrong_encoding),
    Fault(5, "renamed", "header", r"_eeg\.vhdr", r"DataFile|_eeg\.eeg", "copyfiles", after=renamed_data),
    Fault(6, "outside", "inside", r"_eeg\.vhdr", "outside the dataset", "header", after=points_outside),
    Fault(7, "no events", "events", "pinprick", "no event pinprick", "events",
          after=without("eeg.vmrk", "events.tsv"), tasks=_BOTH, left=("rest",), condition="pinprick"),
    Fault(10, "no fdt", "header|readable|complete|fetched", r"_eeg\.set", r"\.fdt", r"restore|copy|export|fdt",
          after=without("eeg.fdt"), format="eeglab"),
    Fault(10, "count", "header|readable|complete", r"_eeg\.(set|fdt)", r"118750|\d+ (samples|times|points|bytes)",
          _COPY, after=cut("eeg.fdt", 0.5), format="eeglab"),
    Fault(11, "not fetched", "fetched", r"_eeg\.edf", "content not fetched", "datalad get", after=not_fetched,
          format="edf"),
    Fault(13, "blank unit", "amplitude", _EEG, "microvolt", "unit_scale", after=edf_dimension(""), format="edf"),
    Fault(13, "odd unit", "amplitude", _EEG, "microvolt", "unit_scale", after=edf_dimension(".V"), format="edf"),
    Fault(13, "volt", "amplitude|units", _EEG, r"V", "unit_scale", after=replaced("eeg.vhdr", "µV", "V")),
    Fault(14, "table says volt", "units|sidecar", r"channels\.tsv|_eeg\.vhdr", r"\bV\b",
          r"unit_scale|units|channels\.tsv", after=replaced("channels.tsv", "\tµV\t", "\tV\t")),
    Fault(15, "over the limit", "bad channels|flat", r"\S", "flat", r"\S", before=flat(6)),
    Fault(17, "over the limit", "finite", _EEG, r"numbers|NaN|finite|gaps?", r"\S", after=without_numbers(10.0)),
    Fault(18, "over the limit", "bridged|copied|bad channels", r"\S", "Fp1", r"\S",
          before=copied([("Fp1", "Fp2"), ("F7", "F3"), ("Fz", "F4"), ("T7", "C3"), ("C4", "T8"), ("P7", "P3")])),
    Fault(19, "edf", "names", _EEG, "Cz", "rename_channels|drop_channels", after=edf_label("Pz", "Cz"), format="edf"),
    Fault(19, "table", "sidecar|names", r"channels\.tsv", "Cz", r"\S",
          after=replaced("channels.tsv", "\nPz\t", "\nCz\t")),
    Fault(20, "half the channels", "channels differ", r"channels|_task-rest_eeg\.", "Pz", r"rename|drop",
          before=channels_lost(10, "rest"), tasks=_BOTH, left=("pinprick",)),
    Fault(21, "unknown names", "electrodes|positions", r"\S", "E1", "montage|rename", before=unknown_names),
    Fault(22, "slower", "sampling rate|rate", r"\S", "200", r"\S", before=at_rate(200.0)),
    Fault(23, "short", "duration", _EEG, r"3\.000 s", r"\S", before=only_seconds(3.0)),
    Fault(23, "few epochs", "epochs|too few epochs", r"\S", r"\b5\b", r"n_epochs|\S", before=only_clean(10.0),
          condition="rest"),
    Fault(23, "no signal", "too short|epochs|too few epochs", r"\S", r"\b(0|no)\b", r"\S", before=only_clean(0.0)),
    Fault(24, "one epoch", "epochs|too few epochs", r"\S", r"\b1\b", r"n_epochs|\S", before=one_clean_epoch,
          condition="rest"),
    Fault(28, "renamed event", "events", "pinprick", "no event pinprick", "events",
          after=event_cells(lambda _, row: (row[0], row[1], "touch")), tasks=_BOTH, left=("rest",),
          condition="pinprick"),
    Fault(29, "no number", "events", "pinprick", "2 of 22", "events",
          after=event_cells(lambda number, row: ("n/a" if number < 2 else row[0], *row[1:])),
          tasks=("pinprick",), condition="pinprick"),
    Fault(29, "samples", "events", "pinprick", r"\d+ of 22", "events",
          after=event_cells(lambda _, row: (f"{float(row[0]) * 250:.0f}", *row[1:])),
          tasks=("pinprick",), condition="pinprick"),
    Fault(29, "after the end", "events", "pinprick", "1 of 22", "events",
          after=event_cells(lambda number, row: ("500.0" if number == 21 else row[0], *row[1:])),
          tasks=("pinprick",), condition="pinprick"),
    Fault(30, "commas", "sidecar", r"_task-pinprick_events\.tsv", "commas", r"tab",
          after=events_as("utf-8", ","), tasks=_BOTH, left=("rest",)),
    Fault(30, "utf16", "sidecar", r"_task-pinprick_events\.tsv", "UTF-16", "UTF-8", after=events_as("utf-16", "\t"),
          tasks=_BOTH, left=("rest",)),
)  # fmt: skip


SURVIVORS = (
    Fault(7, "events in the table", "", "", "", "", after=without("eeg.vmrk"), tasks=_BOTH, left=_BOTH),
    Fault(15, "one channel", "", "", "", "", before=flat(1), left=("rest",)),
    Fault(17, "nan", "", "", "", "", after=sample_of_fp1(np.nan), left=("rest",)),
    Fault(17, "inf", "", "", "", "", after=sample_of_fp1(np.inf), left=("rest",)),
    Fault(18, "one copy", "", "", "", "", before=copied([("Fp1", "Fp2")]), left=("rest",)),
    Fault(18, "one bridge", "", "", "", "", before=copied([("Fp1", "Fp2")], noise_v=3e-7), left=("rest",)),
    Fault(20, "one channel less", "", "", "", "", before=channels_lost(1, "rest"), tasks=_BOTH, left=_BOTH),
    Fault(20, "other order", "", "", "", "", before=reversed_order, left=("rest",)),
    Fault(22, "faster", "", "", "", "", before=at_rate(500.0), left=("rest",)),
    Fault(26, "average reference", "", "", "", "", before=referenced, left=("rest",)),
    Fault(30, "byte order mark", "", "", "", "", after=events_as("utf-8-sig", "\t"), tasks=("pinprick",),
          left=("pinprick",)),
)  # fmt: skip
"""What looks broken and must be handled, so that these people stay."""
