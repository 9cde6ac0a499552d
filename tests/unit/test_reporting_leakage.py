"""The mark of leakage: on the tests that have it, on no other, and explained wherever it stands."""

import pandas as pd
import pytest

from painconn.reporting.circuit_figures import circuits
from painconn.reporting.effect_figures import block_matrices, largest_effects
from painconn.reporting.leakage import family_sentence, leakage_sentences, leakage_view
from painconn.reporting.marks import DAGGER
from painconn.reporting.results import StudyResults
from painconn.reporting.tables import tests_table as table_of_tests

SIDES = ("localized", "widespread")


def rows_of(*marks: float) -> pd.DataFrame:
    names = ["a-lh__a-lh", "a-lh__b-rh", "b-rh__b-rh"]
    table = pd.DataFrame({"test": [f"wpli2_debiased__lcmv__alpha__{name}" for name in names]})
    numbers = dict.fromkeys(("estimate", "p", "p_fwe", "bf01"), 0.2) | {"hedges_g": 0.3, "ci_low": -0.1, "ci_high": 0.7}
    return table.assign(**numbers, n_a=10, n_b=10, effect_size_kind="hedges_g", leakage_marked=list(marks))


def test_only_marked_tests_carry_the_dagger():
    table = table_of_tests(rows_of(1, 0, float("nan")), "Tests.", sides=SIDES, p_corrected="p_fwe")
    assert [DAGGER in row[0] for row in table.rows] == [True, False, False]
    assert f"{DAGGER} (1)" in table.caption


def test_a_table_without_marks_does_not_speak_of_them():
    unmarked = rows_of(0, 0, 0)
    for rows in (unmarked, unmarked.drop(columns="leakage_marked")):
        assert DAGGER not in table_of_tests(rows, "Tests.", sides=SIDES, p_corrected="p_fwe").caption


def test_figures_mark_and_explain():
    marked, plain = rows_of(1, 1, 0), rows_of(0, 0, 0)
    centroids = {"a-lh": (-40.0, 0.0, 0.0), "b-rh": (40.0, 20.0, 0.0)}

    def drawn(rows):
        return (
            block_matrices(rows, sides=SIDES, title="m"),
            largest_effects(rows, sides=SIDES, title="l"),
            circuits(rows, sides=SIDES, title="c", centroids=centroids, groups={}),
        )

    for with_marks, without, sign in zip(drawn(marked), drawn(plain), ("Dark corner", DAGGER, "Faint"), strict=True):
        assert f"{sign} (2): its edges join regions" in with_marks.caption
        assert "hardly tell apart" not in without.caption
        assert with_marks.svg != without.svg


@pytest.fixture
def results() -> StudyResults:
    regions = pd.DataFrame(
        {
            "inverse": ["lcmv", "lcmv", "eloreta", "eloreta"],
            "region": ["insula-lh", "postcentral-lh"] * 2,
            "own_share": [0.011, 0.2, 0.06, 0.3],
            "localisation_error_mm": [31.0, 9.0, 12.0, 8.0],
            "spread_mm": 50.0,
            "beyond": ["own share, localisation", "", "", ""],
        }
    )
    counts = {"n_regions": 2, "n_pairs": 1, "pairs_per_edge": 50.4, "edges_found": 0.38}
    leakage = {
        "limits": {"max_pair_leakage": 0.5, "min_own_share": 0.02, "max_localisation_error_mm": 25.0},
        "n_sessions": 3,
        "inverses": {
            "lcmv": counts | {"regions_marked": 1, "pairs_marked": 1},
            "eloreta": counts | {"regions_marked": 0, "pairs_marked": 0},
        },
    }
    return StudyResults(study={}, targets={}, leakage=leakage, leakage_regions=regions)


def test_the_section_says_limits_counts_and_ghosts(results):
    view = leakage_view(results)
    assert [row[0] for row in view.regions.rows] == ["insula L", "postcentral L"]
    assert view.regions.rows[0][1:] == ("1.1", "31", "50", "own share, localisation", "6.0", "12", "50", "–")
    assert view.regions.marked == {0}
    said = " ".join(leakage_sentences(results))
    for told in (
        "3 sessions",
        "less than 2 %",
        "25 mm",
        "above 0.5",
        "lcmv: 1 of 2 regions",
        "50 pairs",
        "38 % of cases",
    ):
        assert told in said


def test_a_family_says_once_how_far_its_blocks_speak_of_regions():
    tests = rows_of(1, 0, 0).assign(leakage_beyond=[1.0, 0.5, 0.25], leakage=[0.8, 0.25, 0.1])
    said = family_sentence(tests)
    assert "in 2 of 3 tests at least half of the edges" in said
    assert "at 0.25 (median over tests of the mean over edges, from 0.10 to 0.80)" in said
    assert "not of the regions by name" in said
    assert "by name" not in family_sentence(tests.assign(leakage_beyond=0.25))
    assert family_sentence(tests.assign(leakage_beyond=float("nan"))) == family_sentence(rows_of(0, 0, 0)) == ""


def test_a_study_without_recordings_has_no_section():
    assert leakage_view(StudyResults(study={}, targets={})) is None
    assert leakage_sentences(StudyResults(study={}, targets={})) == []
