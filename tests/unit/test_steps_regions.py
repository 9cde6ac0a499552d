import json

import pytest

from painconn.config.loader import load_study
from painconn.config.parcellation import UserParcellation
from painconn.cortex.parcellations import fingerprint
from painconn.errors import InputError
from painconn.paths import Results
from painconn.steps.declare import families, primary_tests
from painconn.steps.plan import Plan
from painconn.steps.portable import portable_cortex


@pytest.fixture
def demo_plan(repository, tmp_path):
    """Make the plan of the demo study without its recordings."""

    def make():
        plan = object.__new__(Plan)
        plan.study = load_study(repository / "configs" / "studies" / "demo.yaml")
        plan.inventory = {"sessions": [], "montages": {}}
        plan.results, plan.sessions = Results(tmp_path), {}
        return plan

    return make


def test_the_regions_of_a_study_reach_every_job_and_change_them(demo_plan):
    def slices(**cortex):
        plan = demo_plan()
        plan.study = plan.study.model_copy(update={"cortex": plan.study.cortex.model_copy(update=cortex)})
        return [json.loads(text) for text in (plan.settings_target("hyperalgesia"), plan.settings_report())]

    target, report = slices()
    assert len(target["regions"]) == 68
    assert report["features"]["groups"] == target["groups"]
    assert len(primary_tests(target)) == 63
    target, report = slices(parcellation="schaefer_100_7")
    assert len(target["regions"]) == 100
    assert len(target["groups"]) == len(report["features"]["groups"]) == 14
    assert len(primary_tests(target)) == 14 * 15 / 2 * 3
    edges = next(family for family in families(target, []) if family.name.startswith("wpli2_debiased edges"))
    assert len(edges.tests) == 3 * 100 * 99 / 2


def test_regions_of_files_follow_their_content_and_their_groups_are_checked(demo_plan, tmp_path):
    def plan_of(rows, groups):
        table = tmp_path / "regions.tsv"
        lines = ["name\tx_mm\ty_mm\tz_mm\tradius_mm", *rows]
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        plan = demo_plan()
        cortex = plan.study.cortex.model_copy(update={"parcellation": UserParcellation(coordinates=table)})
        features = plan.study.features.model_copy(update={"groups": groups})
        plan.study = plan.study.model_copy(update={"cortex": cortex, "features": features})
        return plan

    rows = ["S1\t-42\t-24\t56\t12", "S2\t-52\t-20\t18\t12", "S1\t42\t-24\t56\t12"]
    groups = {"left": ("S1-lh", "S2-lh"), "right": ("S1-rh",)}
    plan = plan_of(rows, groups)
    target = json.loads(plan.settings_target("hyperalgesia"))
    assert target["regions"] == ["S1-lh", "S2-lh", "S1-rh"]
    assert len(primary_tests(target)) == 2 * 3
    larger = plan_of(["S1\t-42\t-24\t56\t13", *rows[1:]], groups)
    assert fingerprint(larger.regions) != fingerprint(plan.regions)
    with pytest.raises(InputError) as caught:
        _ = plan_of(rows, {"left": ("S1-lh", "S3-lh"), "right": ("S1-lh", "S1-rh")}).regions
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 2
    assert "features.groups.left · found: S3-lh is no region" in told[0]
    assert "S1-lh is already in left" in told[1]
    with pytest.raises(InputError, match="the single region S1-lh · wanted: two or more"):
        _ = plan_of(rows[:1], {"left": ("S1-lh",)}).regions


def test_published_settings_hold_no_folders_of_region_files():
    files = {"annot": None, "coordinates": "/home/someone/regions.tsv", "space": "mni152"}
    heads = dict.fromkeys(("subjects_dir", "transform", "bem_solution"))
    assert portable_cortex({**heads, "parcellation": files})["parcellation"]["coordinates"] == "regions.tsv"
    annot = {"annot": {"lh": "/a/lh.annot", "rh": "/b/rh.annot"}, "coordinates": None}
    portable = portable_cortex({**heads, "parcellation": annot})["parcellation"]
    assert portable["annot"] == {"lh": "lh.annot", "rh": "rh.annot"}
    assert portable_cortex({**heads, "parcellation": "pain_12"})["parcellation"] == "pain_12"
