"""Reading: a path goes in, an MNE object with nothing but an allow-list of what the file held comes out.

What survives: samples in volts, channel names and types, rate, bad channels of the sidecar, mains frequency, digitised
positions where the source asks for them, and onset, duration and description of the annotations that were asked for. No
dates, no subject, no device, no free text (:func:`read_recording`).

Files are opened by :mod:`painconn.recordings.opening`; any exception of a third-party reader becomes an exclusion.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from painconn.config.data import Source
from painconn.config.events import is_kind_of, kept_name
from painconn.errors import Problem, RecordingFault
from painconn.recordings.annotations import marks_of
from painconn.recordings.channels import Channel, channels_of, study_names, units_of
from painconn.recordings.door import FileAtDoor
from painconn.recordings.findings import Finding
from painconn.recordings.opening import at_boundary, open_checked
from painconn.recordings.sidecars import Sidecars, read_sidecars

if TYPE_CHECKING:
    import mne

_HIGHEST_SFREQ_HZ = 1e6
_MOST_NAMED = 8
_SAME_RATE = 0.999
_ELECTRICAL = ("eeg", "eog", "ecg", "emg")


@dataclass(frozen=True)
class Header:
    """What is known of a recording without loading its samples.

    Parameters
    ----------
    names, types : tuple of str
        Channels after stripping, renaming, typing and dropping.
    sfreq_hz, duration_s : float
        Rate, and length of the recording (of all epochs together).
    positions_m : dict or None
        Position of each EEG channel (metres, head frame) when the source says digitised; None otherwise.
    annotations : dict
        Count by description.
    longest_s : dict
        Longest duration by description.
    line_freq_hz : float or None
        Of the source, else of the sidecar.
    n_epochs : int
        0 for a continuous recording.
    stated_names : frozenset of str
        As :func:`stated_names`.
    upsampled : Finding or None
        Why the samples cannot be read: EEG stored at a lower rate than another channel.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    sfreq_hz: float
    duration_s: float
    positions_m: dict[str, tuple[float, float, float]] | None
    annotations: dict[str, int]
    longest_s: dict[str, float]
    line_freq_hz: float | None
    n_epochs: int = 0
    stated_names: frozenset[str] = frozenset()
    upsampled: Finding | None = None


def read_recording(
    path: Path, *, source: Source, root: Path, descriptions: Collection[str], sidecars: Sidecars | None = None
) -> "mne.io.RawArray":
    """Read a continuous recording.

    Parameters
    ----------
    path : Path
        The recording (a header, where there are several files).
    source : Source
        How channels are called and typed, and the units.
    root : Path
        Folder of the source; nothing outside it is opened.
    descriptions : collection of str
        Annotations that are kept. Stretches marked bad and discontinuities are kept as well, without their free text
        (``BAD_recording``, ``BAD boundary``).
    sidecars : Sidecars or None
        Those of this recording when they are read already.

    Returns
    -------
    raw : mne.io.RawArray
        Preloaded, volts, without dates, subject, device or other free text.

    Raises
    ------
    RecordingFault
        The file was refused at the door, or could not be read (``check="readable"``).
    """
    import mne

    file = FileAtDoor(path, root)
    raw = open_checked(file, "continuous")
    sidecars = sidecars_of(path, source, root) if sidecars is None else sidecars
    outline = _outline(raw, file)
    channels = channels_of(file.name, outline.names, outline.kinds, source=source, sidecars=sidecars)
    upsampled = _upsampled(file, outline, channels)
    if upsampled is not None:
        raise upsampled.fault(file.name)
    data = at_boundary(file, lambda: raw.get_data(picks=[channel.index for channel in channels]))
    marks = at_boundary(file, lambda: marks_of(raw, sidecars, keep=descriptions, names=source.event_names))
    _scale(data, channels, source)
    read = mne.io.RawArray(data, _info(raw, file, outline, channels, source, sidecars), verbose="ERROR")
    # MNE's own record of what a file states; a RawArray is made without one.
    read._orig_units = units_of(getattr(raw, "_orig_units", None), channels)
    onsets, durations = [mark.onset_s for mark in marks], [mark.duration_s for mark in marks]
    read.set_annotations(mne.Annotations(onsets, durations, [mark.description for mark in marks]), verbose="ERROR")
    return read


