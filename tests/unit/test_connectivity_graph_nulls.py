from collections import Counter
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from painconn.connectivity.graph.networks import Networks, Randomness
from painconn.connectivity.graph.null_kernels import rewire
from painconn.connectivity.graph.random_kernels import below, draw, seeded, shuffle
from painconn.connectivity.graph.sweep import graph_measures
from painconn.connectivity.graph.thresholds import strongest_edges, symmetric_weights

pytestmark = pytest.mark.slow

SMALL_WORLD = ["normalised_clustering", "normalised_path_length", "small_worldness"]


def weighted(rng, n_graphs=4, n_regions=30, density=0.2):
    values = rng.uniform(0.05, 1.0, (n_graphs, n_regions, n_regions))
    return strongest_edges(symmetric_weights(values + np.swapaxes(values, 1, 2)), density)


def networks_of(weights, seed=0, n_starts=10):
    randomness = Randomness(seed, n_starts)
    return Networks(weights, randomness.seeds(len(weights)), randomness)


def sets_of(labels):
    return [set(np.flatnonzero(labels == module).tolist()) for module in range(labels.max() + 1)]


def partitions(nodes):
    """All ways to cut a list into modules."""
    if not nodes:
        yield []
        return
    first, *rest = nodes
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for number, module in enumerate(smaller):
            yield [*smaller[:number], [first, *module], *smaller[number + 1 :]]


def graphs_with_degrees(degrees):
    """All simple graphs with these degrees, as sets of edges."""
    pairs = list(combinations(range(len(degrees)), 2))
    found = []
    for edges in combinations(pairs, sum(degrees) // 2):
        counts = np.bincount(np.array(edges).ravel(), minlength=len(degrees))
        if (counts == degrees).all():
            found.append(edges)
    return found


def adjacency(edges, n_nodes):
    matrix = np.zeros((n_nodes, n_nodes))
    for i, j in edges:
        matrix[i, j] = matrix[j, i] = 1.0
    return matrix


def edges_of(matrix):
    return tuple(zip(*(ends.tolist() for ends in np.nonzero(np.triu(matrix))), strict=True))


def test_modularity_is_that_of_the_partition_found(rng):
    for weights in (weighted(rng), (weighted(rng) > 0).astype(float)):
        values, labels = networks_of(weights).partitions
        for graph, value, label in zip(weights, values, labels, strict=True):
            assert sorted(set(label)) == list(range(label.max() + 1))
            expected = nx.community.modularity(nx.from_numpy_array(graph), sets_of(label))
            np.testing.assert_allclose(value, expected, atol=1e-12)


def test_the_partition_of_a_small_graph_is_the_best_of_all(rng):
    weights = weighted(rng, n_graphs=6, n_regions=8, density=0.45)
    values, _ = networks_of(weights).partitions
    for graph, value in zip(weights, values, strict=True):
        total, strengths = graph.sum(), graph.sum(axis=0)
        gains = graph / total - np.outer(strengths, strengths) / total**2
        best = max(sum(gains[np.ix_(module, module)].sum() for module in cut) for cut in partitions(list(range(8))))
        np.testing.assert_allclose(value, best, atol=1e-12)


def test_partitions_are_at_least_as_good_as_those_of_networkx(rng):
    weights = weighted(rng, n_graphs=5, n_regions=60, density=0.15)
    values, _ = networks_of(weights).partitions
    once = np.mean([networks_of(weights, seed=seed, n_starts=1).partitions[0] for seed in range(8)], axis=0)
    theirs = np.array(
        [
            [nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=seed)) for seed in range(8)]
            for graph in map(nx.from_numpy_array, weights)
        ]
    )
    assert (once > theirs.mean(axis=1) - 1e-3).all()
    assert (values > theirs.max(axis=1) - 2e-3).all()


