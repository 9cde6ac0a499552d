"""One file from its source to its place: resumed, counted, verified, renamed."""

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any, BinaryIO

from painconn.errors import Problem
from painconn.provenance import file_hash
from painconn.recordings.fetch.listing import ListedFile
from painconn.recordings.fetch.safe_paths import PART, PART_NOTE
from painconn.recordings.fetch.web import PassingError, ProviderError, Web, chunks_of

_CHUNK_BYTES = 1 << 20
_MOST_ATTEMPTS = 1000


class StoppedError(Exception):
    """Another file, or the user, has stopped the whole transfer."""


class Budget:
    """Bytes that all files together may take.

    Parameters
    ----------
    n_bytes : int
        How many.
    """

    def __init__(self, n_bytes: int) -> None:
        self._left = n_bytes
        self._lock = Lock()

    def take(self, n_bytes: int) -> bool:
        """Take bytes (or give back, when negative); False when there are not enough left."""
        with self._lock:
            if n_bytes > self._left:
                return False
            self._left -= n_bytes
            return True


@dataclass(frozen=True)
class Transfer:
    """What all files of a fetch share.

    Parameters
    ----------
    web : Web
        Requests.
    budget : Budget
        Bytes that may be written.
    advance : callable
        Told of bytes written (negative when they were thrown away).
    stop : Event
        Set when the transfer shall end.
    """

    web: Web
    budget: Budget
    advance: Callable[[int], object]
    stop: Event = field(default_factory=Event)

    def bring(self, file: ListedFile, place: Path, *, announce: Callable[[str], object]) -> str:
        """Bring a file to its place and return its sha256.

        Parameters
        ----------
        file : ListedFile
            What to bring; its hashes and size, where given, are what it must have.
        place : Path
            Final path; safe, and free.
        announce : callable
            Told the sha256 before the file gets its name.

        Raises
        ------
        ProviderError
            When it cannot be had or is not what it should be; nothing has the final name then.
        StoppedError
            When the transfer was stopped.
        """
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            part = _Part(place, file, self)
            # A piece kept from before may be at fault: then once more from the start.
            for _ in range(2):
                resumed = self._fill(part, file)
                sha256, problem = verify(part.path, file)
                if not problem or not resumed:
                    break
                part.discard()
            if problem:
                part.discard()
                raise ProviderError(problem)
            announce(sha256)
            part.finish(place)
        except OSError as error:
            raise _disk_error(error, file, self.stop) from None
        return sha256

    def _fill(self, part: "_Part", file: ListedFile) -> bool:
        """Complete the unfinished file; return whether a piece from before was used."""
        if isinstance(file.source, Path):
            part.discard()
            with file.source.open("rb") as stream, part.appending() as target:
                self._pour(iter(lambda: stream.read(_CHUNK_BYTES), b""), target, file, 0)
            return False
        return self._download(part, file, file.source)

    def _download(self, part: "_Part", file: ListedFile, url: str) -> bool:
        """Download until complete; give up after several attempts in a row without progress."""
        failed, resumed = 0, False
        for _ in range(_MOST_ATTEMPTS):
            if self.stop.is_set():
                raise StoppedError
            before = part.size
            try:
                resumed |= self._attempt(part, file, url)
            except PassingError as error:
                failed = 1 if part.size > before else failed + 1
                if failed >= self.web.patience.attempts:
                    fix = "run the same command again: it goes on where it stopped"
                    raise ProviderError(Problem(file.path, error.reason, "the whole file", fix)) from None
                self.stop.wait(self.web.patience.wait_s(failed, error.wait_s))
            else:
                return resumed
        raise ProviderError(Problem(file.path, "a connection that breaks all the time", "the whole file", "try later"))

    def _attempt(self, part: "_Part", file: ListedFile, url: str) -> bool:
        """Make one request; return whether it went on where an earlier one had stopped."""
        offset = part.resumable_bytes(file)
        if offset == file.size and part.path.is_file():
            return True
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        if offset and part.etag:
            headers["If-Range"] = part.etag
        with self.web.open(url, headers) as response:
            if offset and (response.status_code != 206 or not _continues(response.headers, offset, part.etag)):
                part.discard()
                if response.status_code != 200:
                    raise PassingError("an answer that does not continue the file")
                offset = 0
            elif not offset and response.status_code != 200:
                raise PassingError(f"status {response.status_code}")
            length = response.headers.get("Content-Length", "")
            total = offset + int(length) if length.isdecimal() and len(length) < 18 else None
            if file.size is not None and total is not None and total != file.size:
                found, fix = f"{total} bytes announced", "the listing or the file has changed: try again later"
                raise ProviderError(Problem(file.path, found, f"{file.size} bytes as listed", fix))
            if total is None and file.size is None and not (file.sha256 or file.md5):
                found = "neither a size nor a hash"
                raise ProviderError(Problem(file.path, found, "something that tells a whole file", "tell the provider"))
            if not offset:
                part.note(response.headers.get("ETag", ""))
            with part.appending() as target:
                self._pour(chunks_of(response), target, file, offset)
        if file.size is not None and part.size < file.size:
            raise PassingError(f"only {part.size} of {file.size} bytes")
        return offset > 0

    def _pour(self, chunks: Iterator[bytes], target: BinaryIO, file: ListedFile, written: int) -> None:
        """Write what comes, as long as it is no more than listed and allowed."""
        for chunk in chunks:
            if self.stop.is_set():
                raise StoppedError
            written += len(chunk)
            if file.size is not None and written > file.size:
                found = f"more than the {file.size} bytes listed"
                raise _RefusedError(
                    Problem(file.path, found, f"{file.size} bytes", "tell the provider; it was thrown away")
                )
            if not self.budget.take(len(chunk)):
                raise _RefusedError(
                    Problem(file.path, "more data than announced", "at most --max-gb in all", "raise --max-gb")
                )
            target.write(chunk)
            self.advance(len(chunk))


