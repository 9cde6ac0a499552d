"""How much of a planted truth an analysis recovers: edges in people, effects between groups. Arrays in, scores out.

Conventions of this file: `edges` are (people, pairs) in the order of the upper triangle of a (regions, regions) matrix,
larger meaning more coupling (the magnitude, for measures with a sign). A pair is *planted* (coupled in the cortex),
*beside* a planted one (leakage alone carries the coupling there, so that it is neither right nor wrong), or *other*.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from painconn.simulation.planning import PowerCurve, SeenEffect, m_of, seen_effect
from painconn.simulation.specification import Coupling

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

CONFIDENCE = 0.95
FEWEST_PEOPLE = 2
"""For a spread over people."""

_N_RESAMPLES = 2000
_SEED = 95


@dataclass(frozen=True)
class Estimated:
    """A number and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class EdgeRecovery:
    r"""What one method recovers of the planted edges; intervals are over people.

    With :math:`e_{pk}` the edge of person p and pair k, :math:`c_{pk}` the same measure on the signals of the cortex,
    and a threshold t that a share `level` of all edges of the null cohort exceeds:

    Attributes
    ----------
    threshold : float
        t.
    sensitivity : Estimated
        Share of planted edges above the threshold, :math:`P(e_{pk} > t)`.
    false_rate : Estimated
        Share of the other edges above it; `level` if the coupling spread nowhere.
    beside_rate : float
        Share of the edges beside planted ones above it; NaN without any.
    strict_false_rate : float
        Share of all edges that are not planted above it, those beside included.
    response : Estimated
        Mean of :math:`(e_{pk} - n_{pk}) / s` over planted edges, with :math:`n_{pk}` the edge of the same person
        without coupling and s the standard deviation of null planted edges over people. It asks what the coupling did
        to its own edge, where the threshold asks whether the edge stands out of all others.
    response_other : float
        The same of the other edges.
    bias : Estimated
        Mean of :math:`e_{pk} - c_{pk}` over planted edges.
    cortex : float
        Mean of :math:`c_{pk}` over planted edges: what there was to find.
    auc : Estimated
        Probability that a planted edge of a person is larger than an other edge of the same person
        (10.1148/radiology.143.1.7063747).
    rank : tuple of float
        Quartiles (25, 50, 75 %) of the rank of a planted edge among all edges of its person; 1 is the largest.
    n_people, n_planted, n_beside, n_other : int
        People with values, and pairs of each kind.
    """

    threshold: float
    sensitivity: Estimated
    false_rate: Estimated
    beside_rate: float
    strict_false_rate: float
    response: Estimated
    response_other: float
    bias: Estimated
    cortex: float
    auc: Estimated
    rank: tuple[float, float, float]
    n_people: int
    n_planted: int
    n_beside: int
    n_other: int


def planted_pairs(regions: Sequence[str], couplings: Sequence[Coupling]) -> Mask:
    """Mark the pairs that a coupling joins: every leader with every follower.

    Parameters
    ----------
    regions : sequence of str
        Regions of the analysis.
    couplings : sequence of Coupling

    Returns
    -------
    planted : array of bool, shape (pairs,)
    """
    joined = np.zeros((len(regions), len(regions)), bool)
    for one in couplings:
        leaders, followers = _indices(regions, one.leaders), _indices(regions, one.followers)
        joined[np.ix_(leaders, followers)] = joined[np.ix_(followers, leaders)] = True
    return np.asarray(joined[np.triu_indices(len(regions), 1)])


