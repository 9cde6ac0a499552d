"""The jobs of the recovery workflow: edges of a cell, scores of a cell, and the tables and figures of all.

Usage: ``python -m painconn.steps.recover {cell,edges,groups,report} --settings JSON --out PATH [--inputs FILE ...]``
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from painconn.errors import PainconnError
from painconn.simulation.recovery_grid import Cell, Studies, read_grid
from painconn.store import read_arrays, read_tsv, write_arrays, write_atomically, write_text, write_tsv

REFERENCE_EPOCHS = 60
"""Epochs of the printed tables, or the number nearest to it; the others are in the files."""

EDGE_HEADER = (
    "cohort | cleaning | channels | inverse | measure | planted found, % | false, % | beside, % | not planted, % | "
    "response, of others | bias (in the cortex) | AUC | rank of a planted edge"
)
GROUP_HEADER = (
    "pool | channels | inverse | measure | n per group | power, % | power of one test, % | anything else, % | "
    "other tests alone, % | Hedges g"
)


def run_cell(settings: dict[str, Any], out: Path, inputs: Sequence[Path]) -> None:
    """Simulate and analyse the people of a cell."""
    from painconn.steps.recover_cell import edge_arrays

    write_atomically(out, partial(write_arrays, arrays=edge_arrays(_cell(settings))))


def run_edges(settings: dict[str, Any], out: Path, inputs: Sequence[Path]) -> None:
    """Score the edges of a cell against those of the null cohort."""
    from painconn.steps.recover_scores import edge_scores

    write_tsv(out, edge_scores(_cell(settings), *map(read_arrays, inputs)))


def run_groups(settings: dict[str, Any], out: Path, inputs: Sequence[Path]) -> None:
    """Draw studies from a pool and test them."""
    from painconn.steps.recover_scores import group_scores

    write_tsv(out, group_scores(_cell(settings), read_arrays(inputs[0]), Studies(**settings["studies"])))


def run_report(settings: dict[str, Any], out: Path, inputs: Sequence[Path]) -> None:
    """Join all scores, and write them as tables and figures."""
    from painconn.reporting.recovery_figures import edges_by_epochs, power_by_people

    of = {kind: [read_tsv(path) for path in inputs if path.name == f"{kind}.tsv"] for kind in ("edges", "groups")}
    tables = {kind: pd.concat(found, ignore_index=True) for kind, found in of.items() if found}
    pictures = {}
    for name, cohort, band in settings["figures"]:
        drawn = partial(edges_by_epochs, tables["edges"], cohort=cohort, band=band)
        pictures[f"{name}-sensitivity"] = drawn(value="sensitivity", chance=0.05, label="planted edges found")
        pictures[f"{name}-auc"] = drawn(value="auc", chance=0.5, label="AUC of planted edges")
    if "groups" in tables:
        pictures["power"] = power_by_people(tables["groups"])
    for name, picture in pictures.items():
        write_text(out.with_name(f"recovery-{name}.svg"), picture.svg)
    for kind, table in tables.items():
        write_tsv(out.with_name(f"{kind}.tsv"), table)
    rows = {"edges": (EDGE_HEADER, edge_rows), "groups": (GROUP_HEADER, group_rows)}
    text = [_markdown(rows[kind][0], rows[kind][1](table)) for kind, table in tables.items()]
    write_text(out, "\n\n".join(text) + "\n")


def _cell(settings: dict[str, Any]) -> Cell:
    return read_grid(settings["grid"]).cell(settings["cohort"], settings["montage"], settings["cleaning"])


def edge_rows(scores: pd.DataFrame) -> list[list[str]]:
    """Return the printed cells of the scores at the reference number of epochs."""
    numbers = scores["n_epochs"].unique()
    nearest = min(numbers, key=lambda number: abs(number - REFERENCE_EPOCHS))
    kept = scores[(scores["n_epochs"] == nearest) & (scores["n_people"] > 0)]
    return [
        [
            row["cohort"],
            row["cleaning"].replace("_", " "),
            row["montage"].rpartition("_")[2],
            f"`{row['inverse']}`",
            f"`{row['measure']}`",
            _percent(row, "sensitivity"),
            _percent(row, "false_rate"),
            f"{100 * row['beside_rate']:.0f} (of {row['n_beside']:.0f})" if row["n_beside"] else "-",
            f"{100 * row['strict_false_rate']:.1f}",
            f"{_of(row, 'response', 1)}, {row['response_other']:.1f}",
            f"{row['bias']:+.2f} ({row['cortex']:.2f})",
            _of(row, "auc", 2),
            f"{row['rank_median']:.0f} ({row['rank_q25']:.0f}-{row['rank_q75']:.0f})",
        ]
        for row in kept.to_dict("records")
    ]


def group_rows(scores: pd.DataFrame) -> list[list[str]]:
    """Return the printed cells of the drawn studies."""
    return [
        [
            row["cohort"],
            row["montage"].rpartition("_")[2],
            f"`{row['inverse']}`",
            f"`{row['measure']}`",
            str(row["n_per_group"]),
            _percent(row, "power"),
            _percent(row, "power_alone"),
            _percent(row, "others"),
            f"{100 * row['others_alone']:.1f}",
            f"{row['g']:+.2f} ± {row['g_sd']:.2f}" if pd.notna(row.get("g")) else "-",
        ]
        for row in scores.to_dict("records")
    ]


def _of(row: Mapping[Any, Any], name: str, digits: int) -> str:
    value, low, high = (f"{row[key]:.{digits}f}" for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value} ({low} to {high})"


def _percent(row: Mapping[Any, Any], name: str) -> str:
    value = row.get(name)
    if pd.isna(value):
        return "-"
    return f"{100 * value:.0f} ({100 * row[f'{name}_low']:.0f}-{100 * row[f'{name}_high']:.0f})"


def _markdown(header: str, rows: list[list[str]]) -> str:
    lines = [header, " | ".join(["---"] * (header.count("|") + 1)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


JOBS = {"cell": run_cell, "edges": run_edges, "groups": run_groups, "report": run_report}


def main() -> None:
    """Run one job."""
    parser = argparse.ArgumentParser(prog="python -m painconn.steps.recover")
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--settings", type=json.loads, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--inputs", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        JOBS[given.job](given.settings, given.out, given.inputs)
    except PainconnError as error:
        for problem in error.problems:
            print(f"{given.job}: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
