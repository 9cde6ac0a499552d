"""Painful sites of a body map: the 15 sites of generalized pain in five regions, and the four that do not count there.

Wolfe et al. 2016, Semin Arthritis Rheum 46:319-329: five regions of three sites each; jaw, chest and abdomen belong
to the widespread-pain index, not to generalized pain.
"""

from collections.abc import Sequence

from painconn.recordings.phenotype.evidence import any_of
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.registry import BODY_SITES

N_SITES, N_REGIONS, SITES_PER_REGION = 15, 5, 3

Answers = dict[str, bool | None]


def site_answers(rows: Rows, sites: Sequence[str]) -> list[Answers] | None:
    """Return for each row which sites hurt; None when the table does not have a column for each of them."""
    if not rows.has(*sites):
        return None
    columns = {site: rows.answers(site) for site in sites}
    return [{site: answers[place] for site, answers in columns.items()} for place in range(len(rows.labels))]


def count_sites(answers: Answers, sites: Sequence[str]) -> float | None:
    """Return how many of the sites hurt; None when one is not known."""
    known = [answers[site] for site in sites]
    return None if None in known else float(sum(map(bool, known)))


def painful_regions(answers: Answers) -> float | None:
    """Return how many of the five regions have a painful site; None when that depends on what is not known."""
    hurts = [
        any_of(answers[site] for site, region in BODY_SITES.items() if region == chosen)
        for chosen in dict.fromkeys(BODY_SITES.values())
    ]
    return None if None in hurts else float(sum(map(bool, hurts)))
