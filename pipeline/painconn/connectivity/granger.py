r"""Granger causality in the frequency domain, for every ordered pair of signals.

The mean cross-spectra of the whole range 0 to Nyquist give the autocovariance by one inverse Fourier transform. Every
pair is then predicted from its own past (autoregression by Whittle's recursion), and the power of one signal is split
by frequency into what its own innovations and what those of the other signal contribute:

.. math:: GC_{i \to j}(f) = \ln \left(1 + \frac{\Sigma_{ii \cdot j} |A_{ji}(f)|^2}
          {\Sigma_{jj} |A_{ii}(f) - \frac{\Sigma_{ij}}{\Sigma_{jj}} A_{ji}(f)|^2} \right)

with the autoregression :math:`A(f) = I - \sum_k A_k e^{-2 \pi i f k}` (``f`` in cycles per sample), the covariance
:math:`\Sigma` of its innovations and :math:`\Sigma_{ii \cdot j} = \Sigma_{ii} - \Sigma_{ij}^2 / \Sigma_{jj}`. This
is Geweke's measure: transfer function and spectrum share the factor :math:`1 / \det A`, which cancels. Unconditional:
a third signal that drives both is not removed. Spectral smoothing shortens the memory that the autoregression sees:
values at narrow peaks come out too low, the more so the wider the smoothing.

Conventions: value ``[i, j]`` is the influence of ``i`` on ``j`` (row leads column), in nats; the diagonal is NaN, and
so are pairs with a flat signal, with a copied signal, or whose prediction errors are not positive.

References
----------
Geweke 1982, 10.1080/01621459.1982.10477803; Whittle 1963, 10.1093/biomet/50.1-2.129; Barnett & Seth 2015,
10.1103/PhysRevE.91.040101; Haufe et al. 2013, 10.1016/j.neuroimage.2012.09.036; Winkler et al. 2016,
10.1109/TSP.2016.2531628.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import NotComputable, band_bins
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra

MAX_LAG_S = 0.16
_PAIRS_AT_ONCE = 128
_ROUNDING = 1e-6

Matrix = NDArray[np.float64]
BandMatrices = dict[str, Matrix]


def granger(
    cross: MeanCrossSpectra, bands_hz: Mapping[str, tuple[float, float]], *, n_lags: int | None = None
) -> BandMatrices:
    """Compute Granger causality of every ordered pair.

    Parameters
    ----------
    cross : MeanCrossSpectra
        Of the whole range, 0 to Nyquist.
    bands_hz : mapping
        Half-open bands by name.
    n_lags : int | None
        Order of the autoregression; None takes 0.16 s (40 lags at 250 Hz).

    Returns
    -------
    matrices : dict of band to array, shape (signals, signals)
        Mean over the bins of the band, 0 or more; directed. Not safe against volume conduction.

    Raises
    ------
    NotComputable
        When the cross-spectra do not span 0 to Nyquist or the epochs are too short for the lags.
    """
    return granger_both_ways(cross, bands_hz, n_lags=n_lags)[0]


def granger_time_reversed(
    cross: MeanCrossSpectra, bands_hz: Mapping[str, tuple[float, float]], *, n_lags: int | None = None
) -> BandMatrices:
    """Compute Granger causality of the signals reversed in time; see `granger` for parameters, range and errors.

    Reversal turns the direction of true influence and keeps what instantaneous mixing makes up.
    """
    return granger_both_ways(cross, bands_hz, n_lags=n_lags)[1]


def granger_net(
    cross: MeanCrossSpectra, bands_hz: Mapping[str, tuple[float, float]], *, n_lags: int | None = None
) -> BandMatrices:
    """Compute ``gc[i, j] - gc[j, i]``: antisymmetric, unbounded; see `granger` for parameters and errors."""
    return {band: _net(matrix) for band, matrix in granger(cross, bands_hz, n_lags=n_lags).items()}


def time_reversed_contrast(
    cross: MeanCrossSpectra, bands_hz: Mapping[str, tuple[float, float]], *, n_lags: int | None = None
) -> BandMatrices:
    r"""Compute net Granger causality less that of the signals reversed in time (TRGC).

    .. math:: (GC_{i \to j} - GC_{j \to i}) - (GC^{tr}_{i \to j} - GC^{tr}_{j \to i})

    Antisymmetric, unbounded, positive where the row leads. Signals that are instantaneous mixtures of independent
    sources have the same autocovariance in both directions of time: the two net values cancel.
    See `granger` for parameters and errors.

    References
    ----------
    Haufe et al. 2013, 10.1016/j.neuroimage.2012.09.036; Winkler et al. 2016, 10.1109/TSP.2016.2531628.
    """
    both = zip(bands_hz, *(ways.values() for ways in granger_both_ways(cross, bands_hz, n_lags=n_lags)), strict=True)
    return {band: _net(forward) - _net(backward) for band, forward, backward in both}


def granger_both_ways(
    cross: MeanCrossSpectra, bands_hz: Mapping[str, tuple[float, float]], *, n_lags: int | None = None
) -> tuple[BandMatrices, BandMatrices]:
    """Compute Granger causality as recorded and reversed in time, in one pass; see `granger`."""
    from painconn.connectivity.granger_kernels import pairwise_predictors

    autocovariance = _unit_autocovariance(cross, n_lags)
    n_signals = autocovariance.shape[1]
    rows, columns = np.tril_indices(n_signals, -1)
    coefficients, innovations = pairwise_predictors(autocovariance, rows, columns)
    bins = {band: band_bins(cross.freqs_hz, band_hz) for band, band_hz in bands_hz.items()}
    used = np.logical_or.reduce([np.zeros(len(cross.freqs_hz), bool), *bins.values()])
    waves = _waves(cross.freqs_hz[used] / cross.sfreq_hz, coefficients.shape[1])
    ways: tuple[BandMatrices, BandMatrices] = (
        {band: np.full((n_signals, n_signals), np.nan) for band in bands_hz},
        {band: np.full((n_signals, n_signals), np.nan) for band in bands_hz},
    )
    for start in range(0, len(rows), _PAIRS_AT_ONCE):
        some = slice(start, start + _PAIRS_AT_ONCE)
        i, j = rows[some], columns[some]
        for matrices, model, errors in zip(ways, coefficients[..., some], innovations[..., some], strict=True):
            influence = _influence(waves, model, errors)
            for band, matrix in matrices.items():
                inside = bins[band][used]
                if inside.any():
                    matrix[i, j], matrix[j, i] = influence[:, inside].mean(axis=1)
    return ways


def _net(matrix: Matrix) -> Matrix:
    return matrix - matrix.T


def _unit_autocovariance(cross: MeanCrossSpectra, n_lags: int | None) -> Matrix:
    """Return the autocovariance of the signals scaled to unit variance, shape (lags + 1, signals, signals)."""
    n_times = _epoch_length(cross)
    lags = round(MAX_LAG_S * cross.sfreq_hz) if n_lags is None else n_lags
    if not 1 <= lags < n_times / 2:
        raise NotComputable(
            f"{lags} lags in epochs of {n_times} samples, wanted at least 1 and fewer than half of them"
        )
    autocovariance = np.fft.irfft(cross.values, n=n_times, axis=0)[: lags + 1]
    variance = np.diagonal(autocovariance[0])
    scale = np.sqrt(np.divide(1.0, variance, out=np.full(variance.shape, np.nan), where=variance > 0))
    return np.asarray(autocovariance * scale[:, None] * scale, dtype=float)


def _epoch_length(cross: MeanCrossSpectra) -> int:
    """Return the number of samples whose Fourier bins these are; even and odd numbers end in different bins."""
    freqs_hz = cross.freqs_hz
    if len(freqs_hz) > 1:
        n_times = round(cross.sfreq_hz / (freqs_hz[1] - freqs_hz[0]))
        whole = np.fft.rfftfreq(n_times, 1.0 / cross.sfreq_hz)
        if len(whole) == len(freqs_hz) and np.allclose(whole, freqs_hz, rtol=0, atol=_ROUNDING * cross.sfreq_hz):
            return n_times
    found = f"{len(freqs_hz)} bins" + (f" from {freqs_hz[0]:g} to {freqs_hz[-1]:g} Hz" if len(freqs_hz) else "")
    raise NotComputable(f"{found}, wanted every bin from 0 to Nyquist ({cross.sfreq_hz / 2:g} Hz)")


def _waves(cycles_per_sample: Matrix, n_lags: int) -> Matrix:
    """Return the real and the imaginary part of ``exp(-2 pi i f k)``, shape (2, frequencies, lags)."""
    angles = 2 * np.pi * np.outer(cycles_per_sample, np.arange(1, n_lags + 1))
    return np.stack([np.cos(angles), -np.sin(angles)])


def _influence(waves: Matrix, coefficients: Matrix, innovations: Matrix) -> Matrix:
    """Return the influence of first on second and of second on first signal, shape (2, frequencies, pairs)."""
    _, n_freqs, n_lags = waves.shape
    n_pairs = coefficients.shape[-1]
    transformed = waves.reshape(-1, n_lags) @ coefficients.reshape(n_lags, -1)
    real, imag = np.moveaxis(transformed.reshape(2, n_freqs, 2, 2, n_pairs), 1, -2)
    both = np.empty((2, n_freqs, n_pairs))
    for out, source, target in zip(both, (0, 1), (1, 0), strict=True):
        shared = innovations[0, 1] / innovations[target, target]
        remaining = innovations[source, source] - innovations[0, 1] * shared
        own_real = 1.0 - real[source, source] + shared * real[target, source]
        own_imag = shared * imag[target, source] - imag[source, source]
        crossed = np.square(real[target, source]) + np.square(imag[target, source])
        own = np.square(own_real) + np.square(own_imag)
        np.log1p((remaining / innovations[target, target]) * crossed / own, out=out)
    return both
