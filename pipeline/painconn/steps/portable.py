"""The resolved study without the folders of this machine: what is published, hashed and locked."""

from pathlib import Path
from typing import Any


def portable(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the study as it is everywhere: data by site, files by name."""
    sources = [source | {"root": f"data of {source['site']}"} for source in settings["data"]["sources"]]
    manual = settings["cleaning"]["manual_decisions"]
    cleaning = settings["cleaning"] | {"manual_decisions": Path(manual).name if manual else None}
    data = settings["data"]
    participants = data["participants"] | {"table": _portable_path(data["participants"]["table"])}
    participants["more_tables"] = [_portable_path(table) for table in participants["more_tables"]]
    phenotype = data["phenotype"] | {"table": _portable_path(data["phenotype"]["table"])}
    data = data | {"sources": sources, "participants": participants, "phenotype": phenotype}
    return settings | {"data": data, "cleaning": cleaning, "cortex": portable_cortex(settings["cortex"])}


def portable_cortex(cortex: dict[str, Any]) -> dict[str, Any]:
    """Return the section with the files of the user's heads and regions by their names."""
    of_heads = ("subjects_dir", "transform", "bem_solution")
    cortex = cortex | {name: _portable_path(cortex[name]) for name in of_heads}
    chosen = cortex["parcellation"]
    if isinstance(chosen, str):
        return cortex
    annot = {side: Path(path).name for side, path in chosen["annot"].items()} if chosen["annot"] else None
    coordinates = Path(chosen["coordinates"]).name if chosen["coordinates"] else None
    return cortex | {"parcellation": chosen | {"annot": annot, "coordinates": coordinates}}


def _portable_path(path: str | None) -> str | None:
    """Return a path below the data folder as it is, any other as its name."""
    return Path(path).name if path is not None and Path(path).is_absolute() else path
