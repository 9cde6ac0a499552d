"""Each number on signals whose answer is known, and the classifier where there is nothing to tell."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mne_connectivity import spectral_connectivity_epochs
from test_simulation_cohort import head  # noqa: F401

from painconn.simulation import realism, signals
from painconn.simulation.caps import CAP_19
from painconn.simulation.people import roster
from painconn.simulation.person import simulate_person
from painconn.simulation.presets import TINY
from painconn.simulation.realistic import BACKBONE, REALISTIC
from painconn.simulation.specification import Block, Protocol, Variation
from painconn.simulation.variation import source_strength, waxing

SFREQ = 160.0
N_TIMES = 160 * 120


def pink(rng, n_signals=4, exponent=1.5):
    return signals.powerlaw_noise(rng, n_signals, N_TIMES, sfreq_hz=SFREQ, exponent=exponent, knee_hz=0.1)


def line(rng, n_signals=4, width_hz=1.0, peak_hz=10.0):
    return signals.band_noise(rng, n_signals, N_TIMES, sfreq_hz=SFREQ, peak_hz=peak_hz, width_hz=width_hz)


@pytest.fixture
def command(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "tools")
    yield importlib.import_module("measure_realism")
    for name in ("measure_realism", "tell_apart"):
        sys.modules.pop(name)


def test_amplitude_is_the_root_mean_square_in_its_unit(rng):
    data = np.array([[1.0], [2.0], [4.0]]) * rng.standard_normal((3, N_TIMES))
    found = realism.amplitude(data)
    assert found["median_uv"] == pytest.approx(2.0, rel=0.02)
    assert found["spread"] == pytest.approx(np.std(np.log([1, 2, 4])), rel=0.03)


@pytest.mark.parametrize("exponent", [0.8, 1.6])
def test_exponent_is_found_under_an_alpha_peak(rng, exponent):
    found = realism.aperiodic(pink(rng, 8, exponent) + 0.5 * line(rng, 8), SFREQ)
    assert found["exponent"] == pytest.approx(exponent, abs=0.08)
    assert found["exponent_sd"] < 0.08
    mixed = np.concatenate([pink(rng, 4, 1.0), pink(rng, 4, 1.6)])
    assert realism.aperiodic(mixed, SFREQ)["exponent_sd"] == pytest.approx(0.3, abs=0.06)


def test_misfit_is_zero_for_a_line_and_large_for_a_bump(rng):
    assert realism.aperiodic(pink(rng, 8), SFREQ)["misfit_db"] < 0.5
    assert realism.aperiodic(pink(rng, 8) + 2 * line(rng, 8, peak_hz=20.0), SFREQ)["misfit_db"] > 3


def test_shares_of_power_are_those_of_the_parts(rng):
    data = 1.0 * line(rng, peak_hz=10.5, width_hz=0.4) + 2.0 * line(rng, peak_hz=20.0, width_hz=1.0)
    shares = realism.relative_power(data, SFREQ)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["alpha"] == pytest.approx(0.2, abs=0.03)
    assert shares["beta"] == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("peak_hz", [8.7, 11.3])
def test_alpha_peak_is_where_it_was_put(rng, peak_hz):
    background = pink(rng, 12)
    strong = realism.alpha_peak(background + 0.6 * line(rng, 12, peak_hz=peak_hz), SFREQ)
    weak = realism.alpha_peak(background + 0.3 * line(rng, 12, peak_hz=peak_hz), SFREQ)
    assert strong["peak_hz"] == pytest.approx(peak_hz, abs=0.3)
    # Well above the background, twice the amplitude are 6 dB.
    assert strong["prominence_db"] - weak["prominence_db"] == pytest.approx(6.0, abs=1.0)
    broad = realism.alpha_peak(background + 0.6 * line(rng, 12, peak_hz=peak_hz, width_hz=2.0), SFREQ)
    assert broad["width_hz"] > strong["width_hz"]
    assert realism.alpha_peak(background, SFREQ)["prominence_db"] < 1.0


def test_topography_is_in_db_and_knows_no_overall_level(rng):
    data = np.array([[1.0], [10.0]]) * line(rng, 2)
    found = realism.topography(data, SFREQ, ("Cz", "Oz"))
    assert found["alpha_Oz_db"] - found["alpha_Cz_db"] == pytest.approx(20.0, abs=1.0)
    louder = realism.topography(7.0 * data, SFREQ, ("Cz", "Oz"))
    assert louder == pytest.approx(found)


def test_correlation_is_sorted_by_distance(rng):
    places_m = np.array([[0.0, 0, 0], [0.03, 0, 0], [0.12, 0, 0]])
    shared, *own = pink(rng, 4)
    data = np.array([shared, shared + 0.5 * own[0], own[1]])
    found = realism.spatial_correlation(data, places_m)
    assert set(found) == {"0_50_mm", "80_110_mm", "110_140_mm"}
    assert found["0_50_mm"] == pytest.approx(np.corrcoef(data)[0, 1])
    assert found["110_140_mm"] == pytest.approx(np.corrcoef(data)[0, 2])


def test_variability_rises_with_modulation_and_has_the_value_of_its_theory(rng):
    # Band power of Gaussian noise in an epoch is a sum of squares; a factor of its own per epoch adds its variance.
    data = pink(rng, 20)
    epochs = np.repeat(rng.standard_normal(60), int(2 * SFREQ))
    plain, modulated = (realism.variability(one, SFREQ)["beta"] for one in (data, data * np.exp(0.4 * epochs)))
    assert np.sqrt(modulated**2 - plain**2) == pytest.approx(0.8 * np.std(epochs[:: int(2 * SFREQ)]), rel=0.08)


def test_tails_are_zero_for_noise_and_those_of_a_mixture(rng):
    noise = rng.standard_normal((8, N_TIMES))
    assert realism.tails(noise, SFREQ)["broadband"] == pytest.approx(0.0, abs=0.06)
    half = np.where(np.arange(N_TIMES) < N_TIMES // 2, 1.0, 3.0)
    # Two halves of standard deviation 1 and 3: 3 (1 + 81) / 2 / 5^2 - 3.
    found = realism.tails(noise * half, SFREQ)
    assert found["broadband"] == pytest.approx(3 * 41 / 25 - 3, abs=0.12)
    assert found["beta"] == pytest.approx(3 * 41 / 25 - 3, abs=0.2)


def test_envelopes_remember_what_modulates_them(rng):
    times_s = np.arange(N_TIMES) / SFREQ
    beat = line(rng, 8, width_hz=2.0) * (1 + 0.9 * np.sin(2 * np.pi * 0.5 * times_s))
    found = realism.envelope_memory(beat, SFREQ)
    assert found["alpha_2_s"] > 0.3
    assert found["alpha_1_s"] < -0.3
    assert abs(realism.envelope_memory(line(rng, 8, width_hz=2.0), SFREQ)["alpha_2_s"]) < 0.05


def test_coupling_agrees_with_mne_connectivity(rng):
    data = rng.standard_normal((5, 5)) @ pink(rng, 5)
    data[1] += np.roll(data[0], 4)
    epochs = data.reshape(5, -1, int(2 * SFREQ)).swapaxes(0, 1)
    coherence, wpli = realism.coherence_and_wpli(data, SFREQ, (8.0, 13.0))
    theirs = spectral_connectivity_epochs(
        epochs, method=["coh", "wpli2_debiased"], mode="fourier", sfreq=SFREQ, fmin=8.0, fmax=12.9, faverage=True,
        verbose="error",
    )  # fmt: skip
    for ours, other in zip((coherence, wpli), theirs, strict=True):
        found = other.get_data("dense")[:, :, 0]
        # Their Hann window ends on zeros at both sides, ours is periodic.
        np.testing.assert_allclose(ours, found.T[np.triu_indices(5, 1)], rtol=0, atol=0.003)


def test_waxing_has_its_depth_and_keeps_the_power():
    spec = replace(
        TINY, protocol=Protocol(blocks=(Block(duration_s=2000.0),), n_pinpricks=0), variation=Variation(waxing_hz=0.2)
    )
    course = waxing(spec, "001", "background", sd=0.3, seed=5)
    assert course.min() > 0
    assert np.std(np.log(course)) == pytest.approx(0.3, abs=0.03)
    assert np.mean(course**2) == pytest.approx(1.0, abs=0.06)
    assert not np.allclose(course, waxing(spec, "002", "background", sd=0.3, seed=5))
    np.testing.assert_array_equal(waxing(spec, "001", "background", sd=0.0, seed=5), 1.0)


def test_background_is_as_strong_as_its_region(head):  # noqa: F811
    np.testing.assert_array_equal(source_strength(TINY, "001", head, seed=5), 1.0)
    declared = replace(TINY, variation=Variation(background_weights={"insula": 3.0}))
    strength = source_strength(declared, "001", head, seed=5)
    of_insula = np.array([region.startswith("insula") for region in head.regions])[head.region_of_source]
    np.testing.assert_array_equal(strength, np.where(of_insula, 3.0, 1.0))
    own = source_strength(replace(TINY, variation=Variation(region_sd=0.9)), "001", head, seed=5)
    assert len(np.unique(own)) == len(head.regions)


def test_realistic_regions_are_regions_of_the_head():
    from painconn.cortex.parcellations import parcellation_of

    known = set(parcellation_of("desikan_killiany").region_names)
    bare = {name.rpartition("-")[0] for name in known}
    assert {*BACKBONE.leaders, *BACKBONE.followers} <= known
    assert set(REALISTIC["variation"].background_weights) <= bare
    assert all(set(rhythm.weights) <= bare for rhythm in REALISTIC["rhythms"])
    replace(TINY, **REALISTIC)


@pytest.mark.slow
def test_two_halves_of_a_cohort_are_not_told_apart_but_another_spectrum_is(command, head, monkeypatch):  # noqa: F811
    classifier = sys.modules["tell_apart"]
    for name, value in {"N_REPEATS": 1, "N_PERMUTATIONS": 100, "N_TREES": 20, "N_SHUFFLES": 1}.items():
        monkeypatch.setattr(classifier, name, value)
    spec = command.like_eegmat(TINY, 24, "half")
    spec = replace(spec, protocol=replace(spec.protocol, blocks=(Block(duration_s=20.0),), sfreq_hz=SFREQ))
    rows = {}
    for label, group in roster(spec, seed=3):
        data_uv = 1e6 * simulate_person(spec, label, group, seed=3, head=head).get_data()
        families = {"amplitude": realism.amplitude(data_uv), "aperiodic": realism.aperiodic(data_uv, SFREQ)}
        rows[label] = {(family, name): value for family, all_ in families.items() for name, value in all_.items()}
    table = pd.DataFrame(rows).T
    first, second = table.iloc[:12], table.iloc[12:]
    same = classifier.tell_apart(first, second).loc[classifier.ALL]
    assert same["low"] < 0.5 < same["high"]
    assert same["p"] > 0.05
    moved = second.copy()
    moved[("aperiodic", "exponent")] += 2.0
    scores = classifier.tell_apart(first, moved)
    assert scores.loc["aperiodic", "auc"] > 0.9
    assert scores.loc["amplitude", "p"] > 0.05
    lost, alone = classifier.giveaways(first, moved)
    assert lost.idxmax() == "aperiodic"
    assert alone.index[0] == ("aperiodic", "exponent")
    assert alone.iloc[0] == 1.0


def test_a_page_is_filled_between_its_marks(command):
    page = "a\n<!-- measured: one -->\nold\n<!-- end: one -->\nb\n"
    once = command.filled(page, {"one": "| new |"})
    assert once == "a\n<!-- measured: one -->\n\n| new |\n\n<!-- end: one -->\nb\n"
    assert command.filled(once, {"one": "| new |"}) == once


@pytest.mark.realdata
def test_numbers_of_a_real_person_are_those_of_a_person_at_rest(command, real_data, tmp_path):
    source = real_data / "eegmat-rest-arithmetic" / "Subject02_1.edf"
    (tmp_path / source.name).symlink_to(Path(source))
    table = command.table_of(command.eegmat_people(tmp_path), CAP_19)
    person = table.iloc[0]
    assert len(table) == 1
    assert np.isfinite(person.to_numpy()).all()
    assert 2 < person["amplitude", "median_uv"] < 30
    assert 0.8 < person["aperiodic", "exponent"] < 2.5
    assert 7 <= person["alpha peak", "peak_hz"] <= 14
    assert person["spatial correlation", "50_80_mm"] > 0 > person["spatial correlation", "170_250_mm"]
