"""The head of a study in words, from what its sidecars recorded."""

from typing import Any

from painconn.reporting.citations import Citations
from painconn.reporting.notation import listing, plural
from painconn.reporting.results import StudyResults

_NOT_INDIVIDUAL = "No individual anatomy was used: positions are approximate."


def head_paragraph(results: StudyResults, cited: Citations) -> str:
    """Say whose heads were used, how they were modelled, and what became of electrodes that did not fit."""
    cortex = results.study["cortex"]
    heads: list[dict[str, Any]] = (results.provenance or {}).get("heads") or []
    conductivity = ", ".join(f"{value:g}" for value in cortex["conductivity_s_per_m"])
    given = cortex.get("bem_solution") is not None
    solution = ", read from a ready solution" if given else ""
    limits = f"Electrodes farther than {cortex['max_electrode_distance_mm']:g} mm from the scalp stopped a session."
    parts = [
        f"Sources were modelled on {_whose(cortex['template'], heads, cited)} with a three-layer boundary element "
        f"model (conductivity of brain, skull and scalp {conductivity} S/m{solution}) and an "
        f"{cortex['source_spacing']} source space{_number_of_sources(heads)}. {limits}",
        _NOT_INDIVIDUAL if _is_template(cortex["template"]) else _individual(heads),
    ]
    return " ".join(parts) + _checksum(heads)


def _is_template(template: str) -> bool:
    return template != "individual"


def _whose(template: str, heads: list[dict[str, Any]], cited: Citations) -> str:
    if _is_template(template):
        name = "fsaverage5" if template == "bundled" else "fsaverage"
        return f"the {name} template {cited.cite('fischl2012')}"
    surfaces = f"(surfaces of FreeSurfer {cited.cite('fischl2012')})"
    if heads and not heads[0]["own"]:
        return f"one head shared by all participants {surfaces}"
    return f"each participant's own head {surfaces}"


def _individual(heads: list[dict[str, Any]]) -> str:
    own = [head for head in heads if head["own"]]
    if heads and not own:
        return "No participant's own anatomy was used: positions are approximate."
    return f"There were {plural(len(own), 'such head')}; participants without one were excluded."


def _number_of_sources(heads: list[dict[str, Any]]) -> str:
    numbers = sorted({int(head["n_sources"]) for head in heads})
    return f" ({listing([f'{number:,}' for number in numbers])} sources)" if numbers else ""


def _checksum(heads: list[dict[str, Any]]) -> str:
    return f" Checksum of the head: {heads[0]['checksum']}." if len(heads) == 1 else ""


def heads_in_brief(heads: list[dict[str, Any]]) -> str:
    """Name the heads of a study in a table cell."""
    if len(heads) > 1:
        return f"{plural(len(heads), 'head')}, checksums in group/provenance.json"
    return listing([f"{head['label']} ({head['kind']}), checksum {head['checksum']}" for head in heads]) or "none"
