"""Lists of hashes: ``SHA256SUMS.txt``, a hash and a path per line."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.safe_paths import place_below

SUMS = "SHA256SUMS.txt"
_LINE = re.compile(r"(?P<sha256>[0-9a-fA-F]{64})(?: | [ *])(?P<path>[^ *].*)")
_MOST_BYTES = 64 << 20


def parse_sums(content: bytes, *, where: str, torn_end: bool = False) -> dict[str, str]:
    """Return hash by path.

    Parameters
    ----------
    content : bytes
        Lines of a hash, one or two spaces (or a space and ``*``), and a path.
    where : str
        What to call the list in messages.
    torn_end : bool
        Whether the last line may be incomplete, because a writer was killed; it is left out then.

    Raises
    ------
    InputError
        Every line that is not of this form, or that contradicts an earlier one.
    """
    lines = content.decode("utf-8", errors="replace").split("\n")
    rest = lines.pop()
    if rest and not torn_end:
        lines.append(rest)
    sums: dict[str, str] = {}
    problems = []
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line.rstrip("\r"))
        path = match["path"].removeprefix("./") if match else ""
        if match is None or sums.get(path, match["sha256"].lower()) != match["sha256"].lower():
            found = "not a hash and a path" if match is None else "another hash for the same path"
            problems.append(Problem(f"{where} line {number}", found, "a sha256 and a path, once", "restore the file"))
        else:
            sums[path] = match["sha256"].lower()
    if problems:
        raise InputError(problems[:20])
    return sums


def read_sums(folder: Path) -> dict[str, str]:
    """Return the hashes that a folder pins; empty when it pins none.

    Raises
    ------
    InputError
        When the list is damaged: what was pinned is not known any more.
    """
    path = folder / SUMS
    if not path.is_file():
        return {}
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(Problem(SUMS, f"{path.stat().st_size} bytes", f"at most {_MOST_BYTES}", "restore the file"))
    return parse_sums(path.read_bytes(), where=SUMS, torn_end=True)


class Pins:
    """The list of hashes in the target folder: a line is added before its file gets its name.

    Parameters
    ----------
    folder : Path
        Target folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._sums = read_sums(folder)

    def __getitem__(self, path: str) -> str:
        """Return the hash pinned for a path; empty when there is none."""
        return self._sums.get(path, "")

    def add(self, sums: Mapping[str, str]) -> None:
        """Pin the hashes of paths that have none yet; they are on the disk before this returns."""
        with self._lock:
            new = {path: sha256 for path, sha256 in sums.items() if path not in self._sums}
            if not new:
                return
            self._sums |= new
            with (self._folder / SUMS).open("a", encoding="utf-8", newline="\n") as stream:
                stream.writelines(f"{sha256}  {path}\n" for path, sha256 in new.items())
                stream.flush()
                os.fsync(stream.fileno())

    def write(self) -> None:
        """Write the list anew, in order of the paths: before the first :meth:`add`, and at the end."""
        with self._lock:
            if self._sums:
                text = "".join(f"{sha256}  {path}\n" for path, sha256 in sorted(self._sums.items()))
                replace_text(self._folder, SUMS, text)


def replace_text(folder: Path, name: str, text: str) -> None:
    """Write a text file of ours into the target folder; a killed writer leaves the old one."""
    target = place_below(folder, name)
    partial = place_below(folder, f"{name}.new")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(target)
