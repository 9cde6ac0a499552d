"""Reading single header fields: bounded, and told by the name of the field, never by its text."""

import math
import re
import struct
from pathlib import Path

from painconn.recordings.headers.outline import HeaderFault

_MOST_TEXT_BYTES = 64 << 20
_LONGEST_LINE = 4096
# Readers search lines with patterns whose time grows with the square of a run of blanks.
_MANY_BLANKS = " " * 256
_NUMBER = re.compile(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,3})?")


def read_start(path: Path, n_bytes: int) -> bytes:
    """Read the first bytes of a file; fewer are a fault."""
    with path.open("rb") as stream:
        content = stream.read(n_bytes)
    if len(content) < n_bytes:
        raise HeaderFault(f"{len(content)} bytes", f"a header of {n_bytes} bytes")
    return content


def read_lines(path: Path, *, longest: int = _LONGEST_LINE) -> list[str]:
    """Read a text header; one of more than 64 MiB, or with endless lines, is none."""
    with path.open("rb") as stream:
        content = stream.read(_MOST_TEXT_BYTES + 1)
    if len(content) > _MOST_TEXT_BYTES:
        raise HeaderFault("a text header above 64 MiB", "a text header")
    text = content.decode("utf-8", errors="replace")
    lines = text.splitlines()
    if _MANY_BLANKS in text.replace("\t", " ") or max(map(len, lines), default=0) > longest:
        raise HeaderFault(f"a line of more than {longest} characters, or of blanks", "a text header")
    return lines


def sections_of(lines: list[str], *, until: str = "") -> dict[str, dict[str, str]]:
    """Return field by name, by section: ``[Section]``, then ``name=value``; ``""`` is what stands before the first.

    A name that occurs again in its section keeps its first value; a line `until` ends the reading.
    """
    fields: dict[str, str] = {}
    sections = {"": fields}
    for line in lines:
        text = line.strip()
        if until and text == until:
            break
        if text.startswith("[") and text.endswith("]"):
            fields = sections.setdefault(text[1:-1], {})
        elif not text.startswith(";") and "=" in text:
            name, _, value = text.partition("=")
            fields.setdefault(name.rstrip(), value.lstrip())
    return sections


def number(field: bytes | str, name: str) -> float:
    """Parse a finite number, padded with spaces or zero bytes."""
    text = (field.decode("latin-1") if isinstance(field, bytes) else field).strip("\x00 \t\r\n")
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise HeaderFault(f"{name} is not a number", "a finite number")
    return float(text)


def whole(field: bytes | str, name: str) -> int:
    """Parse a whole number."""
    value = number(field, name)
    if value != int(value):
        raise HeaderFault(f"{name} is not a whole number", "a whole number")
    return int(value)


def unpack(layout: str, content: bytes, offset: int = 0) -> tuple[int, ...]:
    """Unpack binary fields; content that is too short is a fault."""
    try:
        return struct.unpack_from(layout, content, offset)
    except struct.error:
        raise HeaderFault(f"{len(content)} bytes of header", f"at least {offset + struct.calcsize(layout)}") from None
