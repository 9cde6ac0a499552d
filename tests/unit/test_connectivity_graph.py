import subprocess
import sys
from fractions import Fraction
from importlib import import_module
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from painconn.connectivity.graph.networks import Networks, Randomness
from painconn.connectivity.graph.registry import DENSITIES, GRAPH_MEASURES
from painconn.connectivity.graph.sweep import graph_measures, sweep
from painconn.connectivity.graph.thresholds import edges_at, strongest_edges, symmetric_weights

NAMES = list(GRAPH_MEASURES)
NODE_NAMES = [name for name in NAMES if GRAPH_MEASURES[name].level == "node"]
# Neither a heuristic search nor a draw of null graphs: the same whatever the order of the regions.
EXACT_NAMES = [name for name in NAMES if name != "modularity" and not GRAPH_MEASURES[name].needs_nulls]
FEW = Randomness(seed=3, n_starts=3, n_nulls=4)


def matrices(rng, n_graphs=3, n_regions=24):
    values = rng.uniform(0.05, 1.0, (n_graphs, n_regions, n_regions))
    values = (values + np.swapaxes(values, 1, 2)) / 2
    values[:, np.arange(n_regions), np.arange(n_regions)] = np.nan
    return values


def weights_of(graph):
    return nx.to_numpy_array(graph, nodelist=sorted(graph), weight="weight")


def networkx_graph(weights, exact=False):
    graph = nx.from_numpy_array(weights)
    for *_, edge in graph.edges(data=True):
        edge["length"] = 1 / Fraction(edge["weight"]) if exact else 1 / edge["weight"]
    return graph


def in_order(values):
    return np.array([values[node] for node in sorted(values)], dtype=float)


def slow_distances(graph):
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="length"))
    return np.array([[lengths[i].get(j, np.inf) for j in sorted(graph)] for i in sorted(graph)])


def slow_efficiency(graph):
    distances = slow_distances(graph)
    others = ~np.eye(len(distances), dtype=bool)
    return (1 / distances[others]).mean() if len(distances) > 1 else 0.0


def references(weights):
    """Every exact measure once more, from networkx and from distances found by networkx."""
    graph = networkx_graph(weights)
    pairs = slow_distances(graph)[np.triu_indices(len(weights), 1)]
    # networkx divides weights by the largest of the graph; its local efficiency knows no weights.
    clustering = in_order(nx.clustering(graph, weight="weight")) * weights.max()
    return {
        "degree": in_order(dict(graph.degree)),
        "strength": in_order(dict(graph.degree(weight="weight"))),
        "clustering": clustering,
        "local_efficiency": np.array([slow_efficiency(graph.subgraph(graph[node])) for node in sorted(graph)]),
        "betweenness": in_order(nx.betweenness_centrality(graph, weight="length")),
        "global_efficiency": slow_efficiency(graph),
        "path_length": pairs[np.isfinite(pairs)].mean(),
        "disconnected_pairs": np.isinf(pairs).mean(),
        "assortativity": nx.degree_pearson_correlation_coefficient(graph),
        "strength_assortativity": nx.degree_pearson_correlation_coefficient(graph, weight="weight"),
    }


