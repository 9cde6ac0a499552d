"""Run `snakemake --lint` on the workflow; print what it finds and fail when there is anything.

The workflow reads a study while it is parsed, so it is given a temporary one on a ready features table: no recording
and no results are needed.

Usage: python tools/lint_workflow.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

SNAKEFILE = Path(__file__).resolve().parents[1] / "workflow" / "Snakefile"
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


def main() -> int:
    """Lint, and return 1 when there is anything to say."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in (("study.yaml", STUDY), ("features.tsv", FEATURES), ("participants.tsv", PARTICIPANTS)):
            (folder / file).write_text(text, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--lint"),
            *("--configfile", str(folder / "study.yaml"), "--config", f"painconn_out={folder / 'results'}"),
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr
    if done.returncode == 0 and CLEAN in told:
        print("workflow: no lints")
        return 0
    print(told)
    return 1


if __name__ == "__main__":
    sys.exit(main())
