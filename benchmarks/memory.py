"""MEM: peak memory of SPEC-9-MT at 200 regions, each side in a fresh process of its own.

Run ``python benchmarks/run.py MEM``. A baseline process per side imports the same packages and loads the same input;
what is compared is the peak above it, which is what the computation itself takes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import OURS, with_version

N_REGIONS, N_EPOCHS = 200, 150
PEER = "mne-connectivity"
SIDES = {OURS: "ours", PEER: "peer"}
# Everything that is imported on first use, kernels included, belongs to the baseline: a small input brings it in.
PROCESS = """\
import resource, sys
import numpy as np
import spectral
signals = np.load(sys.argv[1])
spectral.{function}(signals[:8, :4], "multitaper")
if sys.argv[2] == "whole":
    spectral.{function}(signals, "multitaper")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_mb(function: str, recording: Path, extent: str) -> float:
    """Return the peak resident memory of a fresh process."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", PROCESS.format(function=function), str(recording), extent]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def write_input(path: Path) -> None:
    """Make the input in a process of its own: a child starts with the peak of its parent."""
    code = f"import numpy as np, oscillators; np.save({str(path)!r}, oscillators.epochs({N_REGIONS}, {N_EPOCHS}))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def run() -> dict[str, Any]:
    """Measure both sides; the ratio is the peer's peak above its baseline over ours."""
    above, total, figures = {}, {}, []
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "signals.npy"
        write_input(recording)
        for name, function in SIDES.items():
            peak_mb(function, recording, "small")  # compiles; a later process loads what was compiled
            baseline = peak_mb(function, recording, "small")
            peak = peak_mb(function, recording, "whole")
            above[name], total[name] = peak - baseline, peak
            figures.append({"side": name, "baseline MB": baseline, "peak MB": peak, "above baseline MB": above[name]})
    return {
        "workload": "MEM",
        "input": f"SPEC-9-MT at {N_REGIONS} regions, {N_EPOCHS} epochs of 500 samples",
        "peer": f"{with_version(PEER)}, the same call",
        "values": above,
        "unit": "MB",
        "cpu_s": {},
        "ratio": above[PEER] / above[OURS],
        "goal_ratio": 1.0,
        "goal": "no more than the peer",
        "met": above[OURS] <= above[PEER] and total[OURS] <= total[PEER],
        "agreement": {},
        "agreement_limit": None,
        "peak_mb": total[OURS],
        "figures": figures,
        "note": "Peak above a baseline process that has imported everything and holds the input; a process per figure.",
    }