def beside_pairs(
    regions: Sequence[str], couplings: Sequence[Coupling], pair_leakage: Floats, *, limit: float = 0.5
) -> Mask:
    r"""Mark the pairs that are neither right nor wrong.

    With :math:`N(i) = \{k : L_{ik} \ge limit\} \cup \{i\}` the regions whose estimates hold what region i holds, a
    pair (k, l) is beside a planted pair (i, j) when :math:`k \in N(i)` and :math:`l \in N(j)`, in either order, and it
    is not planted itself. So are pairs of leaders and pairs of followers: they hold a common process without delay.

    Parameters
    ----------
    regions : sequence of str
    couplings : sequence of Coupling
    pair_leakage : array, shape (regions, regions)
        Correlation at zero lag of two estimates though no two sources are coupled
        (`painconn.cortex.leakage.pair_leakage`).
    limit : float
        Above which two regions are not told apart; by default what a study marks (`cortex.leakage.max_pair_leakage`).

    Returns
    -------
    beside : array of bool, shape (pairs,)
    """
    near = (pair_leakage >= limit) | np.eye(len(regions), dtype=bool)
    marked = np.zeros_like(near)
    for one in couplings:
        leaders, followers = _indices(regions, one.leaders), _indices(regions, one.followers)
        around = near[leaders].any(axis=0), near[followers].any(axis=0)
        marked |= np.outer(*around) | np.outer(*around[::-1])
        for same in (leaders, followers):
            marked[np.ix_(same, same)] = True
    return np.asarray(marked[np.triu_indices(len(regions), 1)]) & ~planted_pairs(regions, couplings)


def _indices(regions: Sequence[str], names: Sequence[str]) -> list[int]:
    return [list(regions).index(name) for name in names]


def edge_recovery(
    edges: Floats, null_edges: Floats, cortex_edges: Floats, planted: Mask, beside: Mask, *, level: float = 0.05
) -> EdgeRecovery:
    """Score the edges of one method.

    Parameters
    ----------
    edges : array, shape (people, pairs)
        People without a value (NaN) are left out.
    null_edges : array, shape (people, pairs)
        The same people in the same order, montage and method, without any coupling.
    cortex_edges : array, shape (people, planted pairs)
        The measure on the signals of the cortex, at the same times.
    planted, beside : array of bool, shape (pairs,)
    level : float
        Share of null edges above the threshold.

    Returns
    -------
    scores : EdgeRecovery

    Raises
    ------
    ValueError
        Without two people who have values under both, or without planted or other pairs.
    """
    other = ~planted & ~beside
    kept = np.isfinite(edges).all(axis=1) & np.isfinite(null_edges).all(axis=1)
    if kept.sum() < FEWEST_PEOPLE or not planted.any() or not other.any():
        raise ValueError(f"{kept.sum()} people, {planted.sum()} planted pairs, {other.sum()} other ones")
    found, null = edges[kept], null_edges[kept]
    threshold = float(np.quantile(null, 1 - level))
    above = found > threshold
    response = (found - null) / np.sqrt(null[:, planted].var(axis=0, ddof=1).mean())
    bias = np.nanmean(found[:, planted] - cortex_edges[kept], axis=1)
    ranks = planted_ranks(found, planted)
    return EdgeRecovery(
        threshold=threshold,
        sensitivity=over_people(above[:, planted].mean(axis=1)),
        false_rate=over_people(above[:, other].mean(axis=1)),
        beside_rate=float(above[:, beside].mean()) if beside.any() else float("nan"),
        strict_false_rate=float(above[:, ~planted].mean()),
        response=over_people(response[:, planted].mean(axis=1)),
        response_other=float(response[:, other].mean()),
        bias=over_people(bias),
        cortex=float(np.nanmean(cortex_edges[kept])),
        auc=over_people(auc(found, planted, other)),
        rank=tuple(np.quantile(ranks, [0.25, 0.5, 0.75]).tolist()),
        n_people=int(kept.sum()),
        n_planted=int(planted.sum()),
        n_beside=int(beside.sum()),
        n_other=int(other.sum()),
    )


def planted_ranks(edges: Floats, planted: Mask) -> Floats:
    """Return the rank of every planted edge among all edges of its person, 1 the largest, ties in the middle.

    Returns
    -------
    ranks : array, shape (people, planted pairs)
    """
    from scipy.stats import rankdata

    return np.asarray(rankdata(-edges, axis=1)[:, planted], float)


