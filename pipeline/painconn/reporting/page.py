"""The page: a results folder in, one self-contained HTML text out. The only module of this room that opens files."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from painconn.paths import Results
from painconn.reporting.control_views import control_views
from painconn.reporting.headline import headline
from painconn.reporting.leakage import leakage_view
from painconn.reporting.methods import methods_sections, methods_text
from painconn.reporting.phenotype import phenotype_view
from painconn.reporting.reliability import reliability_table
from painconn.reporting.results import StudyResults, TargetResults
from painconn.reporting.views import Position, data_view, provenance_tables, target_view
from painconn.store import read_json, read_parquet, read_tsv

if TYPE_CHECKING:
    from markupsafe import Markup

_LABELS = dict.fromkeys(
    ("participant", "session", "recording", "condition", "window", "site", "label", "observation"), str
)
_DOI = re.compile(r"doi:(10\.\d{4,9}/[^\s&<>\"]+)")


def read_results(folder: Path) -> StudyResults:
    """Read every saved table of a study.

    Parameters
    ----------
    folder : Path
        The results folder.

    Returns
    -------
    results : StudyResults
        A file that is not there is None: a capability that was not used is not mentioned.

    Raises
    ------
    IntegrityError
        When the resolved study file is missing, or a file cannot be read.
    """
    paths = Results(folder)
    study = read_json(paths.group("study.json"))
    table = partial(read_tsv, dtype=_LABELS)

    def group(name: str, read: Callable[[Path], Any]) -> Any:
        path = paths.group(name)
        return read(path) if path.is_file() else None

    return StudyResults(
        study=study,
        targets={name: _read_target(paths, name, settings) for name, settings in study["targets"].items()},
        flow=group("flow.json", read_json),
        provenance=group("provenance.json", read_json),
        reliability=group("features.json", read_json),
        phenotype=group("phenotype.json", read_json),
        leakage=group("leakage.json", read_json),
        features=group("features.parquet", read_parquet),
        spectra=group("spectra.tsv", table),
        quality=group("quality.tsv", table),
        quality_outliers=group("quality_outliers.tsv", table),
        exclusions=group("exclusions.tsv", table),
        findings=group("findings.tsv", table),
        not_computable=group("not_computable.tsv", table),
        regions=group("regions.tsv", table),
        phenotype_sensitivity=group("phenotype_sensitivity.tsv", table),
        leakage_regions=group("leakage_regions.tsv", table),
    )


def _read_target(paths: Results, name: str, settings: Mapping[str, Any]) -> TargetResults:
    def own(file: str, read: Callable[[Path], Any]) -> Any:
        path = paths.target(name, file)
        return read(path) if path.is_file() else None

    return TargetResults(
        name=name,
        settings=settings,
        declaration=own("declaration.json", read_json),
        compare=own("compare.tsv", read_tsv),
        scores=own("scores.json", read_json),
        predictions=own("predictions.tsv", partial(read_tsv, dtype=_LABELS)),
        audit=own("audit.json", read_json),
        agreement=own("agreement.json", read_json),
        networks=own("networks.tsv", read_tsv),
        network_edges=own("network_edges.tsv", partial(read_tsv, dtype={"networks": str})),
        model=own("model.json", read_json),
        interpretation=own("interpretation.tsv", read_tsv),
        companions=own("companions.tsv", read_tsv),
        sessions=own("sessions.tsv", read_tsv),
    )


def headline_lines(folder: Path) -> list[str]:
    """Return the answer of each target of a results folder, one line each, a failed audit first."""
    return headline(read_results(folder))


def methods_of(folder: Path) -> str:
    """Return the methods section of a results folder as Markdown."""
    return methods_text(read_results(folder))


def build_page(folder: Path) -> str:
    """Build the page of a results folder.

    Parameters
    ----------
    folder : Path
        The results folder.

    Returns
    -------
    html : str
        A whole document that loads nothing: styles and figures are inside it, and it has no script.
    """
    results = read_results(folder)
    return render_page(results, results.centroids)


def render_page(results: StudyResults, centroids: Mapping[str, Position]) -> str:
    """Build the page of results that are already read; `centroids` holds the centre of each region in mm."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    templates = resources.files("painconn.reporting") / "templates"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["linked"] = _linked
    template = environment.from_string((templates / "page.html").read_text(encoding="utf-8"))
    sections, references = methods_sections(results)
    return template.render(
        # The style sheet is a file of this package; nothing from outside reaches it.
        style=Markup((templates / "page.css").read_text(encoding="utf-8")),  # noqa: S704
        results=results,
        headlines=headline(results),
        controls=control_views(results),
        targets=[target_view(results, target, centroids) for target in results.targets.values()],
        phenotype=phenotype_view(results),
        reliability=reliability_table(results),
        leakage=leakage_view(results),
        data=data_view(results),
        methods=sections,
        references=references,
        provenance=provenance_tables(results),
        drawing=_drawing,
    )


def _drawing(svg: str) -> "Markup":
    """Mark a figure of ours as markup; its text was escaped when it was drawn."""
    from markupsafe import Markup

    return Markup(svg)  # noqa: S704


def _linked(text: str) -> "Markup":
    """Escape a text and turn its DOIs into links."""
    from markupsafe import Markup, escape

    return Markup(_DOI.sub(r'<a href="https://doi.org/\1">doi:\1</a>', str(escape(text))))  # noqa: S704
