"""How often the AUC interval holds the truth: simulation of coverage.

Run ``python benchmarks/auc_coverage.py`` (about 20 minutes of one core; ``--missing`` simulates only cells that the
table does not have yet). It writes ``pipeline/painconn/prediction/auc_coverage.json``, which is printed beside every
interval.

A cell is a design, an effect and a number of features. Cohorts are drawn from one population, each is evaluated as in
``painconn.prediction.evaluation`` (same folds, repeats, tuning, permutations); the truth of a cell is the mean AUC over
its cohorts, the expected performance of this pipeline at this n.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from interval_coverage import coverage_of
from painconn.prediction.auc import within_fold_auc
from painconn.prediction.confounds import joined_table
from painconn.prediction.design import Design, Kind, make_design
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.intervals import METHOD, auc_interval, increment_interval
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.ridge import score_labellings
from painconn.provenance import seed_for

TARGET = Path(__file__).parents[1] / "pipeline" / "painconn" / "prediction" / "auc_coverage.json"
N_PERMUTATIONS = 100
N_INFORMATIVE = 5
CONFOUND_SHIFT = 0.6


@dataclass(frozen=True)
class Cell:
    """A simulated situation; ``shift`` moves the informative features of the positive label, in their SD."""

    quantity: str
    kind: Kind
    n_a: int
    n_b: int
    shift: float
    n_features: int = 20


CELLS = (
    Cell("auc", "between", 8, 8, 0.0),
    Cell("auc", "between", 8, 8, 0.75),
    Cell("auc", "between", 8, 8, 1.2),
    Cell("auc", "between", 12, 12, 0.0),
    Cell("auc", "between", 12, 12, 0.75),
    Cell("auc", "between", 12, 12, 1.14),
    Cell("auc", "between", 17, 6, 0.0),
    Cell("auc", "between", 17, 6, 0.84),
    Cell("auc", "between", 17, 6, 1.24),
    Cell("auc", "between", 20, 20, 0.0),
    Cell("auc", "between", 20, 20, 0.65),
    Cell("auc", "between", 20, 20, 1.02),
    Cell("auc", "between", 30, 30, 0.0),
    Cell("auc", "between", 30, 30, 0.54),
    Cell("auc", "between", 30, 30, 0.88),
    Cell("auc", "between", 40, 40, 0.0),
    Cell("auc", "between", 40, 40, 0.53),
    Cell("auc", "between", 40, 40, 0.87),
    Cell("auc", "within", 23, 23, 0.0),
    Cell("auc", "within", 23, 23, 0.5),
    Cell("auc", "within", 23, 23, 0.83),
    Cell("auc", "between", 12, 12, 1.1, 500),
    Cell("increment", "between", 12, 12, 0.0),
    Cell("increment", "between", 12, 12, 0.75),
    Cell("increment", "between", 30, 30, 0.0),
    Cell("increment", "between", 30, 30, 0.54),
)


def draw(cell: Cell, number: int) -> tuple[Design, FeatureTable, FeatureTable]:
    """Draw one cohort: its design, features (sharing a common factor) and two covariates, one of them informative."""
    names = [f"p{number}-{index}" for index in range(cell.n_a + (0 if cell.kind == "within" else cell.n_b))]
    people = names * 2 if cell.kind == "within" else names
    labels = ["a"] * cell.n_a + ["b"] * cell.n_b
    design = make_design(people, labels, a="a", b="b", kind=cell.kind, seed=number)
    generator = np.random.default_rng(seed_for(number, str(cell)))
    n, p = len(labels), cell.n_features
    values = 0.9 * generator.normal(size=(n, p)) + 0.45 * generator.normal(size=(n, 1))
    if cell.kind == "within":
        person = generator.normal(size=(n // 2, p))
        values = 0.7 * values + 0.7 * np.vstack([person, person])
    informative = max(N_INFORMATIVE, p // 20)
    values[design.signs > 0, :informative] += cell.shift
    covariates = generator.normal(size=(n, 2))
    covariates[design.signs > 0, 0] += CONFOUND_SHIFT
    return design, FeatureTable(values, np.ones(p)), FeatureTable(covariates, np.ones(2))


def all_aucs(design: Design, table: FeatureTable, signs: np.ndarray) -> np.ndarray:
    """Return the AUC of every labelling."""
    scored = score_labellings(table, signs, outer_folds(design))
    return np.mean([within_fold_auc(each.test, signs[each.fold.test]) for each in scored], axis=0)


def estimate(cell: Cell, number: int) -> tuple[float, float, float]:
    """Return the estimate of one cohort and its interval."""
    design, features, covariates = draw(cell, number)
    labellings = permuted_labellings(design, n_permutations=N_PERMUTATIONS, seed=number)
    signs = np.column_stack([design.signs, labellings.signs])
    sizes = {"n_a": cell.n_a, "n_b": cell.n_b}
    if cell.quantity == "auc":
        aucs = all_aucs(design, features, signs)
        return float(aucs[0]), *auc_interval(float(aucs[0]), aucs[1:], **sizes)
    both, alone = all_aucs(design, joined_table(features, covariates), signs), all_aucs(design, covariates, signs)
    interval = increment_interval(float(both[0]), float(alone[0]), both[1:] - alone[1:], **sizes)
    return float(both[0] - alone[0]), *interval


def coverage(cell: Cell, n_simulations: int) -> dict[str, Any]:
    """Simulate one cell."""
    return {
        "quantity": cell.quantity,
        "kind": cell.kind,
        "n_a": cell.n_a,
        "n_b": cell.n_b,
        "n_features": cell.n_features,
        "shift": cell.shift,
        **coverage_of([estimate(cell, number) for number in range(n_simulations)]),
    }


def cell_of(record: dict[str, Any]) -> Cell:
    """Return the cell that a record of the table is about."""
    return Cell(*(record[field.name] for field in fields(Cell)))


def main() -> None:
    """Simulate every cell, print the table and write it into the package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=250)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--missing", action="store_true", help="keep the cells that the table has")
    options = parser.parse_args()
    kept = json.loads(TARGET.read_text(encoding="utf-8"))["cells"] if options.missing else []
    known = {cell_of(record): record for record in kept if record["n_simulations"] == options.simulations}
    missing = [cell for cell in CELLS if cell not in known]
    with ProcessPoolExecutor(options.cores) as pool:
        for cell, record in zip(
            missing, pool.map(coverage, missing, [options.simulations] * len(missing)), strict=True
        ):
            known[cell] = record
            print(*record.values(), sep="\t", flush=True)
    cells = [known[cell] for cell in CELLS]
    table = {
        "method": METHOD,
        "level": 0.95,
        "n_permutations": N_PERMUTATIONS,
        "seeds": f"0 to {options.simulations - 1}, with the cell",
        "cells": cells,
    }
    TARGET.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
