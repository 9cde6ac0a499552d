"""Reading a YAML file of settings: text values, line numbers, duplicate keys and tags refused, problems in words.

Plain scalars stay text (``001`` and ``no`` are labels, not a number and a truth value); the models convert what they
declare as a number. Only ``null``, ``~`` and nothing at all mean "not given".
"""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from painconn.config.base import PATTERNS
from painconn.errors import ConfigError, Problem

_NULLS = {"null", "~", ""}
_PLAIN_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "value", "seq", "map"}
_Model = TypeVar("_Model", bound=BaseModel)

Loc = tuple[str | int, ...]
"""Keys and indices from the top of a document to a value."""


class Document:
    """A YAML document as plain text values, with the line of every key and the problems met."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[Loc, int] = {}
        self.problems: list[Problem] = []

    def where(self, loc: Loc) -> str:
        """Return ``file, line N, field a.b.c`` for the deepest part of a location that has a line."""
        known = loc
        while known and known not in self.lines:
            known = known[:-1]
        field = ".".join(str(part) for part in loc) or "(top level)"
        line = f", line {self.lines[known]}" if known in self.lines else ""
        return f"{self.source}{line}, {field}"

    def construct(self, node: yaml.Node, loc: Loc = ()) -> Any:
        """Turn a node into text, lists and dicts."""
        self.lines.setdefault(loc, node.start_mark.line + 1)
        if node.tag.rpartition(":")[2] not in _PLAIN_TAGS:
            self.problems.append(
                Problem(self.where(loc), f"the tag {node.tag}", "a plain value", "write the value without a tag")
            )
        if isinstance(node, yaml.ScalarNode):
            return None if node.style is None and node.value in _NULLS else str(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.construct(child, (*loc, index)) for index, child in enumerate(node.value)]
        return self._mapping(node, loc)

    def _mapping(self, node: yaml.Node, loc: Loc) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            child = (*loc, key)
            if key in values:
                found = f"the key {key} again (first in line {self.lines[child]})"
                where = f"{self.source}, line {key_node.start_mark.line + 1}, {'.'.join(map(str, child))}"
                self.problems.append(Problem(where, found, "each key once", "keep one of the two"))
                continue
            self.lines[child] = key_node.start_mark.line + 1
            values[key] = self.construct(value_node, child)
        return values


def load_model(path: Path, model: type[_Model], *, what: str) -> _Model:
    """Read and validate a YAML file that is not a study file, by the same rules.

    Parameters
    ----------
    path : Path
        A YAML file.
    model : type
        What its keys have to be.
    what : str
        What to call such a file in messages.

    Raises
    ------
    ConfigError
        With every problem at once: file, line and field, what was found and wanted, what to do.
    """
    values, document = read_document(path, what, "reinstall painconn")
    try:
        validated = model.model_validate(values)
    except ValidationError as error:
        document.problems.extend(
            Problem(document.where(detail["loc"]), *found_and_wanted(detail), "correct the file")
            for detail in error.errors(include_url=False)
        )
        validated = None
    if document.problems or validated is None:
        raise ConfigError(document.problems)
    return validated


def read_document(path: Path, what: str, otherwise: str) -> tuple[dict[str, Any], Document]:
    """Read a YAML mapping as text values, with the lines of its keys."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(Problem(str(path), "no such file", what, f"check the path, or {otherwise}")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem(str(path), str(error), "a readable UTF-8 file", "save the file as UTF-8 text")
        ) from None
    document = Document(str(path))
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(
            Problem(str(path), " ".join(str(error).split()), "valid YAML", "mend the line named")
        ) from None
    values = document.construct(node) if node is not None else {}
    if not isinstance(values, dict):
        raise ConfigError(
            Problem(str(path), type(values).__name__, "a mapping of sections", f"check the file, or {otherwise}")
        )
    return values, document


def found_and_wanted(detail: ErrorDetails) -> tuple[str, str]:
    """Divide what a check says into what was found and what is wanted instead."""
    value = detail["input"]
    given = "these settings" if isinstance(value, dict) else value if value and isinstance(value, str) else repr(value)
    message = detail["msg"]
    if detail["type"] == "string_pattern_mismatch":
        return given, PATTERNS.get(detail["ctx"]["pattern"], message)
    if detail["type"] != "value_error":
        return given, message.removeprefix("Input should be ")
    message = message.removeprefix("Value error, ")
    for separator in ("wanted ", "; there are: "):
        found, separated, wanted = message.partition(separator)
        if separated and separator not in wanted and ";" not in wanted:
            return found.rstrip(" ,:") or given, f"one of: {wanted}" if separator.startswith(";") else wanted
    return message, "settings that fit each other" if isinstance(value, dict) else "a value that this key can take"
