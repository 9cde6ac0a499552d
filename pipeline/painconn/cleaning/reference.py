"""The reference: what the potential of every electrode is measured against.

No reference adds information: each subtracts one signal from all channels (or, for the current source density, is
blind to it), so a recording of n channels has at most n - 1 dimensions afterwards.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from painconn.cleaning.rank import numerical_rank
from painconn.errors import Problem, RecordingFault

if TYPE_CHECKING:
    from mne import Forward
    from mne.io import BaseRaw

ReferenceMethod = Literal["average", "rest", "mastoids", "csd"]

_SILENT = 1e-6
"""A signal below this fraction of the channels' own size is zero but for rounding."""


@dataclass(frozen=True)
class Referenced:
    """A recording with a new reference, and what that did to it.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A copy with the new reference; in V, for ``csd`` in V/m². Bad channels keep their old reference (interpolation
        replaces them).
    method : {"average", "rest", "mastoids", "csd"}
        Which.
    channels : tuple of str
        The channels that the reference was computed from.
    was_average : bool
        Whether the recording came with the average of these channels as its reference.
    rank : int
        Dimensions of the good channels now: the smaller of channels - 1 and the numerical rank of the data.
    """

    raw: "BaseRaw"
    method: ReferenceMethod
    channels: tuple[str, ...]
    was_average: bool
    rank: int


def apply_reference(
    raw: "BaseRaw", *, method: ReferenceMethod, forward: "Forward | None" = None, mastoids: Sequence[str] = ()
) -> Referenced:
    """Refer all good EEG channels to the named reference, whatever reference they have now.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG in V, bad channels in ``info["bads"]``. An average-reference projector that has not been applied is dropped.
    method : {"average", "rest", "mastoids", "csd"}
        ``average``: the mean of the good channels.

        ``rest``: the potential at infinity, estimated through all sources of a head model (Yao 2001,
        doi:10.1088/0967-3334/22/4/305); the better, the denser and wider the cap.

        ``mastoids``: the mean of the channels named in `mastoids`; its noise enters every channel.

        ``csd``: current source density by spherical splines (Perrin 1989, doi:10.1016/0013-4694(89)90180-6), for
        analyses at the sensors. Not to be followed by source analysis: a lead field describes potentials.
    forward : mne.Forward | None
        Forward solution that holds every good channel; needed by ``rest``, any reference.
    mastoids : sequence of str
        Needed by ``mastoids``.

    Returns
    -------
    referenced : Referenced
        The recording given is not changed.

    Raises
    ------
    RecordingFault
        Check ``reference``: the mastoids are missing or bad, the forward solution lacks channels, current source
        density was taken before, or bad channels or places stand in its way.
    """
    from mne._fiff.constants import FIFF

    if raw.info["custom_ref_applied"] == FIFF.FIFFV_MNE_CUSTOM_REF_CSD:
        raise _fault("current source density", "potentials", "start from the recording before that step")
    good = raw.copy().pick("eeg", exclude="bads", verbose="WARNING").ch_names
    was_average = _is_average(raw, good)
    changed = raw.copy().load_data(verbose="WARNING")
    channels = good
    if method == "average":
        changed.set_eeg_reference("average", projection=False, verbose="WARNING")
    elif method == "rest":
        changed.set_eeg_reference("REST", forward=_covering(forward, good), verbose="WARNING")
    elif method == "mastoids":
        channels = usable_mastoids(mastoids, good)
        changed.set_eeg_reference(channels, projection=False, verbose="WARNING")
    else:
        changed = _current_source_density(changed)
    samples = changed.get_data(picks=good, reject_by_annotation="omit", verbose="WARNING")
    rank = min(len(good) - 1, numerical_rank(samples, average_reference=False))
    return Referenced(changed, method, tuple(channels), was_average, rank)


