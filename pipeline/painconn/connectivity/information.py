"""Information shared by the shapes of two signals: weighted symbolic mutual information."""

from math import factorial

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.gates import NotComputable

_LEAST_KERNEL, _LARGEST_KERNEL = 3, 5
_VALUES_PER_CHUNK = 4_000_000


def symbol_delay_samples(*, sfreq_hz: float, band_hz: tuple[float, float], n_symbols_kernel: int = 3) -> int:
    r"""Return the delay between the samples of a symbol, :math:`\tau = \lfloor f_s / (k f_{high}) \rfloor`, at least 1.

    Symbols of :math:`k` samples, :math:`\tau` apart, describe signals up to :math:`f_s / (k \tau)`, the low-pass that
    the literature applies: the band's upper edge, or the first such frequency above it. A band that ends above
    :math:`f_s / k` needs a higher sampling rate: the delay stays at 1 sample.

    Parameters
    ----------
    sfreq_hz : float
        Sampling rate.
    band_hz : tuple of float
        Band of the signals.
    n_symbols_kernel : int
        Samples per symbol.

    Returns
    -------
    delay : int
        Samples.
    """
    return max(1, int(sfreq_hz / (n_symbols_kernel * band_hz[1])))


def weighted_symbolic_mutual_information(
    signals: NDArray[np.floating], *, sfreq_hz: float, band_hz: tuple[float, float], n_symbols_kernel: int = 3
) -> NDArray[np.float64]:
    r"""Weighted symbolic mutual information (wSMI) of band-limited signals.

    Every sample becomes the symbol of its pattern :math:`(x_t, x_{t + \tau}, \dots)`: the order of its :math:`k` values
    (of equal ones the earlier counts as smaller). Then, per segment,

    .. math:: I_{ij} = \frac{1}{\log k!} \sum_{a, b} w_{ab} \, p_{ij}(a, b) \log \frac{p_{ij}(a, b)}{p_i(a) p_j(b)}

    with :math:`w_{ab} = 0` where *b* is *a* or the pattern of the sign-flipped *a* (what one source that both signals
    see would produce) and 1 elsewhere. Values are averaged over segments; `symbol_delay_samples` gives :math:`\tau`.

    Without coupling the value is above 0, by about :math:`25 / (3 n \log 6)` for :math:`n` independent symbols (k = 3),
    and by more where patterns overlap or repeat, as in narrow bands: simulated at 250 Hz, 0.038 in 2 s and 0.0071 in
    10 s of 8-13 Hz, 0.012 and 0.0024 of 13-30 Hz. Compare equal lengths only.

    The weighted sum is no mutual information and may be negative. Mixing without delay moves it, downwards: simulated
    Gaussian sources of one spectrum, one of which leaks into the other signal, give -0.018 (equal amplitudes) to -0.07
    (five times) in 10 s of 8-13 Hz instead of 0.0071. A true interaction without delay lowers it just so; linear and
    nonlinear coupling with a delay raise it.

    Parameters
    ----------
    signals : array, shape (segments, regions, times)
        Real and band-limited to ``band_hz``: faster fluctuations would alias into the symbols.
    sfreq_hz : float
        Sampling rate.
    band_hz : tuple of float
        Band of the signals; its upper edge sets the delay.
    n_symbols_kernel : int
        Samples per symbol, 3 to 5.

    Returns
    -------
    information : array, shape (regions, regions)
        Symmetric, in [-0.21, 1]; NaN on the diagonal, for a region that is flat or not finite in a segment, and for
        scaled copies.

    Raises
    ------
    ValueError
        For signals of another shape, and for another kernel.
    NotComputable
        Without segments, or when a segment holds fewer symbols than the joint histogram has cells.

    References
    ----------
    King et al. 2013, 10.1016/j.cub.2013.07.075.
    """
    from painconn.connectivity.information_kernels import weighted_information

    values = np.asarray(signals)
    values = values.astype(np.result_type(values.dtype, np.float32), copy=False)
    n_symbols = _n_symbols(values, n_symbols_kernel)
    delay = symbol_delay_samples(sfreq_hz=sfreq_hz, band_hz=band_hz, n_symbols_kernel=n_symbols_kernel)
    n_segments, n_regions, n_times = values.shape
    n_samples = n_times - (n_symbols_kernel - 1) * delay
    if not n_segments or n_samples < n_symbols**2:
        needed = n_symbols**2 + (n_symbols_kernel - 1) * delay
        found = f"{n_segments} segments of {n_times} samples"
        raise NotComputable(f"{found}, wanted at least 1 of {needed} ({needed / sfreq_hz:.3g} s)")
    log_of = np.log(np.maximum(np.arange(n_samples + 1.0), 1.0))
    total = np.zeros((n_regions, n_regions))
    n_chunk = max(1, _VALUES_PER_CHUNK // max(n_regions**2, n_regions * n_times))
    for start in range(0, n_segments, n_chunk):
        chunk = values[start : start + n_chunk]
        found_information = weighted_information(_symbols(chunk, n_symbols_kernel, delay), n_symbols, log_of)
        total += found_information.sum(axis=0) + sum(_not_scored(segment) for segment in chunk)
    matrix = (total + total.T) / (n_segments * np.log(n_symbols))
    np.fill_diagonal(matrix, np.nan)
    return matrix


def _n_symbols(signals: NDArray, n_symbols_kernel: int) -> int:
    if not np.isrealobj(signals) or signals.ndim != 3:
        found = f"{signals.dtype} of shape {signals.shape}"
        raise ValueError(f"signals is {found}, wanted real signals of shape (segments, regions, times)")
    if not _LEAST_KERNEL <= n_symbols_kernel <= _LARGEST_KERNEL:
        raise ValueError(f"n_symbols_kernel is {n_symbols_kernel}, wanted {_LEAST_KERNEL} to {_LARGEST_KERNEL}")
    return factorial(n_symbols_kernel)


def _symbols(signals: NDArray[np.floating], kernel: int, delay: int) -> NDArray[np.uint8]:
    """Return the Lehmer code of the order of every pattern: a sign flip turns all of its comparisons round."""
    n_samples = signals.shape[-1] - (kernel - 1) * delay
    places = [signals[..., place * delay : place * delay + n_samples] for place in range(kernel)]
    codes = np.zeros(places[0].shape, dtype=np.uint8)
    for first in range(kernel - 1):
        weight = np.uint8(factorial(kernel - 1 - first))
        for later in range(first + 1, kernel):
            codes += weight * (places[first] > places[later])
    return codes


def _not_scored(signals: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return NaN for the pairs of one segment with a flat or broken region and for scaled copies, and 0 elsewhere."""
    precision = float(np.finfo(signals.dtype).eps)
    with np.errstate(invalid="ignore"):
        centred = signals - signals.mean(axis=-1, keepdims=True)
        norm = np.linalg.norm(centred, axis=-1)
        varied = norm > precision ** (2 / 3) * np.linalg.norm(signals, axis=-1)
    unit = centred / np.where(varied, norm, np.nan)[:, None]
    correlation = np.abs(unit @ unit.T)
    return np.where(correlation < 1.0 - 64 * precision, 0.0, np.nan)
