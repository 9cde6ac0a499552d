"""The permutation test keeps its promise on cohorts without any effect, and a common other scheme does not."""

import numpy as np
import pytest
from scipy.stats import binom

from calibration.naive import naive_p
from painconn.prediction.auc import within_fold_auc
from painconn.prediction.design import Design, make_design
from painconn.prediction.folds import FeatureTable, outer_folds
from painconn.prediction.labellings import permuted_labellings
from painconn.prediction.ridge import score_labellings

pytestmark = pytest.mark.slow

N_COHORTS = 200
N_PERMUTATIONS = 59


def noise(generator: np.random.Generator, n: int) -> np.ndarray:
    return generator.normal(size=(n, 300))


def correlated_noise(generator: np.random.Generator, n: int) -> np.ndarray:
    return generator.normal(size=(n, 8)) + generator.normal(size=(n, 1))


def contract_p(design: Design, values: np.ndarray, seed: int) -> tuple[float, float]:
    drawn = permuted_labellings(design, n_permutations=N_PERMUTATIONS, seed=seed).signs
    signs = np.column_stack([design.signs, drawn])
    table = FeatureTable(values, np.ones(values.shape[1]))
    scored = score_labellings(table, signs, outer_folds(design))
    auc = np.mean([within_fold_auc(each.test, signs[each.fold.test]) for each in scored], axis=0)
    return (1 + np.sum(auc[1:] >= auc[0] - 1e-10)) / (1 + N_PERMUTATIONS), float(auc[0])


def false_alarms(p: list[float]) -> int:
    return int(np.sum(np.array(p) <= 0.05))


def too_many(count: int) -> bool:
    return count > binom.isf(0.005, N_COHORTS, 0.05)


@pytest.mark.parametrize(("kind", "n_a", "n_b"), [("between", 12, 12), ("between", 17, 6), ("within", 10, 10)])
def test_null_cohorts_give_five_percent(kind: str, n_a: int, n_b: int) -> None:
    generator = np.random.default_rng(11)
    p, aucs = [], []
    for number in range(N_COHORTS):
        people = [f"c{number}-{index}" for index in range(n_a if kind == "within" else n_a + n_b)]
        people = people * 2 if kind == "within" else people
        labels = ["a"] * n_a + ["b"] * n_b
        design = make_design(people, labels, a="a", b="b", kind=kind, n_repeats=1, seed=number)
        values = (noise if n_a == n_b else correlated_noise)(generator, n_a + n_b)
        if kind == "within":
            values += 2 * np.vstack([noise(generator, n_a)] * 2)
        one, auc = contract_p(design, values, number)
        p.append(one)
        aucs.append(auc)
    count = false_alarms(p)
    assert not too_many(count)
    assert count >= binom.ppf(0.005, N_COHORTS, 0.05)
    assert abs(np.mean(aucs) - 0.5) < 4 * np.std(aucs) / np.sqrt(N_COHORTS)


def test_stratified_folds_with_free_permutation_and_pooled_auc_raise_false_alarms() -> None:
    generator = np.random.default_rng(11)
    signs = np.repeat([-1.0, 1.0], 12)
    p = [naive_p(signs, noise(generator, 24), number, n_permutations=N_PERMUTATIONS) for number in range(N_COHORTS)]
    count = false_alarms(p)
    assert too_many(count)
    assert count > 0.1 * N_COHORTS
