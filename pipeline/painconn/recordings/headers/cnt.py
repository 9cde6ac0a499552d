"""Continuous ``.cnt`` of Neuroscan (http://paulbourke.net/dataformats/eeg/), and how one of ANT Neuro is told apart."""

from pathlib import Path

from painconn.recordings.headers.fields import read_start, unpack
from painconn.recordings.headers.outline import (
    CutFault,
    HeaderFault,
    Outline,
    checked_channels,
    checked_rate,
    checked_samples,
    no_companions,
)

companions_of = no_companions

_SETUP_BYTES, _CHANNEL_BYTES, _EVENTS_HEAD_BYTES = 900, 75, 9
_EVENT_BYTES = {1: 8, 2: 19, 3: 19}


def made_by_ant(path: Path) -> bool:
    """Whether the file is one of ANT Neuro (a RIFF file), which has the same ending."""
    return read_start(path, 4) in (b"RIFF", b"RF64")


def outline_of(path: Path) -> Outline:
    """Return the outline of a Neuroscan file; of an ANT file only its size is compared."""
    if made_by_ant(path):
        return _ant_outline(path)
    setup = read_start(path, _SETUP_BYTES)
    if not setup.startswith(b"Version 3"):
        raise HeaderFault("no Neuroscan file of version 3", "a .cnt of Neuroscan or ANT Neuro")
    n_channels = checked_channels(unpack("<H", setup, 370)[0], "number of channels")
    sfreq_hz = checked_rate(unpack("<H", setup, 376)[0], "sampling rate")
    n_samples, events_start = unpack("<i", setup, 864)[0], unpack("<i", setup, 886)[0]
    checked_samples(n_samples, "number of samples")
    start = _SETUP_BYTES + _CHANNEL_BYTES * n_channels
    size = path.stat().st_size
    n_values = n_channels * n_samples
    if events_start > size or events_start - start not in (2 * n_values, 4 * n_values):
        raise CutFault(
            f"an event table at byte {events_start} of {size}",
            f"after {n_samples} samples ({n_samples / sfreq_hz:.3f} s) of {n_channels} channels by its header",
        )
    sample_bytes = (events_start - start) // n_values
    # Samples lie in pieces of one channel each; 0 and 1 mean single samples.
    piece_bytes = unpack("<i", setup, 894)[0]
    if not 0 <= piece_bytes <= sample_bytes * n_samples or (piece_bytes > 1 and piece_bytes % sample_bytes):
        raise HeaderFault(f"channel pieces of {piece_bytes} bytes", "whole samples")
    _check_events(path, events_start, size)
    return Outline(n_channels, n_samples, sfreq_hz)


def _check_events(path: Path, start: int, size: int) -> None:
    with path.open("rb") as stream:
        stream.seek(start)
        kind, n_bytes, _ = unpack("<Bii", stream.read(_EVENTS_HEAD_BYTES))
    if kind not in _EVENT_BYTES:
        raise HeaderFault(f"an event table of kind {kind}", "kind 1, 2 or 3")
    if n_bytes < 0 or n_bytes % _EVENT_BYTES[kind] or start + _EVENTS_HEAD_BYTES + n_bytes > size:
        raise CutFault(f"{size - start} bytes of events", f"{_EVENTS_HEAD_BYTES + n_bytes} bytes")


def _ant_outline(path: Path) -> Outline:
    head, size = read_start(path, 12), path.stat().st_size
    stated = unpack("<I", head, 4)[0] if head.startswith(b"RIFF") else unpack("<Q", read_start(path, 28), 20)[0]
    # The last chunk may be padded to an even length.
    if not size - 1 <= stated + 8 <= size:
        raise CutFault(f"{size} bytes", f"{stated + 8} bytes by its header")
    return Outline(None, None, None)
