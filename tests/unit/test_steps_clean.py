"""The cleaning step with its options: what was asked for is done, recorded, and nothing else changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from healthy_eeg import SFREQ, cap, healthy
from pydantic import ValidationError
from test_cleaning_components import NAMES as COMPONENT_NAMES
from test_cleaning_components import recorded
from test_cleaning_session import CHANNELS, PLAIN, SETTINGS, simulated

from painconn.cleaning.session import clean_session
from painconn.config.cleaning import CleaningConfig
from painconn.config.loader import load_study
from painconn.connectivity.engine import over_epochs
from painconn.connectivity.estimate import Gates
from painconn.errors import ConfigError, RecordingFault
from painconn.paths import Results, SessionKey
from painconn.steps import clean
from painconn.steps.plan import Plan
from painconn.store import read_result

NAMES = cap(19)[0]
HEADER = "participant\tsession\trecording\tkind\titem\tonset_s\tduration_s\tdecision\tdecomposition\n"
STUDY = """\
name: cleaned
data:
  sources: [{{root: ., layout: folder, pattern: 'P{{participant}}_{{task}}_eeg.fif', line_freq_hz: 50}}]
  conditions: {{rest: {{kind: rest, n_epochs: 10}}}}
connectivity: {{{connectivity}}}
cleaning: {{{cleaning}}}
targets:
  x: {{contrast: {{kind: between, column: g, a: a, b: b, observation: {{condition: rest}}}}}}
"""
QUICK = "bad_channels: none, ica: none, line_noise: none"


@pytest.fixture
def cleaned(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return what cleans one recording and gives its record."""

    def run(raw: mne.io.BaseRaw, cleaning: str = QUICK, hands: str = "") -> dict[str, Any]:
        raw.copy().save(tmp_path / "P01_rest_eeg.fif", fmt="double", overwrite=True, verbose="ERROR")
        if hands:
            (tmp_path / "hands.tsv").write_text(HEADER + hands, encoding="utf-8")
            cleaning += ", manual_decisions: hands.tsv"
        (tmp_path / "study.yaml").write_text(STUDY.format(cleaning=cleaning, connectivity=""), encoding="utf-8")
        results = Results(tmp_path / "out")
        plan = Plan(load_study(tmp_path / "study.yaml"), results)
        clean.run(results, json.loads(plan.settings_clean("sub-01")), "sub-01")
        return read_result(results.cleaned(SessionKey("01")))

    return run


def raw_of(data: np.ndarray) -> mne.io.RawArray:
    return mne.io.RawArray(data, mne.create_info(list(NAMES), SFREQ, "eeg"), verbose="ERROR")


def test_hands_win_and_what_they_could_not_do_is_told(cleaned: Callable[..., dict[str, Any]]) -> None:
    hands = "".join(
        "01\t\t" + "\t".join(cells) + "\n"
        for cells in (
            ("", "channel", "Pz", "", "", "bad", ""),
            ("task-rest", "segment", "", "10.5", "3", "bad", ""),
            ("", "segment", "", "20", "1", "bad", ""),
            ("task-rest", "segment", "", "99", "3", "bad", ""),
            ("task-other", "segment", "", "1", "3", "bad", ""),
            ("", "component", "0", "", "", "remove", "0a1b2c3d"),
        )
    )
    record = cleaned(raw_of(healthy(1)), hands=hands)
    assert record["bads"] == {"Pz": ["marked"]}
    assert record["stretches"] == {"task-rest": [[10.5, 3.0, "BAD_manual"], [20.0, 1.0, "BAD_manual"]]}
    # epochs of 2 s from 10 to 14 s touch the first, that from 20 s the second
    assert record["conditions"]["rest"]["n_cut"] == 17
    assert [row["applied"] for row in record["hands"]] == [True, True, True, False, False, False]
    refused = [row["found"] for row in record["findings"] if row["check"] == "manual_decision"]
    assert [text.split(":")[0] for text in refused] == ["hands.tsv row 5", "hands.tsv row 7", "hands.tsv row 6"]
    assert cleaned(raw_of(healthy(1)))["hands"] == []


