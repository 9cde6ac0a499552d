"""``painconn run``: the study is checked, then Snakemake does the work, then the outcome is said in a few lines."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from painconn.config.loader import load_study, with_data_root
from painconn.config.study import StudyConfig
from painconn.errors import EXIT_AUDIT_FAILED, EXIT_DONE, EXIT_JOB_FAILED, EXIT_USER
from painconn.paths import Results
from painconn.provenance import SHIPPED

_STEPS_DONE = re.compile(r"(\d+) of (\d+) steps \((\d+)%\) done")
_KEPT_LINES = 60


def read_study(path: Path, data: Path | None) -> StudyConfig:
    """Load a study file, with another data folder when one is given."""
    study = load_study(path)
    return with_data_root(study, data.resolve()) if data else study


def run_study(
    path: Path,
    *,
    data: Path | None = None,
    out: Path | None = None,
    cores: int | None = None,
    profile: str = "default",
    extra: Sequence[str] = (),
) -> int:
    """Check a study, run its workflow and print the headline numbers.

    Parameters
    ----------
    path : Path
        Study file.
    data, out : Path | None
        Data folder and results folder instead of those of the file.
    cores : int | None
        Cores for the whole workflow; None takes all.
    profile : str
        Name of a shipped profile or a folder with one.
    extra : sequence of str
        Passed to snakemake unchanged.

    Returns
    -------
    status : int
        0 done, 1 a job failed, 2 the user's input is at fault, 3 the audit failed.
    """
    from painconn.cli.check import require_runnable

    console = Console(stderr=True, soft_wrap=True)
    study = read_study(path, data)
    results = Results(out if out is not None else Path("results") / study.name)
    require_runnable(study, results)
    status = _snakemake(_command(path, data, results, cores, profile, extra), console)
    if status != 0:
        return _explain_failure(results, console)
    return print_outcome(results) if not {"-n", "--dry-run", "--dryrun"} & set(extra) else EXIT_DONE


def _command(
    path: Path, data: Path | None, results: Results, cores: int | None, profile: str, extra: Sequence[str]
) -> list[str]:
    shipped = SHIPPED / "workflow" / "profiles" / profile
    settings = [f"painconn_out={results.root}"] + ([f"painconn_data={data.resolve()}"] if data else [])
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SHIPPED / "workflow" / "Snakefile")),
        *("--configfile", str(path), "--config", *settings, "--profile", str(shipped if shipped.is_dir() else profile)),
        *("--cores", str(cores) if cores else "all", *extra),
    ]


def _snakemake(command: Sequence[str], console: Console) -> int:
    """Run snakemake, turn its messages into progress, keep the last lines for the case that it fails."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
    )
    last: list[str] = []
    with process, _Progress(console) as progress:
        for line in process.stdout or ():
            last = [*last[-_KEPT_LINES:], line.rstrip()]
            progress.read(line)
        status = process.wait()
    if status != 0:
        console.print("\n".join(_worth_reading(last)), markup=False, highlight=False)
    return status


def _worth_reading(lines: Iterable[str]) -> list[str]:
    noise = (
        "Assuming unrestricted",
        "Building DAG",
        "host:",
        "Provided cores",
        "Rules claiming",
        "Using profile",
        "Select jobs",
    )
    return [line for line in lines if line and not line.startswith(noise)]


class _Progress:
    """Steps done, what runs, time left: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} steps"))
        self._console = console
        self._bar = Progress(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("starting", total=None)
        self._started = time.monotonic()
        self._said = -1

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def read(self, line: str) -> None:
        """Take one line of the workflow engine."""
        if line.startswith("Job ") and ": " in line:
            self._bar.update(self._task, description=line.split(": ", 1)[1].strip())
        match = _STEPS_DONE.search(line)
        if match is None:
            return
        done, total, percent = (int(group) for group in match.groups())
        self._bar.update(self._task, completed=done, total=total)
        if not self._console.is_terminal and percent // 10 > self._said:
            self._said = percent // 10
            elapsed = time.monotonic() - self._started
            left = elapsed / done * (total - done) if done else 0.0
            self._console.print(
                f"{done} of {total} steps done, {elapsed:.0f} s so far, about {left:.0f} s left", highlight=False
            )


def _explain_failure(results: Results, console: Console) -> int:
    """Name the logs of failed jobs; a job that stopped because of the user's design ends with status 2."""
    status = EXIT_JOB_FAILED
    for log in sorted((results.root / "logs").rglob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if any(line.startswith("Traceback") for line in lines):
            console.print(f"failed: {log}", markup=False)
        problems = [line for line in lines if line.startswith("painconn: ")]
        if problems:
            console.print(f"failed: {log}", markup=False)
            console.print("\n".join(line for line in lines if line.startswith("  ")), markup=False, highlight=False)
            status = EXIT_USER if "(exit status 2)" in problems[0] else status
    return status


def print_outcome(results: Results) -> int:
    """Print the headline of every target, the exclusions and the report's path; return the exit status."""
    from painconn.reporting.page import headline_lines

    console = Console(soft_wrap=True)
    for line in headline_lines(results.root):
        console.print(line, markup=False, highlight=False)
    console.print(f"report: {results.page}", markup=False, highlight=False)
    audits = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.root.glob("group/*/audit.json"))]
    return EXIT_DONE if all(audit["passed"] for audit in audits) else EXIT_AUDIT_FAILED
