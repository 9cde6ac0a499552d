"""Recordings that lie there twice under different names, found by their bytes without reading the signal."""

import hashlib
import zlib
from pathlib import Path

from painconn.recordings.door import FileAtDoor
from painconn.recordings.tree import files_of

_PIECE_BYTES = 1 << 16
_PLACES = (0.25, 0.5, 0.75)
_SAYS_NOTHING = 0.05


def sample_digest(file: FileAtDoor) -> str | None:
    """Return a digest of the size and three pieces of a recording's samples; None when hardly anything changes in them.

    Headers do not count: a copy under another name often has another header.

    Parameters
    ----------
    file : FileAtDoor
        A recording that passed the door.
    """
    path = _samples_of(file)
    return _digest(path, path.stat().st_size)


def _samples_of(file: FileAtDoor) -> Path:
    """Return the largest of a recording's files: the one with the samples."""
    files = [*files_of(file.path), *(companion.path for companion in file.companions())]
    return max((path for path in files if path.is_file()), key=lambda path: path.stat().st_size)


def _digest(path: Path, size: int) -> str | None:
    pieces = []
    with path.open("rb") as stream:
        for place in _PLACES:
            stream.seek(int(place * size))
            pieces.append(stream.read(_PIECE_BYTES))
    if all(len(zlib.compress(piece, 1)) < _SAYS_NOTHING * len(piece) for piece in pieces):
        return None
    return hashlib.sha256(b"".join([size.to_bytes(8, "big"), *pieces])).hexdigest()
