import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mne_connectivity import envelope_correlation as mne_envelope_correlation
from mne_connectivity import symmetric_orth
from scipy import signal as scipy_signal

from painconn.connectivity.envelope import (
    analytic_band,
    analytic_signals,
    envelope_correlation,
    orthogonalised_envelope_correlation,
    symmetric_orthogonalised_envelope_correlation,
)
from painconn.connectivity.gates import NotComputable

SFREQ_HZ = 250.0
ALPHA_HZ = (8.0, 13.0)
OPTIONS = {
    "signed": {},
    "absolute": {"absolute": True},
    "log": {"log": True},
    "log absolute": {"log": True, "absolute": True},
    "log corrected": {"log": True, "corrected": True},
}
PAIRWISE = {name: partial(orthogonalised_envelope_correlation, **options) for name, options in OPTIONS.items()}
ALL = {
    "plain": envelope_correlation,
    **PAIRWISE,
    "symmetric": symmetric_orthogonalised_envelope_correlation,
}


def narrow_band(rng, shape, band_hz=ALPHA_HZ):
    sos = scipy_signal.butter(4, band_hz, "bandpass", fs=SFREQ_HZ, output="sos")
    return scipy_signal.sosfiltfilt(sos, rng.standard_normal(shape), axis=-1)


def noise(rng, n_segments=4, n_regions=5, n_times=1000):
    """Return Gaussian noise of a band, cut where the ends of the filter no longer show."""
    return analytic_signals(narrow_band(rng, (n_segments, n_regions, n_times + 500)))[..., 250:-250]


def waxing(rng, shape):
    """Return amplitudes that wax and wane at a slow frequency of their own."""
    freqs_hz, phases = rng.uniform(0.3, 1.0, (*shape[:2], 1)), rng.uniform(0.0, 2 * np.pi, (*shape[:2], 1))
    return np.exp(np.sin(2 * np.pi * freqs_hz * np.arange(shape[2]) / SFREQ_HZ + phases))


def coupled(rng, shape):
    """Return signals of one amplitude with random phases of their own: coupled, but not mixed."""
    n_segments, _, n_times = shape
    return waxing(rng, (n_segments, 1, n_times)) * noise(rng, *shape)


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def envelopes(analytic, log):
    return 2 * np.log(np.abs(analytic)) if log else np.abs(analytic)


def slow_orthogonalised(analytic, *, absolute=False, log=False, corrected=False):
    n_regions = analytic.shape[1]
    matrix = np.full((n_regions, n_regions), np.nan)
    for i in range(n_regions):
        for j in range(n_regions):
            if i == j:
                continue
            found = []
            for segment in analytic:
                for seed, target in ((segment[i], segment[j]), (segment[j], segment[i])):
                    orthogonal = (target * seed.conj() / np.abs(seed)).imag
                    value = np.corrcoef(envelopes(seed, log), envelopes(orthogonal, log))[0, 1]
                    found.append(abs(value) if absolute else value)
            matrix[i, j] = np.mean(found) / (0.577 if corrected else 1.0)
    return matrix


@pytest.mark.parametrize("n_times", [3, 17, 313, 500, 2500])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_analytic_signals_equal_the_transform_of_scipy(rng, n_times, dtype):
    signals = rng.standard_normal((2, 3, n_times)).astype(dtype)
    found = analytic_signals(signals)
    length = {3: 3, 17: 18, 313: 320, 500: 500, 2500: 2500}[n_times]
    expected = scipy_signal.hilbert(signals.astype(float), N=length, axis=-1)[..., :n_times]
    assert found.dtype == (np.complex64 if dtype is np.float32 else np.complex128)
    np.testing.assert_array_equal(found.real, signals)
    np.testing.assert_allclose(found, expected, atol=1e-12 if dtype is np.float64 else 1e-5)
    np.testing.assert_array_equal(analytic_signals(signals[0]), found[0])


def test_analytic_band_passes_its_band_without_phase_shift():
    times = np.arange(5000) / SFREQ_HZ
    inside, outside = np.cos(2 * np.pi * 10 * times), np.cos(2 * np.pi * 20 * times)
    analytic = analytic_band(np.stack([inside, outside]), sfreq_hz=SFREQ_HZ, band_hz=ALPHA_HZ)
    middle = slice(1000, 4000)
    np.testing.assert_allclose(analytic[0, middle].real, inside[middle], atol=0.01)
    np.testing.assert_allclose(np.abs(analytic[0, middle]), 1.0, atol=0.02)
    assert np.abs(analytic[1, middle]).max() < 0.01


