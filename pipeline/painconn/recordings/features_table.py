"""Layout ``features``: a ready table, one row per observation, so that the statistics run without the EEG."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from painconn.config.data import Source
from painconn.errors import InputError, Problem
from painconn.recordings.pattern import LABEL
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import MISSING, TableError, TextTable, read_text_table

KEYS = ("participant", "session", "condition", "window")
_WHEN_ABSENT = {"session": "", "condition": "all", "window": "epoch"}
_MOST_NAMED = 12


def read_features(source: Source, root: Path) -> pd.DataFrame:
    """Read a features table (tsv, csv or parquet).

    Returns
    -------
    features : DataFrame
        Columns participant, session, condition, window and site as text, then one float column per feature. A table
        without session, condition or window gets ``""``, ``all`` and ``epoch``. Cells without a value are NaN.

    Raises
    ------
    InputError
        Everything that is wrong: no participant column, hostile labels, an observation twice, cells that are no finite
        numbers.
    """
    path = root / (source.features_table or "")
    try:
        text = _parquet(path) if path.suffix.lower() == ".parquet" else read_text_table(path)
    except TableError as fault:
        raise InputError(fault.problems) from fault
    if "participant" not in text.columns:
        fix = "name the column of labels participant"
        raise InputError(
            Problem(text.name, f"{len(text.columns)} columns, none of them participant", "a column participant", fix)
        )
    names = [column for column in text.columns if column not in (*KEYS, "site")]
    keys = [_key(row) for row in text.rows]
    problems = [*_key_problems(keys, text), *_cell_problems(names, text)]
    if not names:
        problems.append(Problem(text.name, "no feature", "at least one column of numbers", "add the features"))
    if problems:
        more = len(problems) - _MOST_NAMED
        rest = (
            [Problem(text.name, f"{more} further problems", "none", "correct the first ones and run again")]
            if more > 0
            else []
        )
        raise InputError([*problems[:_MOST_NAMED], *rest])
    table = pd.DataFrame(keys, columns=list(KEYS), dtype=object)
    table["site"] = [row.get("site", "").strip() or source.site for row in text.rows]
    values = {name: [_value(row[name]) for row in text.rows] for name in names}
    return pd.concat([table, pd.DataFrame(values, dtype=float)], axis=1)


def _key(row: dict[str, str]) -> tuple[str, ...]:
    participant = row["participant"].strip().removeprefix("sub-")
    return (participant, *(row.get(part, absent).strip() or absent for part, absent in _WHEN_ABSENT.items()))


def _key_problems(keys: list[tuple[str, ...]], text: TextTable) -> Iterator[Problem]:
    first: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(keys):
        for part, label in zip(KEYS[:3], key[:3], strict=True):
            if not LABEL.fullmatch(label) and not (part == "session" and label == ""):
                yield Problem(text.where(row, part), repr(label), "letters and digits only", "rename the label")
        if key in first:
            labels = " ".join(label for label in key if label)
            found = f"{labels} again (first in row {first[key] + 2})"
            yield Problem(
                text.where(row), found, "one row per observation", "average the rows of one observation first"
            )
        first.setdefault(key, row)


def _cell_problems(names: list[str], text: TextTable) -> Iterator[Problem]:
    for name in names:
        for row, cells in enumerate(text.rows):
            cell = cells[name].strip()
            if cell not in MISSING and cell.casefold() != "nan" and parse_number(cell) is None:
                fix = "correct it, or move the column to the participants table"
                yield Problem(text.where(row, name), repr(cell), "a finite number, or n/a", fix)


def _value(cell: str) -> float:
    number = parse_number(cell)
    return float("nan") if number is None else number


def _parquet(path: Path) -> TextTable:
    if not path.is_file():
        raise TableError(Problem(path.name, "no such file", "a table", "correct features_table"))
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (ValueError, OSError) as error:
        raise TableError(Problem(path.name, "not readable as parquet", "a parquet file", "write it again")) from error
    columns = [str(column) for column in frame.columns]
    cells = [
        ["" if pd.isna(value) else str(value) for value in row] for row in frame.itertuples(index=False, name=None)
    ]
    return TextTable(path.name, tuple(columns), tuple(dict(zip(columns, row, strict=True)) for row in cells))
