"""FIF: raw and epochs, split files included.

A FIF file is a chain of tags, each with kind, type, size and where the next one is. The whole chain is followed (the
values of a few tags are read, samples are not), so that a file that a killed writer left behind is known by its missing
end, and a kind or a size that was changed by the chain that breaks.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from painconn.recordings.headers.fields import unpack
from painconn.recordings.headers.outline import (
    Companion,
    CutFault,
    HeaderFault,
    Outline,
    checked_channels,
    checked_rate,
    checked_samples,
)

_TAG = struct.Struct(">iIii")
_FILE_ID, _DIRECTORY_POINTER, _DIRECTORY, _BLOCK_START, _BLOCK_END = 100, 101, 102, 104, 105
_ROLE, _PART_NUMBER, _PART_NAME, _NEXT_PART = 115, 117, 118, 2
_N_CHANNELS, _RATE, _CHANNEL, _FIRST, _LAST = 200, 201, 203, 208, 209
_BUFFER, _SKIP, _EPOCHS, _SKIP_SAMPLES = 300, 301, 302, 303
_INFO_BLOCK, _REFERENCE_BLOCK, _RAW_BLOCKS, _EPOCHS_BLOCK = 101, 118, (102, 112), 373
_KEPT = frozenset({_ROLE, _PART_NUMBER, _PART_NAME, _N_CHANNELS, _RATE, _FIRST, _LAST, _SKIP})
_SAMPLE_BYTES = {2: 2, 3: 4, 4: 4, 5: 8, 16: 2}
_MATRIX = 0x40000000
_MOST_KEPT_BYTES = 4096
_MOST_TAGS = 4_000_000
_MOST_PARTS = 1000


@dataclass
class _Part:
    """What one file holds."""

    n_channels: int = 0
    sfreq_hz: float = 0.0
    n_channel_infos: int = 0
    buffers: list[tuple[int, int]] = field(default_factory=list)
    skips: list[tuple[int, int]] = field(default_factory=list)
    limits: list[int] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    role: int = 0
    next_name: str = ""


def companions_of(path: Path) -> Iterator[Companion]:
    """Yield the later parts of a split recording, in order; each is opened only after it was yielded."""
    part, seen = path, {path.resolve()}
    while name := _scan(part).next_name:
        part = part.parent / name
        yield Companion(name, part, "part")
        if part.resolve() in seen or len(seen) > _MOST_PARTS:
            raise HeaderFault("parts that name each other in a circle", "a last part")
        seen.add(part.resolve())


def outline_of(path: Path) -> Outline:
    """Return the outline of a recording with all its parts."""
    parts = [_scan(path), *(_scan(companion.path) for companion in companions_of(path))]
    first = parts[0]
    if any((part.n_channels, part.sfreq_hz) != (first.n_channels, first.sfreq_hz) for part in parts):
        raise HeaderFault("parts with other channels or another rate", "parts of one recording")
    if any(part.shape for part in parts):
        n_epochs = sum(part.shape[0] for part in parts)
        return Outline(first.n_channels, first.shape[-1], first.sfreq_hz, n_epochs)
    n_samples = sum(_samples(part) for part in parts)
    return Outline(first.n_channels, checked_samples(n_samples, "samples of a channel"), first.sfreq_hz)


def _scan(path: Path) -> _Part:
    status = path.stat()
    return _scan_once(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _scan_once(path: Path, size: int, _mtime_ns: int) -> _Part:
    part, blocks, tags = _Part(), [0], []
    with path.open("rb") as stream:
        for kind, kind_type, n_bytes, position in _tags(stream, size, part):
            tags.append((kind, kind_type, n_bytes, position))
            value = stream.read(n_bytes) if n_bytes <= _MOST_KEPT_BYTES and kind in _KEPT else b""
            if kind in (_BLOCK_START, _BLOCK_END):
                _enter_or_leave(blocks, kind, unpack(">i", stream.read(4))[0])
            elif blocks[-1] in _RAW_BLOCKS:
                _take_samples(part, kind, kind_type, n_bytes, value)
            elif kind == _EPOCHS and blocks[-1] == _EPOCHS_BLOCK:
                part.shape = _matrix_shape(stream, kind_type, n_bytes, position)
            elif value or kind == _CHANNEL:
                _take_value(part, blocks[-1], kind, value)
        _check_directory(stream, tags)
    if len(blocks) != 1:
        raise HeaderFault("blocks that are not closed", "closed blocks")
    _check_part(part)
    return part


def _tags(stream: BinaryIO, size: int, part: _Part) -> Iterator[tuple[int, int, int, int]]:
    """Yield (kind, type, size, position) along the chain, the stream at the value of the tag."""
    position = 0
    for number in range(_MOST_TAGS):
        stream.seek(position)
        content = stream.read(_TAG.size)
        if len(content) < _TAG.size:
            raise _cut(part)
        kind, kind_type, n_bytes, following = _TAG.unpack(content)
        if number < 2 and kind != (_FILE_ID, _DIRECTORY_POINTER)[number]:
            raise HeaderFault("no FIF file", "a file identification and a directory pointer at the start")
        end = position + _TAG.size + n_bytes
        if n_bytes < 0 or following not in (-1, 0, end):
            raise HeaderFault("a tag that points nowhere", "tags that follow each other")
        if end > size:
            raise _cut(part)
        yield kind, kind_type, n_bytes, position
        if following == -1:
            if end != size:
                raise HeaderFault("an end before the end of the file", "the end tag as the last one")
            return
        position = end
    raise HeaderFault(f"more than {_MOST_TAGS} tags", "fewer")


def _cut(part: _Part) -> CutFault:
    n_found = (
        sum(n_bytes // (bytes_of * part.n_channels) for n_bytes, bytes_of in part.buffers) if part.n_channels else 0
    )
    seconds = f"{n_found / part.sfreq_hz:.3f} s ({n_found} samples)" if part.sfreq_hz else "no samples"
    return CutFault(f"{seconds}, then the file breaks off", "a file that was closed (its end tag is missing)")


def _enter_or_leave(blocks: list[int], kind: int, block: int) -> None:
    if kind == _BLOCK_START:
        blocks.append(block)
    elif blocks.pop() != block or not blocks:
        raise HeaderFault("the end of a block that was not started", "blocks inside each other")
    if len(blocks) > 50:
        raise HeaderFault("more than 50 blocks inside each other", "fewer")


def _take_value(part: _Part, block: int, kind: int, value: bytes) -> None:
    if block == _INFO_BLOCK:
        if kind == _N_CHANNELS:
            part.n_channels = checked_channels(unpack(">i", value)[0], "number of channels")
        elif kind == _RATE:
            part.sfreq_hz = checked_rate(unpack(">f", value)[0], "sampling rate")
        elif kind == _CHANNEL:
            part.n_channel_infos += 1
    elif block == _EPOCHS_BLOCK and kind in (_FIRST, _LAST):
        part.limits.append(unpack(">i", value)[0])
    elif block == _REFERENCE_BLOCK:
        if kind == _ROLE:
            part.role = unpack(">i", value)[0]
        elif part.role == _NEXT_PART and kind == _PART_NAME and not part.next_name:
            part.next_name = value.decode("latin-1")
        elif part.role == _NEXT_PART and kind == _PART_NUMBER and not part.next_name:
            raise HeaderFault("a next part without a name", "its name", "read it with MNE and save it again")


def _take_samples(part: _Part, kind: int, kind_type: int, n_bytes: int, value: bytes) -> None:
    if kind == _BUFFER:
        if kind_type not in _SAMPLE_BYTES:
            raise HeaderFault("samples of an unknown type", "real numbers")
        part.buffers.append((n_bytes, _SAMPLE_BYTES[kind_type]))
    elif kind == _SKIP and n_bytes == 4:
        n_skipped = unpack(">i", value)[0]
        if n_skipped < 0:
            raise HeaderFault("a negative gap", "gaps forward in time")
        part.skips.append((len(part.buffers), n_skipped))
    elif kind == _FIRST and n_bytes == 4:
        if part.buffers:
            raise HeaderFault("a first sample after the samples", "the first sample first")
    else:
        raise HeaderFault("a tag among the samples that does not belong there", "buffers of samples")


def _check_part(part: _Part) -> None:
    if not part.n_channels or not part.sfreq_hz:
        raise HeaderFault("no number of channels or no sampling rate", "both")
    if part.n_channel_infos != part.n_channels:
        raise HeaderFault(f"{part.n_channel_infos} channels described of {part.n_channels}", "all of them")
    if part.shape:
        n_times = part.shape[-1]
        if len(part.shape) != 3 or part.shape[1] != part.n_channels or min(part.shape) < 1:
            raise HeaderFault("epochs of another shape than the header says", "(epochs, channels, times)")
        if len(part.limits) != 2 or part.limits[1] - part.limits[0] + 1 != n_times:
            raise HeaderFault("first and last sample that contradict the epochs", f"{n_times} samples apart")
        return
    if not part.buffers:
        raise HeaderFault("no samples", "raw data or epochs")
    if len({bytes_of for _, bytes_of in part.buffers}) > 1:
        raise HeaderFault("samples of several types", "one type")
    if any(n_bytes == 0 or n_bytes % (bytes_of * part.n_channels) for n_bytes, bytes_of in part.buffers):
        raise HeaderFault(f"buffers that do not hold whole samples of {part.n_channels} channels", "whole samples")


def _samples(part: _Part) -> int:
    """Return samples with the gaps between them, each counted in buffers of the size of the next one."""
    lengths = [n_bytes // (bytes_of * part.n_channels) for n_bytes, bytes_of in part.buffers]
    gaps = dict(part.skips)
    return sum(lengths) + sum(
        n_skipped * lengths[before] for before, n_skipped in gaps.items() if 0 < before < len(lengths)
    )


def _matrix_shape(stream: BinaryIO, kind_type: int, n_bytes: int, position: int) -> tuple[int, ...]:
    bytes_of = {4: 4, 5: 8, 20: 8, 21: 16}.get(kind_type & 0xFFFF, 0)
    if not kind_type & _MATRIX or not bytes_of or n_bytes < 16:
        raise HeaderFault("epochs that are no matrix of numbers", "a matrix")
    stream.seek(position + _TAG.size + n_bytes - 16)
    *dimensions, n_dimensions = unpack(">4i", stream.read(16))
    if n_dimensions != 3 or min(dimensions) < 1:
        raise HeaderFault("epochs that are no matrix of three dimensions", "(epochs, channels, times)")
    shape = tuple(reversed(dimensions))
    if bytes_of * shape[0] * shape[1] * shape[2] + 16 != n_bytes:
        raise CutFault(f"{n_bytes} bytes of epochs", f"{shape[0]} epochs of {shape[1]} channels, {shape[2]} samples")
    return shape


def _check_directory(stream: BinaryIO, tags: list[tuple[int, int, int, int]]) -> None:
    """Compare the directory, which the reader prefers to the chain, with the chain."""
    stream.seek(tags[1][3] + _TAG.size)
    pointer = unpack(">i", stream.read(4))[0]
    if pointer <= 0:
        return
    entry = next((tag for tag in tags if tag[3] == pointer and tag[0] == _DIRECTORY), None)
    if entry is None:
        raise HeaderFault("a directory pointer to something else", "a directory, or none")
    stream.seek(pointer + _TAG.size)
    content = stream.read(entry[2])
    listed = {
        (kind, kind_type, n_bytes, position)
        for kind, kind_type, n_bytes, position in _TAG.iter_unpack(content[: len(content) // 16 * 16])
        if kind >= 0
    }
    if listed - set(tags) or {tag for tag in tags if tag[3] < pointer} - listed:
        raise HeaderFault("a directory that contradicts the tags", "one entry for each tag")
