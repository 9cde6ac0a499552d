from functools import partial

import numpy as np
import pytest
from mne.time_frequency import csd_array_multitaper
from mne_connectivity import spectral_connectivity_epochs
from scipy.signal import butter, sosfilt

from painconn.connectivity import engine
from painconn.connectivity.cross_sums import mean_cross_spectra
from painconn.connectivity.gates import NotComputable, band_bins
from painconn.connectivity.morlet import half_bandwidth_hz, morlet_coefficients, support_s
from painconn.connectivity.spectra import coefficient_blocks, hann_taper, power_density, slepian_tapers

pytestmark = pytest.mark.usefixtures("one_thread")

# What is computed is under test here, not what is refused.
over_epochs = partial(engine.over_epochs, gates=None)

SFREQ_HZ = 250.0
MORLET = {"spectra": "morlet", "sfreq_hz": SFREQ_HZ}


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def wavelet_by_hand(freq_hz, n_cycles):
    """The wavelet as the documentation says it is."""
    sd_s = n_cycles / (2 * np.pi * freq_hz)
    half = int(np.ceil(3 * sd_s * SFREQ_HZ))
    times_s = np.arange(-half, half + 1) / SFREQ_HZ
    wavelet = np.exp(2j * np.pi * freq_hz * times_s) * np.exp(-(times_s**2) / (2 * sd_s**2))
    return wavelet / np.sqrt(np.sum(np.abs(wavelet) ** 2)), sd_s


@pytest.mark.parametrize(
    ("n_times", "asked_hz", "n_tapers", "half_hz"),
    [
        (500, 1.0, 3, 1.0),
        (501, 1.0, 3, 1.0),
        (500, 2.0, 7, 2.0),
        (500, 0.75, 2, 0.75),
        (500, 0.1, 1, 0.5),
        (1000, 1.0, 7, 1.0),
        (499, 1.0, 1, 1.0),
        (313, 1.0, 1, 1.0),
        (125, 1.0, 1, 2.0),
    ],
)
def test_number_of_tapers_and_effective_smoothing(n_times, asked_hz, n_tapers, half_hz):
    tapers = slepian_tapers(n_times, sfreq_hz=SFREQ_HZ, half_bandwidth_hz=asked_hz)
    assert (tapers.n_tapers, tapers.half_bandwidth_hz) == (n_tapers, half_hz)
    np.testing.assert_allclose(np.square(tapers.values).sum() * SFREQ_HZ, 1.0, rtol=1e-3)


@pytest.mark.parametrize("n_times", [500, 313])
@pytest.mark.parametrize("make", [slepian_tapers, hann_taper])
def test_tapers_hold_their_power_within_the_smoothing(n_times, make):
    tapers = make(n_times, sfreq_hz=SFREQ_HZ)
    spectrum = np.square(np.abs(np.fft.rfft(tapers.values, 20 * n_times, axis=-1))).sum(axis=0)
    freqs_hz = np.fft.rfftfreq(20 * n_times, 1 / SFREQ_HZ)
    inside = spectrum[freqs_hz <= tapers.half_bandwidth_hz].sum() / spectrum.sum()
    assert inside > 0.9


def test_bands_are_half_open_and_share_no_bin():
    freqs_hz = slepian_tapers(500, sfreq_hz=SFREQ_HZ).freqs_hz
    claimed = sum(band_bins(freqs_hz, band).astype(int) for band in ((4.0, 8.0), (8.0, 13.0), (13.0, 30.0)))
    assert claimed.max() == 1
    assert claimed.sum() == 52
    assert freqs_hz[claimed > 0][[0, -1]].tolist() == [4.0, 29.5]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("n_epochs", [1, 2, 63, 64, 65, 120, 128, 150])
