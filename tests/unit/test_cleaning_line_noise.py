from pathlib import Path

import mne
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import welch

from painconn.cleaning.line_noise import CHUNK_S, LARGEST_FRACTION, LineNoiseMethod, suppress_line_noise
from painconn.cleaning.rank import numerical_rank
from painconn.simulation.signals import band_noise, powerlaw_noise

RATE_HZ = 250.0
N_CHANNELS = 16
DURATION_S = 90.0
LOWPASS_HZ = 100.0
METHODS = ["notch", pytest.param("spectrum_fit", marks=pytest.mark.slow), "zapline"]
Array = NDArray[np.float64]


def recorded(data: Array, rate_hz: float = RATE_HZ) -> mne.io.RawArray:
    return mne.io.RawArray(data.copy(), mne.create_info(len(data), rate_hz, "eeg"), verbose="ERROR")


def brain(seed: int = 1, *, n_channels: int = N_CHANNELS, duration_s: float = DURATION_S) -> Array:
    """Mixed 1/f activity and a little sensor noise, in V."""
    rng = np.random.default_rng(seed)
    n_times = int(duration_s * RATE_HZ)
    mixing = rng.standard_normal((n_channels, n_channels)) / np.sqrt(n_channels)
    sources = powerlaw_noise(rng, n_channels, n_times, sfreq_hz=RATE_HZ, exponent=1.5)
    return 8e-6 * mixing @ sources + 0.3e-6 * rng.standard_normal((n_channels, n_times))


def mains(kind: str, *, line_hz: float = 50.0, seed: int = 2, size_v: float = 8e-6) -> Array:
    """Fundamental and second harmonic, each with its own size and phase per channel (two directions per frequency)."""
    rng = np.random.default_rng(seed)
    n_times = int(DURATION_S * RATE_HZ)
    times_s = np.arange(n_times) / RATE_HZ
    frequency_hz = np.full(n_times, line_hz + (0.05 if kind == "beside" else 0.0))
    if "drifting" in kind:
        frequency_hz += 0.2 * np.sin(2 * np.pi * times_s / DURATION_S)
    strength = np.ones(n_times)
    if "waxing" in kind:
        strength = np.exp(0.5 * band_noise(rng, 1, n_times, sfreq_hz=RATE_HZ, peak_hz=0.0, width_hz=0.1)[0])
    noise = np.zeros((N_CHANNELS, n_times))
    for harmonic, share in ((1, 1.0), (2, 0.3)):
        phase = 2 * np.pi * np.cumsum(harmonic * frequency_hz) / RATE_HZ
        sizes = np.exp(0.4 * rng.standard_normal((N_CHANNELS, 1)))
        noise += share * strength * sizes * np.sin(phase + 0.3 * rng.standard_normal((N_CHANNELS, 1)))
    return size_v * noise


def line_db(data: Array, line_hz: float, rate_hz: float = RATE_HZ) -> Array:
    """Power within 0.5 Hz of a frequency against that at 2-5 Hz beside it, per channel."""
    freqs_hz, power = welch(data, rate_hz, nperseg=min(int(10 * rate_hz), data.shape[1]))
    distance_hz = np.abs(freqs_hz - line_hz)
    at, beside = distance_hz <= 0.5, (distance_hz > 2) & (distance_hz <= 5)
    return 10 * np.log10(power[:, at].mean(axis=1) / power[:, beside].mean(axis=1))


def kept(before: Array, after: Array, line_hz: float = 50.0) -> float:
    """Smallest correlation over channels of what lies within 5 Hz of the line, the nearest 1 Hz left out."""
    inner = slice(int(5 * RATE_HZ), -int(5 * RATE_HZ))
    spectra = [np.fft.rfft(data[:, inner] * np.hanning(data[:, inner].shape[1])) for data in (before, after)]
    distance_hz = np.abs(np.fft.rfftfreq(before[:, inner].shape[1], 1 / RATE_HZ) - line_hz)
    first, second = (values[:, (distance_hz > 1) & (distance_hz < 5)] for values in spectra)
    shared = (first * second.conj()).real.sum(axis=1)
    return float((shared / np.sqrt((np.abs(first) ** 2).sum(axis=1) * (np.abs(second) ** 2).sum(axis=1))).min())


