"""How a proposal writes names and lists."""

import json
from collections.abc import Collection, Iterable


def plain_label(text: str) -> str:
    """Keep the letters and digits of a text: a label for a study file."""
    return "".join(character for character in text if character.isascii() and character.isalnum())[:64]


def free_label(label: str, taken: Collection[str]) -> str:
    """Return the label, with a number when it is taken."""
    return next(key for key in (label, *(f"{label}x{number}" for number in range(2, 10_000))) if key not in taken)


def quoted(value: str) -> str:
    """Quote a value so that every YAML reader takes it as text."""
    return json.dumps(value, ensure_ascii=False)


def indented(spaces: int, lines: Iterable[str]) -> list[str]:
    """Indent lines."""
    return [" " * spaces + line for line in lines]


def listed(names: Collection[str], most: int = 5) -> str:
    """Join names, the first few of many."""
    return ", ".join(list(names)[:most]) + (" ..." if len(names) > most else "")
