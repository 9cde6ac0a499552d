from pathlib import Path

import mne
import numpy as np
import pytest

from painconn.cleaning.epochs import rest_epochs
from painconn.cleaning.quality import recording_quality
from painconn.cleaning.rank import numerical_rank
from painconn.cleaning.segments import bad_samples, mark_stretches
from painconn.cleaning.session import CleanedSession, clean_session
from painconn.errors import RecordingFault

CHANNELS = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC1", "FC2", "FC6", "T7", "C3", "Cz", "C4", "T8"),
    *("CP5", "CP1", "CP2", "CP6", "P7", "P3", "Pz", "P4", "P8", "PO3", "PO4", "O1", "Oz", "O2"),
]
RATE_HZ = 250.0
LINE_HZ = 50.0
SETTINGS = {
    "line_freq_hz": LINE_HZ,
    "line_noise": "notch",
    "recording_lowpass_hz": None,
    "bad_channels": "pyprep",
    "ica": "picard",
    "seed": 11,
}
PLAIN = SETTINGS | {"line_noise": "none", "bad_channels": "none", "ica": "none"}


def positions(channels: list[str]) -> np.ndarray:
    montage = mne.channels.make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    return np.array([montage[name] for name in channels])


def pink(rng: np.random.Generator, n_signals: int, n_times: int) -> np.ndarray:
    """1/f noise with slowly changing strength, unit variance (not Gaussian, as brain sources are)."""
    freqs = np.fft.rfftfreq(n_times, 1 / RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal((n_signals, n_times))) / np.maximum(freqs, 0.5) ** 0.7
    waves = np.fft.irfft(spectrum, n_times)
    strength = np.exp(np.cumsum(rng.standard_normal((n_signals, n_times)), axis=1) * 0.02)
    waves *= strength / strength.mean(axis=1, keepdims=True)
    return waves / waves.std(axis=1, keepdims=True)


