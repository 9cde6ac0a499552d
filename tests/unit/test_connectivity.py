import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from mne_connectivity import envelope_correlation, spectral_connectivity_epochs
from scipy import signal as scipy_signal

from painconn.connectivity.envelope import analytic_band, orthogonalised_envelope_correlation
from painconn.connectivity.gates import band_bins, why_not_over_epochs
from painconn.connectivity.phase import band_matrices, coherence, imaginary_coherence, wpli2_debiased
from painconn.connectivity.registry import MEASURES
from painconn.connectivity.spectra import multitaper_spectra

SFREQ_HZ = 250.0
BANDS_HZ = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
PHASE = {"wpli2_debiased": wpli2_debiased, "coh": coherence, "imcoh": imaginary_coherence}


def mixed_epochs(rng, n_epochs=30, n_regions=6, n_times=500):
    sources = rng.standard_normal((n_epochs, n_regions, n_times))
    mixing = rng.standard_normal((n_regions, n_regions))
    lagged = np.roll(sources[:, :1], 6, axis=-1)
    return np.einsum("ij,ejt->eit", mixing, sources) + 2 * lagged * (np.arange(n_regions) == 1)[None, :, None]


def narrow_band(rng, shape, band_hz=(8.0, 13.0)):
    sos = scipy_signal.butter(4, band_hz, "bandpass", fs=SFREQ_HZ, output="sos")
    return scipy_signal.sosfiltfilt(sos, rng.standard_normal(shape), axis=-1)


def whole(matrix, kind):
    lower = np.tril(matrix, -1)
    return lower + lower.T if kind == "symmetric" else lower - lower.T


@pytest.mark.parametrize(
    ("name", "mne_name"), [("wpli2_debiased", "wpli2_debiased"), ("coh", "coh"), ("imcoh", "imcoh")]
)
def test_phase_measures_equal_mne_connectivity(rng, name, mne_name):
    data = mixed_epochs(rng)
    spectra = multitaper_spectra(data, sfreq_hz=SFREQ_HZ, half_bandwidth_hz=1.0, high_hz=40.0)
    ours = band_matrices(spectra, bands_hz={"alpha": (8.0, 13.0)}, measures={name: PHASE[name]})[name, "alpha"]
    theirs = spectral_connectivity_epochs(
        data, method=mne_name, sfreq=SFREQ_HZ, fmin=8.0, fmax=12.9, faverage=True, mt_bandwidth=2.0, verbose="ERROR"
    ).get_data("dense")[..., 0]
    expected = whole(theirs, MEASURES[name].kind)
    off_diagonal = ~np.eye(len(ours), dtype=bool)
    np.testing.assert_allclose(ours[off_diagonal], expected[off_diagonal], atol=1e-9)


def test_envelope_correlation_equals_mne_connectivity(rng):
    analytic = scipy_signal.hilbert(narrow_band(rng, (4, 5, 2500)), axis=-1)
    theirs = envelope_correlation(analytic, orthogonalize="pairwise", absolute=False, verbose="ERROR").combine("mean")
    ours = orthogonalised_envelope_correlation(analytic)
    off_diagonal = ~np.eye(5, dtype=bool)
    np.testing.assert_allclose(ours[off_diagonal], theirs.get_data("dense")[..., 0][off_diagonal], atol=1e-9)


@pytest.mark.parametrize("name", list(MEASURES))
def test_every_measure_keeps_its_declared_symmetry_range_and_invariances(rng, name):
    definition = MEASURES[name]
    module, function = definition.function.split(":")
    measure = getattr(import_module(module), function)
    data = mixed_epochs(rng, n_epochs=24)

    def compute(values):
        if definition.estimator == "over_epochs":
            spectra = multitaper_spectra(values, sfreq_hz=SFREQ_HZ, high_hz=40.0)
            return band_matrices(spectra, bands_hz=BANDS_HZ, measures={name: measure})[name, "alpha"]
        return measure(scipy_signal.hilbert(values, axis=-1))

    matrix = compute(data)
    sign = 1 if definition.kind == "symmetric" else -1
    np.testing.assert_allclose(matrix, sign * matrix.T, atol=1e-12)
    low, high = definition.value_range
    finite = matrix[np.isfinite(matrix)]
    assert finite.size == matrix.size - len(matrix)
    assert finite.min() >= low - 1e-12
    assert finite.max() <= high + 1e-12
    np.testing.assert_allclose(compute(1e-6 * data[::-1]), matrix, atol=1e-9)
    order = np.array([3, 1, 0, 5, 4, 2])
    np.testing.assert_allclose(compute(data[:, order]), matrix[np.ix_(order, order)], atol=1e-9)


