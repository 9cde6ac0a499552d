from dataclasses import replace
from functools import cache

import mne
import numpy as np
import pytest
from made_up_head import REGIONS, made_up_head
from scipy import signal

from painconn.cleaning.epochs import reject_epochs
from painconn.simulation.cohort import BODY, CohortSpec
from painconn.simulation.people import draw_person, pinprick_onsets_s
from painconn.simulation.person import cortex_signals, electrode_signals, simulate_person
from painconn.simulation.presets import SENSORY_BRIDGE, TINY
from painconn.simulation.specification import (
    Artefacts,
    Block,
    Contacts,
    Covariates,
    Effect,
    Levels,
    Protocol,
    Restlessness,
    Spread,
)

SFREQ = TINY.protocol.sfreq_hz
SEED = 6
SPEC = replace(
    TINY,
    name="everything",
    rhythms=tuple(
        replace(one, suppression=Spread(0.3, 0.1, 0.0, 0.9), moment_nam=Spread(36.0, 8.0, 5.0, 120.0))
        for one in TINY.rhythms
    ),
    couplings=(replace(SENSORY_BRIDGE, strength=Spread(0.4, 0.2, 0.0, 1.0)),),
    effects=(),
    protocol=Protocol(blocks=(Block(duration_s=40.0),), n_pinpricks=16),
    artefacts=Artefacts(heart_per_minute=Spread(70.0, 9.0, 30.0, 150.0)),
    restlessness=Restlessness(
        saccades_per_minute=Spread(15.0, 4.0, 4.0, 40.0), movements_per_minute=Spread(2.0, 0.5, 0.5, 5.0)
    ),
    contacts=Contacts(noisy_probability=0.0, flat_probability=0.0),
    covariates=Covariates(
        pain_duration_years=Spread(6.0, 2.0, 0.0, 30.0),
        pain_side=Levels({"left": 0.5, "right": 0.5}),
        medication=Levels({"none": 0.5, "opioid": 0.5}),
        site=Levels({"A": 0.5, "B": 0.5}),
    ),
)
SIZES = tuple(name for name in {**vars(SPEC.artefacts), **vars(SPEC.restlessness)} if name.endswith("_uv"))
ONLY_REPORTED = {"pain_now", *SPEC.covariates.declared()}
"""What a person says or is; it reaches the signal through effects alone."""


@cache
def head():
    return made_up_head((*SPEC.channels, SPEC.reference))


def moved(trait, d):
    """Return one person whose trait is moved by so many standard deviations, everything else equal."""
    spec = replace(SPEC, effects=(Effect(trait, "group", d, "widespread"),))
    return draw_person(spec, "001", "widespread", seed=SEED)


def power_of(series, low_hz, high_hz):
    freqs, power = signal.welch(series, SFREQ, nperseg=500)
    return power[..., (freqs >= low_hz) & (freqs < high_hz)].sum(axis=-1)


def one_rhythm(name):
    couplings = tuple(one for one in SPEC.couplings if one.rhythm == name)
    return replace(SPEC, rhythms=tuple(one for one in SPEC.rhythms if one.name == name), couplings=couplings)


def cortex(person, spec=SPEC):
    return cortex_signals(spec, person, REGIONS, seed=SEED)


def moment(person, name):
    return cortex(person, one_rhythm(name))[REGIONS.index("superiorfrontal-lh")].std()


def peak(person, name):
    wave = cortex(person, one_rhythm(name))[REGIONS.index("superiorfrontal-lh")]
    freqs, power = signal.welch(wave, SFREQ, nperseg=500)
    return np.sum(freqs * power) / power.sum()


def suppression(person, name):
    wave = cortex(person, one_rhythm(name))[REGIONS.index("superiorfrontal-lh")]
    starts = np.round(pinprick_onsets_s(SPEC, "001", seed=SEED) * SFREQ).astype(int)
    before, after = (
        np.mean([wave[start + lag : start + lag + 200].std() for start in starts])
        for lag in (-210, round(0.35 * SFREQ))
    )
    return before / after


def coupling(person, _):
    data = cortex(person, one_rhythm("alpha"))
    freqs, cross = signal.csd(data[REGIONS.index("postcentral-lh")], data[REGIONS.index("postcentral-rh")], SFREQ)
    return np.abs(cross[(freqs >= 9) & (freqs <= 11)]).sum()