def read_epochs(path: Path, *, source: Source, root: Path, descriptions: Collection[str]) -> "mne.EpochsArray":
    """Read epochs that were cut before.

    Parameters and errors are those of :func:`read_recording`; an event that is of no kind in `descriptions` is called
    ``other`` with its number, because a name may hold free text.

    Returns
    -------
    epochs : mne.EpochsArray
        (epochs, channels, times) in volts, with the times as they were cut; no baseline is applied.
    """
    import mne

    file = FileAtDoor(path, root)
    opened = open_checked(file, "epochs")
    sidecars = Sidecars()
    outline = _outline(opened, file)
    channels = channels_of(file.name, outline.names, outline.kinds, source=source, sidecars=sidecars)
    picks = [channel.index for channel in channels]
    data = at_boundary(file, lambda: opened.get_data(picks=picks, verbose="ERROR"))
    _scale(data, channels, source)
    codes = opened.events[:, 2]
    present = set(codes.tolist())
    event_id: dict[str, int] = {}
    for given, code in opened.event_id.items():
        if code in present:
            name = kept_name(source.event_names.get(given, source.event_names.get(str(code), given)), descriptions)
            # events that get one name get one number
            codes = np.where(codes == code, event_id.setdefault(name or _unasked(code, descriptions), code), codes)
    return mne.EpochsArray(
        data,
        _info(opened, file, outline, channels, source, sidecars),
        events=np.column_stack([np.arange(len(data)), np.zeros(len(data), int), codes]),
        tmin=float(opened.tmin),
        event_id=event_id,
        baseline=None,
        verbose="ERROR",
    )


def _unasked(code: int, descriptions: Collection[str]) -> str:
    """Return what stands for a name nobody asked for; it can be no name that was asked for."""
    shown = f"other {code}"
    while any(is_kind_of(shown, event) for event in descriptions):
        shown = f"other {shown}"
    return shown


def read_header(path: Path, source: Source, root: Path) -> Header:
    """Read what is needed to plan: names, types, rate, length, positions, annotations; no samples of EEG are loaded.

    Checksums are not compared here: they need every byte, and are compared when the samples are read.

    Raises
    ------
    RecordingFault
        As :func:`read_recording`.
    """
    file = FileAtDoor(path, root, verify=False)
    holds = "epochs" if source.layout == "epochs" else "continuous"
    opened = open_checked(file, holds)
    sidecars = sidecars_of(path, source, root)
    outline = _outline(opened, file)
    channels = channels_of(file.name, outline.names, outline.kinds, source=source, sidecars=sidecars)
    longest_s: dict[str, float] = {}
    if holds == "epochs":
        n_epochs, n_times = len(opened.events), len(opened.events) * len(opened.times)
        happened = {name: int(np.sum(opened.events[:, 2] == code)) for name, code in opened.event_id.items()}
    else:
        marks = at_boundary(file, lambda: marks_of(opened, sidecars, keep=None, names=source.event_names))
        n_epochs, n_times = 0, opened.n_times
        happened = dict(Counter(mark.description for mark in marks))
        longest_s = {mark.description: mark.duration_s for mark in sorted(marks, key=lambda mark: mark.duration_s)}
    positions = None
    if source.montage == "digitised":
        positions = positions_of(_info(opened, file, outline, channels, source, sidecars))
    return Header(
        names=tuple(channel.name for channel in channels),
        types=tuple(channel.kind for channel in channels),
        sfreq_hz=outline.sfreq_hz,
        duration_s=float(n_times / outline.sfreq_hz),
        positions_m=positions,
        annotations=happened,
        longest_s=longest_s,
        line_freq_hz=source.line_freq_hz or sidecars.line_freq_hz,
        n_epochs=n_epochs,
        stated_names=stated_names(path, source, root),
        upsampled=_upsampled(file, outline, channels),
    )


def stated_names(path: Path, source: Source, root: Path) -> frozenset[str]:
    """Return the names that a file itself holds, as the study calls them; empty for formats that are not asked.

    A reader that meets a name twice adds running numbers; what stands here has its number from the person who named it.

    Parameters
    ----------
    path, source, root : Path, Source, Path
        A recording that passed the door.
    """
    labels_of = getattr(FileAtDoor(path, root, verify=False).header, "labels_of", None)
    return frozenset() if labels_of is None else frozenset(study_names(labels_of(path), source))


def sidecars_of(path: Path, source: Source, root: Path) -> Sidecars:
    """Return the sidecars of a BIDS recording; none for other layouts."""
    if source.layout != "bids":
        return Sidecars()
    return read_sidecars(path, root, event_columns=source.event_columns, event_names=source.event_names)


def positions_of(info: "mne.Info") -> dict[str, tuple[float, float, float]]:
    """Return the positions (metres, head frame) of the EEG channels that have a finite one away from the origin."""
    positions = {}
    for name, kind, channel in zip(info["ch_names"], info.get_channel_types(), info["chs"], strict=True):
        location = channel["loc"][:3]
        if kind == "eeg" and np.isfinite(location).all() and np.any(location != 0):
            positions[name] = (float(location[0]), float(location[1]), float(location[2]))
    return positions


