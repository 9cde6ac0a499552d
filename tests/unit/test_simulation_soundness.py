from dataclasses import replace

import pytest
from pydantic import ValidationError

from painconn.errors import DesignError
from painconn.simulation.pain import PAIN
from painconn.simulation.presets import PRESETS, SENSORY_BRIDGE, TINY
from painconn.simulation.specification import (
    Artefacts,
    Contacts,
    Correlation,
    Coupling,
    Covariates,
    Effect,
    Protocol,
    Psychophysics,
    Spread,
)

SAME = Spread(0.5, 0.0, 0.5, 0.5)
WIDE = Spread(0.5, 0.1, -0.5, 1.5)


def bridge(**changes):
    return {"effects": (), "couplings": (replace(SENSORY_BRIDGE, **changes),)}


def alpha(**changes):
    theta, alpha, beta = TINY.rhythms
    return {"rhythms": (theta, replace(alpha, **changes), beta)}


def correlated(*pairs):
    return {"covariates": replace(PAIN.covariates, correlations=tuple(Correlation(pair, r) for pair, r in pairs))}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (bridge(strength=WIDE), ["trait coupling:", "-0.5 to 1.5", "from 0 to 1"]),
        (bridge(leaders=()), ["no leaders"]),
        (bridge(followers=("insula-rh", "insula-rh")), ["insula-rh twice in followers"]),
        (bridge(delay_s=0.0), ["kind lagged without delay"]),
        (bridge(span="post") | {"protocol": Protocol(n_pinpricks=0)}, ["span post without pinpricks"]),
        (bridge(span="pre") | {"protocol": Protocol(window_s=2.0)}, ["protocol.window_s", "at most 1.5"]),
        (alpha(suppression=WIDE), ["trait suppression:alpha", "from 0 to 1"]),
        (alpha(moment_nam=WIDE), ["trait moment:alpha", "from 0"]),
        (alpha(width_hz=60.0), ["trait peak:alpha", "below half the sampling rate, 125 Hz"]),
        (alpha(peak_hz=Spread(1.0, 1.0, 0.0, 2.0)), ["trait peak:alpha", "above 0 Hz"]),
        ({"background_uv": WIDE}, ["trait background_uv"]),
        ({"pain_now": Spread(5.0, 1.0, 0.0, 100.0)}, ["trait pain_now", "from 0 to 10"]),
        ({"artefacts": Artefacts(blinks_per_minute=WIDE)}, ["trait artefact:blinks_per_minute"]),
        ({"artefacts": Artefacts(heart_per_minute=Spread(60.0, 9.0, 0.0, 90.0))}, ["a heart that beats"]),
        (
            {"covariates": Covariates(age=SAME), "effects": (Effect("background_uv", "age", 1.0),)},
            ["effect on background_uv by age", "age, which is the same for everybody"],
        ),
        ({"effects": (Effect("background_uv", "site", 1.0, "south"),)}, ["an unknown covariate"]),
        ({"channels": ("Cz",)}, ["2 at least"]),
        ({"channels": TINY.channels[:4], "contacts": Contacts(bridged_probability=0.1)}, ["5 at least"]),
        ({"protocol": Protocol(interval_s=(4.0, 3.0))}, ["the shortest, then the longest"]),
        ({"protocol": Protocol(sfreq_hz=90.0)}, ["protocol.line_hz", "below half the sampling rate, 45"]),
        ({"protocol": Protocol(sites=("back",))}, ["only one of sites and forces_mn"]),
        ({"protocol": Protocol(sites=("back", "back"), forces_mn=(128.0, 128.0))}, ["back twice", "128 twice"]),
    ],
)
def test_a_cohort_that_could_not_be_what_it_says_is_refused(changes, told):
    with pytest.raises(DesignError) as caught:
        replace(TINY, **changes)
    text = [str(problem) for problem in caught.value.problems]
    for part in told:
        assert any(part in one for one in text), text
    assert len(text) == 2 if "128 twice" in told else len(text) == 1, text


def test_a_group_with_hyperalgesia_that_is_no_group_is_refused():
    with pytest.raises(DesignError, match="the unknown group localised"):
        replace(PAIN, psychophysics=Psychophysics(painful_in=("localised",)))


def test_every_problem_of_covariates_is_told_and_each_once():
    pairs = correlated((("age", "weight"), 0.1), (("age", "site"), 0.1), (("site", "age"), 0.2))
    bookkeeping = replace(PAIN.bookkeeping, n_duplicated=400)
    with pytest.raises(DesignError) as caught:
        replace(PAIN, **pairs, bookkeeping=bookkeeping)
    found = [problem.found for problem in caught.value.problems]
    assert found == ["age and weight", "age and site twice", "400"]
    with pytest.raises(DesignError, match="no correlation matrix"):
        replace(PAIN, **correlated((("age", "site"), 0.9), (("sex", "site"), 0.9), (("age", "sex"), -0.9)))


@pytest.mark.parametrize("limits", [(9.0, 1.0), (6.0, 9.0), (1.0, 2.0)])
def test_a_mean_lies_within_its_limits(limits):
    with pytest.raises(ValidationError, match="low up to mean up to high"):
        Spread(5.0, 1.0, *limits)


def test_what_is_not_there_limits_nothing():
    quiet = Artefacts(line_uv=Spread(0.0, 0.0, 0.0, 0.0))
    slow = replace(TINY, protocol=Protocol(sfreq_hz=90.0, window_s=5.0), artefacts=quiet)
    assert slow.protocol.sfreq_hz == 90.0
    alone = Coupling("a", "alpha", ("insula-lh",), ("insula-rh",), SAME, kind="zero_lag", delay_s=0.0)
    assert replace(TINY, couplings=(alone,), effects=()).couplings == (alone,)
    assert all(replace(spec) == spec for spec in PRESETS.values())
