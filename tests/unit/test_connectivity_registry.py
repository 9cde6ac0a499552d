from functools import cache, partial

import numpy as np
import pytest
from scipy import signal as scipy_signal

from painconn.connectivity import engine
from painconn.connectivity.registry import MEASURES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

# What is computed is under test here, not what is refused.
over_epochs = partial(engine.over_epochs, gates=None)
over_time = partial(engine.over_time, gates=None)

SFREQ_HZ = 250.0
BAND = "alpha"
BAND_HZ = (8.0, 13.0)
CASES = [(name, estimator) for name, definition in MEASURES.items() for estimator in definition.estimators]
EVERY_CASE = pytest.mark.parametrize(("name", "estimator"), CASES, ids=str)
TURNED = {"cohy": lambda x: -x, "imcoh": lambda x: -x, "impcoh": lambda x: -x, "dpli": lambda x: 1.0 - x}
NEEDS_FULL_RANK = {"aec_symmetric"}


def standard_signals(estimator, n_samples=24, n_regions=5, seed=7):
    """Epochs, or analytic segments, of regions that mix sources; region 1 follows source 0."""
    rng = np.random.default_rng(seed)
    n_times = 500 if estimator == "over_epochs" else 1000
    sources = rng.standard_normal((n_samples, n_regions, n_times))
    mixing = np.eye(n_regions) + 0.4 * rng.standard_normal((n_regions, n_regions))
    signals = np.einsum("ij,ejt->eit", mixing, sources)
    signals[:, 1] += 2 * np.roll(sources[:, 0], 6, axis=-1)
    return banded(signals, estimator)


def banded(signals, estimator):
    if estimator == "over_epochs":
        return signals
    sos = scipy_signal.butter(4, BAND_HZ, "bandpass", fs=SFREQ_HZ, output="sos")
    return scipy_signal.hilbert(scipy_signal.sosfiltfilt(sos, signals, axis=-1), axis=-1)


def compute(name, estimator, signals, **options):
    options = {"sfreq_hz": SFREQ_HZ, "bands_hz": {BAND: BAND_HZ}, "measures": [name], **options}
    if estimator == "over_epochs":
        return over_epochs(signals, **options)
    return over_time(lambda _: signals, **options)


def matrix_of(name, estimator, signals, **options):
    return compute(name, estimator, signals, **options).matrices[name, BAND]


@cache
def standard_matrix(name, estimator):
    n_samples = 24 if estimator == "over_epochs" else 5
    signals = standard_signals(estimator, n_samples)
    return signals, matrix_of(name, estimator, signals)


def assert_same(found, expected, tolerance=1e-9):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def assert_off_diagonal_finite(matrix):
    assert np.isfinite(matrix[~np.eye(len(matrix), dtype=bool)]).all()
    assert np.isnan(np.diagonal(matrix)).all()


@pytest.mark.parametrize("definition", MEASURES.values(), ids=lambda definition: definition.name)
def test_definitions_are_complete(definition):
    assert MEASURES[definition.name] is definition
    assert callable(definition.load())
    assert definition.estimators
    assert definition.takes in {"sums", "bins", "cross", "whole_range", "components", "analytic", "band_signal"}
    time_only = definition.takes in {"analytic", "band_signal"}
    assert not time_only or definition.estimators == ("over_time",)
    assert (definition.kind == "multivariate") == (definition.takes == "components")
    assert definition.min_epochs >= 1
    assert definition.description
    assert definition.label
    assert definition.doi or "et al." in definition.description
    assert not definition.description.startswith("The same")
    low, high = definition.value_range
    assert low is None or high is None or low < high


