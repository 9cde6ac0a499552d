"""Bivariate spectral measures, each a function of the sums over samples; a value per bin and pair.

Pairs are the lower triangle (row ``i``, column ``j < i``); a band is the mean over its bins; without power it is NaN.
"""

import numpy as np
from numpy.typing import NDArray

from painconn.connectivity.cross_sums import CrossSums, Values


def _ratio(numerator: Values, denominator: Values) -> Values:
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


def coherency(sums: CrossSums) -> NDArray[np.complex128]:
    r"""Coherency, :math:`C = \sum S_{ij} / \sqrt{\sum S_{ii} \sum S_{jj}}`: complex, hermitian, ``|C|`` in [0, 1].

    References
    ----------
    Nolte et al. 2004, 10.1016/j.clinph.2004.04.029.
    """
    return sums.coherency


def coherence(sums: CrossSums) -> Values:
    r"""Magnitude of coherency, :math:`|C|`, in [0, 1]; symmetric.

    Without coupling about :math:`\sqrt{\pi / 4 n k}` for ``n`` epochs of ``k`` tapers.

    References
    ----------
    Nolte et al. 2004, 10.1016/j.clinph.2004.04.029.
    """
    return np.abs(sums.coherency)


def imaginary_coherence(sums: CrossSums) -> Values:
    r"""Imaginary part of coherency, :math:`\Im C`, in [-1, 1]; antisymmetric; positive where the row leads.

    References
    ----------
    Nolte et al. 2004, 10.1016/j.clinph.2004.04.029.
    """
    return sums.coherency.imag


def lagged_coherence(sums: CrossSums) -> Values:
    r"""Lagged coherence, :math:`|\Im C| / \sqrt{1 - (\Re C)^2}`, in [0, 1]; symmetric.

    References
    ----------
    Pascual-Marqui 2007, arXiv:0706.1776.
    """
    found = sums.coherency
    return _ratio(np.abs(found.imag), np.sqrt(np.maximum(1.0 - np.square(found.real), 0.0)))


def phase_locking_value(sums: CrossSums) -> Values:
    r"""Phase-locking value, :math:`|\langle S / |S| \rangle|`, in [0, 1]; symmetric; 1 for a single sample.

    References
    ----------
    Lachaux et al. 1999, 10.1002/(SICI)1097-0193(1999)8:4<194::AID-HBM4>3.0.CO;2-C.
    """
    return np.abs(sums.unit) / sums.n_samples


def corrected_imaginary_plv(sums: CrossSums) -> Values:
    r"""Corrected imaginary phase locking, :math:`|\Im P| / \sqrt{1 - (\Re P)^2}`, :math:`P = \langle S / |S| \rangle`.

    In [0, 1]; symmetric.

    References
    ----------
    Bruña et al. 2018, 10.1088/1741-2552/aacfe4.
    """
    mean = sums.unit / sums.n_samples
    return _ratio(np.abs(mean.imag), np.sqrt(np.maximum(1.0 - np.square(mean.real), 0.0)))


def pairwise_phase_consistency(sums: CrossSums) -> Values:
    r"""Pairwise phase consistency, :math:`(|\sum S / |S||^2 - n) / (n (n - 1))`; 0 without coupling at any n.

    In [-1 / (n - 1), 1]; symmetric; NaN for one sample.

    References
    ----------
    Vinck et al. 2010, 10.1016/j.neuroimage.2010.01.073.
    """
    n = float(sums.n_samples)
    squared = np.square(sums.values[5]) + np.square(sums.values[6])
    return _ratio(squared - n, np.full(squared.shape, n * (n - 1.0)))


def phase_lag_index(sums: CrossSums) -> Values:
    r"""Phase-lag index, :math:`|\langle \mathrm{sign} \Im S \rangle|`, in [0, 1]; symmetric; biased upward at small n.

    References
    ----------
    Stam et al. 2007, 10.1002/hbm.20346.
    """
    return np.abs(sums.imag_sign) / sums.n_samples


def directed_phase_lag_index(sums: CrossSums) -> Values:
    r"""Directed phase-lag index, :math:`\langle H(\Im S) \rangle` with :math:`H(0) = 1/2`, in [0, 1].

    Above 1/2 where the row leads; the upper triangle is 1 minus the lower.

    References
    ----------
    Stam and van Straaten 2012, 10.1016/j.neuroimage.2012.05.050.
    """
    return 0.5 + 0.5 * sums.imag_sign / sums.n_samples


def unbiased_squared_pli(sums: CrossSums) -> Values:
    r"""Unbiased squared phase-lag index, :math:`(n\, \mathrm{PLI}^2 - 1) / (n - 1)`; 0 without coupling at any n.

    In [-1 / (n - 1), 1]; symmetric; NaN for one sample.

    References
    ----------
    Vinck et al. 2011, 10.1016/j.neuroimage.2011.01.055.
    """
    n = float(sums.n_samples)
    squared = np.square(sums.imag_sign / n)
    return _ratio(n * squared - 1.0, np.full(squared.shape, n - 1.0))


def weighted_phase_lag_index(sums: CrossSums) -> Values:
    r"""Weighted phase-lag index, :math:`|\sum \Im S| / \sum |\Im S|`, in [0, 1]; symmetric; biased upward at small n.

    References
    ----------
    Vinck et al. 2011, 10.1016/j.neuroimage.2011.01.055.
    """
    return _ratio(np.abs(sums.imag), sums.imag_abs)


def debiased_squared_wpli(sums: CrossSums) -> Values:
    r"""Debiased squared weighted phase-lag index; around 0 without coupling (may be negative), at most 1; symmetric.

    .. math:: \frac{(\sum \Im S)^2 - \sum (\Im S)^2}{(\sum |\Im S|)^2 - \sum (\Im S)^2}

    NaN for one sample.

    References
    ----------
    Vinck et al. 2011, 10.1016/j.neuroimage.2011.01.055.
    """
    denominator = np.square(sums.imag_abs) - sums.imag_square
    return _ratio(np.square(sums.imag) - sums.imag_square, np.where(sums.n_samples > 1, denominator, 0.0))


def phase_slope_index(sums: CrossSums) -> Values:
    r"""Phase-slope index of the bins together, :math:`\Im \sum_f \bar C(f)\, C(f + \delta f)`; antisymmetric.

    Positive where the row leads the column. The sign is the meaning; the size depends on the number of bins.

    Parameters
    ----------
    sums : CrossSums
        Of the neighbouring frequency bins of one band.

    Returns
    -------
    values : array, shape (1, pairs)
        NaN for fewer than two bins.

    References
    ----------
    Nolte et al. 2008, 10.1103/PhysRevLett.100.234101.
    """
    found = sums.coherency
    if len(found) < 2:
        return np.full((1, found.shape[1]), np.nan)
    return (found[:-1].conj() * found[1:]).imag.sum(axis=0, keepdims=True)
