"""What a folder was fetched from: ``painconn_fetch.json`` beside the data. No dates, nothing about the user."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from painconn.errors import InputError, Problem
from painconn.recordings.fetch.catalogue import Dataset, Sha256
from painconn.recordings.fetch.sums import replace_text

RECORD = "painconn_fetch.json"
_MOST_BYTES = 64 << 20


class Unpacked(BaseModel):
    """An archive that was unpacked and removed: its hash and the files it gave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    files: tuple[str, ...]


class FetchRecord(BaseModel):
    """Dataset, version, terms, and archives unpacked; the hashes of files are in ``SHA256SUMS.txt``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    version: str
    version_found: str = ""
    doi: str
    home: str
    licence: str
    licence_url: str
    citation: tuple[str, ...]
    painconn: str
    archives: dict[str, Unpacked] = {}
    made: dict[str, str] = {}
    """Files that painconn made, each with the file of the dataset that it was made from."""


def new_record(dataset: Dataset, painconn: str) -> FetchRecord:
    """Return the record of a dataset of which nothing is there yet."""
    return FetchRecord(
        dataset=dataset.name,
        version=dataset.version,
        doi=dataset.doi,
        home=dataset.home,
        licence=dataset.licence,
        licence_url=dataset.licence_url,
        citation=dataset.citation,
        painconn=painconn,
    )


def read_record(folder: Path, dataset: Dataset) -> FetchRecord | None:
    """Return what the folder was fetched from; None when it says nothing.

    Raises
    ------
    InputError
        When the record is damaged, or is that of another dataset.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("too large")
        record = FetchRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        fix = "delete it: files that are there are kept, archives are fetched again"
        raise InputError(Problem(RECORD, "not a record of a fetch", "the file as it was written", fix)) from None
    if record.dataset != dataset.name:
        raise InputError(Problem("--to", f"a folder of {record.dataset}", "a folder of its own", "choose another --to"))
    return record


def write_record(folder: Path, record: FetchRecord) -> None:
    """Write the record."""
    replace_text(folder, RECORD, json.dumps(record.model_dump(), indent=1, ensure_ascii=False) + "\n")
