"""A results folder with known numbers, rendered: what stands on the page, in which order, and what must not."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from painconn.config.study import StudyConfig
from painconn.cortex.parcellations import parcellation_of, region_centroids
from painconn.errors import IntegrityError
from painconn.prediction.design import make_design
from painconn.prediction.evaluation import evaluate
from painconn.reporting.headline import headline, meaning
from painconn.reporting.methods import methods_text
from painconn.reporting.notation import column_words, number, p_cell
from painconn.reporting.page import build_page, headline_lines, methods_of, read_results, render_page
from painconn.reporting.performance import performance_of
from painconn.reporting.results import StudyResults, positive_controls
from painconn.reporting.tables import flag_table
from painconn.reporting.views import data_view
from painconn.store import save_parquet, write_json, write_tsv

HOSTILE = '<script>alert("x")</script>$\\frac{'
CENTROIDS = {
    f"{region}-{side}": (sign * x, y, z)
    for side, sign in (("lh", -1.0), ("rh", 1.0))
    for region, (x, y, z) in {
        "postcentral": (43.0, -23.0, 44.0),
        "insula": (35.0, -2.0, 1.0),
        "rostralanteriorcingulate": (5.0, 37.0, 0.0),
        "caudalanteriorcingulate": (5.0, 18.0, 30.0),
        "medialorbitofrontal": (6.0, 35.0, -18.0),
        "superiorfrontal": (11.0, 28.0, 40.0),
        "lateraloccipital": (30.0, -90.0, 0.0),
        "superiortemporal": (53.0, -13.0, -5.0),
        "precuneus": (10.0, -58.0, 38.0),
    }.items()
}
GROUPS = [f"{group}-{side}" for group in ("sensory", "affective", "cognitive") for side in ("lh", "rh")]


def study() -> dict[str, Any]:
    rest, task = {"condition": "rest"}, {"condition": "task"}
    study = StudyConfig.model_validate(
        {
            "name": "synthetic",
            "data": {
                "sources": [
                    {"root": "data", "layout": "folder", "pattern": "S{participant}_{task}.edf", "line_freq_hz": 50}
                ],
                "conditions": {
                    "rest": {"kind": "rest", "n_epochs": 30, "n_segments": 5},
                    "task": {"kind": "rest", "n_epochs": 30},
                },
                "participants": {"exclude": ["77"]},
                "phenotype": {"column": "group"},
            },
            "targets": {
                "spread": {
                    "contrast": {
                        "kind": "between",
                        "column": "group",
                        "a": "localized",
                        "b": "widespread",
                        "observation": rest,
                    },
                    "n_permutations": 200,
                },
                "state": {"contrast": {"kind": "within", "a": rest, "b": task}, "n_permutations": 200},
            },
            "positive_controls": {
                "arousal": {
                    "contrast": {"kind": "within", "a": rest, "b": task},
                    "feature": "power_rel__sensors__alpha__mean",
                    "expected": "lower",
                },
                "severity": {
                    "contrast": {
                        "kind": "between",
                        "column": "group",
                        "a": "localized",
                        "b": "widespread",
                        "observation": rest,
                    },
                    "feature": "power_rel__sensors__alpha__mean",
                    "expected": "higher",
                },
            },
        }
    )
    settings = study.model_dump(mode="json")
    return settings | {"features": settings["features"] | {"groups": dict(study.groups)}}


def rows_of_tests(
    rng: np.random.Generator, *, role: str, family: str, tests: list[str], kind: str, n: tuple[int, int]
) -> pd.DataFrame:
    g = rng.normal(0, 0.4, len(tests))
    p = rng.uniform(0.001, 1, len(tests))
    table = pd.DataFrame(
        {
            "role": role,
            "family": family,
            "family_size": len(tests),
            "n_computed": len(tests),
            "contrast": "b - a",
            "test": tests,
        }
    )
    return table.assign(
        estimate=g * 0.05,
        statistic=g * 3,
        p=p,
        p_fwe=np.minimum(1, p * 20),
        q_fdr=np.minimum(1, p * 5),
        effect_size_kind=kind,
        hedges_g=g,
        ci_low=g - 0.8,
        ci_high=g + 0.8,
        bf01=np.exp(1 - g**2),
        n_a=n[0],
        n_b=n[1],
        reason="",
    )


def compare_table(rng: np.random.Generator, *, kind: str, n: tuple[int, int]) -> pd.DataFrame:
    blocks = [
        f"wpli2_debiased__lcmv__{band}__{a}__{b}"
        for band in ("theta", "alpha", "beta")
        for a, b in combinations_with_replacement(GROUPS, 2)
    ]
    primary = rows_of_tests(rng, role="primary", family="primary", tests=blocks, kind=kind, n=n)
    numbers = ["estimate", "statistic", "p", "p_fwe", "q_fdr", "hedges_g", "ci_low", "ci_high", "bf01"]
    primary.loc[4, numbers] = np.nan
    primary.loc[4, "reason"] = "missing for 3 of 20 people"
    edges = [f"aec_orth__lcmv__alpha__{a}__{b}" for a, b in combinations(CENTROIDS, 2)]
    exploratory = rows_of_tests(rng, role="exploratory", family="edges aec_orth", tests=edges, kind=kind, n=n)
    controls = [
        rows_of_tests(
            rng, role="positive_control", family=name, tests=["power_rel__sensors__alpha__mean"], kind=kind, n=n
        )
        for name in ("arousal", "severity")
    ]
    controls[0][["estimate", "hedges_g", "p"]] = -0.0321, -0.91, 0.002
    return pd.concat([primary, exploratory, *controls], ignore_index=True)


def scores_of(rng: np.random.Generator, auc: float) -> dict[str, Any]:
    def model(value: float) -> dict[str, Any]:
        null = np.clip(rng.normal(0.5, 0.12, 200), 0, 1)
        return {
            "auc": value,
            "auc_ci": [value - 0.2, value + 0.19],
            "interval_coverage_note": "held the truth in 94.1 % of cases",
            "permutation": {"p": 0.213, "n_permutations": 200, "null_mean": float(null.mean())},
            "null_values": null.tolist(),
            "balanced_accuracy": value - 0.02,
            "sensitivity": 0.55,
            "specificity": 0.61,
            "brier": 0.241,
        }

    sets = {name: model(value) for name, value in (("edges", 0.52), ("blocks", auc), ("power", 0.49))}
    for name, saved in sets.items():
        saved |= {
            "role": "primary" if name == "blocks" else "exploratory",
            "n_features": 63,
            "brier_no_skill": 0.25,
            "positive": "widespread",
            "negative": "localized",
            "baselines": {"majority": {"auc": 0.5}, "confounds": model(0.58)},
            "increment": {
                "auc_features_and_confounds": 0.611,
                "auc_confounds": 0.58,
                "increment": 0.031,
                "increment_ci": [-0.1, 0.16],
            },
            "learning_curve": [
                {"fraction": f, "n_train_participants": 16 * f, "auc": 0.5 + f / 10} for f in (0.5, 0.75, 1.0)
            ],
        }
    return {"feature_sets": sets, "primary_feature_set": "blocks"}


def write_target(folder: Path, rng: np.random.Generator, *, kind: str, people: list[str], auc: float) -> None:
    between = kind == "between"
    sides = ("localized", "widespread") if between else ("rest", "task")
    n = (10, 10) if between else (20, 20)
    write_tsv(folder / "compare.tsv", compare_table(rng, kind="hedges_g" if between else "dz", n=n))
    scores = scores_of(rng, auc)
    for saved in scores["feature_sets"].values():
        saved |= {"negative": sides[0], "positive": sides[1]}
    write_json(folder / "scores.json", scores)
    rows = (
        [(person, sides[i % 2]) for i, person in enumerate(people)]
        if between
        else [(p, side) for p in people for side in sides]
    )
    predictions = pd.DataFrame(
        [(*row, repeat) for repeat in range(3) for row in rows], columns=["participant", "label", "repeat"]
    )
    shift = predictions["label"].eq(sides[1]) * 0.1
    write_tsv(
        folder / "predictions.tsv",
        predictions.assign(fold=0, score=0.0, probability=rng.uniform(0.3, 0.6, len(predictions)) + shift),
    )
    gates = [
        {"gate": "shuffled_labels", "expected": "0.5", "found": "0.503", "passed": True, "evaluated": True},
        {
            "gate": "duplicate_recordings",
            "expected": "none alike",
            "found": "none; highest 0.91 (sub-S01, sub-S02)",
            "passed": True,
            "evaluated": True,
        },
    ]
    write_json(folder / "audit.json", {"passed": True, "gates": gates})
    write_json(
        folder / "declaration.json",
        {
            "family_hash": "ab" * 32,
            "kind": kind,
            "a": sides[0],
            "b": sides[1],
            "contrast": "b - a",
            "n_a": n[0],
            "n_b": n[1],
            "dropped": [{"participant": "S19", "reason": "label missing"}],
            "covariates": ["age", "muscle_index"],
            "notes": ["p from random 200 permutations"],
            "minimum_detectable_effect": {
                "effect": "d",
                "power": 0.8,
                "alpha": 0.05,
                "one_test": 1.3249,
                "whole_family": 1.8123,
                "family_size": 63,
            },
        },
    )


def write_folder(root: Path) -> Path:
    """Write a whole results folder: 20 people, two conditions, a between and a within target, two positive controls."""
    rng, group = np.random.default_rng(3), root / "group"
    people = [f"S{i:02d}" for i in range(20)]
    write_json(group / "study.json", study())
    flow = {
        "recordings_found": 44,
        "sessions_found": 22,
        "participants_found": 22,
        "sessions_used": 20,
        "participants_used": 20,
    }
    write_json(group / "flow.json", flow | {"recordings_excluded": 4, "observations": 40})
    index = pd.DataFrame(
        [(p, "", c, "epoch", "site1") for p in people for c in ("rest", "task")],
        columns=["participant", "session", "condition", "window", "site"],
    )
    alpha = rng.normal(0.3, 0.05, 40) - 0.03 * index["condition"].eq("task")
    save_parquet(index.assign(power_rel__sensors__alpha__mean=alpha), group / "features.parquet")
    hz = np.arange(1, 45.5, 0.5)
    spectra = (
        15
        - 12 * np.log10(hz)
        + 6 * np.exp(-((hz - 10) ** 2) / 3)
        + rng.normal(0, 1.5, (40, 1))
        + rng.normal(0, 0.3, (40, len(hz)))
    )
    write_tsv(
        group / "spectra.tsv",
        pd.concat([index.drop(columns="site"), pd.DataFrame(spectra, columns=[f"{f:g}" for f in hz])], axis=1),
    )
    quality = pd.DataFrame(
        {
            "participant": people,
            "session": "",
            "recording": "task-rest",
            "n_channels": 32,
            "bad_channels": ["none"] * 15 + ["T7 (flat)"] * 5,
            "fraction_interpolated": [0.0] * 15 + [0.0625] * 5,
            "components": "eye 0.97",
            "epochs_kept": [f"rest {50 + i}/70, task 66/66" for i in range(20)],
            "rank_used": 30,
            "muscle_index": rng.uniform(0.05, 0.3, 20),
            "age": 8317,
        }
    )
    write_tsv(group / "quality.tsv", quality)
    far = {"participant": "S03", "session": "", "recording": "task-rest", "number": "muscle_index", "value": 0.29}
    write_tsv(group / "quality_outliers.tsv", pd.DataFrame([far | {"median": 0.1, "robust_z": 4.0, "n_compared": 20}]))
    exclusion = {
        "session": "",
        "recording": "task-rest",
        "condition": "",
        "step": "clean",
        "where": "S20_rest.edf",
        "found": "flat",
        "wanted": "EEG",
        "fix": "record again",
    }
    reasons = ("all channels flat", "too few epochs", "too few epochs", "sampling rate")
    write_tsv(
        group / "exclusions.tsv",
        pd.DataFrame([{"participant": f"S{20 + i}", **exclusion, "check": check} for i, check in enumerate(reasons)]),
    )
    missing = pd.DataFrame(
        [
            {
                "participant": p,
                "session": "",
                "condition": "rest",
                "window": "epoch",
                "measure": "aec_orth",
                "band": "theta",
                "reason": "too few segments",
            }
            for p in people[:3]
        ]
    )
    write_tsv(group / "not_computable.tsv", missing)
    environment = {
        "painconn": "0.1.0",
        "python": "3.11.9",
        "platform": "Linux x86_64",
        "packages": {"mne": "1.13.0"},
        "threads": {"OMP_NUM_THREADS": "1"},
    }
    jobs = {"clean": {"jobs": 22, "cpu_s": 123.4, "peak_mb": 611.0}}
    inputs = [{"recording": f"{p}_rest.edf", "sha256": "0" * 64} for p in people]
    write_json(
        group / "provenance.json",
        {
            "environment": environment,
            "seed": 20260,
            "config_hash": "cd" * 32,
            "inputs": inputs,
            "jobs": jobs,
            "command": "painconn run study.yaml",
        },
    )
    write_target(group / "spread", rng, kind="between", people=people, auc=0.6123)
    write_target(group / "state", rng, kind="within", people=people, auc=0.7441)
    return root


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def results(folder: Path) -> StudyResults:
    return read_results(folder)


@pytest.fixture(scope="module")
def page(results: StudyResults) -> str:
    return render_page(results, CENTROIDS)


@pytest.fixture(scope="module")
def light(results: StudyResults) -> StudyResults:
    """The same study with one target, five primary tests in one band and no per-person figures: quick to draw again."""
    target = results.targets["spread"]
    few = pd.concat([target.tests("primary").head(5), target.tests("exploratory").head(3)])
    only = {"spread": replace(target, compare=few, predictions=None)}
    return replace(results, targets=only, features=None, spectra=None)


class Text(HTMLParser):
    """Collects readable text, tags and attributes, without what is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("svg", "style"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open:
            self.parts.append(data)


def parsed(html: str) -> tuple[str, list[tuple[str, dict[str, str | None]]]]:
    parser = Text()
    parser.feed(html)
    return " ".join(" ".join(parser.parts).split()), parser.tags


def changed(results: StudyResults, name: str, **parts: Any) -> StudyResults:
    return replace(results, targets={**results.targets, name: replace(results.targets[name], **parts)})


@pytest.mark.slow
def test_sections_stand_in_their_order(page: str) -> None:
    wanted = [
        "Answers",
        "Positive controls",
        "Target spread",
        "Primary family",
        "Classifier and baselines",
        "What this study cannot see",
        "Exploratory: families of spread",
        "Target state",
        "Exclusions and flow",
        "Data quality",
        "Not computable",
        "Methods",
        "Provenance",
    ]
    headings = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page, flags=re.DOTALL)
    positions = [next(i for i, heading in enumerate(headings) if heading.startswith(name)) for name in wanted]
    assert positions == sorted(positions)
    assert 'href="#audit"' not in page


