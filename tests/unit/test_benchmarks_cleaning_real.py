"""Cleaning of real recordings, and its speed: shares of power, the clock of the stages, functions behind the stages."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("measuring", "line", "cleaning_real", "cleaning_stages")


@pytest.fixture(scope="module")
def modules():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield {name: importlib.import_module(name) for name in NAMES}
    for name in NAMES:
        sys.modules.pop(name, None)


def test_what_is_taken_out_of_one_band_is_missing_there_and_nowhere_else(modules, rng):
    seconds = np.arange(0, 60, 1 / 200)
    brain = rng.standard_normal((4, seconds.size))
    alpha = 3 * np.sin(2 * np.pi * 10 * seconds)
    shares = modules["cleaning_real"].shares(brain, brain + alpha, sfreq_hz=200.0, lowpass_hz=40.0)
    bands = ("delta", "theta", "alpha", "beta")
    assert set(shares) == {f"{what}_{band}" for what in ("kept", "changed") for band in bands}
    # a sinusoid of variance 4.5 in a density of 0.01 / Hz: 5 Hz of noise hold 0.05
    assert shares["kept_alpha"] == pytest.approx(0.05 / 4.55, rel=0.1)
    assert shares["changed_alpha"] == pytest.approx(4.5 / 4.55, rel=0.01)
    assert (shares["kept_beta"], shares["changed_beta"]) == pytest.approx((1.0, 0.0), abs=0.01)
    half = modules["cleaning_real"].shares(brain / 2, brain, sfreq_hz=200.0, lowpass_hz=40.0)
    assert list(half.values()) == pytest.approx([0.25] * len(half))


def test_the_summary_counts_the_recordings_that_have_a_number(modules):
    table = pd.DataFrame({"rank_used": [16.0, 18.0, np.nan], "kept_alpha": [0.5, 1.0, 0.9]})
    lines = modules["cleaning_real"].summary(table).splitlines()
    assert "| `rank_used` | 2 | 17 | 16 | 18 |" in lines
    assert "| `kept_alpha` | 3 | 0.9 | 0.5 | 1 |" in lines


def test_a_stage_inside_another_stops_its_clock(modules, monkeypatch):
    stages = modules["cleaning_stages"]
    seconds = iter([0.0, 1.0, 4.0, 10.0])
    monkeypatch.setattr(stages.time, "process_time", lambda: next(seconds))
    clock = stages.Clock()
    inner = clock.around("inner", lambda: "done")
    assert clock.around("outer", inner)() == "done"
    assert clock.cpu_s == {"outer": 1.0 + 6.0, "inner": 3.0}


def test_every_stage_names_a_function_that_is_there(modules):
    for places in modules["cleaning_stages"].STAGES.values():
        for place in places:
            module, _, dotted = place.partition(":")
            found = importlib.import_module(module)
            for name in dotted.split("."):
                found = getattr(found, name)
            assert callable(found), place


def test_the_workload_is_what_it_says(modules):
    spec = modules["cleaning_stages"].SPEC
    assert (len(set(spec.channels)), spec.protocol.duration_s, spec.protocol.sfreq_hz) == (64, 300.0, 500.0)