def electrodes(person, spec=SPEC):
    return electrode_signals(spec, person, seed=SEED, head=head())


def artefact(person, name):
    """Return how large the recording is when only the artefact of that name has a size."""
    stem = {"blinks": "blink", "saccades": "saccade", "movements": "movement"}
    own = name.removesuffix("_uv")
    if name.endswith("_per_minute"):
        own = name.removesuffix("_per_minute")
        own = "muscle_burst" if own == "muscle_bursts" else stem.get(own, own)
    silent = {size: 0.0 for size in SIZES if size != f"{own}_uv"}
    spec = replace(SPEC, rhythms=(), couplings=(), evoked_regions=())
    alone = replace(person, background_uv=0.0, artefacts={**person.artefacts, **silent})
    # Of steps rather than values: how often somebody looks aside shows in nothing else.
    return np.diff(electrodes(alone, spec)).std()


def background(person, spec=SPEC):
    silent = dict.fromkeys(SIZES, 0.0)
    quiet = replace(spec, rhythms=(), couplings=(), evoked_regions=())
    return electrodes(replace(person, artefacts={**person.artefacts, **silent}), quiet)


def steepness(person):
    data = background(person)
    return np.mean(power_of(data, 2, 8) / power_of(data, 30, 60))


def evoked(person):
    data = cortex(person)[REGIONS.index("insula-lh")]
    starts = np.round(pinprick_onsets_s(SPEC, "001", seed=SEED) * SFREQ).astype(int)
    return np.ptp(np.mean([data[start : start + 150] for start in starts], axis=0))


SEEN = {
    "moment": moment,
    "peak": peak,
    "suppression": suppression,
    "coupling": coupling,
    "artefact": artefact,
    "exponent": steepness,
    "background_uv": lambda person: background(person).std(),
    "evoked_nam": evoked,
}


@pytest.mark.parametrize("trait", sorted(set(SPEC.traits()) - ONLY_REPORTED))
def test_a_moved_trait_moves_what_it_names(trait):
    kind, _, name = trait.partition(":")
    low, high = (SEEN[kind](moved(trait, d), *([name] if name else [])) for d in (-2.0, 2.0))
    assert high > 1.03 * low


@pytest.mark.parametrize("trait", sorted(ONLY_REPORTED))
def test_what_is_only_reported_leaves_the_signal_alone(trait):
    plain, changed = moved(trait, -8.0), moved(trait, 8.0)
    if trait == "pain_now":
        assert changed.pain_now > plain.pain_now
    else:
        assert changed.covariates[trait] != plain.covariates[trait]
    if trait == "age":
        assert changed.peak_hz["alpha"] < plain.peak_hz["alpha"]
        changed = replace(changed, peak_hz=plain.peak_hz)
    assert replace(changed, covariates=plain.covariates, pain_now=plain.pain_now) == plain


@pytest.mark.parametrize(
    ("by", "level", "trait"),
    [
        ("medication", "opioid", "moment:beta"),
        ("site", "B", "artefact:line_uv"),
        ("age", None, "coupling:" + SENSORY_BRIDGE.name),
        ("pain_duration_years", None, "background_uv"),
        ("pain_side", "left", "evoked_nam"),
        ("sex", "F", "exponent"),
    ],
)
def test_a_covariate_moves_a_trait_of_those_who_have_it(by, level, trait):
    spec = replace(SPEC, effects=(Effect(trait, by, 1.0, level),))
    kind, _, name = trait.partition(":")
    field = {"moment": "moment_nam", "artefact": "artefacts"}.get(kind, kind)
    for number in range(1, 21):
        plain, changed = (draw_person(one, f"{number:03d}", "localized", seed=SEED) for one in (SPEC, spec))
        values = [getattr(one, field)[name] if name else getattr(one, field) for one in (plain, changed)]
        value, spread = plain.covariates[by], spec.traits()[trait]
        had = value == level if level else (value - spec.traits()[by].mean) / spec.traits()[by].sd
        wanted = values[0] + had * spread.sd
        assert spread.low <= values[1] <= spread.high
        assert values[1] == pytest.approx(np.clip(wanted, spread.low, spread.high), abs=1e-9)


