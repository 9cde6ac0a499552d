"""Epochs of rest and around events, their rejection, and an equal number for everybody."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from painconn.cleaning.segments import bad_samples, block_spans, described_annotations
from painconn.config.events import is_kind_of
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from mne import BaseEpochs
    from mne.io import BaseRaw

RejectionMethod = Literal["autoreject_global", "none"]

_ROUNDING_SAMPLES = 1e-6

FEWEST_FOR_THRESHOLD = 5
"""AutoReject cross-validates its threshold over five parts of the epochs."""


@dataclass(frozen=True, eq=False)
class Rejection:
    """Which epochs are kept.

    Parameters
    ----------
    kept, dropped : ndarray of int
        Indices into the epochs that were judged, ascending.
    threshold_v : float | None
        Largest peak-to-peak amplitude of a kept epoch's channels; None when nothing was judged.
    """

    kept: NDArray[np.intp]
    dropped: NDArray[np.intp]
    threshold_v: float | None


def samples_of(duration_s: float, *, sfreq_hz: float) -> int:
    """Return the samples that a window needs: rounded up, so that it never holds fewer cycles than it was asked for."""
    return math.ceil(duration_s * sfreq_hz - _ROUNDING_SAMPLES)


def _cut(
    raw: "BaseRaw",
    *,
    times0: NDArray[np.intp],
    codes: NDArray[np.intp],
    event_id: dict[str, int],
    span: tuple[int, int],
) -> "BaseEpochs":
    """Cut epochs of samples [times0 + span[0], times0 + span[1]) that lie in the recording and touch nothing bad."""
    import mne

    bad = np.concatenate([[0], np.cumsum(bad_samples(raw))])
    starts, stops = times0 + span[0], times0 + span[1]
    inside = (starts >= 0) & (stops <= raw.n_times)
    usable = inside.copy()
    usable[inside] = bad[stops[inside]] == bad[starts[inside]]
    if not usable.any():
        problem = Problem(
            "epochs",
            f"none of {len(times0)} is free of bad stretches and inside the recording",
            "at least one",
            "leave this condition of the recording out",
        )
        raise RecordingFault("too few epochs", problem)
    events = np.column_stack([times0[usable] + raw.first_samp, np.zeros(usable.sum(), int), codes[usable]])
    sfreq = raw.info["sfreq"]
    return mne.Epochs(
        raw,
        events,
        event_id={name: code for name, code in event_id.items() if code in events[:, 2]},
        tmin=span[0] / sfreq,
        tmax=(span[1] - 1) / sfreq,
        picks="eeg",
        baseline=None,
        proj=False,
        preload=True,
        reject_by_annotation=False,
        verbose="WARNING",
    )


def rest_epochs(
    raw: "BaseRaw",
    *,
    length_s: float = 2.0,
    overlap: float = 0.0,
    block: str | None,
    crop_s: tuple[float, float] | None = None,
) -> "BaseEpochs":
    """Cut contiguous epochs of equal length.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Cleaned continuous EEG, in volts.
    length_s : float
        Length of an epoch.
    overlap : float
        Share of an epoch that the next one repeats, from 0 to below 1. Epochs that overlap are not independent.
    block : str | None
        Description of the annotations whose spans are cut (each from its own start); None for the whole recording.
    crop_s : (float, float) | None
        Start and stop inside each block, in seconds.

    Returns
    -------
    epochs : mne.Epochs
        All epochs that fit and touch no annotation starting with ``BAD``.

    Raises
    ------
    RecordingFault
        When there is no such block, or no usable epoch.
    """
    n_samples = round(length_s * raw.info["sfreq"])
    step = max(1, round((1 - overlap) * n_samples))
    spans = block_spans(raw, block, crop_s)
    starts = [first for begin, end in spans for first in range(begin, end - n_samples + 1, step)]
    times0 = np.unique(np.asarray(starts, dtype=np.intp))
    return _cut(raw, times0=times0, codes=np.ones_like(times0), event_id={"rest": 1}, span=(0, n_samples))


def _events(raw: "BaseRaw", names: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return sample and code (position in `names`, from 1) of each annotation of these kinds, in the order of time."""
    descriptions = list(raw.annotations.description)
    codes = {
        name: next((code for code, event in enumerate(names, start=1) if is_kind_of(name, event)), 0)
        for name in set(descriptions)
    }
    if not any(codes.values()):
        problem = Problem(
            "events",
            described_annotations(raw),
            ", ".join(names),
            "name the events as the recording does, or leave it out",
        )
        raise RecordingFault("events not found", problem)
    found: dict[int, int] = {}
    for onset, description in zip(raw.annotations.onset, descriptions, strict=True):
        if codes[description]:
            found.setdefault(round((onset - raw.first_time) * raw.info["sfreq"]), codes[description])
    samples = np.array(sorted(found), dtype=np.intp)
    return samples, np.array([found[int(sample)] for sample in samples], dtype=np.intp)