@pytest.mark.parametrize("name", list(OPTIONS))
@pytest.mark.parametrize(("n_regions", "n_times"), [(2, 3), (3, 40), (5, 500), (4, 777)])
def test_pairwise_equals_a_slow_double_loop(rng, name, n_regions, n_times):
    analytic = noise(rng, 3, n_regions, n_times)
    expected = slow_orthogonalised(analytic, **OPTIONS[name])
    np.testing.assert_allclose(PAIRWISE[name](analytic), expected, atol=1e-9)


@pytest.mark.parametrize("name", ["signed", "absolute", "log", "log absolute"])
def test_pairwise_equals_mne_connectivity_from_real_epochs(rng, name):
    signals = narrow_band(rng, (4, 5, 313))
    options = {"absolute": False, "log": False} | OPTIONS[name]
    theirs = mne_envelope_correlation(signals, orthogonalize="pairwise", verbose="ERROR", **options).combine("mean")
    ours = PAIRWISE[name](analytic_signals(signals))
    np.testing.assert_allclose(off_diagonal(ours), off_diagonal(theirs.get_data("dense")[..., 0]), atol=1e-9)


def test_plain_equals_mne_connectivity(rng):
    analytic = coupled(rng, (4, 5, 1000))
    theirs = mne_envelope_correlation(analytic, orthogonalize=False, verbose="ERROR").combine("mean")
    ours = envelope_correlation(analytic)
    np.testing.assert_allclose(off_diagonal(ours), off_diagonal(theirs.get_data("dense")[..., 0]), atol=1e-12)


def test_symmetric_equals_mne_connectivity_on_joined_segments_of_equal_power(rng):
    analytic = np.einsum("ij,ejt->eit", np.eye(5) + 0.3 * rng.standard_normal((5, 5)), noise(rng))
    joined = np.concatenate(list(analytic), axis=-1)
    scaled = joined / np.linalg.norm(joined.real, axis=-1, keepdims=True)
    orthogonal = symmetric_orth(scaled.real, n_iter=1000, tol=1e-13)
    mixing = orthogonal @ np.linalg.pinv(scaled.real)
    theirs = envelope_correlation(np.stack(np.split(mixing @ scaled, 4, axis=-1)))
    ours = symmetric_orthogonalised_envelope_correlation(analytic)
    np.testing.assert_allclose(off_diagonal(ours), off_diagonal(theirs), atol=1e-6)


@pytest.mark.parametrize("name", list(ALL))
def test_single_precision_stays_within_its_stated_tolerance(rng, name):
    analytic = coupled(rng, (6, 8, 500))
    single, double = ALL[name](analytic.astype(np.complex64)), ALL[name](analytic)
    assert np.isfinite(off_diagonal(single)).all()
    np.testing.assert_allclose(off_diagonal(single), off_diagonal(double), atol=1e-3 if "log" in name else 1e-5)
    assert not np.array_equal(off_diagonal(single), off_diagonal(double))


@pytest.mark.parametrize("name", list(ALL))
def test_symmetry_range_order_and_scale(rng, name):
    analytic = coupled(rng, (4, 6, 700))
    matrix = ALL[name](analytic)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.isnan(np.diag(matrix)).all()
    assert np.abs(off_diagonal(matrix)).max() <= 1.0 / (0.577 if "corrected" in name else 1.0)
    order = np.array([3, 1, 0, 5, 4, 2])
    scales = np.array([1e-12, 1e6, 1.0, -1e-6, 3.0, 1e3])[:, None]
    again = ALL[name]((scales * analytic)[::-1][:, order])
    np.testing.assert_allclose(again, matrix[np.ix_(order, order)], atol=1e-8)
    in_volts = ALL[name]((1e-12 * analytic).astype(np.complex64))
    np.testing.assert_allclose(off_diagonal(in_volts), off_diagonal(matrix), atol=1e-3 if "log" in name else 1e-5)


LEAKAGE = np.array([[1.0, 0.0, 0.0], [0.7, 1.0, 0.0], [0.4, 0.4, 1.0]])


