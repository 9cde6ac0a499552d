"""How the groups were made: the rule, whom it calls what, and how much of that hangs on the cut-off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from painconn.reporting.notation import count, is_number, listing, number, plural, significant, words
from painconn.reporting.records import records
from painconn.reporting.results import StudyResults
from painconn.reporting.tables import Table

_COUNTED = ("cut", "chosen", "changed", "expected_false_positives")


@dataclass(frozen=True)
class PhenotypeView:
    """The section of the page: sentences and tables."""

    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def phenotype_view(results: StudyResults) -> PhenotypeView | None:
    """Return the section; None when no rule made labels.

    People are counted by label, never crossed with age, sex or site, and never named.
    """
    record = results.phenotype
    if not record:
        return None
    tables = [_labels_table(record)]
    if _sites(record):
        tables.append(_reference_table(record))
    if results.phenotype_sensitivity is not None:
        tables.append(_sensitivity_table(results.phenotype_sensitivity))
    return PhenotypeView(phenotype_sentences(results), tuple(tables), tuple(record.get("notes") or ()))


def phenotype_sentences(results: StudyResults) -> tuple[str, ...]:
    """Say which rule made the labels, on what they rest and how many people change theirs at another cut-off."""
    record: Mapping[str, Any] = results.phenotype or {}
    counts: Mapping[str, int] = record.get("counts") or {}
    told = [
        f"Labels came from the rule “{words(str(record.get('rule')))}”, version {record.get('version')} "
        f"({str(record.get('description')).rstrip('.')}); cut-off: {record.get('cut')}.",
        f"People: {listing([f'{count(n)} {words(label)}' for label, n in counts.items()])}"
        + (f" ({listing(reasons)})" if (reasons := _reasons(record)) else "")
        + ". Whoever is unclassified belongs to no group.",
    ]
    sites = _sites(record)
    if sites:
        adjusted = listing([words(str(name)) for name in record["facts"].get("adjusted_for") or []]) or "nothing"
        parts = [
            f"{count(site.get('n_controls'))} controls at the {name} site (of people like them "
            f"{_percent(site.get('expected_false_positive_rate'))} are expected above the cut-off)"
            for name, site in sites.items()
        ]
        told.append(f"The values are relative to {listing(parts)}, adjusted for {adjusted}.")
    table = results.phenotype_sensitivity
    if table is not None:
        changes = [
            f"{plural(int(row['changed']), 'person', 'people')} at {row['cut']}"
            for row in records(table)
            if row["chosen"] != "yes"
        ]
        told.append(f"With another cut-off the label changes for {listing(changes)}.")
    return tuple(told)


def _sites(record: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return (record.get("facts") or {}).get("sites") or {}


def _reasons(record: Mapping[str, Any]) -> list[str]:
    return [f"{why}: {n}" for why, n in (record.get("why_unclassified") or {}).items()]


def _percent(share: Any) -> str:
    return f"{number(100 * share, 1)} %" if is_number(share) else "an unknown share"


def _labels_table(record: Mapping[str, Any]) -> Table:
    rows = [(words(label), count(n)) for label, n in (record.get("counts") or {}).items()]
    rows += [(f"unclassified: {why}", count(n)) for why, n in (record.get("why_unclassified") or {}).items()]
    caption = f"People of the participants table by label (rule {record.get('rule')}, version {record.get('version')})."
    return Table(caption, ("label", "people"), tuple(rows))


def _reference_table(record: Mapping[str, Any]) -> Table:
    rows = [
        (
            name,
            count(site.get("n_controls")),
            count(site.get("degrees_of_freedom")),
            significant(site.get("sd_log_rating")),
            _percent(site.get("expected_false_positive_rate")),
            count(site.get("controls_above_cut")),
        )
        for name, site in _sites(record).items()
    ]
    header = ("site", "controls", "degrees of freedom", "SD of log ratings", "expected above", "controls above")
    caption = (
        "The controls that the values are relative to. Expected above: the share of people like them above the "
        "cut-off, larger than under the normal curve because the controls are few; controls above: each compared with "
        "the others."
    )
    return Table(caption, header, tuple(rows))


def _sensitivity_table(table: pd.DataFrame) -> Table:
    labels = [str(column) for column in table.columns if column not in _COUNTED]
    expected = "expected_false_positives" in table.columns
    rows = [
        (
            str(row["cut"]),
            *(count(row[label]) for label in labels),
            count(row["changed"]),
            *([_percent(row["expected_false_positives"])] if expected else []),
        )
        for row in records(table)
    ]
    marked = frozenset(place for place, row in enumerate(records(table)) if row["chosen"] == "yes")
    header = ("cut-off", *map(words, labels), "label changes", *(["expected above at one site"] if expected else []))
    caption = "The same values at neighbouring cut-offs; the one that made the labels is set off."
    return Table(caption, header, tuple(rows), marked)
