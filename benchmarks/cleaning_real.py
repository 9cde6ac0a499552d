"""What cleaning does to real recordings: a row per recording, and medians over them.

Run ``python benchmarks/cleaning_real.py FOLDER --out DIR [--study STUDY.yaml] [--preset NAME] [--line-hz HZ]``.
Without a study file the one that ``painconn init FOLDER`` would propose is used. Every session runs through the real
step twice: as the preset says, and filtered and referenced only. How much signal is kept is told from the two.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from painconn.config.cleaning import CleaningConfig
from painconn.config.loader import load_study, with_data_root
from painconn.config.study import StudyConfig
from painconn.paths import Results, SessionKey
from painconn.recordings.proposal import propose_study
from painconn.steps import clean, quality_page
from painconn.steps.plan import Plan, prepare_environment
from painconn.steps.quality_rows import quality_rows
from painconn.store import read_result

BANDS_HZ = {"delta": (1.0, 4.0), "theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0), "gamma": (30.0, 45.0)}
PLAIN = {"preset": "already_clean", "reject": "none"}
QUESTION = "{none: {contrast: {kind: between, column: group, a: a, b: b, observation: {condition: %s}}}}"
"""Stands in for the targets that a proposal may lack; cleaning never looks at one."""

SHOWN = (
    "n_channels", "n_bad_channels", "components_removed", "components_removed_eye_blink",
    "components_removed_muscle_artifact", "components_removed_heart_beat", "components_removed_line_noise", "rank_used",
    "line_noise_ratio_before", "line_noise_ratio_after", "blink_rate_per_min", "muscle_index",
)  # fmt: skip
"""Quality numbers of the summary, before the shares of signal and epochs."""


def study_of(folder: Path, study_file: Path | None, line_hz: float | None) -> StudyConfig:
    """Return the study of a folder: the given file, or a proposal; few epochs and one segment are asked of a condition.

    How many epochs are cut and kept does not depend on how many are asked for.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = study_file or Path(scratch) / "proposed.yaml"
        if study_file is None:
            proposed = yaml.safe_load(propose_study(folder.resolve()))
            proposed.setdefault("targets", yaml.safe_load(QUESTION % next(iter(proposed["data"]["conditions"]))))
            file.write_text(yaml.safe_dump(proposed), encoding="utf-8")
        study = with_data_root(load_study(file), folder.resolve())
    data = study.data
    ready = data.sources[0].layout == "epochs"
    asked = {"n_epochs": 1, "n_segments": 0 if ready else 1}
    conditions = {name: condition.model_copy(update=asked) for name, condition in data.conditions.items()}
    stated = {} if line_hz is None else {"line_freq_hz": line_hz}
    sources = tuple(source.model_copy(update=stated) for source in data.sources)
    return study.model_copy(update={"data": data.model_copy(update={"conditions": conditions, "sources": sources})})


def cleaned_as(study: StudyConfig, settings: Mapping[str, Any], root: Path) -> Plan:
    """Run the cleaning step over every session; return its plan."""
    fixed = {"sfreq_hz": study.cleaning.sfreq_hz, "epoch_length_s": study.cleaning.epoch_length_s}
    cleaning = CleaningConfig.model_validate(fixed | dict(settings))
    plan = Plan(study.model_copy(update={"cleaning": cleaning}), Results(root))
    for name in plan.sessions:
        clean.run(plan.results, json.loads(plan.settings_clean(name)), name)
    return plan