@pytest.mark.parametrize("n_regions", [1, 4, 5])
def test_blocks_hold_every_coefficient_once_and_zeros_beside(rng, precision, n_epochs, n_regions):
    signals = 1e-6 * rng.standard_normal((n_epochs, n_regions, 101)) + 3.0
    tapers = slepian_tapers(101, sfreq_hz=50.0)
    bins, gains = np.array([0, 3, 4, 50]), 1e6 * rng.uniform(1, 2, n_regions)
    # A block is overwritten by the next one.
    found = coefficient_blocks(signals, tapers, bins, gains=gains, precision=precision)
    blocks = [(real.copy(), imag.copy()) for real, imag in found]
    assert all(part.dtype == precision and part.shape[-1] % 16 == 0 for block in blocks for part in block)
    counts = [min(64, n_epochs - start) for start in range(0, n_epochs, 64)]
    assert all(
        not block[part][..., count:].any() for block, count in zip(blocks, counts, strict=True) for part in (0, 1)
    )
    found = np.concatenate(
        [(real + 1j * imag)[..., :count] for (real, imag), count in zip(blocks, counts, strict=True)], axis=-1
    )
    scaled = gains[:, None] * (signals - signals.mean(axis=-1, keepdims=True))
    waves = np.exp(-2j * np.pi * np.outer(bins, np.arange(101)) / 101)
    expected = np.einsum("ert,kt,ft->frke", scaled, tapers.values, waves)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 if precision == "float64" else 1e-5)


@pytest.mark.parametrize("n_times", [500, 501])
def test_mean_cross_spectra_equal_mne_and_are_a_density(mixed_epochs, n_times):
    epochs = 1e-6 * mixed_epochs(n_epochs=70, n_regions=5, n_times=n_times)
    cross = mean_cross_spectra(epochs, slepian_tapers(n_times, sfreq_hz=SFREQ_HZ))
    theirs = csd_array_multitaper(
        epochs, SFREQ_HZ, fmin=8.0, fmax=12.9, bandwidth=2.0, low_bias=True, adaptive=False, verbose="ERROR"
    )
    for freq_hz in theirs.frequencies:
        index = np.argmin(np.abs(cross.freqs_hz - freq_hz))
        ours, of_mne = cross.values[index], theirs.get_data(frequency=freq_hz)
        np.testing.assert_allclose(ours / np.abs(ours).max(), of_mne / np.abs(of_mne).max(), atol=1e-9)
    two_sided = np.fft.irfft(cross.values, n=n_times, axis=0) * SFREQ_HZ
    variance = np.einsum("rr->r", two_sided[0])
    np.testing.assert_allclose(variance, epochs.var(axis=-1).mean(axis=0), rtol=0.02)
    interior = np.arange(5, 100)
    density = power_density(epochs, slepian_tapers(n_times, sfreq_hz=SFREQ_HZ), interior)
    np.testing.assert_allclose(density, 2 * np.einsum("fii->if", cross.values[interior]).real, rtol=1e-10)


def test_cross_spectra_turn_the_way_of_the_leading_row(rng):
    leader = rng.standard_normal((30, 510))
    epochs = np.stack([leader[:, 4:504], leader[:, :500]], axis=1)
    cross = mean_cross_spectra(epochs, slepian_tapers(500, sfreq_hz=SFREQ_HZ))
    expected = 2 * np.pi * cross.freqs_hz * 4 / SFREQ_HZ
    np.testing.assert_allclose(np.angle(cross.values[10:40, 1, 0]), -expected[10:40], atol=0.05)
    assert (cross.values[10:40, 0, 1].imag > 0).all()


@pytest.mark.parametrize("make", [slepian_tapers, hann_taper])
def test_power_density_of_white_noise_and_of_a_sine(rng, make):
    white = rng.standard_normal((200, 1, 500)) * 3.0
    tapers = make(500, sfreq_hz=SFREQ_HZ)
    density = power_density(white, tapers, np.arange(5, 245))[0]
    np.testing.assert_allclose(density.mean(), 2 * 9.0 / SFREQ_HZ, rtol=0.03)
    sine = np.sin(2 * np.pi * 10.0 * np.arange(500) / SFREQ_HZ)[None, None]
    density = power_density(sine, tapers, np.arange(1, 250))[0]
    np.testing.assert_allclose(density.sum() * 0.5, 0.5, rtol=0.02)


