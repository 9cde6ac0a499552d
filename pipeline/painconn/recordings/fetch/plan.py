"""What a fetch will bring, how much that is, and whether it may and fits."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.archives import is_archive
from painconn.recordings.fetch.catalogue import Dataset
from painconn.recordings.fetch.listing import ListedFile
from painconn.recordings.fetch.selection import participant_of

_SPARE_BYTES = 200 << 20
_GB = 10**9


@dataclass(frozen=True)
class Plan:
    """Files of a fetch.

    Parameters
    ----------
    dataset : Dataset
        Whose files.
    files : sequence of ListedFile
        All that are wanted.
    missing : sequence of ListedFile
        Those that are not there yet.
    """

    dataset: Dataset
    files: Sequence[ListedFile]
    missing: Sequence[ListedFile]

    @property
    def is_exact(self) -> bool:
        """Whether the listing gave the size of every file."""
        return all(file.size is not None for file in self.missing)

    @property
    def n_bytes(self) -> int:
        """Bytes to bring; files without a size count with the average of the dataset."""
        return sum(self.size_of(file) for file in self.missing)

    @property
    def told_size(self) -> str:
        """Bytes to bring, in words."""
        return ("" if self.is_exact else "about ") + decimal(self.n_bytes)

    def size_of(self, file: ListedFile) -> int:
        """Return the size of a file in bytes, or the average of the dataset."""
        if file.size is not None:
            return file.size
        return int(self.dataset.size_gb * _GB / (self.dataset.n_files or len(self.files)))


def require_room(plan: Plan, target: Path, *, max_bytes: int) -> None:
    """Make sure that what is planned is allowed and fits on the disk.

    Raises
    ------
    InputError
        With the numbers, and how to take a part of the dataset.
    """
    problems = []
    if plan.n_bytes > max_bytes:
        found = f"{plan.told_size} in {len(plan.missing)} files"
        fix = f"--max-gb {plan.n_bytes // _GB + 1}" + _smaller(plan, max_bytes)
        problems.append(Problem("fetch", found, f"at most {decimal(max_bytes)} (--max-gb)", fix))
    unpacked = sum(plan.size_of(file) for file in plan.missing if plan.dataset.unpack and is_archive(file.path))
    needed = plan.n_bytes + unpacked + _SPARE_BYTES
    there = next(folder for folder in (target, *target.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        found, wanted = f"{decimal(free)} free", f"about {decimal(needed)}"
        problems.append(Problem("--to", found, wanted, "free some space, choose another --to, or take fewer people"))
    if problems:
        raise InputError(problems)


def _smaller(plan: Plan, max_bytes: int) -> str:
    """Say how many participants would fit."""
    sizes: dict[str, int] = {}
    for file in plan.missing:
        owner = participant_of(plan.dataset, file.path)
        sizes[owner] = sizes.get(owner, 0) + plan.size_of(file)
    left, fitting = max_bytes - sizes.pop("", 0), 0
    for owner in sorted(sizes):
        left -= sizes[owner]
        if left < 0:
            break
        fitting += 1
    return f", or a part: --first {fitting}, or --participants A,B" if fitting else ""
