"""Drowsiness, reactivity of alpha and blinks: planted, absent, and indifferent to what they should not see."""

import mne
import numpy as np
import pytest

from painconn.cleaning.vigilance import (
    blink_rate_per_min,
    drowsiness_index,
    drowsiness_trend,
    posterior_alpha_db,
)

RATE_HZ = 250.0
CHANNELS = ["Fp1", "Fp2", "Fz", "Cz", "P3", "Pz", "P4", "O1", "O2"]


def recording(rng, *, minutes=2.0, alpha_uv=10.0, theta_uv=5.0, names=CHANNELS):
    """White noise of 2 µV everywhere; alpha (10 Hz) and theta (6 Hz) behind, strengths may vary over time."""
    n_times = int(minutes * 60 * RATE_HZ)
    times = np.arange(n_times) / RATE_HZ
    data = rng.normal(scale=2.0, size=(len(names), n_times))
    for row, name in enumerate(names):
        if name[0] in "PO":
            data[row] += alpha_uv * np.sin(2 * np.pi * 10 * times) + theta_uv * np.sin(2 * np.pi * 6 * times)
    return mne.io.RawArray(data * 1e-6, mne.create_info(names, RATE_HZ, "eeg"), verbose="ERROR")


def with_blinks(raw, onsets_s, *, size_uv=150.0):
    blink = size_uv * 1e-6 * np.hanning(int(0.3 * RATE_HZ))
    data = raw.get_data()
    for onset in onsets_s:
        start = int(onset * RATE_HZ)
        data[:2, start : start + len(blink)] += blink
    return mne.io.RawArray(data, raw.info, verbose="ERROR")


def test_the_index_is_the_ratio_of_planted_powers_and_scale_free(rng):
    raw = recording(rng, alpha_uv=10.0, theta_uv=5.0)
    assert drowsiness_index(raw) == pytest.approx(0.25, rel=0.1)
    assert drowsiness_index(recording(rng, alpha_uv=5.0, theta_uv=10.0)) == pytest.approx(4.0, rel=0.1)
    louder = mne.io.RawArray(raw.get_data() * 7, raw.info, verbose="ERROR")
    assert drowsiness_index(louder) == pytest.approx(drowsiness_index(raw))


def test_falling_asleep_shows_in_the_trend_and_a_steady_person_has_none(rng):
    n_times = int(2 * 60 * RATE_HZ)
    fading = recording(rng, alpha_uv=np.linspace(15, 3, n_times), theta_uv=np.linspace(3, 10, n_times))
    assert drowsiness_trend(fading) > 1
    assert abs(drowsiness_trend(recording(rng))) < 0.3


def test_closing_the_eyes_raises_alpha_by_what_was_planted(rng):
    opened, closed = recording(rng, alpha_uv=5.0), recording(rng, alpha_uv=15.0)
    assert posterior_alpha_db(closed) - posterior_alpha_db(opened) == pytest.approx(20 * np.log10(3), abs=0.5)


def test_blinks_are_counted_and_none_are_invented(rng):
    raw = recording(rng)
    onsets = np.arange(3, 117, 4.0)
    assert blink_rate_per_min(with_blinks(raw, onsets)) == pytest.approx(len(onsets) / 2)
    assert blink_rate_per_min(raw) == 0


def test_a_strong_alpha_rhythm_at_the_front_is_no_blink(rng):
    raw = recording(rng)
    times = np.arange(raw.n_times) / RATE_HZ
    data = raw.get_data()
    data[:2] += 40e-6 * np.sin(2 * np.pi * 10 * times)
    assert blink_rate_per_min(mne.io.RawArray(data, raw.info, verbose="ERROR")) == 0


def test_what_cannot_be_known_is_missing_and_not_zero(rng):
    elsewhere = recording(rng, names=["C3", "Cz", "C4"])
    short = recording(rng, minutes=0.1)
    assert np.isnan([drowsiness_index(elsewhere), drowsiness_trend(elsewhere), posterior_alpha_db(elsewhere)]).all()
    assert np.isnan([drowsiness_index(short), blink_rate_per_min(short), blink_rate_per_min(elsewhere)]).all()


def test_stretches_marked_bad_do_not_count(rng):
    raw = with_blinks(recording(rng), np.arange(62, 118, 4.0))
    raw.set_annotations(mne.Annotations([60], [60], ["BAD_flat"]))
    assert blink_rate_per_min(raw) == 0
