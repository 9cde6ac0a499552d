"""``painconn list``: the registries, as tables."""

from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from painconn.connectivity.definition import MeasureDefinition
    from painconn.connectivity.graph.registry import GraphMeasureDefinition
    from painconn.recordings.registry import PhenotypeDefinition

_REGISTRIES = {
    "measures": ("painconn.connectivity.registry", "MEASURES"),
    "graph_measures": ("painconn.connectivity.graph.registry", "GRAPH_MEASURES"),
    "classifiers": ("painconn.prediction.registry", "CLASSIFIERS"),
    "inverses": ("painconn.cortex.registry", "INVERSES"),
    "parcellations": ("painconn.cortex.registry", "PARCELLATIONS"),
    "readers": ("painconn.recordings.registry", "READERS"),
    "checks": ("painconn.recordings.registry", "CHECKS"),
    "phenotypes": ("painconn.recordings.registry", "PHENOTYPES"),
}
_PARAGRAPHS = {"measures": "facts_of", "graph_measures": "graph_facts_of"}
_HIDDEN = {"function", "header", "companions", "folder"}
_INDENT = 4


def print_registry(name: str) -> None:
    """Print a registry: as a table, or as paragraphs, which narrow windows can hold, where an entry has much to say."""
    console = Console()
    if name in _PARAGRAPHS:
        facts_of = getattr(import_module("painconn.connectivity.facts"), _PARAGRAPHS[name])
        for definition in _registry(name):
            console.print(_paragraph(definition, facts_of(definition)), highlight=False)
        return
    if name == "datasets":
        _print_datasets(console)
        return
    if name == "presets":
        _print_presets(console)
        return
    if name == "phenotypes":
        for rule in _registry(name):
            console.print(_entry(f"{rule.name} (version {rule.version})", _rule_lines(rule)), highlight=False)
        return
    rows = [_shown(entry) for entry in _registry(name)]
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
    shown = {key: value for key, value in asdict(entry).items() if key not in _HIDDEN}
    return {key: ", ".join(value) if isinstance(value, tuple) else value for key, value in shown.items()}


def _paragraph(measure: "MeasureDefinition | GraphMeasureDefinition", facts: dict[str, str]) -> Group:
    """Say what a measure is, what it needs and where it comes from."""
    told = [
        measure.description,
        "; ".join(facts.values()),
        *([f"doi:{measure.doi}"] if measure.doi else []),
    ]
    return _entry(measure.name, told)


def _entry(name: str, told: list[str]) -> Group:
    lines = Text("\n").join(Text(line) for line in told)
    return Group(Text(name, style="bold"), Padding(lines, (0, 0, 1, _INDENT)))


def _rule_lines(rule: "PhenotypeDefinition") -> list[str]:
    """Say what a phenotype rule makes of which columns and where it comes from."""
    told = {
        "labels": ", ".join(rule.labels),
        "columns": ", ".join(rule.columns),
        "options": ", ".join(rule.options),
        "source": "; ".join(part for part in (rule.citation, rule.doi and f"doi:{rule.doi}") if part),
    }
    return [rule.description, *(f"{name}: {text}" for name, text in told.items() if text)]


def _print_datasets(console: Console) -> None:
    """Say for each dataset what it is, how large, on which terms and what it is good for."""
    from painconn.recordings.fetch.catalogue import dataset_names, load_dataset

    for dataset in map(load_dataset, dataset_names()):
        terms = dataset.licence if dataset.licence_public_domain else f"{dataset.licence}: --accept-licence"
        told = [
            dataset.title,
            f"{dataset.people} people; about {dataset.size_gb:g} GB; {terms}",
            f"good for: {dataset.good_for}",
            *([f"doi:{dataset.doi}"] if dataset.doi else []),
        ]
        console.print(_entry(dataset.name, told), highlight=False)


def _print_presets(console: Console) -> None:
    """Say for each simulated cohort what it is for, who is in it and how much is recorded."""
    from painconn.simulation.presets import DESCRIPTIONS, PRESETS

    for name, spec in PRESETS.items():
        people = ", ".join(f"{count} {group}" for group, count in spec.n_per_group.items())
        size = f"{len(spec.channels)} channels, {spec.protocol.duration_s / 60:.1f} min each"
        console.print(_entry(name, [DESCRIPTIONS[name], f"{people}; {size}"]), highlight=False)
