from dataclasses import replace

import numpy as np
import pytest

from painconn.config.connectivity import ConnectivityConfig
from painconn.config.features import FeaturesConfig
from painconn.connectivity.engine import over_epochs
from painconn.connectivity.registry import MEASURES
from painconn.cortex.registry import FUNCTIONAL_GROUPS
from painconn.features.edges import block_names, block_pairs, blocks, edge_names, edges
from painconn.features.names import power_names
from painconn.features.power import band_power, log10_power, relative_power
from painconn.features.rows import ObservationFeatures

FREQS_HZ = np.arange(0.5, 60.5, 0.5)
GROUPS = {"first": ("a", "b"), "second": ("c", "d")}
REGIONS = ["a", "b", "c", "d", "e"]
SFREQ_HZ = 250.0


@pytest.fixture
def one_and_other(monkeypatch):
    """A measure whose two triangles say different things."""
    monkeypatch.setitem(MEASURES, "flow", replace(MEASURES["dpli"], name="flow", both_directions=True))


def row_of(signals, continuous="none here", **settings):
    """Make the row of region signals; sensors are left out."""
    row = ObservationFeatures(
        ConnectivityConfig.model_validate(settings),
        FeaturesConfig(groups=GROUPS),
        sfreq_hz=SFREQ_HZ,
        highest_hz=100.0,
        channels=[],
    )
    row.add_regions("lcmv", REGIONS, signals)
    row.add_continuous("lcmv", REGIONS, continuous)
    return row


def reasons(row):
    return {(missing["measure"], missing["band"]): missing["reason"] for missing in row.not_computable}


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
    assert len(block_pairs(FUNCTIONAL_GROUPS)) == 21
    assert block_pairs({"single": ("a",), "pair": ("b", "c")}) == [("single", "pair"), ("pair", "pair")]


@pytest.mark.parametrize("name", ["imcoh", "psi", "trgc", "gc_net", "impcoh", "dpli"])
def test_a_sign_that_follows_the_order_of_regions_has_no_blocks_within_groups(name, rng):
    groups = FUNCTIONAL_GROUPS
    assert len(block_names(name, "lcmv", "alpha", groups)) == 15
    assert not any(a == b for a, b in block_pairs(groups, signed_by_order=True))
    signs = rng.standard_normal((5, 5))
    matrix = 0.5 + signs - signs.T if name == "dpli" else signs - signs.T
    means = blocks(matrix, REGIONS, GROUPS, signed_by_order=True)
    assert dict(zip(block_names(name, "lcmv", "alpha", GROUPS), means, strict=True)) == {
        f"{name}__lcmv__alpha__first__second": pytest.approx(matrix[:2, 2:4].mean())
    }
    order = [1, 0, 3, 2, 4]
    turned = blocks(matrix[np.ix_(order, order)], [REGIONS[i] for i in order], GROUPS, signed_by_order=True)
    assert turned == pytest.approx(means)


@pytest.mark.parametrize("name", ["wpli2_debiased", "aec_orth", "coh", "pcoh"])
def test_symmetric_measures_keep_their_21_blocks(name):
    assert len(block_names(name, "lcmv", "alpha", FUNCTIONAL_GROUPS)) == 21


def test_power_names_end_with_the_mean():
    assert power_names("power_rel", "sensors", "alpha", ["Cz"]) == [
        "power_rel__sensors__alpha__Cz",
        "power_rel__sensors__alpha__mean",
    ]


