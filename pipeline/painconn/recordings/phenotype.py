"""Rules that make a label. Every rule is versioned, says what it used, and counts who stays without a label."""

from dataclasses import dataclass

import pandas as pd

from painconn.config.phenotype import Phenotype
from painconn.errors import InputError, Problem
from painconn.recordings.registry import PHENOTYPES, load


@dataclass(frozen=True)
class PhenotypeLabels:
    """What a rule made of the participants table.

    Parameters
    ----------
    rule, version : str
        Which rule.
    labels : Series of str
        Label by participant; None where the rule gives none.
    counts : dict
        Participants by label; ``unclassified`` are those without one.
    """

    rule: str
    version: str
    labels: "pd.Series[str]"
    counts: dict[str, int]


def phenotype_labels(table: pd.DataFrame, phenotype: Phenotype) -> PhenotypeLabels | None:
    """Apply the study's rule to the participants table.

    Returns
    -------
    labels : PhenotypeLabels or None
        None when the rule is ``given_column`` without a column: every contrast then names its own.

    Raises
    ------
    InputError
        Unknown rule, or the table lacks what the rule needs.
    """
    definition = PHENOTYPES.get(phenotype.rule)
    if definition is None:
        known = ", ".join(PHENOTYPES)
        raise InputError(
            Problem("data.phenotype.rule", f"unknown rule {phenotype.rule}", f"one of: {known}", "use one of these")
        )
    if phenotype.rule == "given_column" and phenotype.column is None:
        return None
    labels: pd.Series[str] = load(definition.function)(table, phenotype)
    counts = {str(label): int(count) for label, count in labels.value_counts().sort_index().items()}
    return PhenotypeLabels(
        definition.name, definition.version, labels, {**counts, "unclassified": int(labels.isna().sum())}
    )


def given_column(table: pd.DataFrame, phenotype: Phenotype) -> "pd.Series[str]":
    """Return a column of the participants table as it stands."""
    if phenotype.column not in table.columns:
        names = ", ".join(map(str, table.columns))
        raise InputError(
            Problem("data.phenotype.column", f"no column {phenotype.column}", f"one of: {names}", "correct the name")
        )
    return table[phenotype.column]
