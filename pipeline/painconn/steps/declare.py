"""Which tests belong to which family, and which columns to which feature set: fixed before any label is opened."""

from collections.abc import Iterator
from typing import Any

from painconn.config.connectivity import MUSCLE_FROM_HZ
from painconn.connectivity.registry import MEASURES, TIME
from painconn.features.edges import block_names, edge_names
from painconn.features.graphs import graph_names
from painconn.features.names import MEAN, POWER_RELATIVE, QUALITY, SENSORS, SEPARATOR, join, power_names
from painconn.features.nodes import node_names
from painconn.inference.families import Family
from painconn.inference.networks import Edge

MUSCLE = "muscle_index"
BLOCKS, EDGES = "blocks", "edges"


def families(settings: dict[str, Any], columns: list[str]) -> list[Family]:
    """Return the primary family and the exploratory ones of a target.

    Parameters
    ----------
    settings : dict
        Slice of the target.
    columns : list of str
        Columns of the table; sensors are taken from it, regions from the settings.

    Returns
    -------
    families : list of Family
        The primary family first, then the same tests under each other inverse (role ``agreement``); for a ready table
        with other columns than ours, all its columns. Bands from 30 Hz up have families of their own, adjusted for the
        muscle index.
    """
    covariates = tuple(settings["covariates"])
    if _foreign(settings, columns):
        return [Family("primary: all columns", "primary", tuple(_own_columns(columns)), covariates)]
    primary = Family("primary: blocks", "primary", tuple(primary_tests(settings)), covariates)
    again = [
        Family(agreement_family(inverse), "agreement", tuple(primary_tests(settings, inverse)), covariates)
        for inverse in other_inverses(settings, columns)
    ]
    taken = {test for family in (primary, *again) for test in family.tests}
    return [primary, *again, *_exploratory(settings, columns, covariates, taken)]


def agreement_family(inverse: str) -> str:
    """Return the name of the family that repeats the primary tests under another inverse."""
    return f"agreement: blocks, {inverse}"


def agreement_set(inverse: str, primary: str = BLOCKS) -> str:
    """Return the name of the feature set that repeats the primary one under another inverse."""
    return f"{primary}, {inverse}"


def other_inverses(settings: dict[str, Any], columns: list[str]) -> list[str]:
    """Return the inverses of the study besides that of the primary family; of a ready table those it has columns of."""
    if _foreign(settings, columns):
        return []
    return [name for name in _inverses(settings, columns) if name != settings["target"]["primary"]["inverse"]]


def _inverses(settings: dict[str, Any], columns: list[str]) -> list[str]:
    named: list[str] = settings["inverses"]
    if not _ready(settings):
        return named
    there = {part for column in columns for part in column.split(SEPARATOR)}
    return [name for name in named if name in there]


def _foreign(settings: dict[str, Any], columns: list[str]) -> bool:
    """Whether the table was made elsewhere and does not hold the blocks of the primary family, or there are none."""
    tests = set(primary_tests(settings))
    return _ready(settings) and not (tests and tests <= set(columns))


def _ready(settings: dict[str, Any]) -> bool:
    return bool(settings["data"]["sources"][0]["layout"] == "features")


def _own_columns(columns: list[str]) -> list[str]:
    return [column for column in columns if not column.startswith(join(QUALITY, ""))]


def primary_tests(settings: dict[str, Any], inverse: str | None = None) -> list[str]:
    """Return the declared primary tests, every block in every band of the primary family, or those of another inverse.

    The order is the same for every inverse.
    """
    family = settings["target"]["primary"]
    chosen = inverse or family["inverse"]
    return [
        name for band in family["bands"] for name in block_names(family["measure"], chosen, band, settings["groups"])
    ]


def _exploratory(
    settings: dict[str, Any], columns: list[str], covariates: tuple[str, ...], taken: set[str]
) -> Iterator[Family]:
    bands = settings["connectivity"]["bands_hz"]
    below = [band for band, (low, _) in bands.items() if low < MUSCLE_FROM_HZ]
    above = [band for band, (low, _) in bands.items() if low >= MUSCLE_FROM_HZ]
    for chosen, adjusted, suffix in (
        (below, covariates, ""),
        (above, _with_muscle(covariates), ", adjusted for muscle"),
    ):
        for name, tests in _kinds(settings, columns, chosen):
            left = tuple(test for test in tests if test not in taken)
            if left:
                yield Family(f"{name}{suffix}", "exploratory", left, adjusted)


