"""MAX-T and NBS-5K: permutation of a two-group comparison, against a loop over scipy and against bctpy.

Run ``python benchmarks/run.py MAX-T NBS``. Both peers are timed on a few labellings and scaled up (stated); what those
labellings give is compared with ours in the same run.
"""

import contextlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from measuring import OURS, agreement, alternate, entry, with_version
from painconn.inference.model import LinearModel, linear_model, normal_score
from painconn.inference.network_kernels import largest_components
from painconn.inference.permutation import null_scores, permutation_p
from painconn.inference.rearrangements import Rearrangements, permutations

N_PEOPLE, N_TESTS, N_PERMUTATIONS, N_SCIPY = 100, 24750, 5000, 20
N_REGIONS, N_BCT, T_THRESHOLD = 100, 20, 3.0
LIMIT = 1e-9
_WHERE_TIME_GOES = (
    "With one variance the correlation alone ranks the labellings: one matrix product and a comparison. With one per "
    "group it takes a second product (the squares), the degrees of freedom of every labelling and test, and the score "
    "that makes them comparable; half of the time are the products."
)

Floats = NDArray[np.float64]
IN_B = np.arange(N_PEOPLE) < N_PEOPLE // 2


def cohort(n_tests: int) -> Floats:
    """Draw two groups of which a few tests differ; group b comes first."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((N_PEOPLE, n_tests))
    values[IN_B, :50] += 0.5
    return values


def model(*, pooled: bool) -> LinearModel:
    """Return the model of two groups, with one error variance or one per group."""
    groups = np.ones((1, N_PEOPLE)) if pooled else np.array([~IN_B, IN_B], dtype=float)
    return linear_model(IN_B.astype(float), np.ones((N_PEOPLE, 1)), groups, where="b - a")


def scipy_loop(values: Floats, labellings: list[NDArray[np.bool_]], *, pooled: bool) -> Floats:
    """Return the largest absolute t of each labelling."""
    return np.array(
        [
            np.abs(stats.ttest_ind(values[placed], values[~placed], equal_var=pooled).statistic).max()
            for placed in labellings
        ]
    )


def scipy_p(values: Floats, labellings: list[NDArray[np.bool_]], *, pooled: bool) -> tuple[Floats, Floats]:
    """Rank the observed scores among those of the labellings, by scipy."""
    scores = []
    for placed in [IN_B, *labellings]:
        found = stats.ttest_ind(values[placed], values[~placed], equal_var=pooled)
        scores.append(normal_score(found.statistic, np.broadcast_to(found.df, found.statistic.shape)))
    threshold, null = scores[0] * (1 - 1e-7), np.array(scores)
    return (null >= threshold).mean(axis=0), (null.max(axis=1)[:, None] >= threshold).mean(axis=0)


def max_t() -> list[dict[str, Any]]:
    """Time the family-wise p of two groups, with pooled and with separate variances."""
    values = cohort(N_TESTS)
    arrangements = permutations(np.zeros(N_PEOPLE, dtype=int), n_permutations=N_PERMUTATIONS, seed=1)
    first = Rearrangements(arrangements.rows[:N_SCIPY], None, exact=False)
    labellings = [IN_B[rows] for rows in first.rows]
    entries = []
    for workload, pooled, goal in (("MAX-T", True, 100.0), ("MAX-T-WELCH", False, None)):
        design = model(pooled=pooled)
        permutation_p(design, values[:, :100], first)
        measured = alternate(
            {
                "scipy": lambda pooled=pooled: scipy_loop(values, labellings, pooled=pooled),
                OURS: lambda design=design: permutation_p(design, values, arrangements),
            },
            repeats={"scipy": 3, OURS: 3},
        )
        ours, peer = permutation_p(design, values, first), scipy_p(values, labellings, pooled=pooled)
        kind = "one error variance" if pooled else "one error variance per group (Welch), ranked by normal score"
        entries.append(
            entry(
                workload,
                described=f"{N_PEOPLE} people in two groups, {N_TESTS} tests, {N_PERMUTATIONS} permutations, {kind}",
                peer=f"{with_version('scipy')}, ttest_ind of all tests for each labelling, largest |t| only",
                cpu_s={"scipy": measured.cpu_s["scipy"] / N_SCIPY * N_PERMUTATIONS, OURS: measured.cpu_s[OURS]},
                differences={"p": agreement(ours[0], peer[0]), "p_fwe": agreement(ours[1], peer[1])},
                limit=LIMIT,
                goal_ratio=goal,
                note="" if pooled else _WHERE_TIME_GOES,
                extrapolated_from=f"{N_SCIPY} of {N_PERMUTATIONS} labellings",
            )
        )
    return entries


def bct_networks(values: Floats, pairs: tuple[Any, Any]) -> tuple[Floats, Floats]:
    """Return the sizes of the observed components (sorted) and the largest of each labelling, by bctpy."""
    import bct

    matrices = np.zeros((N_REGIONS, N_REGIONS, N_PEOPLE))
    matrices[pairs] = values.T
    matrices += matrices.transpose(1, 0, 2)
    with contextlib.redirect_stdout(io.StringIO()):
        _, labels, null = bct.nbs_bct(
            matrices[:, :, IN_B], matrices[:, :, ~IN_B], T_THRESHOLD, k=N_BCT, tail="right", seed=1
        )
    sizes = [(labels == label).sum() / 2 for label in np.unique(labels[labels > 0])]
    return np.sort(np.array(sizes)), null


def bct_labellings() -> Rearrangements:
    """Return the labellings that bctpy draws from the same seed."""
    rng = np.random.RandomState(1)
    rows = np.empty((N_BCT, N_PEOPLE), dtype=np.intp)
    for row in rows:
        row[rng.permutation(N_PEOPLE)] = np.arange(N_PEOPLE)
    return Rearrangements(rows, None, exact=False)


def networks(values: Floats, pairs: tuple[Any, Any], arrangements: Rearrangements) -> Floats:
    """Return the largest number of edges of a component for each rearrangement."""
    threshold = normal_score(np.array([T_THRESHOLD]), np.array([N_PEOPLE - 2.0]))
    found = []
    for scores in null_scores(model(pooled=True), values, arrangements):
        out = np.zeros((len(scores), 1, 2))
        largest_components(scores, pairs[0], pairs[1], N_REGIONS, threshold, out)
        found.append(out[:, 0, 0])
    return np.concatenate(found)


def nbs() -> dict[str, Any]:
    """Time the null distribution of the largest component."""
    pairs = np.triu_indices(N_REGIONS, 1)
    values = cohort(pairs[0].size)
    arrangements = permutations(np.zeros(N_PEOPLE, dtype=int), n_permutations=N_PERMUTATIONS, seed=1)
    own = Rearrangements(np.arange(N_PEOPLE)[None], None, exact=False)
    networks(values, pairs, own)
    measured = alternate(
        {"bctpy": lambda: bct_networks(values, pairs), OURS: lambda: networks(values, pairs, arrangements)},
        repeats={"bctpy": 1, OURS: 5},
    )
    sizes, null = measured.outputs["bctpy"]
    return entry(
        "NBS-5K",
        described=f"{N_REGIONS} nodes, {pairs[0].size} edges, {N_PEOPLE} people in two groups, {N_PERMUTATIONS} "
        f"permutations, extent at t > {T_THRESHOLD:g}",
        peer=f"{with_version('bctpy')} nbs_bct",
        cpu_s={"bctpy": measured.cpu_s["bctpy"] / (N_BCT + 1) * N_PERMUTATIONS, OURS: measured.cpu_s[OURS]},
        differences={
            "observed": agreement(networks(values, pairs, own)[0], sizes.max()),
            "null": agreement(networks(values, pairs, bct_labellings()), null),
        },
        limit=LIMIT,
        goal_ratio=500.0,
        extrapolated_from=f"{N_BCT} of {N_PERMUTATIONS} labellings and the observed one",
    )
