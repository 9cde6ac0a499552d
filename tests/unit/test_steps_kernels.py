"""The kernels of a session: what counts as noise in them."""

import numpy as np
import pytest

from painconn.cortex.lead_field import LeadField
from painconn.cortex.template import Parcellation
from painconn.errors import RecordingFault
from painconn.steps.kernels import SourceSpace, make_kernels

CHANNELS = ("T7", "T8", "C3", "C4", "O1", "O2")
CLEANED = {"rank": {"used": 5}, "sfreq_hz": 250.0, "lowpass_hz": 100.0}


@pytest.fixture
def space(rng):
    """Six channels, forty sources, four regions."""
    gain = rng.standard_normal((6, 40, 3))
    vertices = (np.arange(20), np.arange(20))
    field = LeadField(CHANNELS, gain - gain.mean(axis=0), vertices, np.tile([0.0, 0.0, 1.0], (40, 1)))
    names = ("insula-lh", "postcentral-lh", "insula-rh", "postcentral-rh")
    regions = Parcellation(names, {"lh": np.repeat([0, 1], 10), "rh": np.repeat([2, 3], 10)})
    return SourceSpace(field, regions, rng.standard_normal((40, 3)), {})


@pytest.fixture
def observed(rng):
    """Windows of two conditions, unlike before and after the events, 30 and 20 of them."""
    windows = {}
    for window in ("pre_evoked", "post_evoked"):
        mixing = rng.standard_normal((6, 6))
        for condition, number in (("hand", 30), ("back", 20)):
            data = 1e-5 * mixing @ rng.standard_normal((number, 6, 250))
            windows[condition, window] = data - data.mean(axis=1, keepdims=True)
    return windows


def kernel(space, observed, inverse, noise_covariance):
    settings = {"cortex": {"inverses": [inverse], "noise_covariance": noise_covariance}, "connectivity": {}}
    return make_kernels(space, observed, settings, CLEANED)[inverse][0].kernel.values


@pytest.mark.parametrize(("inverse", "follows"), [("dspm", True), ("eloreta", True), ("lcmv", False)])
def test_noise_before_events_changes_the_inverses_of_the_head(space, observed, inverse, follows):
    own, adhoc = (kernel(space, observed, inverse, kind) for kind in ("pre_event", "adhoc"))
    assert (np.abs(own - adhoc).max() > 0.1 * np.abs(adhoc).max()) == follows


def test_noise_is_what_precedes_the_events_in_equally_many_windows_of_every_condition(space, observed):
    found = kernel(space, observed, "dspm", "pre_event")
    # At full rank the data set nothing else in dSPM, so that only the windows before the events may matter.
    chosen = np.linspace(0, 29, 20).round().astype(int)
    equal = observed | {("hand", "pre_evoked"): observed["hand", "pre_evoked"][chosen]}
    louder = observed | {("hand", "post_evoked"): 3 * observed["hand", "post_evoked"]}
    for same in (equal, louder):
        np.testing.assert_allclose(kernel(space, same, "dspm", "pre_event"), found, rtol=1e-6)
    other = observed | {("back", "pre_evoked"): observed["back", "post_evoked"]}
    assert np.abs(kernel(space, other, "dspm", "pre_event") - found).max() > 0.1 * np.abs(found).max()


def test_a_session_of_rest_has_no_noise_before_events(space, observed):
    with pytest.raises(RecordingFault, match="no windows before events") as caught:
        kernel(space, {("rest", "epoch"): observed["hand", "post_evoked"]}, "dspm", "pre_event")
    assert caught.value.check == "noise_covariance"