def test_numbers_of_the_answer_are_those_of_the_tables(results: StudyResults, page: str) -> None:
    lines = headline(results)
    tests = results.targets["spread"].tests("primary")
    n_significant = int((tests["p_fwe"] < 0.05).sum())
    wanted = (
        "spread: between localized and widespread (n = 10 + 10): AUC 0.61, 95 % interval 0.41 to 0.80, permutation p "
        f"= .21; {n_significant} of 63 primary tests significant after family-wise correction (1 not computable)"
    )
    assert lines[0] == wanted
    assert wanted in parsed(page)[0]
    assert any(line.startswith("positive control arousal: expected lower, found, g −0.91, p = .002") for line in lines)


def test_every_primary_test_is_on_the_page_with_its_saved_values(results: StudyResults, page: str) -> None:
    cells = re.findall(r"<td>(.*?)</td>", page)
    for row in results.targets["spread"].tests("primary").dropna(subset=["p"]).to_dict(orient="records"):
        start = cells.index(column_words(row["test"]))
        assert cells[start + 2] == number(row["hedges_g"])
        assert cells[start + 4] == p_cell(row["p"]).replace("<", "&lt;")


def test_not_computable_is_said_and_never_zero(results: StudyResults, page: str) -> None:
    missing = results.targets["spread"].tests("primary").iloc[4]["test"]
    cells = re.findall(r"<td>(.*?)</td>", page)
    start = cells.index(column_words(missing))
    assert cells[start + 1] == "not computable: missing for 3 of 20 people"
    assert set(cells[start + 2 : start + 7]) == {"–"}
    assert "too few segments" in page


