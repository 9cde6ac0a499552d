from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mne_connectivity import spectral_connectivity_epochs

from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.gates import NotComputable
from painconn.connectivity.multivariate import (
    canonical_coherence,
    interaction_patterns,
    maximised_imaginary_coherency,
    multivariate_interaction,
)
from painconn.connectivity.spectra import slepian_tapers

pytestmark = pytest.mark.slow

SFREQ_HZ = 250.0
ALPHA = {"alpha": (8.0, 13.0)}
MEASURES = (multivariate_interaction, maximised_imaginary_coherency, canonical_coherence)
REGION_OF = np.repeat(np.arange(4), 3)


def spectra_of(signals):
    return mean_cross_spectra(signals, slepian_tapers(signals.shape[-1], sfreq_hz=SFREQ_HZ, half_bandwidth_hz=1.0))


def mixed_epochs(rng, n_signals=12, n_epochs=20):
    sources = rng.standard_normal((n_epochs, n_signals, 500))
    sources[:, 1:] += 0.7 * np.roll(sources[:, :-1], 4, axis=-1)
    return np.einsum("ij,ejt->eit", np.eye(n_signals) + 0.3 * rng.standard_normal((n_signals, n_signals)), sources)


def each_alpha_bin(cross):
    return {str(hz): (hz - 0.25, hz + 0.25) for hz in cross.freqs_hz if 8.0 <= hz < 13.0}


def by_mne(signals, region_of, methods, pairs, rank=None):
    """Values of mne-connectivity at each bin of 8-13 Hz: one array (pairs, bins) per method."""
    indices = tuple([np.flatnonzero(region_of == pair[side]) for pair in pairs] for side in (0, 1))
    found = spectral_connectivity_epochs(
        signals,
        method=methods,
        indices=indices,
        rank=rank,
        sfreq=SFREQ_HZ,
        fmin=8.0,
        fmax=12.9,
        mt_bandwidth=2.0,
        verbose="ERROR",
    )
    return [np.abs(each.get_data()) for each in found]


def coherency(cross, bins):
    values = cross.values[bins]
    power = np.einsum("fii->fi", values).real
    return values / np.sqrt(power[:, :, None] * power[:, None, :])


def alpha_bins(cross):
    return (cross.freqs_hz >= 8.0) & (cross.freqs_hz < 13.0)


def inverse_root(matrix):
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return vectors / np.sqrt(eigenvalues) @ vectors.T


@pytest.mark.parametrize("region_of", [REGION_OF, np.array([2, 0, 1, 1, 0, 2, 2, 3, 1, 3, 3, 1])])
def test_equal_to_mne_connectivity_at_every_bin(rng, region_of):
    signals = mixed_epochs(rng)
    cross = spectra_of(signals)
    pairs = np.transpose(np.tril_indices(4, -1))
    theirs = by_mne(signals, region_of, ["mim", "mic", "cacoh"], pairs)
    ours = [
        np.stack(
            [matrix[tuple(pairs.T)] for matrix in measure(cross, each_alpha_bin(cross), region_of).values()], axis=1
        )
        for measure in MEASURES
    ]
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-9)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-9)
    # Its search over the phase may end in a lower local maximum.
    assert (ours[2] - theirs[2]).min() > -1e-9
    assert np.mean(np.abs(ours[2] - theirs[2]) < 1e-9) > 0.9


def test_the_band_value_is_the_mean_over_bins(rng):
    cross = spectra_of(mixed_epochs(rng))
    for measure in MEASURES:
        by_bin = np.stack(list(measure(cross, each_alpha_bin(cross), REGION_OF).values()))
        np.testing.assert_allclose(measure(cross, ALPHA, REGION_OF)["alpha"], by_bin.mean(axis=0), atol=1e-12)


def test_canonical_coherence_is_the_largest_over_a_fine_grid_of_phases(rng):
    cross = spectra_of(mixed_epochs(rng, n_epochs=3))
    found = canonical_coherence(cross, each_alpha_bin(cross), REGION_OF).values()
    turns = np.exp(-1j * np.linspace(0, np.pi, 3001))[:, None, None]
    for values, matrix in zip(cross.values[alpha_bins(cross)], found, strict=True):
        for a, b in np.transpose(np.tril_indices(4, -1)):
            first, second = np.isin(REGION_OF, a), np.isin(REGION_OF, b)
            left, right = (inverse_root(values[np.ix_(own, own)].real) for own in (first, second))
            whitened = left @ values[np.ix_(first, second)] @ right
            expected = np.linalg.norm((turns * whitened).real, ord=2, axis=(-2, -1)).max()
            assert expected <= matrix[a, b] + 1e-12
            assert matrix[a, b] < expected + 1e-5


