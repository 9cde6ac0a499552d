"""COMPILE: what the first process on a fresh machine pays for compiling, and that later processes do not pay it.

Run ``python benchmarks/run.py COMPILE``. Every process starts anew, on a small input; the first one finds an empty
``NUMBA_CACHE_DIR``.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

N_LATER = 3
MAX_LATER_SHARE = 0.2
PROCESS = """\
import time
import spectral
from oscillators import epochs
signals = epochs(8, 20)
times = [time.process_time()]
import numba, scipy.fft, scipy.signal.windows, painconn.connectivity.engine
times.append(time.process_time())
for _ in range(2):
    for mode in ("multitaper", "fourier"):
        spectral.ours(signals, mode)
    times.append(time.process_time())
print(*(end - start for start, end in zip(times, times[1:])))
"""


def process_cpu_s(cache: Path) -> tuple[float, float, float]:
    """Return the CPU seconds of imports, first call and second call in a fresh process."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", PROCESS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    imports, first, second = (float(value) for value in done.stdout.split()[-3:])
    return imports, first, second


def run() -> dict[str, Any]:
    """Measure one process that compiles and some that follow it."""
    with tempfile.TemporaryDirectory() as folder:
        processes = [process_cpu_s(Path(folder)) for _ in range(1 + N_LATER)]
    compiling, later = processes[0][1], max(first for _, first, _ in processes[1:])
    names = ["first", *(f"later {number}" for number in range(1, 1 + N_LATER))]
    return {
        "workload": "COMPILE",
        "input": "nine spectral measures, multitaper and Fourier, 8 regions, 20 epochs of 500 samples",
        "peer": "the first process on a fresh machine",
        "cpu_s": {"first process": compiling, "later process": later},
        "ratio": None,
        "goal_ratio": None,
        "goal": f"the first call of a later process takes less than {MAX_LATER_SHARE:.0%} of the compiling one",
        "met": later < MAX_LATER_SHARE * compiling,
        "agreement": {},
        "agreement_limit": None,
        "figures": [
            {"process": name, "imports, CPU s": imports, "first call, CPU s": first, "second call, CPU s": second}
            for name, (imports, first, second) in zip(names, processes, strict=True)
        ],
        "note": "The compiled loops are kept in a cache on disk, which later processes load instead of compiling.",
    }
