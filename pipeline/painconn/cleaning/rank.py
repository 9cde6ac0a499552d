"""How many independent dimensions a recording has.

Average reference, interpolation and earlier cleaning each cost dimensions that the channel count does not show. An
ICA with one component too many splits a component in two and ruins its labels; an inverse with too high a rank
amplifies rounding noise.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mne.io import BaseRaw

RANK_TOLERANCE = 1e-3
"""Smallest singular value that counts, relative to the upper quartile of all.

The upper quartile is the yardstick because the largest singular value follows slow drifts. Rounding to the steps of a
file leaves about 1e-4 in a direction that earlier cleaning removed; the weakest direction of real EEG stays above 5e-3.
"""

_CHUNK = 20_000


@dataclass(frozen=True)
class SessionRank:
    """Rank of a session, all the numbers it was derived from included.

    Parameters
    ----------
    tracked : int
        Good channels minus one for the average reference.
    data : dict of str to int
        Numerical rank of each recording's good channels as read, before any reference is applied here.
    referenced : dict of str to int
        The same after taking the average reference over the good channels.
    before_ica : int
        The rank given to ICA: the smallest of `tracked` and `referenced`.
    n_removed : int
        Components removed.
    """

    tracked: int
    data: dict[str, int]
    referenced: dict[str, int]
    before_ica: int
    n_removed: int

    @property
    def final(self) -> int:
        """Rank of the cleaned data; interpolation and re-referencing do not change it."""
        return self.before_ica - self.n_removed


def numerical_rank(data: NDArray[np.float64], *, average_reference: bool, tolerance: float = RANK_TOLERANCE) -> int:
    """Count the singular values of centred data above a tolerance.

    Parameters
    ----------
    data : ndarray, shape (channels, times)
        EEG in any unit.
    average_reference : bool
        Whether the mean over channels is subtracted first.
    tolerance : float
        Relative to the upper quartile of the singular values.

    Returns
    -------
    rank : int
        Between 0 and the number of channels.
    """
    means = data.mean(axis=1, keepdims=True)
    scatter = np.zeros((len(data), len(data)))
    for start in range(0, data.shape[1], _CHUNK):
        centred = data[:, start : start + _CHUNK] - means
        if average_reference:
            centred -= centred.mean(axis=0)
        scatter += centred @ centred.T
    eigenvalues = np.linalg.eigvalsh(scatter)[::-1]
    singular = np.sqrt(np.maximum(eigenvalues, 0.0))
    yardstick = singular[len(singular) // 4]
    return int(np.count_nonzero(singular > tolerance * yardstick))


def session_rank(as_read: dict[str, "BaseRaw"], *, good_channels: list[str]) -> SessionRank:
    """Find the rank that every recording of a session has, on the data as read.

    The numerical rank counts after the average reference: a direction that earlier cleaning removed costs a dimension
    in addition to the reference's, unless it is the reference's own. A session gets the smallest rank of its
    recordings, so that one decomposition and one inverse fit all of them.

    Parameters
    ----------
    as_read : dict of str to mne.io.BaseRaw
        The recordings, unfiltered; stretches annotated as bad are left out.
    good_channels : list of str
        Channels that are not bad.

    Returns
    -------
    rank : SessionRank
        With `n_removed` = 0.
    """
    data, referenced = {}, {}
    for name, raw in as_read.items():
        samples = raw.get_data(picks=good_channels, reject_by_annotation="omit", verbose="WARNING")
        data[name] = numerical_rank(samples, average_reference=False)
        referenced[name] = numerical_rank(samples, average_reference=True)
    tracked = len(good_channels) - 1
    return SessionRank(tracked, data, referenced, min(tracked, *referenced.values()), 0)
