"""Discovery: which recordings lie in the sources of a study, and what lies there without a place in it.

Only names and ``stat`` are looked at, no file is opened, so that a thousand recordings take well under a second.
Everything that is wrong with the names is told at once. A recording that cannot be opened (content not fetched, link
out of the dataset) is kept in the inventory with the reason, and one whose name says too little is listed as unplaced,
because exclusions are results.
"""

import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from painconn.config.data import Condition, Source
from painconn.errors import InputError, Problem
from painconn.recordings.entities import PARTS, bids_labels
from painconn.recordings.pattern import LABEL, compile_pattern
from painconn.recordings.tree import LEFT_OUT, Candidate, candidates, files_of

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
        Of the file that is opened (of a header, where there are several files), or sum and newest of a folder; 0 when
        it is not there.
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


@dataclass(frozen=True)
class Unplaced:
    """A recording that no participant, session or task can be given to.

    Parameters
    ----------
    path : str
        Path relative to the root of its source.
    problem : Problem
        Why, and what can be done.
    check : str
        Name in the table of exclusions.
    """

    path: str
    problem: Problem
    check: str = "placed"

    def as_record(self) -> dict[str, str]:
        """Return the exclusion as plain text fields (recording, check, where, found, wanted, fix)."""
        return {"recording": self.path, "check": self.check, **asdict(self.problem)}


@dataclass
class Discovery:
    """What lies in the sources of a study.

    Parameters
    ----------
    files : list of RecordingFile
        Sorted by participant, session, task and run.
    unplaced : list of Unplaced
        In the order of sources and names.
    """

    files: list[RecordingFile] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)


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
    """Find the recordings of all sources of a study; see :func:`find_recordings` and :func:`discover`."""
    return discover(sources, conditions, exclude=exclude).files


def discover(
    sources: Sequence[tuple[Source, Path]], conditions: Mapping[str, Condition], *, exclude: Collection[str] = ()
) -> Discovery:
    """Find the recordings of all sources of a study, and those that have no place in it.

    A participant must not occur in two sources: the same label at two sites is most often two people. What one source
    does not take up but another one does is not unplaced.

    Raises
    ------
    InputError, ConfigError
        As :func:`find_recordings`.
    """
    scans = [_scan(source, root, position) for position, (source, root) in enumerate(sources)]
    found = [file for scan in scans for file in scan.files]
    problems = [problem for scan in scans for problem in scan.problems]
    kept = [file for file in found if file.participant not in exclude]
    if conditions:
        kept = [file for file in kept if any(serves(file, name, one) for name, one in conditions.items())]
    kept = _in_stated_format(kept, [source for source, _ in sources])
    problems += _repeated(kept)
    problems += _in_two_sources(kept)
    if not problems and conditions:
        problems += _of_unknown_task(found, exclude, len(sources))
    if not problems:
        problems += _conditions_without_recording(found, conditions, sources)
    if problems:
        raise InputError(problems)
    taken = {path for scan in scans for path in scan.taken}
    unplaced = []
    for (source, _), scan in zip(sources, scans, strict=True):
        unplaced += [one for path, one in scan.unplaced.items() if path not in taken]
        unplaced += _in_other_formats(scan, taken, source.pattern or "")
    return Discovery(sorted(kept), unplaced)


def unmatched_files(source: Source, root: Path) -> list[str]:
    """Return the recordings below the root, in a format that can be read, that the layout does not take up."""
    return [one.path for one in _scan(source, root, 0).unplaced.values()]


