"""The tables of the page: saved rows in, text cells out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from painconn.reporting.effect_figures import ALPHA, effect_word, of_score
from painconn.reporting.marks import dagger, note
from painconn.reporting.notation import (
    NOT_COMPUTABLE,
    column_words,
    count,
    interval,
    is_number,
    number,
    p_cell,
    significant,
    words,
)
from painconn.reporting.performance import Performance
from painconn.reporting.records import records
from painconn.reporting.results import TargetResults

N_EXPLORATORY = 20
_BRACKETS = re.compile(r"\s*\([^()]*\)")
_NEVER_SHOWN = {"age"}
_LABEL_COLUMNS = ("participant", "session", "recording")


@dataclass(frozen=True)
class Table:
    """A table of the page: caption, header, text cells.

    `marked` rows are set off; `meanings` explains columns, by their text in the header, to whoever points at them.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    meanings: Mapping[str, str] = field(default_factory=dict)


def _cell(value: Any) -> str:
    """Return any saved value as text; missing stays ``n/a``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return significant(value)
    if value == "":
        return "–"
    return "n/a" if value is None or (isinstance(value, float) and pd.isna(value)) else str(value)


def tests_table(tests: pd.DataFrame, caption: str, *, sides: tuple[str, str], p_corrected: str) -> Table:
    """Return one row per test with its estimate, effect, interval and p values; not computable ones say why."""
    corrected = {"p_fwe": "p (family-wise)", "q_fdr": "q (FDR)"}[p_corrected]
    header = (
        "test",
        "estimate",
        effect_word(tests),
        "95 % interval",
        "p",
        corrected,
        "BF01",
        *(("n",) if of_score(tests) else (f"n {side}" for side in sides)),
    )
    rows = []
    for row in records(tests):
        name = f"{column_words(row['test'])}{dagger(row)}"
        people = (count(row.get("n_a")), count(row.get("n_b")))[: len(header) - 7]
        if not is_number(row.get("estimate")):
            reason = str(row.get("reason") or "").replace("nan", "")
            told = f"{NOT_COMPUTABLE}: {reason}" if reason else NOT_COMPUTABLE
            rows.append((name, told, "–", "–", "–", "–", "–", *people))
            continue
        rows.append(
            (
                name,
                significant(row["estimate"]),
                number(row.get("hedges_g")),
                interval(row.get("ci_low"), row.get("ci_high")),
                p_cell(row.get("p")),
                p_cell(row.get(p_corrected)),
                significant(row.get("bf01")),
                *people,
            )
        )
    marked = frozenset(
        index
        for index, value in enumerate(tests.get(p_corrected, pd.Series(dtype=float)))
        if is_number(value) and value < ALPHA
    )
    return Table(caption=caption + note(records(tests)), header=header, rows=tuple(rows), marked=marked)


def exploratory_families(tests: pd.DataFrame) -> Table:
    """Return one row per exploratory family: its size, how many were computed, how many are below .05 in three ways."""
    rows = []
    for name, family in tests.groupby("family", sort=False):
        computed, below = family["p"].notna(), family["q_fdr"].lt(ALPHA)
        size = family["family_size"].iloc[0] if "family_size" in family else len(family)
        rows.append(
            (
                words(str(name)),
                count(size),
                count(computed.sum()),
                count(family["p_fwe"].lt(ALPHA).sum()) if "p_fwe" in family else "n/a",
                count(below.sum()),
                count(family["p"].lt(ALPHA).sum()),
            )
        )
    return Table(
        caption=f"Exploratory families: {count(len(tests))} tests in {count(len(rows))} families that were not "
        "declared, each family corrected by itself. With no effect anywhere, about 5 % of the p values fall below .05, "
        "and so does the smallest family-wise p in about 5 % of the families. No p is below one over the number of "
        "rearrangements: in a family with more tests than a twentieth of that number, one test alone cannot reach a q "
        "below .05.",
        header=(
            "family", "tests", "computed", "p (family-wise) below .05", "q (FDR) below .05", "p below .05, uncorrected",
        ),
        rows=tuple(rows),
    )  # fmt: skip


def exploratory_top(tests: pd.DataFrame, *, sides: tuple[str, str]) -> Table | None:
    """Return the exploratory tests with the smallest p, with their q; None when none was computed."""
    computed = tests[tests["p"].notna()]
    if computed.empty:
        return None
    top = computed.sort_values("p", kind="stable").head(N_EXPLORATORY)
    table = tests_table(
        top,
        f"The {len(top)} exploratory tests with the smallest p out of {count(len(computed))} computed; q is the false "
        "discovery rate within each family (below .05 in bold). Chosen for being the smallest: sizes are exaggerated.",
        sides=sides,
        p_corrected="q_fdr",
    )
    families = [f"{words(str(row['family']))} ({count(row.get('family_size'))})" for row in records(top)]
    rows = tuple((*row, family) for row, family in zip(table.rows, families, strict=True))
    return replace(table, header=(*table.header, "family (its tests)"), rows=rows)


def performance_table(models: Sequence[Performance], baselines: Sequence[Performance], people: str) -> Table:
    """Return one row per feature set and baseline."""
    rows = [
        (
            words(score.name)
            + (" (baseline)" if index >= len(models) else " (exploratory)" if score.exploratory else ""),
            count(score.n_features) if score.n_features is not None else "–",
            number(score.auc),
            interval(score.low, score.high),
            p_cell(score.p),
            number(score.null_mean),
            number(score.balanced_accuracy),
            f"{number(score.sensitivity)} / {number(score.specificity)}",
            number(score.brier, 3),
        )
        for index, score in enumerate((*models, *baselines))
    ]
    header = (
        "features", "columns", "AUC", "95 % interval", "permutation p", "mean AUC, permuted labels",
        "balanced accuracy", "sensitivity / specificity", "Brier score",
    )  # fmt: skip
    caption = f"Out-of-fold performance ({people}). The first row answers the question."
    if len(rows) > 1:
        caption += (
            f" Its p is that of one declared test; the p of each of the {count(len(rows) - 1)} other rows stands by "
            "itself, exploratory and not corrected for their number."
        )
    if models and is_number(models[0].brier_no_skill):
        caption += (
            f" A model without features has a Brier score of {number(models[0].brier_no_skill, 3)}; lower is better."
        )
    return Table(caption=caption, header=header, rows=tuple(rows))


def gates_table(target: TargetResults) -> Table:
    """Return one row per gate of the audit, failed ones first.

    What stands in brackets in the finding of a passed gate names recordings; it is left to ``audit.json``.
    """
    failed = target.failed_gates
    gates = failed + [gate for gate in target.gates if gate not in failed]
    rows = []
    for gate in gates:
        verdict = "FAILED" if gate in failed else "not evaluated" if gate.get("evaluated") is False else "passed"
        found = _cell(gate.get("found"))
        found = _BRACKETS.sub("", found) if verdict == "passed" else found
        rows.append((words(_cell(gate.get("gate"))), _cell(gate.get("expected")), found, verdict))
    return Table(
        caption=f"Audit gates of {target.name}.",
        header=("gate", "expected", "found", "verdict"),
        rows=tuple(rows),
        marked=frozenset(range(len(failed))),
    )


def mapping_table(values: Mapping[str, Any], caption: str, header: tuple[str, str]) -> Table:
    """Return keys and values as two columns; nested mappings are told with their path."""
    return Table(caption=caption, header=header, rows=tuple(_flat(values)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{words(str(key))}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}: ")
        elif isinstance(value, list | tuple):
            yield name, "; ".join(_cell(item) for item in value) or "none"
        else:
            yield name, _cell(value)


def plain_table(table: pd.DataFrame, caption: str, *, meanings: Mapping[str, str] | None = None) -> Table:
    """Return a saved table as it is, without columns that are empty or never shown; `meanings` by column."""
    said = [name for name in table.columns if str(name).lower() not in _NEVER_SHOWN and not table[name].eq("").all()]
    shown = table[said]
    rows = tuple(
        tuple(
            str(value) if name in _LABEL_COLUMNS else _cell(value)
            for name, value in zip(shown.columns, row, strict=True)
        )
        for row in shown.itertuples(index=False, name=None)
    )
    return Table(
        caption=caption,
        header=tuple(words(str(name)) for name in shown.columns),
        rows=rows,
        meanings={words(name): meaning for name, meaning in (meanings or {}).items()},
    )


def flag_table(quality: pd.DataFrame, *, warn_epochs: int, n_epochs: Mapping[str, int]) -> Table:
    """Return how many recordings carry each quality flag.

    Parameters
    ----------
    quality : DataFrame
        A row per recording or session.
    warn_epochs : int
        Number of epochs of the study file below which a phase measure is flagged.
    n_epochs : mapping of str to int
        Epochs that the study file uses per condition, the same for everybody.
    """
    total = len(quality)
    flags: list[tuple[str, pd.Series]] = [
        (
            f"phase measures of {condition} use {count} epochs, fewer than {warn_epochs}",
            pd.Series(True, index=quality.index),
        )
        for condition, count in n_epochs.items()
        if count < warn_epochs
    ]
    for name, told in (("bad_channels", "bad channels found"), ("components", "components removed")):
        if name in quality:
            flags.append((told, ~quality[name].fillna("none").astype(str).isin(["", "none"])))
    if "alpha_reactivity_db" in quality and quality["alpha_reactivity_db"].notna().any():
        flags.append(("alpha does not fall when the eyes open", quality["alpha_reactivity_db"].lt(0)))
    if {"rank_data", "rank_tracked"} <= set(quality.columns):
        flags.append(("numerical rank below the tracked rank", quality["rank_data"].lt(quality["rank_tracked"])))
    rows = tuple((told, f"{int(flag.sum())} of {total}", f"{100 * flag.mean():.0f} %") for told, flag in flags)
    return Table(
        caption=f"Flagged recordings ({total} in the quality table).",
        header=("flag", "recordings", "fraction"),
        rows=rows,
    )


def spread_table(quality: pd.DataFrame) -> Table:
    """Return median, smallest and largest value of every numeric column of the quality table."""
    numeric = quality.select_dtypes("number")
    rows = tuple(
        (words(str(name)), significant(values.median()), significant(values.min()), significant(values.max()))
        for name, values in numeric.items()
        if str(name).lower() not in _NEVER_SHOWN and name not in _LABEL_COLUMNS and values.notna().any()
    )
    return Table(
        caption="Spread of each quality figure over recordings.",
        header=("figure", "median", "smallest", "largest"),
        rows=rows,
    )


def not_computable_table(table: pd.DataFrame) -> Table:
    """Return how many observations could not be computed, per condition, window, measure, band and reason."""
    keys = [name for name in ("condition", "window", "measure", "band", "reason") if name in table]
    groups = table.fillna("n/a").groupby(keys, sort=False)
    rows = tuple(
        (
            *(words(str(value)) for value in values),
            count(len(group)),
            count(group["participant"].nunique()) if "participant" in group else "n/a",
        )
        for values, group in groups
    )
    return Table(
        caption="Not computable: these values are missing on purpose, and are nowhere replaced by 0.",
        header=(*keys, "observations", "people"),
        rows=rows,
    )
