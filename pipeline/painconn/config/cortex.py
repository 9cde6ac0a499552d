"""``cortex``: head, inverse and regions."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from painconn.config.base import Section
from painconn.config.head import HeadConfig
from painconn.config.parcellation import ParcellationChoice
from painconn.cortex.registry import INVERSES


class SnrConfig(Section):
    """Amplitude ratio of signal to noise: 1 for rest and single trials, 3 is customary for averages."""

    minimum_norm: float = Field(1.0, gt=0, description="For `minimum_norm`")
    dspm: float = Field(3.0, gt=0, description="For `dspm`")
    sloreta: float = Field(1.0, gt=0, description="For `sloreta`")
    eloreta: float = Field(1.0, gt=0, description="For `eloreta`")


class LeakageConfig(Section):
    """Limits of mixing between regions; what lies beyond them is marked in every table and figure, never left out."""

    max_pair_leakage: float = Field(
        0.5, gt=0, le=1, description="Zero-lag correlation of two regions' estimates from mixing alone"
    )
    min_own_share: float = Field(
        0.02, ge=0, lt=1, description="Share of a region's estimated variance that comes from the region"
    )
    max_localisation_error_mm: float = Field(
        25.0, gt=0, description="From a source of the region to where it shows most; median over sources"
    )


class CortexConfig(HeadConfig):
    """One head for the whole study, one kernel per session and inverse."""

    inverses: tuple[str, ...] = Field(
        ("lcmv", "eloreta"),
        min_length=1,
        description="Inverses of `painconn list inverses`; with two, a study says whether its result hangs on one",
    )
    snr: SnrConfig = Field(SnrConfig(), description="Signal-to-noise ratio that each inverse of the head assumes")
    noise_covariance: Literal["adhoc", "pre_event"] = Field(
        "adhoc", description="Noise: the same in every channel, or what the windows before the events hold"
    )
    depth_weighting: float = Field(
        0.8, ge=0, le=1, description="Exponent of the depth weights of `minimum_norm` and `dspm`; 0 is none"
    )
    lcmv_regularisation: float = Field(
        0.05, gt=0, lt=1, description="Share of the mean sensor variance added to the diagonal"
    )
    lcmv_per_band: bool = Field(False, description="A beamformer per band, from the covariance within the band")
    aggregation: Literal["mean_flip", "pca_flip"] = Field(
        "mean_flip", description="How sources become a region: signed mean, or main component"
    )
    n_components: int = Field(
        1, ge=1, le=5, description="Components per region, for the multivariate measures; above 1 needs `pca_flip`"
    )
    parcellation: ParcellationChoice = Field(
        "desikan_killiany", description="A name of `painconn list parcellations`, or files of one's own"
    )
    leakage: LeakageConfig = Field(LeakageConfig(), description="Limits beyond which regions and pairs are marked")
    max_silent_fraction: float = Field(
        0.25, gt=0, lt=1, description="More regions without a signal than this exclude the session"
    )

    @field_validator("inverses")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(names) - set(INVERSES))
        if unknown:
            raise ValueError(f"unknown inverse {', '.join(unknown)}; there are: {', '.join(INVERSES)}")
        return names

    @model_validator(mode="after")
    def _components(self) -> "CortexConfig":
        if self.n_components > 1 and self.aggregation != "pca_flip":
            raise ValueError(f"n_components: {self.n_components} needs aggregation: pca_flip, found {self.aggregation}")
        return self
