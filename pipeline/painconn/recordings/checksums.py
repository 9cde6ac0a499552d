"""Checksums that came with the data, compared with the files that are about to be read."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from painconn.errors import InputError
from painconn.provenance import file_hash
from painconn.recordings.findings import Finding

MANIFESTS = ("SHA256SUMS.txt", "SHA256SUMS", "sha256sums.txt")
_MOST_BYTES = 64 << 20


def differing(paths: list[Path], folders: list[Path]) -> Finding | None:
    """Return what does not fit to a list of hashes in one of the folders; None when all that is listed fits.

    Parameters
    ----------
    paths : list of Path
        Regular files.
    folders : list of Path
        Where a list may lie; its paths count from there.
    """
    for folder in folders:
        for name in MANIFESTS:
            try:
                listed = _listed(folder / name)
            except InputError as error:
                problem = error.problems[0]
                return Finding(
                    "checksum", f"{problem.where}: {problem.found}", problem.wanted, "exclude recording", problem.fix
                )
            for path in paths:
                what = Path(os.path.relpath(path, folder)).as_posix()
                wanted = listed.get(what)
                if wanted is not None and _hash(path) != wanted:
                    return Finding(
                        "checksum",
                        f"checksum of {what} differs from {name}",
                        "the file that the list was made of",
                        "exclude recording",
                        "copy the file again",
                    )
    return None


def _listed(manifest: Path) -> Mapping[str, str]:
    if not manifest.is_file():
        return {}
    status = manifest.stat()
    return _listed_once(manifest, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _listed_once(manifest: Path, size: int, _mtime_ns: int) -> Mapping[str, str]:
    from painconn.recordings.fetch.sums import parse_sums

    with manifest.open("rb") as stream:
        return parse_sums(stream.read(min(size, _MOST_BYTES)), where=manifest.name, torn_end=size > _MOST_BYTES)


def _hash(path: Path) -> str:
    status = path.stat()
    return _hash_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hash_once(path: Path, _size: int, _mtime_ns: int) -> str:
    return file_hash(path)
