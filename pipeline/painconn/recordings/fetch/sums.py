"""Lists of hashes: ``SHA256SUMS.txt``, a hash and a path per line."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.safe_paths import place_below

SUMS = "SHA256SUMS.txt"
_PLAIN = re.compile(r"(?P<sha256>[0-9a-fA-F]{64})(?: | [ *])(?P<path>[^ *].*)")
_TAGGED = re.compile(r"SHA256 ?\((?P<path>.+)\) ?= (?P<sha256>[0-9a-fA-F]{64})")
_ESCAPED = {r"\\": "\\", r"\n": "\n", r"\r": "\r"}
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class DamagedLine:
    """A line of a list that says nothing that can be relied on.

    Parameters
    ----------
    number : int
        Counted from 1.
    text : str
        The line; not for messages.
    found : str
        What is wrong with it.
    """

    number: int
    text: str
    found: str


def parse_lines(content: bytes, *, torn_end: bool = False) -> tuple[dict[str, str], list[DamagedLine]]:
    """Return hash by path, and the lines that are damaged.

    A path with two different hashes has none, and its later lines count as damaged. Empty lines and comments (``#``)
    are skipped; ``SHA256 (path) = hash`` and names that GNU ``sha256sum`` escapes (a backslash first) are read.

    Parameters
    ----------
    content : bytes
        Lines of a hash, one or two spaces (or a space and ``*``), and a path.
    torn_end : bool
        Whether the last line may be incomplete, because a writer was killed; it is left out then.
    """
    lines = content.decode("utf-8-sig", errors="replace").split("\n")
    rest = lines.pop()
    if rest and not torn_end:
        lines.append(rest)
    sums: dict[str, str] = {}
    damaged = []
    contradicted = set()
    for number, line in enumerate((line.rstrip("\r") for line in lines), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        bare = line.removeprefix("\\")
        match = _PLAIN.fullmatch(bare) or _TAGGED.fullmatch(bare)
        if match is None:
            damaged.append(DamagedLine(number, line, "not a hash and a path"))
            continue
        path = match["path"] if bare == line else re.sub(r"\\[\\nr]", lambda found: _ESCAPED[found[0]], match["path"])
        path, sha256 = path.removeprefix("./"), match["sha256"].lower()
        if sums.setdefault(path, sha256) != sha256:
            damaged.append(DamagedLine(number, line, "another hash for the same path"))
            contradicted.add(path)
    return {path: sha256 for path, sha256 in sums.items() if path not in contradicted}, damaged


def parse_sums(content: bytes, *, where: str, torn_end: bool = False) -> dict[str, str]:
    """Return hash by path of a list that must be whole; see :func:`parse_lines`.

    Parameters
    ----------
    content : bytes
        The list.
    where : str
        What to call the list in messages.
    torn_end : bool
        Whether the last line may be incomplete, because a writer was killed; it is left out then.

    Raises
    ------
    InputError
        Every line that is not of this form, or that contradicts an earlier one.
    """
    sums, damaged = parse_lines(content, torn_end=torn_end)
    if damaged:
        raise InputError(
            Problem(f"{where} line {line.number}", line.found, "a sha256 and a path, once", "restore the file")
            for line in damaged[:20]
        )
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
