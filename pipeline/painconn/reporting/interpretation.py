"""What the classifier or the regression rests on, and whether its model was saved, on the page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from painconn.reporting.notation import column_words, count, number, p_cell, plural, words
from painconn.reporting.records import records
from painconn.reporting.results import TargetResults
from painconn.reporting.tables import Table

_MOST_ROWS = 15


def interpretation_sentences(target: TargetResults) -> tuple[str, ...]:
    """Say what the tables rest on and whether a model was saved; nothing when nothing was."""
    saved, table = target.model, target.interpretation
    if not saved:
        return ()
    sentences = []
    facts: Mapping[str, Any] = saved.get("interpretation") or {}
    if table is not None and "pattern" in table:
        columns = table[table["kind"] == "feature"]
        sentences.append(
            f"Patterns of {plural(len(columns), 'column')} over {plural(facts['n_fits'], 'fit')}: a weight says how a "
            "model filters, a pattern what differs along its score (from -1 to 1). Fits share most of their people and "
            f"agree with each other whatever the {_labels(target)} are; a column counts as stable only when it also "
            f"exceeds the largest column of permuted {_labels(target)}. " + _stable(columns, facts)
        )
    state = "saved in the folder model, with its card" if saved.get("saved") else f"not saved: {saved.get('reason')}"
    return (*sentences, f"The model refitted on everybody was {state}.")


def _stable(columns: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    if not facts.get("n_labellings"):
        return "This model is refitted for every labelling, so that this was not asked."
    n_stable = int((columns["stable"].astype(str) == "True").sum())
    return f"{count(n_stable)} of {count(len(columns))} did ({plural(facts['n_labellings'], 'labelling')})."


def _labels(target: TargetResults) -> str:
    return "scores" if target.kind == "association" else "labels"


def patterns_table(target: TargetResults) -> Table | None:
    """Return the columns with the largest mean patterns; None without patterns."""
    table = target.interpretation
    if table is None or "pattern" not in table:
        return None
    columns = table[table["kind"] == "feature"]
    top = columns.loc[columns["pattern"].abs().sort_values(ascending=False, kind="stable").index].head(_MOST_ROWS)
    rows = records(top)
    return Table(
        caption=f"The {len(rows)} largest mean patterns of {len(columns)} in {target.name}; positive: higher in "
        f"{_upper_side(target)}. Stable ones are set off. Exploratory; family-wise p over the {len(columns)} columns.",
        header=("column", "pattern", "sd over fits", "fits of this sign", "median rank", "p (family-wise)", "stable"),
        rows=tuple(
            (
                column_words(str(row["name"])), number(row["pattern"]), number(row["pattern_sd"]),
                _share(row["same_sign"]), number(row["median_rank"], 1), p_cell(row["p_fwe"]),
                "yes" if str(row["stable"]) == "True" else "no",
            )
            for row in rows
        ),
        marked=frozenset(place for place, row in enumerate(rows) if str(row["stable"]) == "True"),
    )  # fmt: skip


def _upper_side(target: TargetResults) -> str:
    return "people predicted higher" if target.kind == "association" else target.sides[1]


def importances_table(target: TargetResults) -> Table | None:
    """Return what is lost when a block of columns is shuffled; None when it was not saved."""
    table = target.interpretation
    lost, symbol = ("r2_lost", "R²") if target.kind == "association" else ("auc_lost", "AUC")
    if table is None or lost not in table:
        return None
    blocks = table[table["kind"] != "feature"]
    facts = (target.model or {}).get("interpretation") or {}
    return Table(
        caption=f"{symbol} lost in {target.name} when the columns of a block are shuffled together among the people "
        f"of a test fold ({plural(facts.get('n_test_folds', 0), 'test fold')}). Blocks that say the same can stand in "
        "for each other: no loss does not mean no information.",
        header=("block", "columns", f"{symbol} lost", "sd over folds", "5 % to 95 % of folds", "folds that lose"),
        rows=tuple(
            (
                f"{row['kind']}: {words(str(row['name']))}", count(row["n_features"]), number(row[lost], 3),
                number(row[f"{lost}_sd"], 3),
                f"{number(row[f'{lost}_low'], 3)} to {number(row[f'{lost}_high'], 3)}", _share(row["folds_worse"]),
            )
            for row in records(blocks)
        ),
    )  # fmt: skip


def _share(value: Any) -> str:
    return f"{100 * float(value):.0f} %"
