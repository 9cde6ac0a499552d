import mne
import numpy as np
import pytest
from numpy.typing import NDArray

from painconn.cleaning.channels import check_bad_fraction, merged
from painconn.cleaning.epochs import event_epochs, reject_epochs, remove_evoked, rest_epochs, select_epochs
from painconn.cleaning.line_noise import line_frequencies
from painconn.cleaning.quality import line_noise_ratio, median_peak_to_peak, muscle_index
from painconn.cleaning.segments import bad_samples, envelope_segments, mark_stretches, runs
from painconn.cleaning.signal import effective_lowpass, mean_spectrum, resample
from painconn.errors import RecordingFault

RATE_HZ = 200.0
CHANNELS = ["Fz", "Cz", "T7", "T8"]


def recording(data: NDArray[np.float64], *annotations: tuple[float, float, str]) -> mne.io.RawArray:
    raw = mne.io.RawArray(data, mne.create_info(CHANNELS, RATE_HZ, "eeg"), verbose="ERROR")
    onsets, durations, names = zip(*annotations, strict=True) if annotations else ((), (), ())
    return raw.set_annotations(mne.Annotations(onsets, durations, names))


@pytest.fixture
def noise(rng: np.random.Generator) -> NDArray[np.float64]:
    return 10e-6 * rng.standard_normal((len(CHANNELS), int(60 * RATE_HZ)))


def test_rest_epochs_tile_the_recording_without_overlap(noise: NDArray[np.float64]) -> None:
    epochs = rest_epochs(recording(noise), length_s=2.0, block=None)
    assert len(epochs) == 30
    assert np.array_equal(np.hstack(list(epochs.get_data())), noise)


def test_rest_epochs_stay_in_their_block_and_off_bad_stretches(noise: NDArray[np.float64]) -> None:
    raw = recording(noise, (10.0, 9.0, "eyes-closed"), (30.0, 8.5, "eyes-closed"), (32.5, 0.1, "bad_cough"))
    epochs = rest_epochs(raw, length_s=2.0, block="eyes-closed")
    assert (epochs.events[:, 0] / RATE_HZ).tolist() == [10, 12, 14, 16, 30, 34, 36]


def test_a_cropped_recording_gives_the_same_epochs(noise: NDArray[np.float64]) -> None:
    raw = recording(noise, (20.0, 10.0, "block"), (22.0, 0.0, "pin"), (26.0, 0.0, "pin"), (24.5, 0.2, "BAD_x"))
    cropped = raw.copy().crop(5.0)
    for make in (lambda r: rest_epochs(r, block="block"), lambda r: event_epochs(r, events=["pin"])[0]):
        assert np.array_equal(make(raw).get_data(), make(cropped).get_data())


def test_missing_block_names_what_is_there(noise: NDArray[np.float64]) -> None:
    raw = recording(noise, (1.0, 0.0, "pin"), (2.0, 0.0, "pin"))
    with pytest.raises(RecordingFault, match=r"pin \(2\)"):
        rest_epochs(raw, block="eyes")


def test_windows_have_equal_samples_and_meet_at_the_event(noise: NDArray[np.float64]) -> None:
    raw = recording(noise, (5.0, 0.0, "hand"), (8.0, 0.0, "back"), (11.0, 0.0, "other"))
    post, pre = event_epochs(raw, events=["hand", "back"], window_s=(0.0, 1.25))
    assert len(post) == len(pre) == 2
    assert len(post.times) == len(pre.times) == 250
    assert (post.tmin, pre.tmax) == (0.0, -1 / RATE_HZ)
    assert np.array_equal(np.concatenate([pre.get_data(), post.get_data()], axis=2)[0], noise[:, 750:1250])
    assert post.event_id == {"hand": 1, "back": 2}