def auc(edges: Floats, planted: Mask, other: Mask) -> Floats:
    r"""Return :math:`P(e_{planted} > e_{other}) + P(e_{planted} = e_{other}) / 2` of every person.

    The Mann-Whitney statistic over its largest value: :math:`(R - n(n + 1) / 2) / (n m)` with R the sum of the ranks
    of the n planted edges among these and the m other ones.

    Returns
    -------
    auc : array, shape (people,)
    """
    from scipy.stats import rankdata

    n_planted, n_other = int(planted.sum()), int(other.sum())
    joined = np.concatenate([edges[:, planted], edges[:, other]], axis=1)
    rank_sum = rankdata(joined, axis=1)[:, :n_planted].sum(axis=1)
    return np.asarray((rank_sum - n_planted * (n_planted + 1) / 2) / (n_planted * n_other))


def over_people(values: Floats) -> Estimated:
    """Return the mean over people and its percentile bootstrap interval (people drawn anew, seeded)."""
    rng = np.random.default_rng(_SEED)
    drawn = rng.choice(values, size=(_N_RESAMPLES, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimated(float(values.mean()), float(low), float(high))


@dataclass(frozen=True)
class Pool:
    """People that studies are drawn from, each as they are in either group.

    Attributes
    ----------
    first, second : array of int, shape (people,)
        Where everybody's values are, as one of the first and as one of the second group; the same people in the same
        order. Without an effect both are the same.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]

    def studies(self, n_per_group: int, n_studies: int, *, seed: int) -> Iterator[tuple[NDArray[np.intp], Mask]]:
        """Draw studies with replacement: the pool stands for a population, and a study can be larger than it.

        Yields
        ------
        people : array of int, shape (2 n_per_group,)
        second : array of bool, shape (2 n_per_group,)
            Who is in the second group.
        """
        rng = np.random.default_rng(seed)
        second = np.repeat([False, True], n_per_group)
        for _ in range(n_studies):
            yield np.concatenate([rng.choice(side, n_per_group) for side in (self.first, self.second)]), second

    def effect(self, values: Floats) -> SeenEffect:
        """Measure the effect of the groups on values of shape (first and second,); above 0 in whichever direction."""
        resampled = np.random.default_rng(_SEED).integers(len(self.first), size=(_N_RESAMPLES, len(self.first)))
        first, second = values[self.first], values[self.second]
        effect = seen_effect(first, second, first, resampled, kind="between")
        return -effect if effect.value < 0 else effect


def power_of(curve: PowerCurve, n_per_group: int) -> Estimated:
    """Return the power with `n_per_group` people per group; its interval is over pools and drawn studies together."""
    return Estimated(*curve.power(m_of(n_per_group, "between")))


def detection_rate(detected: Sequence[bool] | Mask) -> Estimated:
    """Return how often something was detected in studies of one pool, with the Wilson interval given its people.

    Parameters
    ----------
    detected : array of bool, shape (studies,)

    References
    ----------
    Wilson 1927, 10.1080/01621459.1927.10502953.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(int(np.sum(detected)), len(detected), alpha=1 - CONFIDENCE, method="wilson")
    return Estimated(float(np.mean(detected)), max(0.0, float(low)), min(1.0, float(high)))


def group_recovery(
    pool: Pool,
    test: Callable[[NDArray[np.intp], Mask], dict[str, float]],
    n_per_group: int,
    n_studies: int,
    *,
    seed: int,
) -> dict[str, Floats]:
    """Run a test on studies drawn from a pool.

    Parameters
    ----------
    pool : Pool
    test : callable
        Given the people of a study and who is in its second group, returns named numbers.
    n_per_group, n_studies : int
    seed : int

    Returns
    -------
    results : dict of str to array, shape (studies,)
    """
    told = [test(people, second) for people, second in pool.studies(n_per_group, n_studies, seed=seed)]
    return {name: np.array([one[name] for one in told]) for name in told[0]}
