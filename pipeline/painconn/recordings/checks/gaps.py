"""Where there is no signal: samples that are no numbers, and channels or recordings that do not move."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from painconn.config.checks import Checks
from painconn.recordings.checks.signal import STILL_STEP_V, Signal, joined
from painconn.recordings.findings import Finding, Stretches

_EXPORT_AGAIN = "export the recording again, or drop these channels"


def runs(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return (start, stop) of each span over which a boolean array is true, shape (spans, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def stretches(mask: NDArray[np.bool_], sfreq_hz: float) -> Stretches:
    """Return (onset, duration) in seconds of each span over which a boolean array over samples is true."""
    return tuple((float(start / sfreq_hz), float((stop - start) / sfreq_hz)) for start, stop in runs(mask))


def still_samples(still: NDArray[np.bool_], *, min_samples: float) -> NDArray[np.bool_]:
    """Return which samples lie in a run of at least `min_samples` equal ones.

    Parameters
    ----------
    still : ndarray of bool, shape (times - 1,)
        Whether each step is none.
    min_samples : float
        Shortest run.
    """
    samples = np.zeros(len(still) + 1, dtype=bool)
    for start, stop in runs(still):
        if stop + 1 - start >= min_samples:
            samples[start : stop + 1] = True
    return samples


def check_finite(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find NaN and infinite samples: a channel full of them is bad, a stretch is not used, too many exclude.

    The samples themselves are filled in by a straight line, so that filters can run; a filled stretch is never used.
    """
    if signal.missing is None or not signal.missing.any():
        return
    most = limits.max_missing_fraction
    often = signal.missing.mean(axis=1) > most
    lost: NDArray[np.bool_] = np.any(signal.missing[~often], axis=0)
    if often.all() or lost.mean() > most:
        found, wanted = _missing_samples(signal, signal.missing), f"at most {most:.0%} of the time"
        yield Finding("finite", found, wanted, "exclude recording", _EXPORT_AGAIN)
        return
    if often.any():
        channels = tuple(name for name, is_often in zip(signal.good_names, often, strict=True) if is_often)
        found = _missing_samples(signal, signal.missing & often[:, None])
        yield Finding("finite", found, "finite samples", "mark channel", _EXPORT_AGAIN, channels=channels)
    if lost.any():
        found, where = _missing_samples(signal, signal.missing & ~often[:, None]), stretches(lost, signal.sfreq_hz)
        yield Finding("finite", found, "finite samples", "mark stretch", _EXPORT_AGAIN, stretches_s=where)


def _missing_samples(signal: Signal, missing: NDArray[np.bool_]) -> str:
    hit = [name for name, samples in zip(signal.good_names, missing, strict=True) if samples.any()]
    first_s = float(np.flatnonzero(np.any(missing, axis=0))[0] / signal.sfreq_hz)
    return f"{int(missing.sum())} samples that are no numbers, first at {first_s:.3f} s, in {joined(hit)}"


def check_flat(signal: Signal, limits: Checks) -> Iterator[Finding]:
    """Find what does not move: everything throughout or in a stretch, a channel for long or in a stretch."""
    still = np.abs(np.diff(signal.eeg, axis=1)) < STILL_STEP_V
    together: NDArray[np.bool_] = np.all(still, axis=0)
    if together.all():
        # What moves, but less than any signal, is a wrong unit, which another check tells.
        if np.ptp(signal.eeg, axis=1).any():
            return
        found = "every EEG channel is constant throughout"
        yield Finding("flat", found, "a signal", "exclude recording", "leave this recording out")
        return
    pause = still_samples(together, min_samples=limits.flat_stretch_s * signal.sfreq_hz)
    if pause.any():
        where = stretches(pause, signal.sfreq_hz)
        found = f"every EEG channel constant for {pause.sum() / signal.sfreq_hz:.2f} s"
        fix = "nothing; a pause or a lost link"
        yield Finding("flat", found, "a signal that moves", "mark stretch", fix, stretches_s=where)
    yield from _flat_channels(signal, still, pause, limits)


def _flat_channels(
    signal: Signal, still: NDArray[np.bool_], pause: NDArray[np.bool_], limits: Checks
) -> Iterator[Finding]:
    dead, briefly, fix = [], [], "look at the electrode and its cable"
    stretch = np.zeros_like(pause)
    for name, steps in zip(signal.good_names, still, strict=True):
        own = steps & ~(pause[1:] & pause[:-1])
        samples = still_samples(own, min_samples=limits.flat_channel_s * signal.sfreq_hz)
        if samples.sum() > limits.max_flat_fraction * (~pause).sum():
            dead.append(name)
        elif samples.any():
            briefly.append(name)
            stretch |= samples
    if dead:
        found = f"constant for more than {limits.max_flat_fraction:.0%} of the time: {joined(dead)}"
        yield Finding("flat", found, "a signal that moves", "mark channel", fix, channels=tuple(dead))
    if briefly:
        found = f"constant for {limits.flat_channel_s:g} s or longer: {joined(briefly)}"
        where = stretches(stretch, signal.sfreq_hz)
        yield Finding("flat", found, "a signal that moves", "mark stretch", fix, stretches_s=where)
