"""The study of localisation: true heads against physics, planted sources against what an ideal analysis finds."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest
from head_bench import MONTAGES

from painconn.cortex.forward import make_forward
from painconn.cortex.head import build_head
from painconn.cortex.lead_field import lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.template import parcellation, template_arrays, write_subject
from painconn.features.edges import block_pairs, edge_names
from painconn.reporting.surface import point_values, region_values, surface_figure
from painconn.simulation.localisation import (
    BACKGROUND_V,
    Analysis,
    background_covariance,
    draw_sources,
    error_map,
    localise,
    sampled,
)
from painconn.simulation.truth import Truth, TruthSpec, build_truth, displace

ELECTRODES = MONTAGES[32]
SHARED = {"source_spacing": "ico3", "shared_sources": True, "bem_ico": 2}
"""The head of the fixture's analysis: coarse, to be quick."""


class Known(NamedTuple):
    analysis: Analysis
    truth: Truth


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Known:
    """An analysis and the truth that it is right about."""
    folder: Path = tmp_path_factory.mktemp("head")
    write_subject(folder)
    head = build_head(folder, source_spacing="ico3", bem_ico=2)
    analysis = Analysis(lead_field(make_forward(head, place_electrodes(ELECTRODES))))
    return Known(analysis, build_truth(TruthSpec(**SHARED), ELECTRODES))


@pytest.fixture(scope="module")
def commands() -> Iterator[dict[str, ModuleType]]:
    names = ("measure_localisation", "measure_density")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).resolve().parents[2] / "tools")
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name)


@pytest.fixture(scope="module")
def density(commands) -> ModuleType:
    return commands["measure_density"]


def referenced(truth: Truth, cap: int = 0) -> np.ndarray:
    return truth.gain_v_per_am[cap] - truth.gain_v_per_am[cap].mean(axis=0)


class TestTruth:
    @pytest.mark.slow
    def test_a_head_without_differences_is_that_of_the_analysis(self, known):
        np.testing.assert_allclose(referenced(known.truth), known.analysis.field.gain_v_per_am[:, :, 2], atol=1e-9)
        np.testing.assert_array_equal(known.truth.places_mm, known.analysis.places_mm)

    @pytest.mark.slow
    def test_a_larger_head_shows_the_same_topographies_by_the_square_weaker(self, known):
        larger = build_truth(TruthSpec(scale=(1.1, 1.1, 1.1), **SHARED), ELECTRODES)
        np.testing.assert_allclose(referenced(larger) * 1.1**2, referenced(known.truth), rtol=1e-4, atol=1e-4)

    @pytest.mark.slow
    def test_turned_dipoles_keep_their_strength_and_have_the_stated_angle(self, known):
        turned = build_truth(TruthSpec(tilt_deg=30.0, **SHARED), ELECTRODES, seed=3)
        field = known.analysis.field.gain_v_per_am
        for source in range(0, field.shape[1], 200):
            direction = np.linalg.lstsq(field[:, source], referenced(turned)[:, source], rcond=None)[0]
            assert np.linalg.norm(direction) == pytest.approx(1.0, abs=1e-6)
            assert direction[2] == pytest.approx(np.cos(np.pi / 6), abs=1e-6)

    @pytest.mark.slow
    def test_sources_of_the_analysis_are_left_out(self):
        truth = build_truth(TruthSpec(source_spacing="oct5", bem_ico=2), ELECTRODES[:8], n_caps=2)
        assert truth.gain_v_per_am.shape == (2, 8, sum(map(len, truth.vertices)))
        assert min(map(min, truth.vertices)) >= 2562

    def test_fewer_electrodes_see_the_same_sources(self, known):
        some = known.truth.seen_by(ELECTRODES[5:2:-1])
        np.testing.assert_array_equal(some.gain_v_per_am, known.truth.gain_v_per_am[:, 5:2:-1])


