from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mne_connectivity import spectral_connectivity_epochs
from scipy import signal as scipy_signal

from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.gates import NotComputable
from painconn.connectivity.granger import (
    granger,
    granger_both_ways,
    granger_net,
    granger_time_reversed,
    time_reversed_contrast,
)
from painconn.connectivity.mean_cross_spectra import MeanCrossSpectra
from painconn.connectivity.spectra import slepian_tapers

SFREQ_HZ = 250.0
ALPHA = {"alpha": (8.0, 13.0)}
MEASURES = (granger, granger_time_reversed, granger_net, time_reversed_contrast)


def resonance(freq_hz, damping):
    """Coefficients of x(t - 1) and x(t - 2) of a damped oscillation."""
    return 2 * damping * np.cos(2 * np.pi * freq_hz / SFREQ_HZ), -(damping**2)


def driver_and_follower(coupling=0.5, lag=3):
    """Coefficients (lags, 2, 2): an alpha rhythm drives, after some samples, a beta rhythm."""
    coefficients = np.zeros((max(lag, 2), 2, 2))
    coefficients[:2, 0, 0] = resonance(10.0, 0.95)
    coefficients[:2, 1, 1] = resonance(20.0, 0.6)
    coefficients[lag - 1, 1, 0] += coupling
    return coefficients


def transfer(coefficients, freqs_hz):
    turns = np.exp(-2j * np.pi * np.outer(freqs_hz / SFREQ_HZ, np.arange(1, len(coefficients) + 1)))
    return np.linalg.inv(np.eye(coefficients.shape[1]) - np.einsum("fk,kij->fij", turns, coefficients))


def cross_of(values, n_times):
    return MeanCrossSpectra(values, np.fft.rfftfreq(n_times, 1 / SFREQ_HZ), SFREQ_HZ, 1, 1, 0.0)


def closed_form(coefficients, covariance, freqs_hz):
    """Spectrum of an autoregression, and Geweke's ratio of total to intrinsic power: (frequencies, from, to)."""
    filters = transfer(coefficients, freqs_hz)
    spectrum = filters @ covariance @ filters.conj().swapaxes(-1, -2)
    influence = np.full(spectrum.shape, np.nan)
    for source, target in ((0, 1), (1, 0)):
        left = covariance[source, source] - covariance[source, target] ** 2 / covariance[target, target]
        total = spectrum[:, target, target].real
        influence[:, source, target] = np.log(total / (total - left * np.abs(filters[:, target, source]) ** 2))
    return spectrum, influence


def each_bin(freqs_hz):
    half = freqs_hz[1] / 2
    return {str(number): (freq_hz - half, freq_hz + half) for number, freq_hz in enumerate(freqs_hz)}


def by_bin(matrices):
    return np.stack(list(matrices.values()))


def with_halved_ends(cross):
    """One-sided scaling as in mne's multitaper code: 0 Hz and Nyquist at half their density (even epochs)."""
    values = cross.values.copy()
    values[[0, -1]] /= 2
    return replace(cross, values=values)


def simulate(rng, coefficients, *, n_epochs=60, n_times=500, n_discarded=200):
    n_lags, n_signals, _ = coefficients.shape
    signals = rng.standard_normal((n_epochs, n_signals, n_discarded + n_times))
    for time in range(n_lags, signals.shape[-1]):
        past = signals[:, :, time - n_lags : time][:, :, ::-1]
        signals[:, :, time] += np.einsum("kij,ejk->ei", coefficients, past)
    return signals[:, :, n_discarded:]


def spectra_of(signals):
    tapers = slepian_tapers(signals.shape[-1], sfreq_hz=SFREQ_HZ, half_bandwidth_hz=1.0)
    return mean_cross_spectra(signals, tapers)


def mixed_epochs(rng, n_epochs=8, n_signals=4, n_times=200):
    sources = rng.standard_normal((n_epochs, n_signals, n_times))
    sources[:, 1:] += 0.8 * np.roll(sources[:, :-1], 2, axis=-1)
    return np.einsum("ij,ejt->eit", np.eye(n_signals) + 0.3 * rng.standard_normal((n_signals, n_signals)), sources)


