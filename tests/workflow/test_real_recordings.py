"""Four people of the arithmetic dataset, one of them under two names, from `init` through the real workflow engine."""

import shutil
import sys

import pytest
import yaml
from running import run

from painconn.store import read_json, read_parquet, read_tsv

pytestmark = [pytest.mark.slow, pytest.mark.realdata]
PEOPLE = ("05", "07", "09", "12")


def copy_without_its_end(source, target):
    """Copy an EDF without its last second: the same recording, in other bytes."""
    content = source.read_bytes()
    n_records, header_bytes = int(content[236:244]), int(content[184:192])
    record_bytes = (len(content) - header_bytes) // n_records
    target.write_bytes(content[:236] + f"{n_records - 1:<8}".encode() + content[244:-record_bytes])


@pytest.fixture
def folder(real_data, tmp_path):
    source = real_data / "eegmat-rest-arithmetic"
    (tmp_path / "data").mkdir()
    for part in ("1", "2"):
        for person in PEOPLE:
            shutil.copy(source / f"Subject{person}_{part}.edf", tmp_path / "data")
    shutil.copy(source / "participants.tsv", tmp_path / "data")
    return tmp_path


def painconn(*arguments, cwd):
    return run(sys.executable, "painconn", *arguments, cwd=cwd)


def test_the_same_files_under_two_names_stop_a_study(folder):
    for part in ("1", "2"):
        shutil.copy(folder / "data" / f"Subject05_{part}.edf", folder / "data" / f"Subject99_{part}.edf")
    assert painconn("init", "data", "--out", "study.yaml", cwd=folder).returncode == 0
    checked, stopped = (painconn(command, "study.yaml", cwd=folder) for command in ("check", "run"))
    for one in (checked, stopped):
        assert one.returncode == 2
        assert "participants 05, 99 · found: the same samples" in one.stderr
    assert not list(folder.glob("results/*/group"))


def test_four_people_rest_and_arithmetic(folder):
    for part in ("1", "2"):
        data = folder / "data"
        copy_without_its_end(data / f"Subject05_{part}.edf", data / f"Subject99_{part}.edf")
    assert painconn("init", "data", "--out", "study.yaml", cwd=folder).returncode == 0
    study = yaml.safe_load((folder / "study.yaml").read_text())
    assert list(study["targets"]) == ["1vs2"]
    study["cleaning"]["preset"] = "already_clean"
    study["cortex"] = {"source_spacing": "ico3"}
    study["targets"]["1vs2"] |= {"n_permutations": 100, "n_outer_folds": 3, "n_repeats": 2}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    checked = painconn("check", "study.yaml", cwd=folder)
    assert checked.returncode == 0, checked.stderr
    assert "0 of 10 recordings excluded; participants with 1 from 5, 2 from 5" in checked.stdout
    done = painconn("run", "study.yaml", "--out", "out", "--cores", "2", cwd=folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "AUDIT FAILED" in done.stdout
    out = folder / "out"
    table = read_parquet(out / "group" / "features.parquet")
    assert sorted(set(table["participant"])) == [*sorted(PEOPLE), "99"]
    assert len(table) == 10
    assert table["power_rel__sensors__alpha__mean"].between(0.02, 0.9).all()
    assert read_tsv(out / "group" / "exclusions.tsv").empty
    assert read_json(out / "group" / "flow.json")["recordings_excluded"] == 0
    gates = {gate["gate"]: gate for gate in read_json(out / "group" / "1vs2" / "audit.json")["gates"]}
    assert not gates["duplicate_recordings"]["passed"]
    assert "sub-05 task-1 = sub-99 task-1" in gates["duplicate_recordings"]["found"]
    assert gates["person_overlap"]["passed"]
