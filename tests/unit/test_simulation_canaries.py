"""Canary cohorts: what is planted in them, and that the kernels of the analysis see that and nothing else."""

import importlib.util
from functools import cache

import numpy as np
import pytest

from painconn.simulation.canaries import (
    CANARIES,
    CONFOUNDED_BY_AGE,
    CONFOUNDED_BY_MEDICATION,
    CONFOUNDED_BY_SITE,
    INSULAR_BRIDGE,
)
from painconn.simulation.people import draw_person
from painconn.simulation.presets import DESCRIPTIONS, PRESETS

pytestmark = pytest.mark.slow

SEED = 3


def test_every_preset_is_described_in_a_line():
    assert set(DESCRIPTIONS) == set(PRESETS)
    assert all(line and "\n" not in line for line in DESCRIPTIONS.values())


def test_only_the_canaries_with_a_planted_difference_have_one():
    differing = {
        spec.name
        for spec, _ in CANARIES
        if any(one.by == "group" and one.trait.startswith("coupling:") for one in spec.effects)
    }
    assert differing == {"planted", "zero_lag", "window_locked", "label_noise"}


@pytest.mark.parametrize(
    ("spec", "covariate", "trait"),
    [
        (CONFOUNDED_BY_AGE, lambda person: person.covariates["age"], lambda person: person.coupling),
        (
            CONFOUNDED_BY_MEDICATION,
            lambda person: person.covariates["medication"] == "centrally_acting",
            lambda person: person.coupling,
        ),
        (CONFOUNDED_BY_SITE, lambda person: person.covariates["site"] == "south", lambda person: person.artefacts),
    ],
)
def test_a_confound_explains_the_whole_difference_between_the_groups(spec, covariate, trait):
    people = [
        draw_person(spec, f"{number:03d}", group, seed=SEED)
        for number, group in enumerate(["localized", "widespread"] * 150)
    ]
    name = "sensor_noise_uv" if spec is CONFOUNDED_BY_SITE else INSULAR_BRIDGE.name
    values = np.array([trait(person)[name] for person in people])
    group = np.array([person.group == "widespread" for person in people], float)
    own = np.array([covariate(person) for person in people], float)
    alone = np.linalg.lstsq(np.column_stack([group, np.ones(300)]), values, rcond=None)[0][0]
    beside = np.linalg.lstsq(np.column_stack([group, own, own**2, np.ones(300)]), values, rcond=None)[0][0]
    assert abs(alone) > 0.8 * values.std()
    assert abs(beside) < 0.1 * values.std()


@pytest.fixture(scope="module")
def mixing(repository):
    path = repository / "tools" / "measure_mixing.py"
    spec = importlib.util.spec_from_file_location("measure_mixing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weak_and_strong(mixing, tmp_path_factory):
    """Return what is seen of one person with a small and a large share, everything else being the same."""
    head, field = mixing.build_heads(tmp_path_factory.mktemp("subjects"), bem_ico=2)

    @cache
    def record(name, share):
        return mixing.record(mixing.SPECS[name], "001", share, head)

    def look(name, window="rest", inverse="lcmv"):
        epochs = mixing.starts_of(mixing.SPECS[name], "001", window)
        return [mixing.seen(record(name, share), field, *epochs, inverse) for share in mixing.SHARES]

    return look


def test_a_planted_lag_is_seen_by_phase_lag_measures(weak_and_strong):
    weak, strong = weak_and_strong("planted")
    for measure in ("wpli2_debiased", "imcoh"):
        assert weak[measure] < 0.1
        assert strong[measure] > 0.3


def test_coherence_is_fooled_by_mixing_and_by_what_is_shared_without_a_lag(weak_and_strong):
    """Coherence is high where nothing is coupled, and moves with a share without lag; the others do neither."""
    weak, strong = weak_and_strong("zero_lag", inverse="eloreta")
    assert weak["coh"] > 0.4
    assert abs(strong["coh"] - weak["coh"]) > 0.15
    for measure in ("wpli2_debiased", "imcoh"):
        assert max(weak[measure], strong[measure]) < 0.1


@pytest.mark.parametrize(("window", "there"), [("after", True), ("before", False), ("rest", False)])
def test_a_window_locked_coupling_is_seen_in_its_window_alone(weak_and_strong, window, there):
    weak, strong = weak_and_strong("window_locked", window)
    rise = strong["wpli2_debiased"] - weak["wpli2_debiased"]
    assert rise > 0.15 if there else abs(rise) < 0.05
