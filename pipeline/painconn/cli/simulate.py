"""``painconn simulate``: a BIDS dataset with known couplings and group effects."""

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from painconn.errors import InputError, Problem

if TYPE_CHECKING:
    from painconn.simulation.cohort import CohortSpec


def simulate(
    out: Path, *, preset: str | None, truth: Path | None, seed: int, cores: int | None, file_format: str
) -> None:
    """Simulate a cohort, say where it and its truth are.

    Parameters
    ----------
    out : Path
        Folder to make.
    preset : str or None
        Name of a preset.
    truth : Path or None
        A truth file instead.
    seed : int
        Seed of the cohort.
    cores : int or None
        Processes; None: one per processor core.
    file_format : str
        Format of the recordings.

    Raises
    ------
    PainconnError
        The folder exists, or the preset or the truth file is at fault.
    """
    from painconn.simulation.recording_files import FORMATS
    from painconn.simulation.write import truth_path, write_cohort

    spec = _cohort(preset, truth)
    console = Console(stderr=True, soft_wrap=True)
    known = next(name for name in FORMATS if name == file_format)
    console.print(f"simulating {spec.name}: the head, then people", markup=False, highlight=False)
    with _Display(console) as display:
        write_cohort(spec, out, seed=seed, file_format=known, cores=cores or os.cpu_count() or 1, report=display.report)
    said = Console(soft_wrap=True)
    for line in (
        f"{spec.name}, seed {seed}: {out}",
        f"truth: {truth_path(out)}",
        f"next: painconn init {shlex.quote(str(out))} --out {shlex.quote(f'study-{out.name}.yaml')}",
    ):
        said.print(line, markup=False, highlight=False)


def _cohort(preset: str | None, truth: Path | None) -> "CohortSpec":
    from painconn.simulation.truth_file import DEFAULT_PRESET, load_truth, preset_named

    if preset is not None and truth is not None:
        fix = "name the preset in the truth file, as `preset:`"
        raise InputError(Problem("simulate", "--preset and --truth", "one of the two", fix))
    return load_truth(truth) if truth is not None else preset_named(preset or DEFAULT_PRESET, where="--preset")


class _Display:
    """People done and time left: a bar on a terminal, a line for every quarter elsewhere."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("simulating"), BarColumn(), TextColumn("{task.completed}/{task.total} people"))
        self._console = console
        self._bar = Bar(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("people", total=None)
        self._started = time.monotonic()
        self._said = 0

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def report(self, done: int, total: int) -> None:
        """Say how far it is."""
        self._bar.update(self._task, completed=done, total=total)
        if self._console.is_terminal:
            return
        elapsed_s, quarter = time.monotonic() - self._started, 4 * done // total
        if done == 0:
            self._started = time.monotonic()
        elif quarter > self._said:
            left_s = elapsed_s / done * (total - done)
            self._console.print(
                f"{done} of {total} people done, {elapsed_s:.0f} s so far, about {left_s:.0f} s left", highlight=False
            )
        self._said = quarter