@pytest.mark.slow
def test_a_component_is_kept_by_hand_as_long_as_the_decomposition_is_the_same(
    cleaned: Callable[..., dict[str, Any]],
) -> None:
    settings = "bad_channels: none, line_noise: none, reject: none"
    raw = simulated(1)
    automatic = cleaned(raw, settings)
    blink = next(component for component in automatic["components"] if component["removed"])
    assert (blink["label"], len(blink["weights"]), blink["runs_removed"]) == ("eye blink", len(CHANNELS), 1)
    assert max(map(abs, blink["weights"])) == 1
    assert all(len(component["weights"]) == len(CHANNELS) for component in automatic["components"])
    fingerprint = automatic["ica"]["fingerprint"]
    row = f"01\t\t\tcomponent\t{blink['index']}\t\t\tkeep\t"
    by_hand = cleaned(raw, settings, row + fingerprint + "\n")
    assert not by_hand["components"][blink["index"]]["removed"]
    assert by_hand["components"][blink["index"]]["reasons"] == ["keep by hand"]
    assert by_hand["rank"]["used"] == automatic["rank"]["used"] + 1
    assert by_hand["ica"] == automatic["ica"]
    other = cleaned(raw, settings, row + "00000000\n")
    assert (other["components"], other["rank"]) == (automatic["components"], automatic["rank"])
    assert not other["hands"][0]["applied"]
    assert fingerprint in other["hands"][0]["why_not"]


def test_every_epoch_has_its_time_and_fate(cleaned: Callable[..., dict[str, Any]]) -> None:
    data = healthy(1, duration_s=60.0)
    data[:4, round(31.0 * SFREQ) : round(31.5 * SFREQ)] += 3e-3 * np.hanning(round(0.5 * SFREQ))
    record = cleaned(raw_of(data))["conditions"]["rest"]
    times_s, fate = record["epoch_times_s"]["task-rest"], record["epoch_fate"]["task-rest"]
    assert times_s == [[2.0 * n, 2.0 * n + 2.0] for n in range(30)]
    assert fate[15] == "dropped"
    assert [index for index, word in enumerate(fate) if word == "used"] == record["chosen"]
    assert (fate.count("dropped"), fate.count("used")) == (30 - record["n_kept"], 10)


@pytest.mark.slow
def test_an_eye_channel_finds_what_no_label_may_and_never_comes_out() -> None:
    raw = recorded(kinds=("eye",))
    settings = SETTINGS | {"line_noise": "none", "bad_channels": "none", "sfreq_hz": 200.0}
    # no class is asked for: only the channels beside can tell
    found = clean_session({"rest": raw}, **settings | {"ica_threshold": {}})
    removed = [component for component in found.components if component.removed]
    assert len(removed) == 1
    assert removed[0].reasons[0].startswith("EOG")
    assert found.good_channels[int(np.abs(removed[0].weights).argmax())] in {"Fp1", "Fp2"}
    assert found.raws["rest"].ch_names == COMPONENT_NAMES
    without = clean_session({"rest": raw.copy().pick("eeg")}, **settings | {"ica_threshold": {}})
    assert not any(component.removed for component in without.components)
    correlation = np.corrcoef(
        (without.raws["rest"].get_data() - found.raws["rest"].get_data())[0], raw.get_data(picks=["VEOG"])[0]
    )[0, 1]
    assert abs(correlation) > 0.7


@pytest.mark.slow
def test_eye_channels_travel_through_the_step(cleaned: Callable[..., dict[str, Any]]) -> None:
    record = cleaned(
        recorded(), "bad_channels: none, line_noise: none, sfreq_hz: 200, reject: none, ica_repetitions: 2"
    )
    by_eye = [component["eog_correlation"] for component in record["components"]]
    assert max(by_eye) > 0.7
    assert record["good_channels"] == COMPONENT_NAMES
    assert (record["ica"]["n_repetitions"], len(record["ica"]["similarity_by_run"])) == (2, 2)
    assert all(0 < component["similarity"] <= 1 for component in record["components"])


