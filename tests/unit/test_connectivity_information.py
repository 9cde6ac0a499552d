import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from painconn.connectivity.gates import NotComputable
from painconn.connectivity.information import symbol_delay_samples, weighted_symbolic_mutual_information

SFREQ_HZ = 250.0
ALPHA_HZ = (8.0, 13.0)
BROAD_HZ = (2.0, 30.0)
ALPHA = {"sfreq_hz": SFREQ_HZ, "band_hz": ALPHA_HZ}
BROAD = {"sfreq_hz": SFREQ_HZ, "band_hz": BROAD_HZ}


def band_limited(rng, shape, band_hz):
    sos = scipy_signal.butter(4, band_hz, "bandpass", fs=SFREQ_HZ, output="sos")
    signals = scipy_signal.sosfiltfilt(sos, rng.standard_normal((*shape[:-1], shape[-1] + 500)), axis=-1)
    signals = signals[..., 250:-250]
    return signals / signals.std()


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def slow_information(first, second, delay, kernel):
    """The sum of King et al. over pairs of patterns, from counted patterns."""

    def patterns(signal):
        starts = range(len(signal) - (kernel - 1) * delay)
        return [tuple(np.argsort(signal[t : t + kernel * delay : delay], kind="stable")) for t in starts]

    one, other = patterns(first), patterns(second)
    pairs, n_samples = list(zip(one, other, strict=True)), len(one)
    total = 0.0
    for a, b in product(sorted(set(one)), sorted(set(other))):
        joint = pairs.count((a, b)) / n_samples
        if joint and b not in (a, a[::-1]):
            total += joint * np.log(joint * n_samples * n_samples / one.count(a) / other.count(b))
    return total / np.log(np.prod(range(1, kernel + 1)))


@pytest.mark.parametrize(("kernel", "n_times"), [(3, 130), (3, 500), (4, 700)])
def test_it_equals_a_slow_double_loop(rng, kernel, n_times):
    signals = np.cumsum(rng.standard_normal((2, 3, n_times)), axis=-1)
    delay = symbol_delay_samples(**ALPHA, n_symbols_kernel=kernel)
    matrix = weighted_symbolic_mutual_information(signals, **ALPHA, n_symbols_kernel=kernel)
    for i, j in ((0, 1), (1, 0), (2, 0), (1, 2)):
        expected = np.mean([slow_information(segment[i], segment[j], delay, kernel) for segment in signals])
        np.testing.assert_allclose(matrix[i, j], expected, atol=1e-12)


def test_the_delay_follows_the_upper_edge():
    delays = {
        band: symbol_delay_samples(sfreq_hz=250.0, band_hz=band)
        for band in [(4.0, 8.0), (8.0, 13.0), (13.0, 30.0), (30.0, 45.0), (60.0, 100.0)]
    }
    assert list(delays.values()) == [10, 6, 2, 1, 1]
    assert symbol_delay_samples(sfreq_hz=250.0, band_hz=ALPHA_HZ, n_symbols_kernel=4) == 4


def test_symmetry_range_and_invariance_to_scale_order_and_sign(rng):
    signals = band_limited(rng, (3, 5, 600), ALPHA_HZ)
    matrix = weighted_symbolic_mutual_information(signals, **ALPHA)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.isnan(np.diag(matrix)).all()
    assert off_diagonal(matrix).min() >= -1 / (np.e * np.log(6))
    assert off_diagonal(matrix).max() <= 1.0
    order = np.array([3, 1, 0, 4, 2])
    scales = np.array([1e-12, 1e6, -1.0, 1e-6, -3.0])[:, None]
    again = weighted_symbolic_mutual_information((scales * signals)[::-1][:, order], **ALPHA)
    np.testing.assert_allclose(again, matrix[np.ix_(order, order)], atol=1e-12)
    single = weighted_symbolic_mutual_information(signals.astype(np.float32), **ALPHA)
    np.testing.assert_allclose(single, matrix, atol=1e-12)
    steps = np.round(100 * signals).astype(int)
    assert np.isfinite(off_diagonal(weighted_symbolic_mutual_information(steps, **ALPHA))).all()


@pytest.mark.parametrize(
    ("n_times", "band_hz", "floor"),
    [(500, ALPHA_HZ, 0.038), (2500, ALPHA_HZ, 0.0071), (500, (13.0, 30.0), 0.012), (2500, (13.0, 30.0), 0.0024)],
)
def test_independent_signals_lie_at_the_stated_floor(rng, n_times, band_hz, floor):
    signals = band_limited(rng, (60, 16, n_times), band_hz)
    found = off_diagonal(weighted_symbolic_mutual_information(signals, sfreq_hz=SFREQ_HZ, band_hz=band_hz))
    np.testing.assert_allclose(found.mean(), floor, rtol=0.1)


def test_independent_symbols_lie_at_the_floor_of_the_formula(rng):
    n_samples = 400
    matrix = weighted_symbolic_mutual_information(
        rng.standard_normal((300, 4, n_samples + 2)), sfreq_hz=30.0, band_hz=(1.0, 10.0)
    )
    np.testing.assert_allclose(np.nanmean(matrix), 25 / (3 * n_samples * np.log(6)), rtol=0.25)


