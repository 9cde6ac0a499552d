"""What the columns of the table are about: which belong to a measure, to a band, to a circuit of groups of regions."""

from collections.abc import Mapping, Sequence

from painconn.features.names import MEAN, SENSORS, SEPARATOR

Part = tuple[str, str]

_OTHER = "other regions"
_FEWEST_PARTS = 4
_BETWEEN = " - "


def parts_of(columns: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[Part, list[int]]:
    """Return the columns of every measure, band and circuit.

    Parameters
    ----------
    columns : sequence of str
        Names of the table, ``measure__inverse__band__place[__place]``; any others have no parts.
    groups : mapping of str to sequence of str
        Regions of each group; a circuit is a group, or a pair of groups, whatever the column is made of (blocks of
        groups, edges or single regions).

    Returns
    -------
    parts : dict of (kind, name) to list of int
        Places among the columns; kind is ``measure``, ``band`` or ``circuit``. A kind with one part only, which would
        be everything, is left out.
    """
    group_of = {region: group for group, members in groups.items() for region in members}
    group_of |= {group: group for group in groups}
    parts: dict[Part, list[int]] = {}
    for position, column in enumerate(columns):
        named = column.split(SEPARATOR)
        if len(named) < _FEWEST_PARTS:
            continue
        measure, _, band, *places = named
        names = {"measure": measure, "band": band, "circuit": _circuit(places, group_of)}
        for kind, name in names.items():
            if name:
                parts.setdefault((kind, name), []).append(position)
    of_kind = [kind for kind, _ in parts]
    return {part: found for part, found in sorted(parts.items()) if of_kind.count(part[0]) > 1}


def _circuit(places: Sequence[str], group_of: Mapping[str, str]) -> str:
    """Return the groups of the places, in the order of the alphabet; empty for what has no place in the brain."""
    if any(place in (MEAN, SENSORS) for place in places) or not group_of:
        return ""
    return _BETWEEN.join(sorted(group_of.get(place, _OTHER) for place in places))
