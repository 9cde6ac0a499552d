"""Inverse solutions as one (regions, channels) kernel, made once and applied to all of a person's conditions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.lead_field import LeadField
from painconn.cortex.regions import region_average
from painconn.cortex.template import Parcellation
from painconn.errors import Problem, RecordingFault

_SMALLEST_EIGENVALUE = 1e-12


@dataclass(frozen=True)
class RegionKernel:
    """A linear map from channels to region signals.

    Attributes
    ----------
    values : array, shape (regions, channels)
        ``values @ data`` are the region signals of average-referenced data; each row sums to zero.
    region_names, channel_names : tuple of str
    rank : int
        Dimensions of the data the kernel was made from; region signals have no more.
    n_sources : int
        Sources of the head model, those outside every region included.
    """

    values: NDArray[np.float64]
    region_names: tuple[str, ...]
    channel_names: tuple[str, ...]
    rank: int
    n_sources: int


def lcmv_kernel(
    field: LeadField,
    parcellation: Parcellation,
    data_covariance_v2: NDArray,
    *,
    rank: int,
    regularisation: float = 0.05,
) -> RegionKernel:
    r"""Make the LCMV beamformer kernel of one recording session.

    With the covariance :math:`C = U \Lambda U^T` of the average-referenced data cut to its `rank` largest eigenvalues,
    loaded as :math:`\Lambda + \lambda I`, :math:`\lambda` = `regularisation` x trace / channels, and the lead field
    :math:`G` (channels, 3) of a source, the orientation of maximum power is the solution :math:`\eta` of

    .. math:: G^T C^{-1} G\, \eta = \mu\; G^T C^{-2} G\, \eta

    with the largest :math:`\mu` (doi:10.1007/978-3-540-79370-0, eq. 4.47), turned to the side of the surface's outward
    normal, and the unit-noise-gain filter is :math:`w = C^{-1} G \eta\, /\, \|C^{-1} G \eta\|`
    (doi:10.1109/10.623056). Regions are signed means over their sources (`painconn.cortex.regions`).

    It equals ``mne.beamformer.make_lcmv(pick_ori="max-power", weight_norm="unit-noise-gain")`` followed by
    ``extract_label_time_course(mode="mean_flip")``. Where `rank` is below channels - 1 that equality needs a noise
    covariance on the data's own subspace: MNE's default drops arbitrary dimensions then.

    Parameters
    ----------
    field : LeadField
        Of the channels of the covariance, in that order.
    parcellation : Parcellation
    data_covariance_v2 : array, shape (channels, channels)
        In V².
    rank : int
        Of the data, from the caller; at most channels - 1, as the average reference takes one.
    regularisation : float
        Diagonal loading, as a share of the mean channel variance.

    Returns
    -------
    kernel : RegionKernel
        Unit noise gain: region signals are in V of sensor noise, comparable within a kernel and not across montages.

    Raises
    ------
    RecordingFault
        Check ``"rank"``: the covariance does not have that many dimensions.
    """
    channels = len(field.channel_names)
    if data_covariance_v2.shape != (channels, channels):
        raise ValueError(f"covariance {data_covariance_v2.shape}, lead field of {channels} channels")
    variance, basis = _leading_dimensions(data_covariance_v2, rank)
    loaded = variance + regularisation * variance.sum() / channels
    # Everything below lives in the data's own coordinates, where the covariance is diagonal.
    gain = np.tensordot(basis, field.gain_v_per_am, axes=(0, 0)).transpose(1, 2, 0)
    filtered = gain / loaded
    orientation = _maximum_power(filtered @ gain.transpose(0, 2, 1), filtered @ filtered.transpose(0, 2, 1))
    weights = np.einsum("so,sor->sr", orientation, filtered)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    values = region_average(field, parcellation) @ weights @ basis.T
    return RegionKernel(values, parcellation.region_names, field.channel_names, rank, len(weights))


def _leading_dimensions(covariance: NDArray, rank: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the `rank` largest eigenvalues of the average-referenced covariance and their eigenvectors (columns)."""
    referenced = covariance - covariance.mean(axis=0)
    referenced = referenced - referenced.mean(axis=1, keepdims=True)
    variance, basis = np.linalg.eigh((referenced + referenced.T) / 2)
    available = (
        int(np.count_nonzero(variance > _SMALLEST_EIGENVALUE * variance[-1])) if np.isfinite(variance).all() else 0
    )
    if not 1 <= rank <= min(available, len(covariance) - 1):
        problem = Problem(
            "data covariance",
            f"{available} dimensions",
            f"the stated rank {rank}, between 1 and channels - 1 = {len(covariance) - 1}",
            "state the rank the cleaning left: channels less 1 (reference), interpolated channels, removed components",
        )
        raise RecordingFault("rank", problem)
    return variance[-rank:], basis[:, -rank:]


def _maximum_power(power: NDArray, noise: NDArray) -> NDArray[np.float64]:
    """Return per source the unit vector of largest power over noise, on the side of the normal (third axis).

    Both (sources, 3, 3) and symmetric; the noise is made the identity by its Cholesky factor, so that the problem stays
    symmetric.
    """
    whitener = np.linalg.inv(np.linalg.cholesky(noise))
    _, vectors = np.linalg.eigh(whitener @ power @ whitener.transpose(0, 2, 1))
    orientation = np.einsum("sij,si->sj", whitener, vectors[:, :, -1])
    orientation /= np.linalg.norm(orientation, axis=1, keepdims=True)
    return orientation * np.where(orientation[:, 2:] < 0, -1.0, 1.0)
