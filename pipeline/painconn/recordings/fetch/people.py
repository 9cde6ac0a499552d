"""``participants.tsv`` for a dataset that keeps its people in another table."""

import csv
import io
from pathlib import Path

from painconn.errors import Problem
from painconn.recordings.fetch.catalogue import ParticipantsSource
from painconn.recordings.fetch.safe_paths import place_below
from painconn.recordings.fetch.sums import replace_text
from painconn.recordings.fetch.web import ProviderError
from painconn.recordings.tables import MISSING, TableError, TextTable, read_text_table

PARTICIPANTS = "participants.tsv"


def make_participants(how: ParticipantsSource, folder: Path) -> dict[str, str]:
    """Write the participants table from a table of the dataset; one that is there is never touched.

    Parameters
    ----------
    how : ParticipantsSource
        Which table, which of its columns under which names, and what their cells stand for.
    folder : Path
        Folder of the dataset.

    Returns
    -------
    made : dict
        ``participants.tsv`` to the path it was made from; empty when nothing was written.

    Raises
    ------
    ProviderError
        The source cannot be read, or has other columns or cells than stated: all of them at once.
    """
    source = place_below(folder, how.source)
    if place_below(folder, PARTICIPANTS).exists() or not source.exists():
        return {}
    try:
        table = read_text_table(source, name=how.source)
    except TableError as error:
        raise ProviderError(error.problems) from None
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(how.columns.values())
    writer.writerows(_rows(how, table))
    replace_text(folder, PARTICIPANTS, text.getvalue())
    return {PARTICIPANTS: how.source}


def _rows(how: ParticipantsSource, table: TextTable) -> list[list[str]]:
    """Return the cells of the new table."""
    fix = f"write {PARTICIPANTS} yourself, and tell painconn that the dataset has changed"
    lacking = [column for column in how.columns if column not in table.columns]
    if lacking:
        found, wanted = f"no column {', '.join(lacking)}", f"the columns {', '.join(how.columns)}"
        raise ProviderError(Problem(f"{table.name} header", found, wanted, fix))
    rows, problems = [], []
    for number, row in enumerate(table.rows):
        cells = []
        for old, new in how.columns.items():
            cell = row[old].strip()
            meaning = how.values.get(new)
            if cell in MISSING:
                cell = "n/a"
            elif meaning is not None and cell not in meaning:
                problems.append(Problem(table.where(number, old), "another value", " or ".join(meaning), fix))
            elif meaning is not None:
                cell = meaning[cell]
            cells.append(cell)
        rows.append(cells)
    if problems:
        raise ProviderError(problems)
    return rows
