"""What is told about a fault of the program: where in the code it happened, and nothing about whose data it was."""

import re
import traceback
from pathlib import Path

import painconn

_QUOTED = re.compile(r"""(['"])(/[^'"\n]*)\1""")
_BARE = re.compile(r"""(?<![\w./<'"])/(?:[^\s'":;,()]+/)*[^\s'":;,()]+""")
_PACKAGES = "/site-packages/"


def crash_text(error: BaseException) -> str:
    """Return a traceback that may be kept in a log and sent on.

    Folders of this machine are left out of paths, because they may name people and places. Of the errors behind the
    last one only the kind is told: their words may come from a reader, and quote what a header says about a person.

    Parameters
    ----------
    error : BaseException
        With its traceback.

    Returns
    -------
    text : str
        Lines as Python writes them; the last one has the kind and the words of the error.
    """
    told = without_folders("".join(traceback.format_exception_only(error)).rstrip())
    lines: list[str] = []
    current: BaseException | None = error
    while current is not None:
        frames = without_folders("".join(traceback.format_tb(current.__traceback__)).rstrip())
        lines = ["Traceback (most recent call last):", frames, told, "", *lines]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        told = f"{type(current).__name__} (its words are left out), and then:"
    return "\n".join(lines).rstrip()


def without_folders(text: str) -> str:
    """Return a text in which absolute paths are shortened: relative inside the folder at work, else the bare name.

    A file of this or of an installed package keeps its path below the packages.
    """
    quoted = _QUOTED.sub(lambda match: f"{match[1]}{_shortened(match[2])}{match[1]}", text)
    return _BARE.sub(lambda match: _shortened(match[0]), quoted)


def _shortened(path: str) -> str:
    _, installed, below = path.rpartition(_PACKAGES)
    if installed:
        return below
    for folder in (Path(painconn.__file__).parents[1], Path.cwd()):
        if Path(path).is_relative_to(folder):
            return Path(path).relative_to(folder).as_posix()
    return Path(path).name
