"""Paths that others wrote (listings, archives): which may be written below a folder, and how."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from painconn.errors import PathError, Problem
from painconn.paths import inside

_MOST_BYTES_OF_A_NAME = 240
_MOST_CHARACTERS = 1024
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_ODD = frozenset('<>:"|?*\\')
_OURS = frozenset({"sha256sums.txt", "painconn_fetch.json"})
# Browsers and others write "X.part": names of our own, so that nothing of theirs is ever taken for ours and removed.
PART, PART_NOTE, UNPACKING = ".painconn-part", ".painconn-note", ".painconn-open"
_MOST_TOLD = 20


def why_unsafe(path: str) -> str:
    """Say why a relative path (with ``/``) may not be written; empty when it may.

    Refused is whatever one of the usual file systems would take for another place, another name or a device.
    """
    if not path or len(path) > _MOST_CHARACTERS:
        return "an empty or endless path"
    if path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
        return "a path that leaves the folder"
    for part in path.split("/"):
        reason = _why_unsafe_name(part)
        if reason:
            return reason
    return ""


def _why_unsafe_name(name: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for character in name):
        return "control characters in a name"
    if _ODD & set(name) or name != name.strip() or name.endswith("."):
        return "characters that some file systems take for something else"
    if _RESERVED.fullmatch(name) or name.lower() == ".git":
        return "a reserved name"
    if name.lower().endswith((PART, PART_NOTE, UNPACKING)):
        return "a name that painconn uses for unfinished files"
    return "a name that is too long" if len(name.encode()) > _MOST_BYTES_OF_A_NAME else ""


def same_place(path: str) -> str:
    """Return what two paths have in common when a file system may take them for one (case, composed letters)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def is_ours(path: str) -> bool:
    """Whether the path is that of a file that fetching itself writes."""
    return same_place(path) in _OURS


def path_problems(paths: Iterable[str], *, source: str) -> list[Problem]:
    """Return a problem for every path that may not be written, alone or beside the others.

    Parameters
    ----------
    paths : iterable of str
        Relative paths with ``/``.
    source : str
        What named them, for the messages.
    """
    found: list[tuple[str, str]] = []
    places: dict[str, str] = {}
    for path in paths:
        place = same_place(path)
        reason = why_unsafe(path) or ("the same place as another file" if place in places else "")
        if reason:
            found.append((path, reason))
        places[place] = path
    folders = {str(parent) for place in places for parent in PurePosixPath(place).parents}
    found += [(path, "a file and a folder of the same name") for place, path in places.items() if place in folders]
    problems = [
        Problem(f"{source}: {path[:120]!r}", reason, "plain relative paths", "tell the provider; nothing was written")
        for path, reason in found[:_MOST_TOLD]
    ]
    if len(found) > _MOST_TOLD:
        left = len(found) - _MOST_TOLD
        problems.append(Problem(source, f"{left} more such paths", "plain relative paths", "tell the provider"))
    return problems


def place_below(root: Path, path: str) -> Path:
    """Return where a relative path lies below a folder.

    Raises
    ------
    PathError
        When the path is unsafe, or a link on the way leads outside the folder, or is in the place of the file.
    """
    reason = why_unsafe(path)
    if reason:
        raise PathError(Problem(repr(path[:120]), reason, "a plain relative path", "tell the provider"))
    target = root / path
    inside(root, target.parent)
    if target.is_symlink():
        raise PathError(Problem(path, "a link", "a file, or nothing", "move the link away and fetch again"))
    return target