@pytest.mark.slow
def test_failed_audit_comes_first_and_overrides_the_meaning(light: StudyResults) -> None:
    gates = [
        {"gate": "person_overlap", "expected": "0", "found": "2 on both sides", "passed": False, "evaluated": True},
        {"gate": "shuffled_labels", "expected": "0.5", "found": "0.50", "passed": True, "evaluated": True},
    ]
    failed = changed(light, "spread", audit={"passed": False, "gates": gates})
    html = render_page(failed, CENTROIDS)
    text, _ = parsed(html)
    assert text.index("failed its own audit") < text.index("2 on both sides") < text.index("Answers")
    assert "Audit of spread passed" not in text
    assert headline(failed)[0].startswith("AUDIT FAILED in spread: 1 gate (person_overlap)")
    assert "must not be used before the failure is explained" in text


@pytest.mark.slow
def test_a_gate_that_was_not_evaluated_is_not_called_passed(light: StudyResults) -> None:
    gates = [
        {
            "gate": "duplicate_recordings",
            "expected": "none",
            "found": "not evaluated: no signatures",
            "passed": False,
            "evaluated": False,
        }
    ]
    tolerated = changed(light, "spread", audit={"passed": True, "gates": gates})
    assert "duplicate recordings (not evaluated)" in parsed(render_page(tolerated, CENTROIDS))[0]
    assert not tolerated.audit_failed
    assert changed(light, "spread", audit={"passed": False, "gates": gates}).audit_failed


