"""The pool of a plan: people simulated under every size of the effect and analysed, in several processes.

Everything about a person follows from the seed and the person's number, and not from who else is simulated, or where.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from painconn.config.study import StudyConfig
from painconn.cortex.template import write_subject
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.person import electrode_signals
from painconn.steps.planned_cohort import PlannedCohort, planned_covariates, planned_person, planned_timing
from painconn.steps.simulated_person import Line, make_line, person_rows

Array = NDArray[np.float64]
Done = TypeVar("Done")
Run = Callable[[Callable[[Any], Any], Sequence[Any], Callable[[int], None]], list[Any]]


@dataclass(frozen=True)
class Bench:
    """What the simulation and the analysis of every person share."""

    cohort: PlannedCohort
    head: SimulationHead
    line: Line
    effects: tuple[float, ...]
    seed: int


@dataclass(frozen=True)
class Measured:
    """What was measured of one person: arrays as in :class:`Pool`, without the axis of people."""

    values: Array
    halves: Array
    covariates: Array
    strengths: Array
    not_computable: tuple[str, ...]


def make_bench(study: StudyConfig, target: str, cohort: PlannedCohort, *, effects: Sequence[float], seed: int) -> Bench:
    """Solve both heads, that of the simulation and that of the analysis."""
    primary = study.targets[target].primary
    line = make_line(study, cohort.spec.channels, measures=[primary.measure], inverses=[primary.inverse])
    with TemporaryDirectory() as folder:
        write_subject(Path(folder))
        head = build_simulation_head(cohort.spec, Path(folder))
    return Bench(cohort, head, line, (0.0, *sorted(effects)), seed)


def measure_person(bench: Bench, number: int) -> Measured:
    """Simulate a person under every size of the effect and analyse each recording."""
    cohort, label = bench.cohort, f"{number + 1:04d}"
    timing = planned_timing(bench.line.study, cohort, label, seed=bench.seed)
    values, halves, reasons = [], [], []
    reference = planned_person(cohort, label, d=0.0, seed=bench.seed)
    for d in bench.effects:
        person = planned_person(cohort, label, d=d, seed=bench.seed)
        data_uv = electrode_signals(cohort.spec, person, seed=bench.seed, head=bench.head)
        rows = person_rows(bench.line, 1e-6 * data_uv, timing, cohort.observations)
        in_order = [rows[place] for place in cohort.observations]
        values.append([[row.columns[test] for test in cohort.tests] for row in in_order])
        if d == 0:
            halves = [
                [[row.halves[half].get(test, np.nan) for test in cohort.tests] for row in in_order] for half in (0, 1)
            ]
            reasons = [
                f"{one['measure']}, {one['band']}: {one['reason']}" for row in in_order for one in row.not_computable
            ]
    return Measured(
        np.array(values),
        np.array(halves),
        np.array(planned_covariates(cohort, reference, seed=bench.seed), dtype=float),
        np.array([reference.coupling[block.couplings[0].name] for block in cohort.planted]),
        tuple(reasons),
    )


_KEPT: dict[str, Bench] = {}


def _start(bench: Bench) -> None:
    # A process keeps what all its people share; sent with each of them it would take longer than the analysis.
    _KEPT["bench"] = bench


def _measure(number: int) -> Measured:
    return measure_person(_KEPT["bench"], number)


def measure_people(bench: Bench, n_people: int, run: Run, done: Callable[[int], None]) -> list[Measured]:
    """Measure the people of a pool, in the order of their numbers."""
    return run(_measure, range(n_people), done)


@contextmanager
def workers(bench: Bench, cores: int) -> Iterator[Run]:
    """Give what runs jobs, in this process or in several; results are in the order of the jobs."""
    if cores == 1:
        _start(bench)
        yield _one_by_one
        return
    with ProcessPoolExecutor(cores, get_context("spawn"), initializer=_start, initargs=(bench,)) as executor:
        yield partial(_side_by_side, executor)


def _one_by_one(work: Callable[[Any], Done], jobs: Sequence[Any], done: Callable[[int], None]) -> list[Done]:
    results = []
    for job in jobs:
        results.append(work(job))
        done(len(results))
    return results


def _side_by_side(
    executor: ProcessPoolExecutor, work: Callable[[Any], Done], jobs: Sequence[Any], done: Callable[[int], None]
) -> list[Done]:
    futures: list[Future[Done]] = [executor.submit(work, job) for job in jobs]
    for number, future in enumerate(as_completed(futures), start=1):
        future.result()
        done(number)
    return [future.result() for future in futures]
