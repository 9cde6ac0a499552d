"""MATLAB files of level 5 (versions 5 to 7), looked through before a general reader builds objects from them.

Format: MathWorks, "MAT-File Format", chapter 1. Every element is compared with the bytes that are there: no dimension
and no count is believed. A compressed variable is inflated piece by piece, never kept, and its checksum is verified.
"""

import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from painconn.recordings.headers.outline import CutFault, HeaderFault

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_NUMBERS = range(6, 16)
_COMPLEX, _LOGICAL = 0x0800, 0x0200
_CODES = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_DEEPEST = 16
_MOST_ELEMENTS = 5_000_000
_MOST_FIELD_BYTES = 1 << 20
_MOST_INFLATED_RATIO = 100
_SMALL_BYTES = 64 << 20
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True)
class Array:
    """One variable, without its bulk.

    Parameters
    ----------
    shape : tuple of int
        Dimensions.
    kind : {"number", "text", "struct", "other"}
        What it holds.
    value : float or str or None
        A single number, or a short text.
    fields : mapping of str to Array
        Of a struct with one element.
    """

    shape: tuple[int, ...]
    kind: str = "other"
    value: float | str | None = None
    fields: Mapping[str, "Array"] | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


def look_through(path: Path) -> Mapping[str, Array]:
    """Return the variables of a file by name.

    Raises
    ------
    HeaderFault
        Not a file of level 5, or one whose elements do not fit into each other.
    CutFault
        It ends before its last variable does.
    """
    status = path.stat()
    return _look_through(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _look_through(path: Path, size: int, _mtime_ns: int) -> Mapping[str, Array]:
    variables: dict[str, Array] = {}
    with path.open("rb") as stream:
        order = _byte_order(stream.read(_HEADER_BYTES))
        position = _HEADER_BYTES
        while position < size:
            head = stream.read(8)
            kind, n_bytes = struct.unpack(order + "II", head) if len(head) == 8 else (0, 0)
            if position + 8 + n_bytes > size or len(head) < 8:
                raise CutFault(f"a file of {size} bytes", f"at least {position + 8 + n_bytes} for its variables")
            if kind == _COMPRESSED:
                walk = _Walk(_Inflated(stream, n_bytes), order)
                name, array = walk.variable()
            elif kind == _MATRIX:
                walk = _Walk(_Stored(stream, n_bytes), order)
                name, array = walk.matrix(n_bytes, 0)
            else:
                raise HeaderFault("something that is no variable", "MATLAB variables")
            walk.source.finish()
            variables[name] = array
            position += 8 + n_bytes
    return variables


def _byte_order(header: bytes) -> str:
    if header.startswith((b"MATLAB 7.3", b"\x89HDF")):
        raise HeaderFault(
            "a MATLAB 7.3 (HDF5) file",
            "MATLAB version 5 to 7",
            'save it with version 6 or 7 (EEGLAB: Preferences, "save datasets with Matlab 7.3" off; MATLAB: save -v7)',
        )
    mark = header[124:128] if header.startswith(b"MATLAB") else b""
    if mark == b"\x00\x01IM":
        return "<"
    if mark == b"\x01\x00MI":
        return ">"
    raise HeaderFault("no MATLAB file of version 5 to 7", "a file saved by EEGLAB or MATLAB")


class _Stored:
    """Bytes as they lie in the file."""

    def __init__(self, stream: BinaryIO, n_bytes: int) -> None:
        self._stream, self.left = stream, n_bytes

    def read(self, n_bytes: int) -> bytes:
        self._take(n_bytes)
        return self._stream.read(n_bytes)

    def skip(self, n_bytes: int) -> None:
        self._take(n_bytes)
        self._stream.seek(n_bytes, 1)

    def _take(self, n_bytes: int) -> None:
        if not 0 <= n_bytes <= self.left:
            raise HeaderFault("an element that is larger than what holds it", "elements inside each other")
        self.left -= n_bytes

    def finish(self) -> None:
        if self.left:
            raise HeaderFault("bytes after a variable that belong to none", "whole variables")


class _Inflated:
    """Bytes of a compressed variable, inflated piece by piece."""

    def __init__(self, stream: BinaryIO, n_bytes: int) -> None:
        self._stream, self._packed_left, self._packed = stream, n_bytes, b""
        self._inflater, self._buffer = zlib.decompressobj(), bytearray()
        self.left = max(_SMALL_BYTES, _MOST_INFLATED_RATIO * n_bytes)

    def read(self, n_bytes: int) -> bytes:
        self._take(n_bytes)
        self._fill(n_bytes)
        content = bytes(self._buffer[:n_bytes])
        del self._buffer[:n_bytes]
        return content

    def skip(self, n_bytes: int) -> None:
        self._take(n_bytes)
        while n_bytes:
            piece = min(n_bytes, _PIECE_BYTES)
            self._fill(piece)
            del self._buffer[:piece]
            n_bytes -= piece

    def finish(self) -> None:
        """Inflate to the end, where the checksum is compared, and leave the file after the variable."""
        while not self._inflater.eof:
            if self._buffer or not self._more():
                raise HeaderFault("a compressed variable that does not end", "whole compressed variables")
        if self._buffer:
            raise HeaderFault("bytes after a variable that belong to none", "whole variables")
        self._stream.seek(self._packed_left, 1)

    def _take(self, n_bytes: int) -> None:
        if not 0 <= n_bytes <= self.left:
            raise HeaderFault("an element that is larger than what holds it", "elements inside each other")
        self.left -= n_bytes

    def _fill(self, n_bytes: int) -> None:
        while len(self._buffer) < n_bytes:
            if not self._more():
                raise HeaderFault("a compressed variable that is too short", "whole compressed variables")

    def _more(self) -> bool:
        """Inflate a piece; whether anything was left to take."""
        if self._inflater.eof:
            return False
        if not self._packed:
            n_next = min(_PIECE_BYTES, self._packed_left)
            self._packed = self._stream.read(n_next)
            self._packed_left -= n_next
            if not self._packed:
                return False
        try:
            self._buffer += self._inflater.decompress(self._packed, _PIECE_BYTES)
        except zlib.error:
            raise HeaderFault("a compressed variable that is damaged", "one whose checksum is right") from None
        self._packed = self._inflater.unconsumed_tail
        return True


class _Walk:
    """A walk through the elements of one variable."""

    def __init__(self, source: _Stored | _Inflated, order: str) -> None:
        self.source, self._order, self._n_elements = source, order, 0

    def variable(self) -> tuple[str, Array]:
        """Walk through what a compressed element holds."""
        kind, n_bytes, _ = self._tag()
        if kind != _MATRIX:
            raise HeaderFault("a compressed element that is no variable", "MATLAB variables")
        if n_bytes > self.source.left:
            raise HeaderFault("a compressed variable that grows beyond reason", f"at most {_MOST_INFLATED_RATIO} times")
        return self.matrix(n_bytes, 0)

    def matrix(self, n_bytes: int, depth: int) -> tuple[str, Array]:
        """Walk through a matrix of a stated size; return its name and what it holds."""
        if n_bytes == 0:
            return "", Array((0, 0))
        if depth > _DEEPEST:
            raise HeaderFault(f"more than {_DEEPEST} structures inside each other", "fewer")
        end = self.source.left - n_bytes
        if end < 0:
            raise HeaderFault("an element that is larger than what holds it", "elements inside each other")
        flags = self._numbers(8, {6})[0]
        kind = flags & 0xFF
        if kind == _OPAQUE:
            # A string or table object of newer MATLAB: readers leave it alone, and so does this walk.
            self.source.skip(self.source.left - end)
            return "", Array((1, 1))
        shape = tuple(self._numbers(4 * 32, {5}))
        if len(shape) < 2 or min(shape) < 0:
            raise HeaderFault("an array without dimensions", "two or more")
        name = self._bytes(_MOST_FIELD_BYTES, {1, 2, 16}).decode("latin-1")
        array = self._content(kind, flags, shape, depth)
        if self.source.left != end:
            raise HeaderFault("an element that is larger or smaller than it says", "elements that fill what holds them")
        return name, array

    def _content(self, kind: int, flags: int, shape: tuple[int, ...], depth: int) -> Array:
        n_items = math.prod(shape)
        if kind in _NUMBERS:
            value = self._bulk(n_items)
            if flags & _COMPLEX:
                self._bulk(n_items)
            plain = not flags & (_COMPLEX | _LOGICAL)
            return Array(shape, "number" if plain else "other", value if plain and n_items == 1 else None)
        if kind == _CHAR:
            return self._text(shape)
        if kind in (_STRUCT, _OBJECT):
            if kind == _OBJECT:
                self._bytes(_MOST_FIELD_BYTES, {1, 2, 16})
            return self._struct(shape, depth)
        if kind in (_CELL, _FUNCTION):
            for _ in range(n_items if kind == _CELL else 1):
                self._inner(depth)
        elif kind == _SPARSE:
            for _ in range(4 if flags & _COMPLEX else 3):
                self._skip_element()
        else:
            raise HeaderFault("an array of an unknown class", "MATLAB arrays")
        return Array(shape)

    def _struct(self, shape: tuple[int, ...], depth: int) -> Array:
        length = self._numbers(4, {5})[0]
        names = self._bytes(_MOST_FIELD_BYTES, {1, 2, 16})
        if not 0 < length <= 256 or len(names) % length:
            raise HeaderFault("a structure whose field names are broken", "names of equal length")
        fields = [
            names[start : start + length].split(b"\0")[0].decode("latin-1") for start in range(0, len(names), length)
        ]
        n_items = math.prod(shape)
        found = {}
        for _ in range(n_items):
            for name in fields:
                found[name] = self._inner(depth)
        return Array(shape, "struct", fields=found if n_items == 1 else None)

    def _inner(self, depth: int) -> Array:
        kind, n_bytes, small = self._tag()
        if kind != _MATRIX or small:
            raise HeaderFault("an array that holds something else than arrays", "arrays")
        return self.matrix(n_bytes, depth + 1)[1]

    def _text(self, shape: tuple[int, ...]) -> Array:
        kind, n_bytes, small = self._tag()
        if kind not in _ITEM_BYTES or n_bytes > 4 * math.prod(shape):
            raise HeaderFault("a text of another length than it says", "whole texts")
        if n_bytes > 4096:
            self._skip_padded(n_bytes, small)
            return Array(shape, "text")
        encoding = {17: "utf-16", 4: "utf-16", 18: "utf-32"}.get(kind, "latin-1")
        encoding += {"<": "-le", ">": "-be"}[self._order] if encoding.startswith("utf") else ""
        return Array(shape, "text", self._padded(n_bytes, small).decode(encoding, errors="replace"))

    def _bulk(self, n_items: int) -> float | None:
        """Pass over the numbers of an array; return the number when it is a single one."""
        kind, n_bytes, small = self._tag()
        if kind not in _CODES or n_bytes != n_items * _ITEM_BYTES[kind]:
            raise HeaderFault(f"{n_bytes} bytes of numbers", f"{n_items} numbers")
        if n_items == 1:
            return float(struct.unpack(self._order + _CODES[kind], self._padded(n_bytes, small))[0])
        self._skip_padded(n_bytes, small)
        return None

    def _numbers(self, most_bytes: int, kinds: set[int]) -> tuple[int, ...]:
        content = self._bytes(most_bytes, kinds)
        return struct.unpack(
            f"{self._order}{len(content) // 4}{'I' if 6 in kinds else 'i'}", content[: len(content) // 4 * 4]
        )

    def _bytes(self, most_bytes: int, kinds: set[int]) -> bytes:
        kind, n_bytes, small = self._tag()
        if kind not in kinds or n_bytes > most_bytes or (n_bytes < 4 and kinds & {5, 6}):
            raise HeaderFault("an element of an unexpected kind or size", "flags, dimensions and a name for each array")
        return self._padded(n_bytes, small)

    def _skip_element(self) -> None:
        kind, n_bytes, small = self._tag()
        if kind not in _ITEM_BYTES:
            raise HeaderFault("numbers of an unknown kind", "MATLAB numbers")
        self._skip_padded(n_bytes, small)

    def _tag(self) -> tuple[int, int, bool]:
        """Return kind, size, and whether the value lies in the second half of the tag."""
        self._n_elements += 1
        if self._n_elements > _MOST_ELEMENTS:
            raise HeaderFault(f"more than {_MOST_ELEMENTS} elements", "fewer")
        kind = struct.unpack(self._order + "I", self.source.read(4))[0]
        if kind >> 16:
            if kind >> 16 > 4:
                raise HeaderFault("a small element of more than 4 bytes", "at most 4")
            return kind & 0xFFFF, kind >> 16, True
        return kind, struct.unpack(self._order + "I", self.source.read(4))[0], False

    def _padded(self, n_bytes: int, small: bool) -> bytes:
        content = self.source.read(n_bytes)
        self.source.skip((4 - n_bytes) if small else -n_bytes % 8)
        return content

    def _skip_padded(self, n_bytes: int, small: bool) -> None:
        self.source.skip(4 if small else n_bytes + -n_bytes % 8)