def test_nothing_is_loaded_from_outside(page: str) -> None:
    _, tags = parsed(page)
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "base"})
    for _, attributes in tags:
        assert attributes.get("src") is None
        for key in ("href", "xlink:href"):
            target = attributes.get(key)
            assert target is None or target.startswith(("#", "https://doi.org/10."))
        assert not any(key.startswith("on") for key in attributes)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_identifiers_are_unique_and_point_somewhere(page: str) -> None:
    _, tags = parsed(page)
    identifiers = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = {attributes["href"][1:] for _, attributes in tags if (attributes.get("href") or "").startswith("#")}  # type: ignore[index]
    assert targets <= set(identifiers)


@pytest.mark.slow
def test_hostile_labels_are_text(light: StudyResults) -> None:
    settings = json.loads(json.dumps(light.study))
    settings["report"]["title"] = HOSTILE
    settings["targets"]["spread"]["contrast"] |= {"a": HOSTILE, "b": "other" + HOSTILE}
    hostile = changed(light, "spread", settings=settings["targets"]["spread"])
    exclusions = light.exclusions.assign(found=HOSTILE, participant=HOSTILE)  # type: ignore[union-attr]
    html = render_page(replace(hostile, study=settings, exclusions=exclusions), CENTROIDS)
    assert "<script" not in html.lower()
    assert html.count("&lt;script&gt;") > 5
    assert parsed(html)[0].count('<script>alert("x")</script>') > 5
    assert "\\<script\\>" in methods_text(replace(hostile, study=settings))