def cleaned(data: Array, method: LineNoiseMethod, *, line_hz: float = 50.0) -> Array:
    result = suppress_line_noise(recorded(data), method=method, line_freq_hz=line_hz, lowpass_hz=LOWPASS_HZ)
    return result.raw.get_data()


@pytest.mark.slow
@pytest.mark.parametrize("line_hz", [50.0, 60.0])
@pytest.mark.parametrize(
    ("kind", "method", "most_db", "most_anywhere_db"),
    [
        ("steady", "notch", 0.0, 0.0),
        ("steady", "spectrum_fit", 0.0, 0.0),
        ("beside", "spectrum_fit", 3.5, 9.0),
        ("steady", "zapline", 0.5, 1.5),
        ("beside", "zapline", 0.5, 1.5),
        ("waxing and drifting", "zapline", 0.5, 1.5),
    ],
)
def test_line_is_hardly_stronger_than_its_neighbours(
    kind: str, method: LineNoiseMethod, most_db: float, most_anywhere_db: float, line_hz: float
) -> None:
    data = brain() + mains(kind, line_hz=line_hz)
    after = cleaned(data, method, line_hz=line_hz)
    for freq_hz in (line_hz, 2 * line_hz):
        assert line_db(data, freq_hz).mean() > 10
        assert line_db(after, freq_hz).mean() < most_db
        assert line_db(after, freq_hz).max() < most_anywhere_db


@pytest.mark.parametrize("method", METHODS)
def test_brain_beside_the_line_stays(method: LineNoiseMethod) -> None:
    signal = brain()
    assert kept(signal, cleaned(signal + mains("steady"), method)) > 0.99
    far = [recorded(data).filter(1, 35, verbose="ERROR").get_data() for data in (signal, cleaned(signal, method))]
    assert np.linalg.norm(far[1] - far[0]) < 5e-3 * np.linalg.norm(far[0])


@pytest.mark.parametrize("kind", ["steady", "waxing and drifting"])
def test_spatial_filter_keeps_the_brain_at_the_line_where_a_notch_does_not(kind: str) -> None:
    signal = brain()
    parts = [signal, *(cleaned(signal + mains(kind), method) for method in ("notch", "zapline"))]
    truth, notched, spatial = (
        recorded(data).filter(49.5, 50.5, l_trans_bandwidth=0.5, h_trans_bandwidth=0.5, verbose="ERROR").get_data()
        for data in parts
    )
    inner = slice(int(7 * RATE_HZ), -int(7 * RATE_HZ))
    lost = [np.var((data - truth)[:, inner]) / np.var(truth[:, inner]) for data in (notched, spatial)]
    assert lost[1] < 0.3 < lost[0]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "most"), [("notch", 0.05), ("spectrum_fit", 0.05), ("zapline", 0.002)])
def test_hardly_anything_changes_where_there_is_no_line(method: LineNoiseMethod, most: float) -> None:
    changed = 0.0
    for seed in range(2):
        signal = brain(seed)
        changed += np.linalg.norm(cleaned(signal, method) - signal) / np.linalg.norm(signal) / 2
    assert changed < most


def test_spatial_filter_rarely_sees_a_line_that_is_not_there() -> None:
    counts = [
        count
        for seed in range(6)
        for chunks in suppress_line_noise(
            recorded(brain(seed)), method="zapline", line_freq_hz=50.0, lowpass_hz=LOWPASS_HZ
        ).n_components.values()
        for count in chunks
    ]
    assert len(counts) == 6 * 2 * DURATION_S / CHUNK_S
    assert np.count_nonzero(counts) <= 2


def test_notch_is_that_of_mne() -> None:
    data = brain() + mains("steady")
    expected = recorded(data).notch_filter([50.0, 100.0], verbose="ERROR").get_data()
    result = suppress_line_noise(recorded(data), method="notch", line_freq_hz=50.0, lowpass_hz=LOWPASS_HZ)
    assert result.freqs_hz == (50.0, 100.0)
    assert np.array_equal(result.raw.get_data(), expected)


