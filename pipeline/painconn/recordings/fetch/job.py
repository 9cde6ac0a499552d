"""One fetch, from the listing to the files in their places."""

import json
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Protocol

from painconn.errors import InputError, PainconnError, Problem
from painconn.provenance import file_hash
from painconn.recordings.fetch.archives import ArchiveLimits, is_archive, unpack
from painconn.recordings.fetch.catalogue import Dataset
from painconn.recordings.fetch.listing import ListedFile
from painconn.recordings.fetch.mirror import list_mirror
from painconn.recordings.fetch.people import make_participants
from painconn.recordings.fetch.plan import Plan, require_room
from painconn.recordings.fetch.providers import list_files
from painconn.recordings.fetch.record import FetchRecord, Unpacked, new_record, read_record, write_record
from painconn.recordings.fetch.safe_paths import UNPACKING, is_ours, path_problems, place_below
from painconn.recordings.fetch.selection import select_files
from painconn.recordings.fetch.sums import Pins
from painconn.recordings.fetch.transfer import Budget, StoppedError, Transfer, verify
from painconn.recordings.fetch.web import Patience, ProviderError, Web

_VERSION_OF_DOI = re.compile(r"\.v(\d+(?:\.\d+)*)$")
_MOST_DESCRIPTION_BYTES = 1 << 20


@dataclass(frozen=True)
class Wish:
    """What the user asks for.

    Parameters
    ----------
    participants : tuple of str
        Labels; none means everybody.
    first : int or None
        Only so many participants.
    max_bytes : int
        Most bytes to bring.
    workers : int
        Files at a time.
    accept_licence : bool
        Whether the conditions of use are accepted.
    mirror : Path or None
        A local copy instead of the provider.
    patience : Patience
        How long to wait for a server.
    limits : ArchiveLimits
        What an archive may become.
    """

    participants: tuple[str, ...] = ()
    first: int | None = None
    max_bytes: int = 20 * 10**9
    workers: int = 4
    accept_licence: bool = False
    mirror: Path | None = None
    patience: Patience = field(default_factory=Patience)
    limits: ArchiveLimits = field(default_factory=ArchiveLimits)


@dataclass(frozen=True)
class Outcome:
    """How a fetch ended.

    Parameters
    ----------
    record : FetchRecord
        What the folder holds now.
    n_brought, n_present : int
        Files brought now, and files that were there already.
    problems : tuple of Problem
        Files that are missing, with the reason.
    """

    record: FetchRecord
    n_brought: int
    n_present: int
    problems: tuple[Problem, ...]


class Display(Protocol):
    """Who is told how it goes on; called from several threads."""

    def start(self, plan: Plan) -> None:
        """Take what is going to be done."""

    def advance(self, n_bytes: int) -> None:
        """Take bytes brought (negative when they were thrown away)."""

    def finish(self) -> None:
        """Count a file that is in its place."""


def fetch_dataset(dataset: Dataset, target: Path, wish: Wish, display: Display) -> Outcome:
    """Bring the files of a dataset into a folder; what is there already is verified and kept.

    Parameters
    ----------
    dataset : Dataset
        What to fetch.
    target : Path
        Where to; made when missing.
    wish : Wish
        Which part, from where, and within which limits.
    display : Display
        Told about the progress.

    Returns
    -------
    outcome : Outcome
        With a problem for every file that is missing; the others are complete.

    Raises
    ------
    InputError
        Nothing was started: the licence, the folders, the participants or the size are at fault.
    ProviderError
        Nothing was started: the listing cannot be had or cannot be trusted.
    """
    _require_licence(dataset, wish)
    if target.exists() and not target.is_dir():
        raise InputError(Problem("--to", f"{target} is a file", "a folder, or nothing yet", "choose another --to"))
    if wish.mirror is not None and wish.mirror.is_dir():
        _require_apart(wish.mirror, target)
    record = read_record(target, dataset) or new_record(dataset, metadata.version("painconn"))
    web = Web(wish.patience)
    offered = list_files(dataset, web) if wish.mirror is None else list_mirror(dataset, wish.mirror)
    wanted = select_files(dataset, offered, participants=wish.participants, first=wish.first)
    job = _Job(dataset, target.resolve(), record, wish, web, display)
    return job.run(wanted)