@pytest.mark.parametrize("n_times", [500, 501])
@pytest.mark.parametrize("shared_noise", [0.0, 0.6])
def test_closed_form_of_an_autoregression_is_recovered_at_every_frequency(n_times, shared_noise):
    freqs_hz = np.fft.rfftfreq(n_times, 1 / SFREQ_HZ)
    coefficients = driver_and_follower()
    coefficients[1, 0, 1] = 0.02
    covariance = np.array([[1.0, shared_noise], [shared_noise, 2.0]])
    spectrum, expected = closed_form(coefficients, covariance, freqs_hz)
    found = by_bin(granger(cross_of(spectrum, n_times), each_bin(freqs_hz)))
    assert np.nanmax(expected) > 3
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_halving_zero_and_nyquist_moves_granger_away_from_the_truth():
    freqs_hz = np.fft.rfftfreq(500, 1 / SFREQ_HZ)
    spectrum, expected = closed_form(driver_and_follower(), np.eye(2), freqs_hz)
    cross = cross_of(spectrum, 500)
    whole, halved = (by_bin(granger(each, each_bin(freqs_hz))) for each in (cross, with_halved_ends(cross)))
    assert np.nanmax(np.abs(whole - expected)) < 1e-9
    assert np.nanmax(np.abs(halved - expected)) == pytest.approx(0.037, abs=0.002)


def test_an_alpha_rhythm_that_drives_noise_has_the_influence_that_its_power_says(rng):
    # Follower = 0.105 x driver + white noise: ln(1 + 0.105 ** 2 S(f)), which is 2.62 on average over 8-13 Hz.
    coefficients = np.zeros((3, 2, 2))
    coefficients[:2, 0, 0] = resonance(10.0, 0.95)
    coefficients[2, 1, 0] = 0.105
    freqs_hz = np.arange(8.0, 13.0, 0.5)
    power = np.abs(transfer(coefficients, freqs_hz)[:, 0, 0]) ** 2
    expected = np.log1p(0.105**2 * power).mean()
    assert expected == pytest.approx(2.62, abs=0.01)
    exact, _ = closed_form(coefficients, np.eye(2), np.fft.rfftfreq(500, 1 / SFREQ_HZ))
    matrix = granger(cross_of(exact, 500), ALPHA)["alpha"]
    assert matrix[0, 1] == pytest.approx(expected, abs=1e-8)
    assert matrix[1, 0] == pytest.approx(0.0, abs=1e-8)
    estimated = granger(spectra_of(simulate(rng, coefficients)), ALPHA)["alpha"]
    assert 0.8 * expected < estimated[0, 1] < 1.05 * expected
    assert estimated[1, 0] < 0.02


@pytest.mark.filterwarnings("ignore:divide by zero")  # of mne-connectivity, for 0 Hz
@pytest.mark.parametrize("measure", [granger, granger_time_reversed])
def test_equal_to_mne_connectivity_under_its_scaling(rng, measure):
    data = mixed_epochs(rng, n_times=500)
    rows, columns = np.nonzero(~np.eye(4, dtype=bool))
    theirs = spectral_connectivity_epochs(
        data,
        method="gc" if measure is granger else "gc_tr",
        indices=([[row] for row in rows], [[column] for column in columns]),
        sfreq=SFREQ_HZ,
        fmin=0.0,
        fmax=SFREQ_HZ / 2,
        mt_bandwidth=2.0,
        gc_n_lags=20,
        verbose="ERROR",
    ).get_data()
    cross = with_halved_ends(spectra_of(data))
    ours = by_bin(measure(cross, each_bin(cross.freqs_hz), n_lags=20))
    assert theirs.max() > 0.2
    np.testing.assert_allclose(ours[:, rows, columns].T, theirs, atol=1e-9)


def slow_granger(cross, n_lags, reverse):
    """Textbook: Yule-Walker equations as one linear system, transfer function by inversion, ratio of powers."""
    n_times = 2 * (len(cross.freqs_hz) - 1)
    autocovariance = np.fft.irfft(cross.values, n=n_times, axis=0)
    if reverse:
        autocovariance = autocovariance.swapaxes(1, 2)
    result = np.full(cross.values.shape, np.nan)
    for i in range(autocovariance.shape[1]):
        for j in range(i):
            lagged = autocovariance[:, [[i], [j]], [i, j]]
            # Negative lags wrap to the end of the circular autocovariance.
            system = np.block([[lagged[row - column] for row in range(n_lags)] for column in range(n_lags)])
            stacked = np.concatenate(lagged[1 : n_lags + 1], axis=1)
            coefficients = np.linalg.solve(system.T, stacked.T).T.reshape(2, n_lags, 2).swapaxes(0, 1)
            covariance = lagged[0] - sum(coefficients[k] @ lagged[k + 1].T for k in range(n_lags))
            _, influence = closed_form(coefficients, (covariance + covariance.T) / 2, cross.freqs_hz)
            result[:, i, j], result[:, j, i] = influence[:, 0, 1], influence[:, 1, 0]
    return result


def test_equal_to_the_textbook_solution_in_both_senses_of_time(rng):
    cross = spectra_of(mixed_epochs(rng))
    forward, backward = granger_both_ways(cross, each_bin(cross.freqs_hz), n_lags=12)
    np.testing.assert_allclose(by_bin(forward), slow_granger(cross, 12, reverse=False), atol=1e-9)
    np.testing.assert_allclose(by_bin(backward), slow_granger(cross, 12, reverse=True), atol=1e-9)


