"""Stretches of continuous EEG: those without signal, annotated ones, and the clean ones used for amplitude envelopes.

A span is a pair (start, stop) of sample numbers counted from the first sample of the recording, stop excluded.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from painconn.config.events import is_kind_of
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from mne import Annotations
    from mne.io import BaseRaw

Span = tuple[int, int]

NO_SIGNAL = "BAD_no_signal"
"""Description of the stretches that :func:`mark_stretches` marks and :func:`bridge_stretches` bridges."""


BY_HAND = "BAD_manual"
"""Description of the stretches that a person marked."""

IN_FILE = "BAD_recording"
"""What the stretches are called that the recording came with marked as bad."""


@dataclass(frozen=True)
class EnvelopeSegments:
    """Contiguous clean segments for amplitude envelopes, or the reason why there are none.

    Parameters
    ----------
    spans : tuple of (int, int)
        Start and stop samples, ascending; empty when not computable.
    n_available : int
        How many clean segments the recording has.
    reason : str | None
        Why nothing can be computed; None when `spans` is filled.
    """

    spans: tuple[Span, ...]
    n_available: int
    reason: str | None


def runs(mask: NDArray[np.bool_]) -> list[Span]:
    """Return the spans over which a boolean array is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def annotated_spans(raw: "BaseRaw", chosen: Callable[[str], bool]) -> list[Span]:
    """Return the spans of all annotations whose description is chosen, cut to the data."""
    sfreq = raw.info["sfreq"]
    spans = []
    for onset, duration, description in zip(
        raw.annotations.onset, raw.annotations.duration, raw.annotations.description, strict=True
    ):
        if chosen(description):
            start = round((onset - raw.first_time) * sfreq)
            stop = round((onset - raw.first_time + duration) * sfreq)
            spans.append((min(max(start, 0), raw.n_times), min(max(stop, 0), raw.n_times)))
    return spans


def bad_samples(raw: "BaseRaw") -> NDArray[np.bool_]:
    """Return which samples lie in an annotation whose description starts with ``BAD``, shape (n_times,)."""
    bad = np.zeros(raw.n_times, dtype=bool)
    for start, stop in annotated_spans(raw, lambda description: description.casefold().startswith("bad")):
        bad[start:stop] = True
    return bad


def described_annotations(raw: "BaseRaw") -> str:
    """Return the annotation descriptions of a recording with their counts, as text for a message."""
    names, counts = np.unique(list(raw.annotations.description), return_counts=True)
    listed = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
    return ", ".join(listed) if listed else "no annotation at all"


def block_spans(raw: "BaseRaw", block: str | None, crop_s: tuple[float, float] | None = None) -> list[Span]:
    """Return the spans of a block, or the whole recording; all of it, or a part.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG.
    block : str | None
        Name of the annotation that marks the block (``rest`` takes ``rest/open``, too); None stands for the whole one.
    crop_s : (float, float) | None
        Start and stop from the start of each block; a stop beyond its end is its end.

    Returns
    -------
    spans : list of (int, int)
        One per annotation, in the order of time; those that overlap are one.

    Raises
    ------
    RecordingFault
        When no annotation with a duration is called so, or none is longer than the start of `crop_s`.
    """
    spans = [(0, raw.n_times)]
    if block is not None:
        spans = _without_overlap(annotated_spans(raw, lambda described: is_kind_of(described, block)))
    if spans and crop_s is not None:
        return _cropped(spans, crop_s, float(raw.info["sfreq"]))
    if not spans:
        problem = Problem(
            "annotations",
            described_annotations(raw),
            f"an annotation with a duration and the description {block!r}",
            "name the block as it is in the recording, or leave this recording out",
        )
        raise RecordingFault("block not found", problem)
    return spans


def _without_overlap(spans: Iterable[Span]) -> list[Span]:
    apart: list[Span] = []
    for start, stop in sorted(span for span in spans if span[1] > span[0]):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(apart[-1][1], stop))
        else:
            apart.append((start, stop))
    return apart


def _cropped(spans: list[Span], crop_s: tuple[float, float], sfreq_hz: float) -> list[Span]:
    first, last = (round(edge_s * sfreq_hz) for edge_s in crop_s)
    parts = [(start + first, min(start + last, stop)) for start, stop in spans if start + first < stop]
    if not parts:
        longest_s = max(stop - start for start, stop in spans) / sfreq_hz
        problem = Problem("block", f"{longest_s:g} s", f"more than {crop_s[0]:g} s (crop_s)", "lower crop_s")
        raise RecordingFault("block not found", problem)
    return parts


def mark_by_hand(
    raw: "BaseRaw", bad_s: Iterable[tuple[float, float]], good_s: Iterable[tuple[float, float]]
) -> "BaseRaw":
    """Return a copy in which stretches are bad, or good again, because a person said so.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG.
    bad_s, good_s : iterable of (float, float)
        Onset and duration, in seconds from the first sample. A stretch without signal stays bad.
    """
    marked = raw.copy()
    sfreq = float(raw.info["sfreq"])
    for onset_s, duration_s in good_s:
        marked.set_annotations(_without(marked.annotations, onset_s + raw.first_time, duration_s), verbose="WARNING")
    for onset_s, duration_s in bad_s:
        start, stop = round(onset_s * sfreq), round((onset_s + duration_s) * sfreq)
        marked.annotations.append(start / sfreq + raw.first_time, (stop - start) / sfreq, BY_HAND)
    return marked


