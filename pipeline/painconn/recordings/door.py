"""The door before a reader opens anything: file type, links, checksums, headers, sizes.

Every check takes a :class:`FileAtDoor` and returns a :class:`Finding` or None. No check opens anything but a regular
file inside the dataset, so that a named pipe, a link out of the dataset or an absurd header costs nothing.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType

from painconn.recordings.checksums import differing
from painconn.recordings.findings import Finding
from painconn.recordings.headers.outline import Companion, CutFault, HeaderFault, Outline
from painconn.recordings.pointers import is_pointer
from painconn.recordings.registry import CHECKS, ReaderDefinition, load, reader_for

_COPY_AGAIN = "copy or export the file again"
_LONGEST_NAME = 255
_MOST_EXPANSION = 100
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFDIR: "a folder", stat.S_IFSOCK: "a socket", stat.S_IFREG: "a file"}


@dataclass(frozen=True)
class FileAtDoor:
    """A recording that is about to be opened.

    Parameters
    ----------
    path, root : Path
        The recording (a header, where there are several files; a folder for EGI), and what it must not leave.
    verify : bool
        Whether its checksums are compared.
    """

    path: Path
    root: Path
    verify: bool = True

    @property
    def name(self) -> str:
        """Path relative to the root, for messages (the bare name where it lies elsewhere)."""
        return self.path.relative_to(self.root).as_posix() if self.path.is_relative_to(self.root) else self.path.name

    @property
    def reader(self) -> ReaderDefinition | None:
        """The format, by the name."""
        return reader_for(self.path.name)

    @property
    def header(self) -> ModuleType | None:
        """The module that knows the headers of this format."""
        return import_module(self.reader.header) if self.reader else None

    @cached_property
    def outline(self) -> Outline | None:
        """What the recording says about itself; its companions must have passed the door."""
        return self.header.outline_of(self.path) if self.header else None

    def companions(self) -> Iterator[Companion]:
        """Yield the files that belong to it; the next one may be named in the one before.

        Raises
        ------
        HeaderFault
            A name that is none.
        """
        for companion in self.header.companions_of(self.path) if self.header else ():
            if "\0" in companion.name or any(len(os.fsencode(part)) > _LONGEST_NAME for part in companion.path.parts):
                raise HeaderFault("a file name that is none", "the name of a file beside the header")
            yield companion

    def holds(self, path: Path) -> bool:
        """Whether a path, links followed, lies inside the root."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))


def pass_door(file: FileAtDoor) -> None:
    """Run the checks of stage ``file`` in their order.

    Raises
    ------
    RecordingFault
        The first finding.
    """
    for definition in CHECKS.values():
        if definition.stage == "file" and (finding := load(definition.function)(file)) is not None:
            raise finding.fault(file.name)


def check_fetched(file: FileAtDoor) -> Finding | None:
    """Find links whose content is not there, and files that are gone."""
    if _is_stand_in(file, file.path):
        return _not_fetched("content not fetched")
    if file.path.exists():
        return None
    return _finding("fetched", "no such file", "the file of the inventory", "restore the file")


def check_inside(file: FileAtDoor) -> Finding | None:
    """Find a recording that lies outside the dataset once links are followed."""
    if file.holds(file.path):
        return None
    return _finding("inside", "a link out of the dataset", "a file inside the root", "copy the file into the dataset")


def check_regular(file: FileAtDoor) -> Finding | None:
    """Find named pipes, devices, sockets, and folders that should be files (or the reverse)."""
    kind = stat.S_IFMT(file.path.stat().st_mode)
    folder = file.reader is not None and file.reader.folder
    if kind == (stat.S_IFDIR if folder else stat.S_IFREG):
        return None
    wanted = "a folder" if folder else "a regular file"
    return _finding("regular", _KINDS.get(kind, "a device"), wanted, "remove it from the dataset")


