"""Inverses of the head: equal to MNE-Python's, indifferent to what must not matter, and right about places."""

import time

import mne
import numpy as np
import pytest
from head_bench import MONTAGES, bundled, covariance_of, field_of, forward_of, mixed_noise, source_places_m

from painconn.config.cortex import CortexConfig, SnrConfig
from painconn.cortex.covariance import ADHOC_NOISE_V, noise_covariance
from painconn.cortex.kernels import make_region_kernel, make_source_kernel
from painconn.cortex.minimum_norm import ELORETA_TOLERANCE, depth_prior
from painconn.cortex.montage import place_electrodes
from painconn.cortex.registry import INVERSES
from painconn.cortex.template import parcellation
from painconn.errors import RecordingFault

OF_THE_HEAD = {"minimum_norm": "MNE", "dspm": "dSPM", "sloreta": "sLORETA", "eloreta": "eLORETA"}
DEFAULT = CortexConfig()


def of_rank(rng, channels: int, rank: int) -> np.ndarray:
    data = mixed_noise(rng, channels)
    vectors, values, samples = np.linalg.svd(data - data.mean(axis=0), full_matrices=False)
    return vectors[:, :rank] * values[:rank] @ samples[:rank]


def kernel_of(inverse: str, n_channels: int, data: np.ndarray, rank: int, *, cortex=DEFAULT, noise=None):
    covariance = covariance_of(data)
    noise = noise_covariance("adhoc", covariance, rank=rank) if noise is None else noise
    return make_source_kernel(inverse, field_of(n_channels), covariance, noise, rank=rank, cortex=cortex)


def mne_region_signals(
    inverse: str, n_channels: int, data: np.ndarray, noise: np.ndarray, rank: int, *, referenced: bool, depth: float
) -> np.ndarray:
    """Region signals by stock MNE-Python calls, in the order of our regions."""
    names = list(MONTAGES[n_channels])
    info = mne.create_info(names, 250.0, "eeg", verbose="error")
    info.set_montage(mne.channels.make_dig_montage(place_electrodes(names), coord_frame="head"))
    evoked = mne.EvokedArray(data, info, nave=1, verbose="error").set_eeg_reference(projection=True, verbose="error")
    evoked.apply_proj(verbose="error")
    forward = forward_of(n_channels).copy()
    if referenced:
        forward["sol"]["data"] = forward["sol"]["data"] - forward["sol"]["data"].mean(axis=0)
    operator = mne.minimum_norm.make_inverse_operator(
        evoked.info, forward, mne.Covariance(noise, names, [], evoked.info["projs"], 1000), loose=1.0,
        depth=depth or None, rank={"eeg": rank}, verbose="error",
    )  # fmt: skip
    method = OF_THE_HEAD[inverse]
    sources = mne.minimum_norm.apply_inverse(
        evoked, operator, getattr(DEFAULT.snr, inverse) ** -2, method, pick_ori="normal", verbose="error",
        method_params={"eps": ELORETA_TOLERANCE, "max_iter": 200} if method == "eLORETA" else None,
    )  # fmt: skip
    chosen = [bundled().labels[name] for name in parcellation().region_names]
    return sources.extract_label_time_course(chosen, operator["src"], mode="mean_flip", verbose="error")


def worst_difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float((np.abs(found - expected).max(axis=1) / np.abs(expected).max(axis=1)).max())


