from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_head import made_up_head

from painconn.config.checks import Checks
from painconn.config.data import Source
from painconn.cortex.montage import place_electrodes
from painconn.recordings.admission import run_checks
from painconn.recordings.checks.signal import signal_of
from painconn.simulation import contacts
from painconn.simulation.people import draw_person
from painconn.simulation.person import simulate_person
from painconn.simulation.presets import TINY
from painconn.simulation.specification import Block, Contacts, Protocol

SFREQ = 250.0
GOOD = Contacts(noisy_probability=0.0, flat_probability=0.0)
SHORT = replace(TINY, protocol=Protocol(blocks=(Block(duration_s=60.0),), n_pinpricks=0), contacts=GOOD)


@pytest.fixture(scope="module")
def head():
    return made_up_head((*TINY.channels, TINY.reference))


def recorded(head, **changes):
    """Return who it is, and the recording with good contacts and with these."""
    spec = replace(SHORT, contacts=replace(GOOD, **changes))
    raws = [simulate_person(one, "003", "localized", seed=5, head=head) for one in (SHORT, spec)]
    return draw_person(spec, "003", "localized", seed=5), *raws


def test_pops_jump_at_once_and_decay(rng):
    series = contacts.pops(rng, 30_000, sfreq_hz=SFREQ, size_uv=200.0)
    jumps = np.flatnonzero(np.abs(np.diff(series)) > 50)
    assert len(jumps) == 16
    assert np.abs(series).max() > 150
    quiet = np.delete(np.diff(series), jumps)
    assert np.abs(quiet).max() < 10


def test_bad_channels_change_that_channel_only(rng):
    data = rng.standard_normal((4, 15_000))
    noisy = contacts.with_noisy_channel(rng, data, 2, sfreq_hz=SFREQ, size_uv=80)
    flat = contacts.with_flat_channel(data, 1)
    popping = contacts.with_popping_channel(rng, data, 3, sfreq_hz=SFREQ, size_uv=200)
    assert noisy[2].std() == pytest.approx(80, rel=0.3)
    assert not flat[1].any()
    assert np.ptp(popping[3]) > 150
    for changed, channel in ((noisy, 2), (flat, 1), (popping, 3)):
        np.testing.assert_array_equal(np.delete(changed, channel, axis=0), np.delete(data, channel, axis=0))


def test_the_door_finds_the_bridge_of_the_truth_and_none_without(head):
    person, good, bad = recorded(head, bridged_probability=1.0)
    source = Source(root=Path(), layout="folder", pattern="{participant}.fif")
    found = [
        {one.check: set(one.channels) for one in run_checks(signal_of(raw, source=source), where="a", limits=Checks())}
        for raw in (good, bad)
    ]
    assert "bridged" not in found[0]
    assert found[1]["bridged"] == set(person.bridged_channels)
    assert "copied" not in found[1]
    others = [name for name in good.ch_names if name not in person.bridged_channels]
    np.testing.assert_array_equal(good.get_data(picks=others), bad.get_data(picks=others))


def test_a_bridge_joins_neighbours():
    places_m = place_electrodes(TINY.channels)
    spec = replace(TINY, contacts=replace(GOOD, bridged_probability=1.0))
    for number in range(1, 21):
        first, second = draw_person(spec, f"{number:03d}", "localized", seed=1).bridged_channels
        distances_m = sorted(np.linalg.norm(place_m - places_m[first]) for place_m in places_m.values())
        # At most two nearer ones (after itself at 0) can be set aside for other faults.
        assert 0 < np.linalg.norm(places_m[second] - places_m[first]) <= distances_m[3]


def test_a_popping_channel_is_that_of_the_truth(head):
    person, good, bad = recorded(head, popping_probability=1.0)
    change_uv = 1e6 * np.ptp(bad.get_data() - good.get_data(), axis=1)
    assert good.ch_names[np.argmax(change_uv)] == person.popping_channel
    assert change_uv.max() > 150
    assert np.count_nonzero(change_uv) == 1


def test_gains_scale_each_channel_as_the_truth_says(head):
    person, good, bad = recorded(head, gain_sd=0.1)
    gains = np.array([person.channel_gains[name] for name in good.ch_names])
    assert np.log(gains).std() == pytest.approx(0.1, rel=0.5)
    resolution_v = 1e-6 * SHORT.protocol.resolution_uv
    np.testing.assert_allclose(bad.get_data(), gains[:, None] * good.get_data(), atol=1.2 * resolution_v)


def test_a_channel_has_one_fault_at_most():
    everything = Contacts(1.0, 90.0, 1.0, 1.0, 200.0, 1.0, 0.05)
    for number in range(1, 31):
        person = draw_person(replace(TINY, contacts=everything), f"{number:03d}", "localized", seed=1)
        bad = [person.noisy_channel, person.flat_channel, person.popping_channel, *person.bridged_channels]
        assert len({*bad} - {None}) == 5


def test_declaring_contacts_changes_nothing_else_about_a_person():
    plain = draw_person(TINY, "004", "widespread", seed=3)
    spec = replace(TINY, contacts=replace(TINY.contacts, popping_probability=1.0, bridged_probability=1.0, gain_sd=0.1))
    changed = draw_person(spec, "004", "widespread", seed=3)
    assert replace(changed, popping_channel=None, bridged_channels=(), channel_gains={}) == plain


def test_how_often_contacts_are_bad_is_what_the_cohort_says():
    spec = replace(TINY, contacts=replace(GOOD, popping_probability=0.3))
    n_popping = sum(
        draw_person(spec, f"{number:03d}", "localized", seed=2).popping_channel is not None for number in range(200)
    )
    assert n_popping == pytest.approx(60, abs=20)
