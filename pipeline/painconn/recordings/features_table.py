"""Layout ``features``: a ready table, one row per observation, so that the statistics run without the EEG."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from painconn.config.data import Source
from painconn.errors import InputError, Problem
from painconn.recordings.pattern import LABEL
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import MISSING, TableError, TextTable, read_text_table

KEYS = ("participant", "session", "condition", "window")
_WHEN_ABSENT = {"session": "", "condition": "all", "window": "epoch"}
_EPOCH = "epoch"
_N_EPOCHS = "quality__n_epochs"
_MOST_NAMED = 12
_SAYS_SOMETHING = 5
"""Different numbers in a row from which two people cannot have the same by chance."""


def read_features(source: Source, root: Path) -> pd.DataFrame:
    """Read a features table (tsv, csv or parquet).

    Returns
    -------
    features : DataFrame
        Columns participant, session, condition, window and site as text, then one float column per feature. A table
        without session, condition or window gets ``""``, ``all`` and ``epoch``. Cells without a value are NaN. Of a
        table with a column ``epoch`` each observation is the mean of its rows, and ``quality__n_epochs`` their number.

    Raises
    ------
    InputError
        Everything that is wrong: no participant column, hostile labels, an observation (or an epoch of it) twice, two
        people with the same numbers, an observation of two sites, cells that are no finite numbers.
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
    names = [column for column in text.columns if column not in (*KEYS, _EPOCH, "site")]
    keys = [_key(row) for row in text.rows]
    sites = [row.get("site", "").strip() or source.site for row in text.rows]
    values = pd.DataFrame({name: [_value(row[name]) for row in text.rows] for name in names}, dtype=float)
    problems = [*_key_problems(keys, text), *_cell_problems(names, text)]
    problems += [*_site_problems(keys, sites, text), *_copies(keys, values, text)]
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
    table["site"] = sites
    table = pd.concat([table, values], axis=1)
    return _mean_over_epochs(table) if _EPOCH in text.columns else table


def _mean_over_epochs(table: pd.DataFrame) -> pd.DataFrame:
    """Make epochs observations: rows of one person are no independent samples, whatever their number."""
    groups = table.groupby([*KEYS, "site"], sort=False)
    means = groups.mean()
    if _N_EPOCHS not in means:
        means[_N_EPOCHS] = groups.size().astype(float)
    return means.reset_index()


def _key(row: dict[str, str]) -> tuple[str, ...]:
    participant = row["participant"].strip().removeprefix("sub-")
    return (participant, *(row.get(part, absent).strip() or absent for part, absent in _WHEN_ABSENT.items()))


def _key_problems(keys: list[tuple[str, ...]], text: TextTable) -> Iterator[Problem]:
    first: dict[tuple[str, ...], int] = {}
    of_epochs = _EPOCH in text.columns
    for row, key in enumerate(keys):
        for part, label in zip(KEYS[:3], key[:3], strict=True):
            if not LABEL.fullmatch(label) and not (part == "session" and label == ""):
                yield Problem(text.where(row, part), repr(label), "letters and digits only", "rename the label")
        own = (*key, text.rows[row][_EPOCH].strip()) if of_epochs else key
        if own in first:
            labels = " ".join(label for label in own if label)
            found = f"{labels} again (first in row {first[own] + 2})"
            wanted = "one row per epoch" if of_epochs else "one row per observation"
            fix = "number the epochs of an observation" if of_epochs else (
                "average the rows of one observation first, or number them in a column epoch: they are averaged then"
            )  # fmt: skip
            yield Problem(text.where(row), found, wanted, fix)
        first.setdefault(own, row)


def _site_problems(keys: list[tuple[str, ...]], sites: list[str], text: TextTable) -> Iterator[Problem]:
    first: dict[tuple[str, ...], str] = {}
    for row, (key, site) in enumerate(zip(keys, sites, strict=True)):
        if first.setdefault(key, site) != site:
            yield Problem(text.where(row, "site"), site, f"{first[key]}, as in its other rows", "correct the table")


def _copies(keys: list[tuple[str, ...]], values: pd.DataFrame, text: TextTable) -> Iterator[Problem]:
    """Find people who have all their numbers from somebody else: one recording under two names."""
    first: dict[bytes, int] = {}
    for row, numbers in enumerate(values.to_numpy()):
        if len(np.unique(numbers[np.isfinite(numbers)])) < _SAYS_SOMETHING:
            continue
        other = first.setdefault(numbers.tobytes(), row)
        if keys[other][0] != keys[row][0]:
            found = f"the same numbers as row {other + 2}, which is another participant"
            yield Problem(text.where(row), found, "one recording under one name", "leave one of the two out")


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
