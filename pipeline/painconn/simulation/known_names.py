"""Names in the truth of a cohort that must mean something: electrodes, regions, labels of files and events."""

import difflib
import re
from collections.abc import Iterable, Iterator

from painconn.config.document import Loc
from painconn.cortex.montage import place_electrodes
from painconn.cortex.parcellations import parcellation_of
from painconn.errors import RecordingFault
from painconn.simulation.cohort import CohortSpec

Unknown = tuple[Loc, str, str, str]
"""Where in a truth file, found, wanted, what to do."""

_LABEL = re.compile(r"[A-Za-z0-9]+")
_WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")


def unknown_names(spec: CohortSpec) -> Iterator[Unknown]:
    """Find what no electrode, region, file name or table can be made of.

    Parameters
    ----------
    spec : CohortSpec
        A cohort that is sound otherwise.

    Yields
    ------
    loc, found, wanted, fix : tuple, str, str, str
    """
    yield from _electrodes(spec)
    yield from _regions(spec)
    yield from _labels(spec)


def _electrodes(spec: CohortSpec) -> Iterator[Unknown]:
    twice = sorted({name for name in spec.channels if spec.channels.count(name) > 1})
    if twice:
        yield ("channels",), f"{', '.join(twice)} twice", "each electrode once", "remove one"
    if spec.reference in spec.channels:
        fix = "remove it from the channels, or name another reference"
        yield ("reference",), f"{spec.reference}, a channel", "an electrode that is not among the channels", fix
    for loc, names in ((("channels",), spec.channels), (("reference",), (spec.reference,))):
        try:
            place_electrodes(dict.fromkeys(names))
        except RecordingFault as fault:
            for problem in fault.problems:
                yield loc, problem.found, problem.wanted, "name an electrode"


def _regions(spec: CohortSpec) -> Iterator[Unknown]:
    sided = parcellation_of("desikan_killiany").region_names
    whole = sorted({name.rpartition("-")[0] for name in sided})
    for index, coupling in enumerate(spec.couplings):
        for role in ("leaders", "followers"):
            yield from _not_in(sided, getattr(coupling, role), ("couplings", index, role))
    for index, rhythm in enumerate(spec.rhythms):
        for role in ("weights", "eyes_closed_gain"):
            yield from _not_in(whole, getattr(rhythm, role), ("rhythms", index, role))
    yield from _not_in(whole, spec.variation.background_weights, ("variation", "background_weights"))
    yield from _not_in(whole, spec.evoked_regions, ("evoked_regions",))


def _not_in(known: Iterable[str], names: Iterable[str], loc: Loc) -> Iterator[Unknown]:
    regions = list(known)
    for name in names:
        if name not in regions:
            close = difflib.get_close_matches(name, regions, n=1)
            fix = f"did you mean {close[0]}?" if close else "see docs/reference/parcellations.md"
            yield loc, f"the unknown region {name}", f"a region such as {regions[0]}", fix


def _labels(spec: CohortSpec) -> Iterator[Unknown]:
    if not _LABEL.fullmatch(spec.protocol.task):
        yield ("protocol", "task"), spec.protocol.task, "letters and digits only", "rename the task"
    named: dict[Loc, Iterable[str]] = {
        ("protocol", "blocks"): [block.name for block in spec.protocol.blocks],
        ("protocol", "sites"): spec.protocol.sites,
        ("n_per_group",): spec.n_per_group,
        **{("covariates", name): getattr(trait, "shares", ()) for name, trait in spec.covariates.declared().items()},
    }
    for loc, names in named.items():
        for name in names:
            if not _WORDS.fullmatch(name):
                yield loc, repr(name), "letters, digits, spaces, - and _", "rename it"
    for block in spec.protocol.blocks:
        if block.name.lower().startswith(("bad", "edge")):
            wanted = "a name that readers of EEG do not take for a bad stretch"
            yield ("protocol", "blocks"), block.name, wanted, "rename the block"
    for section in ("couplings", "rhythms"):
        names = [one.name for one in getattr(spec, section)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield (section,), f"{name} twice", "each name once", "rename one"
    if not sum(spec.n_per_group.values()):
        yield ("n_per_group",), "nobody", "one person at least", "give a group people"
