"""``cortex``: head, inverse and regions."""

from typing import Literal

from pydantic import Field, field_validator

from painconn.config.base import Section
from painconn.cortex.registry import INVERSES


class CortexConfig(Section):
    """One head for the whole study, one kernel per session and inverse."""

    template: Literal["bundled"] = Field("bundled", description="Head: the fsaverage5 that comes with painconn")
    conductivity_s_per_m: tuple[float, float, float] = Field((0.3, 0.006, 0.3), description="Brain, skull, scalp")
    source_spacing: Literal["ico3", "ico4"] = Field("ico4", description="Source space; ico3 is for quick tests")
    max_electrode_distance_mm: float = Field(
        25.0, gt=0, description="An electrode farther from the scalp than this stops the session"
    )
    inverses: tuple[str, ...] = Field(("lcmv",), min_length=1, description="Inverses of `painconn list inverses`")
    lcmv_regularisation: float = Field(
        0.05, gt=0, lt=1, description="Share of the mean sensor variance added to the diagonal"
    )
    parcellation: Literal["desikan_killiany"] = Field("desikan_killiany", description="68 regions")
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
