"""``painconn fetch``: an open dataset by name, into a folder."""

from pathlib import Path
from threading import Lock
from types import TracebackType

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from painconn.errors import EXIT_DONE, EXIT_JOB_FAILED, InputError, Problem
from painconn.recordings.fetch.catalogue import Dataset, load_dataset
from painconn.recordings.fetch.job import Outcome, Wish, fetch_dataset
from painconn.recordings.fetch.plan import Plan

_GB = 10**9
_MOST_TOLD = 30


def fetch(
    name: str,
    to: Path,
    *,
    mirror: Path | None,
    participants: str,
    first: int | None,
    max_gb: float,
    workers: int,
    accept_licence: bool,
) -> int:
    """Fetch a dataset, say what it is and what to do next; return the exit status.

    Parameters
    ----------
    name : str
        Name of the dataset.
    to : Path
        Target folder.
    mirror : Path or None
        A local copy instead of the provider.
    participants : str
        Labels with commas between them; empty means everybody.
    first : int or None
        Only so many participants.
    max_gb : float
        Most data to bring, in units of 10^9 bytes.
    workers : int
        Files at a time.
    accept_licence : bool
        Whether the conditions of use are accepted.

    Raises
    ------
    PainconnError
        When nothing could be started.
    """
    dataset = load_dataset(name)
    labels = tuple(label.strip() for label in participants.split(",") if label.strip())
    if labels and first is not None:
        raise InputError(Problem("fetch", "--participants and --first", "one of the two", "leave one out"))
    wish = Wish(labels, first, int(max_gb * _GB), workers, accept_licence, mirror)
    console = Console(stderr=True, soft_wrap=True)
    _say(console, f"{dataset.title} ({dataset.name} {dataset.version})".replace(" )", ")"))
    _say(console, f"licence: {dataset.licence_name} ({dataset.licence}), {dataset.licence_url}")
    with _Display(console) as display:
        outcome = fetch_dataset(dataset, to, wish, display)
    _report(Console(soft_wrap=True), dataset, to, outcome)
    return EXIT_JOB_FAILED if outcome.problems else EXIT_DONE


def _report(console: Console, dataset: Dataset, to: Path, outcome: Outcome) -> None:
    _say(console, f"{outcome.n_brought} files brought, {outcome.n_present} were there: {to}")
    if outcome.problems:
        _say(console, f"{len(outcome.problems)} files are missing; run the same command again to go on:")
        for problem in outcome.problems[:_MOST_TOLD]:
            _say(console, f"  {problem}")
        if len(outcome.problems) > _MOST_TOLD:
            _say(console, f"  ... and {len(outcome.problems) - _MOST_TOLD} more")
    for made, source in outcome.record.made.items():
        _say(console, f"note: {made} was made by painconn from {source} of the dataset")
    found = outcome.record.version_found
    if found and found != dataset.version:
        _say(console, f"note: the provider gives version {found} now; {dataset.version} is described here")
    _say(console, f"licence: {dataset.licence_name}, {dataset.licence_url}")
    _say(console, "to cite:")
    for citation in (*dataset.citation, *([f"doi:{dataset.doi}"] if dataset.doi else [])):
        _say(console, f"  {citation}")
    _say(console, f"next: painconn init {to} --out {dataset.name}.yaml")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False)


class _Display:
    """Bytes brought and time left: a bar on a terminal, a line for every tenth elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bar = Bar(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("listing", total=None)
        self._lock = Lock()
        self._bytes = self._total_bytes = self._files = self._total_files = self._said = 0

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def start(self, plan: Plan) -> None:
        """Say how much is going to be brought."""
        there = len(plan.files) - len(plan.missing)
        _say(
            self._console,
            f"{len(plan.missing)} files to bring, {plan.told_size}; {there} are there and will be verified",
        )
        self._total_bytes, self._total_files = plan.n_bytes, len(plan.files)
        self._bar.update(self._task, total=plan.n_bytes, description=f"0/{self._total_files} files")

    def advance(self, n_bytes: int) -> None:
        """Count bytes."""
        with self._lock:
            self._bytes += n_bytes
            self._bar.update(self._task, completed=self._bytes)
            tenth = 10 * self._bytes // self._total_bytes if self._total_bytes else 0
            if not self._console.is_terminal and tenth > self._said:
                self._said = tenth
                _say(self._console, f"{decimal(self._bytes)} of {decimal(self._total_bytes)}")

    def finish(self) -> None:
        """Count a file."""
        with self._lock:
            self._files += 1
            self._bar.update(self._task, description=f"{self._files}/{self._total_files} files")
