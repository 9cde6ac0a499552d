"""Progress of a run: a bar on a terminal, plain lines elsewhere."""

import re
import time

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_STEPS_DONE = re.compile(r"(\d+) of (\d+) steps \((\d+)%\) done")


class Progress:
    """Steps done, what runs and the time left, read from the lines of the workflow engine."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} steps"))
        self._console = console
        self._bar = Bar(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("starting", total=None)
        self._started = time.monotonic()
        self._said = -1

    def __enter__(self) -> "Progress":
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
