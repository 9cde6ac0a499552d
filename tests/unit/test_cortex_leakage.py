"""Leakage of a kernel: against MNE-Python, against simulated sources, and where anatomy says that it is worst."""

from dataclasses import replace
from typing import NamedTuple

import mne
import numpy as np
import pytest

from painconn.config.cortex import CortexConfig, LeakageConfig
from painconn.connectivity.engine import over_time
from painconn.connectivity.envelope import analytic_band
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.forward import make_forward
from painconn.cortex.ghosts import draw_edges, expected_ghosts, ghost_sizes
from painconn.cortex.head import Head, build_head
from painconn.cortex.kernels import RegionKernel, SourceKernel, make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.leakage import (
    Leakage,
    bundled_positions_mm,
    crosstalk_shares,
    leakage_of,
    pair_leakage,
    point_spread_mm,
    scaled_to_background,
)
from painconn.cortex.montage import place_electrodes
from painconn.cortex.parcellations import parcellation_of
from painconn.cortex.regions import region_labels
from painconn.cortex.template import parcellation, write_subject
from painconn.paths import Results, SessionKey
from painconn.steps.leakage import (
    FILES,
    leakage_file,
    leakage_files,
    leakage_writer,
    marks_of,
    read_leakage,
    with_marks,
)
from painconn.store import read_json, read_tsv

pytestmark = pytest.mark.slow

TEN_TWENTY = [
    name for name in mne.channels.make_standard_montage("fsaverage_1020").ch_names if name not in ("Fpz", "Oz")
]
SIXTY_FOUR = mne.channels.make_standard_montage("biosemi64").ch_names
SFREQ_HZ = 100.0


class Bench(NamedTuple):
    head: Head
    fields: dict[int, LeadField]


class Made(NamedTuple):
    sources: SourceKernel
    regions: RegionKernel


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("head")
    write_subject(folder)
    head = build_head(folder, source_spacing="ico3")
    montages = {19: TEN_TWENTY, 64: SIXTY_FOUR}
    fields = {n: lead_field(make_forward(head, place_electrodes(names))) for n, names in montages.items()}
    return Bench(head, fields)


def covariance_of(field: LeadField) -> np.ndarray:
    gain = normal_gain(field)
    channels = len(gain)
    cortical = gain @ gain.T
    return cortical + 0.1 * np.trace(cortical) / channels * (np.eye(channels) - 1 / channels)


def normal_gain(field: LeadField) -> np.ndarray:
    return field.gain_v_per_am[:, :, 2]


def made(field: LeadField, inverse: str, regions=None) -> Made:
    covariance, rank = covariance_of(field), len(field.channel_names) - 1
    noise = noise_covariance("adhoc", covariance, rank=rank)
    sources = make_source_kernel(inverse, field, covariance, noise, rank=rank, cortex=CortexConfig())
    return Made(sources, make_region_kernel(sources, field, regions or parcellation(), covariance))


def leakage(field: LeadField, inverse: str) -> Leakage:
    kernels = made(field, inverse)
    return leakage_of(kernels.regions, field, parcellation(), kernels.sources)


@pytest.mark.parametrize("inverse", ["lcmv", "eloreta"])
def test_localisation_error_and_spread_are_those_of_mne(bench, inverse):
    field = bench.fields[19]
    gain = normal_gain(field)
    kernel = scaled_to_background(made(field, inverse).sources.values, gain)
    error, spread = point_spread_mm(kernel, gain, bundled_positions_mm(field.vertices), np.arange(gain.shape[1]))
    for found, metric in ((error, "peak_err"), (spread, "sd_ext")):
        expected = mne.minimum_norm.resolution_metrics(kernel @ gain, bench.head.sources, "psf", metric)
        np.testing.assert_allclose(found, 10 * expected.data[:, 0], atol=1e-3)


def test_a_perfect_kernel_leaks_nothing():
    labels = np.array([0, 0, 1, 1, 2, 2, -1])
    resolution = np.eye(3).repeat(2, axis=1)
    resolution = np.column_stack([resolution, np.zeros(3)])
    np.testing.assert_array_equal(crosstalk_shares(resolution, labels), np.eye(3))
    np.testing.assert_allclose(pair_leakage(resolution), np.eye(3))
    ghosts = expected_ghosts(resolution, labels)
    assert (ghosts.pairs_per_edge, ghosts.found) == (1.0, 1.0)
    positions = np.random.default_rng(1).normal(size=(7, 3))
    error, spread = point_spread_mm(np.eye(7), np.eye(7), positions, np.arange(7))
    np.testing.assert_allclose([error, spread], 0, atol=1e-7)


