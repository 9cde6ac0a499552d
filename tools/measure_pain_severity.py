"""Severity of chronic pain from a public table of epochs: patients as samples beside epochs as samples.

``python tools/measure_pain_severity.py FOLDER`` takes ``allfeature.mat`` and ``features_description.csv`` of the
repository inachenyx/WearableEEG-ChronicPain-FeatureData (20 patients x 48 epochs of 5 s, 39 numbers for each of 2
channels), writes a features table and a participants table, runs ``configs/studies/pain_severity.yaml`` on them, and
holds its result against the same rows in folds that know nothing of patients. Both stand in docs/method/leaks.md.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.paths import Results
from painconn.store import read_json

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "method" / "leaks.md"
STUDY = HERE / "configs" / "studies" / "pain_severity.yaml"
BEGIN, END = "<!-- begin severity (tools/measure_pain_severity.py) -->", "<!-- end severity -->"
N_EPOCHS = 48
CHANNELS = ("Fp1", "Fp2")
# The authors' example labels the patients by order.
GRADES = {"mild": range(7), "moderate": range(7, 14), "severe": range(14, 20)}
CONTRASTS = {"severe": ("mild", "severe"), "moderate": ("mild", "moderate")}
N_SHUFFLES = 30

Labels = NDArray[np.str_]


def tables_of(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of epochs and that of the patients."""
    from scipy.io import loadmat

    values = loadmat(folder / "allfeature.mat")["allfeature"]
    names = pd.read_csv(folder / "features_description.csv").iloc[:, 0].astype(str).str.strip().tolist()
    patients = [f"P{number:02d}" for number in range(1, len(values) // N_EPOCHS + 1)]
    epochs = pd.DataFrame(values, columns=[f"{channel}_{name}" for channel in CHANNELS for name in names])
    epochs.insert(0, "epoch", np.tile(np.arange(1, N_EPOCHS + 1), len(patients)))
    epochs.insert(0, "participant", np.repeat(patients, N_EPOCHS))
    graded = [
        (patients[place], name, grade) for grade, (name, places) in enumerate(GRADES.items(), 1) for place in places
    ]
    return epochs, pd.DataFrame(graded, columns=["participant_id", "severity", "grade"])


def row_auc(epochs: pd.DataFrame, labels: Labels, positive: str, *, whole_patients: bool) -> float:
    """Return the AUC of ridge on epochs as samples, in shuffled folds or in folds of whole patients."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values = epochs.drop(columns=["participant", "epoch"]).to_numpy()
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=float(values.shape[1])))
    target = labels == positive
    if whole_patients:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(values, target, epochs["participant"])
    else:
        folds = StratifiedKFold(5, shuffle=True, random_state=0).split(values, target)
    return float(cross_val_score(model, values, target, cv=list(folds), scoring="roc_auc").mean())


def inflation(epochs: pd.DataFrame, people: pd.DataFrame, a: str, b: str) -> tuple[float, float, list[float]]:
    """Return both AUCs of epochs as samples, and that of shuffled folds with patients relabelled at random."""
    severity = people.set_index("participant_id")["severity"]
    chosen = epochs[epochs["participant"].map(severity).isin([a, b])]
    names = chosen["participant"].unique()
    labels = chosen["participant"].map(severity).to_numpy(dtype=str)
    rows, patients = (row_auc(chosen, labels, b, whole_patients=whole) for whole in (False, True))
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(N_SHUFFLES):
        another = dict(zip(names, generator.permutation(severity[names].to_numpy()), strict=True))
        relabelled = chosen["participant"].map(another).to_numpy(dtype=str)
        drawn.append(row_auc(chosen, relabelled, b, whole_patients=False))
    return rows, patients, drawn


def lines_of(results: Results, epochs: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    """Return the table: a row per contrast."""
    rows = [
        "| contrast | patients | epochs in shuffled folds | the same, patients relabelled at random (5 to 95 %) "
        "| epochs in folds of whole patients | patients as samples: AUC (95 %), p | gates that failed |",
        "|---" * 7 + "|",
    ]
    for name, (a, b) in CONTRASTS.items():
        record = read_json(results.target(name, "scores.json"))
        score = record["feature_sets"][record["primary_feature_set"]]
        gates = read_json(results.target(name, "audit.json"))["gates"]
        inflated, grouped, drawn = inflation(epochs, people, a, b)
        low, high = np.quantile(drawn, [0.05, 0.95])
        cells = (
            f"{b} against {a}",
            f"{score['n_b']} + {score['n_a']}",
            f"{inflated:.3f}",
            f"{np.mean(drawn):.3f} ({low:.3f}-{high:.3f})",
            f"{grouped:.2f}",
            f"{score['auc']:.2f} ({score['auc_ci'][0]:.2f}-{score['auc_ci'][1]:.2f}), {score['permutation']['p']:.3f}",
            ", ".join(f"`{gate['gate']}`" for gate in gates if not gate["passed"]) or "none",
        )
        rows.append("| " + " | ".join(cells) + " |")
    return [*rows, "", grade_line(results)]


def grade_line(results: Results) -> str:
    """Return what is predicted of severity as a number."""
    record = read_json(results.target("grade", "scores.json"))
    score = record["feature_sets"][record["primary_feature_set"]]
    low, high = score["r2_ci"]
    p = score["permutation"]["p"]
    return (
        f"Severity as a number from 1 to 3, {score['n_participants']} patients, `{score['classifier']}`: R2 "
        f"{score['r2']:.2f} ({low:.2f} to {high:.2f}), p {p:.3f}; mean error {score['mae']:.2f}."
    )


def main() -> None:
    """Make the tables, run the study and write the comparison into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where allfeature.mat lies")
    parser.add_argument("--work", type=Path, default=HERE / "results" / "pain_severity", help="tables and results")
    asked = parser.parse_args()
    data, out = asked.work / "data", Results(asked.work / "results")
    data.mkdir(parents=True, exist_ok=True)
    epochs, people = tables_of(asked.folder)
    epochs.to_csv(data / "table.tsv", sep="\t", index=False)
    people.to_csv(data / "participants.tsv", sep="\t", index=False)
    command = ["run", str(STUDY), "--data", str(data), "--out", str(out.root), "--cores", "1"]
    done = subprocess.run([sys.executable, "-m", "painconn", *command], check=False)
    if done.returncode not in (0, 3):
        sys.exit(done.returncode)
    rows = lines_of(out, epochs, people)
    print("\n".join(rows))
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(rows) + "\n" + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
