"""Run `snakemake --lint` on the workflows; print what it finds and fail when there is anything.

The main workflow reads a study while it is parsed, so it is given a temporary one on a ready features table: no
recording and no results are needed. That of the recovery is given its small grid.

Usage: python tools/lint_workflow.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

WORKFLOWS = Path(__file__).resolve().parents[1] / "workflow"
CLEAN = "your workflow is in a good condition"
STUDY = """\
name: lint
data:
  sources:
    - {root: ., layout: features, features_table: features.tsv}
targets:
  groups:
    contrast: {kind: between, column: group, a: x, b: y, observation: {condition: rest}}
"""
FEATURES = "participant\tcondition\tvalue\n01\trest\t1\n02\trest\t2\n"
PARTICIPANTS = "participant_id\tgroup\n01\tx\n02\ty\n"


def lint(snakefile: Path, configfile: Path, *options: str, folder: Path) -> str:
    """Return what there is to say about a workflow; nothing when it is in a good condition."""
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--lint"),
        *("--configfile", str(configfile), *options),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    return "" if done.returncode == 0 and CLEAN in told else told


def main() -> int:
    """Lint, and return 1 when there is anything to say."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in (("study.yaml", STUDY), ("features.tsv", FEATURES), ("participants.tsv", PARTICIPANTS)):
            (folder / file).write_text(text, encoding="utf-8")
        out = ("--config", f"painconn_out={folder / 'results'}")
        recovery = WORKFLOWS / "recovery"
        told = lint(WORKFLOWS / "Snakefile", folder / "study.yaml", *out, folder=folder)
        told += lint(recovery / "Snakefile", recovery / "small.yaml", folder=folder)
    print(told or "workflows: no lints")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
