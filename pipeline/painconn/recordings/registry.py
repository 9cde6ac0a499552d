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
    header : str
        Module with ``companions_of`` and ``outline_of`` of this format, for the door.
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
    header: str
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
    consequence : str
        What can follow (:data:`painconn.recordings.findings.Consequence`), by what is found.
    function : str
        ``module:function``. file: takes a file and returns a finding or None · signal, condition: yields findings.
    description : str
        What is found, one line for listings.
    """

    name: str
    stage: Literal["file", "signal", "condition"]
    consequence: str
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
        ``module:function`` that takes the rows of a table and returns a
        :class:`painconn.recordings.phenotype.evidence.Evidence`.
    labels : tuple of str
        Labels that the rule can give; empty: those of the column.
    columns : tuple of str
        What the rule can read, by the names that ``data.phenotype.columns`` takes.
    repeated : tuple of str
        Those of the columns that may be several.
    options : tuple of str
        Other options of ``data.phenotype`` that the rule takes.
    citation : str
        Where the rule comes from.
    doi : str
        DOI of the rule, or of what its numbers rest on; empty when not verified.
    description : str
        One line for listings.
    """

    name: str
    version: str
    function: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    repeated: tuple[str, ...]
    options: tuple[str, ...]
    citation: str
    doi: str
    description: str


def load(function: str) -> Callable[..., Any]:
    """Return the function behind ``"module:function"``."""
    module, name = function.split(":")
    return getattr(import_module(module), name)


def _reader(
    name: str,
    suffixes: tuple[str, ...],
    description: str,
    companions: tuple[str, ...] = (),
    *,
    header: str = "",
    holds: Literal["continuous", "epochs"] = "continuous",
    folder: bool = False,
) -> ReaderDefinition:
    function = f"painconn.recordings.opening:open_{name}"
    module = f"painconn.recordings.headers.{header or name}"
    return ReaderDefinition(name, suffixes, function, module, holds, companions, description, folder)


READERS: dict[str, ReaderDefinition] = {
    reader.name: reader
    for reader in (
        _reader("edf", (".edf",), "European Data Format: EDF, EDF+; EDF+D only without gaps"),
        _reader("bdf", (".bdf",), "BioSemi Data Format (24 bit): BDF, BDF+", header="edf"),
        _reader("gdf", (".gdf",), "General Data Format 1.x and 2.x"),
        _reader(
            "brainvision",
            (".vhdr", ".ahdr"),
            "BrainVision header with its samples and markers",
            (".eeg", ".vmrk", ".avg", ".amrk", ".dat"),
        ),
        _reader("eeglab", (".set",), "EEGLAB, continuous, with or without .fdt; MATLAB 5 to 7, not 7.3", (".fdt",)),
        _reader(
            "epochs_eeglab",
            ("-epo.set", "_epo.set"),
            "EEGLAB epochs already cut",
            (".fdt",),
            header="eeglab_epochs",
            holds="epochs",
        ),
        _reader("fif", (".fif",), "MNE raw, split files included"),
        _reader("epochs_fif", ("-epo.fif", "_epo.fif"), "MNE epochs already cut", header="fif", holds="epochs"),
        _reader("egi_mff", (".mff",), "EGI Net Station folder", folder=True),
        _reader("egi_simple", (".raw",), "EGI simple binary, unsegmented"),
        _reader("cnt", (".cnt",), "Neuroscan; ANT Neuro with the package antio", (".evt", ".trg")),
        _reader(
            "curry",
            (".cdt", ".dap"),
            "Curry 7 (.dap) and 8 or 9 (.cdt)",
            (".dat", ".rs3", ".dpa", ".dpo", ".ceo", ".cef"),
        ),
        _reader("persyst", (".lay",), "Persyst header with its .dat", (".dat",)),
        _reader("nedf", (".nedf",), "Neuroelectrics"),
    )
}


_NOTE, _CHANNEL, _STRETCH, _EXCLUDE = "note", "mark channel", "mark stretch", "exclude recording"