def test_late_window_keeps_its_times_and_the_window_before_zero(noise: NDArray[np.float64]) -> None:
    post, pre = event_epochs(recording(noise, (5.0, 0.0, "hand")), events=["hand"], window_s=(0.2, 0.7))
    assert np.array_equal(post.get_data()[0], noise[:, 1040:1140])
    assert np.array_equal(pre.get_data()[0], noise[:, 900:1000])
    assert post.tmin == pytest.approx(0.2)


def test_event_is_dropped_from_both_windows(noise: NDArray[np.float64]) -> None:
    events = [(onset, 0.0, "pin") for onset in (0.5, 5.0, 10.0, 15.0, 59.5)]
    raw = recording(noise, *events, (9.5, 0.1, "BAD_flat"), (15.9, 0.1, "BAD_move"))
    post, pre = event_epochs(raw, events=["pin"])
    assert (post.events[:, 0] / RATE_HZ).tolist() == (pre.events[:, 0] / RATE_HZ).tolist() == [5.0]


def test_missing_event_names_all_descriptions_with_counts(noise: NDArray[np.float64]) -> None:
    raw = recording(noise, (1.0, 0.0, "S 1"), (2.0, 0.0, "S 1"), (3.0, 0.0, "S 2"))
    with pytest.raises(RecordingFault) as caught:
        event_epochs(raw, events=["S  1", "S  3"])
    assert caught.value.check == "events not found"
    assert caught.value.problems[0].found == "S 1 (2), S 2 (1)"


def test_no_usable_epoch_is_a_fault(noise: NDArray[np.float64]) -> None:
    with pytest.raises(RecordingFault) as caught:
        rest_epochs(recording(noise, (0.0, 60.0, "BAD_all")), block=None)
    assert caught.value.check == "too few epochs"


def test_outlying_epochs_are_rejected_from_all_windows(noise: NDArray[np.float64]) -> None:
    noise[1, 1000:1010] += 800e-6
    noise[2, 2190:2195] += 800e-6
    raw = recording(noise, *[(onset, 0.0, "pin") for onset in np.arange(2.0, 56.0, 3.0)])
    post, pre = event_epochs(raw, events=["pin"])
    hit = [index for index, start in enumerate(post.events[:, 0]) for t in (1000, 2190) if -250 <= t - start < 250]
    assert len(hit) == 2
    rejection = reject_epochs([post, pre], method="autoreject_global", seed=3)
    assert set(hit) <= set(rejection.dropped)
    assert rejection.threshold_v is not None
    assert rejection.threshold_v < 400e-6
    assert sorted([*rejection.kept, *rejection.dropped]) == list(range(len(post)))
    again = reject_epochs([post, pre], method="autoreject_global", seed=3)
    assert again.threshold_v == rejection.threshold_v
    assert np.array_equal(again.kept, rejection.kept)


def test_no_rejection_keeps_everything(noise: NDArray[np.float64]) -> None:
    rejection = reject_epochs([rest_epochs(recording(noise), block=None)], method="none", seed=1)
    assert (len(rejection.kept), len(rejection.dropped), rejection.threshold_v) == (30, 0, None)


def test_threshold_needs_five_epochs(noise: NDArray[np.float64]) -> None:
    epochs = rest_epochs(recording(noise), block=None)[:4]
    with pytest.raises(RecordingFault, match="at least 5"):
        reject_epochs([epochs], method="autoreject_global", seed=1)


def test_selection_is_a_seeded_subset_of_the_wanted_size() -> None:
    chosen = select_epochs(100, n_epochs=40, seed=5)
    assert np.array_equal(chosen, select_epochs(100, n_epochs=40, seed=5))
    assert not np.array_equal(chosen, select_epochs(100, n_epochs=40, seed=6))
    assert len(np.unique(chosen)) == 40
    assert np.all(np.diff(chosen) > 0)
    assert chosen.min() >= 0
    assert chosen.max() < 100
    assert np.array_equal(select_epochs(7, n_epochs=7, seed=1), np.arange(7))


