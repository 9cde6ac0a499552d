import dataclasses
import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from painconn.cleaning.components import Component
from painconn.config.cleaning import CleaningConfig

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
NAMES = ("page", "cleaning_recordings", "cleaning_methods", "cleaning_page", "cleaning_truth")
KINDS = ("blinks", "saccades", "muscle", "heart", "line", "drift", "contact")


@pytest.fixture(scope="module")
def modules():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
    for name in NAMES:
        sys.modules.pop(name)


@pytest.fixture
def known(modules, rng):
    """Four channels, 10 epochs of 2 s: the brain comes out halved, blinks at a tenth, all else as it was."""
    shape, length = (4, 5000), 500
    parts = {name: 1e-6 * rng.standard_normal(shape) for name in ("brain", *KINDS, "amplifier")}
    parts = {name: data - data.mean(axis=0) for name, data in parts.items()}
    factors = {"brain": 0.5, "blinks": 0.1}
    cleaned = modules.cleaning_methods.Cleaned(
        parts={name: factors.get(name, 1.0) * data for name, data in parts.items()},
        reference=parts["brain"],
        mixture=sum(parts.values()),
        starts=np.arange(0, 5000, length),
        n_epochs=10,
        length=length,
        sfreq_hz=250.0,
        bads={},
    )
    return SimpleNamespace(parts=parts, bads={}), cleaned


def test_half_a_brain_is_three_quarters_of_its_variance_in_every_band(modules, known):
    kept = modules.cleaning_truth.compare(*known)["brain"]
    assert set(kept) == set(modules.cleaning_page.BRAIN)
    assert list(kept.values()) == pytest.approx([0.75] * len(kept))


def test_a_loss_in_one_channel_and_band_is_seen_there(modules, known):
    recording, cleaned = known
    times_s = np.arange(5000) / 250
    cleaned.parts["brain"][:] = cleaned.reference
    cleaned.parts["brain"][2] += 2e-6 * np.sin(2 * np.pi * 10 * times_s)
    kept = modules.cleaning_truth.compare(recording, cleaned)["brain"]
    assert kept["theta"] == pytest.approx(1.0, abs=0.01)
    assert kept["alpha"] < 0
    assert kept["worst channel"] < 0 < kept["all"] < 1


def test_a_tenth_of_an_artefact_is_one_percent_of_its_variance(modules, known):
    row = modules.cleaning_truth.compare(*known)
    assert row["removed"]["blinks"] == pytest.approx(0.99)
    assert [row["removed"][name] for name in KINDS[1:]] == pytest.approx([0.0] * 6)
    assert row["left"] == pytest.approx(6.01, rel=0.1)


def test_dropping_the_epochs_that_hold_an_artefact_removes_it(modules, known):
    recording, cleaned = known
    for data in (recording.parts["muscle"], cleaned.parts["muscle"]):
        data[:, 500:] = 0.0
    rest = dataclasses.replace(cleaned, starts=cleaned.starts[1:])
    row = modules.cleaning_truth.compare(recording, rest)
    assert row["removed"]["muscle"] == pytest.approx(1.0)
    assert row["epochs_kept"] == pytest.approx(0.9)


def test_a_recording_without_epochs_has_no_variance(modules, known):
    recording, cleaned = known
    row = modules.cleaning_truth.compare(recording, dataclasses.replace(cleaned, starts=cleaned.starts[:0]))
    assert row["epochs_kept"] == 0
    assert "brain" not in row


def test_components_are_counted_by_the_artefact_that_most_of_them_is(modules, known):
    _, cleaned = known
    names = list(cleaned.parts)

    def shares(**given):
        return [given.get(name, 0.0) for name in names]

    components = [Component(index, "other", 0.5, removed, np.ones(4)) for index, removed in enumerate((1, 0, 1, 0))]
    judged = dataclasses.replace(
        cleaned,
        components=tuple(components),
        shares=np.array(
            [
                shares(blinks=0.9, brain=0.1),
                shares(blinks=0.3, muscle=0.4, brain=0.3),
                shares(brain=0.6, blinks=0.4),
                shares(amplifier=1.0),
            ]
        ),
    )
    counts = modules.cleaning_truth.counted_components(judged)
    assert counts["blinks"] == (1, 1)
    assert counts["muscle"] == (0, 1)
    assert counts["none"] == (1, 2)


