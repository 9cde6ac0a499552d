"""Components of edges and their enhancement: against slow obvious versions, planted networks, and null cohorts."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from painconn.errors import DesignError
from painconn.inference import Family, compare_between, compare_within
from painconn.inference.network_kernels import enhance, largest_components
from painconn.inference.networks import Edge, NetworkSettings, network_tests

N_REGIONS = 12
PAIRS = [(i, j) for i in range(N_REGIONS) for j in range(i + 1, N_REGIONS)]
HEADS, TAILS = (np.array([pair[end] for pair in PAIRS]) for end in (0, 1))
SETTINGS = NetworkSettings((2.0, 2.5, 3.0), 0.4, 3.0)
PEOPLE = [f"{number:02d}" for number in range(24)]
BANDS = ("alpha", "beta")
EDGES = {f"{band}_{i}_{j}": Edge(band, f"r{i:02d}", f"r{j:02d}") for band in BANDS for i, j in PAIRS}
FAMILY = Family("edges", "exploratory", tuple(EDGES))


def slow_components(scores, threshold):
    """Return extent and intensity of every component, by networkx."""
    graph = nx.Graph()
    for (i, j), score in zip(PAIRS, scores, strict=True):
        if score > threshold:
            graph.add_edge(i, j, weight=score - threshold)
    parts = [graph.subgraph(nodes) for nodes in nx.connected_components(graph)]
    return [(part.number_of_edges(), part.size(weight="weight")) for part in parts]


def slow_enhancement(scores, extent_exponent, height_exponent):
    """Integrate over the distinct heights, finding the components anew at each."""
    levels = np.unique(np.append(0.0, scores[scores > 0]))
    out = np.zeros(scores.size)
    for low, high in pairwise(levels):
        graph = nx.Graph([pair for pair, score in zip(PAIRS, scores, strict=True) if score >= high])
        extents = {
            node: graph.subgraph(part).number_of_edges() for part in nx.connected_components(graph) for node in part
        }
        step = (high ** (height_exponent + 1) - low ** (height_exponent + 1)) / (height_exponent + 1)
        for edge in np.flatnonzero(scores >= high):
            out[edge] += extents[PAIRS[edge][0]] ** extent_exponent * step
    return out


def test_largest_components_are_those_of_networkx(rng):
    scores = rng.standard_normal((30, len(PAIRS))) * 1.5
    thresholds = np.array([0.8, 1.5, 2.5, 4.0])
    found = np.zeros((30, 4, 2))
    largest_components(scores, HEADS, TAILS, N_REGIONS, thresholds, found)
    for row, own in enumerate(scores):
        for level, threshold in enumerate(thresholds):
            parts = slow_components(own, threshold) or [(0, 0.0)]
            assert found[row, level, 0] == max(extent for extent, _ in parts)
            assert found[row, level, 1] == pytest.approx(max(intensity for _, intensity in parts))


@pytest.mark.parametrize(("extent_exponent", "height_exponent"), [(0.4, 3.0), (0.5, 2.0), (1.0, 0.0)])
def test_enhancement_is_the_exact_integral(rng, extent_exponent, height_exponent):
    for scale in (0.5, 2.0):
        scores = scale * rng.standard_normal(len(PAIRS))
        scores[5:9] = scores[4]
        found = np.empty(len(PAIRS))
        enhance(scores, HEADS, TAILS, N_REGIONS, extent_exponent, height_exponent, found)
        np.testing.assert_allclose(
            found, slow_enhancement(scores, extent_exponent, height_exponent), rtol=1e-10, atol=1e-12
        )


def test_enhancement_of_a_lone_edge_is_its_own_integral():
    scores = np.full(len(PAIRS), -1.0)
    scores[3] = 2.0
    found = np.empty(len(PAIRS))
    enhance(scores, HEADS, TAILS, N_REGIONS, 0.4, 3.0, found)
    assert found[3] == pytest.approx(2.0**4 / 4)
    assert np.count_nonzero(found) == 1


def cohort(rng, *, planted=(), shift=0.0, sign=1):
    """Values of two groups; the planted edges of the alpha band differ."""
    values = pd.DataFrame(rng.standard_normal((24, len(EDGES))), index=PEOPLE, columns=list(EDGES))
    values += 0.6 * rng.standard_normal((24, 1))
    in_b = np.arange(24) % 2 == 1
    for i, j in planted:
        values.loc[in_b, f"alpha_{i}_{j}"] += sign * shift
    return values, pd.Series(np.where(in_b, "b", "a"), index=PEOPLE)


def between(values, labels, **options):
    compared = compare_between(
        values, labels, a="a", b="b", families=[FAMILY], **({"n_permutations": 199, "seed": 1} | options)
    )
    return compared, network_tests(compared, "edges", EDGES, SETTINGS)


PLANTED = [(0, 1), (1, 2), (2, 3), (0, 3), (1, 3), (3, 4)]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_network_is_found_with_its_sign_and_its_edges(rng, sign):
    _, found = between(*cohort(rng, planted=PLANTED, shift=2.2, sign=sign))
    best = found.components.sort_values(["p_fwe", "extent"], ascending=[True, False]).iloc[0]
    assert best["p_fwe"] <= 0.02
    assert (best["sign"], best["part"]) == ("higher" if sign > 0 else "lower", "alpha")
    assert len({f"r{node:02d}" for node in range(5)} & set(best["regions"].split())) >= 4
    members = found.edges[[str(best["network"]) in own.split() for own in found.edges["networks"]]]
    assert len(members) == best["extent"]
    assert (np.sign(members["score"]) == sign).all()
    significant = found.edges[found.edges["p_fwe"] < 0.05]
    planted = {f"alpha_{i}_{j}" for i, j in PLANTED}
    assert len(planted & set(significant["test"])) >= 3


def test_p_values_are_ranks_among_rearranged_components(rng):
    """The p of the largest component, counted by hand from scores that scipy made."""
    values, labels = cohort(rng, planted=PLANTED, shift=1.0)
    compared, found = between(values, labels, errors="exchangeable", n_permutations=99)
    design = compared.designs["edges"]
    array = values.to_numpy()
    in_b = (labels == "b").to_numpy()

    def largest(placed):
        test = stats.ttest_ind(array[placed], array[~placed], equal_var=False)
        scores = np.sqrt(test.df * np.log1p(test.statistic**2 / test.df)) * (8 * test.df + 1) / (8 * test.df + 3)
        scores *= np.sign(test.statistic)
        parts = [slow_components(sign * half, 2.0) or [(0, 0.0)] for half in np.split(scores, 2) for sign in (1, -1)]
        return [max(part[k] for part in parts for part in [max(part, key=lambda one, k=k: one[k])]) for k in (0, 1)]

    null = np.array([largest(in_b[rows]) for rows in design.rearrangements[0].rows] + [largest(in_b)])
    low = found.components[found.components["threshold"] == 2.0]
    for name, column in (("extent", 0), ("intensity", 1)):
        best = low.loc[low[name].idxmax()]
        expected = np.mean(null[:, column] >= best[name] * (1 - 1e-7))
        assert best[f"p_{name}"] == pytest.approx(expected)
    assert (found.components["p_fwe"] >= found.components[["p_extent", "p_intensity"]].min(axis=1)).all()


@pytest.mark.slow
def test_the_sweep_is_paid_for(rng):
    """Over null cohorts the smallest single p is too liberal, and the one over the whole sweep is not."""
    single, swept, edge = [], [], []
    for _ in range(200):
        values, labels = cohort(rng)
        _, found = between(values, labels, n_permutations=99, seed=int(rng.integers(2**31)), errors="exchangeable")
        table = found.components
        single.append(1.0 if table.empty else table[["p_extent", "p_intensity"]].min(axis=None))
        swept.append(1.0 if table.empty else table["p_fwe"].min())
        edge.append(found.edges["p_fwe"].min())
    low, high = stats.binom.interval(0.99, 200, 0.05)
    assert low <= sum(p <= 0.05 for p in swept) <= high
    assert low <= sum(p <= 0.05 for p in edge) <= high
    assert sum(p <= 0.05 for p in single) > sum(p <= 0.05 for p in swept)


def test_within_people_both_signs_are_separate_and_an_order_dependent_measure_has_one(rng):
    first, _ = cohort(rng)
    second = first + 0.7 * rng.standard_normal(first.shape)
    for i, j in PLANTED:
        second[f"alpha_{i}_{j}"] += 0.9
        second[f"beta_{i}_{j}"] -= 0.9
    compared = compare_within(first, second, a="rest", b="task", families=[FAMILY], n_permutations=199, seed=1)
    found = network_tests(compared, "edges", EDGES, SETTINGS).components
    best = found[found["p_fwe"] < 0.05].groupby("part")["sign"].agg(set)
    assert best.to_dict() == {"alpha": {"higher"}, "beta": {"lower"}}
    either = network_tests(compared, "edges", EDGES, NetworkSettings((2.5,), 0.4, 3.0, signed=False)).components
    assert set(either["sign"]) == {"either"}


def test_edges_without_values_are_counted_and_left_out(rng):
    values, labels = cohort(rng)
    values["alpha_0_1"] = np.nan
    _, found = between(values, labels)
    assert (found.n_edges, found.n_computed) == (len(EDGES), len(EDGES) - 1)
    assert "alpha_0_1" not in set(found.edges["test"])


def test_thresholds_have_to_rise(rng):
    compared, _ = between(*cohort(rng))
    with pytest.raises(DesignError, match="rise"):
        network_tests(compared, "edges", EDGES, NetworkSettings((3.0, 2.0), 0.4, 3.0))
