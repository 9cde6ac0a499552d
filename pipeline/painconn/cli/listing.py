"""``painconn list``: the registries, as tables."""

from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from painconn.errors import InputError, Problem
from painconn.provenance import SHIPPED

if TYPE_CHECKING:
    from painconn.connectivity.definition import MeasureDefinition
    from painconn.connectivity.graph.registry import GraphMeasureDefinition

_REGISTRIES = {
    "measures": ("painconn.connectivity.registry", "MEASURES"),
    "graph_measures": ("painconn.connectivity.graph.registry", "GRAPH_MEASURES"),
    "classifiers": ("painconn.prediction.registry", "CLASSIFIERS"),
    "inverses": ("painconn.cortex.registry", "INVERSES"),
    "readers": ("painconn.recordings.registry", "READERS"),
    "checks": ("painconn.recordings.registry", "CHECKS"),
    "phenotypes": ("painconn.recordings.registry", "PHENOTYPES"),
}
_PARAGRAPHS = {"measures": "facts_of", "graph_measures": "graph_facts_of"}
_HIDDEN = {"function"}
_INDENT = 4


def print_registry(name: str) -> None:
    """Print a registry: measures as paragraphs, which narrow windows can hold, the others as a table."""
    console = Console()
    if name in _PARAGRAPHS:
        facts_of = getattr(import_module("painconn.connectivity.facts"), _PARAGRAPHS[name])
        for definition in _registry(name):
            console.print(_paragraph(definition, facts_of(definition)), highlight=False)
        return
    rows = _datasets() if name == "datasets" else [_shown(entry) for entry in _registry(name)]
    if not rows:
        raise InputError(Problem(f"list {name}", "no entries", "at least one", "reinstall painconn"))
    table = Table(title=name)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)


def _registry(name: str) -> list[Any]:
    module, variable = _REGISTRIES[name]
    return list(getattr(import_module(module), variable).values())


def _shown(entry: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(entry).items() if key not in _HIDDEN}


def _paragraph(measure: "MeasureDefinition | GraphMeasureDefinition", facts: dict[str, str]) -> Group:
    """Say what a measure is, what it needs and where it comes from."""
    told = [
        measure.description,
        "; ".join(facts.values()),
        *([f"doi:{measure.doi}"] if measure.doi else []),
    ]
    lines = Text("\n").join(Text(line) for line in told)
    return Group(Text(measure.name, style="bold"), Padding(lines, (0, 0, 1, _INDENT)))


def _datasets() -> list[dict[str, Any]]:
    import yaml

    rows = []
    for path in sorted((SHIPPED / "configs" / "datasets").glob("*.yaml")):
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows.append({"name": path.stem, **{key: described.get(key, "") for key in ("title", "licence", "doi")}})
    return rows
