r"""Partial coherence: what two signals share beyond what all the others explain, from a shrunk cross-spectral matrix.

The inverse :math:`G` of the cross-spectral matrix of a frequency bin gives the partial coherency
:math:`-G_{ij} / \sqrt{G_{ii} G_{jj}}`. With many signals, few epochs or signals of low rank the matrix cannot be
inverted as it is: all coherencies are first multiplied by :math:`1 - \lambda`, which keeps the power of every signal
(the target is the diagonal). The intensity minimises the expected squared error of the coherencies; for :math:`n`
Gaussian samples

.. math:: \lambda = \frac{\sum_{i \ne j} \mathrm{Var}(\hat\gamma_{ij})}{\sum_{i \ne j} |\hat\gamma_{ij}|^2}, \quad
          \mathrm{Var}(\hat\gamma) = \frac{(1 - |\gamma|^2)(1 - |\gamma|^2 / 2)}{n}

that is the formula of Schäfer and Strimmer for complex coherency, with its large-sample variance: the samples
themselves are not needed, only how many there are (epochs times tapers). The more it is shrunk, the closer partial
coherency comes to :math:`1 - \lambda` times ordinary coherency: compare only data with equally many epochs.

Conventions: per frequency bin, averaged over the bins of a band; NaN diagonal; a flat signal is NaN and explains
nothing; copies of a signal stand as one, so that they do not explain each other away, and a pair of copies is NaN.

References
----------
Schäfer & Strimmer 2005, 10.2202/1544-6115.1175; Fiecas et al. 2010, 10.1016/j.neuroimage.2009.12.022.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import NotComputable, band_bins
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra

_COPY = 1e-10
_CONDITION = 1e-12
_MISSING = complex(np.nan, np.nan)

Matrix = NDArray[np.float64]
Bands = Mapping[str, tuple[float, float]]


def partial_coherence(cross: MeanCrossSpectra, bands_hz: Bands, *, shrinkage: float | None = None) -> dict[str, Matrix]:
    """Compute the magnitude of partial coherency.

    Parameters
    ----------
    cross : MeanCrossSpectra
        Of all signals; what is partialled out of a pair is all the others.
    bands_hz : mapping
        Half-open bands by name.
    shrinkage : float | None
        Share of every coherency that is taken away, in [0, 1]; None chooses it in every bin (`shrinkage_intensity`).

    Returns
    -------
    matrices : dict of band to array, shape (signals, signals)
        Symmetric, in [0, 1]. A comparator: volume conduction inflates it.

    Raises
    ------
    NotComputable
        With a single sample (epochs times tapers), or without shrinkage from fewer samples than signals.

    References
    ----------
    Fiecas et al. 2010, 10.1016/j.neuroimage.2009.12.022.
    """
    return {band: np.abs(values).mean(axis=0) for band, values in _per_band(cross, bands_hz, shrinkage).items()}


def partial_imaginary_coherence(
    cross: MeanCrossSpectra, bands_hz: Bands, *, shrinkage: float | None = None
) -> dict[str, Matrix]:
    """Compute the imaginary part of partial coherency.

    Antisymmetric, in [-1, 1], positive where the row leads the column; mixtures of independent sources leave it at 0.
    See `partial_coherence` for parameters and errors.

    References
    ----------
    Nolte et al. 2004, 10.1016/j.clinph.2004.04.029; Fiecas et al. 2010, 10.1016/j.neuroimage.2009.12.022.
    """
    return {band: values.imag.mean(axis=0) for band, values in _per_band(cross, bands_hz, shrinkage).items()}


def shrinkage_intensity(cross: MeanCrossSpectra, bands_hz: Bands) -> dict[str, float]:
    """Return by how much coherencies are shrunk when no amount is given: mean over the bins of each band, in [0, 1].

    NaN for a band without bins or with fewer than two distinct signals.
    """
    intensities = dict.fromkeys(bands_hz, np.nan)
    for band, band_hz in bands_hz.items():
        distinct = _distinct(cross.values[band_bins(cross.freqs_hz, band_hz)])
        if distinct.coherency.size > len(distinct.coherency):
            intensities[band] = float(_intensity(distinct.coherency, _n_samples(cross)).mean())
    return intensities


@dataclass(frozen=True)
class _Distinct:
    """The signals without flat ones and with one for all its copies."""

    coherency: NDArray[np.complex128]  # (bins, distinct, distinct)
    present: NDArray[np.bool_]  # (signals,): not flat
    stands_for: NDArray[np.intp]  # (present,): place of the distinct signal that a present one is a copy of
    turn: NDArray[np.complex128]  # (bins, present): coherency with it, -1 for a copy of opposite sign


def _distinct(values: NDArray[np.complex128]) -> _Distinct:
    power = np.einsum("fii->fi", values).real
    present = (power > 0).all(axis=0)
    scale = 1.0 / np.sqrt(power[:, present])
    coherency = values[:, present][:, :, present] * scale[:, :, None] * scale[:, None, :]
    n_present = coherency.shape[1]
    unlike = (1.0 - np.square(np.abs(coherency))).sum(axis=0)
    alike = (unlike <= _COPY * len(values)) | np.eye(n_present, dtype=bool)
    first = np.argmax(alike, axis=1) if n_present else np.arange(0)
    kept, stands_for = np.unique(first, return_inverse=True)
    turn = coherency[:, np.arange(n_present), first]
    return _Distinct(coherency[:, kept][:, :, kept], present, stands_for, turn)


def _n_samples(cross: MeanCrossSpectra) -> int:
    return cross.n_epochs * cross.n_tapers


def _intensity(coherency: NDArray[np.complex128], n_samples: int) -> Matrix:
    """Return the shrinkage that minimises the expected squared error of coherencies, shape (bins,)."""
    off_diagonal = ~np.eye(coherency.shape[-1], dtype=bool)
    squares = np.square(np.abs(coherency[:, off_diagonal]))
    variance = ((1.0 - squares) * (1.0 - squares / 2.0)).sum(axis=1) / n_samples
    total = squares.sum(axis=1)
    return np.minimum(1.0, np.divide(variance, total, out=np.ones(total.shape), where=total > 0))


def _per_band(cross: MeanCrossSpectra, bands_hz: Bands, shrinkage: float | None) -> dict[str, NDArray[np.complex128]]:
    """Return the partial coherency of every bin of the bands, (bins, signals, signals); one NaN matrix without bins."""
    n_samples, n_signals = _n_samples(cross), cross.values.shape[-1]
    if shrinkage is not None and not 0 <= shrinkage <= 1:
        raise ValueError(f"shrinkage is {shrinkage:g}, wanted a share between 0 and 1")
    if n_samples < 2:
        raise NotComputable(f"{n_samples} epochs times tapers, wanted at least 2")
    if shrinkage == 0 and n_samples < n_signals:
        raise NotComputable(f"{n_samples} epochs times tapers for {n_signals} signals, wanted as many, or shrinkage")
    chosen = {band: band_bins(cross.freqs_hz, band_hz) for band, band_hz in bands_hz.items()}
    missing = np.full((1, n_signals, n_signals), _MISSING)
    return {
        band: _partial_coherency(cross.values[bins], n_samples, shrinkage) if bins.any() else missing
        for band, bins in chosen.items()
    }


def _partial_coherency(
    values: NDArray[np.complex128], n_samples: int, shrinkage: float | None
) -> NDArray[np.complex128]:
    """Return the partial coherency per bin; NaN on the diagonal, between copies, for flat signals and singular bins."""
    distinct = _distinct(values)
    partial = np.full(values.shape, _MISSING)
    n_distinct = distinct.coherency.shape[1]
    if n_distinct < 2:
        return partial
    share = _intensity(distinct.coherency, n_samples) if shrinkage is None else np.full(len(values), shrinkage)
    diagonal = np.eye(n_distinct, dtype=bool)
    shrunk = np.where(diagonal, 1.0, (1.0 - share)[:, None, None] * distinct.coherency)
    eigenvalues, vectors = np.linalg.eigh(shrunk)
    regular = eigenvalues[:, :1] > _CONDITION * eigenvalues[:, -1:]
    inverse = (vectors * np.where(regular, 1.0 / np.where(regular, eigenvalues, 1.0), np.nan)[:, None, :]) @ (
        np.conj(np.swapaxes(vectors, -1, -2))
    )
    root = 1.0 / np.sqrt(np.einsum("fii->fi", inverse).real)
    inverse *= -root[:, :, None] * root[:, None, :]
    inverse[:, diagonal] = _MISSING
    whole = inverse[:, distinct.stands_for][:, :, distinct.stands_for]
    places = np.flatnonzero(distinct.present)
    partial[:, places[:, None], places] = distinct.turn[:, :, None] * whole * distinct.turn.conj()[:, None, :]
    return partial
