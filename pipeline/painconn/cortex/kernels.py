"""Inverse solutions as kernels: made once per session and inverse, applied to all of its conditions by one product."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.regions import AGREEMENT_LIMIT, aggregate
from painconn.cortex.registry import INVERSES

if TYPE_CHECKING:
    from painconn.config.cortex import CortexConfig
    from painconn.cortex.lead_field import LeadField
    from painconn.cortex.template import Parcellation


def _not_kept() -> NDArray[np.float64]:
    return np.empty((0, 0))


@dataclass(frozen=True)
class SourceKernel:
    """A linear map from channels to one signal per source.

    Attributes
    ----------
    values : array, shape (sources, channels)
        ``values @ data`` are the source signals of average-referenced data in V; each row sums to zero.
    directions : array, shape (sources, 3)
        Unit vectors in the source's own frame (two tangents, then the outward normal): what the signal is along.
    channel_names : tuple of str
    rank : int
        Dimensions of the data the kernel was made for.
    """

    values: NDArray[np.float64]
    directions: NDArray[np.float64]
    channel_names: tuple[str, ...]
    rank: int


@dataclass(frozen=True)
class RegionKernel:
    """A linear map from channels to region signals.

    Attributes
    ----------
    values : array, shape (rows, channels)
        ``values @ data`` are the region signals of average-referenced data. Rows are regions x components; the
        components of a region adjoin. Each row sums to zero.
    region_names : tuple of str
        One per region.
    channel_names : tuple of str
    rank : int
        Dimensions of the data the kernel was made from; region signals have no more.
    n_sources : int
        Sources of the head model, those outside every region included.
    n_components : int
        Rows per region.
    explained : array, shape (regions, components)
        Share of the variance of the region's source signals that each row carries, from 0 to 1; empty when it was not
        kept.
    source_weights : array, shape (rows, sources)
        The aggregation: ``values == source_weights @ source_kernel.values``; empty when it was not kept.
    uncertain_signs : tuple of str
        Regions whose first row hardly agrees with the mean-flip signal (`painconn.cortex.regions.AGREEMENT_LIMIT`), so
        that its sign may differ between people.
    """

    values: NDArray[np.float64]
    region_names: tuple[str, ...]
    channel_names: tuple[str, ...]
    rank: int
    n_sources: int
    n_components: int = 1
    explained: NDArray[np.float64] = field(default_factory=_not_kept)
    source_weights: NDArray[np.float64] = field(default_factory=_not_kept)
    uncertain_signs: tuple[str, ...] = ()


def make_source_kernel(
    inverse: str,
    field: "LeadField",
    data_covariance_v2: NDArray,
    noise_covariance_v2: NDArray,
    *,
    rank: int,
    cortex: "CortexConfig",
) -> SourceKernel:
    """Make the kernel of one inverse for one recording session.

    Parameters
    ----------
    inverse : str
        A name of `painconn.cortex.registry.INVERSES`.
    field : LeadField
        Of the channels of the covariances, in that order.
    data_covariance_v2 : array, shape (channels, channels)
        In V², pooled over all conditions: one kernel serves all of them. Its `rank` leading dimensions are the space
        that every inverse works in.
    noise_covariance_v2 : array, shape (channels, channels)
        In V² (`painconn.cortex.covariance.noise_covariance`). The beamformer does not use it.
    rank : int
        Of the data, from the caller; at most channels - 1, as the average reference takes one.
    cortex : CortexConfig
        The options of the inverses.

    Returns
    -------
    kernel : SourceKernel

    Raises
    ------
    RecordingFault
        Check ``"rank"``: a covariance does not have that many dimensions.
    """
    channels = len(field.channel_names)
    for name, covariance in (("data", data_covariance_v2), ("noise", noise_covariance_v2)):
        if covariance.shape != (channels, channels):
            raise ValueError(f"{name} covariance {covariance.shape}, lead field of {channels} channels")
    made: SourceKernel = INVERSES[inverse].load()(
        field, data_covariance_v2, noise_covariance_v2, rank=rank, cortex=cortex
    )
    return made


def make_region_kernel(
    source_kernel: SourceKernel,
    field: "LeadField",
    parcellation: "Parcellation",
    data_covariance_v2: NDArray,
    *,
    aggregation: Literal["mean_flip", "pca_flip"] = "mean_flip",
    n_components: int = 1,
) -> RegionKernel:
    """Aggregate a source kernel over the sources of each region.

    Parameters
    ----------
    source_kernel : SourceKernel
    field : LeadField
        The one the source kernel was made from.
    parcellation : Parcellation
    data_covariance_v2 : array, shape (channels, channels)
        In V², the same for all conditions: it decides the components, their signs and the explained shares.
    aggregation : {"mean_flip", "pca_flip"}
        `painconn.cortex.regions.aggregate` defines both.
    n_components : int
        Rows per region; more than one needs ``"pca_flip"``.

    Returns
    -------
    kernel : RegionKernel

    Raises
    ------
    InputError
        Regions have no source, or fewer sources than components; all are named.
    """
    regions = aggregate(
        source_kernel.values,
        field,
        parcellation,
        data_covariance_v2,
        aggregation=aggregation,
        n_components=n_components,
    )
    uncertain = np.flatnonzero(~(regions.sign_agreement >= AGREEMENT_LIMIT))
    return RegionKernel(
        regions.weights @ source_kernel.values,
        parcellation.region_names,
        source_kernel.channel_names,
        source_kernel.rank,
        len(source_kernel.values),
        n_components,
        regions.explained,
        regions.weights,
        tuple(parcellation.region_names[region] for region in uncertain),
    )