def test_planted_modules_are_recovered_whatever_the_order_of_regions(rng):
    truth = np.repeat([0, 1, 2, 3], [12, 15, 18, 23])
    same = np.equal.outer(truth, truth)
    values = rng.random((3, 68, 68)) + 0.5 * same
    weights = strongest_edges(symmetric_weights(values + np.swapaxes(values, 1, 2)), 0.2)
    order = rng.permutation(68)
    found, labels = networks_of(weights).partitions
    permuted, permuted_labels = networks_of(symmetric_weights(weights[:, order][:, :, order])).partitions
    np.testing.assert_allclose(found, permuted, atol=1e-12)
    for label, permuted_label in zip(labels, permuted_labels, strict=True):
        np.testing.assert_array_equal(np.equal.outer(label, label), same)
        np.testing.assert_array_equal(np.equal.outer(permuted_label, permuted_label), same[np.ix_(order, order)])


def test_modules_depend_on_the_seed_alone_and_more_starts_are_never_worse(rng):
    weights = weighted(rng, n_regions=50)
    first, again = (networks_of(weights, seed=5, n_starts=3).partitions for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (networks_of(weights, seed=5, n_starts=12).partitions[0] >= first[0]).all()
    assert (networks_of(weights, seed=6, n_starts=3).partitions[1] != first[1]).any()


def test_random_numbers_are_even_and_streams_differ():
    state = seeded(np.uint64(7), 0)
    # The reference sequence of SplitMix64 for the state 0.
    assert [int(draw(np.zeros(1, dtype=np.uint64)))] == [0xE220A8397B1DCDAF]
    counts = np.bincount([below(state, 7) for _ in range(7000)], minlength=7)
    assert stats.chisquare(counts).pvalue > 0.001
    starts = {int(draw(seeded(np.uint64(seed), stream))) for seed in range(20) for stream in range(20)}
    assert len(starts) == 400
    orders = Counter()
    for _ in range(2400):
        values = np.arange(4)
        shuffle(state, values)
        orders[tuple(values.tolist())] += 1
    assert len(orders) == 24
    assert stats.chisquare(list(orders.values())).pvalue > 0.001


def test_null_graphs_keep_degrees_and_weights_and_lose_the_rest(rng):
    (weights,) = weighted(rng, n_graphs=1, n_regions=40)
    nulls = rewire(weights, 12, 10, np.uint64(1))
    upper = np.triu_indices(40, 1)
    for null in nulls:
        np.testing.assert_array_equal(null, null.T)
        np.testing.assert_array_equal(np.diagonal(null), 0)
        np.testing.assert_array_equal((null > 0).sum(axis=0), (weights > 0).sum(axis=0))
        np.testing.assert_array_equal(np.sort(null[upper]), np.sort(weights[upper]))
        # As many edges stay as two random graphs of this density share.
        assert 0.1 < ((null > 0) & (weights > 0)).sum() / (weights > 0).sum() < 0.35
    assert len({null.tobytes() for null in nulls}) == 12


@pytest.mark.parametrize("degrees", [(2, 2, 2, 2, 2, 2), (3, 3, 2, 2, 1, 1), (4, 2, 2, 2, 1, 1)])
def test_all_graphs_with_the_same_degrees_are_equally_likely(degrees):
    expected = graphs_with_degrees(degrees)
    start = adjacency(expected[0], len(degrees))
    n_draws = 60 * len(expected)
    # Separate seeds: the draws are independent, as the test of their counts assumes.
    counts = Counter(edges_of(rewire(start, 1, 20, np.uint64(seed))[0]) for seed in range(n_draws))
    assert set(counts) == set(expected)
    assert stats.chisquare([counts[edges] for edges in expected]).pvalue > 0.001


def test_one_chain_visits_all_graphs_alike_too():
    expected = graphs_with_degrees((3, 2, 2, 2, 2, 1))
    start = adjacency(expected[0], 6)
    counts = Counter(map(edges_of, rewire(start, 60 * len(expected), 10, np.uint64(2))))
    assert set(counts) == set(expected)
    assert stats.chisquare([counts[edges] for edges in expected]).pvalue > 0.001


def test_every_weight_lands_on_every_edge_alike():
    # A star has no other graph of its degrees: only the weights move.
    start = np.zeros((5, 5))
    start[0, 1:] = start[1:, 0] = [0.1, 0.2, 0.3, 0.4]
    nulls = rewire(start, 4000, 1, np.uint64(3))
    counts = [Counter(np.round(nulls[:, 0, node], 9).tolist()) for node in range(1, 5)]
    table = np.array([[count[weight] for weight in (0.1, 0.2, 0.3, 0.4)] for count in counts])
    assert stats.chi2_contingency(table).pvalue > 0.001
    assert table.min() > 850


def test_small_worldness_is_the_ratio_to_the_null_graphs_drawn(rng):
    weights = weighted(rng, n_graphs=2)
    seeds = np.array([11, 12], dtype=np.uint64)
    found = graph_measures(weights, SMALL_WORLD, randomness=Randomness(seeds, n_nulls=5, attempts_per_edge=4))
    for number, graph in enumerate(weights):
        drawn = rewire(graph, 5, 4, seeds[number])
        null = graph_measures(drawn, ["clustering", "global_efficiency"])
        own = graph_measures(graph, ["clustering", "global_efficiency"])
        gamma = own["clustering"].mean() / null["clustering"].mean()
        lam = 1 / own["global_efficiency"][0] / (1 / null["global_efficiency"]).mean()
        np.testing.assert_allclose(found["normalised_clustering"][number], gamma)
        np.testing.assert_allclose(found["normalised_path_length"][number], lam)
        np.testing.assert_allclose(found["small_worldness"][number], gamma / lam)


def test_null_graphs_agree_with_those_of_networkx():
    graph = nx.connected_watts_strogatz_graph(40, 6, 0.1, seed=1)
    ours = graph_measures(rewire(nx.to_numpy_array(graph), 150, 10, np.uint64(4)), ["clustering", "global_efficiency"])
    theirs = []
    for seed in range(60):
        null = nx.double_edge_swap(graph.copy(), nswap=5 * graph.size(), max_tries=10**5, seed=seed)
        theirs.append((nx.average_clustering(null), nx.global_efficiency(null)))
    for values, expected in zip(
        (ours["clustering"].mean(axis=1), ours["global_efficiency"]), np.transpose(theirs), strict=True
    ):
        error = np.sqrt(values.var() / len(values) + expected.var() / len(expected))
        assert abs(values.mean() - expected.mean()) < 4 * error


def test_random_graphs_are_no_small_worlds_and_rewired_rings_are():
    randomness = Randomness(seed=2, n_nulls=40)
    random = np.stack([nx.to_numpy_array(nx.gnm_random_graph(68, 456, seed=seed)) for seed in range(12)])
    found = graph_measures(random, SMALL_WORLD, randomness=randomness)
    for name in SMALL_WORLD:
        assert abs(found[name].mean() - 1) < 4 * found[name].std() / np.sqrt(12) + 0.005
    sigma = {
        share: graph_measures(
            np.stack([nx.to_numpy_array(nx.watts_strogatz_graph(68, 8, share, seed=seed)) for seed in range(4)]),
            SMALL_WORLD, randomness=randomness,
        )
        for share in (0.0, 0.1, 1.0)
    }  # fmt: skip
    assert sigma[0.1]["small_worldness"].min() > 2
    assert sigma[0.0]["normalised_path_length"].min() > sigma[0.1]["normalised_path_length"].max() > 1
    assert sigma[0.0]["normalised_clustering"].min() > sigma[0.1]["normalised_clustering"].max()
    assert sigma[1.0]["small_worldness"].max() < 1.4


def test_null_graphs_of_one_graph_depend_on_its_own_seed_alone(rng):
    weights = weighted(rng, n_graphs=3)
    seeds = np.array([1, 2, 3], dtype=np.uint64)
    together = graph_measures(weights, ["small_worldness"], randomness=Randomness(seeds, n_nulls=4))["small_worldness"]
    turned = graph_measures(weights[::-1], ["small_worldness"], randomness=Randomness(seeds[::-1], n_nulls=4))
    np.testing.assert_array_equal(together, turned["small_worldness"][::-1])
    other = graph_measures(weights, ["small_worldness"], randomness=Randomness(seeds + np.uint64(9), n_nulls=4))
    assert (together != other["small_worldness"]).all()
