import math
from functools import partial

import numpy as np
import pytest
from mne_connectivity import phase_slope_index, spectral_connectivity_epochs
from scipy import signal as scipy_signal
from scipy.special import gammaln

from painconn.connectivity import engine
from painconn.connectivity.registry import MEASURES

pytestmark = pytest.mark.usefixtures("one_thread")

# What is computed is under test here, not what is refused.
over_epochs = partial(engine.over_epochs, gates=None)
over_time = partial(engine.over_time, gates=None)

SFREQ_HZ = 250.0
ALPHA = {"alpha": (8.0, 13.0)}
SPECTRAL = [name for name, definition in MEASURES.items() if definition.takes == "sums"]
OVER_TIME = [name for name in SPECTRAL if "over_time" in MEASURES[name].estimators]
ZERO_LAG_SAFE = [
    name
    for name, definition in MEASURES.items()
    if definition.takes in ("sums", "bins") and definition.zero_lag_safe == "yes"
]
DEBIASED = ["wpli2_debiased", "pli2_unbiased", "ppc"]
NEUTRAL = {"dpli": 0.5}


def compute(epochs, measures, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, **options):
    matrices = over_epochs(epochs, sfreq_hz=sfreq_hz, bands_hz=bands_hz, measures=measures, **options).matrices
    return {name: matrix for (name, _), matrix in matrices.items()}


def by_definition(cross):
    """Every measure written out, from cross-spectra (samples, bins, regions, regions); the mean over bins."""
    n = len(cross)
    power = np.einsum("sbii->bi", cross).real
    coherency = cross.sum(axis=0) / np.sqrt(power[:, :, None] * power[:, None, :])
    locking = (cross / np.abs(cross)).mean(axis=0)
    imag = cross.imag
    lag = np.sign(imag).mean(axis=0)
    square = (imag**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "cohy": coherency,
            "coh": np.abs(coherency),
            "imcoh": coherency.imag,
            "lagged_coh": np.abs(coherency.imag) / np.sqrt(1 - coherency.real**2),
            "plv": np.abs(locking),
            "ciplv": np.abs(locking.imag) / np.sqrt(1 - locking.real**2),
            "ppc": (np.abs(n * locking) ** 2 - n) / (n * (n - 1)),
            "pli": np.abs(lag),
            "dpli": (np.heaviside(imag, 0.5)).mean(axis=0),
            "pli2_unbiased": (n * lag**2 - 1) / (n - 1),
            "wpli": np.abs(imag.sum(axis=0)) / np.abs(imag).sum(axis=0),
            "wpli2_debiased": (imag.sum(axis=0) ** 2 - square) / (np.abs(imag).sum(axis=0) ** 2 - square),
        }
    return {name: value.mean(axis=0) for name, value in values.items()}


def assert_same_pairs(found, expected, tolerance=1e-9):
    off_diagonal = ~np.eye(len(found), dtype=bool)
    np.testing.assert_allclose(found[off_diagonal], expected[off_diagonal], rtol=0, atol=tolerance)


def mirrored(lower, kind):
    upper = {
        "symmetric": lower.T,
        "antisymmetric": -lower.T,
        "hermitian": lower.conj().T,
        "directed": 1.0 - lower.T,
    }[kind]
    return np.tril(lower, -1) + np.triu(upper, 1)


def alpha_noise(rng, shape):
    sos = scipy_signal.butter(4, ALPHA["alpha"], "bandpass", fs=SFREQ_HZ, output="sos")
    return scipy_signal.sosfiltfilt(sos, rng.standard_normal(shape), axis=-1)


def planted(rng, leader, follower, n_epochs=80, n_regions=6, lag=6):
    driver = alpha_noise(rng, (n_epochs, 1, 512))
    epochs = 0.3 * rng.standard_normal((n_epochs, n_regions, 500))
    epochs[:, leader] += driver[:, 0, lag : lag + 500]
    epochs[:, follower] += driver[:, 0, :500]
    return epochs


MNE_NAMES = [name for name in SPECTRAL if name != "lagged_coh"]


