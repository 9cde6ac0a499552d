"""The tiny study, and how the tests start the workflow."""

import os
import re
import subprocess

STUDY = """\
name: tiny
data:
  sources:
    - {root: cohort, layout: bids, line_freq_hz: 50}
  conditions:
    rest: {kind: rest, task: pain, block: rest, n_epochs: 20, n_segments: 2}
    pinprick: {kind: events, task: pain, events: [pinprick], n_epochs: 20}
  minimum_per_group: 3
cortex: {source_spacing: ico3}
targets:
  hyperalgesia:
    contrast: {kind: between, column: group, a: localized, b: widespread, observation: {condition: rest}}
    n_permutations: 100
    n_outer_folds: 3
    n_repeats: 2
positive_controls:
  alpha:
    contrast: {kind: within, a: {condition: pinprick, window: pre}, b: {condition: pinprick, window: post}}
    feature: power_rel__sensors__alpha__mean
    expected: lower
"""


def environment(**more):
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "PYTHONPATH", "NUMBA_NUM"))
    }
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | more


def run(python, *arguments, cwd, check=False, **more):
    return subprocess.run(
        [str(python), "-m", *arguments], cwd=cwd, env=environment(**more), capture_output=True, text=True, check=check
    )


def planned(output):
    """Read the job counts of a dry run."""
    return {
        rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE) if rule != "total"
    }
