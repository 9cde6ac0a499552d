"""How numbers and names are written, and figures of extreme values."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from painconn.connectivity.registry import MEASURES
from painconn.reporting import circuit_figures, data_figures, effect_figures
from painconn.reporting.notation import (
    column_of,
    column_words,
    interval,
    listing,
    number,
    p_cell,
    p_text,
    place,
    plural,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.6149, "0.61"), (-0.5, "−0.50"), (-0.001, "0.00"), (None, "not available"), (np.nan, "not available")],
)
def test_numbers_are_rounded_and_missing_ones_are_never_zero(value: float | None, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), True, "0.5"])
def test_what_is_not_a_finite_number_is_not_written_as_one(value: object) -> None:
    assert number(value) == "not available"


@pytest.mark.parametrize(
    ("p", "written"), [(0.2134, "= .21"), (0.0341, "= .034"), (0.0004, "< .001"), (1.0, "= 1.00"), (0.0999, "= .100")]
)
def test_probabilities(p: float, written: str) -> None:
    assert p_text(p) == f"p {written}"
    assert p_cell(p) == written.removeprefix("= ")


def test_an_interval_with_one_end_is_no_interval() -> None:
    assert interval(0.1, None) == "not available"
    assert interval(-0.1, 0.2) == "−0.10 to 0.20"


def test_column_names_become_words() -> None:
    assert column_words("wpli2_debiased__lcmv__alpha__sensory-lh__sensory-lh") == (
        "debiased wPLI, alpha, within sensory L (lcmv)"
    )
    assert column_words("power_rel__sensors__alpha__mean") == "relative power, alpha, mean (sensors)"
    graph = "graph__betweenness__wpli2_debiased__lcmv__alpha"
    assert column_words(f"{graph}__insula-rh") == "betweenness of debiased wPLI, alpha, insula R (lcmv)"
    assert column_words(graph.replace("betweenness", "modularity")) == "modularity of debiased wPLI, alpha (lcmv)"
    parsed = (column_of(graph), column_of(f"{graph}__insula-rh"))
    assert [column.short for column in parsed if column] == ["alpha", "alpha: insula R"]
    assert column_of(f"{graph}__insula-rh__insula-lh") is column_of("graph__modularity__coh__lcmv") is None
    assert column_of("coh__lcmv__alpha") is column_of("quality__n_epochs") is None
    assert column_words("quality__n_epochs") == "quality__n_epochs"
    assert place("insula-rh") == "insula R"
    assert (plural(1, "line"), plural(2, "person", "people"), listing(["a", "b", "c"])) == (
        "1 line",
        "2 people",
        "a, b and c",
    )


def block_tests(g: list[float], p_fwe: list[float]) -> pd.DataFrame:
    names = [f"coh__lcmv__alpha__{a}" for a in ("one-lh__one-lh", "one-lh__two-rh", "two-rh__two-rh")]
    table = pd.DataFrame({"test": names, "hedges_g": g, "p_fwe": p_fwe, "effect_size_kind": "dz"})
    return table.assign(ci_low=table["hedges_g"] - 1, ci_high=table["hedges_g"] + 1, n_a=9, n_b=9)


def test_matrix_counts_what_is_significant_and_what_is_missing() -> None:
    picture = effect_figures.block_matrices(
        block_tests([2.0, np.nan, -0.1], [0.01, np.nan, 0.9]), sides=("a", "b"), title="t"
    )
    assert picture is not None
    assert "1 outlined in black" in picture.caption
    assert "1 not computable (hatched" in picture.caption
    assert "url(#" in picture.svg  # the hatch
    whole = effect_figures.block_matrices(block_tests([2.0, 0.3, -0.1], [0.01, 0.5, 0.9]), sides=("a", "b"), title="t")
    assert whole is not None
    assert picture.svg.count("<pattern") == whole.svg.count("<pattern") + 1


def test_no_figure_is_drawn_of_nothing() -> None:
    nothing = block_tests([np.nan] * 3, [np.nan] * 3)
    assert effect_figures.largest_effects(nothing, sides=("a", "b"), title="t") is None
    assert circuit_figures.circuits(nothing, sides=("a", "b"), title="t", centroids={}, groups={}) is None
    unnamed = nothing.assign(test=["x", "y", "z"])
    assert effect_figures.block_matrices(unnamed, sides=("a", "b"), title="t") is None
    assert data_figures.mean_spectra({"a": pd.DataFrame()}, bands_hz={}, title="t") is None


def test_forest_says_how_many_of_how_many() -> None:
    picture = effect_figures.largest_effects(
        block_tests([0.2, -2.0, 1.0], [0.9, 0.01, 0.5]), sides=("a", "b"), title="t", n_shown=2
    )
    assert picture is not None
    assert "The 2 of 3 primary tests" in picture.caption
    assert "within one L" not in picture.svg
    assert "one L – two R" in picture.svg


def test_pairs_without_both_values_are_left_out() -> None:
    pairs = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [0.5, 3.0, 1.0]})
    picture = data_figures.paired_values(pairs, sides=("x", "y"), feature="f", expected="lower", title="t")
    assert picture is not None
    assert "(n = 2)" in picture.caption
    assert "1 of 2 people" in picture.caption


def test_an_arrow_says_which_place_leads_where_both_directions_are_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEASURES, "flow", replace(MEASURES["dpli"], name="flow", both_directions=True))
    assert "L → insula" in str(column_of("flow__lcmv__alpha__postcentral-lh__insula-rh"))
    assert "→" not in str(column_of("coh__lcmv__alpha__postcentral-lh__insula-rh"))


@pytest.mark.parametrize("measure", ["imcoh", "psi", "trgc", "gc_net", "impcoh", "dpli"])
def test_a_measure_with_a_sign_says_who_leads_in_labels_and_captions(measure: str) -> None:
    places = ("two-rh", "one-lh")
    tests = block_tests([2.0, 0.4, -0.1], [0.01, 0.5, 0.9]).iloc[1:2]
    tests = tests.assign(test=f"{measure}__lcmv__alpha__two-rh__one-lh")
    assert "two R → one L" in column_words(tests["test"].iloc[0])
    forest = effect_figures.largest_effects(tests, sides=("a", "b"), title="t")
    assert forest is not None
    assert "where A leads" in forest.caption
    cells = list(effect_figures._cells(effect_figures.blocks_of(tests)))
    assert [cell[:2] for cell in cells] == [places, places[::-1]]
    assert [cell[3] for cell in cells] == [0.4, -0.4]
    matrix = effect_figures.block_matrices(tests, sides=("a", "b"), title="t")
    assert matrix is not None
    assert "row leads the column where the measure is positive" in matrix.caption
    assert {"0.4", "\u22120.4"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", matrix.svg))


@pytest.mark.slow
def test_circuits_point_from_the_group_that_leads() -> None:
    tests = block_tests([2.0, 0.4, -0.1], [0.01, 0.5, 0.9])
    centroids = {"one-lh": (-30.0, 10.0, 0.0), "two-rh": (40.0, -20.0, 0.0)}
    signed = tests.assign(test=tests["test"].str.replace("coh", "imcoh"))
    plain, arrows = (
        circuit_figures.circuits(table, sides=("a", "b"), title="t", centroids=centroids, groups={})
        for table in (tests, signed)
    )
    assert plain is not None
    assert arrows is not None
    assert "Arrows point from the group that leads" in arrows.caption
    assert "Arrows" not in plain.caption
    assert arrows.svg.count("<path") > plain.svg.count("<path")


def test_a_measure_without_direction_is_drawn_once_below_the_diagonal() -> None:
    tests = block_tests([2.0, 0.4, -0.1], [0.01, 0.5, 0.9])
    assert len(list(effect_figures._cells(effect_figures.blocks_of(tests)))) == 3
    matrix = effect_figures.block_matrices(tests, sides=("a", "b"), title="t")
    assert matrix is not None
    assert "below it between two groups" in matrix.caption
