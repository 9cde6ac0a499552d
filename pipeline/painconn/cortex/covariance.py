"""Covariances of the channels: the space of the data, and what counts as noise in it."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from painconn.errors import Problem, RecordingFault

ADHOC_NOISE_V = 0.2e-6
"""Standard deviation of a channel in the ad-hoc noise covariance, V; MNE-Python's value for EEG."""

_SMALLEST_EIGENVALUE = 1e-12


def leading_dimensions(
    covariance_v2: NDArray, rank: int, *, of: str = "data covariance"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues of an average-referenced covariance and their eigenvectors.

    Parameters
    ----------
    covariance_v2 : array, shape (channels, channels)
        In V², of any reference.
    rank : int
        How many.
    of : str
        Which covariance this is, for the message.

    Returns
    -------
    variance_v2 : array, shape (rank,)
        Ascending.
    basis : array, shape (channels, rank)

    Raises
    ------
    RecordingFault
        Check ``"rank"``: the covariance does not have that many dimensions.
    """
    variance, basis = np.linalg.eigh(_referenced(covariance_v2))
    available = (
        int(np.count_nonzero(variance > _SMALLEST_EIGENVALUE * variance[-1])) if np.isfinite(variance).all() else 0
    )
    if not 1 <= rank <= min(available, len(covariance_v2) - 1):
        problem = Problem(
            of,
            f"{available} dimensions",
            f"the stated rank {rank}, between 1 and channels - 1 = {len(covariance_v2) - 1}",
            "state the rank the cleaning left: channels less 1 (reference), interpolated channels, removed components",
        )
        raise RecordingFault("rank", problem)
    return variance[-rank:], basis[:, -rank:]


def noise_covariance(
    kind: Literal["adhoc", "pre_event"],
    data_covariance_v2: NDArray,
    *,
    rank: int,
    pre_event_v: NDArray | None = None,
) -> NDArray[np.float64]:
    """Make the noise covariance of a session, average-referenced and cut to the space of the data.

    Parameters
    ----------
    kind : {"adhoc", "pre_event"}
        The same variance in every channel (`ADHOC_NOISE_V`), or the covariance of the windows before the events, where
        the ongoing activity counts as noise.
    data_covariance_v2 : array, shape (channels, channels)
        In V².
    rank : int
        Of the data.
    pre_event_v : array, shape (epochs, channels, times), optional
        In V, for ``"pre_event"``: the windows of all conditions in equal amounts. Each window's mean is removed.

    Returns
    -------
    covariance_v2 : array, shape (channels, channels)
        Has exactly `rank` dimensions.

    Raises
    ------
    RecordingFault
        Check ``"rank"``: the data or the windows before the events have fewer dimensions. Check
        ``"noise_covariance"``: there are no windows before events.
    """
    _, basis = leading_dimensions(data_covariance_v2, rank)
    space = basis @ basis.T
    if kind == "adhoc":
        return ADHOC_NOISE_V**2 * space
    if pre_event_v is None or not len(pre_event_v):
        problem = Problem(
            "cortex.noise_covariance",
            "pre_event, but this session has no windows before events",
            "a condition of events",
            "set cortex.noise_covariance: adhoc",
        )
        raise RecordingFault("noise_covariance", problem)
    centred = pre_event_v - pre_event_v.mean(axis=-1, keepdims=True)
    samples = np.moveaxis(centred, 1, 0).reshape(centred.shape[1], -1)
    cut = space @ _referenced(samples @ samples.T / samples.shape[1]) @ space
    leading_dimensions(cut, rank, of="noise covariance of the windows before events")
    return np.asarray(cut)


def whitener(noise_covariance_v2: NDArray, basis: NDArray) -> NDArray[np.float64]:
    """Return the operator that makes noise white in the space of the data.

    Parameters
    ----------
    noise_covariance_v2 : array, shape (channels, channels)
        In V².
    basis : array, shape (channels, rank)
        Orthonormal columns that span the data (`leading_dimensions`).

    Returns
    -------
    whitener : array, shape (rank, channels)
        In 1/V.

    Raises
    ------
    RecordingFault
        Check ``"rank"``: the noise has fewer dimensions than the data.
    """
    cut = basis @ (basis.T @ _referenced(noise_covariance_v2) @ basis) @ basis.T
    variance, vectors = leading_dimensions(cut, basis.shape[1], of="noise covariance")
    return np.asarray(vectors / np.sqrt(variance)).T


def _referenced(covariance: NDArray) -> NDArray[np.float64]:
    referenced = covariance - covariance.mean(axis=0)
    referenced = referenced - referenced.mean(axis=1, keepdims=True)
    return np.asarray((referenced + referenced.T) / 2)
