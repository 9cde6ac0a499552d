"""Cleaning against the truth: what it finds, what it keeps of the brain, what it removes of each artefact.

Run ``python benchmarks/cleaning_truth.py [--cores N]``. It writes ``benchmarks/cleaning_truth.json`` and
``docs/method/cleaning-evaluation.md`` after each recording. Recordings that are in the file are not cleaned again: a
run that was stopped goes on, and ``--again`` starts over.

Every person is recorded with three caps, each once with good contacts and once with some bad ones.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cleaning_page
from cleaning_methods import PRESETS, Cleaned, clean, filter_only
from cleaning_recordings import ARTEFACTS, CAPS, Recording, simulate
from painconn.errors import RecordingFault

RESULTS = Path(__file__).parent / "cleaning_truth.json"
N_PEOPLE = 8
DURATIONS_S = {19: 60.0, 32: 60.0, 64: 90.0}
"""By number of channels: the more of them, the longer it takes to find as many components."""

BANDS_HZ = {"theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0), "low gamma": (30.0, 45.0)}
ARTEFACT_SHARE = 0.5
"""A component is an artefact when more of its variance comes from artefacts; its kind is the largest of them."""

Array = NDArray[np.float64]
Job = tuple[int, str, bool, str]
PLAIN = "plain"


def jobs(caps: list[int], n_people: int) -> list[Job]:
    """Return what is cleaned: cap, participant, bad contacts, preset or `PLAIN`; quick ones first, person by person.

    Bad contacts are looked for in the same way by three of the presets, so one of them is tried on bad ones.
    """
    people = [f"{number:03d}" for number in range(1, n_people + 1)]
    good = [(cap, who, False, method) for method in (*PRESETS, PLAIN) for cap in caps for who in people]
    bad = [(cap, who, True, method) for method in (PRESETS[0], PLAIN) for cap in caps for who in people]
    return sorted([*good, *bad], key=lambda job: (job[3] == "discover_eeg", job[1], job[0]))


def measure(job: Job, duration_s: float | None = None) -> list[dict[str, Any]]:
    """Simulate one recording, clean it one way and compare with the truth; a row per method."""
    n_channels, participant, contacts, method = job
    about = {"n_channels": n_channels, "participant": participant, "contacts": contacts, "job": method}
    length_s = duration_s or DURATIONS_S[n_channels]
    recording = simulate(n_channels, participant, duration_s=length_s, contacts=contacts)
    start_s = time.process_time()
    try:
        found = filter_only(recording) if method == PLAIN else clean(recording, method)
    except RecordingFault as fault:
        return [{**about, "method": method, "excluded": fault.check}]
    cpu_s = round(time.process_time() - start_s, 1)
    return [
        {**about, "method": name, "cpu_s": cpu_s, "planted": recording.bads, **compare(recording, cleaned)}
        for name, cleaned in found.items()
    ]


def compare(recording: Recording, cleaned: Cleaned) -> dict[str, Any]:
    """Return what became of the brain, the artefacts, the epochs, the channels and the components."""
    row: dict[str, Any] = {
        "bads": {name: list(why) for name, why in cleaned.bads.items()},
        "epochs_kept": len(cleaned.starts) / cleaned.n_epochs,
    }
    if cleaned.shares is not None:
        row["components"] = counted_components(cleaned)
    if len(cleaned.starts):
        row |= {"brain": brain_kept(cleaned), "removed": removed(recording, cleaned), "left": left(cleaned)}
    return row


def in_epochs(data: Array, cleaned: Cleaned) -> Array:
    """Return the kept epochs, shape (n_channels, n_epochs, n_times)."""
    return data[:, cleaned.starts[:, None] + np.arange(cleaned.length)]


def brain_kept(cleaned: Cleaned) -> dict[str, float]:
    """Return 1 - variance of (cleaned brain - brain) / variance of the brain: all channels, the worst one, per band.

    A brain that is cut and one that is distorted or mixed up between channels count alike.
    """
    truth, error = (
        in_epochs(data, cleaned) for data in (cleaned.reference, cleaned.parts["brain"] - cleaned.reference)
    )
    freqs_hz = np.fft.rfftfreq(cleaned.length, 1 / cleaned.sfreq_hz)
    powers = [
        (np.abs(np.fft.rfft(data * np.hanning(cleaned.length), axis=2)) ** 2).sum(axis=(0, 1))
        for data in (truth, error)
    ]
    by_channel = 1 - error.var(axis=(1, 2)) / truth.var(axis=(1, 2))
    kept = {
        "all": 1 - error.var(axis=(1, 2)).sum() / truth.var(axis=(1, 2)).sum(),
        "worst channel": by_channel.min(),
    }
    for name, (low_hz, high_hz) in BANDS_HZ.items():
        band = (freqs_hz >= low_hz) & (freqs_hz < high_hz)
        kept[name] = 1 - powers[1][band].sum() / powers[0][band].sum()
    return {name: float(value) for name, value in kept.items()}


def variance(data: Array) -> float:
    """Return the variance over time, summed over channels."""
    return float(data.reshape(len(data), -1).var(axis=1).sum())


def removed(recording: Recording, cleaned: Cleaned) -> dict[str, float]:
    """Return 1 - variance of each artefact per sample of the kept epochs / that as recorded, average reference."""
    kinds = [*ARTEFACTS, *(["contact"] if recording.parts["contact"].any() else [])]
    recorded = {name: recording.parts[name] - recording.parts[name].mean(axis=0) for name in kinds}
    return {name: 1 - variance(in_epochs(cleaned.parts[name], cleaned)) / variance(recorded[name]) for name in kinds}


def left(cleaned: Cleaned) -> float:
    """Return the variance of all artefacts in the kept epochs, relative to that of the brain."""
    artefacts = sum(variance(in_epochs(cleaned.parts[name], cleaned)) for name in (*ARTEFACTS, "contact"))
    return artefacts / variance(in_epochs(cleaned.reference, cleaned))


def counted_components(cleaned: Cleaned) -> dict[str, tuple[int, int]]:
    """Return by kind of artefact how many components were removed, and how many there are; ``none``: no artefact."""
    names = list(cleaned.parts)
    kinds = (*ARTEFACTS, "contact")
    columns = [names.index(kind) for kind in kinds]
    counts = dict.fromkeys((*kinds, "none"), (0, 0))
    for component, shares in zip(cleaned.components, cleaned.shares, strict=True):
        own = shares[columns]
        kind = kinds[int(own.argmax())] if own.sum() > ARTEFACT_SHARE else "none"
        n_removed, n_all = counts[kind]
        counts[kind] = (n_removed + component.removed, n_all + 1)
    return counts


def saved() -> list[dict[str, Any]]:
    """Return the rows of earlier runs."""
    return list(json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]) if RESULTS.is_file() else []


def job_of(row: dict[str, Any]) -> Job:
    """Return the job that a row comes from."""
    return row["n_channels"], row["participant"], row["contacts"], row["job"]


def rounded(value: Any) -> Any:
    """Return nested numbers with four decimals."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> int:
    """Clean what is not in the results yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--caps", type=int, nargs="+", choices=list(CAPS), default=list(CAPS))
    parser.add_argument("--people", type=int, default=N_PEOPLE)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="forget the saved results")
    options = parser.parse_args()
    rows = [] if options.again else saved()
    done = {job_of(row) for row in rows}
    wanted = [job for job in jobs(options.caps, options.people) if job not in done]
    with ProcessPoolExecutor(options.cores) as pool:
        for future in as_completed([pool.submit(measure, job) for job in wanted]):
            rows = sorted([*rows, *map(rounded, future.result())], key=lambda row: (*job_of(row), row["method"]))
            planned = len(jobs(list(CAPS), N_PEOPLE))
            text = json.dumps({"durations_s": DURATIONS_S, "planned": planned, "rows": rows})
            RESULTS.write_text(text.replace('{"n_channels"', '\n{"n_channels"') + "\n", encoding="utf-8")
            cleaning_page.main([])
    return 0


if __name__ == "__main__":
    sys.exit(main())
