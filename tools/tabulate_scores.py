"""Make the tables of a results folder for a page, so that no number is typed by hand (docs/method/real-results.md).

``python tools/tabulate_scores.py RESULTS`` prints, for every target: each feature set with AUC, permutation p, the
confound-only model and the increment over it, the other baselines, the gates, and the positive controls.
``--page docs/method/real-results.md --name eegmat`` writes them between the lines of that name in the page.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from painconn.paths import Results
from painconn.store import read_json, read_tsv

BEGIN, END = "<!-- begin {} (tools/tabulate_scores.py) -->", "<!-- end {} -->"


def lines_of(results: Results) -> Iterator[str]:
    """Yield the lines of every target that a classifier was trained for, by name."""
    for name in sorted(path.parent.name for path in results.table.parent.glob("*/scores.json")):
        record = read_json(results.target(name, "scores.json"))
        scores = record["feature_sets"]
        if not scores or not any(score.get("auc") is not None for score in scores.values()):
            continue
        first = next(score for score in scores.values() if score.get("auc") is not None)
        yield (
            f"`{name}`: {first['positive']} against {first['negative']}, {first['n_b']} + {first['n_a']} observations "
            f"of {first['n_participants']} people, {first['permutation']['n_permutations']} permutations, classifier "
            f"`{first['classifier']}`."
        )
        yield ""
        yield "| feature set | columns | AUC (95 %) | p | confounds only: AUC (95 %) | increment over them (95 %) |"
        yield "|---|---|---|---|---|---|"
        for set_name, score in scores.items():
            yield set_line(set_name, score)
        yield ""
        yield from beside(results, name, first)
        yield ""


def set_line(name: str, score: dict[str, Any]) -> str:
    """Return a feature set as a line of the table."""
    title = f"**{name}** (primary)" if score["role"] == "primary" else name
    if score["auc"] is None:
        return f"| {title} | - | not scored: {score['reason']} | - | - | - |"
    confounds = score["baselines"].get("confounds")
    cells = (
        title,
        str(score["n_features"]),
        with_interval(score["auc"], score["auc_ci"]),
        f"{score['permutation']['p']:.3f}",
        with_interval(confounds["auc"], confounds["auc_ci"]) if confounds else "-",
        with_interval(score["increment"]["increment"], score["increment"]["increment_ci"]) if confounds else "-",
    )
    return "| " + " | ".join(cells) + " |"


def with_interval(value: float, interval: list[float]) -> str:
    """Return a number with its interval."""
    low, high = interval
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def beside(results: Results, name: str, score: dict[str, Any]) -> Iterator[str]:
    """Yield what stands beside the scores of a target: confounds, gates, controls, tests."""
    confounds = score["baselines"].get("confounds")
    if confounds:
        yield f"* Confounds: {', '.join(confounds['columns'])}."
    audit = read_json(results.target(name, "audit.json"))
    failed = [f"`{gate['gate']}` ({gate['found']})" for gate in audit["gates"] if not gate["passed"]]
    yield f"* Gates: {len(audit['gates'])} asked; failed: {', '.join(failed) or 'none'}."
    asked = [control for control in audit.get("controls", []) if "auc" in control]
    if asked:
        told = ", ".join(f"{control['control']} {control['auc']:.2f} (p {control['p']:.3f})" for control in asked)
        yield f"* The same columns tell apart, AUC: {told}."
    tests = read_tsv(results.target(name, "compare.tsv"))
    primary = tests[tests["role"] == "primary"]
    yield (
        f"* Primary tests with a family-wise p below .05: {int((primary['p_fwe'] < 0.05).sum())} of {len(primary)}; "
        f"lowest {primary['p_fwe'].min():.3f}."
    )
    for row in tests[tests["role"] == "positive_control"].to_dict("records"):
        size = with_interval(row["hedges_g"], [row["ci_low"], row["ci_high"]])
        effect = f"{row['effect_size_kind']} {size}, p {row['p']:.3f}"
        yield f"* Positive control `{row['test']}`, {row['contrast']}: {effect}."


def main() -> None:
    """Print the tables of a results folder, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a results folder")
    parser.add_argument("--page", type=Path, help="page to write into")
    parser.add_argument("--name", help="of the place in the page")
    asked = parser.parse_args()
    text = "\n".join(lines_of(Results(asked.results))).rstrip()
    if asked.page is None:
        print(text)
        return
    begin, end = BEGIN.format(asked.name), END.format(asked.name)
    before, rest = asked.page.read_text(encoding="utf-8").split(begin)
    asked.page.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