@pytest.mark.parametrize(
    ("n_epochs", "n_regions", "n_times", "sfreq_hz", "spectra", "half_bandwidth_hz"),
    [
        (30, 6, 500, 250.0, "multitaper", 1.0),
        (30, 6, 500, 250.0, "multitaper", 2.0),
        (2, 5, 500, 250.0, "multitaper", 3.5),
        (63, 3, 501, 250.0, "multitaper", 1.0),
        (64, 4, 475, 200.7, "multitaper", 1.5),
        (65, 1, 500, 250.0, "multitaper", 1.0),
        (30, 4, 313, 250.0, "multitaper", 0.9),
        (128, 2, 255, 127.5, "fourier", 1.0),
        (150, 5, 311, 250.0, "fourier", 1.0),
        (20, 68, 500, 250.0, "multitaper", 1.0),
    ],
)
def test_measures_equal_mne_connectivity(
    mixed_epochs, n_epochs, n_regions, n_times, sfreq_hz, spectra, half_bandwidth_hz
):
    epochs = mixed_epochs(n_epochs, max(n_regions, 2), n_times)[:, :n_regions]
    found = compute(epochs, MNE_NAMES, sfreq_hz=sfreq_hz, spectra=spectra, half_bandwidth_hz=half_bandwidth_hz)
    if n_regions == 1:
        assert all(np.isnan(matrix).all() and matrix.shape == (1, 1) for matrix in found.values())
        return
    theirs = spectral_connectivity_epochs(
        epochs,
        method=MNE_NAMES,
        sfreq=sfreq_hz,
        fmin=8.0,
        fmax=13.0 - 1e-6,
        faverage=True,
        mode=spectra,
        mt_bandwidth=max(2 * half_bandwidth_hz, 2 * sfreq_hz / n_times),
        verbose="ERROR",
    )
    for name, of_mne in zip(MNE_NAMES, theirs, strict=True):
        expected = mirrored(of_mne.get_data("dense")[..., 0], MEASURES[name].kind)
        assert_same_pairs(found[name], expected)


@pytest.mark.parametrize("half_bandwidth_hz", [1.0, 2.0])
def test_phase_slope_equals_mne_connectivity(mixed_epochs, half_bandwidth_hz):
    epochs = mixed_epochs(n_epochs=66, n_regions=5, n_times=501)
    found = compute(epochs, ["psi"], bands_hz={"beta": (13.0, 30.0)}, half_bandwidth_hz=half_bandwidth_hz)["psi"]
    theirs = phase_slope_index(
        epochs, sfreq=SFREQ_HZ, fmin=13.0 - 1e-6, fmax=30.0 - 1e-6, mt_bandwidth=2 * half_bandwidth_hz, verbose="ERROR"
    )
    assert_same_pairs(found, mirrored(theirs.get_data("dense")[..., 0], "antisymmetric"))


@pytest.mark.parametrize("n_epochs", [2, 3, 63, 64, 65, 120, 128, 150, 183])
@pytest.mark.parametrize("n_regions", [2, 3, 4, 5])
def test_measures_equal_their_definitions_at_every_block_boundary(mixed_epochs, n_epochs, n_regions):
    epochs = mixed_epochs(n_epochs, n_regions, 250)
    times = np.arange(250)
    basis = np.hanning(250) * np.exp(-2j * np.pi * np.outer(np.arange(8, 13) / SFREQ_HZ, times))
    coefficients = (epochs - epochs.mean(axis=-1, keepdims=True)) @ basis.T
    cross = np.einsum("eif,ejf->efij", coefficients, coefficients.conj())
    found = compute(epochs, SPECTRAL, spectra="fourier")
    for name, expected in by_definition(cross).items():
        assert_same_pairs(found[name], expected, 1e-9 if n_epochs > 2 else 1e-7)


def test_measures_over_time_equal_their_definitions(rng):
    analytic = scipy_signal.hilbert(alpha_noise(rng, (3, 5, 1001)), axis=-1)
    matrices = over_time(lambda _: analytic, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, measures=OVER_TIME).matrices
    expected = by_definition(np.einsum("sit,sjt->tsij", analytic, analytic.conj()))
    for name in OVER_TIME:
        assert_same_pairs(matrices[name, "alpha"], expected[name])


def test_a_measure_does_not_depend_on_which_others_are_asked_for(mixed_epochs):
    epochs = mixed_epochs()
    together = compute(epochs, SPECTRAL)
    for name in SPECTRAL:
        assert_same_pairs(compute(epochs, [name])[name], together[name], 1e-14)