@pytest.mark.parametrize("name", list(ALL))
def test_amplitude_coupling_is_found_and_mixing_only_by_the_plain_one(rng, name):
    assert ALL[name](coupled(rng, (20, 3, 2500)))[0, 1] > 0.25
    mixed = np.einsum("ij,ejt->eit", LEAKAGE, noise(rng, 40, 3, 2500))
    found = abs(ALL[name](mixed)[0, 1])
    assert (found > 0.2) if name == "plain" else (found < (0.15 if "absolute" in name else 0.05))


@pytest.mark.parametrize("name", list(ALL))
def test_mixed_sources_that_are_not_gaussian_keep_correlated_envelopes(rng, name):
    sources = noise(rng, 40, 3, 2500) * waxing(rng, (40, 3, 2500))
    mixed = np.einsum("ij,ejt->eit", LEAKAGE, sources)
    assert ALL[name](mixed)[0, 1] > ALL[name](sources)[0, 1] + 0.03


def test_signed_forms_are_centred_on_zero_without_coupling_and_magnitudes_are_not(rng):
    analytic = noise(rng, 200, 6, 500)
    for name, measure in ALL.items():
        mean = np.nanmean(measure(analytic))
        assert (mean > 0.08) if "absolute" in name else (abs(mean) < 0.02), name


def test_the_correction_restores_the_correlation_of_gaussian_log_power(rng):
    """Two signals of Gaussian phase and amplitude whose log powers correlate by a known amount."""
    n_times, wanted = 200_000, 0.6
    power = np.abs(rng.standard_normal((2, n_times)) + 1j * rng.standard_normal((2, n_times)))
    shared = rng.random(n_times) < wanted
    amplitude = np.stack([power[0], np.where(shared, power[0], power[1])])
    analytic = amplitude * np.exp(2j * np.pi * rng.random((2, n_times)))
    np.testing.assert_allclose(np.corrcoef(2 * np.log(amplitude))[0, 1], wanted, atol=0.01)
    np.testing.assert_allclose(PAIRWISE["log corrected"](analytic[None])[0, 1], wanted, atol=0.01)
    np.testing.assert_allclose(PAIRWISE["log"](analytic[None])[0, 1], wanted * 0.577, atol=0.01)


@pytest.mark.parametrize("options", [{}, {"absolute": True}, {"log": True, "absolute": True}])
def test_the_correction_is_refused_where_it_does_not_hold(rng, options):
    with pytest.raises(ValueError, match=r"derived for the signed correlation of log power"):
        orthogonalised_envelope_correlation(noise(rng), corrected=True, **options)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", ["plain", *PAIRWISE])
def test_flat_copied_and_broken_regions_are_missing_and_the_others_untouched(rng, name, dtype):
    analytic = noise(rng, 3, 9, 600).astype(dtype)
    expected = ALL[name](analytic[:, [0, 2, 6]])
    spoilt = analytic.copy()
    spoilt[:, 1] = 0.0
    spoilt[:, 3] = 2.0 * spoilt[:, 0]
    spoilt[0, 4, 7] = np.nan
    spoilt[2, 5] = 1.0 + 2.0j
    spoilt[:, 7] = -1e-6 * spoilt[:, 2]
    spoilt[1, 8, 3] = np.inf
    matrix = ALL[name](spoilt)
    for region in (1, 4, 5, 8):
        assert np.isnan(matrix[region]).all()
        assert np.isnan(matrix[:, region]).all()
    for first, second in ((0, 3), (2, 7)):
        assert np.isnan([matrix[first, second], matrix[second, first]]).all()
        assert np.isfinite(matrix[first, 6])
        assert np.isfinite(matrix[second, 6])
    np.testing.assert_array_equal(matrix[np.ix_([0, 2, 6], [0, 2, 6])], expected)


def test_symmetric_leaves_out_unusable_regions_and_refuses_a_deficient_rank(rng):
    analytic = noise(rng, 3, 5, 600)
    expected = symmetric_orthogonalised_envelope_correlation(analytic[:, [0, 2]])
    spoilt = analytic.copy()
    spoilt[:, 1] = 0.0
    spoilt[0, 3, 7] = np.nan
    spoilt[2, 4] = 0.0
    matrix = symmetric_orthogonalised_envelope_correlation(spoilt)
    assert np.isnan(matrix[[1, 3, 4]]).all()
    np.testing.assert_array_equal(matrix[np.ix_([0, 2], [0, 2])], expected)
    copied = analytic.copy()
    copied[:, 3] = -2.0 * copied[:, 0]
    with pytest.raises(NotComputable, match="5 regions from 4 dimensions"):
        symmetric_orthogonalised_envelope_correlation(copied)
    with pytest.raises(NotComputable, match="5 regions from 4 dimensions"):
        symmetric_orthogonalised_envelope_correlation((copied + 1e-9 * analytic[:, ::-1]).astype(np.complex64))
    with pytest.raises(NotComputable, match="5 regions from 4 dimensions"):
        symmetric_orthogonalised_envelope_correlation(analytic[:1, :, :4])


