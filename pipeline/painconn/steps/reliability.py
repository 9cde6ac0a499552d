"""How reliable every connectivity column is: per condition and window, over people; no label is known here."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from painconn.connectivity.registry import MEASURES
from painconn.connectivity.reliability import Icc, SplitHalf, attenuation, intraclass_correlation, split_half

Values = NDArray[np.float64]
Window = tuple[str, str]
Session = tuple[str, str]
Bundle = tuple[str, str, str]

_SESSION = ["participant", "session"]
_OBSERVATION = ["condition", "window"]
_BUNDLE = ["measure", "inverse", "band"]


@dataclass(frozen=True)
class _Observation:
    """One kind of observation, or the difference of two: its rows of the table, the sessions of a person in order."""

    of: Window
    minus: Window | None
    rows: list[list[int]]
    rows_minus: list[list[int]]

    def take(self, values: Values, session: int) -> Values:
        """Return the values (..., rows, columns) of everybody's session, counted from 0."""
        found: Values = values[..., [own[session] for own in self.rows], :]
        if self.minus is not None:
            found = found - values[..., [own[session] for own in self.rows_minus], :]
        return found

    def repeated(self) -> "_Observation | None":
        """Keep people with several sessions; None when there are none."""
        several = [position for position, own in enumerate(self.rows) if len(own) > 1]
        rows, minus = ([every[i] for i in several] if every else [] for every in (self.rows, self.rows_minus))
        return _Observation(self.of, self.minus, rows, minus) if several else None


