"""Compiled random numbers that depend on a seed alone: not on threads, on other graphs, or on numba's own state.

SplitMix64 (Steele, Lea and Flood 2014, 10.1145/2714064.2660195); a generator is an array of one unsigned integer.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)

State = NDArray[np.uint64]


@njit(cache=True)
def draw(state: State) -> np.uint64:
    """Advance the generator and return 64 random bits."""
    state[0] += _GOLDEN
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    return bits ^ (bits >> np.uint64(31))


@njit(cache=True)
def seeded(seed: np.uint64, stream: int) -> State:
    """Return a generator for one of many independent streams of a seed."""
    state = np.empty(1, dtype=np.uint64)
    state[0] = seed
    state[0] = draw(state) ^ np.uint64(stream)
    state[0] = draw(state)
    return state


@njit(cache=True)
def below(state: State, limit: int) -> np.int64:
    """Return a random integer in ``[0, limit)``; the bias is less than ``limit / 2**32``."""
    return np.int64(((draw(state) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


@njit(cache=True)
def shuffle(state: State, values: NDArray[np.generic]) -> None:
    """Put values in random order, in place (Fisher-Yates)."""
    for last in range(len(values) - 1, 0, -1):
        other = below(state, last + 1)
        values[last], values[other] = values[other], values[last]
