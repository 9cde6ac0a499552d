"""Participants, groups, covariates, phenotype and ready features: text in, every fault with its row."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from painconn.config.data import Participants, Source
from painconn.config.phenotype import Phenotype
from painconn.errors import InputError
from painconn.recordings.features_table import read_features
from painconn.recordings.participants import covariate_columns, label_groups, read_participants
from painconn.recordings.phenotype import phenotype_labels

HEADER = "participant_id\tage\tgroup\n"


def read(
    tmp_path: Path, text: str, *, encoding: str = "utf-8", name: str = "participants.tsv", **fields: str
) -> pd.DataFrame:
    (tmp_path / name).write_bytes(text.encode(encoding))
    return read_participants(Participants.model_validate({"table": name, **fields}), tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_cells_are_text_and_missing_is_missing(tmp_path: Path, encoding: str, newline: str) -> None:
    text = (HEADER + "sub-001\t040\tNA\nsub-010\tn/a\tyes\n").replace("\n", newline)
    table = read(tmp_path, text, encoding=encoding)
    assert list(table.index) == ["001", "010"]
    assert table.loc["001"].to_dict() == {"age": "040", "group": "NA"}
    assert table["age"].isna().tolist() == [False, True]


def test_prefix_csv_and_exclusion(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "who;x\nSubject02;1\nSubject03;2\n",
        name="p.csv",
        id_column="who",
        id_prefix="Subject",
        exclude=("03",),
    )
    assert table["x"].to_dict() == {"02": "1"}


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        ("participant_id,age\nsub-1,4\n", "utf-8", "tab-separated expected"),
        (HEADER + "sub-1\t4\ta\nsub-2\t4\ta\n1\t4\ta\n", "utf-8", "participant 1 in rows 2, 4"),
        (HEADER + "sub-1\t4\n", "utf-8", "row 2 · found: 2 cells"),
        (HEADER + "sub-a b\t4\ta\n", "utf-8", "row 2 column participant_id"),
        (HEADER + "sub-1\t4\ta\n", "utf-16", "UTF-8"),
        (HEADER + "sub-1\t4\tdébut\n", "latin-1", "row 2"),
        ("participant\tage\n1\t2\n", "utf-8", "did you mean participant"),
        ("participant_id\tage\tage\n1\t2\t3\n", "utf-8", "column age twice"),
        ("", "utf-8", "empty table"),
    ],
)
def test_broken_tables(tmp_path: Path, text: str, encoding: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, text, encoding=encoding)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_participants(Participants(), tmp_path)


def table_of(**columns: list[str | None]) -> pd.DataFrame:
    length = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=[f"p{number}" for number in range(length)], dtype=object)


def test_groups_others_and_missing() -> None:
    groups = label_groups(table_of(group=["local", "wide", "control", None, "wide"]), "group", ("local", "wide"))
    assert groups.labels.to_dict() == {"p0": "local", "p1": "wide", "p4": "wide"}
    assert (groups.others, groups.missing) == ({"control": 1}, ("p3",))


@pytest.mark.parametrize("value", ["wide ", "Wide", "WIDE", " wide", "wi-de"])
def test_a_near_miss_stops(value: str) -> None:
    with pytest.raises(InputError, match="participant p2") as caught:
        label_groups(table_of(group=["local", "wide", value]), "group", ("local", "wide"))
    assert repr(value) in caught.value.problems[0].found


def test_an_absent_group_and_column_stop() -> None:
    with pytest.raises(InputError, match=r"local \(2\)"):
        label_groups(table_of(group=["local", "local"]), "group", ("local", "wide"))
    with pytest.raises(InputError, match="did you mean group"):
        label_groups(table_of(group=["local"]), "groop", ("local", "wide"))


def test_covariates_become_numbers() -> None:
    table = table_of(age=["20", "n a", "31.5"], sex=["F", "M", None], site=["b", "a", "c"])
    table.loc["p1", "age"] = "NaN"
    numbers = covariate_columns(table, ["age", "sex", "site"])
    expected = pd.DataFrame(
        {"age": [20, np.nan, 31.5], "sex": [0, 1, np.nan], "site__b": [1.0, 0, 0], "site__c": [0.0, 0, 1]},
        index=table.index,
    )
    pd.testing.assert_frame_equal(numbers, expected)


def test_covariate_faults_come_together() -> None:
    table = table_of(age=["20", "12,5", "30"], sex=["F", "f", "M"], note=list("abc"))
    with pytest.raises(InputError) as caught:
        covariate_columns(table, ["age", "sex", "weight"])
    assert [problem.where.split()[-1] for problem in caught.value.problems[:2]] == ["age", "sex"]
    assert "'12,5'" in caught.value.problems[0].found
    assert "no column weight" in caught.value.problems[2].found


def test_phenotype_given_column() -> None:
    table = table_of(group=["a", "b", None])
    assert phenotype_labels(table, Phenotype()) is None
    labels = phenotype_labels(table, Phenotype(column="group"))
    assert labels is not None
    assert (labels.rule, labels.version, labels.counts) == ("given_column", "1", {"a": 1, "b": 1, "unclassified": 1})
    with pytest.raises(InputError, match="no column x"):
        phenotype_labels(table, Phenotype(column="x"))
    with pytest.raises(InputError, match="unknown rule"):
        phenotype_labels(table, Phenotype(rule="other"))


def features(tmp_path: Path, name: str = "f.csv") -> pd.DataFrame:
    source = Source.model_validate({"root": tmp_path, "layout": "features", "features_table": name})
    return read_features(source, tmp_path)


def test_features_from_text_and_parquet_are_equal(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(
        "participant,condition,x,y\nsub-01,rest,1.5,n/a\n02,rest,2,-3e-2\n", encoding="utf-8"
    )
    table = features(tmp_path)
    assert table["participant"].tolist() == ["01", "02"]
    assert table.loc[0, ["session", "condition", "window", "site"]].tolist() == ["", "rest", "epoch", "site1"]
    np.testing.assert_array_equal(table[["x", "y"]], [[1.5, np.nan], [2.0, -0.03]])
    table.rename(columns={}).to_parquet(tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(features(tmp_path, "f.parquet"), table)


def test_feature_faults(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("participant,x\na b,1\n02,high\n02,inf\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        features(tmp_path)
    text = str(caught.value)
    assert all(
        part in text for part in ("row 2 column participant", "row 3 column x", "row 4 column x", "02 all epoch again")
    )
    (tmp_path / "f.csv").write_text("subject,x\n1,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="a column participant"):
        features(tmp_path)
    (tmp_path / "f.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="not readable as parquet"):
        features(tmp_path, "f.parquet")


@pytest.mark.realdata
def test_real_participants_tables_are_read(real_data: Path) -> None:
    rows = {}
    for path in sorted((real_data / "openneuro-participants").glob("ds*")):
        table = read_participants(Participants(), path)
        rows[path.name] = len(table)
    assert rows == {"ds002778": 31, "ds003478": 122, "ds004362": 109, "ds004504": 88, "ds004584": 149, "ds005307": 7}
    groups = label_groups(
        read_participants(Participants(), real_data / "openneuro-participants" / "ds004504"), "Group", ("C", "A")
    )
    assert (len(groups.labels), groups.others) == (65, {"F": 23})
