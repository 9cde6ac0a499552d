import os
import pkgutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal as scipy_signal

import painconn.connectivity
from painconn.connectivity.engine import over_epochs, over_time
from painconn.connectivity.estimate import Gates
from painconn.connectivity.gates import (
    why_not_components,
    why_not_in_band,
    why_not_over_epochs,
    why_not_over_time,
)
from painconn.connectivity.registry import MEASURES

pytestmark = pytest.mark.usefixtures("one_thread")

SFREQ_HZ = 250.0
ALPHA = {"alpha": (8.0, 13.0)}
OVER_EPOCHS = [name for name, definition in MEASURES.items() if "over_epochs" in definition.estimators]
OVER_TIME = [name for name, definition in MEASURES.items() if "over_time" in definition.estimators]
USUAL = {"sfreq_hz": SFREQ_HZ, "bands_hz": ALPHA}
ODD = settings(max_examples=40, deadline=None, derandomize=True)


def analytic_alpha(rng, n_segments=4, n_regions=4, n_times=1000):
    sos = scipy_signal.butter(4, ALPHA["alpha"], "bandpass", fs=SFREQ_HZ, output="sos")
    noise = rng.standard_normal((n_segments, n_regions, n_times))
    return scipy_signal.hilbert(scipy_signal.sosfiltfilt(sos, noise, axis=-1), axis=-1)


def assert_identical(found, expected):
    assert set(found.matrices) == set(expected.matrices)
    for key, matrix in expected.matrices.items():
        np.testing.assert_array_equal(found.matrices[key], matrix, err_msg=str(key))


def test_what_travels_with_the_matrices(mixed_epochs, rng):
    found = over_epochs(mixed_epochs(), measures=["coh"], **USUAL)
    assert (found.estimator, found.n_epochs, found.epoch_length_s, found.n_tapers) == ("over_epochs", 30, 2.0, 3)
    assert found.smoothing_hz == {"alpha": 1.0}
    assert found.shrinkage == {}
    assert found.unscored_pairs == {}
    fourier = over_epochs(mixed_epochs(), measures=["coh"], spectra="fourier", **USUAL)
    assert (fourier.n_tapers, fourier.smoothing_hz) == (1, {"alpha": 1.0})
    morlet = over_epochs(mixed_epochs(), measures=["coh"], spectra="morlet", **USUAL)
    assert morlet.n_tapers is None
    assert morlet.smoothing_hz["alpha"] == pytest.approx(13 * np.sqrt(np.log(2)) / 7)
    analytic = analytic_alpha(rng)
    found = over_time(lambda _: analytic, measures=["plv"], **USUAL)
    assert (found.estimator, found.n_epochs, found.epoch_length_s, found.n_tapers) == ("over_time", 4, 4.0, None)
    assert found.halves == ()


def test_segments_are_asked_for_once_per_band_that_the_data_hold(rng):
    asked = []

    def segments(band):
        asked.append(band)
        return analytic_alpha(rng)

    bands_hz = {**ALPHA, "gamma": (30.0, 60.0), "beyond": (100.0, 130.0)}
    found = over_time(
        segments, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=OVER_TIME, highest_hz=45.0, gates=Gates()
    )
    assert asked == ["alpha"]
    for name in OVER_TIME:
        assert "60 Hz" in found.not_computable[name, "gamma"]
        assert "130 Hz" in found.not_computable[name, "beyond"]
        assert (name, "alpha") in found.matrices