class TestCap:
    planned = np.array(list(place_electrodes(ELECTRODES).values()))

    def test_electrodes_are_off_by_the_stated_distance(self, rng):
        spec = TruthSpec(jitter_m=0.005)
        worn = np.stack([displace(self.planned, spec, rng) for _ in range(200)])
        off_m = np.linalg.norm(worn - self.planned, axis=2)
        assert np.sqrt(np.mean(off_m**2)) == pytest.approx(0.005, rel=0.05)

    def test_a_cap_slides_as_a_whole(self, rng):
        worn = displace(self.planned, TruthSpec(cap_shift_m=0.005), rng)
        apart = [np.linalg.norm(cap[:, None] - cap, axis=2) for cap in (self.planned, worn)]
        np.testing.assert_allclose(*apart, atol=1e-9)
        assert np.linalg.norm(worn - self.planned, axis=1).max() == pytest.approx(0.005, rel=0.15)


class TestLocalise:
    def test_strong_dipoles_of_the_known_head_are_found(self, known, rng):
        names = ["postcentral-lh", "superiorfrontal-rh", "lateraloccipital-lh"]
        sources = draw_sources(known.truth, names, 4, rng)
        for inverse in ("lcmv", "eloreta"):
            found = [*localise(known.truth, known.analysis, inverse, sources, snr=9.0)]
            errors = [one.error_mm for one in found if one.read_out == "difference"]
            assert np.median(errors) < 7.0, inverse
            assert np.mean([one.hemisphere_right for one in found]) > 0.7, inverse

    def test_nothing_planted_is_found_at_chance(self, known, rng):
        sources = draw_sources(known.truth, ["postcentral-lh", "insula-rh", "medialorbitofrontal-lh"], 10, rng)
        found = [*localise(known.truth, known.analysis, "eloreta", sources, snr=0.0)]
        assert np.mean([one.region_right for one in found]) < 0.15
        assert np.median([one.error_mm for one in found]) > 40.0

    def test_the_same_seed_gives_the_same_data(self, known, rng):
        sources = draw_sources(known.truth, ["insula-lh"], 3, rng)
        runs = [[*localise(known.truth, known.analysis, "sloreta", sources, snr=0.2, seed=5)] for _ in range(2)]
        assert runs[0] == runs[1]

    def test_equal_moments_make_deep_sources_hard_to_find(self, known, rng):
        sources = draw_sources(known.truth, ["rostralanteriorcingulate-lh", "rostralanteriorcingulate-rh"], 10, rng)
        errors_mm = []
        for equal_moment in (False, True):
            found = localise(known.truth, known.analysis, "eloreta", sources, snr=0.02, equal_moment=equal_moment)
            errors_mm.append(np.mean([one.error_mm for one in found if one.read_out == "difference"]))
        gain = referenced(known.truth)
        assert np.mean(gain[:, sources] ** 2) < np.median(np.mean(gain**2, axis=0))
        assert errors_mm[0] + 5 < errors_mm[1]

    def test_other_electrodes_are_refused(self, known):
        with pytest.raises(ValueError, match="different electrodes"):
            next(localise(known.truth.seen_by(ELECTRODES[:8]), known.analysis, "eloreta", [0]))

    def test_the_map_is_the_limit_of_endless_data(self, known):
        errors = error_map(known.truth, known.analysis, "minimum_norm")
        gain = referenced(known.truth)
        background = background_covariance(gain)
        kernel = known.analysis.kernel("minimum_norm", background).values
        for source in (10, 400, 900):
            during = background + 1e-16 * np.outer(gain[:, source], gain[:, source])
            ratio = np.diag(kernel @ during @ kernel.T) / np.diag(kernel @ background @ kernel.T)
            away = np.linalg.norm(known.analysis.places_mm[ratio.argmax()] - known.truth.places_mm[source])
            assert errors[source] == pytest.approx(away)
        with pytest.raises(ValueError, match="follows the data"):
            error_map(known.truth, known.analysis, "lcmv")

    def test_the_background_has_the_stated_level_and_is_sampled_faithfully(self, known, rng):
        covariance = background_covariance(referenced(known.truth))
        assert np.trace(covariance) / len(covariance) == pytest.approx(BACKGROUND_V**2)
        np.testing.assert_allclose(covariance.sum(axis=0), 0, atol=1e-20)
        drawn = sampled(covariance, 20_000, rng)
        assert np.linalg.norm(drawn - covariance) < 0.05 * np.linalg.norm(covariance)


