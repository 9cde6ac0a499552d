"""The graph measures that a study can name, and the densities at which it takes them."""

from dataclasses import dataclass
from typing import Literal

# Below 10 % (7 neighbours each among 68 regions) pieces break off. Above 40 % graphs are hardly told from random ones,
# and without any coupling only half of the edges of a debiased measure are positive.
DENSITIES = (0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40)

_INFINITE = float("inf")


@dataclass(frozen=True)
class GraphMeasureDefinition:
    """What a graph measure is.

    Parameters
    ----------
    name : str
        Name in a study file and in column names.
    function : str
        ``"module:function"``, loaded on use.
    level : {'node', 'graph'}
        One value per region, or one per graph.
    value_range : tuple of float
        Smallest and largest possible value for weights in [0, 1].
    unit : {'none', 'weight', 'reciprocal'}
        What the value does when all weights are multiplied by a number: nothing, the same, or the opposite.
    needs_nulls : bool
        Whether it compares with null graphs, whose number must be stated.
    description, doi : str
        One line for people, and the source.
    """

    name: str
    function: str
    level: Literal["node", "graph"]
    value_range: tuple[float, float]
    unit: Literal["none", "weight", "reciprocal"]
    needs_nulls: bool
    description: str
    doi: str


def _define(
    name: str,
    level: Literal["node", "graph"],
    value_range: tuple[float, float],
    unit: Literal["none", "weight", "reciprocal"],
    description: str,
    doi: str,
    *,
    needs_nulls: bool = False,
) -> GraphMeasureDefinition:
    """Return the definition of the function of the same name."""
    function = f"painconn.connectivity.graph.measures:{name}"
    return GraphMeasureDefinition(name, function, level, value_range, unit, needs_nulls, description, doi)


_BRAIN_MEASURES = "10.1016/j.neuroimage.2009.10.003"
_EFFICIENCY = "10.1103/PhysRevLett.87.198701"
_SMALL_WORLDS = "10.1371/journal.pone.0002051"

GRAPH_MEASURES: dict[str, GraphMeasureDefinition] = {
    definition.name: definition
    for definition in (
        _define("degree", "node", (0.0, _INFINITE), "none", "Number of edges", _BRAIN_MEASURES),
        _define("strength", "node", (0.0, _INFINITE), "weight", "Sum of the weights of the edges", _BRAIN_MEASURES),
        _define(
            "clustering",
            "node",
            (0.0, 1.0),
            "weight",
            "Mean intensity of the triangles around a node",
            "10.1103/PhysRevE.71.065103",
        ),
        _define(
            "local_efficiency", "node", (0.0, 1.0), "weight", "Efficiency among the neighbours of a node", _EFFICIENCY
        ),
        _define(
            "betweenness",
            "node",
            (0.0, 1.0),
            "none",
            "Share of the shortest paths between other nodes that run through a node",
            "10.1080/0022250X.2001.9990249",
        ),
        _define("global_efficiency", "graph", (0.0, 1.0), "weight", "Mean of 1 / distance over pairs", _EFFICIENCY),
        _define(
            "path_length",
            "graph",
            (1.0, _INFINITE),
            "reciprocal",
            "Mean distance of the connected pairs",
            _BRAIN_MEASURES,
        ),
        _define(
            "disconnected_pairs", "graph", (0.0, 1.0), "none", "Share of pairs that no path connects", _BRAIN_MEASURES
        ),
        _define(
            "modularity",
            "graph",
            (-0.5, 1.0),
            "none",
            "Modularity of the best partition found",
            "10.1073/pnas.0601602103",
        ),
        _define(
            "assortativity",
            "graph",
            (-1.0, 1.0),
            "none",
            "Correlation of the degrees at the ends of an edge",
            "10.1103/PhysRevLett.89.208701",
        ),
        _define(
            "strength_assortativity",
            "graph",
            (-1.0, 1.0),
            "none",
            "Correlation of the strengths at the ends of an edge",
            _BRAIN_MEASURES,
        ),
        _define(
            "normalised_clustering",
            "graph",
            (0.0, _INFINITE),
            "none",
            "Mean clustering over that of null graphs of the same degrees (gamma)",
            _SMALL_WORLDS,
            needs_nulls=True,
        ),
        _define(
            "normalised_path_length",
            "graph",
            (0.0, _INFINITE),
            "none",
            "Harmonic-mean path length over that of null graphs of the same degrees (lambda)",
            _SMALL_WORLDS,
            needs_nulls=True,
        ),
        _define(
            "small_worldness",
            "graph",
            (0.0, _INFINITE),
            "none",
            "gamma / lambda: about 1 for a random graph",
            _SMALL_WORLDS,
            needs_nulls=True,
        ),
    )
}
