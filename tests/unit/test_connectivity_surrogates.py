"""Surrogates keep what they promise and take the rest; planted coupling exceeds the floor, other edges rarely do."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import hilbert
from scipy.stats import binom

from painconn.connectivity.engine import over_epochs
from painconn.connectivity.envelope import orthogonalised_envelope_correlation
from painconn.connectivity.surrogates import epoch_offsets, phase_randomise, shift_epochs, surrogate_floor

pytestmark = pytest.mark.slow

SFREQ_HZ = 100.0
BANDS_HZ = {"alpha": (8.0, 13.0)}
MEASURES = ("wpli2_debiased", "imcoh", "coh", "plv")
KINDS = ("shift_epochs", "independent_phases", "common_phases")
VOLTS = 1e-6


def phase_measures(signals, measures=MEASURES):
    """The measures over epochs, written out: mean over the Fourier bins of 8-13 Hz."""
    freqs_hz = np.fft.rfftfreq(signals.shape[-1], 1 / SFREQ_HZ)
    inside = (freqs_hz >= 8) & (freqs_hz < 13)
    coefficients = np.fft.rfft(signals)[..., inside].swapaxes(1, 2)
    cross = coefficients[..., :, None] * coefficients[..., None, :].conj()
    power = np.square(np.abs(coefficients)).sum(axis=0)
    imag = cross.imag
    total, square = np.abs(imag).sum(axis=0), np.square(imag).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        coherency = cross.sum(axis=0) / np.sqrt(power[:, :, None] * power[:, None, :])
        found = {
            "wpli2_debiased": (imag.sum(axis=0) ** 2 - square) / (total**2 - square),
            "imcoh": coherency.imag,
            "coh": np.abs(coherency),
            "plv": np.abs(np.mean(cross / np.abs(cross), axis=0)),
        }
    diagonal = np.diag(np.full(signals.shape[1], np.nan))
    return {(name, "alpha"): found[name].mean(axis=0) + diagonal for name in measures}


def envelope_measure(signals):
    return {("aec_orth", "alpha"): orthogonalised_envelope_correlation(hilbert(signals, axis=-1))}


def noise(rng, n_epochs=60, n_regions=4, n_times=100):
    return VOLTS * rng.standard_normal((n_epochs, n_regions, n_times))


def alpha_noise(rng, n_epochs, n_regions, n_times):
    """Gaussian noise that holds 8-13 Hz only."""
    coefficients = np.fft.rfft(rng.standard_normal((n_epochs, n_regions, n_times)))
    freqs_hz = np.fft.rfftfreq(n_times, 1 / SFREQ_HZ)
    coefficients[..., (freqs_hz < 8) | (freqs_hz >= 13)] = 0
    return np.fft.irfft(coefficients, n_times)


def lagged(rng, n_epochs=60):
    """Regions 0 and 1 share noise, region 1 a quarter of an alpha cycle later; 2 and 3 stand alone."""
    signals = noise(rng, n_epochs)
    shared = VOLTS * rng.standard_normal((n_epochs, 103))
    signals[:, 0] += shared[:, 3:]
    signals[:, 1] += shared[:, :-3]
    return signals


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(2, 9), st.integers(1, 20), st.integers(0, 5))
def test_shifted_regions_keep_their_own_epochs_in_their_order(n_epochs, n_regions, seed):
    rng = np.random.default_rng(seed)
    signals = rng.standard_normal((n_epochs, n_regions, 3))
    offsets = epoch_offsets(n_epochs, n_regions, rng)
    shifted = shift_epochs(signals, offsets)
    for region, offset in enumerate(offsets):
        np.testing.assert_array_equal(shifted[:, region], np.roll(signals[:, region], offset, axis=0))
    uses = np.bincount(offsets, minlength=n_epochs)
    assert uses.max() - uses.min() <= 1


@pytest.mark.parametrize("n_times", [100, 101, 2])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e30])
def test_phase_randomisation_keeps_every_amplitude(rng, n_times, keep, scale):
    signals = scale * (1 + rng.standard_normal((5, 3, n_times)))
    surrogate = phase_randomise(signals, rng, keep_cross_spectra=keep)
    before, after = np.fft.rfft(signals), np.fft.rfft(surrogate)
    limit = 1e-12 * np.abs(before).max()
    np.testing.assert_allclose(np.abs(after), np.abs(before), rtol=0, atol=limit)
    np.testing.assert_allclose(after[..., 0], before[..., 0], rtol=0, atol=limit)
    if n_times > 2:
        assert not np.allclose(surrogate, signals, rtol=0, atol=0.1 * scale)
    if n_times % 2 == 0:
        np.testing.assert_allclose(after[..., -1], before[..., -1], rtol=0, atol=limit)


def test_common_phases_keep_cross_spectra_of_every_epoch_and_independent_ones_do_not(rng):
    signals = lagged(rng)

    def cross(values):
        coefficients = np.fft.rfft(values)
        return coefficients[:, 0] * coefficients[:, 1].conj()

    limit = 1e-12 * np.abs(cross(signals)).max()
    kept = cross(phase_randomise(signals, rng, keep_cross_spectra=True))
    np.testing.assert_allclose(kept, cross(signals), rtol=0, atol=limit)
    lost = cross(phase_randomise(signals, rng))
    assert np.abs(lost.mean(axis=0))[10] < 0.5 * np.abs(cross(signals).mean(axis=0))[10]


def test_components_of_a_region_share_their_phases(rng):
    signals = noise(rng)
    region_of = np.array([0, 0, 1, 1])
    surrogate = phase_randomise(signals, rng, region_of=region_of)
    before, after = np.fft.rfft(signals), np.fft.rfft(surrogate)
    turn = np.angle(after / before)[..., 1:-1]
    np.testing.assert_allclose(np.exp(1j * (turn[:, 0] - turn[:, 1])), 1.0, atol=1e-9)
    assert np.std(np.angle(np.exp(1j * (turn[:, 0] - turn[:, 2])))) > 1.0


def test_phase_randomisation_keeps_precision_and_does_not_spread_a_broken_region(rng):
    signals = noise(rng).astype(np.float32)
    signals[2, 1, 7] = np.nan
    surrogate = phase_randomise(signals, rng)
    assert surrogate.dtype == np.float32
    broken = np.isnan(surrogate).any(axis=-1)
    assert broken[2, 1]
    assert broken.sum() == 1


@pytest.mark.parametrize("kind", ["shift_epochs", "independent_phases"])
def test_planted_coupling_stands_above_the_floor(rng, kind):
    signals = lagged(rng)
    observed = phase_measures(signals)
    floors = surrogate_floor(signals, phase_measures, n_surrogates=99, seed=1, kind=kind)
    for (measure, band), floor in floors.items():
        value = np.abs(observed[measure, band])
        assert floor.of_magnitude == (measure == "imcoh")
        assert value[0, 1] > 1.5 * floor.q95[0, 1], measure
        assert np.isnan(np.diag(floor.q95)).all()
        np.testing.assert_allclose(floor.q95, floor.q95.T, atol=1e-12)
    assert abs(floors["wpli2_debiased", "alpha"].mean[0, 1]) < 0.02  # a debiased measure has its floor at 0
    assert floors["coh", "alpha"].mean[0, 1] > 0.05  # a biased one has not


def test_common_phases_are_no_null_of_linear_coupling(rng):
    signals = lagged(rng)
    observed = phase_measures(signals)
    floors = surrogate_floor(signals, phase_measures, n_surrogates=50, seed=1, kind="common_phases")
    for measure in ("coh", "imcoh"):
        floor = floors[measure, "alpha"]
        assert np.abs(observed[measure, "alpha"])[0, 1] < 1.2 * floor.q95[0, 1]
        assert floor.mean[0, 1] == pytest.approx(np.abs(observed[measure, "alpha"])[0, 1], rel=0.2)


@pytest.mark.parametrize("kind", ["shift_epochs", "independent_phases"])
@pytest.mark.parametrize("compute", [phase_measures, envelope_measure])
def test_without_coupling_one_edge_in_twenty_exceeds_the_floor(rng, kind, compute):
    n_regions = 20
    if compute is phase_measures:
        signals = noise(rng, n_epochs=41, n_regions=n_regions)
    else:
        signals = VOLTS * alpha_noise(rng, 21, n_regions, 200)
    edges = np.tril_indices(n_regions, -1)
    low, high = binom.interval(0.999, len(edges[0]), 0.05)
    observed = compute(signals)
    for key, floor in surrogate_floor(signals, compute, n_surrogates=99, seed=2, kind=kind).items():
        values = np.abs(observed[key]) if floor.of_magnitude else observed[key]
        assert low <= np.count_nonzero(values[edges] > floor.q95[edges]) <= high, key


def test_the_floor_removes_leakage_too_so_that_mixing_alone_exceeds_it(rng):
    signals = noise(rng)
    signals[:, 1] += signals[:, 0]
    observed = phase_measures(signals)
    floors = surrogate_floor(signals, phase_measures, n_surrogates=99, seed=3)
    assert observed["coh", "alpha"][0, 1] > 2 * floors["coh", "alpha"].q95[0, 1]
    assert observed["wpli2_debiased", "alpha"][0, 1] < 2 * floors["wpli2_debiased", "alpha"].q95[0, 1]


def test_what_repeats_in_every_epoch_survives_a_shift_but_not_random_phases(rng):
    signals = noise(rng)
    time_s = np.arange(100) / SFREQ_HZ
    signals[:, 0] += VOLTS * np.cos(2 * np.pi * 10 * time_s)
    signals[:, 1] += VOLTS * np.sin(2 * np.pi * 10 * time_s)
    compute = partial(phase_measures, measures=["wpli2_debiased"])
    observed = compute(signals)["wpli2_debiased", "alpha"][0, 1]
    shifted, phases = (
        surrogate_floor(signals, compute, n_surrogates=50, seed=4, kind=kind)["wpli2_debiased", "alpha"]
        for kind in ("shift_epochs", "independent_phases")
    )
    assert shifted.mean[0, 1] > 0.8 * observed
    assert phases.q95[0, 1] < 0.4 * observed


def test_common_amplitudes_without_common_phase_exceed_what_linear_coupling_explains(rng):
    signals = alpha_noise(rng, 30, 3, 400)
    slow = 1 + 0.9 * np.sin(2 * np.pi * (np.arange(400) / 200 + rng.uniform(size=(30, 1))))
    signals[:, :2] *= slow[:, None]
    observed = envelope_measure(signals)["aec_orth", "alpha"]
    for kind in KINDS:
        floor = surrogate_floor(signals, envelope_measure, n_surrogates=50, seed=5, kind=kind)["aec_orth", "alpha"]
        assert observed[0, 1] > 2 * floor.q95[0, 1], kind
        assert observed[0, 2] < 2 * floor.q95[0, 2], kind


@pytest.mark.parametrize("kind", KINDS)
def test_surrogates_are_fixed_by_their_seed(rng, kind):
    signals = alpha_noise(rng, 20, 2, 100)
    first, again, other = (
        surrogate_floor(signals, envelope_measure, n_surrogates=50, seed=seed, kind=kind)["aec_orth", "alpha"].mean
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[1, 0], other[1, 0])


def test_bound_and_mean_are_those_of_the_sorted_values():
    drawn = np.random.default_rng(0)
    kept = []

    def compute(signals):
        kept.append(drawn.standard_normal((2, 2)))
        return {("coh", "alpha"): kept[-1]}

    floor = surrogate_floor(np.zeros((9, 2, 4)), compute, n_surrogates=60, seed=0, kind="independent_phases")
    ordered = np.sort([matrix[1, 0] for matrix in kept])
    assert floor["coh", "alpha"].q95[1, 0] == ordered[57]  # the 58th of 60: 3 of 61 places lie above it
    assert floor["coh", "alpha"].mean[1, 0] == pytest.approx(ordered.mean())
    assert floor["coh", "alpha"].n_surrogates == 60


def test_pairs_that_are_shifted_alike_do_not_count(rng):
    """With more regions than epochs some pairs keep their coupling in a surrogate; those would spoil the bound."""
    signals = np.repeat(lagged(rng, n_epochs=24)[:, :3], 10, axis=1) + noise(rng, 24, 30)
    floor = surrogate_floor(signals, partial(phase_measures, measures=["coh"]), n_surrogates=99, seed=6)["coh", "alpha"]
    off_diagonal = ~np.eye(30, dtype=bool)
    assert np.isfinite(floor.q95[off_diagonal]).all()
    alone = surrogate_floor(noise(rng, 24, 30), partial(phase_measures, measures=["coh"]), n_surrogates=99, seed=6)
    assert np.median(floor.q95[off_diagonal]) == pytest.approx(
        np.median(alone["coh", "alpha"].q95[off_diagonal]), rel=0.1
    )


@pytest.mark.parametrize("kind", ["shift_epochs", "independent_phases"])
def test_components_of_a_region_stay_together(rng, kind):
    """Two regions of two components: what holds a region together is kept, what couples the regions is not."""
    signals = noise(rng)
    signals[:, 1] += 3 * signals[:, 0]
    signals[:, 2] += 3 * signals[:, 0]

    def compute(surrogate):
        coh = phase_measures(surrogate, ["coh"])["coh", "alpha"]
        return {("coh", "within"): np.full((2, 2), coh[0, 1]), ("coh", "between"): np.full((2, 2), coh[0, 2])}

    region_of = np.array([0, 0, 1, 1])
    floors = surrogate_floor(signals, compute, n_surrogates=50, seed=9, kind=kind, region_of=region_of)
    assert floors["coh", "within"].mean[1, 0] > 0.9
    assert floors["coh", "between"].q95[1, 0] < 0.5


def test_the_engine_gives_the_matrices(rng):
    def compute(signals):
        return over_epochs(signals, sfreq_hz=SFREQ_HZ, bands_hz=BANDS_HZ, measures=MEASURES).matrices

    signals = lagged(rng)
    floors = surrogate_floor(signals, compute, n_surrogates=50, seed=1)
    for key, matrix in compute(signals).items():
        assert np.abs(matrix)[0, 1] > floors[key].q95[0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_flat_and_a_broken_region_have_no_floor_and_spoil_no_other(rng, kind):
    signals = noise(rng, n_epochs=20)
    signals[:, 1] = 0
    signals[3, 2] = np.nan
    floor = surrogate_floor(signals, partial(phase_measures, measures=["coh"]), n_surrogates=50, seed=0, kind=kind)
    finite = np.isfinite(floor["coh", "alpha"].q95)
    assert finite[0, 3]
    assert finite[3, 0]
    assert finite.sum() == 2


def test_too_few_surrogates_are_refused(rng):
    with pytest.raises(ValueError, match="found 49, wanted 50"):
        surrogate_floor(noise(rng), phase_measures, n_surrogates=49, seed=0)


def test_an_unknown_kind_is_refused(rng):
    with pytest.raises(ValueError, match="found 'shift-epochs', wanted shift_epochs, "):
        surrogate_floor(noise(rng), phase_measures, n_surrogates=50, seed=0, kind="shift-epochs")


@pytest.mark.parametrize("n_epochs", [20, 21, 40])
def test_the_fewest_surrogates_give_every_edge_of_many_regions_a_bound(rng, n_epochs):
    def compute(signals):
        return {("coh", "alpha"): signals[:, :, 0].T @ signals[:, :, 0]}

    signals = noise(rng, n_epochs, n_regions=100, n_times=1)
    for seed in range(3):
        floor = surrogate_floor(signals, compute, n_surrogates=50, seed=seed)["coh", "alpha"]
        assert np.isfinite(floor.q95[~np.eye(100, dtype=bool)]).all()
        assert floor.without_bound is None


@pytest.mark.parametrize("kind", KINDS)
def test_measures_of_regions_and_of_components_share_their_surrogates(rng, kind):
    """Four components, two regions: one matrix each; what never is shifted apart has no bound, and says so."""
    signals = noise(rng, n_epochs=25)

    def compute(surrogate):
        coh = phase_measures(surrogate, ["coh"])["coh", "alpha"]
        return {("mim", "alpha"): coh[::2, ::2], ("coh", "alpha"): coh}

    region_of = np.array([0, 0, 1, 1])
    floors = surrogate_floor(signals, compute, n_surrogates=50, seed=9, kind=kind, region_of=region_of)
    assert np.isfinite(floors["mim", "alpha"].q95[0, 1])
    assert floors["mim", "alpha"].without_bound is None
    apart = floors["coh", "alpha"]
    assert np.isfinite(apart.q95[:2, 2:]).all()
    shifted = kind == "shift_epochs"
    assert np.isnan(apart.q95[0, 1]) == shifted
    why = "2 pairs: a value in 0 surrogates at most, wanted at least 19"
    assert apart.without_bound == (why if shifted else None)


@pytest.mark.parametrize("n_epochs", [1, 2, 19, 20])
def test_too_few_epochs_to_shift_have_no_bound(rng, n_epochs):
    compute = partial(phase_measures, measures=["coh"])
    floor = surrogate_floor(noise(rng, n_epochs=n_epochs), compute, n_surrogates=50, seed=0)["coh", "alpha"]
    assert np.isfinite(floor.mean[1, 0]) == (n_epochs > 1)
    assert np.isfinite(floor.q95[1, 0]) == (n_epochs == 20)
    assert floor.without_bound == (
        None if n_epochs == 20 else f"all pairs: {n_epochs} epochs to shift, wanted at least 20"
    )
