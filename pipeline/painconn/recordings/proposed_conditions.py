"""Conditions proposed from annotations and lengths: blocks, else events, else the whole recording."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

from painconn.recordings.readers import Header
from painconn.recordings.survey import Survey

_Number = TypeVar("_Number", int, float)
_EPOCH_S, _SEGMENT_S = 2.0, 10.0
_USED_SHARE = 0.75
_MIN_EPOCHS = 20
_SHORTEST_BLOCK_S = 20.0
_WHOLE_SHARE = 0.95
_MOST_SHOWN = 12


@dataclass(frozen=True)
class ProposedCondition:
    """Fields of a condition; `n_available` is what the shorter recordings hold."""

    name: str
    kind: str
    task: str
    n_available: int
    n_epochs: int
    n_segments: int = 0
    block: str = ""
    events: tuple[str, ...] = ()


def propose_conditions(survey: Survey, notes: list[str]) -> list[ProposedCondition]:
    """Propose the conditions of a study; what could not be decided is appended to `notes`."""
    by_task: dict[str, list[Header]] = defaultdict(list)
    for file, header in survey.headers:
        by_task[file.task].append(header)
    conditions: list[ProposedCondition] = []
    for task, headers in sorted(by_task.items()):
        taken = {condition.name for condition in conditions}
        if survey.source["layout"] == "epochs":
            available = _shorter([header.n_epochs for header in headers])
            conditions.append(_rest(_free(task or "rest", taken), task, available, 0))
        else:
            conditions += _continuous(task, headers, taken, notes)
    for condition in conditions:
        if condition.n_epochs < _MIN_EPOCHS:
            found = f"condition {condition.name}: {condition.n_epochs} epochs"
            notes.append(
                f"{found} are below the gate of {_MIN_EPOCHS} for phase measures, which are then not computable"
            )
    return conditions


def _continuous(
    task: str, headers: list[Header], taken: Collection[str], notes: list[str]
) -> Iterator[ProposedCondition]:
    counts = Counter[str]()
    for header in headers:
        counts.update({name: count for name, count in header.annotations.items() if not name.upper().startswith("BAD")})
    if counts:
        shown = ", ".join(f"{name!r} x {count / len(headers):g}" for name, count in counts.most_common(_MOST_SHOWN))
        notes.append(f"events per recording{f' of task {task}' * bool(task)}: {shown}")
    shortest_s = _shorter([header.duration_s for header in headers])
    spans = {name: _shorter([header.longest_s.get(name, 0.0) for header in headers]) for name in counts}
    blocks = {name: span for name, span in spans.items() if _SHORTEST_BLOCK_S <= span < _WHOLE_SHARE * shortest_s}
    often = tuple(
        name
        for name in sorted(counts)
        if spans[name] < _SHORTEST_BLOCK_S and counts[name] >= _MIN_EPOCHS * len(headers)
    )
    for name, span in sorted(blocks.items()):
        label = "".join(character for character in name if character.isascii() and character.isalnum())
        yield _rest(_free(label or "block", taken), task, int(span / _EPOCH_S), int(span / _SEGMENT_S), block=name)
    if often:
        available = sum(_shorter([header.annotations.get(name, 0) for header in headers]) for name in often)
        name = _free(f"{task}events", {*taken, *blocks})
        yield ProposedCondition(name, "events", task, available, _used(available), events=often)
    if not blocks and not often:
        name = _free(task or "rest", taken)
        yield _rest(name, task, int(shortest_s / _EPOCH_S), int(shortest_s / _SEGMENT_S))


def _shorter(values: list[_Number]) -> _Number:
    """Return the value that nine of ten recordings reach."""
    return sorted(values)[len(values) // 10]


def _used(available: int) -> int:
    return max(math.floor(_USED_SHARE * available), min(_MIN_EPOCHS, available), 1)


def _rest(name: str, task: str, available: int, segments: int, *, block: str = "") -> ProposedCondition:
    n_segments = math.floor(_USED_SHARE * segments)
    return ProposedCondition(name, "rest", task, available, _used(available), n_segments, block)


def _free(name: str, taken: Collection[str]) -> str:
    return next(key for key in (name, *(f"{name}x{number}" for number in range(2, 1000))) if key not in taken)