@pytest.mark.parametrize("phase", [-2.5, -0.7, 0.3, np.pi / 2])
def test_a_known_phase_lag(rng, phase):
    angles = 2 * np.pi * 10.0 * np.arange(500) / SFREQ_HZ + rng.uniform(0, 2 * np.pi, (400, 1))
    waves = np.stack([np.cos(angles + phase), np.cos(angles)], axis=1) + 0.5 * rng.standard_normal((400, 2, 500))
    found = compute(waves, SPECTRAL, bands_hz={"10 Hz": (10.0, 10.4)})
    coherence = found["coh"][0, 1]
    assert coherence > 0.95
    np.testing.assert_allclose(found["cohy"][0, 1], coherence * np.exp(1j * phase), atol=0.02)
    np.testing.assert_allclose(found["imcoh"][0, 1], coherence * np.sin(phase), atol=0.02)
    np.testing.assert_allclose(
        found["lagged_coh"][0, 1],
        coherence * abs(np.sin(phase)) / np.sqrt(1 - (coherence * np.cos(phase)) ** 2),
        atol=0.02,
    )
    assert found["dpli"][0, 1] == (1.0 if phase > 0 else 0.0)
    assert found["pli"][0, 1] == 1.0


def test_the_row_leads(rng):
    found = compute(planted(rng, leader=0, follower=1, n_regions=2), ["imcoh", "dpli", "psi"])
    for name, matrix in found.items():
        assert matrix[0, 1] - NEUTRAL.get(name, 0.0) > 0.05, name
        assert matrix[1, 0] - NEUTRAL.get(name, 0.0) < -0.05, name


def test_coherency_of_an_autoregression_has_its_closed_form(rng):
    n_epochs, n_times, burn_in = 3000, 500, 100
    own, driven, lag = 0.6, 0.5, 3
    noise = rng.standard_normal((2, n_epochs, n_times + burn_in))
    leader = scipy_signal.lfilter([1.0], [1.0, -own], noise[0], axis=-1)
    delayed = np.concatenate([np.zeros((n_epochs, lag)), leader[:, :-lag]], axis=1)
    follower = scipy_signal.lfilter([1.0], [1.0, own], noise[1] + driven * delayed, axis=-1)
    epochs = np.stack([leader, follower], axis=1)[..., burn_in:]
    bands_hz = {f"{low} Hz": (float(low), low + 2.0) for low in (10, 40, 80)}
    found = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=["cohy", "coh", "imcoh"]).matrices
    for band, (low, high) in bands_hz.items():
        z = np.exp(-2j * np.pi * np.arange(low, high, 0.5) / SFREQ_HZ)
        autoregression = np.zeros((len(z), 2, 2), complex)
        autoregression[:, 0, 0], autoregression[:, 1, 1] = 1 - own * z, 1 + own * z
        autoregression[:, 1, 0] = -driven * z**lag
        transfer = np.linalg.inv(autoregression)
        spectrum = transfer @ transfer.conj().swapaxes(-1, -2)
        coherency = spectrum[:, 0, 1] / np.sqrt(spectrum[:, 0, 0] * spectrum[:, 1, 1]).real
        np.testing.assert_allclose(found["cohy", band][0, 1], coherency.mean(), atol=0.025)
        np.testing.assert_allclose(found["coh", band][0, 1], np.abs(coherency).mean(), atol=0.02)
        np.testing.assert_allclose(found["imcoh", band][0, 1], coherency.imag.mean(), atol=0.02)


def expected_without_coupling(name, n):
    """Mean of a measure over n independent samples of two independent complex Gaussian signals."""
    signs = sum(math.comb(n, k) * abs(2 * k - n) for k in range(n + 1)) / 2**n / n
    return {
        "coh": np.exp(gammaln(1.5) + gammaln(n) - gammaln(n + 0.5)),
        "plv": np.sqrt(np.pi) / (2 * np.sqrt(n)),
        "pli": signs,
        "wpli": 2 / np.sqrt(np.pi * n),
        "ciplv": 1 / np.sqrt(np.pi * n),
        "lagged_coh": 1 / np.sqrt(np.pi * n),
        "dpli": 0.5,
    }.get(name, 0.0)


