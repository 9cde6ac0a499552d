"""Compiled loops over pairs of multi-component regions; imported on first use, as numba is slow to load."""

import numpy as np
from numba import njit, prange

# Neither nnan nor ninf: NaN marks what cannot be computed and has to survive.
_FLAGS = {"contract", "reassoc", "nsz", "arcp"}
_MAX_SWEEPS = 30
_MAX_STEPS = 60
_EPSILON = 2.3e-16
_N_STARTS = 6
# The largest part of itself by which a canonical coherence may be missed.
_MISSED = 1e-10
# Cuts come no nearer to the ends of their sector than this part of it. A sector narrower than sqrt(8 _MISSED) needs no
# cut, so that cuts lie at most 153 deep in each other: log(pi / 6 / sqrt(8e-10)) / log(16 / 15).
_NEAREST_CUT = 1.0 / 16.0
_N_WAITING = 160 + _N_STARTS


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _diagonalise(matrix, vectors):  # type: ignore[no-untyped-def]
    """Rotate a symmetric matrix to its eigenvalues in place (Jacobi); the columns of ``vectors`` are eigenvectors.

    Only as many rows of them as ``vectors`` has: none where eigenvalues are enough.
    """
    size = len(matrix)
    for row in range(len(vectors)):
        for column in range(size):
            vectors[row, column] = 1.0 if row == column else 0.0
    for _ in range(_MAX_SWEEPS):
        off, on = 0.0, 0.0
        for p in range(size):
            on += matrix[p, p] * matrix[p, p]
            for q in range(p):
                off += matrix[p, q] * matrix[p, q]
        if not off > _EPSILON * _EPSILON * on:
            return
        for p in range(size - 1):
            for q in range(p + 1, size):
                if matrix[p, q] != 0.0:
                    ratio = 0.5 * (matrix[q, q] - matrix[p, p]) / matrix[p, q]
                    tangent = (1.0 if ratio >= 0.0 else -1.0) / (abs(ratio) + np.sqrt(ratio * ratio + 1.0))
                    cosine = 1.0 / np.sqrt(tangent * tangent + 1.0)
                    sine = tangent * cosine
                    for k in range(size):
                        kp, kq = matrix[k, p], matrix[k, q]
                        matrix[k, p], matrix[k, q] = cosine * kp - sine * kq, sine * kp + cosine * kq
                    for k in range(size):
                        pk, qk = matrix[p, k], matrix[q, k]
                        matrix[p, k], matrix[q, k] = cosine * pk - sine * qk, sine * pk + cosine * qk
                    for k in range(len(vectors)):
                        vp, vq = vectors[k, p], vectors[k, q]
                        vectors[k, p], vectors[k, q] = cosine * vp - sine * vq, sine * vp + cosine * vq


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _leading(matrix):  # type: ignore[no-untyped-def]
    best = 0
    for k in range(1, len(matrix)):
        if matrix[k, k] > matrix[best, best]:
            best = k
    return best


@njit(cache=True, parallel=True, fastmath=_FLAGS, error_model="numpy")
def whiteners(covariances, tolerance):  # type: ignore[no-untyped-def]
    """Return ``W`` with ``W^T C W = 1`` on the rank of each covariance, (bins, regions, d, d).

    Columns beyond the rank (eigenvalues up to ``tolerance`` times the largest) are 0; without rank all is NaN.
    """
    n_bins, n_regions, size, _ = covariances.shape
    result = np.full((n_bins, n_regions, size, size), np.nan)
    for index in prange(n_bins * n_regions):
        frequency, region = index // n_regions, index % n_regions
        matrix, vectors = np.empty((size, size)), np.empty((size, size))
        for row in range(size):
            for column in range(size):
                matrix[row, column] = covariances[frequency, region, row, column]
        _diagonalise(matrix, vectors)
        largest = matrix[_leading(matrix), _leading(matrix)]
        if largest > 0.0:
            for column in range(size):
                own = matrix[column, column]
                scale = 1.0 / np.sqrt(own) if own > tolerance * largest else 0.0
                for row in range(size):
                    result[frequency, region, row, column] = vectors[row, column] * scale
    return result


