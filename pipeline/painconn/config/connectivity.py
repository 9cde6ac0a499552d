"""``connectivity``: bands, spectra, gates and measures."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Name, Section
from painconn.connectivity.registry import MEASURES

DEFAULT_BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0), "low_gamma": (30.0, 45.0)}
MUSCLE_FROM_HZ = 30.0
"""Bands that start here or above are exploratory and are always adjusted for the muscle index (Whitham 2007)."""


class ConnectivityConfig(Section):
    """Measures over epochs (phase) and over time (envelopes), with the gates that protect them."""

    bands_hz: Mapping[Name, tuple[float, float]] = Field(DEFAULT_BANDS, description="Half-open bands [low, high)")
    half_bandwidth_hz: float = Field(
        1.0, gt=0, description="Multitaper half-bandwidth; windows shorter than 2 s use one taper"
    )
    measures: tuple[str, ...] = Field(
        ("wpli2_debiased", "aec_orth"), min_length=1, description="Of `painconn list measures`"
    )
    min_epochs: int = Field(20, ge=2, description="Gate: a phase measure is not computable below this number of epochs")
    warn_epochs: int = Field(
        60, ge=2, description="A phase measure below this number of epochs is flagged in the report"
    )
    min_cycles: float = Field(5.0, gt=0, description="Gate: cycles of a band's lower edge that must fit into an epoch")

    @field_validator("measures")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(MEASURES))
        if unknown:
            raise ValueError(f"unknown measure {', '.join(unknown)}; there are: {', '.join(MEASURES)}")
        return names

    @model_validator(mode="after")
    def _bands_in_order(self) -> Self:
        for name, (low, high) in self.bands_hz.items():
            if not 0 < low < high:
                raise ValueError(f"band {name}: found {low}-{high} Hz, wanted 0 < low < high")
        return self
