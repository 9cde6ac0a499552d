"""Compiled loops of the cross-spectral pass; imported on first use, as numba is slow to load."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit, prange

# No nnan and no ninf: a NaN of the data has to arrive in the result.
_FLAGS = {"contract", "reassoc", "nsz", "arcp"}


# Serial: so little work per call that handing it to threads costs more than it saves, far more on a busy machine.
@njit(cache=True)
def transpose_into(coefficients, bins, real, imag):  # type: ignore[no-untyped-def]  # noqa: D103
    n_regions, n_epochs, _ = coefficients.shape
    for region in range(n_regions):
        for index in range(len(bins)):
            column = bins[index]
            for epoch in range(n_epochs):
                value = coefficients[region, epoch, column]
                real[index, region, epoch] = value.real
                imag[index, region, epoch] = value.imag


@cache
def pair_pass(n_tapers: int, with_phase: bool) -> Callable[..., Any]:
    """Return the pass that adds a block of samples to the sums of every pair of regions.

    The number of tapers is a constant of the compiled loop: only then does the compiler keep the whole contraction in
    vector registers.

    Parameters
    ----------
    n_tapers : int
        Tapers of the coefficients.
    with_phase : bool
        Whether the sums of unit vectors are wanted, which cost a square root and a division per sample.

    Returns
    -------
    add : callable
        ``add(real, imag, sums, power, tiny)``: coefficients (bins, regions, tapers, samples); ``sums`` (7, bins, pairs)
        and ``power`` (bins, regions) are added to; pairs are the lower triangle, row by row; ``tiny`` keeps padding
        (zero samples) from dividing by zero.
    """

    @njit(cache=True, parallel=True, fastmath=_FLAGS, error_model="numpy")
    def add(real, imag, sums, power, tiny):  # type: ignore[no-untyped-def]
        n_bins, n_regions, _, n_samples = real.shape
        zero, one = tiny - tiny, tiny / tiny
        for index in prange(n_bins):
            for i in range(n_regions):
                real_i, imag_i = real[index, i], imag[index, i]
                own = zero
                for taper in range(n_tapers):
                    for e in range(n_samples):
                        own += real_i[taper, e] * real_i[taper, e] + imag_i[taper, e] * imag_i[taper, e]
                power[index, i] += own
                row = i * (i - 1) // 2
                for j in range(i):
                    real_j, imag_j = real[index, j], imag[index, j]
                    re_sum, im_sum, im_abs, im_square = zero, zero, zero, zero
                    im_sign, unit_re, unit_im = zero, zero, zero
                    for e in range(n_samples):
                        re, im = zero, zero
                        for taper in range(n_tapers):
                            re += real_i[taper, e] * real_j[taper, e] + imag_i[taper, e] * imag_j[taper, e]
                            im += imag_i[taper, e] * real_j[taper, e] - real_i[taper, e] * imag_j[taper, e]
                        re_sum += re
                        im_sum += im
                        im_abs += abs(im)
                        im_square += im * im
                        im_sign += (one if im > zero else zero) - (one if im < zero else zero)
                        if with_phase:
                            scale = one / np.sqrt(re * re + im * im + tiny)
                            unit_re += re * scale
                            unit_im += im * scale
                    pair = row + j
                    sums[0, index, pair] += re_sum
                    sums[1, index, pair] += im_sum
                    sums[2, index, pair] += im_abs
                    sums[3, index, pair] += im_square
                    sums[4, index, pair] += im_sign
                    if with_phase:
                        sums[5, index, pair] += unit_re
                        sums[6, index, pair] += unit_im

    return add
