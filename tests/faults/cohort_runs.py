"""Cohorts that go through the steps in this process."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.steps import clean, connect, forward, head, table
from painconn.steps.plan import Plan
from painconn.store import read_arrays, read_parquet, read_result

HEALTHY = "H1"
PARTNER = "H2"
SESSION = f"sub-{HEALTHY}"


@dataclass(frozen=True, eq=False)
class Run:
    """A cohort that went through cleaning, connectivity and the table."""

    plan: Plan

    def sidecar(self, label: str) -> dict[str, Any]:
        return read_result(self.plan.results.connectivity(self.plan.key(f"sub-{label}")))

    def cleaned(self, label: str) -> dict[str, Any]:
        return read_result(self.plan.results.cleaned(self.plan.key(f"sub-{label}")))

    def columns(self, label: str) -> dict[str, float]:
        """Return the features of a person's only observation by name."""
        arrays = saved_arrays(self, label)
        table = f"sub-{label}_desc-features_table.npz"
        (values,) = arrays[f"{table}/values"]
        return dict(zip(arrays[f"{table}/columns"].tolist(), values.tolist(), strict=True))

    def features(self, label: str) -> pd.DataFrame:
        """Return the rows of one person in the study's table."""
        rows = read_parquet(self.plan.results.group("features.parquet"))
        return rows[rows["participant"] == label].reset_index(drop=True)

    def exclusions(self, label: str) -> pd.DataFrame:
        return self._rows("exclusions.tsv", label)

    def findings(self, label: str) -> pd.DataFrame:
        return self._rows("findings.tsv", label)

    def _rows(self, name: str, label: str) -> pd.DataFrame:
        rows = pd.read_csv(self.plan.results.group(name), sep="\t", dtype=str, keep_default_na=False)
        return rows[rows["participant"] == label]


def run_cohort(folder: Path, text: str, *, head_from: Path | None = None) -> Run:
    """Run the steps in this process, the healthy person last, so that every other one could leave a trace."""
    run = run_sessions(folder, text, head_from=head_from)
    table.run(run.plan.results, json.loads(run.plan.settings_table()))
    return run


def run_sessions(folder: Path, text: str, *, head_from: Path | None = None) -> Run:
    """Run the steps of every session; see :func:`run_cohort`."""
    (folder / "study.yaml").write_text(text)
    results = Results(folder / "results")
    plan = Plan(load_study(folder / "study.yaml"), results)
    if head_from is None:
        for label in plan.heads:
            head.run(results, json.loads(plan.settings_head(label)), label)
    else:
        shutil.copytree(head_from / "results" / "derivatives" / "head", results.root / "derivatives" / "head")
    for key in plan.forwards:
        forward.run(results, json.loads(plan.settings_forward(key)), key)
    return run_people(plan)


def run_people(plan: Plan) -> Run:
    """Run cleaning and connectivity of every session, whose heads and lead fields are there."""
    for name in sorted(plan.sessions, key=lambda name: name == SESSION):
        clean.run(plan.results, json.loads(plan.settings_clean(name)), name)
        connect.run(plan.results, json.loads(plan.settings_connect(name)), name)
    return Run(plan)


def saved_arrays(run: Run, label: str = HEALTHY) -> dict[str, np.ndarray]:
    """Everything that a person's connect step saved."""
    sidecar = run.plan.results.connectivity(run.plan.key(f"sub-{label}"))
    names = sorted(path.name for path in sidecar.parent.glob("*.npz"))
    return {f"{name}/{key}": value for name in names for key, value in read_arrays(sidecar.with_name(name)).items()}


def differing(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> list[str]:
    """Return the names of the arrays that are not the same bit for bit; a missing value equals a missing value."""
    return [
        name
        for name in sorted(before.keys() | after.keys())
        if name not in before
        or name not in after
        or not np.array_equal(before[name], after[name], equal_nan=before[name].dtype.kind == "f")
    ]
