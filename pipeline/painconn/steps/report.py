"""Study-wide: the page, the methods text, the resolved study and where everything came from."""

from pathlib import Path
from typing import Any

from painconn.paths import Results, SessionKey
from painconn.provenance import canonical_json, environment, file_hash, text_hash
from painconn.recordings.companions import Companions
from painconn.reporting.page import build_page, methods_of
from painconn.steps.portable import portable
from painconn.store import read_json, read_tsv, write_json, write_text


def run(results: Results, settings: dict[str, Any]) -> None:
    """Save the resolved study and the provenance, then build the page.

    Parameters
    ----------
    results : Results
        The results folder.
    settings : dict
        The whole resolved study.
    """
    write_json(results.group("study.json"), portable(settings))
    write_json(results.group("provenance.json"), _provenance(results, settings))
    rebuild(results)


def rebuild(results: Results) -> None:
    """Write the methods text and the page again from what is saved."""
    write_text(results.group("methods.md"), methods_of(results.root))
    write_text(results.page, build_page(results.root))


def _provenance(results: Results, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "environment": environment(),
        "seed": settings["seed"],
        "config_hash": text_hash(canonical_json(portable(settings))),
        "heads": _heads(results),
        "inputs": _inputs(results, settings),
        "jobs": _benchmarks(results),
    }


def _heads(results: Results) -> list[dict[str, Any]]:
    """Return every head that a session was analysed with."""
    inventory = read_json(results.inventory) if results.inventory.is_file() else {"sessions": []}
    sidecars = [results.connectivity(SessionKey.parse(session["name"])) for session in inventory["sessions"]]
    heads = [read_json(sidecar).get("head") for sidecar in sidecars if sidecar.is_file()]
    by_label = {head["label"]: head for head in heads if head}
    return [by_label[label] for label in sorted(by_label)]


def _inputs(results: Results, settings: dict[str, Any]) -> list[dict[str, str]]:
    """Hash every file that was read (recordings, what belongs to them, tables), by its path in the dataset."""
    roots = {source["site"]: Path(source["root"]) for source in settings["data"]["sources"]}
    inventory = read_json(results.inventory) if results.inventory.is_file() else {"sessions": []}
    companions = Companions()
    files = {
        path: roots[session["site"]]
        for session in inventory["sessions"]
        for recording in session["recordings"]
        for path in companions.of(roots[session["site"]] / recording["path"], roots[session["site"]])
    }
    first = settings["data"]["sources"][0]
    root = Path(first["root"])
    participants = settings["data"]["participants"]
    of_people = (participants["table"], *participants["more_tables"], settings["data"]["phenotype"]["table"])
    files |= {root / table: root for table in (*of_people, first["features_table"]) if table}
    files |= {path: path.parent for path in _region_files(settings["cortex"]["parcellation"])}
    return [
        {"file": path.relative_to(root).as_posix(), "sha256": file_hash(path)}
        for path, root in files.items()
        if path.is_file() and path.is_relative_to(root)
    ]


def _region_files(chosen: str | dict[str, Any]) -> list[Path]:
    """Return the files that the regions of a study were read from; none of a parcellation of the package."""
    if isinstance(chosen, str):
        return []
    named = [*(chosen["annot"] or {}).values(), chosen["coordinates"]]
    return [Path(path) for path in named if path is not None]


def _benchmarks(results: Results) -> dict[str, Any]:
    """Sum CPU seconds and take the peak memory of the jobs, per step."""
    totals: dict[str, Any] = {}
    for path in sorted((results.root / "benchmarks").rglob("*.tsv")):
        step = path.relative_to(results.root / "benchmarks").parts[0]
        row = read_tsv(path, dtype=str).iloc[0]
        entry = totals.setdefault(step, {"jobs": 0, "cpu_s": 0.0, "peak_mb": 0.0})
        entry["jobs"] += 1
        entry["cpu_s"] += _number(row.get("cpu_time"))
        entry["peak_mb"] = max(entry["peak_mb"], _number(row.get("max_rss")))
    return totals


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0
