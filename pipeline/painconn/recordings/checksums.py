"""Checksums that came with the data, compared with the files that are about to be read."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from painconn.provenance import file_hash
from painconn.recordings.findings import Finding

if TYPE_CHECKING:
    from painconn.recordings.fetch.sums import DamagedLine

MANIFESTS = ("SHA256SUMS.txt", "SHA256SUMS", "sha256sums.txt")
_MOST_BYTES = 64 << 20
_MEND = "restore the list, or make it again of files that are known to be whole"


@dataclass(frozen=True)
class _Listed:
    """Hash by path, and the lines that cannot be used."""

    sums: Mapping[str, str]
    damaged: "tuple[DamagedLine, ...]" = ()

    def damaged_entry(self, path: str) -> "DamagedLine | None":
        """Return the damaged line that names a path."""
        named = re.compile(rf"(?<![\w./-])(?:\./)?{re.escape(path)}(?![\w./-])")
        return next((line for line in self.damaged if named.search(line.text)), None)


def differing(paths: list[Path], folders: list[Path]) -> Finding | None:
    """Return what does not fit to a list of hashes in one of the folders; None when all that is listed fits.

    A file that only a damaged line names does not fit: its hash is not known any more. Damaged lines say nothing about
    other files; see :func:`damaged_lists`.

    Parameters
    ----------
    paths : list of Path
        Regular files.
    folders : list of Path
        Where a list may lie; its paths count from there.
    """
    for folder in folders:
        for name in MANIFESTS:
            listed = _listed(folder / name)
            for path in paths:
                what = Path(os.path.relpath(path, folder)).as_posix()
                wanted = listed.sums.get(what)
                line = listed.damaged_entry(what) if wanted is None else None
                if line is not None:
                    found = f"{name} line {line.number}, which names {what}: {line.found}"
                    return Finding("checksum", found, "a sha256 and a path, once", "exclude recording", _MEND)
                if wanted is not None and _hash(path) != wanted:
                    return Finding(
                        "checksum",
                        f"checksum of {what} differs from {name}",
                        "the file that the list was made of",
                        "exclude recording",
                        "copy the file again",
                    )
    return None


def damaged_lists(folders: Iterable[Path]) -> list[Finding]:
    """Return a note for every list of hashes in the folders that has damaged lines."""
    notes = []
    for folder in dict.fromkeys(folders):
        for name in MANIFESTS:
            damaged = _listed(folder / name).damaged
            if damaged:
                found = f"{len(damaged)} damaged lines in {name}, the first is line {damaged[0].number}"
                notes.append(Finding("checksum", found, "a sha256 and a path in every line", "note", _MEND))
    return notes


def _listed(manifest: Path) -> _Listed:
    if not manifest.is_file():
        return _Listed({})
    status = manifest.stat()
    return _listed_once(manifest, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _listed_once(manifest: Path, size: int, _mtime_ns: int) -> _Listed:
    from painconn.recordings.fetch.sums import parse_lines

    with manifest.open("rb") as stream:
        sums, damaged = parse_lines(stream.read(min(size, _MOST_BYTES)), torn_end=size > _MOST_BYTES)
    return _Listed(sums, tuple(damaged))


def _hash(path: Path) -> str:
    status = path.stat()
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hash_once(path: Path, _size: int, _mtime_ns: int) -> str:
    return file_hash(path)