def signal_of(results: Results, key: SessionKey, recording: str, channels: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the cleaned signals of some channels on their own average, in volts; None when they were not saved."""
    import mne

    path = results.cleaned(key).with_name(f"{key.name}_{recording}_desc-clean_eeg.fif")
    if not path.is_file():
        return None
    raw = mne.io.read_raw_fif(path, verbose="ERROR")
    data = raw.get_data(picks=list(channels), reject_by_annotation="omit", verbose="ERROR")
    return np.asarray(data - data.mean(axis=0))


def shares(
    cleaned: NDArray[np.float64], plain: NDArray[np.float64], *, sfreq_hz: float, lowpass_hz: float
) -> dict[str, float]:
    """Return, per band, the power that is left and the power of the difference, both over that before.

    Parameters
    ----------
    cleaned, plain : ndarray, shape (channels, samples)
        The same samples after both ways.
    sfreq_hz, lowpass_hz : float
        Of both. A band that is not below the low-pass is left out.
    """
    from mne.time_frequency import psd_array_welch

    n_window = round(2 * sfreq_hz)
    spectra = {}
    for name, data in (("kept", cleaned), ("plain", plain), ("changed", plain - cleaned)):
        psd, freqs_hz = psd_array_welch(data, sfreq_hz, n_fft=n_window, n_overlap=n_window // 2, verbose="ERROR")
        spectra[name] = psd.sum(axis=0)
    found = {}
    for band, (low_hz, high_hz) in BANDS_HZ.items():
        if high_hz > lowpass_hz:
            continue
        inside = (freqs_hz >= low_hz) & (freqs_hz < high_hz)
        for name in ("kept", "changed"):
            found[f"{name}_{band}"] = float(spectra[name][inside].sum() / spectra["plain"][inside].sum())
    return found


def session_rows(plan: Plan, plain: Results, name: str) -> list[dict[str, Any]]:
    """Return a row per recording of a session: its quality row, and how much signal is left in each band."""
    key = SessionKey.parse(name)
    cleaned = read_result(plan.results.cleaned(key))
    about = {"participant": key.participant, "session": key.session}
    if cleaned["status"] != "ok":
        reasons = "; ".join(f"{row['check']}: {row['found']}" for row in cleaned["exclusions"])
        return [about | {"recording": "", "excluded": reasons}]
    rows = quality_rows(cleaned, about)
    for row in rows:
        row["excluded"] = "; ".join(f"{one['condition']} {one['check']}" for one in cleaned["exclusions"])
        row["components_found"] = len(cleaned["components"])
        after, before = (
            signal_of(results, key, row["recording"], cleaned["good_channels"]) for results in (plan.results, plain)
        )
        if after is not None and before is not None:
            row |= shares(after, before, sfreq_hz=cleaned["sfreq_hz"], lowpass_hz=cleaned["lowpass_hz"])
    return rows


def summary(table: pd.DataFrame) -> str:
    """Return median, smallest and largest of each number, as a Markdown table."""
    wanted = ["components_found", *SHOWN, "fraction_epochs_kept"]
    wanted += [f"{what}_{band}" for what in ("kept", "changed") for band in BANDS_HZ]
    lines = ["| number | recordings | median | smallest | largest |", "|---|---|---|---|---|"]
    for name in (name for name in wanted if name in table):
        values = pd.to_numeric(table[name], errors="coerce").dropna()
        if len(values):
            told = (f"{value:.3g}" for value in (values.median(), values.min(), values.max()))
            lines.append(f"| `{name}` | {len(values)} | {' | '.join(told)} |")
    return "\n".join(lines)


def measure(study: StudyConfig, preset: str, out: Path) -> pd.DataFrame:
    """Clean every session both ways below `out`, write the quality pages and ``cleaning.tsv``; return the table."""
    plan = cleaned_as(study, {"preset": preset}, out / preset)
    plain = cleaned_as(study, PLAIN, out / "plain").results
    rows = []
    for name in plan.sessions:
        quality_page.run(plan.results, {}, name)
        rows += session_rows(plan, plain, name)
    table = pd.DataFrame(rows)
    table.to_csv(out / "cleaning.tsv", sep="\t", index=False, na_rep="n/a", float_format="%.4g")
    return table


def main() -> None:
    """Measure a folder and print the table of its sessions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="recordings")
    parser.add_argument("--study", type=Path, help="study file; its root is replaced by the folder")
    parser.add_argument("--preset", default="recommended", help="how to clean")
    parser.add_argument("--line-hz", type=float, help="mains frequency, where the study does not state it")
    parser.add_argument("--out", type=Path, required=True, help="where tables, pages and cleaned data are written")
    options = parser.parse_args()
    prepare_environment()
    table = measure(study_of(options.folder, options.study, options.line_hz), options.preset, options.out)
    words = ["participant", "recording", "bad_channels", "components", "epochs_kept", "excluded"]
    print(table[[name for name in words if name in table]].fillna("").to_string(index=False, max_colwidth=90))
    print()
    print(summary(table))


if __name__ == "__main__":
    main()
