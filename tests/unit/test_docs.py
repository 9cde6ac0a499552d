import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from painconn.cli.commands import Registry, app
from painconn.config.cleaning import CleaningConfig
from painconn.config.connectivity import ConnectivityConfig
from painconn.config.cortex import CortexConfig
from painconn.config.loader import load_study
from painconn.config.targets import Target
from painconn.connectivity.graph.registry import GRAPH_MEASURES
from painconn.connectivity.registry import MEASURES
from painconn.cortex.registry import INVERSES, PARCELLATIONS
from painconn.prediction.registry import CLASSIFIERS
from painconn.recordings.registry import CHECKS, PHENOTYPES, READERS
from painconn.simulation.presets import PRESETS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [*PAGES, ROOT / "mkdocs.yml", *sorted((ROOT / "notebooks").glob("*.ipynb"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MACHINE = re.compile(
    r"(?<![\w.])/(?:work|home|root|tmp|Users|mnt|opt)/|\b[A-Z]:\\Users|localhost|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|pypi\.|index-url|artifactory|devpi|nexus",
    re.IGNORECASE,
)
REGISTRIES = {
    "measures": MEASURES, "graph_measures": GRAPH_MEASURES, "classifiers": CLASSIFIERS,
    "inverses": INVERSES, "parcellations": PARCELLATIONS, "readers": READERS, "checks": CHECKS,
    "phenotypes": PHENOTYPES, "presets": PRESETS,
}  # fmt: skip
CLEANING, CONNECTIVITY, CORTEX = CleaningConfig(), ConnectivityConfig(), CortexConfig()
MIN_EPOCHS, MIN_CYCLES = CONNECTIVITY.gates_of("wpli2_debiased")


@pytest.fixture
def generator():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "tools" / "generate_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def name_of(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def test_the_reference_is_in_sync(generator):
    assert generator.main(["--check"]) == 0


def test_a_stale_page_is_named_with_the_command_that_repairs_it(generator, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generator, "REFERENCE", tmp_path)
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    (tmp_path / "measures.md").write_text("edited")
    (tmp_path / "gone.md").write_text("a registry that is no more")
    capsys.readouterr()
    assert generator.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert "measures.md" in told
    assert "gone.md" in told
    assert "python tools/generate_docs.py" in told
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_resolve(page):
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.is_file() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("file", WRITTEN, ids=name_of)
def test_no_page_names_a_machine_or_a_registry_host(file):
    assert MACHINE.findall(file.read_text(encoding="utf-8")) == []


def test_every_page_is_in_the_navigation():
    def pages(entry):
        if isinstance(entry, str):
            return [entry]
        return [page for value in (entry.values() if isinstance(entry, dict) else entry) for page in pages(value)]

    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(pages(settings["nav"])) == [page.relative_to(DOCS).as_posix() for page in PAGES]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    fetched = re.compile(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//(?![^\"]*canonical)")
    assert [page.name for page in (tmp_path / "site").rglob("*.html") if fetched.search(page.read_text())] == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_registry_entry_is_documented(registry):
    text = (DOCS / "reference" / f"{registry.replace('_', '-')}.md").read_text(encoding="utf-8")
    assert [name for name in REGISTRIES[registry] if f"| `{name}` |" not in text] == []
    assert [entry.doi for entry in REGISTRIES[registry].values() if getattr(entry, "doi", "") not in text] == []


def test_every_listed_registry_has_a_page_or_is_data():
    assert {registry.value for registry in Registry} - REGISTRIES.keys() == {"datasets"}


def test_every_key_of_a_study_file_is_documented(generator):
    text = (DOCS / "reference" / "study-file.md").read_text(encoding="utf-8")
    sections = {model for model, _ in generator.models(generator.StudyConfig)}
    assert len(sections) > 10
    for model in sections:
        part = text.split(f"\n## {model.__name__}\n")[1].split("\n## ")[0]
        assert [key for key in model.model_fields if f"| `{key}` |" not in part] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_on_the_pages_exist(page):
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    blocks = re.findall(r"^```\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    named = {match for block in blocks for match in re.findall(r"^painconn (\w+)", block, flags=re.MULTILINE)}
    assert named <= known


def test_the_study_file_on_the_guide_page_is_a_valid_study(tmp_path):
    page = (DOCS / "guide" / "study-file.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(name: .*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    study = tmp_path / "study.yaml"
    study.write_text(block, encoding="utf-8")
    assert set(load_study(study).positive_controls) == {"alpha"}


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("cleaning", f"| {CLEANING.l_freq_hz:g} Hz, zero-phase FIR"),
        ("cleaning", f"more than {100 * CLEANING.max_bad_fraction:g} % bad excludes"),
        ("cleaning", f"ICLabel probability >= {CLEANING.ica_threshold:g}"),
        ("cleaning", f"lowest of {CLEANING.h_freq_hz:g} Hz"),
        ("cleaning", f"| {CLEANING.sfreq_hz:g} Hz; slower recordings"),
        ("cleaning", f"| {CLEANING.epoch_length_s:g} s, contiguous"),
        ("cleaning", f"| {CLEANING.segment_length_s:g} s contiguous"),
        ("cortex", ", ".join(f"{value:g}" for value in CORTEX.conductivity_s_per_m)),
        ("cortex", f"{100 * CORTEX.lcmv_regularisation:g} %"),
        ("cortex", f"more than {CORTEX.max_electrode_distance_mm:g} mm"),
        ("connectivity", f"| at least {MIN_EPOCHS} |"),
        ("connectivity", f"| at least {CONNECTIVITY.warn_epochs} |"),
        ("connectivity", f"| at least {MIN_CYCLES:g} |"),
        ("connectivity", f"max({CONNECTIVITY.half_bandwidth_hz:g} Hz, 1/T)"),
        *(
            ("connectivity", f"{name.replace('_', ' ')} {low:g}-{high:g}")
            for name, (low, high) in CONNECTIVITY.bands_hz.items()
        ),
        ("comparison", f"{Target.model_fields['n_permutations'].default:,} permutations"),
    ],
)
def test_the_method_pages_quote_the_defaults_of_the_code(page, text):
    assert text in (DOCS / "method" / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=name_of)
def test_notebooks_hold_no_output(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
