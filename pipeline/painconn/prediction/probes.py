r"""Probes: is something that is no brain (site, age, epochs) read from the features, and the label from it.

Conventions of this file: a probe has two numbers, each with a permutation p. *From the features*: AUC of the ridge
classifier for the upper against the lower half (or one value against the others), on folds of its own. *To the label*:
how well the number alone orders the two labels, an AUC at or above one half. A probe fails when both p lie below
:math:`.05 / k`, with k the probes that could be evaluated. One of its two halves is chance whenever the probe is not
truly carried by the features and tied to the label, so that a probe fails by chance in at most :math:`.05 / k` of
studies and any of them in at most 5 %.

Within people a probe is which of a person's two observations has more of it; people in whom they are equal say nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype
from scipy.stats import binomtest, rankdata

from painconn.errors import DesignError
from painconn.prediction.confounds import numeric_table
from painconn.prediction.design import Design, Kind, make_design
from painconn.prediction.evaluation import auc_of
from painconn.prediction.folds import RowStep, outer_folds
from painconn.prediction.gates import Record, gate
from painconn.prediction.labellings import permuted_labellings
from painconn.provenance import seed_for

ALPHA = 0.05
N_PERMUTATIONS = 999
FEWEST = 4
"""People on each side of a probe below which nothing is said."""
LOW, HIGH = "low", "high"
"""The two classes of rows that a probe tells apart."""

_REPEATS = 3
_SAME_AUC = 1e-10


@dataclass(frozen=True)
class Probe:
    """Something beside the brain, known of each row.

    Parameters
    ----------
    name : str
        What it is.
    values : Series (n rows)
        Numbers (NaN: unknown) or text (None: unknown).
    carried : bool
        Whether the features hold it whatever they are, as they hold their own gaps.
    by_label : bool
        Whether it has no effect of its own on a recording, as a number in a list: then it is read from the features
        inside each label only, since files are often numbered group by group.
    steps : tuple of RowStep
        What the target takes out of the features because of it, inside each fold: it is read from what is left.
    unknown : str
        Why it has no values, where it has none.
    """

    name: str
    values: "pd.Series[Any]"
    carried: bool = False
    by_label: bool = False
    steps: tuple[RowStep, ...] = ()
    unknown: str = "not recorded"


@dataclass(frozen=True)
class Readings:
    """How well two classes of rows are told apart: AUC, permutation p, and the AUC of each permuted labelling."""

    auc: float
    p: float
    null: NDArray[np.float64]


_CARRIED = Readings(auc=1.0, p=0.0, null=np.empty(0))


def probe_features(
    features: pd.DataFrame,
    design: Design,
    probes: Sequence[Probe],
    *,
    seed: int,
    n_permutations: int = N_PERMUTATIONS,
) -> list[dict[str, Any]]:
    """Ask every probe its two questions.

    Parameters
    ----------
    features : DataFrame, (n, p)
        Rows as in the design.
    design : Design
        Of the target.
    probes : sequence of Probe
        What to look for.
    seed : int
        Study seed.
    n_permutations : int
        Behind each p.

    Returns
    -------
    findings : list of dict
        ``probe``, and ``auc_from_features``, ``p_from_features``, ``auc_to_label``, ``p_to_label``, ``n``; or
        ``reason`` why it could not be evaluated.
    """
    single = [one for probe in probes for one in _one_by_one(probe)]
    ask = _ask_between if design.kind == "between" else _ask_within
    found = []
    for probe in single:
        try:
            answer = ask(features, design, probe, seed_for(seed, "probe", probe.name), n_permutations)
        except DesignError:
            answer = {"reason": "too few people on one side of it"}
        found.append({"probe": probe.name, **answer})
    return found


def probe_gates(findings: Sequence[dict[str, Any]]) -> list[Record]:
    """Return a gate for each probe that could be evaluated."""
    asked = [found for found in findings if "reason" not in found]
    records = []
    for found in asked:
        limit = ALPHA / len(asked)
        both = max(found["p_from_features"], found["p_to_label"])
        records.append(
            gate(
                f"probe_{found['probe'].replace(' ', '_')}",
                f"not both read from the features and tied to the label (both p below {limit:.2g})",
                f"from the features AUC {found['auc_from_features']:.2f}, p = {found['p_from_features']:.3f}; to the "
                f"label AUC {found['auc_to_label']:.2f}, p = {found['p_to_label']:.3f}; {found['n']} people",
                both >= limit,
            )
        )
    return records


def missing_pattern(features: pd.DataFrame) -> Probe:
    """Return the probe of where each row lies on the main direction in which gaps differ between rows."""
    gaps = features.isna().to_numpy(dtype=float)
    centred = gaps - gaps.mean(axis=0)
    if not centred.any():
        values = pd.Series(np.nan, index=range(len(features)))
        unknown = "the same values are missing for everybody" if gaps.any() else "no value is missing"
        return Probe("missing values", values, carried=True, unknown=unknown)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    return Probe("missing values", pd.Series(np.round(left[:, 0] * size[0], 9)), carried=True)


def read_from_features(
    features: pd.DataFrame,
    participants: Sequence[str],
    classes: Sequence[str],
    *,
    kind: Kind,
    seed: int,
    n_permutations: int = N_PERMUTATIONS,
    strata: Sequence[str] | None = None,
    steps: Sequence[RowStep] = (),
) -> Readings:
    """Tell two classes (``low`` and ``high``) of rows apart by the ridge classifier, on folds of their own.

    Parameters
    ----------
    features : DataFrame, (n, p)
        Columns to read from.
    participants, classes, strata : sequence of str, length n
        As :func:`painconn.prediction.design.make_design` takes them.
    kind : {'between', 'within'}
        Whether the classes are people or observations of the same people.
    seed, n_permutations : int
        Behind folds and labellings.
    steps : sequence of RowStep
        What is learned in each training set and changes the columns.
    """
    order = np.lexsort((np.asarray(classes, dtype=np.str_), np.asarray(participants, dtype=np.str_)))
    design = make_design(
        participants, classes, a=LOW, b=HIGH, kind=kind, strata=strata, n_repeats=_REPEATS, seed=seed
    ).rows(order)
    labellings = permuted_labellings(design, n_permutations=n_permutations, seed=seed)
    signs = np.column_stack([design.signs, labellings.signs])
    table = replace(numeric_table(features.iloc[order]), steps=tuple(step.rows(order) for step in steps))
    aucs = auc_of("ridge", table, signs, outer_folds(design))
    as_high = int(np.sum(aucs[1:] >= aucs[0] - _SAME_AUC))
    p = as_high / len(aucs[1:]) if labellings.exact else (as_high + 1) / len(aucs)
    return Readings(float(aucs[0]), float(p), aucs[1:])


def halves(values: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Return which of some numbers lie in the upper half; of two values, which are the higher one."""
    median = values.median()
    above, upper = (values > median).to_numpy(), (values >= median).to_numpy()
    return above if abs(above.mean() - 0.5) <= abs(upper.mean() - 0.5) else upper


