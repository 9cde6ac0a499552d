"""What a study of this size can see, in plain words."""

from painconn.reporting.headline import people
from painconn.reporting.notation import MISSING, count, is_number, listing, number
from painconn.reporting.results import TargetResults

_SIZES = {0.2: "small", 0.5: "medium", 0.8: "large"}


def detectable_sentence(target: TargetResults) -> str:
    """Say which effects would probably have been missed; empty when that was not saved."""
    saved = (target.declaration or {}).get("minimum_detectable_effect")
    if not saved:
        return ""
    symbol, n_people = str(saved.get("effect") or "effect size"), people(*target.n_sides, target.kind)
    return (
        f"Minimum detectable effect (n = {n_people}, power {number(saved.get('power'))}, two-sided level "
        f"{number(saved.get('alpha'))}): {symbol} of {number(saved.get('one_test'), absent='no size')} for a single "
        f"test, {number(saved.get('whole_family'), absent='no size')} for any one test of the whole family of "
        f"{count(saved.get('family_size'))} (Bonferroni, an upper bound). Smaller effects would probably have been "
        "missed."
    )


def chances_sentence(target: TargetResults) -> str:
    """Say how often a study of this size finds a small, a medium and a large effect; empty when that was not saved."""
    saved = (target.declaration or {}).get("minimum_detectable_effect") or {}
    usual = saved.get("power_of_usual_effects") or []
    if not usual:
        return ""
    chances = [
        f"a {_SIZES.get(row['size'], '')} one ({saved['effect']} = {row['size']:g}) in {_percent(row['one_test'])} of "
        f"such studies as a single test, in {_percent(row['whole_family'])} as one of {count(saved['family_size'])}"
        for row in usual
    ]
    worst = [row for row in usual if is_number(row["whole_family"]) and row["whole_family"] < 0.5]
    blind = (
        f" It cannot see {listing([_SIZES.get(row['size'], '') for row in worst])} effects in its primary family: more "
        "often than not it would miss them, and what it does find there is exaggerated."
        if worst
        else ""
    )
    return f"If the effect were real, a study of this size would find {'; '.join(chances)}.{blind}"


def _percent(share: object) -> str:
    return f"{100 * share:.0f} %" if is_number(share) else MISSING
