"""What is known of each open dataset: ``configs/datasets/*.yaml``."""

import difflib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from painconn.config.base import Section
from painconn.config.document import load_model
from painconn.errors import InputError, Problem
from painconn.provenance import SHIPPED
from painconn.recordings.fetch.safe_paths import why_unsafe
from painconn.recordings.pattern import compile_pattern

FOLDER = SHIPPED / "configs" / "datasets"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_safe_address(url: str) -> bool:
    """Whether an address is HTTPS, or HTTP to this machine itself (a local copy behind a server)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.username or parts.password or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _web_address(url: str) -> str:
    if not is_safe_address(url):
        raise ValueError("wanted an https address")
    return url


def _web_folder(url: str) -> str:
    if not _web_address(url).endswith("/"):
        raise ValueError("wanted an https address that ends with /")
    return url


Address = Annotated[str, AfterValidator(_web_address)]
FolderAddress = Annotated[str, AfterValidator(_web_folder)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class PhysioNet(Section):
    """A published PhysioNet project: ``SHA256SUMS.txt`` in its folder lists every file with its hash."""

    kind: Literal["physionet"]
    url: FolderAddress = Field(description="Folder of the files of one version")


class S3(Section):
    """A public S3 bucket: listed by the S3 protocol, with sizes."""

    kind: Literal["s3"]
    url: FolderAddress = Field(description="Address of the bucket")
    root: str = Field(description="Start of every key, left out of the local paths; ends with /")
    below: tuple[str, ...] = Field((), description="Parts of the root that are wanted; all of it when empty")


class Osf(Section):
    """A project of the Open Science Framework: listed by its API, with sizes and hashes."""

    kind: Literal["osf"]
    node: str = Field(description="Id of the project", pattern=r"^[a-z0-9]{5}$")
    url: FolderAddress = Field("https://api.osf.io/v2/", description="Address of the API")


class RecordingFacts(Section):
    """What the recordings are, as far as it is known."""

    n_eeg_channels: tuple[int, ...] = Field(description="Scalp channels")
    sfreq_hz: tuple[float, ...] = Field(description="Sampling rates")
    reference: str = Field("", description="Reference during recording")
    highpass_hz: float | None = Field(None, description="High-pass applied before publication")
    lowpass_hz: float | None = Field(None, description="Low-pass applied before publication")
    notch_hz: float | None = Field(None, description="Line noise filter applied before publication")
    note: str = Field("", description="What else a study has to know")


class ParticipantsSource(Section):
    """A table of the dataset that ``participants.tsv`` is made from, where the dataset has none."""

    source: str = Field(description="Path of the table in the dataset")
    columns: dict[str, str] = Field(description="Column of the source to column of participants.tsv", min_length=1)
    values: dict[str, dict[str, str]] = Field(
        {}, description="Column of participants.tsv to what its cells stand for; another cell is an error"
    )

    @model_validator(mode="after")
    def _names_fit(self) -> "ParticipantsSource":
        if why_unsafe(self.source):
            raise ValueError(f"the path {self.source!r} in source, wanted a relative path without odd characters")
        if len(set(self.columns.values())) < len(self.columns):
            raise ValueError("two columns of one name, wanted each column once")
        unknown = sorted(set(self.values) - set(self.columns.values()))
        if unknown:
            raise ValueError(f"values of {unknown[0]!r}, wanted one of the columns of participants.tsv")
        return self


class Dataset(Section):
    """One open dataset."""

    name: str = Field(description="Name on the command line", pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(description="Title given by its authors")
    version: str = Field(description="Version described here; empty when the provider has none")
    doi: str = Field(description="DOI of the data; empty when none is known")
    home: Address = Field(description="Page for people")
    provider: PhysioNet | S3 | Osf = Field(discriminator="kind", description="Where the files lie")
    licence: str = Field(description="SPDX-like identifier")
    licence_name: str = Field(description="Name of the licence in words")
    licence_url: Address = Field(description="Text of the licence")
    licence_public_domain: bool = Field(description="Whether no condition has to be accepted")
    citation: tuple[str, ...] = Field(description="What a paper has to cite", min_length=1)
    good_for: str = Field(description="What one can do with it, in a few words")
    people: int = Field(description="Participants", gt=0)
    size_gb: float = Field(description="Approximate size of everything in units of 10^9 bytes", gt=0)
    n_files: int | None = Field(None, description="Approximate number of files, where a listing gives no sizes", gt=0)
    layout: Literal["bids", "folder"] = Field(description="Layout for a study file")
    pattern: str | None = Field(None, description="File names of `layout: folder`")
    unpack: bool = Field(False, description="Whether archives are unpacked where they lie, then removed")
    tasks: dict[str, str] = Field(description="Task label to what people did")
    groups: dict[str, tuple[str, ...]] = Field({}, description="Column of the participants table to its groups")
    participants: ParticipantsSource | None = Field(
        None, description="How participants.tsv is made; unless the dataset has one"
    )
    recording: RecordingFacts = Field(description="What the recordings are")
    sha256: dict[str, Sha256] = Field({}, description="Hash of files, by path; others are pinned when first fetched")

    @model_validator(mode="after")
    def _paths_are_safe(self) -> "Dataset":
        unsafe = [path for path in self.sha256 if why_unsafe(path)]
        if unsafe:
            raise ValueError(f"the path {unsafe[0]!r} in sha256, wanted a relative path without odd characters")
        if (self.layout == "folder") != (self.pattern is not None):
            raise ValueError("a pattern without `layout: folder` or the other way round, wanted both or neither")
        if self.pattern is not None:
            compile_pattern(self.pattern)
        return self


def dataset_names() -> list[str]:
    """Return the names of the datasets that can be fetched."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_dataset_file(path: Path) -> Dataset:
    """Read one dataset file.

    Raises
    ------
    ConfigError
        With every problem at once.
    """
    return load_model(path, Dataset, what="a dataset file")


def load_dataset(name: str) -> Dataset:
    """Return a dataset by its name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    names = dataset_names()
    if name not in names:
        close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
        fix = f"did you mean {close[0]}?" if close else "see `painconn list datasets`"
        raise InputError(Problem("fetch", f"the dataset {name!r}", f"one of: {', '.join(names)}", fix))
    return load_dataset_file(FOLDER / f"{name}.yaml")
