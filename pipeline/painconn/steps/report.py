"""Study-wide: the page, the methods text, the resolved study and where everything came from."""

import os
from pathlib import Path
from typing import Any

from painconn.paths import Results
from painconn.provenance import canonical_json, environment, file_hash, text_hash
from painconn.reporting.page import build_page, methods_of
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
    write_json(results.group("study.json"), _portable(results, settings))
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
        "config_hash": text_hash(canonical_json(_without_roots(settings))),
        "inputs": _inputs(results, settings),
        "jobs": _benchmarks(results),
        "command": f"painconn run STUDY.yaml --out {results.root.name}",
    }


def _portable(results: Results, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the study with data folders relative to the results, so that no path of this machine is published."""
    sources = [
        source | {"root": os.path.relpath(source["root"], results.root)} for source in settings["data"]["sources"]
    ]
    return settings | {"data": settings["data"] | {"sources": sources}}


def _without_roots(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the study without its data folders: the same study on another machine has the same hash."""
    sources = [{key: value for key, value in source.items() if key != "root"} for source in settings["data"]["sources"]]
    return settings | {"data": settings["data"] | {"sources": sources}}


def _inputs(results: Results, settings: dict[str, Any]) -> list[dict[str, str]]:
    """Hash every recording as it lies in its folder now, by its path inside the dataset."""
    roots = {source["site"]: Path(source["root"]) for source in settings["data"]["sources"]}
    inventory = read_json(results.inventory) if results.inventory.is_file() else {"sessions": []}
    rows = []
    for session in inventory["sessions"]:
        for recording in session["recordings"]:
            path = roots[session["site"]] / recording["path"]
            rows.append({"recording": recording["path"], "sha256": file_hash(path) if path.is_file() else "not there"})
    return rows


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
