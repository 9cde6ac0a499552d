"""``cleaning``: from a checked recording to clean epochs of equal number."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Section

PRESETS: dict[str, dict[str, Any]] = {
    "recommended": {},
    # The design of the seed study: 60 Hz notch, 1-100 Hz, 400 Hz, PyPREP, eye components only, trials dropped by
    # AutoReject. It halved the number of components and removed the first two when no eye channel was there; here the
    # rank decides, and ICLabel beside the eye channels.
    "seed_like": {"sfreq_hz": 400.0, "ica_threshold": {"eye blink": 0.8}},
    # DISCOVER-EEG (doi:10.1038/s41597-023-02525-0), version 2, as far as there is a step for it.
    "discover_eeg": {
        "line_noise": "spectrum_fit",
        "l_freq_hz": 0.75,
        "ica_threshold": {"eye blink": 0.8, "muscle artifact": 0.8},
        "ica_repetitions": 10,
        "epoch_overlap": 0.5,
    },
    "already_clean": {"line_noise": "none", "bad_channels": "none", "ica": "none"},
}

REMOVABLE = ("eye blink", "muscle artifact", "heart beat", "line noise", "channel noise")
"""Classes of ICLabel that may be removed; "brain" and "other" never are."""

_NOT_IN_A_STUDY = {
    "csd": "current source density cannot be followed by source analysis, which every study has: a lead field "
    "describes potentials",
    "rest": "the REST reference needs the head model of the montage, which is made beside cleaning and not before it",
}


class CleaningConfig(Section):
    """The steps of cleaning; `preset` sets several at once and a key written beside it wins."""

    preset: Literal["recommended", "seed_like", "discover_eeg", "already_clean"] = Field(
        "recommended",
        description="already_clean: no line noise filter, no bad-channel search, no ICA (data that were cleaned "
        "before) · seed_like: 400 Hz, eye components only · discover_eeg: fitted line noise, 10 decompositions, eye "
        "and muscle components, epochs that overlap by half",
    )
    line_noise: Literal["notch", "spectrum_fit", "zapline", "none"] = Field(
        "notch",
        description="At the mains frequency and its harmonics below the low-pass. notch: takes out about 1 Hz · "
        "spectrum_fit: subtracts the sinusoid that fits best · zapline: subtracts the directions across the channels "
        "that hold line noise",
    )
    l_freq_hz: float = Field(1.0, gt=0, description="High-pass edge; ICA and phase measures need drifts gone")
    h_freq_hz: float = Field(
        100.0, gt=0, description="Low-pass edge; lowered to 0.45 x rate and to the recording's own low-pass"
    )
    sfreq_hz: float = Field(
        250.0, gt=0, description="Rate after resampling; slower recordings are excluded, never upsampled"
    )
    bad_channels: Literal["pyprep", "none"] = Field(
        "pyprep", description="Bad-channel search (PyPREP), a reason per channel"
    )
    max_bad_fraction: float = Field(0.25, gt=0, lt=1, description="More bad channels than this excludes the session")
    manual_decisions: Path | None = Field(
        None,
        description="TSV of decisions about channels, segments and components; they win over the automatic ones",
    )
    reference: Literal["average", "mastoids"] = Field(
        "average",
        description="Of the cleaned data. Only sensor features depend on it: every inverse takes the average reference",
    )
    mastoids: tuple[str, ...] = Field((), description="reference mastoids: names of the mastoid channels")
    ica: Literal["picard", "infomax", "fastica", "none"] = Field(
        "picard",
        description="Independent components, labelled by ICLabel and compared with EOG and ECG channels when there "
        "are any. picard and infomax: extended",
    )
    ica_threshold: float | Mapping[str, float] = Field(
        0.8,
        description="Eye, muscle, heart and line components are removed at or above this probability; or a probability "
        "per class (eye blink, muscle artifact, heart beat, line noise, channel noise), classes not named stay",
    )
    ica_repetitions: int = Field(
        1, ge=1, description="Decompositions from different starts, of which the most typical one is used"
    )
    reject: Literal["autoreject_global", "none"] = Field(
        "autoreject_global", description="Epoch rejection; never per-epoch repair"
    )
    epoch_length_s: float = Field(2.0, gt=0, description="Length of rest epochs")
    epoch_overlap: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of a rest epoch that the next one repeats. Such epochs are not independent: gates count "
        "n_epochs x (1 - epoch_overlap), and halves are not compared",
    )
    segment_length_s: float = Field(
        10.0, gt=0, description="Length of contiguous clean segments for measures over time"
    )

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {**PRESETS.get(str(given.get("preset", "recommended")), {}), **given}
        return given

    @field_validator("reference", mode="before")
    @classmethod
    def _reference_fits_a_study(cls, name: Any) -> Any:
        if isinstance(name, str) and name in _NOT_IN_A_STUDY:
            raise ValueError(f"{_NOT_IN_A_STUDY[name]}; use average or mastoids")
        return name

    @field_validator("ica_threshold")
    @classmethod
    def _threshold_of_known_classes(cls, threshold: float | Mapping[str, float]) -> float | Mapping[str, float]:
        by_class = threshold if isinstance(threshold, Mapping) else {"eye blink": threshold}
        unknown = sorted(set(by_class) - set(REMOVABLE))
        if unknown:
            raise ValueError(f"no class to be removed: {', '.join(unknown)}; there are: {', '.join(REMOVABLE)}")
        outside = [f"{value:g}" for value in by_class.values() if not 0.5 < value <= 1]
        if outside:
            raise ValueError(f"probability {', '.join(outside)}: wanted more than 0.5 and at most 1")
        return threshold

    @model_validator(mode="after")
    def _mastoids_are_named(self) -> Self:
        if (self.reference == "mastoids") != bool(self.mastoids):
            raise ValueError("reference: mastoids and the names of the channels under mastoids belong together")
        return self

    @property
    def ica_thresholds(self) -> dict[str, float]:
        """Probability of each class that is removed."""
        if isinstance(self.ica_threshold, Mapping):
            return dict(self.ica_threshold)
        return dict.fromkeys((name for name in REMOVABLE if name != "channel noise"), self.ica_threshold)

    def independent_epochs(self, n_epochs: int) -> int:
        """Return how many epochs without overlap hold as much as so many rest epochs of this study."""
        return int(n_epochs * (1 - self.epoch_overlap) + 1e-9)
