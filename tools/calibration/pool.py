"""The pool of the calibration study: simulated people who do not differ, processed once by the steps of a run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from painconn.config.loader import study_from_mapping
from painconn.config.study import StudyConfig
from painconn.features.names import QUALITY
from painconn.paths import Results
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.demo import NULL
from painconn.simulation.specification import Artefacts, Protocol, Restlessness, Spread
from painconn.simulation.write import write_cohort
from painconn.steps import clean, connect, forward, head
from painconn.steps import table as gather
from painconn.steps.declare import primary_tests
from painconn.steps.plan import Plan, prepare_environment
from painconn.store import read_json, read_parquet, read_tsv, save_parquet, write_atomically

N_EPOCHS = 20
A, B = "localized", "widespread"
TARGETS: dict[str, list[str] | None] = {"plain": None, "adjusted": ["age", "muscle_index", "n_epochs_kept"]}
"""The same question without covariates, and with what groups are drawn unequal in."""


def pool_spec(n_people: int) -> CohortSpec:
    """Return people at rest for 60 s whose muscles, movements and ages differ widely, and whose groups do not."""
    return replace(
        NULL,
        name="pool",
        n_per_group={A: n_people // 2, B: n_people - n_people // 2},
        protocol=Protocol(n_pinpricks=0),
        artefacts=replace(
            Artefacts(),
            muscle_tone_uv=Spread(1.5, 1.2, 0.2, 6.0),
            muscle_bursts_per_minute=Spread(2.0, 1.5, 0.0, 6.0),
        ),
        restlessness=Restlessness(movements_per_minute=Spread(1.0, 0.8, 0.0, 5.0)),
    )


def study_of(source: dict[str, Any], *, n_permutations: int = 199) -> StudyConfig:
    """Return the default study of such people, with LCMV and the primary measure alone."""
    contrast = {"kind": "between", "column": "group", "a": A, "b": B, "observation": {"condition": "rest"}}
    rest = {"kind": "rest", "task": "pain", "block": "rest", "n_epochs": N_EPOCHS, "n_segments": 0}
    return study_from_mapping(
        {
            "name": "calibration",
            "data": {"sources": [source], "conditions": {"rest": rest}, "minimum_per_group": 5},
            "cortex": {"inverses": ["lcmv"]},
            "connectivity": {"measures": ["wpli2_debiased"]},
            "features": {"graph_measures": []},
            "targets": {
                name: {"contrast": contrast, "covariates": covariates, "n_permutations": n_permutations}
                for name, covariates in TARGETS.items()
            },
            "seed": 20261,
        },
        source="calibration",
        folder=Path.cwd(),
    )


def processed_pool(work: Path, *, n_people: int, seed: int) -> pd.DataFrame:
    """Simulate and process everybody who is not there yet, and return the table of those who can be used.

    Parameters
    ----------
    work : Path
        Folder of the recordings and their derivatives; what is there is not made again.
    n_people : int
        Simulated people; some are excluded, as in any study.
    seed : int
        Of the cohort.

    Returns
    -------
    table : DataFrame (people, columns)
        ``participant``, ``age``, ``sex``, the columns of quality and the primary tests. It is kept in
        ``work/pool.parquet``.
    """
    kept = work / "pool.parquet"
    if kept.is_file():
        return read_parquet(kept)
    prepare_environment()
    data = work / "pool"
    if not data.is_dir():
        write_cohort(pool_spec(n_people), data, seed=seed)
    study = study_of({"root": str(data), "layout": "bids", "line_freq_hz": 50})
    results = Results(work / "processed")
    process(Plan(study, results))
    features = read_parquet(results.group("features.parquet"))
    people = read_tsv(data / "participants.tsv", dtype={"participant_id": str})
    people["participant"] = people["participant_id"].str.removeprefix("sub-")
    tests = primary_tests(json.loads(Plan(study, results).settings_target("plain")))
    quality = [column for column in features.columns if column.startswith(f"{QUALITY}__")]
    table = people[["participant", "age", "sex"]].merge(features[["participant", *quality, *tests]], on="participant")
    write_atomically(kept, lambda path: save_parquet(table, path))
    return table


def process(plan: Plan) -> None:
    """Run the steps of the workflow, from the head to the table, for what has no result yet."""
    results = plan.results
    for label in plan.heads:
        if not results.head(label).is_file():
            head.run(results, json.loads(plan.settings_head(label)), label)
    for key in plan.forwards:
        if not results.forward(key).is_file():
            forward.run(results, json.loads(plan.settings_forward(key)), key)
    for number, name in enumerate(plan.sessions, start=1):
        session = plan.key(name)
        if not results.connectivity(session).is_file():
            clean.run(results, json.loads(plan.settings_clean(name)), name)
            connect.run(results, json.loads(plan.settings_connect(name)), name)
            print(
                f"{name}: {number} of {len(plan.sessions)}, {read_json(results.connectivity(session))['status']}",
                flush=True,
            )
    gather.run(results, json.loads(plan.settings_table()))
