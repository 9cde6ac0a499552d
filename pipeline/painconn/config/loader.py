"""Reading a study file: text labels, line numbers, duplicate keys refused, every problem at once.

Plain scalars stay text (``001`` and ``no`` are labels, not a number and a truth value); the models convert what they
declare as a number. Only ``null``, ``~`` and nothing at all mean "not given".
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from painconn.config.base import PATTERNS
from painconn.config.study import DisagreementError, StudyConfig
from painconn.errors import ConfigError, Problem

_NULLS = {"null", "~", ""}
_PLAIN_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "value", "seq", "map"}
_Loc = tuple[str | int, ...]


class _Document:
    """A YAML document as plain text values, with the line of every key and the problems met."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[_Loc, int] = {}
        self.problems: list[Problem] = []

    def where(self, loc: _Loc) -> str:
        """Return ``file, line N, field a.b.c`` for the deepest part of a location that has a line."""
        known = loc
        while known and known not in self.lines:
            known = known[:-1]
        field = ".".join(str(part) for part in loc) or "(top level)"
        line = f", line {self.lines[known]}" if known in self.lines else ""
        return f"{self.source}{line}, {field}"

    def construct(self, node: yaml.Node, loc: _Loc = ()) -> Any:
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

    def _mapping(self, node: yaml.Node, loc: _Loc) -> dict[str, Any]:
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