def _check(
    name: str,
    stage: Literal["file", "signal", "condition"],
    module: str,
    description: str,
    consequences: tuple[str, ...] = (_EXCLUDE,),
) -> CheckDefinition:
    function = f"painconn.recordings.{module}:check_{name.replace(' ', '_')}"
    return CheckDefinition(name, stage, ", ".join(consequences), function, description)


CHECKS: dict[str, CheckDefinition] = {
    check.name: check
    for check in (
        _check("fetched", "file", "door", "a link whose content is not there (annexed, not fetched)"),
        _check(
            "inside",
            "file",
            "door",
            "the file, or one its header names, lies outside the dataset, not opened",
        ),
        _check("regular", "file", "door", "not a regular file (named pipe, device, folder), not opened"),
        _check("empty", "file", "door", "a file of 0 bytes"),
        _check(
            "checksum",
            "file",
            "door",
            "another sha256 than SHA256SUMS.txt at the root or beside the file says; damaged lines of it, a note",
            (_NOTE, _EXCLUDE),
        ),
        _check("header", "file", "door", "a header that cannot be true, or names files that are not there"),
        _check("complete", "file", "door", "fewer or other samples in the file than its own header or markers say"),
        _check("names", "signal", "checks.statements", "two channels with one name"),
        _check("n_channels", "signal", "checks.statements", "too few EEG channels"),
        _check(
            "units",
            "signal",
            "checks.statements",
            "channels.tsv states another unit than the file; with unit_scale stated, a note of it",
            (_NOTE, _EXCLUDE),
        ),
        _check("rate", "signal", "checks.statements", "sampling rate differs from the sidecar"),
        _check(
            "length",
            "signal",
            "checks.statements",
            "shorter than the sidecar says; longer is a note",
            (_NOTE, _EXCLUDE),
        ),
        _check("duration", "signal", "checks.statements", "too short to be used at all"),
        _check("positions", "signal", "checks.statements", "montage digitised, but EEG channels without a position"),
        _check(
            "finite",
            "signal",
            "checks.gaps",
            "NaN or infinite samples: a channel, a stretch, too many; channels that are no EEG are left out",
            (_NOTE, _CHANNEL, _STRETCH, _EXCLUDE),
        ),
        _check(
            "reference",
            "signal",
            "checks.likeness",
            "state of the reference: average, linked; a channel of zeros is the reference itself",
            (_NOTE, _CHANNEL),
        ),
        _check(
            "flat",
            "signal",
            "checks.gaps",
            "constant: a channel for long, a channel or all in a stretch, all throughout; EOG, ECG, EMG are left out",
            (_NOTE, _CHANNEL, _STRETCH, _EXCLUDE),
        ),
        _check("amplitude", "signal", "checks.amplitude", "implausible median peak-to-peak; never rescaled silently"),
        _check(
            "scale", "signal", "checks.amplitude", "channels far larger or smaller than the median channel", (_CHANNEL,)
        ),
        _check("clipped", "signal", "checks.amplitude", "channels stuck at their own extreme", (_CHANNEL,)),
        _check("copied", "signal", "checks.likeness", "channels that are copies of each other", (_CHANNEL,)),
        _check("bridged", "signal", "checks.likeness", "electrodes joined by gel", (_CHANNEL,)),
        _check("bad channels", "signal", "checks.likeness", "too many channels marked by the checks above"),
        _check("block", "condition", "checks.conditions", "rest: the annotation that spans the block is not there"),
        _check("events", "condition", "checks.conditions", "events: none of the condition, or unreadable or outside"),
        _check(
            "onsets",
            "condition",
            "checks.conditions",
            "events: columns onset and sample contradict each other",
            (_NOTE, _EXCLUDE),
        ),
    )
}

BODY_SITES: dict[str, str] = {
    **{
        f"{site}_{side}": f"upper {side}"
        for side in ("left", "right")
        for site in ("shoulder", "upper_arm", "lower_arm")
    },
    **{f"{site}_{side}": f"lower {side}" for side in ("left", "right") for site in ("hip", "upper_leg", "lower_leg")},
    **dict.fromkeys(("neck", "upper_back", "lower_back"), "axial"),
}
"""The 15 sites of generalized pain and their five regions (Wolfe et al. 2016)."""