@njit(cache=True, parallel=True, fastmath=_FLAGS, error_model="numpy")
def largest_singular_values(blocks):  # type: ignore[no-untyped-def]
    """Return the largest singular value of each pair's block: (bins, regions, regions, d, d) to a symmetric matrix."""
    n_bins, n_regions, _, size, _ = blocks.shape
    values = np.full((n_bins, n_regions, n_regions), np.nan)
    for index in prange(n_bins * n_regions):
        frequency, i = index // n_regions, index % n_regions
        gram, vectors = np.empty((size, size)), np.empty((0, size))
        for j in range(i):
            block = blocks[frequency, i, j]
            for row in range(size):
                for column in range(size):
                    total = 0.0
                    for k in range(size):
                        total += block[k, row] * block[k, column]
                    gram[row, column] = total
            _diagonalise(gram, vectors)
            best = _leading(gram)
            values[frequency, i, j] = values[frequency, j, i] = np.sqrt(gram[best, best])
    return values


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _turn(angle, steady, cosine_part, sine_part, matrix, vectors):  # type: ignore[no-untyped-def]
    """Diagonalise ``steady + cos(angle) cosine_part + sin(angle) sine_part``; return the place of its leading value."""
    size = len(steady)
    cosine, sine = np.cos(angle), np.sin(angle)
    for row in range(size):
        for column in range(size):
            mixed = cosine * cosine_part[row, column] + sine * sine_part[row, column]
            matrix[row, column] = steady[row, column] + mixed
    _diagonalise(matrix, vectors)
    return _leading(matrix)


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _climb(angle, steady, cosine_part, sine_part, matrix, vectors):  # type: ignore[no-untyped-def]
    """Return the local maximum over the angle of the leading eigenvalue (Newton, else the vector's own best angle)."""
    size = len(steady)
    best = _turn(angle, steady, cosine_part, sine_part, matrix, vectors)
    value = matrix[best, best]
    newton = True
    for _ in range(_MAX_STEPS):
        cosine, sine = np.cos(angle), np.sin(angle)
        along_cosine, along_sine, bend = 0.0, 0.0, 0.0
        for k in range(size):
            by_cosine, by_sine = 0.0, 0.0
            for row in range(size):
                for column in range(size):
                    weight = vectors[row, k] * vectors[column, best]
                    by_cosine += weight * cosine_part[row, column]
                    by_sine += weight * sine_part[row, column]
            if k == best:
                along_cosine, along_sine = by_cosine, by_sine
            else:
                coupling = cosine * by_sine - sine * by_cosine
                gap = matrix[best, best] - matrix[k, k]
                bend += 2.0 * coupling * coupling / gap if gap > 0.0 else 0.0
        slope = cosine * along_sine - sine * along_cosine
        bend -= cosine * along_cosine + sine * along_sine
        if not slope * slope > _EPSILON * value * abs(bend):
            return value
        if newton and bend < 0.0:
            following = angle - slope / bend
        else:
            following = np.arctan2(along_sine, along_cosine)
            newton = True
        at = _turn(following, steady, cosine_part, sine_part, matrix, vectors)
        if matrix[at, at] >= value:
            angle, best, value = following, at, matrix[at, at]
        elif newton and bend < 0.0:
            newton = False
            best = _turn(angle, steady, cosine_part, sine_part, matrix, vectors)
        else:
            return value
    return value