def eyes(spec: CohortSpec, closed: bool) -> CohortSpec:
    blocks = (Block("before", 40.0), Block("closed", 40.0, eyes_closed=closed), Block("after", 40.0))
    alpha = replace(spec.rhythms[1], eyes_closed_gain={"lateraloccipital": 2.5})
    return replace(
        spec, rhythms=(spec.rhythms[0], alpha, spec.rhythms[2]), protocol=Protocol(blocks=blocks, n_pinpricks=0)
    )


def test_closed_eyes_raise_alpha_of_the_back_in_their_block_only():
    person = draw_person(SPEC, "001", "localized", seed=SEED)
    seeing, closed = (cortex(person, eyes(SPEC, closed)) for closed in (False, True))
    edges = [round(edge_s * SFREQ) for edge_s in (0, 40, 80, 120)]
    back = [REGIONS.index(f"lateraloccipital-{side}") for side in ("lh", "rh")]
    np.testing.assert_array_equal(np.delete(seeing, back, axis=0), np.delete(closed, back, axis=0))
    for start, stop in ((edges[0], edges[1]), (edges[2], edges[3])):
        np.testing.assert_array_equal(seeing[:, start:stop], closed[:, start:stop])
    raised = [power_of(one[back, edges[1] : edges[2]], 8, 13) for one in (seeing, closed)]
    np.testing.assert_allclose(raised[1] / raised[0], 2.5**2, rtol=0.15)
    other = [power_of(one[back, edges[1] : edges[2]], 17, 25) for one in (seeing, closed)]
    np.testing.assert_allclose(*other, rtol=0.05)
    change = np.abs(np.diff(closed - seeing, axis=1)).max(axis=1)[back]
    assert change.max() < np.abs(np.diff(closed, axis=1)).max()


def test_eyes_that_are_closed_leave_no_blink_in_the_recording():
    person = draw_person(SPEC, "001", "localized", seed=SEED)
    silent = {size: 0.0 for size in SIZES if size not in ("blink_uv", "saccade_uv")}
    person = replace(person, background_uv=0.0, artefacts={**person.artefacts, **silent})
    spec = eyes(SPEC, True)
    spec = replace(spec, rhythms=(), couplings=(), evoked_regions=())
    data = electrodes(person, spec)[:2, :]
    within = data[:, round(41 * SFREQ) : round(79 * SFREQ)]
    assert np.ptp(within, axis=1).max() < 2 * SPEC.protocol.resolution_uv
    assert min(np.ptp(data[:, : round(40 * SFREQ)]), np.ptp(data[:, round(80 * SFREQ) :])) > 50


@pytest.mark.slow
def test_rejection_drops_the_epochs_that_a_movement_spoils():
    duration_s, length_s = 180.0, 2.0
    restless = replace(
        SPEC,
        artefacts=replace(SPEC.artefacts, blink_uv=Spread(0.0, 0.0, 0.0, 0.0)),
        protocol=Protocol(blocks=(Block(duration_s=duration_s),), n_pinpricks=0),
    )
    still = replace(restless, restlessness=replace(SPEC.restlessness, movements_per_minute=Spread(0.0, 0.0, 0.0, 0.0)))
    raw, without = (simulate_person(one, "001", "localized", seed=SEED, head=head()) for one in (restless, still))
    moved_uv = 1e6 * np.abs(raw.get_data() - without.get_data())
    epochs = mne.make_fixed_length_epochs(raw.filter(1, 45, verbose="error"), length_s, preload=True, verbose="error")
    n_times = round(length_s * SFREQ)
    largest_uv = moved_uv[:, : len(epochs) * n_times].reshape(len(moved_uv), len(epochs), n_times).max(axis=(0, 2))
    rejection = reject_epochs([epochs], method="autoreject_global", seed=1)
    spoilt, untouched = np.flatnonzero(largest_uv > 150), np.flatnonzero(largest_uv < 1)
    assert len(spoilt) >= 4
    assert np.isin(spoilt, rejection.dropped).mean() > 0.8
    assert np.isin(untouched, rejection.dropped).mean() < 0.2


def test_traits_are_all_tested():
    assert {trait.partition(":")[0] for trait in SPEC.traits()} == {*SEEN, *ONLY_REPORTED}
    assert set(BODY) <= {*SEEN, *ONLY_REPORTED}
