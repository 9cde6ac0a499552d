"""Graph measures as columns: names, values, reasons."""

import numpy as np
import pytest

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.graph.networks import Randomness
from painconn.connectivity.graph.registry import DENSITIES, GRAPH_MEASURES
from painconn.connectivity.graph.sweep import sweep
from painconn.connectivity.graph.thresholds import edges_at
from painconn.features.graphs import graph_columns, graph_names, why_no_graph
from painconn.features.rows import ObservationFeatures

REGIONS = [f"region{number}-{side}" for side in ("lh", "rh") for number in range(6)]
SFREQ_HZ = 250.0
BANDS_HZ = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0)}
CHOSEN = ["betweenness", "global_efficiency", "modularity"]

pytestmark = pytest.mark.usefixtures("one_thread")


def settings_of(**chosen):
    return FeaturesConfig.model_validate({"groups": {}, "graph_measures": CHOSEN, "graph_nulls": 5} | chosen)


def matrix_of(rng, low=0.0):
    """Make a symmetric matrix of edges from `low` to 1, with the NaN diagonal of a connectivity matrix."""
    upper = np.triu(rng.uniform(low, 1, (len(REGIONS), len(REGIONS))), 1)
    return upper + upper.T + np.diag(np.full(len(REGIONS), np.nan))


def row_of(signals, features, continuous="none here", **connectivity):
    row = ObservationFeatures(
        ConnectivityConfig.model_validate({"bands_hz": BANDS_HZ} | connectivity),
        features,
        sfreq_hz=SFREQ_HZ,
        highest_hz=100.0,
        channels=[],
    )
    row.add_regions("lcmv", REGIONS, signals)
    row.add_continuous("lcmv", REGIONS, continuous)
    row.add_graphs("lcmv", REGIONS)
    return row


def graph_part(columns):
    return {name: value for name, value in columns.items() if name.startswith("graph__")}


def test_a_measure_of_nodes_has_a_column_per_region_and_one_of_graphs_has_one():
    assert graph_names("modularity", "coh", "lcmv", "alpha", REGIONS) == ["graph__modularity__coh__lcmv__alpha"]
    names = graph_names("betweenness", "coh", "lcmv", "alpha", REGIONS)
    assert names == [f"graph__betweenness__coh__lcmv__alpha__{region}" for region in REGIONS]


@pytest.mark.parametrize("binarise", [False, True])
def test_values_are_the_areas_of_a_sweep_of_each_matrix_alone(rng, binarise):
    matrices = {("coh", band): matrix_of(rng) for band in BANDS_HZ}
    names, densities = tuple(GRAPH_MEASURES), (0.3, 0.4, 0.6)
    settings = settings_of(graph_measures=names, graph_densities=densities, graph_binarise=binarise)
    found = graph_columns(matrices, "lcmv", REGIONS, settings)
    assert list(found.columns) == [
        column for band in BANDS_HZ for name in names for column in graph_names(name, "coh", "lcmv", band, REGIONS)
    ]
    for (measure, band), matrix in matrices.items():
        alone = sweep(matrix, names, densities, binarise=binarise, randomness=Randomness(seed=0, n_nulls=5)).areas
        for name in names:
            columns = graph_names(name, measure, "lcmv", band, REGIONS)
            np.testing.assert_array_equal([found.columns[column] for column in columns], np.ravel(alone[name]))


def test_a_row_holds_the_graphs_of_its_symmetric_matrices_only(rng, mixed_epochs):
    signals = mixed_epochs(24, len(REGIONS), 500)
    continuous = rng.standard_normal((len(REGIONS), 12000))
    row = row_of(
        signals,
        settings_of(),
        lambda: [(continuous, [[0, 6000], [6000, 12000]])],
        measures=["imcoh", "coh", "dpli", "aec_orth_abs"],
    )
    found = graph_part(row.columns)
    assert list(row.columns)[-len(found) :] == list(found)
    assert not any(name.startswith("graph__") for half in row.halves for name in half)
    expected = {}
    for measure, estimate in zip(("coh", "aec_orth_abs"), row.estimates["lcmv"], strict=True):
        for band in BANDS_HZ:
            areas = sweep(estimate.matrices[measure, band], CHOSEN).areas
            for name in CHOSEN:
                columns = graph_names(name, measure, "lcmv", band, REGIONS)
                expected |= dict(zip(columns, np.ravel(areas[name]).tolist(), strict=True))
    assert found == expected
    assert np.isfinite(list(found.values())).all()
    assert not row.not_computable