@pytest.mark.parametrize(
    ("n_channels", "rank"),
    [
        (19, 18),
        (19, 13),
        pytest.param(32, 31, marks=pytest.mark.slow),
        pytest.param(64, 63, marks=pytest.mark.slow),
        pytest.param(64, 50, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("inverse", OF_THE_HEAD)
def test_region_signals_equal_those_of_mne(rng, inverse, n_channels, rank):
    data = of_rank(rng, n_channels, rank)
    noise = noise_covariance("adhoc", covariance_of(data), rank=rank)
    kernel = make_region_kernel(
        kernel_of(inverse, n_channels, data, rank, noise=noise),
        field_of(n_channels),
        parcellation(),
        covariance_of(data),
    )
    weighted = inverse in ("minimum_norm", "dspm")
    expected = mne_region_signals(
        inverse, n_channels, data[:, :40], noise, rank, referenced=weighted, depth=0.8 if weighted else 0.0
    )
    assert worst_difference(kernel.values @ data[:, :40], expected) < 1e-10


@pytest.mark.parametrize("inverse", ["minimum_norm", "dspm"])
def test_without_depth_weights_the_zero_of_the_forward_solution_is_no_matter(rng, inverse):
    data = of_rank(rng, 19, 18)
    noise = noise_covariance("adhoc", covariance_of(data), rank=18)
    kernel = kernel_of(inverse, 19, data, 18, noise=noise, cortex=CortexConfig(depth_weighting=0.0))
    regions = make_region_kernel(kernel, field_of(19), parcellation(), covariance_of(data))
    expected = mne_region_signals(inverse, 19, data[:, :40], noise, 18, referenced=False, depth=0.0)
    assert worst_difference(regions.values @ data[:, :40], expected) < 1e-10


def test_noise_of_the_windows_before_events_is_whitened_as_mne_does(rng):
    data = of_rank(rng, 19, 18)
    before = mixed_noise(rng, 19, 30 * 100).reshape(19, 30, 100).swapaxes(0, 1)
    noise = noise_covariance("pre_event", covariance_of(data), rank=18, pre_event_v=before)
    source_kernel = kernel_of("dspm", 19, data, 18, noise=noise)
    kernel = make_region_kernel(source_kernel, field_of(19), parcellation(), covariance_of(data))
    expected = mne_region_signals("dspm", 19, data[:, :40], noise, 18, referenced=True, depth=0.8)
    assert worst_difference(kernel.values @ data[:, :40], expected) < 1e-10
    assert worst_difference(kernel_of("dspm", 19, data, 18).values, source_kernel.values) > 0.1


@pytest.mark.parametrize("inverse", INVERSES)
@pytest.mark.parametrize("rank", [18, 12])
def test_kernels_have_the_rank_of_the_data_and_ignore_the_reference(rng, inverse, rank):
    data = of_rank(rng, 19, rank)
    kernel = kernel_of(inverse, 19, data, rank)
    scale = np.linalg.norm(kernel.values, axis=1).max()
    assert np.linalg.matrix_rank(kernel.values) == kernel.rank == rank
    assert np.abs(kernel.values.sum(axis=1)).max() < 1e-10 * scale
    np.testing.assert_allclose(np.linalg.norm(kernel.directions, axis=1), 1)
    assert (kernel.directions[:, 2] >= 0).all()
    other = data - data[4]
    raw = other @ other.T / other.shape[1]
    noise = noise_covariance("adhoc", raw, rank=rank)
    again = make_source_kernel(inverse, field_of(19), raw, noise, rank=rank, cortex=DEFAULT)
    np.testing.assert_allclose(again.values, kernel.values, atol=1e-6 * scale)


@pytest.mark.parametrize("inverse", INVERSES)
def test_the_level_of_the_noise_changes_units_and_nothing_else(rng, inverse):
    data = of_rank(rng, 19, 18)
    noise = noise_covariance("adhoc", covariance_of(data), rank=18)
    kernel = kernel_of(inverse, 19, data, 18, noise=noise).values
    louder = kernel_of(inverse, 19, data, 18, noise=100 * noise).values
    per_noise = inverse in ("dspm", "sloreta")
    np.testing.assert_allclose(louder * (10 if per_noise else 1), kernel, rtol=1e-7, atol=1e-9 * np.abs(kernel).max())


@pytest.mark.parametrize("inverse", OF_THE_HEAD)
def test_the_recording_sets_nothing_but_the_space(rng, inverse):
    """At full rank two people with the same electrodes get the same kernel: only LCMV follows the data."""
    first, second = (kernel_of(inverse, 19, of_rank(rng, 19, 18), 18).values for _ in range(2))
    np.testing.assert_allclose(first, second, rtol=1e-6, atol=1e-8 * np.abs(first).max())
    one, other = (kernel_of("lcmv", 19, of_rank(rng, 19, 18), 18).values for _ in range(2))
    assert np.abs(one - other).max() > 0.1 * np.abs(one).max()


@pytest.mark.slow
def test_a_lower_snr_is_a_smoother_estimate(rng):
    data = of_rank(rng, 32, 31)
    explained = []
    for snr in (0.3, 1.0, 3.0):
        kernel = kernel_of("minimum_norm", 32, data, 31, cortex=CortexConfig(snr=SnrConfig(minimum_norm=snr))).values
        values = np.linalg.svd(kernel, compute_uv=False)
        explained.append((values / values[0]).sum())
    assert explained[0] < explained[1] < explained[2]


@pytest.mark.slow
def test_depth_weights_favour_deep_sources_and_are_bounded():
    prior = depth_prior(field_of(64), 0.8)
    strength = np.linalg.norm(field_of(64).gain_v_per_am, axis=(0, 2))
    assert np.corrcoef(np.log(prior), np.log(strength))[0, 1] < -0.9
    assert prior.max() == 1.0
    assert prior.min() >= 100**-0.8
    np.testing.assert_array_equal(depth_prior(field_of(64), 0.0), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("n_channels", MONTAGES)
def test_without_noise_eloreta_has_no_error_of_place(rng, n_channels):
    """The property that defines eLORETA, seen in the normal component; sLORETA's needs all three components."""
    data = of_rank(rng, n_channels, n_channels - 1)
    chosen = rng.choice(5124, 200, replace=False)
    seen = field_of(n_channels).gain_v_per_am[:, chosen, 2]
    without_noise = CortexConfig(snr=SnrConfig(eloreta=1e3, minimum_norm=1e3))
    error_mm = {}
    for inverse in ("eloreta", "minimum_norm"):
        kernel = kernel_of(inverse, n_channels, data, n_channels - 1, cortex=without_noise)
        found = np.abs(kernel.values @ seen).argmax(axis=0)
        error_mm[inverse] = 1e3 * np.linalg.norm(source_places_m()[found] - source_places_m()[chosen], axis=1)
    assert np.median(error_mm["eloreta"]) == 0
    assert np.quantile(error_mm["eloreta"], 0.9) < 20
    assert np.median(error_mm["minimum_norm"]) > 0


@pytest.mark.slow
def test_eloreta_is_at_its_fixed_point_and_quick(rng, monkeypatch):
    data = of_rank(rng, 64, 63)
    started = time.process_time()
    kernel = kernel_of("eloreta", 64, data, 63).values
    assert time.process_time() - started < 2.0
    monkeypatch.setattr("painconn.cortex.minimum_norm.ELORETA_TOLERANCE", 1e-13)
    np.testing.assert_allclose(kernel_of("eloreta", 64, data, 63).values, kernel, atol=1e-7 * np.abs(kernel).max())


def test_eloreta_without_a_fixed_point_is_refused(rng, monkeypatch):
    monkeypatch.setattr("painconn.cortex.minimum_norm._ELORETA_ITERATIONS", 2)
    with pytest.raises(RecordingFault, match="no fixed point after 2 iterations") as caught:
        kernel_of("eloreta", 19, of_rank(rng, 19, 18), 18)
    assert caught.value.check == "eloreta"


def test_noise_that_does_not_fill_the_space_of_the_data_is_refused(rng):
    data = of_rank(rng, 19, 18)
    covariance = covariance_of(data)
    few = mixed_noise(rng, 19, 12)[np.newaxis]
    with pytest.raises(RecordingFault, match="windows before events · found: 11 dimensions") as caught:
        noise_covariance("pre_event", covariance, rank=18, pre_event_v=few)
    assert caught.value.check == "rank"
    with pytest.raises(RecordingFault, match="adhoc") as caught:
        noise_covariance("pre_event", covariance, rank=18)
    assert caught.value.check == "noise_covariance"
    with pytest.raises(RecordingFault, match="noise covariance · found: 17 dimensions"):
        kernel_of("dspm", 19, data, 18, noise=noise_covariance("adhoc", covariance_of(of_rank(rng, 19, 17)), rank=17))
    with pytest.raises(ValueError, match="noise covariance"):
        kernel_of("dspm", 19, data, 18, noise=np.eye(18))


def test_ad_hoc_noise_is_the_same_in_every_channel_of_the_average_reference(rng):
    noise = noise_covariance("adhoc", covariance_of(of_rank(rng, 32, 31)), rank=31)
    np.testing.assert_allclose(noise, ADHOC_NOISE_V**2 * (np.eye(32) - 1 / 32), atol=1e-10 * ADHOC_NOISE_V**2)
