"""What every listing gives, and the limits that hold for all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from painconn.errors import Problem
from painconn.recordings.fetch.safe_paths import is_ours, path_problems
from painconn.recordings.fetch.web import ProviderError

MOST_FILES = 200_000
MOST_PAGES = 2_000
_MOST_BYTES = 1 << 50


@dataclass(frozen=True)
class ListedFile:
    """One file that a provider or a local copy offers.

    Parameters
    ----------
    path : str
        Where it goes below the target folder, with ``/``.
    source : str or Path
        Address, or place of the local copy.
    size : int or None
        Bytes; None when the listing does not say.
    sha256, md5 : str
        Hexadecimal hashes; empty when the listing does not say.
    """

    path: str
    source: str | Path
    size: int | None = None
    sha256: str = ""
    md5: str = ""


def checked_listing(files: Iterable[ListedFile], *, source: str) -> list[ListedFile]:
    """Return the files of a listing in order of their paths, without those whose names fetching keeps for itself.

    Raises
    ------
    ProviderError
        Too many files, absurd sizes, or paths that may not be written: every such file at once.
    """
    listed: list[ListedFile] = []
    for file in files:
        if len(listed) == MOST_FILES:
            fix = "is this the right dataset? Nothing was written"
            raise ProviderError(Problem(source, f"more than {MOST_FILES} files", "the files of one dataset", fix))
        listed.append(file)
    listed = [file for file in listed if not is_ours(file.path)]
    problems = path_problems((file.path for file in listed), source=source)
    problems += [
        Problem(
            f"{source}: {file.path[:120]!r}", f"a size of {file.size} bytes", "a possible size", "tell the provider"
        )
        for file in listed
        if file.size is not None and not 0 <= file.size <= _MOST_BYTES
    ][:20]
    if not listed:
        problems.append(Problem(source, "no files", "the files of the dataset", "try again later, or see its page"))
    if problems:
        raise ProviderError(problems)
    return sorted(listed, key=lambda file: file.path)


def too_many_pages(source: str) -> ProviderError:
    """Return the error of a listing without an end."""
    found = "a listing that does not end"
    return ProviderError(
        Problem(source, found, f"at most {MOST_PAGES} pages", "tell the provider; nothing was written")
    )
