import numpy as np
import pytest

from painconn.features.edges import blocks, edges
from painconn.features.names import block_names, block_pairs, edge_names, power_names
from painconn.features.power import band_power, log10_power, relative_power

FREQS_HZ = np.arange(0.5, 60.5, 0.5)
GROUPS = {"first": ("a", "b"), "second": ("c", "d")}
REGIONS = ["a", "b", "c", "d", "e"]


def test_band_power_integrates_a_flat_density_and_bands_add_up():
    density = np.full((2, len(FREQS_HZ)), 3.0)
    assert band_power(density, FREQS_HZ, (8.0, 13.0)) == pytest.approx([15.0, 15.0])
    parts = [band_power(density, FREQS_HZ, band) for band in ((4.0, 8.0), (8.0, 13.0))]
    assert sum(parts) == pytest.approx(band_power(density, FREQS_HZ, (4.0, 13.0)))


def test_relative_power_ignores_amplitude_and_misses_flat_signals():
    density = np.stack([1.0 / FREQS_HZ, 7.0 / FREQS_HZ, 0 * FREQS_HZ])
    shares = relative_power(density, FREQS_HZ, (8.0, 13.0), range_hz=(1.0, 40.0))
    assert shares[0] == pytest.approx(shares[1])
    assert 0 < shares[0] < 1
    assert np.isnan(shares[2])
    assert np.isnan(log10_power(density, FREQS_HZ, (8.0, 13.0))[2])


def test_edges_and_their_names_are_in_the_same_order():
    matrix = np.arange(25.0).reshape(5, 5)
    names = edge_names("coh", "lcmv", "alpha", REGIONS)
    values = dict(zip(names, edges(matrix), strict=True))
    assert values["coh__lcmv__alpha__b__d"] == matrix[1, 3]
    assert len(values) == 10


def test_blocks_are_means_of_their_edges(rng):
    matrix = rng.standard_normal((5, 5))
    matrix = matrix + matrix.T
    np.fill_diagonal(matrix, np.nan)
    values = dict(zip(block_names("coh", "lcmv", "alpha", GROUPS), blocks(matrix, REGIONS, GROUPS), strict=True))
    assert values["coh__lcmv__alpha__first__first"] == pytest.approx(matrix[0, 1])
    assert values["coh__lcmv__alpha__first__second"] == pytest.approx(
        np.mean([matrix[i, j] for i in (0, 1) for j in (2, 3)])
    )
    matrix[0, 2] = np.nan
    assert np.isnan(blocks(matrix, REGIONS, GROUPS)[1])


def test_the_functional_groups_make_21_blocks():
    from painconn.config.features import FeaturesConfig

    assert len(block_pairs(FeaturesConfig().groups)) == 21
    assert block_pairs({"single": ("a",), "pair": ("b", "c")}) == [("single", "pair"), ("pair", "pair")]


def test_power_names_end_with_the_mean():
    assert power_names("power_rel", "sensors", "alpha", ["Cz"]) == [
        "power_rel__sensors__alpha__Cz",
        "power_rel__sensors__alpha__mean",
    ]