def test_single_precision_matrices_have_graphs(mixed_epochs):
    signals = mixed_epochs(24, len(REGIONS), 500)
    row = row_of(signals, settings_of(graph_measures=["strength"]), measures=["coh"], precision="float32")
    assert np.isfinite(list(graph_part(row.columns).values())).all()
    assert not row.not_computable


def test_nothing_is_added_unless_the_study_names_a_graph_measure(mixed_epochs):
    signals = mixed_epochs(24, len(REGIONS), 500)
    plain = row_of(signals, FeaturesConfig(groups={}), measures=["coh"])
    chosen = row_of(signals, settings_of(), measures=["coh"])
    assert not graph_part(plain.columns)
    assert list(plain.columns) == [name for name in chosen.columns if not name.startswith("graph__")]
    assert all(chosen.columns[name] == value for name, value in plain.columns.items())


def test_a_matrix_without_a_graph_gives_missing_columns_with_what_was_found_and_wanted(rng):
    whole, hole, weak = matrix_of(rng), matrix_of(rng), matrix_of(rng) - 1
    hole[2, 5] = hole[5, 2] = np.nan
    weak[0, 1:4] = weak[1:4, 0] = 0.5
    matrices = {
        ("wpli", "alpha"): whole,
        ("coh", "theta"): hole,
        ("coh", "alpha"): weak,
        ("wpli", "theta"): "12 epochs, wanted at least 20",
    }
    found = graph_columns(matrices, "lcmv", REGIONS, settings_of())
    assert found.not_computable == [
        ("graph measures of coh (lcmv)", "theta", "65 of 66 edges are known, wanted all"),
        ("graph measures of coh (lcmv)", "alpha", "3 positive edges, wanted at least 26 for density 0.4"),
        ("graph measures of wpli (lcmv)", "theta", "12 epochs, wanted at least 20"),
    ]
    present = {name for name, value in found.columns.items() if np.isfinite(value)}
    assert present == {name for name in found.columns if "__wpli__lcmv__alpha" in name}
    assert len(found.columns) == 4 * (12 + 1 + 1)
    alone = graph_columns({("wpli", "alpha"): whole}, "lcmv", REGIONS, settings_of())
    assert alone.columns == {name: found.columns[name] for name in alone.columns}
    assert not alone.not_computable


def test_exactly_the_positive_edges_of_the_largest_density_are_enough(rng):
    wanted = edges_at(DENSITIES[-1], len(REGIONS))
    rows, columns = np.triu_indices(len(REGIONS), 1)
    for n_positive in (wanted - 1, wanted):
        matrix = -matrix_of(rng, low=0.1)
        chosen = rng.permutation(len(rows))[:n_positive]
        matrix[rows[chosen], columns[chosen]] *= -1
        matrix[columns[chosen], rows[chosen]] *= -1
        has_graph = why_no_graph(matrix, DENSITIES) is None
        assert has_graph == (n_positive == wanted)
        assert np.isfinite(sweep(matrix, ["degree"]).areas["degree"]).all() == has_graph


def test_a_measure_that_is_not_defined_for_a_graph_says_where(rng):
    found = graph_columns(
        {("coh", "alpha"): matrix_of(rng)},
        "lcmv",
        REGIONS,
        settings_of(graph_measures=["degree", "assortativity"], graph_densities=[0.5, 1.0]),
    )
    assert found.not_computable == [
        (
            "graph assortativity of coh (lcmv)",
            "alpha",
            "not defined for this graph at density 1, wanted a value at each",
        )
    ]
    assert np.isnan(found.columns["graph__assortativity__coh__lcmv__alpha"])
    assert np.isfinite(found.columns["graph__degree__coh__lcmv__alpha__region0-lh"])


def test_matrices_that_are_all_missing_give_columns_all_the_same(mixed_epochs):
    row = row_of(
        mixed_epochs(12, len(REGIONS), 500), settings_of(graph_measures=list(GRAPH_MEASURES)), measures=["coh"]
    )
    assert np.isnan(list(graph_part(row.columns).values())).all()
    told = [(missing["band"], missing["reason"]) for missing in row.not_computable if "graph" in missing["measure"]]
    assert told == [(band, "12 epochs, wanted at least 20") for band in BANDS_HZ]


def test_a_planted_hub_has_the_greatest_betweenness(rng):
    matrix = matrix_of(rng) / 10
    matrix[4, :] = matrix[:, 4] = 0.9
    found = graph_columns({("coh", "alpha"): matrix}, "lcmv", REGIONS, settings_of(graph_measures=["betweenness"]))
    assert max(found.columns, key=found.columns.__getitem__).endswith(f"__{REGIONS[4]}")
