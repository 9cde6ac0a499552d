"""Which files of a dataset are wanted: everything, or what belongs to some participants."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.catalogue import Dataset
from painconn.recordings.fetch.listing import ListedFile
from painconn.recordings.pattern import parse_name

_BIDS = re.compile(r"sub-([A-Za-z0-9]+)(?![A-Za-z0-9])")
_MOST_TOLD = 12


def participant_of(dataset: Dataset, path: str) -> str:
    """Return the participant that a file belongs to; empty for a file of the whole dataset.

    ``sub-LABEL`` in a folder or file name decides, then the file-name pattern of the dataset, whose side files
    (``S001R01.edf.event``) belong to the same person.
    """
    for part in PurePosixPath(path).parts:
        match = _BIDS.match(part)
        if match:
            return match[1]
    parts = parse_name(f"{dataset.pattern}*", path) if dataset.pattern else None
    return parts["participant"] if parts else ""


def select_files(
    dataset: Dataset, files: Sequence[ListedFile], *, participants: Iterable[str] = (), first: int | None = None
) -> list[ListedFile]:
    """Return the files of the participants wanted, with all files of the whole dataset.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    files : sequence of ListedFile
        Everything that is offered.
    participants : iterable of str
        Labels, with or without ``sub-``; none means everybody.
    first : int or None
        Only so many participants, in order of their labels.

    Raises
    ------
    InputError
        When a label is not offered, or the files do not say whose they are.
    """
    owner = {file.path: participant_of(dataset, file.path) for file in files}
    there = sorted({label for label in owner.values() if label})
    wanted = [label.strip().removeprefix("sub-") for label in participants]
    if not wanted and first is None:
        return list(files)
    if not there:
        found = "file names that do not say whose they are (archives of several people)"
        fix = "fetch the dataset as a whole"
        raise InputError(Problem(f"--participants of {dataset.name}", found, "a file or folder per participant", fix))
    unknown = [label for label in wanted if label not in there]
    if unknown:
        told = ", ".join(there[:_MOST_TOLD]) + (f" ... {there[-1]}" if len(there) > _MOST_TOLD else "")
        fix = "write the labels as they are there (001 is not 1)"
        raise InputError(Problem("--participants", ", ".join(map(repr, unknown)), f"labels of: {told}", fix))
    chosen = set((wanted or there)[:first])
    return [file for file in files if not owner[file.path] or owner[file.path] in chosen]
