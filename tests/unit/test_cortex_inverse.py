"""Head, forward solution, the beamformer, and where every inverse finds what was planted."""

import subprocess
import sys

import mne
import numpy as np
import pytest
from head_bench import MONTAGES, TEN_TWENTY, bundled, covariance_of, field_of, forward_of, mixed_noise, source_places_m

from painconn.config.cortex import CortexConfig
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.forward import make_forward, scalp_distances_mm
from painconn.cortex.head import Head, load_head, save_head
from painconn.cortex.kernels import RegionKernel, make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.regions import region_average, region_labels, region_signs
from painconn.cortex.registry import INVERSES
from painconn.cortex.template import parcellation
from painconn.errors import InputError, RecordingFault

pytestmark = pytest.mark.slow

REGIONS = parcellation()


def lcmv_kernel(field: LeadField, data_covariance_v2: np.ndarray, *, rank: int) -> RegionKernel:
    noise = np.eye(len(field.channel_names))
    source_kernel = make_source_kernel("lcmv", field, data_covariance_v2, noise, rank=rank, cortex=CortexConfig())
    return make_region_kernel(source_kernel, field, REGIONS, data_covariance_v2)


def mne_region_signals(data: np.ndarray, rank: int) -> np.ndarray:
    """Region signals by stock MNE-Python calls, in the order of our regions."""
    names = MONTAGES[len(data)]
    info = mne.create_info(list(names), 250.0, "eeg", verbose="error")
    info.set_montage(mne.channels.make_dig_montage(place_electrodes(names), coord_frame="head"))
    evoked = mne.EvokedArray(data, info, verbose="error").set_eeg_reference(projection=True, verbose="error")
    evoked.apply_proj(verbose="error")
    covariance = covariance_of(data)
    _, vectors = np.linalg.eigh(covariance)
    own = vectors[:, -rank:] @ vectors[:, -rank:].T

    def wrapped(matrix: np.ndarray) -> mne.Covariance:
        return mne.Covariance(matrix, list(names), [], evoked.info["projs"], 1000)

    forward = forward_of(len(names))
    filters = mne.beamformer.make_lcmv(
        evoked.info, forward, wrapped(covariance), reg=0.05, rank={"eeg": rank}, pick_ori="max-power",
        weight_norm="unit-noise-gain", noise_cov=None if rank == len(names) - 1 else wrapped(own),
        verbose="error",
    )  # fmt: skip
    sources = mne.beamformer.apply_lcmv(evoked, filters, verbose="error")
    chosen = [bundled().labels[name] for name in REGIONS.region_names]
    return sources.extract_label_time_course(chosen, forward["src"], mode="mean_flip", verbose="error")


@pytest.mark.parametrize(("n_channels", "rank"), [(19, 18), (19, 13), (32, 31), (32, 25), (64, 63), (64, 50)])
def test_kernel_equals_mne(rng, n_channels, rank):
    data = mixed_noise(rng, n_channels, 1000)
    data -= data.mean(axis=0)
    vectors, values, samples = np.linalg.svd(data, full_matrices=False)
    data = vectors[:, :rank] * values[:rank] @ samples[:rank]
    kernel = lcmv_kernel(field_of(n_channels), covariance_of(data), rank=rank)
    expected = mne_region_signals(data, rank)
    error = np.abs(kernel.values @ data - expected).max(axis=1) / np.abs(expected).max(axis=1)
    assert error.max() < 1e-10


def test_rank_after_the_average_reference(rng):
    covariance = covariance_of(mixed_noise(rng, 19))
    kernel = lcmv_kernel(field_of(19), covariance, rank=18)
    assert np.linalg.matrix_rank(kernel.values) == kernel.rank == 18
    np.testing.assert_allclose(kernel.values.sum(axis=1), 0, atol=1e-12)
    with pytest.raises(RecordingFault, match="18 dimensions"):
        lcmv_kernel(field_of(19), covariance, rank=19)


@pytest.mark.parametrize("rank", [0, 18])
def test_a_rank_that_the_data_do_not_have_is_refused(rng, rank):
    covariance = covariance_of(rng.normal(size=(19, 6)) @ rng.normal(size=(6, 500)))
    with pytest.raises(RecordingFault, match="6 dimensions") as caught:
        lcmv_kernel(field_of(19), covariance, rank=rank)
    assert caught.value.check == "rank"


