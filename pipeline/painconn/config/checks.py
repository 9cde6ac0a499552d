"""``data.checks``: limits of the checks right after reading."""

from pydantic import Field

from painconn.config.base import Section


class Checks(Section):
    """When a recording, a channel or a stretch is refused."""

    min_eeg_channels: int = Field(8, ge=1, description="Fewer EEG channels exclude the recording")
    min_duration_s: float = Field(5.0, gt=0, description="A shorter recording is excluded")
