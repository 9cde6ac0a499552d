"""What the page and the methods text say of networks, companions, sessions and power: from saved tables only."""

import re

import pandas as pd
import pytest

from painconn.reporting.citations import Citations
from painconn.reporting.companions import companion_method, companions_table, equivalence_sentence, sessions_table
from painconn.reporting.effect_figures import block_matrices, people_words
from painconn.reporting.networks import network_method, network_sentences, networks_table
from painconn.reporting.power import chances_sentence, detectable_sentence
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.tables import tests_table as table_of_tests
from painconn.steps.detectable import detectable

CONTRAST = {"kind": "between", "column": "g", "a": "localized", "b": "widespread", "observation": {"condition": "rest"}}
PAIRS = ("affective__affective", "affective__default_mode", "default_mode__default_mode")
NETWORKS = {
    "family": "wpli2_debiased edges, lcmv", "family_size": 6834, "n_computed": 6800, "thresholds": [2.5, 3.0],
    "extent_exponent": 0.4, "height_exponent": 3.0, "n_choices": 4, "n_components": 2, "n_significant": 1,
    "n_edges_enhanced": 3,
}  # fmt: skip


def components():
    rows = [
        (1, 2.5, "lower", "alpha", 14, 9, 5.5, 0.2, 0.3, 0.4, "insula-lh insula-rh c d e f g h i j"),
        (2, 3.0, "higher", "beta", 5, 4, 2.25, 0.004, 0.002, 0.012, "insula-lh insula-rh precuneus-lh cuneus-rh"),
    ]
    columns = [
        "network", "threshold", "sign", "band", "extent", "n_regions", "intensity", "p_extent", "p_intensity", "p_fwe",
        "regions",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(family=NETWORKS["family"], family_size=6834)


def companions():
    return pd.DataFrame(
        {
            "role": ["primary", "primary", "exploratory"],
            "family": ["blocks", "blocks", "else"],
            "family_size": [2, 2, 1],
            "test": ["x1", "x2", "x3"],
            "p_parametric": [0.01, 0.5, 0.3],
            "rank_test": "Mann-Whitney",
            "p_rank": [0.02, 0.6, 0.4],
            "smallest_effect": 0.5,
            "p_equivalence": [0.7, 0.03, 0.01],
            "bca_low": [0.1, -0.2, None],
            "bca_high": [1.1, 0.2, None],
        }
    )


@pytest.fixture
def target():
    usual = [
        {"size": size, "one_test": one, "whole_family": whole}
        for size, one, whole in ((0.2, 0.08, 0.004), (0.5, 0.22, 0.02), (0.8, 0.47, 0.62))
    ]
    power = {"effect": "d", "power": 0.8, "alpha": 0.05, "one_test": 1.2, "whole_family": 1.9, "family_size": 63}
    sessions = pd.DataFrame(
        {
            "test": ["x1", "x2"], "estimate": [0.5, None], "standard_error": [0.2, None], "z": [2.5, None],
            "p_mixed": [0.0124, None], "share_between_people": [0.6, None], "n_people": [20, 20],
            "n_observations": [40, 40], "family_size": [2, 2],
            "reason": ["", "not computable: the fit did not converge"],
        }
    )  # fmt: skip
    return TargetResults(
        name="pain",
        settings={"contrast": CONTRAST},
        declaration={
            "kind": "between", "n_a": 12, "n_b": 12, "networks": NETWORKS,
            "minimum_detectable_effect": power | {"power_of_usual_effects": usual},
        },
        compare=pd.DataFrame({"role": ["primary"] * 2, "test": ["x1", "x2"], "p_fwe": [0.04, 0.9]}),
        networks=components(),
        companions=companions(),
        sessions=sessions,
    )  # fmt: skip


def test_networks_are_told_with_their_family_and_their_choices(target):
    sentences = " ".join(network_sentences(target))
    assert "6,800 of 6,834 edges" in sentences
    assert "z = 2.5 and 3" in sentences
    assert "no single edge" in sentences
    table = networks_table(target)
    assert [row[0] for row in table.rows] == ["2", "1"]
    assert table.marked == {0}
    assert table.rows[0][5:10] == ("4", "2.25", ".004", ".002", ".012")
    assert table.rows[0][-1] == "insula L, insula R, precuneus L, cuneus R"
    assert table.rows[1][-1].endswith("and 2 more")


def test_companions_stand_beside_the_p_that_decides(target):
    table = companions_table(target)
    assert len(table.rows) == 2
    assert table.rows[0][1:] == (".040", ".010", ".020", ".70", "0.10 to 1.10")
    assert table.marked == {1}
    assert "Mann-Whitney knows neither covariates nor sites" in table.caption
    assert "ruled out in 1 of 2 computed primary tests" in equivalence_sentence(target)


@pytest.mark.parametrize(("given", "told"), [(None, "matter, the default)"), (0.5, "declared in the study file)")])
def test_the_margin_is_only_called_declared_when_it_was(target, given, told):
    target.settings["smallest_effect"] = given
    assert told in equivalence_sentence(target)


@pytest.mark.parametrize(("kind", "n"), [("r", ["n"]), ("hedges_g", ["n lower pain", "n higher pain"])])
def test_people_with_a_score_are_counted_once(kind, n):
    row = {"test": "x1", "estimate": 0.2, "effect_size_kind": kind, "n_a": 32, "n_b": 32, "p_fwe": 0.5}
    tests, sides = pd.DataFrame([row]), ("lower pain", "higher pain")
    table = table_of_tests(tests, "", sides=sides, p_corrected="p_fwe")
    assert list(table.header[7:]) == n
    assert len(table.rows[0]) == len(table.header)
    assert (people_words(tests, sides) == "n = 32") == (kind == "r")


def test_the_matrices_of_few_groups_lie_inside_their_picture():
    names = [f"wpli2_debiased__lcmv__{band}__{pair}" for band in ("theta", "alpha", "beta") for pair in PAIRS]
    tests = pd.DataFrame({"test": names, "hedges_g": 0.4, "p_fwe": 0.5, "n_a": 9, "n_b": 9})
    svg = block_matrices(tests, sides=("a", "b"), title="Matrices").svg
    # Baselines of the titles: text of 10 px reaches that far above them.
    found = [float(y) for y in re.findall(r'y="([\d.-]+)"[^>]*>(?:theta|alpha|beta)<', svg)]
    assert len(found) == 3
    assert min(found) > 8


def test_a_model_that_could_not_be_fitted_says_why_in_its_row(target):
    rows = sessions_table(target).rows
    assert rows[0][4] == ".012"
    assert rows[1][1] == "not computable: the fit did not converge"


def test_a_small_study_is_told_what_it_cannot_see(target):
    assert "1.20 for a single test, 1.90 for any one test of the whole family of 63" in detectable_sentence(target)
    told = chances_sentence(target)
    assert "a medium one (d = 0.5) in 22 % of such studies as a single test, in 2 % as one of 63" in told
    assert "cannot see small and medium effects" in told
    assert "large effects" not in told


def test_what_was_not_saved_is_not_mentioned(target):
    bare = TargetResults(name="pain", settings={"contrast": CONTRAST})
    results = StudyResults(study={"name": "s"}, targets={"pain": bare})
    assert networks_table(bare) is companions_table(bare) is sessions_table(bare) is None
    assert network_sentences(bare) == ()
    assert equivalence_sentence(bare) == chances_sentence(bare) == detectable_sentence(bare) == ""
    assert network_method(results, Citations()) == companion_method(results, Citations()) == []


def test_methods_cite_what_was_used(target):
    cited = Citations()
    results = StudyResults(study={"name": "s"}, targets={"pain": target})
    text = " ".join([*network_method(results, cited), *companion_method(results, cited)])
    assert "z = 2.5 and 3" in text
    assert "extent^0.4 height^3" in text
    assert "±0.5" in text
    assert "mixed model" in text
    assert {"10.1016/j.neuroimage.2010.06.041", "10.1002/hbm.24007", "10.1007/BF01068419"} <= {
        work.rpartition("doi:")[2] for work in cited.works
    }


def test_detectable_effects_are_those_of_this_many_people_and_this_reliability(tmp_path):
    from painconn.config.targets import Target
    from painconn.inference import Family, minimum_detectable_effect
    from painconn.paths import Results
    from painconn.steps.selection import Selection
    from painconn.store import write_json

    results = Results(tmp_path)
    halves = {"spearman_brown": {"blocks": {"median": 0.25}}}
    same = {"condition": "rest", "window": "epoch", "minus": None, "measure": "wpli2_debiased", "inverse": "lcmv"}
    entries = [
        same | {"band": "alpha"} | halves,
        same | {"band": "low_gamma"} | halves,
        same | {"band": "theta", "spearman_brown": {"blocks": {"median": -0.1}}},
        same | {"band": "beta", "inverse": "eloreta"} | halves,
    ]
    write_json(results.group("features.json"), {"reliability": entries})
    labels = ["localized"] * 12 + ["widespread"] * 12
    people = [f"{number:02d}" for number in range(24)]
    frame = pd.DataFrame(index=people)
    chosen = Selection(frame, people, labels, ["site1"] * 24, frame, "localized", "widespread", "between", [])
    family = Family("blocks", "primary", tuple(f"x{number}" for number in range(63)))
    found = detectable(results, Target.model_validate({"contrast": CONTRAST}), chosen, family)
    assert found["one_test"] == pytest.approx(minimum_detectable_effect(12, 12, 1))
    behind = {row["band"]: row for row in found["by_band"]}
    assert set(behind) == {"alpha", "theta"}
    assert behind["alpha"]["true_one_test"] == pytest.approx(2 * found["one_test"])
    assert behind["theta"]["true_whole_family"] is None