def test_quick_methods_come_first_and_nothing_twice(modules):
    jobs = modules.cleaning_truth.jobs([19, 64], 2)
    assert len(set(jobs)) == len(jobs) == 2 * 2 * (5 + 2)
    assert [job[3] for job in jobs[-4:]] == ["discover_eeg"] * 4


def test_the_page_follows_the_saved_results(modules):
    assert modules.cleaning_page.main(["--check"]) == 0


def test_a_stale_page_is_named_with_its_command(modules, monkeypatch, tmp_path, capsys):
    page = modules.cleaning_page
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    assert page.main(["--check"]) == 1
    assert page.COMMAND in capsys.readouterr().out
    assert page.main([]) == 0
    assert page.main(["--check"]) == 0


def test_saved_rows_can_be_matched_to_their_jobs(modules):
    rows = json.loads(modules.cleaning_truth.RESULTS.read_text(encoding="utf-8"))["rows"]
    assert {modules.cleaning_truth.job_of(row) for row in rows} <= set(modules.cleaning_truth.jobs([19, 32, 64], 8))
    assert {row["method"] for row in rows} <= set(modules.cleaning_page.METHODS)


def test_the_page_says_when_recordings_are_missing(modules):
    results = json.loads(modules.cleaning_page.RESULTS.read_text(encoding="utf-8"))
    n_jobs = len({modules.cleaning_truth.job_of(row) for row in results["rows"]})
    assert f"Not finished: {n_jobs} of 999" in modules.cleaning_page.render(results | {"planned": 999})
    assert "Not finished" not in modules.cleaning_page.render(results | {"planned": n_jobs})


def test_people_who_lose_every_epoch_are_told_and_not_averaged(modules):
    rows = [{"method": "x", "epochs_kept": 0.0}, {"method": "x", "epochs_kept": 0.5, "brain": {"all": 0.5}}]
    assert modules.cleaning_page.people_text(rows) == "2, 1 lost"
    assert modules.cleaning_page.mean_text(modules.cleaning_page.values(rows, "brain", "all")) == "50.0"


@pytest.mark.slow
def test_every_part_is_known_and_cleaned_as_the_recording_is(modules, one_thread):
    recordings, methods = modules.cleaning_recordings, modules.cleaning_methods
    good, spoilt = (recordings.simulate(19, "002", duration_s=20.0, contacts=contacts) for contacts in (False, True))
    for recording in (good, spoilt):
        eeg = recording.raw.get_data(picks="eeg")
        assert np.abs(sum(recording.parts.values()) - eeg).max() < 1e-9 * np.abs(eeg).max()
    assert sorted(spoilt.bads.values()) == ["bridged", "bridged", "flat"]
    changed = np.any(good.raw.get_data() != spoilt.raw.get_data(), axis=1)
    assert {name for name, one in zip(good.raw.ch_names, changed, strict=True) if one} == set(spoilt.bads)
    assert np.array_equal(good.brain, spoilt.brain)

    # `clean` itself refuses parts that do not add up
    found = methods.clean(spoilt, "recommended")
    alone = methods.cleaned_session(spoilt.raw.copy().pick("eeg"), CleaningConfig())
    without = found["recommended"]
    assert set(without.bads) == set(alone.bads) >= set(spoilt.bads)
    assert [one.reasons for one in without.components] == [one.reasons for one in alone.components]
    own = alone.raws["rest"].get_data()
    assert np.abs(without.mixture - own).max() < 1e-6 * np.abs(own).max()
    assert np.allclose(without.shares.sum(axis=1), 1.0)