def test_net_values_are_differences_of_the_directed_ones(rng):
    cross = spectra_of(mixed_epochs(rng))
    forward, backward = granger(cross, ALPHA)["alpha"], granger_time_reversed(cross, ALPHA)["alpha"]
    net = forward - forward.T
    np.testing.assert_array_equal(granger_net(cross, ALPHA)["alpha"], net)
    np.testing.assert_allclose(time_reversed_contrast(cross, ALPHA)["alpha"], net - (backward - backward.T), atol=1e-12)


def test_mixing_of_independent_sources_fools_granger_and_not_the_contrast(rng):
    sources = np.zeros((2, 2, 2))
    sources[:, 0, 0], sources[:, 1, 1] = resonance(10.0, 0.95), resonance(20.0, 0.8)
    mixing = np.array([[1.0, 0.4], [0.5, 1.0]])
    spectrum, _ = closed_form(sources, np.eye(2), np.fft.rfftfreq(500, 1 / SFREQ_HZ))
    exact = cross_of(mixing @ spectrum @ mixing.T, 500)
    estimated = spectra_of(np.einsum("ij,ejt->eit", mixing, simulate(rng, sources)))
    for cross, tolerance in ((exact, 1e-9), (estimated, 0.1)):
        assert abs(granger_net(cross, ALPHA)["alpha"][0, 1]) > 0.5
        assert abs(time_reversed_contrast(cross, ALPHA)["alpha"][0, 1]) < tolerance


def test_direction_is_recovered_through_mixing_by_the_contrast_and_nothing_is_found_where_none_is(rng):
    coefficients = np.zeros((5, 3, 3))
    for region, freq_hz in enumerate((10.0, 10.0, 11.0)):
        coefficients[:2, region, region] = resonance(freq_hz, 0.8)
    coefficients[4, 1, 0] = 0.5
    signals = simulate(rng, coefficients)
    cross = spectra_of(signals)
    directed = granger(cross, ALPHA)["alpha"]
    assert directed[0, 1] > 0.5
    others = [directed[1, 0], directed[0, 2], directed[2, 0], directed[1, 2], directed[2, 1]]
    assert max(others) < 0.05
    mixing = np.array([[1.0, 0.3, 0.0], [0.3, 1.0, 0.0], [0.0, 0.0, 1.0]])
    contrast = time_reversed_contrast(spectra_of(np.einsum("ij,ejt->eit", mixing, signals)), ALPHA)["alpha"]
    assert contrast[0, 1] > 0.3
    assert np.abs(contrast[2, :2]).max() < 0.1


@pytest.mark.parametrize("measure", MEASURES)
def test_properties_of_the_matrix(rng, measure):
    data = mixed_epochs(rng)
    matrix = measure(spectra_of(data), ALPHA)["alpha"]
    off_diagonal = ~np.eye(4, dtype=bool)
    assert np.isnan(np.diagonal(matrix)).all()
    assert np.isfinite(matrix[off_diagonal]).all()
    if measure in (granger, granger_time_reversed):
        assert (matrix[off_diagonal] >= 0).all()
    else:
        np.testing.assert_array_equal(matrix, -matrix.T)
    gains = np.array([1e-6, -3.0, 1e4, 1e-6])[:, None]
    np.testing.assert_allclose(measure(spectra_of(gains * data[::-1]), ALPHA)["alpha"], matrix, atol=1e-9)
    order = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(
        measure(spectra_of(data[:, order]), ALPHA)["alpha"], matrix[np.ix_(order, order)], atol=1e-9
    )


def test_reversed_epochs_swap_the_two_senses_of_time(rng):
    cross = spectra_of(mixed_epochs(rng))
    forward, backward = granger_both_ways(cross, ALPHA)
    swapped = granger_both_ways(replace(cross, values=cross.values.conj()), ALPHA)
    np.testing.assert_allclose(swapped[0]["alpha"], backward["alpha"], atol=1e-9)
    np.testing.assert_allclose(swapped[1]["alpha"], forward["alpha"], atol=1e-9)


def test_flat_missing_and_copied_signals_are_nan_and_leave_the_others_alone(rng):
    data = mixed_epochs(rng, n_signals=6)
    data[:, 1] = 0.0
    data[:, 2] = -2.5 * data[:, 0]
    data[:, 3] = np.roll(data[:, 0], 1, axis=-1)
    cross = spectra_of(data[:, :5])
    values = cross.values.copy()
    values[:, 4] = values[:, :, 4] = np.nan
    matrix = granger(replace(cross, values=values), ALPHA)["alpha"]
    assert np.isnan(matrix[[1, 4]]).all()
    assert np.isnan(matrix[:, [1, 4]]).all()
    assert np.isnan([matrix[0, 2], matrix[2, 0]]).all()
    np.testing.assert_allclose(matrix[0, 3], granger(spectra_of(data[:, [0, 3]]), ALPHA)["alpha"][0, 1])


