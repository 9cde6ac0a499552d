"""Who is good enough: the inclusion rules of the study file, applied to the rows of one session.

A rule looks at one session alone, so that nobody's numbers depend on it but those of the excluded.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from painconn.config.inclusion import Limits
from painconn.config.quality_numbers import QUALITY_NUMBERS
from painconn.errors import Problem, RecordingFault

CHECK = "inclusion"


def left_out(
    rows: Sequence[Mapping[str, Any]],
    inclusion: Mapping[str, Limits],
    conditions: Mapping[str, Mapping[str, Any]],
) -> tuple[set[str], list[dict[str, str]]]:
    """Return what the rules exclude from a session.

    Parameters
    ----------
    rows : sequence of mapping
        Its rows of the quality table.
    inclusion : mapping of str to Limits
        The rules, by column. A number that cannot be computed excludes nobody.
    conditions : mapping of str to mapping
        Its conditions, with the recordings each was cut from under ``epoch_times_s``. A recording outside excludes
        the conditions it serves, a number of the session all of them.

    Returns
    -------
    conditions : set of str
        Those that cannot be used.
    exclusions : list of dict
        A row of the exclusion table for each number that is outside.
    """
    lost: set[str] = set()
    exclusions = []
    for name, limits in inclusion.items():
        of_session = QUALITY_NUMBERS[name].of == "session"
        for row in rows[:1] if of_session else rows:
            if math.isnan(row[name]) or limits.allow(row[name]):
                continue
            recording = "" if of_session else str(row["recording"])
            served = [one for one, record in conditions.items() if not recording or _serves(record, recording)]
            lost |= set(served)
            exclusions.append(_exclusion(row, recording, name, limits, served, n_conditions=len(conditions)))
    return lost, exclusions


def _serves(condition: Mapping[str, Any], recording: str) -> bool:
    return recording in condition["epoch_times_s"]


def _exclusion(
    row: Mapping[str, Any], recording: str, name: str, limits: Limits, served: list[str], *, n_conditions: int
) -> dict[str, str]:
    problem = Problem(
        recording or "session",
        f"{name} {row[name]:.4g}",
        str(limits),
        f"nothing, or change data.inclusion.{name}; the quality page of the session shows why",
    )
    where = {"recording": recording, "condition": "" if len(served) == n_conditions else ", ".join(served)}
    return where | {"step": "table"} | RecordingFault(CHECK, problem).as_record()
