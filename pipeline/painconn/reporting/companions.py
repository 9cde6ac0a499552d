"""The plain tests beside the primary ones, and the mixed model of several sessions, on the page and in the methods."""

import pandas as pd

from painconn.reporting.citations import Citations
from painconn.reporting.effect_figures import ALPHA
from painconn.reporting.notation import column_words, count, interval, is_number, number, p_cell, plural, significant
from painconn.reporting.records import records
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.tables import Table

_NOT_ASKED = "–"


def companions_table(target: TargetResults) -> Table | None:
    """Return the companions of the primary tests; None when they were not saved."""
    table = target.companions
    if table is None or not (table["role"] == "primary").any():
        return None
    primary = table[table["role"] == "primary"]
    margin, rank = primary["smallest_effect"].iloc[0], str(primary["rank_test"].iloc[0])
    declared = target.tests("primary").set_index("test")["p_fwe"]
    rows = tuple(
        (
            column_words(str(row["test"])),
            p_cell(declared.get(row["test"])),
            p_cell(row["p_parametric"]),
            p_cell(row["p_rank"]),
            p_cell(row["p_equivalence"]),
            interval(row["bca_low"], row["bca_high"]) if is_number(row["bca_low"]) else _NOT_ASKED,
        )
        for row in records(primary)
    )
    return Table(
        caption=f"The primary tests of {target.name} asked in other ways. Nothing here is corrected for the "
        f"{count(primary['family_size'].iloc[0])} tests but the second column, which decides. {rank} knows neither "
        f"covariates nor sites. A small p (equivalence) rules out effects beyond ±{margin:g} (bold: below .05).",
        header=(
            "test", "p (family-wise, decides)", "p (t distribution)", f"p ({rank})", "p (equivalence)",
            "95 % interval, bootstrap (BCa)",
        ),
        rows=rows,
        marked=frozenset(index for index, p in enumerate(primary["p_equivalence"]) if is_number(p) and p < ALPHA),
    )  # fmt: skip


def equivalence_sentence(target: TargetResults) -> str:
    """Say of how many primary tests a relevant effect is ruled out; empty when that was not saved."""
    table = target.companions
    if table is None or not (table["role"] == "primary").any():
        return ""
    primary = table[table["role"] == "primary"]
    n_small = int((primary["p_equivalence"] < ALPHA).sum())
    stated = "the default" if target.settings.get("smallest_effect") is None else "declared in the study file"
    return (
        f"Effects beyond ±{primary['smallest_effect'].iloc[0]:g} (the smallest that would matter, {stated}) "
        f"are ruled out in {n_small} of {plural(len(primary), 'computed primary test')} (two one-sided "
        "tests, p < .05 each, not corrected). In the others “not significant” does not mean “no effect”."
    )


def sessions_table(target: TargetResults) -> Table | None:
    """Return the mixed model of the primary tests; None when nobody had several sessions."""
    table = target.sessions
    if table is None or table.empty:
        return None
    return Table(
        caption=f"Exploratory: all sessions of {target.name} in a mixed model with an intercept per person "
        f"({count(table['n_people'].max())} people, {count(table['n_observations'].max())} observations; a family of "
        f"{count(table['family_size'].iloc[0])} tests). The p comes "
        "from the normal distribution, is not corrected, and is too small with few people; the tests of the means per "
        "person above decide.",
        header=("test", "estimate", "standard error", "z", "p", "share of variance between people", "people"),
        rows=tuple(
            (
                column_words(str(row["test"])),
                significant(row["estimate"], absent=str(row["reason"])),
                significant(row["standard_error"], absent=_NOT_ASKED),
                number(row["z"], absent=_NOT_ASKED),
                p_cell(row["p_mixed"], absent=_NOT_ASKED),
                number(row["share_between_people"], absent=_NOT_ASKED),
                count(row["n_people"]),
            )
            for row in records(table)
        ),
    )


def companion_method(results: StudyResults, cited: Citations) -> list[str]:
    """Say which plain tests stand beside the declared ones; nothing when none was saved."""
    tables = [target.companions for target in results.targets.values() if target.companions is not None]
    if not tables:
        return []
    margins = sorted(set(pd.concat(tables)["smallest_effect"].dropna()))
    ranks = sorted(set(pd.concat(tables)["rank_test"].dropna()))
    told = (
        f"Beside every test, uncorrected: its p from the t distribution, {' or '.join(ranks)} (without covariates), "
        f"and two one-sided tests against ±{' or ±'.join(f'{margin:g}' for margin in margins)} "
        f"{cited.cite('schuirmann1987', 'lakens2017')}; for primary tests a bias-corrected and accelerated bootstrap "
        f"interval {cited.cite('efron1987')}, people resampled within sides."
    )
    if any(target.sessions is not None for target in results.targets.values()):
        told += (
            " People with several sessions enter the tests with their mean; all sessions enter a mixed model with an "
            "intercept per person (restricted maximum likelihood), which is exploratory."
        )
    return [told]
