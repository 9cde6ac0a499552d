"""How often tests find something where nothing is, cohort by cohort, with limits that hold for all rows at once."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import binom

LEVEL = 0.05
CONFIDENCE = 0.99
ALL = "all"

Row = tuple[str, str, str]
Answers = Iterable[tuple[Row, bool]]


@dataclass(frozen=True)
class Rate:
    """How often one row of a table was found.

    Attributes
    ----------
    row : tuple of str
        What was asked, of which test, and in which scenario.
    n_found, n_asked : int
    """

    row: Row
    n_found: int
    n_asked: int

    def limits(self, n_rows: int, level: float = LEVEL) -> tuple[float, float]:
        """Return the shares between which a test with this level lies, for all rows of a table at once.

        Parameters
        ----------
        n_rows : int
            Rows that are looked at together (Bonferroni).
        level : float
            The true rate.
        """
        low, high = binom.interval(1 - (1 - CONFIDENCE) / n_rows, self.n_asked, level)
        return low / self.n_asked, high / self.n_asked

    def verdict(self, n_rows: int, level: float = LEVEL) -> str:
        """Say on which side of the limits the rate lies; too few findings cost power, too many are false claims."""
        low, high = self.limits(n_rows, level)
        share = self.n_found / self.n_asked
        if share > high:
            return "**too many**"
        return "inside" if share >= low else "fewer"


def keep_answers(path: Path, numbers: Sequence[int], ask: Callable[[int], Answers], *, told_every: int = 25) -> None:
    """Ask for every number that has no line in a file yet, and add a line for each: an interrupted run goes on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = set(_lines(path))
    with path.open("a", encoding="utf-8") as file:
        for number in numbers:
            if number in there:
                continue
            found = [[*row, bool(answer)] for row, answer in ask(number)]
            file.write(json.dumps({"number": number, "found": found}) + "\n")
            file.flush()
            if number % told_every == 0:
                print(f"{path.stem}: {number} of {len(numbers)}", flush=True)


def rates_in(path: Path) -> list[Rate]:
    """Count the answers of a file."""
    lines = _lines(path).values()
    return counted(((question, test, scenario), answer) for line in lines for question, test, scenario, answer in line)


def counted(answers: Answers) -> list[Rate]:
    """Count answers, rows in the order in which they first came."""
    found: dict[Row, list[bool]] = {}
    for row, answer in answers:
        found.setdefault(row, []).append(answer)
    return [Rate(row, sum(mine), len(mine)) for row, mine in found.items()]


def with_all_scenarios(rates: Sequence[Rate]) -> list[Rate]:
    """Add a row for all scenarios together, behind those of each."""
    alike: dict[tuple[str, str], list[Rate]] = {}
    for one in rates:
        alike.setdefault(one.row[:2], []).append(one)
    together = []
    for row, mine in alike.items():
        found, asked = sum(one.n_found for one in mine), sum(one.n_asked for one in mine)
        together += [*mine, *([Rate((*row, ALL), found, asked)] if len(mine) > 1 else [])]
    return together


def _lines(path: Path) -> dict[int, list[tuple[str, str, str, bool]]]:
    """Read the lines of a file; one that was cut off by an interruption is asked again."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[record["number"]] = record["found"]
    return found


def table(rates: Sequence[Rate], headers: Sequence[str], *, n_rows: int, level: float = LEVEL) -> list[str]:
    """Return the lines of a Markdown table of rates, which should be `level`."""
    lines = [f"| {' | '.join(headers)} | found | rate, % | limits, % | |", "|" + "---|" * (len(headers) + 4)]
    for one in sorted(rates, key=lambda rate: rate.row[0]):
        low, high = one.limits(n_rows, level)
        told = [*one.row, f"{one.n_found} of {one.n_asked}", f"{100 * one.n_found / one.n_asked:.1f}"]
        lines.append(f"| {' | '.join(told)} | {100 * low:.1f}-{100 * high:.1f} | {one.verdict(n_rows, level)} |")
    return lines