def test_a_perfectly_predicted_signal_is_nan():
    # x2(t) = x1(t - 1) in the autocovariance itself: the prediction error of x2 is 0.
    turns = np.exp(-2j * np.pi * np.fft.rfftfreq(200))
    delayed = np.stack([np.ones_like(turns), turns])
    matrix = granger(cross_of(np.einsum("if,jf->fij", delayed, delayed.conj()), 200), ALPHA)["alpha"]
    assert np.isnan(matrix).all()


def test_low_passed_signals_stay_computable(rng):
    sos = scipy_signal.butter(8, 100.0, fs=SFREQ_HZ, output="sos")
    signals = scipy_signal.sosfiltfilt(sos, simulate(rng, driver_and_follower(), n_epochs=30), axis=-1)
    matrix = granger(spectra_of(signals), ALPHA)["alpha"]
    assert matrix[0, 1] > 2
    assert 0 <= matrix[1, 0] < 0.2


def test_lags_span_the_same_time_at_any_sampling_rate(rng):
    data = mixed_epochs(rng, n_times=400)
    for sfreq_hz, n_lags in ((250.0, 40), (500.0, 80)):
        cross = mean_cross_spectra(data, slepian_tapers(400, sfreq_hz=sfreq_hz, half_bandwidth_hz=3.0))
        chosen, given = granger(cross, {"b": (20.0, 40.0)}), granger(cross, {"b": (20.0, 40.0)}, n_lags=n_lags)
        np.testing.assert_array_equal(chosen["b"], given["b"])


def test_what_cannot_be_computed_says_what_was_found_and_wanted(rng):
    cross = spectra_of(mixed_epochs(rng))
    part = replace(cross, values=cross.values[1:60], freqs_hz=cross.freqs_hz[1:60])
    with pytest.raises(
        NotComputable, match=r"59 bins from 1.25 to 73.75 Hz, wanted every bin from 0 to Nyquist \(125 Hz\)"
    ):
        granger(part, ALPHA)
    with pytest.raises(NotComputable, match="every bin"):
        granger(replace(cross, values=cross.values[:1], freqs_hz=cross.freqs_hz[:1]), ALPHA)
    with pytest.raises(NotComputable, match="100 lags in epochs of 200 samples"):
        granger(cross, ALPHA, n_lags=100)
    with pytest.raises(NotComputable, match="40 lags in epochs of 60 samples"):
        granger(spectra_of(mixed_epochs(rng, n_times=60)), ALPHA)


def test_a_band_without_bins_is_nan(rng):
    matrices = granger(spectra_of(mixed_epochs(rng)), {"none": (8.1, 8.2), **ALPHA})
    assert np.isnan(matrices["none"]).all()
    assert np.isfinite(matrices["alpha"][0, 1])
    assert granger(spectra_of(mixed_epochs(rng)), {}) == {}


def test_one_and_two_threads_give_the_same_bits(rng):
    import numba

    cross = spectra_of(mixed_epochs(rng, n_signals=9))
    before = numba.get_num_threads()
    found = []
    for n_threads in (1, 2):
        numba.set_num_threads(n_threads)
        found.append(granger(cross, ALPHA)["alpha"])
    numba.set_num_threads(before)
    np.testing.assert_array_equal(*found)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_signals=st.integers(1, 4),
    n_epochs=st.integers(1, 3),
    n_times=st.integers(90, 121),
    exponent=st.integers(-100, 100),
    odd=st.sampled_from(["none", "flat", "copy", "nan"]),
)
def test_odd_inputs_give_numbers_or_nan(seed, n_signals, n_epochs, n_times, exponent, odd):
    signals = np.random.default_rng(seed).standard_normal((n_epochs, n_signals, n_times)) * 10.0**exponent
    if odd == "flat":
        signals[:, -1] = 3.0
    elif odd == "copy":
        signals[:, -1] = signals[:, 0]
    cross = spectra_of(signals)
    if odd == "nan":
        cross.values[:, -1] = cross.values[:, :, -1] = np.nan
    for matrix in (granger(cross, ALPHA)["alpha"], granger_time_reversed(cross, ALPHA)["alpha"]):
        assert matrix.shape == (n_signals, n_signals)
        sound = ~np.eye(n_signals, dtype=bool)
        if odd in ("flat", "nan"):
            assert np.isnan(matrix[-1]).all()
            assert np.isnan(matrix[:, -1]).all()
            sound[-1] = sound[:, -1] = False
        elif odd == "copy":
            assert np.isnan(matrix[0, -1])
            sound[0, -1] = sound[-1, 0] = False
        assert (matrix[sound] >= 0).all()
