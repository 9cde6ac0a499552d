"""The channels of every recording of a session alike: by name, in the order and places of the session's montage."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from painconn.config.checks import Checks
from painconn.config.montages import Montage
from painconn.cortex.montage import place_electrodes
from painconn.errors import Problem, RecordingFault
from painconn.recordings.findings import Finding

if TYPE_CHECKING:
    import mne

    _Read = TypeVar("_Read", mne.io.BaseRaw, mne.BaseEpochs)


def placed_channels(
    read: "_Read", montage: dict[str, Any] | None, limits: Checks, *, cap: Montage
) -> "tuple[_Read, list[Finding]]":
    """Return the EEG channels in the montage's order and places, and how they differ from it.

    Channels of the eyes and the heart come after them, unchanged.

    A few missing channels come in as zeros and are marked bad, so that they are interpolated; a few others are left
    out.

    Parameters
    ----------
    read : mne.io.BaseRaw or mne.BaseEpochs
        What the door let in; not modified.
    montage : dict or None
        ``names`` and ``positions_m`` (head frame); None when the electrodes of the session are unknown.
    limits : Checks
        ``max_marked_fraction`` is the share of channels that may differ.
    cap : str
        ``montage`` of the source, by which unknown electrodes are named.

    Raises
    ------
    RecordingFault
        Too many channels differ, or there is no montage; the fault then names the electrodes that are unknown.
    """
    import mne

    if montage is None:
        place_electrodes(read.info, cap)
        problem = Problem(
            "electrodes", "no montage of this session", "positions of all electrodes", "run the study again"
        )
        raise RecordingFault("electrodes", problem)
    names = list(montage["names"])
    eeg = read.copy().pick("eeg", exclude=(), verbose="WARNING")
    findings = list(_differences(eeg.ch_names, names, limits))
    absent = [name for finding in findings for name in finding.channels]
    if absent:
        eeg.add_channels([_zeros(eeg, absent)], force_update_info=True)
    places = {name: np.array(place) for name, place in zip(names, montage["positions_m"], strict=True)}
    eeg.pick(names, verbose="WARNING").reorder_channels(names)
    eeg.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="WARNING")
    beside = [
        name for name, kind in zip(read.ch_names, read.get_channel_types(), strict=True) if kind in ("eog", "ecg")
    ]
    if beside:
        eeg.add_channels([read.copy().pick(beside, verbose="WARNING")], force_update_info=True)
    return eeg, findings


def _zeros(like: "_Read", names: Sequence[str]) -> "_Read":
    import mne

    info = mne.create_info(list(names), like.info["sfreq"], "eeg")
    if isinstance(like, mne.BaseEpochs):
        data = np.zeros((len(like), len(names), len(like.times)))
        return mne.EpochsArray(data, info, like.events, like.tmin, like.event_id, verbose="WARNING")
    return mne.io.RawArray(np.zeros((len(names), like.n_times)), info, verbose="WARNING")


def _differences(found: Sequence[str], wanted: Sequence[str], limits: Checks) -> Iterator[Finding]:
    absent = tuple(name for name in wanted if name not in found)
    extra = [name for name in found if name not in wanted]
    if max(len(absent), len(extra)) > limits.max_marked_fraction * len(wanted):
        differing = ", ".join(sorted({*absent, *extra}))
        problem = Problem(
            "EEG channels",
            f"not the session's montage: {differing}",
            "the same channels",
            "rename or drop them for all",
        )
        raise RecordingFault("channels differ", problem)
    limit, fix = "the channels of the session's first recording", "rename or drop them for all"
    if absent:
        yield Finding("missing", f"no channel {', '.join(absent)}", limit, "mark channel", fix, channels=absent)
    if extra:
        yield Finding("channels differ", f"also {', '.join(extra)}: not used", limit, "note", fix)
