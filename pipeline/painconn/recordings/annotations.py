"""Events and stretches of a recording, in seconds from its first sample, without free text."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from painconn.config.events import kept_name
from painconn.recordings.sidecars import Sidecars

if TYPE_CHECKING:
    import mne

BOUNDARY = "BAD boundary"
BAD = "BAD_recording"
_SKIP = "BAD_ACQ_SKIP"
_DISCONTINUITIES = frozenset({"boundary", "new segment", "new segment/", "bad boundary", "edge boundary"})


@dataclass(frozen=True)
class Mark:
    """An event or a stretch: onset and duration in seconds from the first sample, and what it is."""

    onset_s: float
    duration_s: float
    description: str


def marks_of(
    raw: "mne.io.BaseRaw", sidecars: Sidecars, *, keep: Collection[str] | None, names: Mapping[str, str]
) -> list[Mark]:
    """Return what is marked in a recording.

    An events table wins over the file, then the file's own annotations, then its first stimulus channel (with the
    number as description). What the file marks bad or as a discontinuity is kept beside each of them.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        The recording as opened.
    sidecars : Sidecars
        Its sidecars.
    keep : collection of str or None
        Names that are kept, of what is of their kind the parts that they have; None keeps all. Stretches marked bad and
        discontinuities are always kept, under a fixed name, because a description may hold free text.
    names : mapping of str to str
        Other names for what the file (not the events table) says.

    Returns
    -------
    marks : list of Mark
        In order of onset; those outside the recording are left out.
    """
    given = list(_own_marks(raw))
    if sidecars.events is not None:
        given = [mark for mark in given if _fixed_name(mark) is not None]
        given += [
            Mark(event.onset_s, event.duration_s, event.description)
            for event in sidecars.events
            if event.onset_s is not None
        ]
    else:
        if all(_fixed_name(mark) is not None for mark in given):
            given += _stimulus_marks(raw)
        given = [
            mark
            if _fixed_name(mark) is not None
            else replace(mark, description=names.get(mark.description, mark.description))
            for mark in given
        ]
    sfreq_hz = float(raw.info["sfreq"])
    marks = []
    for mark in given:
        fixed = _fixed_name(mark)
        # A recording always starts with a new segment; only later ones are a discontinuity.
        starts = fixed == BOUNDARY and mark.onset_s <= 0
        if starts or not 0 <= mark.onset_s < raw.n_times / sfreq_hz:
            continue
        if fixed is not None:
            marks.append(Mark(mark.onset_s, max(mark.duration_s, 1 / sfreq_hz), fixed))
        else:
            name = mark.description if keep is None else kept_name(mark.description, keep)
            marks += [] if name is None else [replace(mark, description=name)]
    return sorted(set(marks), key=lambda mark: (mark.onset_s, mark.description, mark.duration_s))


def _fixed_name(mark: Mark) -> str | None:
    text = mark.description.strip()
    if text.casefold() in _DISCONTINUITIES:
        return BOUNDARY
    if text.upper() == _SKIP:
        return _SKIP
    return BAD if text.casefold().startswith("bad") else None


def _own_marks(raw: "mne.io.BaseRaw") -> Iterator[Mark]:
    # Onsets of a recording that does not start at sample 0 count from the start of the acquisition.
    for annotation in raw.annotations:
        yield Mark(
            float(annotation["onset"]) - raw.first_time, float(annotation["duration"]), str(annotation["description"])
        )


def _stimulus_marks(raw: "mne.io.BaseRaw") -> Iterator[Mark]:
    kinds = raw.get_channel_types()
    if "stim" not in kinds:
        return
    codes = raw.get_data(picks=[kinds.index("stim")])[0]
    if not np.isfinite(codes).all():
        return
    whole = np.rint(codes).astype(np.int64)
    starts = np.flatnonzero((np.diff(whole) != 0) & (whole[1:] != 0)) + 1
    for start in starts:
        yield Mark(start / float(raw.info["sfreq"]), 0.0, str(whole[start]))
