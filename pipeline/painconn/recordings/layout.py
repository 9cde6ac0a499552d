"""Discovery: which recordings lie in the sources of a study.

Only names and ``stat`` are looked at, no file is opened, so that a thousand recordings take well under a second.
Everything that is wrong with the names is told at once, and a recording that cannot be opened (content not fetched,
link out of the dataset) is kept in the inventory with the reason, because exclusions are results.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from painconn.config.data import Condition, Source
from painconn.errors import InputError, Problem
from painconn.recordings.pattern import LABEL, compile_pattern
from painconn.recordings.registry import reader_for

_BIDS_PARTS = {"sub": "participant", "ses": "session", "task": "task", "run": "run"}
_LABEL_RULE = "letters and digits only ([A-Za-z0-9]+)"
_MOST_NAMED = 12


@dataclass(frozen=True, order=True)
class RecordingFile:
    """One recording of one participant, as its name says.

    Parameters
    ----------
    participant, session, task, run : str
        Labels; ``""`` where there is none.
    site : str
        Site of the source.
    path : str
        Path relative to the root of the source, with ``/``.
    suffix : str
        End of the file name in lower case that decides the reader.
    size_bytes, mtime_ns : int
        Of the file that is opened (of a header, where there are several files); 0 when it is not there.
    source : int
        Position in ``data.sources``.
    refused : str
        ``""``, or the check that refuses it before it is opened: ``fetched`` or ``inside``.
    """

    participant: str
    session: str
    task: str
    run: str
    site: str
    path: str
    suffix: str
    size_bytes: int
    mtime_ns: int
    source: int = 0
    refused: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What must be unique: participant, session, task, run."""
        return (self.participant, self.session, self.task, self.run)


def serves(recording: RecordingFile, name: str, condition: Condition) -> bool:
    """Whether a recording holds a condition: its task is the condition's, or file names carry no task."""
    return recording.task in ("", condition.task or name)


def find_recordings(
    source: Source, root: Path, conditions: Mapping[str, Condition], *, exclude: Collection[str] = ()
) -> list[RecordingFile]:
    """Find the recordings of one source.

    Parameters
    ----------
    source : Source
        Layout, pattern and site.
    root : Path
        Folder of the source.
    conditions : mapping of str to Condition
        Recordings of tasks that none of them needs are left out; an empty mapping keeps all.
    exclude : collection of str
        Participants left out.

    Returns
    -------
    recordings : list of RecordingFile
        Sorted by participant, session, task and run.

    Raises
    ------
    InputError
        Every problem of the names: labels, two files for one recording, no recording at all.
    ConfigError
        The pattern is at fault.
    """
    return find_inventory([(source, root)], conditions, exclude=exclude)


def find_inventory(
    sources: Sequence[tuple[Source, Path]], conditions: Mapping[str, Condition], *, exclude: Collection[str] = ()
) -> list[RecordingFile]:
    """Find the recordings of all sources of a study; see :func:`find_recordings`.

    A participant and session must not occur in two sources.
    """
    found: list[RecordingFile] = []
    problems: list[Problem] = []
    for position, (source, root) in enumerate(sources):
        files, faults = _scan(source, root, position)
        found += files
        problems += faults
    kept = [file for file in found if file.participant not in exclude]
    if conditions:
        kept = [file for file in kept if any(serves(file, name, one) for name, one in conditions.items())]
    problems += _repeated(kept)
    problems += _in_two_sources(kept)
    if not problems:
        problems += _conditions_without_recording(found, conditions, sources)
    if problems:
        raise InputError(problems)
    return sorted(kept)


def unmatched_files(source: Source, root: Path) -> list[str]:
    """Return the recordings below the root, in a format that can be read, that the layout does not take up."""
    taken = {file.path for file in _scan(source, root, 0)[0]}
    depth = _BIDS_DEPTH if source.layout == "bids" else (source.pattern or "").count("/")
    return [
        name
        for name, _ in _walk(root, depth)
        if reader_for(name) and name not in taken and not _is_later_part(root, name)
    ]


_BIDS_DEPTH = 3


def _scan(source: Source, root: Path, position: int) -> tuple[list[RecordingFile], list[Problem]]:
    if not root.is_dir():
        fix = "correct data.sources.root, or point --data at the folder"
        return [], [Problem(f"data.sources[{position}].root", f"no folder {root}", "the folder of the recordings", fix)]
    parts_of = _bids_parts(root) if source.layout == "bids" else _pattern_parts(source, root)
    files, problems = [], []
    for name, entry, parts in parts_of:
        faults = [
            Problem(name, f"{part} {label!r}", _LABEL_RULE, "rename the file, or adapt the pattern")
            for part, label in parts.items()
            if not LABEL.fullmatch(label)
        ]
        problems += faults
        if not faults:
            files.append(_recording_file(name, entry, parts, source.site, position, root))
    if not files and not problems:
        wanted = "sub-*/[ses-*/]eeg/*_eeg.*" if source.layout == "bids" else f"files named {source.pattern}"
        fix = "check root, layout and pattern of this source"
        problems.append(Problem(f"data.sources[{position}].root {root}", "no recording", wanted, fix))
    return files, problems


