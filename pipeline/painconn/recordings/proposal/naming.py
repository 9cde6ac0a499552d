"""A pattern guessed from file names."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from painconn.recordings.pattern import LABEL, parse_name

_WORD = re.compile(r"[A-Za-z0-9]+|[^A-Za-z0-9]+")
_CODED = re.compile(r"([A-Za-z]+)(\d+)([A-Za-z]*)(\d*)")
_PART_BY_LITERAL = {"run": "run", "ses": "session", "session": "session", "visit": "session", "task": "task"}


def guess_pattern(names: Sequence[str], ids: Sequence[str] = ()) -> str | None:
    """Guess the pattern behind file names.

    The first word that varies, or the one that is an identifier of the participants table, is the participant; a
    varying word after ``run``, ``ses`` or ``visit`` is that; the next one is the task. Words that never vary stay as
    they are.

    Parameters
    ----------
    names : sequence of str
        Relative paths with ``/``, without their suffix.
    ids : sequence of str
        Identifiers in the participants table.

    Returns
    -------
    pattern : str or None
        Without the suffix; None when the names have no common structure that reads back.
    """
    shapes: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for name in names:
        pieces = _pieces(name, frozenset(ids))
        shapes[tuple("w" if piece.isalnum() else piece for piece in pieces)].append(pieces)
    if not shapes:
        return None
    rows = max(shapes.values(), key=len)
    columns = _split_coded(list(zip(*rows, strict=True)), frozenset(ids))
    pattern = _pattern_of(columns, frozenset(ids))
    if pattern is None:
        return None
    parsed = [parse_name(pattern, "".join(column[row] for column in columns)) for row in range(len(rows))]
    clean = all(parts and all(LABEL.fullmatch(label) for label in parts.values()) for parts in parsed)
    unique = len({tuple(sorted(parts.items())) for parts in parsed if parts}) == len(rows)
    return pattern if clean and unique else None


def common_prefix(ids: Sequence[str]) -> str:
    """Return the letters that all identifiers start with, when only digits follow everywhere; else ``""``."""
    matches = [re.fullmatch(r"([A-Za-z]+)\d+", identifier) for identifier in ids]
    prefixes = {match[1] if match else "" for match in matches}
    return prefixes.pop() if len(prefixes) == 1 else ""


def _pieces(name: str, ids: frozenset[str]) -> list[str]:
    """Words and separators; an identifier that a word starts with becomes a word of its own."""
    pieces: list[str] = []
    for piece in _WORD.findall(name):
        known = max((identifier for identifier in ids if piece.startswith(identifier)), key=len, default="")
        pieces += [known, piece[len(known) :]] if known and known != piece else [piece]
    return pieces


def _split_coded(columns: list[tuple[str, ...]], ids: frozenset[str]) -> list[tuple[str, ...]]:
    """Split words such as ``S001R01`` where their letters never vary."""
    split: list[tuple[str, ...]] = []
    for column in columns:
        matches = [_CODED.fullmatch(word) for word in column]
        letters = {(match[1], match[3]) if match else None for match in matches}
        if ids and set(column) <= ids and not common_prefix(column):
            split.append(column)
        elif len(letters) == 1 and None not in letters and len(set(column)) > 1:
            groups = zip(*(match.groups() for match in matches if match), strict=True)
            split += [group for group in groups if any(group)]
        else:
            split.append(column)
    return split


def _pattern_of(columns: list[tuple[str, ...]], ids: frozenset[str]) -> str | None:
    varying = [index for index, column in enumerate(columns) if len(set(column)) > 1 and all(map(str.isalnum, column))]
    prefix = common_prefix(sorted(ids))
    known = [index for index, column in enumerate(columns) if ids and {prefix + word for word in column} <= ids]
    known += [index for index, column in enumerate(columns) if ids and set(column) <= ids]
    coded = [index for index, column in enumerate(columns) if all(any(c.isdigit() for c in word) for word in column)]
    candidates = known or varying or coded
    if not candidates:
        return None
    participant, free, pattern = candidates[0], ["task", "run", "session"], ""
    for index, column in enumerate(columns):
        before = columns[index - 1][0].lower() if index else ""
        literal = (
            before if before.isalpha() else (columns[index - 2][0].lower() if index > 1 and before in "-_" else "")
        )
        if column == columns[participant]:
            part = "participant"
        elif index not in varying:
            pattern += Counter(column).most_common(1)[0][0]
            continue
        else:
            part = _PART_BY_LITERAL.get(literal, free[0] if free else "")
            if part not in free:
                return None
            free.remove(part)
        pattern += f"{{{part}}}"
    return pattern