def event_epochs(
    raw: "BaseRaw", *, events: Sequence[str], window_s: tuple[float, float] = (0.0, 1.25)
) -> tuple["BaseEpochs", "BaseEpochs"]:
    """Cut a window around each event and a pre-stimulus window of as many samples directly before it.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Cleaned continuous EEG, in volts.
    events : sequence of str
        Names of the annotations that count; ``pinprick/hand`` takes ``pinprick/hand/256``, too, and where an annotation
        is a kind of several names it gets the first.
    window_s : (float, float)
        Start (not negative) and stop relative to the event, stop excluded.

    Returns
    -------
    post, pre : mne.Epochs
        The same events in the same order; an event is left out of both when either window, or the time between them,
        touches an annotation starting with ``BAD`` or the end of the recording.

    Raises
    ------
    RecordingFault
        When none of the names occurs (the message lists those that do), or no event is usable.
    """
    if not 0 <= window_s[0] < window_s[1]:
        raise ValueError(f"window_s must satisfy 0 <= start < stop, got {window_s}")
    sfreq = raw.info["sfreq"]
    first = round(window_s[0] * sfreq)
    n_samples = samples_of(window_s[1] - window_s[0], sfreq_hz=sfreq)
    times0, codes = _events(raw, list(events))
    event_id = {name: code for code, name in enumerate(events, start=1)}
    whole = _cut(raw, times0=times0, codes=codes, event_id=event_id, span=(-n_samples, first + n_samples))
    post = whole.copy().crop(first / sfreq, (first + n_samples - 1) / sfreq, verbose="WARNING")
    pre = whole.crop(-n_samples / sfreq, -1 / sfreq, verbose="WARNING")
    return post, pre


def reject_epochs(windows: Sequence["BaseEpochs"], *, method: RejectionMethod, seed: int) -> Rejection:
    """Find the epochs whose amplitude is out of the ordinary (global AutoReject: a threshold, no repair).

    The threshold is the peak-to-peak amplitude at which the mean of the kept epochs comes closest to the median of
    left-out ones in five-fold cross-validation (Jas 2017, doi:10.1016/j.neuroimage.2017.06.030).

    Parameters
    ----------
    windows : sequence of mne.Epochs
        One kind of epochs, or several windows of the same events in the same order (as from :func:`event_epochs`):
        these are judged together and an event is dropped from all of them.
    method : {"autoreject_global", "none"}
        Whether anything is rejected.
    seed : int
        Seed of AutoReject's search.

    Returns
    -------
    rejection : Rejection
        To be used as ``epochs[rejection.kept]`` on each window.

    Raises
    ------
    RecordingFault
        When there are fewer than five epochs to find a threshold from.
    """
    n_epochs = len(windows[0])
    if any(len(window) != n_epochs for window in windows):
        raise ValueError("windows judged together must hold the same events")
    if method == "none":
        return Rejection(np.arange(n_epochs), np.arange(0), None)
    if n_epochs < FEWEST_FOR_THRESHOLD:
        raise RecordingFault("too few epochs", _too_few(n_epochs, FEWEST_FOR_THRESHOLD))
    import mne
    from autoreject import get_rejection_threshold

    data = np.concatenate([window.get_data(picks="eeg", verbose="WARNING") for window in windows], axis=2)
    info = windows[0].copy().pick("eeg", verbose="WARNING").info
    together = mne.EpochsArray(data, info, proj=False, verbose="WARNING")
    found = get_rejection_threshold(together, ch_types="eeg", cv=5, random_state=seed % 2**32, verbose=False)
    threshold = float(found["eeg"])
    keep = np.ptp(data, axis=2).max(axis=1) <= threshold
    return Rejection(np.flatnonzero(keep), np.flatnonzero(~keep), threshold)


def _too_few(found: int, wanted: int) -> Problem:
    return Problem(
        "epochs", f"{found} usable", f"at least {wanted}", "lower n_epochs for everybody, or leave this recording out"
    )


def select_epochs(n_available: int, *, n_epochs: int, seed: int) -> NDArray[np.intp]:
    """Choose the same number of epochs for everybody.

    Parameters
    ----------
    n_available : int
        Epochs that survived rejection.
    n_epochs : int
        Epochs wanted.
    seed : int
        Seed of the subset.

    Returns
    -------
    chosen : ndarray of int, shape (n_epochs,)
        Ascending indices below `n_available`, without repetition.

    Raises
    ------
    RecordingFault
        When there are fewer than wanted.
    """
    if n_available < n_epochs:
        raise RecordingFault("too few epochs", _too_few(n_available, n_epochs))
    return np.sort(np.random.default_rng(seed).choice(n_available, size=n_epochs, replace=False))


def remove_evoked(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the mean over epochs: what is left is not locked to the event.

    Parameters
    ----------
    data : ndarray, shape (epochs, channels, times)
        Any unit.

    Returns
    -------
    induced : ndarray, shape (epochs, channels, times)
        A new array whose mean over epochs is zero.
    """
    return data - data.mean(axis=0, keepdims=True)
