"""EGI ``.mff``: a folder of XML files and binary signals."""

from collections.abc import Iterator
from pathlib import Path

from painconn.recordings.headers.fields import unpack
from painconn.recordings.headers.outline import (
    Companion,
    CutFault,
    HeaderFault,
    Outline,
    checked_channels,
    checked_rate,
)

_NEEDED = ("info.xml", "epochs.xml", "sensorLayout.xml", "info1.xml", "signal1.bin")
_MOST_FILES = 1000
_MOST_XML_BYTES = 64 << 20
_MOST_BLOCK_BYTES = 1 << 20


def companions_of(path: Path) -> Iterator[Companion]:
    """Yield every file of the folder, and those that must be there."""
    for name in _NEEDED:
        yield Companion(name, path / name, "part")
    inside = sorted(file for file in path.rglob("*") if file.is_symlink() or not file.is_dir())
    if len(inside) > _MOST_FILES:
        raise HeaderFault(f"{len(inside)} files", f"at most {_MOST_FILES}")
    for file in inside:
        if file.name not in _NEEDED:
            yield Companion(file.relative_to(path).as_posix(), file, "markers")


def outline_of(path: Path) -> Outline:
    """Return the rate; channels and samples depend on events and breaks that only the reader knows."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    for companion in companions_of(path):
        if companion.path.suffix.lower() == ".xml":
            if companion.path.stat().st_size > _MOST_XML_BYTES:
                raise HeaderFault("an XML file above 64 MiB", "smaller ones")
            try:
                parse(companion.path)
            except (ParseError, DefusedXmlException, ValueError, LookupError):
                raise HeaderFault(
                    f"{companion.path.name} that is no plain XML", "the XML files of Net Station"
                ) from None
    return Outline(None, None, _signal_rate(path / "signal1.bin"))


def _signal_rate(path: Path) -> float:
    """Follow the blocks of a signal file to its end, and return the rate they state.

    A block: 1 (or 0: as the block before), bytes of header, bytes of data, signals, offsets, and for each signal 1 byte
    of depth and 3 of rate.
    """
    size, position, rate, block_bytes = path.stat().st_size, 0, 0, 0
    with path.open("rb") as stream:
        while position < size:
            stream.seek(position)
            version = unpack("<i", stream.read(4))[0]
            header_bytes = 4
            if version == 1:
                header_bytes, block_bytes, n_signals = unpack("<3i", stream.read(12))
                checked_channels(n_signals, "number of signals")
                if not 16 + 8 * n_signals <= header_bytes <= _MOST_BLOCK_BYTES or block_bytes < 4 * n_signals:
                    raise HeaderFault("a block whose sizes cannot be true", "blocks of samples")
                rate = unpack(f"<{2 * n_signals}I", stream.read(8 * n_signals))[n_signals] >> 8
            elif version != 0 or not block_bytes:
                raise HeaderFault("a block of an unknown kind", "blocks of samples")
            position += header_bytes + block_bytes
    if position != size or not block_bytes:
        raise CutFault(f"{size} bytes of signals", f"{position} bytes by its blocks")
    return checked_rate(rate, "sampling rate")
