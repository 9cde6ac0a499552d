from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import signal

from painconn.connectivity.engine import over_epochs, over_time
from painconn.simulation import signals
from painconn.simulation.people import draw_person
from painconn.simulation.person import cortex_signals
from painconn.simulation.presets import TINY
from painconn.simulation.specification import Block, Coupling, Protocol, Spread

SFREQ = 250.0
LEADER, SECOND, FOLLOWER, BYSTANDER = REGIONS = ("postcentral-lh", "insula-lh", "postcentral-rh", "precuneus-lh")
STRENGTH = 0.7
REST = (Block(duration_s=240.0),)
KINDS = ("lagged", "directed", "amplitude", "zero_lag")
BAND = {"alpha": (8.0, 13.0)}


def coupling(kind, *, name="planted", leaders=(LEADER,), followers=(FOLLOWER,), span="recording", **changes):
    return Coupling(name, "alpha", leaders, followers, Spread(0.5, 0.1, 0.0, 1.0), kind=kind, span=span, **changes)


@cache
def cortex(*couplings, strength=STRENGTH, blocks=REST):
    """Return the regions' alpha in units of its standard deviation without coupling."""
    spec = replace(
        TINY,
        rhythms=tuple(replace(one, peak_hz_per_year=0.0) for one in TINY.rhythms if one.name == "alpha"),
        couplings=couplings,
        effects=(),
        protocol=Protocol(blocks=blocks, n_pinpricks=0),
    )
    person = draw_person(spec, "001", "localized", seed=4)
    person = replace(person, coupling=dict.fromkeys(person.coupling, strength), peak_hz={"alpha": 10.0})
    weights = [person.moment_nam["alpha"] * spec.rhythms[0].weight(region) for region in REGIONS]
    return cortex_signals(spec, person, REGIONS, seed=4) / np.array(weights)[:, None]


def measured(*couplings):
    """Return measures of the signals in their background: matrices by name."""
    data = cortex(*couplings)
    data = data + 0.4 * signals.powerlaw_noise(
        np.random.default_rng(3), len(data), data.shape[1], sfreq_hz=SFREQ, exponent=1.0
    )

    def cut(series, length):
        n_epochs = series.shape[1] // length
        return series[:, : n_epochs * length].reshape(len(series), n_epochs, length).transpose(1, 0, 2)

    names = ("coh", "imcoh", "wpli2_debiased", "trgc")
    epochs = over_epochs(cut(data, 500), sfreq_hz=SFREQ, bands_hz=BAND, measures=names)
    passed = signal.sosfiltfilt(signal.butter(3, (7, 13), "bandpass", fs=SFREQ, output="sos"), data)
    segments = cut(signal.hilbert(passed), 2500)
    envelopes = over_time(lambda _: segments, sfreq_hz=SFREQ, bands_hz=BAND, measures=("aec_orth",))
    return {name: matrix for (name, _), matrix in {**epochs.matrices, **envelopes.matrices}.items()}


def coherency(first, second, freq_hz=10.0):
    freqs, cross = signal.csd(first, second, SFREQ, nperseg=500)
    at = np.argmin(np.abs(freqs - freq_hz))
    return cross[at] / np.sqrt(np.prod([signal.welch(one, SFREQ, nperseg=500)[1][at] for one in (first, second)]))


SEEN = {
    "lagged": {"coh", "imcoh", "wpli2_debiased", "trgc", "aec_orth"},
    "directed": {"coh", "imcoh", "wpli2_debiased", "trgc", "aec_orth"},
    "amplitude": {"aec_orth"},
    "zero_lag": {"coh"},
}
"""Two Gaussian processes with a lagged common part have common envelopes, too: orthogonalised AEC sees them."""

AT_LEAST = {"coh": 0.5, "imcoh": 0.5, "wpli2_debiased": 0.8, "trgc": 0.1, "aec_orth": 0.3}
AT_MOST = {"coh": 0.15, "imcoh": 0.12, "wpli2_debiased": 0.1, "trgc": 0.03, "aec_orth": 0.12}


@pytest.mark.parametrize("kind", KINDS)
def test_a_coupling_is_seen_by_the_measures_of_its_kind_and_by_no_other(kind):
    row, column, other = (REGIONS.index(name) for name in (LEADER, FOLLOWER, BYSTANDER))
    for name, matrix in measured(coupling(kind)).items():
        if name in SEEN[kind]:
            assert matrix[row, column] > AT_LEAST[name], name
        else:
            assert abs(matrix[row, column]) < AT_MOST[name], name
        assert abs(matrix[row, other]) < AT_MOST[name], name