class _RefusedError(ProviderError):
    """What came so far is not to be kept."""


class _Part:
    """The unfinished file beside its final name, and what is known of where it comes from."""

    def __init__(self, place: Path, file: ListedFile, transfer: Transfer) -> None:
        self.path = place.with_name(place.name + PART)
        self._note = place.with_name(place.name + PART_NOTE)
        self._source = str(file.source)
        self._transfer = transfer
        for path in (self.path, self._note):
            if path.is_symlink():
                path.unlink()
        self._counted = 0
        noted = self._read_note()
        self.etag = str(noted.get("etag", ""))
        if noted.get("source") != self._source:
            self.discard()
        self._count(self.size)

    @property
    def size(self) -> int:
        """Bytes there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def resumable_bytes(self, file: ListedFile) -> int:
        """Return how many bytes can be kept: none when nothing could tell that the file has changed since."""
        kept = self.size
        unknown = not (self.etag or file.sha256 or file.md5)
        if kept and (unknown or (file.size is not None and kept > file.size)):
            self.discard()
            return 0
        return kept

    def note(self, etag: str) -> None:
        """Remember where the piece comes from; a weak ETag cannot vouch for bytes."""
        self.etag = "" if etag.startswith("W/") or not etag.isprintable() else etag
        self._note.write_text(json.dumps({"source": self._source, "etag": self.etag}), encoding="utf-8")

    def discard(self) -> None:
        """Throw the piece away."""
        self.etag = ""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._count(0)

    @contextmanager
    def appending(self) -> Iterator[BinaryIO]:
        """Open for appending; never through a link. What was refused is thrown away, what broke off is kept."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(self.path, flags, 0o644), "ab") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
        except _RefusedError:
            self._counted = self.size
            self.discard()
            raise
        finally:
            self._counted = self.size

    def finish(self, place: Path) -> None:
        """Give the verified file its name."""
        self.path.replace(place)
        self._note.unlink(missing_ok=True)

    def _count(self, n_bytes: int) -> None:
        """Tell the budget and the display how many bytes of this file are there now."""
        change = n_bytes - self._counted
        if change and self._transfer.budget.take(change):
            self._transfer.advance(change)
            self._counted = n_bytes

    def _read_note(self) -> dict[str, Any]:
        try:
            noted = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return noted if isinstance(noted, dict) else {}


def _continues(headers: Any, offset: int, etag: str) -> bool:
    """Whether a partial answer goes on exactly at the offset, in the same version of the file."""
    answered = headers.get("ETag", "")
    return str(headers.get("Content-Range", "")).startswith(f"bytes {offset}-") and (not etag or answered in ("", etag))


def verify(path: Path, file: ListedFile) -> tuple[str, Problem | None]:
    """Return the sha256 of a complete file, and what is wrong with it.

    Parameters
    ----------
    path : Path
        The file on the disk.
    file : ListedFile
        What is known of it.
    """
    sha256, size = file_hash(path), path.stat().st_size
    again = "run again; when it stays so, the provider's file has changed or was altered on the way: tell the provider"
    if isinstance(file.source, Path):
        again = "the copy is not the file that was published: complete it, or fetch without --from"
    if file.size is not None and size != file.size:
        return sha256, Problem(file.path, f"{size} bytes", f"{file.size} bytes", again)
    if file.sha256 and sha256 != file.sha256:
        return sha256, Problem(file.path, f"sha256 {sha256}", f"sha256 {file.sha256}", again)
    if file.md5 and not file.sha256:
        with path.open("rb") as stream:
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if md5 != file.md5:
            return sha256, Problem(file.path, f"md5 {md5}", f"md5 {file.md5}", again)
    return sha256, None


def _disk_error(error: OSError, file: ListedFile, stop: Event) -> ProviderError:
    if error.errno == errno.ENOSPC:
        stop.set()
        return ProviderError(
            Problem(file.path, "no space left on the disk", "space", "free some space, then run again")
        )
    return ProviderError(Problem(file.path, f"cannot be written or read ({error.strerror})", "a file", "run again"))
