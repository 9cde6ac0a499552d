"""Rule ``iasp2021``: clinical criteria and grading of nociplastic pain of the musculoskeletal system.

Kosek et al. 2021, Pain 162:2629-2634. Criterion 1: the pain is (a) chronic, more than 3 months, (b) regional rather
than discrete, and there is no evidence that (c) nociceptive or (d) neuropathic pain is entirely responsible for it.
Criterion 2: a history of hypersensitivity in the region of pain (touch, pressure, movement, heat or cold). Criterion
3: comorbidities (sensitivity to sound, light or odours; sleep disturbance; fatigue; cognitive problems). Criterion 4:
evoked hypersensitivity in the region of pain (static or dynamic mechanical allodynia, heat or cold allodynia, painful
after-sensations). Possible: 1 and 4. Probable: all.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from painconn.config.phenotype import Phenotype
from painconn.errors import Problem
from painconn.recordings.phenotype.evidence import MISSING, Cut, Evidence, Outcome, Sitting, all_of, any_of
from painconn.recordings.phenotype.rows import Rows
from painconn.recordings.registry import PHENOTYPES

_MOST_MONTHS = 1200
_PLAIN = ("regional", "not_nociceptive_alone", "not_neuropathic_alone")
_GROUPS = ("history", "comorbidity", "evoked")
_CHOSEN = Cut("more than 3 months", {"months": 3.0, "included": 0.0})
_CUTS = (Cut("3 months or more", {"months": 3.0, "included": 1.0}), _CHOSEN,
         Cut("more than 6 months", {"months": 6.0, "included": 0.0}))  # fmt: skip


def grade_items(rows: Rows, phenotype: Phenotype, people: pd.DataFrame, controls: frozenset[str]) -> Evidence:
    """Read the items; history, comorbidity and evoked as one answer, or from those of their signs that were asked."""
    months = rows.numbers("months", 0, _MOST_MONTHS) if rows.require("months") else []
    items = {item: rows.answers(item) for item in _PLAIN if rows.require(item)}
    items |= {group: _group(rows, group) for group in _GROUPS}
    if rows.problems:
        return Evidence((), _judge, _CUTS, _CHOSEN)
    sittings = []
    for place, label in enumerate(rows.labels):
        values: dict[str, float | bool | None] = {"months": months[place]}
        values |= {item: answers[place] for item, answers in items.items()}
        missing = tuple(name for name, value in values.items() if value is None)
        sittings.append(Sitting(label, rows.numbers_of_rows([place]), values, missing))
    return Evidence(tuple(sittings), _judge, _CUTS, _CHOSEN, notes=_not_asked(rows))


def _signs(group: str) -> list[str]:
    return [column for column in PHENOTYPES["iasp2021"].columns if column.startswith(f"{group}_")]


def _group(rows: Rows, group: str) -> list[bool | None]:
    """Return one answer per row: any of the signs, or what the column of the group says."""
    signs = [rows.answers(sign) for sign in _signs(group) if rows.has(sign)]
    found = [any_of(answers) for answers in zip(*signs, strict=True)] if signs else None
    given = rows.answers(group) if rows.has(group) else None
    if found is None and given is None:
        rows.require(group, instead=f", or for one of {', '.join(_signs(group))}")
    if found is None or given is None:
        return list(found or given or [])
    for place, (one, other) in enumerate(zip(given, found, strict=True)):
        if one is not None and other is not None and one != other:
            shown = f"{'yes' if one else 'no'}, while its signs say {'yes' if other else 'no'}"
            where = rows.text.where(place, rows.columns_of(group)[0])
            rows.problems.append(Problem(where, shown, "an answer that agrees with its signs", "correct one of them"))
    return [one if one is not None else other for one, other in zip(given, found, strict=True)]


def _not_asked(rows: Rows) -> tuple[str, ...]:
    """Name the signs that the table does not have: a criterion can be unmet because nobody looked."""
    absent = [sign for group in _GROUPS if not rows.has(group) for sign in _signs(group) if not rows.has(sign)]
    return (f"no column for {', '.join(absent)}: counted as not looked for",) if absent else ()


def _judge(values: Mapping[str, Any], cut: Cut) -> Outcome:
    months, limit = values["months"], cut.limits["months"]
    chronic = None if months is None else months > limit or (bool(cut.limits["included"]) and months == limit)
    criteria = {"chronic": chronic, **{item: values[item] for item in (*_PLAIN, *_GROUPS)}}
    unmet = tuple(name for name, met in criteria.items() if met is False)
    needed = all_of(criteria[name] for name in ("chronic", *_PLAIN, "evoked"))
    probable = all_of((needed, criteria["history"], criteria["comorbidity"]))
    if needed is None or (needed and probable is None):
        return Outcome(None, MISSING, unmet)
    return Outcome("probable" if probable else "possible" if needed else "not", unmet=unmet)