def test_the_registry_names_every_measure_and_loads_nothing_heavy():
    script = (
        "import sys, painconn.connectivity.graph.registry, painconn.connectivity.graph.sweep, "
        "painconn.connectivity.graph.measures\n"
        "print([name for name in ('numba', 'mne', 'matplotlib', 'networkx', 'pandas', 'scipy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
    for definition in GRAPH_MEASURES.values():
        module, function = definition.function.split(":")
        assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("density", [0.08, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("binarise", [False, True])
def test_exact_measures_equal_networkx(rng, density, binarise):
    batch = matrices(rng)
    found = graph_measures(batch, EXACT_NAMES, density=density, binarise=binarise)
    for number, weights in enumerate(strongest_edges(symmetric_weights(batch), density, binarise=binarise)):
        for name, expected in references(weights).items():
            np.testing.assert_allclose(found[name][number], expected, rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("graph", [nx.karate_club_graph(), nx.les_miserables_graph()])
def test_well_known_graphs_equal_networkx(graph):
    weights = weights_of(nx.convert_node_labels_to_integers(graph))
    assert (graph_measures(weights, ["disconnected_pairs"])["disconnected_pairs"] == 0).all()
    found = graph_measures(weights, EXACT_NAMES, binarise=True)
    for name, expected in references((weights > 0).astype(float)).items():
        np.testing.assert_allclose(found[name][0], expected, rtol=1e-10, atol=1e-13, err_msg=name)
    binary = nx.from_numpy_array((weights > 0).astype(int))
    np.testing.assert_allclose(found["local_efficiency"].mean(), nx.local_efficiency(binary))
    np.testing.assert_allclose(found["global_efficiency"][0], nx.global_efficiency(binary))


def test_paths_of_the_same_length_are_shared_in_spite_of_round_off(rng):
    """Many near-equal weights: ties must not hang on the order of additions."""
    weights = strongest_edges(symmetric_weights(np.round(matrices(rng, 2, 20), 1)), 0.4)
    found = graph_measures(weights, ["betweenness"])["betweenness"]
    for number in range(2):
        graph = networkx_graph(np.zeros((20, 20)))
        for i, j in zip(*np.nonzero(weights[number]), strict=True):
            graph.add_edge(i, j, length=Fraction(10, round(10 * weights[number, i, j])))
        expected = in_order(nx.betweenness_centrality(graph, weight="length"))
        np.testing.assert_allclose(found[number], expected, atol=1e-12)


def known(weights, names=EXACT_NAMES, **options):
    return {name: values[0] for name, values in graph_measures(weights, names, **options).items()}


def test_a_complete_graph_is_its_weight_everywhere():
    found = known(np.full((9, 9), 0.3), NAMES, randomness=FEW)
    np.testing.assert_array_equal(found["degree"], 8)
    for name in ("clustering", "local_efficiency", "global_efficiency"):
        np.testing.assert_allclose(found[name], 0.3)
    np.testing.assert_allclose(found["strength"], 2.4)
    np.testing.assert_allclose(found["path_length"], 1 / 0.3)
    np.testing.assert_array_equal(found["betweenness"], 0)
    assert found["disconnected_pairs"] == 0
    assert np.isnan([found["assortativity"], found["strength_assortativity"]]).all()
    np.testing.assert_allclose(found["modularity"], 0, atol=1e-12)
    # No other graph has these degrees: it is its own null graph.
    np.testing.assert_allclose([found[name] for name in NAMES if GRAPH_MEASURES[name].needs_nulls], 1)


def test_a_ring_a_star_and_two_cliques_have_their_textbook_values():
    ring = known(weights_of(nx.cycle_graph(12)))
    np.testing.assert_array_equal(ring["clustering"], 0)
    np.testing.assert_allclose(ring["path_length"], 12**2 / (4 * 11))
    np.testing.assert_allclose(ring["betweenness"], ring["betweenness"][0])
    star = known(weights_of(nx.star_graph(7)))
    np.testing.assert_allclose(star["betweenness"], [1] + [0] * 7)
    np.testing.assert_allclose(star["assortativity"], -1)
    np.testing.assert_allclose(star["global_efficiency"], (7 + 21 / 2) / 28)
    cliques = known(
        weights_of(nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(5))), [*EXACT_NAMES, "modularity"]
    )
    assert cliques["path_length"] == 1
    np.testing.assert_allclose(cliques["disconnected_pairs"], 25 / 45)
    np.testing.assert_allclose(cliques["global_efficiency"], 20 / 45)
    np.testing.assert_allclose(cliques["modularity"], 0.5)


def test_a_graph_without_edges_has_no_paths_and_no_modules():
    found = known(np.zeros((5, 5)), NAMES, randomness=FEW)
    zero = ("degree", "strength", "clustering", "local_efficiency", "betweenness", "global_efficiency")
    for name in zero:
        np.testing.assert_array_equal(found[name], 0)
    assert found["disconnected_pairs"] == 1
    for name in set(NAMES) - {*zero, "disconnected_pairs"}:
        assert np.isnan(found[name]), name


@pytest.mark.parametrize("name", NAMES)
def test_every_measure_keeps_its_declared_shape_range_and_unit(rng, name):
    definition = GRAPH_MEASURES[name]
    batch = matrices(rng)
    values = graph_measures(batch, [name], density=0.3, randomness=FEW)[name]
    assert values.shape == ((3, 24) if definition.level == "node" else (3,))
    assert values.min() >= definition.value_range[0] - 1e-12
    assert values.max() <= definition.value_range[1] + 1e-12
    for factor in (1e-9, 3e7):
        scaled = graph_measures(factor * batch, [name], density=0.3, randomness=FEW)[name]
        expected = values * {"none": 1, "weight": factor, "reciprocal": 1 / factor}[definition.unit]
        np.testing.assert_allclose(scaled, expected, rtol=1e-9)


@pytest.mark.parametrize("name", EXACT_NAMES)
def test_the_order_of_regions_does_not_matter(rng, name):
    batch = matrices(rng)
    order = rng.permutation(24)
    values = graph_measures(batch, [name], density=0.25)[name]
    permuted = graph_measures(batch[:, order][:, :, order], [name], density=0.25)[name]
    expected = values[:, order] if name in NODE_NAMES else values
    np.testing.assert_allclose(permuted, expected, rtol=1e-10, atol=1e-13)


def test_a_graph_has_the_same_values_alone_and_in_company(rng, monkeypatch):
    batch = matrices(rng, 7)
    seeds = np.arange(7)
    together = graph_measures(batch, NAMES, density=0.2, randomness=Randomness(seeds, 2, 3))
    monkeypatch.setattr("painconn.connectivity.graph.sweep._BLOCK_BYTES", 3 * 8 * 24**2)
    in_blocks = graph_measures(batch, NAMES, density=0.2, randomness=Randomness(seeds, 2, 3))
    for number in range(7):
        alone = graph_measures(batch[number], NAMES, density=0.2, randomness=Randomness(number, 2, 3))
        for name in NAMES:
            np.testing.assert_array_equal(together[name][number], alone[name][0])
            np.testing.assert_array_equal(together[name][number], in_blocks[name][number])


def test_the_number_of_threads_changes_no_bit(rng):
    import numba

    batch, before = matrices(rng, 9), numba.get_num_threads()
    found = []
    for n_threads in (1, 2):
        numba.set_num_threads(n_threads)
        found.append(graph_measures(batch, NAMES, density=0.2, randomness=FEW))
    numba.set_num_threads(before)
    for name in NAMES:
        np.testing.assert_array_equal(found[0][name], found[1][name])


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("density", [None, 0.3])
def test_a_missing_edge_makes_its_graph_nan_and_no_other(rng, missing, density):
    batch = matrices(rng)
    clean = graph_measures(batch, NAMES, density=density, randomness=FEW)
    batch[1, 4, 7] = batch[1, 7, 4] = missing
    found = graph_measures(batch, NAMES, density=density, randomness=FEW)
    for name in NAMES:
        assert np.isnan(found[name][1]).all()
        np.testing.assert_array_equal(found[name][[0, 2]], clean[name][[0, 2]])


def test_negative_edges_are_never_kept_and_never_stand_in_for_positive_ones(rng):
    signed = matrices(rng) - 0.5
    weights = strongest_edges(symmetric_weights(signed), 0.3)
    assert (weights >= 0).all()
    few = symmetric_weights(signed)
    few[1] = np.where(np.abs(few[1]) == np.abs(few[1]).max(), np.abs(few[1]), -np.abs(few[1]))
    found = graph_measures(few, ["degree", "global_efficiency"], density=0.3)
    assert np.isnan(found["degree"][1]).all()
    assert np.isnan(found["global_efficiency"][1])
    assert np.isfinite(found["degree"][[0, 2]]).all()
    with pytest.raises(ValueError, match="state a density"):
        graph_measures(signed, ["degree"])


def test_directed_and_antisymmetric_matrices_are_refused(rng):
    batch = symmetric_weights(matrices(rng))
    upper = np.triu(batch)
    for wrong in (upper - np.swapaxes(upper, 1, 2), rng.random((2, 5, 5))):
        with pytest.raises(ValueError, match=r"not symmetric.*Symmetrise"):
            graph_measures(wrong, ["degree"], density=0.2)
    nearly = batch * (1 + 1e-15 * rng.standard_normal(batch.shape))
    weights = symmetric_weights(nearly)
    np.testing.assert_array_equal(weights, np.swapaxes(weights, 1, 2))


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4), (1, 1), (2, 1, 1), (2, 2, 3, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"wanted \(graphs, regions, regions\)"):
        graph_measures(np.zeros(shape), ["degree"])


def test_what_cannot_be_meant_is_refused(rng):
    batch = matrices(rng)
    with pytest.raises(ValueError, match="unknown graph measure 'hubness'"):
        graph_measures(batch, ["degree", "hubness"])
    with pytest.raises(ValueError, match="state n_nulls"):
        graph_measures(batch, ["small_worldness"])
    with pytest.raises(ValueError, match="one per graph"):
        graph_measures(batch, ["modularity"], randomness=Randomness(seed=[1, 2]))
    for density in (0, -0.1, 1.1, 0.001, np.nan):
        with pytest.raises(ValueError, match="density"):
            graph_measures(batch, ["degree"], density=density)
    for densities in ([0.2], [], [0.3, 0.2], [0.2, 0.2]):
        with pytest.raises(ValueError, match="at least two densities"):
            sweep(batch, ["degree"], densities)
    for counts in ({"n_starts": 0}, {"n_nulls": 0}, {"attempts_per_edge": 0}):
        with pytest.raises(ValueError, match=next(iter(counts))):
            Randomness(**counts)


def test_no_graph_gives_no_value():
    assert graph_measures(np.zeros((0, 4, 4)), ["degree", "path_length"])["degree"].shape == (0, 4)


def test_the_number_of_edges_is_a_rounded_share_of_the_pairs():
    assert [edges_at(density, 68) for density in DENSITIES] == [228, 342, 456, 570, 683, 797, 911]
    assert edges_at(0.35, 5) == 4
    assert edges_at(1.0, 2) == 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n_regions=st.integers(4, 30),
    density=st.floats(0.1, 1.0),
    n_levels=st.integers(1, 40),
    exponent=st.integers(-120, 120),
    seed=st.integers(0, 2**32 - 1),
)
def test_exactly_the_strongest_edges_stay_also_among_ties(n_regions, density, n_levels, exponent, seed):
    rng = np.random.default_rng(seed)
    values = np.triu(rng.integers(1, n_levels + 1, (n_regions, n_regions)), 1) * 10.0**exponent
    weights = symmetric_weights(values + values.T)
    kept = strongest_edges(weights, density)[0]
    upper = np.triu_indices(n_regions, 1)
    stays = kept[upper] > 0
    assert stays.sum() == edges_at(density, n_regions)
    np.testing.assert_array_equal(kept, kept.T)
    np.testing.assert_array_equal(kept[upper][stays], weights[0][upper][stays])
    # As if sorted: strongest first, then by region.
    order = sorted(range(len(stays)), key=lambda pair: (-weights[0][upper][pair], pair))
    assert set(order[: stays.sum()]) == set(np.flatnonzero(stays))
    np.testing.assert_array_equal(strongest_edges(weights, density, binarise=True)[0], kept > 0)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    n_regions=st.integers(2, 9),
    exponent=st.integers(-100, 100),
    share_zero=st.floats(0, 1),
    n_missing=st.integers(0, 1),
    copy=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_odd_graphs_give_values_in_range_or_nan(n_regions, exponent, share_zero, n_missing, copy, seed):
    rng = np.random.default_rng(seed)
    values = np.triu(rng.random((n_regions, n_regions)) * (rng.random((n_regions, n_regions)) > share_zero), 1)
    values = values + values.T
    if copy:
        values[1] = values[:, 1] = values[0]
        values[0, 1] = values[1, 0] = 1.0
    scale = 10.0**exponent
    batch = np.stack([values * scale, values * scale])
    if n_missing:
        batch[1, 0, 1] = batch[1, 1, 0] = np.nan
    found = graph_measures(batch, NAMES, randomness=FEW)
    factors = {"none": 1, "weight": scale, "reciprocal": 1 / scale}
    for name, definition in GRAPH_MEASURES.items():
        assert np.isnan(found[name][1]).all() or not n_missing
        present = found[name][0][~np.isnan(found[name][0])] / factors[definition.unit]
        assert ((present >= definition.value_range[0] - 1e-9) & (present <= definition.value_range[1] + 1e-9)).all(), (
            name
        )
    for name in ("degree", "strength", "clustering", "local_efficiency", "global_efficiency", "disconnected_pairs"):
        assert np.isfinite(found[name][0]).all()


def test_a_sweep_holds_every_density_and_the_area_under_the_curve(rng):
    batch = matrices(rng)
    names, densities = ["degree", "clustering", "global_efficiency"], (0.1, 0.15, 0.3)
    found = sweep(batch, names, densities)
    assert found.densities == densities
    for name in names:
        for number, density in enumerate(densities):
            np.testing.assert_array_equal(
                found.values[name][number], graph_measures(batch, [name], density=density)[name]
            )
        curve = found.values[name]
        area = sum((b - a) * (x + y) / 2 for (a, b), (x, y) in zip(pairwise(densities), pairwise(curve), strict=True))
        np.testing.assert_allclose(found.areas[name], area / 0.2)
    np.testing.assert_allclose(sweep(batch, ["degree"]).areas["degree"].mean(axis=1), 0.25 * 23, rtol=0.01)


def test_an_area_is_nan_where_one_density_cannot_be_reached(rng):
    batch = matrices(rng)
    pairs = np.argwhere(np.triu(np.ones((24, 24)), 1))
    weak = pairs[rng.permutation(len(pairs))[: int(0.8 * len(pairs))]]
    batch[1, weak[:, 0], weak[:, 1]] = batch[1, weak[:, 1], weak[:, 0]] = -0.1
    found = sweep(batch, ["strength"], (0.1, 0.3))
    assert np.isfinite(found.values["strength"][0]).all()
    assert np.isnan(found.values["strength"][1, 1]).all()
    assert np.isnan(found.areas["strength"][1]).all()
    assert np.isfinite(found.areas["strength"][[0, 2]]).all()


def test_a_stronger_group_is_found_and_none_where_there_is_none(rng):
    """Module structure planted in half of the graphs raises clustering and modularity at every density."""
    same_module = np.equal.outer(np.arange(24) // 6, np.arange(24) // 6)
    plain, planted, other = (symmetric_weights(matrices(rng, 8)) for _ in range(3))
    planted = planted + 0.4 * same_module * (planted > 0)
    names = ["clustering", "modularity"]
    base, raised, null = (sweep(batch, names, binarise=True, randomness=FEW) for batch in (plain, planted, other))
    for name in names:
        low, high, again = (found.areas[name].reshape(8, -1).mean(axis=1) for found in (base, raised, null))
        assert high.min() > low.max()
        assert abs(again.mean() - low.mean()) < 3 * np.hypot(again.std(), low.std()) / np.sqrt(8)


def test_networks_share_what_several_measures_need(rng):
    weights = strongest_edges(symmetric_weights(matrices(rng)), 0.3)
    networks = Networks(weights, np.zeros(3, dtype=np.uint64), FEW)
    assert networks.path_summaries is networks.path_summaries
    assert networks.partitions[1].shape == (3, 24)
