"""ONE-RECORDING: one 62 s, 19-channel recording through the whole line, against a plain script with stock libraries.

Run ``python benchmarks/line.py [RECORDING.edf]``; without a file a simulated recording is used. Study-wide steps (head,
forward, table) stand aside. Each process runs on one thread; CPU seconds and peak memory are those of the processes.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from measuring import OURS
from painconn.config.loader import load_study
from painconn.paths import Results
from painconn.steps.plan import Plan

CHANNELS = [
    "Fp1",
    "Fp2",
    "F7",
    "F3",
    "Fz",
    "F4",
    "F8",
    "T7",
    "C3",
    "Cz",
    "C4",
    "T8",
    "P7",
    "P3",
    "Pz",
    "P4",
    "P8",
    "O1",
    "O2",
]
REPEATS = 3
GOAL_CPU_S, GOAL_PEAK_MB = 14.0, 1000.0
STUDY = """\
name: line
data:
  sources:
    - {root: ., layout: folder, pattern: "P{participant}_{task}.edf", line_freq_hz: 50, strip_prefix: "EEG ",
       rename_channels: {T3: T7, T4: T8, T5: P7, T6: P8}, channel_types: {ECG ECG: ecg}, drop_channels: [A2-A1]}
  conditions: {rest: {kind: rest, n_epochs: 22, n_segments: 2}}
targets:
  none: {contrast: {kind: between, column: group, a: a, b: b, observation: {condition: rest}}}
"""
PLAIN = """\
import sys, warnings
warnings.simplefilter("ignore")
import mne, numpy as np
from mne.preprocessing import ICA
from mne_icalabel import label_components
from pyprep import NoisyChannels
from mne_connectivity import envelope_correlation, spectral_connectivity_epochs
raw = mne.io.read_raw_edf(sys.argv[1], preload=True, verbose="ERROR")
old = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
raw.rename_channels(lambda name: old.get(name.removeprefix("EEG "), name.removeprefix("EEG ")))
raw.drop_channels([n for n in raw.ch_names if n in ("A2-A1", "ECG ECG")])
raw.set_montage("fsaverage_1005", verbose="ERROR")
raw.notch_filter(50, verbose="ERROR").filter(1, 100, verbose="ERROR").resample(250, verbose="ERROR")
noisy = NoisyChannels(raw, random_state=1); noisy.find_bad_by_nan_flat(); noisy.find_bad_by_deviation()
raw.info["bads"] = noisy.get_bads(); raw.set_eeg_reference("average", projection=False, verbose="ERROR")
rank = mne.compute_rank(raw, rank=None, tol=1e-6, tol_kind="relative", verbose="ERROR")["eeg"]
ica = ICA(rank, method="picard", fit_params=dict(ortho=False, extended=True), random_state=1, verbose="ERROR")
ica.fit(raw, verbose="ERROR")
labels = label_components(raw, ica, method="iclabel")
found = enumerate(zip(labels["labels"], labels["y_pred_proba"]))
ica.exclude = [i for i, (name, p) in found if name not in ("brain", "other") and p > 0.8]
ica.apply(raw, verbose="ERROR"); raw.interpolate_bads(verbose="ERROR")
epochs = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="ERROR")
data = epochs.get_data(verbose="ERROR")
kernel = np.load(sys.argv[2])["kernel"]
regions = np.einsum("rc,ect->ert", kernel[:, : data.shape[1]], data)
band = dict(sfreq=250.0, fmin=8.0, fmax=13.0, faverage=True, mt_bandwidth=2.0)
spectral_connectivity_epochs(regions, method="wpli2_debiased", verbose="ERROR", **band)
narrow = mne.filter.filter_data(regions, 250.0, 8.0, 13.0, verbose="ERROR")
envelope_correlation(narrow, orthogonalize="pairwise", absolute=False, verbose="ERROR")
"""


def simulated(path: Path) -> None:
    """Write a recording of brain-like noise with blinks and mains hum as EDF."""
    import mne

    rng = np.random.default_rng(1)
    n_times = 62 * 500
    spectrum = (
        np.fft.rfft(rng.standard_normal((40, n_times))) / np.maximum(np.fft.rfftfreq(n_times, 1 / 500), 0.5) ** 0.6
    )
    sources = np.fft.irfft(spectrum, n_times)
    data = rng.standard_normal((19, 40)) @ sources
    data = 1.2e-5 * data / data.std()
    blinks = np.zeros(n_times)
    blinks[:: 500 * 5] = 1.0
    data[:2] += 1.2e-4 * np.convolve(blinks, np.hanning(200), mode="same")
    data += 3e-6 * np.sin(2 * np.pi * 50 * np.arange(n_times) / 500)
    raw = mne.io.RawArray(data, mne.create_info(CHANNELS, 500.0, "eeg"), verbose="ERROR")
    mne.export.export_raw(path, raw, fmt="edf", overwrite=True, verbose="ERROR")


def measured(command: list[str]) -> tuple[float, float]:
    """Run a process on one thread; return its CPU seconds and its peak memory in MB."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    wrapper = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(done.returncode, u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"
    )
    environment = os.environ | threads | {"MNE_USE_NUMBA": "false"}
    done = subprocess.run(
        [sys.executable, "-c", wrapper, *command], env=environment, capture_output=True, text=True, check=True
    )
    status, cpu_s, peak_mb = done.stdout.strip().splitlines()[-1].split()
    if status != "0":
        raise SystemExit(done.stdout + done.stderr)
    return float(cpu_s), float(peak_mb)