def _recording_file(
    name: str, entry: os.DirEntry[str], parts: Mapping[str, str], site: str, position: int, root: Path
) -> RecordingFile:
    reader = reader_for(name)
    suffixes = reader.suffixes if reader else ()
    suffix = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), Path(name).suffix.lower())
    refused, size, mtime = "", 0, 0
    try:
        status = entry.stat()
        size, mtime = status.st_size, status.st_mtime_ns
        if not Path(os.path.realpath(entry.path)).is_relative_to(os.path.realpath(root)):
            refused = "inside"
    except OSError:
        refused = "fetched"
    labels = {part: parts.get(part, "") for part in _BIDS_PARTS.values()}
    return RecordingFile(
        **labels, site=site, path=name, suffix=suffix, size_bytes=size, mtime_ns=mtime, source=position, refused=refused
    )


def _walk(root: Path, depth: int, *, first: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield (relative posix path, entry) of all that is no folder, sorted, without hidden names.

    Folders at the top are entered only when their name starts with `first`.
    """

    def below(folder: str, prefix: str, left: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
        for entry in ordered:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if left and (prefix or entry.name.startswith(first)):
                    yield from below(entry.path, f"{prefix}{entry.name}/", left - 1)
            else:
                yield prefix + entry.name, entry

    yield from below(str(root), "", depth)


def _is_later_part(root: Path, name: str) -> bool:
    """Whether a FIF file is a later part of a split recording: ``x-1.fif`` beside ``x.fif``."""
    stem, _, number = Path(name).stem.rpartition("-")
    return name.lower().endswith(".fif") and number.isdigit() and (root / name).with_name(f"{stem}.fif").exists()


def _pattern_parts(source: Source, root: Path) -> Iterator[tuple[str, os.DirEntry[str], dict[str, str]]]:
    pattern = source.pattern or ""
    expression = compile_pattern(pattern)
    holds = "epochs" if source.layout == "epochs" else "continuous"
    for name, entry in _walk(root, pattern.count("/")):
        match = expression.fullmatch(name)
        reader = reader_for(name)
        if match and reader and reader.holds == holds and not _is_later_part(root, name):
            yield name, entry, match.groupdict()


def _bids_parts(root: Path) -> Iterator[tuple[str, os.DirEntry[str], dict[str, str]]]:
    for name, entry in _walk(root, _BIDS_DEPTH, first="sub-"):
        *folders, file_name = name.split("/")
        datatype = folders.pop() if folders else ""
        stem = file_name.rsplit(".", 1)[0]
        reader = reader_for(name)
        if not (folders and datatype == "eeg" and stem.endswith("_eeg") and reader and reader.holds == "continuous"):
            continue
        entities = dict(piece.partition("-")[::2] for piece in stem.split("_")[:-1])
        if entities.get("split", "1").strip("0") not in ("", "1"):
            continue
        parts = {part: entities[key] for key, part in _BIDS_PARTS.items() if key in entities}
        # Folder and file must name the same person and session; where they differ, both are shown as the label.
        for key, label in (folder.partition("-")[::2] for folder in folders):
            part = _BIDS_PARTS.get(key, key)
            if parts.get(part) != label:
                parts[part] = f"{label} (folder) / {parts.get(part, 'none')} (file name)"
        yield name, entry, {"task": " (none)", **parts}


def _repeated(files: Iterable[RecordingFile]) -> Iterator[Problem]:
    groups = defaultdict(list)
    for file in files:
        groups[(file.source, *file.key)].append(file.path)
    for (_, *key), paths in groups.items():
        if len(paths) > 1:
            labels = " ".join(label for label in key if label)
            fix = "keep one of them, or tell them apart by session or run"
            yield Problem(f"recording {labels}", ", ".join(paths), "one file per recording", fix)


def _in_two_sources(files: Iterable[RecordingFile]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for file in files:
        seen[(file.participant, file.session)].setdefault(file.source, file.path)
    for (participant, session), paths in seen.items():
        if len(paths) > 1:
            where = f"participant {participant}" + (f" session {session}" if session else "")
            found = ", ".join(f"data.sources[{position}] {path}" for position, path in sorted(paths.items()))
            yield Problem(where, found, "each participant and session in one source", "rename the labels of one source")


def _conditions_without_recording(
    files: Sequence[RecordingFile], conditions: Mapping[str, Condition], sources: Sequence[tuple[Source, Path]]
) -> Iterator[Problem]:
    tasks = sorted({file.task for file in files})
    for name, condition in conditions.items():
        task = condition.task or name
        where = f"data.conditions.{name}"
        if "" in tasks and condition.task is not None:
            patterns = ", ".join(str(source.pattern) for source, _ in sources)
            fix = "add {task} to the pattern, or leave task out"
            yield Problem(
                f"{where}.task",
                f"task {task}, but file names without a task ({patterns})",
                "a pattern with {task}",
                fix,
            )
        elif "" not in tasks and task not in tasks:
            shown = ", ".join(tasks[:_MOST_NAMED]) + (" ..." if len(tasks) > _MOST_NAMED else "")
            yield Problem(
                f"{where}.task", f"no recording of task {task}", f"one of: {shown}", "set task of this condition"
            )