@pytest.mark.slow
def test_findings_at_the_door_are_on_the_page_with_what_followed(light: StudyResults) -> None:
    finding = {
        "participant": "07", "session": "", "recording": "a.edf", "check": "bridged", "found": "Oz - Iz (0.31 uV^2)",
        "limit": "at least 5 uV^2", "consequence": "mark channel", "channels": "Oz, Iz", "stretches_s": "",
        "fix": "clean",
    }  # fmt: skip
    text, _ = parsed(render_page(replace(light, findings=pd.DataFrame([finding])), CENTROIDS))
    shown = text[text.index("Findings at the door") :]
    assert all(shown.index(finding[name]) for name in ("participant", "found", "consequence"))
    assert "Findings at the door" not in parsed(render_page(light, CENTROIDS))[0]


def test_missing_optional_parts_are_said_or_left_out(light: StudyResults) -> None:
    targets = {
        name: replace(target, scores=None, predictions=None, audit=None, declaration=None, compare=None)
        for name, target in light.targets.items()
    }
    bare = StudyResults(study=light.study, targets=targets)
    text, _ = parsed(render_page(bare, CENTROIDS))
    assert "classifier not available" in text
    assert "primary tests not available" in text
    assert "Audit of spread: not available" in text
    assert "cannot say whether the two can be told apart" in text
    assert not re.search(r"\bnan\b|\bNone\b", text)
    assert "networks" not in text.lower()


