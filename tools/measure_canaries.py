"""Run the canary cohorts through the whole pipeline and say what it found (docs/method/ground-truth.md).

``python tools/measure_canaries.py`` simulates each cohort of `PLAN`, runs ``configs/studies/simulated.yaml`` on it and
writes the tables into the page. Everything lies in ``--work``; what is there is not made again, so that a run that was
interrupted goes on. ``--only planted null`` runs these alone, ``--tables`` runs nothing and writes what is there.
It takes some 10 minutes of one core for a cohort that was cleaned before and 20 for another (an estimate).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from painconn.paths import Results
from painconn.simulation.presets import PRESETS
from painconn.simulation.write import write_cohort
from painconn.store import read_json, read_tsv, write_json

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "method" / "ground-truth.md"
STUDY = HERE / "configs" / "studies" / "simulated.yaml"
BEGIN, END = "<!-- begin {} (tools/measure_canaries.py) -->", "<!-- end {} -->"
PLANTED = "alpha__sensory-lh__sensory-rh"
LEVEL = 0.05
ALL = ("rest", "adjusted", "before", "after")
COMPARED = ("wpli2_debiased", "imcoh", "coh", "aec_orth")
INVERSES = ("lcmv", "eloreta")


@dataclass(frozen=True)
class Canary:
    """What is known beforehand.

    Parameters
    ----------
    expected : str
        In words.
    found_in, silent_in : tuple of str
        Targets with the planted test among the primary findings, and targets without any finding.
    adjusted_for : tuple of str
        Covariates of the target `adjusted`; none: those of the study file.
    cleaned_before : bool
        Whether the recordings have no artefacts and the cleaning is that of such data.
    refused : bool
        Whether the study must stop before the first job.
    seeds : tuple of int
        A run for each.
    """

    expected: str
    found_in: tuple[str, ...] = ()
    silent_in: tuple[str, ...] = ()
    adjusted_for: tuple[str, ...] = ()
    cleaned_before: bool = True
    refused: bool = False
    seeds: tuple[int, ...] = field(default=(1,))


PLAN = {
    "planted": Canary(
        "the planted coupling, everywhere it is looked for",
        found_in=("rest", "adjusted", "before"), cleaned_before=False, seeds=(1, 2),
    ),
    "null": Canary("nothing", silent_in=ALL, cleaned_before=False, seeds=(1, 2)),
    "confounded_by_age": Canary(
        "the coupling, until age is in the model", ("rest",), ("adjusted",), adjusted_for=("age",)
    ),
    "confounded_by_medication": Canary(
        "the coupling, until medication is in the model", ("rest",), ("adjusted",), adjusted_for=("medication",)
    ),
    "confounded_by_site": Canary(
        "a difference wherever there is noise, until site is in the model", (), ("adjusted",), adjusted_for=("site",)
    ),
    "confounded_by_muscle": Canary("nothing below 30 Hz", silent_in=ALL, cleaned_before=False),
    "confounded_by_epochs": Canary(
        "nothing: everybody has equally many epochs in the estimate", silent_in=ALL, cleaned_before=False
    ),
    "zero_lag": Canary("coherence fooled; debiased wPLI and imaginary coherence not", silent_in=ALL),
    "window_locked": Canary("the coupling after the pinprick alone", ("after",), ("rest", "adjusted", "before")),
    "duplicated_person": Canary("the copy is seen at the door: the study is refused", refused=True),
    "side_missing": Canary("a study that wants the side is refused", adjusted_for=("pain_side",), refused=True),
    "label_noise": Canary("less than with the right labels"),
}  # fmt: skip


def study_of(canary: Canary, data: Path) -> dict[str, Any]:
    """Return the study of a canary: the shipped one, with its data, its covariates and its cleaning."""
    study: dict[str, Any] = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    study["data"]["sources"][0]["root"] = str(data)
    if canary.adjusted_for:
        study["targets"]["adjusted"]["covariates"] = list(canary.adjusted_for)
    if canary.cleaned_before:
        study["cleaning"] = {"preset": "already_clean"}
    return study


def run(name: str, seed: int, work: Path, *, cores: int) -> None:
    """Simulate a cohort, run the study on it, and keep what came out; nothing that is there is made again."""
    place = work / f"{name}-{seed}"
    data, study, out = place / "data", place / "study.yaml", Results(place / "results")
    if (place / "found.json").is_file():
        return
    if not data.is_dir():
        write_cohort(PRESETS[name], data, seed=seed, cores=cores)
    study.write_text(yaml.safe_dump(study_of(PLAN[name], data), sort_keys=False), encoding="utf-8")
    command = ["run", str(study), "--out", str(out.root), "--cores", str(cores)]
    done = subprocess.run(
        [sys.executable, "-m", "painconn", *command], cwd=place, capture_output=True, text=True, check=False
    )
    (place / "said.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode == 1:
        print(f"{name}, seed {seed}: a job failed, see {place.name}/said.log", flush=True)
        return
    write_json(place / "found.json", found_in(out, done.returncode))


def found_in(results: Results, status: int) -> dict[str, Any]:
    """Return what the results of a run say: per target the classifier, the tests and the gates."""
    targets = {name: target_of(results, name) for name in ALL if results.target(name, "audit.json").is_file()}
    excluded = results.group("exclusions.tsv")
    n_excluded = len(set(read_tsv(excluded)["recording"])) if excluded.is_file() else 0
    return {"status": status, "n_excluded": n_excluded, "targets": targets}


def target_of(results: Results, name: str) -> dict[str, Any]:
    """Return the outcome of one target."""
    scores = read_json(results.target(name, "scores.json"))
    score = scores["feature_sets"][scores["primary_feature_set"]]
    tests = read_tsv(results.target(name, "compare.tsv"))
    gates = read_json(results.target(name, "audit.json"))["gates"]
    primary = tests[tests["role"] == "primary"]
    edges = tests[tests["family"] == "wpli2_debiased edges, lcmv"]
    return {
        "n": [int(score["n_a"]), int(score["n_b"])] if score["auc"] is not None else None,
        "auc": score["auc"],
        "auc_ci": score.get("auc_ci"),
        "p": score["permutation"]["p"] if score["auc"] is not None else None,
        "increment": score.get("increment"),
        "n_found": int((primary["p_fwe"] < LEVEL).sum()),
        "n_tests": len(primary),
        "planted": planted(primary, PLANTED),
        "planted_edge": planted(edges, "alpha__insula-lh__insula-rh"),
        "planted_eloreta": planted(tests[tests["role"] == "agreement"], PLANTED),
        "by_measure": {
            measure: {inverse: blocks_found(tests, measure, inverse) for inverse in INVERSES} for measure in COMPARED
        },
        "failed_gates": [gate["gate"] for gate in gates if not gate["passed"]],
    }


def planted(tests: pd.DataFrame, ending: str) -> dict[str, float] | None:
    """Return rank (by statistic, of all tests of the family), estimate and p of the test with this ending."""
    rank = tests["statistic"].abs().rank(ascending=False)
    mine = tests["test"].str.endswith(ending)
    if not mine.any():
        return None
    row = tests[mine].iloc[0]
    values = {name: float(row[name]) for name in ("estimate", "hedges_g", "p_fwe", "q_fdr")}
    return {"rank": int(rank[mine].iloc[0]), "of": len(tests), **values}


def blocks_found(tests: pd.DataFrame, measure: str, inverse: str) -> list[int]:
    """Return how many blocks of a measure are found in the alpha band, corrected over its family, and of how many."""
    mine = tests["test"].str.startswith(f"{measure}__{inverse}__alpha__") & tests["family"].str.contains("blocks")
    return [int((tests[mine]["p_fwe"] < LEVEL).sum()), int(mine.sum())]


def verdict(canary: Canary, found: dict[str, Any]) -> str:
    """Return what is not as expected, or 'as expected'."""
    targets = found["targets"]
    if canary.refused:
        return "as expected" if found["status"] == 2 else f"not refused (exit status {found['status']})"
    wrong = []
    for name in (*canary.found_in, *canary.silent_in):
        if name not in targets:
            wrong.append(f"{name} missing")
    for name in canary.found_in:
        mine = targets.get(name, {}).get("planted")
        if mine and not mine["p_fwe"] < LEVEL:
            wrong.append(f"{name}: planted test not found (p {mine['p_fwe']:.3f})")
    wrong += [
        f"{name}: {targets[name]['n_found']} found" for name in canary.silent_in if targets.get(name, {}).get("n_found")
    ]
    return "; ".join(wrong) or "as expected"


def cell(target: dict[str, Any] | None) -> str:
    """Return a target in a few characters: AUC with interval and p, then the primary tests found."""
    if target is None:
        return "-"
    if target["auc"] is None:
        return f"not scored; {target['n_found']}/{target['n_tests']}"
    low, high = target["auc_ci"]
    return f"{target['auc']:.2f} ({low:.2f}-{high:.2f}), p {target['p']:.3f}; {target['n_found']}/{target['n_tests']}"


def headed(names: Sequence[str]) -> list[str]:
    """Return the first two lines of a table."""
    return ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]


def outcomes(runs: dict[tuple[str, int], dict[str, Any]]) -> list[str]:
    """Return the table of every run."""
    rows = [
        "| cohort, seed | people | expected | " + " | ".join(f"`{name}`" for name in ALL) + " | gates that failed | |"
    ]
    rows.append("|---" * 9 + "|")
    for (name, seed), found in runs.items():
        targets = found["targets"]
        sizes = next((target["n"] for target in targets.values() if target["n"]), None)
        failed = sorted({gate for target in targets.values() for gate in target["failed_gates"]})
        told = [
            f"`{name}`, {seed}",
            f"{sizes[0]} + {sizes[1]}" if sizes else "-",
            PLAN[name].expected,
            *(cell(targets.get(target)) for target in ALL),
            ", ".join(f"`{gate}`" for gate in failed) or "none",
            verdict(PLAN[name], found),
        ]
        rows.append("| " + " | ".join(told) + " |")
    return rows


def places(runs: dict[tuple[str, int], dict[str, Any]]) -> list[str]:
    """Return where the planted coupling ranks, for the cohorts that have one."""
    rows = [
        "| cohort, seed | target | block, LCMV | g | p (family) | block, eLORETA | g | edge, LCMV |",
        "|---" * 8 + "|",
    ]
    for (name, seed), found in runs.items():
        for target in PLAN[name].found_in:
            mine = found["targets"].get(target)
            if not mine or not mine["planted"]:
                continue
            block, other, edge = mine["planted"], mine["planted_eloreta"], mine["planted_edge"]
            told = [f"`{name}`, {seed}", f"`{target}`", f"{block['rank']} of {block['of']}", f"{block['hedges_g']:.2f}"]
            told += [f"{block['p_fwe']:.3f}"]
            told += [f"{other['rank']} of {other['of']}", f"{other['hedges_g']:.2f}"] if other else ["-", "-"]
            told += [f"{edge['rank']} of {edge['of']}" if edge else "-"]
            rows.append("| " + " | ".join(told) + " |")
    return rows


def measures(runs: dict[tuple[str, int], dict[str, Any]]) -> list[str]:
    """Return how many blocks each measure finds at rest in the alpha band."""
    columns = [(measure, inverse) for measure in COMPARED for inverse in INVERSES]
    rows = headed(("cohort, seed", *(f"`{measure}`, {inverse}" for measure, inverse in columns)))
    for (name, seed), found in runs.items():
        mine = found["targets"].get("rest")
        if mine:
            counts = [mine["by_measure"][measure][inverse] for measure, inverse in columns]
            rows.append(f"| `{name}`, {seed} | " + " | ".join(f"{n_found}/{size}" for n_found, size in counts) + " |")
    return rows


def confounds(runs: dict[tuple[str, int], dict[str, Any]]) -> list[str]:
    """Return what the covariates alone make of the labels, and what the EEG adds to them."""
    rows = headed(("cohort, seed", "target", "EEG alone", "covariates alone", "both", "EEG adds"))
    for (name, seed), found in runs.items():
        for target in ("rest", "adjusted"):
            mine = found["targets"].get(target)
            if not mine or not mine["increment"]:
                continue
            added, (low, high) = mine["increment"], mine["increment"]["increment_ci"]
            aucs = (mine["auc"], added["auc_confounds"], added["auc_features_and_confounds"])
            told = [f"`{name}`, {seed}", f"`{target}`", *(f"{auc:.2f}" for auc in aucs)]
            rows.append("| " + " | ".join([*told, f"{added['increment']:+.2f} ({low:+.2f} to {high:+.2f})"]) + " |")
    return rows


def write_tables(work: Path) -> None:
    """Put the tables of all runs that are there into the page."""
    runs = {
        (name, seed): json.loads(place.read_text(encoding="utf-8"))
        for name, canary in PLAN.items()
        for seed in canary.seeds
        if (place := work / f"{name}-{seed}" / "found.json").is_file()
    }
    text = PAGE.read_text(encoding="utf-8")
    tables = {"outcomes": outcomes, "places": places, "measures": measures, "confounds": confounds}
    for name, table in tables.items():
        begin, end = BEGIN.format(name), END.format(name)
        before, rest = text.split(begin)
        text = before + begin + "\n" + "\n".join(table(runs)) + "\n" + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")
    print(f"{len(runs)} runs in {PAGE.name}")


def main() -> None:
    """Run what is asked for and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE / "results" / "canaries", help="data and results")
    parser.add_argument("--only", nargs="+", choices=PLAN, default=list(PLAN), metavar="NAME", help="these cohorts")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--tables", action="store_true", help="run nothing")
    chosen = parser.parse_args()
    # Every cohort once before any of them again: the tables are of use early.
    wanted = sorted(((name, seed) for name in chosen.only for seed in PLAN[name].seeds), key=lambda one: one[1])
    for name, seed in [] if chosen.tables else wanted:
        print(f"{name}, seed {seed}", flush=True)
        run(name, seed, chosen.work.resolve(), cores=chosen.cores)
    write_tables(chosen.work)


if __name__ == "__main__":
    main()
