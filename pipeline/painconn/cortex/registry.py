"""What a study file may name: inverse solutions and parcellations."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class InverseDefinition:
    """An inverse solution that yields one (regions, channels) kernel.

    Attributes
    ----------
    name : str
        As written in the study file.
    function : str
        ``"module:function"``, imported on use.
    description : str
        One line for listings and reports.
    doi : str
        Where the method is defined.
    needs_data_covariance : bool
        Whether the kernel depends on the recording, and not only on the head and the electrodes.
    """

    name: str
    function: str
    description: str
    doi: str
    needs_data_covariance: bool

    def load(self) -> Callable[..., Any]:
        """Return the function."""
        module, _, function = self.function.partition(":")
        return getattr(import_module(module), function)


@dataclass(frozen=True)
class ParcellationDefinition:
    """A division of the cortex into regions."""

    name: str
    annotation: str
    n_regions: int
    description: str
    doi: str


INVERSES: dict[str, InverseDefinition] = {
    definition.name: definition
    for definition in (
        InverseDefinition(
            name="lcmv",
            function="painconn.cortex.inverse:lcmv_kernel",
            description="Linearly constrained minimum variance beamformer, unit noise gain, maximum-power orientation",
            doi="10.1109/10.623056",
            needs_data_covariance=True,
        ),
    )
}

PARCELLATIONS: dict[str, ParcellationDefinition] = {
    definition.name: definition
    for definition in (
        ParcellationDefinition(
            name="desikan_killiany",
            annotation="aparc",
            n_regions=68,
            description="Desikan-Killiany gyral atlas, 34 regions per hemisphere",
            doi="10.1016/j.neuroimage.2006.01.021",
        ),
    )
}
