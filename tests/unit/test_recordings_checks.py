"""Door checks: silent on healthy recordings, exact on planted faults, and turned by their limits."""

from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
import pytest
from healthy_eeg import SFREQ, cap, healthy

from painconn.config.checks import Checks
from painconn.config.data import Condition, Source
from painconn.errors import RecordingFault
from painconn.recordings.admission import admit_epochs, admit_recording, check_condition, marked_channels, run_checks
from painconn.recordings.channels import voltage_unit
from painconn.recordings.checks.signal import Signal, signal_of
from painconn.recordings.findings import Finding, exclusion_record
from painconn.recordings.registry import CHECKS
from painconn.recordings.sidecars import Event, Sidecars

SOURCE = Source(root=Path(), layout="folder", pattern="{participant}.fif")

Plant = Callable[[np.ndarray], object]
Found = list[tuple[str, str, tuple[str, ...], tuple[tuple[float, float], ...]]]


def raw_of(data: np.ndarray, sfreq_hz: float = SFREQ, names: tuple[str, ...] | None = None) -> mne.io.RawArray:
    info = mne.create_info(list(names or cap(len(data))[0]), sfreq_hz, "eeg")
    return mne.io.RawArray(data, info, verbose="ERROR")


def seen(data: np.ndarray, sidecars: Sidecars | None = None, **source: object) -> Signal:
    return signal_of(raw_of(data), source=SOURCE.model_copy(update=source), sidecars=sidecars)


def found(signal: Signal, **limits: object) -> Found:
    findings = run_checks(signal, where="a", limits=Checks.model_validate(limits))
    return [(one.check, one.consequence, one.channels, one.stretches_s) for one in findings]


def fault_of(signal: Signal, **limits: object) -> RecordingFault:
    with pytest.raises(RecordingFault) as caught:
        run_checks(signal, where="a", limits=Checks.model_validate(limits))
    return caught.value


@pytest.mark.parametrize("sfreq_hz", [160.0, 250.0, 500.0, 1000.0])
@pytest.mark.parametrize("n_channels", [19, 32, 64])
def test_a_healthy_recording_has_no_finding(n_channels: int, sfreq_hz: float) -> None:
    for seed in (1, 2):
        data = healthy(seed, n_channels, sfreq_hz, duration_s=20.0)
        signal = signal_of(raw_of(data, sfreq_hz), source=SOURCE)
        assert found(signal) == []


def rows(*names: str) -> list[int]:
    return [cap(19)[0].index(name) for name in names]


def nan_in(names: tuple[str, ...], start: int, stop: int) -> Plant:
    return lambda data: data.__setitem__((rows(*names), slice(start, stop)), np.nan)


def constant_in(names: tuple[str, ...], start: int, stop: int) -> Plant:
    def plant(data: np.ndarray) -> None:
        data[rows(*names), start:stop] = data[rows(*names), start][:, None]

    return plant


def copied(data: np.ndarray) -> None:
    data[rows("C4")] = data[rows("O1")]
    data[rows("P8")] = -4e-3 + 2.5 * data[rows("F7")]


def bridged(data: np.ndarray) -> None:
    rng = np.random.default_rng(9)
    for name, other in (("Fz", "F4"), ("P3", "Pz")):
        mean = data[rows(name, other)].mean(axis=0)
        data[rows(name, other)] = mean + 0.5e-6 * rng.standard_normal((2, data.shape[1]))


def clipped(data: np.ndarray) -> None:
    wave = 300e-6 * np.sin(2 * np.pi * 3 * np.arange(data.shape[1]) / SFREQ)
    data[rows("T7")] = np.clip(data[rows("T7")] - data[rows("T7")].mean() + wave, -100e-6, 100e-6)


def in_millivolt(data: np.ndarray) -> None:
    data[rows("F3", "P4")] *= 1e3


def lost_gain(data: np.ndarray) -> None:
    data[rows("C3")] *= 1e-3


EVERY = cap(19)[0]