def coherences_of(blocks):
    """Values of the search over the phase, one per whitened cross-spectrum (draws, d, d)."""
    from painconn.connectivity.multivariate_kernels import largest_coherences

    pairs = np.zeros((len(blocks), 2, 2, *blocks.shape[1:]), dtype=complex)
    pairs[:, 1, 0] = blocks
    return largest_coherences(pairs)[:, 1, 0]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 10])
def test_no_maximum_over_the_phase_hides_among_others_of_nearly_the_same_height(rng, size):
    heights = rng.uniform(0.90, 0.95, (20_000, size))
    blocks = np.zeros((20_000, size, size), dtype=complex)
    blocks[:, range(size), range(size)] = heights * np.exp(2j * np.pi * rng.random((20_000, size)))
    rotations = np.linalg.qr(rng.standard_normal((2, 500, size, size)))[0]
    blocks[:500] = rotations[0] @ blocks[:500] @ rotations[1]
    # Real unit vectors reach no more than the largest entry of a diagonal, and reach it.
    np.testing.assert_allclose(coherences_of(blocks), heights.max(axis=1), rtol=1e-12)


@pytest.mark.parametrize("departure", [0.0, 1e-6, 1e-3, 1e-1])
@pytest.mark.parametrize("size", [2, 3])
def test_the_search_over_the_phase_ends_where_all_phases_reach_nearly_the_same(rng, size, departure):
    blocks = np.zeros((5, size, size), dtype=complex)
    blocks[:, :2, :2] = 0.6 * np.array([[1.0, 1j], [-1j, 1.0]])
    blocks += departure * (rng.standard_normal(blocks.shape) + 1j * rng.standard_normal(blocks.shape))
    turns = np.exp(-1j * np.linspace(0, np.pi, 3001))[:, None, None, None]
    reached = np.linalg.norm((turns * blocks).real, ord=2, axis=(-2, -1)).max(axis=0)
    found = coherences_of(blocks)
    assert (found >= reached * (1 - 1e-10)).all()
    np.testing.assert_allclose(found, reached, rtol=1e-6)


def test_single_components_give_imaginary_coherency_and_coherence(rng):
    cross = spectra_of(mixed_epochs(rng, n_signals=5))
    values = coherency(cross, alpha_bins(cross))
    off_diagonal = ~np.eye(5, dtype=bool)
    expected = [(values.imag**2).mean(axis=0), np.abs(values.imag).mean(axis=0), np.abs(values).mean(axis=0)]
    for measure, matrix in zip(MEASURES, expected, strict=True):
        np.testing.assert_allclose(
            measure(cross, ALPHA, np.arange(5))["alpha"][off_diagonal], matrix[off_diagonal], atol=1e-12
        )


@pytest.mark.parametrize("measure", MEASURES)
def test_properties_of_the_matrix(rng, measure):
    signals = mixed_epochs(rng)
    matrix = measure(spectra_of(signals), ALPHA, REGION_OF)["alpha"]
    off_diagonal = ~np.eye(4, dtype=bool)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.isnan(np.diagonal(matrix)).all()
    assert matrix[off_diagonal].min() > 0
    assert matrix[off_diagonal].max() <= (3 if measure is multivariate_interaction else 1)
    within = np.kron(np.eye(4), rng.standard_normal((3, 3))) * (10.0 ** rng.integers(-6, 6, 12))[:, None]
    mixed = np.einsum("ij,ejt->eit", within, signals[::-1])
    np.testing.assert_allclose(measure(spectra_of(mixed), ALPHA, REGION_OF)["alpha"], matrix, atol=1e-8)
    order = rng.permutation(12)
    shuffled = measure(spectra_of(signals[:, order]), ALPHA, REGION_OF[order])["alpha"]
    np.testing.assert_allclose(shuffled, matrix, atol=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_regions_may_have_different_numbers_of_components(rng, measure):
    signals = mixed_epochs(rng, n_signals=6)
    region_of = np.array([0, 0, 0, 1, 2, 2])
    matrix = measure(spectra_of(signals), ALPHA, region_of)["alpha"]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both = np.isin(region_of, (a, b))
        alone = measure(spectra_of(signals[:, both]), ALPHA, (region_of[both] == b).astype(int))["alpha"]
        assert matrix[a, b] == pytest.approx(alone[0, 1], abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_redundant_components_change_nothing(rng, measure):
    signals = mixed_epochs(rng, n_signals=6)
    region_of = np.array([0, 0, 0, 1, 1, 1])
    redundant = np.concatenate([signals, signals[:, :2] @ np.eye(500), signals[:, 3:4] + 1e3 * signals[:, 4:5]], axis=1)
    redundant[:, 6] = signals[:, 0] - 2 * signals[:, 1]
    expected = measure(spectra_of(signals), ALPHA, region_of)["alpha"][0, 1]
    found = measure(spectra_of(redundant), ALPHA, np.append(region_of, [0, 0, 1]))["alpha"][0, 1]
    assert found == pytest.approx(expected, abs=1e-9)


def test_rank_deficient_regions_equal_mne_connectivity_at_that_rank(rng):
    signals = mixed_epochs(rng, n_signals=6)
    signals[:, 2] = signals[:, 0] + signals[:, 1]
    region_of = np.repeat([0, 1], 3)
    cross = spectra_of(signals)
    theirs = by_mne(signals, region_of, ["mim", "mic"], [(0, 1)], rank=(np.array([2]), np.array([3])))
    for measure, expected in zip(MEASURES, theirs, strict=False):
        ours = [matrix[0, 1] for matrix in measure(cross, each_alpha_bin(cross), region_of).values()]
        np.testing.assert_allclose(ours, expected[0], atol=1e-9)


def interacting(rng, n_epochs=60):
    """Three components per region; a source that shows in one pattern of region 0 leads one of region 1 by 20 ms."""
    driver = rng.standard_normal((n_epochs, 505))
    patterns = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.4, -1.5])
    signals = rng.standard_normal((n_epochs, 9, 500))
    signals[:, :3] += patterns[0][:, None] * driver[:, None, 5:]
    signals[:, 3:6] += patterns[1][:, None] * driver[:, None, :-5]
    return signals, patterns