@pytest.mark.slow
def test_scores_without_null_values_or_interval_still_draw(light: StudyResults) -> None:
    scores = {"feature_sets": {"blocks": {"auc": 0.55}}, "primary_feature_set": "blocks"}
    text, _ = parsed(render_page(changed(light, "spread", scores=scores), CENTROIDS))
    assert "AUC 0.55, 95 % interval not available, permutation p not available" in text
    assert "no saved permutations" in text


def test_a_null_result_is_called_one_and_a_finding_is_not(light: StudyResults) -> None:
    def with_p(p: float) -> str:
        scores = json.loads(json.dumps(light.targets["spread"].scores))
        scores["feature_sets"]["blocks"]["permutation"]["p"] = p
        return meaning(replace(light.targets["spread"], scores=scores))

    assert "compatible with any AUC from 0.41 to 0.80" in with_p(0.2)
    found = with_p(0.01)
    assert "does better than chance on people it never saw" in found
    assert "Its interval reaches 0.41: how well it does is not known." in found


def test_exploratory_results_stay_in_their_box(page: str, results: StudyResults) -> None:
    boxes = re.findall(r'<div class="exploratory".*?\n</div>\n</section>', page, flags=re.DOTALL)
    assert len(boxes) == 2
    outside = page
    for box in boxes:
        assert all("Exploratory" in heading for heading in re.findall(r"<h3>(.*?)</h3>", box))
        outside = outside.replace(box, "")
    tests = results.targets["spread"].tests("exploratory")
    shown = [name for name in tests["test"] if column_words(name) in boxes[0]]
    assert len(shown) == 20
    assert set(shown) == set(tests.nsmallest(20, "p")["test"])
    assert not any(column_words(name) in outside for name in tests["test"])


def test_participant_labels_and_ages_stay_where_they_may(page: str) -> None:
    text, _ = parsed(page)
    before, after = (
        text.split("Every exclusion, with what was found")[0],
        text[text.index("Not computable: these values") :],
    )
    for outside in (before, after):
        assert not re.search(r"\bS[012]\d\b", outside)
    assert "<td>8317" not in page
    assert '<th scope="col">age' not in page


def test_every_figure_has_words_for_those_who_cannot_see_it(page: str) -> None:
    _, tags = parsed(page)
    drawings = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(drawings) >= 15
    assert all(drawing["role"] == "img" and len(drawing["aria-label"] or "") > 30 for drawing in drawings)
    assert page.count("<figure>") == page.count("<figcaption>") == len(drawings)


@pytest.mark.slow
def test_the_page_does_not_depend_on_when_it_is_built(light: StudyResults) -> None:
    assert render_page(light, CENTROIDS) == render_page(light, CENTROIDS)


def test_quality_flags_count_rows_of_the_table(results: StudyResults) -> None:
    table = flag_table(results.quality, warn_epochs=60, n_epochs={"rest": 22, "task": 75})  # type: ignore[arg-type]
    assert {row[0]: row[1] for row in table.rows} == {
        "phase measures of rest use 22 epochs, fewer than 60": "20 of 20",
        "bad channels found": "5 of 20",
        "components removed": "20 of 20",
    }


def test_columns_of_the_quality_table_explain_themselves(page: str) -> None:
    assert re.search(r'<th scope="col" title="power in 30-45 Hz[^"]+\(share, 0 to 1\)">muscle index</th>', page)


def test_who_stands_out_is_named_without_a_look_at_labels(light: StudyResults) -> None:
    quality = data_view(light)
    assert quality.overview is not None
    assert quality.outliers is not None
    assert quality.outliers.rows[0][0] == "S03"
    assert "S03" in quality.overview.svg
    assert not {"localized", "widespread"} & set(re.findall(r"\w+", quality.overview.svg))


