"""What a folder shows: sources, participants table, channels, rates, lengths, events, mains, low-pass, positions."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.data import Participants, Source
from painconn.errors import InputError, PainconnError, Problem, RecordingFault
from painconn.recordings.features_table import read_features
from painconn.recordings.layout import RecordingFile, find_inventory, unmatched_files
from painconn.recordings.participants import read_participants
from painconn.recordings.proposal.electrodes import ChannelNaming, channel_naming
from painconn.recordings.proposal.layouts import PARTICIPANT_TABLES, FolderLayout, folder_layout
from painconn.recordings.proposal.naming import common_prefix
from painconn.recordings.proposal.spectra import strongest_line, visible_lowpass
from painconn.recordings.proposal.wording import listed
from painconn.recordings.readers import Header, read_header, read_recording, sidecars_of
from painconn.recordings.tables import TableError, TextTable, read_text_table

_MOST_HEADERS = 60
_MOST_SPECTRA = 4
_SPECTRUM_S = 60.0
_ID_COLUMNS = ("participant_id", "participant", "subject", "subject_id", "id")


@dataclass
class Survey:
    """What was seen; `undecided` says in words what was not.

    Parameters
    ----------
    layout : FolderLayout
        Sources, with what is known of each.
    sources : list of Source
        The same, validated, before anything is said about channels.
    files : list of RecordingFile
        Everything found.
    headers : list of (RecordingFile, Header)
        A sample of them: whole sessions, spread over the folder.
    naming : ChannelNaming or None
        How channels are called.
    table : DataFrame or None
        Participants table.
    participants : Participants or None
        How it is read.
    features : DataFrame or None
        Layout features: the ready table, when it can be read.
    lines_hz, lowpass_hz : set of float, list of float
        Mains frequencies seen in the spectra, and low-pass edges.
    stated_lowpass_hz : set of float
        Low-pass edges that the sidecars state.
    undecided : list of str
        Sentences for the comments.
    """

    layout: FolderLayout
    sources: list[Source]
    files: list[RecordingFile] = field(default_factory=list)
    headers: list[tuple[RecordingFile, Header]] = field(default_factory=list)
    naming: ChannelNaming | None = None
    table: pd.DataFrame | None = None
    participants: Participants | None = None
    features: pd.DataFrame | None = None
    lines_hz: set[float] = field(default_factory=set)
    lowpass_hz: list[float] = field(default_factory=list)
    stated_lowpass_hz: set[float] = field(default_factory=set)
    undecided: list[str] = field(default_factory=list)

    @property
    def people(self) -> set[str]:
        """Labels of the participants who have recordings (or rows of the ready table)."""
        if self.features is not None:
            return set(self.features["participant"])
        return {file.participant for file in self.files}

    def named_source(self, file: RecordingFile) -> Source:
        """Return the source of a recording, with the channel names as they were understood."""
        source = self.sources[file.source]
        if self.naming is None:
            return source
        naming = {"strip_prefix": self.naming.strip_prefix, "strip_suffix": self.naming.strip_suffix}
        return source.model_copy(
            update={**naming, "rename_channels": self.naming.rename, "channel_types": self.naming.kinds}
        )


def survey_folder(folder: Path) -> Survey:
    """Look at a folder of recordings, or of a ready table.

    Raises
    ------
    InputError
        Nothing that could be analysed, or names that cannot be used; everything at once.
    """
    people = _people_table(folder)
    layout = folder_layout(folder, people.cells if people else [])
    sources = [Source.model_validate({"root": root, **fields}) for root, fields in layout.sources]
    survey = Survey(layout, sources, undecided=list(layout.notes))
    if layout.kind == "features":
        _read_ready_table(survey)
    else:
        _find_files(survey)
        _read_headers(survey)
        if layout.kind != "epochs":
            _read_spectra(survey)
    if people is not None:
        _read_people(survey, folder, people)
    _name_phenotype_tables(survey, folder)
    return survey


@dataclass(frozen=True)
class _PeopleTable:
    """The participants table as text, its file, and the column of the labels."""

    text: TextTable
    file: str
    id_column: str

    @property
    def cells(self) -> list[str]:
        return [row[self.id_column].strip().removeprefix("sub-") for row in self.text.rows]


def _people_table(folder: Path) -> _PeopleTable | None:
    for name in PARTICIPANT_TABLES:
        if (folder / name).is_file():
            try:
                text = read_text_table(folder / name, name=name)
            except TableError as error:
                raise InputError(error.problems) from error
            lowered = {column.lower(): column for column in text.columns}
            id_column = next((lowered[column] for column in _ID_COLUMNS if column in lowered), text.columns[0])
            return _PeopleTable(text, name, id_column)
    return None


def _read_people(survey: Survey, folder: Path, people: _PeopleTable) -> None:
    cells, labels = people.cells, survey.people
    prefix = common_prefix(cells)
    use_prefix = prefix if not labels & set(cells) and labels & {cell.removeprefix(prefix) for cell in cells} else ""
    file = Path(people.file) if survey.sources[0].root == folder else folder / people.file
    survey.participants = Participants(table=file, id_column=people.id_column, id_prefix=use_prefix, exclude=())
    try:
        survey.table = read_participants(survey.participants, folder)
    except PainconnError as error:
        survey.undecided += [f"participants table: {problem}" for problem in error.problems[:5]]
        return
    for who, where in (
        (labels - set(survey.table.index), "the participants table"),
        (set(survey.table.index) - labels, "the recordings"),
    ):
        if who:
            survey.undecided.append(f"{len(who)} participant(s) are not in {where}: {listed(sorted(who), 8)}")


def _name_phenotype_tables(survey: Survey, folder: Path) -> None:
    tables = sorted(path.name for path in (folder / "phenotype").glob("*.tsv"))
    if tables:
        survey.undecided.append(
            f"phenotype tables ({listed(tables)}) can make a label: set data.phenotype to a rule of "
            "`painconn list phenotypes`, with table: phenotype/NAME.tsv"
        )


def _read_ready_table(survey: Survey) -> None:
    source = survey.sources[0]
    try:
        survey.features = read_features(source, source.root)
    except PainconnError as error:
        survey.undecided += [f"features table: {problem}" for problem in error.problems[:5]]


def _find_files(survey: Survey) -> None:
    survey.files = find_inventory([(source, source.root) for source in survey.sources], {})
    left = [name for source in survey.sources for name in unmatched_files(source, source.root)]
    if left:
        survey.undecided.append(f"{len(left)} file(s) do not fit the layout and are not used: {listed(left)}")
    refused = [file for file in survey.files if file.refused]
    if len(refused) == len(survey.files):
        raise InputError(_all_refused(survey.files))
    if refused:
        survey.undecided.append(
            f"{len(refused)} of {len(survey.files)} recordings are links without content (not fetched), or lead out of "
            "the folder; what is proposed rests on the others"
        )


def _all_refused(files: list[RecordingFile]) -> list[Problem]:
    fixes = {
        "fetched": ("links whose content is not there", "the files themselves", "datalad get (or git annex get) them"),
        "inside": ("links that lead out of the folder", "files inside it", "copy the files into the folder"),
    }
    counts = Counter(file.refused for file in files)
    return [
        Problem("recordings", f"{count} of {len(files)}: {found}", wanted, fix)
        for check, count in counts.items()
        for found, wanted, fix in (fixes.get(check, (check, "files that can be opened", "look at them")),)
    ]


def _sample(files: list[RecordingFile]) -> list[RecordingFile]:
    """Choose whole sessions, spread over the folder: conditions count what a session holds."""
    sessions: dict[tuple[str, str], list[RecordingFile]] = defaultdict(list)
    for file in files:
        if not file.refused:
            sessions[file.participant, file.session].append(file)
    keys = sorted(sessions)
    most = max(1, int(_MOST_HEADERS / np.mean([len(session) for session in sessions.values()])))
    picks = np.unique(np.linspace(0, len(keys) - 1, most).astype(int))
    return [file for index in picks for file in sessions[keys[index]]]


def _read_headers(survey: Survey) -> None:
    """Read headers of a sample, first with the names as they are in the files, then where that failed as understood."""
    faults: dict[RecordingFile, RecordingFault] = {}
    headers: dict[RecordingFile, Header] = {}
    names = Counter[str]()
    for file in _sample(survey.files):
        source = survey.sources[file.source]
        try:
            headers[file] = read_header(source.root / file.path, source, source.root)
            names.update(_eeg(headers[file]))
        except RecordingFault as fault:
            faults[file] = fault
            names.update(_names_in_file(file, source) if fault.check == "sidecar" else ())
    survey.naming = channel_naming(list(names)) if names else None
    for file in list(faults):
        try:
            headers[file] = read_header(
                survey.sources[file.source].root / file.path,
                survey.named_source(file),
                survey.sources[file.source].root,
            )
            del faults[file]
        except RecordingFault as fault:
            faults[file] = fault
    survey.headers = [(file, headers[file]) for file in sorted(headers)]
    problems = _told_once([fault.problems[0] for fault in faults.values()])
    survey.undecided += [f"not usable: {problem}" for problem in problems]
    if not headers:
        raise InputError(problems)


def _told_once(problems: list[Problem]) -> list[Problem]:
    """Put recordings of which the same is to be said into one problem."""
    places: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for problem in problems:
        places[problem.found, problem.wanted, problem.fix].append(problem.where)
    return [Problem(listed(where, 3) + f" ({len(where)})" * (len(where) > 1), *told) for told, where in places.items()]


def _eeg(header: Header) -> list[str]:
    return [name for name, kind in zip(header.names, header.types, strict=True) if kind == "eeg"]


def _names_in_file(file: RecordingFile, source: Source) -> list[str]:
    """Return the channel names of a BIDS recording whose sidecars name others."""
    bare = source.model_copy(update={"layout": "folder"})
    try:
        return _eeg(read_header(source.root / file.path, bare, source.root))
    except RecordingFault:
        return []


def _read_spectra(survey: Survey) -> None:
    if survey.naming is None:
        return
    electrodes = {survey.naming.rename.get(name, name) for name in survey.naming.electrodes}
    picks = np.unique(np.linspace(0, len(survey.headers) - 1, _MOST_SPECTRA).astype(int))
    for file, _ in (survey.headers[index] for index in picks):
        source = survey.named_source(file)
        path, root = source.root / file.path, source.root
        try:
            sidecars = sidecars_of(path, source, root)
            raw = read_recording(path, source=source, root=root, descriptions=(), sidecars=sidecars)
        except RecordingFault:
            continue
        if sidecars.lowpass_hz is not None:
            survey.stated_lowpass_hz.add(sidecars.lowpass_hz)
        _look_at_spectrum(survey, raw, electrodes)


def _look_at_spectrum(survey: Survey, raw: Any, electrodes: set[str]) -> None:
    names = [name for name in raw.ch_names if name in electrodes]
    if not names and "eeg" not in raw.get_channel_types():
        return
    data = raw.get_data(picks=names or "eeg", tmin=0, tmax=min(_SPECTRUM_S, float(raw.times[-1])))
    sfreq_hz = float(raw.info["sfreq"])
    if data.shape[1] < 4 * sfreq_hz or not np.isfinite(data).all():
        return
    line, lowpass = strongest_line(data, sfreq_hz), visible_lowpass(data, sfreq_hz)
    if line is not None:
        survey.lines_hz.add(line)
    survey.lowpass_hz.append(lowpass or 0.0)