@dataclass
class _Scan:
    """What one source gave; `taken`, `unplaced` and `other_formats` are keyed by where the recordings lie."""

    files: list[RecordingFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    unplaced: dict[str, Unplaced] = field(default_factory=dict)
    other_formats: dict[str, Candidate] = field(default_factory=dict)


def _scan(source: Source, root: Path, position: int) -> _Scan:
    where = f"data.sources[{position}].root"
    if not root.is_dir():
        fix = "correct data.sources.root, or point --data at the folder"
        return _Scan(problems=[Problem(where, f"no folder {root}", "the folder of the recordings", fix)])
    scan = _Scan()
    real_root = os.path.realpath(root)
    for candidate, labels in _labelled(source, root):
        if labels is None:
            scan.other_formats[candidate.path] = candidate
            continue
        if isinstance(labels, Problem):
            scan.unplaced[candidate.path] = Unplaced(candidate.name, labels)
            continue
        scan.taken.add(candidate.path)
        faults = [
            Problem(candidate.name, f"{part} {label!r}", _LABEL_RULE, "rename the file, or adapt the pattern")
            for part, label in labels.items()
            if not LABEL.fullmatch(label)
        ]
        scan.problems += faults
        if not faults:
            scan.files.append(_recording_file(candidate, labels, source.site, position, real_root))
    if source.layout == "bids":
        _set_aside_without_task(scan, root)
    if not scan.files and not scan.problems:
        scan.problems.append(_nothing_found(source, root, where, scan))
    return scan


def _labelled(source: Source, root: Path) -> Iterator[tuple[Candidate, dict[str, str] | Problem | None]]:
    """Yield what lies below a root with its labels, the reason why it has none, or None: not the pattern's format."""
    if source.layout == "bids":
        for candidate in candidates(root, without=LEFT_OUT):
            labels = bids_labels(candidate)
            if labels is not None:
                yield candidate, labels
        return
    pattern = source.pattern or ""
    expression = compile_pattern(pattern)
    holds = "epochs" if source.layout == "epochs" else "continuous"
    ending = pattern.rpartition(".")[2] if "{" not in pattern.rpartition(".")[2] else ""
    for candidate in candidates(root, claimed=lambda name: _names_a_recording(expression, name)):
        match = expression.fullmatch(candidate.name)
        if match and candidate.reader.holds == holds:
            yield candidate, match.groupdict()
        elif LEFT_OUT & set(candidate.name.lower().split("/")[:-1]):
            continue
        elif candidate.name.lower().endswith(ending.replace("*", "").lower()):
            found = f"{candidate.reader.holds} data" if match else "a name that the pattern does not fit"
            wanted = f"{holds} data" if match else pattern
            fix = "nothing, if it is not part of the study; else adapt the pattern, or name the file like the others"
            yield candidate, Problem(candidate.name, found, wanted, fix)
        elif candidate.reader.holds == holds:
            yield candidate, None


def _names_a_recording(expression: re.Pattern[str], name: str) -> bool:
    match = expression.fullmatch(name)
    return match is not None and all(LABEL.fullmatch(label) for label in match.groupdict().values())


def _in_other_formats(scan: _Scan, taken: Collection[str], pattern: str) -> Iterator[Unplaced]:
    """Yield one line for each format that a pattern does not ask for; copies of what it does find are left out."""
    copies = {path.rpartition(".")[0] for path in taken}
    groups: dict[str, list[str]] = defaultdict(list)
    for path, candidate in scan.other_formats.items():
        if path not in taken and path.rpartition(".")[0] not in copies:
            groups[candidate.suffix].append(candidate.name)
    for suffix, names in groups.items():
        found = f"{len(names)} recording(s) in another format ({suffix}): {_listed(names)}"
        fix = "nothing, if not part of the study; else add a source with a pattern for them, or convert them"
        yield Unplaced(names[0], Problem(names[0], found, pattern, fix))


def _set_aside_without_task(scan: _Scan, root: Path) -> None:
    """Where a session has names with a task, one without could be a copy of any of them."""
    with_task = {(file.participant, file.session) for file in scan.files if file.task}
    for file in [file for file in scan.files if not file.task and (file.participant, file.session) in with_task]:
        fix = "add task-LABEL to its name"
        problem = Problem(file.path, "no task- in its name", "a task, as others of this participant have", fix)
        scan.files.remove(file)
        path = str(root / file.path)
        scan.taken.discard(path)
        scan.unplaced[path] = Unplaced(file.path, problem)


def _nothing_found(source: Source, root: Path, where: str, scan: _Scan) -> Problem:
    wanted = "recordings named sub-*_eeg.*" if source.layout == "bids" else f"files named {source.pattern}"
    others = [one.path for one in scan.unplaced.values()]
    found = "no recording" + (f", but {len(others)} of other names: {_listed(others)}" if others else "")
    return Problem(f"{where} {root}", found, wanted, "check root, layout and pattern of this source")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")


def _recording_file(
    candidate: Candidate, parts: Mapping[str, str], site: str, position: int, real_root: str
) -> RecordingFile:
    refused, size, mtime = "", 0, 0
    try:
        states = [path.stat() for path in files_of(Path(candidate.path))]
        size, mtime = sum(state.st_size for state in states), max((state.st_mtime_ns for state in states), default=0)
        if not f"{os.path.realpath(candidate.path)}{os.sep}".startswith(real_root.rstrip(os.sep) + os.sep):
            refused = "inside"
    except OSError:
        refused = "fetched"
    labels = {part: parts.get(part, "") for part in PARTS.values()}
    return RecordingFile(
        **labels,
        site=site,
        path=candidate.name,
        suffix=candidate.suffix,
        size_bytes=size,
        mtime_ns=mtime,
        source=position,
        refused=refused,
    )


def _in_stated_format(files: Sequence[RecordingFile], sources: Sequence[Source]) -> list[RecordingFile]:
    """Where a recording lies there in several formats, keep the one that its source asks for."""
    endings = [(source.extension or "").lower() for source in sources]
    stated = {(file.source, *file.key) for file in files if _ends_in(file, endings[file.source])}
    return [file for file in files if (file.source, *file.key) not in stated or _ends_in(file, endings[file.source])]


def _ends_in(file: RecordingFile, ending: str) -> bool:
    return bool(ending) and file.path.lower().endswith(ending)


def _repeated(files: Iterable[RecordingFile]) -> list[Problem]:
    groups: dict[tuple[int | str, ...], list[RecordingFile]] = defaultdict(list)
    for file in files:
        groups[(file.source, *file.key)].append(file)
    problems = []
    for (position, *key), several in groups.items():
        if len(several) < 2:
            continue
        where = f"recording {' '.join(str(label) for label in key if label)}"
        wanted, fix = "one file per recording", "keep one of them, or tell them apart by session or run"
        if len({file.suffix for file in several}) == len(several):
            formats = sorted({file.suffix for file in several})
            wanted = "one format per recording"
            fix = f"state which one is read: extension: {formats[0]} in data.sources[{position}] (or {formats[1]})"
        problems.append(Problem(where, ", ".join(file.path for file in several), wanted, fix))
    left = len(problems) - _MOST_NAMED
    if left > 0:
        last = problems[_MOST_NAMED]
        return [*problems[:_MOST_NAMED], replace(last, found=f"{last.found}; and {left - 1} recordings more like it")]
    return problems


def _in_two_sources(files: Iterable[RecordingFile]) -> Iterator[Problem]:
    seen: dict[str, dict[int, str]] = defaultdict(dict)
    for file in files:
        seen[file.participant].setdefault(file.source, file.path)
    for participant, paths in seen.items():
        if len(paths) > 1:
            found = ", ".join(f"data.sources[{position}] {path}" for position, path in sorted(paths.items()))
            fix = "if they are two people rename the labels of one source, else put all of this person into one"
            yield Problem(f"participant {participant}", found, "each participant in one source", fix)


def _of_unknown_task(files: Sequence[RecordingFile], exclude: Collection[str], n_sources: int) -> Iterator[Problem]:
    """Where other names of a source have several tasks, nobody can tell which one a name without task is of."""
    for position in range(n_sources):
        own = [file for file in files if file.source == position and file.participant not in exclude]
        tasks = sorted({file.task for file in own if file.task})
        without = sorted(file.path for file in own if not file.task)
        if without and len(tasks) > 1:
            found = f"{len(without)} name(s) without a task: {_listed(without)}; others have the tasks {_listed(tasks)}"
            fix = "add task-LABEL to these names, or list their participants in data.participants.exclude"
            yield Problem(f"data.sources[{position}].root", found, "a task in every name, or in none", fix)


def _conditions_without_recording(
    files: Sequence[RecordingFile], conditions: Mapping[str, Condition], sources: Sequence[tuple[Source, Path]]
) -> Iterator[Problem]:
    tasks = sorted({file.task for file in files if file.task})
    with_task = {file.source for file in files if file.task}
    without = sorted({file.source for file in files if not file.task})
    never = [position for position in without if position not in with_task]
    for name, condition in conditions.items():
        task = condition.task or name
        where = f"data.conditions.{name}"
        if never and condition.task is not None:
            shown = ", ".join(sources[position][0].pattern or "no task- in them" for position in never)
            found = f"task {task}, but file names without a task ({shown})"
            yield Problem(
                f"{where}.task", found, "a pattern with {task}", "add {task} to the pattern, or leave task out"
            )
        elif not without and task not in tasks:
            found = f"no recording of task {task}"
            yield Problem(f"{where}.task", found, f"one of: {_listed(tasks)}", "set task of this condition")
