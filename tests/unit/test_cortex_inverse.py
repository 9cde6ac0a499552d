"""Head, forward solution and kernel in one module, because all of it shares one boundary-element solution."""

import subprocess
import sys
from typing import NamedTuple

import mne
import numpy as np
import pytest

from painconn.cortex.forward import make_forward, scalp_distances_mm
from painconn.cortex.head import Head, build_head, load_head, save_head
from painconn.cortex.inverse import lcmv_kernel
from painconn.cortex.lead_field import LeadField, lead_field
from painconn.cortex.montage import place_electrodes
from painconn.cortex.regions import region_average, region_labels, region_signs
from painconn.cortex.template import parcellation, write_subject
from painconn.errors import InputError, RecordingFault

pytestmark = pytest.mark.slow

TEN_TWENTY = [
    name for name in mne.channels.make_standard_montage("fsaverage_1020").ch_names if name not in ("Fpz", "Oz")
]
SIXTY_FOUR = mne.channels.make_standard_montage("biosemi64").ch_names


class Bench(NamedTuple):
    subjects_dir: object
    head: Head
    forward: mne.Forward
    field: LeadField
    field_64: LeadField


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("head")
    write_subject(folder)
    head = build_head(folder)
    forward = make_forward(head, place_electrodes(TEN_TWENTY))
    field_64 = lead_field(make_forward(head, place_electrodes(SIXTY_FOUR)))
    return Bench(folder, head, forward, lead_field(forward), field_64)


def covariance_of(data: np.ndarray) -> np.ndarray:
    referenced = data - data.mean(axis=0)
    return referenced @ referenced.T / referenced.shape[1]


def mixed_noise(rng: np.random.Generator, channels: int, samples: int = 4000) -> np.ndarray:
    return rng.normal(size=(channels, channels)) @ rng.normal(size=(channels, samples)) * 1e-6


def mne_region_signals(bench: Bench, data: np.ndarray, rank: int) -> np.ndarray:
    """Region signals by stock MNE-Python calls, in the order of our regions."""
    info = mne.create_info(TEN_TWENTY, 250.0, "eeg", verbose="error")
    info.set_montage(mne.channels.make_dig_montage(place_electrodes(TEN_TWENTY), coord_frame="head"))
    evoked = mne.EvokedArray(data, info, verbose="error").set_eeg_reference(projection=True, verbose="error")
    evoked.apply_proj(verbose="error")
    covariance = covariance_of(data)
    _, vectors = np.linalg.eigh(covariance)
    own = vectors[:, -rank:] @ vectors[:, -rank:].T

    def wrapped(matrix: np.ndarray) -> mne.Covariance:
        return mne.Covariance(matrix, TEN_TWENTY, [], evoked.info["projs"], 1000)

    filters = mne.beamformer.make_lcmv(
        evoked.info, bench.forward, wrapped(covariance), reg=0.05, rank={"eeg": rank}, pick_ori="max-power",
        weight_norm="unit-noise-gain", noise_cov=None if rank == len(TEN_TWENTY) - 1 else wrapped(own),
        verbose="error",
    )  # fmt: skip
    sources = mne.beamformer.apply_lcmv(evoked, filters, verbose="error")
    labels = mne.read_labels_from_annot("fsaverage5", "aparc", subjects_dir=bench.subjects_dir, verbose="error")
    by_name = {label.name: label for label in labels}
    chosen = [by_name[name] for name in parcellation().region_names]
    return sources.extract_label_time_course(chosen, bench.forward["src"], mode="mean_flip", verbose="error")


@pytest.mark.parametrize("rank", [18, 13])
def test_kernel_equals_mne(bench, rng, rank):
    data = mixed_noise(rng, len(TEN_TWENTY))
    data -= data.mean(axis=0)
    vectors, values, samples = np.linalg.svd(data, full_matrices=False)
    data = vectors[:, :rank] * values[:rank] @ samples[:rank]
    kernel = lcmv_kernel(bench.field, parcellation(), covariance_of(data), rank=rank)
    expected = mne_region_signals(bench, data, rank)
    error = np.abs(kernel.values @ data - expected).max(axis=1) / np.abs(expected).max(axis=1)
    assert error.max() < 1e-10