def _one_by_one(probe: Probe) -> list[Probe]:
    """Return a probe of text as numbers: one of them for two values, one per value (against the others) for more."""
    if is_numeric_dtype(probe.values):
        return [probe]
    known = probe.values.dropna()
    names = sorted({str(value) for value in known})
    if len(names) <= 2:
        chosen = names[-1:]
        titles = [probe.name]
    else:
        chosen = names
        titles = [f"{probe.name} {name}" for name in names]
    text = probe.values.map(str, na_action="ignore")
    return [
        replace(probe, name=title, values=(text == name).astype(float).where(text.notna()))
        for title, name in zip(titles, chosen, strict=True)
    ] or [replace(probe, values=pd.Series(np.nan, index=probe.values.index))]


def _ask_between(
    features: pd.DataFrame, design: Design, probe: Probe, seed: int, n_permutations: int
) -> dict[str, Any]:
    known = np.flatnonzero(probe.values.notna().to_numpy())
    values = probe.values.iloc[known].astype(np.float64)
    if len(known) == 0 or values.nunique() < 2:
        return {"reason": "the same for everybody" if len(known) else probe.unknown}
    labels = design.labels[known]
    high = halves(values).copy()
    held = features.iloc[known]
    if probe.by_label:
        # The late ones of the first label come before the early ones of the second: no line through both says so.
        held = held - held.groupby(labels).transform("mean")
        for label in (design.a, design.b):
            own = labels == label
            high[own] = halves(values[own])
    if min(high.sum(), (~high).sum()) < FEWEST:
        return {"reason": f"fewer than {FEWEST} people on one side of it"}
    people = design.participants[known].tolist()
    reading = (
        _CARRIED
        if probe.carried
        else read_from_features(
            held,
            people,
            np.where(high, HIGH, LOW).tolist(),
            kind="between",
            seed=seed,
            n_permutations=n_permutations,
            strata=labels.tolist() if probe.by_label else None,
            steps=[step.rows(known) for step in probe.steps],
        )
    )
    to_label, p_label = _to_label(np.asarray(values, dtype=float), design.signs[known], seed, n_permutations)
    return _answer(reading, to_label, p_label, len(known))