def run(recording: Path | None = None) -> dict[str, Any]:
    """Measure the line and the plain script alternately; return medians."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        target = root / "P01_rest.edf"
        if recording is None:
            simulated(target)
        else:
            target.write_bytes(recording.read_bytes())
        (root / "line.yaml").write_text(STUDY)
        results = Results(root / "out")
        plan = Plan(load_study(root / "line.yaml"), results)
        step = [sys.executable, "-m", "painconn", "step"]
        made_with = ["--made-with", "benchmark"]
        before = {("head", label): plan.settings_head(label) for label in plan.heads}
        before |= {("forward", key): plan.settings_forward(key) for key in plan.forwards}
        for (each, label), text in before.items():
            measured([*step, each, *made_with, "--out", str(results.root), "--name", label, "--settings", text])
        name = next(iter(plan.sessions))
        settings = {"clean": plan.settings_clean(name), "connect": plan.settings_connect(name), "quality_page": "{}"}
        steps: dict[str, list[tuple[float, float]]] = {each: [] for each in (*settings, "plain script")}
        (root / "plain.py").write_text(PLAIN)
        np.savez(root / "kernel.npz", kernel=np.random.default_rng(1).standard_normal((68, 19)))
        for _ in range(REPEATS):
            for each, text in settings.items():
                steps[each].append(
                    measured([*step, each, *made_with, "--out", str(results.root), "--name", name, "--settings", text])
                )
            steps["plain script"].append(
                measured([sys.executable, str(root / "plain.py"), str(target), str(root / "kernel.npz")])
            )
    cpu = {each: statistics.median(value for value, _ in rows) for each, rows in steps.items()}
    peak = {each: max(value for _, value in rows) for each, rows in steps.items()}
    line = sum(cpu[each] for each in settings)
    line_peak_mb = max(peak[each] for each in settings)
    return {
        "workload": "ONE-RECORDING",
        "input": recording.name if recording else "simulated, 19 channels, 62 s, 500 Hz",
        "peer": "a plain script with stock libraries, which does less",
        "cpu_s": {"plain script": cpu["plain script"], OURS: line},
        "ratio": cpu["plain script"] / line,
        "goal_ratio": None,
        "goal": f"below {GOAL_CPU_S:g} CPU s and {GOAL_PEAK_MB:g} MB",
        "met": line < GOAL_CPU_S and line_peak_mb < GOAL_PEAK_MB,
        "agreement": {},
        "agreement_limit": None,
        "extrapolated_from": None,
        "peak_mb": line_peak_mb,
        "figures": [{"process": each, "CPU s": cpu[each], "peak MB": peak[each]} for each in steps],
        "note": "The steps of one recording, from file to features, each in a process of its own.",
    }


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]) if len(sys.argv) > 1 else None), indent=1))
    print("peak of this process (MB):", round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
