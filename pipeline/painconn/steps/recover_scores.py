"""Recovery, from edges to scores: planted edges in people, and studies drawn from pools of people."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.cortex.registry import FUNCTIONAL_GROUPS
from painconn.cortex.template import parcellation
from painconn.errors import DesignError, Problem
from painconn.features.edges import block_names, blocks
from painconn.features.names import SEPARATOR, join
from painconn.inference import Family, compare_between
from painconn.provenance import seed_for
from painconn.simulation.planning import PowerCurve, fit_curves, m_of
from painconn.simulation.recovery import (
    FEWEST_PEOPLE,
    EdgeRecovery,
    Estimated,
    Pool,
    beside_pairs,
    detection_rate,
    edge_recovery,
    group_recovery,
    planted_pairs,
    power_of,
)
from painconn.simulation.recovery_grid import Cell, Studies
from painconn.steps.recover_cell import CORTEX

Arrays = Mapping[str, NDArray[Any]]

LEVEL = 0.05


def edge_scores(cell: Cell, arrays: Arrays, null: Arrays) -> pd.DataFrame:
    """Score the planted edges of a cell by every method.

    Parameters
    ----------
    cell : Cell
        Of a cohort with one group.
    arrays, null : mapping
        Of :func:`painconn.steps.recover_cell.edge_arrays`, the latter of the null cohort in the same cell.

    Returns
    -------
    scores : DataFrame
        A row per inverse, measure, band and number of epochs; intervals end in ``_low`` and ``_high``.
    """
    regions, couplings = parcellation().region_names, cell.people.couplings
    planted = planted_pairs(regions, couplings)
    rows = []
    for inverse, measure, band, n_epochs in _methods(cell):
        name = join(inverse, measure, band, str(n_epochs))
        cortex = join(CORTEX, measure, band, str(n_epochs))
        beside = beside_pairs(regions, couplings, arrays[join("leakage", inverse)])
        found, without = arrays[name].astype(float), null[name].astype(float)
        method = {"inverse": inverse, "measure": measure, "band": band, "n_epochs": n_epochs}
        n_people = np.count_nonzero(np.isfinite(found).all(axis=1) & np.isfinite(without).all(axis=1))
        if n_people < FEWEST_PEOPLE:
            rows.append(method | {"n_people": 0})
            continue
        scores = edge_recovery(found, without, arrays[cortex].astype(float), planted, beside, level=LEVEL)
        rows.append(method | _flat(scores))
    return _of_cell(cell, rows)


def _methods(cell: Cell) -> Iterator[tuple[str, str, str, int]]:
    part = cell.part
    for inverse in part.inverses:
        for measure in part.measures:
            for band in part.bands:
                for n_epochs in part.n_epochs:
                    yield inverse, measure, band, n_epochs


def _flat(scores: EdgeRecovery) -> dict[str, float]:
    row: dict[str, float] = {}
    for name, value in vars(scores).items():
        if isinstance(value, Estimated):
            row |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        elif isinstance(value, tuple):
            row |= dict(zip((f"{name}_q25", f"{name}_median", f"{name}_q75"), value, strict=True))
        else:
            row[name] = value
    return row


def _of_cell(cell: Cell, rows: list[dict[str, Any]]) -> pd.DataFrame:
    place = {"cohort": cell.cohort, "montage": cell.montage, "cleaning": cell.cleaning}
    return pd.DataFrame([place | row for row in rows])


def group_scores(cell: Cell, arrays: Arrays, studies: Studies) -> pd.DataFrame:
    """Draw studies from a pool and test each as the pipeline does, over its family of blocks x bands.

    Parameters
    ----------
    cell : Cell
        Of a cohort with two groups.
    arrays : mapping
        Of :func:`painconn.steps.recover_cell.edge_arrays`.
    studies : Studies

    Returns
    -------
    scores : DataFrame
        A row per inverse, measure, number of epochs and people per group. ``power``: the planted tests below 0.05
        family-wise, from the curve over all numbers of people (:func:`painconn.simulation.planning.fit_curves`), and
        ``power_found``: the share of the drawn studies themselves; ``power_alone``: below 0.05 without correction;
        ``others``: any test that is not planted below 0.05 family-wise (in a pool without effect: any test, the
        type-I rate of the family), its interval given the people of the pool; ``others_alone``: share of these tests
        below 0.05 without correction, ``g`` and ``g_sd``: mean and standard deviation of Hedges g of the planted
        tests. Without effect there is no ``power``.

    Raises
    ------
    DesignError
        Too few people have values to stand for anybody.
    """
    rows = []
    methods = {(inverse, measure, n_epochs) for inverse, measure, _, n_epochs in _methods(cell)}
    for inverse, measure, n_epochs in sorted(methods):
        features = _blocks(cell, arrays, inverse, measure, n_epochs)
        pool = _pool(cell, arrays["groups"], features.notna().all(axis=1).to_numpy(), n_epochs)
        planted = _planted_tests(cell, inverse, measure)
        found = {}
        for n_per_group in studies.n_per_group:
            # The same studies for every method, so that methods differ by what they see in the same people.
            seed = seed_for(cell.grid.seed, "studies", cell.cohort, str(n_per_group))
            test = _StudyTest(features, planted, studies, seed)
            found[n_per_group] = group_recovery(pool, test, n_per_group, studies.n_studies, seed=seed)
        curves = _curves(cell, pool, features, planted, found) if planted else {}
        for n_per_group, one in found.items():
            row = {"inverse": inverse, "measure": measure, "n_epochs": n_epochs, "n_per_group": n_per_group}
            row |= {"n_pool": len(pool.first), "n_studies": studies.n_studies}
            for name, curve in curves.items():
                row |= _rate(name, power_of(curve, n_per_group)) | {f"{name}_found": float(one[name].mean())}
            row |= _rate("others", detection_rate(one["others"].astype(bool)))
            row["others_alone"] = float(one["others_alone"].mean())
            if planted:
                row |= {"g": float(one["g"].mean()), "g_sd": float(one["g"].std(ddof=1))}
            rows.append(row)
    return _of_cell(cell, rows)


def _pool(cell: Cell, groups: NDArray[np.str_], whole: NDArray[np.bool_], n_epochs: int) -> Pool:
    """Return those who have all values, of a pool with an effect in both groups."""
    if cell.people.differ:
        first, second = (np.flatnonzero(groups == name) for name in sorted(cell.people.n_per_group))
        kept = whole[first] & whole[second]
        pool = Pool(first[kept], second[kept])
    else:
        pool = Pool(np.flatnonzero(whole), np.flatnonzero(whole))
    if len(pool.first) < FEWEST_PEOPLE:
        found, wanted = f"{len(pool.first)} people with values at {n_epochs} epochs", f"at least {FEWEST_PEOPLE}"
        fix = "simulate more people or a longer recording (rest_s), or ask for fewer epochs"
        raise DesignError(Problem(f"cohorts.{cell.cohort}", found, wanted, fix))
    return pool


def _curves(
    cell: Cell,
    pool: Pool,
    features: pd.DataFrame,
    planted: list[str],
    found: Mapping[int, Mapping[str, NDArray[np.float64]]],
) -> dict[str, PowerCurve]:
    """Fit power by people per group to what was found, over the largest of the effects if several tests are planted."""
    seen = max((pool.effect(features[name].to_numpy()) for name in planted), key=lambda effect: effect.value)
    m = np.array([m_of(n_per_group, "between") for n_per_group in found])
    n_tests = {"power": features.shape[1], "power_alone": 1}
    curves = {}
    for name, family_size in n_tests.items():
        hits = np.array([[one[name].sum() for one in found.values()]], dtype=np.intp)
        drawn = np.array([[len(one[name]) for one in found.values()]], dtype=np.intp)
        rng = np.random.default_rng(seed_for(cell.grid.seed, "power curves", cell.cohort, name))
        (curves[name],) = fit_curves([seen], m, hits, drawn, family_size=family_size, alpha=LEVEL, rng=rng)
    return curves


def _rate(name: str, rate: Estimated) -> dict[str, float]:
    return {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}


def _blocks(cell: Cell, arrays: Arrays, inverse: str, measure: str, n_epochs: int) -> pd.DataFrame:
    """Return everybody's row of blocks x bands, NaN where there is no value."""
    regions = parcellation().region_names
    above = np.triu_indices(len(regions), 1)
    columns: dict[str, NDArray[np.float64]] = {}
    for band in cell.part.bands:
        edges = arrays[join(inverse, measure, band, str(n_epochs))].astype(float)
        matrices = np.full((len(edges), len(regions), len(regions)), np.nan)
        matrices[:, *above] = edges
        matrices[:, *above[::-1]] = edges
        values = np.stack([blocks(matrix, regions, FUNCTIONAL_GROUPS) for matrix in matrices])
        names = block_names(measure, inverse, band, FUNCTIONAL_GROUPS)
        columns |= dict(zip(names, values.T, strict=True))
    return pd.DataFrame(columns)


