"""What stands beside the AUC of the declared feature set: its decisions, its probabilities, other ways to leave out."""

from collections.abc import Mapping
from typing import Any

from painconn.reporting.notation import count, interval, listing, number, p_text, plural


def secondary_sentences(saved: Mapping[str, Any], sides: tuple[str, str]) -> list[str]:
    """Say how sure the decisions are, how good the probabilities, and what leaving out sites or pairs gives.

    Parameters
    ----------
    saved : mapping
        The feature set's part of ``scores.json``; nothing is said about keys that are not there.
    sides : tuple of str
        Names of side a and side b.
    """
    told = (_decisions(saved, sides), _calibration(saved, sides), _sites(saved, sides), _pairs(saved, sides))
    return [sentence for sentence in told if sentence]


def _decisions(saved: Mapping[str, Any], sides: tuple[str, str]) -> str:
    if not saved.get("balanced_accuracy_ci"):
        return ""
    named = {"sensitivity": f"sensitivity ({sides[1]})", "specificity": f"specificity ({sides[0]})"}
    told = [
        f"{named.get(key, 'balanced accuracy')} {number(saved[key])}, 95 % interval {interval(*saved[f'{key}_ci'])}"
        for key in ("sensitivity", "specificity", "balanced_accuracy")
    ]
    return (
        f"Decisions: {'; '.join(told)}. These intervals count each observation once, however many repeats there were, "
        "and take the models as they are: they are for the people tested and do not hold the luck of the training sets."
    )


def _calibration(saved: Mapping[str, Any], sides: tuple[str, str]) -> str:
    found = saved.get("calibration")
    if not found:
        return ""
    slope = found.get("slope")
    about_slope = (
        f"no calibration slope ({found.get('slope_reason')})"
        if slope is None
        else f"calibration slope {number(slope)}, 95 % interval {interval(*found['slope_ci'])} (1 is best; below 1 the "
        "probabilities are too extreme, above 1 too timid)"
    )
    return (
        f"Probabilities of {sides[1]}: calibration in the large {number(found['intercept'])}, 95 % interval "
        f"{interval(*found['intercept_ci'])} (log odds; 0 is best, below 0 they are too high), {about_slope}."
    )


def _sites(saved: Mapping[str, Any], sides: tuple[str, str]) -> str:
    found = saved.get("leave_site_out")
    if not found:
        return ""
    left_out = [
        f"{site['site']} ({site['reason']}, {count(site['n_a'])} {sides[0]}, {count(site['n_b'])} {sides[1]})"
        for site in found.get("not_testable") or []
    ]
    untested = f" Not testable: {'; '.join(left_out)}." if left_out else ""
    if found.get("auc") is None:
        return f"Transfer to an unseen site could not be evaluated: {found['reason']}.{untested}"
    per_site = [
        f"{site['site']} {number(site['auc'])} ({count(site['n_a'])} {sides[0]}, {count(site['n_b'])} {sides[1]})"
        for site in found["sites"]
    ]
    permutation = found["permutation"]
    return (
        f"Transfer to an unseen site (secondary; learned at all other sites, tested at one): mean AUC "
        f"{number(found['auc'])} over {plural(len(per_site), 'site')}, {p_text(permutation['p'])} by "
        f"{count(permutation['n_permutations'])} labellings permuted within sites; {listing(per_site)}.{untested} "
        "Few sites say little about sites in general; the main result stands as it is."
    )


def _pairs(saved: Mapping[str, Any], sides: tuple[str, str]) -> str:
    found = saved.get("leave_pair_out")
    if not found:
        return ""
    if found.get("auc") is None:
        return f"Leaving pairs out could not be evaluated: {found['reason']}."
    permutation = found["permutation"]
    share = number(100 * found["auc"], 0)
    return (
        f"Leaving pairs out (secondary): with {count(found['n_a'])} {sides[0]} and {count(found['n_b'])} {sides[1]} "
        "the AUC over folds hangs on who is dealt to which fold. Each of the "
        f"{count(found['n_pairs'])} pairs of one {sides[0]} and one {sides[1]} was left out once: {share} % were put "
        f"in the right order (AUC {number(found['auc'])}), {p_text(permutation['p'])} by "
        f"{count(permutation['n_permutations'])} labellings. The same people are in many pairs: their number is no "
        "sample size."
    )