def check_empty(file: FileAtDoor) -> Finding | None:
    """Find files of 0 bytes and folders without files."""
    if file.path.is_dir():
        return None if any(file.path.iterdir()) else _finding("empty", "folder is empty", "a recording", _COPY_AGAIN)
    return (
        None if file.path.stat().st_size else _finding("empty", "file is empty (0 bytes)", "a recording", _COPY_AGAIN)
    )


def check_checksum(file: FileAtDoor) -> Finding | None:
    """Compare the recording and its companions with the list of hashes at the root or beside it."""
    if not file.verify:
        return None
    paths = [] if file.path.is_dir() else [file.path]
    finding = differing(paths, [file.root, file.path.parent])
    if finding is not None:
        return finding
    try:
        for companion in file.companions():
            if not (file.holds(companion.path) and companion.path.is_file()):
                break
            paths.append(companion.path)
    except HeaderFault:
        pass  # told by the check of the header
    return differing(paths, [file.root, file.path.parent])


def check_header(file: FileAtDoor) -> Finding | None:
    """Find headers that cannot be true, and companion files that are missing, empty, or outside the dataset."""
    try:
        for companion in file.companions():
            finding = _companion_finding(file, companion)
            if finding is not None:
                return finding
        return _too_large(file)
    except CutFault:
        return None  # told by the next check
    except HeaderFault as fault:
        return _finding("header", fault.found, fault.wanted, fault.fix or _COPY_AGAIN)


def check_complete(file: FileAtDoor) -> Finding | None:
    """Find files that hold other samples than their own header, or a marker in them, says."""
    try:
        _ = file.outline
    except CutFault as fault:
        return _finding("complete", fault.found, fault.wanted, fault.fix or _COPY_AGAIN)
    return None


def _finding(check: str, found: str, wanted: str, fix: str) -> Finding:
    return Finding(check, found, wanted, "exclude recording", fix)


def _is_stand_in(file: FileAtDoor, path: Path) -> bool:
    return (file.holds(path) or not path.exists()) and is_pointer(path)


def _not_fetched(found: str) -> Finding:
    return _finding("fetched", found, "the file itself", "run datalad get (or git annex get, git lfs pull) on it")


def _companion_finding(file: FileAtDoor, companion: Companion) -> Finding | None:
    if not file.holds(companion.path):
        found = "header points outside the dataset"
        return _finding("inside", found, "a file beside the header", "correct the header")
    shown = _shown(file, companion)
    if _is_stand_in(file, companion.path):
        return _not_fetched(f"content of {shown} not fetched")
    if not companion.path.exists():
        if companion.role == "markers":
            return None
        fix = "restore it (copy or export it again), or rename both with mne_bids.copyfiles"
        return _finding("header", f"header names {shown}, which is not there", "the file beside the header", fix)
    if not companion.path.is_file():
        return _finding("regular", f"header names {shown}, which is no file", "a regular file", _COPY_AGAIN)
    if companion.role != "markers" and companion.path.stat().st_size == 0:
        return _finding("header", f"header names {shown}, which is empty", "a file with samples", _COPY_AGAIN)
    return None


def _shown(file: FileAtDoor, companion: Companion) -> str:
    """Return the name of a companion where it repeats that of the recording; other text of a header is not shown."""
    stem = file.path.name.split(".")[0]
    own = companion.path.parent == file.path.parent and companion.path.name.startswith(stem)
    if own or (file.path.is_dir() and companion.role == "part"):
        return companion.path.name
    return f"a file of another name ({companion.role})"


def _too_large(file: FileAtDoor) -> Finding | None:
    """Find headers by which a reader would make far more numbers than the files can hold."""
    outline = file.outline
    if outline is None or outline.n_channels is None or outline.n_samples is None:
        return None
    n_numbers = outline.n_channels * outline.n_samples * max(outline.n_epochs, 1)
    size = file.path.stat().st_size + sum(
        companion.path.stat().st_size for companion in file.companions() if companion.path.is_file()
    )
    if n_numbers <= _MOST_EXPANSION * size:
        return None
    return _finding("header", f"{n_numbers} numbers by its header, in {size} bytes", "numbers that fit in", _COPY_AGAIN)
