"""A local copy of a dataset as the source of its files (``--from``)."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.catalogue import Dataset
from painconn.recordings.fetch.listing import ListedFile, checked_listing
from painconn.recordings.fetch.sums import read_sums


def list_mirror(dataset: Dataset, folder: Path) -> list[ListedFile]:
    """Return the files of a local copy: the same tree as the provider's, or its archives.

    A file that lies elsewhere in the copy but has the name of exactly one file with a known hash stands for that one:
    copies are often flat. Its hash decides. Hidden folders (``.git``, ``.datalad``) are left out.

    Raises
    ------
    InputError
        When the folder is missing, or holds links without a target, links to folders, or things that are no files.
    ProviderError
        When names in it may not be written elsewhere.
    """
    if not folder.is_dir():
        raise InputError(Problem("--from", f"no folder {folder}", "a local copy of the dataset", "correct the path"))
    sums = read_sums(folder)
    known: dict[str, list[str]] = {}
    for path in dataset.sha256:
        known.setdefault(PurePosixPath(path).name, []).append(path)
    files, problems = [], []
    for path, place in _walk(folder):
        if place.is_symlink() and place.is_dir():
            fix = "put the folder itself in its place, e.g. cp -rL"
            problems.append(Problem(f"--from: {path}", "a link to a folder", "a folder", fix))
            continue
        try:
            status = place.stat()
        except OSError:
            fix = f"complete the copy, e.g. datalad get {path}"
            problems.append(Problem(f"--from: {path}", "a link without content", "a file", fix))
            continue
        if not stat.S_ISREG(status.st_mode):
            problems.append(Problem(f"--from: {path}", "no regular file", "a file", "remove it from the copy"))
            continue
        named = known.get(place.name, [])
        meant = named[0] if path not in dataset.sha256 and len(named) == 1 else path
        files.append(ListedFile(meant, place, size=status.st_size, sha256=sums.get(path, "")))
    if problems:
        raise InputError(problems[:20])
    return checked_listing(files, source=f"--from {folder.name}")


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*names, *linked]):
            place = Path(parent, name)
            yield place.relative_to(folder).as_posix(), place