@pytest.mark.parametrize(
    "name", [name for name, definition in MEASURES.items() if definition.estimator == "over_epochs"]
)
def test_zero_lag_mixing_fools_only_the_measures_that_say_so(rng, name):
    shared = rng.standard_normal((80, 1, 500))
    data = np.concatenate([shared, shared, shared], axis=1) * [[1.0], [0.8], [0.6]] + 0.5 * rng.standard_normal(
        (80, 3, 500)
    )
    spectra = multitaper_spectra(data, sfreq_hz=SFREQ_HZ, high_hz=40.0)
    value = abs(band_matrices(spectra, bands_hz=BANDS_HZ, measures={name: PHASE[name]})[name, "alpha"][0, 1])
    assert (value < 0.1) == (MEASURES[name].zero_lag_safe == "yes")


def test_planted_lag_is_found_in_its_band_only_with_the_row_leading(rng):
    driver = narrow_band(rng, (60, 1, 540))
    data = np.concatenate([driver[..., 6:506], driver[..., 0:500]], axis=1) + 0.3 * rng.standard_normal((60, 2, 500))
    spectra = multitaper_spectra(data, sfreq_hz=SFREQ_HZ, high_hz=40.0)
    matrices = band_matrices(spectra, bands_hz=BANDS_HZ, measures=PHASE)
    assert matrices["wpli2_debiased", "alpha"][0, 1] > 0.8
    assert matrices["imcoh", "alpha"][0, 1] > 0.3
    assert abs(matrices["wpli2_debiased", "beta"][0, 1]) < 0.1


def test_debiased_wpli_is_centred_on_zero_without_coupling(rng):
    values = []
    for _ in range(20):
        spectra = multitaper_spectra(rng.standard_normal((20, 8, 500)), sfreq_hz=SFREQ_HZ, high_hz=40.0)
        matrix = band_matrices(spectra, bands_hz=BANDS_HZ, measures={"wpli2_debiased": wpli2_debiased})[
            "wpli2_debiased", "alpha"
        ]
        values.append(np.nanmean(matrix))
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


def test_orthogonalised_envelopes_find_amplitude_coupling_and_not_mixing(rng):
    def carriers(envelope):
        phases = narrow_band(rng, (6, 2, 2500))
        analytic = scipy_signal.hilbert(phases, axis=-1)
        return envelope * analytic / np.abs(analytic)

    common = 1 + 0.8 * np.sin(2 * np.pi * 0.3 * np.arange(2500) / SFREQ_HZ)
    assert orthogonalised_envelope_correlation(carriers(common))[0, 1] > 0.5
    independent = scipy_signal.hilbert(narrow_band(rng, (6, 2, 2500)), axis=-1)
    mixed = np.stack([independent[:, 0], independent[:, 0] + 0.7 * independent[:, 1]], axis=1)
    assert abs(orthogonalised_envelope_correlation(mixed)[0, 1]) < 0.1


@pytest.mark.parametrize("name", list(PHASE))
def test_a_flat_region_is_missing_and_not_zero(rng, name):
    data = rng.standard_normal((25, 3, 500))
    data[:, 1] = 0.0
    spectra = multitaper_spectra(data, sfreq_hz=SFREQ_HZ, high_hz=40.0)
    matrix = band_matrices(spectra, bands_hz=BANDS_HZ, measures={name: PHASE[name]})[name, "alpha"]
    assert np.isnan(matrix[1]).all()
    assert np.isnan(matrix[:, 1]).all()
    assert np.isfinite(matrix[0, 2])


def test_flat_and_copied_envelopes_are_missing_and_not_scored(rng):
    analytic = scipy_signal.hilbert(narrow_band(rng, (3, 4, 1000)), axis=-1)
    analytic[:, 1] = 0.0
    analytic[:, 3] = 2.0 * analytic[:, 0]
    matrix = orthogonalised_envelope_correlation(analytic)
    assert np.isnan(matrix[1]).all()
    assert np.isnan(matrix[0, 3])
    assert np.isfinite(matrix[0, 2])