def test_shares_and_correlations_are_those_of_simulated_sources(bench, rng):
    field = bench.fields[19]
    kernel = made(field, "eloreta").regions.values
    gain, labels = normal_gain(field), region_labels(parcellation(), field.vertices)
    found = leakage(field, "eloreta")
    sources = rng.standard_normal((gain.shape[1], 4000))
    estimates = kernel @ (gain @ sources)
    np.testing.assert_allclose(np.abs(np.corrcoef(estimates)), found.pair_leakage, atol=0.08)
    for region in (0, 20, 60):
        part = kernel @ (gain[:, labels == region] @ sources[labels == region])
        np.testing.assert_allclose(part.var(axis=1) / estimates.var(axis=1), found.crosstalk[:, region], atol=0.02)
    outside = kernel @ (gain[:, labels < 0] @ sources[labels < 0])
    np.testing.assert_allclose(found.crosstalk.sum(axis=1) + outside.var(axis=1) / estimates.var(axis=1), 1, atol=0.02)


def test_a_lagged_edge_shows_where_the_resolution_matrix_says(bench, rng):
    field = bench.fields[19]
    gain = normal_gain(field)
    resolution = made(field, "lcmv").regions.values @ gain
    (first, second) = draw_edges(region_labels(parcellation(), field.vertices), 1, rng)[0]
    background = (rng.standard_normal((gain.shape[1], 2000, 2)) @ (1, 1j)) / np.sqrt(2)
    shared = 10 * (rng.standard_normal((2000, 2)) @ (1, 1j)) / np.sqrt(2)
    background[first] += shared
    background[second] += 1j * shared
    estimates = resolution @ background
    imaginary = np.abs((estimates @ estimates.conj().T).imag / 2000)
    strength = 100 * ghost_sizes(resolution, first, second)
    norms = np.linalg.norm(resolution, axis=1)
    scaled = imaginary / np.outer(norms, norms)
    assert np.corrcoef(scaled.ravel(), strength.ravel())[0, 1] > 0.9
    largest = np.unravel_index(strength.argmax(), strength.shape)
    assert scaled[largest] == pytest.approx(strength[largest], rel=0.2)


