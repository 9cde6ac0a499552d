"""Per target with several sessions of a person: the mixed model of the primary tests, beside the comparison."""

from typing import Any

import numpy as np
import pandas as pd

from painconn.config.targets import Contrast
from painconn.features.names import QUALITY, join
from painconn.inference.families import Family
from painconn.inference.sessions import mixed_models
from painconn.paths import Results
from painconn.steps.people import QUALITY_COVARIATES
from painconn.steps.selection import Selection
from painconn.store import write_tsv

SESSIONS = "sessions.tsv"
# A model takes tens of milliseconds: a ready table with thousands of primary columns would take minutes.
_MOST_TESTS = 500


def write_mixed_models(
    results: Results, name: str, table: pd.DataFrame, contrast: Contrast, selection: Selection, primary: Family
) -> dict[str, Any] | None:
    """Fit the primary tests over all sessions and save them; None, and no file, when nobody has several sessions."""
    results.target(name, SESSIONS).unlink(missing_ok=True)
    sides = contrast.observations
    rows = pd.concat(
        [_rows(table, side.condition, side.window).assign(side=number) for number, side in enumerate(sides)],
        ignore_index=True,
    )
    rows = rows[rows["participant"].isin(set(selection.participants))].reset_index(drop=True)
    if not rows[["participant", "side"]].duplicated().any():
        return None
    by_person = pd.Series(selection.labels, index=selection.participants)
    by_person = by_person[~by_person.index.duplicated()]
    effect = (
        _side(rows, selection) if contrast.kind == "within" else _effect(rows["participant"].map(by_person), selection)
    )
    tests = [test for test in primary.tests if test in rows]
    about = {"role": "exploratory", "family": f"{primary.name}, all sessions", "family_size": len(primary.tests)}
    if len(tests) > _MOST_TESTS:
        return about | {"n_computed": 0, "reason": f"{len(tests)} tests, more than {_MOST_TESTS}"}
    found = mixed_models(rows[tests], rows["participant"], effect.astype(float), _covariates(rows, selection, primary))
    before = pd.DataFrame({key: [value] * len(found) for key, value in about.items()})
    write_tsv(results.target(name, SESSIONS), pd.concat([before, found], axis=1))
    return {
        **about,
        "n_people": int(rows["participant"].nunique()),
        "n_observations": len(rows),
        "n_computed": int(found["p_mixed"].notna().sum()),
    }


def _rows(table: pd.DataFrame, condition: str, window: str) -> pd.DataFrame:
    return table[(table["condition"] == condition) & (table["window"] == window)]


def _side(rows: pd.DataFrame, selection: Selection) -> pd.Series:
    """Return which side each row is on, 0 or 1; of a blinded study as it was dealt."""
    return rows["side"].ne(rows["participant"].isin(selection.exchanged).astype(int)).astype(int)


def _effect(labels: pd.Series, selection: Selection) -> pd.Series:
    return labels.astype(float) if selection.kind == "association" else labels.eq(selection.b)


def _covariates(rows: pd.DataFrame, selection: Selection, primary: Family) -> dict[str, Any]:
    """Return a column per covariate: the session's own of the EEG, the person's of the table; and sites."""
    people = rows["participant"]
    table = selection.covariates.set_axis(selection.participants, axis=0)
    table = table[~table.index.duplicated()]
    columns = {}
    for name in table.columns:
        if not any(name == wanted or name.startswith(f"{wanted}__") for wanted in primary.covariates):
            continue
        own = rows[join(QUALITY, name)] if name in QUALITY_COVARIATES else people.map(table[name])
        numbers = own.to_numpy(dtype=np.float64)
        columns[name] = (numbers - numbers.mean()) / (numbers.std() or 1.0)
    for site in sorted(set(rows["site"]))[1:]:
        columns[f"site {site}"] = rows["site"].eq(site).to_numpy(dtype=np.float64)
    return columns
