"""Sites that go together with a label: known before a run, and nothing that a run could mend."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from painconn.errors import DesignError, PainconnError, Problem

if TYPE_CHECKING:
    from painconn.cli.check import Examined


def tied_sites(examined: "Examined") -> Iterator[str]:
    """Warn of every target between groups whose label goes together with the site."""
    from painconn.prediction.site_label import site_label

    for name, labels in _labels(examined):
        sites = list(labels.values())
        note = site_label([site for site, _ in sites], [label for _, label in sites])["note"]
        if note:
            yield f"targets.{name}: site and group are tied: {note}"


def inseparable_sites(examined: "Examined") -> Iterator[Problem]:
    """Say which targets between groups have too few people of both groups at one and the same site.

    Labels are exchanged inside a site only: without both groups there, nothing is left to compare.
    """
    from painconn.prediction.design import make_design

    for name, labels in _labels(examined):
        contrast = examined.study.targets[name].contrast
        sites, groups = zip(*labels.values(), strict=True)
        try:
            make_design(
                list(labels), groups, a=str(contrast.a), b=str(contrast.b), kind="between", strata=sites, n_repeats=1
            )
        except DesignError as error:
            yield from (replace(problem, where=f"targets.{name}, {problem.where}") for problem in error.problems)


def _labels(examined: "Examined") -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    """Yield each target between groups of several sites, with the site and the label of each person."""
    from painconn.steps.people import people_of, target_people

    study = examined.study
    site_of = _site_of(examined)
    for name, target in study.targets.items():
        present = examined.present(target.contrast)
        if target.contrast.kind != "between" or present is None:
            continue
        try:
            labels = target_people(
                people_of(study.data),
                present,
                target.contrast,
                covariates=[],
                minimum_per_group=study.data.minimum_per_group,
                where=f"targets.{name}",
            ).labels
        except PainconnError:
            # What is wrong with the people is a problem of its own.
            continue
        both = {str(person): (site_of[str(person)], str(label)) for person, label in labels.items()}
        if len({site for site, _ in both.values()}) > 1:
            yield name, both


def _site_of(examined: "Examined") -> dict[str, str]:
    """Return the site of each person; of several the first."""
    if examined.features is not None:
        pairs = examined.features[["participant", "site"]].itertuples(index=False)
        return dict(reversed(list(pairs)))
    sessions = examined.plan.sessions.values() if examined.plan else ()
    return {str(session["participant"]): str(session["site"]) for session in sessions}