def reliability(
    features: pd.DataFrame, halves: Values, regions: list[str]
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Compute split-half reliability over people, and intraclass correlation where sessions repeat.

    Reliability is of one kind of observation (a condition in a window); each person enters with the first session that
    has it. Sessions are in the order of their labels; when some people have more sessions than others, as many as
    everybody with at least two has are used.

    Parameters
    ----------
    features : DataFrame (observations, columns)
        The study-wide table.
    halves : array, shape (2, observations, columns of numbers)
        The numbers from every other epoch or segment; NaN for what has no halves.
    regions : list of str
        Which places are regions; the others are groups of them.

    Returns
    -------
    table : DataFrame
        A row per condition, window and connectivity column.
    summary : list of dict
        Per observation, and per difference of two that share their condition or window, and per measure, inverse and
        band: the spread over edges and over blocks. Both are empty when there is nothing to compute it from.
    """
    numbers = features.columns[len(features.columns) - halves.shape[-1] :]
    columns = _connectivity_columns(numbers, regions)
    chosen = columns.pop("position").to_numpy()
    values, halves = features[numbers[chosen]].to_numpy(dtype=float), halves[..., chosen]
    halved = np.isfinite(halves).any()
    tables: list[pd.DataFrame] = []
    summary: list[dict[str, Any]] = []
    for observation in _observations(features):
        parts = observation.take(halves, 0)
        agreement = split_half(*parts) if halved else None
        repeated = observation.repeated()
        iccs = _iccs(repeated, values) if repeated else None
        if agreement is None and iccs is None:
            continue
        found = columns.assign(**_split_half_columns(agreement), **_icc_columns(iccs, repeated))
        if observation.minus is None:
            condition, window = observation.of
            tables.append(found.assign(condition=condition, window=window))
        summary += _summary(observation, found, parts if halved else None)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_OBSERVATION)
    return table[[*_OBSERVATION, *table.columns.difference(_OBSERVATION, sort=False)]], summary


def _connectivity_columns(numbers: "pd.Index[Any]", regions: list[str]) -> pd.DataFrame:
    """Take the names of connectivity columns apart; ``position`` is among the columns of numbers."""
    parts = [str(name).split("__") for name in numbers]
    known = [(i, *part) for i, part in enumerate(parts) if len(part) == 5 and part[0] in MEASURES]
    columns = pd.DataFrame(known, columns=["position", *_BUNDLE, "a", "b"])
    return columns.assign(kind=np.where(columns["a"].isin(regions), "edge", "block"))


def _observations(features: pd.DataFrame) -> Iterator[_Observation]:
    """Yield every kind of observation, then the difference of any two that share their condition or their window."""
    keys = features[[*_SESSION, *_OBSERVATION]].astype(str).reset_index(drop=True)
    found: dict[Window, dict[Session, int]] = {}
    for row, (participant, session, condition, window) in enumerate(keys.itertuples(index=False, name=None)):
        found.setdefault((condition, window), {})[participant, session] = row
    for of, own in found.items():
        yield _Observation(of, None, _by_person(own, set(own)), [])
    for (minus, first), (of, second) in combinations(found.items(), 2):
        both = set(first) & set(second)
        if both and (of[0] == minus[0] or of[1] == minus[1]):
            yield _Observation(of, minus, _by_person(second, both), _by_person(first, both))


def _by_person(rows: dict[Session, int], sessions: set[Session]) -> list[list[int]]:
    """Return the rows of each person, in the order of session labels."""
    people: dict[str, list[int]] = {}
    for participant, session in sorted(sessions):
        people.setdefault(participant, []).append(rows[participant, session])
    return list(people.values())


def _iccs(repeated: _Observation, values: Values) -> tuple[Icc, Icc]:
    sessions = range(_n_sessions(repeated))
    return intraclass_correlation(np.stack([repeated.take(values, session) for session in sessions], axis=1))


def _n_sessions(repeated: _Observation) -> int:
    return min(len(own) for own in repeated.rows)


def _split_half_columns(agreement: SplitHalf | None) -> dict[str, NDArray[Any]]:
    if agreement is None:
        return {}
    return {
        "split_half_r": agreement.r,
        "spearman_brown": agreement.reliability,
        "spearman_brown_low": agreement.low,
        "spearman_brown_high": agreement.high,
        "n_people": agreement.n,
    }


def _icc_columns(iccs: tuple[Icc, Icc] | None, repeated: _Observation | None) -> dict[str, Any]:
    if iccs is None or repeated is None:
        return {}
    columns: dict[str, Any] = {"n_people_repeated": iccs[0].n, "n_sessions": _n_sessions(repeated)}
    for name, icc in zip(("icc_2_1", "icc_3_1"), iccs, strict=True):
        columns |= {name: icc.value, f"{name}_low": icc.low, f"{name}_high": icc.high}
    return columns


def _bundles(columns: pd.DataFrame) -> dict[Bundle, list[int]]:
    """Return which columns belong to each measure, inverse and band."""
    bundles: dict[Bundle, list[int]] = {}
    for position, (measure, inverse, band) in enumerate(columns[_BUNDLE].itertuples(index=False, name=None)):
        bundles.setdefault((measure, inverse, band), []).append(position)
    return bundles


def _summary(observation: _Observation, found: pd.DataFrame, halves: Values | None) -> Iterator[dict[str, Any]]:
    """Say per measure, inverse and band how reliability lies over edges and blocks, and over the edges of a person."""
    minus = dict(zip(_OBSERVATION, observation.minus, strict=True)) if observation.minus else None
    about = dict(zip(_OBSERVATION, observation.of, strict=True)) | {"minus": minus}
    for bundle, positions in _bundles(found).items():
        own = found.iloc[positions]
        edges = own["kind"].eq("edge").to_numpy()
        entry: dict[str, Any] = about | dict(zip(_BUNDLE, bundle, strict=True))
        for column in ("n_people", "n_people_repeated", "n_sessions"):
            if column in own:
                entry[column] = int(own[column].max())
        for quantity in ("spearman_brown", "icc_2_1", "icc_3_1"):
            if quantity in own:
                values = own[quantity].to_numpy()
                bounds = own[[f"{quantity}_low", f"{quantity}_high"]].to_numpy()
                entry[quantity] = {
                    kind: _spread(values[of_kind])
                    | _interval_of_middle(values[of_kind], bounds[of_kind])
                    | _shrinkage(values[of_kind])
                    for kind, of_kind in (("edges", edges), ("blocks", ~edges))
                }
        if halves is not None:
            first, second = halves[..., np.array(positions)[edges]].swapaxes(1, 2)
            entry["edges_within_person_r"] = _spread(split_half(first, second).r)
        yield entry


def _spread(values: Values) -> dict[str, float | int | None]:
    """Say how values lie over columns or over people."""
    known = values[np.isfinite(values)]
    quantiles = np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0]) if len(known) else np.full(5, np.nan)
    spread = dict(zip(("lowest", "q25", "median", "q75", "highest"), map(_number, quantiles), strict=True))
    return {"n": len(values), "n_computed": len(known), **spread}


def _interval_of_middle(values: Values, bounds: Values) -> dict[str, float | None]:
    """Return the interval of the column in the middle (the lower one of two): how sure the median is by itself."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return {"median_low": None, "median_high": None}
    low, high = bounds[known[np.argsort(values[known], kind="stable")[(len(known) - 1) // 2]]]
    return {"median_low": _number(low), "median_high": _number(high)}


def _shrinkage(values: Values) -> dict[str, float | None]:
    """Say to which share of its size an effect shrinks in the middle one of these columns."""
    known = values[np.isfinite(values)]
    return {"attenuation": _number(float(attenuation(float(np.median(known))))) if len(known) else None}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
