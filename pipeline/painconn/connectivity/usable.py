"""Signals that cannot be scored: flat or broken regions, and copies."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.estimate import Matrix

_FLAT = 1e-20
_COPY = 1e-12
_MIN_TIMES = 4


@dataclass(frozen=True)
class Usable:
    """Which regions of some signals can be scored.

    Attributes
    ----------
    n_regions : int
        Of the signals.
    regions : array of int
        The usable ones.
    gains : array
        One over the root mean square of each usable region.
    reasons : dict of int to str
        Why the others are not usable.
    copied : tuple of (int, int)
        Pairs (row > column) of regions that are scaled copies.
    """

    n_regions: int
    regions: NDArray[np.intp]
    gains: NDArray[np.float64]
    reasons: dict[int, str]
    copied: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, signals: NDArray) -> Self:
        """Look at signals (epochs, regions, times), real or analytic.

        A region with a value that is not finite, or without variance in an epoch beside its largest, is not usable.

        Raises
        ------
        ValueError
            For signals of another shape, or without an epoch.
        """
        if signals.ndim != 3 or not len(signals) or signals.shape[-1] < _MIN_TIMES:
            raise ValueError(
                f"signals of shape {signals.shape}, wanted (epochs, regions, times): "
                f"at least 1 epoch and {_MIN_TIMES} times"
            )
        variance = np.stack([_variance(epoch) for epoch in signals])
        reasons = {}
        for region, (top, bottom) in enumerate(zip(variance.max(axis=0), variance.min(axis=0), strict=True)):
            if not np.isfinite(top):
                reasons[region] = "not finite"
            elif bottom <= _FLAT * top:
                flat = np.count_nonzero(variance[:, region] <= _FLAT * top)
                reasons[region] = f"flat in {flat} of {len(signals)} epochs"
        regions = np.array([region for region in range(signals.shape[1]) if region not in reasons], dtype=np.intp)
        gains = 1.0 / np.sqrt(variance[:, regions].mean(axis=0))
        return cls(signals.shape[1], regions, gains, reasons, _copies(signals, regions))

    def pick(self, signals: NDArray) -> NDArray:
        """Return the signals of the usable regions."""
        return signals if len(self.regions) == self.n_regions else signals[:, self.regions]

    def embed(self, matrix: Matrix) -> Matrix:
        """Put a matrix of the usable regions into one of all regions; the others, copies and the diagonal are NaN."""
        result = np.full_like(matrix, np.nan, shape=(self.n_regions, self.n_regions))
        result[np.ix_(self.regions, self.regions)] = matrix
        for row, column in self.copied:
            result[row, column] = result[column, row] = np.nan
        np.fill_diagonal(result, np.nan)
        return result


def _variance(epoch: NDArray) -> NDArray[np.float64]:
    """Return the variance over time: exactly 0 for a constant, whose computed mean may differ from it by round-off."""
    epoch = np.asarray(epoch, dtype=np.result_type(epoch, np.float64))
    with np.errstate(invalid="ignore", over="ignore"):
        moved = epoch - epoch[:, :1]
        square = np.vecdot(moved, moved).real / moved.shape[-1]
        return np.maximum(square - np.square(np.abs(moved.mean(axis=-1))), 0.0)


def _copies(signals: NDArray, regions: NDArray[np.intp]) -> tuple[tuple[int, int], ...]:
    """Find scaled copies: candidates in the first epoch, confirmed in every other.

    A scale is real: a copy shifted by a constant phase is a lagged signal, not a copy.
    """
    candidates = None
    for epoch in signals:
        rows = regions if candidates is None else np.unique(candidates)
        if not len(rows):
            return ()
        chosen = epoch[rows].astype(np.result_type(epoch, np.float64))
        centred = chosen - chosen.mean(axis=-1, keepdims=True)
        unit = centred / np.linalg.norm(centred, axis=-1, keepdims=True)
        alike = np.abs((unit @ unit.conj().T).real) >= 1.0 - _COPY
        found = {(int(rows[a]), int(rows[b])) for a, b in np.argwhere(np.tril(alike, -1))}
        candidates = np.array(sorted(found if candidates is None else found & set(map(tuple, candidates.tolist()))))
    return tuple((int(row), int(column)) for row, column in (() if candidates is None else candidates))
