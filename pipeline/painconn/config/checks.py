"""``data.checks``: limits of the checks right after reading; the reason for each value is in the method pages."""

from pydantic import Field

from painconn.config.base import Section


class Checks(Section):
    """When a recording is refused, a channel is bad, or a stretch never becomes an epoch."""

    min_eeg_channels: int = Field(8, ge=1, description="Fewer EEG channels exclude the recording")
    min_duration_s: float = Field(5.0, gt=0, description="A shorter recording is excluded (s)")
    max_rate_difference: float = Field(
        1e-3, gt=0, lt=1, description="Largest relative difference between the rates of file and sidecar"
    )
    amplitude_v: tuple[float, float] = Field(
        (1e-6, 5e-3), description="Plausible median peak-to-peak in 1 s (V); outside, the recording is excluded"
    )
    max_amplitude_ratio: float = Field(
        100.0, gt=1, description="A channel this many times larger or smaller than the median channel is bad"
    )
    max_missing_fraction: float = Field(
        0.1, gt=0, lt=1, description="More of the time without a number: the channel is bad, the recording excluded"
    )
    flat_stretch_s: float = Field(
        0.2, gt=0, description="All channels constant for this long: a stretch that is never used (s)"
    )
    flat_channel_s: float = Field(
        1.0, gt=0, description="One channel constant for this long: a stretch that is never used (s)"
    )
    max_flat_fraction: float = Field(0.1, gt=0, lt=1, description="A channel constant for more of the time is bad")
    max_clipped_fraction: float = Field(
        0.01, gt=0, lt=1, description="A channel with more of its samples stuck at its own extreme is bad"
    )
    max_copy_residual: float = Field(
        1e-5, gt=0, lt=1, description="Two channels with 1 - correlation (1-30 Hz) below this are copies, both bad"
    )
    bridge_distance_uv2: float = Field(
        5.0,
        ge=0,
        description="Two channels closer than this (electrical distance, uV^2, 1-30 Hz) may be bridged; 0: off",
    )
    bridge_relative_distance: float = Field(
        0.01, gt=0, lt=1, description="... and are, both bad, when also closer than this part of the median distance"
    )
    max_marked_fraction: float = Field(
        0.25, gt=0, lt=1, description="More channels marked bad at the door than this exclude the recording"
    )
