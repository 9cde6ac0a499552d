"""ROI-APPLY: region signals of epochs, by source estimates and label extraction or by one kernel product.

Run ``python benchmarks/run.py ROI``. Both start from the same epochs, lead field and covariance, with the inverse made
beforehand, and end with the mean-flip signals of 68 regions. Memory is the peak of a fresh process that loads epochs
and kernel and applies it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring import OURS, agreement, alternate, entry, with_version

N_EPOCHS, N_TIMES, SFREQ_HZ, N_OUR_RUNS = 150, 500, 250.0, 9
PEER = "mne"
GOAL, LIMIT, MEMORY_GOAL_MB = 15.0, 1e-10, 300.0
INVERSES = {"ROI-APPLY": "lcmv", "ROI-APPLY-ELORETA": "eloreta"}
PROCESS = """\
import resource, sys
import numpy as np
epochs, kernel = np.load(sys.argv[1]), np.load(sys.argv[2])
signals = kernel @ epochs
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def head(folder: Path) -> tuple[Any, list[Any], list[str]]:
    """Return forward solution, labels in the order of the regions, and channel names."""
    import mne

    from painconn.cortex.forward import make_forward
    from painconn.cortex.head import build_head
    from painconn.cortex.montage import place_electrodes
    from painconn.cortex.template import parcellation, write_subject

    subject = write_subject(folder)
    names = mne.channels.make_standard_montage("biosemi64").ch_names
    labels = mne.read_labels_from_annot(subject, "aparc", subjects_dir=folder, verbose="error")
    by_name = {label.name: label for label in labels}
    forward = make_forward(build_head(folder), place_electrodes(names))
    return forward, [by_name[name] for name in parcellation().region_names], names


def draw(n_channels: int) -> NDArray[np.float64]:
    """Draw average-referenced epochs, (epochs, channels, times), in V."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((n_channels, n_channels))
    data = mixing @ rng.standard_normal((N_EPOCHS, n_channels, N_TIMES)) * 1e-6
    return np.asarray(data - data.mean(axis=1, keepdims=True))


def peer(inverse: str, epochs: Any, forward: Any, covariance: Any, labels: list[Any]) -> Any:
    """Return a function that extracts labels from source estimates, made with the inverse of mne."""
    from mne import beamformer, extract_label_time_course, make_ad_hoc_cov, minimum_norm

    rank = {"eeg": len(epochs.ch_names) - 1}
    if inverse == "lcmv":
        filters = beamformer.make_lcmv(
            epochs.info, forward, covariance, reg=0.05, rank=rank, pick_ori="max-power",
            weight_norm="unit-noise-gain", verbose="error",
        )  # fmt: skip

        def estimates() -> Any:
            return beamformer.apply_lcmv_epochs(epochs, filters, return_generator=True, verbose="error")
    else:
        noise = make_ad_hoc_cov(epochs.info, verbose="error")
        operator = minimum_norm.make_inverse_operator(
            epochs.info, forward, noise, loose=1.0, rank=rank, verbose="error"
        )
        options = {"eps": 1e-8, "max_iter": 200}
        operator = minimum_norm.prepare_inverse_operator(
            operator, 1, 1.0, "eLORETA", method_params=options, verbose="error"
        )

        def estimates() -> Any:
            return minimum_norm.apply_inverse_epochs(
                epochs, operator, 1.0, "eLORETA", pick_ori="normal", prepared=True, return_generator=True,
                method_params=options, verbose="error",
            )  # fmt: skip

    return lambda: np.array(
        extract_label_time_course(estimates(), labels, forward["src"], mode="mean_flip", verbose="error")
    )


def kernel_of(inverse: str, forward: Any, covariance_v2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make our kernel, (regions, channels)."""
    from painconn.config.cortex import CortexConfig
    from painconn.cortex.covariance import noise_covariance
    from painconn.cortex.kernels import make_region_kernel, make_source_kernel
    from painconn.cortex.lead_field import lead_field
    from painconn.cortex.template import parcellation

    field, rank = lead_field(forward), len(covariance_v2) - 1
    noise = noise_covariance("adhoc", covariance_v2, rank=rank)
    source_kernel = make_source_kernel(inverse, field, covariance_v2, noise, rank=rank, cortex=CortexConfig())
    return make_region_kernel(source_kernel, field, parcellation(), covariance_v2).values


def peak_mb(epochs: NDArray[np.float64], kernel: NDArray[np.float64]) -> float:
    """Return the peak resident memory of a fresh process that applies the kernel."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("epochs.npy", "kernel.npy")]
        for path, values in zip(paths, (epochs, kernel), strict=True):
            np.save(path, values)
        # Started by a shell of its own: a child begins with the peak of the process that forked it.
        command = ["/bin/sh", "-c", '"$0" "$@"; true', sys.executable, "-c", PROCESS, *map(str, paths)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def compare(
    workload: str, data: NDArray[np.float64], forward: Any, labels: list[Any], names: list[str]
) -> dict[str, Any]:
    """Time both on one inverse."""
    import mne

    inverse = INVERSES[workload]
    info = mne.create_info(names, SFREQ_HZ, "eeg", verbose="error")
    epochs = mne.EpochsArray(data, info, verbose="error").set_eeg_reference(projection=True, verbose="error")
    epochs.apply_proj(verbose="error")
    covariance = np.mean([epoch @ epoch.T / N_TIMES for epoch in data], axis=0)
    wrapped = mne.Covariance(covariance, names, [], epochs.info["projs"], N_EPOCHS * N_TIMES)
    kernel = kernel_of(inverse, forward, covariance)
    measured = alternate(
        {PEER: peer(inverse, epochs, forward, wrapped, labels), OURS: lambda: kernel @ data},
        {PEER: 1, OURS: N_OUR_RUNS},
    )
    expected, found = measured.outputs[PEER], measured.outputs[OURS]
    scale = np.abs(expected).max(axis=(0, 2), keepdims=True)
    memory_mb = peak_mb(data, kernel)
    result = entry(
        workload,
        described=f"{N_EPOCHS} epochs of {N_TIMES} samples, 64 channels, 5124 sources, 68 regions, {inverse}",
        peer=f"{with_version(PEER)}, source estimates of an epoch at a time, then label extraction",
        cpu_s=measured.cpu_s,
        differences={"relative to the largest value of a region": agreement(found / scale, expected / scale)},
        limit=LIMIT,
        goal_ratio=GOAL,
        note=f"Peak memory of a process that loads epochs and kernel and applies it: {memory_mb:.0f} MB "
        f"(goal: below {MEMORY_GOAL_MB:g} MB).",
    )
    return result | {"met": result["met"] and memory_mb < MEMORY_GOAL_MB}


def run() -> list[dict[str, Any]]:
    """Run a beamformer and eLORETA."""
    with tempfile.TemporaryDirectory() as folder:
        forward, labels, names = head(Path(folder))
    data = draw(len(names))
    return [compare(workload, data, forward, labels, names) for workload in INVERSES]
