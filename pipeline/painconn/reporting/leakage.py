"""How far the regions of this study can be told apart, and which results that touches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from painconn.reporting.notation import count, number, place, plural
from painconn.reporting.records import records
from painconn.reporting.results import StudyResults
from painconn.reporting.tables import Table

HALF = 0.5

_MEASURED = ("own_share", "localisation_error_mm", "spread_mm")


@dataclass(frozen=True)
class LeakageView:
    """The section about leakage: what was found, and every region with its numbers."""

    sentences: tuple[str, ...]
    regions: Table


def leakage_view(results: StudyResults) -> LeakageView | None:
    """Return the section about leakage; None when nothing about it was saved."""
    if results.leakage is None or results.leakage_regions is None:
        return None
    return LeakageView(tuple(leakage_sentences(results)), _region_table(results.leakage_regions))


def leakage_sentences(results: StudyResults) -> list[str]:
    """Say what was measured, the limits, and per inverse how much lies beyond them and what a true edge does."""
    if results.leakage is None:
        return []
    limits = results.leakage["limits"]
    said = [
        "Leakage was computed from the resolution matrix of every kernel (median over "
        f"{plural(results.leakage['n_sessions'], 'session')}), true sources being independent, equally strong and "
        f"along the cortical normal. A region is marked when less than {100 * limits['min_own_share']:g} % of its "
        "estimated variance comes from itself, or when its sources show most strongly more than "
        f"{limits['max_localisation_error_mm']:g} mm away (median); a pair is marked when mixing alone correlates its "
        f"estimates above {limits['max_pair_leakage']:g}, or when one of its regions is marked."
    ]
    said += [_sentence(inverse, found) for inverse, found in results.leakage["inverses"].items()]
    return [*said, "Measures that are blind to zero lag do not protect from such ghosts of a true coupling."]


def family_sentence(tests: pd.DataFrame) -> str:
    """Say once for a family how far its blocks speak of the regions by name; empty without blocks or edges.

    Parameters
    ----------
    tests : DataFrame
        Rows of ``compare.tsv``.
    """
    if "leakage_beyond" not in tests or tests["leakage_beyond"].isna().all():
        return ""
    known = tests.dropna(subset=["leakage_beyond"])
    mostly = int((known["leakage_beyond"] >= HALF).sum())
    said = (
        f"Leakage: in {count(mostly)} of {plural(len(known), 'test')} at least half of the edges join regions of which "
        "one is not told from its surroundings within the limits, or the two not from each other; mixing alone "
        f"correlates the estimates at {number(known['leakage'].median())} (median over tests of the mean over edges, "
        f"from {number(known['leakage'].min())} to {number(known['leakage'].max())})."
    )
    return f"{said} Such tests speak of these parts of the head, not of the regions by name." if mostly else said


def _sentence(inverse: str, found: Mapping[str, Any]) -> str:
    return (
        f"{inverse}: {count(found['regions_marked'])} of {plural(found['n_regions'], 'region')} and "
        f"{count(found['pairs_marked'])} of {plural(found['n_pairs'], 'pair')} are marked. A lagged coupling of two "
        "places shows, at least half as strongly as where it shows most, between "
        f"{number(found['pairs_per_edge'], 0)} pairs of regions on average; the pair that it belongs to is among them "
        f"in {number(100 * found['edges_found'], 0)} % of cases."
    )


def _region_table(regions: pd.DataFrame) -> Table:
    """Return a row per region, the measures of every inverse beside each other; marked ones are set off."""
    inverses = list(dict.fromkeys(regions["inverse"]))
    by_region: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in records(regions):
        by_region.setdefault(str(row["region"]), {})[str(row["inverse"])] = row
    rows, marked = [], []
    for index, (region, found) in enumerate(by_region.items()):
        rows.append((place(region), *(cell for inverse in inverses for cell in _cells(found[inverse]))))
        if any(_beyond(found[inverse]) for inverse in inverses):
            marked.append(index)
    header = ("region", *(f"{inverse}: {name}" for inverse in inverses for name in _HEADINGS))
    return Table(
        caption="Leakage of every region: share of its estimated variance that comes from itself, distance from its "
        "sources to where they show most, spatial deviation of their point spread, and which limit is exceeded (bold).",
        header=header,
        rows=tuple(rows),
        marked=frozenset(marked),
    )


_HEADINGS = ("own share, %", "localisation error, mm", "spread, mm", "beyond the limit of")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    share, error, spread = (row[name] for name in _MEASURED)
    return number(100 * share, 1), number(error, 0), number(spread, 0), _beyond(row) or "–"


def _beyond(row: Mapping[str, Any]) -> str:
    return row["beyond"] if isinstance(row["beyond"], str) else ""
