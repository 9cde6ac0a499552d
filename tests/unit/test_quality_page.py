"""The quality page says what the sidecar says, and draws it where it belongs."""

import html
import re
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from healthy_eeg import TEN_TWENTY

from painconn.paths import Results, SessionKey
from painconn.reporting import quality_figures
from painconn.reporting.quality import quality_page
from painconn.reporting.quality_overview import outliers_table, overview
from painconn.reporting.quality_text import quality_paragraphs
from painconn.reporting.results import StudyResults
from painconn.reporting.scalp import draw_map, flat_positions
from painconn.reporting.tables import flag_table
from painconn.steps import quality_page as quality_step
from painconn.store import write_result

NAMES = TEN_TWENTY


@pytest.fixture(scope="module")
def positions_m() -> dict[str, list[float]]:
    places = mne.channels.make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    return {name: places[name].tolist() for name in NAMES}


def component(index: int, *, removed: bool, rng: np.random.Generator, **more: Any) -> dict[str, Any]:
    about = {"label": "eye blink" if removed else "brain", "probability": 0.9, "reasons": [], "ecg_correlation": None}
    return {"index": index, "removed": removed, "weights": rng.standard_normal(18).tolist(), **about, **more}


@pytest.fixture
def cleaned(positions_m: dict[str, list[float]], rng: np.random.Generator) -> dict[str, Any]:
    """The sidecar of a session with one recording, everything in it."""
    freqs_hz = np.arange(0, 126.0).tolist()
    fates = ["used", "dropped", "kept", "used"]
    return {
        "status": "ok",
        "exclusions": [],
        "findings": [
            {"recording": "rest.edf", "check": "flat", "found": "<constant>", "consequence": "mark channel",
             "stretches_s": "", "fix": "look"},
        ],
        "bads": {"Pz": ["flat", "correlation"]},
        "good_channels": [name for name in NAMES if name != "Pz"],
        "positions_m": positions_m,
        "rank": {"used": 16, "tracked": 17, "components_removed": 1},
        "line_noise": {"method": "zapline"},
        "reference": {"method": "average", "channels": []},
        "line_freq_hz": 50.0,
        "lowpass_hz": 100.0,
        "sfreq_hz": 250.0,
        "hands": [{"kind": "channel", "item": "Pz", "decision": "bad", "applied": True}],
        "components": [component(index, removed=False, rng=rng) for index in range(12)]
        + [component(12, removed=True, rng=rng, reasons=["eye blink 0.90", "EOG 0.83"], eog_correlation=0.83)],
        "ica": {"method": "picard", "converged": False, "fingerprint": "0a1b2c3d"},
        "duration_s": {"task-rest": 62.0},
        "stretches": {"task-rest": [[20.0, 3.0, "BAD_no_signal"], [40.0, 1.0, "BAD_no_signal"]]},
        "conditions": {
            "rest": {
                "n_cut": 4, "n_kept": 3, "n_epochs": 2, "threshold_v": 9e-5, "eyes": "open",
                "epoch_times_s": {"task-rest": [[0.0, 2.0], [2.0, 4.0], [4.0, 6.0], [6.0, 8.0]]},
                "epoch_fate": {"task-rest": fates}, "segments": {"task-rest": [[250, 2750]]}, "segments_reason": None,
            },
        },
        "quality": {"task-rest": {"muscle_index": 0.123, "blink_rate_per_min": None}},
        "spectra": {
            "task-rest": dict.fromkeys(("freqs_hz", "before_db", "after_freqs_hz", "after_db"), freqs_hz),
        },
    }  # fmt: skip


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_the_page_says_what_the_sidecar_says_and_is_light(cleaned: dict[str, Any]) -> None:
    page = quality_page("sub-01", cleaned)
    told = text_of(page)
    for words in (
        "1 of 19 channels bad and interpolated; 1 component removed; rank 16",
        "rest: 2 epochs used of 3 kept of 4",
        "Line noise: zapline; reference: average.",
        "Pz flat, correlation",
        "Decided by hand kind item decision applied channel Pz bad yes",
        "12 removed eye blink 0.90",
        "Fingerprint of this decomposition: 0a1b2c3d",
        "removed: eye blink 0.90, EOG 0.83",
        "did not converge",
        "never used: no signal",
        "rest: used (2)",
        "rest: kept (1)",
        "rest: dropped (1)",
        "rest: segments (1)",
        "muscle_index 0.123 share",
        "blink_rate_per_min not computable",
    ):
        assert words in told
    assert "<constant>" not in page
    assert "r with ECG" not in told
    assert len(page) < 500_000
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_removed_components_and_the_largest_kept_ones_get_a_map(cleaned: dict[str, Any]) -> None:
    shown = [one["index"] for one in quality_figures.drawn_components(cleaned)]
    assert shown == [12, *range(quality_figures.MOST_MAPS_KEPT)]


def test_lanes_put_every_span_where_it_was(cleaned: dict[str, Any]) -> None:
    lanes = {label: spans for label, _, spans in quality_figures.recording_lanes(cleaned, "task-rest")}
    assert lanes == {
        "never used: no signal": [(20.0, 3.0), (40.0, 1.0)],
        "rest: used (2)": [(0.0, 2.0), (6.0, 2.0)],
        "rest: kept (1)": [(4.0, 2.0)],
        "rest: dropped (1)": [(2.0, 2.0)],
        "rest: segments (1)": [(1.0, 10.0)],
    }


