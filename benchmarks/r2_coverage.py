"""How often the interval of a cross-validated R2 holds the truth: simulation of coverage.

Run ``python benchmarks/r2_coverage.py`` (about 15 minutes of one core). It writes
``pipeline/painconn/prediction/r2_coverage.json``, which is printed beside every interval.

A cell is a number of people, an effect and a number of features. Cohorts are drawn from one population, each is
evaluated as in ``painconn.prediction.number_evaluation``; the truth of a cell is the mean R2 over its cohorts, the
expected performance of this pipeline at this n.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interval_coverage import coverage_of
from painconn.prediction.confounds import joined_table
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.number_design import NumberDesign, make_number_design, permuted_scores
from painconn.prediction.number_intervals import METHOD, increment_interval, influences, r2_interval
from painconn.prediction.number_scores import score_numbers
from painconn.prediction.ordering import first_labelling
from painconn.prediction.ridge import predict_numbers
from painconn.provenance import seed_for

TARGET = Path(__file__).parents[1] / "pipeline" / "painconn" / "prediction" / "r2_coverage.json"
N_PERMUTATIONS = 60
N_REPEATS = 5
N_INFORMATIVE = 5
CONFOUND_WEIGHT = 0.5


@dataclass(frozen=True)
class Cell:
    """A simulated situation; ``signal`` is the correlation of the score with the best sum of the features."""

    quantity: str
    n: int
    signal: float
    n_features: int = 20


CELLS = (
    Cell("r2", 24, 0.0),
    Cell("r2", 24, 0.7),
    Cell("r2", 24, 0.95),
    Cell("r2", 60, 0.0),
    Cell("r2", 60, 0.5),
    Cell("r2", 60, 0.8),
    Cell("r2", 40, 0.8, 300),
    Cell("increment", 24, 0.7),
    Cell("increment", 60, 0.0),
    Cell("increment", 60, 0.6),
)


def draw(cell: Cell, number: int) -> tuple[NumberDesign, FeatureTable, FeatureTable]:
    """Draw one cohort: its design, features (sharing a common factor) and two covariates.

    Of an increment one covariate goes with the score.
    """
    generator = np.random.default_rng(seed_for(number, str(cell)))
    n, p = cell.n, cell.n_features
    common = generator.normal(size=(n, 1))
    features = generator.normal(size=(n, p)) + 0.7 * common
    signal = features[:, :N_INFORMATIVE].sum(axis=1) / np.sqrt(N_INFORMATIVE + (0.7 * N_INFORMATIVE) ** 2)
    score = cell.signal * signal + np.sqrt(1.0 - cell.signal**2) * generator.normal(size=n)
    covariates = generator.normal(size=(n, 2))
    if cell.quantity == "increment":
        score = score + CONFOUND_WEIGHT * covariates[:, 0]
    names = [f"p{number}-{index:03d}" for index in range(n)]
    design = make_number_design(names, score.tolist(), score="score", n_repeats=N_REPEATS, seed=number)
    return design, FeatureTable(features, np.ones(p)), FeatureTable(covariates, np.ones(2))


def reached(design: NumberDesign, table: FeatureTable, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the R2 of every list of scores, and the influence of each person on the first."""
    scored = list(predict_numbers(table, values, outer_folds(design)))
    return score_numbers(scored, values).r2, influences([first_labelling(each) for each in scored], values[:, 0])


def estimate(cell: Cell, number: int) -> tuple[float, float, float]:
    """Return the estimate of one cohort and its interval."""
    design, features, covariates = draw(cell, number)
    shuffled = permuted_scores(design, n_permutations=N_PERMUTATIONS, seed=number)
    values = np.column_stack([design.values, shuffled])
    if cell.quantity == "r2":
        r2, influence = reached(design, features, values)
        return float(r2[0]), *r2_interval(float(r2[0]), r2[1:], influence, n_folds=design.n_outer)
    both, influence_both = reached(design, joined_table(features, covariates), values)
    alone, influence_alone = reached(design, covariates, values)
    difference = both - alone
    influence = influence_both - influence_alone
    interval = increment_interval(float(difference[0]), difference[1:], influence, n_folds=design.n_outer)
    return float(difference[0]), *interval


def coverage(cell: Cell, n_simulations: int) -> dict[str, Any]:
    """Simulate one cell."""
    return {
        "quantity": cell.quantity,
        "n": cell.n,
        "n_features": cell.n_features,
        "signal": cell.signal,
        **coverage_of([estimate(cell, number) for number in range(n_simulations)]),
    }


def main() -> None:
    """Simulate every cell, print the table and write it into the package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200)
    options = parser.parse_args()
    cells = []
    for cell in CELLS:
        cells.append(coverage(cell, options.simulations))
        print(*cells[-1].values(), sep="\t", flush=True)
    table = {
        "method": METHOD,
        "level": 0.95,
        "n_permutations": N_PERMUTATIONS,
        "n_repeats": N_REPEATS,
        "seeds": "0 to n_simulations - 1, with the cell",
        "cells": cells,
    }
    TARGET.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
