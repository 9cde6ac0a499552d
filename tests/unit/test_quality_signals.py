"""What was planted in recordings is in their quality rows, after the whole of cleaning."""

import json
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from healthy_eeg import SFREQ, cap, healthy

from painconn.config.loader import load_study
from painconn.config.quality_numbers import QUALITY_NUMBERS
from painconn.paths import Results
from painconn.reporting.quality import quality_page
from painconn.steps import clean
from painconn.steps.plan import Plan
from painconn.steps.quality_rows import quality_rows
from painconn.store import read_result

NAMES = cap(19)[0]
BEHIND = [row for row, name in enumerate(NAMES) if name in ("P3", "Pz", "P4", "O1", "O2")]
FRONT = [row for row, name in enumerate(NAMES) if name in ("Fp1", "Fp2")]
TIMES_S = np.arange(round(40 * SFREQ)) / SFREQ

STUDY = """\
name: planted
data:
  sources: [{root: ., layout: folder, pattern: 'P{participant}_{task}_eeg.fif', line_freq_hz: 50}]
  conditions:
    rest: {kind: rest, n_epochs: 10, eyes: open}
    task: {kind: rest, n_epochs: 10, eyes: closed}
cleaning: {bad_channels: none, ica: none, reject: none}
targets:
  x: {contrast: {kind: between, column: g, a: a, b: b, observation: {condition: rest}}}
"""


def wave(freq_hz: float, size_uv: Any) -> np.ndarray:
    return np.asarray(size_uv * 1e-6 * np.sin(2 * np.pi * freq_hz * TIMES_S))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One person: awake with eyes open and few blinks, then falling asleep with eyes closed and many blinks."""
    folder: Path = tmp_path_factory.mktemp("planted")
    awake, drowsy = healthy(1), healthy(2)
    awake[BEHIND] += wave(10, 20)
    drowsy[BEHIND] += wave(10, np.linspace(60, 10, len(TIMES_S))) + wave(6, np.linspace(5, 60, len(TIMES_S)))
    # healthy recordings have a blink every 5.5 s; here are more, in between
    for onset in np.arange(4.7, 39, 5.5):
        drowsy[FRONT] += 150e-6 * np.exp(-(((TIMES_S - onset) / 0.08) ** 2))
    for task, data in (("rest", awake), ("task", drowsy)):
        raw = mne.io.RawArray(data, mne.create_info(list(NAMES), SFREQ, "eeg"), verbose="ERROR")
        raw.save(folder / f"P01_{task}_eeg.fif", fmt="double", verbose="ERROR")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    results = Results(folder / "out")
    plan = Plan(load_study(folder / "study.yaml"), results)
    clean.run(results, json.loads(plan.settings_clean("sub-01")), "sub-01")
    return read_result(results.cleaned(plan.key("sub-01")))


def test_planted_drowsiness_blinks_line_noise_and_alpha_are_in_the_rows(planted: dict[str, Any]) -> None:
    awake, drowsy = quality_rows(planted, {"participant": "01", "session": ""})
    assert set(QUALITY_NUMBERS) <= set(awake)
    assert awake["blink_rate_per_min"] == pytest.approx(60 / 5.5, abs=2)
    assert drowsy["blink_rate_per_min"] == pytest.approx(120 / 5.5, abs=4)
    assert awake["drowsiness_index"] < 0.5
    assert abs(awake["drowsiness_trend"]) < 0.5
    assert drowsy["drowsiness_trend"] > 2
    assert awake["line_noise_ratio_before"] > 3
    assert awake["line_noise_ratio_after"] < 1.5
    # halfway through, alpha is 35 µV behind closed eyes and 20 µV behind open ones: 4.9 dB
    assert drowsy["alpha_reactivity_db"] == awake["alpha_reactivity_db"]
    assert 2 < awake["alpha_reactivity_db"] < 7
    assert awake["fraction_epochs_kept"] == 1


def test_the_page_of_a_cleaned_session_shows_its_time_and_place(planted: dict[str, Any]) -> None:
    page = quality_page("sub-01", planted)
    assert "rest: used (10)" in page
    assert "rest: kept (10)" in page
    assert "Channels on the head" not in page
    assert page.count("<svg") == 3
