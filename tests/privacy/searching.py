"""Search every byte of a folder, also of what is packed inside its files."""

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyarrow.parquet import ParquetFile

_EMBEDDED = re.compile(rb"base64,\s*([A-Za-z0-9+/=\s]{16,})")


def found_in(content: bytes, words: Iterable[str]) -> set[str]:
    """Return the words that occur in some bytes, in any case, as UTF-8 or as UTF-16."""
    wanted = {word.lower().encode(): word for word in words}
    alike: dict[bytes, set[bytes]] = {}
    for text in wanted:
        alike.setdefault(text[:2], set()).add(text)
    haystacks = {part.lower() for part in _layers(content)}
    return {
        wanted[text]
        for haystack in haystacks
        for start, texts in alike.items()
        for text in (_begun(haystack, start, texts) if len(texts) > 1 else texts)
        if text in haystack
    }


def _begun(haystack: bytes, start: bytes, texts: set[bytes]) -> set[bytes]:
    """Return those of many texts of one start that occur: the start is looked for once, not every text."""
    lengths = {len(text) for text in texts}
    found = set()
    place = haystack.find(start)
    while place >= 0:
        found |= texts & {haystack[place : place + length] for length in lengths}
        place = haystack.find(start, place + 1)
    return found


def found_below(folder: Path, words: Iterable[str]) -> dict[str, set[str]]:
    """Return the words by the file (relative path) in whose name or content they occur."""
    words = tuple(words)
    hits: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        content = path.read_bytes() if path.is_file() else b""
        words_found = found_in(name.encode(), words) | found_in(content, words)
        if path.suffix == ".parquet":
            words_found |= found_in(_parquet_text(path), words)
        if words_found:
            hits[name] = words_found
    return hits


def _layers(content: bytes) -> Iterator[bytes]:
    yield content
    if b"\x00" in content:
        yield content.replace(b"\x00", b"")
    if content[:2] == b"\x1f\x8b":
        yield from _layers(gzip.decompress(content))
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from _layers(archive.read(name))
    for match in _EMBEDDED.finditer(content):
        try:
            yield from _layers(base64.b64decode(match[1]))
        except ValueError:
            continue


def _parquet_text(path: Path) -> bytes:
    file = ParquetFile(path)
    table = file.read()
    texts = [repr(file.metadata), repr(file.schema_arrow.metadata), *table.column_names]
    texts += [str(value) for column in table.columns if not str(column.type).startswith(("double", "float", "int"))
              for value in column.to_pylist()]  # fmt: skip
    return "\n".join(texts).encode()