def blink_train(rng: np.random.Generator, n_times: int) -> np.ndarray:
    train = np.zeros(n_times)
    train[np.cumsum(rng.integers(2 * RATE_HZ, 5 * RATE_HZ, size=n_times // int(3.5 * RATE_HZ)))[:-3]] = 1
    return np.convolve(train, np.hanning(int(0.35 * RATE_HZ)), mode="same")


def simulated(
    seed: int,
    *,
    duration_s: float = 40.0,
    blink_uv: float = 150.0,
    line_uv: float = 8.0,
    channels: list[str] = CHANNELS,
) -> mne.io.RawArray:
    """A linked-reference recording: 45 smooth brain sources, blinks, line noise, sensor noise."""
    rng = np.random.default_rng(seed)
    place = positions(channels)
    n_times = int(duration_s * RATE_HZ)
    shape = np.random.default_rng(5)
    centres = place[shape.integers(len(place), size=45)] + shape.normal(0, 0.02, (45, 3))
    maps = np.exp(-(np.linalg.norm(place[:, None] - centres, axis=2) ** 2) / (2 * 0.045**2)) * shape.choice([-1, 1], 45)
    data = 6e-6 * maps @ pink(rng, 45, n_times)
    eyes = np.exp(-(np.linalg.norm(place - np.array([0.0, 0.11, -0.02]), axis=1) ** 2) / (2 * 0.04**2))
    data += blink_uv * 1e-6 * np.outer(eyes / eyes.max(), blink_train(rng, n_times))
    mains = np.sin(2 * np.pi * LINE_HZ * np.arange(n_times) / RATE_HZ)
    data += line_uv * 1e-6 * np.outer(1 + 0.3 * rng.random(len(place)), mains)
    data += 0.5e-6 * rng.standard_normal(data.shape)
    raw = mne.io.RawArray(data, mne.create_info(channels, RATE_HZ, "eeg"), verbose="ERROR")
    return raw.set_montage("colin27_1005")


def with_signal(raw: mne.io.RawArray, name: str, samples: np.ndarray) -> mne.io.RawArray:
    return raw.copy().apply_function(lambda _: samples, picks=[name])


@pytest.fixture(scope="module")
def recording() -> mne.io.RawArray:
    return simulated(1)


@pytest.fixture(scope="module")
def cleaned(recording: mne.io.RawArray) -> CleanedSession:
    return clean_session({"rest": with_signal(recording, "C4", np.full(recording.n_times, 3e-5))}, **SETTINGS)


@pytest.mark.slow
def test_blinks_are_found_and_removed_and_the_rest_stays(recording: mne.io.RawArray, cleaned: CleanedSession) -> None:
    removed = [component for component in cleaned.components if component.removed]
    assert [component.label for component in removed] == ["eye blink"]
    assert cleaned.good_channels[int(np.abs(removed[0].weights).argmax())] in {"Fp1", "Fp2"}
    settings = PLAIN | {"manual_bads": ["C4"]}
    without_blinks = simulated(1, blink_uv=0.0, line_uv=0.0)
    truth = clean_session({"rest": without_blinks}, **settings).raws["rest"]
    filtered = clean_session({"rest": recording}, **settings | {"line_noise": "notch"}).raws["rest"]
    result = cleaned.raws["rest"]
    front, back = ["Fp1", "Fp2"], ["O1", "Oz", "O2"]

    def error(raw: mne.io.RawArray, channels: list[str]) -> float:
        return float(np.var(raw.get_data(channels) - truth.get_data(channels)))

    assert error(result, front) < 0.1 * error(filtered, front)
    assert error(result, back) < 0.1 * np.var(truth.get_data(back))


def test_line_noise_goes_and_is_reported(cleaned: CleanedSession) -> None:
    quality = recording_quality(cleaned, "rest")
    assert quality["line_noise_ratio_before"] > 50
    assert quality["line_noise_ratio_after"] < 1.5


def test_flat_channel_is_bad_with_its_reason_and_interpolated(cleaned: CleanedSession) -> None:
    assert cleaned.bads == {"C4": ("flat",)}
    raw = cleaned.raws["rest"]
    assert raw.ch_names == CHANNELS
    assert raw.info["bads"] == []
    assert np.std(raw.get_data(picks="C4")) > 1e-6
    assert cleaned.interpolated_fraction == pytest.approx(1 / len(CHANNELS))


def test_rank_counts_reference_bad_channels_and_components(cleaned: CleanedSession) -> None:
    assert cleaned.rank.tracked == cleaned.rank.before_ica == len(CHANNELS) - 2
    assert len(cleaned.components) == cleaned.rank.before_ica
    assert cleaned.rank.final == len(CHANNELS) - 3
    result = cleaned.raws["rest"].get_data()
    assert numerical_rank(result, average_reference=False, tolerance=1e-6) == cleaned.rank.final
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-15)


def test_quality_row_is_flat_and_complete(cleaned: CleanedSession) -> None:
    quality = recording_quality(cleaned, "rest")
    assert all(type(value) is float for value in quality.values())
    assert quality["components_removed"] == quality["components_removed_eye_blink"] == 1
    assert quality["minutes_retained"] == quality["minutes_recorded"] == pytest.approx(40 / 60)
    assert 0 < quality["muscle_index"] < 0.3
    assert 5 < quality["median_peak_to_peak_uv"] < 200


@pytest.mark.slow
def test_average_referenced_input_does_not_get_a_component_too_many() -> None:
    raw = simulated(2).set_eeg_reference("average", projection=False, verbose="ERROR")
    result = clean_session({"rest": raw}, **SETTINGS)
    assert result.rank.data == {"rest": 29}
    assert result.rank.tracked == len(result.components) == 29
    assert "eye blink" in {component.label for component in result.components if component.removed}


@pytest.mark.parametrize(("centred", "final"), [(True, 28), (False, 29)])
def test_dimension_lost_in_earlier_cleaning_lowers_the_rank(
    recording: mne.io.RawArray, centred: bool, final: int
) -> None:
    """A lost direction counts in addition to the reference unless the reference can make up for it."""
    data = recording.get_data()
    direction = np.random.default_rng(3).standard_normal((len(CHANNELS), 1))
    if centred:
        direction -= direction.mean()
    direction /= np.linalg.norm(direction)
    rounded = np.round((data - direction @ (direction.T @ data)) / 1e-9) * 1e-9
    lossy = mne.io.RawArray(rounded, recording.info.copy(), verbose="ERROR")
    assert clean_session({"rest": recording}, **PLAIN).rank.final == 29
    result = clean_session({"rest": lossy, "task": recording}, **PLAIN)
    assert result.rank.data == {"rest": 29, "task": 30}
    assert result.rank.final == final
    referenced = rounded - rounded.mean(axis=0)
    assert np.linalg.matrix_rank(referenced, tol=1e-4 * np.linalg.norm(referenced, 2)) == final


@pytest.mark.slow
def test_same_seed_gives_the_same_bits() -> None:
    raw = simulated(4, duration_s=30, channels=CHANNELS[::2])
    once, again = (clean_session({"rest": raw}, **SETTINGS) for _ in range(2))
    assert once.raws["rest"].get_data().tobytes() == again.raws["rest"].get_data().tobytes()
    assert [c.probability for c in once.components] == [c.probability for c in again.components]


def test_recordings_do_not_leak_into_each_other_through_filters(recording: mne.io.RawArray) -> None:
    other = simulated(9, duration_s=20).apply_function(lambda samples: samples + 1e-3)
    together = clean_session({"a": recording, "b": other}, **PLAIN | {"line_noise": "notch"})
    alone = clean_session({"a": recording}, **PLAIN | {"line_noise": "notch"})
    assert np.array_equal(together.raws["a"].get_data(), alone.raws["a"].get_data())


def test_bad_channels_are_those_of_the_whole_session(recording: mne.io.RawArray) -> None:
    broken = with_signal(recording, "P3", np.zeros(recording.n_times))
    result = clean_session({"a": recording, "b": broken}, **PLAIN)
    assert result.bads == {"P3": ("flat",)}
    assert result.rank.data == {"a": 29, "b": 29}


def test_already_clean_path_only_filters_and_references(recording: mne.io.RawArray) -> None:
    before = recording.get_data()
    result = clean_session({"rest": recording}, **PLAIN | {"sfreq_hz": RATE_HZ})
    expected = recording.copy().filter(1.0, 100.0, verbose="ERROR").get_data()
    expected -= expected.mean(axis=0)
    # one band-pass against a high-pass and then a low-pass: the same but for rounding and the ends
    middle = slice(1000, -1000)
    np.testing.assert_allclose(result.raws["rest"].get_data()[:, middle], expected[:, middle], atol=2e-9)
    assert result.components == ()
    assert result.bads == {}
    assert np.array_equal(recording.get_data(), before)


@pytest.mark.parametrize("kind", ["deviation", "high-frequency noise"])
def test_noisy_channel_is_found_with_its_reason_and_no_other(recording: mne.io.RawArray, kind: str) -> None:
    rng = np.random.default_rng(6)
    signal = recording.get_data(picks="CP1")[0]
    if kind == "deviation":
        signal = 12 * signal
    else:
        noise = np.fft.rfft(rng.standard_normal(signal.size))
        noise[np.fft.rfftfreq(signal.size, 1 / RATE_HZ) < 60] = 0
        signal = signal + 25e-6 * np.fft.irfft(noise, signal.size)
    result = clean_session({"rest": with_signal(recording, "CP1", signal)}, **SETTINGS | {"ica": "none"})
    assert set(result.bads) == {"CP1"}
    assert kind in result.bads["CP1"]


def test_a_channel_that_a_person_found_good_stays(recording: mne.io.RawArray) -> None:
    loud = with_signal(recording, "CP1", 12 * recording.get_data(picks="CP1")[0])
    assert clean_session({"rest": loud}, **SETTINGS | {"ica": "none", "manual_goods": ["CP1"]}).bads == {}


@pytest.mark.slow
def test_from_32_channels_neighbours_are_asked() -> None:
    channels = [*CHANNELS, "AF3", "AF4"]
    raw = simulated(7, channels=channels, blink_uv=0.0)
    stranger = 8e-6 * pink(np.random.default_rng(8), 1, raw.n_times)[0]
    odd = with_signal(raw, "Cz", stranger)
    result = clean_session({"rest": odd}, **SETTINGS | {"ica": "none"})
    assert {"correlation", "ransac"} & set(result.bads["Cz"])
    assert "Cz" not in clean_session({"rest": raw}, **SETTINGS | {"ica": "none"}).bads


def test_hand_marked_and_unreadable_channels_are_bad_without_any_search(recording: mne.io.RawArray) -> None:
    samples = recording.get_data(picks="Oz")[0]
    samples[100] = np.nan
    raw = with_signal(recording, "Oz", samples)
    raw.info["bads"] = ["T7"]
    result = clean_session({"rest": raw}, **PLAIN | {"manual_bads": ["Fz"]})
    assert result.bads == {"Fz": ("marked",), "T7": ("marked",), "Oz": ("nan",)}
    assert np.isfinite(result.raws["rest"].get_data()).all()


def test_only_eeg_channels_come_out(recording: mne.io.RawArray) -> None:
    heart = mne.io.RawArray(np.ones((1, recording.n_times)), mne.create_info(["ECG"], RATE_HZ, "ecg"), verbose="ERROR")
    raw = recording.copy().add_channels([heart])
    assert clean_session({"rest": raw}, **PLAIN).raws["rest"].ch_names == CHANNELS


def test_stated_lowpass_binds_and_annotations_keep_their_times(recording: mne.io.RawArray) -> None:
    raw = recording.copy().set_annotations(mne.Annotations([3.0, 10.0], [0.0, 2.0], ["stimulus", "BAD_move"]))
    result = clean_session({"rest": raw}, **PLAIN | {"recording_lowpass_hz": 30.0, "sfreq_hz": 100.0})
    out = result.raws["rest"]
    assert result.lowpass_hz == 30.0
    assert out.info["sfreq"] == 100.0
    np.testing.assert_allclose(out.annotations.onset, [3.0, 10.0])
    assert np.flatnonzero(bad_samples(out))[[0, -1]].tolist() == [1000, 1199]


def faults(recording: mne.io.RawArray) -> dict[str, tuple[dict[str, mne.io.RawArray], dict[str, object]]]:
    flat = recording.copy().apply_function(lambda samples: 0 * samples, picks=CHANNELS[:9])
    nowhere = mne.io.RawArray(recording.get_data(), mne.create_info(CHANNELS, RATE_HZ, "eeg"), verbose="ERROR")
    return {
        "bad channels": ({"a": flat}, {}),
        "sampling rate": ({"a": recording}, {"sfreq_hz": 500.0}),
        "line frequency": ({"a": recording}, {"line_noise": "notch", "line_freq_hz": None}),
        "channels differ": ({"a": recording, "b": recording.copy().drop_channels(["Oz"])}, {}),
        "too short": ({"a": recording.copy().crop(0, 5)}, {}),
        "unknown channel": ({"a": recording}, {"manual_bads": ["X1"]}),
        "positions": ({"a": nowhere}, {"ica": "picard"}),
    }


@pytest.mark.parametrize(
    "check",
    ["bad channels", "sampling rate", "line frequency", "channels differ", "too short", "unknown channel", "positions"],
)
def test_what_cannot_be_cleaned_is_a_fault_of_the_recording(recording: mne.io.RawArray, check: str) -> None:
    raws, changed = faults(recording)[check]
    with pytest.raises(RecordingFault) as caught:
        clean_session(raws, **PLAIN | changed)
    assert caught.value.check == check


def test_flat_stretch_never_becomes_an_epoch_and_leaves_no_step(recording: mne.io.RawArray) -> None:
    offset, gap = 5e-3, slice(4000, 4600)
    data = recording.get_data() + offset
    data[:, gap] = 0.0
    raw = mark_stretches(mne.io.RawArray(data, recording.info.copy(), verbose="ERROR"), [(16.0, 2.4)])
    settings = PLAIN | {"sfreq_hz": 125.0}
    out = clean_session({"rest": raw}, **settings).raws["rest"]
    reference = clean_session({"rest": recording}, **settings).raws["rest"]
    epochs = rest_epochs(out, block=None)
    starts = epochs.events[:, 0] / 125.0
    assert len(epochs) < len(rest_epochs(reference, block=None))
    assert not np.any((starts < 4600 / 250 + 0.5) & (starts + 2.0 > 4000 / 250 - 0.5))
    usable = ~bad_samples(out)
    difference = out.get_data()[:, usable] - reference.get_data()[:, usable]
    assert np.abs(difference).max() < 0.01 * offset
    assert np.std(difference) < 0.1 * np.std(reference.get_data())


def eegmat(folder: Path, number: int, run: int) -> mne.io.BaseRaw:
    path = folder / "eegmat-rest-arithmetic" / f"Subject{number:02d}_{run}.edf"
    raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR").drop_channels(["EEG A2-A1"])
    raw.set_channel_types({"ECG ECG": "ecg"}, verbose="ERROR")
    renamed = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    raw.rename_channels(lambda name: renamed.get(name.removeprefix("EEG "), name.removeprefix("EEG ")))
    return raw.set_montage("colin27_1005")


@pytest.mark.realdata
@pytest.mark.parametrize("number", [2, 25])
def test_clean_real_recordings_lose_little(real_data: Path, number: int) -> None:
    raws = {"rest": eegmat(real_data, number, 1), "task": eegmat(real_data, number, 2)}
    result = clean_session(raws, **SETTINGS | {"recording_lowpass_hz": 45.0})
    plain = clean_session(raws, **PLAIN | {"recording_lowpass_hz": 45.0})
    assert result.bads == {}
    assert result.decomposition is not None
    assert result.decomposition.converged
    assert result.rank.before_ica == 18
    assert result.rank.n_removed <= 3
    for name in raws:
        kept = np.var(result.raws[name].get_data(["O1", "O2"])) / np.var(plain.raws[name].get_data(["O1", "O2"]))
        assert 0.7 < kept < 1.1


@pytest.mark.realdata
@pytest.mark.parametrize(("number", "rank"), [(2, 18), (13, 17), (18, 17), (28, 17), (35, 17)])
def test_rank_of_recordings_cleaned_earlier(real_data: Path, number: int, rank: int) -> None:
    settings = PLAIN | {"recording_lowpass_hz": 45.0}
    rest, task = eegmat(real_data, number, 1), eegmat(real_data, number, 2)
    assert clean_session({"rest": rest}, **settings).rank.final == rank
    assert clean_session({"task": task}, **settings).rank.final == 18
    assert clean_session({"rest": rest, "task": task}, **settings).rank.final == rank


@pytest.mark.realdata
def test_flat_ends_of_real_recordings_are_not_used(real_data: Path) -> None:
    task = mark_stretches(eegmat(real_data, 2, 2), [(60.014, 1.986)])
    epochs = rest_epochs(clean_session({"task": task}, **PLAIN).raws["task"], block=None)
    assert len(epochs) == 29
    assert np.ptp(epochs.get_data(), axis=2).min() > 1e-6
