"""What every test says about a cohort without any effect: one answer per row of the table of rates."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from calibration.cohorts import (
    N_SESSIONS,
    SCENARIOS,
    SPREAD,
    A,
    B,
    NullCohort,
    block_columns,
    block_values,
    edge_places,
    null_cohort,
)
from painconn.inference import Comparison, Family, compare_between, compare_within, correlate
from painconn.inference.companions import companion_table
from painconn.inference.networks import Edge, NetworkSettings, network_tests
from painconn.inference.sessions import mixed_models
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.prediction.number_design import make_number_design
from painconn.prediction.number_evaluation import evaluate_numbers

LEVEL = 0.05
N_PERMUTATIONS = 199
NORMAL_TEST, HEAVY_TEST = block_columns()[0], block_columns()[-1]
COVARIATES = ("age", "muscle", "sex")
_STUDIES_PER_TABLE = 50
NETWORKS = NetworkSettings((2.5, 3.0, 3.5), 0.4, 3.0)

Found = Iterator[tuple[tuple[str, str, str], bool]]
"""Question, test and scenario, and whether the test found something."""


def quick_tests(number: int, *, seed: int) -> Found:
    """Run everything that takes little time on one cohort: comparisons and their companions."""
    cohort = null_cohort(number, seed=seed)
    rng = np.random.default_rng((seed, number, 1))
    yield from _between(cohort, number)
    yield from _within(cohort, rng, number)
    yield from _association(cohort, rng, number)


def long_tests(number: int, *, seed: int) -> Found:
    """Run what takes long on one cohort: networks, the classifier, the regression, the mixed model."""
    cohort = null_cohort(number, seed=seed)
    rng = np.random.default_rng((seed, number, 2))
    yield from _networks(cohort, number)
    yield from _classifier(cohort, number)
    yield from _regression(cohort, rng, number)
    yield from _sessions(cohort, rng)


def _between(cohort: NullCohort, number: int) -> Found:
    people: dict[str, Any] = {"a": A, "b": B, "n_permutations": N_PERMUTATIONS, "seed": number}
    asked: dict[str, Callable[[], Comparison]] = {
        "two groups": lambda: compare_between(cohort.blocks, cohort.labels, families=[_family()], **people),
        "two groups, covariates tied to the group": lambda: compare_between(
            cohort.moved_by_covariates(),
            cohort.labels,
            families=[_family(COVARIATES)],
            covariates=cohort.covariates,
            **people,
        ),
        "two groups, sites tied to the group": lambda: compare_between(
            cohort.moved_by_site(), cohort.labels, families=[_family()], strata=cohort.sites, **people
        ),
    }
    for question, compare in asked.items():
        compared = compare()
        yield from _family_tests(question, compared, cohort.scenario)
        rank = "" if question != "two groups" else "Mann-Whitney"
        yield from _companions(
            question, compared, cohort.scenario, parametric="Welch's t, or its counterpart", rank=rank
        )


def _within(cohort: NullCohort, rng: np.random.Generator, number: int) -> Found:
    """Compare two conditions of the people of group a; where groups vary unequally the second condition varies more."""
    n_people = int((~cohort.in_b).sum())
    people = cohort.labels.index[:n_people]
    own = block_values(rng, n_people)
    spread = 1.0 if cohort.scenario == SCENARIOS[0] else SPREAD
    first, second = own + block_values(rng, n_people), own + spread * block_values(rng, n_people)
    muscle = rng.standard_normal((2, n_people)) + np.array([[0.0], [0.7]])
    scenario = SCENARIOS[0] if cohort.scenario == SCENARIOS[0] else "one condition varies more"
    for question, slope, names in (
        ("two conditions", 0.0, ()),
        ("two conditions, covariate tied to the condition", 0.6, ("muscle",)),
    ):
        under_a, under_b = (
            pd.DataFrame(values + slope * own_muscle[:, None], index=people, columns=block_columns())
            for values, own_muscle in zip((first, second), muscle, strict=True)
        )
        covariates_a, covariates_b = (pd.DataFrame({"muscle": column}, index=people) for column in muscle)
        compared = compare_within(
            under_a,
            under_b,
            a=A,
            b=B,
            families=[_family(names)],
            covariates_a=covariates_a,
            covariates_b=covariates_b,
            n_permutations=N_PERMUTATIONS,
            seed=number,
        )
        yield from _family_tests(question, compared, scenario)
        rank = "" if names else "Wilcoxon signed-rank"
        yield from _companions(question, compared, scenario, parametric="paired t, or its counterpart", rank=rank)


def _association(cohort: NullCohort, rng: np.random.Generator, number: int) -> Found:
    """Correlate with a score; where groups vary unequally values vary more the farther the score is from its mean."""
    people = cohort.labels.index
    score = rng.standard_normal(len(people))
    even = cohort.scenario == SCENARIOS[0]
    spread = np.ones(len(people)) if even else 0.5 + np.abs(score)
    values = pd.DataFrame(spread[:, None] * block_values(rng, len(people)), index=people, columns=block_columns())
    age = 0.7 * score + 0.7 * rng.standard_normal(len(people))
    scenario = SCENARIOS[0] if even else "spread grows with distance from the mean score"
    for question, slope, names in (
        ("a score", 0.0, ()),
        ("a score, covariate tied to it", 0.6, ("age",)),
    ):
        compared = correlate(
            values.add(slope * age, axis=0),
            pd.Series(score, index=people),
            score="score",
            families=[_family(names)],
            covariates=pd.DataFrame({"age": age}, index=people),
            n_permutations=N_PERMUTATIONS,
            seed=number,
        )
        yield from _family_tests(question, compared, scenario)
        rank = "" if names else "Spearman"
        yield from _companions(question, compared, scenario, parametric="t of the slope", rank=rank)


def equivalence(n_tables: int, *, seed: int) -> Iterator[tuple[tuple[str, str, str], bool]]:
    """Test equivalence where the true effect lies exactly on the margin; 50 tests of a table are a study each."""
    tests = tuple(f"study{number}" for number in range(_STUDIES_PER_TABLE))
    family = Family("on the margin", "exploratory", tests)
    options: dict[str, Any] = {"families": [family], "n_permutations": 1, "seed": seed}
    for number, (n, margin, r) in product(
        range(n_tables), ((12, 0.5, 0.3), (30, 0.5, 0.3), (100, 0.5, 0.3), (30, 1.0, 0.5))
    ):
        rng = np.random.default_rng((seed, number, n, round(10 * margin)))
        people = [f"p{index:03d}" for index in range(2 * n)]
        values = pd.DataFrame(rng.standard_normal((2 * n, len(tests))), index=people, columns=list(tests))
        score = pd.Series(rng.standard_normal(2 * n), index=people)
        labels = pd.Series([A] * n + [B] * n, index=people)
        shifted = values.add(np.where(labels == B, margin, 0.0), axis=0)
        tied = values * np.sqrt(1 - r**2) + r * score.to_numpy()[:, None]
        first = values.iloc[:n]
        for question, true, size, compared in (
            ("two groups", f"g = {margin:g}", f"{n} + {n}", compare_between(shifted, labels, a=A, b=B, **options)),
            (
                "two conditions",
                f"dz = {margin:g}",
                f"{n} pairs",
                compare_within(0 * first, first + margin, a=A, b=B, **options),
            ),
            ("a score", f"r = {r:g}", f"{2 * n} people", correlate(tied, score, score="score", **options)),
        ):
            at = r if question == "a score" else margin
            for p in companion_table(compared, [family], smallest_effect=at, seed=seed)["p_equivalence"]:
                yield (question, "equivalence", f"true {true}, {size}"), bool(p <= LEVEL)


def _networks(cohort: NullCohort, number: int) -> Found:
    places = edge_places()
    family = Family("edges", "exploratory", tuple(places))
    compared = compare_between(
        cohort.edges, cohort.labels, a=A, b=B, families=[family], n_permutations=N_PERMUTATIONS, seed=number
    )
    found = network_tests(compared, "edges", {name: Edge(*place) for name, place in places.items()}, NETWORKS)
    components = found.components
    # Without components of two edges nothing is found.
    lowest = components[components["threshold"] == NETWORKS.thresholds[0]] if len(components) else components
    question, scenario = "networks", cohort.scenario
    for told, table, column in (
        ("extent, threshold 2.5", lowest, "p_extent"),
        ("intensity, threshold 2.5", lowest, "p_intensity"),
        ("all thresholds and both sizes", components, "p_fwe"),
        ("threshold-free enhancement", found.edges, "p_fwe"),
    ):
        yield (question, told, scenario), bool(len(table) and table[column].min() <= LEVEL)


def _classifier(cohort: NullCohort, number: int) -> Found:
    design = make_design(list(cohort.labels.index), list(cohort.labels), a=A, b=B, kind="between", seed=number)
    scores = evaluate(
        cohort.blocks, design, n_permutations=N_PERMUTATIONS, seed=number, confounds=cohort.covariates
    ).scores
    low, high = scores["auc_ci"]
    more, less = scores["increment"]["increment_ci"]
    for told, found in (
        ("permutation p", scores["permutation"]["p"] <= LEVEL),
        ("interval of the AUC without 0.5", low > 0.5 or high < 0.5),
        ("interval of the increment above 0", more > 0),
        ("interval of the increment below 0", less < 0),
    ):
        yield ("ridge classifier", told, cohort.scenario), bool(found)


def _regression(cohort: NullCohort, rng: np.random.Generator, number: int) -> Found:
    """Predict a score that has nothing to do with the features; a covariate that has is held against them."""
    people = list(cohort.labels.index)
    score = rng.standard_normal(len(people))
    age = pd.DataFrame({"age": 0.7 * score + 0.7 * rng.standard_normal(len(people))}, index=people)
    design = make_number_design(people, score.tolist(), score="score", seed=number)
    scores = evaluate_numbers(cohort.blocks, design, n_permutations=N_PERMUTATIONS, seed=number, confounds=age).scores
    for told, found in (
        ("permutation p", scores["permutation"]["p"] <= LEVEL),
        ("interval of R2 above 0", scores["r2_ci"][0] > 0),
        ("interval of the increment above 0", scores["increment"]["increment_ci"][0] > 0),
    ):
        yield ("ridge regression", told, "all"), bool(found)


def _sessions(cohort: NullCohort, rng: np.random.Generator) -> Found:
    """Fit the mixed model to one test, three sessions a person; what is not computable found nothing."""
    n_people = len(cohort.labels)
    people = np.repeat(cohort.labels.index, N_SESSIONS)
    values = np.repeat(cohort.blocks[NORMAL_TEST].to_numpy(), N_SESSIONS) + rng.standard_normal(n_people * N_SESSIONS)
    effect = pd.Series(np.repeat(cohort.in_b, N_SESSIONS).astype(float))
    p = mixed_models(pd.DataFrame({"x": values}), pd.Series(people), effect)["p_mixed"].iloc[0]
    yield ("several sessions", "mixed model, Wald p", cohort.scenario), bool(float(p) <= LEVEL)


def _family(covariates: tuple[str, ...] = ()) -> Family:
    return Family("primary", "primary", tuple(block_columns()), covariates)


def _family_tests(question: str, compared: Comparison, scenario: str) -> Found:
    table = compared.table.set_index("test")
    yield (question, "one test, permutation p", scenario), bool(table.loc[NORMAL_TEST, "p"] <= LEVEL)
    yield (question, "one test with heavy tails, permutation p", scenario), bool(table.loc[HEAVY_TEST, "p"] <= LEVEL)
    yield (question, "any of 63, family-wise p", scenario), bool(table["p_fwe"].min() <= LEVEL)
    yield (question, "any of 63, false discovery rate", scenario), bool(table["q_fdr"].min() <= LEVEL)


def _companions(question: str, compared: Comparison, scenario: str, *, parametric: str, rank: str) -> Found:
    """Ask the companions of two tests; a rank test knows no covariates and is asked only where there are none."""
    own = Family("primary", "exploratory", (NORMAL_TEST, HEAVY_TEST))
    table = companion_table(compared, [own], seed=1).set_index("test")
    yield (question, parametric, scenario), bool(table.loc[NORMAL_TEST, "p_parametric"] <= LEVEL)
    if rank:
        yield (question, rank, scenario), bool(table.loc[NORMAL_TEST, "p_rank"] <= LEVEL)
