"""What the audit says about the sites of a target, and what was taken out of features inside the folds, in words."""

from collections.abc import Mapping
from typing import Any

from painconn.reporting.citations import Citations
from painconn.reporting.notation import interval, listing, number
from painconn.reporting.results import StudyResults

_METHODS = {"combat": "ComBat", "centre_site": "centring each site"}
_LOOKS = {"mean": "", "spread": "; by how widely the columns spread, "}


def harmonisation_method(results: StudyResults, cited: Citations) -> list[str]:
    """Say in which targets sites were harmonised, how, and what became of people of a site that a fold lacked."""
    told = []
    for option, method in _METHODS.items():
        targets = {
            name: target.settings
            for name, target in results.targets.items()
            if target.feature_sets and target.settings.get("harmonisation") == option
        }
        if not targets:
            continue
        works = f" {cited.cite('johnson2007', 'fortin2018')}" if option == "combat" else ""
        kept = [name for name, settings in targets.items() if settings.get("harmonisation_preserves") == "covariates"]
        preserved = f"; what the covariates explain was preserved in {listing(kept)}" if kept else ""
        told.append(
            f"Sites were harmonised in {listing(list(targets))} by {method}{works}, learned inside each training fold "
            f"and without labels{preserved}; people of a site that a fold had nobody of kept their numbers."
        )
    return told


def confound_method(results: StudyResults, cited: Citations) -> list[str]:
    """Say in which targets confounds were regressed out of the features."""
    targets = [
        name
        for name, target in results.targets.items()
        if target.feature_sets and target.settings.get("confound_regression") == "features"
    ]
    if not targets:
        return []
    return [
        f"What the covariates explain of the features in {listing(targets)} was regressed out of them, learned inside "
        f"each training fold {cited.cite('snoek2019')}."
    ]


def site_sentences(audit: Mapping[str, Any]) -> list[str]:
    """Say how well the declared columns tell the sites, and whether the label does; nothing with one site."""
    sites = audit.get("sites")
    if not sites:
        return []
    method = _METHODS.get(str(sites.get("harmonisation")))
    how = f"harmonised inside each training fold by {method}" if method else "not harmonised"
    unseen = "; people of a site that a fold has nobody of keep their numbers" * (sites.get("unseen_site") == "pooled")
    sentences = [f"Sites: the features are {how}{unseen}."]
    for one in sites.get("probe") or []:
        if "reason" in one:
            sentences.append(f"Site {one['site']} ({one['n']} people) was not probed: {one['reason']}.")
        else:
            told = "".join(f"{lead}{_look(one, look)}" for look, lead in _LOOKS.items())
            sentences.append(
                f"The declared columns tell site {one['site']} ({one['n']} people) from the others "
                f"({one['n_others']}) with AUC {told}. One half is chance."
            )
    label = sites.get("label") or {}
    if label.get("note"):
        sentences.append(f"Site and group are tied: {label['note']}.")
    return sentences


def _look(one: Mapping[str, Any], look: str) -> str:
    before, after = one[f"{look}_before"], one.get(f"{look}_after")
    if after is None:
        return _auc(before)
    return f"{_auc(before)} before and {_auc(after)} after harmonisation"


def _auc(answer: Mapping[str, Any]) -> str:
    return f"{number(answer['auc'])} (95 % interval {interval(*answer['ci'])})"
