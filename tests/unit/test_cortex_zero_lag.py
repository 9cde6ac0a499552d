"""What instantaneous mixing may and may not leave, and when a coupling is found: only where and when it is there."""

import importlib.util

import mne
import numpy as np
import pytest
from head_bench import MONTAGES, covariance_of, field_of
from scipy import signal

from painconn.config.cortex import CortexConfig
from painconn.connectivity.engine import over_epochs
from painconn.connectivity.surrogates import surrogate_floor
from painconn.cortex.covariance import noise_covariance
from painconn.cortex.kernels import RegionKernel, make_region_kernel, make_source_kernel
from painconn.cortex.lead_field import LeadField
from painconn.cortex.regions import region_average
from painconn.cortex.template import parcellation

REGIONS = parcellation()
SFREQ_HZ = 250.0
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
ALPHA = {"alpha": BANDS["alpha"]}
SOURCES_EVERY = 4
COUPLED = ("postcentral-lh", "superiorfrontal-rh")


@pytest.fixture(scope="module")
def zero_lag(repository):
    path = repository / "tools" / "measure_zero_lag.py"
    spec = importlib.util.spec_from_file_location("measure_zero_lag", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def coarse() -> LeadField:
    """Every fourth source of the 19-channel lead field: enough for every region, and quick."""
    field = field_of(19)
    n_left = len(field.vertices[0])
    kept = np.arange(0, len(field.normals), SOURCES_EVERY)
    sides = (field.vertices[0][kept[kept < n_left]], field.vertices[1][kept[kept >= n_left] - n_left])
    return LeadField(field.channel_names, field.gain_v_per_am[:, kept], sides, field.normals[kept])


def kernel_of(field: LeadField, covariance: np.ndarray, inverse: str = "lcmv") -> RegionKernel:
    rank = len(field.channel_names) - 1
    noise = noise_covariance("adhoc", covariance, rank=rank)
    source_kernel = make_source_kernel(inverse, field, covariance, noise, rank=rank, cortex=CortexConfig())
    return make_region_kernel(source_kernel, field, REGIONS, covariance)


def epochs_of(rows: np.ndarray, length_s: float) -> np.ndarray:
    n_times = int(length_s * SFREQ_HZ)
    return rows[:, : rows.shape[1] // n_times * n_times].reshape(len(rows), -1, n_times).swapaxes(0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("inverse", ["lcmv", "eloreta"])
def test_mixed_gaussian_sources_stay_at_the_floor_and_coherence_does_not(rng, coarse, inverse):
    """Independent sources everywhere, through the head and a kernel: 28 pairs of regions against their surrogates."""
    gain = coarse.gain_v_per_am[:, :, 2]
    data = gain @ rng.normal(size=(gain.shape[1], int(60 * SFREQ_HZ)))
    data = data / data.std() + 0.1 * rng.normal(size=data.shape)
    kernel = kernel_of(coarse, covariance_of(data), inverse)
    signals = epochs_of(kernel.values[:32:4] @ (data - data.mean(axis=0)), 2.0)
    measures = ["wpli2_debiased", "imcoh", "coh"]

    def estimate(epochs):
        return over_epochs(epochs, sfreq_hz=SFREQ_HZ, bands_hz=ALPHA, measures=measures).matrices

    observed = estimate(signals)
    floors = surrogate_floor(signals, estimate, n_surrogates=50, seed=1, kind="shift_epochs")
    pairs = np.tril_indices(8, -1)
    above = {}
    for name in measures:
        floor = floors[name, "alpha"]
        value = np.abs(observed[name, "alpha"]) if floor.of_magnitude else observed[name, "alpha"]
        above[name] = np.mean(value[pairs] > floor.q95[pairs])
    assert above["wpli2_debiased"] < 0.2
    assert above["imcoh"] < 0.2
    assert above["coh"] > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("modulated", [False, True])
def test_residuals_of_mixing_are_those_of_the_table(zero_lag, modulated):
    """Means over pairs in standard errors: Gaussian sources leave nothing; modulated ones only in aec_orth."""
    found = zero_lag.measure(modulated=modulated, share=0.6, n_pairs=24, seed=5)
    score = {name: values.mean() / values.std(ddof=1) * len(values) ** 0.5 for name, values in found.items()}
    assert abs(score["wpli2_debiased"]) < 3.5
    assert abs(score["imcoh"]) < 3.5
    assert score["coh"] > 20
    assert found["coh"].mean() > 0.5
    lengths = [name for name in found if name.startswith("aec_orth")]
    if modulated:
        assert max(abs(found[name].mean()) for name in lengths) > 0.02
        assert max(abs(score[name]) for name in lengths) > 3.5
    else:
        assert all(abs(score[name]) < 3.5 for name in lengths)


@pytest.fixture(scope="module")
def after_the_prick() -> tuple[mne.EpochsArray, RegionKernel]:
    """Epochs of 64 channels: two regions share a signal, 15 ms apart, from 0 to 0.8 s after each event alone."""
    rng = np.random.default_rng(11)
    field, n_epochs = field_of(64), 80
    average = region_average(field, REGIONS)
    gain = field.gain_v_per_am[:, :, 2]
    first, second = (gain @ average[REGIONS.region_names.index(name)] for name in COUPLED)
    times_s = np.arange(-1.25, 1.25, 1 / SFREQ_HZ)
    shared = signal.sosfiltfilt(
        signal.butter(2, (6, 35), "bandpass", fs=SFREQ_HZ, output="sos"),
        rng.normal(size=(n_epochs, len(times_s) + 20)), axis=-1,
    )  # fmt: skip
    shared /= shared.std()
    own = rng.normal(size=(n_epochs, gain.shape[1] // 16, len(times_s)))
    background = np.einsum("cs,est->ect", gain[:, ::16][:, : own.shape[1]], own)
    data = background / background.std() + 0.5 * rng.normal(size=background.shape)
    response = (times_s >= 0) & (times_s < 0.8)
    lag = round(0.015 * SFREQ_HZ)
    for topography, start in ((first, lag), (second, 0)):
        wave = shared[:, start : start + len(times_s)] * response
        data += 3 * (topography / topography.std())[:, np.newaxis] * wave[:, np.newaxis]
    data = (data - data.mean(axis=1, keepdims=True)) * 1e-5
    # Not the beamformer: it takes one of two sources that are nearly copies for the other, and cancels both.
    kernel = kernel_of(field, covariance_of(np.hstack(data)), "eloreta")
    info = mne.create_info(list(MONTAGES[64]), SFREQ_HZ, "eeg", verbose="error")
    return mne.EpochsArray(data, info, tmin=-1.25, verbose="error"), kernel


@pytest.mark.slow
@pytest.mark.parametrize(("start_s", "stop_s", "there"), [(0.0, 0.8, True), (-0.8, 0.0, False), (-1.2, -0.4, False)])
def test_coupling_after_the_prick_is_found_then_and_not_before(after_the_prick, start_s, stop_s, there):
    """Times travel with the data: a window given in seconds is the window that is measured."""
    epochs, kernel = after_the_prick
    cut = epochs.copy().crop(start_s, stop_s, include_tmax=False).get_data(copy=False)
    chosen = [REGIONS.region_names.index(name) for name in COUPLED]
    signals = kernel.values[chosen] @ cut

    def estimate(values):
        return over_epochs(
            values, sfreq_hz=SFREQ_HZ, bands_hz=BANDS, measures=["wpli2_debiased"], half_bandwidth_hz=2.0
        )

    found = estimate(signals)
    floors = surrogate_floor(
        signals, lambda values: estimate(values).matrices, n_surrogates=50, seed=2, kind="shift_epochs"
    )
    for band in ("alpha", "beta"):
        value, floor = found.matrices["wpli2_debiased", band][1, 0], floors["wpli2_debiased", band].q95[1, 0]
        assert bool(value > floor) == there
        if there:
            assert value > 0.3
    assert ("wpli2_debiased", "theta") not in found.matrices
    assert any("theta" in str(reason) for reason in found.not_computable)


class People:
    """People whose sources are uncoupled, in two conditions of other sensor noise, each seen through its kernel."""

    def __init__(self, field: LeadField, rng: np.random.Generator, n_people: int, *, pooled: bool):
        self._chosen = [
            REGIONS.region_names.index(f"{name}-{side}") for side in ("lh", "rh") for name in ("insula", "cuneus")
        ]
        self._field, self._mixing = field, field.gain_v_per_am[:, :, 2][:, ::20]
        self._mixing = self._mixing / self._mixing.std()
        self._people = [self._person(rng, pooled=pooled) for _ in range(n_people)]

    def _person(self, rng: np.random.Generator, *, pooled: bool) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return per condition the kernel of four regions, the data, and what the sources alone give."""
        n_sources = self._mixing.shape[1]
        own = self._mixing * rng.lognormal(0, 0.5, n_sources) / np.sqrt(n_sources)
        conditions = []
        for noise in (0.1, 1.0):
            data = own @ rng.normal(size=(n_sources, 24 * 125))
            data += noise * rng.normal(size=data.shape)
            conditions.append(data - data.mean(axis=0))
        covariances = [covariance_of(data) for data in conditions]
        if pooled:
            kernels = [kernel_of(self._field, np.mean(covariances, axis=0))] * 2
        else:
            kernels = [kernel_of(self._field, covariance) for covariance in covariances]
        rows = [kernel.values[self._chosen] for kernel in kernels]
        return [(kernel, data, own @ own.T) for kernel, data in zip(rows, conditions, strict=True)]

    def coupling(self) -> np.ndarray:
        """Return debiased wPLI, (people, conditions, pairs)."""
        return np.array([[estimate(kernel @ data) for kernel, data, _ in person] for person in self._people])

    def gains(self) -> np.ndarray:
        """Return the log power that each region shows of the sources, without noise, (people, conditions, regions)."""
        return np.array(
            [[np.log(np.einsum("rc,cd,rd->r", kernel, own, kernel)) for kernel, _, own in person]
             for person in self._people]
        )  # fmt: skip


def estimate(rows: np.ndarray) -> np.ndarray:
    epochs = rows.reshape(len(rows), 24, 125).swapaxes(0, 1)
    matrix = over_epochs(epochs, sfreq_hz=125.0, bands_hz=ALPHA, measures=["wpli2_debiased"]).matrices
    return matrix["wpli2_debiased", "alpha"][np.tril_indices(len(rows), -1)]


def paired_t(differences: np.ndarray) -> np.ndarray:
    return differences.mean(axis=0) / differences.std(axis=0, ddof=1) * len(differences) ** 0.5


@pytest.mark.slow
def test_other_sensor_noise_is_no_effect_under_one_kernel(rng, coarse):
    """The canary: identical uncoupled sources, ten times the noise; 12 people at a time, within-person comparison."""
    values = People(coarse, rng, 180, pooled=True).coupling()
    differences = values[:, 1] - values[:, 0]
    groups = differences.reshape(15, 12, -1)
    critical = 2.201
    rate = np.mean([np.abs(paired_t(group)) > critical for group in groups])
    assert rate < 0.12
    assert np.abs(paired_t(differences)).max() < 3.5


@pytest.mark.slow
def test_a_kernel_per_condition_turns_noise_into_an_effect_on_power(rng, coarse):
    """What the canary is for: the same sources seen through two kernels have two powers (t of 7 to 15 over seeds)."""
    gains = People(coarse, rng, 30, pooled=False).gains().mean(axis=2)
    assert paired_t(gains[:, 1] - gains[:, 0]) > 5
