"""Stand-ins for content that was not fetched: broken links and the small text files of git-annex and Git LFS."""

import stat
from pathlib import Path

_MOST_BYTES = 1 << 15
_STARTS = (b"/annex/objects/", b".git/annex/", b"version https://git-lfs")


def is_pointer(path: Path) -> bool:
    """Whether a path stands for content that is not there: a link that leads nowhere, or the text of a pointer.

    Nothing but a regular file of at most 32 kB is opened.
    """
    try:
        status = path.stat()
    except OSError:
        return path.is_symlink()
    if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= _MOST_BYTES:
        return False
    with path.open("rb") as stream:
        return stream.read(max(map(len, _STARTS))).startswith(_STARTS)