def test_rank_after_the_average_reference(bench, rng):
    covariance = covariance_of(mixed_noise(rng, 19))
    kernel = lcmv_kernel(bench.field, parcellation(), covariance, rank=18)
    assert np.linalg.matrix_rank(kernel.values) == kernel.rank == 18
    np.testing.assert_allclose(kernel.values.sum(axis=1), 0, atol=1e-12)
    with pytest.raises(RecordingFault, match="18 dimensions"):
        lcmv_kernel(bench.field, parcellation(), covariance, rank=19)


@pytest.mark.parametrize("rank", [0, 18])
def test_a_rank_that_the_data_do_not_have_is_refused(bench, rng, rank):
    covariance = covariance_of(rng.normal(size=(19, 6)) @ rng.normal(size=(6, 500)))
    with pytest.raises(RecordingFault, match="6 dimensions") as caught:
        lcmv_kernel(bench.field, parcellation(), covariance, rank=rank)
    assert caught.value.check == "rank"


def test_a_covariance_that_is_not_finite_or_not_square_is_refused(bench):
    with pytest.raises(RecordingFault):
        lcmv_kernel(bench.field, parcellation(), np.zeros((19, 19)), rank=18)
    with pytest.raises(ValueError, match="19 channels"):
        lcmv_kernel(bench.field, parcellation(), np.eye(18), rank=17)


def test_kernel_ignores_reference_and_scale(bench, rng):
    data = mixed_noise(rng, 19)
    kernel = lcmv_kernel(bench.field, parcellation(), covariance_of(data), rank=18).values
    other = data - data[3]
    raw = other @ other.T / other.shape[1]
    np.testing.assert_allclose(lcmv_kernel(bench.field, parcellation(), 1e12 * raw, rank=18).values, kernel, rtol=1e-6)


def test_channel_order_carries_through(bench, rng):
    covariance, order = covariance_of(mixed_noise(rng, 19)), rng.permutation(19)
    names = tuple(TEN_TWENTY[place] for place in order)
    kernel = lcmv_kernel(bench.field, parcellation(), covariance, rank=18)
    shuffled = lcmv_kernel(bench.field.pick(names), parcellation(), covariance[np.ix_(order, order)], rank=18)
    assert shuffled.channel_names == names
    np.testing.assert_allclose(shuffled.values, kernel.values[:, order], atol=1e-9)


def test_signs_depend_on_the_head_alone(bench, rng):
    """Two people with nearly the same covariance get nearly the same kernel: no region flips."""
    data = mixed_noise(rng, 64)
    first = lcmv_kernel(bench.field_64, parcellation(), covariance_of(data), rank=63).values
    second = lcmv_kernel(bench.field_64, parcellation(), covariance_of(data[:, ::2]), rank=63).values
    agreement = (first * second).sum(axis=1) / (np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1))
    assert agreement.min() > 0.5


def test_region_signs_are_those_of_mne(bench):
    sources = bench.forward["src"]
    labels = region_labels(parcellation(), bench.field.vertices)
    signs = region_signs(labels, bench.field.normals)
    for label in mne.read_labels_from_annot("fsaverage5", "aparc", subjects_dir=bench.subjects_dir, verbose="error"):
        if label.name in parcellation().region_names:
            members = labels == parcellation().region_names.index(label.name)
            np.testing.assert_array_equal(signs[members], mne.label_sign_flip(label, sources))
    assert set(np.unique(signs)) == {-1.0, 0.0, 1.0}


def test_region_signs_turn_with_the_head(bench):
    labels = region_labels(parcellation(), bench.field.vertices)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    signs = region_signs(labels, bench.field.normals)
    np.testing.assert_array_equal(region_signs(labels, bench.field.normals @ turn), signs)


def test_no_region_sign_hangs_on_rounding(bench):
    labels = region_labels(parcellation(), bench.field.vertices)
    average = region_average(bench.field, parcellation())
    signs = region_signs(labels, bench.field.normals)
    for region in range(68):
        normals = bench.field.normals[labels == region]
        axis = np.linalg.svd(normals, full_matrices=False)[2][0]
        assert abs((normals @ axis).mean()) > 1e-4
        assert np.abs(normals @ axis).min() > 1e-7
        assert average[region] @ signs == pytest.approx(1)


