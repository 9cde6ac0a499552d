"""Evaluations that stand beside the main one and never replace it: transfer to an unseen site, leaving pairs out."""

from typing import Any

from painconn.features.edges import symmetric_matrices
from painconn.prediction.design import Design
from painconn.prediction.folds import RowStep
from painconn.prediction.harmonisation import unseen_sites
from painconn.prediction.pairs import is_tiny, leave_pair_out, pair_folds
from painconn.prediction.registry import CLASSIFIERS
from painconn.prediction.transfer import leave_site_out
from painconn.steps.selection import Selection

_REFUSED = "unseen_site is refuse, and some training rows have nobody of a site that is tested"


def secondary_evaluations(
    settings: dict[str, Any],
    selection: Selection,
    design: Design,
    columns: list[str],
    *,
    steps: list[RowStep],
    seed: int,
) -> dict[str, Any]:
    """Evaluate the declared feature set in two more ways.

    Returns
    -------
    secondary : dict
        ``leave_site_out`` between people of several sites, ``leave_pair_out`` in tiny samples or when the target asks
        for it; each with ``auc`` None and a ``reason`` where it cannot be.
    """
    target = settings["target"]
    options: dict[str, Any] = {
        "classifier": target["classifier"],
        "n_permutations": target["n_permutations"],
        "seed": seed,
        "matrices": symmetric_matrices(columns),
        "steps": steps,
    }
    features, refuses = selection.features[columns], target["unseen_site"] == "refuse"
    found: dict[str, Any] = {}
    if selection.kind == "between" and len(set(selection.sites)) > 1:
        found["leave_site_out"] = (
            {"auc": None, "reason": _REFUSED}
            if refuses
            else leave_site_out(features, design, selection.sites, **options)
        )
    if _leaves_pairs_out(target, design):
        found["leave_pair_out"] = (
            {"auc": None, "reason": _REFUSED}
            if refuses and unseen_sites(selection.sites, pair_folds(design, seed=seed))
            else leave_pair_out(features, design, selection.sites, **options)
        )
    return found


def _leaves_pairs_out(target: dict[str, Any], design: Design) -> bool:
    if target["leave_pair_out"] == "tiny":
        return is_tiny(design) and CLASSIFIERS[target["classifier"]].permutations == "at once"
    return bool(target["leave_pair_out"] == "always")
