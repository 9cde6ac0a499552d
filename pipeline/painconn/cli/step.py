"""``painconn step NAME``: what the rules of the workflow call; not meant for people, and not in the help."""

import argparse
import json
import logging
from importlib import import_module
from pathlib import Path

from painconn.cli.kernels import prepare_kernels
from painconn.paths import Results
from painconn.steps import STEPS
from painconn.steps.made_with import forget, record


def run_step(arguments: list[str]) -> None:
    """Parse the arguments of a rule and run its step.

    Parameters
    ----------
    arguments : list of str
        ``NAME --out DIR [--name SESSION|MONTAGE|TARGET] [--settings JSON] [--made-with HASH]``.
    """
    parser = argparse.ArgumentParser(prog="painconn step")
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name")
    parser.add_argument("--settings", type=json.loads, default={})
    parser.add_argument("--made-with", required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    prepare_kernels(given.out)
    step = import_module(f"painconn.steps.{given.step}")
    results = Results(given.out)
    forget(results, given.step, given.name)
    if given.name is None:
        step.run(results, given.settings)
    else:
        step.run(results, given.settings, given.name)
    record(results, given.step, given.name, given.made_with)
