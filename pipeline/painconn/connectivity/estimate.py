"""What the engine returns, and what it may refuse."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.definition import Estimator

Key = tuple[str, str]
Matrix = NDArray[Any]


@dataclass(frozen=True)
class Gates:
    """Limits below which a measure is not computable.

    Attributes
    ----------
    min_epochs : int | None
        Epochs, for measures over epochs; None takes each measure's own.
    min_cycles : float | None
        Cycles of a band's lower edge in an epoch (or segment); None takes each measure's own.
    epoch_overlap : float
        Share of an epoch that the next one repeats: what overlaps counts once.
    """

    min_epochs: int | None = None
    min_cycles: float | None = None
    epoch_overlap: float = 0.0

    def independent(self, n_epochs: int) -> int:
        """Return how many epochs without overlap hold as much as so many."""
        return int(n_epochs * (1 - self.epoch_overlap) + 1e-9)


DEFAULT_GATES = Gates()


@dataclass(frozen=True)
class Connectivity:
    """Whole matrices, and everything needed to read them.

    Attributes
    ----------
    estimator : {'over_epochs', 'over_time'}
        What the samples were: epochs, or the time points of segments.
    n_epochs : int
        Epochs, or segments.
    epoch_length_s : float
        Length of each.
    smoothing_hz : dict of str to float
        Half-bandwidth in each band: of the spectra, or over time how far the band-pass reaches beyond it.
    n_tapers : int | None
        Tapers per epoch; None without tapers.
    matrices : dict of (measure, band) to array, shape (regions, regions)
        Row leads column; the diagonal is NaN, as are regions and pairs that could not be scored.
    not_computable : dict of (measure, band) to str
        Why a matrix is missing: what was found and what would be needed.
    unusable_regions : dict of int to str
        Regions that are NaN throughout: flat or not finite. Rows of the signals, where regions have several components.
    copied_pairs : tuple of (int, int)
        Pairs of regions (row > column; rows, see above) that are copies of each other: NaN, not scored.
    unscored_pairs : dict of (measure, band) to tuple of (int, int)
        Other pairs (row > column) without a value: so alike that the measure has nothing to tell apart.
    shrinkage : dict of str to float
        By band, how far partial measures were shrunk; it depends on all regions.
    halves : tuple of two dicts
        The matrices of every other epoch (or segment), for reliability; empty when not asked for.
    """

    estimator: Estimator
    n_epochs: int
    epoch_length_s: float
    smoothing_hz: Mapping[str, float]
    n_tapers: int | None
    matrices: Mapping[Key, Matrix]
    not_computable: Mapping[Key, str] = field(default_factory=dict)
    unusable_regions: Mapping[int, str] = field(default_factory=dict)
    copied_pairs: tuple[tuple[int, int], ...] = ()
    unscored_pairs: Mapping[Key, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    shrinkage: Mapping[str, float] = field(default_factory=dict)
    halves: tuple[Mapping[Key, Matrix], ...] = ()

    def joined(self, other: "Connectivity") -> "Connectivity":
        """Return both, of the same samples: other bands, or other measures.

        One of them may have looked at no sample, because all its measures were refused.
        """
        both = zip(self.halves, other.halves, strict=True) if self.halves and other.halves else ()
        return replace(
            self,
            n_epochs=max(self.n_epochs, other.n_epochs),
            epoch_length_s=max(self.epoch_length_s, other.epoch_length_s),
            smoothing_hz={**self.smoothing_hz, **other.smoothing_hz},
            matrices={**self.matrices, **other.matrices},
            not_computable={**self.not_computable, **other.not_computable},
            unusable_regions={**self.unusable_regions, **other.unusable_regions},
            copied_pairs=tuple(sorted({*self.copied_pairs, *other.copied_pairs})),
            unscored_pairs={**self.unscored_pairs, **other.unscored_pairs},
            shrinkage={**self.shrinkage, **other.shrinkage},
            halves=tuple({**own, **more} for own, more in both) or self.halves or other.halves,
        )


def whole(values: NDArray, kind: str, n_regions: int) -> Matrix:
    """Build a whole matrix from its lower triangle.

    Parameters
    ----------
    values : array, shape (pairs,)
        Row ``i``, column ``j < i``, row by row.
    kind : str
        ``symmetric``, ``antisymmetric``, ``hermitian``, or ``directed`` (upper = 1 - lower).
    n_regions : int
        Number of regions.

    Returns
    -------
    matrix : array, shape (regions, regions)
        NaN on the diagonal.
    """
    matrix = np.full((n_regions, n_regions), np.nan, dtype=values.dtype)
    rows, columns = np.tril_indices(n_regions, -1)
    mirrored = {"symmetric": values, "antisymmetric": -values, "hermitian": values.conj(), "directed": 1.0 - values}
    matrix[rows, columns] = values
    matrix[columns, rows] = mirrored[kind]
    return matrix


def unscored_pairs(
    matrices: Mapping[Key, Matrix], unusable: Mapping[int, str], copied: tuple[tuple[int, int], ...], n_rows: int
) -> dict[Key, tuple[tuple[int, int], ...]]:
    """Find the pairs (row > column) without a value that neither a broken region nor a copy explains.

    In matrices that are not of `n_rows` regions (those of multivariate measures) every missing pair counts.
    """
    found = {}
    known = set(copied)
    for key, matrix in matrices.items():
        rows, columns = np.nonzero(np.tril(np.isnan(matrix) | np.isnan(matrix.T), -1))
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        of_rows = len(matrix) == n_rows
        left = tuple(p for p in pairs if not of_rows or (p not in known and not unusable.keys() & set(p)))
        if left:
            found[key] = left
    return found