def test_removed_directions_are_counted_per_frequency_and_chunk() -> None:
    noise = mains("waxing and drifting")
    noise[:, : noise.shape[1] // 2] = 0.0
    raw = recorded(brain() + noise)
    result = suppress_line_noise(raw, method="zapline", line_freq_hz=50.0, lowpass_hz=LOWPASS_HZ)
    assert set(result.n_components) == {50.0, 100.0}
    for counts in result.n_components.values():
        assert len(counts) == DURATION_S / CHUNK_S
        assert counts[0] == 0
        assert all(1 <= count <= 3 for count in counts[2:])
    first, quarter = raw.get_data(), slice(0, raw.n_times // 8)
    assert np.array_equal(result.raw.get_data()[:, quarter], first[:, quarter])


def test_no_more_than_a_fifth_of_the_dimensions_goes() -> None:
    rng = np.random.default_rng(4)
    times_s = np.arange(int(DURATION_S * RATE_HZ)) / RATE_HZ
    slow = band_noise(rng, 2 * N_CHANNELS, times_s.size, sfreq_hz=RATE_HZ, peak_hz=0.0, width_hz=0.1)
    turning = slow[:N_CHANNELS] * np.cos(2 * np.pi * 50 * times_s) + slow[N_CHANNELS:] * np.sin(
        2 * np.pi * 50 * times_s
    )
    raw = recorded(brain() + 20e-6 * turning)
    result = suppress_line_noise(raw, method="zapline", line_freq_hz=50.0, lowpass_hz=60.0)
    assert set(result.n_components[50.0]) == {int(LARGEST_FRACTION * N_CHANNELS)}


@pytest.mark.parametrize("method", METHODS)
def test_rank_stays(method: LineNoiseMethod) -> None:
    data = brain() + mains("steady")
    assert numerical_rank(cleaned(data, method), average_reference=False) == N_CHANNELS
    referenced = data - data.mean(axis=0)
    assert numerical_rank(cleaned(referenced, method), average_reference=False) == N_CHANNELS - 1
    silent = np.vstack([data[:-1], np.zeros(data.shape[1])])
    assert numerical_rank(cleaned(silent, method), average_reference=False) == N_CHANNELS - 1


def test_bad_channels_take_no_part_and_input_stays() -> None:
    data = brain() + mains("steady")
    data[3] = 1e-3 * np.random.default_rng(5).standard_normal(data.shape[1])
    raw = recorded(data.copy())
    raw.info["bads"] = [raw.ch_names[3]]
    result = suppress_line_noise(raw, method="zapline", line_freq_hz=50.0, lowpass_hz=LOWPASS_HZ).raw
    assert np.array_equal(result.get_data()[3], data[3])
    assert np.array_equal(raw.get_data(), data)
    alone = cleaned(np.delete(data, 3, axis=0), "zapline")
    np.testing.assert_allclose(np.delete(result.get_data(), 3, axis=0), alone, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_short_silent_and_slow_recordings_pass(method: LineNoiseMethod) -> None:
    short = (brain() + mains("steady"))[:, : int(8 * RATE_HZ)]
    assert line_db(cleaned(short, method), 50.0).mean() < 3.0
    silence = np.zeros((4, int(20 * RATE_HZ)))
    assert np.array_equal(cleaned(silence, method), silence)
    slow = recorded(brain()[:, : int(40 * RATE_HZ)], rate_hz=122.0)
    result = suppress_line_noise(slow, method=method, line_freq_hz=60.0, lowpass_hz=50.0)
    assert result.freqs_hz == (60.0,)
    assert np.isfinite(result.raw.get_data()).all()


@pytest.mark.parametrize(("method", "lowpass_hz"), [("none", 100.0), ("zapline", 30.0)])
def test_nothing_is_done_without_a_method_or_a_line_below_the_lowpass(
    method: LineNoiseMethod, lowpass_hz: float
) -> None:
    raw = recorded(brain()[:, :2500])
    result = suppress_line_noise(raw, method=method, line_freq_hz=50.0, lowpass_hz=lowpass_hz)
    assert result.freqs_hz == ()
    assert np.array_equal(result.raw.get_data(), raw.get_data())
    assert result.raw is not raw


@pytest.mark.realdata
@pytest.mark.parametrize("method", METHODS)
def test_line_noise_of_real_recordings_goes(real_data: Path, method: LineNoiseMethod) -> None:
    for path in sorted((real_data / "eegmmidb-eyes-open").rglob("*.edf")):
        raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
        result = suppress_line_noise(raw, method=method, line_freq_hz=60.0, lowpass_hz=70.0)
        before, after = (line_db(data.get_data(), 60.0, raw.info["sfreq"]) for data in (raw, result.raw))
        assert before.max() > 4.0
        assert np.median(after) < 0.5
        assert after.max() < 2.0
