"""Participants, groups, covariates and ready features: text in, every fault with its row."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from painconn.config.data import Participants, Source
from painconn.config.targets import Contrast
from painconn.errors import InputError
from painconn.recordings.features_table import read_features
from painconn.recordings.participants import covariate_columns, label_groups, read_participants
from painconn.steps.people import target_people

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
        (
            "participant_id,age\nsub-1,4\n",
            "utf-8",
            r"commas between the columns · wanted: tabs \(tab-separated expected",
        ),
        (HEADER + "sub-1\t4\ta\nsub-2\t4\ta\n1\t4\ta\n", "utf-8", "participant 1 in rows 2, 4"),
        (HEADER + "sub-1\t4\n", "utf-8", "row 2 · found: 2 cells"),
        (HEADER + "sub-a b\t4\ta\n", "utf-8", "row 2 column participant_id"),
        (HEADER + "sub-1\t4\ta\n", "utf-16", "UTF-8"),
        (HEADER + "sub-1\t4\tdébut\n", "latin-1", "row 2"),
        ("participant\tage\n1\t2\n", "utf-8", "did you mean participant"),
        ("participant_id\tage\tage\n1\t2\t3\n", "utf-8", "columns number 2, 3 called like another one"),
        ("", "utf-8", "empty table"),
    ],
)
def test_broken_tables(tmp_path: Path, text: str, encoding: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, text, encoding=encoding)


def test_columns_are_told_only_when_the_first_row_is_a_header(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "1\tMaria WOMBAT\n2\tx\n")
    assert "no column participant_id among 2 columns" in str(caught.value)
    assert "WOMBAT" not in str(caught.value)
    (tmp_path / "f.csv").write_text("1,Maria WOMBAT\n2,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="2 columns, none of them participant") as caught:
        features(tmp_path)
    assert "WOMBAT" not in str(caught.value)
    people = read(tmp_path, HEADER + "sub-1\t4\ta\n")
    with pytest.raises(InputError, match="one of: age, group"):
        label_groups(people, "side", ("a", "b"))


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


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("NA", "write n/a for a missing value, or exclude the participant"),
        ("nan", "write n/a for a missing value, or exclude the participant"),
        ("None", "write n/a for a missing value, or exclude the participant"),
        ("2", "write the group as text, or exclude the participant"),
    ],
)
def test_a_value_that_may_be_a_gap_or_a_code_stops(value: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        label_groups(table_of(group=["local", "wide", value, "control"]), "group", ("local", "wide"))
    (problem,) = caught.value.problems
    assert problem.where == "participants table column group, participant p2"
    assert (problem.found, problem.wanted, problem.fix) == (repr(value), "local or wide", fix)


def test_groups_may_be_numbers_and_may_be_called_na() -> None:
    assert len(label_groups(table_of(group=["1", "2", "3"]), "group", ("1", "2")).labels) == 2
    assert len(label_groups(table_of(group=["NA", "wide"]), "group", ("NA", "wide")).labels) == 2


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


def test_epochs_of_a_ready_table_are_averaged_and_counted(tmp_path: Path) -> None:
    lines = ["participant,epoch,condition,x,y", "01,1,rest,1,2", "01,2,rest,3,n/a", "01,1,task,7,7", "02,1,rest,5,6"]
    (tmp_path / "f.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = features(tmp_path).set_index(["participant", "condition"])
    assert table.loc[("01", "rest"), ["x", "y", "quality__n_epochs"]].tolist() == [2.0, 2.0, 2.0]
    assert table["quality__n_epochs"].tolist() == [2.0, 1.0, 1.0]
    assert "epoch" not in table
    (tmp_path / "f.csv").write_text("\n".join([*lines, "02,1,rest,0,0"]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="02 rest epoch 1 again"):
        features(tmp_path)
    (tmp_path / "f.csv").write_text("participant,x\n01,1\n01,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="number them in a column epoch"):
        features(tmp_path)
    (tmp_path / "f.csv").write_text("participant,epoch,site,x\n01,1,north,1\n01,2,south,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 3 column site"):
        features(tmp_path)


def test_two_people_with_the_same_numbers_are_one_person(tmp_path: Path) -> None:
    def write(second: str, third: str) -> None:
        (tmp_path / "f.csv").write_text(f"participant,a,b,c,d,e\n01,1,2,3,4,5\n02,{second}\n03,{third}\n")

    write("1,2,3,4,6", "1,2,3,4,5.0")
    with pytest.raises(InputError) as caught:
        features(tmp_path)
    (problem,) = caught.value.problems
    assert problem.where.endswith("row 4")
    assert "row 2, which is another participant" in problem.found
    # Equal where nothing is told, as two people without a single event.
    write("0,0,0,1,0", "0,0,0,1,0")
    assert len(features(tmp_path)) == 3


@pytest.mark.parametrize("label", ["..", "a/b", "a b", "a\u00e9", "*", "a;touch x", "$(id)", "{subject}", "-", "sub-"])
def test_hostile_labels_stop(tmp_path: Path, label: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, HEADER + f"sub-001\t4\ta\n{label}\t4\ta\n")
    (problem,) = caught.value.problems
    assert problem.where == "participants.tsv row 3 column participant_id"
    assert (problem.found, problem.wanted) == (repr(label), "letters and digits only")


def test_people_with_recordings_and_without_a_row_are_named(tmp_path: Path) -> None:
    table = read(tmp_path, HEADER + "".join(f"sub-{n}\t4\t{'ab'[n % 2]}\n" for n in range(4)) + "sub-9\t4\tn/a\n")
    contrast = Contrast.model_validate(
        {"kind": "between", "column": "group", "a": "a", "b": "b", "observation": {"condition": "rest"}}
    )
    present = [*table.index, "77"]
    people = target_people(table, present, contrast, covariates=[], minimum_per_group=2, where="targets.x")
    assert len(people.labels) == 4
    assert [(entry["participant"], entry["reason"]) for entry in people.dropped] == [
        ("77", "has recordings but no row in the participants table"),
        ("9", "group is neither a nor b"),
    ]


@pytest.mark.realdata
def test_real_participants_tables_are_read(real_data: Path) -> None:
    folders = [
        *sorted((real_data / "openneuro-participants").glob("ds*")),
        *sorted((real_data / "pain-tables").iterdir()),
    ]
    rows = {
        folder.name: len(read_participants(Participants(), folder))
        for folder in folders
        if (folder / "participants.tsv").is_file()
    }
    assert rows == {
        "ds002778": 31, "ds003478": 122, "ds004362": 109, "ds004504": 88, "ds004584": 149, "ds005307": 7,
        "cpCGX-participants": 74, "ds005284-sidecars": 26,
    }  # fmt: skip


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("dataset", "column", "groups", "sizes"),
    [
        ("ds004504", "Group", ("C", "A"), {"C": 29, "A": 36}),
        ("ds004584", "TYPE", ("0", "1"), {"0": 49, "1": 100}),
        ("ds004584", "GROUP", ("Control", "PD"), {"Control": 49, "PD": 100}),
        ("ds004362", "Gender", ("F", "M"), {"F": 59, "M": 42}),
    ],
)
def test_real_groups_are_understood(
    real_data: Path, dataset: str, column: str, groups: tuple[str, str], sizes: dict[str, int]
) -> None:
    table = read_participants(Participants(), real_data / "openneuro-participants" / dataset)
    assert label_groups(table, column, groups).labels.value_counts().to_dict() == sizes


@pytest.mark.realdata
def test_real_columns_are_covariates_or_refused_with_the_reason(real_data: Path) -> None:
    folders = [*(real_data / "openneuro-participants").glob("ds*"), *(real_data / "pain-tables").iterdir()]
    refused, gaps = {}, {}
    for folder in folders:
        if not (folder / "participants.tsv").is_file():
            continue
        table = read_participants(Participants(), folder)
        for column in table.columns:
            try:
                unknown = covariate_columns(table, [column]).isna().any(axis=1).sum()
            except InputError as error:
                refused[folder.name, column] = error.problems[0].found
            else:
                gaps[folder.name, column] = unknown
    assert refused == {
        ("ds002778", "rl_deficits"): "11 different texts",
        ("ds003478", "SCID_notes"): "19 different texts",
        ("ds004362", "Age"): "numbers, and text in 044: 'M'",
        ("ds004584", "EEG"): "149 different texts",
    }
    some = {("ds003478", "HamD"): 90, ("ds004584", "UPDRS"): 49, ("cpCGX-participants", "age"): 8}
    assert {key: gaps[key] for key in some} == some


@pytest.mark.realdata
def test_a_real_column_with_nan_is_no_group(real_data: Path) -> None:
    table = read_participants(Participants(), real_data / "openneuro-participants" / "ds003478")
    with pytest.raises(InputError, match=r"column sex, participant 038 · found: 'NaN'"):
        label_groups(table, "sex", ("1", "2"))
