"""Rule ``acr2016``: fibromyalgia, 2016 revision of the 2010/2011 criteria.

Wolfe et al. 2016, Semin Arthritis Rheum 46:319-329. All of: widespread-pain index (WPI, 0-19) of 7 or more and
symptom severity (SSS, 0-12) of 5 or more, or WPI 4-6 and SSS 9 or more; pain in at least 4 of 5 regions (jaw, chest
and abdomen do not count); symptoms for at least 3 months. The diagnosis does not depend on other diagnoses.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from painconn.config.phenotype import Phenotype
from painconn.errors import Problem
from painconn.recordings.phenotype.body_sites import (
    N_REGIONS,
    SITES_PER_REGION,
    count_sites,
    painful_regions,
    site_answers,
)
from painconn.recordings.phenotype.evidence import (
    MISSING,
    Cut,
    Evidence,
    Outcome,
    Sitting,
    all_of,
    any_of,
    at_least,
)
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.registry import BODY_SITES, OTHER_SITES

_MOST_WPI, _MOST_SSS, _MOST_MONTHS = 19, 12, 1200
_SEVERITIES = ("fatigue", "unrefreshed", "cognition")
_SYMPTOMS = ("headache", "abdominal_pain", "depression")
_MOST_SEVERE = 3
_ALL_SITES = (*BODY_SITES, *OTHER_SITES)


def _cut(name: str, wpi: float, sss: float, wpi_low: float, sss_high: float, regions: float) -> Cut:
    limits = {"wpi": wpi, "sss": sss, "wpi_low": wpi_low, "sss_high": sss_high, "regions": regions, "months": 3.0}
    return Cut(name, limits)


_CHOSEN = _cut("2016", 7, 5, 4, 9, 4)
_CUTS = (
    _cut("2011 (no generalized pain, WPI 3-6)", 7, 5, 3, 9, 0),
    _cut("2016, WPI and SSS one lower", 6, 4, 3, 8, 4),
    _CHOSEN,
    _cut("2016, WPI and SSS one higher", 8, 6, 5, 10, 4),
)


def score_criteria(rows: Rows, phenotype: Phenotype, people: pd.DataFrame, controls: frozenset[str]) -> Evidence:
    """Read WPI, SSS, regions and duration: as totals, counted from their items, or both when they agree."""
    answers = site_answers(rows, _ALL_SITES)
    columns = {
        "wpi": rows.total("wpi", _MOST_WPI, [count_sites(row, _ALL_SITES) for row in answers] if answers else None),
        "regions": rows.total("regions", N_REGIONS, [painful_regions(row) for row in answers] if answers else None),
        "sss": rows.total("sss", _MOST_SSS, _symptom_sums(rows)),
        "months": rows.numbers("months", 0, _MOST_MONTHS) if rows.require("months") else [],
    }
    if rows.problems:
        return Evidence((), _judge, _CUTS, _CHOSEN)
    sittings = []
    for place, label in enumerate(rows.labels):
        values = {name: column[place] for name, column in columns.items()}
        rows.problems.extend(_impossible(rows.text.where(place), values["wpi"], values["regions"]))
        missing = tuple(name for name, value in values.items() if value is None)
        sittings.append(Sitting(label, rows.numbers_of_rows([place]), values, missing))
    return Evidence(tuple(sittings), _judge, _CUTS, _CHOSEN)


def _impossible(where: str, wpi: float | None, regions: float | None) -> Iterator[Problem]:
    if wpi is None or regions is None:
        return
    most = SITES_PER_REGION * regions + len(OTHER_SITES)
    if not regions <= wpi <= most:
        wanted = f"a WPI from {regions:g} to {most:g} with {regions:g} regions"
        fix = "count again: a painful region has one to three of its sites, and four sites belong to no region"
        yield Problem(where, f"WPI {wpi:g} with {regions:g} regions", wanted, fix)


def _symptom_sums(rows: Rows) -> list[float | None] | None:
    if not rows.has(*_SEVERITIES, *_SYMPTOMS):
        return None
    severities = [rows.numbers(item, 0, _MOST_SEVERE, whole=True) for item in _SEVERITIES]
    symptoms = [rows.answers(item) for item in _SYMPTOMS]
    items = zip(*severities, *symptoms, strict=True)
    return [None if None in person else float(sum(map(float, person))) for person in items]


def _judge(values: Mapping[str, Any], cut: Cut) -> Outcome:
    limits = cut.limits
    wpi, sss = values["wpi"], values["sss"]
    # With 7 or more sites the second pair follows from the first, so that its upper limit of 6 changes nothing.
    extent = any_of(
        (
            all_of((at_least(wpi, limits["wpi"]), at_least(sss, limits["sss"]))),
            all_of((at_least(wpi, limits["wpi_low"]), at_least(sss, limits["sss_high"]))),
        )
    )
    criteria = {
        "WPI and SSS": extent,
        "generalized pain": True if not limits["regions"] else at_least(values["regions"], limits["regions"]),
        "duration": at_least(values["months"], limits["months"]),
    }
    unmet = tuple(name for name, met in criteria.items() if met is False)
    met = all_of(criteria.values())
    if met is None:
        return Outcome(None, MISSING, unmet)
    return Outcome("fibromyalgia" if met else "no_fibromyalgia", unmet=unmet)
