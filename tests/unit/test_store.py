import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from painconn.errors import IntegrityError, PathError, Problem, RecordingFault
from painconn.paths import Results, SessionKey, as_setting, from_setting, inside
from painconn.store import (
    read_arrays,
    read_result,
    read_tsv,
    write_arrays,
    write_atomically,
    write_exclusion,
    write_result,
    write_tsv,
)

LABELS = st.text("abcXYZ0123456789", min_size=1, max_size=8)


@given(participant=LABELS, session=st.one_of(st.just(""), LABELS))
def test_parsing_a_session_name_undoes_building_it(participant, session):
    key = SessionKey(participant, session)
    assert SessionKey.parse(key.name) == key
    assert key.folder.split("/")[0] == f"sub-{participant}"


@pytest.mark.parametrize("label", ["", "../x", "a b", "a/b", "$(id)", "{session}", "a;b", "a\nb", "*", "sub-1", "é"])
def test_hostile_labels_never_become_paths(label, tmp_path):
    with pytest.raises(PathError):
        SessionKey(label)
    with pytest.raises(PathError):
        Results(tmp_path).target(label, "scores.json")
    with pytest.raises(PathError):
        Results(tmp_path).forward(label)
    with pytest.raises(PathError):
        SessionKey.parse(f"sub-{label}")


@pytest.mark.parametrize("name", ["001", "1e5", "my study #2", "a: b", "ü/ä", "100%", "path:x"])
def test_a_path_survives_the_workflow_engine(name):
    assert from_setting(as_setting(Path(name))) == Path(name)
    assert yaml.safe_load(as_setting(Path(name))) == as_setting(Path(name))


def test_a_link_that_leads_outside_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path)
    with pytest.raises(PathError, match="leads to"):
        inside(tmp_path / "data", tmp_path / "data" / "link" / "secret")
    assert inside(tmp_path / "data", tmp_path / "data" / "x") == tmp_path / "data" / "x"


def test_a_failed_write_leaves_the_old_file_and_no_partial_one(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("old")

    def fail(partial):
        partial.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("table.txt", "old")]


def test_a_result_is_verified_when_read(tmp_path, rng):
    values = rng.standard_normal((3, 4))
    sidecar = tmp_path / "x.json"
    write_result(sidecar, {"rank": 3}, {"x.npz": lambda path: write_arrays(path, {"values": values})})
    assert read_result(sidecar)["rank"] == 3
    np.testing.assert_array_equal(read_arrays(tmp_path / "x.npz")["values"], values)
    (tmp_path / "x.npz").write_bytes(b"other")
    with pytest.raises(IntegrityError, match=r"delete .*x\.json"):
        read_result(sidecar)
    sidecar.write_text('{"status": "ok"')
    with pytest.raises(IntegrityError, match=r"delete .*x\.json"):
        read_result(sidecar)
    with pytest.raises(IntegrityError, match="no such file"):
        read_result(tmp_path / "absent.json")


def test_an_exclusion_is_a_result_like_any_other(tmp_path):
    fault = RecordingFault("empty", Problem("a.edf", "0 bytes", "a recording", "copy it again"))
    write_exclusion(tmp_path / "x.json", fault, step="clean", participant="01")
    record = read_result(tmp_path / "x.json")
    assert record["status"] == "excluded"
    assert record["exclusions"] == [
        {
            "step": "clean",
            "check": "empty",
            "where": "a.edf",
            "found": "0 bytes",
            "wanted": "a recording",
            "fix": "copy it again",
        }
    ]


def test_objects_are_never_loaded(tmp_path):
    np.savez(tmp_path / "bad.npz", values=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(tmp_path / "bad.npz")


def test_tables_keep_labels_and_missing_values_apart(tmp_path):
    table = pd.DataFrame({"participant": ["001", "NA"], "value": [1 / 3, np.nan]})
    write_tsv(tmp_path / "t.tsv", table)
    back = read_tsv(tmp_path / "t.tsv", dtype={"participant": str})
    assert back["participant"].tolist() == ["001", "NA"]
    assert back["value"][0] == 1 / 3
    assert np.isnan(back["value"][1])


def test_json_refuses_numbers_that_are_not_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_result(tmp_path / "x.json", {"value": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_the_pattern_and_the_name_of_a_session_file_agree(tmp_path):
    results = Results(tmp_path)
    key = SessionKey("02", "pre")
    assert str(results.cleaned(None)).format(folder=key.folder, session=key.name) == str(results.cleaned(key))
    assert json.loads(json.dumps(str(results.page))).endswith("report/index.html")