def _without(annotations: "Annotations", onset_s: float, duration_s: float) -> "Annotations":
    """Return the annotations with a gap in those that the recording itself marks as bad."""
    end_s = onset_s + duration_s
    kept = annotations[[]]
    for mark in annotations:
        start_s, stop_s, name = mark["onset"], mark["onset"] + mark["duration"], mark["description"]
        if name != IN_FILE or start_s >= end_s or stop_s <= onset_s:
            kept.append(start_s, mark["duration"], name)
            continue
        for first_s, last_s in ((start_s, onset_s), (end_s, stop_s)):
            if last_s > first_s:
                kept.append(first_s, last_s - first_s, name)
    return kept


def bad_stretches(raw: "BaseRaw") -> list[tuple[float, float, str]]:
    """Return onset and duration (seconds from the first sample) and name of every stretch that is never used."""
    return [
        (float(mark["onset"] - raw.first_time), float(mark["duration"]), str(mark["description"]))
        for mark in raw.annotations
        if str(mark["description"]).casefold().startswith("bad")
    ]


def mark_stretches(raw: "BaseRaw", stretches_s: Iterable[tuple[float, float]], *, margin_s: float = 0.5) -> "BaseRaw":
    """Annotate stretches that were found to hold no signal (pauses, lost links, missing samples).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Continuous EEG.
    stretches_s : iterable of (float, float)
        Onset and duration of each, in seconds from the first sample.
    margin_s : float
        How far each mark reaches into the signal on both sides, for the step at the edge and the transient after it.

    Returns
    -------
    raw : mne.io.BaseRaw
        A copy with a ``BAD_no_signal`` annotation per stretch; those whose margins meet are joined.
    """
    marked = raw.copy()
    sfreq = raw.info["sfreq"]
    margin = round(margin_s * sfreq)
    lost = np.zeros(raw.n_times, dtype=bool)
    for onset_s, duration_s in stretches_s:
        lost[max(round(onset_s * sfreq) - margin, 0) : round((onset_s + duration_s) * sfreq) + margin] = True
    for start, stop in runs(lost):
        marked.annotations.append(start / sfreq + raw.first_time, (stop - start) / sfreq, NO_SIGNAL)
    return marked


def bridge_stretches(raw: "BaseRaw") -> "BaseRaw":
    """Replace each stretch without signal by a straight line, so that no filter meets the step at its edge.

    The stretch stays marked and is never used; only the signal beside it profits.
    """
    spans = annotated_spans(raw, NO_SIGNAL.__eq__)
    if not spans:
        return raw.copy()
    lost = np.zeros(raw.n_times, dtype=bool)
    for start, stop in spans:
        lost[start:stop] = True
    if lost.all():
        problem = Problem("signal", "no signal throughout", "EEG", "leave this recording out")
        raise RecordingFault("no signal", problem)
    samples = np.arange(raw.n_times)

    def bridge(channel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(lost, np.interp(samples, samples[~lost], channel[~lost]), channel)

    return raw.copy().load_data(verbose="WARNING").apply_function(bridge, picks="all", verbose="WARNING")


def _exceeding(raw: "BaseRaw", *, threshold_v: float, window_s: float) -> NDArray[np.bool_]:
    """Return the samples of those pieces of `window_s` in which a channel's peak-to-peak passes the threshold."""
    data = raw.get_data(picks="eeg", verbose="WARNING")
    n_piece = max(round(window_s * raw.info["sfreq"]), 1)
    exceeding = np.zeros(raw.n_times, dtype=bool)
    for start in range(0, raw.n_times, n_piece):
        piece = data[:, start : start + n_piece]
        exceeding[start : start + n_piece] = np.ptp(piece, axis=1).max() > threshold_v
    return exceeding


def envelope_segments(
    raw: "BaseRaw",
    *,
    length_s: float = 10.0,
    n_segments: int,
    block: str | None,
    crop_s: tuple[float, float] | None = None,
    seed: int,
    reject_threshold_v: float | None,
    reject_window_s: float = 2.0,
) -> EnvelopeSegments:
    """Choose contiguous clean segments for amplitude-envelope measures, an equal number for everybody.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Cleaned continuous EEG in volts.
    length_s : float
        Length of a segment.
    n_segments : int
        How many to choose (a seeded subset, returned in the order of time).
    block, crop_s : str | None, (float, float) | None
        As in :func:`block_spans`.
    seed : int
        Seed of the choice.
    reject_threshold_v : float | None
        Peak-to-peak amplitude that no piece of a segment may exceed; None for no limit. A threshold found on epochs
        fits when `reject_window_s` is their length.
    reject_window_s : float
        Length of the pieces the threshold is applied to.

    Returns
    -------
    segments : EnvelopeSegments
        `n_segments` spans, or none and the reason: too few segments make the measure not computable, they do not
        exclude the recording.
    """
    usable = ~bad_samples(raw)
    if reject_threshold_v is not None:
        usable &= ~_exceeding(raw, threshold_v=reject_threshold_v, window_s=reject_window_s)
    n_samples = round(length_s * raw.info["sfreq"])
    candidates = [
        (begin + first, begin + first + n_samples)
        for begin, end in block_spans(raw, block, crop_s)
        for run_start, run_stop in runs(usable[begin:end])
        for first in range(run_start, run_stop - n_samples + 1, n_samples)
    ]
    if len(candidates) < n_segments:
        reason = f"{len(candidates)} clean segments of {length_s:g} s, {n_segments} wanted"
        return EnvelopeSegments((), len(candidates), reason)
    chosen = np.sort(np.random.default_rng(seed).choice(len(candidates), size=n_segments, replace=False))
    return EnvelopeSegments(tuple(candidates[index] for index in chosen), len(candidates), None)
