"""Figures of node strengths and networks: what is drawn, what is said of nothing found, and where numbers come from."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from painconn.reporting.network_figures import network_pictures, networks_map, node_strength_map
from painconn.reporting.results import TargetResults

CONTRAST = {"kind": "between", "column": "g", "a": "localized", "b": "widespread", "observation": {"condition": "rest"}}
REGIONS = {
    f"{name}-{side}": (sign * x, y, z)
    for name, x, y, z in (("insula", 35.0, -2.0, 1.0), ("precuneus", 10.0, -58.0, 38.0), ("cuneus", 6.0, -80.0, 20.0))
    for side, sign in (("lh", -1), ("rh", 1))
}  # fmt: skip
EDGES = [
    ("insula-lh", "precuneus-lh"), ("insula-lh", "cuneus-rh"), ("precuneus-lh", "cuneus-rh"),
    ("insula-rh", "cuneus-lh"), ("insula-rh", "precuneus-rh"),
]  # fmt: skip
FAMILY = "wpli2_debiased edges, lcmv"


def component(number, threshold, extent, p):
    return {
        "network": number, "threshold": threshold, "sign": "lower", "band": "alpha", "extent": extent, "p_fwe": p,
    }  # fmt: skip


def made(*, components=(), members=("", "", "", "", ""), p_edges=(1.0, 1.0, 1.0, 1.0, 1.0)):
    """Return a target with five edges in alpha and the node strengths of six regions in two bands."""
    rows = [
        {"band": "alpha", "a": a, "b": b, "test": f"wpli2_debiased__lcmv__alpha__{a}__{b}", "score": -3.0 + number / 10,
         "enhanced": 5.0 - number, "p_fwe": p, "networks": own, "n_a": 12, "n_b": 11}
        for number, ((a, b), own, p) in enumerate(zip(EDGES, members, p_edges, strict=True))
    ]  # fmt: skip
    nodes = [
        {"role": "exploratory", "family": "wpli2_debiased node strength, lcmv", "family_size": 12,
         "p": 0.02 + 0.05 * place, "test": f"wpli2_debiased__lcmv__{band}__{region}",
         "hedges_g": 1.4 - 0.2 * place, "q_fdr": 0.3, "n_a": 12,
         "p_fwe": 0.03 if (band, place) == ("alpha", 0) else 0.6, "effect_size_kind": "hedges_g", "n_b": 11}
        for band in ("theta", "alpha")
        for place, region in enumerate(REGIONS)
    ]  # fmt: skip
    saved = {"family": FAMILY, "family_size": 30, "n_computed": 5, "n_choices": 6}
    return TargetResults(
        name="pain",
        settings={"contrast": CONTRAST, "primary": {"measure": "wpli2_debiased", "inverse": "lcmv"}},
        declaration={"networks": saved},
        compare=pd.DataFrame(nodes),
        networks=pd.DataFrame(list(components)) if components else None,
        network_edges=pd.DataFrame(rows),
    )


def dashed(picture):
    return len(re.findall(r"stroke-dasharray: (?!none)", picture.svg))


def test_a_found_network_is_drawn_once_and_the_edges_found_without_a_threshold_beside_it():
    found = made(
        components=[component(1, 2.5, 3, 0.02), component(2, 3.0, 2, 0.02), component(3, 2.5, 2, 0.4)],
        members=("1 2", "1 2", "1", "3", "3"),
        p_edges=(0.01, 0.03, 0.2, 1.0, 1.0),
    )
    picture = networks_map(found, REGIONS)
    assert "alpha, lower, z above 2.5:, 3 edges, p = .020" in picture.alt
    assert "threshold-free, alpha:, 2 edges, p < .05 each" in picture.alt
    assert picture.alt.startswith("2 views")
    assert "Of 3 components 2 have p below .05; drawn: 1" in picture.caption
    assert "2 edges with family-wise p below .05, the smallest 0.010" in picture.caption
    assert "one family of 30 edges, 5 computed" in picture.caption
    assert "6 choices" in picture.caption
    assert "n = 12 (localized) and 11 (widespread)" in picture.caption
    assert dashed(picture) == 0


def test_nothing_found_is_drawn_as_what_came_nearest_with_its_p_and_dashed():
    found = made(
        components=[component(1, 2.5, 3, 0.4), component(2, 2.5, 2, 0.31)],
        members=("1", "1", "1", "2", "2"),
        p_edges=(0.9, 0.22, 0.9, 0.9, 0.9),
    )
    picture = networks_map(found, REGIONS)
    assert "Nothing found: none of 2 components has p below .05; drawn is that with the smallest p." in picture.caption
    assert "2 edges, p = .31" in picture.alt
    assert "threshold-free: none found; nearest,, alpha, p = .22" in picture.alt
    assert "no edge with family-wise p below .05 (smallest 0.22)" in picture.caption
    # Two edges of the component, one without a threshold.
    assert dashed(picture) == 3


def test_no_component_at_all_is_said():
    picture = networks_map(made(), REGIONS)
    assert "there is no component to draw" in picture.caption
    assert picture.alt.startswith("1 view ")


def test_node_strengths_are_ringed_by_the_corrected_p_and_told_with_their_family():
    picture = node_strength_map(made(), REGIONS)
    assert (
        "A family of 12 exploratory tests, 12 computed: 1 with p below .05 after family-wise correction"
        in picture.caption
    )
    assert "0 with a false discovery rate below .05" in picture.caption
    assert "the smallest family-wise p = .030 (alpha: insula L, Hedges' g 1.40)" in picture.caption
    assert "not computable" not in picture.caption


def test_a_node_without_a_value_is_a_cross_and_counted():
    target = made()
    gaps = target.compare.copy()
    gaps.loc[3, ["hedges_g", "p", "p_fwe", "q_fdr"]] = np.nan
    picture = node_strength_map(replace(target, compare=gaps), REGIONS)
    assert "12 exploratory tests, 11 computed" in picture.caption
    assert "1 not computable (crosses)" in picture.caption


@pytest.mark.parametrize("gone", ["compare", "network_edges"])
def test_what_was_not_saved_is_not_drawn(gone):
    left = network_pictures(replace(made(), **{gone: None}), REGIONS)
    assert [picture.title for picture in left] == [
        {"compare": "Exploratory: networks of pain", "network_edges": "Exploratory: node strength of pain"}[gone]
    ]
    assert network_pictures(made(), {}) == ()
