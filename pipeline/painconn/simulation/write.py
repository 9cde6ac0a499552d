"""A simulated cohort on disk: a BIDS dataset, and its truth beside it."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from painconn.cortex.template import write_subject
from painconn.errors import InputError, Problem
from painconn.simulation.bookkeeping import Enrolled, enrol
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.head import SimulationHead, build_simulation_head
from painconn.simulation.people import draw_person
from painconn.simulation.person import simulate_person
from painconn.simulation.recording_files import Format, write_json, write_recording
from painconn.simulation.tables import write_tables
from painconn.simulation.truth_record import truth_record

PEOPLE_PER_PROCESS = 8
"""A process takes as long to begin as it takes to simulate about so many people."""

Report = Callable[[int, int], None]
"""Is told how many people of how many are done."""


def truth_path(out: Path) -> Path:
    """Return where the truth of the dataset at `out` lies: beside it, never inside."""
    return out.with_name(f"{out.name}-truth.json")


def write_cohort(
    spec: CohortSpec,
    out: Path,
    *,
    seed: int,
    head: SimulationHead | None = None,
    file_format: Format = "brainvision",
    cores: int = 1,
    report: Report | None = None,
) -> Path:
    """Simulate a cohort and write it as a BIDS dataset; the same seed gives the same bytes, on any number of cores.

    The dataset appears under its name when it is complete. The truth is written to :func:`truth_path`.

    Parameters
    ----------
    spec : CohortSpec
        The cohort.
    out : Path
        Folder to make; it must not exist.
    seed : int
        Everything random follows from it.
    head : SimulationHead, optional
        Built from the bundled template when it is not given.
    file_format : {"brainvision", "edf"}
        Format of the recordings.
    cores : int
        Processes at most; a small cohort takes fewer.
    report : callable, optional
        Called with the number of people done and of all people: before the first, and after each.

    Returns
    -------
    out : Path
        The dataset.

    Raises
    ------
    InputError
        `out` or its truth exists or cannot be made, or the format cannot hold the sampling rate.
    """
    _refuse(spec, out, file_format)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise InputError(Problem(str(out.parent), found, "a folder to write to", "name another place")) from None
    people = enrol(spec, seed=seed)
    with beside as work:
        if head is None:
            head = _bundled_head(spec, Path(work) / "subjects")
        if report:
            report(0, len(people))
        dataset = Path(work) / "dataset"
        dataset.mkdir()
        desk = _Desk(spec, seed, head, dataset, file_format)
        for n_done, _ in enumerate(_write_people(desk, people, cores), start=1):
            if report:
                report(n_done, len(people))
        drawn = [(one, draw_person(spec, one.source, one.group, seed=seed)) for one in people]
        write_tables(spec, drawn, dataset, seed=seed)
        truth = Path(work) / "truth.json"
        write_json(truth, truth_record(spec, drawn, seed=seed))
        truth.rename(truth_path(out))
        dataset.rename(out)
    return out


def _refuse(spec: CohortSpec, out: Path, file_format: Format) -> None:
    fix = "name another folder or remove this one"
    # A folder without a name, such as `.`, has no place beside it.
    there = [path for path in (out, truth_path(out)) if path.exists()] if out.name else [out]
    problems = [Problem(str(path), "it exists", "a place for a new dataset", fix) for path in there]
    rate_hz = spec.protocol.sfreq_hz
    if file_format == "edf" and rate_hz != round(rate_hz):
        fix = "set protocol.sfreq_hz, or write brainvision"
        problems.append(Problem("protocol.sfreq_hz", f"{rate_hz:g}", "whole samples per second for EDF", fix))
    if problems:
        raise InputError(problems)


# Sums in another order differ in the last digits: the number of threads must not depend on the machine.
def _bundled_head(spec: CohortSpec, subjects_dir: Path) -> SimulationHead:
    from threadpoolctl import threadpool_limits

    subjects_dir.mkdir()
    write_subject(subjects_dir)
    with threadpool_limits(1):
        return build_simulation_head(spec, subjects_dir)


@dataclass(frozen=True)
class _Desk:
    """What is the same for every person."""

    spec: CohortSpec
    seed: int
    head: SimulationHead
    dataset: Path
    file_format: Format


def _write_people(desk: _Desk, people: Sequence[Enrolled], cores: int) -> Iterator[None]:
    """Write everybody, and yield after each."""
    workers = min(cores, len(people) // PEOPLE_PER_PROCESS)
    if workers < 2:
        for one in people:
            _write_person(desk, one)
            yield
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _sit_down, (desk,)) as pool:
        jobs = [pool.submit(_write_at_desk, one) for one in people]
        try:
            for job in as_completed(jobs):
                job.result()
                yield
        finally:
            pool.shutdown(cancel_futures=True)


_desk: _Desk | None = None


def _sit_down(desk: _Desk) -> None:
    """Keep what is the same for everybody in a worker, so that it travels once."""
    global _desk  # noqa: PLW0603 — a process pool has no other place for it
    _desk = desk


def _write_at_desk(one: Enrolled) -> None:
    assert _desk is not None  # noqa: S101 — set when the worker began
    _write_person(_desk, one)


def _write_person(desk: _Desk, one: Enrolled) -> None:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), tempfile.TemporaryDirectory(dir=desk.dataset.parent) as own:
        raw = simulate_person(desk.spec, one.source, one.group, seed=desk.seed, head=desk.head)
        write_recording(
            desk.spec,
            raw,
            Path(own),
            one.label,
            source=one.source,
            group=one.group,
            seed=desk.seed,
            file_format=desk.file_format,
        )
        (Path(own) / f"sub-{one.label}").rename(desk.dataset / f"sub-{one.label}")
