"""Plant each leak in simulated cohorts without any effect and say what shows it (docs/method/leaks.md).

``python tools/measure_leaks.py`` makes three cohorts of each kind with the leak and three without, analyses them in the
naive way and with the library's own functions, and writes the table into the page. A few seconds for a cohort.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from painconn.errors import DesignError
from painconn.prediction.audit import audit_evaluation
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.probes import Probe, missing_pattern, probe_features, probe_gates
from planted_leaks import CANARIES, REFUSED, A, B, Canary, Cohort

PAGE = Path(__file__).resolve().parents[1] / "docs" / "method" / "leaks.md"
BEGIN, END = "<!-- begin leaks (tools/measure_leaks.py) -->", "<!-- end leaks -->"
BESIDE = ("age", "sex", "pain side", "epoch count", "muscle", "bad channels")


@dataclass(frozen=True)
class Outcome:
    """AUC of the leaking way and of this one, increment over the confound, and what shows the leak."""

    naive_auc: float
    auc: float
    increment: float
    fired: frozenset[str]


def outcome_of(cohort: Cohort, *, seed: int = 0, n_permutations: int = 99) -> Outcome:
    """Evaluate and audit a cohort as the steps of a study do."""
    n = len(cohort.labels)
    people = [f"p{index:03d}" for index in range(n)]
    features = pd.DataFrame(cohort.features)
    try:
        design = make_design(
            people, cohort.labels.tolist(), a=A, b=B, kind="between", n_repeats=3, seed=seed,
            strata=None if cohort.sites is None else cohort.sites.tolist(),
        )  # fmt: skip
    except DesignError:
        return Outcome(cohort.naive_auc, np.nan, np.nan, frozenset([REFUSED]))
    confounds = pd.DataFrame({cohort.confound: cohort.beside[cohort.confound]}) if cohort.confound else None
    evaluation = evaluate(
        features, design, n_permutations=n_permutations, seed=seed, confounds=confounds, steps=cohort.steps
    )
    # The values themselves stand for the signature of a recording.
    records = audit_evaluation(
        evaluation, features, seed=seed, steps=cohort.steps,
        fingerprints=dict(zip(people, cohort.features, strict=True)), owners={name: name for name in people},
    )  # fmt: skip
    if cohort.probed:
        records += probe_gates(probe_features(features, design, probes_of(cohort), seed=seed, n_permutations=299))
    fired = {record["gate"] for record in records if not record["passed"]}
    fired |= {REFUSED} if cohort.refused else set()
    increment = evaluation.scores["increment"]["increment"] if confounds is not None else np.nan
    return Outcome(cohort.naive_auc, evaluation.scores["auc"], increment, frozenset(fired))


def probes_of(cohort: Cohort) -> list[Probe]:
    """Return all probes of a study, so that their shared limit is the one that a study has."""
    n = len(cohort.labels)
    unknown = np.full(n, np.nan)
    probes = [Probe("site", pd.Series(unknown if cohort.sites is None else cohort.sites.astype(object)))]
    probes += [Probe(name, pd.Series(cohort.beside.get(name, unknown))) for name in BESIDE]
    probes.append(missing_pattern(pd.DataFrame(cohort.features)))
    return [*probes, Probe("file order", pd.Series(np.arange(n, dtype=float)), by_label=True)]


def row_of(canary: Canary, n_cohorts: int, *, first_seed: int = 0) -> str:
    """Return a line of the table: means over cohorts, and in how many of them a gate fired."""
    seeds = range(first_seed, first_seed + n_cohorts)
    leaking, without = (
        [outcome_of(canary.make(np.random.default_rng([seed, leak]), bool(leak)), seed=seed) for seed in seeds]
        for leak in (1, 0)
    )
    cells = [
        canary.leak,
        canary.naive,
        mean(leaking, "naive_auc"),
        mean(leaking, "auc"),
        mean(leaking, "increment"),
        gates(leaking),
        ", ".join(f"`{name}`" for name in sorted(canary.expected)) or "none",
        f"{mean(without, 'auc')}; {gates(without)}",
        verdict(canary, leaking, without),
    ]
    return "| " + " | ".join(cells) + " |"


def mean(outcomes: Sequence[Outcome], name: str) -> str:
    """Return the mean of a number over cohorts; a dash where there is none."""
    values = [getattr(outcome, name) for outcome in outcomes]
    return "-" if np.isnan(values).all() else f"{np.nanmean(values):.2f}"


def gates(outcomes: Sequence[Outcome]) -> str:
    """Return which gates fired, and in how many cohorts."""
    counts = Counter(name for outcome in outcomes for name in sorted(outcome.fired))
    return ", ".join(f"`{name}` {count}/{len(outcomes)}" for name, count in sorted(counts.items())) or "none"


def verdict(canary: Canary, leaking: Sequence[Outcome], without: Sequence[Outcome]) -> str:
    """Return whether what was expected fired in every leaking cohort, and nothing in those without the leak."""
    missed = sum(not canary.expected <= outcome.fired for outcome in leaking)
    alarms = sum(bool(outcome.fired) for outcome in without)
    false_alarms = 0 if canary.expected else sum(bool(outcome.fired) for outcome in leaking)
    wrong = [f"missed in {missed}"] if missed else []
    wrong += [f"{alarms + false_alarms} alarms without reason"] if alarms + false_alarms else []
    return "; ".join(wrong) or "yes"


def main() -> None:
    """Measure every leak and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=3, help="of each kind, with the leak and without")
    chosen_options = parser.parse_args()
    rows = [
        "| leak | the naive way | its AUC | AUC here | increment | what fired | expected "
        "| the same without the leak: AUC; what fired | as expected |",
        "|---" * 9 + "|",
    ]
    for canary in CANARIES:
        rows.append(row_of(canary, chosen_options.cohorts))
        print(rows[-1], flush=True)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    text = before + BEGIN + "\n" + "\n".join(rows) + "\n" + END + rest.split(END)[1]
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
