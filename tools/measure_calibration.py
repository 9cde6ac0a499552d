"""Measure how often tests, classifiers and gates find something where nothing is (docs/method/calibration.md).

``python tools/measure_calibration.py`` runs all parts and writes the tables into the page; about an hour of one core.
Everything lies in ``--work`` and what is there is not made again, so that a run that was interrupted goes on.
``--only features studies`` runs these parts, ``--tables`` runs nothing and writes what is there.

``features``: null cohorts made of numbers, every test. ``pool``: simulated people, processed once by the pipeline.
``studies``: studies of 12 and 12 drawn from the pool, every gate, and the naive scheme. The table of the intervals of
the AUC is that of ``benchmarks/auc_coverage.py``.
"""

import argparse
import os
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from calibration.feature_tests import equivalence, long_tests, quick_tests
from calibration.pool import processed_pool
from calibration.rates import LEVEL, counted, keep_answers, rates_in, table, with_all_scenarios
from calibration.studies import study_answers
from painconn.prediction.intervals import LOWEST_COVERAGE, measured_coverage
from painconn.store import read_parquet

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "method" / "calibration.md"
BEGIN, END = "<!-- begin {} (tools/measure_calibration.py) -->", "<!-- end {} -->"
PARTS = ("features", "pool", "studies")
N_QUICK, N_LONG, N_PEOPLE, N_STUDIES, N_TABLES = 1500, 501, 132, 500, 40
HIGHEST_COVERAGE = 0.98
ONE_SIDED = ("above 0", "below 0")


def run(part: str, work: Path, *, seed: int) -> None:
    """Run one part, as far as it has not been run."""
    if part == "features":
        keep_answers(work / "long.jsonl", range(N_LONG), lambda number: long_tests(number, seed=seed))
        keep_answers(work / "quick.jsonl", range(N_QUICK), lambda number: quick_tests(number, seed=seed))
        return
    pool = processed_pool(work, n_people=N_PEOPLE, seed=seed)
    if part == "studies":
        place = work / "study"
        keep_answers(
            work / "studies.jsonl", range(N_STUDIES), lambda number: study_answers(pool, number, place, seed=seed)
        )


def feature_lines(work: Path, *, seed: int) -> list[str]:
    """Return the table of the null cohorts; what has to be seen as one-sided is in a table of its own."""
    # Few cohorts for each scenario say little: what takes long is told for all scenarios together, too.
    long = [one for one in rates_in(work / "long.jsonl") if not one.row[1].endswith(ONE_SIDED)]
    rates = [*rates_in(work / "quick.jsonl"), *with_all_scenarios(long), *counted(equivalence(N_TABLES, seed=seed))]
    return table(rates, ("what is asked", "test", "scenario"), n_rows=len(rates))


def one_sided_lines(answers: Path) -> list[str]:
    """Return the shares of intervals that lie on one side of 0, nominally 2.5 %."""
    rates = with_all_scenarios([one for one in rates_in(answers) if one.row[1].endswith(ONE_SIDED)])
    return table(rates, ("what is asked", "interval", "scenario"), n_rows=len(rates), level=LEVEL / 2)


def study_lines(work: Path) -> list[str]:
    """Return the table of the drawn studies without the gates."""
    rates = [one for one in rates_in(work / "studies.jsonl") if one.row[0] != "audit"]
    rates = with_all_scenarios([one for one in rates if not one.row[1].endswith(ONE_SIDED)])
    return table(rates, ("what is asked", "test", "groups drawn"), n_rows=len(rates))


def gate_lines(work: Path) -> list[str]:
    """Return how often each gate failed, a column for each way of drawing the groups."""
    rates = [one for one in rates_in(work / "studies.jsonl") if one.row[0] == "audit"]
    draws = list(dict.fromkeys(one.row[2] for one in rates))
    shares = {(one.row[1], one.row[2]): f"{one.n_found} of {one.n_asked}" for one in rates}
    lines = [f"| gate | {' | '.join(draws)} |", "|" + "---|" * (len(draws) + 1)]
    for gate in dict.fromkeys(one.row[1] for one in rates):
        lines.append(f"| {gate} | {' | '.join(shares.get((gate, draw), '-') for draw in draws)} |")
    return lines


def people_lines(work: Path) -> list[str]:
    """Return how far the people of the pool differ in what the groups were drawn unequal in."""
    pool = read_parquet(work / "pool.parquet")
    lines = [f"| {len(pool)} people | lowest | median | highest |", "|---|---|---|---|"]
    for told, column, digits in (
        ("age", "age", 0),
        ("muscle index", "quality__muscle_index", 3),
        ("epochs kept, of 30", "quality__n_epochs_kept", 0),
        ("bad channels", "quality__n_bad_channels", 0),
        ("components removed", "quality__components_removed", 0),
    ):
        found = pool[column].quantile([0.0, 0.5, 1.0])
        lines.append(f"| {told} | {' | '.join(f'{value:.{digits}f}' for value in found)} |")
    return lines


def coverage_lines() -> list[str]:
    """Return how often the headline interval held the truth, per simulated design."""
    lines = [
        "| people | features | expected AUC | coverage, % | interval below / above the truth, % | mean width | |",
        "|---|---|---|---|---|---|---|",
    ]
    cells = [cell for cell in measured_coverage()["cells"] if cell["quantity"] == "auc"]
    for cell in sorted(cells, key=lambda one: (one["kind"], one["n_features"], one["n_a"] + one["n_b"], one["truth"])):
        people = f"{cell['n_a']} pairs" if cell["kind"] == "within" else f"{cell['n_a']} + {cell['n_b']}"
        held = cell["coverage"]
        verdict = "inside" if LOWEST_COVERAGE <= held <= HIGHEST_COVERAGE else "wider than need be"
        verdict = "**too narrow**, printed beside it" if held < LOWEST_COVERAGE else verdict
        sides = f"{100 * cell['interval_below_truth']:.1f} / {100 * cell['interval_above_truth']:.1f}"
        lines.append(
            f"| {people} | {cell['n_features']} | {cell['truth']:.2f} | {100 * held:.1f} | {sides} "
            f"| {cell['mean_width']:.2f} | {verdict} |"
        )
    return lines


def write_tables(work: Path, *, seed: int) -> None:
    """Put the tables of everything that is there into the page."""
    made = {"coverage": coverage_lines()}
    if (work / "long.jsonl").is_file() and (work / "quick.jsonl").is_file():
        made |= {"features": feature_lines(work, seed=seed), "one-sided": one_sided_lines(work / "long.jsonl")}
    if (work / "pool.parquet").is_file():
        made["people"] = people_lines(work)
    if (work / "studies.jsonl").is_file():
        made |= {"studies": study_lines(work), "gates": gate_lines(work)}
        made["increments"] = one_sided_lines(work / "studies.jsonl")
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in made.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin)
        text = before + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")
    print(f"{', '.join(made)} in {PAGE.name}")


def main() -> None:
    """Run what is asked for and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE / "results" / "calibration", help="data and results")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help="these parts")
    parser.add_argument("--tables", action="store_true", help="run nothing")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    work = chosen.work.resolve()
    # Libraries warn about people who cannot be used; the exclusions say it.
    warnings.simplefilter("ignore")
    for part in () if chosen.tables else chosen.only:
        run(part, work, seed=chosen.seed)
    write_tables(work, seed=chosen.seed)


if __name__ == "__main__":
    main()