@pytest.mark.parametrize("planted", [True, False])
def test_a_planted_patch_is_found_in_its_region_and_nothing_where_there_is_none(bench, rng, planted):
    field, regions = bench.field_64, parcellation()
    average = region_average(field, regions)
    candidates = range(0, 68, 4)
    found = 0
    for region in candidates:
        topography = field.gain_v_per_am[:, :, 2] @ average[region]
        signal = np.outer(topography / np.linalg.norm(topography), rng.normal(size=2000)) * (3.0 if planted else 0.0)
        covariance = covariance_of(signal + rng.normal(size=(64, 2000)))
        kernel = lcmv_kernel(field, regions, covariance, rank=63).values
        power = np.einsum("rc,cd,rd->r", kernel, covariance, kernel) / np.einsum("rc,rc->r", kernel, kernel)
        found += int(power.argmax()) == region
    if planted:
        assert found >= len(candidates) - 1
    else:
        assert found <= 3


def test_forward_keeps_every_source_and_stays_on_this_scale(bench):
    assert bench.forward["nsource"] == 5124
    assert np.linalg.matrix_rank(bench.field_64.gain_v_per_am.reshape(64, -1)) == 63
    np.testing.assert_allclose(bench.field.gain_v_per_am.sum(axis=0), 0, atol=1e-9)
    norm_uv_per_nam = np.linalg.norm(bench.field_64.gain_v_per_am[:, :, 2], axis=0) * 1e-3
    assert 0.1 < np.median(norm_uv_per_nam) < 1.0


def test_a_head_that_loses_sources_is_refused(bench):
    squeezed = [dict(space, rr=space["rr"] * 1.3) for space in bench.head.sources]
    sources = mne.SourceSpaces(squeezed, bench.head.sources.info)
    with pytest.raises(InputError, match="of 5124 sources"):
        make_forward(Head(bench.head.bem, sources, bench.head.transform), place_electrodes(TEN_TWENTY[:3]))


def test_electrodes_off_the_head_are_named(bench):
    positions = place_electrodes(TEN_TWENTY)
    assert max(scalp_distances_mm(bench.head, positions).values()) < 10
    with pytest.raises(RecordingFault, match=r"scalp: Cz \d\d mm, O1 \d\d mm ·") as caught:
        make_forward(
            bench.head, {name: place * (1.4 if name in ("Cz", "O1") else 1) for name, place in positions.items()}
        )
    assert caught.value.check == "electrode_distance"


def test_the_head_survives_the_disk(bench, rng, tmp_path):
    save_head(bench.head, tmp_path)
    field = lead_field(make_forward(load_head(tmp_path), place_electrodes(TEN_TWENTY)))
    covariance = covariance_of(mixed_noise(rng, 19))
    kernel = lcmv_kernel(bench.field, parcellation(), covariance, rank=18).values
    along_normal = bench.field.gain_v_per_am[:, :, 2]
    assert field.channel_names == bench.field.channel_names
    # The two tangents of a source are any two; only the normal and what the kernel makes of all three are fixed.
    np.testing.assert_allclose(field.gain_v_per_am[:, :, 2], along_normal, atol=1e-5 * np.abs(along_normal).max())
    values = lcmv_kernel(field, parcellation(), covariance, rank=18).values
    np.testing.assert_allclose(values, kernel, atol=1e-3 * np.abs(kernel).max())


def test_lead_field_survives_plain_arrays(bench, tmp_path):
    np.savez(tmp_path / "field.npz", **bench.field.as_arrays())
    with np.load(tmp_path / "field.npz", allow_pickle=False) as stored:
        back = LeadField.from_arrays(stored)
    assert back.channel_names == bench.field.channel_names
    np.testing.assert_array_equal(back.gain_v_per_am, bench.field.gain_v_per_am)
    np.testing.assert_array_equal(back.vertices, bench.field.vertices)


def test_the_kernel_is_made_without_mne():
    program = "import sys, painconn.cortex.inverse, painconn.cortex.lead_field; print('mne' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
