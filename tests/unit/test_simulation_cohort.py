from dataclasses import replace

import numpy as np
import pytest
from made_up_head import REGIONS, made_up_head
from scipy import signal

from painconn.errors import DesignError
from painconn.simulation.people import draw_person, pinprick_onsets_s, roster
from painconn.simulation.person import cortex_signals, simulate_person
from painconn.simulation.presets import DEMO, NULL, PRESETS, SENSORY_BRIDGE, TINY
from painconn.simulation.specification import Contacts, Coupling, Effect, Spread

SFREQ = TINY.protocol.sfreq_hz


@pytest.fixture(scope="module")
def head():
    return made_up_head((*TINY.channels, TINY.reference))


def coherency(first, second, freq_hz):
    freqs, cross = signal.csd(first, second, SFREQ, nperseg=500)
    at = np.argmin(np.abs(freqs - freq_hz))
    powers = [signal.welch(series, SFREQ, nperseg=500)[1][at] for series in (first, second)]
    return cross[at] / np.sqrt(np.prod(powers))


def sensory_coherency(spec, group, strength=None, pair=("postcentral-lh", "postcentral-rh"), freq_hz=None):
    person = draw_person(spec, "001", group, seed=4)
    if strength is not None:
        person = replace(person, coupling={SENSORY_BRIDGE.name: strength})
    moments = cortex_signals(spec, person, REGIONS, seed=4)
    first, second = (moments[REGIONS.index(name)] for name in pair)
    return coherency(first, second, person.peak_hz["alpha"] if freq_hz is None else freq_hz)


def test_the_roster_fills_every_group_and_repeats_with_the_seed():
    people = roster(DEMO, seed=1)
    assert [label for label, _ in people] == [f"{number:03d}" for number in range(1, 17)]
    assert {group: [g for _, g in people].count(group) for group in DEMO.n_per_group} == dict(DEMO.n_per_group)
    assert people == roster(DEMO, seed=1)
    assert people != roster(DEMO, seed=2)


def test_only_the_coupling_of_a_person_depends_on_the_group():
    localized, widespread = (draw_person(DEMO, "003", group, seed=9) for group in ("localized", "widespread"))
    assert replace(widespread, group="localized", coupling=localized.coupling) == localized
    assert localized.coupling[SENSORY_BRIDGE.name] > widespread.coupling[SENSORY_BRIDGE.name]


def test_the_null_cohort_has_no_difference_at_all(head):
    for group in NULL.n_per_group:
        assert (
            draw_person(NULL, "003", group, seed=9).coupling == draw_person(NULL, "003", "localized", seed=9).coupling
        )
    spec = replace(TINY, effects=NULL.effects)
    recordings = [
        simulate_person(spec, "002", group, seed=1, head=head).get_data() for group in ("localized", "widespread")
    ]
    np.testing.assert_array_equal(*recordings)


def test_a_person_depends_on_seed_and_label_alone(head):
    alone = simulate_person(TINY, "002", "localized", seed=1, head=head)
    simulate_person(TINY, "001", "widespread", seed=1, head=head)
    again = simulate_person(TINY, "002", "localized", seed=1, head=head)
    np.testing.assert_array_equal(alone.get_data(), again.get_data())
    assert list(alone.annotations.onset) == list(again.annotations.onset)
    for other in (
        simulate_person(TINY, "003", "localized", seed=1, head=head),
        simulate_person(TINY, "002", "localized", seed=2, head=head),
    ):
        assert abs(np.corrcoef(alone.get_data()[3], other.get_data()[3])[0, 1]) < 0.5


def test_planted_coupling_is_lagged_and_in_its_band_only():
    coupled = sensory_coherency(TINY, "localized", strength=0.8)
    assert abs(coupled) > 0.55
    assert abs(coupled.imag) > 0.5
    assert abs(sensory_coherency(TINY, "localized", strength=0.0)) < 0.35
    assert abs(sensory_coherency(TINY, "localized", strength=0.8, freq_hz=20.0)) < 0.35
    assert abs(sensory_coherency(TINY, "localized", 0.8, pair=("postcentral-lh", "superiorfrontal-rh"))) < 0.35
    assert abs(sensory_coherency(TINY, "localized", 0.8, pair=("postcentral-lh", "insula-lh")).imag) < 0.3


