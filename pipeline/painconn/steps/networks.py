"""Per target: networks of edges in the comparison that was made, and where they are saved."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from painconn.connectivity.registry import MEASURES
from painconn.features.edges import edge_names
from painconn.features.nodes import node_names, node_strengths
from painconn.inference.families import Family
from painconn.inference.networks import NetworkSettings, network_tests
from painconn.inference.results import Comparison
from painconn.paths import Results
from painconn.steps.declare import network_family
from painconn.store import write_tsv

COMPONENTS = "networks.tsv"
EDGES = "network_edges.tsv"


def with_node_strength(table: pd.DataFrame, settings: dict[str, Any]) -> pd.DataFrame:
    """Add the node strengths of every symmetric measure whose edges are all in the table."""
    regions = settings["regions"]
    added, present = [table], set(table.columns.tolist())
    for measure, inverse, band in product(
        settings["connectivity"]["measures"], settings["inverses"], settings["connectivity"]["bands_hz"]
    ):
        names = edge_names(measure, inverse, band, regions)
        if MEASURES[measure].kind == "symmetric" and len(regions) > 1 and set(names) <= present:
            strengths = node_strengths(table[names].to_numpy(dtype=np.float64), len(regions))
            columns = node_names(measure, inverse, band, regions)
            added.append(pd.DataFrame(strengths, index=table.index, columns=columns))
    return pd.concat(added, axis=1)


def write_networks(
    results: Results, settings: dict[str, Any], name: str, compared: Comparison, declared: list[Family]
) -> dict[str, Any] | None:
    """Look for networks, save them, and return what was looked for; None (and no file) when nothing could be."""
    for made in (COMPONENTS, EDGES):
        results.target(name, made).unlink(missing_ok=True)
    asked = network_family(settings, declared)
    if asked is None:
        return None
    family, edges = asked
    given = settings["target"]["networks"]
    signed = not MEASURES[settings["target"]["primary"]["measure"]].signed_by_order
    found = network_tests(
        compared,
        family,
        edges,
        NetworkSettings(tuple(given["thresholds"]), given["extent_exponent"], given["height_exponent"], signed=signed),
    )
    if not found.n_computed:
        return None
    rows = compared.table[(compared.table["family"] == family) & (compared.table["reason"] == "")]
    about = {
        "role": rows["role"].iloc[0],
        "family": family,
        "family_size": found.n_edges,
        "n_computed": found.n_computed,
        "contrast": rows["contrast"].iloc[0],
    }
    people = {"n_a": int(rows["n_a"].iloc[0]), "n_b": int(rows["n_b"].iloc[0])}
    n_choices = len(given["thresholds"]) * 2
    if not found.components.empty:
        components = found.components.rename(columns={"part": "band"})
        write_tsv(results.target(name, COMPONENTS), _about(components, about | {"n_choices": n_choices}, people))
    write_tsv(results.target(name, EDGES), _about(found.edges.rename(columns={"part": "band"}), about, people))
    return {
        **about,
        **given,
        "n_choices": n_choices,
        "n_components": len(found.components),
        "n_significant": 0 if found.components.empty else int((found.components["p_fwe"] < 0.05).sum()),
        "n_edges_enhanced": int((found.edges["p_fwe"] < 0.05).sum()),
        "signed": signed,
    }


def _about(table: pd.DataFrame, first: dict[str, Any], last: dict[str, Any]) -> pd.DataFrame:
    """Put the family before every row and the people behind it."""
    before = pd.DataFrame({name: [value] * len(table) for name, value in first.items()}, index=table.index)
    return pd.concat([before, table], axis=1).assign(**last)
