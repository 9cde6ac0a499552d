"""The outline of a recording, and what can be wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MOST_CHANNELS = 1024
MOST_SAMPLES = 1 << 34


class HeaderFault(ValueError):  # noqa: N818 — the word of the field for a data fault
    """A header that cannot be true.

    Parameters
    ----------
    found, wanted : str
        As in a :class:`painconn.errors.Problem`.
    fix : str
        ``""``: copy or export the file again.
    """

    def __init__(self, found: str, wanted: str = "a header that can be read", fix: str = "") -> None:
        self.found, self.wanted, self.fix = found, wanted, fix
        super().__init__(found)


class CutFault(HeaderFault):
    """Fewer (or other) bytes of samples than the header says."""


@dataclass(frozen=True)
class Companion:
    """Another file that belongs to a recording.

    Parameters
    ----------
    name : str
        As the header calls it.
    path : Path
        Where it must be.
    role : {"samples", "part", "markers"}
        samples and parts must be there; markers may be missing.
    """

    name: str
    path: Path
    role: Literal["samples", "part", "markers"]


@dataclass(frozen=True)
class Outline:
    """What a reader must find; None where the format does not say.

    Parameters
    ----------
    n_channels, n_samples : int or None
        Channels that hold numbers, and samples of each (of one epoch, where there are epochs).
    sfreq_hz : float or None
        Sampling rate.
    n_epochs : int
        0 for a continuous recording.
    rates_hz : tuple of float
        Rate that each channel is stored at, in the order of the file; empty where all have the same.
    """

    n_channels: int | None
    n_samples: int | None
    sfreq_hz: float | None
    n_epochs: int = 0
    rates_hz: tuple[float, ...] = ()


def no_companions(path: Path) -> Iterator[Companion]:
    """Yield nothing: the recording is one file."""
    yield from ()


def checked_channels(n_channels: int, field: str) -> int:
    """Return a number of channels that can be true."""
    if not 0 < n_channels <= MOST_CHANNELS:
        raise HeaderFault(f"{field} {n_channels}", f"1 to {MOST_CHANNELS}")
    return n_channels


def checked_samples(n_samples: int, field: str) -> int:
    """Return a number of samples that can be true."""
    if not 0 < n_samples <= MOST_SAMPLES:
        raise HeaderFault(f"{field} {n_samples}", f"1 to {MOST_SAMPLES}")
    return n_samples


def checked_rate(sfreq_hz: float, field: str) -> float:
    """Return a sampling rate that can be true."""
    if not 1 <= sfreq_hz <= 1e6:
        raise HeaderFault(f"{field} gives {sfreq_hz:g} Hz", "1 Hz to 1 MHz")
    return sfreq_hz


def check_size(size: int, wanted: int, frame_bytes: int, sfreq_hz: float, *, header_bytes: int = 0) -> None:
    """Compare the size of a file of frames (one number of every channel) with what its header says.

    Raises
    ------
    CutFault
        They differ; told in seconds and samples.
    """
    if size == wanted:
        return
    n_found, rest = divmod(max(size - header_bytes, 0), frame_bytes)
    n_wanted = (wanted - header_bytes) // frame_bytes
    piece = " and a piece" if rest else ""
    raise CutFault(
        f"{n_found / sfreq_hz:.3f} s ({n_found} samples{piece})",
        f"{n_wanted / sfreq_hz:.3f} s ({n_wanted} samples) by its header",
    )
