"""Pinprick ratings, one by one: from a table with a row per trial, or with a column per site."""

from dataclasses import dataclass

from painconn.config.phenotype import Phenotype
from painconn.errors import Problem
from painconn.recordings.participants import folded
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.sidecars import parse_number
from painconn.recordings.tables import says_nothing

_LONG, _WIDE = ("site", "rating"), ("painful", "remote")


@dataclass(frozen=True)
class Trial:
    """One rating; None: none was given.

    `row` is the number of the row in the file, `force` and `session` are empty where the table does not have them.
    """

    participant: str
    session: str
    site: str
    force: str
    rating: float | None
    row: int


def read_trials(rows: Rows, phenotype: Phenotype) -> tuple[list[Trial], tuple[str, ...]]:
    """Return every rating of the two sites, and notes about rows that belong to neither."""
    long, wide = rows.has(*_LONG), rows.has(*_WIDE)
    if long == wide:
        found = "columns for one row per trial and for one column per site" if long else "neither kind of column"
        wanted = "site and rating (a row per trial), or painful and remote (a column per site)"
        rows.problems.append(
            Problem(f"{rows.text.name}, data.phenotype.columns", found, wanted, "name the columns of one kind")
        )
        return [], ()
    return _from_trials(rows, phenotype) if long else (_from_sites(rows, phenotype), ())


def _from_trials(rows: Rows, phenotype: Phenotype) -> tuple[list[Trial], tuple[str, ...]]:
    ratings = rows.numbers("rating", *phenotype.rating_range)
    column = rows.columns_of("site")[0]
    named = {text: site for site, text in phenotype.sites.items()}
    nearly = {folded(text): text for text in named}
    trials, others = [], dict[str, int]()
    for place, row in enumerate(rows.text.rows):
        text = row[column].strip()
        if text in named:
            trials.append(_trial(rows, place, named[text], ratings[place]))
        elif folded(text) in nearly:
            meant = f"{nearly[folded(text)]!r}"
            rows.problems.append(Problem(rows.text.where(place, column), repr(text), meant, "write it alike"))
        else:
            others[text] = others.get(text, 0) + 1
    absent = [text for text, site in named.items() if site not in {trial.site for trial in trials}]
    if absent and not rows.problems:
        there = ", ".join(sorted(others)) or "no other site"
        fix = "correct data.phenotype.sites"
        rows.problems.append(Problem(f"{rows.text.name} column {column}", there, f"rows of {', '.join(absent)}", fix))
    count = sum(others.values())
    return trials, ((f"{count} rows of {len(others)} other sites were not used",) if others else ())


def _from_sites(rows: Rows, phenotype: Phenotype) -> list[Trial]:
    return [
        _trial(rows, place, site, rating)
        for site in _WIDE
        for column in rows.columns_of(site)
        for place, rating in enumerate(rows.numbers_in(column, *phenotype.rating_range))
    ]


def _trial(rows: Rows, place: int, site: str, rating: float | None) -> Trial:
    row = rows.text.rows[place]
    force, session = (row[rows.columns_of(role)[0]].strip() if rows.has(role) else "" for role in ("force", "session"))
    number = parse_number(force)
    force = f"{number:g}" if number is not None else "" if says_nothing(force) else force
    return Trial(rows.labels[place], session, site, force, rating, rows.text.number(place))
