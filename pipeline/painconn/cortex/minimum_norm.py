r"""Minimum norm, dSPM, sLORETA and eLORETA: inverses that follow the head and the noise, not the data.

All of them are made in the space of the data (`painconn.cortex.covariance.leading_dimensions`), whitened by the noise
covariance. With the whitened lead field :math:`G` (rank, 3 x sources), a block-diagonal source covariance :math:`R`
scaled so that :math:`\mathrm{tr}\, G R G^T` = rank, and :math:`\lambda^2 = 1/\mathrm{SNR}^2`, the kernel is

.. math:: K = R\, G^T (G R G^T + \lambda^2 I)^{-1} W

(doi:10.1007/BF02512476) with the whitener :math:`W`. Orientations are free, and a source's signal is the
component of the estimate along the outward normal. They equal MNE-Python's ``make_inverse_operator(loose=1.0)`` and
``apply_inverse(pick_ori="normal")`` on an average-referenced lead field.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.cortex.covariance import leading_dimensions, whitener
from painconn.cortex.kernels import SourceKernel
from painconn.cortex.lead_field import LeadField
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from painconn.config.cortex import CortexConfig

ELORETA_TOLERANCE = 1e-8
"""eLORETA's iteration ends when its weights change by less than this, relative to their norm."""

_ELORETA_ITERATIONS = 200
_DEPTH_RATIO = 100.0


def minimum_norm(
    field: LeadField, data_covariance_v2: NDArray, noise_covariance_v2: NDArray, *, rank: int, cortex: "CortexConfig"
) -> SourceKernel:
    """Make the depth-weighted minimum-norm kernel; signals are in A m (doi:10.1007/BF02512476).

    Sources are weighted by depth with ``cortex.depth_weighting``. Parameters, return value and errors are those of
    `painconn.cortex.kernels.make_source_kernel`; the level of the noise covariance has no effect.
    """
    problem = _Whitened.of(field, data_covariance_v2, noise_covariance_v2, rank=rank, snr=cortex.snr.minimum_norm)
    prior = depth_prior(field, cortex.depth_weighting)
    return problem.kernel(problem.estimator(_isotropic(prior))[:, 2])


def dspm(
    field: LeadField, data_covariance_v2: NDArray, noise_covariance_v2: NDArray, *, rank: int, cortex: "CortexConfig"
) -> SourceKernel:
    """Make the dSPM kernel: minimum norm in units of each source's own noise (doi:10.1016/s0896-6273(00)81138-1).

    The noise of a source is that of its three components together. Sources are weighted by depth with
    ``cortex.depth_weighting``. Parameters, return value and errors are those of
    `painconn.cortex.kernels.make_source_kernel`; signals have no unit and scale with 1 / noise level.
    """
    problem = _Whitened.of(field, data_covariance_v2, noise_covariance_v2, rank=rank, snr=cortex.snr.dspm)
    estimator = problem.estimator(_isotropic(depth_prior(field, cortex.depth_weighting)))
    noise = np.sqrt(np.einsum("sij,sij->s", estimator, estimator))
    return problem.kernel(estimator[:, 2] / noise[:, np.newaxis])


def sloreta(
    field: LeadField, data_covariance_v2: NDArray, noise_covariance_v2: NDArray, *, rank: int, cortex: "CortexConfig"
) -> SourceKernel:
    """Make the sLORETA kernel: minimum norm without depth weights, over the root of its own resolution.

    The resolution of a source is the trace of its 3 x 3 block. Parameters, return value and errors are those of
    `painconn.cortex.kernels.make_source_kernel`; signals have no unit and scale with 1 / noise level.
    """
    problem = _Whitened.of(field, data_covariance_v2, noise_covariance_v2, rank=rank, snr=cortex.snr.sloreta)
    covariance = problem.scaled(_isotropic(np.ones(len(field.normals))))
    estimator = problem.estimator(covariance)
    variance = np.einsum("sij,sij->s", estimator, covariance @ problem.gain)
    return problem.kernel(estimator[:, 2] / np.sqrt(variance / problem.lambda2)[:, np.newaxis])