@EVERY_CASE
def test_whole_matrix_of_the_declared_kind_with_no_diagonal(name, estimator):
    _, matrix = standard_matrix(name, estimator)
    assert_off_diagonal_finite(matrix)
    assert np.iscomplexobj(matrix) == (name == "cohy")
    kind = MEASURES[name].kind
    if name == "dpli":
        assert_same(matrix + matrix.T, np.where(np.eye(len(matrix)), np.nan, 1.0))
    elif kind == "directed":
        assert MEASURES[name].both_directions
        assert np.nanmax(np.abs(matrix - matrix.T)) > 1e-3
    else:
        mirrored = {
            "symmetric": matrix.T,
            "multivariate": matrix.T,
            "antisymmetric": -matrix.T,
            "hermitian": matrix.conj().T,
        }[kind]
        assert_same(matrix, mirrored, 1e-12)


def strongly_coupled(estimator, n_samples):
    rng = np.random.default_rng(5)
    n_times = 500 if estimator == "over_epochs" else 1000
    source = rng.standard_normal((n_samples, n_times + 40))
    lagged = np.stack([source[:, lag : lag + n_times] for lag in (40, 39, 34, 0, 40)], axis=1)
    return banded(lagged + 1e-3 * rng.standard_normal(lagged.shape), estimator)


@EVERY_CASE
def test_values_keep_to_the_declared_range(name, estimator):
    low, high = MEASURES[name].value_range
    inputs = [standard_signals(estimator, n_samples) for n_samples in (2, 3, 24)]
    inputs += [strongly_coupled(estimator, n_samples) for n_samples in (2, 24)]
    assert np.isfinite(standard_matrix(name, estimator)[1]).any()
    for signals in inputs:
        for values in compute(name, estimator, signals).matrices.values():
            finite = np.abs(values[np.isfinite(values)]) if np.iscomplexobj(values) else values[np.isfinite(values)]
            assert low is None or (finite >= low - 1e-9).all()
            assert high is None or (finite <= high + 1e-9).all()


@EVERY_CASE
def test_scales_of_regions_do_not_matter(name, estimator):
    signals, expected = standard_matrix(name, estimator)
    for scales in ([1e-6] * 5, [1e-12] * 5, [1e6] * 5, [1e-12, 3.0, 1e6, 7e-7, 1e-3]):
        assert_same(matrix_of(name, estimator, np.array(scales)[:, None] * signals), expected)


@EVERY_CASE
def test_sign_of_a_region_matters_only_to_signed_measures_at_a_phase(name, estimator):
    signals, expected = standard_matrix(name, estimator)
    signs = np.array([1.0, 1.0, -1.0, 1.0, 1.0])
    flipped = matrix_of(name, estimator, signs[:, None] * signals)
    touched = np.outer(signs, signs) < 0
    turned = TURNED.get(name, lambda x: x)
    assert_same(flipped, np.where(touched, turned(expected), expected))


@EVERY_CASE
def test_order_of_regions_and_of_samples_does_not_matter(name, estimator):
    signals, expected = standard_matrix(name, estimator)
    order = np.array([3, 1, 0, 4, 2])
    assert_same(matrix_of(name, estimator, signals[:, order]), expected[np.ix_(order, order)])
    epochs = np.random.default_rng(1).permutation(len(signals))
    assert_same(matrix_of(name, estimator, signals[epochs]), expected)


@EVERY_CASE
@pytest.mark.parametrize("fault", ["flat", "constant", "flat in one", "nan", "inf"])
def test_an_unusable_region_is_missing_and_changes_no_other(name, estimator, fault):
    signals, _ = standard_matrix(name, estimator)
    broken = signals.copy()
    where = {"flat in one": (2, 3), "nan": (1, 3, 7), "inf": (1, 3, 7)}.get(fault, (slice(None), 3))
    broken[where] = {"constant": 0.1, "nan": np.nan, "inf": np.inf}.get(fault, 0.0)
    found = compute(name, estimator, broken)
    matrix = found.matrices[name, BAND]
    kept = [0, 1, 2, 4]
    assert np.isnan(matrix[3]).all()
    assert np.isnan(matrix[:, 3]).all()
    assert list(found.unusable_regions) == [3]
    assert found.copied_pairs == ()
    wanted = {
        "flat in one": f"flat in 1 of {len(signals)} epochs",
        "nan": "not finite",
        "inf": "not finite",
    }.get(fault, f"flat in {len(signals)} of {len(signals)} epochs")
    assert found.unusable_regions[3] == wanted
    assert_off_diagonal_finite(matrix[np.ix_(kept, kept)])
    assert_same(matrix[np.ix_(kept, kept)], matrix_of(name, estimator, signals[:, kept]), 1e-12)


