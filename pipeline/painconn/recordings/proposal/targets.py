"""Questions proposed for a study: pairs that can be compared, and groups."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from painconn.recordings.proposal.conditions import ProposedCondition
from painconn.recordings.proposal.groups import MIN_PER_GROUP, ProposedGroup
from painconn.recordings.proposal.wording import free_label, plain_label, quoted

_MOST_EVENT_TARGETS = 2
_Side = tuple[str, str]


def propose_targets(
    pairs: Sequence[tuple[str, _Side, _Side]], groups: Iterable[ProposedGroup], observation: _Side | None
) -> dict[str, list[str]]:
    """Return the lines of each target by its name.

    Parameters
    ----------
    pairs : sequence of (str, (condition, window), (condition, window))
        Contrasts within people, with their names.
    groups : iterable of ProposedGroup
        Contrasts between people.
    observation : (condition, window) or None
        What groups are compared in.
    """
    targets: dict[str, list[str]] = {}
    for name, a, b in pairs:
        label = free_label(plain_label(name) or "pair", targets)
        targets[label] = ["kind: within", f"a: {_observation(a)}", f"b: {_observation(b)}"]
    groups = list(groups) if observation is not None else []
    for group in groups:
        alone = sum(other.column == group.column for other in groups) == 1
        name = plain_label(group.column if alone else f"{group.column}{group.b}")
        sides = [f"column: {quoted(group.column)}", f"a: {quoted(group.a)}", f"b: {quoted(group.b)}"]
        seen = f"observation: {_observation(observation)}" if observation else ""
        targets[free_label(name or "groups", targets)] = ["kind: between", *sides, seen]
    return targets


def pairs_of_conditions(conditions: Sequence[ProposedCondition], notes: list[str]) -> list[tuple[str, _Side, _Side]]:
    """Pair what has the same kind and length: rest with rest, before with after the same event."""
    rests = [condition for condition in conditions if condition.kind == "rest"]
    events = [condition for condition in conditions if condition.kind == "events"]
    pairs: list[tuple[str, _Side, _Side]] = []
    if len(rests) > 1:
        first, second = sorted(rests[:2], key=lambda one: not _is_reference(one.name))
        pairs.append((f"{first.name}vs{second.name}", (first.name, "epoch"), (second.name, "epoch")))
    for one in events[:_MOST_EVENT_TARGETS]:
        pairs.append((f"{one.name}response", (one.name, "pre"), (one.name, "post")))
    if len(rests) > 2 or len(events) > _MOST_EVENT_TARGETS:
        notes.append(
            "not every pair of conditions became a target; add further ones that have the same kind and length"
        )
    return pairs


def pairs_of_table(features: pd.DataFrame, notes: list[str]) -> list[tuple[str, _Side, _Side]]:
    """Pair the observations of a ready table: two windows of a condition, else two conditions in the same window."""
    seen = features[["condition", "window"]].drop_duplicates().itertuples(index=False, name=None)
    observations = sorted((str(condition), str(window)) for condition, window in seen)
    for a in observations:
        for b in observations:
            if a < b and (_before_and_after(a, b) or (a[0] != b[0] and a[1] == b[1])):
                if len(observations) > 2:
                    notes.append("not every pair of observations of the table became a target; add further ones")
                if a[0] == b[0]:
                    return [(f"{a[0]}response", (a[0], "pre"), (a[0], "post"))]
                first, second = sorted([a, b], key=lambda side: not _is_reference(side[0]))
                return [(f"{first[0]}vs{second[0]}", first, second)]
    return []


def _before_and_after(a: _Side, b: _Side) -> bool:
    return a[0] == b[0] and {a[1], b[1]} == {"pre", "post"}


def _is_reference(condition: str) -> bool:
    return condition.casefold().startswith(("rest", "base", "pre"))


def target_lines(targets: dict[str, list[str]], example: _Side, notes: list[str], n_people: int) -> Iterator[str]:
    """Write the section ``targets``, or what is missing for one."""
    if targets:
        yield "targets:"
        for name, lines in targets.items():
            yield f"  {quoted(name)}:"
            yield "    contrast:"
            yield from (f"      {line}" for line in lines)
        if n_people < 2 * MIN_PER_GROUP:
            notes.append(
                f"{n_people} people are few: with fewer than data.minimum_per_group ({MIN_PER_GROUP}) in a comparison "
                "the study stops"
            )
        return
    yield "# MISSING: targets. A study needs at least one question; write it here, such as:"
    yield "# targets:"
    yield "#   mygroups:"
    yield "#     contrast:"
    yield f"#       {{kind: between, column: group, a: control, b: patient, observation: {_observation(example)}}}"
    notes.append(
        "targets: neither two conditions of the same kind nor a column with two groups of at least "
        f"{MIN_PER_GROUP} people was found ({n_people} people have recordings); "
        "`painconn check` asks for targets until there is one"
    )


def _observation(side: _Side) -> str:
    return f"{{condition: {quoted(side[0])}, window: {side[1]}}}"