def test_a_measure_with_two_directions_has_a_column_for_each(one_and_other, rng):
    matrix = rng.standard_normal((5, 5))
    values = edges(matrix, both_directions=True)
    named = dict(zip(edge_names("flow", "lcmv", "alpha", REGIONS), values, strict=True))
    assert len(named) == 20
    assert named["flow__lcmv__alpha__b__d"] == matrix[1, 3]
    assert named["flow__lcmv__alpha__d__b"] == matrix[3, 1]
    means = blocks(matrix, REGIONS, GROUPS, both_directions=True)
    named = dict(zip(block_names("flow", "lcmv", "alpha", GROUPS), means, strict=True))
    assert named["flow__lcmv__alpha__first__second"] == pytest.approx(matrix[:2, 2:4].mean())
    assert named["flow__lcmv__alpha__second__first"] == pytest.approx(matrix[2:4, :2].mean())
    assert named["flow__lcmv__alpha__first__first"] == pytest.approx((matrix[0, 1] + matrix[1, 0]) / 2)


def test_a_row_holds_what_the_engine_found_and_its_halves_what_every_other_epoch_gives(rng):
    signals = rng.standard_normal((24, 5, 500)) * 1e-6
    row = row_of(signals, measures=["imcoh", "coh", "aec_orth"])
    settings = {"sfreq_hz": SFREQ_HZ, "bands_hz": ConnectivityConfig().bands_hz, "measures": ["imcoh"]}
    parts = (over_epochs(part, gates=None, **settings) for part in (signals, signals[::2]))
    whole, even = (part.matrices["imcoh", "alpha"] for part in parts)
    assert row.columns["imcoh__lcmv__alpha__b__e"] == pytest.approx(whole[1, 4])
    assert row.halves[0]["imcoh__lcmv__alpha__b__e"] == pytest.approx(even[1, 4])
    assert row.columns.keys() > row.halves[0].keys() == row.halves[1].keys()
    assert not any(name.startswith("power") for name in row.halves[0])
    assert reasons(row) == {("aec_orth", band): "none here" for band in settings["bands_hz"]}
    assert np.isnan(row.columns["aec_orth__lcmv__alpha__first__second"])


def test_flat_regions_and_copies_are_missing_with_a_reason(rng):
    signals = rng.standard_normal((24, 5, 500))
    signals[3, 2] = 0.0
    signals[:, 4] = -3 * signals[:, 0]
    row = row_of(signals, measures=["coh"])
    told = [missing["reason"] for missing in row.not_computable if missing["measure"] == "all over epochs (lcmv)"]
    assert told == ["c: flat in 1 of 24 epochs", "a and e: copies of each other"]
    missing = {name for name, value in row.columns.items() if name.startswith("coh__lcmv__alpha") and np.isnan(value)}
    expected = {*(f"coh__lcmv__alpha__{pair}" for pair in ("a__c", "b__c", "c__d", "c__e", "a__e"))}
    assert missing == expected | {f"coh__lcmv__alpha__{pair}" for pair in ("first__second", "second__second")}


def test_gates_are_those_of_the_measure_unless_the_study_says_otherwise(rng):
    signals = rng.standard_normal((12, 5, 500))
    assert reasons(row_of(signals, measures=["coh"]))["coh", "alpha"] == "12 epochs, wanted at least 20"
    lowered = row_of(signals, measures=["coh"], min_epochs=10)
    assert not reasons(lowered)
    assert 0 < lowered.columns["coh__lcmv__alpha__a__b"] < 1
    raised = row_of(signals, measures=["coh"], min_epochs=10, min_cycles=10)
    assert set(reasons(raised)) == {("coh", "theta")}


def test_phase_measures_over_time_come_from_the_segments(rng):
    signals = rng.standard_normal((5, 12000))
    row = row_of(
        rng.standard_normal((24, 5, 500)),
        lambda: [(signals, [[1000, 4000], [5000, 8000]])],
        measures=["coh"],
        phase_estimator="over_time",
    )
    (estimate,) = row.estimates["lcmv"]
    assert (estimate.estimator, estimate.n_epochs, estimate.epoch_length_s) == ("over_time", 2, 12.0)
    assert row.columns["coh__lcmv__alpha__a__b"] == estimate.matrices["coh", "alpha"][0, 1]
    assert not row.not_computable
