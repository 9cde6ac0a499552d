"""No word of a header, an event, a table, a sidecar or a path reaches a result, a log or the terminal."""

import gzip
import re
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from planting import AGES, BORN, BROKEN, CRASHING, DATES, LABELS, RECORDED, STUDY, Words, plant
from running import environment
from searching import found_below, found_in
from small_cohort import simulate

pytestmark = pytest.mark.slow

SEARCHED = ("out", "after-crash", "results")

# Loaded by every interpreter of the crashing run: the program fails on one person, and says what it was reading.
CRASH = """
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder


class Failing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "painconn.steps.clean":
            return None
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            healthy = module.run

            def failing(results, settings, name):
                if name != "sub-%(label)s":
                    return healthy(results, settings, name)
                path = settings["source"]["root"] + "/" + settings["session"]["recordings"][0]["path"]
                try:
                    raise KeyError(open(path, "rb").read(400))
                except KeyError:
                    raise PermissionError(13, "Permission denied", path)

            module.run = failing

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Failing())
"""


@dataclass(frozen=True)
class Told:
    """A command that ran: what it wrote on the terminal, and its exit status."""

    text: str
    status: int


@dataclass(frozen=True, eq=False)
class Canary:
    """The planted study after every command, and what was found in its folders: words, dates and ages, by file."""

    words: Words
    folder: Path
    told: dict[str, Told]
    hits: dict[str, dict[str, set[str]]]

    @property
    def every_word(self) -> tuple[str, ...]:
        return (*self.words.places, *DATES)

    def places_of(self, found: set[str]) -> set[str]:
        return {self.words.places.get(word, word) for word in found}


@pytest.fixture(scope="module")
def canary(tmp_path_factory) -> Canary:
    folder, words = tmp_path_factory.mktemp("canary"), Words()
    signals = simulate(folder / "subjects", *LABELS)
    shutil.rmtree(folder / "subjects")
    data = plant(tmp_path_factory.mktemp("data"), dict(zip(LABELS, signals, strict=True)), words)
    (folder / "study.yaml").write_text(STUDY % {"root": data})
    (folder / "crash").mkdir()
    (folder / "crash" / "sitecustomize.py").write_text(CRASH % {"label": CRASHING})
    commands = {
        "init": ["init", str(data / "bids"), "--out", "proposed.yaml"],
        "check": ["check", "study.yaml"],
        "crash": ["run", "study.yaml", "--out", "out", "--cores", "2"],
        "run": ["run", "study.yaml", "--out", "out", "--cores", "2"],
        "report": ["report", "out"],
    }
    told = {}
    for name, command in commands.items():
        more = {"PYTHONPATH": str(folder / "crash")} if name == "crash" else {}
        done = subprocess.run(
            [sys.executable, "-m", "painconn", *command], cwd=folder, env=environment(**more), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        told[name] = Told(done.stdout + done.stderr, done.returncode)
        if name == "crash":
            shutil.copytree(folder / "out", folder / "after-crash")
    hits = {name: found_below(folder / name, (*words.places, *DATES, *AGES.values())) for name in SEARCHED}
    return Canary(words, folder, told, hits)


def test_the_search_finds_what_is_planted(canary, tmp_path):
    """Without this a search that sees nothing would pass."""
    data = next(canary.folder.parent.glob("data*"))
    found = set().union(*found_below(data, canary.words.places).values())
    assert set(canary.words.places) == found
    word = next(iter(canary.words.places))
    np.savez_compressed(tmp_path / "a.npz", text=np.array([word]))
    (tmp_path / "b.gz").write_bytes(gzip.compress(word.encode()))
    pd.DataFrame({"x": [word] * 50}).to_parquet(tmp_path / "c.parquet", compression="zstd")
    (tmp_path / word).mkdir()
    (tmp_path / "d.txt").write_bytes(word.upper().encode("utf-16"))
    assert set(found_below(tmp_path, [word])) == {"a.npz", "b.gz", "c.parquet", word, "d.txt"}


def test_everything_ran_and_the_planned_faults_happened(canary):
    statuses = {name: told.status for name, told in canary.told.items()}
    assert statuses.pop("run") in (0, 3), canary.told["run"].text
    assert statuses.pop("report") in (0, 3), canary.told["report"].text
    assert statuses == {"init": 0, "check": 0, "crash": 1}, canary.told
    crashed = (canary.folder / "after-crash" / "logs" / "clean" / f"sub-{CRASHING}" / f"sub-{CRASHING}.log").read_text()
    assert "PermissionError" in crashed
    assert "in failing" in crashed
    assert (canary.folder / "out" / "report" / "index.html").is_file()
    excluded = (canary.folder / "out" / "group" / "exclusions.tsv").read_text()
    assert [label for label in BROKEN if label not in excluded] == []


@pytest.mark.parametrize("results", SEARCHED)
def test_no_word_is_in_the_results_or_the_logs(canary, results):
    assert {name: canary.places_of(words) for name, words in canary.hits[results].items()} == {}


def test_ages_are_used_and_kept_nowhere(canary):
    """Neither as text nor as a number: the page has no table of ages, and no file a row of them."""
    assert "age" in (canary.folder / "out" / "group" / "methods.md").read_text()
    assert not set().union(*canary.hits["out"].values()) & set(AGES.values())
    numbers = [struct.pack("<d", float(age)) for age in AGES.values()]
    files = [path for path in (canary.folder / "out").rglob("*") if path.is_file()]
    assert [path.name for path in files if any(number in path.read_bytes() for number in numbers)] == []


@pytest.mark.parametrize("command", ["init", "check", "crash", "run", "report"])
def test_no_word_is_said_on_the_terminal(canary, command):
    told = canary.told[command].text
    assert canary.places_of(found_in(told.encode(), canary.every_word)) == set(), told


def test_saved_signals_say_nothing_about_the_person_or_the_day(canary):
    files = sorted((canary.folder / "out" / "derivatives" / "cleaned").rglob("*.fif"))
    assert len(files) >= 2 * len(LABELS)
    stamps = [struct.pack(f"{order}i", int(RECORDED.timestamp())) for order in "<>"]
    stamps += [struct.pack(f"{order}i", BORN.toordinal() + 1721425) for order in "<>"]
    for path in files:
        info = mne.io.read_info(path, verbose="ERROR")
        about = ("subject_info", "meas_date", "experimenter", "description", "proj_name", "device_info", "helium_info",
                 "utc_offset", "proj_id", "gantry_angle")  # fmt: skip
        assert {name: info[name] for name in about if info.get(name) is not None} == {}
        content = path.read_bytes()
        assert not [stamp for stamp in stamps if stamp in content]


def test_what_init_writes_names_only_what_the_user_must_choose_from(canary):
    """The proposal is the user's own file: it holds the folder, event names and columns of the participants table."""
    hits = found_in((canary.folder / "proposed.yaml").read_bytes(), canary.every_word)
    allowed = re.compile(r"folder|events\.tsv (event|bad)|participants group")
    assert {place for place in canary.places_of(hits) if not allowed.match(place)} == set()


def test_the_working_files_of_the_engine_hold_paths_and_nothing_else(canary):
    """They stay in the folder that the command was started from, outside the results."""
    hits = found_below(canary.folder / ".snakemake", canary.every_word)
    assert canary.places_of(set().union(*hits.values())) <= {"folder"}
    others = {path.name for path in canary.folder.iterdir()} - {"results"}
    assert others == {".snakemake", "study.yaml", "proposed.yaml", "crash", "out", "after-crash"}
