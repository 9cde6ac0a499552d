import re

import numpy as np
import pandas as pd
import pytest

from painconn.cortex.parcellations import parcellation_of, region_centroids
from painconn.features.edges import block_names
from painconn.reporting.circuit_figures import circuits
from painconn.reporting.citations import Citations
from painconn.reporting.effect_figures import block_matrices
from painconn.reporting.region_text import dependence, group_words, region_words
from painconn.reporting.results import StudyResults

SIDES = ("localized", "widespread")


def results_of(parcellation, n_regions: int, ranks: list[float], groups: dict | None = None) -> StudyResults:
    regions = pd.DataFrame({"name": [f"r{i}-lh" for i in range(n_regions)], "x_mm": "1.5", "y_mm": "2", "z_mm": "-3"})
    study = {"name": "s", "cortex": {"parcellation": parcellation}, "features": {"groups": groups or {}}}
    return StudyResults(study, {}, features=pd.DataFrame({"quality__rank": ranks}), regions=regions)


def blocks_tested(name: str) -> pd.DataFrame:
    """Tests of every block in two bands: one significant with the smallest effect, none else."""
    groups = parcellation_of(name).groups
    names = [test for band in ("theta", "alpha") for test in block_names("wpli2_debiased", "lcmv", band, groups)]
    sizes = np.linspace(0.01, 0.9, len(names))
    p_fwe = np.where(np.arange(len(names)) == 1, 0.01, 0.6)
    columns = {"test": names, "hedges_g": sizes, "p_fwe": p_fwe, "n_a": 12, "n_b": 12, "effect_size_kind": "hedges_g"}
    return pd.DataFrame(columns)


def test_the_methods_say_in_numbers_when_regions_outnumber_dimensions():
    told = dependence(results_of("desikan_killiany", 68, [17, 18, 18]))
    assert "68 region signals come from data of 17 to 18 dimensions" in told
    assert "data of 18 dimensions" in dependence(results_of("desikan_killiany", 68, [18, 18]))
    assert dependence(results_of("pain_12", 16, [17, 18])) == ""
    assert "100 region signals" in dependence(results_of("schaefer_100_7", 100, [63, 100]))


def test_the_methods_name_the_regions_with_their_authors():
    cited = Citations()
    assert region_words(results_of("desikan_killiany", 68, [18]), cited).startswith(
        "68 regions of the parcellation des"
    )
    assert "schaefer_200_17" in region_words(results_of("schaefer_200_17", 200, [18]), cited)
    own = {"annot": None, "coordinates": "r.tsv", "space": "mni152"}
    told = region_words(results_of(own, 5, [18]), cited)
    assert told.startswith("5 regions of the study's own")
    assert "MNI152, carried to MNI305" in told
    assert "carried" not in region_words(results_of(own | {"space": "mni305"}, 5, [18]), cited)
    assert group_words(results_of("pain_12", 16, [18], {"a": [], "b": []})) == "2 groups of regions"


def test_centres_are_read_from_the_saved_table_and_missing_ones_left_out():
    results = results_of("pain_12", 3, [18])
    results.regions.loc[1, "x_mm"] = None
    assert results.centroids == {"r0-lh": (1.5, 2.0, -3.0), "r2-lh": (1.5, 2.0, -3.0)}
    assert StudyResults({"name": "s"}, {}).centroids == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pain_12", "schaefer_100_7", "schaefer_200_17"])
def test_the_brain_shows_every_group_of_any_parcellation(name):
    regions = parcellation_of(name)
    picture = circuits(
        blocks_tested(name), sides=SIDES, title="t", centroids=region_centroids(regions), groups=regions.groups
    )
    for group in regions.groups:
        assert f">{group[:-3]}<" in picture.svg
    assert ("those among the 30 largest" in picture.caption) == (name != "pain_12")
    matrix = block_matrices(blocks_tested(name), sides=SIDES, title="t")
    assert ("not written in the cells" in matrix.caption) == (len(regions.groups) > 15)


@pytest.mark.slow
def test_of_many_lines_the_significant_and_the_largest_are_drawn():
    regions, tests = parcellation_of("schaefer_100_7"), blocks_tested("schaefer_100_7")
    draw = {"sides": SIDES, "title": "t", "centroids": region_centroids(regions), "groups": regions.groups}
    without = circuits(tests.assign(p_fwe=0.6), **draw).svg
    added = len(re.findall("<path", circuits(tests, **draw).svg)) - len(re.findall("<path", without))
    assert added == 1