def _to_label(
    values: NDArray[np.float64], signs: NDArray[np.float64], seed: int, n_permutations: int
) -> tuple[float, float]:
    ranks, positive = rankdata(values), signs > 0
    n_positive = int(positive.sum())
    n_pairs = n_positive * (len(signs) - n_positive)
    generator = np.random.default_rng(seed_for(seed, "labels"))
    every = np.column_stack(
        [positive, generator.permuted(np.repeat(positive[:, None], n_permutations, axis=1), axis=0)]
    )
    aucs = (ranks @ every - n_positive * (n_positive + 1) / 2) / n_pairs
    away = np.abs(aucs - 0.5)
    return 0.5 + float(away[0]), float(np.mean(away >= away[0] - _SAME_AUC))


def _same_within(n_differing: int, n_known: int, n_people: int) -> str:
    """Say in how many people both observations are the same, and of how many that is not known."""
    told = "the same in both observations of everybody"
    if n_differing or n_known < n_people:
        told = f"the same in both observations of {n_known - n_differing} of {n_people} people"
    return told if n_known == n_people else f"{told}, and not known of {n_people - n_known}"


def _ask_within(features: pd.DataFrame, design: Design, probe: Probe, seed: int, n_permutations: int) -> dict[str, Any]:
    values = probe.values.to_numpy(dtype=float)
    rows, more = [], []
    n_known = n_higher_in_b = 0
    for person in sorted(set(design.participants.tolist())):
        mine = np.flatnonzero(design.participants == person)
        first, second = (mine[design.labels[mine] == label][0] for label in (design.a, design.b))
        difference = values[second] - values[first]
        n_known += int(np.isfinite(difference))
        if np.isfinite(difference) and difference != 0.0:
            rows += [first, second]
            more += [difference < 0, difference > 0]
            n_higher_in_b += int(difference > 0)
    n_people = len(rows) // 2
    if n_people < FEWEST:
        return {"reason": _same_within(n_people, n_known, len(set(design.participants))) if n_known else probe.unknown}
    reading = (
        _CARRIED
        if probe.carried
        else read_from_features(
            features.iloc[rows],
            design.participants[rows].tolist(),
            [HIGH if one else LOW for one in more],
            kind="within",
            seed=seed,
            n_permutations=n_permutations,
        )
    )
    share = n_higher_in_b / n_people
    return _answer(reading, max(share, 1.0 - share), float(binomtest(n_higher_in_b, n_people).pvalue), n_people)


def _answer(reading: Readings, to_label: float, p_label: float, n_people: int) -> dict[str, Any]:
    return {
        "auc_from_features": reading.auc,
        "p_from_features": reading.p,
        "auc_to_label": to_label,
        "p_to_label": p_label,
        "n": n_people,
    }
