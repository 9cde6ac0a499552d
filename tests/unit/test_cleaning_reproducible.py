"""The same recording, seed and options give the same epochs in another process; what more threads change is tiny."""

import os
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
from test_cleaning_session import CHANNELS, simulated

from painconn.cleaning.component_methods import _HyperbolicTangent
from painconn.config.loader import load_study
from painconn.paths import Results, SessionKey
from painconn.steps.plan import Plan
from painconn.store import read_result

STUDY = """\
name: again
data:
  sources: [{root: ., layout: folder, pattern: 'P{participant}_{task}_eeg.fif', line_freq_hz: 50}]
  conditions: {rest: {kind: rest, n_epochs: 8}}
targets:
  x: {contrast: {kind: between, column: g, a: a, b: b, observation: {condition: rest}}}
"""


def cleaned(folder: Path, out: str, n_threads: int) -> tuple[np.ndarray, dict]:
    """Run the step in a process of its own; return its epochs and its record."""
    results = Results(folder / out)
    plan = Plan(load_study(folder / "study.yaml"), results)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(n_threads))
    command = [sys.executable, "-m", "painconn", "step", "clean", "--made-with", "test", "--name", "sub-01"]
    command += ["--out", str(results.root), "--settings", plan.settings_clean("sub-01")]
    subprocess.run(command, env=os.environ | threads, check=True, capture_output=True)
    sidecar = results.cleaned(SessionKey("01"))
    (file,) = sidecar.parent.glob("*_window-epoch_desc-clean_epo.fif")
    return mne.read_epochs(file, verbose="ERROR").get_data(verbose="ERROR"), read_result(sidecar)


@pytest.mark.slow
def test_another_process_gives_the_same_bits_and_another_thread_hardly_a_difference(tmp_path: Path) -> None:
    raw = simulated(4, duration_s=30, channels=CHANNELS[::2])
    raw.save(tmp_path / "P01_rest_eeg.fif", fmt="double", verbose="ERROR")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    once, record = cleaned(tmp_path, "once", 1)
    again, same = cleaned(tmp_path, "again", 1)
    assert record["components"], "without ICA nothing here could differ"
    assert once.tobytes() == again.tobytes()
    assert {key: value for key, value in record.items() if key != "created"} == {
        key: value for key, value in same.items() if key != "created"
    }
    threaded, other = cleaned(tmp_path, "threaded", 2)
    assert other["conditions"]["rest"]["chosen"] == record["conditions"]["rest"]["chosen"]
    assert np.abs(threaded - once).max() < 1e-5 * np.abs(once).max()


@pytest.mark.filterwarnings("ignore:Using a different density:UserWarning", "ignore:Picard did not:UserWarning")
def test_our_density_is_picards_own_to_the_last_bit(rng: np.random.Generator) -> None:
    from picard import picard

    mixed = rng.standard_normal((6, 6)) @ rng.laplace(size=(6, 4000))
    asked = {"whiten": False, "ortho": False, "extended": True, "random_state": 3, "max_iter": 20}
    own = picard(mixed, **asked)[1]
    ours = picard(mixed, fun=_HyperbolicTangent(), check_fun=False, **asked)[1]
    assert ours.tobytes() == own.tobytes()
