"""What the methods text and the provenance say of heads is what the sidecars recorded."""

from pathlib import Path

import pytest

from painconn.config.cortex import CortexConfig
from painconn.errors import Problem, RecordingFault
from painconn.paths import Results, SessionKey
from painconn.reporting.citations import Citations
from painconn.reporting.head_text import head_paragraph, heads_in_brief
from painconn.reporting.results import StudyResults
from painconn.steps import report
from painconn.steps.portable import portable_cortex
from painconn.store import write_exclusion, write_json, write_result

SHARED = {"label": "fsaverage5", "kind": "bundled", "own": False, "checksum": "ccd849c8fba8c0ac", "n_sources": 5124}


def own_head(label: str, n_sources: int = 5124) -> dict[str, object]:
    return SHARED | {"label": label, "kind": "individual", "own": True, "checksum": f"0{label}", "n_sources": n_sources}


def told(heads: list[dict[str, object]], **cortex: object) -> str:
    study = {"cortex": CortexConfig.model_validate(cortex).model_dump(mode="json")}
    results = StudyResults(study=study, provenance={"heads": heads}, targets={})
    return head_paragraph(results, Citations())


def test_a_template_is_named_with_its_model_and_checksum() -> None:
    text = told([SHARED], conductivity_s_per_m=(0.33, 0.0041, 0.33))
    wanted = (
        "fsaverage5 template",
        "0.33, 0.0041, 0.33 S/m",
        "5,124 sources",
        "No individual anatomy",
        "ccd849c8fba8c0ac",
    )
    assert all(words in text for words in wanted)
    assert "the fsaverage template" in told([SHARED], template="fsaverage")


def test_individual_heads_are_counted_and_no_template_is_claimed() -> None:
    individual = {"template": "individual", "subject": "sub-{participant}", "transform": "t-trans.fif"}
    text = told([own_head("01"), own_head("02", 5120)], **individual)
    assert "each participant's own head" in text
    assert "2 such heads" in text
    assert "5,120 and 5,124 sources" in text
    assert "template" not in text
    shared = told([SHARED | {"kind": "individual"}], **individual | {"subject": "child"})
    assert "one head shared by all participants" in shared
    assert "No participant's own anatomy" in shared


def test_a_ready_solution_is_said_to_be_one() -> None:
    assert "read from a ready solution" in told([SHARED], template="fsaverage", bem_solution="x-bem-sol.fif")
    assert "ready solution" not in told([SHARED])


@pytest.mark.parametrize(
    ("heads", "wanted"),
    [
        ([], "none"),
        ([SHARED], "fsaverage5 (bundled), checksum ccd849c8fba8c0ac"),
        ([own_head("01"), own_head("02")], "2 heads, checksums in group/provenance.json"),
    ],
)
def test_heads_fit_a_table_cell(heads: list[dict[str, object]], wanted: str) -> None:
    assert heads_in_brief(heads) == wanted


def test_provenance_has_the_heads_of_sessions_that_were_used_and_no_folder(tmp_path: Path) -> None:
    results = Results(tmp_path)
    write_json(results.inventory, {"sessions": [{"name": f"sub-{label}"} for label in ("01", "02", "03")]})
    for label in ("02", "01"):
        write_result(results.connectivity(SessionKey(label)), {"head": own_head(label)})
    fault = RecordingFault("head", Problem("head of participant 03", "missing", "all", "leave out"))
    write_exclusion(results.connectivity(SessionKey("03")), fault, step="head")
    assert [head["label"] for head in report._heads(results)] == ["01", "02"]
    given = {"subjects_dir": "/home/somebody/fs", "transform": "/home/somebody/t/sub-{participant}-trans.fif"}
    cortex = CortexConfig(template="individual", subject="sub-{participant}", **given).model_dump(mode="json")
    portable = portable_cortex(cortex)
    assert (portable["subjects_dir"], portable["transform"]) == ("fs", "sub-{participant}-trans.fif")
    assert "somebody" not in str(portable)
