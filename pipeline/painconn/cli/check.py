"""``painconn check``: everything that can be known before a job starts."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from painconn.cli.foresight import notes, refusals, refused, refused_primary, unanswerable
from painconn.config.study import StudyConfig
from painconn.errors import DesignError, InputError, PainconnError, Problem
from painconn.paths import Results

if TYPE_CHECKING:
    from painconn.steps.plan import Plan

_BYTES_PER_RECORDING = 60 << 20


def check_study(path: Path, *, data: Path | None = None) -> None:
    """Print what was found and what each band and measure can do; raise with every problem.

    Parameters
    ----------
    path : Path
        Study file.
    data : Path | None
        Data folder instead of the file's.
    """
    from painconn.cli.run import read_study

    study = read_study(path, data)
    results = Results(Path("results") / study.name)
    plan = require_runnable(study, results)
    console = Console(soft_wrap=True)
    recordings = sum(len(session["recordings"]) for session in plan.sessions.values())
    console.print(
        f"{study.name}: {recordings} recordings in {len(plan.sessions)} sessions, {len(plan.montages)} montages",
        highlight=False,
    )
    for gate in study.connectivity.lowered_gates():
        console.print(f"gate lowered: {gate}", highlight=False, markup=False)
    for name, bands, reason in refused_primary(study, refused(study, _channels(plan))):
        told = f"PRIMARY TESTS NOT COMPUTABLE in {name}: {study.targets[name].primary.measure}, {' '.join(bands)}"
        console.print(f"{told}: {reason}", highlight=False, markup=False)
    for note in refusals(study, _channels(plan)):
        console.print(f"not computable: {note}", highlight=False, markup=False)
    for note in notes(study):
        console.print(f"note: {note}", highlight=False, markup=False)
    unread = [name for name, session in plan.sessions.items() if session["montage"] is None]
    for name in unread:
        console.print(
            f"will be excluded: {name}: no readable header or unknown electrodes", highlight=False, markup=False
        )
    console.print("nothing stands in the way of a run", highlight=False)


def require_runnable(study: StudyConfig, results: Results) -> "Plan":
    """Return the plan of a study that can run.

    Raises
    ------
    InputError
        With every problem of the folders, the tables and the groups at once.
    """
    from painconn.steps.plan import Plan

    problems: list[Problem] = []
    plan = None
    try:
        plan = Plan(study, results)
    except PainconnError as error:
        problems.extend(error.problems)
    problems.extend(_disk_problems(results, plan))
    problems.extend(_people_problems(study, plan))
    problems.extend(unanswerable(study, refused(study, _channels(plan) if plan else ())))
    if problems or plan is None:
        raise InputError(problems)
    return plan


def _channels(plan: "Plan") -> list[int]:
    """Return the number of channels of each montage."""
    return [len(montage["names"]) for montage in plan.inventory["montages"].values()]


def _disk_problems(results: Results, plan: "Plan | None") -> Iterator[Problem]:
    folder = results.root.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    sessions = plan.sessions.values() if plan else ()
    wanted = _BYTES_PER_RECORDING * (1 + sum(len(session["recordings"]) for session in sessions))
    if free < wanted:
        yield Problem(
            str(folder), f"{free >> 20} MB free", f"about {wanted >> 20} MB", "free some space or choose another --out"
        )


def _people_problems(study: StudyConfig, plan: "Plan | None") -> Iterator[Problem]:
    """Check tables, labels, covariates and group sizes, before a single recording is cleaned."""
    import pandas as pd

    from painconn.steps.people import covariates_of, people_of, target_people

    covariates = {
        name: covariates_of(
            target.contrast, target.covariates if target.covariates is not None else study.data.covariates
        )
        for name, target in study.targets.items()
    }
    people = pd.DataFrame(index=[])
    if any(target.contrast.kind == "between" for target in study.targets.values()):
        try:
            people = people_of(study.data)
        except PainconnError as error:
            yield from error.problems
            return
    present = (
        {session["participant"] for session in plan.sessions.values()} if plan and plan.sessions else set(people.index)
    )
    for name, target in study.targets.items():
        try:
            target_people(
                people if target.contrast.kind == "between" else pd.DataFrame(index=sorted(present)),
                present,
                target.contrast,
                covariates=covariates[name],
                minimum_per_group=study.data.minimum_per_group,
                where=f"targets.{name}",
            )
        except (InputError, DesignError) as error:
            yield from error.problems