def test_selection_depends_on_nothing_but_its_arguments() -> None:
    people = {label: (60 + index, 100 + index) for index, label in enumerate("abcd")}
    forward = {label: select_epochs(n, n_epochs=30, seed=seed) for label, (n, seed) in people.items()}
    backward = {label: select_epochs(*people[label][:1], n_epochs=30, seed=people[label][1]) for label in "dcba"}
    assert all(np.array_equal(forward[label], backward[label]) for label in people)


def test_too_few_epochs_say_how_many() -> None:
    with pytest.raises(RecordingFault, match=r"19 usable.*at least 20"):
        select_epochs(19, n_epochs=20, seed=1)


def test_evoked_part_is_removed_and_the_induced_part_stays(rng: np.random.Generator) -> None:
    induced = rng.standard_normal((40, 3, 50))
    induced -= induced.mean(axis=0)
    evoked = rng.standard_normal((3, 50))
    np.testing.assert_allclose(remove_evoked(induced + evoked), induced, atol=1e-12)


def test_a_stretch_without_signal_is_marked_with_its_margin(noise: NDArray[np.float64]) -> None:
    raw = mark_stretches(recording(noise, (1.0, 0.0, "pin")), [(10.0, 0.5)], margin_s=0.5)
    assert runs(bad_samples(raw)) == [(1900, 2200)]
    assert sorted(raw.annotations.description) == ["BAD_no_signal", "pin"]


def test_stretches_whose_margins_meet_are_one_and_none_leaves_the_recording(noise: NDArray[np.float64]) -> None:
    raw = mark_stretches(recording(noise).crop(5.0), [(53.0, 1.0), (54.0, 1.0), (0.1, 0.1)], margin_s=0.5)
    assert list(raw.annotations.description) == ["BAD_no_signal"] * 2
    assert runs(bad_samples(raw)) == [(0, 140), (11500 - 1000, 12000 - 1000)]
    assert not bad_samples(mark_stretches(recording(noise), [])).any()


def test_envelope_segments_are_clean_contiguous_and_equal_in_number(noise: NDArray[np.float64]) -> None:
    noise[0, 9000:9005] += 1e-3
    raw = recording(noise, (12.0, 0.5, "BAD_move"))
    found = envelope_segments(raw, length_s=10.0, n_segments=3, block=None, seed=2, reject_threshold_v=300e-6)
    assert found.reason is None
    assert len(found.spans) == 3
    bad = bad_samples(raw)
    previous = 0
    for start, stop in found.spans:
        assert stop - start == 2000
        assert start >= previous
        assert not bad[start:stop].any()
        assert np.ptp(noise[:, start:stop], axis=1).max() < 300e-6
        previous = stop
    assert found == envelope_segments(raw, length_s=10.0, n_segments=3, block=None, seed=2, reject_threshold_v=300e-6)


def test_too_few_segments_are_not_computable_and_no_fault(noise: NDArray[np.float64]) -> None:
    raw = recording(noise, (5.0, 25.0, "rest"))
    found = envelope_segments(raw, n_segments=3, block="rest", seed=2, reject_threshold_v=None)
    assert (found.spans, found.n_available) == ((), 2)
    assert found.reason == "2 clean segments of 10 s, 3 wanted"


@pytest.mark.parametrize(
    ("wanted", "rate", "stated", "edge"), [(100, 250, None, 100), (100, 128, None, 57.6), (100, 250, 45, 45)]
)
def test_lowest_edge_binds(wanted: float, rate: float, stated: float | None, edge: float) -> None:
    found = effective_lowpass(h_freq_hz=wanted, sfreq_hz=rate, recording_lowpass_hz=stated)
    assert found == pytest.approx(edge)


def test_line_harmonics_are_those_a_lowpass_would_let_through() -> None:
    assert line_frequencies(50.0, lowpass_hz=100.0, sfreq_hz=500.0) == [50.0, 100.0]
    assert line_frequencies(60.0, lowpass_hz=100.0, sfreq_hz=500.0) == [60.0, 120.0]
    assert line_frequencies(60.0, lowpass_hz=100.0, sfreq_hz=160.0) == [60.0]
    assert line_frequencies(50.0, lowpass_hz=30.0, sfreq_hz=500.0) == []


