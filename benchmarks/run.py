"""Run every benchmark and write ``benchmarks/results.json``: ratios against a peer in the same run."""

import json
from pathlib import Path

import line
import ridge_permutations
from painconn.provenance import environment


def main() -> None:
    """Run, print and save."""
    results = {"environment": environment(), "workloads": [line.run(), ridge_permutations.run()]}
    text = json.dumps(results, indent=1)
    (Path(__file__).parent / "results.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