def _require_licence(dataset: Dataset, wish: Wish) -> None:
    if not dataset.licence_public_domain and not wish.accept_licence:
        found = f"{dataset.licence_name} ({dataset.licence}), not accepted"
        fix = f"read {dataset.licence_url}, then add --accept-licence"
        raise InputError(Problem(f"licence of {dataset.name}", found, "conditions that you accept", fix))


def _require_apart(mirror: Path, target: Path) -> None:
    """Refuse a copy and a target that share files: an archive is removed where it was unpacked."""
    if _holds(mirror, target) or _holds(target, mirror):
        found = "the same folder twice, or one inside the other"
        raise InputError(Problem("--from and --to", found, "two folders apart from each other", "choose another --to"))


def _holds(folder: Path, other: Path) -> bool:
    """Whether a folder is another one or lies above it, links followed."""
    real = other.resolve()
    return folder.exists() and any(place.exists() and place.samefile(folder) for place in (real, *real.parents))


class _Job:
    """The state of one fetch, shared by its threads."""

    def __init__(
        self, dataset: Dataset, target: Path, record: FetchRecord, wish: Wish, web: Web, display: Display
    ) -> None:
        self._dataset = dataset
        self._target = target
        self._record = record
        self._wish = wish
        self._display = display
        self._pins = Pins(target)
        self._lock = Lock()
        self._transfer = Transfer(web, Budget(wish.max_bytes), display.advance)

    def run(self, wanted: Sequence[ListedFile]) -> Outcome:
        """Bring what is missing, verify what is there."""
        problems: list[Problem] = []
        files = []
        for file in wanted:
            try:
                files.append(self._with_known_hash(file))
            except PainconnError as error:
                problems.extend(error.problems)
        plan = Plan(self._dataset, files, [file for file in files if not self._is_there(file)])
        require_room(plan, self._target, max_bytes=self._wish.max_bytes)
        self._display.start(plan)
        self._target.mkdir(parents=True, exist_ok=True)
        write_record(self._target, self._record)
        self._pins.write()
        try:
            brought, failed = self._settle_all(files)
        finally:
            self._pins.write()
        problems += [problem for path in sorted(failed) for problem in failed[path]]
        made = dict(self._record.made)
        if self._dataset.participants is not None and self._dataset.participants.source not in failed:
            try:
                made |= make_participants(self._dataset.participants, self._target)
            except PainconnError as error:
                problems.extend(error.problems)
        self._record = self._record.model_copy(update={"version_found": _version_found(self._target), "made": made})
        write_record(self._target, self._record)
        return Outcome(self._record, brought, len(files) - brought - len(failed), tuple(problems))

    def _settle_all(self, files: Sequence[ListedFile]) -> tuple[int, dict[str, tuple[Problem, ...]]]:
        """Settle every file; return how many were brought, and what went wrong with which."""
        brought = 0
        failed: dict[str, tuple[Problem, ...]] = {}
        with ThreadPoolExecutor(self._wish.workers) as pool:
            waiting: dict[Future[bool], str] = {pool.submit(self._settle, file): file.path for file in files}
            try:
                for future in as_completed(waiting):
                    try:
                        brought += future.result()
                    except StoppedError:
                        again = "run the same command again"
                        failed[waiting[future]] = (Problem(waiting[future], "stopped", "the whole file", again),)
                    except PainconnError as error:
                        failed[waiting[future]] = error.problems
                    else:
                        self._display.finish()
            except BaseException:
                self._transfer.stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return brought, failed

    def _settle(self, file: ListedFile) -> bool:
        """See that a file is in its place; return whether it was brought now."""
        if self._transfer.stop.is_set():
            raise StoppedError
        if self._is_unpacked(file):
            self._verify_unpacked(self._record.archives[file.path].files)
            return False
        place = place_below(self._target, file.path)
        packed = self._dataset.unpack and is_archive(file.path)
        brought = not place.exists()
        if brought:
            sha256 = self._transfer.bring(file, place, announce=lambda found: self._pin(file, found, packed))
        else:
            sha256 = _verify_present(place, file)
            self._pin(file, sha256, packed)
        if packed:
            self._unpack(file, place, sha256)
        return brought

    def _pin(self, file: ListedFile, sha256: str, packed: bool) -> None:
        """Pin a hash; that of an archive goes to the record when it is unpacked and gone."""
        if not packed:
            self._pins.add({file.path: sha256})

    def _with_known_hash(self, file: ListedFile) -> ListedFile:
        """Return the file with the one hash that the dataset file, the folder and the listing agree on."""
        unpacked = self._record.archives.get(file.path)
        known = {
            f"configs/datasets/{self._dataset.name}.yaml": self._dataset.sha256.get(file.path, ""),
            "the first fetch into this folder": unpacked.sha256 if unpacked else self._pins[file.path],
            "the listing": file.sha256,
        }
        told = {source: sha256 for source, sha256 in known.items() if sha256}
        if len(set(told.values())) > 1:
            found = "; ".join(f"sha256 {sha256} in {source}" for source, sha256 in told.items())
            fix = "the provider's file has changed: see its page, and fetch a new version into another folder"
            raise ProviderError(Problem(file.path, found, "one sha256", fix))
        return replace(file, sha256=next(iter(told.values()), ""))

    def _is_there(self, file: ListedFile) -> bool:
        return self._is_unpacked(file) or place_below(self._target, file.path).exists()

    def _is_unpacked(self, file: ListedFile) -> bool:
        """Whether an archive was unpacked into files that are still there."""
        unpacked = self._record.archives.get(file.path)
        if unpacked is None or not self._dataset.unpack:
            return False
        return all(place_below(self._target, path).is_file() for path in unpacked.files)

    def _verify_unpacked(self, paths: Sequence[str]) -> None:
        """See that files of an archive are what it gave; every one that is not is told."""
        problems: list[Problem] = []
        for path in paths:
            try:
                _verify_present(self._target / path, ListedFile(path, "", sha256=self._pins[path]))
            except ProviderError as error:
                problems.extend(error.problems)
        if problems:
            raise ProviderError(problems)

    def _unpack(self, file: ListedFile, archive: Path, sha256: str) -> None:
        """Unpack an archive where it lies, pin what it gave, and remove it."""
        staging = archive.with_name(archive.name + UNPACKING)
        shutil.rmtree(staging, ignore_errors=True)
        paths = unpack(archive, staging, self._wish.limits)
        try:
            # One at a time: two archives could give the same file.
            with self._lock:
                given, altered = self._put_in_place(PurePosixPath(file.path), staging, paths)
                archives = {**self._record.archives, file.path: Unpacked(sha256=sha256, files=given)}
                self._record = self._record.model_copy(update={"archives": archives})
                write_record(self._target, self._record)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        archive.unlink()
        self._verify_unpacked(altered)

    def _put_in_place(
        self, archive: PurePosixPath, staging: Path, paths: Sequence[str]
    ) -> tuple[tuple[str, ...], list[str]]:
        """Move unpacked files beside their archive; return all of them, and those that differ from what lies there.

        What is there is never overwritten: only missing files are moved. A file that was pinned from this archive and
        altered since is the user's business; any other file of the name refuses the whole archive.
        """
        moves = {(archive.parent / path).as_posix(): staging / path for path in paths}
        problems = path_problems(moves, source=archive.name)
        hashes = {path: file_hash(source) for path, source in moves.items()}
        altered = []
        for path, sha256 in hashes.items():
            place = place_below(self._target, path)
            there = file_hash(place) if place.is_file() else ""
            if there not in ("", sha256):
                altered.append(path)
            if is_ours(path) or place.is_dir() or (self._pins[path] or there) not in ("", sha256):
                fix = "move what is there away, or tell the provider"
                problems.append(Problem(f"{archive.name}: {path}", "another file of that name", "a free name", fix))
        if problems:
            raise ProviderError(problems)
        self._pins.add(hashes)
        for path, source in moves.items():
            place = place_below(self._target, path)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                source.replace(place)
        return tuple(sorted(moves)), sorted(altered)


def _verify_present(place: Path, file: ListedFile) -> str:
    """Return the sha256 of a file that is there already; it is never overwritten."""
    fix = "it was left as it is: to get the original, move it away and run again"
    if not place.is_file():
        raise ProviderError(Problem(file.path, "no file", "a file, or nothing", "move it away and run again"))
    sha256, problem = verify(place, file)
    if problem:
        raise ProviderError(replace(problem, fix=fix))
    return sha256


def _version_found(folder: Path) -> str:
    """Return the version that a BIDS dataset states in its own DOI; empty when it states none."""
    description = folder / "dataset_description.json"
    try:
        if description.stat().st_size > _MOST_DESCRIPTION_BYTES:
            return ""
        doi = json.loads(description.read_text(encoding="utf-8"))["DatasetDOI"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    match = _VERSION_OF_DOI.search(doi) if isinstance(doi, str) else None
    return match[1] if match else ""