def test_a_copied_signal_gives_no_debiased_wpli(rng):
    data = rng.standard_normal((25, 3, 500))
    data[:, 1] = 3.0 * data[:, 0]
    spectra = multitaper_spectra(data, sfreq_hz=SFREQ_HZ, high_hz=40.0)
    matrix = band_matrices(spectra, bands_hz=BANDS_HZ, measures={"wpli2_debiased": wpli2_debiased})[
        "wpli2_debiased", "alpha"
    ]
    assert np.isnan(matrix[0, 1])


def test_power_density_of_white_noise_and_of_a_sine(rng):
    white = rng.standard_normal((200, 1, 500)) * 3.0
    density = multitaper_spectra(white, sfreq_hz=SFREQ_HZ).power()[0]
    np.testing.assert_allclose(density[5:-5].mean(), 2 * 9.0 / SFREQ_HZ, rtol=0.03)
    times = np.arange(500) / SFREQ_HZ
    sine = np.sin(2 * np.pi * 10.0 * times)[None, None]
    spectra = multitaper_spectra(sine, sfreq_hz=SFREQ_HZ)
    np.testing.assert_allclose(spectra.power()[0].sum() * (spectra.freqs_hz[1] - spectra.freqs_hz[0]), 0.5, rtol=0.02)


def test_tapers_smoothing_and_half_open_bands(rng):
    two_seconds = multitaper_spectra(rng.standard_normal((2, 1, 500)), sfreq_hz=SFREQ_HZ)
    assert (len(two_seconds.weights), two_seconds.half_bandwidth_hz) == (3, 1.0)
    window = multitaper_spectra(rng.standard_normal((2, 1, 313)), sfreq_hz=SFREQ_HZ)
    assert (len(window.weights), window.half_bandwidth_hz) == (1, 1.0)
    short = multitaper_spectra(rng.standard_normal((2, 1, 125)), sfreq_hz=SFREQ_HZ)
    assert (len(short.weights), short.half_bandwidth_hz) == (1, 2.0)
    claimed = sum(band_bins(two_seconds.freqs_hz, band).astype(int) for band in BANDS_HZ.values())
    assert claimed.max() == 1


def test_gates_name_what_would_be_needed():
    usual = {
        "n_epochs": 30,
        "epoch_length_s": 2.0,
        "half_bandwidth_hz": 1.0,
        "highest_hz": 45.0,
        "min_epochs": 20,
        "min_cycles": 5.0,
    }
    assert why_not_over_epochs((8.0, 13.0), **usual) is None
    assert why_not_over_epochs((4.0, 8.0), **{**usual, "epoch_length_s": 1.25}) is None
    assert "wanted at least 20" in why_not_over_epochs((8.0, 13.0), **{**usual, "n_epochs": 19})
    assert "1.25 s" in why_not_over_epochs((4.0, 8.0), **{**usual, "epoch_length_s": 0.8})
    assert "smoothing" in why_not_over_epochs((8.0, 9.5), **usual)
    assert "low-pass" in why_not_over_epochs((30.0, 45.0), **{**usual, "highest_hz": 40.0})


def test_analytic_band_passes_its_band_without_phase_shift():
    times = np.arange(5000) / SFREQ_HZ
    inside, outside = np.cos(2 * np.pi * 10 * times), np.cos(2 * np.pi * 20 * times)
    analytic = analytic_band(np.stack([inside, outside]), sfreq_hz=SFREQ_HZ, band_hz=(8.0, 13.0))
    middle = slice(1000, 4000)
    np.testing.assert_allclose(analytic[0, middle].real, inside[middle], atol=0.01)
    np.testing.assert_allclose(np.abs(analytic[0, middle]), 1.0, atol=0.02)
    assert np.abs(analytic[1, middle]).max() < 0.01


def test_the_room_is_light():
    code = (
        "import sys, painconn.connectivity.phase, painconn.connectivity.envelope, painconn.connectivity.registry; "
        "print([name for name in ('mne', 'matplotlib', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