def test_slow_recordings_are_never_upsampled(noise: NDArray[np.float64]) -> None:
    with pytest.raises(RecordingFault, match=r"sub-01 · found: sampling rate 200 Hz"):
        resample(recording(noise), sfreq_hz=250.0, where="sub-01")


def test_quality_numbers_of_known_signals(noise: NDArray[np.float64]) -> None:
    white = recording(noise)
    index, top_hz = muscle_index(white, lowpass_hz=90.0)
    assert top_hz == 45.0
    assert index == pytest.approx(15 / 44, rel=0.05)
    assert np.isnan(muscle_index(white, lowpass_hz=33.0)[0])
    assert muscle_index(white, lowpass_hz=40.0) == (pytest.approx(10 / 39, rel=0.05), 40.0)
    times = np.arange(noise.shape[1]) / RATE_HZ
    humming = recording(noise + 50e-6 * np.sin(2 * np.pi * 50 * times))
    spectrum = mean_spectrum(humming, channels=CHANNELS)
    assert line_noise_ratio(spectrum, line_freq_hz=50.0, top_hz=90.0) > 50
    assert line_noise_ratio(mean_spectrum(white, channels=CHANNELS), line_freq_hz=50.0, top_hz=90.0) == pytest.approx(
        1.0, abs=0.1
    )
    assert np.isnan(line_noise_ratio(spectrum, line_freq_hz=50.0, top_hz=45.0))
    saw = recording(np.tile(20e-6 * ((times % 1.0) < 0.5), (4, 1)))
    assert median_peak_to_peak(saw) == pytest.approx(20e-6)


def test_mean_spectrum_has_the_power_of_the_signal(noise: NDArray[np.float64]) -> None:
    spectrum = mean_spectrum(recording(noise), channels=CHANNELS)
    density = 10 ** (spectrum.psd_db / 10)
    # white noise of 10 µV over 100 Hz: 1 µV²/Hz
    assert density[2:-2].mean() == pytest.approx(1.0, rel=0.05)
    assert spectrum.freqs_hz[1] - spectrum.freqs_hz[0] == pytest.approx(0.5)


def test_reasons_are_joined_and_the_cap_lists_them() -> None:
    bads = merged({"Fz": ("marked",)}, {"Fz": ("flat",), "Cz": ("nan",)}, {"Cz": ("nan",)})
    assert bads == {"Fz": ("marked", "flat"), "Cz": ("nan",)}
    check_bad_fraction(bads, n_channels=8, max_bad_fraction=0.25)
    with pytest.raises(RecordingFault, match=r"2 of 7 bad: Fz \(marked, flat\), Cz \(nan\)"):
        check_bad_fraction(bads, n_channels=7, max_bad_fraction=0.25)


def test_a_window_of_five_cycles_of_4_hz_holds_five_cycles() -> None:
    raw = mne.io.RawArray(np.zeros((1, 10_000)), mne.create_info(["Cz"], 250.0, "eeg"), verbose="ERROR")
    raw.set_annotations(mne.Annotations([5.0, 10.0], [0.0, 0.0], ["pin", "pin"]))
    post, pre = event_epochs(raw, events=["pin"], window_s=(0.0, 1.25))
    assert len(post.times) == len(pre.times) == 313
    assert len(post.times) / 250.0 * 4.0 >= 5.0


def test_a_block_is_matched_by_its_whole_description() -> None:
    raw = mne.io.RawArray(np.zeros((1, 10_000)), mne.create_info(["Cz"], 250.0, "eeg"), verbose="ERROR")
    raw.set_annotations(mne.Annotations([0.0, 20.0], [20.0, 20.0], ["rest", "restpain"]))
    assert len(rest_epochs(raw, length_s=2.0, block="rest")) == 10
