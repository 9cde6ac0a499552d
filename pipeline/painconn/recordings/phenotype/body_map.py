"""Rule ``body_map``: how many of 15 body sites hurt, and in how many of five regions.

Wolfe et al. 2019, Scand J Pain (WP2019): widespread pain is pain at 7 or more of the 15 sites, in 4 or 5 of the five
regions. The cut-off is the number of sites; with 4 it is the generalized pain of the 2016 fibromyalgia criteria,
which asks for the regions only. *localized* is pain in exactly one region (our choice); what lies between is
unclassified.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from painconn.config.phenotype import Phenotype
from painconn.errors import Problem
from painconn.recordings.phenotype.body_sites import (
    N_REGIONS,
    N_SITES,
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
    at_least,
    number_cuts,
)
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.registry import BODY_SITES

CUT, NEIGHBOURS = 7.0, (4.0, 6.0, 8.0)
BETWEEN = "between"
_MIN_REGIONS = 4.0


def count_regions(rows: Rows, phenotype: Phenotype, people: pd.DataFrame, controls: frozenset[str]) -> Evidence:
    """Read the numbers of painful sites and regions: as totals, counted from the sites, or both when they agree."""
    chosen, cuts = number_cuts(phenotype, CUT, NEIGHBOURS, name="{:g} sites", limit="sites")
    answers = site_answers(rows, tuple(BODY_SITES))
    sites = rows.total("sites", N_SITES, [count_sites(row, tuple(BODY_SITES)) for row in answers] if answers else None)
    regions = rows.total("regions", N_REGIONS, [painful_regions(row) for row in answers] if answers else None)
    if rows.problems:
        return Evidence((), _judge, cuts, chosen)
    sittings = []
    for place, (label, n_sites, n_regions) in enumerate(zip(rows.labels, sites, regions, strict=True)):
        if n_sites is not None and n_regions is not None and not n_regions <= n_sites <= SITES_PER_REGION * n_regions:
            found = f"{n_sites:g} sites in {n_regions:g} regions"
            fix = "count again: only the 15 sites of the five regions count"
            wanted = f"one to {SITES_PER_REGION} sites per painful region"
            rows.problems.append(Problem(rows.text.where(place), found, wanted, fix))
        values = {"sites": n_sites, "regions": n_regions}
        missing = tuple(name for name, value in values.items() if value is None)
        sittings.append(Sitting(label, rows.numbers_of_rows([place]), values, missing))
    return Evidence(tuple(sittings), _judge, cuts, chosen)


def _judge(values: Mapping[str, Any], cut: Cut) -> Outcome:
    sites, regions = values["sites"], values["regions"]
    widespread = all_of((at_least(sites, cut.limits["sites"]), at_least(regions, _MIN_REGIONS)))
    if widespread:
        return Outcome("widespread")
    if sites == 0 or regions == 0:
        return Outcome("no_pain")
    if regions == 1:
        return Outcome("localized")
    return Outcome(None, MISSING if widespread is None or regions is None else BETWEEN)