def test_planted_interaction_is_found_with_its_patterns(rng):
    signals, planted = interacting(rng)
    cross, region_of = spectra_of(signals), np.repeat(np.arange(3), 3)
    for measure in MEASURES:
        matrix = measure(cross, ALPHA, region_of)["alpha"]
        assert matrix[0, 1] > 3 * max(matrix[0, 2], matrix[1, 2])
    found = interaction_patterns(cross, ALPHA["alpha"], region_of, 0, 1)
    for pattern, truth in zip((found.pattern_a, found.pattern_b), planted, strict=True):
        cosine = pattern @ truth / np.linalg.norm(pattern) / np.linalg.norm(truth)
        assert abs(cosine) > 0.97
    assert found.pattern_a[np.argmax(np.abs(found.pattern_a))] > 0
    # The pattern is in signal units: filtered signals have unit power, so does what is projected back.
    mean = cross.values[alpha_bins(cross)].mean(axis=0)
    assert found.filter_a @ mean[:3, :3].real @ found.filter_a == pytest.approx(1.0)
    assert found.filter_a @ mean[:3, 3:6].imag @ found.filter_b == pytest.approx(found.imaginary_coherency)
    np.testing.assert_allclose(found.pattern_b, mean[3:6, 3:6].real @ found.filter_b)


def test_patterns_of_one_bin_reach_the_value_of_that_bin_and_swap_with_the_regions(rng):
    cross = spectra_of(interacting(rng)[0])
    region_of, bin_hz = np.repeat(np.arange(3), 3), (9.9, 10.1)
    found = interaction_patterns(cross, bin_hz, region_of, 0, 1)
    value = maximised_imaginary_coherency(cross, {"bin": bin_hz}, region_of)["bin"][0, 1]
    assert found.imaginary_coherency == pytest.approx(value, abs=1e-12)
    swapped = interaction_patterns(cross, bin_hz, region_of, 1, 0)
    np.testing.assert_allclose(np.abs(swapped.pattern_a), np.abs(found.pattern_b), atol=1e-9)


def test_without_interaction_the_measure_sits_at_its_stated_floor_even_when_sources_are_mixed(rng):
    n_epochs, n_tapers = 40, 3
    mixing = rng.standard_normal((6, 6))
    floors = []
    for _ in range(12):
        signals = np.einsum("ij,ejt->eit", mixing, rng.standard_normal((n_epochs, 6, 500)))
        cross = spectra_of(signals)
        assert (cross.n_epochs, cross.n_tapers) == (n_epochs, n_tapers)
        floors.append(multivariate_interaction(cross, ALPHA, np.repeat([0, 1], 3))["alpha"][0, 1])
        assert canonical_coherence(cross, ALPHA, np.repeat([0, 1], 3))["alpha"][0, 1] > 0.5
    # The whitened mixture leaves less than independent regions would have: d_a d_b / 2 n.
    assert 0 < np.mean(floors) < 9 / (2 * n_epochs * n_tapers)
    apart = [
        multivariate_interaction(spectra_of(rng.standard_normal((n_epochs, 6, 500))), ALPHA, np.repeat([0, 1], 3))
        for _ in range(12)
    ]
    assert np.mean([each["alpha"][0, 1] for each in apart]) == pytest.approx(9 / (2 * n_epochs * n_tapers), rel=0.2)


