"""The heads of a study before they are built: which sessions will be excluded for want of one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from painconn.cli.outlook import Foreseen
from painconn.errors import InputError

if TYPE_CHECKING:
    from painconn.steps.plan import Plan

_EXCLUDED = "session excluded"
_APPROXIMATE = "the template's places, moved to the nearest place of each person's scalp"


def foreseen_heads(plan: "Plan") -> Iterator[tuple[str, Foreseen]]:
    """Yield what will follow from heads that are not there, and from electrodes that belong to another head.

    Yields
    ------
    session : str
        Name of the session that will be excluded; empty where nothing is.
    line : Foreseen
        What to say about it.

    Raises
    ------
    InputError
        The head that all participants share cannot be built; everything that it lacks.
    """
    shared = [problem for parts in plan.heads.values() if not parts.own for problem in parts.problems()]
    if shared:
        raise InputError(shared)
    for name in plan.sessions:
        for problem in plan.head_of(name).problems():
            yield name, Foreseen(name, problem.found, problem.wanted, _EXCLUDED, problem.fix)
    if plan.study.cortex.template == "individual":
        for source in plan.study.data.sources:
            if source.montage != "digitised":
                found, fix = f"individual heads, electrodes by name ({source.montage})", "montage: digitised"
                where = f"data.sources, site {source.site}"
                yield "", Foreseen(where, found, "measured electrodes on individual heads", _APPROXIMATE, fix)
