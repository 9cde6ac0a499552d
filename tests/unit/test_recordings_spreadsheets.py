"""Workbooks: what a person sees in a sheet is what is read, or the sheet is refused with the place."""

import datetime
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from painconn.config.data import Participants
from painconn.errors import InputError
from painconn.recordings.participants import covariate_columns, read_participants
from painconn.recordings.tables import TableError, TextTable, read_text_table

Sheet = Any


def book(
    folder: Path, rows: list[list[Any]], change: Callable[[Sheet], None] | None = None, name: str = "b.xlsx"
) -> Path:
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "ratings"
    for row in rows:
        sheet.append(row)
    if change is not None:
        change(sheet)
    workbook.save(folder / name)
    return folder / name


def problems_of(path: Path, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(TableError) as caught:
        read_text_table(path, **options)
    return [(problem.where, problem.found) for problem in caught.value.problems]


def test_cells_read_as_a_person_reads_them(tmp_path):
    def formats(sheet: Sheet) -> None:
        sheet["A2"].number_format = "000"

    values = [1, 1.0, 12.5, "001", True, None, "n/a", 1e-7, 2**40, -3.0, " x "]
    table = read_text_table(book(tmp_path, [[f"c{i}" for i in range(len(values))], values], formats))
    assert list(table.rows[0].values()) == [
        "001", "1", "12.5", "001", "true", "", "n/a", "1e-07", "1099511627776", "-3", " x ",
    ]  # fmt: skip
    assert table.where(0, "c2") == "b.xlsx sheet ratings row 2 column c2"


def test_a_workbook_and_a_text_table_of_the_same_values_are_equal(tmp_path):
    rows = [["participant_id", "age", "group"], ["sub-001", 40, "wide"], [None, None, None], ["sub-010", 41.5, "local"]]
    book(tmp_path, rows)
    (tmp_path / "b.csv").write_text("participant_id;age;group\nsub-001;40;wide\n;;\nsub-010;41.5;local\n")
    one, other = (read_text_table(tmp_path / name) for name in ("b.xlsx", "b.csv"))
    assert isinstance(one, TextTable)
    assert (one.columns, one.rows, one.numbers) == (other.columns, other.rows, other.numbers)
    assert one.numbers == (2, 4)


def test_dates_are_never_told_and_refused_where_they_are_used(tmp_path):
    day = datetime.date(2021, 3, 4)
    book(
        tmp_path, [["participant_id", "seen", "age", "drug"], ["a", day, day, day], ["b", None, 40, day]], name="p.xlsx"
    )
    people = read_participants(Participants(table=Path("p.xlsx")), tmp_path)
    assert people.loc["a"].to_dict() == {"seen": "(a date)", "age": "(a date)", "drug": "(a date)"}
    with pytest.raises(InputError) as caught:
        covariate_columns(people, ["age", "drug"])
    assert [problem.found for problem in caught.value.problems] == ["(a date) for a", "(a date) for a, b"]
    assert "2021" not in str(caught.value)


def test_everything_that_makes_a_sheet_ambiguous_is_told_at_once(tmp_path):
    def spoil(sheet: Sheet) -> None:
        sheet.merge_cells("B3:B4")
        sheet["C2"] = "=SUM(1,2)"
        sheet.row_dimensions[5].hidden = True
        sheet["E3"] = "left over"

    rows = [["id", "a", "b", "b"], ["x", 1, 2, 3], ["y", 1, 2, 3], ["z", None, 2, 3], ["w", 1, 2, 3]]
    where = "b.xlsx sheet ratings"
    assert problems_of(book(tmp_path, rows, spoil)) == [
        (where, "merged cells B3:B4"),
        (f"{where} row 5", "hidden rows that hold values"),
        (f"{where} cell C2", "a formula without a saved value"),
        (f"{where} row 1 column number 5", "no name"),
        (f"{where} header", "columns number 3, 4 called like another one"),
    ]


def test_a_formula_counts_with_its_saved_value(tmp_path):
    path = book(tmp_path, [["id", "sum"], ["x", "=1+2"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet], n_saved = re.subn(rb"(?<=<f>1\+2</f>)<v ?/>|(?<=<f>1\+2</f>)<v></v>", b"<v>3</v>", parts[sheet])
    assert n_saved == 1
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert read_text_table(path).rows == ({"id": "x", "sum": "3"},)


def test_the_sheet_has_to_be_named_when_several_can_be_seen(tmp_path):
    path = book(tmp_path, [["id"], ["x"]])
    workbook = load_workbook(path)
    workbook.create_sheet("notes").append(["id"])
    workbook.create_sheet("old").sheet_state = "hidden"
    workbook["old"].append(["hidden"])
    workbook.save(path)
    assert problems_of(path) == [("b.xlsx", "2 sheets that can be seen")]
    assert problems_of(path, sheet="rating") == [("b.xlsx", "no sheet rating")]
    assert read_text_table(path, sheet="ratings").columns == ("id",)
    assert read_text_table(path, sheet="old").columns == ("hidden",)
    workbook["notes"].sheet_state = "hidden"
    workbook.save(path)
    assert read_text_table(path).columns == ("id",)


def test_what_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "b.xlsx"
    path.write_bytes(b"PK\x03\x04 not really")
    assert problems_of(path) == [("b.xlsx", "not readable as a workbook")]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    assert problems_of(path) == [("b.xlsx", "not readable as a workbook")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (65 << 20))
    assert problems_of(path) == [("b.xlsx", "65 MB unpacked")]
    (tmp_path / "b.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    assert problems_of(tmp_path / "b.xls") == [("b.xls", "a .xls spreadsheet")]
    assert problems_of(tmp_path / "none.xlsx") == [("none.xlsx", "no such file")]
    (tmp_path / "b.tsv").write_text("id\n1\n")
    assert problems_of(tmp_path / "b.tsv", sheet="one") == [("b.tsv", "sheet one of a text table")]
    empty = book(tmp_path, [], name="empty.xlsx")
    assert problems_of(empty) == [("empty.xlsx sheet ratings row 1", "nothing")]


def test_rows_keep_the_numbers_that_the_program_shows(tmp_path):
    (tmp_path / "p.tsv").write_text("participant_id\tage\n\na\t1\n\t\na\t2\nb c\t3\n")
    with pytest.raises(InputError) as caught:
        read_participants(Participants(table=Path("p.tsv")), tmp_path)
    told = [(problem.where, problem.found) for problem in caught.value.problems]
    assert told == [("p.tsv row 6 column participant_id", "'b c'"), ("p.tsv", "participant a in rows 3, 5")]