class TestSurface:
    @pytest.mark.parametrize(
        ("region", "seen_on"),
        [
            ("superiortemporal-lh", 0),
            ("isthmuscingulate-lh", 1),
            ("isthmuscingulate-rh", 2),
            ("superiortemporal-rh", 3),
        ],
    )
    def test_a_region_is_drawn_where_it_can_be_seen(self, region, seen_on):
        values = [float(name == region) for name in parcellation().region_names]
        maps = {"one": region_values(np.array(values), parcellation().vertex_regions)}
        figure = surface_figure(maps, label="", limits=(0.0, 1.0), colours="Reds")
        views = [axis for axis in figure.axes if axis.get_xlabel()]
        covered = [np.mean(axis.collections[0].get_facecolors()[:, 2] < 0.25) for axis in views]
        assert np.argmax(covered) == seen_on
        assert covered[seen_on] > 0.01

    def test_values_at_points_spread_to_their_surroundings(self):
        kept = np.arange(0, 10242, 7)
        left, right = np.full(len(kept), 3.0), kept.astype(float)
        spread = point_values(np.concatenate([left, right]), (kept, kept), n_nearest=1)
        assert set(spread["lh"]) == {3.0}
        np.testing.assert_array_equal(spread["rh"][kept], kept)
        assert len(spread["rh"]) == len(template_arrays()["sphere"])


class TestCommands:
    def test_every_region_and_read_out_is_measured_once_per_inverse(self, known, commands):
        command = commands["measure_localisation"]
        found = command.measure([known.truth, known.truth], known.analysis, ("eloreta", "dspm"), per_region=2)
        counts = found.groupby(["inverse", "read_out", "region"]).size()
        assert len(counts) == 2 * 2 * 2 * len(command.REGIONS)
        assert set(counts) == {2}

    def test_rates_carry_their_interval(self, commands):
        assert commands["measure_localisation"].rate(np.array([True, True, True, False])) == "75 (30-95)"

    def test_the_smaller_montages_are_parts_of_the_larger(self, commands):
        names = commands["measure_localisation"].montages()
        assert [len(names[n_channels]) for n_channels in (64, 32, 19)] == [64, 32, 19]
        assert set(names[32]) < set(names[64])
        assert set(names[19]) < set(names[64])

    def test_effective_dimensions_count_independent_signals(self, density, rng):
        signals = rng.standard_normal((4, 5, 5000))
        assert density.effective_dimensions(signals) == pytest.approx(5, abs=0.05)
        assert density.effective_dimensions(signals[:, [0, 0, 0]]) == pytest.approx(1)
        assert density.effective_dimensions(signals[:, [0, 0, 1, 1]]) == pytest.approx(2, abs=0.05)

    def test_a_planted_pair_is_looked_for_where_it_was_planted(self, density):
        pair = density.PAIRS["S1 left, insula right"]
        edge, block = density.positions(pair)
        assert edge_names("coh", "lcmv", "alpha", density.REGIONS)[edge].endswith("__".join(pair))
        groups = density.FUNCTIONAL_GROUPS
        assert {"sensory-lh", "sensory-rh"} == set(block_pairs(groups)[block])

    @pytest.mark.slow
    def test_people_with_and_without_the_coupling_differ_in_nothing_else(self, density, known):
        pair = density.PAIRS["S1 left, superior frontal right"]
        truth = build_truth(TruthSpec(source_spacing="oct6", bem_ico=2), ELECTRODES)
        coupled, alone = (density.person(truth, 3, pair, coupled=coupled) for coupled in (True, False))
        # Two patches: what differs has two dimensions, whatever the number of electrodes.
        strengths = np.linalg.svd(coupled - alone, compute_uv=False)
        assert strengths[1] > 1e-3 * strengths[0]
        assert strengths[2] < 1e-9 * strengths[0]
        np.testing.assert_allclose(coupled.var(), alone.var(), rtol=0.1)