@pytest.mark.parametrize("n_epochs", [20, 60, 200])
def test_values_without_coupling_are_the_known_ones(rng, n_epochs):
    found = compute(
        rng.standard_normal((n_epochs, 30, 250)), [*SPECTRAL, "psi"], bands_hz={"wide": (5.0, 115.0)}, spectra="fourier"
    )
    asymptotic = {"plv": 0.005, "wpli": 1.2 / n_epochs, "ciplv": 1.5 / n_epochs, "lagged_coh": 1.5 / n_epochs}
    for name, matrix in found.items():
        pairs = matrix[np.tril_indices(30, -1)]
        expected = expected_without_coupling(name, n_epochs)
        error = 4 * np.std(pairs) / np.sqrt(len(pairs)) + asymptotic.get(name, 0.0) * expected
        assert abs(pairs.mean() - expected) < error, name


def test_a_single_epoch_looks_locked_and_has_no_debiased_value(mixed_epochs):
    found = compute(mixed_epochs(n_epochs=1), [*SPECTRAL], spectra="fourier")
    for name in ("plv", "coh", "pli", "wpli"):
        assert_same_pairs(found[name], np.ones((6, 6)), 1e-12)
    for name in DEBIASED:
        assert np.isnan(found[name]).all()


FLIPPING = {"pli", "dpli", "pli2_unbiased"}


@pytest.mark.parametrize("spectra", ["multitaper", "fourier", "morlet"])
@pytest.mark.parametrize(("unit", "offset"), [(1.0, 0.0), (1e-6, 0.0), (1e-12, 0.0), (1e6, 0.0), (1e-6, 1e5)], ids=str)
def test_single_precision_stays_within_its_tolerance(mixed_epochs, spectra, unit, offset):
    epochs = mixed_epochs(n_epochs=40)
    names = [*SPECTRAL, "psi"] if spectra != "morlet" else SPECTRAL
    scales = np.where(np.arange(6) == 4, 1e6, 1.0)[:, None]
    double = compute(epochs, names, spectra=spectra)
    single = compute(unit * (scales * epochs + offset), names, spectra=spectra, precision="float32")
    for name in names:
        assert_same_pairs(single[name], double[name], 5e-3 if name in FLIPPING else 1e-4)


def test_single_precision_over_time_stays_within_its_tolerance(rng):
    analytic = scipy_signal.hilbert(alpha_noise(rng, (4, 5, 1000)), axis=-1)
    double, single = (
        over_time(
            lambda _: 1e-6 * analytic, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, measures=OVER_TIME, precision=precision
        ).matrices
        for precision in ("float64", "float32")
    )
    for name in OVER_TIME:
        tolerance = 5e-3 if name in FLIPPING else 1e-4
        assert_same_pairs(single[name, "alpha"], double[name, "alpha"], tolerance)


@pytest.mark.parametrize("name", ZERO_LAG_SAFE)
def test_a_planted_lag_is_the_largest_edge_in_its_band_only(rng, name):
    epochs = planted(rng, leader=3, follower=1)
    bands_hz = {**ALPHA, "beta": (18.0, 30.0)}
    matrices = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=[name]).matrices
    rows, columns = np.tril_indices(6, -1)
    alpha, beta = (np.abs(matrices[name, band][rows, columns] - NEUTRAL.get(name, 0.0)) for band in ("alpha", "beta"))
    edge = (rows == 3) & (columns == 1)
    assert np.argmax(alpha) == np.flatnonzero(edge)[0]
    assert alpha[edge][0] > 2 * alpha[~edge].max()
    assert beta[edge][0] < 2 * beta[~edge].max()


@pytest.mark.parametrize(
    ("name", "samples_per_value", "critical"),
    [("pli2_unbiased", 1.0, 3.841), ("ppc", 1.0, 2.996), ("wpli2_debiased", 0.5, 3.841)],
)
def test_nothing_planted_is_found_at_the_nominal_rate(rng, name, samples_per_value, critical):
    # (n - 1) v + 1 is chi-squared of one degree (signs) or exponential (unit vectors); weights halve the samples.
    n_epochs, n_regions = 101, 46
    found = compute(rng.standard_normal((n_epochs, n_regions, 250)), [name], bands_hz={"bin": (10.0, 10.5)})[name]
    values = found[np.tril_indices(n_regions, -1)]
    positive = np.mean((samples_per_value * n_epochs - 1) * values + 1 > critical)
    assert 0.03 < positive < 0.07
