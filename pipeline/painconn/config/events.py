"""Names of events with parts, from the general to the particular: ``pinprick/hand/256``."""

from collections.abc import Collection, Iterable

SEPARATOR = "/"


def is_kind_of(described: str, event: str) -> bool:
    """Tell whether an event is of the kind that a condition names: it has every part of that name.

    Parameters
    ----------
    described : str
        What the recording says, e.g. ``pinprick/hand/256``.
    event : str
        What the condition asks for, e.g. ``pinprick/hand`` (every force) or ``pinprick/256`` (every site).
    """
    return described == event or set(event.split(SEPARATOR)) <= set(described.split(SEPARATOR))


def kept_name(described: str, wanted: Iterable[str]) -> str | None:
    """Return a description without the parts that nobody asked for, which may be free text; None when none fits.

    Parameters
    ----------
    described : str
        What the recording says.
    wanted : iterable of str
        Names of events and blocks of the study.
    """
    fitting = [event for event in wanted if is_kind_of(described, event)]
    if not fitting or described in fitting:
        return described if fitting else None
    asked = {part for event in fitting for part in event.split(SEPARATOR)}
    return SEPARATOR.join(part for part in described.split(SEPARATOR) if part in asked)


def missing_events(described: Iterable[str], events: Iterable[str]) -> list[str]:
    """Return those of the events that no description is a kind of."""
    there = set(described)
    return [event for event in events if not any(is_kind_of(name, event) for name in there)]


def has_any(described: Collection[str], events: Iterable[str]) -> bool:
    """Tell whether one description at least is a kind of one of the events."""
    return any(is_kind_of(name, event) for event in events for name in described)
