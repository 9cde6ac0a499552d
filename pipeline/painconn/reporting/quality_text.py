"""The words of the methods section about the quality of the recordings."""

import pandas as pd

from painconn.config.inclusion import Limits
from painconn.reporting.notation import listing, plural, significant, words
from painconn.reporting.results import StudyResults


def quality_paragraphs(results: StudyResults) -> list[str]:
    """Return which quality excluded, and how good the recordings were."""
    return _inclusion(results) + _what_cleaning_did(results)


def _inclusion(results: StudyResults) -> list[str]:
    rules = results.study["data"].get("inclusion") or {}
    if not rules:
        return []
    limits = [f"{words(name)} {Limits.model_validate(rule)}" for name, rule in rules.items()]
    n_lines = sum(lines for _, check, lines in results.exclusion_reasons if check == "inclusion")
    return [
        f"Recordings were included by quality: {listing(limits)}. {plural(n_lines, 'exclusion')} followed; labels "
        "played no part in it."
    ]


def _what_cleaning_did(results: StudyResults) -> list[str]:
    """Report medians and ranges of the quality table, as the cleaning left them."""
    quality = results.quality
    if quality is None or quality.empty:
        return []
    told = []
    for name, text in (
        ("n_channels", "channels"),
        ("fraction_interpolated", "fraction of channels interpolated"),
        ("rank_used", "rank"),
    ):
        values = pd.to_numeric(quality.get(name, pd.Series(dtype=float)), errors="coerce").dropna()
        if len(values):
            told.append(
                f"{text} {significant(values.median())} ({significant(values.min())} to {significant(values.max())})"
            )
    return (
        [f"Over {plural(len(quality), 'row')} of the quality table (median, range): {'; '.join(told)}."] if told else []
    )