def test_the_spatial_line_filter_is_used_and_recorded(cleaned: Callable[..., dict[str, Any]]) -> None:
    raw = simulated(2, line_uv=20.0)
    spatial = cleaned(raw, "bad_channels: none, ica: none, line_noise: zapline")
    left = cleaned(raw)
    assert spatial["line_noise"]["method"] == "zapline"
    assert spatial["line_noise"]["components_removed"]["task-rest"]["50"][0] >= 1
    assert left["line_noise"] == {"method": "none", "components_removed": {}}
    ratios = [record["quality"]["task-rest"]["line_noise_ratio_after"] for record in (spatial, left)]
    assert ratios[0] < 2 < 5 < ratios[1]


def test_mastoids_change_what_is_subtracted_and_nothing_else() -> None:
    raw = simulated(3)
    mastoids = ["T7", "T8"]
    average = clean_session({"rest": raw}, **PLAIN).raws["rest"].get_data()
    result = clean_session({"rest": raw}, **PLAIN | {"reference": "mastoids", "mastoids": mastoids}).raws["rest"]
    data = result.get_data()
    np.testing.assert_allclose(data - data.mean(axis=0), average, atol=1e-12)
    np.testing.assert_allclose(result.get_data(picks=mastoids).mean(axis=0), 0, atol=1e-15)
    with pytest.raises(RecordingFault, match="T8"):
        clean_session({"rest": raw}, **PLAIN | {"reference": "mastoids", "mastoids": mastoids, "manual_bads": ["T8"]})


def test_presets_hold_and_what_is_written_beside_them_wins() -> None:
    discover = CleaningConfig.model_validate({"preset": "discover_eeg", "ica_repetitions": 3})
    assert (discover.line_noise, discover.epoch_overlap, discover.ica_repetitions) == ("spectrum_fit", 0.5, 3)
    assert set(discover.ica_thresholds) == {"eye blink", "muscle artifact"}
    seed = CleaningConfig.model_validate({"preset": "seed_like"})
    assert (seed.sfreq_hz, seed.ica_thresholds) == (400.0, {"eye blink": 0.8})
    assert CleaningConfig().ica_thresholds == dict.fromkeys(
        ("eye blink", "muscle artifact", "heart beat", "line noise"), 0.8
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reference": "csd"}, "lead field describes potentials"),
        ({"reference": "rest"}, "head model"),
        ({"reference": "mastoids"}, "belong together"),
        ({"ica_threshold": {"brain": 0.9}}, "brain"),
        ({"ica_threshold": {"eye blink": 0.2}}, "0.2"),
        ({"ica_threshold": 0.4}, "0.4"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CleaningConfig.model_validate(given)


def test_epochs_that_overlap_count_once(tmp_path: Path, rng: np.random.Generator) -> None:
    signals = rng.standard_normal((30, 3, 500))
    asked = {"sfreq_hz": 250.0, "bands_hz": {"alpha": (8.0, 13.0)}, "measures": ["wpli2_debiased"], "highest_hz": 100.0}
    alone = over_epochs(signals, **asked, gates=Gates(min_epochs=20))
    overlapping = over_epochs(signals, **asked, gates=Gates(min_epochs=20, epoch_overlap=0.5))
    assert not alone.not_computable
    assert overlapping.not_computable == {("wpli2_debiased", "alpha"): "15 epochs, wanted at least 20"}
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.format(cleaning="epoch_overlap: 0.5", connectivity="n_surrogates: 50"), encoding="utf-8")
    with pytest.raises(ConfigError, match="share samples"):
        load_study(study)


def test_overlapping_epochs_are_cut_and_say_so(cleaned: Callable[..., dict[str, Any]]) -> None:
    record = cleaned(raw_of(healthy(1)), QUICK + ", epoch_overlap: 0.5")["conditions"]["rest"]
    assert (record["n_cut"], record["epoch_overlap"]) == (39, 0.5)
    assert record["epoch_times_s"]["task-rest"][1] == [1.0, 3.0]