def add_recording_reference(raw: "BaseRaw", name: str, *, position_m: ArrayLike | None) -> "BaseRaw":
    """Return a copy in which the electrode that the recording was made against is a channel, constant zero.

    It is an electrode like the others: with it the average reference costs no dimension (n channels and the zero one
    make n + 1, less one), and the average is that of all places.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        EEG as recorded, no other reference applied since.
    name : str
        Name of the electrode. When it is among the channels already it must be constant zero and is taken out of
        ``info["bads"]``, where a search for flat channels puts it.
    position_m : array_like, shape (3,) | None
        Its place in head coordinates; None when nobody needs it or the channel is there.

    Returns
    -------
    raw : mne.io.BaseRaw
        With the channel `name`.

    Raises
    ------
    RecordingFault
        Check ``reference``: the recording was re-referenced already, so that the electrode is not at zero any more.
    """
    import mne

    complete = raw.copy().load_data(verbose="WARNING")
    good = complete.copy().pick("eeg", exclude="bads", verbose="WARNING").ch_names
    others = [channel for channel in good if channel != name]
    wanted = f"the recording as it was made, against {name}"
    if raw.info["custom_ref_applied"] or _is_average(raw, others):
        raise _fault("a reference applied after the recording", wanted, "leave the recording reference out")
    if name in raw.ch_names:
        if np.any(complete.get_data(picks=[name], verbose="WARNING")):
            raise _fault(f"{name} is not constant zero", wanted, "name the electrode that was the reference")
        complete.info["bads"] = [bad for bad in complete.info["bads"] if bad != name]
        return complete
    with warnings.catch_warnings():
        # its place is given here or nowhere
        warnings.filterwarnings("ignore", message="Location for this channel is unknown")
        complete = mne.add_reference_channels(complete, name, copy=False)
    with complete.info._unlock():
        complete.info["custom_ref_applied"] = raw.info["custom_ref_applied"]
    if position_m is not None:
        complete.info["chs"][-1]["loc"][:3] = np.asarray(position_m, dtype=float)
    return complete


def _is_average(raw: "BaseRaw", names: Sequence[str]) -> bool:
    """Tell whether the mean over the channels is zero at every moment, whatever the header says."""
    data = raw.get_data(picks=list(names), reject_by_annotation="omit", verbose="WARNING")
    return bool(np.std(data.mean(axis=0)) <= _SILENT * np.std(data))


def _covering(forward: "Forward | None", good: Sequence[str]) -> "Forward":
    missing = list(good) if forward is None else sorted(set(good) - set(forward.ch_names))
    if forward is None or missing:
        raise _fault(
            f"no forward solution for {', '.join(missing)}",
            "one for every good EEG channel",
            "choose another reference, or give these electrodes a place on the head",
        )
    return forward


def usable_mastoids(names: Sequence[str], good: Sequence[str]) -> list[str]:
    """Return the named channels.

    Raises
    ------
    RecordingFault
        Check ``reference``: one of them is missing or bad.
    """
    missing = [name for name in names if name not in good]
    if missing or not names:
        raise _fault(
            f"mastoid channels missing or bad: {', '.join(missing) or 'none named'}",
            "the named channels among the good EEG channels",
            "name the mastoid channels of this recording, or choose another reference",
        )
    return list(names)


def _current_source_density(raw: "BaseRaw") -> "BaseRaw":
    from mne.preprocessing import compute_current_source_density

    if raw.info["bads"]:
        raise _fault(f"bad channels: {', '.join(raw.info['bads'])}", "none", "interpolate them first")
    eeg = raw.copy().pick("eeg", verbose="WARNING")
    placeless = [
        channel["ch_name"]
        for channel in eeg.info["chs"]
        if not np.isfinite(channel["loc"][:3]).all() or not np.any(channel["loc"][:3])
    ]
    if placeless:
        raise _fault(f"no position for {', '.join(placeless)}", "a position for every channel", "set data.montage")
    return compute_current_source_density(raw, copy=False, verbose="WARNING")


def _fault(found: str, wanted: str, fix: str) -> RecordingFault:
    return RecordingFault("reference", Problem("reference", found, wanted, fix))
