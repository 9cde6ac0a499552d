"""How well columns tell the sites apart, before and after harmonisation.

Conventions of this file: each site is told from all others (of two sites one is asked for) by the ridge classifier on
folds of their own, harmonisation being learned inside them. Two looks: at the columns themselves, which tell a shift;
and, since a linear classifier sees no other difference, at how far each column lies from its training mean at the own
site, which tells how widely the columns of a site spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.errors import DesignError
from painconn.prediction.folds import Rows, RowStep
from painconn.prediction.harmonisation import SiteHarmonisation
from painconn.prediction.intervals import auc_interval
from painconn.prediction.probes import FEWEST, HIGH, LOW, N_PERMUTATIONS, read_from_features
from painconn.provenance import seed_for


@dataclass(frozen=True)
class Distance:
    """A step of the fold: how far each value lies from the training mean of its column."""

    def rows(self, order: Rows) -> Self:
        """Return the same step, which knows nothing of rows."""
        return self

    def __call__(self, values: NDArray[np.float64], train: Rows) -> NDArray[np.float64]:
        """Return the distances, shape (n, p)."""
        return np.asarray(np.abs(values - values[train].mean(axis=0)))


def probe_sites(
    features: pd.DataFrame,
    participants: Sequence[str],
    sites: Sequence[str],
    *,
    harmonisation: SiteHarmonisation | None,
    seed: int,
    n_permutations: int = N_PERMUTATIONS,
) -> list[dict[str, Any]]:
    """Ask how well each site is told from the others.

    Parameters
    ----------
    features : DataFrame, (n, p)
        A row per person.
    participants, sites : sequence of str, length n
        Whose row it is, and of which site.
    harmonisation : SiteHarmonisation or None
        As the target has it, rows as in the features.
    seed : int
        Study seed.
    n_permutations : int
        Behind each p and interval.

    Returns
    -------
    findings : list of dict
        ``site``, ``n`` (its people), ``n_others``, and ``mean_before``, ``spread_before`` and, with harmonisation,
        ``mean_after``, ``spread_after``: each ``auc``, ``ci`` (95 %) and ``p``; or ``reason`` why nothing is said.
    """
    own = np.asarray(sites, dtype=np.str_)
    names = sorted(set(own.tolist()))
    found = []
    for site in names[-1:] if len(names) == 2 else names:
        n = int(np.sum(own == site))
        about = {"site": site, "n": n, "n_others": len(own) - n}
        if min(n, len(own) - n) < FEWEST:
            found.append(about | {"reason": f"fewer than {FEWEST} people on one side of it"})
            continue
        classes = np.where(own == site, HIGH, LOW).tolist()
        centred = SiteHarmonisation(own, "centre_site")
        looks: dict[str, tuple[RowStep, ...]] = {"mean_before": (), "spread_before": (centred, Distance())}
        if harmonisation is not None:
            looks |= {"mean_after": (harmonisation,), "spread_after": (harmonisation, centred, Distance())}
        answers: dict[str, Any]
        try:
            answers = {
                look: _answer(features, participants, classes, steps, seed_for(seed, "site", site), n_permutations)
                for look, steps in looks.items()
            }
        except DesignError:
            answers = {"reason": "too few people on one side of it"}
        found.append(about | answers)
    return found


def _answer(
    features: pd.DataFrame,
    participants: Sequence[str],
    classes: list[str],
    steps: Sequence[RowStep],
    seed: int,
    n_permutations: int,
) -> dict[str, Any]:
    reading = read_from_features(
        features, participants, classes, kind="between", seed=seed, n_permutations=n_permutations, steps=steps
    )
    interval = auc_interval(reading.auc, reading.null, n_a=classes.count(LOW), n_b=classes.count(HIGH))
    return {"auc": reading.auc, "ci": list(interval), "p": reading.p}