def test_direction_follows_the_leaders():
    turned = measured(coupling("directed", leaders=(FOLLOWER,), followers=(LEADER,)))
    row, column = REGIONS.index(LEADER), REGIONS.index(FOLLOWER)
    assert turned["trgc"][row, column] < -AT_LEAST["trgc"]
    assert turned["imcoh"][row, column] < -AT_LEAST["imcoh"]


def test_nothing_of_a_follower_is_in_a_leader():
    pair = coupling("directed", leaders=(LEADER, SECOND))
    alone, coupled = cortex(), cortex(pair)
    leaders = [REGIONS.index(name) for name in (LEADER, SECOND)]
    np.testing.assert_array_equal(coupled[leaders], alone[leaders])
    follower = REGIONS.index(FOLLOWER)
    assert not np.array_equal(coupled[follower], alone[follower])
    assert coupled[follower].var() == pytest.approx(alone[follower].var(), rel=0.2)
    for leader in leaders:
        # Half of the variance that the follower receives comes from each of two leaders.
        assert abs(coherency(coupled[leader], coupled[follower])) == pytest.approx(STRENGTH / np.sqrt(2), abs=0.08)


@pytest.mark.parametrize(("kind", "angle"), [("lagged", -np.pi / 2), ("directed", -np.pi / 2), ("zero_lag", 0.0)])
@pytest.mark.parametrize("strength", [0.4, 0.8])
def test_strength_is_the_coherency_and_the_delay_its_angle(kind, angle, strength):
    data = cortex(coupling(kind), strength=strength)
    found = coherency(data[REGIONS.index(LEADER)], data[REGIONS.index(FOLLOWER)])
    assert abs(found) == pytest.approx(strength, abs=0.1)
    assert np.angle(found) == pytest.approx(angle, abs=0.25)


@pytest.mark.parametrize("strength", [0.3, 0.8])
def test_strength_of_amplitude_coupling_is_the_correlation_of_the_log_envelopes(strength):
    data = cortex(coupling("amplitude"), strength=strength)
    logs = np.log(np.abs(signal.hilbert(data[[REGIONS.index(LEADER), REGIONS.index(FOLLOWER)]])))
    # Each region's own slow modulation (0.25) is on top of what the Gaussian envelope has (pi / sqrt(24)).
    left = np.pi**2 / 24 / (np.pi**2 / 24 + 0.25**2)
    assert np.corrcoef(logs)[0, 1] == pytest.approx(strength * left, abs=0.1)


def test_zero_lag_has_no_delay_whatever_is_said():
    np.testing.assert_array_equal(
        cortex(coupling("zero_lag", delay_s=0.025)), cortex(coupling("zero_lag", delay_s=0.0))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_coupling_of_a_block_is_in_no_other_block(kind):
    blocks = (Block("first", 120.0), Block("second", 120.0))
    alone = cortex(blocks=blocks)
    coupled = cortex(coupling(kind, span="second"), strength=0.95, blocks=blocks)
    half = round(120.0 * SFREQ)
    np.testing.assert_array_equal(coupled[:, :half], alone[:, :half])
    follower = REGIONS.index(FOLLOWER)
    assert np.abs(coupled[follower, half:] - alone[follower, half:]).mean() > 0.3


def test_couplings_that_share_a_region_keep_its_variance_and_their_strength():
    first = coupling("lagged", name="first")
    second = coupling("lagged", name="second", leaders=(SECOND,))
    both, alone = cortex(first, second, strength=0.45), cortex()
    follower = REGIONS.index(FOLLOWER)
    assert both[follower].var() == pytest.approx(alone[follower].var(), rel=0.15)
    for leader in (LEADER, SECOND):
        found = coherency(both[REGIONS.index(leader)], both[follower])
        assert abs(found) == pytest.approx(0.45, abs=0.12)
    np.testing.assert_allclose(cortex(second, first, strength=0.45), both, atol=1e-12)


def test_shares_that_make_more_than_one_divide_the_variance():
    parts = [(0.9, coupling("lagged", name=name, leaders=(leader,))) for name, leader in (("a", LEADER), ("b", SECOND))]
    crowded = cortex(*(one for _, one in parts), strength=0.9)
    follower = REGIONS.index(FOLLOWER)
    assert crowded[follower].var() == pytest.approx(cortex()[follower].var(), rel=0.2)
    found = [abs(coherency(crowded[REGIONS.index(name)], crowded[follower])) for name in (LEADER, SECOND)]
    # A share of 0.9 in the leader and of a half in the follower.
    assert found == pytest.approx([np.sqrt(0.45)] * 2, abs=0.12)