@pytest.mark.parametrize("n_times", [400, 401])
@pytest.mark.parametrize("n_cycles", [5.0, 7.0])
def test_wavelet_coefficients_are_the_convolution_where_the_wavelet_fits(rng, n_times, n_cycles):
    signals = rng.standard_normal((2, 3, n_times)) + 50.0
    freqs_hz = np.array([8.0, 11.0, 20.5, 40.0])
    found = morlet_coefficients(signals, sfreq_hz=SFREQ_HZ, freqs_hz=freqs_hz, n_cycles=n_cycles)
    centred = signals - signals.mean(axis=-1, keepdims=True)
    for freq_hz, coefficients in zip(freqs_hz, found, strict=True):
        wavelet, _ = wavelet_by_hand(freq_hz, n_cycles)
        expected = np.apply_along_axis(np.convolve, -1, centred, wavelet, mode="valid")
        np.testing.assert_allclose(coefficients, expected, atol=1e-10)
        assert len(wavelet) >= support_s(freq_hz, n_cycles) * SFREQ_HZ


def test_the_smoothing_of_a_wavelet_is_where_its_power_has_halved():
    wavelet, _ = wavelet_by_hand(10.0, 7.0)
    freqs_hz = np.fft.fftfreq(50_000, 1 / SFREQ_HZ)
    power = np.abs(np.fft.fft(wavelet, 50_000)) ** 2
    above = freqs_hz[power >= power.max() / 2]
    np.testing.assert_allclose((above.max() - above.min()) / 2, half_bandwidth_hz(10.0, 7.0), rtol=0.03)


def test_morlet_bands_are_means_over_frequencies_and_times(mixed_epochs):
    epochs = mixed_epochs(n_epochs=20, n_regions=4, n_times=400)
    found = over_epochs(epochs, bands_hz={"alpha": (8.0, 13.0)}, measures=["cohy", "pli"], **MORLET).matrices
    coherency, lag, n_points = [], [], 0
    for freq_hz in np.arange(8.0, 13.0):
        wavelet, sd_s = wavelet_by_hand(freq_hz, 7.0)
        centred = epochs - epochs.mean(axis=-1, keepdims=True)
        values = np.apply_along_axis(np.convolve, -1, centred, wavelet, mode="valid")
        n_points = n_points or len(range(0, values.shape[-1], round(sd_s / 2 * SFREQ_HZ)))
        values = values[..., np.linspace(0, values.shape[-1] - 1, n_points).round().astype(int)]
        cross = np.einsum("eit,ejt->etij", values, values.conj())
        power = np.einsum("etii->ti", cross).real
        coherency.extend(cross.sum(axis=0) / np.sqrt(power[:, :, None] * power[:, None]))
        lag.extend(np.abs(np.sign(cross.imag).mean(axis=0)))
    np.testing.assert_allclose(
        off_diagonal(found["cohy", "alpha"]), off_diagonal(np.mean(coherency, axis=0)), atol=1e-9
    )
    np.testing.assert_allclose(off_diagonal(found["pli", "alpha"]), off_diagonal(np.mean(lag, axis=0)), atol=1e-9)


def test_morlet_comes_close_to_mne_connectivity_whose_wavelets_are_longer(mixed_epochs):
    epochs = mixed_epochs(n_epochs=40, n_regions=4, n_times=500)
    found = over_epochs(epochs, bands_hz={"10 Hz": (10.0, 10.5)}, measures=["coh", "imcoh"], **MORLET).matrices
    theirs = spectral_connectivity_epochs(
        epochs,
        method=["coh", "imcoh"],
        sfreq=SFREQ_HZ,
        mode="cwt_morlet",
        cwt_freqs=np.array([10.0]),
        cwt_n_cycles=7.0,
        fmin=9.0,
        fmax=11.0,
        verbose="ERROR",
    )
    half = round(support_s(10.0, 7.0) / 2 * SFREQ_HZ)
    rows, columns = np.tril_indices(4, -1)
    for name, of_mne in zip(("coh", "imcoh"), theirs, strict=True):
        over_valid_times = of_mne.get_data("dense")[..., 0, half:-half].mean(axis=-1)
        ours = found[name, "10 Hz"]
        np.testing.assert_allclose(ours[rows, columns], over_valid_times[rows, columns], atol=0.02)