@pytest.mark.parametrize("spectra", ["multitaper", "fourier", "morlet"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_two_threads_change_no_bit(mixed_epochs, rng, spectra, precision):
    import numba

    epochs, analytic = mixed_epochs(n_epochs=70, n_regions=9), analytic_alpha(rng, n_regions=9)
    results = []
    for n_threads in (1, 2):
        numba.set_num_threads(n_threads)
        results.append(
            (
                over_epochs(epochs, measures=OVER_EPOCHS, spectra=spectra, precision=precision, **USUAL),
                over_time(lambda _: analytic, measures=OVER_TIME, precision=precision, **USUAL),
            )
        )
    for one, two in zip(*results, strict=True):
        assert one.matrices
        assert_identical(two, one)


@pytest.mark.slow
def test_a_later_process_compiles_nothing(mixed_epochs, rng):
    epochs = mixed_epochs()
    over_epochs(epochs, measures=["plv"], **USUAL)
    code = """
import numpy as np
from painconn.connectivity.engine import over_epochs
from painconn.connectivity.spectral_kernels import pair_pass, transpose_into
epochs = np.random.default_rng(0).standard_normal((30, 3, 500))
over_epochs(epochs, sfreq_hz=250.0, bands_hz={"alpha": (8.0, 13.0)}, measures=["plv"])
for kernel in (pair_pass(3, True), transpose_into):
    print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "0"] * 2


@pytest.mark.slow
def test_a_kernel_from_disk_gives_the_bits_of_one_just_compiled(tmp_path):
    code = """
import sys
import numpy as np
from painconn.connectivity.engine import over_epochs, over_time
bands_hz = {"alpha": (8.0, 13.0)}
noise = np.random.default_rng(0).standard_normal((40, 12, 500))
measures = ["wpli2_debiased", "plv", "gc", "pcoh"]
found = over_epochs(noise, sfreq_hz=250.0, bands_hz=bands_hz, measures=measures).matrices
analytic = noise[:2].repeat(2, axis=-1) + 1j * noise[2:4].repeat(2, axis=-1)
found |= over_time(lambda _: analytic, sfreq_hz=250.0, bands_hz=bands_hz, measures=["aec_orth", "wsmi"]).matrices
np.savez(sys.argv[1], **{"_".join(key): matrix for key, matrix in found.items()})
"""
    saved = []
    for run in ("compiled", "from_disk"):
        path = tmp_path / f"{run}.npz"
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
        subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
        with np.load(path) as arrays:
            saved.append(dict(arrays))
    compiled, from_disk = saved
    assert len(compiled) == 6
    for name, matrix in compiled.items():
        np.testing.assert_array_equal(from_disk[name], matrix, err_msg=name)


def test_importing_the_room_loads_nothing_heavy():
    modules = [
        module.name
        for module in pkgutil.walk_packages(painconn.connectivity.__path__, "painconn.connectivity.")
        if not module.name.endswith("_kernels")
    ]
    assert "painconn.connectivity.engine" in modules
    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {modules}]; "
        "print([name for name in ('mne', 'matplotlib', 'numba', 'pandas', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("spectra", ["multitaper", "morlet"])
def test_memory_layout_and_type_of_the_signals_do_not_matter(mixed_epochs, rng, spectra):
    epochs = np.round(1000 * mixed_epochs(n_epochs=24, n_regions=5))
    options = {"measures": OVER_EPOCHS, "spectra": spectra, **USUAL}
    expected = over_epochs(epochs, **options)
    read_only = epochs.copy()
    read_only.flags.writeable = False
    wide = np.zeros((24, 10, 1000))
    wide[:, ::2, ::2] = epochs
    for same in (
        np.asfortranarray(epochs),
        wide[:, ::2, ::2],
        epochs.transpose(2, 0, 1).copy().transpose(1, 2, 0),
        epochs[::-1][::-1],
        read_only,
        epochs.astype(np.int32),
        epochs.astype(np.float32),
        epochs.astype(">f8"),
    ):
        before = same.copy()
        found = over_epochs(same, **options)
        np.testing.assert_array_equal(same, before)
        for key, matrix in expected.matrices.items():
            np.testing.assert_allclose(found.matrices[key], matrix, rtol=1e-5, atol=1e-9, err_msg=str(key))


def test_layout_of_the_segments_does_not_matter(rng):
    analytic = analytic_alpha(rng)
    expected = over_time(lambda _: analytic, measures=OVER_TIME, **USUAL)
    read_only = analytic.copy()
    read_only.flags.writeable = False
    for same in (np.asfortranarray(analytic), np.repeat(analytic, 2, axis=1)[:, ::2], read_only):
        found = over_time(lambda _, same=same: same, measures=OVER_TIME, **USUAL)
        for key, matrix in expected.matrices.items():
            np.testing.assert_allclose(found.matrices[key], matrix, rtol=1e-9, atol=1e-11, err_msg=str(key))


@pytest.mark.parametrize("shape", [(30, 500), (0, 3, 500), (30, 3, 0), (30, 3, 3), (2, 30, 3, 500)])
def test_signals_of_another_shape_are_refused_by_name(shape):
    with pytest.raises(ValueError, match="epochs, regions, times"):
        over_epochs(np.ones(shape), measures=["coh"], **USUAL)
    with pytest.raises(ValueError, match="epochs, regions, times"):
        over_time(lambda _: np.ones(shape, complex), measures=["plv"], **USUAL)


def test_unknown_names_are_refused(mixed_epochs):
    epochs = mixed_epochs()
    with pytest.raises(ValueError, match=r"unknown measure plf; there are: .*plv"):
        over_epochs(epochs, measures=["plf", "coh"], **USUAL)
    with pytest.raises(ValueError, match="not estimated over epochs: aec_orth"):
        over_epochs(epochs, measures=["aec_orth"], **USUAL)
    with pytest.raises(ValueError, match="not estimated over time: ppc"):
        over_time(lambda _: epochs, measures=["ppc"], **USUAL)
    with pytest.raises(ValueError, match="unknown spectra wavelet; there are: multitaper"):
        over_epochs(epochs, measures=["coh"], spectra="wavelet", **USUAL)


def test_nothing_asked_for_is_nothing_found(mixed_epochs):
    assert not over_epochs(mixed_epochs(), measures=[], **USUAL).matrices
    assert not over_epochs(mixed_epochs(), sfreq_hz=SFREQ_HZ, bands_hz={}, measures=["coh"]).matrices


@pytest.mark.parametrize("value", [0.0, 0.1, np.nan])
def test_no_usable_region_leaves_nothing_but_missing_values(value):
    found = over_epochs(np.full((20, 4, 500), value), measures=OVER_EPOCHS, **USUAL)
    assert sorted(found.unusable_regions) == [0, 1, 2, 3]
    for matrix in found.matrices.values():
        assert matrix.shape == (4, 4)
        assert np.isnan(matrix).all()
    assert {name for name, _ in {**found.matrices, **found.not_computable}} == set(OVER_EPOCHS)


def test_a_phase_shift_is_not_a_copy(rng):
    analytic = analytic_alpha(rng, n_regions=3)
    analytic[:, 2] = analytic[:, 0] * np.exp(-0.8j)
    found = over_time(lambda _: analytic, measures=["imcoh", "plv"], **USUAL)
    assert found.copied_pairs == ()
    np.testing.assert_allclose(found.matrices["plv", "alpha"][0, 2], 1.0, atol=1e-12)
    np.testing.assert_allclose(found.matrices["imcoh", "alpha"][0, 2], np.sin(0.8), atol=1e-9)


FAULTS = st.sampled_from(["none", "nan", "inf", "-inf", "flat", "constant", "copy", "flat in one"])
SCALES = st.sampled_from([1e-30, 1e-12, 1e-6, 1.0, 1e6, 1e30])


@st.composite
def odd_signals(draw, least_times=4, most_times=130):
    n_epochs, n_regions = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    n_times = draw(st.integers(least_times, most_times))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    signals = rng.standard_normal((n_epochs, n_regions, n_times))
    signals *= np.array([draw(SCALES) for _ in range(n_regions)])[:, None]
    missing = np.zeros(n_regions, dtype=bool)
    for region in range(n_regions):
        fault = draw(FAULTS)
        epoch, time = draw(st.integers(0, n_epochs - 1)), draw(st.integers(0, n_times - 1))
        if fault in ("nan", "inf", "-inf"):
            signals[epoch, region, time] = float(fault)
        elif fault == "copy" and region:
            signals[:, region] = -0.3 * signals[:, region - 1]
        elif fault == "flat in one":
            signals[epoch, region] = 0.7
        elif fault in ("flat", "constant"):
            signals[:, region] = 0.0 if fault == "flat" else 0.3
        varied = np.ptp(signals[:, region], axis=-1) if np.isfinite(signals[:, region]).all() else np.zeros(1)
        missing[region] = not (varied > 0).all()
    return signals, missing


def assert_sound(found, missing, names):
    n_regions = len(missing)
    assert {name for name, _ in {**found.matrices, **found.not_computable}} == set(names)
    assert not set(found.matrices) & set(found.not_computable)
    assert all(isinstance(reason, str) and reason for reason in found.not_computable.values())
    assert sorted(found.unusable_regions) == np.flatnonzero(missing).tolist()
    absent = missing[:, None] | missing | np.eye(n_regions, dtype=bool)
    for row, column in found.copied_pairs:
        absent[row, column] = absent[column, row] = True
    for (name, _), matrix in found.matrices.items():
        assert matrix.shape == (n_regions, n_regions), name
        assert np.isnan(matrix[absent]).all(), name
        assert not np.isinf(matrix).any(), name
        low, high = MEASURES[name].value_range
        values = np.abs(matrix[np.isfinite(matrix)]) if np.iscomplexobj(matrix) else matrix[np.isfinite(matrix)]
        assert low is None or (values >= low - 1e-6).all(), name
        assert high is None or (values <= high + 1e-6).all(), name


@ODD
@given(
    odd=odd_signals(),
    spectra=st.sampled_from(["multitaper", "fourier", "morlet"]),
    band_hz=st.sampled_from([(8.0, 13.0), (0.0, 4.0), (13.0, 30.0), (40.0, 41.0), (20.0, 125.0), (200.0, 210.0)]),
    gates=st.sampled_from([None, Gates(), Gates(min_epochs=2, min_cycles=1.0), Gates(min_epochs=0, min_cycles=0.0)]),
    halves=st.booleans(),
)
def test_odd_epochs_give_a_sound_outcome(odd, spectra, band_hz, gates, halves):
    signals, missing = odd
    found = over_epochs(
        signals,
        sfreq_hz=SFREQ_HZ,
        bands_hz={"odd": band_hz},
        measures=OVER_EPOCHS,
        spectra=spectra,
        gates=gates,
        halves=halves,
    )
    assert_sound(found, missing, OVER_EPOCHS)
    assert len(found.halves) == (2 if halves and len(signals) > 1 else 0)


@ODD
@given(odd=odd_signals(), gates=st.sampled_from([None, Gates(), Gates(min_cycles=0.0)]), halves=st.booleans())
def test_odd_segments_give_a_sound_outcome(odd, gates, halves):
    signals, missing = odd
    shape = signals.shape
    with np.errstate(invalid="ignore"):
        other = np.roll(signals, shape[-1] // 3, axis=-1)
    analytic = np.empty(shape, dtype=complex)
    analytic.real, analytic.imag = signals, other
    found = over_time(lambda _: analytic, measures=OVER_TIME, gates=gates, halves=halves, **USUAL)
    assert_sound(found, missing, OVER_TIME)


GATED = {
    "n_epochs": 30,
    "epoch_length_s": 2.0,
    "half_bandwidth_hz": 1.0,
    "highest_hz": 45.0,
    "min_epochs": 20,
    "min_cycles": 5.0,
}


def test_gates_name_what_was_found_and_what_would_be_needed():
    def reason(band_hz, **changed):
        return why_not_over_epochs(band_hz, **{**GATED, **changed})

    assert reason((8.0, 13.0)) is None
    assert reason((4.0, 8.0), epoch_length_s=1.25) is None
    assert reason((30.0, 45.0)) is None
    assert reason((8.0, 10.0)) is None
    assert reason((8.0, 13.0), n_epochs=20) is None
    assert reason((8.0, 13.0), n_epochs=19) == "19 epochs, wanted at least 20"
    assert reason((4.0, 8.0), epoch_length_s=0.8) == "3.2 cycles of 4 Hz in 0.8 s, wanted 5 (1.25 s)"
    assert reason((8.0, 9.5)) == "the band is 1.5 Hz wide, the smoothing 2 Hz: longer epochs or a wider band"
    assert reason((30.0, 45.0), highest_hz=40.0) == "the band ends at 45 Hz, the data at 40 Hz (low-pass)"
    assert why_not_in_band((8.0, 45.0), highest_hz=45.0) is None
    segments = {"segment_length_s": 10.0, "half_bandwidth_hz": 1.0, "highest_hz": 45.0, "min_cycles": 5.0}
    assert why_not_over_time((8.0, 13.0), **segments) is None
    assert "a lower edge above 0 Hz" in why_not_over_time((0.0, 4.0), **segments)
    assert why_not_over_time((10.0, 10.2), **segments) == "the band is 0.2 Hz wide, the smoothing 2 Hz: a wider band"
    few = why_not_components(np.array([3, 1, 3]), n_samples=59)
    assert few.startswith("59 samples (epochs x tapers) for 6 components of a pair of regions, wanted at least 60")
    assert why_not_components(np.array([3, 1, 3]), n_samples=60) is None


@pytest.mark.parametrize(
    ("n_epochs", "n_times", "band_hz", "wanted"),
    [
        (19, 500, (8.0, 13.0), "19 epochs, wanted at least 20"),
        (30, 150, (4.0, 12.0), "2.4 cycles of 4 Hz in 0.6 s, wanted 5 (1.25 s)"),
        (30, 500, (8.0, 9.0), "the band is 1 Hz wide, the smoothing 2 Hz"),
        (30, 500, (30.0, 130.0), "the band ends at 130 Hz, the data at 125 Hz"),
    ],
)
def test_a_refused_band_costs_no_other_and_a_lowered_gate_computes(mixed_epochs, n_epochs, n_times, band_hz, wanted):
    epochs = mixed_epochs(n_epochs, 3, n_times)
    bands_hz = {"refused": band_hz, "beta": (13.0, 30.0)}
    found = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=["coh", "wpli"], gates=Gates())
    for name in ("coh", "wpli"):
        assert wanted in found.not_computable[name, "refused"]
        assert (name, "refused") not in found.matrices
        assert ((name, "beta") in found.matrices) == (n_epochs >= 20)
    lowered = over_epochs(
        epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=["coh"], gates=Gates(min_epochs=2, min_cycles=2.0)
    )
    assert (("coh", "refused") in lowered.matrices) == ("epochs," in wanted or "cycles" in wanted)
    ungated = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=["coh"], gates=None)
    assert ("coh", "refused") in ungated.matrices
    usual = over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=bands_hz, measures=["coh"])
    assert ("coh", "refused") in usual.not_computable


def test_noise_fitted_to_many_components_is_refused(rng):
    noise = rng.standard_normal((20, 12, 500))
    settings = {"measures": ["mic", "cacoh"], "region_of": np.repeat([0, 1], 6), **USUAL}
    found = over_epochs(noise, **settings)
    assert not found.matrices
    assert "wanted at least 120" in found.not_computable["mic", "alpha"]
    assert over_epochs(noise, gates=None, **settings).matrices["cacoh", "alpha"][0, 1] > 0.35


def test_signals_too_alike_to_tell_apart_are_named(mixed_epochs, rng):
    epochs = mixed_epochs(30, 4)
    epochs[:, 3] = epochs[:, 1] + 1e-5 * epochs[:, 1].std() * rng.standard_normal(epochs[:, 1].shape)
    found = over_epochs(epochs, measures=["gc", "coh"], **USUAL)
    assert found.copied_pairs == ()
    assert found.unscored_pairs == {("gc", "alpha"): ((3, 1),)}
    assert np.isfinite(found.matrices["coh", "alpha"][3, 1])


def test_shrinkage_travels_and_can_be_fixed(mixed_epochs):
    epochs = mixed_epochs(30, 4)
    chosen = over_epochs(epochs, measures=["pcoh"], **USUAL)
    assert 0 < chosen.shrinkage["alpha"] < 1
    fixed = over_epochs(epochs, measures=["pcoh"], shrinkage=0.5, **USUAL)
    assert fixed.shrinkage == {"alpha": 0.5}
    assert (fixed.matrices["pcoh", "alpha"] != chosen.matrices["pcoh", "alpha"])[0, 1]


@pytest.mark.parametrize("region_of", [[0, 0, 1], [0, 0, 1, 1, 2], [0.0, 0.0, 1.0, 1.0], [0, -1, 1, 1]])
def test_regions_that_do_not_fit_the_rows_are_refused(mixed_epochs, region_of):
    with pytest.raises(ValueError, match="wanted a whole number from 0 for each of the 4 rows"):
        over_epochs(mixed_epochs(30, 4), measures=["mim"], region_of=np.array(region_of), **USUAL)


def test_an_unknown_precision_and_uneven_segments_are_refused(mixed_epochs, rng):
    with pytest.raises(ValueError, match="unknown precision single"):
        over_epochs(mixed_epochs(), measures=["coh"], precision="single", **USUAL)
    with pytest.raises(ValueError, match="segments differ between bands"):
        over_time(
            lambda band: analytic_alpha(rng, n_segments=3 if band == "alpha" else 4),
            sfreq_hz=SFREQ_HZ,
            bands_hz={**ALPHA, "beta": (13.0, 30.0)},
            measures=["plv"],
        )
