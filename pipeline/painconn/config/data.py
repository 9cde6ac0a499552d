"""``data``: where the recordings lie, what is in them, who the participants are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Label, Section
from painconn.config.checks import Checks
from painconn.config.inclusion import Limits
from painconn.config.montages import Montage
from painconn.config.names import unknown_name
from painconn.config.phenotype import Phenotype
from painconn.config.quality_numbers import QUALITY_NUMBERS
from painconn.recordings.registry import READERS

WINDOWS_BY_KIND = {"rest": ("epoch",), "events": ("pre", "post", "pre_evoked", "post_evoked")}
"""Windows that a condition of each kind yields; ``_evoked`` keeps the evoked mean, the others have it removed."""


class Source(Section):
    """One folder of recordings: one site of the study."""

    root: Path = Field(description="Folder of the recordings; a relative path resolves against the study file")
    layout: Literal["bids", "folder", "epochs", "features"] = Field(
        description="bids: a BIDS dataset · folder: files named by `pattern` · epochs: -epo.fif files by `pattern` · "
        "features: a ready table (`features_table`)"
    )
    site: Label = Field("site1", description="Name of this site; permutations and folds stay within sites")
    pattern: str | None = Field(
        None,
        description="File name with named parts, e.g. Subject{participant}_{task}.edf; "
        "parts: participant (required), session, task, run",
    )
    features_table: Path | None = Field(
        None, description="layout features: the table (csv, tsv, parquet), relative to root"
    )
    extension: str | None = Field(
        None,
        description="bids, folder: file ending that is read where a recording lies there in two formats, e.g. .vhdr",
    )
    montage: Montage = Field(
        "template",
        description="template: positions of the template cap by channel name · digitised: positions in the recording · "
        "the name of a cap: its positions by its own channel names",
    )
    strip_prefix: str = Field("", description="Text removed from the start of channel names, e.g. 'EEG '")
    strip_suffix: str = Field("", description="Text removed from the end of channel names, e.g. '-REF'")
    rename_channels: Mapping[str, str] = Field(
        {}, description="Old channel name: new channel name (after the stripping)"
    )
    channel_types: Mapping[str, Literal["eeg", "eog", "ecg", "emg", "misc", "stim"]] = Field(
        {}, description="Channel name: type, where the file does not say"
    )
    drop_channels: tuple[str, ...] = Field((), description="Channels left out (names after renaming)")
    event_columns: tuple[str, ...] = Field(
        (),
        description="bids: columns of the events table whose values, joined by /, name an event, from the general to "
        "the particular, e.g. [trial_type, site, force] gives pinprick/hand/256; none: trial_type, else value",
    )
    event_names: Mapping[str, str] = Field(
        {}, description="What the recording calls an event (a trigger code, a description): its name in this study"
    )
    line_freq_hz: float | None = Field(None, gt=0, description="Mains frequency; null: from the BIDS sidecar")
    recording_lowpass_hz: float | None = Field(
        None, gt=0, description="Low-pass already applied before the files were written"
    )
    unit_scale: float | None = Field(
        None,
        gt=0,
        description="Factor that turns the numbers read into volts, stated when a file has wrong units; never guessed",
    )

    @field_validator("extension")
    @classmethod
    def _extension_is_read(cls, extension: str | None) -> str | None:
        if extension is None:
            return None
        ending = "." + extension.lower().removeprefix(".")
        known = sorted({suffix for reader in READERS.values() for suffix in reader.suffixes})
        if ending not in known:
            raise ValueError(unknown_name("extension", extension, known))
        return ending

    @model_validator(mode="after")
    def _pattern_fits_layout(self) -> Self:
        if self.layout in ("folder", "epochs") and "{participant}" not in (self.pattern or ""):
            raise ValueError(
                f"layout {self.layout} needs a pattern with {{participant}}, e.g. Subject{{participant}}_{{task}}.edf"
            )
        if self.layout == "features" and self.features_table is None:
            raise ValueError("layout features needs features_table")
        if self.extension is not None and self.layout not in ("bids", "folder"):
            raise ValueError(f"extension chooses between formats of one recording; layout {self.layout} has one format")
        if self.event_columns and self.layout != "bids":
            raise ValueError(f"event_columns are columns of BIDS events tables; layout {self.layout} has none")
        return self


class Condition(Section):
    """Part of a recording: a rest block, a task block or an event type."""

    kind: Literal["rest", "events"] = Field(
        description="rest: cut into epochs of equal length · events: windows around events"
    )
    task: str | None = Field(
        None, description="Task (BIDS or named part of the pattern) that holds it; null: the condition's name"
    )
    block: str | None = Field(
        None,
        description="rest: name of the annotation that spans the block (parts as in events); null: the whole recording",
    )
    crop_s: tuple[float, float] | None = Field(
        None, description="rest: start and stop inside the block (or the recording); a stop beyond its end is its end"
    )
    eyes: Literal["open", "closed"] | None = Field(
        None, description="What the eyes do; lets the alpha rhythm be compared between conditions"
    )
    events: tuple[str, ...] = Field(
        (),
        description="events: descriptions of the events that count; parts are joined by /, and pinprick/hand takes "
        "pinprick/hand/256, too",
    )
    window_s: tuple[float, float] = Field(
        (0.0, 1.25), description="events: post-stimulus window; the pre-stimulus window has equal length"
    )
    n_epochs: int = Field(
        ge=1, description="Epochs used per participant and session; fewer: excluded; more: a seeded subset"
    )
    n_segments: int = Field(0, ge=0, description="rest: contiguous clean segments used for measures over time; 0: none")

    @model_validator(mode="after")
    def _events_fit_kind(self) -> Self:
        if self.kind == "events" and not self.events:
            raise ValueError("a condition of kind events needs the descriptions of its events")
        if self.kind == "events" and (self.block is not None or self.crop_s is not None or self.n_segments):
            raise ValueError("block, crop_s and n_segments belong to conditions of kind rest")
        if self.kind == "rest" and self.events:
            raise ValueError("events belong to conditions of kind events")
        if not 0 <= self.window_s[0] < self.window_s[1]:
            raise ValueError("window_s: wanted 0 <= start < stop; the window before the event is made of equal length")
        if self.crop_s is not None and not 0 <= self.crop_s[0] < self.crop_s[1]:
            raise ValueError("crop_s: wanted 0 <= start < stop, in seconds from the start of the block")
        return self


class Participants(Section):
    """The participants table."""

    table: Path = Field(
        Path("participants.tsv"), description="Tab-separated table (or csv, xlsx); relative to the first source's root"
    )
    id_column: str = Field("participant_id", description="Column of the participant label (with or without `sub-`)")
    id_prefix: str = Field(
        "", description="Text before the label in that column, removed to match the file names, e.g. Subject"
    )
    more_tables: tuple[Path, ...] = Field(
        (),
        description="Further tables with one row per participant whose columns are covariates too, e.g. "
        "phenotype/sleep.tsv (tsv, csv or xlsx); relative to the first source's root",
    )
    exclude: tuple[Label, ...] = Field((), description="Participants left out, by label")


class DataConfig(Section):
    """Recordings, conditions and participants."""

    sources: tuple[Source, ...] = Field(min_length=1, description="Folders of recordings, one per site")
    conditions: Mapping[Label, Condition] = Field({}, description="What is analysed inside the recordings, by name")
    participants: Participants = Field(Participants(), description="Where labels and covariates come from")
    phenotype: Phenotype = Field(Phenotype(), description="Rule that makes the label")
    checks: Checks = Field(Checks(), description="Limits of the checks at the door")
    inclusion: Mapping[str, Limits] = Field(
        {},
        description="Columns of group/quality.tsv with the limits outside which a recording is excluded, e.g. "
        "muscle_index: {max: 0.35}",
    )
    covariates: tuple[str, ...] = Field(
        (), description="Columns of the participants table, or of the EEG: n_epochs_kept, muscle_index, ..."
    )
    minimum_per_group: int = Field(
        5, ge=2, description="A group smaller than this after exclusions stops the study (exit status 2)"
    )

    @field_validator("inclusion")
    @classmethod
    def _inclusion_names_quality_numbers(cls, inclusion: Mapping[str, Limits]) -> Mapping[str, Limits]:
        problems = [
            unknown_name("quality number", name, QUALITY_NUMBERS) for name in set(inclusion) - set(QUALITY_NUMBERS)
        ]
        if problems:
            raise ValueError("; ".join(sorted(problems)))
        return inclusion

    @model_validator(mode="after")
    def _conditions_fit_layout(self) -> Self:
        sites = [source.site for source in self.sources]
        if len(set(sites)) < len(sites):
            raise ValueError("two sources have the same site: name each, e.g. site: clinic and site: lab")
        layouts = {source.layout for source in self.sources}
        if "features" in layouts and len(layouts) > 1:
            raise ValueError("a features table cannot be mixed with recordings in one study")
        if "features" in layouts and self.inclusion:
            raise ValueError("inclusion asks for the quality of recordings; a features table has none")
        if "features" not in layouts and not self.conditions:
            raise ValueError("name at least one condition, e.g. conditions: {rest: {kind: rest, n_epochs: 60}}")
        return self