def test_symmetric_needs_no_full_rank_within_a_segment(rng):
    analytic = noise(rng, 30, 12, 8)
    assert np.isfinite(off_diagonal(symmetric_orthogonalised_envelope_correlation(analytic))).all()


@pytest.mark.parametrize("name", list(ALL))
def test_too_little_data_is_refused_and_one_region_or_segment_is_not(rng, name):
    analytic = noise(rng, 2, 3, 500)
    for few in (analytic[..., :2], analytic[:0]):
        with pytest.raises(NotComputable, match="wanted at least 1 of at least 3"):
            ALL[name](few)
    with pytest.raises(ValueError, match="wanted complex signals"):
        ALL[name](analytic.real)
    with pytest.raises(ValueError, match="wanted complex signals"):
        ALL[name](analytic[0])
    assert np.isnan(ALL[name](analytic[:, :1])).all()
    assert np.isfinite(off_diagonal(ALL[name](analytic[:1]))).all()


def test_a_sample_without_amplitude_spoils_only_what_takes_its_logarithm(rng):
    analytic = noise(rng, 2, 4, 500)
    analytic[0, 1, 9] = 0.0
    for name in ("plain", "signed", "absolute", "symmetric"):
        assert np.isfinite(off_diagonal(ALL[name](analytic))).all()
    matrix = PAIRWISE["log"](analytic)
    assert np.isnan(matrix[1]).all()
    assert np.isfinite(matrix[0, [2, 3]]).all()


def test_phases_equal_to_rounding_keep_a_finite_logarithm(rng):
    analytic = noise(rng, 1, 2, 500)
    analytic[0, 1, 9] = 3.0 * analytic[0, 0, 9]
    assert np.isfinite(PAIRWISE["log"](analytic)[0, 1])
    assert np.isfinite(PAIRWISE["log"](analytic.astype(np.complex64))[0, 1])


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**31),
    n_segments=st.integers(1, 3),
    n_regions=st.integers(1, 7),
    n_times=st.integers(3, 600),
    exponent=st.integers(-12, 6),
    broken=st.lists(st.sampled_from(["flat", "nan", "constant"]), max_size=2),
)
def test_odd_inputs_agree_with_the_slow_double_loop(seed, n_segments, n_regions, n_times, exponent, broken):
    rng = np.random.default_rng(seed)
    shape = (n_segments, n_regions, n_times)
    analytic = 10.0**exponent * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
    spoilt = list(range(min(len(broken), n_regions)))
    for region, kind in zip(spoilt, broken, strict=False):
        analytic[0, region] = {"flat": 0.0, "nan": np.nan, "constant": 1j}[kind]
    good = [region for region in range(n_regions) if region not in spoilt]
    for name, measure in PAIRWISE.items():
        matrix = measure(analytic)
        assert np.isnan(matrix[spoilt]).all()
        expected = slow_orthogonalised(analytic[:, good], **OPTIONS[name])
        np.testing.assert_allclose(matrix[np.ix_(good, good)], expected, atol=1e-8)


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_threads():
    code = (
        "import sys; import numba, numpy as np; numba.set_num_threads(int(sys.argv[1]));"
        "from painconn.connectivity.envelope import orthogonalised_envelope_correlation as correlate;"
        "z = np.exp(np.random.default_rng(5).standard_normal((7, 9, 700, 2)) @ [1, 1j]);"
        "print([correlate(z.astype(dtype), log=log).tobytes().hex()"
        " for dtype in (np.complex64, np.complex128) for log in (False, True)])"
    )
    environment = os.environ | {"NUMBA_NUM_THREADS": "2"}
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, count], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for count in ("1", "2")
    }
    assert len(outputs) == 1


def test_loading_the_module_loads_no_compiler():
    code = (
        "import sys, painconn.connectivity.envelope, painconn.connectivity.information;"
        "print([name for name in ('mne', 'matplotlib', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
