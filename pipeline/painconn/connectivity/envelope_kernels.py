r"""Compiled loops of the pairwise-orthogonalised envelope correlation; imported on use, as numba is slow to load.

With unit vectors :math:`u = z / |z|` and :math:`s_{ij} = |\Im(u_i \bar u_j)|`, the amplitude of *j* orthogonal to *i*
is :math:`|z_j| s_{ij}` and that of *i* orthogonal to *j* is :math:`|z_i| s_{ij}`: one :math:`s_{ij}` per sample and
unordered pair serves both directions, and no sample is written back to memory.
"""

import numpy as np
from numba import njit, prange, types
from numba.extending import overload

# No nnan and no ninf: a NaN of the data has to arrive in the result.
_FLAGS = {"contract", "reassoc", "nsz", "arcp"}
# A block of every region stays in the second-level cache.
_BLOCK = 256
# Blocks are whole vectors of the widest type, and rows are not a power of two apart: those would share one set of the
# first-level cache.
_LANES = 16
_STAGGER = 8


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _amplitude(value):  # type: ignore[no-untyped-def]
    return np.sqrt(value.real * value.real + value.imag * value.imag)


def _log(value):  # type: ignore[no-untyped-def]
    """Stand for the natural logarithm of a number from 0 up, in arithmetic that the compiler turns into vectors."""


def _log_of(real, integer, fraction_bits, n_terms):  # type: ignore[no-untyped-def]
    """Write a number as ``2 ** exponent * mantissa`` and sum the series of ``2 artanh((m - 1) / (m + 1)) = log m``."""
    root_half = integer(np.sqrt(real(0.5)).view(integer))
    one = integer(real(1.0).view(integer))
    fraction = integer(2**fraction_bits - 1)
    offset, bits = integer(one - root_half), integer(fraction_bits)
    bias = integer(one >> bits)
    inverses = tuple(real(1.0 / (2 * term + 1)) for term in range(n_terms))
    log_two, two, unit, zero, minus_infinity = real(np.log(2.0)), real(2.0), real(1.0), real(0.0), real(-np.inf)

    def logarithm(value):  # type: ignore[no-untyped-def]
        shifted = integer(real(value).view(integer) + offset)
        exponent = integer(integer(shifted >> bits) - bias)
        mantissa = integer(integer(shifted & fraction) + root_half).view(real)
        ratio = (mantissa - unit) / (mantissa + unit)
        square = ratio * ratio
        series = inverses[n_terms - 1]
        for term in range(n_terms - 2, -1, -1):
            series = series * square + inverses[term]
        return real(exponent) * log_two + two * ratio * series if value > zero else minus_infinity

    return logarithm


