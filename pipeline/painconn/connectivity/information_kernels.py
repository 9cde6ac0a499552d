"""Compiled loop over the joint histograms of symbols; imported on use, as numba is slow to load."""

import numpy as np
from numba import njit, prange


@njit(forceinline=True)
def _information(joint, counts, other_counts, n_symbols, log_of):  # type: ignore[no-untyped-def]
    total = 0.0
    n_samples = len(log_of) - 1
    for symbol in range(n_symbols):
        for other in range(n_symbols):
            count = joint[symbol * n_symbols + other]
            # The last code minus a code is the code of the sign-flipped pattern.
            if count and symbol != other and symbol + other != n_symbols - 1:
                surprise = log_of[count] + log_of[n_samples] - log_of[counts[symbol]] - log_of[other_counts[other]]
                total += count * surprise
    return total / n_samples


@njit(cache=True, parallel=True)
def weighted_information(codes, n_symbols, log_of):  # type: ignore[no-untyped-def]
    """Sum ``p_ab log(p_ab / (p_a p_b))`` over the pairs of symbols that are neither identical nor opposed.

    Parameters
    ----------
    codes : array of uint8, shape (segments, regions, samples)
        Symbols, numbered so that opposed ones add up to ``n_symbols - 1``.
    n_symbols : int
        Number of different symbols.
    log_of : array, shape (samples + 1,)
        Natural logarithm of every possible count (the first is not used).

    Returns
    -------
    information : array, shape (segments, regions, regions)
        Nats, in the lower triangle; 0 elsewhere.
    """
    n_segments, n_regions, n_samples = codes.shape
    information = np.zeros((n_segments, n_regions, n_regions))
    for segment in prange(n_segments):
        counts = np.zeros((n_regions, n_symbols), np.int64)
        joint = np.empty(n_symbols * n_symbols, np.int64)
        for i in range(n_regions):
            for t in range(n_samples):
                counts[i, codes[segment, i, t]] += 1
            for j in range(i):
                joint[:] = 0
                for t in range(n_samples):
                    joint[codes[segment, i, t] * n_symbols + codes[segment, j, t]] += 1
                information[segment, i, j] = _information(joint, counts[i], counts[j], n_symbols, log_of)
    return information
