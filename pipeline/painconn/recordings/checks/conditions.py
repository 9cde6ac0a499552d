"""What one condition of the study needs of a recording: its block, its events, onsets in seconds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from painconn.config.data import Condition
from painconn.config.events import has_any, is_kind_of
from painconn.recordings.findings import Finding
from painconn.recordings.sidecars import Event, Sidecars

if TYPE_CHECKING:
    import mne

_SAMPLE_TOLERANCE = 2.0
"""Samples by which ``sample`` may differ from ``onset`` times rate: rounding, and counting from one."""

_FIX = "correct the events table"


def check_block(read: "mne.io.BaseRaw", condition: Condition, _sidecars: Sidecars) -> Iterator[Finding]:
    """Find a rest condition whose block is not annotated."""
    start_s = condition.crop_s[0] if condition.crop_s else 0.0
    if condition.block is None:
        length_s = read.n_times / float(read.info["sfreq"])
        if start_s >= length_s:
            wanted = f"more than {start_s:g} s (crop_s of this condition)"
            yield Finding("block", f"a recording of {length_s:g} s", wanted, "exclude recording", "lower crop_s")
        return
    longest = max(
        (span["duration"] for span in read.annotations if is_kind_of(span["description"], condition.block)),
        default=None,
    )
    if longest is None or longest <= 0:
        found = "no annotation of that name" if longest is None else "an annotation without duration"
        wanted = f"an annotation {condition.block!r} that spans the block"
        yield Finding("block", found, wanted, "exclude recording", _FIX)
    elif longest <= start_s:
        wanted = f"more than {start_s:g} s (crop_s of this condition)"
        yield Finding("block", f"a block of {longest:g} s", wanted, "exclude recording", "lower crop_s")


def check_events(read: "mne.io.BaseRaw", condition: Condition, sidecars: Sidecars) -> Iterator[Finding]:
    """Find a recording with none of the needed events, or rows of them whose onset is unreadable or outside.

    A recording may hold some of several events, as when each run has its own; that every event is there is asked of
    the session.
    """
    if condition.kind != "events":
        return
    sfreq_hz = float(read.info["sfreq"])
    end_s = read.n_times / sfreq_hz
    needed = [event for event in sidecars.events or () if has_any([event.description], condition.events)]
    lost = [event for event in needed if event.onset_s is None or not 0 <= event.onset_s < end_s]
    if lost:
        n_unreadable = sum(event.onset_s is None for event in lost)
        total = len(needed)
        found = f"{len(lost)} of {total} events with an onset that is no number or outside 0 to {end_s:g} s"
        if n_unreadable < len(lost) and _could_be_samples(lost, end_s * sfreq_hz):
            found += " (looks like sample numbers)"
        wanted = "every onset inside the recording, in seconds"
        yield Finding("events", found, wanted, "exclude recording", _FIX)
    elif not has_any(set(read.annotations.description), condition.events):
        fix = f"{_FIX}, or the names under events of this condition"
        wanted = "an event of the condition"
        yield Finding("events", f"no event {', '.join(condition.events)}", wanted, "exclude recording", fix)


def _could_be_samples(events: list[Event], n_times: float) -> bool:
    onsets = [event.onset_s for event in events if event.onset_s is not None]
    return all(onset == round(onset) and 0 <= onset < n_times for onset in onsets)


def check_onsets(read: "mne.io.BaseRaw", condition: Condition, sidecars: Sidecars) -> Iterator[Finding]:
    """Compare the columns ``onset`` (seconds) and ``sample`` of the events that are needed.

    An ``onset`` that repeats the sample number is in the wrong unit and excludes; another contradiction is noted, since
    a table that outlived a change of rate has the right seconds.
    """
    if condition.kind != "events":
        return
    sfreq_hz = float(read.info["sfreq"])
    told = [
        (event.onset_s, event.sample)
        for event in sidecars.events or ()
        if has_any([event.description], condition.events) and event.onset_s is not None and event.sample is not None
    ]
    odd = [(onset, sample) for onset, sample in told if abs(onset * sfreq_hz - sample) > _SAMPLE_TOLERANCE]
    if not odd:
        return
    found = f"{len(odd)} of {len(told)} events, first: onset {odd[0][0]:g} s, sample {odd[0][1]:g}, at {sfreq_hz:g} Hz"
    wanted = "sample = onset x rate"
    if all(onset == sample for onset, sample in odd):
        fix = "write onset in seconds"
        yield Finding("onsets", f"{found}: onset holds sample numbers", wanted, "exclude recording", fix)
    else:
        yield Finding("onsets", found, wanted, "note", f"{_FIX}; onset is what counts")