def network_family(settings: dict[str, Any], declared: list[Family]) -> tuple[str, dict[str, Edge]] | None:
    """Return the exploratory family of edges that networks are looked for in, and where its tests lie.

    It is that of the primary measure and inverse in the bands below 30 Hz; None when the target asks for no networks or
    has no such family.
    """
    if not settings["target"]["networks"]["thresholds"]:
        return None
    primary = settings["target"]["primary"]
    wanted = _edge_family(primary["measure"], primary["inverse"])
    family = next((family for family in declared if family.name == wanted), None)
    if family is None:
        return None
    places = (test.split(SEPARATOR)[-3:] for test in family.tests)
    return wanted, {test: Edge(*place) for test, place in zip(family.tests, places, strict=True)}


def _edge_family(measure: str, inverse: str) -> str:
    return f"{measure} edges, {inverse}"


def _with_muscle(covariates: tuple[str, ...]) -> tuple[str, ...]:
    return covariates if MUSCLE in covariates else (*covariates, MUSCLE)


def _kinds(settings: dict[str, Any], columns: list[str], bands: list[str]) -> Iterator[tuple[str, list[str]]]:
    regions = settings["regions"]
    for inverse in _inverses(settings, columns):
        for measure in settings["connectivity"]["measures"]:
            yield (
                f"{measure} blocks, {inverse}",
                [n for band in bands for n in block_names(measure, inverse, band, settings["groups"])],
            )
            yield (
                _edge_family(measure, inverse),
                [n for band in bands for n in edge_names(measure, inverse, band, regions)],
            )
            if MEASURES[measure].kind == "symmetric":
                yield (
                    f"{measure} node strength, {inverse}",
                    [n for band in bands for n in node_names(measure, inverse, band, regions)],
                )
            for graph_measure in settings["graph_measures"] if MEASURES[measure].kind == "symmetric" else ():
                yield (
                    f"graph {graph_measure} of {measure}, {inverse}",
                    [n for band in bands for n in graph_names(graph_measure, measure, inverse, band, regions)],
                )
        yield (
            f"relative power of regions, {inverse}",
            [n for band in bands for n in power_names(POWER_RELATIVE, inverse, band, regions)],
        )
    prefixes = tuple(join(POWER_RELATIVE, SENSORS, band, "") for band in bands)
    yield "relative power of sensors", [column for column in columns if prefixes and column.startswith(prefixes)]


def feature_sets(settings: dict[str, Any], columns: list[str], *, whole_matrices: bool = False) -> dict[str, list[str]]:
    """Return the columns of each feature set; the first is the primary one. Bands from 30 Hz up are left out.

    Every set is of one inverse: that of the primary family, but for the sets that repeat the primary one. A classifier
    of `whole_matrices` has the edges as its primary set; they are what another inverse has to repeat.
    """
    if _foreign(settings, columns):
        return {"all columns": _own_columns(columns)}
    family = settings["target"]["primary"]
    regions = settings["regions"]
    bands = [band for band, (low, _) in settings["connectivity"]["bands_hz"].items() if low < MUSCLE_FROM_HZ]
    inverse = family["inverse"]
    edges = {
        each: [n for band in family["bands"] for n in edge_names(family["measure"], each, band, regions)]
        for each in (inverse, *other_inverses(settings, columns))
    }
    others = [each for each in edges if each != inverse]
    sets = {BLOCKS: primary_tests(settings)}
    sets |= {agreement_set(other): primary_tests(settings, other) for other in others}
    sets[EDGES] = edges[inverse]
    if whole_matrices:
        sets |= {agreement_set(other, EDGES): edges[other] for other in others}
    for measure in settings["connectivity"]["measures"]:
        if MEASURES[measure].estimators == TIME:
            sets[f"{measure} blocks"] = [
                n for band in bands for n in block_names(measure, inverse, band, settings["groups"])
            ]
    power = [n for band in bands for n in power_names(POWER_RELATIVE, inverse, band, regions) if not n.endswith(MEAN)]
    sets["relative power"] = power
    known = set(columns)
    return {name: [column for column in wanted if column in known] for name, wanted in sets.items()}
