import numpy as np
import pytest
from scipy import signal

from painconn.simulation import signals

SFREQ = 250.0
N_TIMES = 60_000


def spectrum(series):
    return signal.welch(series, SFREQ, nperseg=500, axis=-1)


def coherency_at(first, second, freq_hz):
    freqs, cross = signal.csd(first, second, SFREQ, nperseg=500)
    at = np.argmin(np.abs(freqs - freq_hz))
    return cross[at] / np.sqrt(spectrum(first)[1][at] * spectrum(second)[1][at])


@pytest.mark.parametrize("exponent", [0.8, 1.5])
def test_aperiodic_noise_has_the_stated_slope_and_unit_variance(rng, exponent):
    noise = signals.powerlaw_noise(rng, 8, N_TIMES, sfreq_hz=SFREQ, exponent=exponent, knee_hz=0.1)
    freqs, power = spectrum(noise)
    band = (freqs >= 4) & (freqs <= 60)
    slope = np.polyfit(np.log(freqs[band]), np.log(power.mean(axis=0)[band]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.07)
    assert noise.var() == pytest.approx(1.0, abs=0.15)


def test_band_noise_lies_at_its_peak(rng):
    noise = signals.band_noise(rng, 6, N_TIMES, sfreq_hz=SFREQ, peak_hz=10.0, width_hz=1.0)
    freqs, power = spectrum(noise)
    power = power.mean(axis=0)
    assert freqs[np.argmax(power)] == pytest.approx(10.0, abs=0.5)
    assert power[(freqs < 6) | (freqs > 14)].sum() < 0.01 * power.sum()
    assert noise.var(axis=1) == pytest.approx(np.ones(6), abs=0.12)


def test_signals_of_one_call_are_independent_and_repeat_with_the_seed():
    first, again = (
        signals.band_noise(np.random.default_rng(3), 2, N_TIMES, sfreq_hz=SFREQ, peak_hz=10.0, width_hz=1.0)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first)[0, 1]) < 0.1


@pytest.mark.parametrize("strength", [0.0, 0.4, 0.8])
def test_coupled_signals_have_the_stated_coherency_and_lag(rng, strength):
    line = {"sfreq_hz": SFREQ, "peak_hz": 10.0, "width_hz": 1.5}
    shared, *own = signals.band_noise(rng, 3, N_TIMES, **line)
    leader = signals.mixed_with(own[0], shared, strength)
    follower = signals.mixed_with(own[1], signals.delayed(shared, 0.025, sfreq_hz=SFREQ), strength)
    coherency = coherency_at(leader, follower, 10.0)
    assert abs(coherency) == pytest.approx(strength, abs=0.12)
    assert leader.var() == pytest.approx(1.0, abs=0.15)
    if strength:
        assert np.angle(coherency) == pytest.approx(-np.pi / 2, abs=0.25)


def test_instant_mixing_gives_coherence_without_imaginary_part(rng):
    sources = signals.band_noise(rng, 2, N_TIMES, sfreq_hz=SFREQ, peak_hz=10.0, width_hz=1.5)
    mixed = np.array([[1.0, 0.6], [0.5, 1.0]]) @ sources
    coherency = coherency_at(*mixed, 10.0)
    assert abs(coherency) > 0.7
    assert abs(coherency.imag) < 0.1


def test_delay_by_whole_samples_is_a_shift(rng):
    series = rng.standard_normal((2, 1000))
    np.testing.assert_allclose(
        signals.delayed(series, 7 / SFREQ, sfreq_hz=SFREQ), np.roll(series, 7, axis=1), atol=1e-12
    )


def test_modulation_is_positive_slow_and_keeps_the_power(rng):
    gain = signals.slow_modulation(rng, 20, N_TIMES, sfreq_hz=SFREQ, depth=0.25)
    assert gain.min() > 0
    assert np.mean(gain**2) == pytest.approx(1.0, abs=0.08)
    freqs, power = signal.welch(gain - gain.mean(), SFREQ, nperseg=20_000)
    assert power.mean(axis=0)[freqs > 1.0].sum() < 0.01 * power.mean(axis=0).sum()
    np.testing.assert_allclose(signals.slow_modulation(rng, 1, 500, sfreq_hz=SFREQ, depth=0.0), 1.0)


