"""BIDS sidecars of one recording: ``_eeg.json``, ``_channels.tsv``, ``_events.tsv``.

They are read here and not through MNE-BIDS because the door needs what a merged recording no longer tells: the row of
an event that could not be read, the duration that was stated (and how precisely), an event that lies beyond the end.
Coordinate frames of ``_electrodes.tsv`` are left to MNE-BIDS.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from painconn.config.events import SEPARATOR
from painconn.errors import Problem, RecordingFault
from painconn.recordings.entities import sidecar_entities
from painconn.recordings.tables import MISSING, TableError, TextTable, read_text_table

_TYPES = {
    "EEG": "eeg", "EOG": "eog", "VEOG": "eog", "HEOG": "eog", "ECG": "ecg", "EMG": "emg", "TRIG": "stim",
    "MISC": "misc", "AUDIO": "misc", "EYEGAZE": "misc", "GSR": "misc", "PPG": "misc", "PUPIL": "misc", "REF": "misc",
    "RESP": "misc", "SYSCLOCK": "misc", "TEMP": "misc",
}  # fmt: skip
_COLUMNS = frozenset({
    "name", "type", "units", "description", "sampling_frequency", "reference", "low_cutoff", "high_cutoff", "notch",
    "software_filters", "status", "status_description",
    "onset", "duration", "trial_type", "value", "sample", "response_time", "stim_file", "channel", "HED",
})  # fmt: skip
_LOWEST, _LONGEST_S, _HIGHEST_HZ = 1e-6, 1e9, 1e6


@dataclass(frozen=True)
class Event:
    """One row of an events table.

    Parameters
    ----------
    onset_s : float or None
        Seconds from the first sample; None when the cell could not be read.
    duration_s : float
        0 when there is none.
    description : str
        ``trial_type``, else ``value``; or the columns that the source names, joined.
    sample : float or None
        The same instant as a number of samples, where the table tells it.
    """

    onset_s: float | None
    duration_s: float
    description: str
    sample: float | None = None


@dataclass(frozen=True)
class Sidecars:
    """What the sidecars of a recording state; None or empty where they do not.

    Parameters
    ----------
    duration_s, duration_tolerance_s : float or None
        ``RecordingDuration``, and one unit of the last decimal that was written.
    sfreq_hz, line_freq_hz : float or None
        ``SamplingFrequency`` and ``PowerLineFrequency``.
    lowpass_hz : float or None
        The lowest ``high_cutoff`` of the EEG channels.
    channel_types : dict
        Type by channel name, in the order of the table.
    channel_units : dict
        ``units`` by channel name, as written.
    bad_channels : tuple of str
        Channels of status bad.
    events : tuple of Event or None
        None: no events table.
    """

    duration_s: float | None = None
    duration_tolerance_s: float | None = None
    sfreq_hz: float | None = None
    line_freq_hz: float | None = None
    lowpass_hz: float | None = None
    channel_types: dict[str, str] = field(default_factory=dict)
    channel_units: dict[str, str] = field(default_factory=dict)
    bad_channels: tuple[str, ...] = ()
    events: tuple[Event, ...] | None = None


def read_sidecars(
    path: Path, root: Path, *, event_columns: Sequence[str] = (), event_names: Mapping[str, str] | None = None
) -> Sidecars:
    """Read the sidecars of a BIDS recording, those inherited from folders above included.

    Parameters
    ----------
    path, root : Path
        The recording and its dataset.
    event_columns : sequence of str
        Columns of the events table that name an event together; empty: ``trial_type``, else ``value``.
    event_names : mapping of str to str, or None
        Other names for what these columns say.

    Raises
    ------
    RecordingFault
        A sidecar cannot be read; file and row are named.
    """
    try:
        stated: dict[str, Any] = {}
        for sidecar in reversed(sidecar_files(path, root, "eeg", ".json")):
            stated |= _json(sidecar)
        channels = next(iter(sidecar_files(path, root, "channels", ".tsv")), None)
        events = next(iter(sidecar_files(path, root, "events", ".tsv")), None)
        where = f"{path.name}: _eeg.json field"
        duration = _positive(where, stated, "RecordingDuration", highest=_LONGEST_S)
        sfreq = _positive(where, stated, "SamplingFrequency", highest=_HIGHEST_HZ)
        line_freq = _positive(where, stated, "PowerLineFrequency", highest=_HIGHEST_HZ)
        return Sidecars(
            duration_s=None if duration is None else float(duration),
            duration_tolerance_s=None if duration is None else 10.0 ** min(int(duration.as_tuple().exponent), 0),
            sfreq_hz=None if sfreq is None else float(sfreq),
            line_freq_hz=None if line_freq is None else float(line_freq),
            events=None
            if events is None
            else tuple(_events(read_text_table(events), event_columns, event_names or {})),
            **({} if channels is None else _channels(read_text_table(channels))),
        )
    except TableError as fault:
        raise RecordingFault("sidecar", fault.problems[0]) from fault


def sidecar_files(path: Path, root: Path, suffix: str, extension: str) -> list[Path]:
    """Return the sidecars that apply to a recording, nearest and most specific first (the inheritance principle).

    A sidecar applies when it lies in the recording's folder or above it, inside the root, and every entity in its name
    is in the name of the recording (``space-`` of electrodes excepted).
    """
    entities = set(path.name.split("_")[:-1])
    found: list[Path] = []
    folder = path.parent
    while folder.is_relative_to(root):
        fitting = [
            file for file in folder.glob(f"*{suffix}{extension}") if _applies(file, entities, suffix + extension)
        ]
        found += sorted(fitting, key=lambda file: (-file.name.count("_"), file.name))
        if folder == root:
            break
        folder = folder.parent
    return found


def _applies(file: Path, entities: set[str], end: str) -> bool:
    own, last = sidecar_entities(file.name)
    return last == end and own <= entities and file.is_file()


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        raise TableError(
            Problem(path.name, "not readable as JSON", "a JSON object", "write the sidecar again")
        ) from None
    if not isinstance(value, dict):
        raise TableError(Problem(path.name, "JSON that is no object", "a JSON object", "write the sidecar again"))
    return value


def _positive(where: str, stated: dict[str, Any], field: str, *, highest: float) -> Decimal | None:
    """Return a number above 0; None when nothing, no number or one that stands for nothing (0, -1) is stated."""
    value = stated.get(field)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value <= 0:
        return None
    number = Decimal(value)
    if not _LOWEST <= number <= highest:
        wanted = f"{_LOWEST:g} to {highest:g}"
        raise TableError(Problem(f"{where} {field}", f"{number:.3g}", wanted, "correct the sidecar"))
    return number


def _no_columns(table: TextTable, absent: Sequence[str], fix: str = "correct the header") -> TableError:
    """Say that columns are missing; other names are told only when BIDS has them: the row may be no header."""
    known = [name for name in table.columns if name in _COLUMNS]
    found = f"{len(table.columns)} columns" + (f", among them {', '.join(known)}" if known else "")
    return TableError(Problem(table.name, found, " and ".join(f"a column {name}" for name in absent), fix))


def _channels(table: TextTable) -> dict[str, Any]:
    if "name" not in table.columns:
        raise _no_columns(table, ["name"])
    names = [row["name"].strip() for row in table.rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(
            Problem(table.name, f"channel {', '.join(twice)} twice", "each channel once", "correct the table")
        )
    types = {}
    cutoffs = []
    for name, row in zip(names, table.rows, strict=True):
        types[name] = _TYPES.get(row.get("type", "EEG").strip().upper(), "misc")
        cutoff = parse_number(row.get("high_cutoff", ""))
        if types[name] == "eeg" and cutoff is not None and cutoff > 0:
            cutoffs.append(cutoff)
    bads = tuple(
        name for name, row in zip(names, table.rows, strict=True) if row.get("status", "").strip().lower() == "bad"
    )
    units = {name: row.get("units", "") for name, row in zip(names, table.rows, strict=True)}
    return {
        "channel_types": types,
        "channel_units": units,
        "bad_channels": bads,
        "lowpass_hz": min(cutoffs, default=None),
    }


def _events(table: TextTable, columns: Sequence[str], names: Mapping[str, str]) -> Iterator[Event]:
    absent = [column for column in ("onset", *columns) if column not in table.columns]
    if absent:
        fix = "correct the header, or event_columns of the source" if columns else "correct the header"
        raise _no_columns(table, absent, fix)
    for row in table.rows:
        told = [row.get(column, "").strip() for column in (columns or ("trial_type", "value"))]
        parts = [text for text in told if text not in MISSING]
        description = SEPARATOR.join(parts if columns else parts[:1])
        description = names.get(description, description)
        if description:
            duration = parse_number(row.get("duration", ""))
            yield Event(
                parse_number(row["onset"]), max(duration or 0.0, 0.0), description, parse_number(row.get("sample", ""))
            )


def parse_number(text: str) -> float | None:
    """Return a finite number, or None when the text is none."""
    if "_" in text:
        return None  # Python's way of writing 45 as 4_5
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