def test_a_wavelet_that_does_not_fit_costs_only_its_own_band(mixed_epochs):
    epochs = mixed_epochs(n_times=312)
    bands_hz = {"theta": (4.0, 8.0), "beta": (13.0, 30.0)}
    found = over_epochs(epochs, bands_hz=bands_hz, measures=["coh", "psi"], **MORLET)
    assert set(found.matrices) == {("coh", "beta")}
    assert "1.68 s long, the epoch 1.25 s" in found.not_computable["coh", "theta"]
    assert "multitaper or fourier" in found.not_computable["psi", "beta"]
    alone = over_epochs(epochs, bands_hz={"beta": (13.0, 30.0)}, measures=["coh"], **MORLET)
    np.testing.assert_array_equal(found.matrices["coh", "beta"], alone.matrices["coh", "beta"])
    with pytest.raises(NotComputable, match="4 Hz"):
        next(morlet_coefficients(epochs, sfreq_hz=SFREQ_HZ, freqs_hz=np.array([4.0])))


@pytest.mark.parametrize("band_hz", [(130.0, 140.0), (125.0, 130.0), (8.0, 8.0), (0.0, 0.5)])
@pytest.mark.parametrize("spectra", ["multitaper", "fourier", "morlet"])
def test_a_band_without_frequencies_is_not_computable(mixed_epochs, spectra, band_hz):
    found = over_epochs(
        mixed_epochs(), sfreq_hz=SFREQ_HZ, bands_hz={"odd": band_hz}, measures=["coh", "wpli"], spectra=spectra
    )
    assert not found.matrices
    assert set(found.not_computable) == {("coh", "odd"), ("wpli", "odd")}


@pytest.mark.parametrize("spectra", ["multitaper", "fourier"])
@pytest.mark.parametrize("n_times", [500, 501])
def test_bins_without_phase_take_no_part(mixed_epochs, spectra, n_times):
    epochs = mixed_epochs(n_times=n_times)
    bands_hz = {"from 0": (0.0, 4.0), "to Nyquist": (100.0, 130.0), "first": (0.4, 4.0), "last": (100.0, 124.99)}
    found = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=["wpli", "coh"], spectra=spectra)
    assert not found.copied_pairs
    for name in ("wpli", "coh"):
        np.testing.assert_array_equal(found.matrices[name, "from 0"], found.matrices[name, "first"])
        np.testing.assert_array_equal(found.matrices[name, "to Nyquist"], found.matrices[name, "last"])
        assert np.isfinite(off_diagonal(found.matrices[name, "from 0"])).all()


def test_bands_may_overlap_and_hold_a_single_bin(mixed_epochs):
    epochs = mixed_epochs()
    bands_hz = {
        "wide": (4.0, 30.0),
        "alpha": (8.0, 13.0),
        "bin": (10.0, 10.5),
        "far": (40.0, 41.0),
        "same": (8.0, 13.0),
    }
    measures = ["coh", "wpli", "psi"]
    together = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=measures).matrices
    for band, band_hz in bands_hz.items():
        alone = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz={band: band_hz}, measures=measures).matrices
        for name in measures:
            np.testing.assert_allclose(together[name, band], alone[name, band], atol=1e-14)
    assert np.isnan(together["psi", "bin"]).all()
    assert np.isfinite(off_diagonal(together["psi", "far"])).all()


def test_drifts_outside_the_band_leak_little(rng):
    epochs = rng.standard_normal((40, 3, 500))
    sos = butter(2, 0.5, fs=SFREQ_HZ, output="sos")
    drift = 30 * sosfilt(sos, rng.standard_normal((40, 1, 2500)), axis=-1)[..., -500:]
    for spectra, limit in (("multitaper", 0.1), ("fourier", 0.1), ("morlet", 0.1)):
        options = {"sfreq_hz": SFREQ_HZ, "bands_hz": {"alpha": (8.0, 13.0)}, "measures": ["coh"], "spectra": spectra}
        clean, drifting = (over_epochs(x, **options).matrices["coh", "alpha"] for x in (epochs, epochs + drift))
        assert np.nanmax(np.abs(drifting - clean)) < limit, spectra
