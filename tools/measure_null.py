"""Draw many studies from simulated people who do not differ, and count what they find.

``python tools/measure_null.py [--people 80] [--studies 300] [--cores 2]``: people of the study
``configs/studies/simulated.yaml`` at rest (32 channels, no artefacts), measured once by the library's own line. Every
study takes 12 and 12 of them by lot and gets the default classifier and the test of its primary family
(docs/method/ground-truth.md).
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from painconn.config.loader import load_study
from painconn.inference.comparison import compare_between
from painconn.inference.families import Family
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.provenance import SHIPPED
from painconn.simulation.caps import CAP_32
from painconn.steps.planned_cohort import plan_cohort
from painconn.steps.simulated_pool import make_bench, measure_people, workers

STUDY = SHIPPED / "configs" / "studies" / "simulated.yaml"
TARGET = "rest"
N_PER_GROUP = 12
N_PERMUTATIONS = 199
LEVEL = 0.05


def measured_people(n_people: int, *, seed: int, cores: int) -> pd.DataFrame:
    """Simulate and analyse people without any effect: a row each, a column per primary test."""
    study = load_study(STUDY)
    cohort = plan_cohort(study, TARGET, CAP_32, [])
    bench = make_bench(study, TARGET, cohort, effects=(), seed=seed)
    with workers(bench, cores) as run:
        people = measure_people(bench, n_people, run, lambda _: None)
    values = np.stack([person.values[0, 0] for person in people])
    return pd.DataFrame(values, index=[f"{number:04d}" for number in range(n_people)], columns=list(cohort.tests))


def drawn_study(table: pd.DataFrame, number: int, *, seed: int) -> tuple[float, float, bool]:
    """Return AUC, its permutation p, and whether a primary test is significant, of a study drawn by lot."""
    rng = np.random.default_rng((seed, number))
    chosen = table.iloc[rng.permutation(len(table))[: 2 * N_PER_GROUP]]
    labels = pd.Series(np.repeat(["localized", "widespread"], N_PER_GROUP), index=chosen.index)
    sides = {"a": "localized", "b": "widespread"}
    design = make_design(list(chosen.index), list(labels), **sides, kind="between", seed=number)
    scores = evaluate(chosen, design, n_permutations=N_PERMUTATIONS, seed=number).scores
    family = Family("primary", "primary", tuple(table.columns))
    tests = compare_between(
        chosen, labels, **sides, families=[family], n_permutations=N_PERMUTATIONS, seed=number
    ).table
    return scores["auc"], scores["permutation"]["p"], bool((tests["p_fwe"] < LEVEL).any())


def rate(found: list[bool]) -> str:
    """Return a share in per cent with its exact 95 % interval."""
    test = binomtest(sum(found), len(found))
    low, high = test.proportion_ci()
    return f"{100 * test.statistic:.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def main() -> None:
    """Measure people, draw studies, print what they found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=80)
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    table = measured_people(chosen.people, seed=chosen.seed, cores=chosen.cores)
    studies = [drawn_study(table, number, seed=chosen.seed) for number in range(chosen.studies)]
    auc = np.array([one[0] for one in studies])
    print(f"{chosen.studies} studies of {N_PER_GROUP} + {N_PER_GROUP} from {chosen.people} people without an effect")
    print(f"AUC {auc.mean():.3f} on average, {np.quantile(auc, 0.05):.2f} to {np.quantile(auc, 0.95):.2f} in 90 %")
    print(f"classifier significant in {rate([one[1] <= LEVEL for one in studies])}")
    print(f"a primary test significant in {rate([one[2] for one in studies])}")


if __name__ == "__main__":
    main()
