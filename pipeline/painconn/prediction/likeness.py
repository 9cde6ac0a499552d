"""How alike two recordings are: one signal under two names is found here."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SAME_RECORDING = 0.9999
_ENOUGH_VALUES = 20
_ENOUGH_RECORDINGS = 5

Fingerprint = NDArray[np.float64] | str


def likeness_of_pairs(
    fingerprints: Mapping[str, Fingerprint], owners: Mapping[str, str]
) -> dict[tuple[str, str], float]:
    """Return how alike the recordings of each pair are that have two owners, from -1 to 1.

    Parameters
    ----------
    fingerprints : mapping of recording to (k,) array or str
        A hash, or numbers that describe the recording (features, say), equally long for all. They are standardised over
        recordings first, so that a profile common to all people does not count as likeness; with fewer than 20 shared
        values or 5 recordings only equality counts.
    owners : mapping of recording to participant
        Whose recording it is.

    Returns
    -------
    likeness : dict of pair to float
        A value above ``SAME_RECORDING`` means one signal.
    """
    likeness = _likeness(fingerprints)
    return {
        pair: likeness(*pair) for pair in combinations(sorted(fingerprints), 2) if owners[pair[0]] != owners[pair[1]]
    }


def _likeness(fingerprints: Mapping[str, Fingerprint]) -> Any:
    numbers = {
        name: np.asarray(value, dtype=float) for name, value in fingerprints.items() if not isinstance(value, str)
    }
    scaled: dict[str, NDArray[np.float64]] = {}
    if len(numbers) >= _ENOUGH_RECORDINGS:
        table = pd.DataFrame(numbers).T
        spread = table.std(ddof=0)
        scaled = dict(zip(table.index, ((table - table.mean()) / spread.where(spread > 0)).to_numpy(), strict=True))

    def likeness(first: str, second: str) -> float:
        one, other = fingerprints[first], fingerprints[second]
        if isinstance(one, str) or isinstance(other, str):
            return float(isinstance(one, str) and isinstance(other, str) and one == other)
        if np.isfinite(one).any() and np.array_equal(one, other, equal_nan=True):
            return 1.0
        if not scaled:
            return 0.0
        both = np.isfinite(scaled[first]) & np.isfinite(scaled[second])
        if both.sum() < _ENOUGH_VALUES:
            return 0.0
        x, y = (scaled[name][both] - scaled[name][both].mean() for name in (first, second))
        norm = float(np.sqrt((x @ x) * (y @ y)))
        return float(x @ y) / norm if norm > 0 else 0.0

    return likeness