def _planted_tests(cell: Cell, inverse: str, measure: str) -> list[str]:
    """Return the tests that hold a coupling on which the groups differ; blocks hold functional groups only."""
    of = {region: group for group, regions in FUNCTIONAL_GROUPS.items() for region in regions}
    moved = {effect.trait for effect in cell.people.effects if effect.by == "group"}
    wanted = {
        (one.rhythm, frozenset((of.get(leader), of.get(follower))))
        for one in cell.people.couplings
        if f"coupling:{one.name}" in moved
        for leader in one.leaders
        for follower in one.followers
    }
    found = []
    for band in cell.part.bands:
        for name in block_names(measure, inverse, band, FUNCTIONAL_GROUPS):
            if (band, frozenset(name.split(SEPARATOR)[-2:])) in wanted:
                found.append(name)
    return found


class _StudyTest:
    """The comparison of one drawn study."""

    def __init__(self, features: pd.DataFrame, planted: list[str], studies: Studies, seed: int) -> None:
        self._features = features
        self._planted = planted
        self._studies = studies
        self._seed = seed

    def __call__(self, people: NDArray[np.intp], second: NDArray[np.bool_]) -> dict[str, float]:
        """Return what was below 0.05."""
        labels = [f"{number:04d}" for number in range(len(people))]
        compared = compare_between(
            self._features.iloc[people].set_axis(pd.Index(labels), axis=0),
            pd.Series(np.where(second, "b", "a"), index=labels),
            a="a",
            b="b",
            families=[Family("blocks", "primary", tuple(self._features.columns))],
            n_permutations=self._studies.n_permutations,
            seed=self._seed,
        ).table.set_index("test")
        others = compared.drop(self._planted)
        found = {
            "others": float((others["p_fwe"] < LEVEL).any()),
            "others_alone": float((others["p"] < LEVEL).mean()),
        }
        if self._planted:
            planted = compared.loc[self._planted]
            found |= {
                "power": float((planted["p_fwe"] < LEVEL).any()),
                "power_alone": float((planted["p"] < LEVEL).any()),
                "g": float(planted["hedges_g"].mean()),
            }
        return found
