"""The LCMV beamformer: a filter per source that follows the covariance of the data."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.covariance import leading_dimensions
from painconn.cortex.kernels import SourceKernel
from painconn.cortex.lead_field import LeadField

if TYPE_CHECKING:
    from painconn.config.cortex import CortexConfig


def lcmv(
    field: LeadField,
    data_covariance_v2: NDArray,
    noise_covariance_v2: NDArray,
    *,
    rank: int,
    cortex: "CortexConfig",
) -> SourceKernel:
    r"""Make the LCMV beamformer kernel of one recording session.

    With the covariance :math:`C = U \Lambda U^T` of the average-referenced data cut to its `rank` largest eigenvalues,
    loaded as :math:`\Lambda + \lambda I`, :math:`\lambda` = ``cortex.lcmv_regularisation`` x trace / channels, and the
    lead field :math:`G` (channels, 3) of a source, the orientation of maximum power is the solution :math:`\eta` of

    .. math:: G^T C^{-1} G\, \eta = \mu\; G^T C^{-2} G\, \eta

    with the largest :math:`\mu` (doi:10.1007/978-3-540-79370-0, eq. 4.47), turned to the side of the surface's outward
    normal, and the unit-noise-gain filter is :math:`w = C^{-1} G \eta\, /\, \|C^{-1} G \eta\|`
    (doi:10.1109/10.623056).

    It equals ``mne.beamformer.make_lcmv(pick_ori="max-power", weight_norm="unit-noise-gain")``. Where `rank` is below
    channels - 1 that equality needs a noise covariance on the data's own subspace: MNE's default drops arbitrary
    dimensions then. Given the covariance of a band, the same function makes the kernel of that band.

    Parameters
    ----------
    field, data_covariance_v2, rank, cortex
        As for `painconn.cortex.kernels.make_source_kernel`.
    noise_covariance_v2 : array
        Not used: the loading stands for the noise.

    Returns
    -------
    kernel : SourceKernel
        Unit noise gain: signals are in V of sensor noise, comparable within a kernel and not across montages.

    Raises
    ------
    RecordingFault
        Check ``"rank"``: the covariance does not have that many dimensions.
    """
    variance, basis = leading_dimensions(data_covariance_v2, rank)
    loaded = variance + cortex.lcmv_regularisation * variance.sum() / len(field.channel_names)
    # Everything below lives in the data's own coordinates, where the covariance is diagonal.
    gain = np.tensordot(basis, field.gain_v_per_am, axes=(0, 0)).transpose(1, 2, 0)
    filtered = gain / loaded
    orientation = _maximum_power(filtered @ gain.transpose(0, 2, 1), filtered @ filtered.transpose(0, 2, 1))
    weights = np.einsum("so,sor->sr", orientation, filtered)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    return SourceKernel(weights @ basis.T, orientation, field.channel_names, rank)


def _maximum_power(power: NDArray, noise: NDArray) -> NDArray[np.float64]:
    """Return per source the unit vector of largest power over noise, on the side of the normal (third axis).

    Both (sources, 3, 3) and symmetric; the noise is made the identity by its Cholesky factor, so that the problem stays
    symmetric.
    """
    whitening = np.linalg.inv(np.linalg.cholesky(noise))
    _, vectors = np.linalg.eigh(whitening @ power @ whitening.transpose(0, 2, 1))
    orientation = np.einsum("sij,si->sj", whitening, vectors[:, :, -1])
    orientation /= np.linalg.norm(orientation, axis=1, keepdims=True)
    return orientation * np.where(orientation[:, 2:] < 0, -1.0, 1.0)