@pytest.mark.parametrize(
    ("estimate", "p", "verdict"),
    [(-1, 0.01, "found"), (-1, 0.2, "direction only"), (1, 0.01, "opposite"), (np.nan, np.nan, "not computable")],
)
def test_positive_control_verdicts(results: StudyResults, estimate: float, p: float, verdict: str) -> None:
    def edited(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(
            estimate=table["estimate"].mask(table["family"] == "arousal", estimate),
            p=table["p"].mask(table["family"] == "arousal", p),
        )

    changes = {name: replace(target, compare=edited(target.compare)) for name, target in results.targets.items()}  # type: ignore[arg-type]
    control = positive_controls(replace(results, targets=changes))[0]
    assert (control.name, control.verdict) == ("arousal", verdict)


def test_methods_name_what_was_done(results: StudyResults) -> None:
    text = methods_text(results)
    for phrase in (
        "Excluded: 4 recordings",
        "2 at clean (too few epochs)",
        "theta 4–8 Hz, alpha 8–13 Hz",
        "63 tests",
        "hash abababababab",
        "mne 1.13.0",
        "Left out by name in the study file: 1 participant",
    ):
        assert phrase.replace("_", "\\_") in text, phrase
    mentions = [int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(",")]
    assert list(dict.fromkeys(mentions)) == sorted(set(mentions))  # numbered in order of first mention
    cited = {int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(",")}
    listed = {int(n) for n in re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE)}
    assert cited == listed == set(range(1, len(listed) + 1))


def test_methods_leave_out_what_was_switched_off(results: StudyResults) -> None:
    settings = json.loads(json.dumps(results.study))
    settings["cleaning"] |= {"line_noise": "none", "bad_channels": "none", "ica": "none", "reject": "none"}
    text = methods_text(replace(results, study=settings))
    assert not re.search("notch|PyPREP|ICLabel|autoreject", text)
    assert "autoreject" in methods_text(results)


def test_keys_are_those_that_the_evaluation_writes(rng: np.random.Generator) -> None:
    people, labels = [f"P{i}" for i in range(12)], ["a", "b"] * 6
    design = make_design(people, labels, a="a", b="b", kind="between", n_outer=3, n_repeats=2)
    features = pd.DataFrame(rng.normal(size=(12, 4)))
    evaluation = evaluate(features, design, n_permutations=20, confounds=pd.DataFrame({"age": rng.normal(size=12)}))
    score = performance_of("blocks", evaluation.scores)
    missing = [name for name, value in vars(score).items() if value is None or value == ()]
    assert missing == ["null_values"]
    assert (score.auc, score.p) == (evaluation.scores["auc"], evaluation.scores["permutation"]["p"])


@pytest.mark.slow
def test_folder_to_page_with_the_bundled_head(folder: Path, tmp_path: Path) -> None:
    few = pd.read_csv(folder / "group" / "spread" / "compare.tsv", sep="\t", keep_default_na=False).head(21)
    shutil.copytree(folder / "group", tmp_path / "group")
    for target in ("spread", "state"):
        few.to_csv(tmp_path / "group" / target / "compare.tsv", sep="\t", index=False)
    points = region_centroids(parcellation_of("desikan_killiany"))
    regions = pd.DataFrame(points, index=["x_mm", "y_mm", "z_mm"]).T.rename_axis("name").reset_index()
    regions.to_csv(tmp_path / "group" / "regions.tsv", sep="\t", index=False)
    html = build_page(tmp_path)
    assert html.startswith("<!DOCTYPE html>")
    assert "on a brain seen from above" in html
    assert "68 regions of the parcellation desikan_killiany" in html
    assert headline_lines(folder)[0].startswith("spread: ")
    assert methods_of(folder).startswith("# Methods")


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"study\.json"):
        read_results(tmp_path)


def test_what_this_study_cannot_see_is_said_with_the_saved_sizes(page: str) -> None:
    assert "d of 1.32 for a single test, 1.81 for any one test of the whole family of 63" in parsed(page)[0]