@overload(_log, jit_options={"forceinline": True, "fastmath": _FLAGS, "error_model": "numpy"})
def _typed_log(value):  # type: ignore[no-untyped-def]
    # The ratio is at most 0.172: so many terms reach the rounding of the type.
    if value == types.float32:
        return _log_of(np.float32, np.int32, 23, 5)
    return _log_of(np.float64, np.int64, 52, 10)


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _envelope(value, log):  # type: ignore[no-untyped-def]
    amplitude = _amplitude(value)
    return _log(amplitude * amplitude) if log else amplitude


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _centre_and_spread(signal, log):  # type: ignore[no-untyped-def]
    """Mean of the envelope, and the sum of its squared deviations, relative to the squared mean without logarithm."""
    total = 0.0
    for t in range(len(signal)):
        total += _envelope(signal[t], log)
    centre = total / len(signal)
    spread = 0.0
    for t in range(len(signal)):
        deviation = _envelope(signal[t], log) - centre
        spread += deviation * deviation
    return centre, spread if log else spread / (centre * centre)


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _fill(signal, centre, log, parts):  # type: ignore[no-untyped-def]
    """Split a block into cosine, sine and envelope: of mean 1, or the logarithm less its mean."""
    real = parts.dtype.type
    zero, one = real(0.0), real(1.0)
    offset, gain = real(centre), real(1.0 / centre)
    for t in range(len(signal)):
        amplitude = _amplitude(signal[t])
        inverse = zero if amplitude == zero else one / amplitude
        parts[0, t] = signal[t].real * inverse
        parts[1, t] = signal[t].imag * inverse
        parts[2, t] = _envelope(signal[t], log) - offset if log else amplitude * gain
    # Padding without amplitude adds nothing to the sums.
    parts[:, len(signal) :] = zero


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _add_amplitudes(sums, cosine, sine, envelope, cosine_j, sine_j, envelope_j):  # type: ignore[no-untyped-def]
    orthogonal = abs(sine * cosine_j - cosine * sine_j)
    own, other = envelope * orthogonal, envelope_j * orthogonal
    return sums[0] + own, sums[1] + other, sums[2] + own * own, sums[3] + other * other, sums[4] + own * envelope_j


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _amplitude_tile(parts, i, j, width, sums):  # type: ignore[no-untyped-def]
    """Add a block of two regions times two: a loaded sample serves two pairs, and all sums stay in registers."""
    cosine_a, sine_a, envelope_a = parts[i, 0], parts[i, 1], parts[i, 2]
    cosine_b, sine_b, envelope_b = parts[i + 1, 0], parts[i + 1, 1], parts[i + 1, 2]
    cosine_c, sine_c, envelope_c = parts[j, 0], parts[j, 1], parts[j, 2]
    cosine_d, sine_d, envelope_d = parts[j + 1, 0], parts[j + 1, 1], parts[j + 1, 2]
    zero = parts.dtype.type(0.0)
    ac = (zero, zero, zero, zero, zero)
    ad = bc = bd = ac
    for t in range(width):
        a = cosine_a[t], sine_a[t], envelope_a[t]
        b = cosine_b[t], sine_b[t], envelope_b[t]
        c = cosine_c[t], sine_c[t], envelope_c[t]
        d = cosine_d[t], sine_d[t], envelope_d[t]
        ac = _add_amplitudes(ac, a[0], a[1], a[2], c[0], c[1], c[2])
        ad = _add_amplitudes(ad, a[0], a[1], a[2], d[0], d[1], d[2])
        bc = _add_amplitudes(bc, b[0], b[1], b[2], c[0], c[1], c[2])
        bd = _add_amplitudes(bd, b[0], b[1], b[2], d[0], d[1], d[2])
    for index in range(5):
        sums[i, j, index] += ac[index]
        sums[i, j + 1, index] += ad[index]
        sums[i + 1, j, index] += bc[index]
        sums[i + 1, j + 1, index] += bd[index]


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _log_pair(parts, i, j, width, smallest, sums):  # type: ignore[no-untyped-def]
    """Add a block of one pair: moments of ``log s ** 2``, and its products with both log envelopes."""
    cosine, sine, envelope = parts[i, 0], parts[i, 1], parts[i, 2]
    cosine_j, sine_j, envelope_j = parts[j, 0], parts[j, 1], parts[j, 2]
    size = total = squares = own = other = both = parts.dtype.type(0.0)
    for t in range(width):
        orthogonal = sine[t] * cosine_j[t] - cosine[t] * sine_j[t]
        power = orthogonal * orthogonal
        size += power
        level = _log(smallest if power < smallest else power)
        total += level
        squares += level * level
        own += level * envelope[t]
        other += level * envelope_j[t]
        both += envelope[t] * envelope_j[t]
    sums[i, j, 0] += size
    sums[i, j, 1] += total
    sums[i, j, 2] += squares
    sums[i, j, 3] += own
    sums[i, j, 4] += other
    sums[i, j, 5] += both


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _correlation(covariance, variance, spread, resolvable):  # type: ignore[no-untyped-def]
    return covariance / np.sqrt(variance * spread) if variance > resolvable else np.nan


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _amplitude_correlations(sums, spread, n_times, round_off, directed):  # type: ignore[no-untyped-def]
    least = round_off * round_off * n_times
    for i in range(len(spread)):
        for j in range(i):
            total_i, total_j, squares_i, squares_j, product = sums[i, j]
            if not (spread[i] > least and spread[j] > least and squares_i > least and squares_j > least):
                continue
            variance_j = squares_j - total_j * total_j / n_times
            directed[i, j] = _correlation(product - total_j, variance_j, spread[i], round_off * squares_j)
            variance_i = squares_i - total_i * total_i / n_times
            directed[j, i] = _correlation(product - total_i, variance_i, spread[j], round_off * squares_i)


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _log_correlations(sums, spread, n_times, round_off, directed):  # type: ignore[no-untyped-def]
    least = round_off * round_off * n_times
    for i in range(len(spread)):
        for j in range(i):
            size, total, squares, own, other, both = sums[i, j]
            if not (spread[i] > least and spread[j] > least and size > least):
                continue
            variance = squares - total * total / n_times
            variance_j = variance + 2.0 * other + spread[j]
            directed[i, j] = _correlation(both + own, variance_j, spread[i], round_off * squares)
            variance_i = variance + 2.0 * own + spread[i]
            directed[j, i] = _correlation(both + other, variance_i, spread[j], round_off * squares)


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _segment_sums(analytic, log, smallest, centres):  # type: ignore[no-untyped-def]
    n_regions, n_times = analytic.shape
    n_even = n_regions + n_regions % 2
    n_blocks = (n_times + _BLOCK - 1) // _BLOCK
    length = (n_times + n_blocks * _LANES - 1) // (n_blocks * _LANES) * _LANES
    parts = np.zeros((n_even, 3, length + _STAGGER), analytic.real.dtype)
    sums = np.zeros((n_even, n_even, 6 if log else 5))
    for start in range(0, n_times, length):
        stop = min(start + length, n_times)
        for i in range(n_regions):
            _fill(analytic[i, start:stop], centres[i], log, parts[i])
        if log:
            for i in range(n_regions):
                for j in range(i):
                    _log_pair(parts, i, j, stop - start, smallest, sums)
        else:
            for i in range(0, n_even, 2):
                for j in range(0, i + 1, 2):
                    _amplitude_tile(parts, i, j, length, sums)
    return sums


