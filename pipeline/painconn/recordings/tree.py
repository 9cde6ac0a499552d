"""The folders of a source, walked: every file or folder that looks like one recording."""

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from painconn.recordings.headers import fif
from painconn.recordings.headers.outline import HeaderFault
from painconn.recordings.registry import READERS, ReaderDefinition, reader_for

LEFT_OUT = frozenset({"derivatives", "sourcedata", "code", "stimuli"})
"""Folders of a BIDS dataset that hold no raw recording."""

_DEEPEST = 10
_SPLIT = re.compile(r"(_split-)0*(\d+)(?=_)", re.IGNORECASE)
_PART = re.compile(r"(.+)-[1-9]\d*(\.fif)", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """Something in a format that can be read.

    Parameters
    ----------
    name : str
        Path relative to the root of the source, with ``/``.
    path : str
        Where it lies.
    reader : ReaderDefinition
        Format, by the end of the name.
    """

    name: str
    path: str
    reader: ReaderDefinition

    @property
    def suffix(self) -> str:
        """End of the name that decides the reader, in lower case."""
        fitting = (suffix for suffix in self.reader.suffixes if self.name.lower().endswith(suffix))
        return max(fitting, key=len)


def candidates(
    root: Path, *, without: Collection[str] = (), claimed: Callable[[str], bool] = lambda _: False
) -> Iterator[Candidate]:
    """Yield what can be read below a root, in the order of names.

    Hidden names are left out, as are files that belong to another one (a ``.eeg`` beside its ``.vhdr``) and the later
    parts of split recordings. A folder that is itself a recording (EGI ``.mff``) is not entered; every other folder is
    entered once, whatever links lead to it.

    Parameters
    ----------
    root : Path
        Folder of a source.
    without : collection of str
        Names of folders, in lower case, that are not entered.
    claimed : callable
        Whether a name relative to the root is one that the study asks for. Such a file is a recording of its own, also
        where it is called like a later part of another one (``P01-1.fif`` beside ``P01.fif``), unless that one names it
        as its part; only then is a file opened.
    """
    entered = {_identity(root.stat())}

    def below(folder: str, prefix: str, left: int) -> Iterator[Candidate]:
        with os.scandir(folder) as entries:
            ordered = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
        beside = frozenset(entry.name.lower() for entry in ordered)
        for entry in ordered:
            reader = reader_for(entry.name)
            if _is_folder(entry) and not (reader and reader.folder):
                if left and entry.name.lower() not in without and _first_time(entry, entered):
                    yield from below(entry.path, f"{prefix}{entry.name}/", left - 1)
            elif reader and not _is_companion(entry.name, beside):
                part = is_later_part(entry.name, beside)
                if not part or (claimed(prefix + entry.name) and not _named_as_part(entry.name, ordered)):
                    yield Candidate(prefix + entry.name, entry.path, reader)

    yield from below(str(root), "", _DEEPEST)


def files_of(path: Path) -> list[Path]:
    """Return the files of a recording: itself, or those in it where the recording is a folder."""
    if not path.is_dir():
        return [path]
    return sorted(Path(parent) / name for parent, _, names in os.walk(path) for name in names)


def is_later_part(name: str, beside: Collection[str]) -> bool:
    """Whether a file is a later part of a recording that is split as BIDS or MNE-Python does.

    Parameters
    ----------
    name : str
        Name of the file.
    beside : collection of str
        Names in its folder, in lower case.
    """
    first = _first_part(name)
    return first is not None and first != name.lower() and first in beside


def _first_part(name: str) -> str | None:
    """Return the name of the first part, in lower case, or None for a recording that is not split."""
    match = _SPLIT.search(name)
    if match:
        return _SPLIT.sub(lambda found: found[1] + "1".zfill(len(found[0]) - len(found[1])), name).lower()
    match = _PART.fullmatch(name)
    return (match[1] + match[2]).lower() if match else None


def _named_as_part(name: str, ordered: Sequence[os.DirEntry[str]]) -> bool:
    """Whether the file that is called like the first part names this one, itself or through its other parts."""
    first = next(entry for entry in ordered if entry.name.lower() == _first_part(name))
    try:
        return first.is_file() and any(companion.name == name for companion in fif.companions_of(Path(first.path)))
    except (HeaderFault, OSError):
        return False  # one that cannot be read claims nothing


def _is_companion(name: str, beside: Collection[str]) -> bool:
    lowered = name.lower()
    stem, dot, ending = lowered.rpartition(".")
    owners = (
        stem + suffix for reader in READERS.values() if dot + ending in reader.companions for suffix in reader.suffixes
    )
    return any(owner in beside for owner in owners)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _first_time(entry: os.DirEntry[str], entered: set[tuple[int, int]]) -> bool:
    identity = _identity(entry.stat())
    new = identity not in entered
    entered.add(identity)
    return new


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