@dataclass(frozen=True)
class _Outline:
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    sfreq_hz: float


def _outline(opened: Any, file: FileAtDoor) -> _Outline:
    """Return names, types and rate; a broken file may have given the reader ones that cannot be."""

    def look() -> _Outline:
        sfreq_hz = float(opened.info["sfreq"])
        if not 0 < sfreq_hz < _HIGHEST_SFREQ_HZ:
            raise ValueError(f"sampling rate {sfreq_hz:g} Hz")
        return _Outline(tuple(opened.ch_names), tuple(opened.get_channel_types()), sfreq_hz)

    return at_boundary(file, look)


def _upsampled(file: FileAtDoor, outline: _Outline, channels: Sequence[Channel]) -> Finding | None:
    """Find EEG that is stored slower than the fastest channel: the reader fills it up to the rate of that one.

    Other channels may be slower, because nothing is computed from them.
    """
    rates_hz = file.outline.rates_hz if file.outline else ()
    slower = {index for index, rate_hz in enumerate(rates_hz) if rate_hz < _SAME_RATE * outline.sfreq_hz}
    slow = [channel for channel in channels if channel.kind == "eeg" and channel.index in slower]
    if not slow:
        return None
    fast = [name for index, name in enumerate(outline.names) if index not in slower]
    slowest_hz = min(rates_hz[channel.index] for channel in slow)
    found = f"EEG at {slowest_hz:g} Hz ({_first([channel.name for channel in slow])}) beside channels of "
    found += f"{outline.sfreq_hz:g} Hz ({_first(fast)})"
    fix = "export all EEG at one rate, without faster channels; type what is no EEG in channel_types, or drop it"
    return Finding("header", found, "EEG at the rate of the fastest channel", "exclude recording", fix)


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (" ..." if len(names) > _MOST_NAMED else "")


def _scale(data: np.ndarray, channels: Sequence[Channel], source: Source) -> None:
    if source.unit_scale is not None:
        electrical = [position for position, channel in enumerate(channels) if channel.kind in _ELECTRICAL]
        data[..., electrical, :] *= source.unit_scale


def _info(
    opened: Any, file: FileAtDoor, outline: _Outline, channels: Sequence[Channel], source: Source, sidecars: Sidecars
) -> "mne.Info":
    import mne

    kinds = [channel.kind for channel in channels]
    info = mne.create_info([channel.name for channel in channels], outline.sfreq_hz, kinds, verbose="ERROR")
    info["bads"] = [channel.name for channel in channels if channel.bad]
    info["line_freq"] = source.line_freq_hz or sidecars.line_freq_hz
    if source.montage == "digitised":
        montage = at_boundary(file, lambda: _montage(opened, file, channels, source))
        if montage is not None:
            info.set_montage(montage, on_missing="ignore", verbose="ERROR")
    return info


def _montage(
    opened: Any, file: FileAtDoor, channels: Sequence[Channel], source: Source
) -> "mne.channels.DigMontage | None":
    """Return electrodes and fiducials under the study's names; header points and other free digitisation are left."""
    import mne

    if source.layout == "bids":
        import mne_bids

        _refuse_pipes(file)
        bids_path = mne_bids.get_bids_path_from_fname(file.path, verbose="ERROR").update(root=file.root)
        opened = mne_bids.read_raw_bids(bids_path, on_ch_mismatch="warn", verbose="ERROR")
    montage = opened.get_montage()
    if montage is None:
        return None
    given = montage.get_positions()
    kept = {
        channel.name: given["ch_pos"][channel.original]
        for channel in channels
        if channel.kind == "eeg" and np.isfinite(given["ch_pos"].get(channel.original, np.nan)).all()
    }
    fiducials = {name: given[name] for name in ("nasion", "lpa", "rpa")}
    return mne.channels.make_dig_montage(kept, **fiducials, coord_frame=given["coord_frame"]) if kept else None


def _refuse_pipes(file: FileAtDoor) -> None:
    """Refuse named pipes and devices where MNE-BIDS looks for sidecars: it would wait for them for ever."""
    folder = file.path.parent
    while folder.is_relative_to(file.root):
        odd = next(
            (entry for entry in folder.iterdir() if entry.exists() and not (entry.is_file() or entry.is_dir())), None
        )
        if odd is not None:
            found, fix = f"{odd.name} beside the recording is no regular file", "remove it from the dataset"
            raise RecordingFault("regular", Problem(file.name, found, "regular files", fix))
        if folder == file.root:
            break
        folder = folder.parent
