"""What can be read, checked and derived: readers, door checks and phenotype rules, as data.

Conventions of this file: standard library only; functions are named as ``"module:function"`` and loaded on use, so that
``--help`` and the validation of a study file stay light. A new entry is one function and one definition.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal


@dataclass(frozen=True)
class ReaderDefinition:
    """One file format.

    Parameters
    ----------
    name : str
        Name of the format.
    suffixes : tuple of str
        Ends of the file names, in lower case; the longest one that fits decides.
    function : str
        ``module:function`` that opens a path without loading its samples and returns an MNE object.
    holds : {"continuous", "epochs"}
        What the file contains.
    companions : tuple of str
        Suffixes of files that belong to the recording and are never a recording of their own.
    description : str
        One line for listings.
    folder : bool
        Whether the recording is a folder (EGI ``.mff``) and not a file.
    """

    name: str
    suffixes: tuple[str, ...]
    function: str
    holds: Literal["continuous", "epochs"]
    companions: tuple[str, ...]
    description: str
    folder: bool = False


@dataclass(frozen=True)
class CheckDefinition:
    """One door check.

    Parameters
    ----------
    name : str
        Name in the exclusion table.
    stage : {"file", "signal", "condition"}
        file: before the recording is opened · signal: right after reading · condition: for one condition of the study.
    function : str
        ``module:function`` that returns a finding or None.
    description : str
        What is found and what follows, one line for listings.
    """

    name: str
    stage: Literal["file", "signal", "condition"]
    function: str
    description: str


@dataclass(frozen=True)
class PhenotypeDefinition:
    """One rule that makes a label.

    Parameters
    ----------
    name, version : str
        Name in the study file and version of the rule; both are kept with the results.
    function : str
        ``module:function`` that returns a :class:`painconn.recordings.phenotype.PhenotypeLabels`.
    citation : str
        Where the rule comes from.
    description : str
        One line for listings.
    """

    name: str
    version: str
    function: str
    citation: str
    description: str


def load(function: str) -> Callable[..., Any]:
    """Return the function behind ``"module:function"``."""
    module, name = function.split(":")
    return getattr(import_module(module), name)


def _reader(
    name: str, suffixes: tuple[str, ...], description: str, companions: tuple[str, ...] = ()
) -> ReaderDefinition:
    return ReaderDefinition(
        name, suffixes, f"painconn.recordings.readers:open_{name}", "continuous", companions, description
    )


READERS: dict[str, ReaderDefinition] = {
    reader.name: reader
    for reader in (
        _reader("edf", (".edf",), "European Data Format (EDF, EDF+C)"),
        _reader("bdf", (".bdf",), "BioSemi Data Format (24 bit)"),
        _reader("brainvision", (".vhdr",), "BrainVision header with its .eeg and .vmrk", (".eeg", ".vmrk", ".dat")),
        _reader("eeglab", (".set",), "EEGLAB, with or without .fdt", (".fdt",)),
        _reader("fif", (".fif",), "MNE raw, split files included"),
        ReaderDefinition(
            "epochs_fif",
            ("-epo.fif", "_epo.fif"),
            "painconn.recordings.readers:open_epochs_fif",
            "epochs",
            (),
            "MNE epochs already cut",
        ),
    )
}


def _check(name: str, stage: Literal["file", "signal", "condition"], module: str, description: str) -> CheckDefinition:
    return CheckDefinition(name, stage, f"painconn.recordings.{module}:check_{name}", description)


CHECKS: dict[str, CheckDefinition] = {
    check.name: check
    for check in (
        _check("fetched", "file", "door", "a link whose content is not there (annexed, not fetched): excluded"),
        _check(
            "inside",
            "file",
            "door",
            "the file, or one its header names, lies outside the dataset: excluded, not opened",
        ),
        _check("regular", "file", "door", "not a regular file (named pipe, device, folder): excluded, not opened"),
        _check("empty", "file", "door", "a file of 0 bytes: excluded"),
        _check("header", "file", "door", "a header that cannot be true, or names files that are not there: excluded"),
        _check("complete", "file", "door", "fewer samples in the file than its own header or markers say: excluded"),
        _check("names", "signal", "checks", "two channels with one name: excluded"),
        _check("n_channels", "signal", "checks", "too few EEG channels: excluded"),
        _check("rate", "signal", "checks", "sampling rate differs from the sidecar: excluded"),
        _check("length", "signal", "checks", "shorter than the sidecar says: excluded"),
        _check("duration", "signal", "checks", "too short to be used at all: excluded"),
        _check("finite", "signal", "checks", "NaN or infinite samples: excluded"),
        _check(
            "amplitude",
            "signal",
            "checks",
            "median peak-to-peak outside 1 uV - 5 mV: excluded, never rescaled silently",
        ),
        _check("positions", "signal", "checks", "montage digitised, but EEG channels without a position: excluded"),
        _check("block", "condition", "checks", "rest: the annotation that spans the block is not there: excluded"),
        _check("events", "condition", "checks", "events: a needed event is missing, unreadable or outside: excluded"),
    )
}

PHENOTYPES: dict[str, PhenotypeDefinition] = {
    "given_column": PhenotypeDefinition(
        name="given_column",
        version="1",
        function="painconn.recordings.phenotype:given_column",
        citation="",
        description="The label is a column of the participants table, as it stands",
    )
}


def reader_for(file_name: str) -> ReaderDefinition | None:
    """Return the reader whose suffix ends the file name (longest first, any case), or None."""
    lowered = file_name.lower()
    fitting = [
        (len(suffix), reader) for reader in READERS.values() for suffix in reader.suffixes if lowered.endswith(suffix)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
