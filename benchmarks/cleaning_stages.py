"""CLEAN-64: one recording of 5 min, 64 channels and 500 Hz through the cleaning step, stage by stage.

Run ``python benchmarks/run.py CLEAN-64``. The recording is simulated, with brain signals, blinks, heart, muscle and
line noise. The step runs once in a process of its own, with a clock around the functions that it calls.
"""

import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from line import measured
from measuring import OURS
from painconn.config.loader import load_study
from painconn.paths import Results, SessionKey
from painconn.simulation.caps import CAP_64
from painconn.simulation.cohort import CohortSpec
from painconn.simulation.presets import DEMO
from painconn.simulation.specification import Block, HeadSpec, Protocol
from painconn.simulation.write import write_cohort
from painconn.steps.plan import Plan
from painconn.store import read_result

SPEC = replace(
    DEMO,
    name="clean64",
    n_per_group={"localized": 1, "widespread": 0},
    channels=CAP_64,
    protocol=Protocol(task="rest", blocks=(Block(duration_s=291.5),), n_pinpricks=0, sfreq_hz=500.0),
    head=HeadSpec(bem_ico=2),
)
"""291.5 s of rest, a pause of 5 s and the room after the last of no pinpricks: 300 s."""
SEED = 64
GOAL_CPU_S, GOAL_PEAK_MB = 45.0, 1500.0
STUDY = """\
name: clean
data:
  sources: [{root: data, layout: bids}]
  conditions: {rest: {kind: rest, n_epochs: 100, n_segments: 20}}
targets:
  none: {contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}}
"""
SESSION = "painconn.cleaning.session"
STAGES = {
    "reading and door checks": ["painconn.steps.clean:read_session"],
    "line noise": [f"{SESSION}:suppress_line_noise"],
    "high-pass": [f"{SESSION}:high_pass"],
    "joined below 100 Hz at 250 Hz": [f"{SESSION}:joined"],
    "bad channels without RANSAC": [f"{SESSION}:noisy_channels"],
    "RANSAC": ["pyprep:NoisyChannels.find_bad_by_ransac"],
    "rank": [f"{SESSION}:session_rank"],
    "reference": [f"{SESSION}:_referenced"],
    "ICA": ["painconn.cleaning.components:fit_components"],
    "ICLabel": ["painconn.cleaning.components:label_probabilities"],
    "components out": [f"{SESSION}:remove_components"],
    "low-pass": [f"{SESSION}:low_pass"],
    "resampling": [f"{SESSION}:resample"],
    "interpolation": ["mne.io:BaseRaw.interpolate_bads"],
    "epochs": ["painconn.steps.cut:rest_epochs"],
    "AutoReject": ["painconn.steps.cut:reject_epochs"],
    "segments": ["painconn.steps.cut:envelope_segments"],
    "quality numbers and spectra": [
        "painconn.steps.clean:session_record", f"{SESSION}:mean_spectrum", f"{SESSION}:blink_rate_per_min",
        "painconn.steps.cut:epochs_alpha_db",
    ],
    "writing": ["painconn.steps.clean:write_result"],
}  # fmt: skip
"""Functions whose time counts for a stage (``module:name``, where it is looked up), without stages inside them."""


class Clock:
    """CPU seconds per stage; a stage inside another one stops the outer one."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self._running: list[str] = []
        self._since = 0.0

    def _turn(self) -> None:
        now = time.process_time()
        if self._running:
            self.cpu_s[self._running[-1]] = self.cpu_s.get(self._running[-1], 0.0) + now - self._since
        self._since = now

    def around(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the clock around it."""

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            self._turn()
            self._running.append(stage)
            try:
                return function(*arguments, **named)
            finally:
                self._turn()
                self._running.pop()

        return timed

    def watch(self, stage: str, place: str) -> None:
        """Put the clock around a function (or method) where it is looked up."""
        module, _, dotted = place.partition(":")
        *owners, name = dotted.split(".")
        owner: Any = importlib.import_module(module)
        for one in owners:
            owner = getattr(owner, one)
        setattr(owner, name, self.around(stage, getattr(owner, name)))


def clean_by_stages(root: Path, name: str) -> None:
    """Clean a session in this process; write the CPU seconds of each stage, and of what belongs to none, to a file."""
    clean = importlib.import_module("painconn.steps.clean")
    clock = Clock()
    for stage, places in STAGES.items():
        for place in places:
            clock.watch(stage, place)
    settings = json.loads((root / "settings.json").read_text(encoding="utf-8"))
    clock.around("everything else", clean.run)(Results(root / "out"), settings, name)
    found = {stage: clock.cpu_s.get(stage, 0.0) for stage in (*STAGES, "everything else")}
    (root / "stages.json").write_text(json.dumps(found), encoding="utf-8")


def simulated(root: Path, spec: CohortSpec = SPEC) -> Plan:
    """Write the recording and the study; return its plan."""
    write_cohort(spec, root / "data", seed=SEED)
    (root / "study.yaml").write_text(STUDY, encoding="utf-8")
    return Plan(load_study(root / "study.yaml"), Results(root / "out"))


def run() -> dict[str, Any]:
    """Measure the step in a process of its own, stage by stage."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plan = simulated(root)
        (name,) = plan.sessions
        (root / "settings.json").write_text(plan.settings_clean(name), encoding="utf-8")
        cpu_s, peak_mb = measured([sys.executable, __file__, folder, name])
        by_stage = json.loads((root / "stages.json").read_text(encoding="utf-8"))
        cleaned = read_result(plan.results.cleaned(SessionKey.parse(name)))
    by_stage["imports"] = cpu_s - sum(by_stage.values())
    by_stage["the whole process"] = cpu_s
    told = f"{len(cleaned['good_channels'])} good channels, ICA "
    told += "converged" if cleaned["ica"]["converged"] else "stopped after its last iteration"
    return {
        "workload": "CLEAN-64",
        "input": "simulated person of the demo cohort, 64 channels, 300 s, 500 Hz",
        "peer": "none",
        "cpu_s": {OURS: cpu_s},
        "ratio": None,
        "goal_ratio": None,
        "goal": f"below {GOAL_CPU_S:g} CPU s and {GOAL_PEAK_MB:g} MB",
        "met": cpu_s < GOAL_CPU_S and peak_mb < GOAL_PEAK_MB,
        "agreement": {},
        "agreement_limit": None,
        "peak_mb": peak_mb,
        "figures": [{"stage": stage, "CPU s": value} for stage, value in by_stage.items()],
        "note": f"The step `clean` with the preset `recommended`, one run; {told}.",
    }


if __name__ == "__main__":
    clean_by_stages(Path(sys.argv[1]), sys.argv[2])
