import numpy as np
import pytest
from scipy import signal

from painconn.cortex.montage import place_electrodes
from painconn.simulation import artefacts
from painconn.simulation.caps import CAP_32

SFREQ = 250.0
N_TIMES = 15_000


@pytest.fixture(scope="module")
def positions_m():
    return np.array(list(place_electrodes(CAP_32).values()))


def ranked(values):
    return [CAP_32[index] for index in np.argsort(values)[::-1]]


def test_blinks_are_frontal_slow_and_as_large_as_stated(rng, positions_m):
    data = artefacts.blinks(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, per_minute=12, size_uv=100)
    assert set(ranked(np.abs(data).max(axis=1))[:2]) == {"Fp1", "Fp2"}
    assert 70 < np.abs(data).max() < 200
    peaks, _ = signal.find_peaks(data[0], height=40, distance=75)
    assert 4 <= len(peaks) <= 24


@pytest.mark.parametrize("per_minute", [4.0, 25.0])
def test_blinks_go_on_until_the_end_of_a_long_recording(per_minute, positions_m):
    minutes = 20
    n_times = round(minutes * 60 * SFREQ)
    n_blinks, last_s = [], []
    for seed in range(6):
        data = artefacts.blinks(
            np.random.default_rng(seed), positions_m[:1], n_times, sfreq_hz=SFREQ, per_minute=per_minute, size_uv=100
        )
        peaks, _ = signal.find_peaks(data[0], height=40, distance=75)
        n_blinks.append(len(peaks))
        last_s.append(peaks[-1] / SFREQ)
    assert np.mean(n_blinks) == pytest.approx(minutes * per_minute, rel=0.12)
    assert min(last_s) > 60 * minutes - 90


def test_no_blinks_at_rate_zero(rng, positions_m):
    assert not artefacts.blinks(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, per_minute=0, size_uv=100).any()


def test_muscle_is_temporal_and_above_20_hz(rng, positions_m):
    data = artefacts.muscle(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, bursts_per_minute=5, burst_uv=10, tone_uv=1)
    rms = data.std(axis=1)
    assert rms[CAP_32.index("FT9")] > 3 * rms[CAP_32.index("Cz")]
    assert rms[CAP_32.index("TP10")] > 3 * rms[CAP_32.index("Pz")]
    freqs, power = signal.welch(data[CAP_32.index("FT9")], SFREQ, nperseg=500)
    assert power[freqs > 20].sum() > 0.85 * power.sum()


def test_heart_beats_at_its_rate(rng, positions_m):
    data = artefacts.heart(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, per_minute=60, size_uv=4)
    strongest = data[np.argmax(np.abs(data).max(axis=1))]
    peaks, _ = signal.find_peaks(np.abs(strongest), height=3, distance=100)
    assert len(peaks) == pytest.approx(59, abs=3)
    assert np.abs(data).max() == pytest.approx(4, rel=0.1)


def test_line_noise_lies_at_the_mains_frequency(rng):
    data = artefacts.line_noise(rng, 4, N_TIMES, sfreq_hz=SFREQ, line_hz=50.0, size_uv=3.0)
    freqs, power = signal.welch(data, SFREQ, nperseg=500)
    near = (np.abs(freqs - 50) <= 1) | (np.abs(freqs - 100) <= 1)
    assert power[:, near].sum() > 0.99 * power.sum()


def test_drifts_are_slow_and_sensor_noise_is_white(rng):
    drift = artefacts.drifts(rng, 3, N_TIMES, sfreq_hz=SFREQ, size_uv=15)
    freqs, power = signal.welch(drift, SFREQ, nperseg=7500)
    assert power[:, freqs > 0.5].sum() < 0.01 * power.sum()
    noise = artefacts.sensor_noise(rng, 3, N_TIMES, size_uv=0.8)
    assert noise.std(axis=1) == pytest.approx(np.full(3, 0.8), rel=0.05)


def test_eyes_that_are_closed_neither_blink_nor_look(positions_m):
    span = slice(round(20 * SFREQ), round(40 * SFREQ))
    for make, size in ((artefacts.blinks, 100), (artefacts.saccades, 35)):
        seen, spared = (
            make(
                np.random.default_rng(4),
                positions_m,
                N_TIMES,
                sfreq_hz=SFREQ,
                per_minute=25,
                size_uv=size,
                closed_s=closed_s,
            )
            for closed_s in ([], [(20.0, 40.0)])
        )
        assert np.ptp(seen[:, span], axis=1).max() > 0.5 * size
        assert np.ptp(spared[:, span], axis=1).max() < 0.01 * size
        np.testing.assert_array_equal(spared[:, : round(19 * SFREQ)], seen[:, : round(19 * SFREQ)])
        assert np.ptp(spared[:, span.stop :], axis=1).max() > 0.5 * size


def test_saccades_are_steps_of_opposite_sign_at_the_two_temples(rng, positions_m):
    data = artefacts.saccades(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, per_minute=20, size_uv=35)
    left, right = (data[CAP_32.index(name)] for name in ("F7", "F8"))
    assert np.corrcoef(left, right)[0, 1] < -0.95
    assert 15 < np.abs(data).max() <= 35
    moving = np.abs(np.diff(right)) > 0
    steps = np.flatnonzero(np.diff(np.concatenate([[0], moving, [0]])) == 1)
    assert len(steps) == pytest.approx(20, abs=2)
    assert moving.sum() <= 20 * round(0.02 * SFREQ)


def test_movements_are_large_slow_and_everywhere(rng, positions_m):
    data = artefacts.movements(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, per_minute=4, size_uv=300)
    peaks = np.abs(data).max(axis=1)
    assert 200 < peaks.max() < 600
    assert np.median(peaks) > 80
    freqs, power = signal.welch(data, SFREQ, nperseg=2500)
    assert power[:, freqs > 4].sum() < 0.01 * power.sum()
    still = np.abs(data).max(axis=0) < 1
    assert 0.3 < still.mean() < 0.95
    assert not artefacts.movements(rng, positions_m, N_TIMES, sfreq_hz=SFREQ, per_minute=0, size_uv=300).any()
