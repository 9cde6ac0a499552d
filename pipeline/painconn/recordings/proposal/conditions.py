"""Conditions proposed from annotations and lengths: blocks and events, else the whole recording."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from painconn.config.data import WINDOWS_BY_KIND
from painconn.recordings.proposal.survey import Survey
from painconn.recordings.proposal.wording import free_label, plain_label
from painconn.recordings.readers import Header
from painconn.recordings.sidecars import sidecar_files
from painconn.recordings.tables import TableError, read_text_table

_Number = TypeVar("_Number", int, float)
_EPOCH_S, _SEGMENT_S = 2.0, 10.0
_USED_SHARE = 0.7
_MIN_EPOCHS = 20
_FEWEST_EVENTS = 10
_MOST_EVENT_CONDITIONS = 6
_SHORTEST_BLOCK_S = 20.0
_WHOLE_SHARE = 0.95
_MOST_SHOWN = 12
_COMMON_SHARE = 0.25
_WINDOW_S = 1.25


@dataclass(frozen=True)
class ProposedCondition:
    """Fields of a condition; `n_available` is what the shorter sessions hold, `windows` its observations."""

    name: str
    kind: Literal["rest", "events"]
    task: str
    n_available: int
    n_epochs: int
    n_segments: int = 0
    block: str = ""
    events: tuple[str, ...] = ()

    @property
    def observation(self) -> str:
        """The window that a comparison between people looks at."""
        return "post" if "post" in WINDOWS_BY_KIND[self.kind] else "epoch"


def propose_conditions(survey: Survey, notes: list[str]) -> list[ProposedCondition]:
    """Propose the conditions of a study; what could not be decided is appended to `notes`."""
    by_task: dict[str, dict[tuple[str, str], list[Header]]] = defaultdict(lambda: defaultdict(list))
    for file, header in survey.headers:
        by_task[file.task][file.participant, file.session].append(header)
    conditions: list[ProposedCondition] = []
    for task, by_session in sorted(by_task.items()):
        taken = {condition.name for condition in conditions}
        sessions = list(by_session.values())
        if survey.layout.kind == "epochs":
            available = _shorter([sum(header.n_epochs for header in session) for session in sessions])
            notes += _ready_epochs(task, [header for session in sessions for header in session])
            conditions.append(_rest(free_label(plain_label(task) or "rest", taken), task, available, 0))
        else:
            conditions += _continuous(task, sessions, taken, notes)
    for condition in conditions:
        if condition.n_epochs < _MIN_EPOCHS:
            found = f"condition {condition.name}: {condition.n_epochs} of {condition.n_available} epochs"
            notes.append(
                f"{found} are below the gate of {_MIN_EPOCHS} epochs: phase measures are not computable (power is), "
                f"unless you lower the gate knowingly with connectivity.min_epochs: {max(condition.n_epochs, 2)}"
            )
    if any(condition.events or condition.block for condition in conditions):
        notes.append("names of events stand here as they are in the files: look at them before you pass this file on")
        notes += _named_by(survey)
    return conditions


def _common_names(headers: list[Header]) -> dict[str, int]:
    """Return how often what is annotated in a good part of the recordings occurs; a text of one person does not."""
    counts, holders = Counter[str](), Counter[str]()
    for header in headers:
        named = {name: count for name, count in header.annotations.items() if not name.upper().startswith("BAD")}
        counts.update(named)
        holders.update(named.keys())
    return {
        name: count
        for name, count in counts.most_common()
        if (count > 1 or len(headers) == 1) and holders[name] >= _COMMON_SHARE * len(headers)
    }


def _ready_epochs(task: str, headers: list[Header]) -> Iterator[str]:
    """Say what ready epochs are called, and that they are taken as they are."""
    names = ", ".join(map(repr, list(_common_names(headers))[:_MOST_SHOWN])) or "nothing that many share"
    yield (
        f"ready epochs{_of(task)} are taken as they are (kind: rest), also where they follow an event; "
        f"their events are called {names} (kind: events cuts windows around them)"
    )


def _continuous(
    task: str, sessions: list[list[Header]], taken: Collection[str], notes: list[str]
) -> Iterator[ProposedCondition]:
    headers = [header for session in sessions for header in session]
    names = _common_names(headers)
    notes += _events_seen(task, names, headers)
    spans_s = {name: _shorter([header.longest_s.get(name, 0.0) for header in headers]) for name in names}
    whole_s = _shorter([header.duration_s for header in headers])
    blocks = [name for name, span_s in spans_s.items() if _SHORTEST_BLOCK_S <= span_s < _WHOLE_SHARE * whole_s]
    often = _frequent([name for name, span_s in spans_s.items() if span_s < _SHORTEST_BLOCK_S], sessions)
    notes += _which_events(task, often)
    taken = set(taken)
    for name in sorted(blocks):
        label = free_label(plain_label(name) or "block", taken)
        taken.add(label)
        epochs, segments = (int(spans_s[name] / length_s) for length_s in (_EPOCH_S, _SEGMENT_S))
        yield _rest(label, task, epochs, segments, block=name)
    for name, available in list(often.items())[:_MOST_EVENT_CONDITIONS]:
        label = plain_label(name)
        label = free_label(label if label and not label.isdigit() else f"event{label}", taken)
        taken.add(label)
        notes += _spacing(name, headers)
        yield ProposedCondition(label, "events", task, available, _used(available), events=(name,))
    if not blocks and not often:
        epochs, segments = (
            _shorter([sum(int(header.duration_s / length_s) for header in one) for one in sessions])
            for length_s in (_EPOCH_S, _SEGMENT_S)
        )
        yield _rest(free_label(plain_label(task) or "rest", taken), task, epochs, segments)


def _frequent(names: Collection[str], sessions: list[list[Header]]) -> dict[str, int]:
    """Return how many of each event the shorter sessions hold, most first, where that is enough for a condition."""
    held = {
        name: _shorter([sum(one.annotations.get(name, 0) for one in session) for session in sessions]) for name in names
    }
    ordered = sorted(held, key=lambda name: (-held[name], name))
    return {name: held[name] for name in ordered if held[name] >= _FEWEST_EVENTS}


def _events_seen(task: str, names: dict[str, int], headers: list[Header]) -> Iterator[str]:
    shown = ", ".join(f"{name!r} x {count / len(headers):.3g}" for name, count in list(names.items())[:_MOST_SHOWN])
    others = len({name for header in headers for name in header.annotations}) - min(len(names), _MOST_SHOWN)
    if shown or others:
        more = f" and {others} other name(s)" if others else ""
        yield f"events per recording{_of(task)}: {shown or 'none that many share'}{more}"


def _which_events(task: str, often: Collection[str]) -> Iterator[str]:
    if len(often) > _MOST_EVENT_CONDITIONS:
        yield f"{len(often)} events{_of(task)} are frequent; the first {_MOST_EVENT_CONDITIONS} became conditions"
    if len(often) > 1:
        yield f"which of the events{_of(task)} are stimuli is not known here: remove the others (responses, cues)"


def _of(task: str) -> str:
    return f" of task {task}" if task else ""


def _spacing(name: str, headers: list[Header]) -> Iterator[str]:
    """Say when events follow so closely that the window before one is the window after another."""
    apart_s = _shorter([header.duration_s / count for header in headers if (count := header.annotations.get(name, 0))])
    if apart_s < 2 * _WINDOW_S:
        yield (
            f"event {name!r} occurs every {apart_s:.2g} s: the windows before and after it ({_WINDOW_S:g} s each) "
            "overlap with those of its neighbours; shorten window_s"
        )


def _named_by(survey: Survey) -> Iterator[str]:
    """Say which column of the first events table the names come from, when there is a choice."""
    file, _ = survey.headers[0]
    source = survey.sources[file.source]
    tables = sidecar_files(source.root / file.path, source.root, "events", ".tsv") if source.layout == "bids" else []
    try:
        columns = read_text_table(tables[0]).columns if tables else ()
    except TableError:
        return
    if {"trial_type", "value"} <= set(columns):
        yield "events are called by the column trial_type of the events table, and by value only where that is empty"


def _shorter(values: list[_Number]) -> _Number:
    """Return the value that nine of ten recordings reach."""
    return sorted(values)[len(values) // 10]


def _used(available: int) -> int:
    """Leave the rest for rejection, but not at the price of the gate."""
    share = math.floor(_USED_SHARE * available)
    return max(share, _MIN_EPOCHS if available >= _MIN_EPOCHS else 1)


def _rest(name: str, task: str, available: int, segments: int, *, block: str = "") -> ProposedCondition:
    n_segments = math.floor(_USED_SHARE * segments)
    return ProposedCondition(name, "rest", task, available, _used(available), n_segments, block)
