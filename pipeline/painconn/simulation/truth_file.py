"""Reading a truth file: the YAML that declares a cohort, as changes to a preset; every problem at once.

Conventions of this file: a mapping refines what the preset has, key by key, and null takes a key away; a list or a
value replaces.
"""

import difflib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from painconn.config.document import Document, Loc, found_and_wanted, read_document
from painconn.errors import ConfigError, DesignError, Problem
from painconn.simulation.caps import CAPS
from painconn.simulation.cohort import BODY, CohortSpec
from painconn.simulation.known_names import unknown_names
from painconn.simulation.presets import PRESETS
from painconn.simulation.specification import Artefacts, Covariates, Restlessness

DEFAULT_PRESET = "planted"
"""What a truth file changes when it names no preset, and what is simulated without one."""

_GUIDE = "the guide page `simulate` explains each key"
_IN_YAML = {"tuple_type": "a list", "dict_type": "a mapping", "mapping_type": "a mapping"}
"""What a kind of value is called in the file."""


def preset_named(name: str, *, where: str) -> CohortSpec:
    """Return a preset.

    Raises
    ------
    ConfigError
        There is none of that name; `where` says where it was asked for.
    """
    if name not in PRESETS:
        close = difflib.get_close_matches(name, PRESETS, n=1)
        fix = f"did you mean {close[0]}?" if close else "see `painconn list presets`"
        raise ConfigError(Problem(where, f"the unknown preset {name}", f"one of: {', '.join(PRESETS)}", fix))
    return PRESETS[name]


def load_truth(path: Path) -> CohortSpec:
    """Read a truth file.

    Parameters
    ----------
    path : Path
        YAML with the names of :mod:`painconn.simulation.specification`, ``preset:`` and ``channels:`` as a list or the
        name of a cap.

    Returns
    -------
    spec : CohortSpec
        Named after the file unless it says otherwise.

    Raises
    ------
    ConfigError
        With every problem at once: file, line and field, what was found and wanted, what to do.
    """
    values, document = read_document(path, "a truth file", "name a preset with --preset")
    base = _base(values.pop("preset", DEFAULT_PRESET), document)
    values.setdefault("name", path.stem)
    spec = _validated(_changed(base, _with_channels(values, document)), document)
    if spec is not None:
        document.problems.extend(
            Problem(document.where(loc), found, wanted, fix) for loc, found, wanted, fix in unknown_names(spec)
        )
    if document.problems or spec is None:
        raise ConfigError(document.problems)
    return spec


def _base(name: Any, document: Document) -> CohortSpec:
    where = document.where(("preset",))
    if isinstance(name, str):
        try:
            return preset_named(name, where=where)
        except ConfigError as error:
            document.problems.extend(error.problems)
    else:
        # YAML takes the name of the preset `null` for nothing at all.
        wanted = 'the name of a preset; that of the preset null in quotes: "null"'
        document.problems.append(Problem(where, "no text", wanted, "write the name, or remove the key"))
    return PRESETS[DEFAULT_PRESET]


def _with_channels(values: dict[str, Any], document: Document) -> dict[str, Any]:
    name = values.get("channels")
    if not isinstance(name, str):
        return values
    if name in CAPS:
        return values | {"channels": CAPS[name]}
    close = difflib.get_close_matches(name, CAPS, n=1)
    fix = f"did you mean {close[0]}?" if close else "name a cap, or list the channels"
    document.problems.append(Problem(document.where(("channels",)), name, f"a list, or one of: {', '.join(CAPS)}", fix))
    return {key: value for key, value in values.items() if key != "channels"}


def _changed(base: Any, given: Any) -> Any:
    """Return what is given, and the rest of a part or mapping as it was."""
    if not isinstance(given, dict):
        return given
    if is_dataclass(base):
        known = {one.name: getattr(base, one.name) for one in fields(base)}
        return known | {key: _changed(known.get(key), value) for key, value in given.items()}
    if isinstance(base, Mapping):
        changed = {**base, **{key: _changed(base.get(key), value) for key, value in given.items()}}
        return {key: value for key, value in changed.items() if value is not None}
    return given


def _validated(values: dict[str, Any], document: Document) -> CohortSpec | None:
    try:
        return TypeAdapter(CohortSpec).validate_python(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        document.problems.extend(_as_problem(detail, document) for detail in details)
    except DesignError as error:
        places = _places(values)
        for problem in error.problems:
            where = document.where(places.get(problem.where, tuple(problem.where.split("."))))
            # What a preset says has no line of its own, so that its name is told.
            found = f"{problem.found} ({problem.where})" if problem.where in places else problem.found
            document.problems.append(Problem(where, found, problem.wanted, problem.fix))
    return None


def _places(values: Mapping[str, Any]) -> dict[str, Loc]:
    """Return where in the file what a message names is written."""
    adapters = {
        "couplings": ("coupling {name}", "trait coupling:{name}"),
        "effects": ("effect on {trait} by {by}",),
        "rhythms": ("trait peak:{name}", "trait moment:{name}", "trait suppression:{name}"),
    }
    places: dict[str, Loc] = {f"trait {name}": (name,) for name in BODY}
    for section, texts in adapters.items():
        for index, item in enumerate(values.get(section, ())):
            told = item if isinstance(item, Mapping) else vars(item)
            places |= {text.format(**{"name": "", "trait": "", "by": "", **told}): (section, index) for text in texts}
    for section, part in (("artefacts", Artefacts), ("restlessness", Restlessness)):
        places |= {f"trait artefact:{name}": (section, name) for name in get_type_hints(part)}
    for name in get_type_hints(Covariates):
        places |= {f"covariate {name}": ("covariates", name), f"trait {name}": ("covariates", name)}
    return places


def _as_problem(detail: ErrorDetails, document: Document) -> Problem:
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    where = document.where(loc)
    if detail["type"] == "unexpected_keyword_argument":
        names = [one.name for one in _fields_at(loc[:-1])] + (["preset"] if len(loc) == 1 else [])
        close = difflib.get_close_matches(str(loc[-1]), names, n=1)
        fix = f"did you mean {close[0]}?" if close else "remove it"
        return Problem(where, f"the unknown key {loc[-1]}", f"one of: {', '.join(sorted(names))}", fix)
    if detail["type"] == "missing":
        return Problem(where, "nothing", f"a value for {loc[-1]}", f"add the key; {_GUIDE}")
    found, wanted = found_and_wanted(detail)
    if detail["type"] == "dataclass_type":
        wanted = f"a mapping with: {', '.join(one.name for one in _fields_at(loc))}"
    wanted = _IN_YAML.get(detail["type"], wanted)
    name = next((part for part in reversed(loc) if isinstance(part, str)), "it")
    return Problem(where, found, wanted, f"change {name}; {_GUIDE}")


def _fields_at(loc: Loc) -> tuple[Any, ...]:
    """Return the keys that a place of the file can have."""
    part: Any = CohortSpec
    for key in loc:
        hints = get_type_hints(part) if isinstance(key, str) and part else {}
        part = _part_in(hints[key]) if key in hints else part
    return fields(part) if part else ()


def _part_in(annotation: Any) -> Any:
    """Return the part that an annotation holds, such as ``Spread | None`` or ``tuple[Coupling, ...]``."""
    if is_dataclass(annotation):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _part_in(inner))), None)
