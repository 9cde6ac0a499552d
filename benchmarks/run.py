"""Run benchmarks, write ``benchmarks/results.json`` and ``docs/performance.md``: ratios against a peer in the same run.

Usage: python benchmarks/run.py [NAME ...]

A name selects the workloads that begin with it (``SPEC`` selects all spectral ones); the results of the others stay as
they are. Each workload runs in a fresh process. The exit status is 1 when one fails or disagrees with its peer; a ratio
that falls short of its goal is a result.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

import page
from measuring import agrees, load_watched
from painconn.provenance import package_versions

RESULTS = Path(__file__).parent / "results.json"
PACKAGES = (
    "painconn", "numpy", "scipy", "numba", "llvmlite", "mne", "mne-connectivity", "bctpy", "networkx", "scikit-learn",
    "xarray",
)  # fmt: skip


@dataclass(frozen=True)
class Workload:
    """A function that returns one result, or a list of them, and the threads that numba may use in it."""

    module: str
    function: str = "run"
    n_threads: int = 1


WORKLOADS = {
    "SPEC-9-MT": Workload("spectral", "multitaper"),
    "SPEC-9-FFT": Workload("spectral", "fourier"),
    "SPEC-200-MT": Workload("spectral", "multitaper_200"),
    "SPEC-200-FFT": Workload("spectral", "fourier_200"),
    "AEC-ORTH": Workload("envelopes"),
    "GC-ALL": Workload("granger"),
    "MIM-68x3": Workload("multivariate"),
    "GRAPH-5K": Workload("graphs"),
    "MEM": Workload("memory"),
    "COMPILE": Workload("compilation"),
    "THREADS": Workload("scaling", n_threads=2),
    "PERM-RIDGE": Workload("label_permutations", "ridge"),
    "PERM-SVM": Workload("label_permutations", "svm"),
    "STUDY-100": Workload("label_permutations", "study"),
    "MAX-T": Workload("comparisons", "max_t"),
    "NBS-5K": Workload("comparisons", "nbs"),
    "ROI-APPLY": Workload("roi_apply"),
    "ONE-RECORDING": Workload("line"),
    "CLEAN-64": Workload("cleaning_stages"),
}


def selected(names: list[str]) -> list[str]:
    """Return the workloads whose names begin with one of the given ones; all without any."""
    unknown = [name for name in names if not any(key.startswith(name) for key in WORKLOADS)]
    if unknown:
        raise SystemExit(f"no workload begins with {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    return [key for key in WORKLOADS if not names or key.startswith(tuple(names))]


def machine() -> str:
    """Describe processor, cores, memory and system."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = named[0] if named else platform.processor()
    memory_gib = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{processor}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB, {system}"


def measure(key: str, n_threads: int) -> list[dict[str, Any]]:
    """Run a workload in this process; return its results with the circumstances they were measured in."""
    workload = WORKLOADS[key]
    function = getattr(import_module(workload.module), workload.function)
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    with load_watched() as load:
        found = function()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    circumstances = {
        "date": date,
        "command": f"python benchmarks/run.py {key}",
        "machine": machine(),
        "numba_threads": n_threads,
        "other_busy_cores": load.other_cores,
        "versions": {"python": platform.python_version()} | package_versions(PACKAGES),
    }
    entries = found if isinstance(found, list) else [found]
    return [{"group": key, "peak_mb": peak_mb} | entry | {"circumstances": circumstances} for entry in entries]


def measure_apart(key: str) -> list[dict[str, Any]] | None:
    """Run a workload in a fresh process with its threads set; None when it failed."""
    n_threads = str(WORKLOADS[key].n_threads)
    environment = os.environ | {
        "NUMBA_NUM_THREADS": n_threads,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "results.json"
        command = [sys.executable, str(Path(__file__)), "--answer", str(answer), key]
        if subprocess.run(command, env=environment, check=False).returncode:
            return None
        return list(json.loads(answer.read_text(encoding="utf-8")))


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Replace the results of one workload, in the order of the workloads; those that are no more are left out."""
    others = [entry for entry in old if entry.get("group") in WORKLOADS and entry["group"] != key]
    return sorted([*others, *new], key=lambda entry: list(WORKLOADS).index(entry["group"]))


def saved() -> list[dict[str, Any]]:
    """Return the results of earlier runs."""
    return list(json.loads(RESULTS.read_text(encoding="utf-8"))["workloads"]) if RESULTS.is_file() else []


def told(entry: dict[str, Any]) -> str:
    """Return one line on a result."""
    unit = entry.get("unit", "s")
    parts = [f"{name} {value:.3g} {unit}" for name, value in page.values_of(entry).items()]
    if entry["ratio"] is not None:
        parts.insert(0, f"ratio {entry['ratio']:.3g}")
    if entry["agreement"]:
        parts.append(f"difference {page.worst(entry)}")
    return f"{entry['workload']}: {', '.join(parts)}, met: {entry['met']}"


def main() -> int:
    """Run the selected workloads, saving after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"beginning of a workload: {', '.join(WORKLOADS)}")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    keys = selected(options.names)
    if options.answer:
        (key,) = options.names
        entries = measure(key, int(os.environ["NUMBA_NUM_THREADS"]))
        options.answer.write_text(json.dumps(entries, default=float), encoding="utf-8")
        return 0
    failed = []
    for key in keys:
        found = measure_apart(key)
        if found is None:
            failed.append(key)
            continue
        results = {"workloads": merged(saved(), found, key)}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        page.main([])
        for entry in found:
            print(told(entry))
            if not agrees(entry["agreement"], entry["agreement_limit"]):
                failed.append(entry["workload"])
    if failed:
        print("failed:", ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
