"""``painconn run``: the study is checked, then Snakemake does the work, then the outcome is said in a few lines."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from painconn.cli.in_use import held
from painconn.cli.progress import Progress
from painconn.config.loader import load_study, with_data_root
from painconn.config.study import StudyConfig
from painconn.errors import EXIT_AUDIT_FAILED, EXIT_DONE, EXIT_JOB_FAILED, EXIT_USER
from painconn.paths import Results, as_setting
from painconn.provenance import SHIPPED
from painconn.store import read_json

_FAILED_LOG = re.compile(r"^\s*log: (.+?) \(check log file")
# Alone or among other switches of one letter: -n, -np.
_DRY = re.compile(r"-[pkF]*n[npkF]*|--dry-?run")
_KEPT_LINES = 40


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
    dry = any(_DRY.fullmatch(option) for option in extra)
    if dry:
        status, said = _snakemake(_command(path, data, results, cores, profile, extra), console)
    else:
        with held(results) as descriptor:
            unlocked = () if descriptor is None else ("--nolock",)
            command = _command(path, data, results, cores, profile, (*unlocked, *extra))
            status, said = _snakemake(command, console, descriptor)
    if dry or (status == 0 and extra and not results.page.is_file()):
        console.print("\n".join(said), markup=False, highlight=False)
        return EXIT_DONE if status == 0 else EXIT_JOB_FAILED
    return print_outcome(results) if status == 0 else _explain_failure(said, console)


def _command(
    path: Path, data: Path | None, results: Results, cores: int | None, profile: str, extra: Sequence[str]
) -> list[str]:
    shipped = SHIPPED / "workflow" / "profiles" / profile
    settings = [f"painconn_out={as_setting(results.root)}"]
    settings += [f"painconn_data={as_setting(data.resolve())}"] if data else []
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SHIPPED / "workflow" / "Snakefile")),
        *("--configfile", str(path), "--config", *settings, "--profile", str(shipped if shipped.is_dir() else profile)),
        *("--cores", str(cores) if cores else "all", *extra),
    ]


def _snakemake(command: Sequence[str], console: Console, holding: int | None = None) -> tuple[int, list[str]]:
    """Run snakemake and turn its messages into progress; return its status and everything it said.

    It keeps the file open that holds the results folder: when only this process is killed, the run goes on.
    """
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ),
        pass_fds=() if holding is None else (holding,),
    )
    said: list[str] = []
    with process, Progress(console) as progress:
        for line in process.stdout or ():
            said.append(line.rstrip())
            progress.read(line)
        return process.wait(), said


def _explain_failure(said: Sequence[str], console: Console) -> int:
    """Say for each failed job why; when the user's input or design is the reason the status is 2."""
    status = EXIT_JOB_FAILED
    logs = dict.fromkeys(match[1] for line in said if (match := _FAILED_LOG.search(line)))
    for log in map(Path, logs):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
        problems = [line for line in lines if line.startswith("painconn: ")]
        if problems:
            status = EXIT_USER if "(exit status 2)" in problems[0] else status
            reason = "\n".join(line for line in lines if line.startswith("  "))
        else:
            reason = "  " + (
                lines[-1] if lines else "killed without a word, probably for memory: fewer --cores may help"
            )
        console.print(f"failed: {log}\n{reason}", markup=False, highlight=False)
    if not logs:
        console.print("\n".join(said[-_KEPT_LINES:]), markup=False, highlight=False)
    return status


def print_outcome(results: Results) -> int:
    """Print the headline of every target, the exclusions and the report's path; return the exit status."""
    from painconn.reporting.page import headline_lines

    console = Console(soft_wrap=True)
    for line in headline_lines(results.root):
        console.print(line, markup=False, highlight=False)
    flow = read_json(results.group("flow.json"))
    if flow["recordings_excluded"]:
        told = f"{flow['recordings_excluded']} of {flow['recordings_found']} recordings"
        console.print(f"excluded: {told}; why: {results.group('exclusions.tsv')}", markup=False, highlight=False)
    console.print(f"report: {results.page}", markup=False, highlight=False)
    audits = [
        read_json(results.target(name, "audit.json")) for name in read_json(results.group("study.json"))["targets"]
    ]
    return EXIT_DONE if all(audit["passed"] for audit in audits) else EXIT_AUDIT_FAILED
