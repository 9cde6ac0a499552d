"""Write configs/default.yaml and configs/schema.json from the config models, or check that they are in sync.

Usage: python tools/generate_config.py [--check]
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from painconn.config.checks import Checks
from painconn.config.data import Condition, Participants, Source
from painconn.config.phenotype import Phenotype
from painconn.config.study import StudyConfig
from painconn.config.targets import Contrast, Observation, PositiveControl, PrimaryFamily, Target

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
HEAD = """\
# Every option of a study file with its default, generated from the config models by tools/generate_config.py.
# A study file names only what differs; its required keys are shown here with an example.
"""
EXAMPLES: dict[tuple[type[BaseModel], str], Any] = {
    (StudyConfig, "name"): "mystudy",
    (Source, "root"): "../../data/mystudy",
    (Source, "layout"): "bids",
    (Condition, "kind"): "rest",
    (Condition, "n_epochs"): 60,
    (Observation, "condition"): "rest",
    (PositiveControl, "feature"): "power_rel__sensors__alpha__mean",
    (PositiveControl, "expected"): "higher",
}
CONTRAST = {
    "kind": "between", "column": "group", "a": "localized", "b": "widespread",
    "observation": {"condition": "rest", "window": "epoch"},
}  # fmt: skip
NESTED: dict[str, tuple[type[BaseModel], str | None]] = {
    "sources": (Source, "list"),
    "conditions": (Condition, "rest"),
    "participants": (Participants, None),
    "phenotype": (Phenotype, None),
    "checks": (Checks, None),
    "targets": (Target, "pain"),
    "primary": (PrimaryFamily, None),
}
WIDTH = 116


def comment(text: str, indent: str) -> list[str]:
    """Wrap a description into comment lines."""
    lines, line = [], f"{indent}#"
    for word in text.split():
        if len(line) + len(word) + 1 > WIDTH:
            lines.append(line)
            line = f"{indent}#"
        line += f" {word}"
    return [*lines, line]


def flow(value: Any) -> str:
    """Return a value as one line of YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str | Path):
        text = str(value)
        return json.dumps(text) if not text or text[0] in "{[*&#?|->!%@`'\"" or ": " in text else text
    return f"{value:g}" if isinstance(value, float) else str(value)


def default_of(model: type[BaseModel], name: str, field: FieldInfo) -> Any:
    """Return the default of a field, or the example of a required one."""
    value = EXAMPLES.get((model, name), field.get_default(call_default_factory=True))
    return None if value is PydanticUndefined else value


def render(model: type[BaseModel], indent: str = "") -> list[str]:
    """Return the lines of a section."""
    lines: list[str] = []
    for name, field in model.model_fields.items():
        annotation = field.annotation
        lines += comment(field.description or "", indent)
        if name in NESTED:
            inner, key = NESTED[name]
            lines.append(f"{indent}{name}:")
            lines += nested(inner, key, indent + "  ")
        elif annotation is Contrast:
            lines.append(f"{indent}{name}: {flow(CONTRAST)}")
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            lines.append(f"{indent}{name}:")
            lines += render(annotation, indent + "  ")
        elif (
            isinstance(default_of(model, name, field), dict) and len(flow(default_of(model, name, field))) > WIDTH - 20
        ):
            lines.append(f"{indent}{name}:")
            lines += [f"{indent}  {key}: {flow(item)}" for key, item in default_of(model, name, field).items()]
        else:
            lines.append(f"{indent}{name}: {flow(default_of(model, name, field))}")
    return lines


def nested(inner: type[BaseModel], key: str | None, indent: str) -> list[str]:
    """Return a section below a list entry, a named entry or nothing."""
    if key is None:
        return render(inner, indent)
    if key == "list":
        lines = render(inner, indent + "  ")
        first = next(index for index, line in enumerate(lines) if not line.lstrip().startswith("#"))
        return [*lines[:first], f"{indent}- {lines[first].lstrip()}", *lines[first + 1 :]]
    return [f"{indent}{key}:", *render(inner, indent + "  ")]


def main(arguments: list[str]) -> int:
    """Write the files, or say which ones are out of date."""
    schema = StudyConfig.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    wanted = {
        CONFIGS / "default.yaml": HEAD + "\n".join(render(StudyConfig)) + "\n",
        CONFIGS / "schema.json": json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
    }
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.name} is out of date: run python tools/generate_config.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
        print(f"written: {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