def test_a_covariance_that_is_not_finite_or_not_square_is_refused():
    with pytest.raises(RecordingFault):
        lcmv_kernel(field_of(19), np.zeros((19, 19)), rank=18)
    with pytest.raises(ValueError, match="19 channels"):
        lcmv_kernel(field_of(19), np.eye(18), rank=17)


def test_kernel_ignores_reference_and_scale(rng):
    data = mixed_noise(rng, 19)
    kernel = lcmv_kernel(field_of(19), covariance_of(data), rank=18).values
    other = data - data[3]
    raw = other @ other.T / other.shape[1]
    np.testing.assert_allclose(lcmv_kernel(field_of(19), 1e12 * raw, rank=18).values, kernel, rtol=1e-6)


def test_channel_order_carries_through(rng):
    covariance, order = covariance_of(mixed_noise(rng, 19)), rng.permutation(19)
    names = tuple(TEN_TWENTY[place] for place in order)
    kernel = lcmv_kernel(field_of(19), covariance, rank=18)
    shuffled = lcmv_kernel(field_of(19).pick(names), covariance[np.ix_(order, order)], rank=18)
    assert shuffled.channel_names == names
    np.testing.assert_allclose(shuffled.values, kernel.values[:, order], atol=1e-9)


def test_signs_depend_on_the_head_alone(rng):
    """Two people with nearly the same covariance get nearly the same kernel: no region flips."""
    data = mixed_noise(rng, 64)
    first = lcmv_kernel(field_of(64), covariance_of(data), rank=63).values
    second = lcmv_kernel(field_of(64), covariance_of(data[:, ::2]), rank=63).values
    agreement = (first * second).sum(axis=1) / (np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1))
    assert agreement.min() > 0.5


def test_region_signs_are_those_of_mne():
    sources = forward_of(19)["src"]
    labels = region_labels(REGIONS, field_of(19).vertices)
    signs = region_signs(labels, field_of(19).normals)
    for label in bundled().labels.values():
        if label.name in REGIONS.region_names:
            members = labels == REGIONS.region_names.index(label.name)
            np.testing.assert_array_equal(signs[members], mne.label_sign_flip(label, sources))
    assert set(np.unique(signs)) == {-1.0, 0.0, 1.0}


def test_region_signs_turn_with_the_head():
    labels = region_labels(REGIONS, field_of(19).vertices)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    signs = region_signs(labels, field_of(19).normals)
    np.testing.assert_array_equal(region_signs(labels, field_of(19).normals @ turn), signs)


def test_no_region_sign_hangs_on_rounding():
    labels = region_labels(REGIONS, field_of(19).vertices)
    average = region_average(field_of(19), REGIONS)
    signs = region_signs(labels, field_of(19).normals)
    for region in range(68):
        normals = field_of(19).normals[labels == region]
        axis = np.linalg.svd(normals, full_matrices=False)[2][0]
        assert abs((normals @ axis).mean()) > 1e-4
        assert np.abs(normals @ axis).min() > 1e-7
        assert average[region] @ signs == pytest.approx(1)


@pytest.mark.parametrize("planted", [True, False])
def test_a_planted_patch_is_found_in_its_region_and_nothing_where_there_is_none(rng, planted):
    field = field_of(64)
    average = region_average(field, REGIONS)
    candidates = range(0, 68, 4)
    found = 0
    for region in candidates:
        topography = field.gain_v_per_am[:, :, 2] @ average[region]
        signal = np.outer(topography / np.linalg.norm(topography), rng.normal(size=2000)) * (3.0 if planted else 0.0)
        covariance = covariance_of(signal + rng.normal(size=(64, 2000)))
        kernel = lcmv_kernel(field, covariance, rank=63).values
        power = np.einsum("rc,cd,rd->r", kernel, covariance, kernel) / np.einsum("rc,rc->r", kernel, kernel)
        found += int(power.argmax()) == region
    if planted:
        assert found >= len(candidates) - 1
    else:
        assert found <= 3


def test_forward_keeps_every_source_and_stays_on_this_scale():
    assert forward_of(19)["nsource"] == 5124
    assert np.linalg.matrix_rank(field_of(64).gain_v_per_am.reshape(64, -1)) == 63
    np.testing.assert_allclose(field_of(19).gain_v_per_am.sum(axis=0), 0, atol=1e-9)
    norm_uv_per_nam = np.linalg.norm(field_of(64).gain_v_per_am[:, :, 2], axis=0) * 1e-3
    assert 0.1 < np.median(norm_uv_per_nam) < 1.0


