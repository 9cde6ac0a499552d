"""The door before a reader opens anything: file type, links, headers, sizes.

Every check takes a :class:`FileAtDoor` and returns a :class:`Finding` or None. No check opens anything but a regular
file inside the dataset, so that a named pipe, a link out of the dataset or an absurd header costs nothing.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from painconn.recordings.findings import Finding
from painconn.recordings.headers import last_brainvision_marker, read_brainvision_header, read_edf_header
from painconn.recordings.registry import CHECKS, load

_COPY_AGAIN = "copy or export the file again"


@dataclass(frozen=True)
class FileAtDoor:
    """A recording that is about to be opened: its path and the root it must not leave."""

    path: Path
    root: Path

    @property
    def name(self) -> str:
        """Path relative to the root, for messages (the bare name where it lies elsewhere)."""
        return self.path.relative_to(self.root).as_posix() if self.path.is_relative_to(self.root) else self.path.name

    @property
    def suffix(self) -> str:
        """End of the name, in lower case."""
        return self.path.suffix.lower()

    @cached_property
    def companions(self) -> tuple[tuple[str, Path, bool], ...]:
        """Files that the header names, as (what the header says, path, whether the samples are in it)."""
        if self.suffix != ".vhdr":
            return ()
        header = read_brainvision_header(self.path)
        named = ((header.data_file, True), (header.marker_file, False))
        return tuple((name, self.path.parent / name, samples) for name, samples in named if name)

    def holds(self, path: Path) -> bool:
        """Whether a path, links followed, lies inside the root."""
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))


def pass_door(path: Path, root: Path) -> None:
    """Run the checks of stage ``file`` in their order.

    Raises
    ------
    RecordingFault
        The first finding.
    """
    file = FileAtDoor(path, root)
    for definition in CHECKS.values():
        if definition.stage != "file":
            continue
        finding = load(definition.function)(file)
        if finding is not None:
            raise finding.fault(file.name)


def check_fetched(file: FileAtDoor) -> Finding | None:
    """Find links whose content is not there, and files that are gone."""
    if file.path.exists():
        return None
    if file.path.is_symlink():
        return Finding(
            "fetched",
            "content not fetched",
            "the file itself",
            "exclude recording",
            "run datalad get (or git annex get) on it",
        )
    return Finding("fetched", "no such file", "the file of the inventory", "exclude recording", "restore the file")


def check_inside(file: FileAtDoor) -> Finding | None:
    """Find a recording that lies outside the dataset once links are followed."""
    if file.holds(file.path):
        return None
    return Finding(
        "inside",
        "a link out of the dataset",
        "a file inside the root",
        "exclude recording",
        "copy the file into the dataset",
    )


def check_regular(file: FileAtDoor) -> Finding | None:
    """Find named pipes, devices, sockets and folders."""
    kind = stat.S_IFMT(file.path.stat().st_mode)
    if kind == stat.S_IFREG:
        return None
    names = {stat.S_IFIFO: "a named pipe", stat.S_IFDIR: "a folder", stat.S_IFSOCK: "a socket"}
    return Finding(
        "regular", names.get(kind, "a device"), "a regular file", "exclude recording", "remove it from the dataset"
    )


def check_empty(file: FileAtDoor) -> Finding | None:
    """Find files of 0 bytes."""
    return (
        None
        if file.path.stat().st_size
        else Finding("empty", "file is empty (0 bytes)", "a recording", "exclude recording", _COPY_AGAIN)
    )


def check_header(file: FileAtDoor) -> Finding | None:
    """Find headers that cannot be true, and companion files that are missing, empty, or outside the dataset."""
    try:
        if file.suffix in (".edf", ".bdf"):
            read_edf_header(file.path, sample_bytes=2)
        return next(_companion_findings(file), None)
    except ValueError as error:
        return Finding("header", str(error), "a header that can be read", "exclude recording", _COPY_AGAIN)


def check_complete(file: FileAtDoor) -> Finding | None:
    """Find files that hold fewer samples than their own header, or a marker in them, says."""
    if file.suffix in (".edf", ".bdf"):
        return _cut_edf(file)
    if file.suffix == ".vhdr":
        return _cut_brainvision(file)
    return None


def _companion_findings(file: FileAtDoor) -> Iterator[Finding]:
    for name, path, samples in file.companions:
        if not file.holds(path):
            yield Finding(
                "inside",
                "header points outside the dataset",
                "a file beside the header",
                "exclude recording",
                "correct the header",
            )
        elif not path.exists():
            if samples:
                fix = "restore it, or rename both with mne_bids.copyfiles"
                yield Finding(
                    "header",
                    f"header names {name}, which is not there",
                    "the file beside the header",
                    "exclude recording",
                    fix,
                )
        elif not path.is_file() or path.stat().st_size == 0:
            yield Finding(
                "header",
                f"header names {name}, which is empty or no file",
                "a file with samples",
                "exclude recording",
                _COPY_AGAIN,
            )


def _cut_edf(file: FileAtDoor) -> Finding | None:
    header = read_edf_header(file.path, sample_bytes=2 if file.suffix == ".edf" else 3)
    n_records = (file.path.stat().st_size - header.header_bytes) / header.record_bytes
    if header.n_records == -1 and n_records >= 1:
        return None
    if n_records >= header.n_records > 0:
        return None
    found = f"{n_records * header.record_s:.3f} s ({n_records:.2f} records)"
    wanted = f"{header.n_records * header.record_s:.3f} s ({header.n_records} records) by its header"
    return Finding("complete", found, wanted, "exclude recording", _COPY_AGAIN)


def _cut_brainvision(file: FileAtDoor) -> Finding | None:
    header = read_brainvision_header(file.path)
    if not header.sample_bytes:
        return None
    size = (file.path.parent / header.data_file).stat().st_size
    n_samples, rest = divmod(size, header.sample_bytes * header.n_channels)
    found = f"{n_samples / header.sfreq_hz:.3f} s ({n_samples} samples{' and a piece' if rest else ''})"
    if header.n_samples is not None and n_samples < header.n_samples:
        return Finding("complete", found, f"{header.n_samples} samples by its header", "exclude recording", _COPY_AGAIN)
    markers = file.path.parent / header.marker_file
    last = last_brainvision_marker(markers) if header.marker_file and markers.is_file() else 0
    if last > n_samples:
        return Finding(
            "complete", found, f"at least {last} samples, where its last marker lies", "exclude recording", _COPY_AGAIN
        )
    if rest:
        return Finding("complete", found, "a whole number of samples", "exclude recording", _COPY_AGAIN)
    return None
