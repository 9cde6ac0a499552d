"""What a study file may name: inverse solutions and parcellations."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from itertools import chain
from typing import Any


@dataclass(frozen=True)
class InverseDefinition:
    """An inverse solution that yields one kernel per session.

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
        Whether the kernel follows the covariance of the recording. The others depend on the head, the electrodes, the
        noise covariance, and the dimensions that the recording has left.
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
    """A division of the cortex into regions that comes with the package.

    Attributes
    ----------
    name : str
        As written in the study file.
    n_regions : int
    n_groups : int
        Groups of regions whose blocks are tested unless a study names its own.
    description : str
        One line for listings and reports.
    doi : str
        Where it is defined.
    """

    name: str
    n_regions: int
    n_groups: int
    description: str
    doi: str

    @property
    def region_names(self) -> tuple[str, ...]:
        """Names such as ``"insula-lh"``, all left regions first."""
        return PAIN_REGIONS if self.name == PAIN else _bundled_names()[self.name]

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Regions by default group: functional groups, or the network that Schaefer's names begin with x side."""
        if not self.name.startswith("schaefer"):
            return dict(FUNCTIONAL_GROUPS)
        groups: dict[str, tuple[str, ...]] = {}
        for region in self.region_names:
            group = f"{region.partition('_')[0]}-{region.rpartition('-')[2]}"
            groups[group] = (*groups.get(group, ()), region)
        return groups


@cache
def _bundled_names() -> dict[str, tuple[str, ...]]:
    stored = json.loads((files("painconn.cortex") / "data" / "regions.json").read_text(encoding="utf-8"))
    return {name: tuple(regions) for name, regions in stored.items()}


PAIN = "pain_12"
_CIRCUITS = {
    "sensory": ("postcentral", "insula"),
    "affective": ("rostralanteriorcingulate", "caudalanteriorcingulate"),
    "cognitive": ("medialorbitofrontal", "superiorfrontal"),
}
_CONTROLS = ("lateraloccipital", "superiortemporal")
FUNCTIONAL_GROUPS = {
    f"{circuit}-{side}": tuple(f"{region}-{side}" for region in regions)
    for circuit, regions in _CIRCUITS.items()
    for side in ("lh", "rh")
}
"""Six functional groups of Desikan-Killiany regions: three pain circuits x side."""

PAIN_REGIONS = tuple(
    f"{region}-{side}" for side in ("lh", "rh") for region in (*chain.from_iterable(_CIRCUITS.values()), *_CONTROLS)
)
"""The twelve Desikan-Killiany regions of these circuits, and four control regions that are in no group."""


INVERSES: dict[str, InverseDefinition] = {
    definition.name: definition
    for definition in (
        InverseDefinition(
            name="lcmv",
            function="painconn.cortex.lcmv:lcmv",
            description="Linearly constrained minimum variance beamformer, unit noise gain, maximum-power orientation",
            doi="10.1109/10.623056",
            needs_data_covariance=True,
        ),
        InverseDefinition(
            name="eloreta",
            function="painconn.cortex.minimum_norm:eloreta",
            description="Exact low-resolution tomography, free orientation, normal component",
            doi="10.1098/rsta.2011.0081",
            needs_data_covariance=False,
        ),
        InverseDefinition(
            name="sloreta",
            function="painconn.cortex.minimum_norm:sloreta",
            description="Standardised low-resolution tomography, free orientation, normal component",
            doi="",
            needs_data_covariance=False,
        ),
        InverseDefinition(
            name="dspm",
            function="painconn.cortex.minimum_norm:dspm",
            description="Noise-normalised minimum norm, depth-weighted, free orientation, normal component",
            doi="10.1016/s0896-6273(00)81138-1",
            needs_data_covariance=False,
        ),
        InverseDefinition(
            name="minimum_norm",
            function="painconn.cortex.minimum_norm:minimum_norm",
            description="Minimum norm, depth-weighted, free orientation, normal component",
            doi="10.1007/BF02512476",
            needs_data_covariance=False,
        ),
    )
}

PARCELLATIONS: dict[str, ParcellationDefinition] = {
    definition.name: definition
    for definition in (
        ParcellationDefinition(
            name="desikan_killiany",
            n_regions=68,
            n_groups=6,
            description="Desikan-Killiany gyral atlas, 34 regions per hemisphere",
            doi="10.1016/j.neuroimage.2006.01.021",
        ),
        ParcellationDefinition(
            name=PAIN,
            n_regions=16,
            n_groups=6,
            description="Twelve Desikan-Killiany regions of three pain circuits, and lateral occipital and superior"
            " temporal cortex as controls",
            doi="10.1016/j.neuroimage.2006.01.021",
        ),
        *(
            ParcellationDefinition(
                name=f"schaefer_{n_regions}_{n_networks}",
                n_regions=n_regions,
                n_groups=2 * n_networks,
                description=f"Schaefer atlas, {n_regions} regions of {n_networks} functional networks; a group is a"
                " network in one hemisphere",
                doi="10.1093/cercor/bhx179",
            )
            for n_regions in (100, 200)
            for n_networks in (7, 17)
        ),
    )
}