def test_linear_and_nonlinear_coupling_with_a_delay_is_found(rng):
    driver, other = band_limited(rng, (2, 20, 1, 2510), BROAD_HZ)
    quarter = band_limited(rng, (20, 1, 2506), ALPHA_HZ)
    linear = np.concatenate([quarter[..., 6:], quarter[..., :-6]], axis=1)
    assert weighted_symbolic_mutual_information(linear, **ALPHA)[0, 1] > 0.3
    follows = np.abs(driver) + 0.3 * other
    nonlinear = np.concatenate([driver[..., 3:], follows[..., :-3]], axis=1)
    assert abs(np.mean([np.corrcoef(segment)[0, 1] for segment in nonlinear])) < 0.05
    coupled = weighted_symbolic_mutual_information(nonlinear, **BROAD)[0, 1]
    shuffled = np.stack([nonlinear[:, 0], np.roll(nonlinear[:, 1], 1, axis=0)], axis=1)
    uncoupled = weighted_symbolic_mutual_information(shuffled, **BROAD)[0, 1]
    assert coupled > 0.02
    assert coupled > 5 * uncoupled


@pytest.mark.parametrize(("leak", "expected"), [(1.0, -0.018), (5.0, -0.07)])
def test_mixing_without_delay_moves_it_below_the_floor(rng, leak, expected):
    signals = band_limited(rng, (20, 12, 2500), ALPHA_HZ)
    signals[:, 1::2] += leak * signals[:, ::2]
    matrix = weighted_symbolic_mutual_information(signals, **ALPHA)
    np.testing.assert_allclose(matrix[np.arange(0, 12, 2), np.arange(1, 12, 2)].mean(), expected, rtol=0.15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_flat_copied_and_broken_regions_are_missing_and_the_others_untouched(rng, dtype):
    signals = band_limited(rng, (3, 9, 600), ALPHA_HZ).astype(dtype)
    expected = weighted_symbolic_mutual_information(signals[:, [0, 2, 6]], **ALPHA)
    spoilt = signals.copy()
    spoilt[:, 1] = 0.0
    spoilt[:, 3] = 2.0 * spoilt[:, 0]
    spoilt[0, 4, 7] = np.nan
    spoilt[2, 5] = 3.3
    spoilt[:, 7] = -1e-6 * spoilt[:, 2]
    spoilt[1, 8, 3] = np.inf
    matrix = weighted_symbolic_mutual_information(spoilt, **ALPHA)
    assert np.isnan(matrix[[1, 4, 5, 8]]).all()
    assert np.isnan(matrix[:, [1, 4, 5, 8]]).all()
    for first, second in ((0, 3), (2, 7)):
        assert np.isnan([matrix[first, second], matrix[second, first]]).all()
        assert np.isfinite([matrix[first, 6], matrix[second, 6]]).all()
    np.testing.assert_array_equal(matrix[np.ix_([0, 2, 6], [0, 2, 6])], expected)


def test_too_little_data_is_refused_and_one_region_or_segment_is_not(rng):
    signals = band_limited(rng, (2, 3, 48), ALPHA_HZ)
    assert np.isfinite(off_diagonal(weighted_symbolic_mutual_information(signals[:1], **ALPHA))).all()
    assert np.isnan(weighted_symbolic_mutual_information(signals[:, :1], **ALPHA)).all()
    with pytest.raises(NotComputable, match=r"2 segments of 47 samples, wanted at least 1 of 48 \(0.192 s\)"):
        weighted_symbolic_mutual_information(signals[..., :47], **ALPHA)
    with pytest.raises(NotComputable, match="0 segments"):
        weighted_symbolic_mutual_information(signals[:0], **ALPHA)
    with pytest.raises(ValueError, match="wanted real signals"):
        weighted_symbolic_mutual_information(signals.astype(complex), **ALPHA)
    with pytest.raises(ValueError, match="wanted 3 to 5"):
        weighted_symbolic_mutual_information(signals, **ALPHA, n_symbols_kernel=2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**31),
    n_segments=st.integers(1, 2),
    n_regions=st.integers(1, 4),
    n_times=st.integers(48, 120),
    exponent=st.integers(-12, 6),
    levels=st.sampled_from([0, 3, 10]),
    broken=st.sampled_from([None, 0.0, np.nan, 1.0, np.inf]),
)
def test_odd_inputs_agree_with_the_slow_double_loop(seed, n_segments, n_regions, n_times, exponent, levels, broken):
    rng = np.random.default_rng(seed)
    signals = np.cumsum(rng.standard_normal((n_segments, n_regions, n_times)), axis=-1)
    signals = (np.round(signals * levels) if levels else signals) * 10.0**exponent
    good = range(n_regions)
    if broken is not None:
        signals[-1, 0] = broken
        good = range(1, n_regions)
    matrix = weighted_symbolic_mutual_information(signals, **ALPHA)
    assert broken is None or np.isnan(matrix[0]).all()
    for i, j in product(good, good):
        if i != j:
            expected = np.mean([slow_information(segment[i], segment[j], 6, 3) for segment in signals])
            np.testing.assert_allclose(matrix[i, j], expected, atol=1e-12)


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_threads():
    code = (
        "import sys; import numba, numpy as np; numba.set_num_threads(int(sys.argv[1]));"
        "from painconn.connectivity.information import weighted_symbolic_mutual_information as information;"
        "x = np.random.default_rng(5).standard_normal((7, 9, 700));"
        "print(information(x, sfreq_hz=250.0, band_hz=(8.0, 13.0)).tobytes().hex())"
    )
    environment = os.environ | {"NUMBA_NUM_THREADS": "2"}
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, count], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for count in ("1", "2")
    }
    assert len(outputs) == 1
