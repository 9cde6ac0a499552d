"""Phenotype tables beside the participants table: whose rows they are, what is joined, what is written and told."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from painconn.cli.check import require_runnable
from painconn.cli.commands import app
from painconn.config.data import Participants
from painconn.config.loader import load_study
from painconn.config.phenotype import Phenotype
from painconn.errors import InputError
from painconn.paths import Results
from painconn.recordings.participants import covariate_columns, read_participants
from painconn.recordings.phenotype.labels import PhenotypeLabels, label_people
from painconn.steps import table
from painconn.steps.plan import Plan
from painconn.steps.portable import portable
from painconn.store import read_json, read_result, read_tsv

MAP = {"rule": "body_map", "table": "phenotype/map.tsv"}


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace(" ", "\t"), encoding="utf-8")


def read(folder: Path, phenotype: dict[str, Any], **participants: Any) -> tuple[pd.DataFrame, PhenotypeLabels]:
    settings = Participants.model_validate(participants)
    people, made = label_people(
        read_participants(settings, folder), settings, Phenotype.model_validate(phenotype), folder
    )
    assert made is not None
    return people, made


PEOPLE = "participant_id age\nsub-001 30\nsub-002 40\nsub-010 50\nsub-011 60\n"


def test_people_without_a_row_are_missing_and_others_are_counted(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    write(tmp_path, "phenotype/map.tsv", "participant_id sites regions\nsub-001 9 5\n010 2 1\nsub-099 9 5\n011 9 5\n")
    people, made = read(tmp_path, MAP, exclude=["011"])
    assert people["phenotype"].to_dict() == {"001": "widespread", "002": None, "010": "localized"}
    assert made.counts == {"localized": 1, "widespread": 1, "unclassified": 1}
    assert made.reasons == {"missing": 1}
    assert made.table().set_index("participant").loc["002", "missing"] == "no row"
    assert made.notes == ("1 labels of the table are not in the participants table and were not used",)
    assert made.unknown == ("099",)
    assert made.summary() == "body_map (version 1, 7 sites): localized 1, widespread 1, unclassified 1 (missing 1)"


def test_a_label_that_lost_its_zeros_is_named_with_the_one_that_is_meant(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    workbook = Workbook()
    for row in (["participant_id", "sites", "regions"], [1, 9, 5], [2, 9, 5], [10, 2, 1], ["011", 2, 1], [77, 2, 1]):
        workbook.active.append(row)
    workbook.active.title = "map"
    (tmp_path / "phenotype").mkdir()
    workbook.save(tmp_path / "phenotype" / "map.xlsx")
    with pytest.raises(InputError) as caught:
        read(tmp_path, MAP | {"table": "phenotype/map.xlsx"})
    assert [(problem.where, problem.found, problem.wanted) for problem in caught.value.problems] == [
        (f"phenotype/map.xlsx sheet map row {row}", f"participant {found}", f"{meant}, as in the participants table")
        for row, found, meant in ((2, "1", "001"), (3, "2", "002"), (4, "10", "010"))
    ]


def test_a_table_of_other_people_is_refused(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    write(tmp_path, "phenotype/map.tsv", "participant_id sites regions\np1 9 5\np2 2 1\n")
    with pytest.raises(InputError, match="2 rows, none of a participant of the study"):
        read(tmp_path, MAP)
    with pytest.raises(InputError, match=r"phenotype/none\.tsv · found: no such file"):
        read(tmp_path, MAP | {"table": "phenotype/none.tsv"})
    with pytest.raises(InputError, match=r"data\.phenotype\.id_column · found: no column who"):
        read(tmp_path, MAP | {"id_column": "who"})
    write(tmp_path, "phenotype/map.tsv", "p1 WOMBAT 5\np2 2 1\n")
    with pytest.raises(InputError, match=r"no column participant_id among 3 columns") as caught:
        read(tmp_path, MAP | {"columns": {"sites": "WOMBATS"}})
    assert "WOMBAT " not in str(caught.value)


@pytest.mark.parametrize("label", ["..", "a b", "a/b", "a;touch x", "$(id)", "*", "{subject}", ""])
def test_hostile_labels_stop_before_anything_is_made_of_them(tmp_path, label):
    write(tmp_path, "participants.tsv", PEOPLE)
    (tmp_path / "phenotype").mkdir()
    text = f"participant_id\tsites\tregions\nsub-001\t9\t5\n{label}\t9\t5\n"
    (tmp_path / "phenotype" / "map.tsv").write_text(text)
    with pytest.raises(InputError) as caught:
        read(tmp_path, MAP)
    (problem,) = caught.value.problems
    assert problem.where == "phenotype/map.tsv row 3 column participant_id"
    assert (problem.found, problem.wanted) == (repr(label), "letters and digits only")


def test_two_rows_that_agree_are_one_person_and_two_that_do_not_stop(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    head = "participant_id session_id sites regions\n"
    agree = "001 1 9 5\n001 2 8 5\n002 1 n/a 5\n002 2 2 1\n010 1 2 1\n011 1 n/a n/a\n011 2 n/a n/a\n"
    write(tmp_path, "phenotype/map.tsv", head + agree)
    assert read(tmp_path, MAP)[1].labels.to_dict() == {
        "001": "widespread", "002": "localized", "010": "localized", "011": None,
    }  # fmt: skip
    write(tmp_path, "phenotype/map.tsv", head + agree + "010 2 9 5\n001 3 5 3\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path, MAP)
    assert [problem.found for problem in caught.value.problems] == [
        "participant 001: widespread in row 2, widespread in row 3, unclassified (between) in row 10",
        "participant 010: localized in row 6, widespread in row 9",
    ]
    only = MAP | {"only": {"session_id": "1"}}
    assert read(tmp_path, only)[1].labels["010"] == "localized"


def test_a_given_column_of_a_phenotype_table_and_two_groups_of_one_person(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    given = {"rule": "given_column", "column": "kind", "table": "phenotype/kind.csv"}
    (tmp_path / "phenotype").mkdir()
    (tmp_path / "phenotype/kind.csv").write_text("participant_id;kind\n001;wide\n002;local\n002;wide\n010;wide\n011;\n")
    with pytest.raises(InputError, match="participant 002: local in row 3, wide in row 4"):
        read(tmp_path, given)


def test_columns_of_phenotype_tables_are_covariates(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    head = "participant_id age pain_now trial sites regions\n"
    rows = "001 99 3 1 9 5\n001 99 3 2 9 5\n002 99 n/a 1 9 5\n010 99 5 1 2 1\n"
    write(tmp_path, "phenotype/map.tsv", head + rows)
    write(tmp_path, "phenotype/sleep.tsv", "participant_id psqi drug\n001 4 none\n002 11 opioid\n010 n/a none\n")
    people, _ = read(tmp_path, MAP, more_tables=["phenotype/sleep.tsv"])
    numbers = covariate_columns(people, ["age", "pain_now", "psqi", "drug"])
    assert numbers.loc["001"].tolist() == [30, 3, 4, 0]
    assert numbers.loc["002"].to_dict()["drug"] == 1
    assert people.loc["011", "psqi"] is None
    with pytest.raises(InputError, match="no column trial"):
        covariate_columns(people, ["trial"])


def test_further_tables_are_checked_like_the_first(tmp_path):
    write(tmp_path, "participants.tsv", PEOPLE)
    write(tmp_path, "a.tsv", "participant_id age\n001 4\n001 5\n2 5\n")
    write(tmp_path, "b.tsv", "participant_id psqi\n001 4\n0/1 5\n")
    with pytest.raises(InputError) as caught:
        read_participants(Participants.model_validate({"more_tables": ["a.tsv", "b.tsv"]}), tmp_path)
    assert [(problem.where, problem.found) for problem in caught.value.problems] == [
        ("a.tsv", "participant 001 in rows 2, 3"),
        ("a.tsv row 4", "participant 2"),
        ("a.tsv", "column age again"),
        ("b.tsv row 3 column participant_id", "'0/1'"),
    ]


# From the study file to the results

STUDY = """\
name: labelled
data:
  sources:
    - {root: ., layout: features, features_table: table.tsv}
  covariates: [age, psqi]
  participants: {more_tables: [phenotype/sleep.tsv]}
  phenotype:
    rule: pinprick
    table: phenotype/pinprick.tsv
    columns: {site: location}
    sites: {painful: back, remote: hand}
    controls: {column: group, value: hc}
