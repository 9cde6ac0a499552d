"""Reading a study file: every problem at once, with file, line and field; relative paths resolve against the file."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from painconn.config.document import Document, Loc, found_and_wanted, read_document
from painconn.config.parcellation import UserParcellation
from painconn.config.study import DisagreementError, StudyConfig
from painconn.errors import ConfigError, Problem


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
    values, document = read_document(path, "a study file", "`painconn init FOLDER`")
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
    document = Document(source)
    document.problems.extend(_lost_labels(values, source))
    return _resolve_paths(_validate(dict(values), document), folder)


def _lost_labels(values: Any, source: str, loc: Loc = ()) -> list[Problem]:
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


def _is_label_field(loc: Loc) -> bool:
    return any(part in _LABEL_FIELDS for part in loc[-2:])


def _validate(values: dict[str, Any], document: Document) -> StudyConfig:
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


def _as_problems(detail: ErrorDetails, document: Document) -> Iterator[Problem]:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, DisagreementError):
        yield from (_disagreement(where, found, document) for where, found in error.problems)
    else:
        yield _as_problem(detail, document)


def _disagreement(where: str, found: str, document: Document) -> Problem:
    return Problem(
        document.where(tuple(where.split("."))),
        found,
        "sections that go together",
        "change this key, or the section that it refers to",
    )


def _as_problem(detail: ErrorDetails, document: Document) -> Problem:
    loc = _strip_union_tags(detail["loc"], document)
    where = document.where(loc)
    if detail["type"] == "extra_forbidden":
        names = _field_names(loc[:-1])
        close = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else "remove it"
        return Problem(where, f"the unknown key {loc[-1]}", f"one of: {', '.join(sorted(names))}", hint)
    if detail["type"] == "missing":
        return Problem(where, "nothing", f"a value for {loc[-1]}", "add the key; configs/default.yaml explains it")
    found, wanted = found_and_wanted(detail)
    named = f"change {loc[-1]}" if loc and not isinstance(detail["input"], dict) else "change one of the keys named"
    return Problem(where, found, wanted, f"{named}; configs/default.yaml explains each key")


def _strip_union_tags(loc: Loc, document: Document) -> Loc:
    """Drop the parts that pydantic adds for a union member or a key: they are no keys of the file."""
    kept: Loc = ()
    for part in loc:
        candidate = (*kept, part)
        if part == "[key]":
            continue
        if part in ("str", "Observation", "UserParcellation") and document.lines and candidate not in document.lines:
            continue
        kept = candidate
    return kept


def _field_names(loc: Loc) -> list[str]:
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
    manual = study.cleaning.manual_decisions
    cleaning = study.cleaning.model_copy(update={"manual_decisions": folder / manual if manual else None})
    in_cortex = {name: getattr(study.cortex, name) for name in ("subjects_dir", "transform", "bem_solution")}
    paths = {name: folder / path.expanduser() for name, path in in_cortex.items() if path is not None}
    chosen = study.cortex.parcellation
    regions = {"parcellation": chosen.in_folder(folder)} if isinstance(chosen, UserParcellation) else {}
    cortex = study.cortex.model_copy(update=paths | regions)
    return study.model_copy(update={"data": data, "cleaning": cleaning, "cortex": cortex})


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