PLANTED: dict[str, tuple[Plant, Found]] = {
    "numbers missing in a stretch": (
        nan_in(("F4",), 1000, 1050),
        [("finite", "mark stretch", (), ((4.0, 0.2),))],
    ),
    "one infinite sample": (
        lambda data: data.__setitem__((rows("Cz"), 2500), np.inf),
        [("finite", "mark stretch", (), ((10.0, 0.004),))],
    ),
    "a channel without numbers": (
        nan_in(("F4", "O2"), 0, 10_000),
        [("finite", "mark channel", ("F4", "O2"), ())],
    ),
    "a channel constant throughout": (
        constant_in(("Fp1",), 0, 10_000),
        [("flat", "mark channel", ("Fp1",), ())],
    ),
    "a channel constant for long": (
        constant_in(("O1", "T8"), 5000, 7000),
        [("flat", "mark channel", ("T8", "O1"), ())],
    ),
    "a channel constant for a while": (
        constant_in(("O1",), 5000, 5500),
        [("flat", "mark stretch", (), ((20.0, 2.0),))],
    ),
    "all channels constant in two stretches": (
        lambda data: [constant_in(EVERY, 0, 500)(data), constant_in(EVERY, 9000, 10_000)(data)],
        [("flat", "mark stretch", (), ((0.0, 2.0), (36.0, 4.0)))],
    ),
    "a pause and a dead channel": (
        lambda data: [constant_in(("Pz",), 0, 10_000)(data), constant_in(EVERY, 9000, 10_000)(data)],
        [("flat", "mark stretch", (), ((36.0, 4.0),)), ("flat", "mark channel", ("Pz",), ())],
    ),
    "channels in another unit": (in_millivolt, [("scale", "mark channel", ("F3", "P4"), ())]),
    "a channel without gain": (lost_gain, [("scale", "mark channel", ("C3",), ())]),
    "an amplifier at its limit": (clipped, [("clipped", "mark channel", ("T7",), ())]),
    "copies, one of them scaled": (copied, [("copied", "mark channel", ("F7", "C4", "P8", "O1"), ())]),
    "bridges": (bridged, [("bridged", "mark channel", ("Fz", "F4", "P3", "Pz"), ())]),
    "a channel that is the reference": (
        lambda data: data.__setitem__(rows("Cz"), 0.0),
        [("reference", "mark channel", ("Cz",), ())],
    ),
    "a channel of zeros where no reference is": (
        lambda data: data.__setitem__(rows("P7"), 0.0),
        [("flat", "mark channel", ("P7",), ())],
    ),
    "average reference": (
        lambda data: data.__isub__(data.mean(axis=0)),
        [("reference", "note", (), ())],
    ),
    "linked reference": (
        lambda data: data.__setitem__(rows("P8"), -data[rows("P7")]),
        [("reference", "note", (), ())],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_and_nothing_else(name: str) -> None:
    plant, expected = PLANTED[name]
    data = healthy()
    plant(data)
    signal = seen(data)
    assert np.isfinite(signal.eeg).all()
    assert found(signal) == [
        (check, consequence, channels, tuple(pytest.approx(stretch) for stretch in stretches))
        for check, consequence, channels, stretches in expected
    ]


EXCLUDED: dict[str, tuple[Plant, str, str]] = {
    "volt": (lambda data: data.__imul__(1e6), "amplitude", "microvolt or millivolt read as volt"),
    "no gain": (lambda data: data.__imul__(1e-6), "amplitude", "no signal at all"),
    "constant": (lambda data: data.__setitem__(slice(None), 3e-5), "flat", "constant throughout"),
    "zero": (lambda data: data.__imul__(0.0), "flat", "constant throughout"),
    "no numbers": (lambda data: data.fill(np.nan), "finite", "first at 0.000 s, in Fp1"),
    "numbers missing often": (
        lambda data: [nan_in(EVERY[:3], 100, 1000)(data), nan_in(("Cz",), 1000, 1900)(data)],
        "finite",
        "first at 0.400 s, in Fp1",
    ),
    "many dead channels": (constant_in(EVERY[:5], 0, 10_000), "bad channels", r"5 of 19 .*: Fp1 (flat)"),
}


@pytest.mark.parametrize("name", EXCLUDED)
def test_what_cannot_be_used_is_excluded_with_the_reason(name: str) -> None:
    plant, check, words = EXCLUDED[name]
    data = healthy()
    plant(data)
    fault = fault_of(seen(data))
    assert fault.check == check
    assert all(part in fault.problems[0].found for part in words.split(".*"))


def longer_by(samples: int) -> tuple[Plant, Plant]:
    return constant_in(EVERY, 2000, 2049), constant_in(EVERY, 2000, 2049 + samples)


def noisy_copy(amplitude_v: float) -> Plant:
    def plant(data: np.ndarray) -> None:
        band = mne.filter.filter_data(data[rows("Pz")], SFREQ, 1.0, 30.0, verbose="ERROR")
        noise = np.random.default_rng(3).standard_normal(band.shape)
        noise = mne.filter.filter_data(noise, SFREQ, 1.0, 30.0, verbose="ERROR")
        data[rows("P4")] = data[rows("Pz")] + amplitude_v * noise / noise.std()

    return plant


AT_LIMIT: dict[str, tuple[Plant, Plant, str]] = {
    "missing, channel": (nan_in(("Cz",), 0, 1000), nan_in(("Cz",), 0, 1001), "mark channel"),
    "flat, all": (*longer_by(1), "mark stretch"),
    "flat, one": (constant_in(("Cz",), 2000, 2249), constant_in(("Cz",), 2000, 2250), "mark stretch"),
    "flat, share": (constant_in(("Cz",), 2000, 3000), constant_in(("Cz",), 2000, 3001), "mark channel"),
    "scale": (
        lambda data: data.__setitem__(rows("Cz"), 40 * data[rows("Cz")]),
        lambda data: data.__setitem__(rows("Cz"), 250 * data[rows("Cz")]),
        "mark channel",
    ),
    # 12 uV of signal in the band: a residual of 1e-5 in correlation is 0.05 uV of difference; 5 uV^2 are 2.2 uV.
    "bridged": (noisy_copy(3.5e-6), noisy_copy(1.0e-6), "mark channel"),
    "copied": (noisy_copy(0.5e-6), noisy_copy(0.01e-6), "mark channel"),
}


@pytest.mark.parametrize("name", AT_LIMIT)
def test_a_fault_below_its_limit_has_another_outcome_than_one_above(name: str) -> None:
    below, above, consequence = AT_LIMIT[name]
    outcomes = []
    for plant in (below, above):
        data = healthy()
        plant(data)
        outcomes.append([(check, what) for check, what, _, _ in found(seen(data))])
    assert outcomes[0] != outcomes[1]
    assert (name.partition(",")[0].replace("missing", "finite"), consequence) in outcomes[1]
    assert (name.partition(",")[0].replace("missing", "finite"), consequence) not in outcomes[0]


def with_bridge(data: np.ndarray) -> None:
    noisy_copy(1e-6)(data)


TURNED: dict[str, tuple[object, Plant, Sidecars]] = {
    "min_eeg_channels": (20, lambda data: None, Sidecars()),
    "min_duration_s": (41.0, lambda data: None, Sidecars()),
    "max_rate_difference": (1e-5, lambda data: None, Sidecars(sfreq_hz=250.1)),
    "amplitude_v": ((1e-6, 2e-5), lambda data: None, Sidecars()),
    "max_amplitude_ratio": (1.01, lambda data: None, Sidecars()),
    "max_missing_fraction": (0.001, nan_in(("Cz",), 0, 50), Sidecars()),
    "flat_stretch_s": (0.6, constant_in(EVERY, 0, 125), Sidecars()),
    "flat_channel_s": (3.0, constant_in(("Cz",), 0, 500), Sidecars()),
    "max_flat_fraction": (0.3, constant_in(("Cz",), 0, 2000), Sidecars()),
    "max_clipped_fraction": (0.9, clipped, Sidecars()),
    "max_copy_residual": (0.1, noisy_copy(0.5e-6), Sidecars()),
    "bridge_distance_uv2": (0.0, with_bridge, Sidecars()),
    "bridge_relative_distance": (1e-6, with_bridge, Sidecars()),
    "max_marked_fraction": (0.5, constant_in(EVERY[:5], 0, 10_000), Sidecars()),
}


def test_every_limit_is_tried() -> None:
    assert set(TURNED) == set(Checks.model_fields)


@pytest.mark.parametrize("name", TURNED)
def test_a_changed_limit_changes_the_outcome(name: str) -> None:
    value, plant, sidecars = TURNED[name]
    data = healthy()
    plant(data)
    outcomes: list[object] = []
    for limits in ({}, {name: value}):
        try:
            outcomes.append(found(seen(data, sidecars), **limits))
        except RecordingFault as fault:
            outcomes.append(str(fault))
    assert outcomes[0] != outcomes[1]


def test_the_electrical_distance_is_that_of_mne() -> None:
    data = healthy(n_channels=32)
    mean = data[[4, 5]].mean(axis=0)
    data[[4, 5]] = mean + 0.3e-6 * np.random.default_rng(9).standard_normal((2, data.shape[1]))
    raw = raw_of(data)
    signal = signal_of(raw, source=SOURCE)
    pairs, distances = mne.preprocessing.compute_bridged_electrodes(raw, l_freq=1.0, verbose="ERROR")
    assert pairs == [(4, 5)]
    names = raw.ch_names
    assert found(signal) == [("bridged", "mark channel", (names[4], names[5]), ())]
    powers = np.einsum("wcc->wc", signal.covariances_uv2)
    own = np.median(powers[:, :, None] + powers[:, None, :] - 2 * signal.covariances_uv2, axis=0)
    upper = np.triu_indices(32, 1)
    theirs = np.median(distances, axis=0)[upper]
    assert np.corrcoef(np.log(own[upper]), np.log(theirs))[0, 1] > 0.98
    assert np.median(own[upper] / theirs) == pytest.approx(1, abs=0.15)


def test_a_stated_scale_mends_wrong_units_and_is_noted() -> None:
    data = healthy() * 1e6
    assert fault_of(seen(data)).check == "amplitude"
    mended = run_checks(seen(data * 1e-6, unit_scale=1e-6), where="a", limits=Checks())
    assert [(one.check, one.consequence) for one in mended] == [("units", "note")]
    assert "1e-06" in mended[0].value


def test_units_that_contradict_each_other_need_a_stated_scale() -> None:
    raw = raw_of(healthy())
    raw._orig_units = dict.fromkeys(raw.ch_names[1:], "µV")
    table = Sidecars(channel_units={name.upper(): "uV" for name in raw.ch_names} | {"F3": "V", "F4": "V"})
    fault = fault_of(signal_of(raw, source=SOURCE, sidecars=table))
    assert fault.check == "units"
    assert "V by channels.tsv, µV by the file: F3, F4" in fault.problems[0].found
    settled = signal_of(raw, source=SOURCE.model_copy(update={"unit_scale": 1.0}), sidecars=table)
    assert [(check, what) for check, what, _, _ in found(settled)] == [("units", "note")] * 2


@pytest.mark.parametrize(
    ("text", "unit"),
    [("uV", "µV"), ("μV", "µV"), ("µV", "µV"), ("microV", "µV"), (" V", "V"), ("mV", "mV"), ("n/a", None), ("C", None)],
)  # fmt: skip
def test_units_are_understood_however_they_are_written(text: str, unit: str | None) -> None:
    assert voltage_unit(text) == unit


def test_rate_and_tolerance_of_the_length() -> None:
    data = healthy(duration_s=20.0)
    for sidecars, outcome in (
        (Sidecars(sfreq_hz=500.0), "rate"),
        (Sidecars(duration_s=20.9, duration_tolerance_s=0.1), "length"),
        (Sidecars(duration_s=21.0, duration_tolerance_s=1.0), ""),
        (Sidecars(duration_s=19.996, duration_tolerance_s=0.001), ""),
    ):
        if outcome:
            assert fault_of(seen(data, sidecars)).check == outcome
        else:
            assert found(seen(data, sidecars)) == []
    longer = found(seen(data, Sidecars(duration_s=5.0, duration_tolerance_s=0.1)))
    assert longer == [("length", "note", (), ())]


def test_too_short_too_few_and_two_of_a_name() -> None:
    assert fault_of(seen(healthy(duration_s=4.9))).check == "duration"
    assert fault_of(signal_of(raw_of(healthy()[:7], names=EVERY[:7]), source=SOURCE)).check == "n_channels"
    bad = raw_of(healthy())
    bad.info["bads"] = list(EVERY)
    assert "0 of them not marked bad" in fault_of(signal_of(bad, source=SOURCE)).problems[0].found
    twice = raw_of(healthy(), names=("Cz-0", "Cz-1", *EVERY[2:9], "Ca", *EVERY[10:]))
    assert fault_of(signal_of(twice, source=SOURCE)).check == "names"


def test_channels_marked_in_the_sidecar_are_not_looked_at() -> None:
    data = healthy()
    data[rows("Cz")] = np.nan
    raw = raw_of(data)
    raw.info["bads"] = ["Cz"]
    assert found(signal_of(raw, source=SOURCE)) == []


def test_what_leaves_the_door_is_finite_and_findings_say_what_to_mark(tmp_path: Path) -> None:
    data = healthy()
    data[rows("F4"), 1000:1050] = np.nan
    data[rows("O2")] = np.inf
    raw_of(data).save(tmp_path / "a_raw.fif", fmt="double", verbose="ERROR")
    source = SOURCE.model_copy(update={"root": tmp_path})
    raw, _, findings = admit_recording(tmp_path / "a_raw.fif", source=source, root=tmp_path, descriptions=())
    read = raw.get_data()
    assert np.isfinite(read).all()
    ends = data[rows("F4"), 999][0], data[rows("F4"), 1050][0]
    line = np.interp(np.arange(1000, 1050), [999, 1050], ends)
    np.testing.assert_allclose(read[rows("F4")[0], 1000:1050], line, rtol=1e-6)
    untouched = np.isfinite(data)
    np.testing.assert_array_equal(read[untouched], data[untouched])
    assert marked_channels(findings) == {"O2": ("finite",)}
    record = next(one.as_record() for one in findings if one.stretches_s)
    assert record["stretches_s"] == "4.000-4.200"
    assert set(record) == {"check", "found", "limit", "consequence", "channels", "stretches_s", "fix"}


@pytest.mark.parametrize("epochs", [False, True])
def test_other_channels_without_numbers_or_signal_are_left_out_and_noted(tmp_path: Path, epochs: bool) -> None:
    other = np.random.default_rng(3).normal(scale=1e-4, size=(4, healthy().shape[1]))
    other[0, 500] = np.nan
    other[1] = 3e-5
    other[3] = 0
    names = [*EVERY[: len(healthy())], "VEOG", "HEOG", "ECG", "STI"]
    kinds = ["eeg"] * len(healthy()) + ["eog", "eog", "ecg", "stim"]
    raw = mne.io.RawArray(np.vstack([healthy(), other]), mne.create_info(names, SFREQ, kinds), verbose="ERROR")
    source = SOURCE.model_copy(update={"root": tmp_path})
    if epochs:
        path = tmp_path / "a-epo.fif"
        pieces = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="ERROR", reject_by_annotation=False)
        pieces.save(path, fmt="double", verbose="ERROR")
        read, findings = admit_epochs(path, source=source, root=tmp_path, descriptions=())
    else:
        path = tmp_path / "a_raw.fif"
        raw.save(path, fmt="double", verbose="ERROR")
        read, _, findings = admit_recording(path, source=source, root=tmp_path, descriptions=())
    assert np.isfinite(read.get_data()).all()
    assert read.ch_names == [*EVERY[: len(healthy())], "ECG", "STI"]
    assert [(one.check, one.consequence, one.value) for one in findings] == [
        ("finite", "note", "samples that are no numbers in VEOG, left out"),
        ("flat", "note", "constant in HEOG, left out"),
    ]


def test_a_long_list_of_stretches_is_cut_in_the_table_and_not_in_the_finding() -> None:
    spans = tuple((float(second), 0.5) for second in range(30))
    finding = Finding("flat", "x", "y", "mark stretch", "z", stretches_s=spans)
    assert finding.as_record()["stretches_s"].endswith("19.000-19.500; and 10 more")
    assert exclusion_record(finding.fault("a"))["consequence"] == "exclude recording"


def test_the_listing_says_what_can_follow() -> None:
    for definition in CHECKS.values():
        assert definition.consequence
    assert CHECKS["finite"].consequence == "note, mark channel, mark stretch, exclude recording"


HANDS = Condition(kind="events", events=("hand", "back"), n_epochs=1)


def told(raw: mne.io.BaseRaw, events: list[Event]) -> list[Finding]:
    return check_condition(raw, name="pinprick", condition=HANDS, where="x", sidecars=Sidecars(events=tuple(events)))


def with_events(*names: str) -> mne.io.RawArray:
    raw = raw_of(healthy())
    raw.set_annotations(mne.Annotations([1.0 + n for n in range(len(names))], [0.0] * len(names), list(names)))
    return raw


def test_a_run_needs_one_of_the_events_and_every_onset_inside() -> None:
    good = [Event(1.0, 0.0, "hand", 250.0), Event(2.0, 0.0, "back", 501.0)]
    assert told(with_events("hand", "back"), good) == []
    assert told(with_events("hand"), good[:1]) == []
    with pytest.raises(RecordingFault, match=r"condition pinprick.*no event hand, back"):
        told(with_events("other"), [])
    for broken, words in (
        (Event(None, 0.0, "hand"), "1 of 3 events with an onset that is no number"),
        (Event(40.0, 0.0, "hand"), "1 of 3 events .* sample numbers"),
        (Event(-0.5, 0.0, "hand"), "1 of 3 events"),
    ):
        with pytest.raises(RecordingFault, match=words) as caught:
            told(with_events("hand", "back"), [*good, broken])
        assert caught.value.check == "events"
    assert told(with_events("hand", "back"), [*good, Event(None, 0.0, "unrelated")]) == []


def test_onset_and_sample_that_contradict_each_other_are_named() -> None:
    stale = [Event(1.0, 0.0, "hand", 1000.0), Event(2.0, 0.0, "back", 2000.0)]
    findings = told(with_events("hand", "back"), stale)
    assert [(one.check, one.consequence) for one in findings] == [("onsets", "note")]
    assert "2 of 2 events, first: onset 1 s, sample 1000, at 250 Hz" in findings[0].value
    mixed_up = [Event(10.0, 0.0, "hand", 10.0), Event(30.0, 0.0, "back", 30.0)]
    with pytest.raises(RecordingFault, match="onset holds sample numbers") as caught:
        told(with_events("hand", "back"), mixed_up)
    assert caught.value.check == "onsets"


def test_a_block_needs_its_annotation() -> None:
    raw = raw_of(healthy())
    raw.set_annotations(mne.Annotations([0.0, 1.0], [0.0, 20.0], ["point", "open"]))
    for block, words in (("closed", "no annotation of that name"), ("point", "without duration"), ("open", "")):
        condition = Condition(kind="rest", n_epochs=1, block=block)
        if words:
            with pytest.raises(RecordingFault, match=words):
                check_condition(raw, name="rest", condition=condition, where="x")
        else:
            assert check_condition(raw, name="rest", condition=condition, where="x") == []


@pytest.mark.realdata
def test_findings_of_eegmat(real_data: Path) -> None:
    root = real_data / "eegmat-rest-arithmetic"
    settings = {"strip_prefix": "EEG ", "channel_types": {"ECG ECG": "ecg"}, "drop_channels": ("A2-A1",)}
    source = SOURCE.model_copy(update={"root": root, **settings})
    for path in sorted(root.glob("Subject*_?.edf"))[::4]:
        for task in "12":
            file = path.with_name(path.name[:-5] + task + ".edf")
            *_, findings = admit_recording(file, source=source, root=root, descriptions=())
            stretches = [stretch for one in findings for stretch in one.stretches_s]
            assert [(one.check, one.consequence) for one in findings] == [("flat", "mark stretch")] * (task == "2")
            assert all(onset_s >= 60 and onset_s + length_s == pytest.approx(62) for onset_s, length_s in stretches)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "bridges"),
    [
        ("S001R01.edf", ("Af7.", "Af3.")),
        ("S002R01.edf", ("Oz..", "Iz..")),
        ("S003R01.edf", ("Fc4.", "Fc6.", "F2..", "F4..")),
    ],
)
def test_findings_of_eegmmidb(real_data: Path, file: str, bridges: tuple[str, ...]) -> None:
    root = real_data / "eegmmidb-eyes-open"
    source = SOURCE.model_copy(update={"root": root})
    *_, findings = admit_recording(root / file, source=source, root=root, descriptions=())
    assert [(one.check, one.consequence) for one in findings] == [("flat", "mark stretch"), ("bridged", "mark channel")]
    assert set(findings[1].channels) == set(bridges)


@pytest.mark.realdata
def test_findings_of_ready_epochs(real_data: Path) -> None:
    root = real_data / "uci-eeg-alcoholism"
    source = Source(root=root, layout="epochs", pattern="{participant}_{task}-epo.fif")
    for label, expected in (("co2a0000364", {}), ("co2a0000368", {"Cz": ("flat",)})):
        epochs, findings = admit_epochs(root / f"{label}_S1-epo.fif", source=source, root=root, descriptions=("S1",))
        assert epochs.get_data().shape == (10, 64, 256)
        assert marked_channels(findings) == expected
