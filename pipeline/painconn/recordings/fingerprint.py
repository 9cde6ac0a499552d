"""A short signature of a signal, by which the same recording is found under two names."""

import numpy as np

SIZE = 256
_LONGEST_S = 60.0


def fingerprint(data: np.ndarray, sfreq_hz: float) -> np.ndarray:
    r"""Return a signature that survives rescaling, rounding, re-referencing and re-ordered channels.

    The spread over channels at each moment (global field power, GFP) of the first minute is averaged in 256 equal bins;
    ranks of the bins, centred and scaled to unit length, are the signature, so that the dot product of two signatures
    is Spearman's correlation. Copies stay above 0.9999; recordings of different people are near 0.

    .. math:: \mathrm{GFP}(t) = \sqrt{\frac{1}{C} \sum_c (x_c(t) - \bar x(t))^2}

    Parameters
    ----------
    data : ndarray, shape (channels, times)
        EEG channels of one recording, at least 256 samples; epochs one after the other.
    sfreq_hz : float
        Rate; only the first 60 s are used, so that a copy that was cut later is still found.

    Returns
    -------
    signature : ndarray, shape (256,)
        Unit length, mean 0; all zeros when the signal is constant.

    Raises
    ------
    ValueError
        Fewer than 256 samples, or samples that are not finite.
    """
    from scipy.stats import rankdata

    data = np.asarray(data, dtype=float)[:, : round(_LONGEST_S * sfreq_hz)]
    n_times = data.shape[1]
    if n_times < SIZE or not np.isfinite(data).all():
        raise ValueError(f"a fingerprint needs at least {SIZE} finite samples, found {n_times}")
    power = data.std(axis=0) if len(data) > 1 else np.abs(data[0] - np.median(data[0]))
    starts = np.arange(SIZE) * n_times // SIZE
    bins = np.add.reduceat(power, starts) / np.diff(np.append(starts, n_times))
    ranks = rankdata(bins) - (SIZE + 1) / 2
    length = float(np.linalg.norm(ranks))
    return ranks / length if length > 0 else np.zeros(SIZE)


def signature_of(data: np.ndarray, sfreq_hz: float) -> list[float]:
    """Return the fingerprint of a recording as plain numbers for a sidecar; empty when it is too short for one."""
    if data.shape[-1] < SIZE:
        return []
    return [round(float(value), 6) for value in fingerprint(data, sfreq_hz)]
