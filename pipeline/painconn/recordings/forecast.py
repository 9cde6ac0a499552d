"""What the header of a recording foretells: checks that need no samples, and the most epochs that it can give."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from painconn.config.checks import Checks
from painconn.config.data import Condition, Source
from painconn.config.events import has_any, is_kind_of
from painconn.recordings.checks.signal import Signal
from painconn.recordings.findings import Finding
from painconn.recordings.readers import Header
from painconn.recordings.registry import CHECKS, load
from painconn.recordings.sidecars import Sidecars

if TYPE_CHECKING:
    import mne

_NEED_NO_SAMPLES = ("names", "n_channels", "rate", "length", "duration", "positions")


def header_findings(header: Header, *, sidecars: Sidecars, source: Source, limits: Checks) -> Iterator[Finding]:
    """Run the checks of stage ``signal`` that compare statements only, all of them.

    Parameters
    ----------
    header : Header
        From :func:`painconn.recordings.readers.read_header`.
    sidecars : Sidecars
        What its sidecars say.
    source : Source
        Where it lies.
    limits : Checks
        ``data.checks`` of the study.
    """
    eeg = eeg_names(header)
    bad = {name.casefold() for name in sidecars.bad_channels}
    good = tuple(name for name in eeg if name.casefold() not in bad)
    # As long as the recording, without its samples: the checks that are run here ask for lengths only.
    silent = np.broadcast_to(np.float64(0), (len(good), round(header.duration_s * header.sfreq_hz)))
    signal = Signal(
        names=header.names,
        eeg=silent,
        missing=None,
        good_names=good,
        eeg_names=tuple(eeg),
        sfreq_hz=header.sfreq_hz,
        sidecars=sidecars,
        positioned=None if header.positions_m is None else tuple(header.positions_m),
        stated_names=header.stated_names,
        unit_scale=source.unit_scale,
    )
    if header.upsampled is not None:
        yield header.upsampled
    for name in _NEED_NO_SAMPLES:
        yield from load(CHECKS[name].function)(signal, limits)


def eeg_names(header: Header) -> list[str]:
    """Return the EEG channels."""
    return [name for name, kind in zip(header.names, header.types, strict=True) if kind == "eeg"]


def silent_cap(header: Header) -> "mne.io.RawArray":
    """Return a recording with the EEG channels and the rate of a header, a few zeros long: for checks by name."""
    import mne

    names = eeg_names(header)
    info = mne.create_info(names, header.sfreq_hz, "eeg", verbose="ERROR")
    return mne.io.RawArray(np.zeros((len(names), 2)), info, verbose="ERROR")


def silent_course(header: Header) -> "mne.io.RawArray":
    """Return a recording with one channel of zeros and an annotation of every name, as long as the longest of it.

    For the checks of stage ``condition``, which ask what is annotated and how long the recording is.
    """
    import mne

    n_times = max(round(header.duration_s * header.sfreq_hz), 1)
    raw = mne.io.RawArray(
        np.zeros((1, n_times)), mne.create_info(1, header.sfreq_hz, "misc", verbose="ERROR"), verbose="ERROR"
    )
    names = list(header.annotations)
    lengths_s = [min(header.longest_s.get(name, 0.0), header.duration_s) for name in names]
    return raw.set_annotations(mne.Annotations(np.zeros(len(names)), lengths_s, names), verbose="ERROR")


def ready_length_s(header: Header) -> float | None:
    """Return the length of ready epochs; None for a continuous recording."""
    return header.duration_s / header.n_epochs if header.n_epochs else None


def most_epochs(header: Header, condition: Condition, *, length_s: float, overlap: float = 0.0) -> int:
    """Return the most epochs that a recording can give to a condition: rejection and bad stretches take more away."""
    if condition.kind == "events":
        return sum(count for name, count in header.annotations.items() if has_any([name], condition.events))
    return header.n_epochs or most_pieces(header, condition, length_s=length_s, overlap=overlap)


def most_pieces(header: Header, condition: Condition, *, length_s: float, overlap: float = 0.0) -> int:
    """Return how many pieces of a length fit into a block (or the whole recording); 0 in ready epochs."""
    if header.n_epochs:
        return 0
    block = condition.block
    if block is None:
        return _pieces(header.duration_s, condition, length_s, overlap)
    return sum(
        count * _pieces(header.longest_s.get(name, 0.0), condition, length_s, overlap)
        for name, count in header.annotations.items()
        if is_kind_of(name, block)
    )


def _pieces(block_s: float, condition: Condition, length_s: float, overlap: float) -> int:
    if condition.crop_s is not None:
        block_s = min(block_s, condition.crop_s[1]) - condition.crop_s[0]
    if overlap and block_s >= length_s:
        return 1 + int((block_s - length_s) / (length_s * (1 - overlap)) + 1e-9)
    return max(int(block_s / length_s), 0)