@EVERY_CASE
@pytest.mark.parametrize(
    ("factor", "precision"), [(2.5, "float64"), (-1.0, "float64"), (3.3, "float32"), (-1e-7, "float32")]
)
def test_a_copy_is_reported_and_not_scored(name, estimator, factor, precision):
    signals, _ = standard_matrix(name, estimator)
    copied = signals.copy()
    copied[:, 3] = factor * copied[:, 1]
    found = compute(name, estimator, copied, precision=precision)
    assert found.copied_pairs == ((3, 1),)
    assert not found.unusable_regions
    if name in NEEDS_FULL_RANK:
        assert "5 regions from 4 dimensions" in found.not_computable[name, BAND]
        return
    matrix = found.matrices[name, BAND]
    pair = np.zeros((5, 5), dtype=bool)
    pair[1, 3] = pair[3, 1] = True
    np.testing.assert_array_equal(np.isnan(matrix), pair | np.eye(5, dtype=bool))
    kept = [0, 1, 2, 4]
    alone = matrix_of(name, estimator, signals[:, kept], precision=precision)
    assert_same(matrix[np.ix_(kept, kept)], alone, 1e-12 if precision == "float64" else 1e-5)


@EVERY_CASE
def test_two_regions_and_one(name, estimator):
    signals, _ = standard_matrix(name, estimator)
    found = compute(name, estimator, signals[:, :1])
    for matrix in found.matrices.values():
        assert matrix.shape == (1, 1)
        assert np.isnan(matrix).all()
    assert set(found.matrices) | set(found.not_computable) == {(name, BAND)}
    assert_off_diagonal_finite(matrix_of(name, estimator, signals[:, :2]))


@EVERY_CASE
def test_halves_are_the_results_of_every_other_sample(name, estimator):
    signals, whole = standard_matrix(name, estimator)
    found = compute(name, estimator, signals, halves=True)
    assert_same(found.matrices[name, BAND], whole, 1e-14)
    even = 2 * (len(signals) // 2)
    for half, matrices in enumerate(found.halves):
        assert_same(matrices[name, BAND], matrix_of(name, estimator, signals[half:even:2]), 1e-12)
    assert len(found.halves) == 2


@EVERY_CASE
def test_single_precision_comes_close(name, estimator):
    signals, expected = standard_matrix(name, estimator)
    single = matrix_of(name, estimator, 1e-6 * signals, precision="float32")
    assert single.dtype == expected.dtype
    signs = name in {"pli", "dpli", "pli2_unbiased"}
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=5e-3 if signs else 1e-4)


def coloured_sources(rng, n_samples, n_times, peaks_hz=(6.0, 10.0, 15.0, 24.0)):
    """Independent Gaussian sources, each with a spectral peak of its own."""
    sources = []
    for peak_hz in peaks_hz:
        recursion = [1.0, -2 * 0.92 * np.cos(2 * np.pi * peak_hz / SFREQ_HZ), 0.92**2]
        noise = rng.standard_normal((n_samples, n_times + 200))
        sources.append(scipy_signal.lfilter([1.0], recursion, noise, axis=-1)[:, 200:])
    stacked = np.stack(sources, axis=1)
    return stacked / stacked.std(axis=(0, 2), keepdims=True)


