"""``cleaning``: from a checked recording to clean epochs of equal number."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from painconn.config.base import Section

PRESETS: dict[str, dict[str, Any]] = {
    "recommended": {},
    "already_clean": {"notch": False, "bad_channels": "none", "ica": "none"},
}


class CleaningConfig(Section):
    """The steps of cleaning; `preset` sets several at once and a key written beside it wins."""

    preset: Literal["recommended", "already_clean"] = Field(
        "recommended",
        description="already_clean: no notch, no bad-channel search, no ICA (data that were cleaned before)",
    )
    notch: bool = Field(True, description="Notch at the mains frequency and its harmonics below the low-pass")
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
    manual_channels: Path | None = Field(
        None, description="TSV with columns participant, session, channel, status (good|bad); wins over the search"
    )
    ica: Literal["picard", "none"] = Field(
        "picard", description="Independent components (Picard, extended) labelled by ICLabel"
    )
    ica_threshold: float = Field(
        0.8, gt=0.5, le=1, description="Eye, muscle, heart and line components removed at or above this probability"
    )
    reject: Literal["autoreject_global", "none"] = Field(
        "autoreject_global", description="Epoch rejection; never per-epoch repair"
    )
    epoch_length_s: float = Field(2.0, gt=0, description="Length of rest epochs")
    segment_length_s: float = Field(
        10.0, gt=0, description="Length of contiguous clean segments for measures over time"
    )

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {**PRESETS.get(str(given.get("preset", "recommended")), {}), **given}
        return given