def eloreta(
    field: LeadField, data_covariance_v2: NDArray, noise_covariance_v2: NDArray, *, rank: int, cortex: "CortexConfig"
) -> SourceKernel:
    r"""Make the eLORETA kernel: the source covariance whose estimate of any single source has no error of place.

    Source covariance blocks are the fixed point of :math:`R_i = (G_i^T (G R G^T + \lambda^2 I)^{-1} G_i)^{-1/2}` under
    the trace condition (doi:10.1098/rsta.2011.0081), iterated from the identity until they change by less than
    `ELORETA_TOLERANCE` relative to their norm. There is no depth weighting: it would be undone.

    Parameters and return value are those of `painconn.cortex.kernels.make_source_kernel`; signals are in A m, and the
    level of the noise covariance has no effect.

    Raises
    ------
    RecordingFault
        Check ``"rank"`` as for the others; check ``"eloreta"``: no fixed point was reached.
    """
    problem = _Whitened.of(field, data_covariance_v2, noise_covariance_v2, rank=rank, snr=cortex.snr.eloreta)
    covariance = problem.scaled(_isotropic(np.ones(len(field.normals))))
    for _ in range(_ELORETA_ITERATIONS):
        before, covariance = covariance, problem.scaled(_inverse_roots(problem.resolution(covariance)))
        if np.linalg.norm(covariance - before) < ELORETA_TOLERANCE * np.linalg.norm(before):
            return problem.kernel(problem.estimator(covariance)[:, 2])
    fault = Problem(
        "eLORETA",
        f"no fixed point after {_ELORETA_ITERATIONS} iterations",
        f"a change of the weights below {ELORETA_TOLERANCE:g}",
        "look at the positions of the electrodes and at the rank of this session",
    )
    raise RecordingFault("eloreta", fault)


def depth_prior(field: LeadField, exponent: float) -> NDArray[np.float64]:
    """Return the prior variance that lets deep sources be as strong as the scalp sees shallow ones.

    Parameters
    ----------
    field : LeadField
        The prior is made from the average-referenced lead field, so that it does not hang on the arbitrary zero of the
        forward solution.
    exponent : float
        0 for none; MNE-Python's default is 0.8.

    Returns
    -------
    prior : array, shape (sources,)
        At most 1: (inverse of the largest squared singular value of the source's lead field) to the power `exponent`.
        Sources with more than 100 times the inverse of the shallowest one count as one depth.
    """
    gain = field.gain_v_per_am.transpose(1, 2, 0)
    depth = 1 / np.linalg.eigvalsh(gain @ gain.transpose(0, 2, 1))[:, -1]
    beyond = depth[depth > _DEPTH_RATIO * depth.min()]
    limit = beyond.min() if len(beyond) else depth.max()
    return np.asarray(np.minimum(depth / limit, 1) ** exponent)


@dataclass(frozen=True)
class _Whitened:
    """The inverse problem where the noise is the identity.

    ``gain`` is (sources, 3, rank), ``whitener`` (rank, channels).
    """

    gain: NDArray[np.float64]
    whitener: NDArray[np.float64]
    channel_names: tuple[str, ...]
    lambda2: float

    @classmethod
    def of(
        cls, field: LeadField, data_covariance_v2: NDArray, noise_covariance_v2: NDArray, *, rank: int, snr: float
    ) -> "_Whitened":
        _, basis = leading_dimensions(data_covariance_v2, rank)
        white = whitener(noise_covariance_v2, basis)
        gain = np.tensordot(field.gain_v_per_am, white, axes=(0, 1))
        return cls(np.ascontiguousarray(gain), white, field.channel_names, snr**-2)

    def scaled(self, covariance: NDArray) -> NDArray[np.float64]:
        """Scale a source covariance, (sources, 3, 3), so that its sources explain as much variance as the noise."""
        return np.asarray(covariance * (self.gain.shape[2] / np.einsum("sij,sij->", covariance @ self.gain, self.gain)))

    def stabilised(self, weighted: NDArray) -> NDArray[np.float64]:
        """Return the inverse of the modelled channel covariance, (rank, rank), from the weighted lead field."""
        rank = self.gain.shape[2]
        modelled = self.gain.reshape(-1, rank).T @ weighted.reshape(-1, rank)
        return np.asarray(np.linalg.inv((modelled + modelled.T) / 2 + self.lambda2 * np.eye(rank)))

    def resolution(self, covariance: NDArray) -> NDArray[np.float64]:
        """Return the block of every source, (sources, 3, 3), of the lead field weighted by the modelled covariance."""
        return np.asarray((self.gain @ self.stabilised(covariance @ self.gain)) @ self.gain.transpose(0, 2, 1))

    def estimator(self, covariance: NDArray) -> NDArray[np.float64]:
        """Return the minimum-norm estimator under a source covariance, (sources, 3, rank), of white data."""
        weighted = self.scaled(covariance) @ self.gain
        return np.asarray(weighted @ self.stabilised(weighted))

    def kernel(self, normal: NDArray) -> SourceKernel:
        """Bring the estimator of the normal component, (sources, rank), back to the channels."""
        directions = np.zeros((len(normal), 3))
        directions[:, 2] = 1
        return SourceKernel(normal @ self.whitener, directions, self.channel_names, len(self.whitener))


def _isotropic(variance: NDArray) -> NDArray[np.float64]:
    return np.asarray(variance[:, np.newaxis, np.newaxis] * np.eye(3))


def _inverse_roots(blocks: NDArray) -> NDArray[np.float64]:
    """Return the inverse square root of symmetric matrices, (..., 3, 3)."""
    values, vectors = np.linalg.eigh(blocks)
    return np.asarray((vectors / np.sqrt(values)[..., np.newaxis, :]) @ vectors.transpose(0, 2, 1))
