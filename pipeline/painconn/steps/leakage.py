"""Leakage of a study: what is kept of every session, the tables of the study, and the marks on its tests."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.config.cortex import LeakageConfig
from painconn.cortex.leakage import Leakage
from painconn.features.names import join
from painconn.paths import Results, SessionKey
from painconn.store import Writer, read_arrays, read_json, read_tsv, save_json, save_tsv, write_arrays

FILES = ("leakage_regions.tsv", "leakage_pairs.tsv", "leakage.json")
MARKS = ("leakage", "leakage_beyond", "leakage_marked")
_PLACES_FROM = 3

Edge = frozenset[str]


def leakage_file(key: SessionKey) -> str:
    """Return the name of a session's file, beside its connectivity."""
    return f"{key.name}_desc-leakage.npz"


def leakage_writer(leakages: Mapping[str, Leakage]) -> Writer:
    """Return the writer of a session's leakage, by inverse."""
    arrays = {
        join(inverse, name): values for inverse, found in leakages.items() for name, values in found.as_arrays().items()
    }
    return partial(_save, arrays)


def _save(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    write_arrays(path, arrays)


def read_leakage(results: Results, key: SessionKey) -> dict[str, Leakage]:
    """Return what `leakage_writer` wrote, by inverse."""
    arrays = read_arrays(results.connectivity(key).with_name(leakage_file(key)))
    by_inverse: dict[str, dict[str, NDArray[Any]]] = {}
    for name, values in arrays.items():
        inverse, quantity = name.split(join("", ""))
        by_inverse.setdefault(inverse, {})[quantity] = values
    return {inverse: Leakage.from_arrays(own) for inverse, own in by_inverse.items()}


def leakage_files(
    sessions: Sequence[Mapping[str, Leakage]], regions: Sequence[str], limits: LeakageConfig
) -> dict[str, Writer]:
    """Return the study's files about leakage: medians over sessions, and what lies beyond the limits.

    Parameters
    ----------
    sessions : sequence of mapping of str to Leakage
        By inverse, every session that is used; at least one.
    regions : sequence of str
        In the order of the arrays.
    limits : LeakageConfig

    Returns
    -------
    files : dict of str to Writer
        ``leakage_regions.tsv``, ``leakage_pairs.tsv`` and ``leakage.json``.
    """
    typical = {inverse: _median([session[inverse] for session in sessions]) for inverse in sessions[0]}
    of_regions = pd.concat([_regions(inverse, found, regions, limits) for inverse, found in typical.items()])
    of_pairs = pd.concat([_pairs(inverse, found, regions, of_regions, limits) for inverse, found in typical.items()])
    summary = {
        "limits": limits.model_dump(mode="json"),
        "n_sessions": len(sessions),
        "inverses": {
            inverse: {
                "n_regions": len(regions),
                "regions_marked": _n_marked(of_regions, inverse),
                "n_pairs": len(regions) * (len(regions) - 1) // 2,
                "pairs_marked": _n_marked(of_pairs, inverse),
                "pairs_per_edge": found.ghosts.pairs_per_edge,
                "edges_found": found.ghosts.found,
            }
            for inverse, found in typical.items()
        },
    }
    tables = (partial(save_tsv, of_regions), partial(save_tsv, of_pairs), partial(save_json, summary))
    return dict(zip(FILES, tables, strict=True))


def _median(found: Sequence[Leakage]) -> Leakage:
    arrays = [one.as_arrays() for one in found]
    return Leakage.from_arrays({name: np.median([one[name] for one in arrays], axis=0) for name in arrays[0]})


def _n_marked(table: pd.DataFrame, inverse: str) -> int:
    return int(((table["inverse"] == inverse) & (table["beyond"] != "")).sum())


def _regions(inverse: str, found: Leakage, regions: Sequence[str], limits: LeakageConfig) -> pd.DataFrame:
    small = found.own_share < limits.min_own_share
    far = found.localisation_error_mm > limits.max_localisation_error_mm
    beyond = [_listed({"own share": low, "localisation": high}) for low, high in zip(small, far, strict=True)]
    return pd.DataFrame(
        {
            "inverse": inverse,
            "region": list(regions),
            "own_share": found.own_share,
            "localisation_error_mm": found.localisation_error_mm,
            "spread_mm": found.spread_mm,
            "beyond": beyond,
        }
    )


def _pairs(
    inverse: str, found: Leakage, regions: Sequence[str], of_regions: pd.DataFrame, limits: LeakageConfig
) -> pd.DataFrame:
    rows, columns = np.triu_indices(len(regions), 1)
    poor = (of_regions.loc[of_regions["inverse"] == inverse, "beyond"] != "").to_numpy()
    mixed = found.pair_leakage[rows, columns] > limits.max_pair_leakage
    either = poor[rows] | poor[columns]
    names = np.array(regions, dtype=object)
    return pd.DataFrame(
        {
            "inverse": inverse,
            "a": names[rows],
            "b": names[columns],
            "pair_leakage": found.pair_leakage[rows, columns],
            "share_of_a_from_b": found.crosstalk[rows, columns],
            "share_of_b_from_a": found.crosstalk[columns, rows],
            "beyond": [_listed({"pair": pair, "region": region}) for pair, region in zip(mixed, either, strict=True)],
        }
    )


def _listed(beyond: Mapping[str, bool]) -> str:
    return ", ".join(name for name, is_beyond in beyond.items() if is_beyond)


def marks_of(
    tests: Sequence[str], pairs: pd.DataFrame, groups: Mapping[str, Sequence[str]], max_pair_leakage: float
) -> pd.DataFrame:
    """Return how much leakage stands behind each test of an edge or a block.

    Parameters
    ----------
    tests : sequence of str
        Column names.
    pairs : DataFrame
        ``leakage_pairs.tsv``.
    groups : mapping of str to sequence of str
        Regions of each group.
    max_pair_leakage : float
        The limit of a pair.

    Returns
    -------
    marks : DataFrame (tests, 3)
        ``leakage``: mean pair leakage of its edges. ``leakage_beyond``: which share of its edges is beyond a limit, by
        themselves or by one of their regions. ``leakage_marked``: 1 for an edge that is beyond a limit, and for a block
        whose mean is beyond that of a pair. Missing for what is no edge and no block.
    """
    columns = ("inverse", "a", "b", "pair_leakage", "beyond")
    known = {
        (inverse, frozenset((a, b))): (leakage, bool(isinstance(beyond, str) and beyond))
        for inverse, a, b, leakage, beyond in pairs[list(columns)].itertuples(index=False, name=None)
    }
    marks: dict[tuple[str, ...], tuple[float, float, float]] = {}
    found = []
    for test in tests:
        parts = str(test).split(join("", ""))
        inverse, places = parts[1] if len(parts) > 1 else "", tuple(parts[_PLACES_FROM:])
        bundle = (inverse, *places)
        if bundle not in marks:
            edges = [known[inverse, edge] for edge in _edges(places, groups) if (inverse, edge) in known]
            marks[bundle] = _mark(edges, max_pair_leakage, is_block=any(place in groups for place in places))
        found.append(marks[bundle])
    return pd.DataFrame(found, columns=list(MARKS), index=range(len(found)), dtype=float)


def _edges(places: tuple[str, ...], groups: Mapping[str, Sequence[str]]) -> set[Edge]:
    """Return the pairs of regions that an edge, or a block, is made of."""
    if len(places) != len(("a", "b")):
        return set()
    first, second = (groups.get(place, (place,)) for place in places)
    return {frozenset((a, b)) for a in first for b in second if a != b}


def _mark(edges: Sequence[tuple[float, bool]], limit: float, *, is_block: bool) -> tuple[float, float, float]:
    if not edges:
        return float("nan"), float("nan"), float("nan")
    leakage, beyond = np.mean(edges, axis=0).tolist()
    # An edge speaks of its two regions by name, a block of two groups: a poor region alone does not mark it.
    return leakage, beyond, float(leakage > limit if is_block else beyond == 1)


def with_marks(results: Results, tests: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return a table of tests with `marks_of` beside them; as it is when nothing about leakage was saved."""
    if not results.group(FILES[1]).is_file():
        return tests
    limit = read_json(results.group(FILES[2]))["limits"]["max_pair_leakage"]
    marks = marks_of(tests["test"].tolist(), read_tsv(results.group(FILES[1])), groups, limit)
    return tests.assign(**{name: marks[name].to_numpy() for name in MARKS})