targets:
  spread:
    contrast: {kind: between, column: phenotype, a: localized, b: widespread, observation: {condition: rest}}
"""


@pytest.fixture
def study(tmp_path, rng):
    """A features table of 12 controls and 14 patients, and their pinprick ratings."""
    names = [f"{place:03d}" for place in range(1, 27)]
    groups = ["hc"] * 12 + ["pain"] * 14
    people = pd.DataFrame({"participant_id": names, "group": groups, "age": rng.integers(20, 60, 26)})
    people.to_csv(tmp_path / "participants.tsv", sep="\t", index=False)
    (tmp_path / "phenotype").mkdir()
    sleep = pd.DataFrame({"participant_id": names, "psqi": rng.integers(0, 21, 26)})
    sleep.to_csv(tmp_path / "phenotype" / "sleep.tsv", sep="\t", index=False)
    shift = {"back": [0] * 12 + [2] * 13 + [0], "hand": [0] * 12 + [2] * 6 + [-0.5] * 7 + [2]}
    rows = [
        (name, site, round(float(10 * 2 ** (shift[site][place] + 0.2 * rng.standard_normal())), 1))
        for place, name in enumerate(names)
        for site in shift
        for _ in range(3)
    ]
    ratings = pd.DataFrame(rows, columns=["participant_id", "location", "rating"])
    ratings.to_csv(tmp_path / "phenotype" / "pinprick.tsv", sep="\t", index=False)
    features = pd.DataFrame({"participant": names, "condition": "rest", "x": rng.standard_normal(26)})
    features.to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def test_the_table_step_writes_labels_beside_the_features_and_never_among_them(study, tmp_path):
    plan = Plan(load_study(study), Results(tmp_path / "out"))
    settings = json.loads(plan.settings_table())
    table.run(plan.results, settings)
    written = read_result(plan.results.table)["files"]
    assert {"phenotype.tsv", "phenotype.json", "phenotype_sensitivity.tsv"} <= set(written)
    rows = read_tsv(plan.results.group("phenotype.tsv"), dtype={"participant": str, "version": str})
    assert rows["label"].value_counts().to_dict() == {"control": 12, "localized": 7, "widespread": 6}
    assert rows.loc[rows["label"].isna(), ["participant", "why_unclassified"]].to_numpy().tolist() == [
        ["026", "remote only"]
    ]
    record = read_json(plan.results.group("phenotype.json"))
    assert (record["rule"], record["version"], record["cut"]) == ("pinprick", "1", "z 1.96")
    assert record["counts"] == {"control": 12, "localized": 7, "widespread": 6, "unclassified": 1}
    assert record["facts"]["sites"]["painful"]["n_controls"] == 12
    sensitivity = read_tsv(plan.results.group("phenotype_sensitivity.tsv"))
    assert sensitivity["chosen"].tolist() == ["no", "no", "yes", "no", "no"]
    assert (sensitivity[["control", "localized", "widespread", "unclassified"]].sum(axis=1) == 26).all()
    features = pd.read_parquet(plan.results.group("features.parquet"))
    assert set(features.columns) == {"participant", "session", "condition", "window", "site", "x"}
    settings["data"]["phenotype"] = {"rule": "given_column"}
    table.run(plan.results, settings)
    assert not list((tmp_path / "out" / "group").glob("phenotype*"))


def test_the_plan_watches_the_tables_about_people(study):
    plan = Plan(load_study(study), Results(study.parent / "out"))
    names = [Path(path).relative_to(study.parent).as_posix() for path in plan.user_tables()]
    assert names == ["participants.tsv", "phenotype/sleep.tsv", "phenotype/pinprick.tsv", "table.tsv"]
    other = study.parent / "other.yaml"
    other.write_text(STUDY.replace("table: phenotype/pinprick.tsv", "table: phenotype/pinprick.tsv\n    cut: 2.5"))
    changed = Plan(load_study(other), Results(study.parent / "out"))
    assert plan.settings_table() != changed.settings_table()
    assert "painconn.recordings.phenotype.pinprick" in table_modules()


def table_modules() -> list[str]:
    from painconn.provenance import code_closure

    return code_closure("painconn.steps.table")[0]


def test_check_tells_the_counts(study):
    told = CliRunner().invoke(app, ["check", str(study)])
    assert told.exit_code == 0, told.output
    assert (
        "phenotype pinprick (version 1, z 1.96): control 12, localized 7, widespread 6, unclassified 1 (remote only 1)"
        in told.output
    )
    assert "note: phenotype: not adjusted for sex: no such column" in told.output


def test_check_reports_every_problem_of_labels_before_any_job(study):
    path = study.parent / "phenotype" / "pinprick.tsv"
    rows = path.read_text().splitlines()
    rows[3] = rows[3].rsplit("\t", 1)[0] + "\t250"
    rows[8] = rows[8].rsplit("\t", 1)[0] + "\thigh"
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(InputError) as caught:
        require_runnable(load_study(study), Results(study.parent / "out"))
    told = [(problem.where, problem.found) for problem in caught.value.problems]
    assert ("phenotype/pinprick.tsv row 4 column rating", "'250'") in told
    assert ("phenotype/pinprick.tsv row 9 column rating", "'high'") in told


def test_check_reports_label_problems_also_when_no_target_compares_people(study):
    within = "contrast: {kind: within, a: {condition: rest}, b: {condition: task}}"
    text = STUDY.replace(STUDY[STUDY.index("contrast: {kind: between") :].strip(), within)
    study.write_text(text.replace("value: hc", "value: healthy"))
    with pytest.raises(InputError, match="wanted: somebody with healthy"):
        require_runnable(load_study(study), Results(study.parent / "out"))


def test_a_table_outside_the_data_folder_is_published_by_its_name_only(study):
    settings = json.loads(Plan(load_study(study), Results(study.parent / "out")).settings_report())
    settings["data"]["phenotype"]["table"] = str(study.parent / "secret" / "pinprick.tsv")
    settings["data"]["participants"]["more_tables"] = [str(study.parent / "secret" / "sleep.tsv")]
    published = portable(settings)
    assert "secret" not in json.dumps(published)
    assert published["data"]["phenotype"]["table"] == "pinprick.tsv"
    assert published["data"]["participants"]["table"] == "participants.tsv"