OTHER_SITES = ("jaw_left", "jaw_right", "chest", "abdomen")
"""Sites of the widespread-pain index that do not count for generalized pain."""

PHENOTYPES: dict[str, PhenotypeDefinition] = {
    rule.name: rule
    for rule in (
        PhenotypeDefinition(
            name="given_column",
            version="1",
            function="painconn.recordings.phenotype.given_column:read_column",
            labels=(),
            columns=(),
            repeated=(),
            options=("column",),
            citation="",
            doi="",
            description="The label is a column of the participants table (or of `table`), as it stands",
        ),
        PhenotypeDefinition(
            name="pinprick",
            version="1",
            function="painconn.recordings.phenotype.pinprick:score_ratings",
            labels=("widespread", "localized", "control"),
            columns=("painful", "remote", "site", "rating", "force", "session"),
            repeated=("painful", "remote"),
            options=(
                "columns", "sites", "controls", "cut", "neighbours", "adjust_for", "rating_range", "offset",
            ),
            citation="z of log ratings: Rolke et al. 2006, Pain 123:231; reference by age and sex: Magerl et al. 2010, "
            "Pain 151:598; the division by remote site is this project's",
            doi="10.1016/j.pain.2010.07.026",
            description="Pinprick hyperalgesia against controls: widespread = painful and remote site above the cut, "
            "localized = painful site only",
        ),
        PhenotypeDefinition(
            name="acr2016",
            version="1",
            function="painconn.recordings.phenotype.acr2016:score_criteria",
            labels=("fibromyalgia", "no_fibromyalgia", "control"),
            columns=(
                "wpi", "regions", "sss", "months", *BODY_SITES, *OTHER_SITES, "fatigue", "unrefreshed", "cognition",
                "headache", "abdominal_pain", "depression",
            ),
            repeated=(),
            options=("columns", "controls"),
            citation="Wolfe et al. 2016, Semin Arthritis Rheum 46:319",
            doi="",
            description="Fibromyalgia criteria, 2016 revision: widespread-pain index, symptom severity, pain in 4 of 5 "
            "regions, 3 months",
        ),
        PhenotypeDefinition(
            name="body_map",
            version="1",
            function="painconn.recordings.phenotype.body_map:count_regions",
            labels=("widespread", "localized", "no_pain", "control"),
            columns=("sites", "regions", *BODY_SITES),
            repeated=(),
            options=("columns", "controls", "cut", "neighbours"),
            citation="Wolfe et al. 2019, Scand J Pain, revised chronic widespread pain criteria (WP2019)",
            doi="",
            description="Painful sites on a body map: widespread = 7 of 15 sites, in 4 of 5 regions; "
            "localized = one region",
        ),
        PhenotypeDefinition(
            name="iasp2021",
            version="1",
            function="painconn.recordings.phenotype.iasp2021:grade_items",
            labels=("not", "possible", "probable", "control"),
            columns=(
                "months", "regional", "not_nociceptive_alone", "not_neuropathic_alone",
                "history", "history_touch", "history_pressure", "history_movement", "history_heat_cold",
                "comorbidity", "comorbidity_senses", "comorbidity_sleep", "comorbidity_fatigue",
                "comorbidity_cognition",
                "evoked", "evoked_static", "evoked_dynamic", "evoked_heat_cold", "evoked_after_sensation",
            ),
            repeated=(),
            options=("columns", "controls"),
            citation="Kosek et al. 2021, Pain 162:2629",
            doi="",
            description="Clinical criteria and grading of nociplastic pain: not, possible or probable, with "
            "the unmet items",
        ),
    )
}  # fmt: skip


def reader_for(file_name: str) -> ReaderDefinition | None:
    """Return the reader whose suffix ends the file name (longest first, any case), or None."""
    lowered = file_name.lower()
    fitting = [
        (len(suffix), reader) for reader in READERS.values() for suffix in reader.suffixes if lowered.endswith(suffix)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
