"""The comparison table: a row per declared test, also for those that cannot be computed, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from painconn.inference.effects import hedges_correction, jzs_bf01, noncentrality_interval, partial_correlation
from painconn.inference.families import Family
from painconn.inference.model import Fit, LinearModel, fit
from painconn.inference.permutation import permutation_p
from painconn.inference.rearrangements import Rearrangements

Floats = NDArray[np.float64]

COLUMNS = (
    "role", "family", "family_size", "n_computed", "contrast", "test", "estimate", "statistic", "p", "p_fwe", "q_fdr",
    "effect_size_kind", "hedges_g", "ci_low", "ci_high", "bf01", "n_a", "n_b", "reason",
)  # fmt: skip

_CONSTANT_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Comparison:
    """A comparison and what has to be said with it.

    Attributes
    ----------
    table : DataFrame
        A row per declared test with the columns ``COLUMNS``.
    notes : tuple of str
        Covariates dropped, people left out, and how many rearrangements the p values rest on.
    values : DataFrame (participants, features)
        What was tested: sorted by participant, within people the differences.
    designs : dict of str to FamilyDesign
        The model of each family.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]
    values: pd.DataFrame
    designs: "dict[str, FamilyDesign]"


@dataclass(frozen=True)
class FamilyDesign:
    """One family's model, its sets of rearrangements, and how its effect is standardised.

    ``score`` is what values are correlated with; None in a comparison of two sides.
    """

    model: LinearModel
    rearrangements: tuple[Rearrangements, ...]
    people_a: NDArray[np.bool_]
    people_b: NDArray[np.bool_]
    effect_size_kind: Literal["hedges_g", "dz", "r"]
    notes: tuple[str, ...]
    score: Floats | None = None

    def spread(self, values: Floats) -> tuple[Floats, float]:
        """Return the standard deviation that the effect is divided by, and its degrees of freedom.

        Of a correlation: that of the values without the nuisance over that of the score, which turns a slope into r.
        """
        if self.effect_size_kind == "r":
            left = (self.model.residuals(values) ** 2).sum(axis=0)
            return np.sqrt(left / self.model.information), len(values) - self.model.basis.shape[1]
        if self.effect_size_kind == "dz":
            return values.std(axis=0, ddof=1), len(values) - 1.0
        groups = (values[self.people_a], values[self.people_b])
        df = len(values) - 2.0
        return np.sqrt(sum((len(group) - 1) * group.var(axis=0, ddof=1) for group in groups) / df), df


def compared(
    values: pd.DataFrame,
    families: Sequence[Family],
    contrast: str,
    design: Callable[[Family], FamilyDesign],
    notes: tuple[str, ...],
) -> Comparison:
    """Test every family and put the tables under one another.

    Parameters
    ----------
    values : DataFrame (participants, features)
        Sorted by participant.
    families : sequence of Family
    contrast : str
        The comparison in words, "b - a".
    design : callable
        Gives the design of a family.
    notes : tuple of str
        What has been said already.

    Returns
    -------
    comparison : Comparison
    """
    tables = []
    designs = {}
    said = list(notes)
    for family in families:
        setting = designs[family.name] = design(family)
        tables.append(_family_table(values, family, contrast, setting))
        counts = ", ".join(
            f"{'all' if arrangements.exact else 'random'} {len(arrangements)} "
            f"{'sign flips' if arrangements.rows is None else 'permutations'}"
            for arrangements in setting.rearrangements
        )
        said.extend(f"family {family.name!r}: {note}" for note in (*setting.notes, f"p from {counts}"))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    return Comparison(table, tuple(said), values, designs)


