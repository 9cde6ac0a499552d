"""What stops a study before any job, all of it in one message (rows 12, 24, 25, 31, 32, 34, 35), and row 33.

Once the fault is mended or left out, the healthy person's jobs have the very settings that they had before.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cohort_runs import HEALTHY, SESSION
from running import environment
from small_cohort import STUDY, Signals, recordings_of, write_participants, write_rows

from painconn.cli.check import require_runnable
from painconn.config.loader import load_study, study_from_mapping
from painconn.errors import ConfigError, PainconnError
from painconn.paths import Results
from painconn.steps.people import people_of, target_people
from painconn.steps.plan import Plan

GROUPS = {HEALTHY: "localized", "H2": "widespread", "H3": "localized", "001": "widespread"}
HOSTILE = ("a;touch marker", "$(touch marker)", "a b", "a*", "{session}", "a\nb", "../../escape")


@pytest.fixture(scope="session")
def small_cohort(people, tmp_path_factory) -> Path:
    """Four people who could all be used."""
    folder = tmp_path_factory.mktemp("small")
    for number, label in enumerate(GROUPS):
        for recording in recordings_of(folder / "bids", label, people[HEALTHY], ("rest", "pinprick")):
            recording.data = np.roll(recording.data, 91 * number, axis=1)
            recording.write()
    write_participants(folder / "bids", GROUPS)
    (folder / "study.yaml").write_text(STUDY)
    return folder


@pytest.fixture
def study(small_cohort, tmp_path) -> Path:
    # Samples are never written to by these tests.
    shutil.copytree(small_cohort, tmp_path / "copy", copy_function=link_samples)
    return tmp_path / "copy" / "study.yaml"


def link_samples(source: str, target: str) -> None:
    if source.endswith("_eeg.eeg"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def problems_of(study: Path) -> list[str]:
    """Return what is told before a run; nothing when it could start. No job has left anything by then."""
    results = Results(study.parent / "results")
    error = None
    try:
        require_runnable(load_study(study), results)
    except PainconnError as raised:
        error = raised
    assert {path.name for path in results.root.rglob("*") if path.is_file()} <= {results.inventory.name, "headers.json"}
    assert error is None or error.exit_status == 2
    return [str(problem) for problem in error.problems] if error else []


def healthy_settings(study: Path) -> tuple[str, ...]:
    plan = Plan(load_study(study), Results(study.parent / "results"))
    montage = plan.sessions[SESSION]["montage"]
    return plan.settings_clean(SESSION), plan.settings_connect(SESSION), plan.settings_forward(montage)


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="")


def matching(problems: list[str], *expressions: str) -> list[str]:
    return [text for text in problems if all(re.search(expression, text) for expression in expressions)]


def table(study: Path) -> Path:
    return study.parent / "bids" / "participants.tsv"


def test_nothing_is_told_about_a_healthy_cohort(study):
    assert problems_of(study) == []


def two_formats(study: Path) -> Callable[[], object]:
    folder = study.parent / "bids" / "sub-H2" / "eeg"
    second = folder / "sub-H2_task-rest_eeg.edf"
    second.write_bytes(b"0" * 300)
    return second.unlink


def twice_in_the_table(study: Path) -> Callable[[], object]:
    before = table(study).read_text()
    table(study).write_text(before + "sub-H2\twidespread\n")
    return lambda: table(study).write_text(before)


def nearly_a_group(value: str) -> Callable[[Path], Callable[[], object]]:
    def break_(study: Path) -> Callable[[], object]:
        before = table(study).read_text()
        rewrite(table(study), "sub-H2\twidespread", f"sub-H2\t{value}")
        return lambda: table(study).write_text(before)

    return break_


def hostile_row(study: Path) -> Callable[[], object]:
    before = table(study).read_text()
    table(study).write_text(before + "sub-a;touch marker\tlocalized\n" + "sub-../x\tlocalized\n")
    return lambda: table(study).write_text(before)


def hostile_file(study: Path) -> Callable[[], object]:
    folder = study.parent / "bids" / "sub-$(touch marker)" / "eeg"
    folder.mkdir(parents=True)
    (folder / "sub-$(touch marker)_task-rest_eeg.vhdr").write_text("x")
    return lambda: shutil.rmtree(folder.parent)


STOPS = {
    "12 two formats": (
        two_formats,
        [(r"sub-H2_task-rest_eeg\.vhdr", r"sub-H2_task-rest_eeg\.edf", r"extension")],
    ),
    "31 twice": (twice_in_the_table, [(r"participants\.tsv", r"H2", r"each participant once")]),
    "32 a space behind": (nearly_a_group("widespread "), [(r"participant H2", r"'widespread '", "localized or wide")]),
    "32 another case": (nearly_a_group("Widespread"), [(r"participant H2", r"'Widespread'", "localized or wide")]),
    "32 a number": (nearly_a_group("2"), [(r"participant H2", "'2'", "localized or widespread")]),
    "32 a gap": (nearly_a_group("NA"), [(r"participant H2", "'NA'", "localized or widespread", "n/a")]),
    "35 table": (
        hostile_row,
        [(r"participants\.tsv row 6", r"a;touch marker", r"letters and digits"), (r"row 7", r"\.\./x")],
    ),
    "35 file name": (hostile_file, [(r"\$\(touch marker\)", r"letters and digits")]),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPS)
def test_it_stops_and_says_where_and_once_mended_nothing_has_changed_for_the_healthy(study, name):
    break_, expected = STOPS[name]
    before = healthy_settings(study)
    mend = break_(study)
    problems = problems_of(study)
    for expressions in expected:
        assert matching(problems, *expressions), problems
    mend()
    assert problems_of(study) == []
    assert healthy_settings(study) == before


@pytest.mark.slow
def test_all_that_is_wrong_is_told_at_once_by_check_and_by_run_and_no_label_reaches_a_shell(study):
    for break_ in (two_formats, twice_in_the_table, hostile_row, hostile_file):
        break_(study)
    for command in (["check"], ["run", "--cores", "1"]):
        done = subprocess.run(
            [sys.executable, "-m", "painconn", command[0], "study.yaml", *command[1:]],
            cwd=study.parent, env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done.stdout + done.stderr
        for expression in (r"eeg\.edf", r"H2 in rows", r"a;touch marker", r"\$\(touch marker\)"):
            assert re.search(expression, done.stderr), done.stderr
        assert "Traceback" not in done.stderr
    assert list(study.parent.rglob("marker*")) == []
    assert not (study.parent / "results" / "derivatives" / "cleaned").exists()


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_refused_wherever_the_study_file_has_one(study, label):
    quoted = json.dumps(label)
    for old, new in (
        ("name: faults", f"name: {quoted}"),
        ("site: clinic", f"site: {quoted}"),
        ("    rest: {", f"    {quoted}: {{"),
        ("  groups:\n", f"  {quoted}:\n"),
        ("minimum_per_group: 2", f"minimum_per_group: 2\n  participants: {{exclude: [{quoted}]}}"),
    ):
        path = study.with_name("hostile.yaml")
        path.write_text(STUDY.replace(old, new))
        assert STUDY.replace(old, new) != STUDY
        with pytest.raises(ConfigError, match="letters and digits"):
            load_study(path)


@pytest.mark.parametrize("label", [label for label in HOSTILE if "/" not in label])
def test_a_hostile_file_name_of_a_plain_folder_is_named_and_stops(study, label):
    files = study.parent / "files"
    files.mkdir()
    (files / f"{label}_rest.edf").write_bytes(b"0" * 300)
    source = "    - {root: files, layout: folder, pattern: '{participant}_{task}.edf', site: lab}\n"
    study.write_text(STUDY.replace("  conditions:", source + "  conditions:"))
    problems = problems_of(study)
    assert matching(problems, re.escape(repr(label)), "letters and digits"), problems


def test_a_label_of_digits_stays_text_from_the_table_to_the_job(study):
    write_rows(table(study), ("participant_id", "group"), ("001", "widespread"), ("H2", "widespread"),
               (HEALTHY, "localized"), ("H3", "localized"))  # fmt: skip
    assert problems_of(study) == []
    people = people_of(load_study(study).data)
    assert "001" in people.index
    assert "1" not in people.index
    plan = Plan(load_study(study), Results(study.parent / "results"))
    assert json.loads(plan.settings_clean("sub-001"))["session"]["participant"] == "001"
    study.write_text(STUDY.replace("minimum_per_group: 2", "minimum_per_group: 2\n  participants: {exclude: [001]}"))
    assert "sub-001" not in Plan(load_study(study), Results(study.parent / "results")).sessions


@pytest.mark.parametrize("value", [1, False])
def test_a_label_that_a_yaml_parser_has_changed_stops(study, value):
    values = {
        "name": "faults",
        "data": {
            "sources": [{"root": "bids", "layout": "bids"}],
            "conditions": {"rest": {"kind": "rest", "n_epochs": 4}},
            "participants": {"exclude": [value]},
        },
        "targets": {"groups": {"contrast": {"kind": "between", "column": "group", "a": "x", "b": "y",
                                            "observation": {"condition": "rest"}}}},
    }  # fmt: skip
    with pytest.raises(ConfigError, match=rf"exclude\.0 .*{value!r}.*quote it"):
        study_from_mapping(values, source="config", folder=study.parent)


def test_somebody_who_is_not_in_the_table_is_listed_and_in_no_group(study):
    before = healthy_settings(study)
    rewrite(table(study), "sub-H2\twidespread\n", "sub-H5\twidespread\n")
    config = load_study(study)
    chosen = target_people(
        people_of(config.data), set(GROUPS), config.targets["groups"].contrast, covariates=(), minimum_per_group=1,
        where="targets.groups",
    )  # fmt: skip
    assert set(chosen.labels.index) == {HEALTHY, "H3", "001"}
    assert [row["participant"] for row in chosen.dropped] == ["H2"]
    assert "participants table" in chosen.dropped[0]["reason"]
    assert healthy_settings(study) == before


def test_only_the_sessions_that_exist_become_jobs(study, people: dict[str, Signals]):
    before = healthy_settings(study)
    for seconds, (label, session) in enumerate((("S1", "a"), ("S1", "b"), ("S2", "b"))):
        (recording,) = recordings_of(study.parent / "bids", label, people["H2"].later(seconds))
        recording.session = session
        recording.write()
    write_participants(study.parent / "bids", GROUPS | {"S1": "localized", "S2": "widespread"})
    assert problems_of(study) == []
    plan = Plan(load_study(study), Results(study.parent / "results"))
    expected = {*(f"sub-{label}" for label in GROUPS), "sub-S1_ses-a", "sub-S1_ses-b", "sub-S2_ses-b"}
    assert set(plan.sessions) == expected
    assert healthy_settings(study) == before


@pytest.mark.parametrize(
    ("band", "rate_hz", "expected"),
    [
        ("[0.5, 2]", 250, (r"slow", r"0\.5 Hz|period|cycles", r"2 s|epoch")),
        ("[21, 28]", 50, (r"slow", r"Nyquist|low-pass|22\.5")),
    ],
    ids=["slower than the epoch", "above what the data hold"],
)
def test_a_band_that_cannot_be_computed_stops_the_target_that_rests_on_it(study, band, rate_hz, expected):
    before = json.loads(healthy_settings(study)[0])
    text = STUDY.replace("reject: none", f"reject: none, sfreq_hz: {rate_hz}")
    text = text.replace("aec_orth]}", f"aec_orth], bands_hz: {{slow: {band}}}}}")
    primary = "    primary: {measure: wpli2_debiased, bands: [slow]}\n"
    study.write_text(text.replace("  groups:\n", "  groups:\n" + primary))
    problems = problems_of(study)
    assert matching(problems, *expected), problems
    study.write_text(STUDY)
    assert json.loads(healthy_settings(study)[0]) == before


def test_one_epoch_a_person_stops_a_target_of_a_phase_measure(study):
    study.write_text(STUDY.replace("n_epochs: 20, n_segments", "n_epochs: 1, n_segments"))
    assert matching(problems_of(study), r"groups\.primary", "wpli2_debiased", r"1 epoch|\b1\b.*\b20\b")