def test_a_session_cut_elsewhere_has_a_page_without_what_was_never_there(cleaned: dict[str, Any]) -> None:
    for name in ("hands", "stretches", "duration_s", "line_noise", "reference"):
        del cleaned[name]
    cleaned |= {"components": [], "ica": None, "spectra": {}, "positions_m": {}, "line_freq_hz": None}
    for name in ("epoch_times_s", "epoch_fate", "eyes"):
        del cleaned["conditions"]["rest"][name]
    cleaned["conditions"]["rest"]["segments"] = {}
    told = text_of(quality_page("sub-01", cleaned))
    assert "No independent components were computed" in told
    assert "Time" not in told
    assert "Spectra" not in told


def test_epochs_cut_elsewhere_are_not_put_on_a_time_line(cleaned: dict[str, Any]) -> None:
    cleaned |= {"duration_s": {}, "stretches": {}}
    assert cleaned["conditions"]["rest"]["epoch_times_s"]
    assert quality_figures.timeline(cleaned) is None


def test_the_step_puts_the_row_of_the_quality_table_on_the_page(cleaned: dict[str, Any], tmp_path: Path) -> None:
    results, key = Results(tmp_path), SessionKey("01")
    write_result(results.cleaned(key), cleaned)
    quality_step.run(results, {}, key.name)
    told = text_of(results.quality_page(key).read_text(encoding="utf-8"))
    for words in ("fraction_interpolated 0.0526", "fraction_epochs_kept 0.75", "rank_used 16", "muscle_index 0.123"):
        assert words in told
    assert "alpha_reactivity_db not computable" in told
    assert "nan" not in re.findall(r"\w+", told)


def test_electrodes_lie_as_seen_from_above(positions_m: dict[str, list[float]]) -> None:
    flat = flat_positions(positions_m)
    assert np.hypot(*flat["Cz"]) < 0.15
    assert flat["Fp1"][1] > 0.8
    assert flat["O2"][1] < -0.8
    assert flat["T7"][0] < -0.9
    assert flat["T8"][0] > 0.9
    radii = [np.hypot(*flat[name]) for name in ("Fp1", "T8", "O1", "F7")]
    assert radii == pytest.approx([1.0] * 4, abs=0.12)


def test_a_map_has_its_peak_at_the_electrode_that_has_it(positions_m: dict[str, list[float]]) -> None:
    from matplotlib.figure import Figure

    flat = flat_positions(positions_m)
    axis = Figure().subplots()
    draw_map(axis, list(flat.values()), [float(name == "C4") for name in flat])
    (image,) = axis.images
    drawn = np.asarray(image.get_array())
    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    low, high = image.get_extent()[:2]
    place = np.array([column, row]) / (len(drawn) - 1) * (high - low) + low
    assert place == pytest.approx(flat["C4"], abs=0.1)


def quality(n: int = 10) -> pd.DataFrame:
    people = [f"S{number:02d}" for number in range(n)]
    muscle = [0.1 + 0.001 * number for number in range(n - 1)] + [0.9]
    return pd.DataFrame({"participant": people, "session": "", "recording": "rest", "muscle_index": muscle})


def test_the_overview_names_who_stands_out_and_nobody_else() -> None:
    row = {"participant": "S09", "session": "", "recording": "rest", "number": "muscle_index", "value": 0.9}
    outliers = pd.DataFrame([row | {"median": 0.1, "robust_z": 99.0, "n_compared": 10}])
    picture = overview(quality(), outliers)
    assert picture is not None
    drawn = text_of(picture.svg)
    assert "muscle index (share)" in drawn
    assert re.findall(r"S\d\d", drawn) == ["S09"]
    assert outliers_table(outliers).rows == (("S09", "", "rest", "muscle index", "0.9", "0.1", "99", "10"),)
    assert "S0" not in text_of(overview(quality(), None).svg)  # type: ignore[union-attr]


def test_sessions_whose_alpha_does_not_fall_are_flagged() -> None:
    table = flag_table(
        quality().assign(alpha_reactivity_db=[3.0] * 7 + [-1.0, -2.0, np.nan]), warn_epochs=60, n_epochs={}
    )
    assert ("alpha does not fall when the eyes open", "2 of 10", "20 %") in table.rows


def test_the_methods_section_states_the_rules_and_how_often_they_excluded() -> None:
    rules = {"muscle_index": {"max": 0.35}, "alpha_reactivity_db": {"min": 0}}
    exclusions = pd.DataFrame({"step": "table", "check": ["inclusion", "inclusion", "flat"]})
    results = StudyResults({"data": {"inclusion": rules}}, {}, exclusions=exclusions)
    (told,) = quality_paragraphs(results)
    assert "muscle index at most 0.35 and alpha reactivity db at least 0. 2 exclusions followed" in told
    assert quality_paragraphs(StudyResults({"data": {}}, {})) == []


def test_nothing_to_compare_makes_no_overview() -> None:
    assert overview(quality().assign(muscle_index=0.1), None) is None
