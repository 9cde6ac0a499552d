"""Whether a label can be told from the site: what harmonisation, strata and covariates cannot take apart."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from scipy.stats.contingency import association

TIED_FROM = 0.5
"""Cramer's V of site and label from which they are called tied."""


def site_label(sites: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Say how site and label go together.

    Parameters
    ----------
    sites, labels : sequence of str, length n
        One entry per person; at least two sites.

    Returns
    -------
    record : dict
        ``counts`` (people by site and label), ``cramers_v`` (0 to 1; None with one label), ``one_label`` (sites whose
        people all have the same label), ``tied``, and ``note``, empty when nothing has to be said. They are tied from
        V = 0.5, or when a site has one label only.
    """
    counts = pd.crosstab(pd.Series(list(sites), name="site"), pd.Series(list(labels), name="label"))
    v = float(association(counts.to_numpy(), method="cramer")) if min(counts.shape) > 1 else None
    one_label = [str(site) for site in counts.index[(counts > 0).sum(axis=1) == 1]]
    tied = bool(one_label) or (v is not None and v >= TIED_FROM)
    return {
        "counts": {str(site): {str(label): int(n) for label, n in row.items()} for site, row in counts.iterrows()},
        "cramers_v": v,
        "one_label": one_label,
        "tied": tied,
        "note": _note(v, one_label) if tied else "",
    }


def _note(v: float | None, one_label: list[str]) -> str:
    found = [f"Cramer's V of site and label is {v:.2f}"] if v is not None and v >= TIED_FROM else []
    if one_label:
        found.append(f"everybody of {', '.join(one_label)} has the same label")
    return (
        f"{' and '.join(found)}: what differs between the sites cannot be told from what differs between the groups, "
        "and harmonisation cannot separate them"
    )
