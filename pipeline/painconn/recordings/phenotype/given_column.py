"""Rule ``given_column``: the label is what a column says."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from painconn.config.phenotype import Phenotype
from painconn.errors import Problem
from painconn.recordings.participants import cell_or_none
from painconn.recordings.phenotype.evidence import MISSING, Cut, Evidence, Outcome, Sitting
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.tables import DATE

_AS_GIVEN = Cut("as given", {})


def read_column(rows: Rows, phenotype: Phenotype, people: pd.DataFrame, controls: frozenset[str]) -> Evidence:
    """Take the labels of a column; there is nothing to compute and no cut-off."""
    column = str(phenotype.column)
    sittings = []
    for place, (label, row) in enumerate(zip(rows.labels, rows.text.rows, strict=True)):
        given = cell_or_none(row[column])
        if given == DATE:
            where = rows.text.where(place, column)
            rows.problems.append(Problem(where, DATE, "a label", "write the cell as text"))
        missing = () if given else (column,)
        sittings.append(Sitting(label, rows.numbers_of_rows([place]), {"given": given}, missing))
    return Evidence(tuple(sittings), _judge, (_AS_GIVEN,), _AS_GIVEN)


def _judge(values: Mapping[str, Any], cut: Cut) -> Outcome:
    given = values["given"]
    return Outcome(None, MISSING) if given is None else Outcome(str(given))