@pytest.mark.parametrize("measure", MEASURES)
def test_flat_missing_and_copied_regions_are_nan_and_leave_the_others_alone(rng, measure):
    signals = mixed_epochs(rng)
    signals[:, 3:6] = 0.0
    signals[:, 9:] = np.einsum("ij,ejt->eit", rng.standard_normal((3, 3)), signals[:, :3])  # region 3 copies region 0
    cross = spectra_of(np.concatenate([signals, mixed_epochs(rng, n_signals=3)], axis=1))
    values = cross.values.copy()
    values[:, 14] = values[:, :, 14] = np.nan
    region_of = np.append(REGION_OF, [4, 4, 4])
    matrix = measure(replace(cross, values=values), ALPHA, region_of)["alpha"]
    assert np.isnan(matrix[[1, 4]]).all()
    assert np.isnan(matrix[0, 3])
    assert matrix[0, 2] == pytest.approx(measure(cross, ALPHA, region_of)["alpha"][0, 2])
    assert matrix[2, 3] == pytest.approx(matrix[0, 2], abs=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_regions_with_one_signal_in_common_are_nan(rng, measure):
    signals = mixed_epochs(rng, n_signals=6)
    signals[:, 4] = 0.5 * signals[:, 0] - signals[:, 1]
    matrix = measure(spectra_of(signals), ALPHA, np.array([0, 0, 1, 1, 2, 2]))["alpha"]
    assert np.isnan(matrix[0, 2])
    assert np.isfinite([matrix[0, 1], matrix[1, 2]]).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_a_flat_component_or_an_absent_region_is_left_out(rng, measure):
    signals = mixed_epochs(rng, n_signals=5)
    signals[:, 2] = 0.0
    region_of = np.array([0, 0, 0, 2, 2])
    matrix = measure(spectra_of(signals), ALPHA, region_of)["alpha"]
    without = np.delete(np.arange(5), 2)
    expected = measure(spectra_of(signals[:, without]), ALPHA, region_of[without])["alpha"]
    assert np.isnan(matrix[1]).all()
    assert matrix[0, 2] == pytest.approx(expected[0, 2], abs=1e-12)


def test_what_cannot_be_computed_is_said(rng):
    signals = mixed_epochs(rng, n_signals=4)
    signals[:, 2:] = 0.0
    cross, region_of = spectra_of(signals), np.array([0, 0, 1, 1])
    assert np.isnan(multivariate_interaction(cross, {"none": (8.1, 8.2)}, region_of)["none"]).all()
    with pytest.raises(NotComputable, match=r"no frequency bin in 8\.1-8\.2 Hz"):
        interaction_patterns(cross, (8.1, 8.2), region_of, 0, 1)
    with pytest.raises(NotComputable, match="region 1 has no power"):
        interaction_patterns(cross, ALPHA["alpha"], region_of, 0, 1)
    with pytest.raises(NotComputable, match="region 7 has no power"):
        interaction_patterns(cross, ALPHA["alpha"], region_of, 0, 7)
    for wrong in (np.array([0, 1]), np.array([0, 0, 1, -1]), np.zeros(4)):
        with pytest.raises(ValueError, match="wanted a whole number from 0 for each of 4 signals"):
            multivariate_interaction(cross, ALPHA, wrong)


@pytest.mark.parametrize("measure", MEASURES)
def test_one_and_two_threads_give_the_same_bits(rng, measure):
    import numba

    cross = spectra_of(mixed_epochs(rng))
    before = numba.get_num_threads()
    found = []
    for n_threads in (1, 2):
        numba.set_num_threads(n_threads)
        found.append(measure(cross, ALPHA, REGION_OF)["alpha"])
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*found)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    n_epochs=st.integers(1, 4),
    exponent=st.integers(-100, 100),
    odd=st.sampled_from(["none", "flat", "nan"]),
)
def test_odd_inputs_give_numbers_or_nan(seed, counts, n_epochs, exponent, odd):
    signals = np.random.default_rng(seed).standard_normal((n_epochs, sum(counts), 125)) * 10.0**exponent
    if odd == "flat":
        signals[:, -counts[-1] :] = 1.0
    cross = spectra_of(signals)
    if odd == "nan":
        cross.values[:, -1] = cross.values[:, :, -1] = np.nan
    region_of = np.repeat(np.arange(len(counts)), counts)
    for measure in MEASURES:
        matrix = measure(cross, ALPHA, region_of)["alpha"]
        assert matrix.shape == (len(counts), len(counts))
        if odd != "none":
            assert np.isnan(matrix[-1]).all()
        finite = matrix[np.isfinite(matrix)]
        limit = min(max(counts), 4) if measure is multivariate_interaction else 1.0
        assert ((finite > 0) & (finite <= limit + 1e-6)).all()