def test_a_head_that_loses_sources_is_refused():
    squeezed = [dict(space, rr=space["rr"] * 1.3) for space in bundled().head.sources]
    sources = mne.SourceSpaces(squeezed, bundled().head.sources.info)
    with pytest.raises(InputError, match="of 5124 sources"):
        make_forward(Head(bundled().head.bem, sources, bundled().head.transform), place_electrodes(TEN_TWENTY[:3]))


def test_electrodes_off_the_head_are_named():
    positions = place_electrodes(TEN_TWENTY)
    assert max(scalp_distances_mm(bundled().head, positions).values()) < 10
    with pytest.raises(RecordingFault, match=r"scalp: Cz \d\d mm, O1 \d\d mm ·") as caught:
        make_forward(
            bundled().head, {name: place * (1.4 if name in ("Cz", "O1") else 1) for name, place in positions.items()}
        )
    assert caught.value.check == "electrode_distance"


def test_the_head_survives_the_disk(rng, tmp_path):
    save_head(bundled().head, tmp_path)
    field = lead_field(make_forward(load_head(tmp_path), place_electrodes(TEN_TWENTY)))
    covariance = covariance_of(mixed_noise(rng, 19))
    kernel = lcmv_kernel(field_of(19), covariance, rank=18).values
    along_normal = field_of(19).gain_v_per_am[:, :, 2]
    assert field.channel_names == field_of(19).channel_names
    # The two tangents of a source are any two; only the normal and what the kernel makes of all three are fixed.
    np.testing.assert_allclose(field.gain_v_per_am[:, :, 2], along_normal, atol=1e-5 * np.abs(along_normal).max())
    values = lcmv_kernel(field, covariance, rank=18).values
    np.testing.assert_allclose(values, kernel, atol=1e-3 * np.abs(kernel).max())


def test_lead_field_survives_plain_arrays(tmp_path):
    np.savez(tmp_path / "field.npz", **field_of(19).as_arrays())
    with np.load(tmp_path / "field.npz", allow_pickle=False) as stored:
        back = LeadField.from_arrays(stored)
    assert back.channel_names == field_of(19).channel_names
    np.testing.assert_array_equal(back.gain_v_per_am, field_of(19).gain_v_per_am)
    np.testing.assert_array_equal(back.vertices, field_of(19).vertices)


def test_the_kernel_is_made_without_mne():
    modules = ", ".join(f"painconn.cortex.{name}" for name in ("kernels", "lcmv", "minimum_norm", "lead_field"))
    program = f"import sys, {modules}; print('mne' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("n_channels", MONTAGES)
def test_a_planted_dipole_is_found_as_well_as_each_inverse_can(rng, n_channels):
    """The easy case: one source on the model's own grid among white sensor noise; the largest estimated power."""
    field, labels = field_of(n_channels), region_labels(REGIONS, field_of(n_channels).vertices)
    space = np.eye(n_channels) - 1 / n_channels
    noise = noise_covariance("adhoc", space, rank=n_channels - 1)
    error_mm: dict[str, list[float]] = {inverse: [] for inverse in INVERSES}
    in_region = 0
    kernels: dict[str, np.ndarray] = {}
    for source in rng.choice(np.flatnonzero(labels >= 0), 20, replace=False):
        topography = field.gain_v_per_am[:, source, 2]
        covariance = space + 9 * n_channels * np.outer(topography, topography) / (topography @ topography)
        for inverse in INVERSES:
            if inverse == "lcmv" or inverse not in kernels:
                kernels[inverse] = make_source_kernel(
                    inverse, field, covariance, noise, rank=n_channels - 1, cortex=CortexConfig()
                ).values
            power = np.einsum("sc,sc->s", kernels[inverse] @ covariance, kernels[inverse])
            peak = int(power.argmax())
            error_mm[inverse].append(1e3 * np.linalg.norm(source_places_m()[peak] - source_places_m()[source]))
            in_region += inverse == "lcmv" and labels[peak] == labels[source]
    median = {inverse: float(np.median(values)) for inverse, values in error_mm.items()}
    assert median["lcmv"] < 5
    assert in_region >= 18
    assert median["eloreta"] < 10
    assert max(median["lcmv"], median["eloreta"]) <= median["sloreta"] < median["dspm"]
    assert median["minimum_norm"] < median["dspm"] < 60
