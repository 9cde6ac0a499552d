"""Sites that go together with a label: known before a run, and nothing that a run could mend."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from painconn.errors import PainconnError

if TYPE_CHECKING:
    from painconn.cli.check import Examined


def tied_sites(examined: "Examined") -> Iterator[str]:
    """Warn of every target between groups whose label goes together with the site."""
    from painconn.prediction.site_label import site_label
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
        sites = [site_of[person] for person in labels.index]
        if len(set(sites)) > 1:
            note = site_label(sites, [str(label) for label in labels])["note"]
            if note:
                yield f"targets.{name}: site and group are tied: {note}"


def _site_of(examined: "Examined") -> dict[str, str]:
    """Return the site of each person; of several the first."""
    if examined.features is not None:
        pairs = examined.features[["participant", "site"]].itertuples(index=False)
        return dict(reversed(list(pairs)))
    sessions = examined.plan.sessions.values() if examined.plan else ()
    return {str(session["participant"]): str(session["site"]) for session in sessions}