@njit(forceinline=True, fastmath=_FLAGS, error_model="numpy")
def _largest_over_angles(steady, cosine_part, sine_part, matrix, vectors, ends, supports):  # type: ignore[no-untyped-def]
    r"""Return the leading eigenvalue's maximum over the angle, none higher by more than ``2 _MISSED`` of it being left.

    The values :math:`u^T D v` of real unit vectors fill a figure in the complex plane, and the root of the leading
    eigenvalue at angle :math:`2 \phi` is how far the figure reaches towards :math:`\phi`. Between two directions it
    stays within the corner where the two lines that bound it there meet: only a corner farther out than the largest
    value so far can hide a larger one, and is cut off by the line in its own direction (Uhlig 2009,
    10.1007/s11075-009-9276-1). The rounder the figure, the more cuts: 200 000 for a circle about 0.
    ``ends`` and ``supports`` are room for the directions that wait and the reach there.
    """
    step = np.pi / _N_STARTS
    none = np.empty((0, len(steady)))
    largest, start = -1.0, 0.0
    for k in range(_N_STARTS + 1):
        # The last to wait is the next to be met; the first direction closes the circle.
        ends[k] = np.pi - k * step
        at = _turn(2.0 * ends[k], steady, cosine_part, sine_part, matrix, none)
        supports[k] = np.sqrt(matrix[at, at]) if matrix[at, at] > 0.0 else 0.0
        if not matrix[at, at] <= largest:
            largest, start = matrix[at, at], 2.0 * ends[k]
    largest = _climb(start, steady, cosine_part, sine_part, matrix, vectors)
    direction, reach = ends[_N_STARTS], supports[_N_STARTS]
    waiting = _N_STARTS
    while waiting > 0:
        width, other = ends[waiting - 1] - direction, supports[waiting - 1]
        # How far the corner lies along the line that bounds the figure in this direction.
        along = (other - reach * np.cos(width)) / np.sin(width)
        inside = along > 0.0 and other * np.cos(width) < reach
        # No coherence exceeds 1: there the search is over.
        needed = largest * (1.0 + 2.0 * _MISSED)
        if inside and needed < 1.0 and reach * reach + along * along > needed:
            part = min(max(np.arctan2(along, reach) / width, _NEAREST_CUT), 1.0 - _NEAREST_CUT)
            cut = direction + part * width
            at = _turn(2.0 * cut, steady, cosine_part, sine_part, matrix, none)
            value = matrix[at, at]
            ends[waiting], supports[waiting] = cut, np.sqrt(value) if value > 0.0 else 0.0
            waiting += 1
            if value > largest * (1.0 + _MISSED):
                value = _climb(2.0 * cut, steady, cosine_part, sine_part, matrix, vectors)
            largest = max(largest, value)
        else:
            waiting -= 1
            direction, reach = ends[waiting], other
    return largest


@njit(cache=True, parallel=True, fastmath=_FLAGS, error_model="numpy")
def largest_coherences(blocks):  # type: ignore[no-untyped-def]
    r"""Return the canonical coherence of each pair of regions.

    The squared coherence that real filters reach at phase :math:`\phi` is the leading eigenvalue of
    :math:`M^T M` with :math:`M = \Re(e^{-i \phi} D)`, which is :math:`P + Q \cos 2 \phi + T \sin 2 \phi`: a search over
    one angle, for the largest of what may be several maxima of nearly the same height.

    Parameters
    ----------
    blocks : complex array, shape (bins, regions, regions, d, d)
        Whitened cross-spectra ``D`` of every pair; no real filters reach more than 1.

    Returns
    -------
    values : array, shape (bins, regions, regions)
        Symmetric, NaN on the diagonal; below the global maximum by less than 1e-10 of it.
    """
    n_bins, n_regions, _, size, _ = blocks.shape
    values = np.full((n_bins, n_regions, n_regions), np.nan)
    for index in prange(n_bins * n_regions):
        frequency, i = index // n_regions, index % n_regions
        steady, cosine_part, sine_part = np.empty((size, size)), np.empty((size, size)), np.empty((size, size))
        matrix, vectors = np.empty((size, size)), np.empty((size, size))
        ends, supports = np.empty(_N_WAITING), np.empty(_N_WAITING)
        for j in range(i):
            block = blocks[frequency, i, j]
            for row in range(size):
                for column in range(size):
                    real, imag, mixed = 0.0, 0.0, 0.0
                    for k in range(size):
                        first, second = block[k, row], block[k, column]
                        real += first.real * second.real
                        imag += first.imag * second.imag
                        mixed += first.real * second.imag + first.imag * second.real
                    steady[row, column] = 0.5 * (real + imag)
                    cosine_part[row, column] = 0.5 * (real - imag)
                    sine_part[row, column] = 0.5 * mixed
            largest = _largest_over_angles(steady, cosine_part, sine_part, matrix, vectors, ends, supports)
            values[frequency, i, j] = values[frequency, j, i] = np.sqrt(largest)
    return values