def _family_table(values: pd.DataFrame, family: Family, contrast: str, setting: FamilyDesign) -> pd.DataFrame:
    declared = values.reindex(columns=list(family.tests)).to_numpy(dtype=np.float64)
    finite = np.isfinite(declared)
    table = pd.DataFrame(
        {
            "role": family.role,
            "family": family.name,
            "family_size": len(family.tests),
            "contrast": contrast,
            "test": list(family.tests),
            "effect_size_kind": setting.effect_size_kind,
            "n_a": finite[setting.people_a].sum(axis=0),
            "n_b": finite[setting.people_b].sum(axis=0),
            "reason": _reasons(values, family, declared, setting.model),
        }
    ).reindex(columns=list(COLUMNS))
    usable = (table["reason"] == "").to_numpy()
    table["n_computed"] = int(usable.sum())
    numbers = ["estimate", "statistic", "p", "p_fwe", "q_fdr", "hedges_g", "ci_low", "ci_high", "bf01"]
    table[numbers] = table[numbers].astype(np.float64)
    if usable.any():
        results = _statistics(declared[:, usable], len(family.tests), setting)
        table.loc[usable, numbers] = np.column_stack([results[name] for name in numbers])
    return table


def _statistics(values: Floats, family_size: int, setting: FamilyDesign) -> dict[str, Floats]:
    observed = fit(setting.model, values)
    pairs = [permutation_p(setting.model, values, arrangements) for arrangements in setting.rearrangements]
    p, p_fwe = np.max(pairs, axis=0)
    size = (
        _correlation(observed, len(values))
        if setting.effect_size_kind == "r"
        else _difference(setting, observed, values)
    )
    # A declared test that could not be computed still counts, as one that shows nothing.
    counted = np.concatenate([p, np.ones(family_size - p.size)])
    return {
        "estimate": observed.estimate,
        "statistic": observed.t,
        "p": p,
        "p_fwe": p_fwe,
        "q_fdr": stats.false_discovery_control(counted)[: p.size],
        **size,
    }


def _difference(setting: FamilyDesign, observed: Fit, values: Floats) -> dict[str, Floats]:
    spread, spread_df = setting.spread(values)
    low, high = noncentrality_interval(observed.t, observed.df)
    return {
        "hedges_g": hedges_correction(spread_df) * observed.estimate / spread,
        "ci_low": low * observed.standard_error / spread,
        "ci_high": high * observed.standard_error / spread,
        "bf01": jzs_bf01(observed.pooled_t, setting.model.information, observed.pooled_df),
    }


def _correlation(observed: Fit, n_people: int) -> dict[str, Floats]:
    r, error = partial_correlation(observed.pooled_t, observed.pooled_df)
    low, high = (np.tanh(np.arctanh(r) + side * special.ndtri(0.975) * error) for side in (-1, 1))
    # With this scale and n the Bayes factor is that of a (partial) correlation.
    return {
        "hedges_g": r,
        "ci_low": low,
        "ci_high": high,
        "bf01": jzs_bf01(observed.pooled_t, n_people, observed.pooled_df, scale=1.0),
    }


def _reasons(values: pd.DataFrame, family: Family, declared: Floats, model: LinearModel) -> list[str]:
    """Say for each declared test why it cannot be computed; empty text when it can."""
    finite = np.isfinite(declared)
    filled = np.where(finite, declared, 0.0)
    within = filled - model.basis @ (model.basis.T @ filled)
    size = np.sqrt((filled**2).sum(axis=0))
    still = np.sqrt((within**2).sum(axis=0)) <= _CONSTANT_TOLERANCE * size
    reasons, present = [], set(values.columns.tolist())
    for column, test in enumerate(family.tests):
        missing = int((~finite[:, column]).sum())
        if test not in present:
            reasons.append("not in the feature table")
        elif missing:
            reasons.append(f"missing for {missing} of {len(declared)} people")
        elif size[column] == 0 or np.ptp(declared[:, column]) <= _CONSTANT_TOLERANCE * size[column]:
            reasons.append("the same for all people")
        elif still[column]:
            reasons.append("no variation that the model leaves over")
        else:
            reasons.append("")
    return reasons
