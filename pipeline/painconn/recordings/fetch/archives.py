"""Archives unpacked safely: nothing outside, no links or devices, no bombs, nothing half-unpacked in place."""

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from painconn.errors import Problem
from painconn.recordings.fetch.safe_paths import same_place, why_unsafe
from painconn.recordings.fetch.web import ProviderError

_ENDINGS = (".tar", ".tar.gz", ".tgz", ".zip")
_CHUNK_BYTES = 1 << 20
_MOST_HEADER_BYTES = 4 << 20
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may become.

    Parameters
    ----------
    n_bytes, n_files : int
        Largest sum of unpacked bytes, and most members.
    ratio : float
        Largest unpacked bytes per archive byte (EEG shrinks to a half or a third).
    free_bytes : int
        Unpacked bytes for which the ratio does not count yet.
    """

    n_bytes: int = 50 * 10**9
    n_files: int = 100_000
    ratio: float = 50.0
    free_bytes: int = 64 << 20


@dataclass(frozen=True)
class _Member:
    """A file of an archive: its path, its size by the header, and its content."""

    path: str
    size: int
    content: IO[bytes]


def is_archive(path: str) -> bool:
    """Whether a file name is that of an archive that can be unpacked."""
    return path.lower().endswith(_ENDINGS)


def unpack(archive: Path, staging: Path, limits: ArchiveLimits) -> list[str]:
    """Unpack the files of a tar or zip archive into a new folder.

    Parameters
    ----------
    archive : Path
        The archive.
    staging : Path
        A folder that does not exist yet; removed again when anything is wrong.
    limits : ArchiveLimits
        What is too much.

    Returns
    -------
    paths : list of str
        Files unpacked, relative to the folder, sorted.

    Raises
    ------
    ProviderError
        Unsafe paths, links, devices, too much data, or a damaged archive.
    """
    paths: list[str] = []
    staging.mkdir(parents=True)
    try:
        left = int(min(limits.n_bytes, max(limits.free_bytes, archive.stat().st_size * limits.ratio)))
        for member in _members(archive, staging, limits):
            left -= _write(member, staging, archive.name, left)
            paths.append(member.path)
    except _BROKEN as error:
        shutil.rmtree(staging, ignore_errors=True)
        found = f"an archive that cannot be unpacked ({type(error).__name__})"
        raise ProviderError(Problem(archive.name, found, "a whole archive", "tell the provider")) from None
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return sorted(paths)


def _members(archive: Path, staging: Path, limits: ArchiveLimits) -> Iterator[_Member]:
    """Yield the files of an archive, each seen to be safe to write."""
    places: set[str] = set()
    read = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    for number, member in enumerate(read(archive, staging)):
        if number >= limits.n_files:
            raise _refused(archive.name, f"more than {limits.n_files} members", "the files of a recording or dataset")
        if member is None:
            continue
        place = same_place(member.path)
        reason = why_unsafe(member.path) or ("the same file twice" if place in places else "")
        if reason:
            raise _refused(f"{archive.name}: {member.path[:120]!r}", reason, "plain relative paths")
        places.add(place)
        yield member


def _tar_members(archive: Path, staging: Path) -> Iterator[_Member | None]:
    """Yield the files of a tar archive and None for its folders; nothing is read ahead."""
    with ExitStack() as stack:
        stream: Any = stack.enter_context(archive.open("rb"))
        if not archive.name.lower().endswith(".tar"):
            stream = stack.enter_context(gzip.open(stream))
        wary: Any = _Wary(stream)
        tar: Any = stack.enter_context(tarfile.open(fileobj=wary, mode="r:"))
        while (entry := tar.next()) is not None:
            if entry.isdir():
                yield None
                continue
            if not entry.isreg():
                raise _refused(f"{archive.name}: {entry.name[:120]!r}", "a link or a device", "files and folders")
            tarfile.data_filter(entry, str(staging))
            content = tar.extractfile(entry)
            if content is None:
                raise _refused(f"{archive.name}: {entry.name[:120]!r}", "no content", "a file")
            with closing(content):
                yield _Member(entry.name.removeprefix("./"), entry.size, content)
            # The list of members is not needed and would grow.
            tar.members = []


def _zip_members(archive: Path, _: Path) -> Iterator[_Member | None]:
    """Yield the files of a zip archive and None for its folders."""
    with zipfile.ZipFile(archive) as zipped:
        for entry in zipped.infolist():
            if entry.is_dir():
                yield None
                continue
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or entry.flag_bits & 1:
                found = "a link, a device or something encrypted"
                raise _refused(f"{archive.name}: {entry.filename[:120]!r}", found, "files and folders")
            with zipped.open(entry) as content:
                yield _Member(entry.filename, entry.file_size, content)


class _Wary:
    """A stream for tarfile that refuses to read a whole header of gigabytes into memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int) -> bytes:
        """Read at most ``size`` bytes."""
        if not 0 <= size <= _MOST_HEADER_BYTES:
            raise tarfile.ReadError("a header of an impossible size")
        return self._stream.read(size)


def _write(member: _Member, staging: Path, archive: str, left: int) -> int:
    """Write one file; the bytes that come count, whatever the header says."""
    target = staging / member.path
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("xb") as stream:
        while chunk := member.content.read(_CHUNK_BYTES):
            written += len(chunk)
            if written > min(left, member.size):
                found = "more data than its size and the size of the archive allow"
                raise _refused(f"{archive}: {member.path[:120]!r}", found, f"at most {left} bytes more")
            stream.write(chunk)
    return written


def _refused(where: str, found: str, wanted: str) -> ProviderError:
    return ProviderError(Problem(where, found, wanted, "tell the provider; nothing of the archive was kept"))
