"""Four people of the arithmetic dataset, one of them under two names, through the real workflow engine."""

import shutil
import sys

import pytest
from running import run

from painconn.store import read_json, read_parquet, read_tsv

pytestmark = [pytest.mark.slow, pytest.mark.realdata, pytest.mark.xdist_group("real")]
PEOPLE = ("05", "07", "09", "12")


def test_four_people_rest_and_arithmetic(real_data, repository, tmp_path):
    source = real_data / "eegmat-rest-arithmetic"
    (tmp_path / "data").mkdir()
    for person in PEOPLE:
        for part in ("1", "2"):
            shutil.copy(source / f"Subject{person}_{part}.edf", tmp_path / "data")
    for part in ("1", "2"):
        shutil.copy(source / f"Subject05_{part}.edf", tmp_path / "data" / f"Subject99_{part}.edf")
    shutil.copy(source / "participants.tsv", tmp_path / "data")
    study = (repository / "configs" / "studies" / "eegmat.yaml").read_text()
    start, end = study.index("  counters:"), study.index("positive_controls:")
    study = (study[:start] + "    n_outer_folds: 3\n    n_repeats: 2\n\n" + study[end:]).replace(
        "minimum_per_group: 5", "minimum_per_group: 4"
    )
    study = study.replace("n_permutations: 1000", "n_permutations: 100").replace(
        "cleaning:\n", "cortex: {source_spacing: ico3}\ncleaning:\n"
    )
    (tmp_path / "four.yaml").write_text(study)
    done = run(
        sys.executable, "painconn", "run", "four.yaml", "--data", "data", "--out", "out", "--cores", "2", cwd=tmp_path
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "AUDIT FAILED" in done.stdout
    out = tmp_path / "out"
    table = read_parquet(out / "group" / "features.parquet")
    assert sorted(set(table["participant"])) == [*sorted(PEOPLE), "99"]
    assert len(table) == 10
    assert table["power_rel__sensors__alpha__mean"].between(0.02, 0.9).all()
    assert read_tsv(out / "group" / "exclusions.tsv").empty
    assert read_json(out / "group" / "flow.json")["recordings_excluded"] == 0
    gates = {gate["gate"]: gate for gate in read_json(out / "group" / "arithmetic" / "audit.json")["gates"]}
    assert not gates["duplicate_recordings"]["passed"]
    assert "sub-05 task-1 = sub-99 task-1" in gates["duplicate_recordings"]["found"]
    assert gates["person_overlap"]["passed"]
