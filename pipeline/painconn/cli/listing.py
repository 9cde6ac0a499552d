"""``painconn list``: the registries, as tables."""

from dataclasses import asdict
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.table import Table

from painconn.errors import InputError, Problem
from painconn.provenance import SHIPPED

_REGISTRIES = {
    "measures": ("painconn.connectivity.registry", "MEASURES"),
    "classifiers": ("painconn.prediction.registry", "CLASSIFIERS"),
    "inverses": ("painconn.cortex.registry", "INVERSES"),
    "readers": ("painconn.recordings.registry", "READERS"),
    "checks": ("painconn.recordings.registry", "CHECKS"),
    "phenotypes": ("painconn.recordings.registry", "PHENOTYPES"),
}
_HIDDEN = {"function"}


def print_registry(name: str) -> None:
    """Print a registry, a row per entry."""
    rows = _datasets() if name == "datasets" else _entries(name)
    if not rows:
        raise InputError(Problem(f"list {name}", "no entries", "at least one", "reinstall painconn"))
    table = Table(title=name)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


def _entries(name: str) -> list[dict[str, Any]]:
    module, variable = _REGISTRIES[name]
    entries = getattr(import_module(module), variable).values()
    return [{key: value for key, value in asdict(entry).items() if key not in _HIDDEN} for entry in entries]


def _datasets() -> list[dict[str, Any]]:
    import yaml

    rows = []
    for path in sorted((SHIPPED / "configs" / "datasets").glob("*.yaml")):
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows.append({"name": path.stem, **{key: described.get(key, "") for key in ("title", "licence", "doi")}})
    return rows
