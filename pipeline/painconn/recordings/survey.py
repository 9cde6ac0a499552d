"""What a folder of recordings shows: layout, participants table, channels, rates, lengths, events, mains, low-pass."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from painconn.config.data import Participants, Source
from painconn.errors import InputError, PainconnError, Problem, RecordingFault
from painconn.recordings.electrodes import ChannelNaming, channel_naming
from painconn.recordings.layout import RecordingFile, find_recordings, unmatched_files
from painconn.recordings.naming import common_prefix, guess_pattern
from painconn.recordings.participants import read_participants
from painconn.recordings.readers import Header, read_header, read_recording
from painconn.recordings.registry import READERS, reader_for
from painconn.recordings.tables import TableError, TextTable, read_text_table

_MOST_HEADERS = 60
_MOST_SPECTRA = 4
_DEEPEST = 3
_TABLE_NAMES = ("participants.tsv", "participants.csv", "subjects.tsv", "subjects.csv")
_ID_COLUMNS = ("participant_id", "participant", "subject", "subject_id", "id")


@dataclass
class Survey:
    """What was seen; `undecided` says in words what was not.

    Parameters
    ----------
    source : dict
        Fields of a :class:`painconn.config.data.Source` that are known.
    files : list of RecordingFile
        Everything found.
    headers : list of (RecordingFile, Header)
        A sample of them, spread over the folder.
    naming : ChannelNaming or None
        How channels are called.
    table : TextTable or None
        Participants table.
    participants : Participants or None
        How it is read.
    lines_hz, lowpass_hz : set of float, list of float
        Mains frequencies seen in the spectra, and low-pass edges.
    undecided : list of str
        Sentences for the comments.
    faults : list of Problem
        Recordings of the sample that cannot be used.
    """

    source: dict[str, str]
    files: list[RecordingFile] = field(default_factory=list)
    headers: list[tuple[RecordingFile, Header]] = field(default_factory=list)
    naming: ChannelNaming | None = None
    table: TextTable | None = None
    participants: Participants | None = None
    lines_hz: set[float] = field(default_factory=set)
    lowpass_hz: list[float] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)


def survey_folder(folder: Path) -> Survey:
    """Look at a folder of recordings.

    Raises
    ------
    InputError
        No recording in a known format, or names that cannot be used; everything at once.
    """
    table, id_column = _participants_table(folder)
    cells = [row[id_column].strip() for row in table.rows] if table is not None else []
    survey = Survey(source=_layout(folder, cells), table=table)
    source = Source.model_validate({"root": folder, **survey.source})
    survey.files = find_recordings(source, folder, {})
    if table is not None:
        bare = [cell.removeprefix("sub-") for cell in cells]
        prefix = common_prefix(bare)
        labels = {file.participant for file in survey.files}
        use_prefix = prefix if not labels & set(bare) and labels & {cell.removeprefix(prefix) for cell in bare} else ""
        survey.participants = Participants(
            table=Path(table.name), id_column=id_column, id_prefix=use_prefix, exclude=()
        )
        _compare_with_table(survey, folder, labels)
    left = unmatched_files(source, folder)
    if left:
        shown = ", ".join(left[:5]) + (" ..." if len(left) > 5 else "")
        survey.undecided.append(f"{len(left)} file(s) do not fit the layout and are not used: {shown}")
    _read_headers(survey, source, folder)
    _read_spectra(survey, source, folder)
    return survey


def strongest_line(data: np.ndarray, sfreq_hz: float) -> float | None:
    """Return the mains frequency (50 or 60 Hz) whose peak stands out by a factor of 3 over its neighbours, or None."""
    freqs, power = _spectrum(data, sfreq_hz)
    ratios = {}
    for line in (50.0, 60.0):
        if line + 5 < sfreq_hz / 2:
            peak = power[np.abs(freqs - line) <= 0.6].max()
            beside = np.median(power[(np.abs(freqs - line) > 1.5) & (np.abs(freqs - line) <= 5)])
            ratios[line] = peak / max(beside, np.finfo(float).tiny)
    best = max(ratios, key=lambda line: ratios[line], default=None)
    return best if best is not None and ratios[best] >= 3 else None


def visible_lowpass(data: np.ndarray, sfreq_hz: float) -> float | None:
    """Return the frequency (rounded down to 5 Hz) above which nothing is left of the signal, or None.

    Powers are multiplied by the squared frequency, which levels the ordinary fall of an EEG spectrum. Nothing is left
    where they stay below 2 % of those at 20-30 Hz all the way up to 0.45 of the rate; the edge is the last frequency
    above a half.
    """
    freqs, power = _spectrum(data, sfreq_hz)
    levelled = power * freqs**2
    reference = float(np.median(levelled[(freqs >= 20) & (freqs <= 30)]))
    top = 0.45 * sfreq_hz
    left = freqs[(levelled > 0.02 * reference) & (freqs <= top)]
    if left.size == 0 or left[-1] > 0.75 * top:
        return None
    edge = freqs[(levelled > 0.5 * reference) & (freqs <= left[-1])][-1]
    return float(5 * np.floor(edge / 5)) or None


def _spectrum(data: np.ndarray, sfreq_hz: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import welch

    freqs, power = welch(data, fs=sfreq_hz, nperseg=int(2 * sfreq_hz), axis=-1)
    return freqs, np.median(power, axis=0)


def _participants_table(folder: Path) -> tuple[TextTable | None, str]:
    for name in _TABLE_NAMES:
        if (folder / name).is_file():
            try:
                table = read_text_table(folder / name)
            except TableError as error:
                raise InputError(error.problems) from error
            lowered = {column.lower(): column for column in table.columns}
            return table, next((lowered[column] for column in _ID_COLUMNS if column in lowered), table.columns[0])
    return None, ""


def _layout(folder: Path, ids: list[str]) -> dict[str, str]:
    if any(folder.glob("sub-*/eeg/*_eeg.*")) or any(folder.glob("sub-*/ses-*/eeg/*_eeg.*")):
        return {"layout": "bids"}
    by_suffix: dict[tuple[str, str], list[str]] = {}
    for parent, folders, names in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEEPEST else []
        for name in sorted(names):
            reader = reader_for(name)
            if reader is not None and not name.startswith("."):
                suffix = next(name[-len(end) :] for end in reader.suffixes if name.lower().endswith(end))
                path = (Path(parent) / name).relative_to(folder).as_posix()
                by_suffix.setdefault((reader.name, suffix), []).append(path.removesuffix(suffix))
    if not by_suffix:
        known = ", ".join(suffix for reader in READERS.values() for suffix in reader.suffixes)
        raise InputError(
            _problem(folder, "no recording", f"files that end in {known}", "point at the folder of the recordings")
        )
    (reader_name, suffix), names = max(by_suffix.items(), key=lambda item: len(item[1]))
    pattern = guess_pattern(names, ids)
    if pattern is None:
        shown = ", ".join(name + suffix for name in names[:3])
        fix = "write data.sources yourself, with a pattern such as {participant}_{task}" + suffix
        raise InputError(_problem(folder, f"names without a common structure ({shown})", "a pattern", fix))
    layout = "epochs" if READERS[reader_name].holds == "epochs" else "folder"
    return {"layout": layout, "pattern": pattern + suffix}


def _problem(folder: Path, found: str, wanted: str, fix: str) -> Problem:
    return Problem(str(folder), found, wanted, fix)


def _compare_with_table(survey: Survey, folder: Path, labels: set[str]) -> None:
    if survey.participants is None:
        return
    try:
        table = read_participants(survey.participants, folder)
    except PainconnError as error:
        survey.undecided += [f"participants table: {problem}" for problem in error.problems[:5]]
        survey.table = None
        return
    for who, where in (
        (labels - set(table.index), "the participants table"),
        (set(table.index) - labels, "the recordings"),
    ):
        if who:
            shown = ", ".join(sorted(who)[:8]) + (" ..." if len(who) > 8 else "")
            survey.undecided.append(f"{len(who)} participant(s) are not in {where}: {shown}")


def _read_headers(survey: Survey, source: Source, folder: Path) -> None:
    """Read headers of a sample spread over the folder, with the names as they are in the files."""
    picks = np.unique(np.linspace(0, len(survey.files) - 1, _MOST_HEADERS).astype(int))
    seen = Counter[str]()
    readable = []
    for file in (survey.files[index] for index in picks):
        try:
            header = read_header(folder / file.path, source, folder)
        except RecordingFault as fault:
            survey.faults.append(fault.problems[0])
            continue
        readable.append((file, header))
        seen.update(name for name, kind in zip(header.names, header.types, strict=True) if kind == "eeg")
    survey.headers = readable
    survey.undecided += [f"not usable: {problem}" for problem in survey.faults]
    if not readable:
        raise InputError(survey.faults)
    survey.naming = channel_naming(list(seen)) if seen else None


def _read_spectra(survey: Survey, source: Source, folder: Path) -> None:
    if source.layout == "epochs" or not survey.headers or survey.naming is None:
        return
    picks = np.unique(np.linspace(0, len(survey.headers) - 1, _MOST_SPECTRA).astype(int))
    named = source.model_copy(
        update={"strip_prefix": survey.naming.strip_prefix, "strip_suffix": survey.naming.strip_suffix}
    )
    for file, _ in (survey.headers[index] for index in picks):
        try:
            raw = read_recording(folder / file.path, source=named, root=folder, descriptions=())
        except RecordingFault:
            continue
        names = [name for name in raw.ch_names if name in survey.naming.electrodes]
        data = raw.get_data(picks=names or "eeg", tmin=0, tmax=min(60.0, float(raw.times[-1])))
        sfreq_hz = float(raw.info["sfreq"])
        if data.shape[1] < 4 * sfreq_hz or not np.isfinite(data).all():
            continue
        line, lowpass = strongest_line(data, sfreq_hz), visible_lowpass(data, sfreq_hz)
        if line is not None:
            survey.lines_hz.add(line)
        survey.lowpass_hz.append(lowpass or 0.0)
