"""``painconn lock``: freeze a blinded study before its labels are opened."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from painconn.cli.run import read_study
from painconn.errors import InputError, Problem
from painconn.paths import Results

if TYPE_CHECKING:
    from painconn.steps.plan import Plan


def lock_study(path: Path, *, data: Path | None = None, out: Path | None = None) -> None:
    """Write what has to stay as it is once labels are open, and print its hash.

    Parameters
    ----------
    path : Path
        Study file.
    data, out : Path | None
        Data folder and results folder instead of those of the file.

    Raises
    ------
    InputError
        When the study was not blinded, its labels were opened, or its blinded run is not complete.
    """
    from painconn.steps.blinding import labels_were_opened
    from painconn.steps.lock import write_lock
    from painconn.steps.plan import Plan

    study = read_study(path, data)
    results = Results(out if out is not None else Path("results") / study.name)
    opened = labels_were_opened(results)
    if opened is not False:
        raise InputError(_no_blinded_run(results) if opened is None else _opened(results))
    plan = Plan(study.model_copy(update={"blinded": True}), results, write=False)
    missing = list(_unfinished(plan))
    if missing:
        raise InputError(missing)
    digest = write_lock(results, plan.frozen(), plan.frozen_code(), study.targets)
    console = Console(soft_wrap=True)
    console.print(f"locked: {results.lock}", markup=False, highlight=False)
    console.print(f"hash: {digest}", markup=False, highlight=False)
    console.print("write blinded: false and run again to open the labels", markup=False, highlight=False)


def _unfinished(plan: "Plan") -> Iterator[Problem]:
    """Yield the results of the study that are not there, or were made with other settings, data or code."""
    from painconn.steps.made_with import MadeWith, output_of

    made_with = MadeWith(plan)
    of_targets = [(step, name) for name in plan.study.targets for step in ("compare", "predict", "audit", "model")]
    for step, name in [("table", None), *of_targets, ("report", None)]:
        output = output_of(plan.results, step, name)
        if not output.is_file():
            found = "no such file"
        elif made_with.stale(step, name):
            found = "made with other settings or code"
        else:
            continue
        fix = "run the study with blinded: true to its end, then lock it"
        yield Problem(str(output), found, "a complete blinded run of this study", fix)


def _no_blinded_run(results: Results) -> Problem:
    fix = "write blinded: true in the study file and run it; check --out"
    return Problem(str(results.root), "no blinded run", "results of a run with blinded: true", fix)


def _opened(results: Results) -> Problem:
    fix = "a lock would say nothing here; results of another folder, blinded from the first run on, can be locked"
    return Problem(str(results.root), "results with open labels", "labels that were never opened", fix)