@cache
def unmixed_and_mixed(estimator):
    """Repeats of independent sources: each in a region of its own, and all in all of them."""
    rng = np.random.default_rng(11)
    shape = (60, 500) if estimator == "over_epochs" else (6, 1000)
    mixing = np.eye(4) + 0.6 * (1 - np.eye(4)) * np.array([1.0, -1.0, 1.0, 1.0])
    repeats = [coloured_sources(rng, *shape) for _ in range(10)]
    return [[banded(signals, estimator) for signals in (sources, mixing @ sources)] for sources in repeats]


@EVERY_CASE
def test_mixing_of_independent_sources_moves_only_the_measures_that_say_so(name, estimator):
    repeats = unmixed_and_mixed(estimator)
    pairs = np.tril_indices(4, -1)
    apart, mixed = np.swapaxes([[matrix_of(name, estimator, x)[pairs] for x in both] for both in repeats], 0, 1)
    shift = np.mean(mixed, axis=0) - np.mean(apart, axis=0)
    error = np.sqrt((np.var(mixed, axis=0) + np.var(apart, axis=0)) / len(repeats))
    scores = np.abs(shift) / error
    rise = (np.abs(mixed).mean(axis=0) - np.abs(apart).mean(axis=0)) / error
    low, _ = MEASURES[name].value_range
    magnitude = low == 0.0 and name not in ("dpli", "cohy")
    if MEASURES[name].zero_lag_safe == "no":
        assert scores.mean() > 4.0
    else:
        # A magnitude may fall below the floor of separate sources, it may not rise above it.
        assert (rise.mean() if magnitude else np.sqrt(np.square(scores).mean())) < 2.0


COMPONENT_MEASURES = [name for name, definition in MEASURES.items() if definition.takes == "components"]


@pytest.mark.parametrize("name", COMPONENT_MEASURES)
def test_regions_of_several_components(rng, name):
    signals = standard_signals("over_epochs", n_samples=40, n_regions=7)
    region_of = np.array([0, 0, 1, 1, 2, 2, 3])
    matrix = matrix_of(name, "over_epochs", signals, region_of=region_of)
    assert matrix.shape == (4, 4)
    assert_off_diagonal_finite(matrix)
    assert_same(matrix, matrix.T)
    within = np.zeros((7, 7))
    for region in range(4):
        rows = np.flatnonzero(region_of == region)
        within[np.ix_(rows, rows)] = np.eye(len(rows)) + 0.3 * rng.standard_normal((len(rows), len(rows)))
    assert_same(matrix_of(name, "over_epochs", within @ signals, region_of=region_of), matrix)
    shuffled = rng.permutation(7)
    assert_same(matrix_of(name, "over_epochs", signals[:, shuffled], region_of=region_of[shuffled]), matrix)


@pytest.mark.parametrize("name", COMPONENT_MEASURES)
@pytest.mark.parametrize("flat", [[6], [0, 1], [2, 3], [3]], ids=str)
def test_flat_components_are_left_out_and_regions_without_any_are_missing(name, flat):
    signals = standard_signals("over_epochs", n_samples=40, n_regions=7)
    signals[:, flat] = 0.0
    region_of = np.array([0, 0, 1, 1, 2, 2, 3])
    found = compute(name, "over_epochs", signals, region_of=region_of)
    matrix = found.matrices[name, BAND]
    kept = np.setdiff1d(np.arange(7), flat)
    present = np.unique(region_of[kept])
    assert matrix.shape == (4, 4)
    assert sorted(found.unusable_regions) == flat
    for region in np.setdiff1d(np.arange(4), present):
        assert np.isnan(matrix[region]).all()
        assert np.isnan(matrix[:, region]).all()
    numbers = np.unique(region_of[kept], return_inverse=True)[1]
    alone = matrix_of(name, "over_epochs", signals[:, kept], region_of=numbers)
    assert_same(matrix[np.ix_(present, present)], alone, 1e-12)