@pytest.mark.parametrize("span", ["rest", "post", "pre"])
def test_coupling_stays_inside_its_span(span):
    spec = replace(TINY, couplings=(replace(SENSORY_BRIDGE, span=span, delay_s=0.0, kind="zero_lag"),))
    person = replace(draw_person(spec, "001", "localized", seed=4), coupling={SENSORY_BRIDGE.name: 0.95})
    moments = cortex_signals(spec, person, ("postcentral-lh", "insula-lh", "postcentral-rh", "insula-rh"), seed=4)
    band = signal.sosfiltfilt(signal.butter(4, (8, 13), "bandpass", fs=SFREQ, output="sos"), moments[[0, 2]])
    starts = np.round(pinprick_onsets_s(spec, "001", seed=4) * SFREQ).astype(int)
    length = round(spec.protocol.window_s * SFREQ)
    windows = {
        "rest": band[:, : round(spec.protocol.rest_s * SFREQ)],
        "pre": np.concatenate([band[:, start - length : start] for start in starts], axis=1),
        "post": np.concatenate([band[:, start : start + length] for start in starts], axis=1),
    }
    correlations = {name: abs(np.corrcoef(window)[0, 1]) for name, window in windows.items()}
    assert correlations.pop(span) > 0.5
    assert max(correlations.values()) < 0.45


def test_pinpricks_follow_the_rest_block_at_jittered_intervals():
    onsets_s = pinprick_onsets_s(DEMO, "001", seed=3)
    intervals_s = np.diff(onsets_s)
    assert onsets_s.size == 40
    assert onsets_s[0] >= DEMO.protocol.rest_s + DEMO.protocol.pause_s
    assert onsets_s[-1] + 2 < DEMO.protocol.duration_s
    assert intervals_s.min() >= 3.0 - 1 / 250
    assert intervals_s.max() <= 3.5 + 1 / 250
    assert intervals_s.std() > 0.08


def test_alpha_falls_after_the_pinprick(head):
    falls = []
    for participant in ("001", "002", "003"):
        raw = simulate_person(TINY, participant, "localized", seed=1, head=head)
        person = draw_person(TINY, participant, "localized", seed=1)
        kept = [name for name in raw.ch_names if name not in (person.noisy_channel, person.flat_channel)]
        data = raw.get_data(picks=kept)
        starts = np.round(pinprick_onsets_s(TINY, participant, seed=1) * SFREQ).astype(int)
        shares = []
        for offset in (-312, 0):
            windows = np.stack([data[:, start + offset : start + offset + 312] for start in starts])
            freqs, power = signal.periodogram(windows - windows.mean(axis=0), SFREQ, window="hann")
            power = power.mean(axis=0)
            alpha, broad = ((freqs >= low) & (freqs < high) for low, high in ((8, 13), (1, 40)))
            shares.append(np.mean(power[:, alpha].sum(axis=1) / power[:, broad].sum(axis=1)))
        falls.append(shares[0] - shares[1])
    assert min(falls) > 0


def test_recordings_look_like_eeg(head):
    raw = simulate_person(TINY, "001", "localized", seed=1, head=head)
    person = draw_person(TINY, "001", "localized", seed=1)
    kept = [name for name in raw.ch_names if name not in (person.noisy_channel, person.flat_channel)]
    assert tuple(raw.ch_names) == TINY.channels
    assert raw.info["sfreq"] == 250.0
    assert raw.info["meas_date"] is None
    descriptions = list(raw.annotations.description)
    assert descriptions.count("rest") == 1
    assert descriptions.count("pinprick") == TINY.protocol.n_pinpricks
    assert raw.annotations.duration[descriptions.index("rest")] == TINY.protocol.rest_s
    data = raw.copy().filter(1, 40, verbose="error").get_data(picks=kept) * 1e6
    seconds = data[:, : 60 * 250].reshape(len(kept), 60, 250)
    assert 10 < np.median(np.ptp(seconds, axis=2)) < 200


def test_bad_channels_are_those_of_the_truth(head):
    spec = replace(TINY, contacts=Contacts(noisy_probability=1.0, flat_probability=1.0))
    person = draw_person(spec, "001", "localized", seed=1)
    data = simulate_person(spec, "001", "localized", seed=1, head=head).get_data()
    spread = np.diff(data, axis=1).std(axis=1)
    assert spec.channels[np.argmax(spread)] == person.noisy_channel
    assert spec.channels[np.argmin(spread)] == person.flat_channel
    assert spread.min() == 0.0


def test_a_wrong_specification_is_refused_with_all_its_problems():
    wrong = Coupling("x", "mu", ("insula-lh",), ("insula-lh",), Spread(0, 0, 0, 1), span="never")
    with pytest.raises(DesignError) as caught:
        replace(DEMO, couplings=(wrong,), effects=(Effect("coupling:x", "group", 1.0, "control"),))
    assert len(caught.value.problems) == 5


def test_presets_are_found_by_name():
    assert {"demo", "null", "tiny"} <= set(PRESETS)
    assert all(spec.name == name for name, spec in PRESETS.items())
    assert len(DEMO.channels) == len(set(DEMO.channels)) == 32
    assert len(TINY.channels) == len(set(TINY.channels)) == 19


def test_recordings_are_quantised_like_an_amplifier_s(head):
    data_uv = 1e6 * simulate_person(TINY, "001", "localized", seed=1, head=head).get_data()
    steps = data_uv / TINY.protocol.resolution_uv
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
