"""Sites of a target: harmonisation inside its folds, how well its columns tell them, and whether its label does."""

from typing import Any

from painconn.errors import DesignError, Problem
from painconn.prediction.design import Dealt
from painconn.prediction.folds import outer_folds
from painconn.prediction.harmonisation import SiteHarmonisation, unseen_sites
from painconn.prediction.site_label import site_label
from painconn.prediction.site_probe import probe_sites
from painconn.steps.selection import Selection


def harmonisation_of(settings: dict[str, Any], selection: Selection) -> SiteHarmonisation | None:
    """Return the step of the fold that harmonises the sites of a target; None when it asks for none.

    Raises
    ------
    DesignError
        When everybody is of one site.
    """
    target = settings["target"]
    if target["harmonisation"] == "none":
        return None
    if len(set(selection.sites)) < 2:
        where, fix = f"targets.{settings['name']}.harmonisation", "write none"
        found = f"{target['harmonisation']}, and everybody is of site {selection.sites[0]}"
        raise DesignError(Problem(where, found, "people of several sites", fix))
    keeps = target["harmonisation_preserves"] == "covariates"
    return SiteHarmonisation.of(
        selection.sites, target["harmonisation"], preserved=selection.covariates if keeps else None
    )


def require_seen_sites(settings: dict[str, Any], selection: Selection, design: Dealt) -> None:
    """Keep to ``unseen_site: refuse``.

    Raises
    ------
    DesignError
        When a fold tests or tunes on people of a site without any in its training rows.
    """
    if settings["target"]["unseen_site"] != "refuse":
        return
    unseen = unseen_sites(selection.sites, outer_folds(design))
    if unseen:
        found = f"folds with people of {', '.join(unseen)} and nobody of that site to learn from"
        fix = "leave these sites out, or write unseen_site: pooled"
        raise DesignError(
            Problem(f"targets.{settings['name']}.unseen_site", found, "every site in every training", fix)
        )


def sites_record(
    settings: dict[str, Any], selection: Selection, columns: list[str], *, seed: int
) -> dict[str, Any] | None:
    """Return what the audit says about the sites of groups of people; None with one site.

    Returns
    -------
    record : dict or None
        ``harmonisation`` (as the target states it), ``label`` (how site and label go together) and ``probe`` (how well
        the declared columns tell each site, before and after harmonisation).
    """
    if selection.kind != "between" or len(set(selection.sites)) < 2:
        return None
    step = harmonisation_of(settings, selection)
    options = ("harmonisation", "harmonisation_preserves", "unseen_site")
    return {
        **{option: settings["target"][option] for option in options if step is not None or option == "harmonisation"},
        "label": site_label(selection.sites, selection.labels),
        "probe": probe_sites(
            selection.features[columns], selection.participants, selection.sites, harmonisation=step, seed=seed
        ),
    }