def load_study(path: Path) -> StudyConfig:
    """Read and validate a study file; relative paths in it resolve against the file.

    Parameters
    ----------
    path : Path
        A YAML study file.

    Returns
    -------
    study : StudyConfig
        The validated, frozen study.

    Raises
    ------
    ConfigError
        With every problem at once: file, line and field, what was found and wanted, what to do.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            Problem(str(path), "no such file", "a study file", "check the path, or `painconn init FOLDER`")
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem(str(path), str(error), "a readable UTF-8 file", "save the file as UTF-8 text")
        ) from None
    document = _Document(str(path))
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(
            Problem(str(path), " ".join(str(error).split()), "valid YAML", "mend the line named")
        ) from None
    values = document.construct(node) if node is not None else {}
    if not isinstance(values, dict):
        raise ConfigError(
            Problem(str(path), type(values).__name__, "a mapping of sections", "start from `painconn init`")
        )
    values.setdefault("name", _name_from(path))
    return _resolve_paths(_validate(values, document), path.resolve().parent)


def study_from_mapping(values: Mapping[str, Any], *, source: str, folder: Path) -> StudyConfig:
    """Validate a mapping that was parsed elsewhere; labels that are not text any more are refused.

    Parameters
    ----------
    values : mapping
        Sections of a study, for example the ``config`` of a Snakemake module.
    source : str
        What to call the mapping in messages.
    folder : Path
        Where relative paths start.

    Raises
    ------
    ConfigError
        Also when a label reached us as a number or a truth value: YAML has turned ``001`` into 1 by then.
    """
    document = _Document(source)
    document.problems.extend(_lost_labels(values, source))
    return _resolve_paths(_validate(dict(values), document), folder)


def _lost_labels(values: Any, source: str, loc: _Loc = ()) -> list[Problem]:
    if isinstance(values, Mapping):
        items: Sequence[tuple[Any, Any]] = list(values.items())
    elif isinstance(values, list | tuple):
        items = list(enumerate(values))
    else:
        return []
    problems = []
    for key, value in items:
        child = (*loc, key)
        where = f"{source}, {'.'.join(map(str, child))}"
        if isinstance(values, Mapping) and not isinstance(key, str):
            problems.append(
                Problem(
                    where, f"the key {key!r} ({type(key).__name__})", "text", "quote the key, or pass `study: PATH`"
                )
            )
        if isinstance(value, bool | int | float) and not isinstance(value, str) and _is_label_field(child):
            found = f"{value!r} ({type(value).__name__})"
            problems.append(
                Problem(where, found, "text: the label may have been 001 or no", "quote it, or pass `study: PATH`")
            )
        problems.extend(_lost_labels(value, source, child))
    return problems


_LABEL_FIELDS = {"a", "b", "condition", "site", "name", "column", "task", "exclude", "block", "events"}


def _is_label_field(loc: _Loc) -> bool:
    return any(part in _LABEL_FIELDS for part in loc[-2:])


def _validate(values: dict[str, Any], document: _Document) -> StudyConfig:
    try:
        study = StudyConfig.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        document.problems.extend(problem for detail in details for problem in _as_problems(detail, document))
        broken = {".".join(map(str, detail["loc"][:2])) for detail in details if detail["loc"]}
        if broken:
            rest = StudyConfig.disagreements_of_rest(values, broken)
            document.problems.extend(_disagreement(where, found, document) for where, found in rest)
        study = None
    if document.problems or study is None:
        raise ConfigError(document.problems)
    return study


def _as_problems(detail: ErrorDetails, document: _Document) -> Iterator[Problem]:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, DisagreementError):
        yield from (_disagreement(where, found, document) for where, found in error.problems)
    else:
        yield _as_problem(detail, document)


def _disagreement(where: str, found: str, document: _Document) -> Problem:
    return Problem(
        document.where(tuple(where.split("."))),
        found,
        "sections that go together",
        "change this key, or the section that it refers to",
    )


def _as_problem(detail: ErrorDetails, document: _Document) -> Problem:
    loc = _strip_union_tags(detail["loc"], document)
    where = document.where(loc)
    if detail["type"] == "extra_forbidden":
        names = _field_names(loc[:-1])
        close = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else "remove it"
        return Problem(where, f"the unknown key {loc[-1]}", f"one of: {', '.join(sorted(names))}", hint)
    if detail["type"] == "missing":
        return Problem(where, "nothing", f"a value for {loc[-1]}", "add the key; configs/default.yaml explains it")
    found, wanted = _found_and_wanted(detail)
    named = f"change {loc[-1]}" if loc and not isinstance(detail["input"], dict) else "change one of the keys named"
    return Problem(where, found, wanted, f"{named}; configs/default.yaml explains each key")


def _found_and_wanted(detail: ErrorDetails) -> tuple[str, str]:
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


def _strip_union_tags(loc: _Loc, document: _Document) -> _Loc:
    """Drop the parts that pydantic adds for a union member or a key: they are no keys of the file."""
    kept: _Loc = ()
    for part in loc:
        candidate = (*kept, part)
        if part == "[key]":
            continue
        if part in ("str", "Observation") and document.lines and candidate not in document.lines:
            continue
        kept = candidate
    return kept


def _field_names(loc: _Loc) -> list[str]:
    model: Any = StudyConfig
    for part in loc:
        if (
            isinstance(part, str)
            and isinstance(model, type)
            and issubclass(model, BaseModel)
            and part in model.model_fields
        ):
            model = _inner_model(model.model_fields[part].annotation)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        inner = _inner_model(argument)
        if inner is not None:
            return inner
    return None


def _name_from(path: Path) -> str:
    return "".join(character for character in path.stem if character.isalnum()) or "study"


def _resolve_paths(study: StudyConfig, folder: Path) -> StudyConfig:
    sources = tuple(source.model_copy(update={"root": folder / source.root}) for source in study.data.sources)
    data = study.data.model_copy(update={"sources": sources})
    manual = study.cleaning.manual_channels
    cleaning = study.cleaning.model_copy(update={"manual_channels": folder / manual if manual else None})
    return study.model_copy(update={"data": data, "cleaning": cleaning})


def with_data_root(study: StudyConfig, root: Path) -> StudyConfig:
    """Return the study with its only source's root replaced (``--data DIR``).

    Raises
    ------
    ConfigError
        When the study has several sources: which one is meant cannot be known.
    """
    if len(study.data.sources) != 1:
        found = f"{len(study.data.sources)} sources"
        raise ConfigError(
            Problem("--data", found, "a study with one source", "edit the roots in the study file instead")
        )
    source = study.data.sources[0].model_copy(update={"root": root})
    return study.model_copy(update={"data": study.data.model_copy(update={"sources": (source,)})})