def test_parts_add_up_to_unit_variance_in_the_rows_that_hold_them(rng):
    own, first, second = rng.standard_normal((3, 3, N_TIMES))
    together = signals.mixed(own, [([0, 1], first[0], 0.5), ([1], second[:1], 0.3)])
    np.testing.assert_array_equal(together[2], own[2])
    np.testing.assert_allclose(together[0], np.sqrt(0.5) * (own[0] + first[0]))
    np.testing.assert_allclose(together[1], np.sqrt(0.2) * own[1] + np.sqrt(0.5) * first[0] + np.sqrt(0.3) * second[0])
    crowded = signals.mixed(own, [([0], first[0], 0.9), ([0], second[0], 0.6)])
    np.testing.assert_allclose(crowded[0], np.sqrt(0.6) * first[0] + np.sqrt(0.4) * second[0])


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_share_gives_gaussian_processes_that_correlation_of_log_envelopes(rng, correlation):
    share = signals.share_for_log_envelopes(correlation)
    common, *own = rng.standard_normal((3, 100_000, 2)) @ (1, 1j)
    both = [np.sqrt(share) * common + np.sqrt(1 - share) * one for one in own]
    assert np.corrcoef(np.log(np.abs(both)))[0, 1] == pytest.approx(correlation, abs=0.02)


def test_wandering_phases_keep_the_envelope_and_lose_the_lock(rng):
    wave = signals.band_noise(rng, 1, N_TIMES, sfreq_hz=SFREQ, peak_hz=10.0, width_hz=0.9)[0]
    pair = signals.with_wandering_phase(rng, wave, 2, sfreq_hz=SFREQ)
    analytic = signal.hilbert(pair)
    assert np.corrcoef(np.abs(analytic))[0, 1] > 0.9
    assert np.corrcoef(np.abs(analytic[0]), np.abs(signal.hilbert(wave)))[0, 1] > 0.9
    assert abs(coherency_at(*pair, 10.0)) < 0.25
    assert pair.var(axis=1) == pytest.approx([wave.var()] * 2, rel=0.1)
    freqs, power = spectrum(pair)
    assert power[:, (freqs >= 7) & (freqs <= 13)].sum() > 0.9 * power.sum()


def test_gate_opens_inside_the_spans_only():
    opened = signals.gate(1000, [(1.0, 2.0), (3.0, 3.5)], sfreq_hz=SFREQ)
    times_s = np.arange(1000) / SFREQ
    inside = ((times_s >= 1.0) & (times_s < 2.0)) | ((times_s >= 3.0) & (times_s < 3.5))
    assert not opened[~inside].any()
    assert opened[375] == 1.0
    assert opened.min() == 0.0
    assert opened.max() == 1.0


def test_strength_that_comes_and_goes_couples_in_its_window_only(rng):
    line = {"sfreq_hz": SFREQ, "peak_hz": 10.0, "width_hz": 1.5}
    shared, *own = signals.band_noise(rng, 3, N_TIMES, **line)
    half = N_TIMES // 2
    strength = 0.9 * signals.gate(N_TIMES, [(0.0, half / SFREQ)], sfreq_hz=SFREQ)
    first, second = signals.mixed_with(np.array(own), shared, strength)
    assert np.corrcoef(first[:half], second[:half])[0, 1] > 0.8
    assert abs(np.corrcoef(first[half:], second[half:])[0, 1]) < 0.15


def test_desynchronisation_falls_after_events_only():
    gain = signals.desynchronisation(2500, [4.0], sfreq_hz=SFREQ, depth=0.4)
    assert gain[: int(4.0 * SFREQ)].min() == 1.0
    assert gain[int(4.8 * SFREQ)] == pytest.approx(0.6)
    assert gain[int(6.0 * SFREQ)] == 1.0


def test_evoked_response_peaks_at_its_latency(rng):
    onsets_s = np.arange(1.0, 41.0, 2.0)
    response = signals.evoked_response(
        rng,
        11_000,
        onsets_s,
        sfreq_hz=SFREQ,
        peaks_s=[0.25],
        widths_s=[0.05],
        sizes=[5.0],
        jitter_s=0.01,
        variation=0.2,
    )
    starts = np.round(onsets_s * SFREQ).astype(int)
    mean = np.mean([response[start : start + 300] for start in starts], axis=0)
    assert np.argmax(mean) / SFREQ == pytest.approx(0.25, abs=0.02)
    assert mean.max() == pytest.approx(5.0, rel=0.2)
    assert not response[: starts[0]].any()