def test_leakage_does_not_know_the_scale_of_a_kernel(bench):
    field = bench.fields[19]
    kernels = made(field, "eloreta")
    scale = np.random.default_rng(2).uniform(0.1, 10, (68, 1))
    values = RegionKernel(scale * kernels.regions.values, kernels.regions.region_names, field.channel_names, 18, 1284)
    other = leakage_of(values, field, parcellation(), kernels.sources).as_arrays()
    for name, expected in leakage(field, "eloreta").as_arrays().items():
        np.testing.assert_allclose(other[name], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("inverse", ["lcmv", "eloreta"])
def test_deep_and_medial_regions_are_marked_and_electrodes_help(bench, inverse):
    low, high = (leakage(bench.fields[n], inverse) for n in (19, 64))
    assert np.median(high.own_share) > np.median(low.own_share)
    assert np.median(high.localisation_error_mm) < np.median(low.localisation_error_mm)
    assert np.median(high.pair_leakage) < np.median(low.pair_leakage)
    assert high.ghosts.pairs_per_edge < low.ghosts.pairs_per_edge
    names, limits = parcellation().region_names, LeakageConfig()
    poor = (high.own_share < limits.min_own_share) | (high.localisation_error_mm > limits.max_localisation_error_mm)
    marked = {name for name, is_poor in zip(names, poor, strict=True) if is_poor}
    assert {"caudalanteriorcingulate-lh", "rostralanteriorcingulate-rh", "entorhinal-lh"} <= marked
    assert not {"postcentral-lh", "postcentral-rh", "superiorfrontal-lh", "lateraloccipital-rh"} & marked


def test_positions_of_another_head_have_to_be_stated():
    with pytest.raises(ValueError, match="another head"):
        bundled_positions_mm((np.array([3]), np.array([10_242])))


def test_symmetric_orthogonalisation_is_refused_with_the_numbers_and_works_for_a_subset(bench, rng):
    field = bench.fields[19]
    data = rng.multivariate_normal(np.zeros(19), covariance_of(field), 3000).T

    def symmetric(regions):
        signals = made(field, "eloreta", regions).regions.values @ data
        band = {"alpha": (8.0, 13.0)}
        return over_time(
            lambda _: analytic_band(signals, sfreq_hz=SFREQ_HZ, band_hz=band["alpha"])[None],
            sfreq_hz=SFREQ_HZ,
            bands_hz=band,
            measures=["aec_symmetric"],
        )

    assert "68 regions from 18 dimensions" in symmetric(parcellation()).not_computable["aec_symmetric", "alpha"]
    few = parcellation_of("pain_12")
    matrix = symmetric(few).matrices["aec_symmetric", "alpha"]
    assert len(few.region_names) < 18
    assert np.isfinite(matrix[np.triu_indices(len(matrix), 1)]).all()


def planted(regions: int = 4) -> Leakage:
    """Region 3 is poor by its own share, region 2 by its place; regions 0 and 1 are good but mixed."""
    crosstalk = np.diag([0.5, 0.5, 0.5, 0.001])
    pairs = np.full((regions, regions), 0.1) + 0.9 * np.eye(regions)
    pairs[0, 1] = pairs[1, 0] = 0.8
    ghosts = expected_ghosts(np.eye(regions), np.arange(regions))
    return Leakage(
        crosstalk, pairs, np.diag(crosstalk).copy(), np.array([5.0, 5, 40, 5]), np.full(regions, 50.0), ghosts
    )


REGIONS = ("a-lh", "b-lh", "c-lh", "d-lh")


def study_files(tmp_path) -> Results:
    results = Results(tmp_path)
    for name, write in leakage_files([{"lcmv": planted()}], REGIONS, LeakageConfig()).items():
        results.group(name).parent.mkdir(parents=True, exist_ok=True)
        write(results.group(name))
    return results


def test_a_session_keeps_its_leakage(tmp_path):
    results, key = Results(tmp_path), SessionKey.parse("sub-01")
    path = results.connectivity(key).with_name(leakage_file(key))
    path.parent.mkdir(parents=True)
    leakage_writer({"lcmv": planted()})(path)
    again = read_leakage(results, key)
    assert list(again) == ["lcmv"]
    for name, values in planted().as_arrays().items():
        np.testing.assert_array_equal(again["lcmv"].as_arrays()[name], values)


def test_what_lies_beyond_a_limit_is_named_in_the_tables_of_the_study(tmp_path):
    results = study_files(tmp_path)
    regions, pairs = (read_tsv(results.group(name)) for name in FILES[:2])
    assert regions["beyond"].tolist() == ["", "", "localisation", "own share"]
    assert dict(zip(zip(pairs["a"], pairs["b"], strict=True), pairs["beyond"], strict=True)) == {
        ("a-lh", "b-lh"): "pair",
        ("a-lh", "c-lh"): "region",
        ("a-lh", "d-lh"): "region",
        ("b-lh", "c-lh"): "region",
        ("b-lh", "d-lh"): "region",
        ("c-lh", "d-lh"): "region",
    }
    found = read_json(results.group(FILES[2]))["inverses"]["lcmv"]
    assert (found["regions_marked"], found["pairs_marked"]) == (2, 6)


def test_the_study_has_the_median_over_sessions(tmp_path):
    far = replace(planted(), localisation_error_mm=np.full(4, 90.0))
    path = tmp_path / FILES[0]
    leakage_files([{"lcmv": one} for one in (planted(), far, planted())], REGIONS, LeakageConfig())[FILES[0]](path)
    np.testing.assert_array_equal(read_tsv(path)["localisation_error_mm"], planted().localisation_error_mm)


def test_an_edge_is_marked_by_its_regions_and_a_block_by_its_mean(tmp_path):
    pairs = read_tsv(study_files(tmp_path).group(FILES[1]))
    leakage = dict(zip(zip(pairs["a"], pairs["b"], strict=True), pairs["pair_leakage"], strict=True))
    tests = [
        f"wpli2_debiased__lcmv__alpha__{places}" for places in ("g__g", "g__h", "h__h", "b-lh__a-lh", "c-lh__b-lh")
    ]
    tests += ["wpli2_debiased__other__alpha__a-lh__b-lh", "power_rel__lcmv__alpha__a-lh", "age"]
    marks = marks_of(tests, pairs, {"g": ["a-lh", "b-lh"], "h": ["c-lh", "d-lh"]}, 0.5)
    across = [leakage[a, b] for a in ("a-lh", "b-lh") for b in ("c-lh", "d-lh")]
    inside = leakage["c-lh", "d-lh"]
    missing = [np.nan] * 3
    expected = [leakage["a-lh", "b-lh"], np.mean(across), inside, leakage["a-lh", "b-lh"], leakage["b-lh", "c-lh"]]
    np.testing.assert_allclose(marks["leakage"], [*expected, *missing])
    assert max(np.mean(across), inside, leakage["b-lh", "c-lh"]) < 0.5 < leakage["a-lh", "b-lh"]
    np.testing.assert_array_equal(marks["leakage_beyond"], [1, 1, 1, 1, 1, *missing])
    np.testing.assert_array_equal(marks["leakage_marked"], [1, 0, 0, 1, 1, *missing])


def test_a_ready_table_has_no_marks(tmp_path):
    import pandas as pd

    tests = pd.DataFrame({"test": ["x"]})
    assert with_marks(Results(tmp_path), tests, {}) is tests