@njit(cache=True, parallel=True, fastmath=_FLAGS, error_model="numpy")
def directed_correlations(analytic, log, smallest, round_off):  # type: ignore[no-untyped-def]
    """Correlate the envelope of the row with that of the column orthogonal to the row.

    Parameters
    ----------
    analytic : complex array, shape (segments, regions, times)
        C-contiguous; complex64 is computed in float32, with double-precision totals over blocks of samples.
    log : bool
        Whether envelopes are the logarithm of the power.
    smallest : float
        Of the precision of ``analytic``: the smallest squared sine that it resolves; the logarithm is taken there for
        smaller ones.
    round_off : float
        Relative size below which an envelope is flat, and an orthogonal part that of a copy.

    Returns
    -------
    directed : array, shape (segments, regions, regions)
        NaN on the diagonal and where a correlation does not exist.
    """
    n_segments, n_regions, n_times = analytic.shape
    directed = np.full((n_segments, n_regions, n_regions), np.nan)
    for segment in prange(n_segments):
        centres = np.empty(n_regions)
        spread = np.empty(n_regions)
        for i in range(n_regions):
            centres[i], spread[i] = _centre_and_spread(analytic[segment, i], log)
        sums = _segment_sums(analytic[segment], log, smallest, centres)
        if log:
            _log_correlations(sums, spread, n_times, round_off, directed[segment])
        else:
            _amplitude_correlations(sums, spread, n_times, round_off, directed[segment])
    return directed
